# SPDX-License-Identifier: GPL-2.0-only
"""CONFIG_TX and RX_QUEUES, ENABLE and DISABLE_QUEUES, MAP and UNMAP_QUEUE_VECTOR."""

import struct

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Setup
from niclib.queues import COMPL_SW_MARKER
from niclib.virtchnl import Op, Status
from niclib.wait import wait_for

NIC_PORTS = ("", "", "id=vf", "id=vf")


def tx_message(vport, *infos, count=None):
    """Return CONFIG_TX_QUEUES."""
    count = len(infos) if count is None else count
    return vc.CONFIG_TX.pack(vport_id=vport.ident, num_qinfo=count) + b"".join(infos)


def rx_message(vport, *infos, count=None):
    """Return CONFIG_RX_QUEUES."""
    count = len(infos) if count is None else count
    return vc.CONFIG_RX.pack(vport_id=vport.ident, num_qinfo=count) + b"".join(infos)


def rx_infos(vport, index=0, queue=(), buf=()):
    """Return the entries of a receive queue with changed fields."""
    rxq = vport.rxqs[index]
    infos = [vc.RXQ_INFO.pack(**{**vport.buf_fields(bufq), **dict(buf)}) for bufq in rxq.bufqs]
    return [*infos, vc.RXQ_INFO.pack(**{**vport.rx_fields(rxq), **dict(queue)})]


def config_status(fields):
    """Return how an entry with these wrong fields is refused: ids are of what does not exist."""
    wrong_id = any(name.endswith("_id") for name in fields)
    return Status.ENXIO if wrong_id else Status.EINVAL


# CONFIG_TX_QUEUES


def test_tx_config(vport):
    """Good once, and good again before the queue is enabled."""
    for _ in range(2):
        reply = vport.call(Op.CONFIG_TX_QUEUES, tx_message(vport, *vport.tx_info(0)))
        assert len(reply) >= vc.CONFIG_TX.size
        assert struct.unpack_from("<I", reply)[0] == vport.ident


def test_tx_config_any_order(vport):
    """The completion queue may come first, or in a message of its own."""
    send, compl = vport.tx_info(0)
    vport.call(Op.CONFIG_TX_QUEUES, tx_message(vport, compl, send))
    vport.call(Op.CONFIG_TX_QUEUES, tx_message(vport, compl))
    vport.call(Op.CONFIG_TX_QUEUES, tx_message(vport, send))


@pytest.mark.parametrize("count", [0, 3, 72, 1000, 0xffff])
def test_tx_config_count(vport, count):
    """A count that is not what the message holds."""
    vport.port.mbx.refuse(Op.CONFIG_TX_QUEUES, Status.EINVAL,
                          tx_message(vport, *vport.tx_info(0), count=count))


@pytest.mark.parametrize("fields", [
    {"ring_len": 0}, {"ring_len": 1}, {"ring_len": 0xffff}, {"queue_id": 255}, {"queue_id": 256},
    {"queue_id": 0xffffffff}, {"queue_id": 15}, {"type": vc.RXQ}, {"type": vc.BUFQ},
    {"type": 4}, {"type": 0xffffffff}, {"model": 2}, {"model": 0xffff},
    {"sched_mode": vc.SCHED_QUEUE}, {"sched_mode": 2}, {"tx_compl_queue_id": 15},
    {"tx_compl_queue_id": 256}, {"tx_compl_queue_id": 0xffff}], ids=str)
def test_tx_config_bad(vport, fields):
    """Values out of range, queues of others, modes that were not granted."""
    send, compl = vport.tx_info(0, **fields)
    vport.port.mbx.refuse(Op.CONFIG_TX_QUEUES, config_status(fields),
                          tx_message(vport, compl, send))


@pytest.mark.parametrize("addr", [0xdead00000000, (1 << 64) - 4096, (1 << 64) - 1], ids=hex)
def test_tx_ring_outside(make_vport, addr):
    """A ring outside of guest memory is refused, or its queue does nothing but count."""
    vport = make_vport(0, start=False)
    mbx = vport.port.mbx
    send, compl = vport.tx_info(0, dma_ring_addr=addr)
    if mbx.exchange(Op.CONFIG_TX_QUEUES, tx_message(vport, compl, send)).retval:
        return
    reply = mbx.exchange(Op.ENABLE_QUEUES, vc.queue_chunks(vport.ident, vport.chunks(
        vc.TXQ, vc.COMPLQ)))
    if reply.retval:
        return
    vport.enable()
    with vport.port.counted("tx_addr", "dma_no_map"):
        vport.port.wr32(vport.txqs[0].tail_reg, 3)
        vport.port.flush()


def test_tx_config_of_running_queue(make_vport):
    """A queue in operation is not taken to another ring under its feet."""
    one, two = make_vport(0), make_vport(1)
    other = one.port.mem.alloc(4096, 4096)
    send, compl = one.tx_info(0, dma_ring_addr=other)
    one.port.mbx.refuse(Op.CONFIG_TX_QUEUES, Status.ESM, tx_message(one, compl, send))
    one.send(frames.plain(70))
    assert two.recv()[0].frame == frames.plain(70)


# CONFIG_RX_QUEUES


def test_rx_config(vport):
    """Buffer queues before their receive queue, all at once; good again before enabling."""
    for _ in range(2):
        reply = vport.call(Op.CONFIG_RX_QUEUES, rx_message(vport, *rx_infos(vport)))
        assert len(reply) >= vc.CONFIG_RX.size


def test_rx_config_order_of_dpdk(vport):
    """The receive queue first, then its buffer queues, each in its own message."""
    *bufs, queue = rx_infos(vport)
    for info in (queue, *bufs):
        vport.call(Op.CONFIG_RX_QUEUES, rx_message(vport, info))


@pytest.mark.parametrize("count", [0, 4, 46, 1000, 0xffff])
def test_rx_config_count(vport, count):
    """A count that is not what the message holds."""
    vport.port.mbx.refuse(Op.CONFIG_RX_QUEUES, Status.EINVAL,
                          rx_message(vport, *rx_infos(vport), count=count))


@pytest.mark.parametrize("fields", [
    {"ring_len": 0}, {"ring_len": 1}, {"ring_len": 0xffff}, {"queue_id": 255}, {"queue_id": 256},
    {"queue_id": 0xffffffff}, {"queue_id": 15}, {"type": vc.TXQ}, {"type": 4},
    {"type": 0xffffffff}, {"model": 2}, {"desc_ids": 1 << 40}, {"desc_ids": 0},
    {"rx_bufq1_id": 31}, {"rx_bufq1_id": 0xffff}, {"rx_bufq2_id": 31},
    {"rx_bufq2_id": 0xffff}, {"max_pkt_size": 0}], ids=str)
def test_rx_config_bad(vport, fields):
    """Values out of range, buffer queues of others, formats that are not offered."""
    vport.port.mbx.refuse(Op.CONFIG_RX_QUEUES, config_status(fields),
                          rx_message(vport, *rx_infos(vport, queue=fields.items())))


@pytest.mark.parametrize("fields", [
    {"ring_len": 0}, {"ring_len": 1}, {"ring_len": 0xffff}, {"queue_id": 256},
    {"queue_id": 0xffffffff},
    {"data_buffer_size": 0}, {"data_buffer_size": 0xffffffff}], ids=str)
def test_bufq_config_bad(vport, fields):
    """The same for buffer queues; a buffer must hold something and not more than 16 KiB."""
    vport.port.mbx.refuse(Op.CONFIG_RX_QUEUES, config_status(fields),
                          rx_message(vport, *rx_infos(vport, buf=fields.items())))


@pytest.mark.parametrize("addr", [0xdead00000000, (1 << 64) - 4096, (1 << 64) - 1], ids=hex)
@pytest.mark.parametrize("which", ["queue", "buf"])
def test_rx_ring_outside(make_vport, addr, which):
    """A ring outside of guest memory is refused, or its queue does nothing but count."""
    one, two = make_vport(0, start=False), make_vport(1)
    infos = rx_infos(one, **{which: {"dma_ring_addr": addr}.items()})
    if one.port.mbx.exchange(Op.CONFIG_RX_QUEUES, rx_message(one, *infos)).retval:
        return
    one.post_buffers()
    reply = one.port.mbx.exchange(Op.ENABLE_QUEUES, vc.queue_chunks(
        one.ident, one.chunks(vc.RXQ, vc.BUFQ)))
    if reply.retval:
        return
    one.enable()
    with one.port.counted("rx_addr", "dma_no_map", "rx_no_buffer"):
        two.send(frames.plain(64))


# ENABLE and DISABLE_QUEUES


def test_enable_unconfigured(vport):
    """A queue must be configured before it is enabled."""
    for chunk in vport.chunks():
        vport.port.mbx.refuse(Op.ENABLE_QUEUES, Status.ESM, vc.queue_chunks(vport.ident, [chunk]))


def test_enable_one_chunk_for_many(make_vport):
    """One chunk may name several queues."""
    one = make_vport(0, start=False, pairs=4)
    two = make_vport(1)
    one.post_buffers()
    one.config_tx()
    one.config_rx()
    chunks = [(kind, min(qid for qid, _ in queues), len(queues))
              for kind, queues in one.queues.items()]
    one.call(Op.ENABLE_QUEUES, vc.queue_chunks(one.ident, chunks))
    one.enable()
    for queue in range(4):
        one.send(frames.plain(80 + queue), queue)
        assert two.recv()[0].frame == frames.plain(80 + queue)


def test_enable_twice(pair):
    """Enabling an enabled queue does not start it over."""
    one, two = pair
    for number in range(5):
        one.send(frames.plain(100 + number))
        one.port.mbx.exchange(Op.ENABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    assert [packet.frame for packet in two.recv(count=5)] == \
        [frames.plain(100 + number) for number in range(5)]
    two.send(frames.plain(333))
    assert one.recv()[0].frame == frames.plain(333)


def test_disable_gives_markers(make_vport):
    """Each send queue reports a marker, once, in its completion queue."""
    vport = make_vport(0, pairs=4)
    for queue in range(4):
        vport.send(frames.plain(60), queue)
    vport.call(Op.DISABLE_VPORT, vc.vport(vport.ident))
    vport.call(Op.DISABLE_QUEUES, vc.queue_chunks(vport.ident, vport.chunks()))
    for complq in vport.complqs:
        assert complq.take()[0].kind == COMPL_SW_MARKER
        assert complq.poll() is None


def test_disable_completes_first(make_vport):
    """What was sent before the queue was disabled is completed before the marker."""
    vport = make_vport(0)
    tags = [vport.txqs[0].put_frame(frames.plain(200)) for _ in range(50)]
    vport.txqs[0].ring()
    vport.call(Op.DISABLE_QUEUES, vc.queue_chunks(vport.ident, vport.chunks(vc.TXQ)))
    found = vport.complqs[0].take(51)
    assert [entry.value for entry in found[:-1]] == tags
    assert found[-1].kind == COMPL_SW_MARKER


def test_disable_twice(make_vport):
    """Disabling what is disabled is answered; it writes nothing into freed rings."""
    vport = make_vport(0)
    message = vc.queue_chunks(vport.ident, vport.chunks())
    vport.call(Op.DISABLE_QUEUES, message)
    vport.complqs[0].take()
    vport.port.mbx.exchange(Op.DISABLE_QUEUES, message)
    vport.port.stats()


def test_disabled_queues_are_left_alone(pair):
    """No ring or buffer of a disabled queue is written."""
    one, two = pair
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    one.complqs[0].take()
    mailbox = one.port.mbx.arq
    before = one.port.mem.read(mailbox.bufs[-1] + 4096, one.port.mem.next
                               - (mailbox.bufs[-1] + 4096 - one.port.mem.base))
    one.txqs[0].ring()
    one.port.wr32(one.txqs[0].tail_reg, 1)
    for _ in range(10):
        two.send(frames.plain(500))
    one.port.stats()
    assert one.port.mem.read(mailbox.bufs[-1] + 4096, len(before)) == before


def test_tail_before_configuration(make_vport):
    """Buffers posted before CONFIG_RX_QUEUES are there once the queue is enabled."""
    one, two = make_vport(0), make_vport(1)
    two.send(frames.plain(60))
    assert one.recv()[0].frame == frames.plain(60)


def test_order_of_dpdk(make_vport):
    """TX configured and enabled before RX is configured."""
    one = make_vport(0, start=False)
    two = make_vport(1)
    one.config_tx()
    one.call(Op.ENABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks(vc.TXQ, vc.COMPLQ)))
    one.config_rx()
    for kind in (vc.RXQ, vc.BUFQ):
        one.call(Op.ENABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks(kind)))
    one.post_buffers()
    one.enable()
    one.add_mac(one.mac)
    one.send(frames.plain(99))
    assert two.recv()[0].frame == frames.plain(99)
    two.send(frames.plain(98, one.mac))
    assert one.recv()[0].frame == frames.plain(98, one.mac)


@pytest.mark.parametrize("ports", [(0, 1), (2, 3)], ids=["pf", "vf"])
@pytest.mark.parametrize("lengths", [(32, 32), (33, 65), (64, 512), (512, 512), (4096, 4096)],
                         ids=str)
def test_ring_lengths(make_vport, ports, lengths):
    """Small and large rings carry frames over several rounds."""
    ring, other = lengths
    setup = Setup(tx_len=ring, compl_len=other, rx_len=other, buf_len=max(ring // 2, 32),
                  buf_sizes=(256, 256))
    one = make_vport(ports[0], setup=setup)
    two = make_vport(ports[1], setup=setup)
    for number in range(3 * min(ring, 64)):
        one.send(frames.plain(60 + number % 190, seed=number))
        assert two.recv()[0].frame == frames.plain(60 + number % 190, seed=number)


# Vectors


def test_map_unmap(make_vport):
    """Mapped, unmapped and mapped again."""
    vport = make_vport(0, start=False)
    maps = [(vc.RXQ, vport.rxqs[0].ident, 1, 0), (vc.TXQ, vport.txqs[0].ident, 1, 1)]
    for _ in range(3):
        vport.call(Op.MAP_QUEUE_VECTOR, vc.vector_maps(vport.ident, maps))
        vport.call(Op.UNMAP_QUEUE_VECTOR, vc.vector_maps(vport.ident, maps))


def test_map_twice(make_vport):
    """The last map counts."""
    one = make_vport(0, pairs=2)
    one.port.use_interrupts(3)
    one.call(Op.MAP_QUEUE_VECTOR, vc.vector_maps(one.ident, [(vc.TXQ, one.txqs[0].ident, 2, 1)]))
    one.port.enable_vector(1)
    one.port.enable_vector(2)
    one.send(frames.plain(60))
    assert one.port.interrupted(2, 5.0) == 1
    assert not one.port.interrupted(1)


def test_unmapped_queue_is_silent(make_vport):
    """A queue without a vector works and interrupts nobody."""
    one = make_vport(0)
    one.port.use_interrupts(2)
    one.call(Op.UNMAP_QUEUE_VECTOR, vc.vector_maps(one.ident, [(vc.TXQ, one.txqs[0].ident, 1, 1)]))
    one.port.enable_vector(1)
    one.send(frames.plain(60))
    one.port.stats()
    assert not one.port.interrupted(1)


def queue_map(kind=vc.TXQ, queue=None, vector=1, itr=1):
    """Return a map with a queue id of None standing for one that exists."""
    return (kind, queue, vector, itr)


@pytest.mark.parametrize("bad, count, status", [
    (queue_map(queue=256), 1, Status.ENXIO), (queue_map(queue=0xffffffff), 1, Status.ENXIO),
    (queue_map(queue=15), 1, Status.ENXIO), (queue_map(kind=vc.RXQ, queue=31), 1, Status.ENXIO),
    (queue_map(kind=7), 1, Status.ENXIO), (queue_map(kind=0xffffffff), 1, Status.ENXIO),
    (queue_map(vector=900), 1, Status.ENXIO), (queue_map(vector=0xffff), 1, Status.ENXIO),
    (queue_map(itr=3), 1, Status.EINVAL), (queue_map(itr=0xffffffff), 1, Status.EINVAL),
    (queue_map(), 0, Status.EINVAL), (queue_map(), 2, Status.EINVAL),
    (queue_map(), 0xffff, Status.EINVAL)], ids=str)
def test_map_bad(make_vport, bad, count, status):
    """Queues, vectors and indexes that do not exist, counts beyond the data."""
    vport = make_vport(0, start=False)
    kind, queue, vector, itr = bad
    entry = (kind, vport.txqs[0].ident if queue is None else queue, vector, itr)
    vport.port.mbx.refuse(Op.MAP_QUEUE_VECTOR, status,
                          vc.vector_maps(vport.ident, [entry], count))


def test_map_without_vectors(make_port):
    """Vectors that were not allocated cannot be mapped."""
    port = make_port(0)
    port.negotiate()
    reply = port.mbx.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
        txq_model=1, rxq_model=1, num_tx_q=1, num_tx_complq=1, num_rx_q=1, num_rx_bufq=2))
    info = vc.CREATE_VPORT.unpack(reply)
    first = next(chunk.start_queue_id for chunk in vc.reg_chunks(
        reply, vc.CREATE_VPORT.size, info.num_chunks) if chunk.type == vc.TXQ)
    port.mbx.refuse(Op.MAP_QUEUE_VECTOR, Status.ENXIO,
                    vc.vector_maps(info.vport_id, [(vc.TXQ, first, 1, 1)]))


def test_large_messages(make_vport):
    """Sixteen pairs in as few messages as 4096 bytes allow."""
    one = make_vport(0, start=False, pairs=16)
    two = make_vport(1)
    one.post_buffers()
    one.config_tx()
    one.config_rx()
    one.map_vectors()
    one.enable_queues()
    one.enable()
    for queue in range(16):
        one.send(frames.plain(60 + queue), queue)
        assert two.recv()[0].frame == frames.plain(60 + queue)
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    for complq in one.complqs:
        assert wait_for(complq.poll, "marker").kind == COMPL_SW_MARKER


# Messages that are refused in the middle


def test_refused_config_restores(make_vport):
    """A message whose second queue cannot be leaves the first one's configuration alone."""
    one, two = make_vport(0, start=False, pairs=2), make_vport(1)
    one.post_buffers()
    one.config_tx()
    one.config_rx()
    moved = one.tx_info(0, ring_len=256)[0]
    wrong = one.tx_info(1, dma_ring_addr=one.txqs[1].addr + 64)[0]
    one.port.mbx.refuse(Op.CONFIG_TX_QUEUES, Status.EINVAL, tx_message(one, moved, wrong))
    *bufs, _ = rx_infos(one, 0, buf={"data_buffer_size": 256})
    *_, wrong = rx_infos(one, 1, queue={"dma_ring_addr": one.rxqs[1].addr + 64})
    one.port.mbx.refuse(Op.CONFIG_RX_QUEUES, Status.EINVAL, rx_message(one, *bufs, wrong))
    one.enable_queues()
    one.enable()
    # a ring of 256 would not start again behind 64 descriptors
    for number in range(70):
        one.send(frames.plain(100, seed=number))
        assert two.recv()[0].frame == frames.plain(100, seed=number)
    # buffers of 256 bytes would make six of this
    two.send(frames.plain(1500))
    packet = one.recv()[0]
    assert packet.frame == frames.plain(1500) and len(packet.descs) == 1


def test_refused_config_configures_nothing(make_vport):
    """A queue that had no configuration has none after a refused message."""
    vport = make_vport(0, start=False, pairs=2)
    good = vport.tx_info(0)
    wrong = vport.tx_info(1, dma_ring_addr=vport.txqs[1].addr + 64)[0]
    # the same queue twice in front of the wrong one
    vport.port.mbx.refuse(Op.CONFIG_TX_QUEUES, Status.EINVAL,
                          tx_message(vport, *good, *good, wrong))
    for kind, queue in ((vc.COMPLQ, vport.complqs[0]), (vc.TXQ, vport.txqs[0])):
        chunks = vc.queue_chunks(vport.ident, [(kind, queue.ident, 1)])
        vport.port.mbx.refuse(Op.ENABLE_QUEUES, Status.ESM, chunks)


def test_refused_enable_enables_nothing(make_vport):
    """One queue without configuration: none of the message's queues is enabled."""
    vport = make_vport(0, start=False, pairs=2)
    send, compl = vport.tx_info(0)
    vport.call(Op.CONFIG_TX_QUEUES, tx_message(vport, compl, send))
    chunks = vport.chunks(vc.COMPLQ, vc.TXQ)
    vport.port.mbx.refuse(Op.ENABLE_QUEUES, Status.ESM, vc.queue_chunks(vport.ident, chunks))
    # of an enabled queue this would be refused
    vport.call(Op.CONFIG_TX_QUEUES, tx_message(vport, compl, send))
