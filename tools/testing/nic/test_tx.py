# SPDX-License-Identifier: GPL-2.0-only
"""Sending: sizes, buffers, completions, and descriptors that are wrong."""

import random
import struct

import pytest

from niclib import frames
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.driver import Setup, bring_up

SIZES = [14, 17, 20, 59, 60, 61, 63, 64, 65, 127, 128, 129, 255, 256, 511, 1000, 1513, 1514,
         1518, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 9000, 9014, 9706, 9720, 9727, 9728]


def tags_of(complq, count=1):
    """Take @count completions, all of which must be RS; return the tags."""
    found = complq.take(count)
    assert all(entry.kind == q.COMPL_RS for entry in found), found
    return [entry.value for entry in found]


@pytest.mark.parametrize("size", [size for size in SIZES if size >= 17])
def test_size(pair, size):
    """Frames of every size arrive unchanged, padded to 60 bytes."""
    one, two = pair
    one.send(frames.plain(size))
    assert two.recv()[0].frame == frames.padded(frames.plain(size))


def test_all_small_sizes(pair):
    """Every size from 17 to 300."""
    one, two = pair
    for size in range(17, 301):
        one.send(frames.plain(size))
        assert two.recv()[0].frame == frames.padded(frames.plain(size))


@pytest.mark.parametrize("size", [1, 13, 16])
def test_too_short(pair, size):
    """A frame without a whole header is dropped, counted and completed."""
    one, two = pair
    with one.port.counted("tx_short"):
        one.send(frames.plain(size))
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


@pytest.mark.parametrize("size", [9729, 10000, 16383])
def test_too_long(pair, size):
    """A frame longer than the NIC sends is dropped, counted and completed."""
    one, two = pair
    with one.port.counted("tx_long"):
        one.send(frames.plain(size))
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


@pytest.mark.parametrize("pieces", [2, 3, 5, 8])
@pytest.mark.parametrize("size", [60, 1514, 9728])
def test_scattered(pair, pieces, size):
    """A frame in several buffers at odd addresses."""
    one, two = pair
    limit = one.port.caps.max_sg_bufs_per_tx_pkt
    assert pieces <= limit
    rng = random.Random(size * pieces)
    for _ in range(5):
        cuts = sorted(rng.sample(range(1, size), pieces - 1))
        one.send(frames.plain(size), cuts=cuts)
        assert two.recv()[0].frame == frames.plain(size)


def test_most_buffers(pair):
    """As many buffers as GET_CAPS allows, of one byte each but the last."""
    one, two = pair
    count = min(one.port.caps.max_sg_bufs_per_tx_pkt, 60)
    one.send(frames.plain(200), cuts=range(1, count))
    assert two.recv()[0].frame == frames.plain(200)


def test_buffer_limit(make_vport):
    """As many buffers as were granted are gathered, one more costs the packet."""
    one, two = make_vport(0, tx_len=1024, compl_len=2048), make_vport(1)
    most = one.port.caps.max_sg_bufs_per_tx_pkt
    one.send(frames.plain(900), cuts=range(1, most))
    assert two.recv()[0].frame == frames.plain(900)
    with one.port.counted("tx_sg"):
        one.send(frames.plain(900, seed=1), cuts=range(1, most + 1))
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_too_many_buffers(make_vport):
    """A packet of far too many buffers is dropped and counted, and the queue goes on."""
    one, two = make_vport(0, tx_len=1024, compl_len=2048), make_vport(1)
    with one.port.counted("tx_sg"):
        one.send(frames.plain(900), cuts=range(1, 600))
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_never_an_end(make_vport):
    """A ring full of buffers without EOP does not make the NIC gather forever."""
    one, two = make_vport(0, tx_len=512), make_vport(1)
    addr = one.port.mem.put(bytes(64))
    with one.port.counted("tx_sg", "tx_long"):
        for _ in range(4):
            for _ in range(400):
                one.txqs[0].put(addr, 64, eop=False)
            one.txqs[0].ring()
            one.port.stats()
    assert two.quiet()


def test_tags(pair):
    """Each packet is completed once with its own tag, whatever the tag is."""
    one, two = pair
    tags = [0, 0xffff, 1, 0x8000, 0x7fff, 5, 5, 5]
    for tag in tags:
        one.txqs[0].put_frame(frames.plain(60), tag=tag)
    one.txqs[0].ring()
    assert tags_of(one.complqs[0], len(tags)) == tags
    assert one.complqs[0].poll() is None
    two.recv(count=len(tags))


def test_order(pair):
    """Frames of one queue leave in order, over many rounds of the rings."""
    one, two = pair
    rng = random.Random(2)
    sent = 0
    while sent < 500:
        burst = rng.randrange(1, 40)
        for number in range(sent, sent + burst):
            one.txqs[0].put_frame(frames.plain(60 + number % 100, seed=number))
        one.txqs[0].ring()
        tags_of(one.complqs[0], burst)
        received = [packet.frame for packet in two.recv(count=burst)]
        assert received == [frames.plain(60 + number % 100, seed=number)
                            for number in range(sent, sent + burst)]
        sent += burst


def test_full_ring(make_vport):
    """All descriptors but one in use."""
    one, two = make_vport(0), make_vport(1, buf_len=64)
    for _ in range(5):
        for _ in range(one.txqs[0].length - 1):
            one.txqs[0].put_frame(frames.plain(100))
        one.txqs[0].ring()
        tags_of(one.complqs[0], one.txqs[0].length - 1)
        assert len(two.recv(count=one.txqs[0].length - 1)) == one.txqs[0].length - 1


def test_doorbell_in_mid_packet(pair):
    """A tail between the buffers of a packet: it leaves when the rest has come."""
    one, two = pair
    frame = frames.plain(1000)
    first, second = one.port.mem.put(frame[:300]), one.port.mem.put(frame[300:])
    one.txqs[0].put(first, 300, 9, eop=False)
    one.txqs[0].ring()
    one.port.stats()
    assert one.complqs[0].poll() is None and two.quiet()
    one.txqs[0].put(second, 700, 9)
    one.txqs[0].ring()
    assert tags_of(one.complqs[0]) == [9]
    assert two.recv()[0].frame == frame


def test_report_event(pair):
    """RE gives one more completion, with the ring index after the descriptor."""
    one, two = pair
    for number in range(70):
        tag = one.txqs[0].put_frame(frames.plain(60), report=number % 7 == 6)
        index = one.txqs[0].next
        one.txqs[0].ring()
        kinds = {entry.kind: entry.value for entry in
                 one.complqs[0].take(2 if number % 7 == 6 else 1)}
        assert kinds[q.COMPL_RS] == tag
        if number % 7 == 6:
            assert kinds[q.COMPL_RE] == index
        assert one.complqs[0].poll() is None
        two.recv()


def test_same_doorbell_again(pair):
    """Writing the tail again sends nothing again."""
    one, two = pair
    one.send(frames.plain(60))
    for _ in range(10):
        one.txqs[0].ring()
    one.port.stats()
    assert one.complqs[0].poll() is None
    assert len(two.recv()) == 1 and two.quiet()


@pytest.mark.parametrize("tail", [64, 65, 127, 0x1000, 0xffff, 0x10000, 0xffffffff])
def test_tail_outside(pair, tail):
    """A tail outside of the ring is counted and sends nothing; a good one then works."""
    one, two = pair
    with one.port.counted("tx_tail", "reg_value"):
        one.port.wr32(one.txqs[0].tail_reg, tail)
    one.port.stats()
    assert one.complqs[0].poll() is None and two.quiet()
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def send_bad(vport, descriptors):
    """Send raw descriptors and return when the NIC has seen them."""
    for descriptor in descriptors:
        vport.txqs[0].put_raw(descriptor)
    vport.txqs[0].ring()
    vport.port.stats()


def restart(vport):
    """Take the vport down as far as it goes, and up again with new rings."""
    vport.port.reset()
    vport.port.mbx = None
    vport.port.negotiate()
    vport.port.alloc_vectors()
    vport.create()
    vport.start()


@pytest.mark.parametrize("dtype", [dtype for dtype in range(32) if dtype != q.DTYPE_FLOW])
def test_other_types(pair, dtype):
    """Descriptor types that do not belong in this queue are counted; a restart heals."""
    one, two = pair
    addr = one.port.mem.put(frames.plain(60))
    with one.port.counted("tx_desc", "tx_no_engine", "tx_hdr_len"):
        send_bad(one, [q.TX_DESC.pack(buf_addr=addr, cmd_dtype=dtype | q.TX_EOP, rxr_bufsize=60),
                       q.TX_DESC.pack(buf_addr=addr, cmd_dtype=q.DTYPE_FLOW | q.TX_EOP,
                                      rxr_bufsize=60)])
    restart(one)
    one.send(frames.plain(66))
    found = [packet.frame for packet in two.recv()]
    while found[-1] != frames.plain(66):
        found.append(two.recv()[0].frame)
    assert len(found) <= 3


@pytest.fixture(name="plain_pair")
def _plain_pair(make_nic):
    """Two vports on a NIC which was told not to grant any offload."""
    nic = make_nic(args=("--deny", "csum,lso,uso"))
    links = [bring_up(nic, index) for index in (0, 1)]
    yield [vport for _, vport in links]
    for port, _ in links:
        port.close()


def test_segmentation_not_granted(plain_pair):
    """A segmentation context without the engine is counted, the packet does not leave."""
    one, two = plain_pair
    assert one.port.caps.seg_caps == 0
    frame = frames.tcp(two.mac, payload=bytes(4000))
    one.txqs[0].put_raw(q.tso_context(4000, 1000, 54))
    with one.port.counted("tx_no_engine"):
        one.send(frame)
    one.port.stats()
    assert two.quiet()
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_checksum_not_granted(plain_pair):
    """A checksum request without the engine is counted."""
    one, two = plain_pair
    assert one.port.caps.csum_caps & 0xff == 0
    with one.port.counted("tx_no_engine"):
        one.send(frames.tcp(two.mac), flags=q.TX_CS_EN)


@pytest.mark.parametrize("addr", [0, 0xdead0000, (1 << 64) - 8, (1 << 64) - 1], ids=hex)
def test_buffer_outside(pair, addr):
    """A buffer outside of guest memory costs its packet or its queue."""
    one, two = pair
    with one.port.counted("tx_addr", "dma_no_map"):
        one.txqs[0].put(addr, 100)
        one.txqs[0].ring()
    assert two.quiet()
    restart(one)
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_buffer_crosses_the_end(pair):
    """A buffer that begins in guest memory and ends outside."""
    one, two = pair
    with one.port.counted("tx_addr", "dma_no_map"):
        one.txqs[0].put(one.port.mem.base + one.port.mem.size - 50, 100)
        one.txqs[0].ring()
    one.port.stats()
    assert two.quiet()


def test_first_and_last_byte(pair):
    """The first and the last byte of each of two maps are guest memory."""
    one, two = pair
    mem, txq = one.port.mem, one.txqs[0]
    frame = frames.plain(100)
    last = mem.base + mem.size - 1
    # the last page once more at another address
    other = mem.base + (1 << 40)
    one.port.vfu.dma_map(other, 4096, mem.descriptor, mem.size - 4096)
    mem.write(mem.base, frame[0:1])
    mem.write(last, frame[1:2])
    mem.write(last - 4095, frame[3:4])
    frame = frame[:2] + frame[1:2] + frame[3:]
    rest = mem.put(frame[4:])
    for addr, size in ((mem.base, 1), (other + 4095, 1), (last, 1), (other, 1), (rest, 96)):
        txq.put(addr, size, 7, eop=size > 1)
    txq.ring()
    assert tags_of(one.complqs[0]) == [7]
    assert two.recv()[0].frame == frame


def test_buffer_across_two_maps(pair):
    """A buffer may cross from one map into its neighbour."""
    one, two = pair
    frame = frames.plain(1000)
    port = one.port
    border = port.mem.base + port.mem.size
    port.vfu.dma_map(border, 4096, port.mem.descriptor, 0)
    # the neighbour shows the first page of the same memory
    port.mem.write(border - 300, frame[:300])
    port.mem.write(port.mem.base, frame[300:])
    one.txqs[0].put(border - 300, 1000, 3)
    one.txqs[0].ring()
    assert tags_of(one.complqs[0]) == [3]
    assert two.recv()[0].frame == frame


def test_empty_buffers(pair):
    """Buffers of no bytes, alone and within a packet."""
    one, two = pair
    with one.port.counted():
        one.txqs[0].put(one.port.mem.put(b"x"), 0)
        one.txqs[0].ring()
    one.port.stats()
    assert two.quiet()
    restart(one)
    frame = frames.plain(80)
    addr = one.port.mem.put(frame)
    one.txqs[0].put(addr, 40, eop=False)
    one.txqs[0].put(addr, 0, eop=False)
    one.txqs[0].put(addr + 40, 40)
    one.txqs[0].ring()
    one.port.stats()


def test_unmapped_in_mid_traffic(pair):
    """Memory taken away between doorbells: counted, never touched afterwards."""
    one, two = pair
    for number in range(60):
        one.txqs[0].put_frame(frames.plain(1000, seed=number))
    one.txqs[0].ring()
    with one.port.counted("tx_addr", "dma_no_map"):
        one.port.mem.detach(one.port.vfu)
        before = one.port.mem.map[:]
        one.port.wr32(one.txqs[0].tail_reg, (one.txqs[0].next + 1) % one.txqs[0].length)
    two.send(frames.plain(60))
    one.port.stats()
    assert one.port.mem.map[:] == before
    one.port.mem.attach(one.port.vfu)
    restart(one)
    one.send(frames.plain(60))


def test_completion_ring_full(make_vport):
    """More packets than completion entries: the NIC survives, the send ring is not written."""
    one = make_vport(0, setup=Setup(tx_len=256, compl_len=32))
    two = make_vport(1)
    for _ in range(200):
        one.txqs[0].put_frame(frames.plain(60))
    before = one.port.mem.read(one.txqs[0].addr, 256 * 16)
    one.txqs[0].ring()
    one.port.stats()
    two.port.stats()
    assert one.port.mem.read(one.txqs[0].addr, 256 * 16) == before
    assert two.recv(count=1)


def test_shared_completion_queue(make_vport):
    """Several send queues on one completion queue are told apart by their relative ids."""
    one = make_vport(0, start=False, pairs=4)
    two = make_vport(1)
    one.post_buffers()
    first = one.complqs[0]
    for index, complq in enumerate(one.complqs):
        one.complqs[index] = first if index else complq
    infos = [one.tx_info(index, relative_queue_id=index)[0] for index in range(4)]
    infos.append(one.tx_info(0)[1])
    one.call(vc.Op.CONFIG_TX_QUEUES, vc.CONFIG_TX.pack(
        vport_id=one.ident, num_qinfo=len(infos)) + b"".join(infos))
    one.config_rx()
    chunks = one.chunks(vc.TXQ, vc.RXQ, vc.BUFQ) + [(vc.COMPLQ, first.ident, 1)]
    one.call(vc.Op.ENABLE_QUEUES, vc.queue_chunks(one.ident, chunks))
    one.enable()
    for number in range(40):
        queue = number * 7 % 4
        one.txqs[queue].put_frame(frames.plain(60), tag=number)
        one.txqs[queue].ring()
        entry = first.take()[0]
        assert (entry.qid, entry.kind, entry.value) == (queue, q.COMPL_RS, number)
    assert len(two.recv(count=40)) == 40


def test_many_queues(make_vport):
    """Sixteen queues send at once; every frame arrives, each queue's in order."""
    one = make_vport(0, pairs=16)
    two = make_vport(1, rx_len=1024, buf_len=512)
    for number in range(20):
        for queue, txq in enumerate(one.txqs):
            txq.put_frame(struct.pack("<6s6sHHH", frames.BROADCAST, frames.OTHER_MAC, 0xb588,
                                      queue, number) + bytes(64))
    for txq in one.txqs:
        txq.ring()
    seen = {queue: [] for queue in range(16)}
    for packet in two.recv(count=320):
        queue, number = struct.unpack_from("<HH", packet.frame, 14)
        seen[queue].append(number)
    assert all(numbers == list(range(20)) for numbers in seen.values())
    for complq in one.complqs:
        tags_of(complq, 20)
