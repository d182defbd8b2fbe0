#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Several vports on one function: a netdev for each, with settings, counters and a life of its own.
The third and the fourth port have as many vports each and are wired to each other:

    lab run --ports 4 --port-arg 2:vports=4 --port-arg 3:vports=4 ...
"""

import contextlib
import glob
import os

from lib.py import KsftSkipEx, TcpStream, WtoEnv, cmd, ip, ksft_eq, ksft_exit, \
    ksft_ge, ksft_lt, ksft_ne, ksft_run, wait_for, wait_progress
from lib.py.attribute import read_attr, rebind
from lib.py.ends import End, Pair, check_streams, ping_end
from lib.py.env import DEFAULT_MTU, nic_functions, write_sysctl
from lib.py.faults import FaultWatch

HERE, THERE = 2, 3
PORT = f"port{HERE}"
NETNS = "vports"
# The in-tree driver asks the NIC for its counters every 10 s
STATS_S = 25
FRAMES = 50
NOISE = FRAMES // 2
MTU = 3000


def vport_netdevs(number):
    """sysfs directories of a function's netdevs."""
    return glob.glob(f"{nic_functions()[number]}/net/*")


def vport_names(number):
    """Netdevs of a function, in the order of its vports."""
    names = {}
    for path in vport_netdevs(number):
        names[int(read_attr(f"{path}/dev_port"))] = os.path.basename(path)
    ksft_eq(sorted(names), list(range(len(names))), "numbers of the vports")
    return [names[index] for index in sorted(names)]


class Vport(End):
    """One vport: number @index of port @number."""

    def __init__(self, cfg, number, index, ifname):
        self.cfg = cfg
        self.number = number
        self.index = index
        host = number - HERE + 1
        super().__init__(ifname, NETNS if number == THERE else None,
                         {"4": f"198.18.{index + 1}.{host}",
                          "6": f"2001:db8:{index + 1}::{host}"})

    def nic_received(self):
        """Frames that the NIC gave to it."""
        return self.cfg.nic.port_stats(f"port{self.number}")["vports"][self.index]["rx_packets"]

    def received(self):
        """Frames that the stack got of it."""
        shown = ip(f"-s link show dev {self.ifname}", json=True, ns=self.netns)[0]
        return shown["stats64"]["rx"]["packets"]

    def settings(self):
        """What a user can set, and what must not happen meanwhile."""
        link = self.link()
        changes = int(read_attr(f"/sys/class/net/{self.ifname}/carrier_changes"))
        return {"mtu": link["mtu"], "address": link["address"], "carrier changes": changes,
                "channels": self.ethtool("-l {}"), "rings": self.ethtool("-g {}"),
                "hash": self.ethtool("-x {}"), "coalescing": self.ethtool("-c {}"),
                "features": self.ethtool("-k {}")}


class Vports:
    """All vports of both ports, with cables between those of the same index."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.here, self.there = (
            [Vport(cfg, number, index, name) for index, name in enumerate(vport_names(number))]
            for number in (HERE, THERE))

    def all(self):
        """Both sides."""
        return self.here + self.there

    def cables(self):
        """Pairs of ends."""
        return list(zip(self.here, self.there))

    def streams(self, stack, ends):
        """A stream from each of @ends on our side, which end with @stack."""
        return [stack.enter_context(TcpStream(Pair(end.addrs, self.there[end.index].addrs, NETNS)))
                for end in ends]

    def set_up(self):
        """Addresses; each vport answers for its own ones alone."""
        ip(f"netns add {NETNS}")
        for netns in (None, NETNS):
            write_sysctl("net.ipv4.conf.all.arp_ignore", 1, netns)
        for end in self.all():
            end.set_up()
        for end in self.all():
            end.wait_link()


def netdevs(vports):
    """A netdev for each, with an address and queues of its own."""
    told = vports.cfg.nic.command("ports")["ports"]
    for number, side in ((HERE, vports.here), (THERE, vports.there)):
        ksft_eq(len(side), told[number]["vports"])
        ksft_eq(len({end.link()["address"] for end in side}), len(side), "addresses")
    queues = vports.cfg.nic.port_stats(PORT)["queues"]
    for end in vports.here:
        end.ethtool("-L {} combined 2")
    enabled = sum(queue["enabled"] for queue in vports.cfg.nic.port_stats(PORT)["queues"]["rx"])
    ksft_eq(enabled, 2 * len(vports.here), "receive queues in use")
    ksft_ge(len(queues["rx"]), enabled)


def traffic(vports):
    """Pings of any length, and streams over all of them at once."""
    for end in vports.there:
        ping_end(end)
    check_streams(vports.cables())


def frames_flow_apart(vports):
    """Each frame comes to the vport that it is for, and to no other."""
    for end in vports.there:
        ping_end(end, 56)
    for target, sender in vports.cables():
        before = [end.nic_received() for end in vports.here]
        cmd(f"ping -c {FRAMES} -i 0.002 -W 5 -w 60 {target.addrs['4']}", ns=sender.netns)
        grown = [end.nic_received() - old for end, old in zip(vports.here, before)]
        ksft_ge(grown.pop(target.index), FRAMES, f"frames for {target.ifname}")
        for count in grown:
            ksft_lt(count, NOISE, "frames at the others")


def counters(vports):
    """What the stack counts of a vport is what the NIC gave to that vport."""
    for end in vports.all():
        wait_for(lambda e=end: e.received() == e.nic_received(),
                 f"{end.ifname}: the same number of frames in NIC and stack", STATS_S, 0.25)


def down_apart(vports):
    """One goes down: the others do not notice, and it comes back."""
    first = vports.here[0]
    with contextlib.ExitStack() as stack:
        streams = vports.streams(stack, vports.here[1:])
        for _ in range(3):
            first.take_down()
            wait_progress(streams, "while one is down")
            first.bring_up()
            first.wait_link()
            wait_progress(streams, "once it is up again")
    ksft_eq([stream.errors for stream in streams if stream.errors], [])
    ping_end(vports.there[0])


def set_apart(cable):
    """Settings that no other vport has; its peer has to know the MTU."""
    end, peer = cable
    for each in cable:
        ip(f"link set dev {each.ifname} mtu {MTU}", ns=each.netns)
    peer.bring_up()
    peer.wait_link()
    end.ethtool("-L {} combined 3")
    end.ethtool("-G {} rx 512 tx 256")
    end.ethtool("-X {} equal 2")
    end.ethtool("-C {} adaptive-rx off rx-usecs 20")
    end.ethtool("-K {} tso off")
    ip(f"link set dev {end.ifname} address 02:00:00:00:07:0{end.index}")


def settings_apart(vports):
    """Settings of one are none of the others'."""
    vports.cfg.require_driver("wto", "its links drop")
    one, rest = vports.here[1], vports.here[:1] + vports.here[2:]
    with contextlib.ExitStack() as stack:
        streams = vports.streams(stack, rest)
        before = [end.settings() for end in rest]
        old = one.settings()
        set_apart((one, vports.there[one.index]))
        for name, value in one.settings().items():
            if name == "carrier changes":
                ksft_eq(value, old[name], name)
            else:
                ksft_ne(value, old[name], name)
        ksft_eq([end.settings() for end in rest], before)
        wait_progress(streams, "after the change")
    ksft_eq([stream.errors for stream in streams if stream.errors], [])
    traffic(vports)


def reset_here(vports, spec=None):
    """The NIC resets the function; returns what the driver told of it since."""
    with Watch(vports, spec) as watch:
        vports.cfg.nic.command(f"fault reset=10@{PORT}")
        watch.wait_counted("resets")
    for end in vports.here:
        end.bring_up()
        end.wait_link()
    return watch


class Watch(FaultWatch):
    """FaultWatch of the port with the vports."""

    def __init__(self, vports, spec):
        super().__init__(EndConfig(vports), spec)


class EndConfig:
    """What FaultWatch wants to know, of the port with the vports."""

    NIC_PORT = PORT

    def __init__(self, vports):
        self.nic = vports.cfg.nic
        self.driver = vports.cfg.driver
        self.ifname = vports.here[0].ifname


def settings_after_reset(vports):
    """Recovery brings back all vports, each with its settings."""
    vports.cfg.require_driver("wto", "it forgets some of them")
    set_apart(vports.cables()[2])
    before = [end.settings() for end in vports.here]
    reset_here(vports)
    after = [end.settings() for end in vports.here]
    for one in before + after:
        del one["carrier changes"]
    ksft_eq(after, before)
    traffic(vports)


def twins(vports):
    """A NIC that gives an id and queues twice is not believed, and the next attempt succeeds."""
    vports.cfg.require_driver("wto", "believes what it is told")
    watch = reset_here(vports, "reply-twist=vport-same:count=2")
    ksft_eq(watch.grew("reset_failures"), 1, "failed attempts")
    watch.check_said("the device gave it the id")
    traffic(vports)


def bound_again(vports):
    """Without a driver all netdevs are gone; with one they are all there again."""
    function = nic_functions()[HERE]
    driver = vports.cfg.driver
    names = [end.ifname for end in vports.here]
    rebind(driver, "unbind", function)
    ksft_eq([name for name in names if os.path.exists(f"/sys/class/net/{name}")], [])
    ksft_eq(vports.cfg.nic.port_stats(PORT)["vports"], [], "vports that the NIC still has")
    for end in vports.there:
        ip(f"link set dev {end.ifname} mtu {DEFAULT_MTU}", ns=end.netns)
    rebind(driver, "bind", function)
    # The in-tree driver makes them in the background
    wait_for(lambda: len(vport_netdevs(HERE)) == len(names), "all netdevs", 30)
    for end, name in zip(vports.here, vport_names(HERE)):
        end.ifname = name
        end.set_up()
        end.wait_link()
    traffic(vports)


def main() -> None:
    """Sets the vports up and runs the cases."""
    with WtoEnv(__file__) as cfg:
        cfg.require_nic()
        told = cfg.nic.command("ports")["ports"]
        if len(told) <= THERE or told[HERE]["vports"] < 3:
            raise KsftSkipEx("needs ports with several vports, see the top of this file")
        vports = Vports(cfg)
        vports.set_up()
        ksft_run([netdevs, traffic, frames_flow_apart, counters, down_apart, settings_apart,
                  settings_after_reset, twins, bound_again], args=(vports, ))
    ksft_exit()


if __name__ == "__main__":
    main()
