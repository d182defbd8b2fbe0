#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Receive-side scaling: each flow arrives at the queue that the Toeplitz hash, computed here
from the definition, and the indirection table say.  Scapy builds the packets and tells
their addresses and ports, so neither driver nor NIC has a say in what is expected.
"""

import collections
import socket

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from lib.py import CmdExitFailure, KsftFailEx, KsftSkipEx, WtoEnv, defer, driver_queues, \
    ethtool, ip, ksft_eq, ksft_exit, ksft_pr, ksft_run, ksft_true, ksft_variants, nic_queues, \
    peer_socket
from lib.py.toeplitz import SUITE, SUITE_KEY, flow_bytes, toeplitz

FLOWS = 96
PACKETS = 2
CHANNELS = 4
TRIES = 3


def toeplitz_suite(_cfg):
    """The arithmetic used here gives the values that were published with RSS."""
    for (dst, dport), (src, sport), with_ports, addresses in SUITE:
        ksft_eq(toeplitz(SUITE_KEY, flow_bytes(src, dst, sport, dport)), with_ports)
        ksft_eq(toeplitz(SUITE_KEY, flow_bytes(src, dst)), addresses)


def rss_by_ethtool(cfg):
    """(key, table) as the driver shows them; None if it does not."""
    try:
        info = ethtool(f"-x {cfg.ifname}", json=True)[0]
    except CmdExitFailure:
        return None
    key = info.get("rss-hash-key")
    table = info.get("rss-indirection-table")
    return (bytes(key), table) if key and table else None


def rss_by_nic(cfg):
    """(key, table) as the NIC has them; None if it cannot be asked."""
    if not cfg.nic:
        return None
    rss = cfg.nic.command(f"rss {cfg.NIC_PORT}")["vports"][0]
    return bytes.fromhex(rss["key"]), rss["lut"]


def rss_of(cfg):
    """
    Key and table in use; both views of them must be the same.  The NIC's table may be longer:
    the driver's over and over again.
    """
    driver, nic = rss_by_ethtool(cfg), rss_by_nic(cfg)
    if not driver and not nic:
        raise KsftSkipEx("neither driver nor NIC tells the RSS key")
    if driver and nic:
        times, rest = divmod(len(nic[1]), len(driver[1]))
        ksft_eq((nic[0], nic[1], rest), (driver[0], driver[1] * times, 0),
                "RSS settings of driver and NIC")
    return driver or nic


def flow_packets(cfg, kind):
    """One packet for each flow from the peer to us."""
    ipver = kind[-1]
    macs = (cfg.remote_dev["address"], cfg.dev["address"])
    network, proto = (IPv6 if ipver == "6" else IP), (TCP if kind.startswith("tcp") else UDP)
    for number in range(FLOWS):
        # An acknowledgement of nothing: answered by a reset, or dropped
        extra = {"flags": "A"} if proto is TCP else {}
        yield (Ether(src=macs[0], dst=macs[1]) /
               network(src=cfg.remote_addr_v[ipver], dst=cfg.addr_v[ipver]) /
               proto(sport=20000 + 37 * number, dport=9 + number, **extra) / Raw(b"x" * 32))


def expected_queue(key, table, packet):
    """The queue at which a packet is to arrive."""
    network = packet[IPv6] if IPv6 in packet else packet[IP]
    ports = packet[TCP] if TCP in packet else packet[UDP]
    value = toeplitz(key, flow_bytes(network.src, network.dst, ports.sport, ports.dport))
    return table[value % len(table)]


def received(cfg):
    """Packets per receive queue, as driver and NIC count."""
    driver = driver_queues(cfg.ifname, cfg.ifindex)
    views = [driver] if driver else []
    if cfg.nic:
        views.append(nic_queues(cfg.nic.port_stats(cfg.NIC_PORT)))
    return [{number: row["packets"] for number, row in view["rx"].items()} for view in views]


def send(cfg, frames):
    """Puts frames on the wire at the peer's side; returns the packets that each queue got."""
    before = received(cfg)
    with peer_socket(cfg.peer_ns, socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((cfg.remote_ifname, 0))
        for frame in frames:
            sock.send(frame)
    cfg.wait_quiet(0.3)
    return [{q: count - old.get(q, 0) for q, count in new.items() if count != old.get(q, 0)}
            for new, old in zip(received(cfg), before)]


@ksft_variants(["udp4", "tcp4", "udp6", "tcp6"])
def rss_spread(cfg, kind):
    """Flow by flow the right queue, which shows in the queues' counters."""
    cfg.require_nic()
    set_channels(cfg)
    key, table = rss_of(cfg)
    ksft_true(set(table) == set(range(CHANNELS)), f"table spreads over all queues: {table}")
    packets = list(flow_packets(cfg, kind))
    expected = collections.Counter()
    for packet in packets:
        expected[expected_queue(key, table, packet)] += PACKETS
    ksft_true(len(expected) == CHANNELS, f"the flows reach all queues: {expected}")
    frames = [bytes(packet) for packet in packets] * PACKETS
    cfg.quiesce()
    for attempt in range(TRIES):
        seen = send(cfg, frames)
        # Something else may have been received meanwhile
        if all(sum(view.values()) == len(frames) for view in seen):
            break
        ksft_pr(f"try {attempt}: {seen}, {len(frames)} packets sent")
    for view in seen:
        ksft_eq(view, dict(expected), f"{kind}: packets per queue")


def rss_single_flow(cfg):
    """Flows one at a time, so that two errors cannot even out."""
    cfg.require_nic()
    set_channels(cfg)
    key, table = rss_of(cfg)
    cfg.quiesce()
    for kind in ("udp4", "udp6"):
        for packet in list(flow_packets(cfg, kind))[:8]:
            queue = expected_queue(key, table, packet)
            for view in send(cfg, [bytes(packet)] * 5):
                ksft_eq(view, {queue: 5}, f"{kind} {packet.summary()}")


def set_channels(cfg):
    """Four queues for the time of a case."""
    present, most = cfg.channels()
    if most < CHANNELS:
        raise KsftSkipEx(f"the device has {most} queue pairs at most")
    if present != CHANNELS:
        defer(cfg.set_channels, present)
        cfg.set_channels(CHANNELS)
    if not driver_queues(cfg.ifname, cfg.ifindex):
        raise KsftFailEx("no counters per queue")
    ip(f"link set dev {cfg.ifname} up")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([toeplitz_suite, rss_spread, rss_single_flow], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
