#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packet and byte counters of stack, driver, NIC and wire: exactly the same numbers."""

from lib.py import KsftSkipEx, WtoEnv, defer, ip, ksft_disruptive, ksft_eq, ksft_exit, \
    ksft_ge, ksft_pr, ksft_run, ksft_variants, wait_for
from lib.py.bursts import Burst
from lib.py.counters import FIELDS, ethtool_stats

# The in-tree driver refreshes ip -s link every 10 s only
LAG_S = 25


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


@ksft_variants([f"v{ipver}_{size}" for ipver in ("4", "6") for size in (32, 1400, 8000)])
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


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([stats_no_errors, stats_agree, stats_wire_both_ends, stats_survive],
                 args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
