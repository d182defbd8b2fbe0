# SPDX-License-Identifier: GPL-2.0-only
"""Every number of queues, and several vports on one port, all of them in use."""

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Setup, Vport
from niclib.virtchnl import Op

NIC_PORTS = ("", "id=vf", "queues=16,vports=8", "queues=16,vports=4,id=vf")
SMALL = {"tx_len": 32, "compl_len": 32, "rx_len": 32, "buf_len": 32}


@pytest.mark.parametrize("pairs", range(1, 17))
def test_every_count(make_vport, pairs):
    """Each queue sends, each queue receives by the table, PF to VF and back."""
    setup = Setup(pairs=pairs, **SMALL)
    ends = [make_vport(0, setup=setup), make_vport(1, setup=setup)]
    for first in (0, 1):
        one, two = ends[first], ends[1 - first]
        assert len(two.rxqs) == len(two.txqs) == pairs
        for queue in range(pairs):
            two.rss(bytes(range(1, 1 + two.info.rss_key_size)), [queue] * 16)
            frame = frames.udp(two.mac, payload=bytes(100 + queue))
            one.send(frame, queue=queue)
            assert two.recv(queue)[0].frame == frame
            assert two.quiet()


def test_one_more_than_there_are(make_vport):
    """A vport that asks for more gets what there is."""
    vport = make_vport(0, start=False, pairs=20)
    assert len(vport.txqs) == len(vport.rxqs) == 16


@pytest.fixture(name="vports", params=[2, 3], ids=["8 on pf", "4 on vf"])
def _vports(request, make_port):
    """All vports of a port, each with its share of the queues, behind one cable."""
    port = make_port(request.param)
    port.negotiate()
    port.alloc_vectors()
    count = port.caps.max_vports
    return [Vport(port, Setup(pairs=16 // count, **SMALL), index).start()
            for index in range(count)]


def test_vports_loopback(vports):
    """Each vport by itself: what one sends in loopback comes to no other, on its own queues."""
    for vport in vports:
        vport.call(Op.LOOPBACK, vc.LOOPBACK.pack(vport_id=vport.ident, enable=1))
    for number, vport in enumerate(vports):
        for queue in range(len(vport.txqs)):
            frame = frames.plain(100 + number, seed=queue)
            vport.send(frame, queue=queue)
            assert vport.recv()[0].frame == frame
        assert all(other.quiet() for other in vports)
    idents = [qid for vport in vports for qid, _ in vport.queues[vc.TXQ]]
    assert len(set(idents)) == len(idents)


def test_vports_addresses(make_port, vports):
    """A frame comes to the vport with its address, a broadcast to all of them."""
    port = vports[0].port
    other = make_port(5 - port.index)
    other.negotiate()
    other.alloc_vectors()
    sender = Vport(other).start()
    assert len({vport.mac for vport in vports}) == len(vports)
    for number, vport in enumerate(vports):
        frame = frames.plain(200 + number, dst=vport.mac)
        sender.send(frame)
        assert vport.recv()[0].frame == frame
        assert all(each.quiet() for each in vports)
    sender.send(frames.plain(99))
    for vport in vports:
        assert vport.recv()[0].frame == frames.plain(99)


def test_vports_end_one_by_one(vports):
    """A vport that is destroyed takes nothing of the others with it."""
    while vports:
        vport = vports.pop()
        vport.down()
        vport.call(Op.DESTROY_VPORT, vc.vport(vport.ident))
        for left in vports:
            left.call(Op.LOOPBACK, vc.LOOPBACK.pack(vport_id=left.ident, enable=1))
            left.send(frames.plain(90))
            assert left.recv()[0].frame == frames.plain(90)
