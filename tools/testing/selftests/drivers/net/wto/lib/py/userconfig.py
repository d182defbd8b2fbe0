# SPDX-License-Identifier: GPL-2.0-only
"""What a user configures on our port: everything at once, to see that it is kept."""

import contextlib

from lib.py import CmdExitFailure, cmd, ethtool, ip, ksft_eq, ksft_true, wait_for
from .env import DEFAULT_MTU, checked_ping
from .rawframes import FrameProbe

MTU = 1900
OWN_MAC = "02:1d:bf:00:99:01"
SECOND_MAC = "02:1d:bf:00:99:02"
FOREIGN_MAC = "02:1d:bf:77:77:77"
GROUPS = [f"01:00:5e:01:02:{number:02x}" for number in range(8)]
FOREIGN_GROUP = "01:00:5e:7f:7f:7f"
KEY = ":".join(f"{(17 * number + 3) & 0xff:02x}" for number in range(52))
VLAN = "c100"
VLAN_ADDRS = ("198.51.100.1", "198.51.100.2")

# Set where the driver has them; what it refuses is not part of the comparison
OPTIONAL = ("-C {} adaptive-rx off adaptive-tx off rx-usecs 24 tx-usecs 48",
            "-N {} rx-flow-hash udp4 sd", "-N {} rx-flow-hash tcp6 sd")
SHOWN = {"rings": "-g", "channels": "-l", "table and key": "-x", "features": "-k",
         "moderation": "-c"}
SHOWN_TEXT = {"udp4 hash": "-n {} rx-flow-hash udp4", "tcp6 hash": "-n {} rx-flow-hash tcp6"}


class UserConfig:
    """
    Rings, channels, RSS, features, moderation, MTU, addresses, groups and a VLAN, each other
    than by default, for the time of a with statement.  check() compares with what was there
    right after setting.
    """

    def __init__(self, cfg, channels=3):
        self.cfg = cfg
        self.channels = channels
        self.before = None
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        # Where it makes no sense the cases skip, see require()
        if self.cfg.nic and self.cfg.driver == "wto":
            with self._undo:
                self._apply()
                self._undo = self._undo.pop_all()
        return self

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        """Undoes everything before the end of the with statement."""
        self._undo.close()

    def require(self):
        """Skips the case where there is no NIC to be asked, or no driver of ours."""
        self.cfg.require_nic()
        self.cfg.require_driver("wto", "does not bring back what the user configured")

    def _later(self, action, *args, **kwargs):
        self._undo.callback(action, *args, **kwargs)

    def _apply(self):
        cfg = self.cfg
        self._later(cfg.set_mtu, DEFAULT_MTU)
        cfg.set_mtu(MTU)
        self._set_queues()
        self._set_rss()
        self._set_addresses()
        self._add_vlan()
        cfg.wait_carrier()
        cfg.refresh()
        cfg.reachable()
        self.before = self.read()

    def _set_queues(self):
        cfg = self.cfg
        present, most = cfg.channels()
        rings = ethtool(f"-g {cfg.ifname}", json=True)[0]
        self._later(cfg.set_channels, present)
        cfg.set_channels(min(self.channels, most))
        self._later(ethtool, f"-G {cfg.ifname} rx {rings['rx']} tx {rings['tx']}")
        ethtool(f"-G {cfg.ifname} rx 256 tx 128")
        for option in OPTIONAL:
            with contextlib.suppress(CmdExitFailure):
                ethtool(option.format(cfg.ifname))

    def _set_rss(self):
        cfg = self.cfg
        weights = " ".join(str(number + 1) for number in range(cfg.channels()[0]))
        self._later(ethtool, f"-X {cfg.ifname} default")
        ethtool(f"-X {cfg.ifname} hkey {KEY} weight {weights}")
        self._later(ethtool, f"-K {cfg.ifname} rxhash on")
        ethtool(f"-K {cfg.ifname} rxhash off")

    def _set_addresses(self):
        cfg = self.cfg
        self._later(cfg.refresh)
        self._later(ip, f"neigh flush dev {cfg.remote_ifname}", ns=cfg.peer_ns)
        self._later(ip, f"link set dev {cfg.ifname} address {cfg.dev['address']}")
        ip(f"link set dev {cfg.ifname} address {OWN_MAC}")
        cmd(f"bridge fdb add {SECOND_MAC} dev {cfg.ifname}")
        self._later(cmd, f"bridge fdb del {SECOND_MAC} dev {cfg.ifname}")
        for group in GROUPS:
            ip(f"maddr add {group} dev {cfg.ifname}")
            self._later(ip, f"maddr del {group} dev {cfg.ifname}")
        ip(f"neigh flush dev {cfg.remote_ifname}", ns=cfg.peer_ns)

    def _add_vlan(self):
        for (ifname, netns), addr in zip(self.cfg.ends(), VLAN_ADDRS):
            ip(f"link add link {ifname} name {VLAN} type vlan id 100", ns=netns)
            self._later(ip, f"link del {VLAN}", ns=netns)
            ip(f"addr add {addr}/24 dev {VLAN}", ns=netns)
            ip(f"link set dev {VLAN} up", ns=netns)

    def read(self):
        """All of it as the user sees it."""
        cfg = self.cfg
        seen = {}
        for what, option in SHOWN.items():
            with contextlib.suppress(CmdExitFailure):
                seen[what] = ethtool(f"{option} {cfg.ifname}", json=True)[0]
        for what, option in SHOWN_TEXT.items():
            with contextlib.suppress(CmdExitFailure):
                seen[what] = ethtool(option.format(cfg.ifname)).stdout
        link = ip(f"-d link show dev {cfg.ifname}", json=True)[0]
        seen["link"] = {name: link.get(name) for name in
                        ("mtu", "address", "promiscuity", "allmulti", "txqlen", "ifindex")}
        seen["flags"] = sorted(set(link["flags"]) & {"PROMISC", "ALLMULTI", "UP"})
        # The protocols come and go with groups of their own
        stations = cmd(f"bridge fdb show dev {cfg.ifname}").stdout
        seen["stations"] = [addr for addr in (SECOND_MAC, *GROUPS) if addr in stations]
        return seen

    def check(self, what):
        """Settings, the NIC's RSS table, filters in force, and the VLAN are as they were."""
        now = self.read()
        for name, value in self.before.items():
            ksft_eq(now.get(name), value, f"{what}: {name}")
        self._check_nic(now, what)
        self._check_filters(what)
        checked_ping(VLAN_ADDRS[1], 2, MTU - 28)

    def _check_nic(self, now, what):
        if not self.cfg.nic or "table and key" not in now:
            return
        rss = self.cfg.nic.command(f"rss {self.cfg.NIC_PORT}")["vports"][0]
        shown = now["table and key"]
        ksft_eq(list(bytes.fromhex(rss["key"])), shown["rss-hash-key"], f"{what}: key in the NIC")
        # The NIC's table is longer: the user's, again and again
        table = shown["rss-indirection-table"]
        ksft_eq(rss["lut"], [table[i % len(table)] for i in range(len(rss["lut"]))],
                f"{what}: table in the NIC")

    def _check_filters(self, what):
        with FrameProbe(self.cfg) as probe:
            for addr in (OWN_MAC, SECOND_MAC, GROUPS[0], GROUPS[-1]):
                wait_for(lambda a=addr: probe.receives(a), f"{what}: a frame to {addr}")
            for addr in (FOREIGN_MAC, FOREIGN_GROUP):
                ksft_true(not probe.receives(addr), f"{what}: frame to {addr} filtered")
