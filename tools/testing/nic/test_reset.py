# SPDX-License-Identifier: GPL-2.0-only
"""Function reset by register, by message, by FLR, by DEVICE_RESET and by disconnection."""

import pytest

from niclib import frames, pci
from niclib.driver import Vport
from niclib.regs import CTRL_PFSWR, INTENA, MAILBOX_REGS, PfMap, RSTAT_MASK, VfMap
from niclib.virtchnl import Op
from niclib.wait import wait_for

NIC_PORTS = ("id=pf", "id=pf", "id=vf", "id=vf")


def by_register(port):
    """The request bit of the PF map, or the message of the VF."""
    port.reset()


def by_flr(port):
    """A function level reset."""
    offset = pci.capabilities(port.vfu)[pci.CAP_PCIE] + pci.PCIE_DEVCTL
    port.vfu.set_config(offset, "H", pci.PCIE_DEVCTL_FLR)
    port.ready()


def by_device_reset(port):
    """The message of the VMM."""
    port.vfu.device_reset()
    port.ready()


WAYS = (by_register, by_flr, by_device_reset)


@pytest.fixture(name="first", params=[0, 2], ids=["pf", "vf"])
def _first(request):
    """Number of the first port of each pair."""
    return request.param


def master(port):
    """Enable memory and bus mastering, which a reset by the bus clears."""
    port.vfu.set_config(pci.COMMAND, "H", 6)


@pytest.mark.parametrize("way", WAYS)
def test_clears(make_vport, first, way):
    """Mailbox, vectors and queues are as after power-up."""
    vport = make_vport(first)
    port = vport.port
    dyn_ctl = [port.dyn_ctl(vector) for vector in (0, 1)]
    port.enable_vector(1)
    way(port)
    for name in MAILBOX_REGS:
        assert port.rd32(getattr(port.regs, name)) == 0, name
    for offset in dyn_ctl:
        assert not port.rd32(offset) & INTENA


@pytest.mark.parametrize("way", WAYS)
def test_starts_anew(make_vport, first, way):
    """After the reset everything can be set up again and frames flow."""
    one, two = make_vport(first), make_vport(first + 1)
    one.send(frames.plain(100))
    assert two.recv()[0].frame == frames.plain(100)
    for _ in range(3):
        way(one.port)
        master(one.port)
        one.port.mbx = None
        one.port.negotiate()
        one.port.alloc_vectors()
        one = Vport(one.port).start()
        one.send(frames.plain(200))
        assert two.recv()[0].frame == frames.plain(200)
        two.send(frames.plain(300))
        assert one.recv()[0].frame == frames.plain(300)


@pytest.mark.parametrize("way", WAYS)
def test_under_traffic(make_vport, first, way):
    """A reset while frames are being sent and received harms nobody else."""
    one, two = make_vport(first), make_vport(first + 1)
    for vport in (one, two):
        for number in range(40):
            vport.txqs[0].put_frame(frames.plain(1000, seed=number))
    one.txqs[0].ring()
    two.txqs[0].ring()
    way(one.port)
    assert two.complqs[0].take(40)
    two.port.stats()
    two.rxqs[0].poll()
    master(one.port)
    one.port.mbx = None
    one.port.negotiate()
    one = Vport(one.port)
    one.port.alloc_vectors()
    one.start()
    two.send(frames.plain(77))
    wait_for(lambda: (packet := one.rxqs[0].poll()) and packet.frame == frames.plain(77),
             "the frame sent after the reset")


@pytest.mark.parametrize("way", WAYS)
def test_memory_is_left_alone(make_vport, first, way):
    """After the reset nothing is written to the rings any more."""
    one, two = make_vport(first), make_vport(first + 1)
    way(one.port)
    before = one.port.mem.map[:]
    two.send(frames.plain(500))
    two.port.stats()
    assert one.port.mem.map[:] == before


@pytest.mark.parametrize("way", WAYS)
def test_repeated(make_port, first, way):
    """Resets one after another, with nothing set up."""
    port = make_port(first)
    if way is by_register and port.regs is VfMap:
        for _ in range(10):
            port.start_mailbox()
            way(port)
        return
    for _ in range(30):
        way(port)


def test_maps_and_eventfds_stay(ctl):
    """Memory and eventfds belong to the VMM: they survive a function reset."""
    ctl.use_interrupts(2)
    ctl.reset()
    ctl.start_mailbox()
    ctl.negotiate()
    ctl.interrupted(0)
    ctl.enable_vector(0)
    assert ctl.interrupted(0, 5.0)


def test_pending_interrupts_are_dropped(ctl):
    """An event from before the reset does not fire after it."""
    ctl.use_interrupts(2)
    ctl.wr32(ctl.dyn_ctl(1), 4)
    ctl.stats()
    ctl.reset()
    ctl.enable_vector(1)
    ctl.stats()
    assert not ctl.interrupted(1)


def test_bus_master_after_flr(port):
    """An FLR clears the command register, a function reset by register does not."""
    port.reset()
    assert port.vfu.config(pci.COMMAND, "H") == 6
    by_flr(port)
    assert port.vfu.config(pci.COMMAND, "H") == 0


def test_without_bus_mastering(port):
    """No DMA while bus mastering is off."""
    port.vfu.set_config(pci.COMMAND, "H", 2)
    mbx = port.start_mailbox()
    with port.counted("dma_no_master"):
        mbx.send(Op.VERSION, bytes(8))
    assert not mbx.atq.flags(0) & 1
    assert not mbx.pending()


def test_without_bus_mastering_queues(make_vport):
    """No frame is fetched while bus mastering is off."""
    vport = make_vport(0)
    vport.port.vfu.set_config(pci.COMMAND, "H", 2)
    vport.txqs[0].put_frame(frames.plain(60))
    with vport.port.counted("dma_no_master"):
        vport.txqs[0].ring()
    assert vport.complqs[0].poll() is None
    vport.port.vfu.set_config(pci.COMMAND, "H", 6)
    vport.txqs[0].ring()
    assert vport.complqs[0].take()


def test_sleep_stops_dma(port):
    """No DMA in D3hot."""
    mbx = port.start_mailbox()
    offset = pci.capabilities(port.vfu)[pci.CAP_PM] + pci.PM_CTRL
    port.vfu.set_config(offset, "H", 3)
    mbx.send(Op.VERSION, bytes(8))
    port.stats()
    assert not mbx.pending()
    port.vfu.set_config(offset, "H", 0)


def test_disconnection(make_vport, nic):
    """When the VMM goes the port is reset; the next one finds it as new."""
    one = make_vport(0)
    two = make_vport(1)
    for number in range(40):
        two.txqs[0].put_frame(frames.plain(1000, seed=number))
    two.txqs[0].ring()
    one.port.close()
    two.complqs[0].take(40)
    again = make_vport(0)
    for name in MAILBOX_REGS[:2]:
        assert again.port.rd32(getattr(PfMap, name))
    two.send(frames.plain(60))
    assert again.recv()[0].frame == frames.plain(60)
    nic.alive()


@pytest.mark.parametrize("value", [0, 2, 0xfffffffe])
def test_other_bits_do_not_reset(ctl, value):
    """Only the request bit requests a reset."""
    ctl.wr32(ctl.regs.ctrl, value & ~CTRL_PFSWR)
    assert ctl.mbx.call(Op.VERSION, b"\2" + bytes(7))


def test_vf_reset_is_seen_at_once(make_port, nic):
    """Who reads registers right behind the doorbell of RESET_VF finds the reset done.

    The messages in front of it keep the data path busy for a while."""
    port = make_port(2)
    for _ in range(20):
        mbx = port.start_mailbox()
        for _ in range(40):
            mbx.queue(Op.GET_PTYPE_INFO, bytes(8))
        mbx.send(Op.RESET_VF)
        assert port.rd32(port.regs.arqlen) == 0
        assert port.rd32(port.regs.rstat) & RSTAT_MASK
    nic.alive()


def test_vf_reset_behind_the_ring_end(make_port):
    """RESET_VF is found where the send ring starts again; before its doorbell it is nothing."""
    port = make_port(2)
    mbx = port.start_mailbox(length=16)
    for _ in range(14):
        mbx.call(Op.VERSION, b"\2" + bytes(7))
    for _ in range(3):
        mbx.queue(Op.VERSION, b"\2" + bytes(7))
    slot, _ = mbx.queue(Op.RESET_VF)
    assert slot == 1
    assert port.rd32(port.regs.arqlen)
    mbx.ring()
    assert port.rd32(port.regs.arqlen) == 0
    assert mbx.atq.flags(slot) & 1


def test_second_reset(make_port):
    """A reset during or right behind another one clears what was written between them."""
    port = make_port(0)
    for _ in range(200):
        port.wr32(port.regs.ctrl, CTRL_PFSWR)
        port.wr32(port.regs.atqbal, 0x1000)
        port.wr32(port.regs.ctrl, CTRL_PFSWR)
        assert port.rd32(port.regs.rstat) & RSTAT_MASK
        assert port.rd32(port.regs.atqbal) == 0
