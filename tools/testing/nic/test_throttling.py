# SPDX-License-Identifier: GPL-2.0-only
"""Throttling: each queue by the index that it was mapped with, events without any, polling."""

import time

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Vport
from niclib.queues import COMPL_RS, COMPL_SW_MARKER
from niclib.regs import INTENA, INTENA_MSK, INT_ENABLE, ITR_NONE, SWINT_TRIG, WB_ON_ITR
from niclib.virtchnl import Op

NIC_PORTS = ("", "", "id=vf", "id=vf")
UNIT_S = 2e-6
LONG = 0xfff
SOON = 5.0
SW_INDEX_ENA = 1 << 24


def sw_index(index):
    """Return the field for the throttling index of a software trigger."""
    return SW_INDEX_ENA | index << 25


@pytest.fixture(name="link", params=[0, 2], ids=["pf", "vf"])
def _link(request, make_vport):
    """Two vports; on the first one RX has index 0 and TX index 1 of vector 1."""
    one, two = make_vport(request.param), make_vport(request.param + 1)
    one.port.use_interrupts(3)
    one.port.enable_vector(1)
    return one, two


def set_itr(port, *intervals):
    """Set the intervals of vector 1."""
    for index, interval in enumerate(intervals):
        port.wr32(port.itr(1, index), interval)


def fire(one, two, index):
    """Make an event of throttling index @index: receive or send a frame; return when."""
    start = time.monotonic()
    if index == 0:
        two.send(frames.plain(100))
        one.recv()
    else:
        one.send(frames.plain(100))
        two.recv()
    return start


def unthrottled(event):
    """Wait until two events in a row came within one interval of LONG.

    A busy host may take longer, any number of times; with throttling it never happens."""
    deadline = time.monotonic() + 30
    while True:
        start = time.monotonic()
        event()
        event()
        if time.monotonic() - start < LONG * UNIT_S:
            return
        assert time.monotonic() < deadline, "events come no quicker than the interval lets them"


@pytest.mark.parametrize("index", [0, 1])
def test_each_index_alone(link, index):
    """The interval of one index does not delay events of the other."""
    one, two = link
    port = one.port
    set_itr(port, *(0 if i == index else LONG for i in range(3)))

    def event():
        fire(one, two, index)
        assert port.interrupted(1, SOON) == 1
        port.enable_vector(1)

    for _ in range(10):
        unthrottled(event)
    set_itr(port, *(LONG if i == index else 0 for i in range(3)))
    fire(one, two, index)
    assert port.interrupted(1, SOON) == 1
    start = time.monotonic()
    port.enable_vector(1)
    fire(one, two, index)
    assert port.interrupted(1, SOON) == 1
    assert time.monotonic() - start >= LONG * UNIT_S * 0.5


def test_mapped_index(link):
    """MAP_QUEUE_VECTOR says which interval counts: with index 2 the queue waits for that one."""
    one, two = link
    one.call(Op.MAP_QUEUE_VECTOR, vc.vector_maps(
        one.ident, [(vc.RXQ, one.rxqs[0].ident, 1, 2)]))
    set_itr(one.port, 0, 0, LONG)
    fire(one, two, 0)
    assert one.port.interrupted(1, SOON) == 1
    start = time.monotonic()
    one.port.enable_vector(1)
    fire(one, two, 0)
    assert one.port.interrupted(1, SOON) == 1
    assert time.monotonic() - start >= LONG * UNIT_S * 0.5


def deallocate(vport):
    """Give vector 1 back."""
    vport.call(Op.DEALLOC_VECTORS, vc.VECTOR_CHUNKS.pack(num_vchunks=1)
               + vc.VECTOR_CHUNK.pack(start_vector_id=1, num_vectors=1))


def late_interrupt(one, two, end):
    """End a queue while an event of it waits for its interval; return whether it fires later.

    None: the interval was over before the answer came."""
    port = one.port
    trigger = INTENA | ITR_NONE | SWINT_TRIG | sw_index(0)
    for vector in (1, 2):
        for index in range(3):
            port.wr32(port.itr(vector, index), LONG)
    port.enable_vector(1)
    fire(one, two, 0)
    assert port.interrupted(1, SOON) == 1
    port.enable_vector(1)
    fire(one, two, 0)
    end(one)
    if port.interrupted(1):
        return None
    # when vector 2 fires for the second time, the interval of vector 1 is long over
    for _ in range(2):
        port.wr32(port.dyn_ctl(2), trigger)
        assert port.interrupted(2, SOON) == 1
    return bool(port.interrupted(1))


@pytest.mark.parametrize("end", [Vport.disable_queues, Vport.delete_queues, Vport.destroy,
                                 deallocate])
def test_no_interrupt_after_the_answer(link, end):
    """Of what was disabled, deleted or given back no interrupt comes any more."""
    one, two = link
    for _ in range(100):
        late = late_interrupt(one, two, end)
        if late is not None:
            assert not late
            return
        one.port.reset()
        one.port.mbx = None
        one.port.negotiate()
        one.port.alloc_vectors()
        one = Vport(one.port).start()
    raise AssertionError("no answer comes within an interval")


def test_no_itr(link):
    """A software trigger without an index, or with index 3, waits for no interval."""
    one, _ = link
    port = one.port
    set_itr(port, LONG, LONG, LONG)

    def event(trigger):
        port.wr32(port.dyn_ctl(1), INTENA | ITR_NONE | trigger)
        assert port.interrupted(1, SOON) == 1

    for trigger in (SWINT_TRIG, SWINT_TRIG | sw_index(3)):
        for _ in range(10):
            unthrottled(lambda bits=trigger: event(bits))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_triggered_index(link, index):
    """A software trigger with an index waits for the interval of that index."""
    one, _ = link
    port = one.port
    set_itr(port, *(LONG if i == index else 0 for i in range(3)))
    trigger = INTENA | ITR_NONE | SWINT_TRIG | sw_index(index)
    port.wr32(port.dyn_ctl(1), trigger)
    assert port.interrupted(1, SOON) == 1
    start = time.monotonic()
    for _ in range(4):
        port.wr32(port.dyn_ctl(1), trigger)
        assert port.interrupted(1, SOON) == 1
    assert time.monotonic() - start >= 3.5 * LONG * UNIT_S


@pytest.mark.parametrize("index", [0, 1, 2])
def test_interval_by_dyn_ctl(link, index):
    """DYN_CTL sets the interval of the index that it names, and with index 3 none."""
    one, _ = link
    port = one.port
    set_itr(port, 7, 7, 7)
    port.wr32(port.dyn_ctl(1), INTENA_MSK | ITR_NONE | 99 << 5)
    assert [port.rd32(port.itr(1, i)) for i in range(3)] == [7, 7, 7]
    port.wr32(port.dyn_ctl(1), INTENA_MSK | index << 3 | 99 << 5)
    assert [port.rd32(port.itr(1, i)) for i in range(3)] == [
        99 if i == index else 7 for i in range(3)]


def test_polling(link):
    """With write-back on ITR all arrives without an interrupt, and nothing but what was sent.

    A completion of type 0 (ITR flush) would be an error to Linux."""
    one, two = link
    port = one.port
    port.wr32(port.dyn_ctl(1), WB_ON_ITR | INTENA_MSK | ITR_NONE)
    port.wr32(port.dyn_ctl(1), WB_ON_ITR | ITR_NONE)
    assert port.rd32(port.dyn_ctl(1)) & WB_ON_ITR
    set_itr(port, LONG, LONG, LONG)
    for number in range(50):
        two.send(frames.plain(200, seed=number))
        assert one.recv()[0].frame == frames.plain(200, seed=number)
        one.txqs[0].put_frame(frames.plain(300, seed=number), report=number % 7 == 0)
        one.txqs[0].ring()
        kinds = {entry.kind for entry in one.complqs[0].take(2 if number % 7 == 0 else 1)}
        assert COMPL_RS in kinds and 0 not in kinds
    assert not port.interrupted(1)
    # what happened meanwhile is told when the driver stops polling
    port.wr32(port.dyn_ctl(1), INT_ENABLE)
    assert port.interrupted(1, SOON) == 1
    assert one.complqs[0].poll() is None
    one.disable_queues(vc.TXQ)
    assert one.complqs[0].take()[0].kind == COMPL_SW_MARKER
