# SPDX-License-Identifier: GPL-2.0-only
"""Wires: which port is joined to which, what a link does when it is down."""

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Port, Setup, Vport
from niclib.regs import PfMap, VfMap
from niclib.wait import wait_for

NIC_PORTS = ("", "", "", "", "")


@pytest.fixture(name="bring_up")
def _bring_up():
    """A function that makes a vport in operation on any NIC."""
    ports = []

    def make(nic, index, setup=None):
        port = Port(nic, index)
        ports.append(port)
        port.ready()
        port.negotiate()
        port.alloc_vectors()
        return Vport(port, setup).start()

    yield make
    for port in ports:
        port.close()


def carries(one, two):
    """Check that frames go from @one to @two unchanged."""
    one.send(frames.plain(123))
    assert two.recv()[0].frame == frames.plain(123)


def link_of(vport):
    """Return the link state that the device told last."""
    return vc.EVENT.unpack(vport.port.mbx.event().data).link_status


def test_default_pairs(nic, bring_up):
    """Ports 0 and 1, 2 and 3 are joined; nothing leaks between the pairs."""
    vports = [bring_up(nic, i) for i in range(4)]
    for one, two in ((0, 1), (1, 0), (2, 3), (3, 2)):
        carries(vports[one], vports[two])
        nic.control("stats")
        assert all(vport.quiet() for vport in vports)


def test_odd_port(nic, bring_up):
    """The last port has no wire: its link is down and sending completes."""
    vport = bring_up(nic, 4)
    assert link_of(vport) == 0
    vport.send(frames.plain(60))
    assert nic.control("stats")["ports"][4]["link"] is False


@pytest.mark.parametrize("spec, pairs", [
    (("pair:port0,port2", "pair:port1,port3"), ((0, 2), (1, 3))),
    (("pair:port3,port0",), ((0, 3),))], ids=str)
def test_wire_option(make_nic, bring_up, spec, pairs):
    """--wire joins other ports."""
    nic = make_nic([""] * 4, [arg for wire in spec for arg in ("--wire", wire)])
    vports = {i: bring_up(nic, i) for pair in pairs for i in pair}
    for one, two in pairs:
        carries(vports[one], vports[two])
        carries(vports[two], vports[one])
        assert all(vport.quiet() for vport in vports.values())


def test_names(make_nic, bring_up):
    """Ports may have names of their own, which --wire and statistics use."""
    nic = make_nic(("name=left", "name=right"), ("--wire", "pair:left,right"))
    carries(bring_up(nic, 0), bring_up(nic, 1))
    stats = nic.control("stats")
    assert [port["name"] for port in stats["ports"]] == ["left", "right"]
    assert stats["wires"][0]["ports"] == ["left", "right"]


def test_nobody_at_the_other_end(nic, bring_up):
    """Frames to a port without a driver are lost, and sending completes."""
    one = bring_up(nic, 0)
    for _ in range(200):
        one.send(frames.plain(1000))
    carries(one, bring_up(nic, 1))


def test_pf_and_vf(make_nic):
    """A physical and a virtual function on one wire."""
    nic = make_nic(("id=pf", "id=vf"))
    ports = [Port(nic, 0, PfMap), Port(nic, 1, VfMap)]
    vports = []
    for port in ports:
        port.ready()
        port.negotiate()
        port.alloc_vectors()
        vports.append(Vport(port).start())
    carries(vports[0], vports[1])
    carries(vports[1], vports[0])
    for port in ports:
        port.close()


def test_slow_receiver(nic, bring_up):
    """A receiver that does not take its frames does not hold up the sender."""
    one, two = bring_up(nic, 0), bring_up(nic, 1, Setup(buf_len=32))
    two.rxqs[0].refill = False
    for _ in range(300):
        one.send(frames.plain(1514))
    wire = two.port.stats()["wire"]
    assert wire["rx_dropped_no_buffer"] >= 200


def test_counts(nic, bring_up):
    """Wire counters of both ends agree with what was sent."""
    one, two = bring_up(nic, 2), bring_up(nic, 3)
    before = nic.control("stats")
    sizes = (60, 17, 1514, 9728)
    for size in sizes:
        one.send(frames.plain(size))
        two.recv()
    total = sum(max(size, 60) for size in sizes)

    def difference(stats, index, name):
        return stats["ports"][index]["wire"][name] - before["ports"][index]["wire"][name]

    stats = nic.control("stats")
    assert difference(stats, 2, "tx_packets") == difference(stats, 3, "rx_packets") == 4
    assert difference(stats, 2, "tx_bytes") == difference(stats, 3, "rx_bytes") == total
    assert difference(stats, 2, "rx_packets") == difference(stats, 3, "tx_packets") == 0
    for name, value in (("packets", 4), ("bytes", total)):
        assert stats["wires"][1][name] - before["wires"][1][name] == value


def test_link_down(nic, bring_up):
    """A link taken down by the user: both ends are told, no frame passes, and back."""
    one, two = bring_up(nic, 0), bring_up(nic, 1)
    assert link_of(one) == 1 and link_of(two) == 1
    try:
        nic.control("link port0 down")
        assert link_of(one) == 0 and link_of(two) == 0
        before = one.port.stats()
        one.send(frames.plain(60))
        two.send(frames.plain(60))
        after = one.port.stats()
        assert one.quiet() and two.quiet()
        assert after["link"] is False
        for path, name, value in (("wire", "tx_dropped", 1), ("wire", "tx_packets", 0)):
            assert after[path][name] - before[path][name] == value
        for name, value in (("tx_discards", 1), ("tx_packets", 0), ("tx_bytes", 0)):
            assert after["vports"][0][name] - before["vports"][0][name] == value
        for name, value in (("drops", 1), ("packets", 0)):
            assert after["queues"]["tx"][0][name] - before["queues"]["tx"][0][name] == value
    finally:
        nic.control("link port0 up")
    assert link_of(one) == 1 and link_of(two) == 1
    for vport, other in ((one, two), (two, one)):
        carries(vport, other)


def test_link_down_at_enable(nic, bring_up):
    """A driver that comes while the link is down is told so."""
    nic.control("link port1 down")
    try:
        assert link_of(bring_up(nic, 0)) == 0
    finally:
        nic.control("link port1 up")


def test_link_flaps(nic, bring_up):
    """Many changes: the last event is right, and none is lost when the mailbox is read late."""
    one = bring_up(nic, 0)
    assert link_of(one) == 1
    for _ in range(20):
        nic.control("link port0 down")
        nic.control("link port0 up")
    last = []
    wait_for(lambda: (last.append(link_of(one)) or True) and not one.port.mbx.pending(),
             "the last event")
    while one.port.mbx.pending():
        last.append(link_of(one))
    assert last[-1] == 1
