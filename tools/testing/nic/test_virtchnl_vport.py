# SPDX-License-Identifier: GPL-2.0-only
"""CREATE, DESTROY, ENABLE, DISABLE_VPORT, ADD and DEL_QUEUES."""

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Setup, Vport
from niclib.virtchnl import Op, Status

NIC_PORTS = ("mac=02:00:00:00:aa:01", "mac=02:00:00:00:aa:02", "queues=4,vports=2,mtu=1500")
NO_VPORT = (1, 7, 8, 255, 0x10000, 0x7fffffff, 0xffffffff)


def request(**fields):
    """Return CREATE_VPORT for one queue pair in the split model."""
    return vc.CREATE_VPORT.pack(**{
        "txq_model": 1, "rxq_model": 1, "num_tx_q": 1, "num_tx_complq": 1, "num_rx_q": 1,
        "num_rx_bufq": 2, **fields})


def create(port, **fields):
    """Create a vport; return the reply's head and its queue chunks."""
    reply = port.mbx.call(Op.CREATE_VPORT, request(**fields))
    info = vc.CREATE_VPORT.unpack(reply)
    assert len(reply) == vc.CREATE_VPORT.size + vc.REG_CHUNK.size * info.num_chunks
    return info, vc.reg_chunks(reply, vc.CREATE_VPORT.size, info.num_chunks)


def ids_of(chunks):
    """Return {queue type: [ids]}."""
    found = {}
    for chunk in chunks:
        found.setdefault(chunk.type, []).extend(
            range(chunk.start_queue_id, chunk.start_queue_id + chunk.num_queues))
    return found


# CREATE_VPORT


def test_create(ctl):
    """Everything that a driver takes from the reply."""
    info, chunks = create(ctl, vport_index=0)
    assert info.vport_type == 0 and info.vport_index == 0
    assert (info.txq_model, info.rxq_model) == (vc.SPLIT, vc.SPLIT)
    assert (info.num_tx_q, info.num_tx_complq, info.num_rx_q, info.num_rx_bufq) == (1, 1, 1, 2)
    assert info.max_mtu - 26 == 9706
    assert info.default_mac_addr == bytes.fromhex("02000000aa01")
    assert info.rx_desc_ids & 1 << 2
    assert info.tx_desc_ids & 1 << 12
    assert info.rss_algorithm == 0 and info.rss_key_size >= 40 and info.rss_lut_size >= 16
    assert info.pad1 == bytes(48) and info.pad2 == bytes(20) and info.pad3 == bytes(6)
    found = ids_of(chunks)
    assert {kind: len(ids) for kind, ids in found.items()} == \
        {vc.TXQ: 1, vc.RXQ: 1, vc.COMPLQ: 1, vc.BUFQ: 2}


@pytest.mark.parametrize("pairs", [1, 2, 3, 5, 8, 16])
def test_create_pairs(ctl, pairs):
    """Queues as many as asked for, with ids below 256 that do not repeat."""
    info, chunks = create(ctl, num_tx_q=pairs, num_tx_complq=pairs, num_rx_q=pairs,
                          num_rx_bufq=2 * pairs)
    assert (info.num_tx_q, info.num_tx_complq, info.num_rx_q, info.num_rx_bufq) == \
        (pairs, pairs, pairs, 2 * pairs)
    found = ids_of(chunks)
    for kind, count in ((vc.TXQ, pairs), (vc.RXQ, pairs), (vc.COMPLQ, pairs), (vc.BUFQ, 2 * pairs)):
        assert len(found[kind]) == len(set(found[kind])) == count
        assert all(number < 256 for number in found[kind])


def test_create_padding(ctl):
    """Nothing of the request's reserved fields comes back."""
    info, _ = create(ctl, pad1=b"\xff" * 48, pad2=b"\xff" * 20, pad3=b"\xff" * 6,
                     num_chunks=0, inline_flow_caps=(1 << 64) - 1,
                     sideband_flow_caps=(1 << 64) - 1, flow_steer_max_rules=77,
                     sideband_flow_actions=0xffffffff, vport_flags=0xffff)
    assert info.pad1 == bytes(48) and info.pad2 == bytes(20) and info.pad3 == bytes(6)
    assert (info.inline_flow_caps, info.sideband_flow_caps, info.sideband_flow_actions,
            info.flow_steer_max_rules) == (0, 0, 0, 0)


def test_create_mtu_option(make_port):
    """--port mtu= is what drivers are told."""
    port = make_port(2)
    port.negotiate()
    assert create(port)[0].max_mtu == 1500 + 26


@pytest.mark.parametrize("size", [0, 1, 80, 159])
def test_create_short(ctl, size):
    """A cut request is refused."""
    ctl.mbx.refuse(Op.CREATE_VPORT, Status.EINVAL, request()[:size])


def test_create_long(ctl):
    """DPDK's request has room for chunks behind it."""
    ctl.mbx.call(Op.CREATE_VPORT, request() + bytes(32))


@pytest.mark.parametrize("fields", [
    {"num_tx_q": 0}, {"num_rx_q": 0}, {"num_tx_complq": 0}, {"num_rx_bufq": 0},
    {"vport_type": 1}, {"vport_type": 0xffff},
    {"txq_model": 2}, {"rxq_model": 0xffff}],
    ids=str)
def test_create_bad(ctl, fields):
    """Counts of nothing and unknown types are refused or corrected, never granted as they are."""
    reply = ctl.mbx.exchange(Op.CREATE_VPORT, request(**fields))
    if not reply.retval:
        info = vc.CREATE_VPORT.unpack(reply.data)
        assert any(getattr(info, name) != value for name, value in fields.items())
        assert info.num_tx_q and info.num_rx_q and info.num_tx_complq
    ctl.reset()
    ctl.start_mailbox()
    ctl.negotiate()
    create(ctl)


@pytest.mark.parametrize("name", ["num_tx_q", "num_rx_q", "num_tx_complq", "num_rx_bufq"])
@pytest.mark.parametrize("count", [100, 0xffff])
def test_create_too_many(ctl, name, count):
    """More queues than there are: fewer are given, or the request is refused."""
    reply = ctl.mbx.exchange(Op.CREATE_VPORT, request(**{name: count}))
    if not reply.retval:
        info = vc.CREATE_VPORT.unpack(reply.data)
        assert getattr(info, name) <= 32
        chunks = vc.reg_chunks(reply.data, vc.CREATE_VPORT.size, info.num_chunks)
        assert all(number < 256 for ids in ids_of(chunks).values() for number in ids)


def test_create_twice(ctl):
    """One vport was offered: a second one is refused, as is the same index again."""
    create(ctl)
    ctl.mbx.refuse(Op.CREATE_VPORT, Status.EEXIST, request())
    ctl.mbx.refuse(Op.CREATE_VPORT, Status.ENOSPC, request(vport_index=1))


def test_two_vports(make_port):
    """Two vports have different ids, addresses and queues; a third is refused."""
    port = make_port(2)
    port.negotiate()
    first, first_chunks = create(port, vport_index=0)
    second, second_chunks = create(port, vport_index=1)
    assert first.vport_id != second.vport_id
    assert first.default_mac_addr != second.default_mac_addr
    one, two = ids_of(first_chunks), ids_of(second_chunks)
    for kind, ids in one.items():
        assert not set(ids) & set(two[kind])
    port.mbx.refuse(Op.CREATE_VPORT, Status.ENOSPC, request(vport_index=2))


# DESTROY_VPORT


def test_destroy(ctl):
    """Destroyed and created again, with other numbers of queues."""
    for pairs in (1, 16, 2, 16):
        info, _ = create(ctl, num_tx_q=pairs, num_tx_complq=pairs, num_rx_q=pairs,
                         num_rx_bufq=2 * pairs)
        ctl.mbx.call(Op.DESTROY_VPORT, vc.vport(info.vport_id))
    ctl.mbx.refuse(Op.DESTROY_VPORT, Status.ENXIO, vc.vport(info.vport_id))


def test_destroy_in_operation(make_vport):
    """A vport may be destroyed while it is up; nothing is written afterwards."""
    one, two = make_vport(0), make_vport(1)
    one.call(Op.DESTROY_VPORT, vc.vport(one.ident))
    before = one.port.mem.read(one.rxqs[0].addr, 128 * 32)
    two.send(frames.plain(100))
    one.port.stats()
    assert one.port.mem.read(one.rxqs[0].addr, 128 * 32) == before
    again = Vport(one.port).start()
    two.send(frames.plain(200))
    assert again.recv()[0].frame == frames.plain(200)


VPORT_ID_FIRST = [
    (Op.DESTROY_VPORT, 8), (Op.ENABLE_VPORT, 8), (Op.DISABLE_VPORT, 8),
    (Op.CONFIG_TX_QUEUES, 16), (Op.CONFIG_RX_QUEUES, 24), (Op.ENABLE_QUEUES, 16),
    (Op.DISABLE_QUEUES, 16), (Op.ADD_QUEUES, 24), (Op.DEL_QUEUES, 16),
    (Op.MAP_QUEUE_VECTOR, 16), (Op.UNMAP_QUEUE_VECTOR, 16), (Op.GET_RSS_KEY, 7),
    (Op.SET_RSS_KEY, 7), (Op.GET_RSS_LUT, 12), (Op.SET_RSS_LUT, 12), (Op.GET_STATS, 8),
    (Op.LOOPBACK, 8), (Op.ADD_MAC_ADDR, 8), (Op.DEL_MAC_ADDR, 8), (Op.CONFIG_PROMISC, 8)]


@pytest.mark.parametrize("opcode, size", VPORT_ID_FIRST, ids=str)
def test_wrong_vport_id(vport, opcode, size):
    """Every message that names a vport is refused for one that does not exist."""
    mbx = vport.port.mbx
    for number in NO_VPORT:
        if number != vport.ident:
            payload = vc.vport(number)[:4] + bytes(size - 4)
            mbx.refuse(opcode, Status.ENXIO, payload)


@pytest.mark.parametrize("opcode, size", VPORT_ID_FIRST, ids=str)
def test_short(vport, opcode, size):
    """Every message is refused when it is cut, at every length."""
    mbx = vport.port.mbx
    for cut in range(0, size, 1 if size <= 24 else 9):
        mbx.refuse(opcode, Status.EINVAL, (vc.vport(vport.ident)[:4] + bytes(size))[:cut])


@pytest.mark.parametrize("opcode, size", VPORT_ID_FIRST, ids=str)
def test_before_create(ctl, opcode, size):
    """Every message is refused before the vport exists."""
    for number in (0, 1):
        ctl.mbx.refuse(opcode, Status.ENXIO, vc.vport(number)[:4] + bytes(size - 4))


# ENABLE and DISABLE_VPORT


def test_enable_sends_an_event(make_vport):
    """The link state is told after the vport was enabled."""
    vport = make_vport(0)
    event = vc.EVENT.unpack(vport.port.mbx.event().data)
    assert event.event == vc.EVENT_LINK
    assert event.vport_id == vport.ident
    assert event.link_status == 1
    assert event.link_speed > 0


def test_enable_disable_repeated(make_vport):
    """Up and down again and again with new rings each time, frames in between."""
    one, two = make_vport(0), make_vport(1)
    for number in range(10):
        one.down()
        one.make_rings()
        one.start()
        two.send(frames.plain(60 + number))
        assert one.recv()[0].frame == frames.plain(60 + number)
        one.send(frames.plain(600 + number))
        assert two.recv()[0].frame == frames.plain(600 + number)


def test_enable_twice(make_vport):
    """Enabling what is enabled and disabling what is disabled does no harm."""
    one, two = make_vport(0), make_vport(1)
    one.port.mbx.exchange(Op.ENABLE_VPORT, vc.vport(one.ident))
    two.send(frames.plain(90))
    assert one.recv()[0].frame == frames.plain(90)
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    one.port.mbx.exchange(Op.DISABLE_VPORT, vc.vport(one.ident))
    one.enable()
    two.send(frames.plain(91))
    assert one.recv()[0].frame == frames.plain(91)


def test_enable_without_queues(vport):
    """Enabling a vport with nothing configured is answered, and traffic to it is dropped."""
    vport.port.mbx.exchange(Op.ENABLE_VPORT, vc.vport(vport.ident))
    vport.port.wr32(vport.txqs[0].tail_reg, 1)
    vport.port.stats()


def test_disabled_vport_is_silent(pair):
    """A disabled vport neither receives nor sends."""
    one, two = pair
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    two.send(frames.plain(64))
    one.port.stats()
    assert one.quiet()
    one.txqs[0].put_frame(frames.plain(64))
    one.txqs[0].ring()
    one.port.stats()
    assert two.quiet()


# ADD_QUEUES and DEL_QUEUES


def add_queues(vport, send, compl, recv, buf):
    """Return the reply to ADD_QUEUES."""
    return vport.port.mbx.exchange(Op.ADD_QUEUES, vc.ADD_QUEUES.pack(
        vport_id=vport.ident, num_tx_q=send, num_tx_complq=compl, num_rx_q=recv, num_rx_bufq=buf))


@pytest.mark.parametrize("pairs", [1, 2, 3, 4, 16])
def test_change_of_channels(make_vport, pairs):
    """What ethtool -L does: down, DEL_QUEUES, ADD_QUEUES, up; each pair carries frames."""
    one, two = make_vport(0), make_vport(1)
    one.down()
    one.call(Op.DEL_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    reply = add_queues(one, pairs, pairs, pairs, 2 * pairs)
    assert reply.retval == 0
    head = vc.ADD_QUEUES.unpack(reply.data)
    assert (head.num_tx_q, head.num_tx_complq, head.num_rx_q, head.num_rx_bufq) == \
        (pairs, pairs, pairs, 2 * pairs)
    one.setup = Setup(pairs=pairs)
    one.use_chunks(vc.reg_chunks(reply.data, vc.ADD_QUEUES.size, head.num_chunks))
    assert len(one.txqs) == pairs and len(one.rxqs) == pairs
    one.start()
    for queue in range(pairs):
        one.send(frames.plain(200 + queue), queue)
        assert two.recv()[0].frame == frames.plain(200 + queue)
    two.send(frames.plain(150))
    found = [packet for rxq in one.rxqs if (packet := rxq.poll())]
    while not found:
        found = [packet for rxq in one.rxqs if (packet := rxq.poll())]
    assert [packet.frame for packet in found] == [frames.plain(150)]


def test_add_queues_beyond_the_limit(vport):
    """More queues than the port has."""
    vport.call(Op.DEL_QUEUES, vc.queue_chunks(vport.ident, vport.chunks()))
    for counts in ((17, 17, 17, 34), (0xffff,) * 4, (1, 1, 100, 200)):
        assert add_queues(vport, *counts).retval == Status.ENOSPC
    assert add_queues(vport, 16, 16, 16, 32).retval == 0
    assert add_queues(vport, 1, 1, 1, 2).retval == Status.ENOSPC


def test_del_queues_repeated(vport):
    """Queues can be deleted once; what was deleted cannot be configured."""
    chunks = vc.queue_chunks(vport.ident, vport.chunks())
    vport.call(Op.DEL_QUEUES, chunks)
    vport.port.mbx.refuse(Op.DEL_QUEUES, Status.ENXIO, chunks)
    infos = vport.tx_info(0)
    vport.port.mbx.refuse(Op.CONFIG_TX_QUEUES, Status.ENXIO, vc.CONFIG_TX.pack(
        vport_id=vport.ident, num_qinfo=2) + b"".join(infos))


def test_del_of_enabled_queues(pair):
    """Deleting queues in operation is refused or stops them; it never goes on using them."""
    one, two = pair
    reply = one.port.mbx.exchange(Op.DEL_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    two.send(frames.plain(99))
    if reply.retval:
        assert one.recv()[0].frame == frames.plain(99)
    else:
        one.port.stats()
        assert one.quiet()


def again_destroyed(vport):
    """Destroy a vport and create it anew."""
    vport.destroy()
    return Vport(vport.port)


def again_deleted(vport):
    """Delete the queues of a vport and add as many."""
    vport.delete_queues()
    reply = add_queues(vport, 1, 1, 1, 2)
    vport.use_chunks(vc.reg_chunks(reply.data, vc.ADD_QUEUES.size,
                                   vc.ADD_QUEUES.unpack(reply.data).num_chunks))
    return vport


def again_disabled(vport):
    """Disable the disabled queues of a vport."""
    vport.disable_queues()
    vport.make_rings()
    return vport


@pytest.mark.parametrize("again", [again_destroyed, again_deleted, again_disabled])
def test_doorbells_of_the_past(make_vport, again):
    """A doorbell of a disabled queue gives nothing to the NIC once the queue starts anew."""
    one, two = make_vport(0), make_vport(1)
    one.down()
    tails = [(queue.tail_reg, queue.ident) for queue in (*one.txqs, *one.rxqs[0].bufqs)]
    for tail, _ in tails:
        one.port.wr32(tail, 7)
    one = again(one)
    assert tails == [(queue.tail_reg, queue.ident) for queue in (*one.txqs, *one.rxqs[0].bufqs)]
    before = one.port.stats()["errors"]
    one.start(post=False)
    two.send(frames.plain(100))
    after = one.port.stats()["errors"]
    assert one.quiet() and one.complqs[0].poll() is None
    assert after["rx_no_buffer"] > before["rx_no_buffer"]
    assert {**after, "rx_no_buffer": 0} == {**before, "rx_no_buffer": 0}
    one.post_buffers()
    two.send(frames.plain(200))
    assert one.recv()[0].frame == frames.plain(200)
    one.send(frames.plain(300))
    assert two.recv()[0].frame == frames.plain(300)


BAD_CHUNKS = [
    ("none", [], 0, Status.EINVAL), ("count", [(vc.TXQ, 0, 1)], 2, Status.EINVAL),
    ("count 65535", [(vc.TXQ, 0, 1)], 0xffff, Status.EINVAL),
    ("type 4", [(4, 0, 1)], 1, Status.ENXIO),
    ("type 2^32-1", [(0xffffffff, 0, 1)], 1, Status.ENXIO),
    ("id 256", [(vc.TXQ, 256, 1)], 1, Status.ENXIO),
    ("id 2^32-1", [(vc.RXQ, 0xffffffff, 1)], 1, Status.ENXIO),
    ("number 0", [(vc.TXQ, 0, 0)], 1, Status.EINVAL),
    ("number 2^32-1", [(vc.BUFQ, 0, 0xffffffff)], 1, Status.ENXIO),
    ("wraps", [(vc.COMPLQ, 0xffffffff, 2)], 1, Status.ENXIO),
    ("not its own", [(vc.TXQ, 15, 1)], 1, Status.ENXIO)]


@pytest.mark.parametrize("opcode", [Op.ENABLE_QUEUES, Op.DISABLE_QUEUES, Op.DEL_QUEUES])
@pytest.mark.parametrize("chunks, count, status", [case[1:] for case in BAD_CHUNKS],
                         ids=[case[0] for case in BAD_CHUNKS])
def test_bad_chunks(make_vport, opcode, chunks, count, status):
    """Counts beyond the data, queues that do not exist or belong to nobody."""
    vport = make_vport(0)
    vport.port.mbx.refuse(opcode, status, vc.queue_chunks(vport.ident, chunks, count))
    vport.send(frames.plain(64))
