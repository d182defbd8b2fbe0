# SPDX-License-Identifier: GPL-2.0-only
"""Rings of the split queue model with flow scheduling, as a driver keeps them."""

import struct
from dataclasses import dataclass, field

from .layout import Layout
from .wait import TIMEOUT_S, wait_for

# Send descriptor, type 12
TX_DESC = Layout("idpf_tx_flow_desc", ("buf_addr", "Q"), ("cmd_dtype", "B"), ("ts", "3s"),
                 ("compl_tag", "H"), ("rxr_bufsize", "H"))
DTYPE_DATA_BASE = 0
DTYPE_CTX_BASE = 1
DTYPE_TSO_CTX = 5
DTYPE_L2TAG = 7
DTYPE_FLOW = 12
DTYPE_DONE = 15
TX_EOP = 1 << 5
TX_CS_EN = 1 << 6
TX_RE = 1 << 7
TX_MAX_BUF = (1 << 14) - 1

TSO_CTX = Layout("idpf_tx_flex_tso_ctx", ("tlen", "I"), ("mss", "H"), ("hdr_len", "B"),
                 ("flex", "B"), ("cmd_dtype", "H"), ("flex2", "6s"))
TSO_CMD = 1 << 5

# Completion in flow scheduling mode
COMPL = Layout("idpf_tx_compl", ("qid_type_gen", "H"), ("head_or_tag", "H"), ("ts", "3s"),
               ("rsvd", "B"))
COMPL_QID = 0x3ff
COMPL_GEN = 1 << 15
COMPL_RS = 2
COMPL_RE = 4
COMPL_SW_MARKER = 5

BUF_DESC = Layout("idpf_rx_buf_desc", ("buf_id", "H"), ("rsvd0", "H"), ("rsvd1", "I"),
                  ("pkt_addr", "Q"), ("hdr_addr", "Q"), ("rsvd2", "Q"))

RX_DESC = Layout(
    "idpf_rx_flex_desc",
    ("rxdid_ucast", "B"), ("status0_qw0", "B"), ("ptype_err", "H"), ("len_gen_bufq", "H"),
    ("hdrlen_flags", "H"), ("status0_qw1", "B"), ("status1", "B"), ("fflags1", "B"),
    ("ts_low", "B"), ("buf_id", "H"), ("misc", "H"), ("hash1", "H"), ("hash2", "B"),
    ("hash3", "B"), ("l2tag2", "H"), ("fmd4", "H"), ("l2tag1", "H"), ("fmd6", "H"),
    ("ts_high", "I"))
RX_LPBK = 1 << 0
RX_RXE = 1 << 2
RX_RSS_VALID = 1 << 4
RX_RAW_CSUM_INV = 1 << 12
RX_LEN = 0x3fff
RX_GEN = 1 << 14
RX_BUFQ2 = 1 << 15
RX_HDR_LEN = 0x3ff
RX_SPH = 1 << 11
RX_DD = 1 << 0
RX_EOF = 1 << 1
RX_HBO = 1 << 2
RX_L3L4P = 1 << 3
RX_ERRORS = 0xf0


class TxQueue:
    """Send ring."""

    def __init__(self, port, queue_id, length, tail_reg):
        self.port = port
        self.ident = queue_id
        self.length = length
        self.tail_reg = tail_reg
        self.addr = port.mem.alloc(length * TX_DESC.size, 4096)
        self.next = 0
        self.tag = 0

    def put_raw(self, data):
        """Write 16 bytes into the next descriptor."""
        self.port.mem.write(self.addr + self.next * TX_DESC.size, data)
        self.next = (self.next + 1) % self.length

    def put(self, addr, size, tag=0, eop=True, report=False, flags=0, dtype=DTYPE_FLOW):
        """Write one data descriptor."""
        cmd = dtype | flags | (TX_EOP if eop else 0) | (TX_RE if report else 0)
        self.put_raw(TX_DESC.pack(buf_addr=addr, cmd_dtype=cmd, compl_tag=tag, rxr_bufsize=size))

    def put_frame(self, frame, cuts=(), tag=None, report=False, flags=0):
        """Write a frame cut into buffers at the offsets @cuts; return its tag.

        The pieces lie in memory with gaps and at odd addresses."""
        if tag is None:
            tag = self.tag
            self.tag = (self.tag + 1) & 0xffff
        borders = [0, *cuts, len(frame)]
        pieces = [frame[a:b] for a, b in zip(borders, borders[1:])]
        for index, piece in enumerate(pieces):
            addr = self.port.mem.put(piece, 1)
            self.port.mem.alloc(3 + index % 5, 1)
            last = index == len(pieces) - 1
            self.put(addr, len(piece), tag, last, report and last, flags)
        return tag

    def ring(self):
        """Tell the device about new descriptors."""
        self.port.wr32(self.tail_reg, self.next)


@dataclass
class Completion:
    """What the device reported."""

    qid: int
    kind: int
    value: int


class ComplQueue:
    """Completion ring."""

    def __init__(self, port, queue_id, length):
        self.port = port
        self.ident = queue_id
        self.length = length
        self.addr = port.mem.alloc(length * COMPL.size, 4096)
        self.next = 0
        self.gen = COMPL_GEN

    def poll(self):
        """Return the next completion or None."""
        desc = COMPL.unpack(self.port.mem.read(self.addr + self.next * COMPL.size, COMPL.size))
        if desc.qid_type_gen & COMPL_GEN != self.gen:
            return None
        self.next += 1
        if self.next == self.length:
            self.next = 0
            self.gen ^= COMPL_GEN
        return Completion(desc.qid_type_gen & COMPL_QID, desc.qid_type_gen >> 11 & 7,
                          desc.head_or_tag)

    def take(self, count=1, timeout=TIMEOUT_S):
        """Return the next @count completions."""
        return [wait_for(self.poll, f"completion {i + 1} of {count}", timeout)
                for i in range(count)]


class BufQueue:
    """Ring of empty receive buffers; buffer ids are not ring indexes."""

    def __init__(self, port, queue_id, length, tail_reg, sizes):
        self.port = port
        self.ident = queue_id
        self.length = length
        self.tail_reg = tail_reg
        self.buf_size, self.hdr_size = sizes
        self.addr = port.mem.alloc(length * BUF_DESC.size, 4096)
        self.next = 0
        self.bufs = {}
        self.free = []
        for index in range(length - 1):
            buf_id = index * 7 + 1000
            addr = port.mem.alloc(self.buf_size, 128)
            hdr = port.mem.alloc(self.hdr_size, 128) if self.hdr_size else 0
            self.bufs[buf_id] = (addr, hdr)
            self.free.append(buf_id)

    def put_raw(self, buf_id, pkt_addr, hdr_addr=0):
        """Write one entry as given."""
        self.port.mem.write(self.addr + self.next * BUF_DESC.size, BUF_DESC.pack(
            buf_id=buf_id, pkt_addr=pkt_addr, hdr_addr=hdr_addr))
        self.next = (self.next + 1) % self.length

    def post(self, count=None, doorbell=True):
        """Post @count free buffers, by default all."""
        count = len(self.free) if count is None else count
        for _ in range(count):
            buf_id = self.free.pop(0)
            self.put_raw(buf_id, *self.bufs[buf_id])
        if doorbell:
            self.ring()

    def ring(self):
        """Tell the device about new buffers."""
        self.port.wr32(self.tail_reg, self.next)


@dataclass
class RxPacket:
    """A received packet."""

    data: bytes = b""
    header: bytes = b""
    descs: list = field(default_factory=list)

    @property
    def last(self):
        """The descriptor that holds the status."""
        return self.descs[-1]

    @property
    def ptype(self):
        """Packet type id."""
        return self.last.ptype_err & 0x3ff

    @property
    def hash(self):
        """RSS hash."""
        return self.last.hash1 | self.last.hash2 << 16 | self.last.hash3 << 24

    @property
    def frame(self):
        """The whole frame, whether it was split or not."""
        return self.header + self.data


class RxQueue:
    """Ring of received descriptors with the buffer queues that feed it."""

    def __init__(self, port, queue_id, length, bufqs):
        self.port = port
        self.ident = queue_id
        self.length = length
        self.bufqs = bufqs
        self.addr = port.mem.alloc(length * RX_DESC.size, 4096)
        self.next = 0
        self.gen = RX_GEN
        self.refill = True
        self.partial = RxPacket()

    def poll_desc(self):
        """Return the next descriptor or None."""
        addr = self.addr + self.next * RX_DESC.size
        # the generation is looked at first, as the device writes it last
        if self.port.mem.get(addr + 4, "H") & RX_GEN != self.gen:
            return None
        desc = RX_DESC.unpack(self.port.mem.read(addr, RX_DESC.size))
        self.next += 1
        if self.next == self.length:
            self.next = 0
            self.gen ^= RX_GEN
        return desc

    def poll(self):
        """Return the next packet or None."""
        while True:
            desc = self.poll_desc()
            if desc is None:
                return None
            self._add(desc)
            if desc.status0_qw1 & RX_EOF:
                packet, self.partial = self.partial, RxPacket()
                return packet

    def _add(self, desc):
        """Add the buffers of @desc to the packet that is being received."""
        assert desc.rxdid_ucast & 0xf == 2, f"profile id {desc.rxdid_ucast & 0xf}"
        assert desc.status0_qw1 & RX_DD, "descriptor without DD"
        bufq = self.bufqs[1 if desc.len_gen_bufq & RX_BUFQ2 else 0]
        assert desc.buf_id in bufq.bufs, f"unknown buffer id {desc.buf_id}"
        assert desc.buf_id not in bufq.free, f"buffer id {desc.buf_id} was not posted"
        size = desc.len_gen_bufq & RX_LEN
        assert size <= bufq.buf_size, f"{size} bytes in a buffer of {bufq.buf_size}"
        addr, hdr = bufq.bufs[desc.buf_id]
        if desc.hdrlen_flags & RX_SPH:
            hdr_len = desc.hdrlen_flags & RX_HDR_LEN
            assert hdr_len <= bufq.hdr_size, f"{hdr_len} bytes in the header buffer"
            self.partial.header += self.port.mem.read(hdr, hdr_len)
        self.partial.data += self.port.mem.read(addr, size)
        self.partial.descs.append(desc)
        bufq.free.append(desc.buf_id)
        if self.refill:
            bufq.post(1)

    def take(self, count=1, timeout=TIMEOUT_S):
        """Return the next @count packets."""
        return [wait_for(self.poll, f"packet {i + 1} of {count} on rx queue {self.ident}", timeout)
                for i in range(count)]


def tso_context(tlen, mss, hdr_len):
    """Return a segmentation context descriptor."""
    return TSO_CTX.pack(tlen=tlen, mss=mss, hdr_len=hdr_len, cmd_dtype=DTYPE_TSO_CTX | TSO_CMD)


def raw_desc(dtype, rest=b""):
    """Return 16 bytes with the descriptor type @dtype and arbitrary content."""
    return struct.pack("<QQ", 0, dtype)[:16 - len(rest)] + rest
