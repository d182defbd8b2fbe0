# SPDX-License-Identifier: GPL-2.0-only
"""The mailbox rings: order, wrap, lengths, bad descriptors, full and disabled rings."""

import random

import pytest

from niclib import mailbox as mb
from niclib.mailbox import Mailbox
from niclib.regs import LEN_ENABLE
from niclib.virtchnl import Op, Status, VERSION, CAPS, IDPF_WISH
from niclib.wait import wait_for

NIC_PORTS = ("id=pf", "id=vf")
HELLO = VERSION.pack(major=2)


@pytest.fixture(name="port", params=[0, 1], ids=["pf", "vf"])
def _port(make_port, request):
    """A port of each register map."""
    return make_port(request.param)


def test_exchange(mbx):
    """A message is completed, answered with its cookie, and both heads move."""
    port = mbx.port
    slot, cookie = mbx.send(Op.VERSION, HELLO, cookie=0xbeef)
    reply = mbx.recv()
    done = mbx.sent(slot)
    assert done.flags & (mb.DD | mb.CMP) == mb.DD | mb.CMP
    assert not done.flags & mb.ERR
    assert done.func_id == 0, "the status"
    assert (done.opcode, done.datalen, done.vc_opcode) == (mb.SEND_TO_CP, 8, Op.VERSION)
    assert done.sw_cookie == cookie == 0xbeef
    desc = reply.desc
    assert desc.flags & (mb.DD | mb.CMP | mb.BUF) == mb.DD | mb.CMP | mb.BUF
    assert not desc.flags & mb.ERR
    assert desc.vc_opcode == Op.VERSION, "descriptor type must be 0"
    assert (desc.vc_retval, desc.sw_cookie, desc.datalen) == (0, 0xbeef, 8)
    wait_for(lambda: port.rd32(port.regs.atqh) & 0x3ff == 1, "ATQ head 1")
    wait_for(lambda: port.rd32(port.regs.arqh) & 0x1fff == 1, "ARQ head 1")


@pytest.mark.parametrize("cookie", [0, 1, 0x00ff, 0xff00, 0xffff])
def test_cookie(mbx, cookie):
    """Any cookie comes back."""
    assert mbx.exchange(Op.VERSION, HELLO, cookie=cookie).cookie == cookie


def test_enabled_registers_read_back(mbx):
    """Drivers read the length register to see whether the device was reset."""
    port = mbx.port
    for name in ("arqlen", "atqlen"):
        assert port.rd32(getattr(port.regs, name)) == LEN_ENABLE | 64


def test_many_rounds(mbx):
    """The rings wrap several times, one message at a time."""
    for _ in range(64 * 3 + 5):
        assert mbx.call(Op.VERSION, HELLO) == HELLO


def test_batches(mbx):
    """Several messages with one doorbell are all answered."""
    rng = random.Random(1)
    for _ in range(20):
        cookies = [mbx.queue(Op.VERSION, HELLO)[1] for _ in range(rng.randrange(1, 60))]
        mbx.ring()
        replies = [mbx.recv() for _ in cookies]
        assert sorted(reply.cookie for reply in replies) == sorted(cookies)


@pytest.mark.parametrize("length", [2, 3, 16, 63, 64, 256, 1023])
def test_ring_lengths(port, length):
    """Rings of other lengths work as well."""
    mbx = port.start_mailbox(length)
    for _ in range(min(2 * length + 1, 300)):
        assert mbx.call(Op.VERSION, HELLO) == HELLO


def test_doorbell_before_enable(port):
    """Tails written before the ring is enabled do nothing and are kept."""
    mbx = Mailbox(port)
    for slot in range(63):
        mbx.post(1, doorbell=False)
        assert slot < 63
    mbx.queue(Op.VERSION, HELLO)
    port.wr32(port.regs.arqt, 63)
    port.wr32(port.regs.atqt, 1)
    port.stats()
    assert not mbx.atq.flags(0) & mb.DD
    for name, ring in (("arq", mbx.arq), ("atq", mbx.atq)):
        port.wr32(getattr(port.regs, name + "bal"), ring.addr & 0xffffffff)
        port.wr32(getattr(port.regs, name + "bah"), ring.addr >> 32)
        port.wr32(getattr(port.regs, name + "len"), 64 | LEN_ENABLE)
    port.wr32(port.regs.atqt, 1)
    assert mbx.recv().data == HELLO


def test_receive_ring_full(port):
    """Replies wait for buffers and none is lost, in whatever pieces buffers come."""
    mbx = port.start_mailbox(arq_posted=2)
    cookies = [mbx.queue(Op.VERSION, HELLO)[1] for _ in range(50)]
    mbx.ring()
    found = [mbx.recv(repost=False).cookie for _ in range(2)]
    port.stats()
    assert not mbx.pending()
    for count in (1, 3, 10, 34):
        mbx.post(count)
        found += [mbx.recv(repost=False).cookie for _ in range(count)]
    assert sorted(found) == sorted(cookies)


def test_replies_are_bounded(port):
    """While many replies wait no requests are taken: the NIC does not grow, and loses none."""
    mbx = port.start_mailbox(length=512, arq_posted=0)
    cookies = [mbx.queue(Op.VERSION, HELLO, cookie=number)[1] for number in range(400)]
    before = port.stats()["mailbox"]["requests"]
    mbx.ring()
    wait_for(lambda: port.stats()["mailbox"]["waiting"] >= 64, "replies that wait")
    assert port.stats()["mailbox"]["requests"] - before == 64
    mbx.post(511)
    assert [mbx.recv(repost=False).cookie for _ in cookies] == cookies
    assert port.stats()["mailbox"]["requests"] - before == 400


def test_no_receive_buffers(port):
    """With no buffer at all the message waits."""
    mbx = port.start_mailbox(arq_posted=0)
    mbx.send(Op.VERSION, HELLO)
    port.stats()
    assert not mbx.pending()
    mbx.post(1)
    assert mbx.recv(repost=False).data == HELLO


@pytest.mark.parametrize("opcode", [0, 2, 499, 527, 528, 600, 999, 0xfffffff])
def test_unknown_opcode(mbx, opcode):
    """A message that does not exist is refused, not ignored, and the next one works."""
    with mbx.port.counted("cp_opcode"):
        mbx.refuse(opcode, Status.ESRCH, bytes(8))
        mbx.refuse(opcode, Status.ESRCH)
    assert mbx.call(Op.VERSION, HELLO) == HELLO


def test_descriptor_type_bits(mbx):
    """The reply's opcode has no type bits, even if the request had some."""
    slot, cookie = mbx.send(Op.VERSION, HELLO, vc_opcode=Op.VERSION | 1 << 28)
    reply = mbx.recv()
    mbx.sent(slot)
    assert reply.cookie == cookie
    assert reply.desc.vc_opcode == Op.VERSION


@pytest.mark.parametrize("datalen", [0, 1, 4, 7])
def test_short(mbx, datalen):
    """A length shorter than the message needs."""
    with mbx.port.counted("cp_length"):
        mbx.refuse(Op.VERSION, Status.EINVAL, HELLO, datalen=datalen)


@pytest.mark.parametrize("datalen", [9, 100, 4096])
def test_long(mbx, datalen):
    """A longer one is answered in full."""
    assert mbx.call(Op.VERSION, HELLO + bytes(datalen - 8)) == HELLO


@pytest.mark.parametrize("datalen", [4097, 0x8000, 0xffff])
def test_longer_than_a_buffer(mbx, datalen):
    """A length above 4096 is refused or completed with an error; the next message works."""
    with mbx.port.counted("mbx_desc"):
        slot, _ = mbx.send(Op.VERSION, HELLO, datalen=datalen)
        mbx.sent(slot)
    while mbx.pending():
        assert mbx.take().retval
    assert mbx.call(Op.VERSION, HELLO) == HELLO


@pytest.mark.parametrize("high, low", [(0, 0), (0xffffffff, 0xfffff000), (0xffffffff, 0xffffffff),
                                       (0x12345, 0), (1, (64 << 20) - 4)],
                         ids=["null", "top", "wraps", "nowhere", "crosses the end"])
def test_bad_buffer(mbx, high, low):
    """A buffer outside of guest memory is an error of that message only."""
    with mbx.port.counted("dma_no_map", "mbx_desc"):
        slot, _ = mbx.send(Op.VERSION, HELLO, addr_high=high, addr_low=low)
        done = mbx.sent(slot)
        assert done.flags & mb.ERR and done.func_id
    while mbx.pending():
        assert mbx.take().retval
    assert mbx.call(Op.VERSION, HELLO) == HELLO


def test_no_buffer(mbx):
    """A message without a buffer whose operation needs one."""
    mbx.refuse(Op.VERSION, Status.EINVAL)
    mbx.refuse(Op.GET_CAPS, Status.EINVAL)


@pytest.mark.parametrize("queue_op", [0, 0x0800, 0x0803, 0x0804, 0xffff])
def test_queue_opcode(mbx, queue_op):
    """An operation of the queue other than "send to control plane" does no harm."""
    slot = mbx.atq_next
    addr = mbx.port.mem.put(HELLO)
    mbx.atq.set_desc(slot, flags=mb.BUF | mb.RD, opcode=queue_op, datalen=8,
                     vc_opcode=Op.VERSION, addr_high=addr >> 32, addr_low=addr & 0xffffffff)
    mbx.atq_next += 1
    mbx.ring()
    mbx.sent(slot)
    while mbx.pending():
        mbx.take()
    assert mbx.call(Op.VERSION, HELLO) == HELLO


def test_flags_all_set(mbx):
    """Every flag set, DD and ERR too."""
    slot, _ = mbx.send(Op.VERSION, HELLO, flags=0xffff)
    wait_for(mbx.pending, "any answer")
    mbx.take()
    assert mbx.atq.desc(slot).flags & mb.DD
    assert mbx.call(Op.VERSION, HELLO) == HELLO


def test_small_receive_buffers(port):
    """A reply that does not fit the posted buffer is cut or refused, never overruns it."""
    mbx = port.start_mailbox(arq_posted=0)
    buf = mbx.arq.bufs[0]
    port.mem.write(buf, b"\xee" * 4096)
    mbx.post(1, datalen=16)
    with port.counted("mbx_overflow", "mbx_desc", "mbx_ring"):
        mbx.send(Op.GET_CAPS, CAPS.pack(**IDPF_WISH))
    assert port.mem.read(buf + 16, 4080) == b"\xee" * 4080


def test_bad_receive_buffer(port):
    """A receive buffer outside of guest memory costs that buffer at most."""
    mbx = port.start_mailbox(arq_posted=0)
    mbx.post(1, addr_high=0xdead, addr_low=0xbeef000)
    mbx.post(8)
    with port.counted("dma_no_map", "mbx_desc"):
        mbx.send(Op.VERSION, HELLO)
    for _ in range(8):
        mbx.send(Op.VERSION, HELLO)
    port.stats()


@pytest.mark.parametrize("ring", ["atq", "arq"])
@pytest.mark.parametrize("addr", [0, 0xdead0000, (1 << 64) - 4096], ids=hex)
def test_ring_outside_of_memory(port, ring, addr):
    """A ring outside of guest memory is counted; after a proper set-up all is well."""
    mbx = port.start_mailbox()
    port.wr32(getattr(port.regs, ring + "len"), 0)
    port.wr32(getattr(port.regs, ring + "bal"), addr & 0xffffffff)
    port.wr32(getattr(port.regs, ring + "bah"), addr >> 32)
    with port.counted("mbx_ring", "dma_no_map"):
        port.wr32(getattr(port.regs, ring + "len"), 64 | LEN_ENABLE)
        mbx.send(Op.VERSION, HELLO)
    mbx.stop()
    assert port.start_mailbox().call(Op.VERSION, HELLO) == HELLO


@pytest.mark.parametrize("ring", ["atq", "arq"])
@pytest.mark.parametrize("skew", [1, 4, 16])
def test_ring_not_aligned(port, ring, skew):
    """A ring that is not aligned to its descriptors is counted and not used."""
    mbx = port.start_mailbox()
    port.wr32(getattr(port.regs, ring + "len"), 0)
    port.wr32(getattr(port.regs, ring + "bal"), (getattr(mbx, ring).addr + skew) & 0xffffffff)
    with port.counted("mbx_ring"):
        port.wr32(getattr(port.regs, ring + "len"), 64 | LEN_ENABLE)
        mbx.send(Op.VERSION, HELLO)
    mbx.stop()
    assert port.start_mailbox().call(Op.VERSION, HELLO) == HELLO


@pytest.mark.parametrize("ring, length", [("atq", 0), ("arq", 0), ("atq", 1), ("arq", 1)])
def test_useless_lengths(port, ring, length):
    """A ring of no or one descriptor can hold nothing."""
    mbx = port.start_mailbox()
    port.wr32(getattr(port.regs, ring + "len"), 0)
    port.wr32(getattr(port.regs, ring + "len"), length | LEN_ENABLE)
    mbx.send(Op.VERSION, HELLO)
    port.stats()
    mbx.stop()
    assert port.start_mailbox().call(Op.VERSION, HELLO) == HELLO


@pytest.mark.parametrize("name", ["atqt", "arqt"])
@pytest.mark.parametrize("value", [64, 65, 1023, 0xffffffff])
def test_tail_outside(port, name, value):
    """A tail outside of the ring is counted; the mailbox can be set up again."""
    mbx = port.start_mailbox()
    with port.counted("mbx_ring"):
        port.wr32(getattr(port.regs, name), value)
        if name == "arqt":
            # looked at when there is something to answer
            mbx.send(Op.VERSION, HELLO)
    mbx.stop()
    assert port.start_mailbox().call(Op.VERSION, HELLO) == HELLO


def test_disabled(mbx):
    """A disabled mailbox does nothing; enabled again it starts at its beginning."""
    port = mbx.port
    mbx.call(Op.VERSION, HELLO)
    mbx.stop()
    slot, _ = mbx.send(Op.VERSION, HELLO)
    port.stats()
    assert not mbx.atq.flags(slot) & mb.DD
    assert not mbx.pending()
    again = port.start_mailbox()
    assert again.call(Op.VERSION, HELLO) == HELLO


def test_started_again_and_again(port):
    """What a driver does that retries its initialization."""
    for _ in range(20):
        mbx = port.start_mailbox()
        assert mbx.call(Op.VERSION, HELLO) == HELLO
        mbx.stop()


def test_descriptor_changed_after_the_doorbell(mbx):
    """A guest that rewrites descriptors while they are read gains nothing."""
    port = mbx.port
    for number in range(200):
        slot, _ = mbx.send(Op.VERSION, HELLO)
        mbx.atq.set_desc(slot, flags=mb.BUF | mb.RD, datalen=0xffff, vc_opcode=number,
                         addr_high=number, addr_low=number)
        wait_for(lambda: port.rd32(port.regs.atqh) & 0x3ff == mbx.atq_next, "ATQ head")
        while mbx.pending():
            mbx.take()


def test_two_ports_are_apart(make_port):
    """Mailboxes of two ports do not see each other's messages."""
    boxes = [make_port(i).start_mailbox() for i in (0, 1)]
    for number in range(50):
        slots = [box.send(Op.VERSION, HELLO, cookie=number + 1000 * i)
                 for i, box in enumerate(boxes)]
        for i, (box, (slot, _)) in enumerate(zip(boxes, slots)):
            assert box.recv().cookie == number + 1000 * i
            box.sent(slot)


def test_ring_is_replaced_in_flight(port):
    """A send ring that is taken away while it is worked on does not move the next one's head."""
    mbx = port.start_mailbox()
    for _ in range(100):
        for _ in range(20):
            mbx.queue(Op.VERSION, HELLO)
        mbx.ring()
        port.wr32(port.regs.atqlen, 0)
        port.wr32(port.regs.atqt, 0)
        port.wr32(port.regs.atqh, 0)
        port.stats()
        assert port.rd32(port.regs.atqh) == 0
        mbx.atq_next = 0
        port.wr32(port.regs.atqlen, mbx.length | LEN_ENABLE)
