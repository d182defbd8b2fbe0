# SPDX-License-Identifier: GPL-2.0-only
"""Queues of the models beside split queues with flow scheduling, and vports made of them."""

from dataclasses import dataclass, field

from . import queues as q
from . import virtchnl as vc
from .driver import Vport
from .layout import Layout
from .virtchnl import Op
from .wait import TIMEOUT_S, wait_for

# Queue scheduling: data descriptor, type 7, and completion
FLEX_DESC = Layout("idpf_tx_flex_desc", ("buf_addr", "Q"), ("cmd_dtype", "H"), ("l2tag1", "H"),
                   ("l2tag2", "H"), ("buf_size", "H"))
FLEX_EOP = 1 << 5
FLEX_RS = 1 << 6
FLEX_RE = 1 << 7
FLEX_IL2TAG1 = 1 << 8
FLEX_DUMMY = 1 << 9
FLEX_CS_EN = 1 << 10
COMPL4 = Layout("idpf_tx_compl_4b", ("qid_type_gen", "H"), ("head", "H"))

# Single queues: data and context descriptor
BASE_DESC = Layout("idpf_tx_base_desc", ("buf_addr", "Q"), ("qw1", "Q"))
BASE_EOP = 1 << 4
BASE_RS = 1 << 5
BASE_IL2TAG1 = 1 << 7
IIPT_IPV6 = 1 << 9
IIPT_IPV4 = 2 << 9
IIPT_IPV4_CSUM = 3 << 9
L4T_TCP = 1 << 12
L4T_SCTP = 2 << 12
L4T_UDP = 3 << 12
BASE_CTX = Layout("idpf_tx_base_ctx_desc", ("tunneling", "I"), ("l2tag2", "H"), ("rsvd", "H"),
                  ("qw1", "Q"))
CTX_TSO = 1 << 4
CTX_TSYN = 1 << 5
CTX_IL2TAG2 = 1 << 6

SINGLE_BUF = Layout("idpf_rx_single_buf_desc", ("pkt_addr", "Q"), ("hdr_addr", "Q"),
                    ("rsvd1", "Q"), ("rsvd2", "Q"))
BASE_RX = Layout("idpf_rx_base_desc", ("mirror", "H"), ("l2tag1", "H"), ("rss_hash", "I"),
                 ("qw1", "Q"), ("ext_status", "H"), ("rsvd", "H"), ("l2tag2_1", "H"),
                 ("l2tag2_2", "H"), ("rsvd1", "I"), ("fd_id", "I"))
NIC_RX = Layout("idpf_rx_flex_nic_desc", ("rxdid", "B"), ("mir_umb", "B"), ("ptype", "H"),
                ("pkt_len", "H"), ("hdr_len", "H"), ("status0", "H"), ("l2tag1", "H"),
                ("rss_hash", "I"), ("status1", "H"), ("fflags2", "B"), ("ts_low", "B"),
                ("l2tag2_1", "H"), ("l2tag2_2", "H"), ("flow_id", "I"), ("ts_high", "I"))
RXDID_BASE = 1 << 1

NAMES = ("split", "split-qsched", "single-base", "single-flex")


def lengths(mac, ip_len, l4_len):
    """Return the header lengths, in bytes, as a base data descriptor has them."""
    assert not mac % 2 and not ip_len % 4 and not l4_len % 4
    return mac // 2 << 16 | ip_len // 4 << 23 | l4_len // 4 << 30


def base_context(tlen, mss, cmd=CTX_TSO, tunneling=0, l2tag2=0):
    """Return a base context descriptor."""
    return BASE_CTX.pack(tunneling=tunneling, l2tag2=l2tag2,
                         qw1=q.DTYPE_CTX_BASE | cmd | tlen << 30 | mss << 50)


class FlexTxQueue(q.TxQueue):
    """Send ring with queue scheduling; the tag of a packet is the index behind it."""

    def put(self, addr, size, tag=0, eop=True, report=False, flags=0, dtype=q.DTYPE_L2TAG):
        """Write one data descriptor."""
        cmd = dtype | flags | (FLEX_EOP | FLEX_RS if eop else 0) | (FLEX_RE if report else 0)
        self.put_raw(FLEX_DESC.pack(buf_addr=addr, cmd_dtype=cmd, buf_size=size))

    def put_frame(self, frame, cuts=(), tag=None, report=False, flags=0):
        """Write a frame, see TxQueue; return the index that its completion tells."""
        super().put_frame(frame, cuts, 0, report, flags)
        return self.next


class FlexComplQueue(q.ComplQueue):
    """Completion ring of 4-byte entries."""

    def poll(self):
        """Return the next completion or None."""
        desc = COMPL4.unpack(self.port.mem.read(self.addr + self.next * COMPL4.size, COMPL4.size))
        if desc.qid_type_gen & q.COMPL_GEN != self.gen:
            return None
        self.next += 1
        if self.next == self.length:
            self.next = 0
            self.gen ^= q.COMPL_GEN
        return q.Completion(desc.qid_type_gen & q.COMPL_QID, desc.qid_type_gen >> 11 & 7, desc.head)


class QschedVport(Vport):
    """A vport with queue-based scheduling; the port asked for the capability."""

    def make_rings(self):
        """Allocate fresh rings for all queues."""
        super().make_rings()
        setup, port = self.setup, self.port
        self.txqs = [FlexTxQueue(port, qid, setup.tx_len, tail)
                     for qid, tail in self.queues[vc.TXQ]]
        self.complqs = [FlexComplQueue(port, qid, setup.compl_len)
                        for qid, _ in self.queues[vc.COMPLQ]]

    def tx_info(self, index, **override):
        """Return the configuration of send queue @index and its completion queue."""
        tx_info, compl_info = super().tx_info(index, **{"sched_mode": vc.SCHED_QUEUE, **override})
        compl = vars(vc.TXQ_INFO.unpack(compl_info))
        return tx_info, vc.TXQ_INFO.pack(**{**compl, "sched_mode": vc.SCHED_QUEUE})


class BaseTxQueue(q.TxQueue):
    """Send ring of the single model, written back in place."""

    def put(self, addr, size, tag=0, eop=True, report=True, flags=0, dtype=q.DTYPE_DATA_BASE):
        """Write one data descriptor; @report: ask for the write-back."""
        qw1 = dtype | flags | size << 34 | (BASE_EOP if eop else 0) | (BASE_RS if report else 0)
        self.put_raw(BASE_DESC.pack(buf_addr=addr, qw1=qw1))

    def put_frame(self, frame, cuts=(), tag=None, report=True, flags=0):
        """Write a frame, see TxQueue; return the index of its last descriptor."""
        super().put_frame(frame, cuts, 0, report, flags)
        return (self.next - 1) % self.length

    def dtype(self, index):
        """Return the type that stands in a descriptor now."""
        return self.port.mem.get(self.addr + index * BASE_DESC.size + 8, "Q") & 0xf

    def is_done(self, index):
        """Tell whether the device has written a descriptor back."""
        return self.dtype(index) == q.DTYPE_DONE


@dataclass
class SinglePacket:
    """A received packet of the single model; @fields of each of its descriptors."""

    data: bytes = b""
    fields: list = field(default_factory=list)

    @property
    def frame(self):
        """The whole frame."""
        return self.data

    @property
    def last(self):
        """The descriptor that holds the status."""
        return self.fields[-1]

    @property
    def ptype(self):
        """Packet type id."""
        return self.last.ptype

    @property
    def hash(self):
        """RSS hash."""
        return self.last.hash


@dataclass
class SingleFields:
    """What a descriptor of either format says."""

    done: bool
    eop: bool
    error: bool
    looped: bool
    ext: bool
    checked: bool
    cast: int
    ptype: int
    size: int
    hashed: bool
    hash: int
    raw: object


def base_fields(data):
    """Return the fields of a descriptor in the base format."""
    desc = BASE_RX.unpack(data)
    qw1 = desc.qw1
    return SingleFields(done=bool(qw1 & 1), eop=bool(qw1 & 2), error=bool(qw1 >> 19 & 0xff),
                        looped=bool(qw1 >> 14 & 1), ext=bool(qw1 >> 15 & 1),
                        checked=bool(qw1 >> 3 & 1), cast=qw1 >> 9 & 3, ptype=qw1 >> 30 & 0xff,
                        size=qw1 >> 38 & 0x3fff, hashed=qw1 >> 12 & 3 == 3, hash=desc.rss_hash,
                        raw=desc)


def nic_fields(data):
    """Return the fields of a descriptor in the flex format."""
    desc = NIC_RX.unpack(data)
    status = desc.status0
    if status & 1:
        assert desc.rxdid == 2, f"profile {desc.rxdid}"
    return SingleFields(done=bool(status & 1), eop=bool(status & 2),
                        error=bool(status & (1 << 10 | 0xf << 4)), looped=bool(status >> 8 & 1),
                        ext=bool(status >> 9 & 1), checked=bool(status >> 3 & 1),
                        cast=desc.mir_umb >> 6, ptype=desc.ptype & 0x3ff,
                        size=desc.pkt_len & 0x3fff, hashed=bool(status >> 12 & 1),
                        hash=desc.rss_hash, raw=desc)


class SingleRxQueue:
    """Receive ring of the single model: the descriptors replace the posted buffers."""

    def __init__(self, port, queue_id, length, tail_reg, buf_size, decode):
        self.port = port
        self.ident = queue_id
        self.length = length
        self.tail_reg = tail_reg
        self.buf_size = buf_size
        self.decode = decode
        self.addr = port.mem.alloc(length * SINGLE_BUF.size, 4096)
        self.bufs = [port.mem.alloc(buf_size, 128) for _ in range(length)]
        self.next = 0
        self.tail = 0
        self.refill = True
        self.partial = SinglePacket()

    def put_raw(self, addr, hdr_addr=0):
        """Write one buffer as given."""
        self.port.mem.write(self.addr + self.tail * SINGLE_BUF.size,
                            SINGLE_BUF.pack(pkt_addr=addr, hdr_addr=hdr_addr))
        self.tail = (self.tail + 1) % self.length

    def post(self, count=None, doorbell=True):
        """Post @count buffers, by default all that fit."""
        count = (self.next - self.tail - 1) % self.length if count is None else count
        for _ in range(count):
            self.put_raw(self.bufs[self.tail])
        if doorbell:
            self.ring()

    def ring(self):
        """Tell the device about new buffers."""
        self.port.wr32(self.tail_reg, self.tail)

    def poll_desc(self):
        """Return the fields of the next descriptor, or None."""
        if self.next == self.tail:
            return None
        addr = self.addr + self.next * SINGLE_BUF.size
        if not self.decode(self.port.mem.read(addr, SINGLE_BUF.size)).done:
            return None
        # once more: the quad word with DD came last
        found = self.decode(self.port.mem.read(addr, SINGLE_BUF.size))
        assert found.size <= self.buf_size, f"{found.size} bytes in {self.buf_size}"
        self.partial.data += self.port.mem.read(self.bufs[self.next], found.size)
        self.partial.fields.append(found)
        self.next = (self.next + 1) % self.length
        return found

    def poll(self):
        """Return the next packet or None."""
        while (found := self.poll_desc()) is not None:
            if self.refill:
                self.post(1)
            if found.eop:
                packet, self.partial = self.partial, SinglePacket()
                return packet
        return None

    def take(self, count=1, timeout=TIMEOUT_S):
        """Return the next @count packets."""
        return [wait_for(self.poll, f"packet {i + 1} of {count} on rx queue {self.ident}", timeout)
                for i in range(count)]


class SingleVport(Vport):
    """A vport of single queues; @flex: the device offers the flex receive format."""

    flex = False
    wish = vc.SPLIT

    def create(self):
        """Create the vport and take the queues that the device gives."""
        pairs = self.setup.pairs
        extra = pairs if self.wish == vc.SPLIT else 0
        reply = self.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
            txq_model=self.wish, rxq_model=self.wish, num_tx_q=pairs, num_tx_complq=extra,
            num_rx_q=pairs, num_rx_bufq=2 * extra, vport_index=self.index))
        self.info = vc.CREATE_VPORT.unpack(reply)
        self.ident = self.info.vport_id
        self.mac = self.info.default_mac_addr
        self.flex = bool(self.info.rx_desc_ids & vc.RXDID_FLEX)
        self.use_chunks(vc.reg_chunks(reply, vc.CREATE_VPORT.size, self.info.num_chunks))

    def make_rings(self):
        """Allocate fresh rings for all queues."""
        setup, port = self.setup, self.port
        decode = nic_fields if self.flex else base_fields
        self.complqs = []
        self.txqs = [BaseTxQueue(port, qid, setup.tx_len, tail)
                     for qid, tail in self.queues[vc.TXQ]]
        self.rxqs = [SingleRxQueue(port, qid, setup.rx_len, tail, setup.buf_sizes[0], decode)
                     for qid, tail in self.queues[vc.RXQ]]

    def tx_fields(self, txq):
        """Return the configuration of a send queue."""
        return {"dma_ring_addr": txq.addr, "type": vc.TXQ, "queue_id": txq.ident,
                "model": vc.SINGLE, "sched_mode": vc.SCHED_QUEUE, "ring_len": txq.length}

    def rx_fields(self, rxq):
        """Return the configuration of a receive queue."""
        return {"desc_ids": vc.RXDID_FLEX if self.flex else RXDID_BASE,
                "dma_ring_addr": rxq.addr, "type": vc.RXQ, "queue_id": rxq.ident,
                "model": vc.SINGLE, "data_buffer_size": rxq.buf_size,
                "max_pkt_size": self.setup.max_pkt, "ring_len": rxq.length,
                "qflags": vc.RXQ_DESC_32B}

    def config_tx(self):
        """Configure all send queues."""
        infos = [vc.TXQ_INFO.pack(**self.tx_fields(txq)) for txq in self.txqs]
        self.call(Op.CONFIG_TX_QUEUES, vc.CONFIG_TX.pack(
            vport_id=self.ident, num_qinfo=len(infos)) + b"".join(infos))

    def config_rx(self):
        """Configure all receive queues."""
        infos = [vc.RXQ_INFO.pack(**self.rx_fields(rxq)) for rxq in self.rxqs]
        self.call(Op.CONFIG_RX_QUEUES, vc.CONFIG_RX.pack(
            vport_id=self.ident, num_qinfo=len(infos)) + b"".join(infos))

    def post_buffers(self):
        """Fill all rings."""
        for rxq in self.rxqs:
            rxq.post()

    def send(self, frame, queue=0, cuts=(), **how):
        """Send a frame and wait until its last descriptor is written back."""
        txq = self.txqs[queue]
        index = txq.put_frame(frame, cuts, **how)
        txq.ring()
        wait_for(lambda: txq.is_done(index), f"write-back of descriptor {index}")


def make_vport(port, name, setup=None):
    """Return a vport of the model @name on a port that was told to have it, not started."""
    if name == "split-qsched":
        port.caps = port.get_caps(**vc.IDPF_WISH)
        assert port.caps.other_caps & vc.CAP_SPLITQ_QSCHED
        return QschedVport(port, setup)
    return (SingleVport if name.startswith("single") else Vport)(port, setup)


def make_pair(make_port, name, setup=None):
    """Return two vports of a model in operation, back to back on ports 0 and 1 of @make_port.

    @setup is that of the first one."""
    vports = []
    for index in (0, 1):
        port = make_port(index)
        port.negotiate()
        port.alloc_vectors()
        vports.append(make_vport(port, name, None if index else setup).start())
    return vports
