# SPDX-License-Identifier: GPL-2.0-only
"""Sending on single queues: base descriptors, write-back, and what they ask of the engines."""

import functools
import random
import struct

import pytest

from niclib import frames
from niclib import models as m
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.driver import Setup
from niclib.virtchnl import Op
from niclib.wait import wait_for

NIC_PORTS = ("model=single-base", "model=single-flex")


@pytest.fixture(name="make_pair")
def _make_pair(make_port):
    """A function that makes two vports in operation, back to back."""
    return functools.partial(m.make_pair, make_port, "single-base")


@pytest.fixture(name="pair")
def _pair(make_pair):
    """Two vports in operation, back to back."""
    return make_pair()


def test_write_back(pair):
    """The last descriptor's type becomes "done", nothing else of the ring changes."""
    one, two = pair
    rng = random.Random(1)
    txq = one.txqs[0]
    for number in range(150):
        pieces = rng.randrange(1, 6)
        first = txq.next
        frame = frames.plain(600, seed=number)
        index = txq.put_frame(frame, sorted(rng.sample(range(1, 600), pieces - 1)))
        before = one.port.mem.read(txq.addr, txq.length * 16)
        one.txqs[0].ring()
        wait_for(lambda i=index: txq.is_done(i), "write-back")
        after = one.port.mem.read(txq.addr, txq.length * 16)
        at = index * 16 + 8
        assert after == before[:at] + bytes((before[at] | 0xf,)) + before[at + 1:]
        assert first == index or not txq.is_done(first)
        assert two.recv()[0].frame == frame


def test_rs_by_batch(pair):
    """Only descriptors with RS are written back."""
    one, two = pair
    txq = one.txqs[0]
    for batch in range(20):
        quiet = [txq.put_frame(frames.plain(100, seed=batch * 5 + number), report=False)
                 for number in range(4)]
        last = txq.put_frame(frames.plain(100, seed=batch * 5 + 4))
        txq.ring()
        wait_for(lambda i=last: txq.is_done(i), "write-back")
        assert not any(txq.is_done(index) for index in quiet)
        assert [packet.frame for packet in two.recv(count=5)] == [
            frames.plain(100, seed=batch * 5 + number) for number in range(5)]


def test_full_ring(pair):
    """All descriptors but one in use, several times."""
    one, two = pair
    txq = one.txqs[0]
    for _ in range(4):
        for _ in range(txq.length - 1):
            last = txq.put_frame(frames.plain(100))
        txq.ring()
        wait_for(lambda i=last: txq.is_done(i), "write-back")
        assert len(two.recv(count=txq.length - 1)) == txq.length - 1


@pytest.mark.parametrize("dtype", [dtype for dtype in range(16) if dtype not in (0, 1)])
def test_other_types(pair, dtype):
    """Types of other models stop the queue, counted; stopping and starting it heals."""
    one, two = pair
    addr = one.port.mem.put(frames.plain(60))
    one.txqs[0].put(addr, 60, dtype=dtype)
    with one.port.counted("tx_desc"):
        one.txqs[0].ring()
    one.restart()
    one.send(frames.plain(66))
    assert two.recv()[0].frame == frames.plain(66)


@pytest.mark.parametrize("context", (
    m.base_context(0, 0, m.CTX_TSYN), m.base_context(0, 0, m.CTX_IL2TAG2, l2tag2=5),
    m.base_context(0, 0, 0, tunneling=1 << 9)), ids=("time stamp", "tag", "tunnel"))
def test_context_not_granted(pair, context):
    """Time stamps, tags and tunnels are counted, the packet is dropped and completed."""
    one, two = pair
    one.txqs[0].put_raw(context)
    with one.port.counted("tx_no_engine"):
        one.send(frames.plain(100))
    with one.port.counted("tx_no_engine"):
        one.send(frames.plain(100), flags=m.BASE_IL2TAG1)
    one.send(frames.plain(101))
    assert two.recv()[0].frame == frames.plain(101)


def test_empty_context(pair):
    """A context that asks for nothing changes nothing."""
    one, two = pair
    one.txqs[0].put_raw(m.base_context(0, 0, 0))
    one.send(frames.plain(100))
    assert two.recv()[0].frame == frames.plain(100)


def test_context_inside(pair):
    """A context between the buffers of a packet costs the packet."""
    one, two = pair
    addr = one.port.mem.put(frames.plain(100))
    one.txqs[0].put(addr, 50, eop=False)
    one.txqs[0].put_raw(m.base_context(100, 50))
    one.txqs[0].put(addr + 50, 50)
    with one.port.counted("tx_desc"):
        one.txqs[0].ring()
    one.send(frames.plain(101))
    assert two.recv()[0].frame == frames.plain(101)


@pytest.mark.parametrize("tail", (64, 65, 0xffffffff))
def test_tail_outside(pair, tail):
    """A tail outside of the ring is counted and sends nothing; a good one then works."""
    one, two = pair
    with one.port.counted("tx_tail", "reg_value"):
        one.port.wr32(one.txqs[0].tail_reg, tail)
    one.port.stats()
    assert two.quiet()
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_read_only_ring(pair):
    """A ring that may not be written cannot be written back: the queue stops, counted."""
    one, two = pair
    mem = one.port.mem
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    one.make_rings()
    other = mem.base + (1 << 40)
    ring = one.txqs[0].addr
    one.port.vfu.dma_map(other, 4096, mem.descriptor, ring - mem.base, 1)
    one.txqs[0].addr = other
    one.post_buffers()
    one.config_tx()
    one.config_rx()
    one.enable_queues()
    one.enable()
    one.txqs[0].addr = ring
    one.txqs[0].put_frame(frames.plain(60))
    with one.port.counted("tx_addr", "dma_perm"):
        one.txqs[0].ring()
    one.port.stats()
    assert two.quiet()


V4 = ("192.0.2.1", "192.0.2.2")
V6 = ("2001:db8::1", "2001:db8::2")
L4 = {"tcp": (frames.tcp, m.L4T_TCP, 6, 16, 20), "udp": (frames.udp, m.L4T_UDP, 17, 6, 8)}


def ask(frame, name, ips, tags=0, tlen=None):
    """Return a frame with its checksums taken out, and the command that asks for them."""
    _, l4t, proto, off, l4_len = L4[name]
    v6 = ips is V6
    l3_off = 14 + 4 * tags
    l4_off = l3_off + (40 if v6 else 20)
    length = len(frame) - l4_off if tlen is None else tlen
    at = l4_off + off
    asked = bytearray(frame)
    asked[at:at + 2] = frames.seed_of(frame, l4_off, length, proto, v6)
    if not v6:
        asked[l3_off + 10:l3_off + 12] = b"\0\0"
    cmd = (m.IIPT_IPV6 if v6 else m.IIPT_IPV4_CSUM) | l4t
    return bytes(asked), cmd | m.lengths(l3_off, l4_off - l3_off, l4_len)


@pytest.mark.parametrize("tags", (0, 1, 2))
@pytest.mark.parametrize("ips", (V4, V6), ids=("v4", "v6"))
@pytest.mark.parametrize("name", L4)
def test_checksum(pair, name, ips, tags):
    """Explicit offsets and protocols: what Scapy computes arrives."""
    one, two = pair
    right = L4[name][0](two.mac, *ips, payload=b"abc" * 33, vlans=(5, 6)[:tags])
    asked, cmd = ask(right, name, ips, tags)
    one.send(asked, flags=cmd, cuts=(40, 77))
    assert two.recv()[0].frame == right


def test_one_job_at_a_time(pair):
    """The IPv4 header alone, the L4 checksum alone, and neither."""
    one, two = pair
    right = frames.tcp(two.mac, payload=b"abc" * 33)
    asked, _ = ask(right, "tcp", V4)
    where = m.lengths(14, 20, 20)
    one.send(asked, flags=where | m.IIPT_IPV4_CSUM)
    assert two.recv()[0].frame == right[:50] + asked[50:52] + right[52:]
    one.send(asked, flags=where | m.IIPT_IPV4 | m.L4T_TCP)
    assert two.recv()[0].frame == right[:24] + b"\0\0" + right[26:]
    for cmd in (0, m.IIPT_IPV4, m.L4T_TCP):
        one.send(asked, flags=where | cmd)
        assert two.recv()[0].frame == asked


@pytest.mark.parametrize("mac, ip_len, l4_len", (
    (200, 20, 20), (14, 60, 60), (14, 0, 20), (0, 20, 20)), ids=str)
def test_offsets_outside(pair, mac, ip_len, l4_len):
    """Header lengths that do not fit the packet are counted; the packet is completed."""
    one, two = pair
    right = frames.tcp(two.mac, payload=b"abc")
    with one.port.counted():
        one.send(right, flags=m.lengths(mac, ip_len, l4_len) | m.IIPT_IPV4_CSUM | m.L4T_TCP)
    one.port.stats()
    one.send(frames.plain(101))
    found = two.recv()[0].frame
    while found != frames.plain(101):
        found = two.recv()[0].frame


@pytest.mark.parametrize("offset, value, cause", (
    (14, b"\x46", "tx_ip_header"), (14, b"\x65", "tx_not_ip"), (16, b"\x40\x00", "tx_ip_length"),
    (16, b"\x00\x20", "tx_ip_length"), (20, b"\x20\x00", "tx_fragment"),
    (20, b"\x00\x01", "tx_fragment"), (23, b"\x11", "tx_protocol")), ids=str)
def test_checksum_refused(pair, offset, value, cause):
    """Headers that are not what the descriptor says: by cause; the packet alone is dropped."""
    one, two = pair
    asked, cmd = ask(frames.tcp(two.mac, payload=b"abc" * 33), "tcp", V4)
    wrong = asked[:offset] + value + asked[offset + len(value):]
    with one.port.counted(cause):
        one.send(wrong, flags=cmd)
    one.send(frames.plain(101))
    assert two.recv()[0].frame == frames.plain(101)


@pytest.mark.parametrize("offset, value, cause", (
    (14, b"\x46", "tx_ip_header"), (14, b"\x65", "tx_not_ip"), (20, b"\x20\x00", "tx_fragment"),
    (23, b"\x11", "tx_protocol"), (46, b"\x40", "tx_l4_header"), (46, b"\xf0", "tx_hdr_len")),
    ids=str)
def test_template_refused(pair, offset, value, cause):
    """The same for what is to be segmented."""
    one, two = pair
    asked, cmd = ask(frames.tcp(two.mac, payload=bytes(3500)), "tcp", V4, tlen=0)
    wrong = asked[:offset] + value + asked[offset + len(value):]
    one.txqs[0].put_raw(m.base_context(3500, 1000))
    with one.port.counted(cause):
        one.send(wrong, flags=cmd)
    one.send(frames.plain(101))
    assert two.recv()[0].frame == frames.plain(101)


@pytest.mark.parametrize("ips", (V4, V6), ids=("v4", "v6"))
@pytest.mark.parametrize("name", L4)
@pytest.mark.parametrize("cuts", ((), (30,), (54, 900), (20, 54, 60, 2000)), ids=str)
def test_segments(make_pair, name, ips, cuts):
    """Context and explicit lengths: segments with right lengths, ids, sequences, checksums."""
    one, two = make_pair(Setup(tx_len=64))
    payload = random.Random(7).randbytes(3500)
    make, _, _, _, l4_len = L4[name]
    whole = make(two.mac, *ips, payload=payload)
    asked, cmd = ask(whole, name, ips, tlen=0)
    one.txqs[0].put_raw(m.base_context(3500, 1000))
    one.send(asked, flags=cmd, cuts=cuts)
    hdr = len(whole) - 3500
    got = [packet.frame for packet in two.recv(count=4)]
    assert [frame[hdr:] for frame in got] == [payload[i:i + 1000] for i in range(0, 3500, 1000)]
    l4_off = hdr - l4_len
    for number, frame in enumerate(got):
        again = make(two.mac, *ips, payload=frame[hdr:])
        fixed = bytearray(frame)
        if ips is V4:
            assert struct.unpack_from("!H", frame, 18)[0] == 1 + number, "IPv4 id"
            fixed[18:20] = again[18:20]
            fixed[24:26] = again[24:26]
        if name == "tcp":
            assert struct.unpack_from("!I", frame, l4_off + 4)[0] == 1000 * number, "sequence"
            fixed[l4_off + 4:l4_off + 8] = again[l4_off + 4:l4_off + 8]
        at = l4_off + L4[name][3]
        seed = frames.seed_of(frame, l4_off, len(frame) - l4_off, L4[name][2], ips is V6)
        words = seed + frame[l4_off:] + bytes(len(frame) % 2)
        total = sum(int.from_bytes(words[i:i + 2], "big") for i in range(0, len(words), 2))
        assert total % 0xffff == 0, "L4 checksum"
        fixed[at:at + 2] = again[at:at + 2]
        assert bytes(fixed) == again


@pytest.mark.parametrize("tlen, mss", ((0, 1000), (3500, 0), (3499, 1000), (3501, 1000),
                                       (3500, 9707)), ids=str)
def test_segments_refused(pair, tlen, mss):
    """Wrong fields of a context are counted, the packet is dropped and completed."""
    one, two = pair
    asked, cmd = ask(frames.tcp(two.mac, payload=bytes(3500)), "tcp", V4, tlen=0)
    one.txqs[0].put_raw(m.base_context(tlen, mss))
    with one.port.counted():
        one.send(asked, flags=cmd)
    one.send(frames.plain(101))
    assert two.recv()[0].frame == frames.plain(101)


def test_stop_does_not_mark(pair):
    """A stopped single queue has no completion queue for a marker; nothing is written."""
    one, _ = pair
    one.send(frames.plain(60))
    before = one.port.mem.read(one.txqs[0].addr, one.txqs[0].length * 16)
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    assert one.port.mem.read(one.txqs[0].addr, one.txqs[0].length * 16) == before


def test_marker_type_is_data(pair):
    """A descriptor that says "done" already stops the queue: the driver's index ran away."""
    one, _ = pair
    index = one.txqs[0].put_frame(frames.plain(60))
    one.txqs[0].ring()
    wait_for(lambda: one.txqs[0].dtype(index) == q.DTYPE_DONE, "write-back")
    one.txqs[0].put(one.port.mem.put(frames.plain(60)), 60, dtype=q.DTYPE_DONE)
    with one.port.counted("tx_desc"):
        one.txqs[0].ring()
