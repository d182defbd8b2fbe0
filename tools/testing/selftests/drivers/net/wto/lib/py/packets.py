# SPDX-License-Identifier: GPL-2.0-only
"""Packets that ask the stack for send offloads, and frames taken apart, by our own arithmetic."""

import select
import socket
import struct

from .rawframes import ETHERTYPE, mac_bytes
from .traffic import big_buffers, peer_socket

SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
TP_STATUS_VLAN_VALID = 0x10

# struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
VNET = struct.Struct("=BBHHHH")
NEEDS_CSUM = 1
GSO_TYPES = {("tcp", 4): 1, ("tcp", 6): 4, ("udp", 4): 5, ("udp", 6): 5}
GSO_ECN = 0x80
PROTO = {"tcp": 6, "udp": 17}
ICMPV6 = 58
ARP = 0x0806

FIN, PSH, ACK, URG, ECE, CWR = 0x01, 0x08, 0x10, 0x20, 0x40, 0x80
TAG_1Q, TAG_1AD = 0x8100, 0x88a8


def inet_sum(data, start=0):
    """The Internet checksum's sum, not complemented."""
    if len(data) % 2:
        data += b"\0"
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Packet:
    """
    A packet for the stack.

    @l4, @version: "tcp" or "udp" over 4 or 6; further fields by name, those of the class.
    """

    tags = ()
    ip_options = b""
    l4_options = b""
    flags = ACK
    payload = b""
    ident = 1
    seq = 1000
    window = 0x1234
    tos = 0
    ttl = 61
    dont_fragment = True
    fragment = 0            # of IPv4: more fragments, offset
    ip_length = None
    ip_check = None
    seed = None
    linear = None           # bytes that shall be in one piece, else all headers

    def __init__(self, l4, version, **fields):
        self.l4, self.version = l4, version
        for name, value in fields.items():
            if not hasattr(Packet, name):
                raise TypeError(name)
            setattr(self, name, value)
        self.src_ip = (b"\xc6\x33\x64" if version == 4 else b"\x20\x01\x0d\xb8" + bytes(11)) \
            + b"\x07"
        self.dst_ip = b"\xcb\x00\x71\x09" if version == 4 else \
            b"\x20\x01\x0d\xb8\x00\x99" + bytes(9) + b"\x09"
        self.l3_off = 14 + 4 * len(self.tags)
        self.l4_off = self.l3_off + (20 if version == 4 else 40) + len(self.ip_options)
        self.hdr_len = self.l4_off + (20 if l4 == "tcp" else 8) + len(self.l4_options)

    def pseudo_sum(self):
        """What the stack leaves in the checksum field: the pseudo header's sum with the length."""
        length = self.hdr_len - self.l4_off + len(self.payload)
        return inet_sum(self.src_ip + self.dst_ip + struct.pack("!II", length, PROTO[self.l4]))

    def _ip(self):
        length = self.hdr_len - self.l3_off + len(self.payload)
        if self.version == 6:
            length -= 40
        if self.ip_length is not None:
            length = self.ip_length
        length = length if length < 65536 else 0
        if self.version == 6:
            # extension headers begin with the type of what follows them
            first = 60 if self.ip_options else PROTO[self.l4]
            return struct.pack("!IHBB", 6 << 28 | self.tos << 20 | 0x12345, length, first,
                               self.ttl) + self.src_ip + self.dst_ip + self.ip_options
        header = struct.pack("!BBHHHBBH", 0x45 + len(self.ip_options) // 4, self.tos, length,
                             self.ident, 0x4000 * self.dont_fragment | self.fragment, self.ttl,
                             PROTO[self.l4], 0) + self.src_ip + self.dst_ip + self.ip_options
        check = ~inet_sum(header) & 0xffff if self.ip_check is None else self.ip_check
        return header[:10] + struct.pack("!H", check) + header[12:]

    def frame(self, cfg):
        """The frame from our port to the peer's."""
        ether = mac_bytes(cfg.remote_dev["address"]) + mac_bytes(cfg.dev["address"])
        for tpid, tci in self.tags:
            ether += struct.pack("!HH", tpid, tci)
        ether += struct.pack("!H", 0x0800 if self.version == 4 else 0x86dd)
        seed = self.pseudo_sum() if self.seed is None else self.seed
        if self.l4 == "tcp":
            l4_header = struct.pack("!HHIIBBHHH", 1111, 2222, self.seq, 0x55667788,
                                    (5 + len(self.l4_options) // 4) << 4, self.flags, self.window,
                                    seed, 0) + self.l4_options
        else:
            l4_header = struct.pack("!HHHH", 1111, 2222, (8 + len(self.payload)) & 0xffff, seed)
        return ether + self._ip() + l4_header + self.payload

    def virtio_header(self, mss=0, csum=True):
        """What is asked of the stack."""
        kind = 0
        if mss:
            kind = GSO_TYPES[self.l4, self.version]
            if self.l4 == "tcp" and self.flags & CWR:
                kind |= GSO_ECN
        return VNET.pack(NEEDS_CSUM if csum else 0, kind,
                         (self.linear or self.hdr_len) if csum else 0, mss,
                         self.l4_off if csum else 0,
                         {"tcp": 16, "udp": 6}[self.l4] if csum else 0)


class Frame:
    """A frame that arrived, taken apart."""

    def __init__(self, data):
        self.data = data
        self.tags, at = [], 12
        while struct.unpack_from("!H", data, at)[0] in (TAG_1Q, TAG_1AD):
            self.tags.append(struct.unpack_from("!HH", data, at))
            at += 4
        self.l3_off = at + 2
        self.version = data[self.l3_off] >> 4
        self.l4_off, proto = self._layer4()
        self.l4 = {6: "tcp", 17: "udp"}.get(proto)
        self.hdr_len = self.l4_off + (data[self.l4_off + 12] >> 4) * 4 if self.l4 == "tcp" \
            else self.l4_off + 8
        length = self.word(self.l3_off + (2 if self.version == 4 else 4))
        self.end = self.l3_off + length + (0 if self.version == 4 else 40)
        self.payload = data[self.hdr_len:self.end]

    def _layer4(self):
        data, at = self.data, self.l3_off
        if self.version == 4:
            return at + (data[at] & 15) * 4, data[at + 9]
        proto, at = data[at + 6], at + 40
        while proto in (0, 43, 60):
            proto, at = data[at], at + (data[at + 1] + 1) * 8
        return at, proto

    def word(self, offset):
        """16 bits of the frame."""
        return struct.unpack_from("!H", self.data, offset)[0]

    @property
    def ident(self):
        """The IPv4 id."""
        return self.word(self.l3_off + 4)

    @property
    def seq(self):
        """TCP's sequence number."""
        return struct.unpack_from("!I", self.data, self.l4_off + 4)[0]

    @property
    def flags(self):
        """TCP's flags."""
        return self.data[self.l4_off + 13]

    def l4_check(self):
        """The field of layer 4's checksum."""
        return self.word(self.l4_off + (16 if self.l4 == "tcp" else 6))

    def ip_header(self):
        """IPv4 header or IPv6 header with its extensions."""
        return self.data[self.l3_off:self.l4_off]

    def l4_header(self):
        """TCP or UDP header."""
        return self.data[self.l4_off:self.hdr_len]

    def ip_good(self):
        """Whether the IPv4 header's checksum is right."""
        return self.version == 6 or inet_sum(self.ip_header()) == 0xffff

    def l4_good(self):
        """Whether layer 4's checksum is right."""
        addresses = self.data[self.l3_off + 12:self.l3_off + 20] if self.version == 4 else \
            self.data[self.l3_off + 8:self.l3_off + 40]
        segment = self.data[self.l4_off:self.end]
        start = inet_sum(addresses, PROTO[self.l4] + len(segment))
        return inet_sum(segment, start) == 0xffff


class Exchange:
    """Sends packets out of our port and takes what arrives at the peer's."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.number = 0
        self.own_v4 = socket.inet_pton(socket.AF_INET, cfg.addr_v["4"])
        self.own_v6 = socket.inet_pton(socket.AF_INET6, cfg.addr_v["6"])
        self.senders = {}
        self.receiver = peer_socket(cfg.peer_ns, socket.AF_PACKET, socket.SOCK_RAW)
        self.receiver.bind((cfg.remote_ifname, 3))
        self.receiver.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.receiver.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        big_buffers(self.receiver, 64 << 20)

    def _sender(self, ifname):
        if ifname not in self.senders:
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            big_buffers(sock)
            sock.bind((ifname, 0))
            self.senders[ifname] = sock
        return self.senders[ifname]

    def close(self):
        """Closes all sockets."""
        for sock in (self.receiver, *self.senders.values()):
            sock.close()

    def push(self, packet, mss=0, csum=True, ifname=None):
        """Sends a Packet, or a whole frame; take() has what arrives."""
        sender = self._sender(ifname or self.cfg.ifname)
        if isinstance(packet, Packet):
            sender.send(packet.virtio_header(mss, csum) + packet.frame(self.cfg))
        else:
            sender.send(bytes(VNET.size) + packet)

    def _is_noise(self, frame):
        """
        What our port has to say besides: neighbour discovery, the last words of a connection that
        an earlier case has closed.
        """
        at = 12
        while struct.unpack_from("!H", frame, at)[0] in (TAG_1Q, TAG_1AD):
            at += 4
        kind, = struct.unpack_from("!H", frame, at)
        if kind == 0x0800:
            return frame[at + 14:at + 18] == self.own_v4 and frame[at + 11] != PROTO["udp"]
        if kind == 0x86dd:
            return frame[at + 8] == ICMPV6 or \
                frame[at + 10:at + 26] == self.own_v6 and frame[at + 8] != PROTO["udp"]
        return kind == ARP

    def take(self, own=False):
        """
        All frames since the last time, as bytes: those before a marker.

        @own: also those that are not sent by push() but by TCP and the like
        """
        self.number += 1
        ours, theirs = (mac_bytes(dev["address"]) for dev in (self.cfg.dev, self.cfg.remote_dev))
        marker = (theirs + ours + struct.pack("!HI", ETHERTYPE, self.number)).ljust(60, b"\0")
        self.push(marker)
        frames = []
        while True:
            frame = self._receive()
            if frame == marker:
                return frames
            if frame[:12] == theirs + ours and (own or not self._is_noise(frame)):
                frames.append(frame)

    def _receive(self):
        if not select.select([self.receiver], [], [], 20)[0]:
            raise TimeoutError("the marker does not arrive")
        frame, ancillary, _, _ = self.receiver.recvmsg(16384, 256)
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame

    def send(self, packet, mss=0, csum=True, ifname=None):
        """Sends one packet; returns what arrives of it, taken apart."""
        self.push(packet, mss, csum, ifname)
        return [Frame(data) for data in self.take()]
