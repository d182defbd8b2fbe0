# SPDX-License-Identifier: GPL-2.0-only
"""What the send engines have to make of a packet, by Scapy's arithmetic.

A Template is a large packet in terms of Scapy layers.  Its wire form, with the seed in the
checksum field that a stack would leave there, goes to the engines; the frames that must come out
are built by Scapy from the same layers, with lengths and checksums left to Scapy.
"""

import os
import random
import struct
import subprocess

from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting, PadN)
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

conf.verb = 0

__all__ = ["Engine", "Template", "Verdict", "random_template", "pseudo_sum", "fold",
           "ICMP", "IP", "IPv6", "TCP", "UDP", "Ether", "Raw"]

SEG_F_ID15 = 1
SEG_F_ACCECN = 2
CSUM_TX_IPV4 = 1
CSUM_TX_L4 = 2

FRAME_MAX = 9728
HDR_MAX = 255
TLEN_MAX = (1 << 18) - 1


def fold(data, start=0):
    """One's complement sum of big-endian words, not complemented."""
    if len(data) % 2:
        data += b"\0"
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def pseudo_sum(ip_hdr, proto, length):
    """Pseudo header sum of a built IP layer: the seed that a stack leaves."""
    raw = bytes(ip_hdr)
    if ip_hdr.version == 4:
        addresses = raw[12:20]
    else:
        addresses = raw[8:40]
    return fold(addresses, proto + length)


class Verdict:  # pylint: disable=too-few-public-methods
    """Answer of the engines: status and frames."""

    def __init__(self, status, frames):
        self.status = status
        self.frames = frames


class Engine:
    """The engines, running in a process of their own with sanitizers."""

    OPS = {"lso": 0, "uso": 1, "csum": 2}

    def __init__(self, path=None):
        path = path or os.environ["ENGINE_PIPE"]
        # pylint: disable-next=consider-using-with
        self.proc = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        """End the process; it must have had nothing to complain about."""
        self.proc.stdin.close()
        assert self.proc.wait() == 0

    def _read(self, size):
        data = self.proc.stdout.read(size)
        assert len(data) == size, "the engines ended; see standard error"
        return data

    def run(self, operation, packet, pieces=None, **fields):
        """Have one packet processed; fields are those of struct pipe_req."""
        pieces = [len(packet)] if pieces is None else pieces
        assert sum(pieces) == len(packet)
        names = ("flags", "l3_off", "l4_off", "ip_version", "proto", "hdr_len", "tlen", "mss",
                 "frame_max")
        values = [fields.get(name, 0) for name in names]
        self.proc.stdin.write(struct.pack("=12I", self.OPS[operation], *values, len(pieces),
                                          len(packet)))
        self.proc.stdin.write(struct.pack(f"={len(pieces)}I", *pieces) + packet)
        self.proc.stdin.flush()
        status, count = struct.unpack("=16sI", self._read(20))
        frames = []
        for _ in range(count):
            length, = struct.unpack("=I", self._read(4))
            frames.append(self._read(length))
        return Verdict(status.rstrip(b"\0").decode(), frames)


class Template:
    """A packet for the engines.

    eth_hdr: Ethernet layer with its tags; ip_hdrs: list of IP layers (IPv6: with extension
    headers); l4_hdr: TCP, UDP or SCTP layer; payload: bytes.
    """

    def __init__(self, eth_hdr, ip_hdrs, l4_hdr, payload):  # pylint: disable=too-many-arguments
        self.eth_hdr = eth_hdr
        self.ip_hdrs = ip_hdrs
        self.l4_hdr = l4_hdr
        self.payload = payload
        l3_bytes = b"".join(bytes(layer) for layer in self._plain_l3())
        self.l3_off = len(bytes(eth_hdr))
        self.l4_off = self.l3_off + len(l3_bytes)
        self.hdr_len = self.l4_off + len(bytes(l4_hdr))
        self.version = ip_hdrs[0].version
        self.proto = {TCP: 6, UDP: 17}.get(type(l4_hdr), 132)

    def _plain_l3(self):
        """The IP layers one by one, each without payload."""
        return [layer.copy() for layer in self.ip_hdrs]

    def join(self, l4_hdr, payload, **ip_fields):
        """A complete packet of these layers; Scapy fills in what is None."""
        first = self.ip_hdrs[0].copy()
        for name, value in ip_fields.items():
            setattr(first, name, value)
        packet = self.eth_hdr.copy() / first
        for layer in self.ip_hdrs[1:]:
            packet = packet / layer.copy()
        return packet / l4_hdr / Raw(payload)

    def finished(self, payload=None):
        """The packet as the wire has to see it, unsegmented."""
        return bytes(self.join(self.l4_hdr.copy(), self.payload if payload is None else payload))

    def wire(self, seed=None, garbage=None):
        """The packet as a stack hands it down.

        seed: what stands in the checksum field, default: as for segmentation, without length;
        garbage: rng to fill fields with that the engines must not look at.
        """
        whole = len(self.payload) < 65000
        data = bytearray(self.finished(None if whole else b""))
        offset = self.l4_off + {6: 16, 17: 6, 132: 8}[self.proto]
        if seed is None:
            seed = pseudo_sum(self.ip_hdrs[0], self.proto, 0)
        struct.pack_into("!H", data, offset, seed)
        if garbage:
            if self.version == 4:
                struct.pack_into("!H", data, self.l3_off + 2, garbage.getrandbits(16))
                struct.pack_into("!H", data, self.l3_off + 10, garbage.getrandbits(16))
            else:
                struct.pack_into("!H", data, self.l3_off + 4, garbage.getrandbits(16))
            if self.proto == 17:
                struct.pack_into("!H", data, self.l4_off + 4, garbage.getrandbits(16))
        return bytes(data) + (b"" if whole else self.payload)

    def fields(self, mss, flags=0):
        """Fields of a segmentation request."""
        return {"l3_off": self.l3_off, "l4_off": self.l4_off, "ip_version": self.version,
                "proto": self.proto, "hdr_len": self.hdr_len, "tlen": len(self.payload),
                "mss": mss, "frame_max": FRAME_MAX, "flags": flags}

    def _segment_l4(self, index, count, mss, flags):
        l4_hdr = self.l4_hdr.copy()
        if self.proto == 6:
            l4_hdr.seq = (l4_hdr.seq + index * mss) & 0xffffffff
            bits = int(l4_hdr.flags)
            if index < count - 1:
                bits &= ~0x09                       # FIN, PSH
            if index and not flags & SEG_F_ACCECN:
                bits &= ~0x80                       # CWR
            l4_hdr.flags = bits
        return l4_hdr

    def _segment_id(self, index, flags):
        first = self.ip_hdrs[0].id
        if self.proto == 6 and flags & SEG_F_ID15:
            return (first & 0x8000) | ((first + index) & 0x7fff)
        return (first + index) & 0xffff

    def segments(self, mss, flags=0):
        """The frames that must leave, built by Scapy."""
        count = -(-len(self.payload) // mss)
        frames = []
        for index in range(count):
            payload = self.payload[index * mss:(index + 1) * mss]
            l4_hdr = self._segment_l4(index, count, mss, flags)
            ip_hdrs = {"id": self._segment_id(index, flags)} if self.version == 4 else {}
            frames.append(bytes(self.join(l4_hdr, payload, **ip_hdrs)))
        return frames


def _random_l2(rng):
    frame = Ether(src=f"02:00:00:00:00:{rng.randrange(256):02x}", dst="02:11:22:33:44:55")
    for _ in range(rng.choice((0, 0, 1, 2))):
        tag = rng.choice((Dot1Q, Dot1AD))
        frame = frame / tag(vlan=rng.randrange(4096), prio=rng.randrange(8))
    return frame


def _random_ipv4(rng):
    options = b""
    for _ in range(rng.choice((0, 0, 1, 2))):
        size = rng.randrange(3, 19)
        options += bytes([rng.choice((7, 68, 148)), size]) + rng.randbytes(size - 2)
    options += b"\1" * (-len(options) % 4)
    return [IP(src=f"10.{rng.randrange(256)}.{rng.randrange(256)}.1",
               dst=f"192.0.2.{rng.randrange(256)}", id=rng.getrandbits(16),
               tos=rng.getrandbits(8), ttl=rng.randrange(1, 256), flags=rng.choice((0, 2)),
               options=[Raw(options)] if options else [])]


def _random_ipv6(rng):
    layers = [IPv6(src=f"2001:db8::{rng.getrandbits(16):x}",
                   dst=f"2001:db8:1::{rng.getrandbits(16):x}",
                   tc=rng.getrandbits(8), fl=rng.getrandbits(20), hlim=rng.randrange(1, 256))]
    room = 128
    if rng.random() < 0.4:
        for kind in (IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, IPv6ExtHdrDestOpt):
            if rng.random() < 0.4:
                continue
            if kind is IPv6ExtHdrRouting:
                layer = kind(type=0, segleft=0, addresses=["2001:db8:9::1"])
            else:
                layer = kind(options=[PadN(optdata=bytes(rng.randrange(1, 50)))])
            if len(bytes(layer)) <= room:
                room -= len(bytes(layer))
                layers.append(layer)
    return layers


def _random_tcp(rng):
    options = rng.choice(([], [],
                          [("NOP", None), ("NOP", None), ("Timestamp", (rng.getrandbits(32), 7))],
                          [("NOP", None), ("NOP", None), ("SAck", (1, 2, 3, 4))],
                          [("MSS", 1460), ("SAckOK", b""), ("WScale", 7)],
                          [(253, rng.randbytes(38))]))
    return TCP(sport=rng.getrandbits(16), dport=rng.getrandbits(16), seq=rng.getrandbits(32),
               ack=rng.getrandbits(32), window=rng.getrandbits(16), urgptr=0,
               flags=rng.getrandbits(9), options=options)


def _link(layers, l4_hdr):
    """Give each IP layer the type of what follows, which Scapy does only when joined."""
    values = {IPv6ExtHdrHopByHop: 0, IPv6ExtHdrRouting: 43, IPv6ExtHdrDestOpt: 60, TCP: 6, UDP: 17}
    chain = layers + [l4_hdr]
    for layer, after in zip(chain, chain[1:]):
        if isinstance(layer, IP):
            layer.proto = values.get(type(after), 132)
        else:
            layer.nh = values.get(type(after), 132)


def random_template(rng, protocol, payload_len):
    """A template of any legal shape."""
    while True:
        layers = _random_ipv4(rng) if rng.random() < 0.5 else _random_ipv6(rng)
        l4_hdr = _random_tcp(rng) if protocol == "lso" else \
            UDP(sport=rng.getrandbits(16), dport=rng.getrandbits(16))
        _link(layers, l4_hdr)
        eth_hdr = _random_l2(rng)
        inner = eth_hdr.lastlayer()
        inner.type = 0x0800 if layers[0].version == 4 else 0x86dd
        template = Template(eth_hdr, layers, l4_hdr, rng.randbytes(payload_len))
        if template.hdr_len <= HDR_MAX:
            return template


def random_pieces(rng, total, most=255):
    """Cut total bytes into pieces the way scattered buffers would."""
    style = rng.randrange(4)
    pieces = []
    while total and len(pieces) < most - 1:
        if style == 0:
            break
        size = {1: rng.randrange(0, 64), 2: rng.randrange(1, 4097),
                3: rng.choice((1, 2, 3, 54, 1448, 4096, 16383))}[style]
        pieces.append(min(size, total))
        total -= pieces[-1]
    return pieces + ([total] if total else [])


def seeded(seed):
    """A random generator of its own for a test."""
    return random.Random(seed)
