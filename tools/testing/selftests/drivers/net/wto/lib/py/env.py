# SPDX-License-Identifier: GPL-2.0-only
"""The pair of ports that the tests run on: ours, and the peer's in its namespace."""

import glob
import os
import re

from lib.py import CmdExitFailure, KsftFailEx, KsftSkipEx, NetDrvEpEnv, cmd, defer, ethtool, \
    ip, ksft_pr
from .counters import Counters, netdev_family, stack_totals
from .nic import LabPort, Nic
from .wait import wait_for

CARRIER_S = 30
DEFAULT_MTU = 1500


class WtoEnv(NetDrvEpEnv):
    """
    NetDrvEpEnv on real or software NICs, with the peer in a namespace of this machine.

    Attributes beside those of the base class:
      driver    name of the module under test
      peer_ns   the peer's namespace
      nic       control socket of the software NIC; None on other NICs
      lab       requests to the lab; None outside of it
    """

    # Our port, and the peer's, by the software NIC's names
    NIC_PORT = "port0"
    NIC_PEER_PORT = "port1"

    def __init__(self, src_path):
        super().__init__(src_path, nsim_test=False)
        if self.env["REMOTE_TYPE"] != "netns":
            raise KsftSkipEx("the peer must be in a network namespace of this machine")
        self.peer_ns = self.env["REMOTE_ARGS"]
        self.driver = self._driver_name()
        self.nic = Nic() if Nic().exists() else None
        self.lab = LabPort() if LabPort().exists() else None

    def _driver_name(self):
        path = os.path.realpath(f"/sys/class/net/{self.ifname}/device/driver")
        return os.path.basename(path)

    def require_nic(self):
        """Skips the case unless the software NIC can be asked."""
        if not self.nic:
            raise KsftSkipEx("needs the control socket of the software NIC")

    def require_driver(self, name, why):
        """Skips the case unless the driver is @name."""
        if self.driver != name:
            raise KsftSkipEx(f"driver {self.driver}: {why}")

    def refresh(self):
        """Interface indexes change when a driver is loaded again."""
        # pylint: disable=attribute-defined-outside-init
        self.dev = ip(f"-d link show dev {self.ifname}", json=True)[0]
        self.ifindex = self.dev["ifindex"]
        self.remote_dev = ip(f"-d link show dev {self.remote_ifname}", json=True,
                             ns=self.peer_ns)[0]
        self.remote_ifindex = self.remote_dev["ifindex"]

    def ends(self):
        """(interface name, namespace) of both ports."""
        return ((self.ifname, None), (self.remote_ifname, self.peer_ns))

    def wait_carrier(self, up=True):
        """Waits until both ports have a link, or ours has none."""
        ends = self.ends() if up else self.ends()[:1]
        for ifname, netns in ends:
            wait_for(lambda i=ifname, n=netns: has_carrier(i, n) == up,
                     f"{ifname}: carrier {'on' if up else 'off'}", CARRIER_S)

    def counters(self, peer=False):
        """Snapshot of a port's counters at all levels."""
        name = self.NIC_PEER_PORT if peer else self.NIC_PORT
        nic_port = self.nic.port_stats(name) if self.nic else None
        if peer:
            return Counters.read(self.remote_ifname, self.remote_ifindex, self.peer_ns, nic_port)
        return Counters.read(self.ifname, self.ifindex, None, nic_port)

    def max_mtu(self):
        """The largest MTU that both ports accept."""
        return min(self.dev["max_mtu"], self.remote_dev["max_mtu"])

    def set_mtu(self, mtu):
        """Sets the MTU of both ports, waits until they are back, restores addresses."""
        for ifname, netns in self.ends():
            ip(f"link set dev {ifname} mtu {mtu}", ns=netns)
        self.restore_addresses()
        self.wait_carrier()

    def with_mtu(self, mtu):
        """set_mtu() for the time of one case."""
        defer(self.set_mtu, DEFAULT_MTU)
        self.set_mtu(mtu)

    def restore_addresses(self):
        """IPv6 forgets its addresses on a port that went down or below an MTU of 1280."""
        ours = (self.addr_v["4"], self.addr_v["6"])
        peers = (self.remote_addr_v["4"], self.remote_addr_v["6"])
        for (ifname, netns), (addr4, addr6) in zip(self.ends(), (ours, peers)):
            mtu = ip(f"link show dev {ifname}", json=True, ns=netns)[0]["mtu"]
            ip(f"addr replace {addr4}/24 dev {ifname}", ns=netns)
            if mtu >= 1280:
                ip(f"-6 addr replace {addr6}/64 dev {ifname} nodad", ns=netns)

    def quiesce(self):
        """
        No packet that the test does not ask for, until the end of the case: neighbours are
        known beforehand, no routers are looked for, first multicast reports are over.
        """
        self.pin_neighbours()
        self.wait_quiet()
        self.wait_fresh_totals()

    def pin_neighbours(self):
        """Both ends know their neighbours and look for no routers until the end of the case."""
        macs = [ip(f"link show dev {i}", json=True, ns=n)[0]["address"] for i, n in self.ends()]
        targets = [self.remote_addr_v, self.addr_v]
        for (ifname, netns), mac, addrs in zip(self.ends(), reversed(macs), targets):
            for addr in addrs.values():
                ip(f"neigh replace {addr} lladdr {mac} nud permanent dev {ifname}", ns=netns)
                # Gone already if the port was down meanwhile
                defer(cmd, f"ip neigh del {addr} dev {ifname}", fail=False, ns=netns)
            # Others are probed some seconds after they were used: an end that probes does so from
            # its link-local address, which the far end has in its table from then on
            ip(f"neigh flush dev {ifname}", ns=netns)
            self.set_sysctl(f"net.ipv6.conf.{ifname}.router_solicitations", 0, netns)

    def wait_quiet(self, quiet_s=1.0):
        """Waits until the wire has been silent for a while."""
        if not self.nic:
            return
        state = {"seen": None, "since": 0.0}

        def silent():
            wire = self.nic.port_stats(self.NIC_PORT)["wire"]
            now = (wire["rx_packets"], wire["tx_packets"])
            state["since"] = state["since"] + 0.1 if now == state["seen"] else 0.0
            state["seen"] = now
            return state["since"] >= quiet_s

        wait_for(silent, "a silent wire", 30, 0.1)

    def wait_fresh_totals(self):
        """
        The in-tree driver shows in ip -s link what the NIC counted up to 10 s ago; waits until
        it has caught up with a silent wire.
        """
        if self.driver != "idpf" or not self.nic:
            return
        for (ifname, netns), name in zip(self.ends(), (self.NIC_PORT, self.NIC_PEER_PORT)):
            vport = self.nic.port_stats(name)["vports"][0]
            wanted = (vport["rx_packets"], vport["tx_packets"])

            def fresh(i=ifname, n=netns, w=wanted):
                now = stack_totals(i, n)
                return (now["rx_packets"], now["tx_packets"]) == w

            wait_for(fresh, f"{ifname}: {wanted} packets in ip -s link", 25, 0.25)

    def set_sysctl(self, name, value, netns=None):
        """Sets a sysctl for the time of one case."""
        old = cmd(f"sysctl -n {name}", ns=netns).stdout.strip()
        if old != str(value):
            write_sysctl(name, value, netns)
            defer(restore_sysctl, name, old, netns)

    # Channels

    def channels(self):
        """(present, most) combined channels."""
        info = ethtool(f"-l {self.ifname}", json=True)[0]
        return info.get("combined", 0), info.get("combined-max", 0)

    def set_channels(self, count, peer=False):
        """Changes the number of queue pairs, waits until the port is back."""
        ifname, netns = self.ends()[1 if peer else 0]
        ethtool(f"-L {ifname} combined {count}", ns=netns)
        self.wait_carrier()

    # Loading and unloading

    def unload(self):
        """Removes the driver, and with it both ports."""
        cmd(f"rmmod {self.driver}", timeout=60)

    def load(self):
        """Loads the driver and sets the pair up as the lab had it."""
        module = self.env.get("WTO_MODULE")
        if self.driver == "wto" and module:
            cmd(f"insmod {module}")
        else:
            cmd(f"modprobe {self.driver}")
        self.set_up_pair()

    def set_up_pair(self):
        """Names, namespace, addresses; waits for the link of both ports."""
        for number in range(2):
            self.set_up_port(number)
        self.restore_addresses()
        self.wait_carrier()
        self.refresh()

    def set_up_port(self, number):
        """Gives one of the ports its name and namespace, and sets it up."""
        function = nic_functions()[number]
        name, netns = self.ends()[number]
        nets = wait_for(lambda: glob.glob(f"{function}/net/*"),
                        f"network device of {function}", CARRIER_S)
        old = os.path.basename(nets[0])
        if old != name:
            ip(f"link set dev {old} name {name}")
        if netns:
            ip(f"link set dev {name} netns {netns}")
        ip(f"link set dev {name} up", ns=netns)

    def reachable(self, ipver="4", count=3):
        """Pings the peer; raises if no answer comes."""
        addr = self.remote_addr_v[ipver]
        ping_until_answered(addr)
        checked_ping(addr, count)

    # Netlink

    def netdev(self, peer=False):
        """The netdev netlink family as seen by one of the ports."""
        return netdev_family(self.peer_ns if peer else None)


def has_carrier(ifname, netns=None):
    """Whether a port that is up has a link."""
    flags = ip(f"link show dev {ifname}", json=True, ns=netns)[0]["flags"]
    return "LOWER_UP" in flags


def nic_functions():
    """sysfs directories of the Ethernet functions, in PCI order."""
    found = []
    for path in sorted(glob.glob("/sys/bus/pci/devices/*")):
        with open(f"{path}/class", encoding="ascii") as file:
            if file.read().startswith("0x0200"):
                found.append(path)
    return found


def checked_ping(addr, count, size=56, host=None):
    """
    Runs the ping program, which compares its payload; raises if one of the first @count
    requests has no answer, or a wrong one.
    """
    # With -w it waits for late answers, and asks on meanwhile
    out = cmd(f"ping -c {count} -w 30 -i 0.1 -s {size} -p c0ffee17 {addr}", host=host,
              timeout=60).stdout
    answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", out)}
    if not answered.issuperset(range(1, count + 1)) or "wrong data byte" in out:
        raise KsftFailEx(f"ping of {size} bytes: {out}")


def ping_until_answered(addr, deadline=20):
    """A port that just came up may still have to find its neighbour."""
    wait_for(lambda: cmd(f"ping -c 1 -W 1 {addr}", fail=False).ret == 0,
             f"an answer of {addr}", deadline)


def write_sysctl(name, value, netns):
    """Sets a sysctl in a namespace (None: ours)."""
    # The value may hold blanks, which cmd() would split a string at
    words = ["sysctl", "-qw", f"{name}={value}"]
    cmd(["ip", "netns", "exec", netns, *words] if netns else words)


def restore_sysctl(name, value, netns):
    """Undoes set_sysctl(); the interface may have gone."""
    try:
        write_sysctl(name, value, netns)
    except CmdExitFailure as error:
        ksft_pr(f"sysctl {name} is not restored: {error.cmd.stderr.strip()}")
