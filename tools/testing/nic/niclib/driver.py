# SPDX-License-Identifier: GPL-2.0-only
"""A driver in miniature: function, vectors, vport, queues; each step can be done alone."""

import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import virtchnl as vc
from .guest import GuestMemory
from .mailbox import Mailbox
from .queues import BufQueue, ComplQueue, RxQueue, TxQueue, COMPL_SW_MARKER
from .regs import CTRL_PFSWR, INT_ENABLE, PfMap, RSTAT_MASK
from .virtchnl import Op
from .wait import readable, wait_for

BAR0 = 0


class Port:
    """One function of the NIC, with memory and a connection of its own."""

    def __init__(self, nic, index=0, regs=PfMap, mem_size=64 << 20):
        self.nic = nic
        self.index = index
        self.regs = regs
        self.vfu = nic.connect(index)
        self.mem = GuestMemory(mem_size)
        self.mem.attach(self.vfu)
        self.vfu.set_config(4, "H", 6)
        self.mbx = None
        self.caps = None
        self.vectors = None
        self.eventfds = []

    def close(self):
        """Drop the connection and give everything back."""
        self.vfu.close()
        if self.mem is not None:
            self.mem.close()
            self.mem = None
        for descriptor in self.eventfds:
            os.close(descriptor)
        self.eventfds = []

    # Registers

    def rd32(self, offset):
        """Read a register of BAR0."""
        return struct.unpack("<I", self.vfu.read(BAR0, offset, 4))[0]

    def wr32(self, offset, value):
        """Write a register of BAR0, posted."""
        self.vfu.post(BAR0, offset, struct.pack("<I", value))

    def flush(self):
        """Return when all earlier register writes have arrived."""
        self.rd32(self.regs.rstat)

    # Start

    def ready(self):
        """Wait until the function has left reset."""
        wait_for(lambda: self.rd32(self.regs.rstat) & RSTAT_MASK, "end of the reset")

    def reset(self):
        """Reset the function the way its driver does."""
        if self.regs.ctrl is not None:
            self.wr32(self.regs.ctrl, CTRL_PFSWR)
        else:
            self.mbx.send(Op.RESET_VF)
            wait_for(lambda: not self.rd32(self.regs.arqlen), "ARQLEN to become 0")
        self.ready()

    def start_mailbox(self, length=64, arq_posted=None):
        """Set the mailbox up."""
        self.mbx = Mailbox(self, length)
        self.mbx.start(arq_posted)
        return self.mbx

    def get_caps(self, **wish):
        """Ask for capabilities, by default for what Linux asks for."""
        request = vc.CAPS.pack(**(wish or vc.IDPF_WISH))
        return vc.CAPS.unpack(self.mbx.call(Op.GET_CAPS, request))

    def negotiate(self):
        """Go through version and capabilities."""
        if self.mbx is None:
            self.start_mailbox()
        self.mbx.call(Op.VERSION, vc.VERSION.pack(major=2, minor=0))
        self.caps = self.get_caps()
        return self.caps

    def alloc_vectors(self, count=None):
        """Allocate all vectors but the mailbox's; return their chunks."""
        if count is None:
            count = self.caps.num_allocated_vectors - 1
        reply = self.mbx.call(Op.ALLOC_VECTORS, vc.ALLOC_VECTORS.pack(num_vectors=count))
        head = vc.ALLOC_VECTORS.unpack(reply)
        self.vectors = vc.VECTOR_CHUNK.unpack_array(reply, vc.ALLOC_VECTORS.size,
                                                    head.num_vchunks)
        return head, self.vectors

    # Interrupts

    def use_interrupts(self, count):
        """Attach an eventfd to each of the first @count vectors."""
        self.vfu.drop_eventfds()
        while len(self.eventfds) < count:
            self.eventfds.append(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))
        limit = self.vfu.caps.get("max_msg_fds", 8)
        for start in range(0, count, limit):
            self.vfu.set_eventfds(start, self.eventfds[start:min(start + limit, count)])

    def dyn_ctl(self, vector):
        """Return the offset of the DYN_CTL register of @vector."""
        if vector == self.caps.mailbox_vector_id:
            return self.caps.mailbox_dyn_ctl
        for chunk in self.vectors:
            index = vector - chunk.start_vector_id
            if 0 <= index < chunk.num_vectors:
                return chunk.dynctl_reg_start + index * chunk.dynctl_reg_spacing
        raise AssertionError(f"vector {vector} was not allocated")

    def itr(self, vector, index):
        """Return the offset of an interval register of @vector."""
        for chunk in self.vectors:
            number = vector - chunk.start_vector_id
            if 0 <= number < chunk.num_vectors:
                spacing = chunk.itrn_index_spacing or (4 if self.regs is PfMap else 0x40)
                return (chunk.itrn_reg_start + number * chunk.itrn_reg_spacing
                        + index * spacing)
        raise AssertionError(f"vector {vector} was not allocated")

    def enable_vector(self, vector):
        """Enable a vector and leave its interval alone."""
        self.wr32(self.dyn_ctl(vector), INT_ENABLE)

    def interrupted(self, vector, timeout=0.0):
        """Return how often @vector has fired since the last call."""
        descriptor = self.eventfds[vector]
        if not readable(descriptor, timeout):
            return 0
        return os.eventfd_read(descriptor)

    # Statistics of the NIC

    def stats(self):
        """Return what the control socket says about this port."""
        return self.nic.control("stats")["ports"][self.index]

    def errors(self, *causes):
        """Return how many errors of @causes, by default of all, the NIC has counted."""
        errors = self.stats()["errors"]
        return sum(errors[cause] for cause in causes or errors)

    @contextmanager
    def counted(self, *causes):
        """What happens inside must make the NIC count an error of one of @causes."""
        before = self.errors(*causes)
        yield
        wait_for(lambda: self.errors(*causes) > before, f"counted error {causes or 'of any kind'}")


@dataclass
class Setup:
    """How the queues of a vport shall be."""

    pairs: int = 1
    tx_len: int = 64
    compl_len: int = 128
    rx_len: int = 128
    buf_len: int = 32
    buf_sizes: tuple = (2048, 2048)
    hdr_size: int = 0
    max_pkt: int = 9728
    extra: dict = field(default_factory=dict)


class Vport:
    """A vport in the split model with one completion queue per send queue."""

    def __init__(self, port, setup=None, index=0):
        self.port = port
        self.setup = setup or Setup()
        self.index = index
        self.txqs = []
        self.complqs = []
        self.rxqs = []
        self.queues = {}
        self.create()

    # Messages

    def call(self, opcode, payload):
        """Send a message which must be accepted."""
        return self.port.mbx.call(opcode, payload)

    def create(self):
        """Create the vport and take the queues that the device gives."""
        pairs = self.setup.pairs
        reply = self.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
            txq_model=vc.SPLIT, rxq_model=vc.SPLIT, num_tx_q=pairs, num_tx_complq=pairs,
            num_rx_q=pairs, num_rx_bufq=2 * pairs, vport_index=self.index))
        self.info = vc.CREATE_VPORT.unpack(reply)
        self.ident = self.info.vport_id
        self.mac = self.info.default_mac_addr
        self.use_chunks(vc.reg_chunks(reply, vc.CREATE_VPORT.size, self.info.num_chunks))

    def use_chunks(self, chunks):
        """Make rings for the queues in @chunks."""
        self.queues = {kind: [] for kind in (vc.TXQ, vc.RXQ, vc.COMPLQ, vc.BUFQ)}
        for chunk in chunks:
            for i in range(chunk.num_queues):
                self.queues[chunk.type].append(
                    (chunk.start_queue_id + i,
                     chunk.qtail_reg_start + i * chunk.qtail_reg_spacing))
        self.make_rings()

    def make_rings(self):
        """Allocate fresh rings for all queues."""
        setup, port = self.setup, self.port
        self.txqs = [TxQueue(port, qid, setup.tx_len, tail)
                     for qid, tail in self.queues[vc.TXQ]]
        self.complqs = [ComplQueue(port, qid, setup.compl_len)
                        for qid, _ in self.queues[vc.COMPLQ]]
        bufqs = [BufQueue(port, qid, setup.buf_len, tail,
                          (setup.buf_sizes[i % 2], setup.hdr_size))
                 for i, (qid, tail) in enumerate(self.queues[vc.BUFQ])]
        self.rxqs = [RxQueue(port, qid, setup.rx_len, bufqs[2 * i:2 * i + 2])
                     for i, (qid, _) in enumerate(self.queues[vc.RXQ])]

    def chunks(self, *kinds):
        """Return (type, first id, 1) chunks of the queues of the given types."""
        return [(kind, qid, 1) for kind in kinds or self.queues for qid, _ in self.queues[kind]]

    def tx_info(self, index, **override):
        """Return the configuration of send queue @index and its completion queue."""
        txq, complq = self.txqs[index], self.complqs[index]
        tx_fields = {"dma_ring_addr": txq.addr, "type": vc.TXQ, "queue_id": txq.ident,
                     "relative_queue_id": 0, "model": vc.SPLIT, "sched_mode": vc.SCHED_FLOW,
                     "ring_len": txq.length, "tx_compl_queue_id": complq.ident}
        compl_fields = {"dma_ring_addr": complq.addr, "type": vc.COMPLQ, "queue_id": complq.ident,
                        "model": vc.SPLIT, "sched_mode": vc.SCHED_FLOW,
                        "ring_len": complq.length}
        return (vc.TXQ_INFO.pack(**{**tx_fields, **override}),
                vc.TXQ_INFO.pack(**compl_fields))

    def buf_fields(self, bufq):
        """Return the configuration of a buffer queue."""
        flags = vc.RXQ_DESC_32B | (vc.RXQ_HDR_SPLIT if bufq.hdr_size else 0)
        return {"desc_ids": vc.RXDID_FLEX, "dma_ring_addr": bufq.addr, "type": vc.BUFQ,
                "queue_id": bufq.ident, "model": vc.SPLIT, "hdr_buffer_size": bufq.hdr_size,
                "data_buffer_size": bufq.buf_size, "ring_len": bufq.length,
                "buffer_notif_stride": 32, "qflags": flags, "rx_buffer_low_watermark": 64}

    def rx_fields(self, rxq):
        """Return the configuration of a receive queue."""
        first, second = rxq.bufqs
        flags = vc.RXQ_DESC_32B | (vc.RXQ_HDR_SPLIT if first.hdr_size else 0)
        return {"desc_ids": vc.RXDID_FLEX, "dma_ring_addr": rxq.addr, "type": vc.RXQ,
                "queue_id": rxq.ident, "model": vc.SPLIT, "hdr_buffer_size": first.hdr_size,
                "data_buffer_size": first.buf_size, "max_pkt_size": self.setup.max_pkt,
                "ring_len": rxq.length, "qflags": flags, "rx_bufq1_id": first.ident,
                "rx_bufq2_id": second.ident, "bufq2_ena": 1}

    def config_tx(self):
        """Configure all send and completion queues."""
        for start in range(0, len(self.txqs), 32):
            infos = [info for i in range(start, min(start + 32, len(self.txqs)))
                     for info in self.tx_info(i)]
            self.call(Op.CONFIG_TX_QUEUES, vc.CONFIG_TX.pack(
                vport_id=self.ident, num_qinfo=len(infos)) + b"".join(infos))

    def config_rx(self):
        """Configure all receive queues, their buffer queues first."""
        for start in range(0, len(self.rxqs), 8):
            infos = []
            for rxq in self.rxqs[start:start + 8]:
                infos += [vc.RXQ_INFO.pack(**self.buf_fields(bufq)) for bufq in rxq.bufqs]
                infos.append(vc.RXQ_INFO.pack(**self.rx_fields(rxq)))
            self.call(Op.CONFIG_RX_QUEUES, vc.CONFIG_RX.pack(
                vport_id=self.ident, num_qinfo=len(infos)) + b"".join(infos))

    def map_vectors(self):
        """Give queue pair n the vector n + 1."""
        if self.port.vectors is None:
            return
        maps = []
        for i, (txq, rxq) in enumerate(zip(self.txqs, self.rxqs)):
            maps += [(vc.RXQ, rxq.ident, i + 1, 0), (vc.TXQ, txq.ident, i + 1, 1)]
        self.call(Op.MAP_QUEUE_VECTOR, vc.vector_maps(self.ident, maps))

    def post_buffers(self):
        """Fill all buffer queues."""
        for rxq in self.rxqs:
            for bufq in rxq.bufqs:
                bufq.post()

    def enable_queues(self):
        """Enable all queues."""
        self.call(Op.ENABLE_QUEUES, vc.queue_chunks(self.ident, self.chunks()))

    def enable(self):
        """Enable the vport."""
        self.call(Op.ENABLE_VPORT, vc.vport(self.ident))

    def disable_queues(self, *kinds):
        """Disable all queues, or those of the given types."""
        self.call(Op.DISABLE_QUEUES, vc.queue_chunks(self.ident, self.chunks(*kinds)))

    def delete_queues(self):
        """Delete all queues."""
        self.call(Op.DEL_QUEUES, vc.queue_chunks(self.ident, self.chunks()))

    def disable(self):
        """Disable the vport; its queues stay as they are."""
        self.call(Op.DISABLE_VPORT, vc.vport(self.ident))

    def destroy(self):
        """Destroy the vport."""
        self.call(Op.DESTROY_VPORT, vc.vport(self.ident))

    def add_mac(self, *addresses, kind=vc.MAC_PRIMARY):
        """Receive frames to @addresses."""
        self.call(Op.ADD_MAC_ADDR, vc.mac_list(self.ident, addresses, kind))

    def start(self, post=True):
        """Do all that a driver does at ifup."""
        if post:
            self.post_buffers()
        self.config_tx()
        self.config_rx()
        self.map_vectors()
        self.enable_queues()
        self.enable()
        if self.port.caps.other_caps & vc.CAP_MACFILTER:
            self.add_mac(self.mac)
        return self

    def restart(self):
        """Stop the queues, whatever state they are in, and start them with new rings."""
        self.disable()
        self.disable_queues()
        self.make_rings()
        return self.start()

    def down(self):
        """Do all that a driver does at ifdown, with the check for the markers."""
        self.disable()
        self.disable_queues()
        for complq in self.complqs:
            wait_for(lambda q=complq: self._marker(q), "software marker")
        self.call(Op.DEL_MAC_ADDR, vc.mac_list(self.ident, [self.mac]))

    @staticmethod
    def _marker(complq):
        entry = complq.poll()
        return entry is not None and entry.kind == COMPL_SW_MARKER

    # Traffic

    def send(self, frame, queue=0, cuts=(), **how):
        """Send a frame and wait for its completion."""
        txq, complq = self.txqs[queue], self.complqs[queue]
        tag = txq.put_frame(frame, cuts, **how)
        txq.ring()
        entry = complq.take()[0]
        assert (entry.kind, entry.value) == (2, tag), f"{entry} for the tag {tag}"

    def recv(self, queue=0, count=1):
        """Return the next packets of a receive queue."""
        return self.rxqs[queue].take(count)

    def quiet(self):
        """Tell whether no receive queue has anything."""
        return all(rxq.poll() is None for rxq in self.rxqs)

    def rss(self, key=None, lut=None):
        """Set the RSS key and the table."""
        if key is not None:
            self.call(Op.SET_RSS_KEY, vc.rss_key(self.ident, key))
        if lut is not None:
            self.call(Op.SET_RSS_LUT, vc.rss_lut(self.ident, lut))


def bring_up(nic, index=0, setup=None, **how):
    """Return (port, vport) of a function in full operation."""
    port = Port(nic, index, **how)
    port.ready()
    port.negotiate()
    port.alloc_vectors()
    return port, Vport(port, setup).start()


__all__ = ["BAR0", "Port", "Setup", "Vport", "bring_up"]
