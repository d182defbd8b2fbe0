#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The network device as its users see it: ethtool, addresses, filters, VLANs."""

import glob
import os
import re

from lib.py import EchoTraffic, TcpStream, WtoEnv, cmd, defer, ethtool, ip, ksft_eq, ksft_exit, \
    ksft_ge, ksft_in, ksft_ne, ksft_pr, ksft_run, ksft_true, ksft_variants, \
    wait_for, wait_progress
from lib.py.attribute import carrier_count
from lib.py.counters import ethtool_stats
from lib.py.env import checked_ping
from lib.py.rawframes import BROADCAST, FrameProbe
from lib.py.thorough import most_telling

FOREIGN_MAC = "02:1d:bf:77:77:77"
NEW_MAC = "02:1d:bf:00:99:01"
# More than fit into one message to the NIC
GROUPS = [f"01:00:5e:01:02:{number:02x}" for number in range(40)]


def ethtool_identity(cfg):
    """ethtool -i names driver, version, device."""
    info = dict(line.split(": ", 1) for line in
                ethtool(f"-i {cfg.ifname}").stdout.splitlines() if ": " in line)
    ksft_eq(info["driver"], cfg.driver)
    ksft_ne(info["version"].strip(), "")
    slot = os.path.basename(os.path.realpath(f"/sys/class/net/{cfg.ifname}/device"))
    ksft_eq(info["bus-info"], slot)
    ksft_eq(info["supports-statistics"], "yes")
    ksft_eq(ip(f"-d link show dev {cfg.ifname}", json=True)[0].get("parentdev"), slot)


def ethtool_shows(cfg):
    """Rings, channels, time stamping, link settings and statistics can be read."""
    rings = ethtool(f"-g {cfg.ifname}", json=True)[0]
    for kind in ("rx", "tx"):
        ksft_true(0 < rings[kind] <= rings[f"{kind}-max"], f"{kind} ring: {rings}")
    present, most = cfg.channels()
    ksft_true(1 <= present <= most, f"channels: {present} of {most}")
    ksft_eq(len(glob.glob(f"/sys/class/net/{cfg.ifname}/queues/rx-*")), present)
    ksft_eq(len(glob.glob(f"/sys/class/net/{cfg.ifname}/queues/tx-*")), present)
    # Refused by the in-tree driver without PTP
    if cfg.driver != "idpf":
        ksft_in("software-receive", ethtool(f"-T {cfg.ifname}").stdout)
    text = ethtool(cfg.ifname).stdout
    ksft_true(re.search(r"Speed: \d+Mb/s", text), text)
    ksft_in("Link detected: yes", text)
    names = re.findall(r"^\s+(\S.*?): \d+$", ethtool(f"-S {cfg.ifname}").stdout, re.MULTILINE)
    ksft_true(names, "no ethtool -S statistics")
    ksft_eq(len(names), len(set(names)), "names of statistics are unique")
    ksft_eq([n for n in names if not re.fullmatch(r"[\w.\[\]/-]+( \w+)*", n)], [])


def statistics_add_up(cfg):
    """ip -s link moves with traffic, which adds no errors."""
    def errors():
        stats = ip(f"-s link show dev {cfg.ifname}", json=True)[0]["stats64"]
        return stats["rx"]["errors"] + stats["tx"]["errors"]

    errors_before = errors()
    before = cfg.counters().levels["stack"]
    cfg.reachable(count=20)
    # The in-tree driver refreshes these numbers every 10 s only
    wait_for(lambda: cfg.counters().levels["stack"]["rx_packets"] >= before["rx_packets"] + 20,
             "20 received packets in ip -s link", 25, 0.25)
    ksft_eq(errors(), errors_before)


def features(cfg):
    """Single features by name, without ethtool's collective ones."""
    shown = ethtool(f"-k {cfg.ifname}", json=True)[0]
    return {name: state for name, state in shown.items()
            if isinstance(state, dict) and state["fixed"] is not None}


def features_toggle(cfg):
    """Each feature that is not fixed goes off, on and back, and the link stays."""
    before = features(cfg)
    downs = carrier_count(cfg.ifname, "down")
    toggled = [name for name, state in before.items() if not state["fixed"]]
    for name in toggled:
        wanted = before[name]["requested"]
        ethtool(f"-K {cfg.ifname} {name} {'off' if wanted else 'on'}")
        ksft_eq(features(cfg)[name]["requested"], not wanted, name)
        ethtool(f"-K {cfg.ifname} {name} {'on' if wanted else 'off'}")
        changed = {other: state for other, state in features(cfg).items()
                   if state != before[other]}
        ksft_eq(changed, {}, f"features that toggling {name} left changed")
    ksft_pr(f"toggled: {' '.join(toggled)}")
    cfg.wait_carrier()
    cfg.reachable()
    if cfg.driver == "wto":
        ksft_eq(carrier_count(cfg.ifname, "down"), downs, "link drops")


def filter_promiscuous(cfg):
    """Frames to another station arrive in promiscuous mode only."""
    defer(ip, f"link set dev {cfg.ifname} promisc off")
    with FrameProbe(cfg) as probe:
        ksft_true(probe.receives(cfg.dev["address"]), "frame to our address")
        ksft_true(probe.receives(BROADCAST), "broadcast")
        ksft_true(not probe.receives(FOREIGN_MAC), "foreign frame filtered")
        ip(f"link set dev {cfg.ifname} promisc on")
        wait_for(lambda: probe.receives(FOREIGN_MAC), "a foreign frame in promiscuous mode")
        ip(f"link set dev {cfg.ifname} promisc off")
        wait_for(lambda: not probe.receives(FOREIGN_MAC), "foreign frames filtered again")


def filter_multicast(cfg):
    """Groups arrive once they are joined, all of many, and not after they were left."""
    with FrameProbe(cfg) as probe:
        ksft_true(not probe.receives(GROUPS[-1]), "group that nobody joined")
        for group in GROUPS:
            ip(f"maddr add {group} dev {cfg.ifname}")
            defer(cmd, f"ip maddr del {group} dev {cfg.ifname}", fail=False)
        for group in GROUPS:
            wait_for(lambda g=group: probe.receives(g), f"a frame to {group}")
        ip(f"maddr del {GROUPS[-1]} dev {cfg.ifname}")
        wait_for(lambda: not probe.receives(GROUPS[-1]), "the group that was left to end")
        ksft_true(probe.receives(GROUPS[0]), "the others stay")


def filter_allmulti(cfg):
    """All multicast frames arrive with allmulticast, foreign unicast does not."""
    defer(ip, f"link set dev {cfg.ifname} allmulticast off")
    with FrameProbe(cfg) as probe:
        ip(f"link set dev {cfg.ifname} allmulticast on")
        wait_for(lambda: probe.receives(GROUPS[0]), "a multicast frame with allmulticast")
        ksft_true(not probe.receives(FOREIGN_MAC), "foreign frame filtered")
        ip(f"link set dev {cfg.ifname} allmulticast off")
        wait_for(lambda: not probe.receives(GROUPS[0]), "multicast frames filtered again")


def filter_survives(cfg):
    """Filters are in force again after down and up, and after a change of the queues."""
    group = GROUPS[0]
    ip(f"maddr add {group} dev {cfg.ifname}")
    defer(ip, f"maddr del {group} dev {cfg.ifname}")
    defer(cfg.restore_addresses)
    present, most = cfg.channels()
    ip(f"link set dev {cfg.ifname} down")
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    with FrameProbe(cfg) as probe:
        wait_for(lambda: probe.receives(group), "the group after down and up")
        if most > 1:
            defer(cfg.set_channels, present)
            cfg.set_channels(1 if present > 1 else 2)
            wait_for(lambda: probe.receives(group), "the group with other queues")
        ksft_true(not probe.receives(FOREIGN_MAC), "foreign frame filtered")


def mac_address_change(cfg):
    """A new address under traffic: frames to it arrive, to the old one no more."""
    old = cfg.dev["address"]
    defer(cfg.reachable)
    defer(forget_neighbours, cfg)
    defer(ip, f"link set dev {cfg.ifname} address {old}")
    with FrameProbe(cfg) as probe, TcpStream(cfg) as stream, EchoTraffic(cfg) as echo:
        ip(f"link set dev {cfg.ifname} address {NEW_MAC}")
        ksft_eq(ip(f"link show dev {cfg.ifname}", json=True)[0]["address"], NEW_MAC)
        forget_neighbours(cfg)
        wait_for(lambda: probe.receives(NEW_MAC), "a frame to the new address")
        # The in-tree driver forgets to tell the device
        if cfg.driver != "idpf":
            wait_for(lambda: not probe.receives(old), "the old address to be filtered")
        wait_progress((stream, echo), "with the new address")
    ksft_eq(stream.errors + echo.errors, [])
    for bad in ("00:00:00:00:00:00", "01:00:5e:00:00:01"):
        refused = cmd(f"ip link set dev {cfg.ifname} address {bad}", fail=False)
        ksft_ne(refused.ret, 0, f"address {bad}")
    ksft_eq(ip(f"link show dev {cfg.ifname}", json=True)[0]["address"], NEW_MAC)


def forget_neighbours(cfg):
    """Makes the peer ask for our address again."""
    ip(f"neigh flush dev {cfg.remote_ifname}", ns=cfg.peer_ns)


@ksft_variants(most_telling(["vlan", "qinq"], "qinq"))
def vlan_traffic(cfg, kind):
    """A VLAN device, or one in another, passes packets as long as the port's MTU."""
    cfg.with_mtu(1500)
    for (ifname, netns), number in zip(cfg.ends(), (1, 2)):
        lower = ifname
        if kind == "qinq":
            lower = add_vlan(lower, "s200", 200, "802.1ad", netns)
        name = add_vlan(lower, "c100", 100, "802.1Q", netns)
        # 1500 byte packets in frames that carry tags beside them
        ip(f"link set dev {name} mtu 1500", ns=netns)
        ip(f"addr add 198.51.100.{number}/24 dev {name}", ns=netns)
    for size in (0, 56, 1472, 4000):
        checked_ping("198.51.100.2", 5, size)
    stats = ip("-s link show dev c100", json=True)[0]["stats64"]
    ksft_ge(stats["rx"]["packets"], 20)


def add_vlan(lower, name, vid, proto, netns):
    """Creates a VLAN device, up, for the time of one case."""
    ip(f"link add link {lower} name {name} type vlan proto {proto} id {vid}", ns=netns)
    defer(ip, f"link del {name}", ns=netns)
    ip(f"link set dev {name} up", ns=netns)
    return name


def statistics_names_stay(cfg):
    """The set of statistics does not change with traffic, only the numbers."""
    before = ethtool_stats(cfg.ifname)
    cfg.reachable()
    # Drivers ask the NIC for its own counters every few seconds
    wait_for(lambda: any(ethtool_stats(cfg.ifname)[name] > value
                         for name, value in before.items()), "some number to move", 25, 0.25)
    ksft_eq(list(before), list(ethtool_stats(cfg.ifname)))


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([ethtool_identity, ethtool_shows, statistics_add_up, statistics_names_stay,
                  features_toggle, filter_promiscuous, filter_multicast, filter_allmulti,
                  filter_survives, mac_address_change, vlan_traffic], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
