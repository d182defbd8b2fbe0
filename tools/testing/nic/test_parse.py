# SPDX-License-Identifier: GPL-2.0-only
"""What the NIC sees in a frame: packet type, hash and header split agree about it.

Every frame is sent to a port with several queues and header split. Its packet type
is compared with the table of GET_PTYPE_INFO, its hash with arithmetic in Python over
the fields that Scapy put into it, the split with the length of Scapy's headers."""

import random
from dataclasses import dataclass

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NS, IPv6, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting)
from scapy.layers.l2 import ARP, Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Raw

from niclib import frames
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.driver import Setup
from niclib.toeplitz import MS_KEY, flow, toeplitz
from niclib.virtchnl import Op
from niclib.wait import wait_for

SRC4, DST4 = "192.0.2.33", "198.51.100.44"
SRC6, DST6 = "2001:db8::33", "2001:db8:1::44"
PORTS = (1025, 2047)
DATA = bytes(range(200))

MAC, ARP_ID, V4, FRAG4, V6, FRAG6 = 2, 14, 19, 20, 21, 22
UDP_ID, TCP_ID, SCTP_ID, ICMP_ID, ICMP6_ID = 24, 25, 26, 27, 28


@dataclass
class Case:
    """A packet above Ethernet, and what the NIC must make of it."""

    name: str
    packet: object
    protos: tuple
    hashed: object = "addresses"
    split: bool = True

    @property
    def data(self):
        """The input of the hash, None for none."""
        if self.hashed is None:
            return None
        src, dst = (SRC6, DST6) if V6 in self.protos or FRAG6 in self.protos else (SRC4, DST4)
        return flow(src, dst, PORTS if self.hashed == "ports" else None)


def ip4(**fields):
    """Return an IPv4 header."""
    return IP(src=SRC4, dst=DST4, **fields)


def ip6(**fields):
    """Return an IPv6 header."""
    return IPv6(src=SRC6, dst=DST6, **fields)


TCP_HEAD = TCP(sport=PORTS[0], dport=PORTS[1], flags="A")
TCP_OPTIONS = TCP(sport=PORTS[0], dport=PORTS[1], flags="A",
                  options=[("Timestamp", (1, 2)), ("NOP", None), ("NOP", None)])
UDP_HEAD = UDP(sport=PORTS[0], dport=PORTS[1])
SCTP_HEAD = SCTP(sport=PORTS[0], dport=PORTS[1])

CASES = (
    Case("tcp4", ip4() / TCP_HEAD, (MAC, V4, TCP_ID), "ports"),
    Case("tcp4 SYN", ip4() / TCP(sport=PORTS[0], dport=PORTS[1], flags="S"),
         (MAC, V4, TCP_ID), "ports"),
    Case("tcp4 options", ip4() / TCP_OPTIONS, (MAC, V4, TCP_ID), "ports"),
    Case("tcp4 IP options", ip4(options=IPOption_RR(length=39, routers=["0.0.0.0"] * 9))
         / TCP_HEAD, (MAC, V4, TCP_ID), "ports"),
    Case("udp4", ip4() / UDP_HEAD, (MAC, V4, UDP_ID), "ports"),
    Case("sctp4", ip4(proto=132) / SCTP_HEAD, (MAC, V4, SCTP_ID), "ports"),
    Case("icmp", ip4() / ICMP(), (MAC, V4, ICMP_ID), split=None),
    Case("ip4 other", ip4(proto=253), (MAC, V4), split=None),
    Case("ip4 first fragment", ip4(flags="MF") / UDP_HEAD, (MAC, FRAG4), split=None),
    Case("ip4 later fragment", ip4(frag=8, proto=6), (MAC, FRAG4), split=None),
    Case("tcp6", ip6() / TCP_HEAD, (MAC, V6, TCP_ID), "ports"),
    Case("tcp6 options", ip6() / TCP_OPTIONS, (MAC, V6, TCP_ID), "ports"),
    Case("udp6", ip6() / UDP_HEAD, (MAC, V6, UDP_ID), "ports"),
    Case("sctp6", ip6(nh=132) / SCTP_HEAD, (MAC, V6, SCTP_ID), "ports"),
    Case("icmp6", ip6() / ICMPv6EchoRequest(), (MAC, V6, ICMP6_ID), split=None),
    Case("icmp6 neighbor", ip6() / ICMPv6ND_NS(tgt=DST6), (MAC, V6, ICMP6_ID), split=None),
    Case("ip6 no next header", ip6(nh=59), (MAC, V6), split=None),
    Case("ip6 other", ip6(nh=253), (MAC, V6), split=None),
    Case("udp6 hop by hop", ip6() / IPv6ExtHdrHopByHop() / UDP_HEAD, (MAC, V6, UDP_ID), "ports"),
    Case("tcp6 destination options", ip6() / IPv6ExtHdrDestOpt() / TCP_HEAD,
         (MAC, V6, TCP_ID), "ports"),
    Case("tcp6 three extensions", ip6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(segleft=0)
         / IPv6ExtHdrDestOpt() / TCP_HEAD, (MAC, V6, TCP_ID), "ports"),
    Case("ip6 first fragment", ip6() / IPv6ExtHdrFragment(m=1, id=1) / UDP_HEAD,
         (MAC, FRAG6), split=None),
    Case("ip6 later fragment", ip6() / IPv6ExtHdrFragment(offset=100, id=1, nh=6),
         (MAC, FRAG6), split=None),
)


@pytest.fixture(name="parser")
def _parser(make_vport):
    """A sender and a receiver which splits headers and spreads over four queues."""
    one = make_vport(0)
    two = make_vport(1, setup=Setup(pairs=4, hdr_size=256, buf_sizes=(2048, 1024)))
    two.key = MS_KEY + bytes(two.info.rss_key_size - len(MS_KEY))
    two.rss(two.key, [i % 4 for i in range(two.info.rss_lut_size)])
    two.table = {}
    for start in range(0, 1024, 58):
        reply = two.call(Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(
            start_ptype_id=start, num_ptypes=min(58, 1024 - start)))
        two.table.update((number, protos) for number, _, protos in vc.ptypes(reply)
                         if number != 0xffff)
    return one, two


def through(parser, frame):
    """Send a frame; return the packet that arrives in any queue."""
    one, two = parser
    one.send(frame)

    def look():
        return next(filter(None, (rxq.poll() for rxq in two.rxqs)), None)

    packet = wait_for(look, "the frame in any queue")
    assert packet.frame == frames.padded(frame)
    return packet


def essential(protos):
    """Return protocol ids without VLAN tags, extension headers and payload."""
    return tuple(proto for proto in protos if proto not in (5, 23, 34))


@pytest.mark.parametrize("vlans", [(), (100,), (100, 200)], ids=lambda v: f"{len(v)} tags")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_protocol(parser, case, vlans):
    """Packet type, hash and split of one kind of packet."""
    two = parser[1]
    head = bytes(frames.ether(two.mac, vlans=vlans) / case.packet)
    frame = bytes(frames.ether(two.mac, vlans=vlans) / case.packet / Raw(DATA))
    packet = through(parser, frame)
    assert packet.ptype in two.table, f"packet type {packet.ptype} is not in the table"
    assert essential(two.table[packet.ptype]) == case.protos
    assert packet.hash == toeplitz(two.key, case.data)
    assert packet.descs[0].status0_qw0 & q.RX_RSS_VALID
    if case.split:
        assert packet.descs[0].hdrlen_flags & q.RX_SPH
        assert len(packet.header) == len(head) and packet.data == DATA


def test_padding_is_no_payload(parser):
    """What Ethernet pads a short packet with belongs to no header."""
    two = parser[1]
    frame = bytes(frames.ether(two.mac) / ip4() / UDP_HEAD / Raw(b"abc"))
    packet = through(parser, frame)
    assert essential(two.table[packet.ptype]) == (MAC, V4, UDP_ID)
    assert packet.hash == toeplitz(two.key, flow(SRC4, DST4, PORTS))


def test_arp(parser):
    """ARP has a packet type of its own or that of Ethernet, and no hash."""
    two = parser[1]
    packet = through(parser, bytes(Ether(dst="ff:ff:ff:ff:ff:ff", src=frames.mac_text(two.mac))
                                   / ARP(pdst=DST4)))
    assert essential(two.table[packet.ptype])[0] in (MAC, ARP_ID)
    assert V4 not in two.table[packet.ptype]
    assert not packet.descs[0].status0_qw0 & q.RX_RSS_VALID


# Headers that contradict the frame: whatever they say, the frame arrives whole

MALFORMED = (
    ("version 0", {14: 0x05}), ("version 15", {14: 0xf5}), ("header of 0", {14: 0x40}),
    ("header of 16", {14: 0x44}), ("header of 60", {14: 0x4f}), ("length 0", {16: 0, 17: 0}),
    ("length 19", {16: 0, 17: 19}), ("length 65535", {16: 0xff, 17: 0xff}),
    ("tcp header of 0", {46: 0}), ("tcp header of 16", {46: 0x40}),
    ("tcp header of 60", {46: 0xf0}))


@pytest.mark.parametrize("changes", [case[1] for case in MALFORMED],
                         ids=[case[0] for case in MALFORMED])
@pytest.mark.parametrize("size", [60, 61, 80, 300])
def test_malformed_ipv4(parser, changes, size):
    """IPv4 and TCP headers with impossible lengths."""
    two = parser[1]
    frame = bytearray(bytes(frames.ether(two.mac) / ip4() / TCP_HEAD / Raw(DATA * 2))[:size])
    for offset, value in changes.items():
        frame[offset] = value
    packet = through(parser, bytes(frame))
    assert packet.ptype in two.table


@pytest.mark.parametrize("packet", [
    ip6(nh=0) / Raw(b"\x00\xff" + bytes(60)), ip6(nh=60) / Raw(b"\x3c\x00" * 60),
    ip6(nh=43) / Raw(b"\x06\xff" + bytes(300)), ip6(nh=44) / Raw(b"\x06"),
    ip6(nh=51) / Raw(b"\x06\xff" + bytes(40)), ip6(plen=0) / TCP_HEAD, ip6(plen=0xffff) / UDP_HEAD],
    ids=["long hop by hop", "endless chain", "long routing", "cut fragment", "long AH",
         "length 0", "length 65535"])
def test_malformed_ipv6(parser, packet):
    """Extension headers that run over the end or never end."""
    two = parser[1]
    for extra in (b"", DATA, DATA * 8):
        received = through(parser, bytes(frames.ether(two.mac) / packet / Raw(extra)))
        assert received.ptype in two.table


def test_cut_everywhere(parser):
    """Every kind of packet, cut at every length within its headers."""
    two = parser[1]
    for case in CASES[::3]:
        frame = bytes(frames.ether(two.mac, vlans=(1,)) / case.packet / Raw(DATA))
        for size in range(17, 130, 5):
            assert through(parser, frame[:size]).ptype in two.table


def test_random_headers(parser):
    """Random bytes behind a header that promises IP."""
    two = parser[1]
    rng = random.Random(8)
    for _ in range(200):
        case = rng.choice(CASES)
        frame = bytearray(bytes(frames.ether(two.mac) / case.packet / Raw(DATA)))
        for _ in range(rng.randrange(1, 6)):
            frame[rng.randrange(12, min(len(frame), 90))] = rng.randrange(256)
        assert through(parser, bytes(frame)).ptype in two.table


@pytest.mark.parametrize("tags", [3, 4, 20, 40])
def test_many_tags(parser, tags):
    """More VLAN tags than a parser follows."""
    two = parser[1]
    through(parser, frames.udp(two.mac, vlans=tuple(range(1, tags + 1)), payload=DATA))
