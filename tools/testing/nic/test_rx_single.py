# SPDX-License-Identifier: GPL-2.0-only
"""Receiving on single queues, both formats: descriptors in place of the posted buffers."""

import random

import pytest

from niclib import frames
from niclib import models as m
from niclib import virtchnl as vc
from niclib.driver import Setup
from niclib.virtchnl import Op

NIC_PORTS = ("model=single-base", "model=single-base", "model=single-flex", "model=single-flex")
V6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}


@pytest.fixture(name="make_pair", params=(0, 2), ids=("base", "flex"))
def _make_pair(request, make_port):
    """A function that makes two vports, back to back; @post: the second one's buffers."""
    def make(setup=None, post=True):
        vports = []
        for index in (0, 1):
            port = make_port(request.param + index)
            port.negotiate()
            port.alloc_vectors()
            vport = m.make_vport(port, "single", setup if index else None)
            assert vport.flex == (request.param == 2)
            vports.append(vport.start(post or not index))
        return vports

    return make


@pytest.fixture(name="pair")
def _pair(make_pair):
    """Two vports in operation, back to back."""
    return make_pair()


def deliver(one, two, frame):
    """Send a frame from @one and return what @two receives."""
    one.send(frame)
    packet = two.recv()[0]
    assert packet.frame == frames.padded(frame)
    return packet


def test_descriptor(pair):
    """Every field of a plain frame's descriptor."""
    one, two = pair
    packet = deliver(one, two, frames.plain(100))
    desc = packet.last
    assert len(packet.fields) == 1 and desc.eop
    assert not (desc.error or desc.looped or desc.ext or desc.checked or desc.hashed)
    assert desc.cast == 2, "broadcast"
    raw = desc.raw
    if two.flex:
        assert (raw.hdr_len, raw.l2tag1, raw.status1, raw.fflags2, raw.ts_low, raw.l2tag2_1,
                raw.l2tag2_2, raw.flow_id, raw.ts_high, raw.rss_hash) == (0,) * 10
    else:
        assert (raw.mirror, raw.l2tag1, raw.ext_status, raw.rsvd, raw.l2tag2_1, raw.l2tag2_2,
                raw.rsvd1, raw.fd_id, raw.rss_hash) == (0,) * 9


@pytest.mark.parametrize("dst, cast", (("unicast", 0), ("multicast", 1), ("broadcast", 2)))
def test_cast(pair, dst, cast):
    """Unicast, multicast and broadcast are told."""
    one, two = pair
    two.call(Op.CONFIG_PROMISC, vc.PROMISC.pack(vport_id=two.ident, flags=3))
    addr = {"unicast": two.mac, "multicast": b"\x01\x00\x5e\1\2\3", "broadcast": frames.BROADCAST}
    assert deliver(one, two, frames.plain(64, addr[dst])).last.cast == cast


@pytest.mark.parametrize("make, expected", (
    (frames.tcp, [2, 19, 25]), (frames.udp, [2, 19, 24]), (frames.icmp, [2, 19, 27]),
    (lambda mac: frames.tcp(mac, **V6), [2, 21, 25]),
    (lambda mac: frames.udp(mac, vlans=(5, 6), **V6), [2, 21, 24]),
    (lambda mac: frames.udp(mac, flags="MF"), [2, 20])),
    ids=("tcp4", "udp4", "icmp", "tcp6", "2 vlans udp6", "fragment"))
def test_packet_type(pair, make, expected):
    """The packet type, of 8 bits in the base format, is that of the table."""
    one, two = pair
    table = {}
    for start in range(0, 1024, 58):
        for wide, narrow, protos in vc.ptypes(two.call(Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(
                start_ptype_id=start, num_ptypes=min(58, 1024 - start)))):
            if wide != 0xffff:
                table[wide if two.flex else narrow] = protos
    protos = table[deliver(one, two, make(two.mac)).ptype]
    assert [proto for proto in protos if proto not in (5, 34)][:len(expected)] == expected


def test_hash(pair):
    """The hash is told where there is one, and is that of the split model's formula."""
    one, two = pair
    two.rss(bytes(range(1, 53)), [0] * two.info.rss_lut_size)
    seen = set()
    for number in range(20):
        desc = deliver(one, two, frames.udp(two.mac, ports=(number, 9))).last
        assert desc.hashed
        seen.add(desc.hash)
    assert len(seen) == 20
    assert not deliver(one, two, frames.plain(100)).last.hashed


@pytest.mark.parametrize("buf_size", (128, 256, 1536, 2048, 4096, 16256))
def test_buffer_sizes(make_pair, buf_size):
    """Frames are spread over as many buffers as they need."""
    one, two = make_pair(Setup(rx_len=128, buf_sizes=(buf_size, 0)))
    for number, size in enumerate((60, 128, 129, 1514, 2048, 4097, 9728)):
        packet = deliver(one, two, frames.plain(size, seed=number))
        assert len(packet.fields) == -(-size // buf_size)
        assert [desc.eop for desc in packet.fields] == [False] * (len(packet.fields) - 1) + [True]


def test_wrap(make_pair):
    """Several rounds of a small ring, with packets of one and more buffers."""
    one, two = make_pair(Setup(rx_len=32, buf_sizes=(256, 0)))
    rng = random.Random(3)
    for number in range(300):
        deliver(one, two, frames.plain(rng.choice((60, 256, 257, 700)), seed=number))


def test_burst(make_pair):
    """A burst that fills all posted buffers."""
    one, two = make_pair(Setup(rx_len=64))
    for burst in range(5):
        for number in range(63):
            one.txqs[0].put_frame(frames.plain(100, seed=burst * 63 + number))
        one.txqs[0].ring()
        assert [packet.frame for packet in two.recv(count=63)] == [
            frames.plain(100, seed=burst * 63 + number) for number in range(63)]


def test_no_buffers(make_pair):
    """Without buffers frames are dropped and counted; with buffers they come again."""
    one, two = make_pair(post=False)
    with two.port.counted("rx_no_buffer"):
        one.send(frames.plain(60))
    assert two.quiet()
    two.post_buffers()
    deliver(one, two, frames.plain(61))


def test_waits_for_buffers(make_pair):
    """A frame that finds no buffer waits for one, and none is lost."""
    one, two = make_pair(post=False)
    two.rxqs[0].refill = False
    two.rxqs[0].post(4)
    for number in range(12):
        one.txqs[0].put_frame(frames.plain(100, seed=number))
    one.txqs[0].ring()
    found = [packet.frame for packet in two.recv(count=4)]
    two.rxqs[0].post(8)
    found += [packet.frame for packet in two.recv(count=8)]
    assert found == [frames.plain(100, seed=number) for number in range(12)]


def test_buffers_run_out_in_mid_packet(make_pair):
    """A frame that needs more buffers than are posted does not come in part."""
    one, two = make_pair(Setup(rx_len=64, buf_sizes=(256, 0)), post=False)
    two.rxqs[0].post(3)
    with two.port.counted("rx_no_buffer"):
        one.send(frames.plain(1000))
    assert two.quiet()
    two.rxqs[0].post(10)
    deliver(one, two, frames.plain(600))


def test_too_long(make_pair):
    """A frame longer than the queue takes is dropped and counted."""
    one, two = make_pair(Setup(max_pkt=1000))
    with two.port.counted("rx_long"):
        one.send(frames.plain(1001))
    deliver(one, two, frames.plain(1000))


def test_corrupt_what_is_not_there(nic, pair):
    """A fault in fields that these descriptors do not have never strikes; with others it does."""
    one, two = pair
    name = f"port{two.port.index}"
    before = nic.control(f"wait {name} rx-corrupt 0 0")["hits"]
    assert "fault" in nic.control(f"fault rx-corrupt=bufq,rsc,id:count=0@{name}")
    deliver(one, two, frames.plain(100))
    assert nic.control(f"wait {name} rx-corrupt 0 0")["hits"] == before
    assert "fault" in nic.control(f"fault rx-corrupt=bufq,hash@{name}")
    deliver(one, two, frames.plain(100))
    assert nic.control(f"wait {name} rx-corrupt 0 0")["hits"] == before + 1


@pytest.mark.parametrize("addr", (0, 0xdead0000, (1 << 64) - 8, (1 << 64) - 1), ids=hex)
def test_buffer_outside(make_pair, addr):
    """A buffer outside of guest memory costs a frame; its descriptor says so, the ring goes on."""
    one, two = make_pair(Setup(rx_len=64), post=False)
    rxq = two.rxqs[0]
    rxq.post(1)
    rxq.put_raw(addr)
    rxq.post(20)
    deliver(one, two, frames.plain(100))
    with two.port.counted("rx_addr"):
        one.send(frames.plain(101))
    bad = two.recv()[0]
    assert bad.last.error and bad.last.eop and bad.last.size == 0
    for number in range(100):
        deliver(one, two, frames.plain(102, seed=number))


def test_buffer_outside_in_mid_packet(make_pair):
    """The third buffer of a frame is bad: all three come back with an error, none with data."""
    one, two = make_pair(Setup(rx_len=64, buf_sizes=(256, 0)), post=False)
    rxq = two.rxqs[0]
    rxq.post(2)
    rxq.put_raw(0xdead0000)
    rxq.post(20)
    with two.port.counted("rx_addr"):
        one.send(frames.plain(1000))
    for packet in two.recv(count=3):
        assert packet.last.error and packet.last.size == 0
    deliver(one, two, frames.plain(1000))


@pytest.mark.parametrize("tail", (128, 0xffff, 0xffffffff))
def test_tail_outside(pair, tail):
    """A tail outside of the ring is counted and ignored."""
    one, two = pair
    deliver(one, two, frames.plain(99))
    two.port.wr32(two.rxqs[0].tail_reg, tail)
    with two.port.counted("rx_tail", "reg_value"):
        deliver(one, two, frames.plain(100))
    two.rxqs[0].ring()
    deliver(one, two, frames.plain(101))


def test_ring_unmapped(pair):
    """A ring that is taken away stops the queue, counted, and is not touched."""
    one, two = pair
    deliver(one, two, frames.plain(100))
    two.port.mem.detach(two.port.vfu)
    before = two.port.mem.map[:]
    with two.port.counted("rx_addr", "dma_no_map"):
        one.send(frames.plain(100))
    two.port.stats()
    assert two.port.mem.map[:] == before
    two.port.mem.attach(two.port.vfu)


def test_loopback(pair):
    """A looped frame comes back with the mark."""
    one, two = pair
    one.call(Op.LOOPBACK, vc.LOOPBACK.pack(vport_id=one.ident, enable=1))
    one.send(frames.plain(100))
    packet = one.recv()[0]
    assert packet.frame == frames.plain(100) and packet.last.looped
    assert two.quiet()


def test_restart(pair):
    """Stopped with buffers posted and started again with a new ring, several times."""
    one, two = pair
    for number in range(5):
        deliver(one, two, frames.plain(100, seed=number))
        two.call(Op.DISABLE_VPORT, vc.vport(two.ident))
        two.call(Op.DISABLE_QUEUES, vc.queue_chunks(two.ident, two.chunks()))
        two.make_rings()
        two.start()
        assert two.quiet()
