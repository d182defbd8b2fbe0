# SPDX-License-Identifier: GPL-2.0-only
"""Which frames a vport receives: addresses, multicast, broadcast, promiscuous modes."""

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Vport
from niclib.virtchnl import Op, Status

NIC_PORTS = ("", "", "vports=2,queues=4")
UNICAST = bytes.fromhex("021122334455")
MULTICAST = bytes.fromhex("01005e010203")
MULTICAST6 = bytes.fromhex("3333ff010203")


def receives(one, two, dst):
    """Tell whether @two receives a frame to @dst: a broadcast behind it is the proof."""
    one.send(frames.plain(100, dst))
    one.send(frames.plain(60, frames.BROADCAST))
    first = two.recv()[0].frame
    if first == frames.plain(60, frames.BROADCAST):
        return False
    assert first == frames.plain(100, dst)
    assert two.recv()[0].frame == frames.plain(60, frames.BROADCAST)
    return True


def promisc(vport, flags):
    """Set promiscuous modes."""
    vport.call(Op.CONFIG_PROMISC, vc.PROMISC.pack(vport_id=vport.ident, flags=flags))


def test_default(pair):
    """Its own address and broadcast, nothing else."""
    one, two = pair
    assert receives(one, two, two.mac)
    for dst in (one.mac, UNICAST, MULTICAST, MULTICAST6):
        assert not receives(one, two, dst)


@pytest.mark.parametrize("dst", [UNICAST, MULTICAST, MULTICAST6], ids=bytes.hex)
@pytest.mark.parametrize("kind", [vc.MAC_PRIMARY, vc.MAC_EXTRA])
def test_add_and_delete(pair, dst, kind):
    """An address is received from ADD to DEL."""
    one, two = pair
    for _ in range(3):
        assert not receives(one, two, dst)
        two.add_mac(dst, kind=kind)
        assert receives(one, two, dst)
        assert receives(one, two, two.mac)
        two.call(Op.DEL_MAC_ADDR, vc.mac_list(two.ident, [dst], kind))
    assert not receives(one, two, dst)


def test_many_addresses(pair):
    """Twenty in a message, over a hundred in all."""
    one, two = pair
    addresses = [bytes([2, 0, 0, 0, 1, number]) for number in range(120)]
    for start in range(0, 120, 20):
        two.add_mac(*addresses[start:start + 20], kind=vc.MAC_EXTRA)
    for dst in addresses[::17]:
        assert receives(one, two, dst)
    two.call(Op.DEL_MAC_ADDR, vc.mac_list(two.ident, addresses[::2][:20], vc.MAC_EXTRA))
    assert not receives(one, two, addresses[0])
    assert receives(one, two, addresses[1])


def test_too_many_addresses(vport):
    """The filter has an end, told by an error."""
    for number in range(300):
        addresses = [bytes([2, 0, 0, 9, number >> 4, i + (number & 15) * 16]) for i in range(16)]
        message = vc.mac_list(vport.ident, addresses, vc.MAC_EXTRA)
        if vport.port.mbx.exchange(Op.ADD_MAC_ADDR, message).retval:
            assert number >= 4, "room for less than 64 addresses"
            return
    raise AssertionError("4800 addresses were accepted")


def test_refused_whole(pair):
    """A message for which there is no room adds none of its addresses."""
    one, two = pair
    for number in range(300):
        addresses = [bytes([2, 0, 0, 8, number >> 4, i + (number & 15) * 16]) for i in range(16)]
        before = two.port.stats()["vports"][0]["num_macs"]
        message = vc.mac_list(two.ident, addresses, vc.MAC_EXTRA)
        if two.port.mbx.exchange(Op.ADD_MAC_ADDR, message).retval:
            break
    else:
        raise AssertionError("4800 addresses were accepted")
    assert two.port.stats()["vports"][0]["num_macs"] == before
    assert not any(receives(one, two, address) for address in addresses)
    assert receives(one, two, two.mac)


def test_repeated(pair):
    """Added twice (accepted or refused), deleted once: gone; deleted again is answered."""
    one, two = pair
    message = vc.mac_list(two.ident, [UNICAST], vc.MAC_EXTRA)
    two.call(Op.ADD_MAC_ADDR, message)
    two.port.mbx.exchange(Op.ADD_MAC_ADDR, message)
    assert receives(one, two, UNICAST)
    two.call(Op.DEL_MAC_ADDR, message)
    two.port.mbx.exchange(Op.DEL_MAC_ADDR, message)
    assert not receives(one, two, UNICAST)


@pytest.mark.parametrize("opcode", [Op.ADD_MAC_ADDR, Op.DEL_MAC_ADDR])
@pytest.mark.parametrize("given, count", [(0, 1), (1, 2), (3, 0xffff), (1, 256)])
def test_bad_counts(vport, opcode, given, count):
    """A count beyond the data."""
    message = vc.mac_list(vport.ident, [UNICAST] * given, count=count)
    vport.port.mbx.refuse(opcode, Status.EINVAL, message)


def test_delete_unknown(vport):
    """What is not in the filter cannot be deleted."""
    vport.port.mbx.refuse(Op.DEL_MAC_ADDR, Status.ENXIO, vc.mac_list(vport.ident, [UNICAST]))


@pytest.mark.parametrize("kind", [0, 3, 255])
def test_bad_kind(vport, kind):
    """A kind of address that does not exist."""
    vport.port.mbx.refuse(Op.ADD_MAC_ADDR, Status.EINVAL,
                          vc.mac_list(vport.ident, [UNICAST], kind))


@pytest.mark.parametrize("dst", [bytes(6), frames.BROADCAST], ids=bytes.hex)
def test_odd_addresses(pair, dst):
    """The zero address is refused or useless; broadcast stays what it is."""
    one, two = pair
    two.port.mbx.exchange(Op.ADD_MAC_ADDR, vc.mac_list(two.ident, [dst], vc.MAC_EXTRA))
    two.port.mbx.exchange(Op.DEL_MAC_ADDR, vc.mac_list(two.ident, [dst], vc.MAC_EXTRA))
    assert receives(one, two, two.mac)


def test_promiscuous(pair):
    """Each mode adds its kind of frames only."""
    one, two = pair
    for flags in (0, vc.PROMISC_UNICAST, vc.PROMISC_MULTICAST, 3, 3, 0):
        promisc(two, flags)
        assert receives(one, two, UNICAST) == bool(flags & vc.PROMISC_UNICAST)
        assert receives(one, two, MULTICAST) == bool(flags & vc.PROMISC_MULTICAST)
        assert receives(one, two, two.mac)


@pytest.mark.parametrize("flags", [4, 0x8000, 0xffff])
def test_promiscuous_unknown(vport, flags):
    """Modes that do not exist are refused."""
    vport.port.mbx.refuse(Op.CONFIG_PROMISC, Status.EINVAL, vc.PROMISC.pack(
        vport_id=vport.ident, flags=flags))


def test_filter_ends_with_the_vport(pair):
    """A new vport begins with an empty filter and no promiscuous mode."""
    one, two = pair
    two.add_mac(UNICAST, kind=vc.MAC_EXTRA)
    promisc(two, 3)
    two.call(Op.DESTROY_VPORT, vc.vport(two.ident))
    again = Vport(two.port).start()
    for dst in (UNICAST, MULTICAST):
        assert not receives(one, again, dst)


def test_vlan_tags_are_left(pair):
    """Tagged frames come with their tags, whatever these are."""
    one, two = pair
    for vlans in ((1,), (4094,), (0,), (5, 6), (1, 2, 3)):
        frame = frames.udp(two.mac, vlans=vlans)
        one.send(frame)
        assert two.recv()[0].frame == frame


def test_two_vports(make_port):
    """Two vports of one function can be set up, and each is refused the other's queues."""
    port = make_port(2)
    port.negotiate()
    port.alloc_vectors()
    one, two = Vport(port, index=0), Vport(port, index=1)
    for vport, other in ((one, two), (two, one)):
        port.mbx.refuse(Op.CONFIG_TX_QUEUES, Status.ENXIO, vc.CONFIG_TX.pack(
            vport_id=vport.ident, num_qinfo=2) + b"".join(other.tx_info(0)))
        port.mbx.refuse(Op.DEL_QUEUES, Status.ENXIO,
                        vc.queue_chunks(vport.ident, other.chunks()))
    one.start()
    two.start()
    one.send(frames.plain(60))
    two.send(frames.plain(60))
