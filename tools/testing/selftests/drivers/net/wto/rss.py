#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Receive-side scaling: each flow arrives at the queue that the Toeplitz hash, computed here
from the definition, and the indirection table say.  Scapy builds the packets and tells
their addresses and ports, so neither driver nor NIC has a say in what is expected.
"""

import collections
import functools
import socket
import typing

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from lib.py import CmdExitFailure, KsftFailEx, KsftSkipEx, WtoEnv, defer, driver_queues, \
    ethtool, ip, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_raises, ksft_run, ksft_true, \
    ksft_variants, nic_queues, peer_socket
from lib.py.counters import ethtool_stats
from lib.py.reset import reset_nic
from lib.py.thorough import most_telling
from lib.py.toeplitz import SUITE, SUITE_KEY, flow_bytes, toeplitz

FLOWS = 96
PACKETS = 2
CHANNELS = 4
TRIES = 3
KINDS = ["udp4", "tcp4", "udp6", "tcp6"]


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


class Flow(typing.NamedTuple):
    """A packet as bytes, and what of it is hashed, as Scapy tells it."""

    frame: bytes
    addresses: bytes
    whole: bytes

    @classmethod
    def of(cls, packet):
        """Takes a packet apart."""
        network = packet[IPv6] if IPv6 in packet else packet[IP]
        ports = packet[TCP] if TCP in packet else packet[UDP]
        return cls(bytes(packet), flow_bytes(network.src, network.dst),
                   flow_bytes(network.src, network.dst, ports.sport, ports.dport))


# Scapy takes its time, and the flows of a kind are always the same
FLOWS_OF_KIND = {}


def flows(cfg, kind):
    """The flows of a kind."""
    if kind not in FLOWS_OF_KIND:
        FLOWS_OF_KIND[kind] = [Flow.of(packet) for packet in flow_packets(cfg, kind)]
    return FLOWS_OF_KIND[kind]


@functools.lru_cache(maxsize=None)
def hash_of(key, data):
    """toeplitz(), remembered."""
    return toeplitz(key, data)


def expected_queue(key, table, flow, with_ports=True):
    """The queue at which a packet is to arrive."""
    return table[hash_of(key, flow.whole if with_ports else flow.addresses) % len(table)]


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


def check_spread(cfg, kind, with_ports=True):
    """Flow by flow the right queue, which shows in the queues' counters; returns these."""
    key, table = rss_of(cfg)
    expected = collections.Counter()
    for flow in flows(cfg, kind):
        expected[expected_queue(key, table, flow, with_ports)] += PACKETS
    frames = [flow.frame for flow in flows(cfg, kind)] * PACKETS
    for attempt in range(TRIES):
        seen = send(cfg, frames)
        # Something else may have been received meanwhile
        if all(sum(view.values()) == len(frames) for view in seen):
            break
        ksft_pr(f"try {attempt}: {seen}, {len(frames)} packets sent")
    for view in seen:
        ksft_eq(view, dict(expected), f"{kind}: packets per queue")
    return expected


@ksft_variants(most_telling(KINDS, "udp4", "tcp6"))
def rss_spread(cfg, kind):
    """Without further ado every flow has a queue of its own, by addresses and ports."""
    cfg.require_nic()
    set_channels(cfg)
    table = rss_of(cfg)[1]
    ksft_true(set(table) == set(range(CHANNELS)), f"table spreads over all queues: {table}")
    cfg.quiesce()
    ksft_eq(set(check_spread(cfg, kind)), set(range(CHANNELS)), "the flows reach all queues")


def rss_single_flow(cfg):
    """Flows one at a time, so that two errors cannot even out."""
    cfg.require_nic()
    set_channels(cfg)
    key, table = rss_of(cfg)
    cfg.quiesce()
    for kind in ("udp4", "udp6"):
        for number, flow in enumerate(flows(cfg, kind)[:8]):
            queue = expected_queue(key, table, flow)
            for view in send(cfg, [flow.frame] * 5):
                ksft_eq(view, {queue: 5}, f"{kind} flow {number}")


def fields(cfg, kind):
    """Hashed fields of a kind of flows, in ethtool's letters."""
    text = ethtool(f"-n {cfg.ifname} rx-flow-hash {kind}").stdout
    return "".join(letter for letter, line in (("s", "IP SA"), ("d", "IP DA"),
                                               ("f", "L4 bytes 0 & 1"), ("n", "L4 bytes 2 & 3"))
                   if line in text)


def require_settings(cfg):
    """Skips for a driver that lets choose neither fields nor table sizes."""
    cfg.require_driver("wto", "it has neither fields nor tables of several sizes")
    cfg.require_nic()
    set_channels(cfg)
    cfg.quiesce()


def down_up(cfg):
    """Takes our port down and up again."""
    defer(cfg.restore_addresses)
    ip(f"link set dev {cfg.ifname} down")
    yield
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    cfg.restore_addresses()
    cfg.quiesce()


@ksft_variants(most_telling(KINDS, "tcp4", "udp6"))
def rss_fields(cfg, kind):
    """Ports left out of the hash, and taken in again; the other kinds keep them."""
    require_settings(cfg)
    kinds = ("tcp4", "udp4", "sctp4", "tcp6", "udp6", "sctp6")
    ksft_eq([fields(cfg, one) for one in kinds], ["sdfn"] * len(kinds))
    restarts = ethtool_stats(cfg.ifname)["restarts"]
    defer(ethtool, f"-N {cfg.ifname} rx-flow-hash {kind} sdfn")
    ethtool(f"-N {cfg.ifname} rx-flow-hash {kind} sd")
    ksft_eq([fields(cfg, one) for one in kinds],
            ["sd" if one == kind else "sdfn" for one in kinds])
    ksft_eq(len(check_spread(cfg, kind, with_ports=False)), 1, "all flows at one queue")
    check_spread(cfg, "tcp6" if kind != "tcp6" else "udp4")
    ethtool(f"-N {cfg.ifname} rx-flow-hash {kind} sdfn")
    check_spread(cfg, kind)
    ksft_eq(ethtool_stats(cfg.ifname)["restarts"], restarts, "restarts of queues")


def rss_fields_refused(cfg):
    """What the device cannot hash is refused and changes nothing."""
    require_settings(cfg)
    for kind in ("tcp4", "udp6"):
        for what in ("s", "d", "sf", "fn", "sdf", "r", "m", "v", "t", "sdfnt"):
            with ksft_raises(CmdExitFailure):
                ethtool(f"-N {cfg.ifname} rx-flow-hash {kind} {what}")
            ksft_eq(fields(cfg, kind), "sdfn", f"{kind} {what}")
    for kind in ("ah4", "esp6", "ether"):
        with ksft_raises(CmdExitFailure):
            ethtool(f"-N {cfg.ifname} rx-flow-hash {kind} sd")
    nic = cfg.nic.command(f"rss {cfg.NIC_PORT}")["vports"][0]
    ksft_eq(bin(nic["hash_types"]).count("1"), 10, "the NIC hashes all kinds as before")


def table_of(cfg):
    """The table by ethtool."""
    return ethtool(f"-x {cfg.ifname}", json=True)[0]["rss-indirection-table"]


def rss_table_follows(cfg):
    """Each number of channels has a table of at least 4 entries a queue, evenly used."""
    require_settings(cfg)
    for count in (1, 2, 3, 4, 7, 8, 5, 2):
        if count > cfg.channels()[1]:
            continue
        cfg.set_channels(count)
        table = table_of(cfg)
        uses = collections.Counter(table)
        ksft_ge(len(table), 4 * count, f"entries with {count} channels")
        ksft_eq(sorted(uses), list(range(count)))
        ksft_ge(1, max(uses.values()) - min(uses.values()), f"evenly: {uses}")
        rss_of(cfg)


def rss_table_kept(cfg):
    """A user's table keeps its pattern with more channels; fewer than it names are refused."""
    require_settings(cfg)
    defer(cfg.set_channels, CHANNELS)
    defer(ethtool, f"-X {cfg.ifname} default")
    ethtool(f"-X {cfg.ifname} weight 1 0 0 3")
    small = table_of(cfg)
    ksft_eq(small.count(3), 3 * small.count(0))
    ksft_eq(set(small), {0, 3})
    check_spread(cfg, "udp4")
    for count in (8, 5, 16, 4):
        if count > cfg.channels()[1]:
            continue
        cfg.set_channels(count)
        table = table_of(cfg)
        ksft_ge(len(table), 4 * count)
        ksft_eq(table, small * (len(table) // len(small)), f"pattern with {count} channels")
        rss_of(cfg)
    for count in (1, 2, 3):
        with ksft_raises(CmdExitFailure):
            ethtool(f"-L {cfg.ifname} combined {count}")
    ksft_eq(cfg.channels()[0], 4)
    for what in ("weight 1 1 1 1 1", "hfunc xor", "equal 5", "equal 99"):
        with ksft_raises(CmdExitFailure):
            ethtool(f"-X {cfg.ifname} {what}")
        ksft_eq(table_of(cfg), small, what)
    ethtool(f"-N {cfg.ifname} rx-flow-hash udp4 sd")
    defer(ethtool, f"-N {cfg.ifname} rx-flow-hash udp4 sdfn")
    for _ in down_up(cfg):
        ksft_eq(table_of(cfg), small, "while down")
    check_spread(cfg, "udp4", with_ports=False)
    check_spread(cfg, "udp6")
    reset_nic(cfg)
    cfg.quiesce()
    ksft_eq(table_of(cfg), small, "after a reset")
    check_spread(cfg, "udp4", with_ports=False)
    ethtool(f"-N {cfg.ifname} rx-flow-hash udp4 sdfn")
    ethtool(f"-X {cfg.ifname} default")
    ksft_eq(set(check_spread(cfg, "udp4")), set(range(CHANNELS)))


def rss_table_stays(cfg):
    """A table that would lose its pattern by shrinking stays as large as it is, and is followed."""
    require_settings(cfg)
    most = cfg.channels()[1]
    defer(cfg.set_channels, CHANNELS)
    defer(ethtool, f"-X {cfg.ifname} default")
    before = len(table_of(cfg))
    cfg.set_channels(most)
    ethtool(f"-X {cfg.ifname} equal 3")
    large = table_of(cfg)
    ksft_ge(len(large), 2 * before, f"entries with {most} channels")
    for count in (most // 2, CHANNELS, 3):
        cfg.set_channels(count)
        ksft_eq(table_of(cfg), large, f"table with {count} channels")
        rss_of(cfg)
        ksft_eq(set(check_spread(cfg, "udp4")), {0, 1, 2})
    with ksft_raises(CmdExitFailure):
        ethtool(f"-L {cfg.ifname} combined 2")
    ethtool(f"-X {cfg.ifname} default")
    cfg.set_channels(CHANNELS)
    ksft_eq(len(table_of(cfg)), before, "entries of a table that is the driver's again")
    check_spread(cfg, "udp4")


def rss_key_changed(cfg):
    """With another key the flows go elsewhere, as the hash says; the queues go on."""
    require_settings(cfg)
    old = rss_of(cfg)[0]

    def text(key):
        return ":".join(f"{byte:02x}" for byte in key)

    restarts = ethtool_stats(cfg.ifname)["restarts"]
    defer(ethtool, f"-X {cfg.ifname} hkey {text(old)}")
    new = bytes((byte * 7 + 13 + number) % 256 for number, byte in enumerate(old))
    ethtool(f"-X {cfg.ifname} hkey {text(new)}")
    ksft_eq(rss_of(cfg)[0], new)
    check_spread(cfg, "tcp4")
    ksft_eq(ethtool_stats(cfg.ifname)["restarts"], restarts)


def rss_hash_toggled(cfg):
    """receive-hashing off and on: no queue restarts, no packet goes elsewhere."""
    require_settings(cfg)
    restarts = ethtool_stats(cfg.ifname)["restarts"]
    defer(ethtool, f"-K {cfg.ifname} rxhash on")
    for state in ("off", "on"):
        ethtool(f"-K {cfg.ifname} rxhash {state}")
        check_spread(cfg, "udp4")
    ksft_eq(ethtool_stats(cfg.ifname)["restarts"], restarts)


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
        ksft_run([toeplitz_suite, rss_spread, rss_single_flow, rss_fields, rss_fields_refused,
                  rss_table_follows, rss_table_kept, rss_table_stays, rss_key_changed,
                  rss_hash_toggled], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
