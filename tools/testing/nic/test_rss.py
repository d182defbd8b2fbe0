# SPDX-License-Identifier: GPL-2.0-only
"""Receive side scaling: Toeplitz by Microsoft's vectors, key, table, hash types."""

import random
import struct

import pytest

from niclib import frames
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.driver import Port, Setup, Vport, bring_up
from niclib.mailbox import BUF_SIZE
from niclib.toeplitz import MS_KEY, MS_VECTORS, flow, toeplitz
from niclib.virtchnl import Op, Status
from niclib.wait import wait_for

PAIRS = 4

# bits of SET_RSS_HASH
HASH_UDP4, HASH_TCP4, HASH_OTHER4, HASH_FRAG4 = 31, 33, 35, 36
HASH_UDP6, HASH_TCP6, HASH_OTHER6, HASH_FRAG6 = 41, 43, 45, 46


@pytest.fixture(name="spread")
def _spread(make_vport):
    """A sender, and a receiver with several queues and Microsoft's key."""
    one = make_vport(0)
    two = make_vport(1, setup=Setup(pairs=PAIRS))
    two.key = MS_KEY + bytes(two.info.rss_key_size - len(MS_KEY))
    two.lut = [i % PAIRS for i in range(two.info.rss_lut_size)]
    two.rss(two.key, two.lut)
    return one, two


def receive(one, two, frame):
    """Send a frame; return (queue, packet)."""
    one.send(frame)

    def look():
        for number, rxq in enumerate(two.rxqs):
            packet = rxq.poll()
            if packet is not None:
                return number, packet
        return None

    return wait_for(look, "the frame in any queue")


def expect(spread, frame, data):
    """@frame must be hashed over @data and land where the table says; None: not hashed."""
    one, two = spread
    number, packet = receive(one, two, frame)
    assert packet.frame == frames.padded(frame)
    if data is None:
        assert not packet.last.status0_qw0 & q.RX_RSS_VALID
        assert packet.hash == 0
        assert number == two.info.default_rx_q
        return
    value = toeplitz(two.key, data)
    assert packet.last.status0_qw0 & q.RX_RSS_VALID
    assert packet.hash == value, f"{packet.hash:#x}, not {value:#x}"
    assert number == two.lut[value % len(two.lut)]


@pytest.mark.parametrize("vector", MS_VECTORS, ids=lambda vector: vector[0])
def test_own_arithmetic(vector):
    """The oracle of these tests gives Microsoft's published values."""
    src, sport, dst, dport, addresses, ports = vector
    assert toeplitz(MS_KEY, flow(src, dst)) == addresses
    assert toeplitz(MS_KEY, flow(src, dst, (sport, dport))) == ports


@pytest.mark.parametrize("make", [frames.tcp, frames.udp], ids=["tcp", "udp"])
@pytest.mark.parametrize("vector", MS_VECTORS, ids=lambda vector: vector[0])
def test_published(spread, vector, make):
    """The NIC gives them as well, for TCP and for UDP."""
    one, two = spread
    src, sport, dst, dport, _, ports = vector
    number, packet = receive(one, two, make(two.mac, src, dst, (sport, dport)))
    assert packet.hash == ports
    assert number == two.lut[ports % len(two.lut)]


@pytest.mark.parametrize("vector", MS_VECTORS, ids=lambda vector: vector[0])
def test_published_addresses(spread, vector):
    """Without ports: fragments are hashed over addresses."""
    one, two = spread
    src, _, dst, _, addresses, _ = vector
    if ":" in src:
        frame = bytes(frames.ether(two.mac) / frames.IPv6(src=src, dst=dst, nh=59)
                      / frames.Raw(b"z" * 40))
    else:
        frame = frames.udp(two.mac, src, dst, flags="MF")
    assert receive(one, two, frame)[1].hash == addresses


def test_random_flows(spread):
    """Many flows of both versions and protocols, with and without VLAN tags."""
    _, two = spread
    rng = random.Random(5)
    used = set()
    for _ in range(150):
        if rng.random() < 0.5:
            src, dst = (f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
                        for _ in range(2))
        else:
            src, dst = (f"2001:db8::{rng.randrange(1 << 16):x}:{rng.randrange(1 << 16):x}"
                        for _ in range(2))
        ports = rng.randrange(1, 65536), rng.randrange(1, 65536)
        vlans = tuple(rng.randrange(4095) for _ in range(rng.choice((0, 0, 1, 2))))
        make = rng.choice((frames.tcp, frames.udp))
        data = flow(src, dst, ports)
        expect(spread, make(two.mac, src, dst, ports, vlans=vlans), data)
        used.add(two.lut[toeplitz(two.key, data) % len(two.lut)])
    assert used == set(range(PAIRS))


@pytest.mark.parametrize("make, with_ports", [
    (lambda mac, src, dst, ports: frames.icmp(mac, src, dst), False),
    (lambda mac, src, dst, ports: frames.udp(mac, src, dst, ports, flags="MF"), False),
    (lambda mac, src, dst, ports: frames.udp(mac, src, dst, ports, frag=50), False),
    (lambda mac, src, dst, ports: frames.tcp(mac, src, dst, ports, proto=50), False),
    (lambda mac, src, dst, ports: frames.tcp(mac, src, dst, ports, flags="DF"), True)],
    ids=["icmp", "first fragment", "later fragment", "other protocol", "DF"])
def test_kinds_of_ipv4(spread, make, with_ports):
    """Ports count only where there are some."""
    src, dst, ports = "192.0.2.77", "198.51.100.9", (1234, 4321)
    frame = make(spread[1].mac, src, dst, ports)
    expect(spread, frame, flow(src, dst, ports if with_ports else None))


def test_not_ip(spread):
    """What is no IP is not hashed and goes to the default queue."""
    for size in (60, 200, 1514):
        expect(spread, frames.plain(size), None)


def test_truncated_headers(spread):
    """Frames that end within their headers do no harm."""
    one, two = spread
    frame = frames.tcp(two.mac, "2001:db8::1", "2001:db8::2")
    for size in range(17, 75):
        number, packet = receive(one, two, frame[:size])
        assert packet.frame == frames.padded(frame[:size])
        assert number < PAIRS


def test_key_changes(spread):
    """A new key counts at once."""
    _, two = spread
    rng = random.Random(6)
    data = flow("192.0.2.1", "192.0.2.2", (1000, 2000))
    for _ in range(10):
        two.key = rng.randbytes(two.info.rss_key_size)
        two.rss(key=two.key)
        expect(spread, frames.tcp(two.mac), data)


def test_table_changes(spread):
    """A new table counts at once, whole or in part."""
    _, two = spread
    data = flow("192.0.2.1", "192.0.2.2", (1000, 2000))
    for target in (3, 0, 2, 1):
        two.lut = [target] * len(two.lut)
        two.rss(lut=two.lut)
        expect(spread, frames.tcp(two.mac), data)
    entry = toeplitz(two.key, data) % len(two.lut)
    two.lut[entry] = 3
    two.call(Op.SET_RSS_LUT, vc.rss_lut(two.ident, [3], start=entry))
    expect(spread, frames.tcp(two.mac), data)


def test_read_back(spread):
    """Key and table read back as they were set."""
    _, two = spread
    reply = two.call(Op.GET_RSS_KEY, vc.RSS_KEY.pack(vport_id=two.ident))
    head = vc.RSS_KEY.unpack(reply)
    assert reply[7:7 + head.key_len] == two.key and head.key_len == two.info.rss_key_size
    reply = two.call(Op.GET_RSS_LUT, vc.RSS_LUT.pack(
        vport_id=two.ident, lut_entries=len(two.lut)))
    head = vc.RSS_LUT.unpack(reply)
    assert head.lut_entries == len(two.lut)
    assert [int.from_bytes(reply[12 + 4 * i:16 + 4 * i], "little")
            for i in range(head.lut_entries)] == two.lut


@pytest.mark.parametrize("length, given", [(0, 0), (1, 0), (52, 51), (60000, 52), (0xffff, 4000)])
def test_key_bad(vport, length, given):
    """A length of nothing, beyond the data, or beyond the key size."""
    vport.port.mbx.refuse(Op.SET_RSS_KEY, Status.EINVAL,
                          vc.rss_key(vport.ident, bytes(given), length))


@pytest.mark.parametrize("extra", [1, 100])
def test_key_too_long(vport, extra):
    """A key longer than the size that CREATE_VPORT told."""
    vport.port.mbx.refuse(Op.SET_RSS_KEY, Status.EINVAL, vc.rss_key(
        vport.ident, bytes(vport.info.rss_key_size + extra)))


@pytest.mark.parametrize("lut, start, count", [
    ([0], 0, 2), ([0], 0, 0xffff), ([0], 0xffff, None), ([0], 2048, None), ([0] * 2, 2047, None),
    ([1], 0, None), ([16], 0, None), ([0xffffffff], 0, None), ([0] * 4, 0xfffe, None)],
    ids=str)
def test_table_bad(vport, lut, start, count):
    """Counts beyond the data, entries beyond the table, queues that do not exist."""
    vport.port.mbx.refuse(Op.SET_RSS_LUT, Status.EINVAL,
                          vc.rss_lut(vport.ident, lut, start, count))


def test_table_too_long(vport):
    """One entry more than the size that CREATE_VPORT told."""
    size = vport.info.rss_lut_size
    vport.port.mbx.refuse(Op.SET_RSS_LUT, Status.EINVAL,
                          vc.rss_lut(vport.ident, [0], start=size))
    if size < 1000:
        vport.port.mbx.refuse(Op.SET_RSS_LUT, Status.EINVAL,
                              vc.rss_lut(vport.ident, [0] * (size + 1)))


def get_table(vport, length):
    """Fetch a table in the pieces that the device gives."""
    table, pieces = [], []
    while len(table) < length:
        reply = vport.call(Op.GET_RSS_LUT, vc.RSS_LUT.pack(
            vport_id=vport.ident, lut_entries_start=len(table), lut_entries=length - len(table)))
        head = vc.RSS_LUT.unpack(reply)
        assert head.lut_entries_start == len(table) and head.lut_entries
        assert len(reply) == vc.RSS_LUT.size + 4 * head.lut_entries <= BUF_SIZE
        table += struct.unpack_from(f"<{head.lut_entries}I", reply, vc.RSS_LUT.size)
        pieces.append(head.lut_entries)
    return table, pieces


def test_longest_table(make_nic):
    """A table of 2048 entries goes into three messages, reads back, and spreads by all of it."""
    nic = make_nic(("", "lut=2048"))
    sender, one = bring_up(nic, 0)
    receiver, two = bring_up(nic, 1, Setup(pairs=PAIRS))
    assert two.info.rss_lut_size == 2048
    two.key = MS_KEY + bytes(two.info.rss_key_size - len(MS_KEY))
    two.rss(two.key)
    rng = random.Random(11)
    two.lut = [rng.randrange(PAIRS) for _ in range(2048)]
    most = (BUF_SIZE - vc.RSS_LUT.size) // 4
    assert most == 1021
    for start in range(0, 2048, most):
        two.call(Op.SET_RSS_LUT, vc.rss_lut(two.ident, two.lut[start:start + most], start))
    assert get_table(two, 2048) == (two.lut, [1021, 1021, 6])
    used = set()
    for _ in range(50):
        ports = rng.randrange(65536), rng.randrange(65536)
        data = flow("192.0.2.1", "192.0.2.2", ports)
        expect((one, two), frames.tcp(two.mac, ports=ports), data)
        used.add(toeplitz(two.key, data) % 2048 * 4 // 2048)
    assert used == {0, 1, 2, 3}, "a quarter of the table was not used"
    # nothing behind the end, in one message or in a further one
    for start, length in ((2048, 1), (2047, 2), (1028, 1021)):
        receiver.mbx.refuse(Op.SET_RSS_LUT, Status.EINVAL,
                            vc.rss_lut(two.ident, [0] * length, start))
    assert get_table(two, 2048)[0] == two.lut
    sender.close()
    receiver.close()


def test_table_shrinks(spread):
    """A piece at 0 begins a new table: of the longer one before nothing is left."""
    two = spread[1]
    for length in (len(two.lut), 8, 4, 64, 1):
        two.lut = [(i + 1) % PAIRS for i in range(length)]
        two.rss(lut=two.lut)
        for port in range(16):
            expect(spread, frames.tcp(two.mac, ports=(port, 80)),
                   flow("192.0.2.1", "192.0.2.2", (port, 80)))


def test_table_of_nothing(vport):
    """Linux sends a table of 0 entries when RSS is off: accepted, and nothing changes."""
    vport.call(Op.SET_RSS_LUT, vc.rss_lut(vport.ident, []))


def test_default_table(make_vport):
    """Without a table set everything goes to queues that exist."""
    one, two = make_vport(0), make_vport(1, setup=Setup(pairs=PAIRS))
    for number in range(50):
        queue, _ = receive(one, two, frames.tcp(two.mac, ports=(number + 1, 80)))
        assert queue < PAIRS


# Hash types


def set_hash(vport, *bits):
    """Enable hash types by their bits."""
    return vport.port.mbx.exchange(Op.SET_RSS_HASH, vc.RSS_HASH.pack(
        ptype_groups=sum(1 << bit for bit in bits), vport_id=vport.ident))


def get_hash(vport):
    """Return the enabled hash types."""
    return vc.RSS_HASH.unpack(vport.call(Op.GET_RSS_HASH, vc.RSS_HASH.pack(
        vport_id=vport.ident))).ptype_groups


def test_hash_types_read_back(vport):
    """What was set is read back."""
    for bits in ((HASH_TCP4,), (HASH_TCP4, HASH_UDP4, HASH_TCP6, HASH_UDP6), ()):
        assert set_hash(vport, *bits).retval == 0
        assert get_hash(vport) == sum(1 << bit for bit in bits)


def test_hash_types(spread):
    """Ports are used exactly for the enabled types; the others fall back or are not hashed."""
    _, two = spread
    ports = (1000, 2000)
    data = flow("192.0.2.1", "192.0.2.2")
    full = flow("192.0.2.1", "192.0.2.2", ports)
    assert set_hash(two, HASH_TCP4, HASH_OTHER4).retval == 0
    expect(spread, frames.tcp(two.mac), full)
    expect(spread, frames.icmp(two.mac), data)
    assert set_hash(two).retval == 0
    expect(spread, frames.tcp(two.mac), None)
    expect(spread, frames.icmp(two.mac), None)
    assert set_hash(two, HASH_UDP4).retval == 0
    expect(spread, frames.udp(two.mac), full)
    expect(spread, frames.tcp(two.mac), None)
    assert set_hash(two, HASH_UDP6, HASH_TCP6).retval == 0
    expect(spread, frames.udp(two.mac), None)
    expect(spread, frames.udp(two.mac, "2001:db8::1", "2001:db8::2"),
           flow("2001:db8::1", "2001:db8::2", ports))


@pytest.mark.parametrize("bits", [(0,), (5, 33), (62,), range(64)], ids=str)
def test_hash_types_unknown(vport, bits):
    """Types that the NIC does not know are refused or left out, never claimed."""
    reply = set_hash(vport, *bits)
    if reply.retval == 0:
        assert get_hash(vport) & ((1 << 29) - 1) == 0


@pytest.mark.parametrize("opcode", [Op.GET_RSS_HASH, Op.SET_RSS_HASH])
def test_hash_bad(vport, opcode):
    """Cut messages and vports that do not exist."""
    message = vc.RSS_HASH.pack(ptype_groups=1 << HASH_TCP4, vport_id=vport.ident)
    for size in (0, 8, 15):
        vport.port.mbx.refuse(opcode, Status.EINVAL, message[:size])
    for number in (99, 0xffffffff):
        vport.port.mbx.refuse(opcode, Status.ENXIO, vc.RSS_HASH.pack(vport_id=number))


# What was not granted


def denied(make_nic, wish=None, args=()):
    """A receiver with a key and a table, on a NIC of its own; and its sender."""
    nic = make_nic(args=args)
    ends = []
    for number in (0, 1):
        port = Port(nic, number)
        port.ready()
        port.negotiate()
        if wish is not None:
            port.caps = port.get_caps(**{**vc.IDPF_WISH, "rss_caps": wish})
        port.alloc_vectors()
        ends.append(Vport(port, Setup(pairs=PAIRS)).start())
    two = ends[1]
    two.key = MS_KEY + bytes(two.info.rss_key_size - len(MS_KEY))
    two.lut = [1 + i % (PAIRS - 1) for i in range(two.info.rss_lut_size)]
    two.rss(two.key, two.lut)
    return ends


def test_denied(make_nic):
    """--deny rss: no hash, all goes to the default queue, whatever the driver then asks for."""
    spread = denied(make_nic, args=("--deny", "rss"))
    two = spread[1]
    assert two.port.caps.rss_caps == 0
    expect(spread, frames.tcp(two.mac), None)
    assert set_hash(two, HASH_TCP4, HASH_OTHER4).retval == 0
    assert get_hash(two) == 0
    expect(spread, frames.tcp(two.mac), None)
    expect(spread, frames.icmp(two.mac), None)
    for end in spread:
        end.port.close()


def test_partly_wanted(make_nic):
    """A driver that asked for TCP over IPv4 alone gets nothing else."""
    spread = denied(make_nic, wish=1)
    two = spread[1]
    assert two.port.caps.rss_caps == 1
    assert get_hash(two) == 1 << HASH_TCP4
    expect(spread, frames.tcp(two.mac), flow("192.0.2.1", "192.0.2.2", (1000, 2000)))
    expect(spread, frames.udp(two.mac), None)
    assert set_hash(two, HASH_UDP4, HASH_TCP4).retval == 0
    assert get_hash(two) == 1 << HASH_TCP4
    for end in spread:
        end.port.close()
