# SPDX-License-Identifier: GPL-2.0-only
"""Sending with queue scheduling: type 7, completions of 4 bytes that tell heads, offloads."""

import functools
import random

import pytest

from niclib import frames
from niclib import models as m
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.driver import Setup
from niclib.virtchnl import Op

NIC_PORTS = ("model=split-qsched", "model=split-qsched")


@pytest.fixture(name="make_pair")
def _make_pair(make_port):
    """A function that makes two vports in operation, back to back."""
    return functools.partial(m.make_pair, make_port, "split-qsched")


@pytest.fixture(name="pair")
def _pair(make_pair):
    """Two vports in operation, back to back."""
    return make_pair()


def test_heads(pair):
    """Each packet that asks for it is completed with the index behind it, over many rounds."""
    one, two = pair
    rng = random.Random(1)
    for number in range(200):
        pieces = rng.randrange(1, 6)
        frame = frames.plain(600, seed=number)
        head = one.txqs[0].put_frame(frame, sorted(rng.sample(range(1, 600), pieces - 1)))
        one.txqs[0].ring()
        entry, = one.complqs[0].take()
        assert (entry.qid, entry.kind, entry.value) == (0, q.COMPL_RS, head)
        assert two.recv()[0].frame == frame
    assert one.complqs[0].poll() is None


def put_quiet(vport, frame, flags=0):
    """Write a frame in one buffer which does not ask for a completion."""
    addr = vport.port.mem.put(frame)
    vport.txqs[0].put_raw(m.FLEX_DESC.pack(
        buf_addr=addr, cmd_dtype=q.DTYPE_L2TAG | m.FLEX_EOP | flags, buf_size=len(frame)))


def test_rs_by_batch(pair):
    """RS on some packets only: one completion says that all before it are done."""
    one, two = pair
    for batch in range(40):
        for number in range(6):
            put_quiet(one, frames.plain(100, seed=batch * 7 + number))
        head = one.txqs[0].put_frame(frames.plain(100, seed=batch * 7 + 6))
        one.txqs[0].ring()
        entry, = one.complqs[0].take()
        assert (entry.kind, entry.value) == (q.COMPL_RS, head)
        assert [packet.frame for packet in two.recv(count=7)] == [
            frames.plain(100, seed=batch * 7 + number) for number in range(7)]
    assert one.complqs[0].poll() is None


def test_re(pair):
    """RE tells the head as well, in an entry of its own."""
    one, _ = pair
    put_quiet(one, frames.plain(100), m.FLEX_RE)
    one.txqs[0].ring()
    entry, = one.complqs[0].take()
    assert (entry.kind, entry.value) == (q.COMPL_RE, one.txqs[0].next)
    head = one.txqs[0].put_frame(frames.plain(100), report=True)
    one.txqs[0].ring()
    assert [(entry.kind, entry.value) for entry in one.complqs[0].take(2)] == [
        (q.COMPL_RS, head), (q.COMPL_RE, head)]


def test_shared_completion_queue(make_port):
    """Two queues on one completion queue are told apart by their relative ids."""
    port = make_port(0)
    port.negotiate()
    port.alloc_vectors()
    one = m.make_vport(port, "split-qsched", Setup(pairs=2))
    first = one.complqs[0]
    one.complqs[1] = first
    infos = [one.tx_info(index, relative_queue_id=index + 5)[0] for index in range(2)]
    infos.append(one.tx_info(0)[1])
    one.call(Op.CONFIG_TX_QUEUES, vc.CONFIG_TX.pack(
        vport_id=one.ident, num_qinfo=3) + b"".join(infos))
    chunks = one.chunks(vc.TXQ) + [(vc.COMPLQ, first.ident, 1)]
    one.call(Op.ENABLE_QUEUES, vc.queue_chunks(one.ident, chunks))
    one.enable()
    for number in range(30):
        txq = one.txqs[number % 2]
        head = txq.put_frame(frames.plain(60))
        txq.ring()
        entry, = first.take()
        assert (entry.qid, entry.kind, entry.value) == (number % 2 + 5, q.COMPL_RS, head)


@pytest.mark.parametrize("flag", (m.FLEX_IL2TAG1, m.FLEX_DUMMY), ids=hex)
def test_not_granted(pair, flag):
    """Tags and dummies are counted, the packet is dropped and completed."""
    one, two = pair
    with one.port.counted("tx_no_engine"):
        one.send(frames.plain(100), flags=flag)
    one.send(frames.plain(101))
    assert two.recv()[0].frame == frames.plain(101)


@pytest.mark.parametrize("dtype", [dtype for dtype in range(32) if dtype not in (5, 7)])
def test_other_types(pair, dtype):
    """Types of other models stop the queue, counted; stopping and starting it heals."""
    one, two = pair
    addr = one.port.mem.put(frames.plain(60))
    one.txqs[0].put_raw(m.FLEX_DESC.pack(buf_addr=addr, cmd_dtype=dtype | m.FLEX_EOP,
                                         buf_size=60))
    with one.port.counted("tx_desc"):
        one.txqs[0].ring()
    one.restart()
    one.send(frames.plain(66))
    assert two.recv()[0].frame == frames.plain(66)


def test_marker(pair):
    """A stopped queue ends with a marker of 4 bytes."""
    one, _ = pair
    one.send(frames.plain(60))
    one.down()
    assert one.complqs[0].poll() is None


def test_completion_ring_wraps(make_pair):
    """A completion ring shorter than the send ring is used round and round."""
    one, two = make_pair(Setup(tx_len=64, compl_len=32))
    for number in range(150):
        one.send(frames.plain(60, seed=number))
        two.recv()


@pytest.mark.parametrize("make, at, proto, v6", (
    (frames.tcp, 50, 6, False), (frames.udp, 40, 17, False),
    (frames.tcp, 70, 6, True), (frames.udp, 60, 17, True)))
def test_checksum(pair, make, at, proto, v6):
    """CS_EN fills in what Scapy computes."""
    one, two = pair
    ips = ("2001:db8::1", "2001:db8::2") if v6 else ("192.0.2.1", "192.0.2.2")
    right = make(two.mac, *ips, payload=b"abc" * 33)
    l4_off = 54 if v6 else 34
    seed = frames.seed_of(right, l4_off, len(right) - l4_off, proto, v6)
    asked = right[:at] + seed + right[at + 2:]
    one.send(asked, flags=m.FLEX_CS_EN)
    assert two.recv()[0].frame == right


def test_segments(pair):
    """A context and CS_EN make segments; one completion behind all of them."""
    one, two = pair
    packet = frames.tcp(two.mac, payload=bytes(range(250)) * 12)
    packet = packet[:50] + frames.seed_of(packet, 34, 0, 6) + packet[52:]
    one.txqs[0].put_raw(q.tso_context(3000, 1000, 54))
    head = one.txqs[0].put_frame(packet, (54, 1000), flags=m.FLEX_CS_EN)
    one.txqs[0].ring()
    entry, = one.complqs[0].take()
    assert (entry.kind, entry.value) == (q.COMPL_RS, head)
    got = [found.frame for found in two.recv(count=3)]
    assert b"".join(frame[54:] for frame in got) == bytes(range(250)) * 12
    assert [len(frame) for frame in got] == [1054] * 3
