# SPDX-License-Identifier: GPL-2.0-only
"""IRQ_INFO, SET_IRQS, and the rules by which a vector fires."""

import errno
import os
import select
import socket
import struct
import time

import pytest

from niclib import frames
from niclib import vfu as v
from niclib.driver import Port
from niclib.regs import INTENA, INTENA_MSK, INT_ENABLE, ITR_NONE, SWINT_TRIG, WB_ON_ITR
from niclib.virtchnl import Op, VERSION
from niclib.wait import readable, wait_for

TRIGGER_FD = v.IRQ_ACTION_TRIGGER | v.IRQ_DATA_EVENTFD
TRIGGER_NONE = v.IRQ_ACTION_TRIGGER | v.IRQ_DATA_NONE
SOON = 5.0


@pytest.fixture(name="eventfds")
def _eventfds():
    """Sixteen eventfds."""
    descriptors = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(16)]
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.fixture(name="irq_port")
def _irq_port(ctl):
    """A port with its first four vectors attached to eventfds."""
    ctl.use_interrupts(4)
    return ctl


def payload(flags=TRIGGER_FD, index=v.IRQ_MSIX, start=0, count=1, argsz=20):
    """Return the payload of SET_IRQS."""
    return struct.pack("<IIIII", argsz, flags, index, start, count)


@pytest.fixture(name="msix")
def _msix(vfu):
    """The number of MSI-X vectors."""
    return vfu.irq_info(v.IRQ_MSIX)[3]


def test_info(vfu):
    """MSI-X has vectors that can be given eventfds; INTx and MSI do not exist."""
    _, flags, index, count = vfu.irq_info(v.IRQ_MSIX)
    assert index == v.IRQ_MSIX and flags & 1 and count >= 3
    assert vfu.irq_info(v.IRQ_INTX)[3] == 0
    assert vfu.irq_info(v.IRQ_MSI)[3] == 0
    for index in (v.IRQ_ERR, v.IRQ_REQ):
        assert vfu.irq_info(index)[3] in (0, 1)


def test_info_agrees_with_config(vfu, msix):
    """The MSI-X capability shows the same number of vectors."""
    offset = vfu.config(0x34, "B")
    while vfu.config(offset, "B") != 0x11:
        offset = vfu.config(offset + 1, "B")
    assert (vfu.config(offset + 2, "H") & 0x7ff) + 1 == msix


@pytest.mark.parametrize("index", [5, 6, 100, 0xffffffff])
def test_info_index(vfu, index):
    """There are no other interrupt types."""
    assert vfu.expect_error(v.IRQ_INFO, struct.pack("<IIII", 16, 0, index, 0)) > 0
    assert vfu.expect_error(v.SET_IRQS, payload(index=index, flags=TRIGGER_NONE, count=0)) > 0


@pytest.mark.parametrize("size", [0, 8, 15])
def test_info_short(vfu, size):
    """IRQ_INFO that is cut is refused."""
    assert vfu.expect_error(v.IRQ_INFO, struct.pack("<IIII", 16, 0, 2, 0)[:size]) > 0


@pytest.mark.parametrize("argsz", [0, 15])
def test_info_argsz(vfu, argsz):
    """IRQ_INFO with a small argsz is refused."""
    assert vfu.expect_error(v.IRQ_INFO, struct.pack("<IIII", argsz, 0, 2, 0)) > 0


def test_sequence_of_qemu(vfu, eventfds, msix):
    """What QEMU sends when a guest enables MSI-X and requests more and more vectors."""
    vfu.request(v.SET_IRQS, payload(count=1))
    for number in range(1, min(msix, 4) + 1):
        vfu.drop_eventfds()
        vfu.set_eventfds(0, eventfds[:number])
    vfu.set_eventfds(1, eventfds[1:2])
    vfu.drop_eventfds()
    vfu.drop_eventfds()


@pytest.mark.parametrize("request_payload", [
    payload(count=0xffffffff), payload(start=0xffffffff), payload(start=0xffffffff, count=2),
    payload(start=0x80000000, count=0x80000000), payload(argsz=19), payload(argsz=0),
    payload(flags=0), payload(flags=v.IRQ_DATA_EVENTFD), payload(flags=v.IRQ_ACTION_TRIGGER),
    payload(flags=v.IRQ_ACTION_TRIGGER | 7), payload(flags=0x38 | 4), payload(flags=0xffffffff),
    payload(flags=v.IRQ_ACTION_TRIGGER | v.IRQ_DATA_BOOL, count=4),
    payload(index=v.IRQ_INTX), payload(index=v.IRQ_MSI)],
    ids=["huge count", "huge start", "sum wraps", "both wrap", "small argsz", "no argsz",
         "no flags", "no action", "no data type", "all data types", "all actions", "all flags",
         "bools without data", "INTx", "MSI"])
def test_bad(vfu, eventfds, request_payload):
    """Ranges, sizes and flags that cannot be are refused."""
    assert vfu.expect_error(v.SET_IRQS, request_payload, eventfds[:1]) > 0
    assert vfu.irq_info(v.IRQ_MSIX)[3] > 0


@pytest.mark.parametrize("size", [0, 4, 19])
def test_short(vfu, size):
    """SET_IRQS that is cut is refused."""
    assert vfu.expect_error(v.SET_IRQS, payload()[:size]) > 0


def test_range(vfu, eventfds, msix):
    """The last vector can be set, none beyond it."""
    vfu.set_eventfds(msix - 1, eventfds[:1])
    assert vfu.expect_error(v.SET_IRQS, payload(start=msix), eventfds[:1]) > 0
    assert vfu.expect_error(v.SET_IRQS, payload(start=msix - 1, count=2), eventfds[:2]) > 0


@pytest.mark.parametrize("count, fds", [(2, 1), (1, 2), (4, 3), (3, 4)])
def test_count_of_descriptors(nic, vfu, eventfds, count, fds):
    """Another number of descriptors than the count (none at all is fine); none leaks."""
    before = len(nic.descriptors())
    assert vfu.expect_error(v.SET_IRQS, payload(count=count), eventfds[:fds]) > 0
    assert len(nic.descriptors()) == before


def test_replaced_descriptors_are_closed(nic, vfu, eventfds):
    """Setting the same vectors again and again leaks nothing."""
    vfu.set_eventfds(0, eventfds[:3])
    before = len(nic.descriptors())
    for _ in range(30):
        vfu.set_eventfds(0, eventfds[:3])
    assert len(nic.descriptors()) == before
    vfu.drop_eventfds()
    assert len(nic.descriptors()) == before - 3


@pytest.mark.parametrize("kind", ["pipe", "socket", "memfd", "file", "epoll"])
def test_descriptor_that_is_no_eventfd(nic, vfu, eventfds, tmp_path, kind):
    """What is no eventfd is refused with all that came with it, and kept by nobody."""
    makers = {"socket": socket.socket, "epoll": select.epoll,
              "file": lambda: open(tmp_path / "file", "wb"),
              "pipe": lambda: open(os.pipe()[1], "wb"),
              "memfd": lambda: open(os.memfd_create("no-eventfd"), "wb")}
    opened = makers[kind]()
    descriptor = opened.fileno()
    before = len(nic.descriptors())
    fds = [eventfds[0], descriptor]
    assert vfu.expect_error(v.SET_IRQS, payload(count=2), fds) == errno.EINVAL
    assert vfu.expect_error(v.SET_IRQS, payload(index=v.IRQ_ERR), fds[1:]) == errno.EINVAL
    assert len(nic.descriptors()) == before
    vfu.set_irqs(v.IRQ_MSIX, TRIGGER_NONE, 0, 1)
    assert not readable(eventfds[0])
    opened.close()


def software_trigger(port, vector, flags=INTENA):
    """Make @vector fire by its own register."""
    port.wr32(port.dyn_ctl(vector), SWINT_TRIG | ITR_NONE | flags)


def test_software_trigger(irq_port):
    """SWINT_TRIG fires an enabled vector, and that vector only."""
    software_trigger(irq_port, 1)
    assert irq_port.interrupted(1, SOON) == 1
    for vector in (0, 2, 3):
        assert not irq_port.interrupted(vector)


def test_trigger_by_message(irq_port):
    """SET_IRQS without data, or with a byte for each vector, signals eventfds at once."""
    irq_port.vfu.set_irqs(v.IRQ_MSIX, TRIGGER_NONE, 1, 2)
    assert [irq_port.interrupted(vector) for vector in range(4)] == [0, 1, 1, 0]
    irq_port.vfu.set_irqs(v.IRQ_MSIX, v.IRQ_ACTION_TRIGGER | v.IRQ_DATA_BOOL, 0, 4,
                          data=b"\1\0\0\1")
    assert [irq_port.interrupted(vector) for vector in range(4)] == [1, 0, 0, 1]


def test_pending_bit(irq_port):
    """An event without an eventfd shows in the pending bit array until it is delivered."""
    irq_port.vfu.drop_eventfds()
    software_trigger(irq_port, 1)
    irq_port.stats()
    assert irq_port.vfu.read(4, 0x8000, 8) == b"\2" + bytes(7)
    irq_port.use_interrupts(4)
    assert irq_port.interrupted(1, SOON) == 1
    assert irq_port.vfu.read(4, 0x8000, 8) == bytes(8)


def test_one_shot(irq_port):
    """Firing clears INTENA: the second event waits until the vector is enabled again."""
    software_trigger(irq_port, 1)
    assert irq_port.interrupted(1, SOON) == 1
    assert not irq_port.rd32(irq_port.dyn_ctl(1)) & INTENA
    software_trigger(irq_port, 1, 0)
    irq_port.stats()
    assert not irq_port.interrupted(1)
    irq_port.enable_vector(1)
    assert irq_port.interrupted(1, SOON) == 1


def test_pending_while_disabled(irq_port):
    """An event on a disabled vector is remembered, once."""
    for _ in range(3):
        software_trigger(irq_port, 2, 0)
    irq_port.stats()
    assert not irq_port.interrupted(2)
    irq_port.enable_vector(2)
    assert irq_port.interrupted(2, SOON) == 1
    irq_port.enable_vector(2)
    irq_port.stats()
    assert not irq_port.interrupted(2)


def test_pending_without_eventfd(irq_port):
    """An event between two registrations is signalled when the new eventfd comes."""
    irq_port.vfu.drop_eventfds()
    software_trigger(irq_port, 1)
    irq_port.stats()
    irq_port.use_interrupts(4)
    irq_port.enable_vector(1)
    assert irq_port.interrupted(1, SOON) >= 1


def test_full_eventfd(irq_port):
    """An eventfd that blocks when its counter is full holds nobody up."""
    full = os.eventfd(0, os.EFD_CLOEXEC)
    os.eventfd_write(full, 0xfffffffffffffffe)
    irq_port.vfu.set_eventfds(1, [full])
    for _ in range(3):
        irq_port.enable_vector(1)
        software_trigger(irq_port, 1)
    irq_port.stats()
    irq_port.ready()
    assert os.eventfd_read(full) >= 0xfffffffffffffffe
    os.close(full)


def test_eventfd_made_blocking(irq_port):
    """A client that makes a full eventfd block, behind the NIC's back, holds nobody up."""
    full = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    os.eventfd_write(full, 0xfffffffffffffffe)
    irq_port.vfu.set_eventfds(1, [full])
    os.set_blocking(full, True)
    for _ in range(3):
        irq_port.enable_vector(1)
        software_trigger(irq_port, 1)
    irq_port.vfu.set_irqs(v.IRQ_MSIX, TRIGGER_NONE, 1, 1)
    irq_port.stats()
    irq_port.ready()
    os.close(full)


def test_no_room_for_descriptors(make_nic):
    """Eventfds and memory for which the NIC has no descriptors left are refused, not forgotten."""
    nic = make_nic()
    port = Port(nic, 0)
    port.ready()
    port.negotiate()
    port.use_interrupts(1)
    nic.limit_descriptors(len(nic.descriptors()) + 1)
    fds = [os.eventfd(0) for _ in range(3)]
    request = payload(count=3)
    assert port.vfu.expect_error(v.SET_IRQS, request, fds) == errno.EMFILE
    nic.limit_descriptors(len(nic.descriptors()))
    request = struct.pack("<IIQQQ", 32, 3, 0, 0x1000, 0x1000)
    assert port.vfu.expect_error(v.DMA_MAP, request, [port.mem.descriptor]) == errno.EMFILE
    software_trigger(port, 0)
    assert port.interrupted(0, SOON)
    nic.limit_descriptors(200)
    port.vfu.set_eventfds(0, fds)
    port.close()
    for descriptor in fds:
        os.close(descriptor)


def test_enable_mask(irq_port):
    """INTENA_MSK leaves INTENA as it is."""
    irq_port.wr32(irq_port.dyn_ctl(1), INTENA_MSK | WB_ON_ITR | ITR_NONE)
    assert not irq_port.rd32(irq_port.dyn_ctl(1)) & INTENA
    irq_port.enable_vector(1)
    irq_port.wr32(irq_port.dyn_ctl(1), INTENA_MSK | ITR_NONE)
    software_trigger(irq_port, 1, INTENA_MSK)
    assert irq_port.interrupted(1, SOON) == 1


def test_disable(irq_port):
    """Writing 0 disables a vector."""
    irq_port.enable_vector(1)
    irq_port.wr32(irq_port.dyn_ctl(1), 0)
    software_trigger(irq_port, 1, INTENA_MSK)
    irq_port.stats()
    assert not irq_port.interrupted(1)


def test_mailbox_vector(irq_port):
    """A message from the device fires the mailbox vector."""
    irq_port.interrupted(0)
    irq_port.enable_vector(0)
    # replies from before may have left an event behind
    wait_for(lambda: irq_port.interrupted(0, SOON), "the event of earlier messages")
    irq_port.enable_vector(0)
    irq_port.mbx.send(Op.VERSION, VERSION.pack(major=2))
    assert irq_port.interrupted(0, SOON) == 1
    wait_for(irq_port.mbx.pending, "the reply behind the interrupt")
    for vector in (1, 2, 3):
        assert not irq_port.interrupted(vector)


def test_spare_vector_is_silent(irq_port):
    """The value that drivers write to their spare vector enables nothing."""
    irq_port.wr32(irq_port.dyn_ctl(3), 0xc0000018)
    irq_port.stats()
    assert not irq_port.interrupted(3)


@pytest.fixture(name="traffic")
def _traffic(pair):
    """Two vports; the second has interrupts attached."""
    sender, receiver = pair
    receiver.port.use_interrupts(2)
    return sender, receiver


def test_rx_vector(traffic):
    """A received frame fires the vector of its queue."""
    sender, receiver = traffic
    receiver.port.enable_vector(1)
    sender.send(frames.plain(100))
    assert receiver.port.interrupted(1, SOON) == 1
    assert receiver.recv()[0].frame == frames.plain(100)
    assert not receiver.port.rd32(receiver.port.dyn_ctl(1)) & INTENA


def test_tx_vector(traffic):
    """A completed send fires the vector of its queue."""
    sender, receiver = traffic
    receiver.port.enable_vector(1)
    receiver.send(frames.plain(100))
    assert receiver.port.interrupted(1, SOON) == 1
    assert sender.recv()[0].frame == frames.plain(100)


def test_no_event_lost(traffic):
    """Frame, interrupt, look, enable again: no frame is ever left behind."""
    sender, receiver = traffic
    receiver.port.enable_vector(1)
    sent = received = 0
    deadline = time.monotonic() + 30
    while received < 400:
        while sent < 400 and sent - received < 8:
            sender.send(frames.plain(100, seed=sent))
            sent += 1
        assert receiver.port.interrupted(1, SOON), f"no interrupt, {received} of {sent} received"
        while receiver.rxqs[0].poll() is not None:
            received += 1
        receiver.port.enable_vector(1)
        assert time.monotonic() < deadline


def test_throttling(traffic):
    """Two interrupts are at least one interval apart."""
    sender, receiver = traffic
    interval = 4000
    receiver.port.wr32(receiver.port.itr(1, 0), interval)
    receiver.port.wr32(receiver.port.itr(1, 1), interval)
    receiver.port.enable_vector(1)
    start = time.monotonic()
    sender.send(frames.plain(100))
    assert receiver.port.interrupted(1, SOON) == 1
    receiver.port.enable_vector(1)
    sender.send(frames.plain(100))
    assert receiver.recv(count=2)
    assert receiver.port.interrupted(1, SOON) == 1
    assert time.monotonic() - start >= interval * 2e-6 * 0.95
    receiver.port.wr32(receiver.port.itr(1, 0), 0)
    receiver.port.wr32(receiver.port.itr(1, 1), 0)
    receiver.port.enable_vector(1)
    sender.send(frames.plain(100))
    assert receiver.port.interrupted(1, SOON) == 1


def test_write_back_on_itr(traffic):
    """In polling mode frames arrive without an interrupt; leaving it fires one."""
    sender, receiver = traffic
    receiver.port.wr32(receiver.port.dyn_ctl(1), 0xc0000018)
    sender.send(frames.plain(100))
    assert receiver.recv()[0].frame == frames.plain(100)
    assert not receiver.port.interrupted(1)
    receiver.port.wr32(receiver.port.dyn_ctl(1), INT_ENABLE | SWINT_TRIG | 1 << 24 | 2 << 25)
    assert receiver.port.interrupted(1, SOON) == 1
