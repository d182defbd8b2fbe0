# SPDX-License-Identifier: GPL-2.0-only
"""BAR0: every register of both maps, its reset value, what it stores, odd accesses."""

import struct

import pytest

from niclib import virtchnl as vc
from niclib.regs import (INTENA, INT_ENABLE, LEN_ENABLE, MAILBOX_REGS, PfMap, RSTAT_MASK, VfMap)
from niclib.virtchnl import Op

NIC_PORTS = ("id=pf", "id=vf", "id=class")
MAPS = (PfMap, VfMap, PfMap)


@pytest.fixture(name="fun", params=[0, 1, 2], ids=["pf", "vf", "class"])
def _fun(make_port, request):
    """A port of each kind."""
    return make_port(request.param, regs=MAPS[request.param])


def test_reset_state(fun):
    """The function is ready without being asked."""
    assert 0 < fun.rd32(fun.regs.rstat) & RSTAT_MASK <= 3
    assert fun.rd32(fun.regs.rstat) != 0xffffffff


@pytest.mark.parametrize("name", MAILBOX_REGS)
def test_mailbox_reset_values(fun, name):
    """All mailbox registers are 0 after reset."""
    assert fun.rd32(getattr(fun.regs, name)) == 0


@pytest.mark.parametrize("name, value", [
    ("arqbah", 0x12345678), ("atqbah", 0x9abcdef0), ("atqbal", 0x12345000)])
def test_mailbox_bases(fun, name, value):
    """Base registers store what is written while the ring is disabled."""
    fun.wr32(getattr(fun.regs, name), value)
    assert fun.rd32(getattr(fun.regs, name)) == value


@pytest.mark.parametrize("name, bits", [
    ("arqlen", 0x1fff), ("arqh", 0x1fff), ("arqt", 0x1fff),
    ("atqlen", 0x3ff), ("atqh", 0x3ff), ("atqt", 0x3ff)])
def test_mailbox_undefined_bits(fun, name, bits):
    """Bits that no register has are not kept, and counted; nor can a driver set the errors."""
    with fun.counted("reg_value"):
        fun.wr32(getattr(fun.regs, name), 0x7fffffff)
    assert fun.rd32(getattr(fun.regs, name)) == bits


def test_arqbal(fun):
    """ARQBAL stores an aligned address."""
    fun.wr32(fun.regs.arqbal, 0x12345000)
    assert fun.rd32(fun.regs.arqbal) == 0x12345000


@pytest.mark.parametrize("name, width", [("arqlen", 13), ("atqlen", 10)])
def test_mailbox_lengths(fun, name, width):
    """Length registers store their length bits."""
    offset = getattr(fun.regs, name)
    for value in (64, (1 << width) - 1, 0):
        fun.wr32(offset, value)
        assert fun.rd32(offset) & (1 << width) - 1 == value
        assert not fun.rd32(offset) & LEN_ENABLE


def test_identification_by_class(fun):
    """The probe pattern reads back at the VF's ARQBAL on a VF map and nowhere else."""
    fun.wr32(VfMap.arqbal, 0xfeed0000)
    assert (fun.rd32(VfMap.arqbal) == 0xfeed0000) == (fun.regs is VfMap)
    fun.wr32(VfMap.arqbal, 0)


def test_ctrl(fun):
    """The reset request bit reads back as 0."""
    if fun.regs.ctrl is None:
        pytest.skip("the VF map has no reset register")
    fun.wr32(fun.regs.ctrl, 1)
    fun.ready()
    assert fun.rd32(fun.regs.ctrl) == 0


def test_rstat_is_read_only(fun):
    """The reset state cannot be written."""
    before = fun.rd32(fun.regs.rstat)
    for value in (0, 0xffffffff):
        fun.wr32(fun.regs.rstat, value)
        assert fun.rd32(fun.regs.rstat) == before


def test_other_causes(fun):
    """What drivers write to the other-cause register is accepted without a complaint."""
    before = fun.errors()
    fun.wr32(fun.regs.oicr_ena, 0xffffffff if fun.regs is PfMap else 1 << 30)
    fun.flush()
    assert fun.errors() == before


def test_vector_registers(fun):
    """DYN_CTL and ITR are where the control plane says, inside BAR0, and do not overlap."""
    fun.negotiate()
    _, chunks = fun.alloc_vectors()
    offsets = [fun.caps.mailbox_dyn_ctl]
    for chunk in chunks:
        for vector in range(chunk.start_vector_id, chunk.start_vector_id + chunk.num_vectors):
            offsets.append(fun.dyn_ctl(vector))
            offsets += [fun.itr(vector, i) for i in range(3)]
    assert len(set(offsets)) == len(offsets)
    assert all(offset % 4 == 0 and offset + 4 <= fun.regs.bar_size for offset in offsets)
    if fun.regs.dyn_ctl:
        base, spacing = fun.regs.dyn_ctl
        assert all((offset - base) % spacing < 0x10 for offset in offsets)


def test_dyn_ctl(fun):
    """INTENA of every vector is stored and cleared, each for itself."""
    fun.negotiate()
    _, chunks = fun.alloc_vectors()
    vectors = [chunk.start_vector_id + i for chunk in chunks for i in range(chunk.num_vectors)]
    for vector in vectors:
        assert not fun.rd32(fun.dyn_ctl(vector)) & INTENA
    for vector in vectors:
        fun.wr32(fun.dyn_ctl(vector), INT_ENABLE)
        enabled = [v for v in vectors if fun.rd32(fun.dyn_ctl(v)) & INTENA]
        assert enabled == [vector]
        fun.wr32(fun.dyn_ctl(vector), 0)


def test_itr(fun):
    """Interval registers store 12 bits."""
    fun.negotiate()
    fun.alloc_vectors()
    for index in range(3):
        for value in (0, 4, 0xfff):
            fun.wr32(fun.itr(1, index), value)
            assert fun.rd32(fun.itr(1, index)) & 0xfff == value


def tails(fun):
    """Create a vport; return the tail registers of its tx and buffer queues."""
    fun.negotiate()
    reply = fun.mbx.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
        txq_model=1, rxq_model=1, num_tx_q=4, num_tx_complq=4, num_rx_q=4, num_rx_bufq=8))
    info = vc.CREATE_VPORT.unpack(reply)
    found = {}
    for chunk in vc.reg_chunks(reply, vc.CREATE_VPORT.size, info.num_chunks):
        found.setdefault(chunk.type, []).extend(
            chunk.qtail_reg_start + i * chunk.qtail_reg_spacing for i in range(chunk.num_queues))
    return found


def test_tails(fun):
    """Tail registers lie inside BAR0, apart from each other, in their register file."""
    found = tails(fun)
    used = found[vc.TXQ] + found[vc.BUFQ]
    assert len(found[vc.TXQ]) == 4 and len(found[vc.BUFQ]) == 8
    assert len(set(used)) == len(used)
    assert all(offset % 4 == 0 and offset + 4 <= fun.regs.bar_size for offset in used)
    for kind, (base, spacing) in ((vc.TXQ, fun.regs.tx_tail), (vc.BUFQ, fun.regs.bufq_tail)):
        assert all(offset >= base and (offset - base) % spacing == 0 for offset in found[kind])


def test_tail_of_unconfigured_queue(fun):
    """A tail written before its queue is configured is no error and is kept."""
    found = tails(fun)
    before = fun.errors()
    for offset in found[vc.TXQ] + found[vc.BUFQ]:
        fun.wr32(offset, 5)
    fun.flush()
    assert fun.errors() == before


def test_unknown_offsets(fun):
    """Offsets without a register read as 0, swallow writes, and are counted."""
    for offset in (0x07ffff00 % fun.regs.bar_size, fun.regs.bar_size - 4,
                   fun.regs.bar_size - 0x1000):
        with fun.counted("reg_unknown"):
            fun.wr32(offset, 0xffffffff)
            assert fun.rd32(offset) == 0


@pytest.mark.parametrize("count", [1, 2, 8])
def test_access_sizes(fun, count):
    """Other sizes than 4 do no harm, on every mailbox register."""
    for name in MAILBOX_REGS:
        offset = getattr(fun.regs, name) & ~(count - 1)
        fun.vfu.read(0, offset, count)
        fun.vfu.write(0, offset, b"\xff" * count)
    fun.vfu.device_reset()
    fun.ready()
    assert fun.rd32(fun.regs.atqlen) == 0


@pytest.mark.parametrize("skew", [1, 2, 3])
def test_unaligned(fun, skew):
    """Accesses across two registers do no harm."""
    for name in MAILBOX_REGS:
        offset = getattr(fun.regs, name) + skew
        fun.vfu.read(0, offset, 4)
        fun.vfu.write(0, offset, b"\xff" * 4)
    fun.vfu.device_reset()
    fun.ready()
    assert fun.rd32(fun.regs.atqlen) == 0


def test_pending_bits(fun):
    """The pending bit array can be read and not be written."""
    before = fun.vfu.read(4, 0x8000, 8)
    fun.vfu.write(4, 0x8000, b"\xff" * 8)
    assert fun.vfu.read(4, 0x8000, 8) == before == bytes(8)


def test_reads_do_not_wait(fun):
    """A register read is answered while a long queue of messages is being worked on."""
    mbx = fun.start_mailbox()
    for _ in range(60):
        mbx.queue(Op.GET_CAPS, vc.CAPS.pack(**vc.IDPF_WISH))
    mbx.ring()
    for _ in range(50):
        struct.unpack("<I", fun.vfu.read(0, fun.regs.rstat, 4))
    for _ in range(60):
        assert mbx.recv().opcode == Op.GET_CAPS
