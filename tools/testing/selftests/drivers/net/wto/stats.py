#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packet and byte counters of stack, driver, NIC and wire: exactly the same numbers."""

import os
import socket

from lib.py import KsftSkipEx, WtoEnv, defer, ethtool, ip, ksft_disruptive, ksft_eq, ksft_exit, \
    ksft_ge, ksft_pr, ksft_run, ksft_variants, peer_socket, wait_for
from lib.py.attribute import read_attr, write_attr
from lib.py.bursts import Burst
from lib.py.counters import FIELDS, ethtool_stats
from lib.py.rawframes import ETHERTYPE, mac_bytes
from lib.py.thorough import most_telling
from lib.py.traffic import big_buffers

# The in-tree driver refreshes ip -s link every 10 s only
LAG_S = 25
# CONFIG_FAIL_PAGE_ALLOC, in the lab's debug kernel
FAIL_PAGES = "/sys/kernel/debug/fail_page_alloc"


def settled(cfg, before, peer):
    """The growth of a port's counters, as soon as all levels agree."""
    last = {}

    def agree():
        last["diff"] = cfg.counters(peer) - before
        return not last["diff"].differences()

    try:
        wait_for(agree, "counters to agree", LAG_S, 0.25)
    except TimeoutError:
        ksft_pr("\n".join(last["diff"].differences()))
    return last["diff"]


@ksft_variants(most_telling(
    (f"v{ipver}_{size}" for ipver in ("4", "6") for size in (32, 1400, 8000)), "v4_32", "v6_8000"))
def stats_agree(cfg, variant):
    """Bursts each way: each level counts what was sent, at both ports."""
    ipver, size = variant[1], int(variant[3:])
    cfg.require_nic()
    if size > 1472:
        cfg.with_mtu(cfg.max_mtu())
    cfg.reachable(ipver)
    cfg.quiesce()
    before = [cfg.counters(), cfg.counters(peer=True)]
    sent = []
    for from_peer in (False, True):
        with Burst(cfg, flows=32, size=size, ipver=ipver, from_peer=from_peer) as burst:
            count, good = burst.run()
            ksft_eq(good, count)
            sent.append(count)
    ours, peers = (settled(cfg, before[peer], peer) for peer in (False, True))
    # Ethernet, IP and UDP headers, the payload, and its sequence number
    frame = 14 + (40 if ipver == "6" else 20) + 8 + size + 1
    for diff, tx_count, rx_count in ((ours, *sent), (peers, *reversed(sent))):
        expected = {"tx_packets": tx_count, "tx_bytes": tx_count * frame,
                    "rx_packets": rx_count, "rx_bytes": rx_count * frame}
        for level, values in diff.levels.items():
            ksft_eq(values, {f: expected[f] for f in FIELDS}, f"IPv{ipver}, {size}: {level}")


def stats_wire_both_ends(cfg):
    """What one port sent is what the other received, since the NIC was started."""
    cfg.require_nic()
    cfg.quiesce()
    ports = [cfg.nic.port_stats(name)["wire"] for name in (cfg.NIC_PORT, cfg.NIC_PEER_PORT)]
    for one, other in (ports, reversed(ports)):
        for what in ("packets", "bytes"):
            ksft_eq(one[f"tx_{what}"], other[f"rx_{what}"], what)


@ksft_disruptive
def stats_survive(cfg):
    """Totals never go back: not over down and up, not over another number of queues."""
    cfg.reachable()
    present, most = cfg.channels()
    if most < 2:
        raise KsftSkipEx("one queue pair only")
    defer(cfg.set_channels, present)
    defer(cfg.restore_addresses)
    before = cfg.counters().levels["stack"]
    ip(f"link set dev {cfg.ifname} down")
    while_down = cfg.counters().levels["stack"]
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    after_up = cfg.counters().levels["stack"]
    cfg.set_channels(1 if present > 1 else 2)
    after_channels = cfg.counters().levels["stack"]
    for older, newer in ((before, while_down), (while_down, after_up),
                         (after_up, after_channels)):
        for field in FIELDS:
            ksft_ge(newer[field], older[field], field)


def error_counts(cfg):
    """Everything that counts errors, at all levels, by name."""
    counts = {}
    for ifname, netns in cfg.ends():
        stats = ip(f"-s link show dev {ifname}", json=True, ns=netns)[0]["stats64"]
        for kind in ("rx", "tx"):
            counts[f"{ifname} {kind} errors"] = stats[kind]["errors"]
        for name, value in ethtool_stats(ifname, netns).items():
            if any(word in name for word in ("err", "bad_", "drop")):
                counts[f"{ifname} ethtool -S {name}"] = value
    for port in cfg.nic.stats()["ports"]:
        for name, value in port["errors"].items():
            counts[f"NIC {port['name']} {name}"] = value
    return counts


def stats_no_errors(cfg):
    """Good traffic is counted as an error at no level."""
    cfg.require_nic()
    cfg.reachable()
    cfg.quiesce()
    before = error_counts(cfg)
    for from_peer in (False, True):
        with Burst(cfg, from_peer=from_peer) as burst:
            sent, good = burst.run()
            ksft_eq(good, sent)
    after = error_counts(cfg)
    ksft_eq({name: value for name, value in after.items() if value != before[name]}, {})


def one_small_ring(cfg):
    """One queue, with few buffers."""
    rings = ethtool(f"-g {cfg.ifname}", json=True)[0]
    defer(cfg.set_channels, cfg.channels()[0])
    cfg.set_channels(1)
    defer(ethtool, f"-G {cfg.ifname} rx {rings['rx']}")
    ethtool(f"-G {cfg.ifname} rx 64")
    cfg.wait_carrier()


def qstats(cfg):
    """The port's totals in the netdev family."""
    return cfg.netdev().qstats_get({"ifindex": cfg.ifindex}, dump=True)[0]


def drops(cfg):
    """Frames for which there was no buffer: as the NIC tells, and as driver and stack show."""
    port, row = cfg.nic.port_stats(cfg.NIC_PORT), qstats(cfg)
    stack = ip(f"-s -s link show dev {cfg.ifname}", json=True)[0]["stats64"]["rx"]
    nic = {"wire": port["wire"]["rx_dropped_no_buffer"], "overflow":
           port["vports"][0]["rx_overflow_drop"], "discards": port["vports"][0]["rx_discards"]}
    ours = {"rx-hw-drop-overruns": row["rx-hw-drop-overruns"], "rx-hw-drops": row["rx-hw-drops"],
            "missed": stack["missed_errors"],
            "ethtool -S": ethtool_stats(cfg.ifname)["nic_rx_overflow_drop"]}
    return nic, ours


def stats_rx_drops(cfg):
    """
    The interrupts of a queue with few buffers get lost, so that it takes no frames for a moment:
    what the NIC drops for want of buffers is what it tells, and what driver and stack show.
    """
    cfg.require_nic()
    cfg.require_driver("wto", "it has no netdev_stat_ops")
    one_small_ring(cfg)
    cfg.reachable()
    cfg.quiesce()
    before = drops(cfg)
    frame = mac_bytes(cfg.dev["address"]) + mac_bytes(cfg.remote_dev["address"]) + \
        ETHERTYPE.to_bytes(2, "big") + bytes(100)
    with peer_socket(cfg.peer_ns, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((cfg.remote_ifname, 0))
        defer(cfg.nic.command, f"fault irq-lost=off@{cfg.NIC_PORT}")
        cfg.nic.command(f"fault irq-lost:count=0@{cfg.NIC_PORT}")

        def dropped():
            for _ in range(200):
                sock.send(frame)
            return drops(cfg)[0]["wire"] > before[0]["wire"]

        wait_for(dropped, "the NIC to drop frames", 60, 0.05)
    cfg.nic.command(f"fault irq-lost=off@{cfg.NIC_PORT}")
    cfg.reachable()
    cfg.wait_quiet()
    grown = {}

    def agree():
        now = drops(cfg)
        grown.update({name: value - old[name] for new, old in zip(now, before)
                      for name, value in new.items()})
        return len(set(grown.values())) == 1

    try:
        wait_for(agree, "driver and stack to show what the NIC counts", LAG_S, 0.25)
    except TimeoutError:
        pass
    ksft_pr(f"{grown}")
    ksft_ge(grown["wire"], 1)
    ksft_eq(grown, dict.fromkeys(grown, grown["wire"]))


def fail_pages(**settings):
    """Settings of the kernel's fault injection into allocations of pages."""
    for name, value in settings.items():
        write_attr(f"{FAIL_PAGES}/{name.replace('_', '-')}", value)


def stats_alloc_fail(cfg):
    """No memory for receive buffers for a moment: that is counted, and the queue goes on."""
    cfg.require_driver("wto", "it has no netdev_stat_ops")
    if not os.path.isdir(FAIL_PAGES):
        raise KsftSkipEx("this kernel has no CONFIG_FAIL_PAGE_ALLOC")
    one_small_ring(cfg)
    cfg.reachable()
    before = qstats(cfg)["rx-alloc-fail"]
    for name in ("probability", "times", "verbose", "ignore-gfp-wait"):
        path = f"{FAIL_PAGES}/{name}"
        defer(write_attr, path, read_attr(path))
    # Who may wait for memory gets it
    fail_pages(verbose=0, ignore_gfp_wait="Y", times=200)
    with peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM) as sender, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        # It reads nothing, so that no buffer comes back
        sink.bind((cfg.addr_v["4"], 0))
        big_buffers(sink, 64 << 20)
        sender.setblocking(False)
        fail_pages(probability=50)

        def failed():
            try:
                for _ in range(100):
                    sender.sendto(bytes(1400), sink.getsockname())
            except BlockingIOError:
                pass
            return qstats(cfg)["rx-alloc-fail"] > before

        wait_for(failed, "an allocation to fail", 60, 0.05)
        fail_pages(probability=0)
    ksft_pr(f"{qstats(cfg)['rx-alloc-fail'] - before} times")
    with Burst(cfg, from_peer=True) as burst:
        sent, good = burst.run()
        ksft_eq(good, sent)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([stats_no_errors, stats_agree, stats_wire_both_ends, stats_survive,
                  stats_rx_drops, stats_alloc_fail], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
