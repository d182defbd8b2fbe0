# SPDX-License-Identifier: GPL-2.0-only
"""Queue models by option: what CREATE_VPORT answers, and traffic on each, PF and VF."""

import random

import pytest

from niclib import frames
from niclib import models as m
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.driver import Port, Setup
from niclib.virtchnl import Op, Status

# two ports of each model, back to back; then the same as VF
NIC_PORTS = tuple(f"model={name}" for name in m.NAMES for _ in range(2)) + tuple(
    f"model={name},id=vf" for name in m.NAMES for _ in range(2))
CASES = [(name, 2 * i) for i, name in enumerate(m.NAMES)] + [
    (name, 2 * (i + len(m.NAMES))) for i, name in enumerate(m.NAMES)]
IDS = [f"{name}-{'pf' if index < 8 else 'vf'}" for name, index in CASES]

TX_IDS = {"split": 1 << 5 | 1 << 12, "split-qsched": 1 << 5 | 1 << 7,
          "single-base": 1 << 0 | 1 << 1, "single-flex": 1 << 0 | 1 << 1}
RX_IDS = {"split": 1 << 2, "split-qsched": 1 << 2, "single-base": 1 << 1, "single-flex": 1 << 2}


@pytest.fixture(name="start")
def _start(make_port):
    """A function that makes a vport of a model on a port, by default in operation."""
    def make(name, index, setup=None, start=True):
        port = make_port(index)
        port.negotiate()
        port.alloc_vectors()
        vport = m.make_vport(port, name, setup)
        return vport.start() if start else vport

    return make


@pytest.fixture(name="model_pair", params=CASES, ids=IDS)
def _model_pair(request, start):
    """Two vports of each model in turn, back to back."""
    name, index = request.param
    return start(name, index), start(name, index + 1)


@pytest.mark.parametrize("name, index", CASES, ids=IDS)
def test_create(start, name, index):
    """Models, formats and queue types of the reply are those of the option."""
    info = start(name, index, Setup(pairs=3), start=False).info
    model = vc.SINGLE if name.startswith("single") else vc.SPLIT
    assert (info.txq_model, info.rxq_model) == (model, model)
    assert (info.tx_desc_ids, info.rx_desc_ids) == (TX_IDS[name], RX_IDS[name])
    counts = (info.num_tx_q, info.num_rx_q, info.num_tx_complq, info.num_rx_bufq)
    assert counts == ((3, 3, 0, 0) if model == vc.SINGLE else (3, 3, 3, 6))
    assert info.num_chunks == (2 if model == vc.SINGLE else 4)


def test_create_qsched_unknown(make_port):
    """A driver that does not ask for queue scheduling gets flow scheduling."""
    port = make_port(2)
    port.negotiate()
    port.caps = port.get_caps(**{**vc.IDPF_WISH, "other_caps": 0})
    info = vc.CREATE_VPORT.unpack(port.mbx.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
        txq_model=1, rxq_model=1, num_tx_q=1, num_tx_complq=1, num_rx_q=1, num_rx_bufq=2)))
    assert info.tx_desc_ids == TX_IDS["split"]


@pytest.mark.parametrize("index", (0, 4, 6))
def test_qsched_not_granted(make_port, index):
    """The capability is granted by the option only."""
    port = make_port(index)
    port.negotiate()
    caps = port.get_caps(**{**vc.IDPF_WISH, "other_caps": (1 << 64) - 1})
    assert not caps.other_caps & vc.CAP_SPLITQ_QSCHED


@pytest.mark.parametrize("index", (0, 2))
@pytest.mark.parametrize("models", ((0, 0), (0, 1), (1, 0), (2, 1), (1, 0xffff)), ids=str)
def test_create_refused(make_port, index, models):
    """Single queues are refused where the option does not give them."""
    port = make_port(index)
    port.negotiate()
    port.mbx.refuse(Op.CREATE_VPORT, Status.EMODE, vc.CREATE_VPORT.pack(
        txq_model=models[0], rxq_model=models[1], num_tx_q=1, num_tx_complq=1, num_rx_q=1,
        num_rx_bufq=2))


@pytest.mark.parametrize("models, counts", (
    ((0, 0), (1, 0, 1, 0)), ((0, 0), (2, 2, 2, 4)), ((1, 1), (1, 1, 1, 2)), ((0, 1), (1, 0, 1, 0))),
    ids=str)
def test_create_single_wish(make_port, models, counts):
    """Whatever a driver wishes, the port has single queues, and tells so."""
    port = make_port(4)
    port.negotiate()
    info = vc.CREATE_VPORT.unpack(port.mbx.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
        txq_model=models[0], rxq_model=models[1], num_tx_q=counts[0], num_tx_complq=counts[1],
        num_rx_q=counts[2], num_rx_bufq=counts[3])))
    assert (info.txq_model, info.rxq_model, info.num_tx_complq, info.num_rx_bufq) == (0, 0, 0, 0)
    assert (info.num_tx_q, info.num_rx_q) == (counts[0], counts[2])


@pytest.mark.parametrize("models", ((2, 0), (0, 2), (0xffff, 1)), ids=str)
def test_create_single_bad(make_port, models):
    """Models that do not exist are refused on a port with single queues too."""
    port = make_port(4)
    port.negotiate()
    port.mbx.refuse(Op.CREATE_VPORT, Status.EMODE, vc.CREATE_VPORT.pack(
        txq_model=models[0], rxq_model=models[1], num_tx_q=1, num_rx_q=1))


def test_process_default(make_nic):
    """--model is the model of ports that name none."""
    nic = make_nic(("", "model=split"), ("--model", "single-flex"))
    for index, expected in enumerate((vc.SINGLE, vc.SPLIT)):
        port = Port(nic, index)
        port.ready()
        port.negotiate()
        info = vc.CREATE_VPORT.unpack(port.mbx.call(Op.CREATE_VPORT, vc.CREATE_VPORT.pack(
            txq_model=1, rxq_model=1, num_tx_q=1, num_tx_complq=1, num_rx_q=1, num_rx_bufq=2)))
        assert info.txq_model == expected
        port.close()


@pytest.mark.parametrize("name, index", CASES[2:4], ids=IDS[2:4])
def test_add_queues(start, name, index):
    """The single model has no completion and buffer queues to add."""
    vport = start(name, index, start=False)
    head = vc.ADD_QUEUES.unpack(vport.call(Op.ADD_QUEUES, vc.ADD_QUEUES.pack(
        vport_id=vport.ident, num_tx_q=2, num_rx_q=1)))
    assert (head.num_tx_q, head.num_tx_complq, head.num_rx_q, head.num_rx_bufq) == (2, 0, 1, 0)
    for fields in ({"num_tx_complq": 1}, {"num_rx_bufq": 1}):
        vport.port.mbx.refuse(Op.ADD_QUEUES, Status.EMODE, vc.ADD_QUEUES.pack(
            vport_id=vport.ident, **fields))


@pytest.mark.parametrize("name, index", CASES, ids=IDS)
@pytest.mark.parametrize("other", (
    {"model": vc.SPLIT, "sched_mode": vc.SCHED_FLOW},
    {"model": vc.SPLIT, "sched_mode": vc.SCHED_QUEUE},
    {"model": vc.SINGLE, "sched_mode": vc.SCHED_QUEUE}), ids=str)
def test_tx_model_refused(start, name, index, other):
    """CONFIG_TX_QUEUES takes the vport's model and no other."""
    vport = start(name, index, start=False)
    fields = {"dma_ring_addr": vport.txqs[0].addr, "type": vc.TXQ,
              "queue_id": vport.txqs[0].ident, "ring_len": 64,
              "tx_compl_queue_id": vport.complqs[0].ident if vport.complqs else 0, **other}
    own = {"split": (1, 1), "split-qsched": (1, 0)}.get(name, (0, 0))
    reply = vport.port.mbx.exchange(Op.CONFIG_TX_QUEUES, vc.CONFIG_TX.pack(
        vport_id=vport.ident, num_qinfo=1) + vc.TXQ_INFO.pack(**fields))
    status = 0 if own == (other["model"], other["sched_mode"]) else Status.EINVAL
    if other["model"] == vc.SPLIT and not vport.complqs:
        # names a completion queue, of which the single model has none
        status = Status.ENXIO
    assert reply.retval == status


@pytest.mark.parametrize("name, index", CASES[2:4], ids=IDS[2:4])
@pytest.mark.parametrize("fields, status", (
    ({"desc_ids": 0}, Status.EINVAL), ({"desc_ids": 1 << 3}, Status.EINVAL),
    ({"model": vc.SPLIT}, Status.ENXIO), ({"data_buffer_size": 0}, Status.EINVAL),
    ({"data_buffer_size": 127}, Status.EINVAL), ({"data_buffer_size": 0x4000}, Status.EINVAL),
    ({"max_pkt_size": 0}, Status.EINVAL), ({"ring_len": 31}, Status.EINVAL),
    ({"ring_len": 8161}, Status.EINVAL), ({"qflags": vc.RXQ_HDR_SPLIT}, Status.EINVAL),
    ({"qflags": 1}, Status.EPERM), ({"dma_ring_addr": 64}, Status.EINVAL),
    ({"type": vc.BUFQ}, Status.ENXIO)), ids=str)
def test_single_rx_refused(start, name, index, fields, status):
    """Values that the single model cannot work with."""
    vport = start(name, index, start=False)
    good = vport.rx_fields(vport.rxqs[0])
    head = vc.CONFIG_RX.pack(vport_id=vport.ident, num_qinfo=1)
    vport.port.mbx.refuse(Op.CONFIG_RX_QUEUES, status,
                          head + vc.RXQ_INFO.pack(**{**good, **fields}))
    wrong = 1 << 2 if name == "single-base" else 1 << 1
    vport.port.mbx.refuse(Op.CONFIG_RX_QUEUES, Status.EINVAL,
                          head + vc.RXQ_INFO.pack(**{**good, "desc_ids": wrong}))
    vport.call(Op.CONFIG_RX_QUEUES, head + vc.RXQ_INFO.pack(**{**good, "desc_ids": 6}))


def test_order(model_pair):
    """Frames of all sizes, whole and in pieces, arrive in order over many rounds of the rings."""
    one, two = model_pair
    rng = random.Random(4)
    for number in range(150):
        size = rng.choice((17, 60, 100, 1514, 2048, 2049, 4096, 9728))
        cuts = sorted(rng.sample(range(1, size), rng.choice((0, 1, 5))))
        frame = frames.plain(size, seed=number)
        one.send(frame, cuts=cuts)
        assert two.recv()[0].frame == frames.padded(frame)


def test_bursts(model_pair):
    """Bursts with one doorbell each."""
    one, two = model_pair
    for burst in range(6):
        for number in range(60):
            one.txqs[0].put_frame(frames.plain(100, seed=burst * 60 + number))
        one.txqs[0].ring()
        found = [packet.frame for packet in two.recv(count=60)]
        assert found == [frames.plain(100, seed=burst * 60 + number) for number in range(60)]
        for complq in one.complqs:
            complq.take(60)


def test_interrupts(model_pair):
    """Sender and receiver are interrupted."""
    one, two = model_pair
    for vport in model_pair:
        vport.port.use_interrupts(2)
        vport.port.enable_vector(1)
    one.send(frames.plain(100))
    two.recv()
    assert one.port.interrupted(1, 5)
    assert two.port.interrupted(1, 5)


@pytest.mark.parametrize("name, index", CASES, ids=IDS)
def test_all_queues(start, name, index):
    """Sixteen pairs: each queue sends, RSS spreads over all of them."""
    one = start(name, index, Setup(pairs=16, tx_len=64))
    two = start(name, index + 1, Setup(pairs=16))
    two.rss(bytes(range(52)), [i % 16 for i in range(two.info.rss_lut_size)])
    hit = set()
    for number in range(96):
        one.send(frames.udp(two.mac, ports=(number, 7)), queue=number % 16)
        found = None
        while found is None:
            for rxq in two.rxqs:
                packet = rxq.poll()
                if packet is not None:
                    found = rxq
                    assert packet.frame == frames.udp(two.mac, ports=(number, 7))
                    assert two.rxqs.index(rxq) == packet.hash % two.info.rss_lut_size % 16
        hit.add(two.rxqs.index(found))
    assert len(hit) > 10


def test_stop_in_mid_packet(model_pair):
    """A queue that is stopped before the end of a packet came works again afterwards."""
    one, two = model_pair
    frame = frames.plain(600)
    one.txqs[0].put(one.port.mem.put(frame), 600, eop=False)
    one.txqs[0].ring()
    one.port.stats()
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    for complq in one.complqs:
        assert complq.take()[0].kind == q.COMPL_SW_MARKER
    assert two.quiet()
    one.make_rings()
    one.start()
    one.send(frames.plain(100))
    assert two.recv()[0].frame == frames.plain(100)


def test_stop_completes(model_pair):
    """What is in the ring when a queue is stopped is completed first."""
    one, two = model_pair
    for number in range(20):
        index = one.txqs[0].put_frame(frames.plain(100, seed=number))
    one.txqs[0].ring()
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    if one.complqs:
        kinds = [entry.kind for entry in one.complqs[0].take(21)]
        assert kinds == [q.COMPL_RS] * 20 + [q.COMPL_SW_MARKER]
    else:
        assert one.txqs[0].is_done(index)
    assert len(two.recv(count=20)) == 20


def test_buffers_across_maps(model_pair):
    """Send and receive buffers may lie in two maps."""
    one, two = model_pair
    mem = two.port.mem
    border = mem.base + mem.size
    two.port.vfu.dma_map(border, 4096, mem.descriptor, 0)
    near = border - 500
    two.call(Op.DISABLE_VPORT, vc.vport(two.ident))
    two.call(Op.DISABLE_QUEUES, vc.queue_chunks(two.ident, two.chunks()))
    two.make_rings()
    rxq = two.rxqs[0]
    split = bool(two.complqs)
    if split:
        bufq = rxq.bufqs[0]
        bufq.free.remove(1000)
        bufq.put_raw(1000, near)
    else:
        rxq.put_raw(near)
    two.start(post=False)
    (rxq.bufqs[0] if split else rxq).ring()
    frame = frames.plain(1400)
    one.send(frame)
    packet = two.recv()[0]
    assert len(packet.frame) == 1400
    assert mem.read(near, 500) + mem.read(mem.base, 900) == frame
