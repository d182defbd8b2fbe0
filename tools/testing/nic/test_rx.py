# SPDX-License-Identifier: GPL-2.0-only
"""Receiving: buffers, generations, header split, and everything that can be missing."""

import random

import pytest

from niclib import frames
from niclib import queues as q
from niclib import vfu as v
from niclib import virtchnl as vc
from niclib.driver import Setup
from niclib.virtchnl import Op
from niclib.wait import wait_for


def deliver(one, two, frame, queue=0):
    """Send a frame from @one and return what @two receives."""
    one.send(frame)
    packet = two.recv(queue)[0]
    assert packet.frame == frames.padded(frame)
    return packet


def test_descriptor(pair):
    """Every field of a plain frame's descriptor."""
    one, two = pair
    packet = deliver(one, two, frames.plain(100))
    desc = packet.last
    assert len(packet.descs) == 1
    assert desc.rxdid_ucast & 0xf == 2
    assert desc.rxdid_ucast >> 6 == 2, "broadcast"
    assert desc.status0_qw0 & (q.RX_RXE | 1) == 0
    assert desc.len_gen_bufq & q.RX_LEN == 100
    assert desc.hdrlen_flags == 0
    assert desc.status0_qw1 & (q.RX_DD | q.RX_EOF) == q.RX_DD | q.RX_EOF
    assert desc.status0_qw1 & (q.RX_HBO | q.RX_ERRORS) == 0
    assert desc.ptype_err & q.RX_RAW_CSUM_INV
    assert desc.misc == 0 and desc.ts_low == 0 and desc.ts_high == 0


@pytest.mark.parametrize("dst, cast", [("unicast", 0), ("multicast", 1), ("broadcast", 2)])
def test_cast(pair, dst, cast):
    """Unicast, multicast and broadcast are told."""
    one, two = pair
    two.call(Op.CONFIG_PROMISC, vc.PROMISC.pack(vport_id=two.ident, flags=3))
    addr = {"unicast": two.mac, "multicast": b"\x01\x00\x5e\1\2\3", "broadcast": frames.BROADCAST}
    assert deliver(one, two, frames.plain(64, addr[dst])).last.rxdid_ucast >> 6 == cast


def test_no_checksum_verdict(pair):
    """Without a checksum engine the stack is left to verify by itself."""
    one, two = pair
    if two.port.caps.csum_caps & 0xff00:
        pytest.skip("receive checksums are granted")
    for frame in (frames.tcp(two.mac), frames.udp(two.mac, "2001:db8::1", "2001:db8::2")):
        desc = deliver(one, two, frame).last
        assert desc.status0_qw1 & (q.RX_L3L4P | q.RX_ERRORS) == 0
        assert desc.ptype_err & q.RX_RAW_CSUM_INV


@pytest.fixture(name="ptypes")
def _ptypes(pair):
    """{packet type id: protocol ids} of the receiver, without the final entry."""
    _, two = pair
    found = {}
    for start in range(0, 1024, 58):
        reply = two.call(Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(
            start_ptype_id=start, num_ptypes=min(58, 1024 - start)))
        for number, _, protos in vc.ptypes(reply):
            if number != 0xffff:
                found[number] = protos
    return found


V6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}


@pytest.mark.parametrize("make, expected", [
    (frames.tcp, [2, 19, 25]),
    (frames.udp, [2, 19, 24]),
    (frames.icmp, [2, 19, 27]),
    (lambda mac: frames.tcp(mac, **V6), [2, 21, 25]),
    (lambda mac: frames.udp(mac, **V6), [2, 21, 24]),
    (lambda mac: frames.tcp(mac, vlans=(5,)), [2, 19, 25]),
    (lambda mac: frames.udp(mac, vlans=(5, 6), **V6), [2, 21, 24]),
    (lambda mac: frames.udp(mac, flags="MF"), [2, 20]),
    (lambda mac: frames.udp(mac, frag=100), [2, 20]),
    (lambda mac: frames.tcp(mac, options=[]), [2, 19, 25])],
    ids=["tcp4", "udp4", "icmp", "tcp6", "udp6", "vlan tcp4", "2 vlans udp6", "first fragment",
         "later fragment", "no options"])
def test_packet_type(pair, ptypes, make, expected):
    """The packet type says IP version, fragment and L4 protocol as the table has it."""
    one, two = pair
    protos = ptypes[deliver(one, two, make(two.mac)).ptype]
    assert [proto for proto in protos if proto not in (5, 34)][:len(expected)] == expected


@pytest.mark.parametrize("size", [60, 100, 1514, 9728])
@pytest.mark.parametrize("bufs", [(128, 128), (256, 1024), (1536, 640), (2048, 2048),
                                  (4096, 2048), (16256, 128)], ids=str)
def test_buffer_sizes(make_vport, size, bufs):
    """Frames are spread over as many buffers as they need, each queue's size respected."""
    one = make_vport(0)
    two = make_vport(1, setup=Setup(rx_len=1024, buf_len=256, buf_sizes=bufs))
    for number in range(6):
        one.send(frames.plain(size, seed=number))
        packet = two.recv()[0]
        assert packet.frame == frames.plain(size, seed=number)
        assert len(packet.descs) <= -(-size // min(bufs)) + 1
        for desc in packet.descs[:-1]:
            assert not desc.status0_qw1 & q.RX_EOF
            assert desc.len_gen_bufq & q.RX_LEN > 0


def test_generation(make_vport):
    """Several rounds through small rings, with packets of one and more buffers."""
    one = make_vport(0)
    two = make_vport(1, setup=Setup(rx_len=64, buf_len=32, buf_sizes=(256, 256)))
    rng = random.Random(3)
    for number in range(300):
        deliver(one, two, frames.plain(rng.choice((60, 256, 257, 700)), seed=number))


def test_burst(make_vport):
    """A burst that fills all posted buffers."""
    one, two = make_vport(0), make_vport(1, setup=Setup(rx_len=128, buf_len=32))
    for burst in range(5):
        for number in range(60):
            one.txqs[0].put_frame(frames.plain(100, seed=burst * 60 + number))
        one.txqs[0].ring()
        found = [packet.frame for packet in two.recv(count=60)]
        assert found == [frames.plain(100, seed=burst * 60 + number) for number in range(60)]
        one.complqs[0].take(60)


def test_no_buffers(make_vport):
    """Without buffers frames are dropped and counted; with buffers they come again."""
    one, two = make_vport(0), make_vport(1, start=False)
    two.start(post=False)
    with two.port.counted("rx_no_buffer"):
        one.send(frames.plain(60))
    assert two.quiet()
    wire = two.port.stats()["wire"]
    assert wire["rx_dropped_no_buffer"] >= 1
    two.post_buffers()
    deliver(one, two, frames.plain(61))


def test_buffers_run_out(make_vport):
    """As many frames as there are buffers; the rest is dropped whole."""
    one = make_vport(0)
    two = make_vport(1, start=False, setup=Setup(buf_len=32))
    two.start(post=False)
    two.rxqs[0].refill = False
    for bufq in two.rxqs[0].bufqs:
        bufq.post(4)
    for number in range(20):
        one.send(frames.plain(100, seed=number))
    two.port.stats()
    found = []
    while (packet := two.rxqs[0].poll()) is not None:
        found.append(packet.frame)
    assert 4 <= len(found) <= 8
    assert found == [frames.plain(100, seed=number) for number in range(len(found))]


def test_buffers_run_out_in_mid_packet(make_vport):
    """A frame that needs more buffers than are posted does not come in part."""
    one = make_vport(0)
    two = make_vport(1, start=False, setup=Setup(buf_len=32, buf_sizes=(256, 256)))
    two.start(post=False)
    two.rxqs[0].refill = False
    for bufq in two.rxqs[0].bufqs:
        bufq.post(2)
    with two.port.counted("rx_no_buffer"):
        one.send(frames.plain(3000))
    assert two.rxqs[0].poll() is None
    two.rxqs[0].refill = True
    two.post_buffers()
    # what was posted before may have been used up by the lost frame, never half a packet
    one.send(frames.plain(100))
    assert two.recv()[0].frame == frames.plain(100)


def test_one_buffer_queue(make_vport):
    """A receive queue may do with one buffer queue."""
    one, two = make_vport(0), make_vport(1, start=False)
    rxq = two.rxqs[0]
    first = rxq.bufqs[0]
    infos = [vc.RXQ_INFO.pack(**two.buf_fields(first)),
             vc.RXQ_INFO.pack(**{**two.rx_fields(rxq), "bufq2_ena": 0, "rx_bufq2_id": 0})]
    two.call(Op.CONFIG_RX_QUEUES, vc.CONFIG_RX.pack(vport_id=two.ident, num_qinfo=2)
             + b"".join(infos))
    chunks = [(vc.RXQ, rxq.ident, 1), (vc.BUFQ, first.ident, 1)]
    two.call(Op.ENABLE_QUEUES, vc.queue_chunks(two.ident, chunks))
    first.post()
    two.enable()
    for number in range(100):
        packet = deliver(one, two, frames.plain(60 + number, seed=number))
        assert not packet.last.len_gen_bufq & q.RX_BUFQ2


def test_receive_ring_full(make_vport):
    """More buffers than receive descriptors: the NIC does not overrun the ring."""
    one = make_vport(0)
    two = make_vport(1, setup=Setup(rx_len=32, buf_len=64))
    two.rxqs[0].refill = False
    for number in range(60):
        one.send(frames.plain(60, seed=number))
    two.port.stats()
    found = []
    while (packet := two.rxqs[0].poll()) is not None:
        found.append(packet.frame)
    assert len(found) <= 32
    # descriptors that were not overwritten are the first frames in order
    if two.port.errors("rx_ring_full"):
        assert found == [frames.plain(60, seed=number) for number in range(len(found))]


def test_largest_packet(make_vport):
    """Frames longer than the queue's max_pkt_size are dropped and counted."""
    one, two = make_vport(0), make_vport(1, setup=Setup(max_pkt=1526))
    deliver(one, two, frames.plain(1526))
    before = two.port.stats()["vports"][0]["rx_invalid_frame_length"]
    with two.port.counted("rx_long"):
        one.send(frames.plain(1527))
    assert two.port.stats()["vports"][0]["rx_invalid_frame_length"] == before + 1
    deliver(one, two, frames.plain(1525))


# Header split


@pytest.fixture(name="split_pair")
def _split_pair(make_vport):
    """Two vports of which the second splits headers."""
    return make_vport(0), make_vport(1, setup=Setup(
        hdr_size=256, buf_sizes=(2048, 1024), rx_len=512, buf_len=64))


@pytest.mark.parametrize("make, header", [
    (lambda mac, data: frames.tcp(mac, payload=data), 54),
    (lambda mac, data: frames.udp(mac, payload=data), 42),
    (lambda mac, data: frames.tcp(mac, payload=data, **V6), 74),
    (lambda mac, data: frames.udp(mac, payload=data, **V6), 62),
    (lambda mac, data: frames.tcp(mac, payload=data, vlans=(7,)), 58),
    (lambda mac, data: frames.udp(mac, payload=data, vlans=(7, 8), **V6), 70)],
    ids=["tcp4", "udp4", "tcp6", "udp6", "vlan tcp4", "2 vlans udp6"])
@pytest.mark.parametrize("size", [64, 1000, 8000])
def test_header_split(split_pair, make, header, size):
    """Headers up to L4 lie in the header buffer, the payload in packet buffers."""
    one, two = split_pair
    data = random.Random(size).randbytes(size)
    packet = deliver(one, two, make(two.mac, data))
    assert packet.descs[0].hdrlen_flags & q.RX_SPH
    assert len(packet.header) == header
    assert packet.data == data
    assert not packet.descs[0].status0_qw1 & q.RX_HBO


def test_header_only(split_pair):
    """A TCP segment without payload, longer than the shortest frame."""
    one, two = split_pair
    frame = frames.tcp(two.mac, payload=b"", **V6)
    one.send(frame)
    packet = two.recv()[0]
    assert packet.frame == frame and len(packet.header) in (0, len(frame))


def test_not_split(split_pair):
    """What is no IP comes whole, in the packet buffer or in the header buffer."""
    one, two = split_pair
    for size in (60, 200, 1514):
        deliver(one, two, frames.plain(size))


def test_header_does_not_fit(make_vport):
    """A header longer than its buffer: overflow is set and all is in the packet buffer."""
    one = make_vport(0)
    two = make_vport(1, setup=Setup(hdr_size=64, buf_sizes=(2048, 1024)))
    frame = frames.tcp(two.mac, vlans=(1, 2), payload=b"y" * 500, **V6)
    packet = deliver(one, two, frame)
    assert packet.descs[0].status0_qw1 & q.RX_HBO
    assert not packet.descs[0].hdrlen_flags & q.RX_SPH
    assert packet.header == b""


# Errors


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("addr", [0, 0xdead0000, (1 << 64) - 64, (1 << 64) - 1], ids=hex)
def test_buffer_outside(make_vport, which, addr):
    """Packet buffers outside of guest memory cost packets, and a restart heals."""
    one, two = make_vport(0), make_vport(1, start=False)
    two.start(post=False)
    bufq = two.rxqs[0].bufqs[which]
    for _ in range(4):
        bufq.put_raw(1, addr)
    bufq.ring()
    two.rxqs[0].bufqs[1 - which].ring()
    with two.port.counted("rx_addr", "dma_no_map", "rx_no_buffer"):
        for _ in range(4):
            one.send(frames.plain(60))
    two.port.reset()
    two.port.mbx = None
    two.port.negotiate()
    two.port.alloc_vectors()
    two.create()
    two.start()
    deliver(one, two, frames.plain(60))


def test_buffer_crosses_the_end(make_vport):
    """A buffer of which only the beginning is guest memory is not written beyond."""
    one, two = make_vport(0), make_vport(1, start=False)
    two.start(post=False)
    mem = two.port.mem
    for bufq in two.rxqs[0].bufqs:
        for _ in range(4):
            bufq.put_raw(1, mem.base + mem.size - 64)
        bufq.ring()
    with two.port.counted("rx_addr", "dma_no_map", "rx_no_buffer"):
        one.send(frames.plain(1000))


@pytest.mark.parametrize("tail", [32, 33, 64, 0xffff, 0xffffffff])
def test_buffer_tail_outside(make_vport, tail):
    """A tail outside of a buffer ring is counted, and buffers are not invented."""
    one, two = make_vport(0), make_vport(1, start=False)
    two.start(post=False)
    with two.port.counted("rx_tail", "reg_value", "rx_no_buffer"):
        for bufq in two.rxqs[0].bufqs:
            two.port.wr32(bufq.tail_reg, tail)
        two.port.flush()
        one.send(frames.plain(60))
    assert two.quiet()
    two.post_buffers()
    deliver(one, two, frames.plain(61))


def test_unmapped_in_mid_traffic(pair):
    """Memory taken away under received traffic is not written any more."""
    one, two = pair
    for number in range(30):
        one.txqs[0].put_frame(frames.plain(1000, seed=number))
    one.txqs[0].ring()
    with two.port.counted("rx_addr", "dma_no_map", "rx_no_buffer"):
        two.port.mem.detach(two.port.vfu)
        before = two.port.mem.map[:]
        one.complqs[0].take(30)
        one.send(frames.plain(1000))
        one.port.stats()
    assert two.port.mem.map[:] == before


def test_read_only_memory(make_vport):
    """Buffers in memory that is mapped for reading only are not written."""
    one, two = make_vport(0), make_vport(1, start=False)
    two.start(post=False)
    mem = two.port.mem
    # the last page of memory once more, read-only, at another address
    other = mem.base + (1 << 40)
    two.port.vfu.dma_map(other, 4096, mem.descriptor, mem.size - 4096, v.MAP_READ)
    for bufq in two.rxqs[0].bufqs:
        for _ in range(4):
            bufq.put_raw(1, other)
        bufq.ring()
    with two.port.counted("rx_addr", "dma_perm", "dma_no_map"):
        one.send(frames.plain(1000))
    assert mem.map[-4096:] == bytes(4096)


def test_both_directions(pair):
    """Both ports send and receive at once."""
    one, two = pair
    for burst in range(8):
        for vport in pair:
            for number in range(50):
                vport.txqs[0].put_frame(frames.plain(60 + number, seed=burst))
        one.txqs[0].ring()
        two.txqs[0].ring()
        for vport in pair:
            found = [packet.frame for packet in vport.recv(count=50)]
            assert found == [frames.plain(60 + number, seed=burst) for number in range(50)]
            vport.complqs[0].take(50)


def test_buffers_posted_late(make_vport):
    """Buffers may come in any steps while frames are arriving."""
    one = make_vport(0)
    two = make_vport(1, start=False, setup=Setup(buf_len=64, rx_len=256))
    two.start(post=False)
    two.rxqs[0].refill = False
    rng = random.Random(4)
    for number in range(200):
        for bufq in two.rxqs[0].bufqs:
            bufq.post(min(rng.randrange(1, 4), len(bufq.free)))
        two.port.flush()
        one.send(frames.plain(100, seed=number))
        packet = wait_for(two.rxqs[0].poll, "packet")
        assert packet.frame == frames.plain(100, seed=number)


def test_stopped_buffer_queue(make_vport):
    """A buffer queue without a ring behind it does not keep the sender trying all the time."""
    one, two = make_vport(0), make_vport(1, start=False)
    for bufq in two.rxqs[0].bufqs:
        bufq.post()
        bufq.addr = 0x5000_0000
    two.start(post=False)
    for _ in range(2):
        one.send(frames.plain(60))
    for bufq in two.rxqs[0].bufqs:
        two.port.wr32(bufq.tail_reg, bufq.next ^ 1)
    before = two.port.stats()["wire"]["rx_waited"]
    one.send(frames.plain(60))
    wire = two.port.stats()["wire"]
    assert wire["rx_waited"] - before < 10
    assert wire["rx_dropped_error"] >= 1 and wire["rx_dropped_no_buffer"] >= 1
