# SPDX-License-Identifier: GPL-2.0-only
"""GET_STATS, GET_PORT_STATS and LOOPBACK."""

import struct

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Vport
from niclib.queues import RX_LPBK
from niclib.virtchnl import Op, Status


def stats(vport):
    """Return the statistics of a vport."""
    reply = vport.call(Op.GET_STATS, vc.STATS.pack(vport_id=vport.ident))
    assert len(reply) == vc.STATS.size
    result = vc.STATS.unpack(reply)
    assert result.vport_id == vport.ident
    return result


def test_stats_start_at_zero(vport):
    """A new vport has counted nothing."""
    result = stats(vport)
    assert all(getattr(result, name) == 0 for name in vc.STATS_FIELDS)


def test_stats(pair):
    """Frames and bytes by kind, on both sides."""
    one, two = pair
    multicast = bytes.fromhex("01005e000001")
    two.add_mac(multicast, kind=vc.MAC_EXTRA)
    groups = (("unicast", two.mac, (60, 100, 1514)), ("multicast", multicast, (200, 61)),
              ("broadcast", frames.BROADCAST, (9000, 64, 65, 66)))
    for _, dst, lengths in groups:
        for size in lengths:
            one.send(frames.plain(size, dst))
            assert two.recv(count=1)
    sent, received = stats(one), stats(two)
    for kind, _, lengths in groups:
        assert getattr(sent, f"tx_{kind}") == len(lengths)
        assert getattr(received, f"rx_{kind}") == len(lengths)
    total = sum(sum(lengths) for _, _, lengths in groups)
    assert sent.tx_bytes == received.rx_bytes == total
    assert sent.rx_bytes == received.tx_bytes == 0


def test_stats_of_drops(make_vport):
    """Frames that found no buffer are counted as discarded."""
    one = make_vport(0)
    two = make_vport(1, start=False)
    two.start(post=False)
    for _ in range(5):
        one.send(frames.plain(60))
    one.port.stats()
    result = stats(two)
    assert result.rx_discards + result.rx_overflow_drop >= 5
    assert result.rx_broadcast == 0 or result.rx_bytes == 0


def test_stats_request_rubbish(vport):
    """The request's other bytes do not come back (DPDK leaves them uninitialized)."""
    reply = vport.call(Op.GET_STATS, vc.vport(vport.ident)[:4] + b"\xff" * 124)
    result = vc.STATS.unpack(reply)
    assert result.pad == bytes(4)
    assert all(getattr(result, name) == 0 for name in vc.STATS_FIELDS)


# octets with FCS that end a class of lengths; the last one has no end
SIZE_ENDS = (64, 127, 255, 511, 1023, 1518)
FCS_LEN = 4


def port_stats(vport):
    """Return (counters of the port, counters of the vport)."""
    reply = vport.call(Op.GET_PORT_STATS, vc.vport(vport.ident))
    assert len(reply) == vc.PORT_STATS.size
    whole = vc.PORT_STATS.unpack(reply)
    assert whole.vport_id == vport.ident and whole.pad == bytes(4)
    phy = vc.PHY_STATS.unpack(whole.phy)
    phy.tx_size, phy.rx_size = (struct.unpack(f"<{vc.PHY_SIZES}Q", sizes)
                                for sizes in (phy.tx_size, phy.rx_size))
    return phy, vc.STATS.unpack(whole.vport)


def size_class(length):
    """Class of a frame of @length bytes without FCS."""
    return sum(length + FCS_LEN > end for end in SIZE_ENDS)


def test_port_stats(pair):
    """Octets with FCS, addresses and lengths at both ends of a wire."""
    one, two = pair
    before = port_stats(one)[0], port_stats(two)[0]
    multicast = bytes.fromhex("01005e000001")
    two.add_mac(multicast, kind=vc.MAC_EXTRA)
    lengths = [60, 61, 123, 124, 251, 252, 507, 508, 1019, 1020, 1514, 1515, 9000]
    groups = (("unicast", two.mac, lengths), ("multicast", multicast, lengths[:3]),
              ("broadcast", frames.BROADCAST, lengths[:2]))
    expected = [0] * vc.PHY_SIZES
    for _, dst, sizes in groups:
        for size in sizes:
            one.send(frames.plain(size, dst))
            assert two.recv(count=1)
            expected[size_class(size)] += 1
    assert all(expected)
    after = port_stats(one)[0], port_stats(two)[0]
    total = sum(size + FCS_LEN for _, _, sizes in groups for size in sizes)
    for kind, old, new in (("tx", before[0], after[0]), ("rx", before[1], after[1])):
        def delta(name, kind=kind, old=old, new=new):
            return getattr(new, f"{kind}_{name}") - getattr(old, f"{kind}_{name}")
        assert delta("bytes") == total
        assert delta("total") == sum(expected)
        for name, _, sizes in groups:
            assert delta(name) == len(sizes)
        sizes = [new_size - old_size for new_size, old_size in
                 zip(getattr(new, f"{kind}_size"), getattr(old, f"{kind}_size"))]
        assert sizes == expected
    assert after[0].rx_total == before[0].rx_total
    assert after[1].tx_total == before[1].tx_total


def test_port_stats_vport(pair):
    """The second half is what GET_STATS says."""
    one, two = pair
    one.send(frames.plain(77, two.mac))
    assert two.recv(count=1)
    assert port_stats(two)[1] == stats(two)
    assert port_stats(one)[1] == stats(one)


def test_port_stats_bad(vport):
    """A message that is cut, a vport that does not exist."""
    for size in (0, 4, 7):
        vport.port.mbx.refuse(Op.GET_PORT_STATS, Status.EINVAL, vc.vport(vport.ident)[:size])
    vport.port.mbx.refuse(Op.GET_PORT_STATS, Status.ENXIO, vc.vport(99))


def loopback(vport, enable):
    """Return the reply to LOOPBACK."""
    return vport.port.mbx.exchange(Op.LOOPBACK, vc.LOOPBACK.pack(
        vport_id=vport.ident, enable=enable))


def test_loopback(pair):
    """What is sent comes back and does not reach the wire; refused if not granted."""
    one, two = pair
    if not one.port.caps.other_caps & vc.CAP_LOOPBACK:
        assert loopback(one, 1).retval == Status.EPERM
        pytest.skip("loopback is not granted")
    assert loopback(one, 1).retval == 0
    one.send(frames.plain(99))
    packet = one.recv()[0]
    assert packet.frame == frames.plain(99)
    assert packet.last.status0_qw0 & RX_LPBK
    one.port.stats()
    assert two.quiet()
    assert loopback(one, 0).retval == 0
    one.send(frames.plain(98))
    packet = two.recv()[0]
    assert packet.frame == frames.plain(98)
    assert not packet.last.status0_qw0 & RX_LPBK
    assert one.quiet()


def test_loopback_without_link(nic, pair):
    """Loopback needs no link and no address: a driver may test itself anywhere."""
    one, two = pair
    nic.control("link port0 down")
    try:
        assert loopback(one, 1).retval == 0
        frame = frames.plain(1514, dst=frames.OTHER_MAC)
        for _ in range(100):
            one.send(frame)
            assert one.recv()[0].frame == frame
        counts = one.port.stats()["vports"][0]
        assert counts["rx_packets"] == counts["tx_packets"] == 100
        assert two.quiet()
    finally:
        nic.control("link port0 up")


def test_loopback_ends(pair):
    """A vport that was destroyed leaves no loopback behind, nor does a reset."""
    one, two = pair
    assert loopback(one, 1).retval == 0
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    one.call(Op.DESTROY_VPORT, vc.vport(one.ident))
    one = Vport(one.port, one.setup).start()
    one.send(frames.plain(80))
    assert two.recv()[0].frame == frames.plain(80)
    assert loopback(one, 1).retval == 0
    one.port.reset()
    one.port.mbx = None
    one.port.negotiate()
    one.port.alloc_vectors()
    one = Vport(one.port, one.setup).start()
    one.send(frames.plain(81))
    assert two.recv()[0].frame == frames.plain(81)


@pytest.mark.parametrize("enable", [2, 255])
def test_loopback_refused(pair, enable):
    """Anything but on and off is refused."""
    assert loopback(pair[0], enable).retval == Status.EINVAL


def test_loopback_repeated(pair):
    """On twice and off twice."""
    one, two = pair
    if not one.port.caps.other_caps & vc.CAP_LOOPBACK:
        pytest.skip("loopback is not granted")
    for enable in (1, 1, 0, 0):
        assert loopback(one, enable).retval == 0
    one.send(frames.plain(98))
    assert two.recv()[0].frame == frames.plain(98)
