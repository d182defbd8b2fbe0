# SPDX-License-Identifier: GPL-2.0-only
"""Send offloads through descriptors: checksums, LSO and USO, against Scapy's arithmetic.

The engines alone are tested in tools/testing/unit/test_engines.py, whose oracle is used here; what
is tested here is the way from descriptors to the engines and on to the wire."""

import pathlib
import struct
import sys

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether

from niclib import frames
from niclib import queues as q
from niclib import virtchnl as vc
from niclib.guest import PAGE, GuestMemory
from niclib.virtchnl import Op
from niclib.wait import wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit"))
# pylint: disable-next=wrong-import-position,wrong-import-order,import-error
from engine_oracle import (SEG_F_ID15, TLEN_MAX, Template, pseudo_sum, random_pieces,  # noqa: E402
                           random_template, seeded)

# port 2 counts the ids of TCP segments in 16 bits, port 4 copes with less, port 6 with IPv4 only
NIC_PORTS = ("", "", "lso-id=16", "", "tx-hdr=66,tx-bufs=4", "", "deny=tx-ipv6", "")
TEMPLATES = 60


@pytest.fixture(name="pair")
def fixture_pair(make_vport):
    """Two vports, back to back, with send rings that hold the longest packet."""
    return make_vport(0, tx_len=512), make_vport(1)


def put_packet(txq, packet, cuts=(), context=None, flags=0):
    """Write the descriptors of a packet; return its completion tag."""
    if context:
        txq.put_raw(q.tso_context(*context))
    return txq.put_frame(packet, cuts, flags=flags)


def cuts_of(rng, template, total, most=200):
    """Where to cut: headers on their own or not, then random pieces."""
    pieces = random_pieces(rng, total, most)
    cuts = {sum(pieces[:count]) for count in range(1, len(pieces))}
    if rng.random() < 0.5:
        cuts.add(template.hdr_len)
    cuts -= {0, total}
    return sorted(cuts | set(range(16000, total, 16000)))


def to_peer(template, peer):
    """Address a template to the far end."""
    template.eth_hdr.dst = ":".join(f"{byte:02x}" for byte in peer.mac)
    return template


def exchange(one, two, tag, count):
    """Ring; return what arrives.  The completion must be the one of @tag."""
    one.txqs[0].ring()
    got = [packet.frame for packet in two.recv(count=count)]
    entry = one.complqs[0].take()[0]
    assert (entry.kind, entry.value) == (q.COMPL_RS, tag)
    return got


def segment(one, two, template, mss, cuts=(), garbage=None, id_flags=SEG_F_ID15):
    """Send a template with a segmentation context; the frames must be Scapy's."""
    wire = to_peer(template, two).wire(garbage=garbage)
    want = [frames.padded(frame) for frame in template.segments(mss, id_flags)]
    tag = put_packet(one.txqs[0], wire, cuts, (len(template.payload), mss, template.hdr_len),
                     q.TX_CS_EN)
    assert exchange(one, two, tag, len(want)) == want


def plain_tcp(two, payload, options=0, **fields):
    """TCP over IPv4, with so many bytes of options that say nothing."""
    eth = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x800)
    template = Template(eth, [IP(src="192.0.2.1", dst="192.0.2.2", proto=6, **fields)],
                        TCP(sport=1, dport=2, seq=7, flags="PA",
                            options=[("NOP", None)] * options), payload)
    return to_peer(template, two)


def plain_udp(two, payload, **fields):
    """UDP over IPv4 without options."""
    eth = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x800)
    template = Template(eth, [IP(src="192.0.2.1", dst="192.0.2.2", proto=17, **fields)],
                        UDP(sport=1, dport=2), payload)
    return to_peer(template, two)


def tx_stats(vport):
    """Counters of the first send queue."""
    return vport.port.stats()["queues"]["tx"][vport.txqs[0].ident]


def test_granted(pair):
    """The capabilities are those of the engines: no generic checksum, no SCTP segments."""
    caps = pair[0].port.caps
    assert caps.csum_caps & 0xff == 0x7f
    assert caps.seg_caps == 0x1b
    assert caps.max_tx_hdr_size == 255 and caps.max_hdr_buf_per_lso == 16


def test_discarded_in_frames(pair):
    """A packet that is not sent counts for as many frames as it would have become."""
    one, two = pair
    one.call(Op.DISABLE_VPORT, vc.vport(one.ident))
    template = plain_tcp(two, bytes(1000))
    before = one.port.stats()
    tag = put_packet(one.txqs[0], template.wire(), (), (1000, 150, template.hdr_len), q.TX_CS_EN)
    one.txqs[0].ring()
    one.call(Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    entry = one.complqs[0].take()[0]
    assert (entry.kind, entry.value) == (q.COMPL_RS, tag)
    after = one.port.stats()
    assert two.quiet()
    for now, was in ((after["vports"][0]["tx_discards"], before["vports"][0]["tx_discards"]),
                     (after["queues"]["tx"][0]["drops"], before["queues"]["tx"][0]["drops"])):
        assert now - was == 7


@pytest.mark.parametrize("protocol", ("lso", "uso"))
def test_segments(pair, protocol):
    """LSO-13..24, USO-09..18: random templates, cut into buffers anywhere."""
    for number in range(TEMPLATES):
        rng = seeded(f"segments/{protocol}/{number}")
        template = random_template(rng, protocol, rng.choice((1, rng.randrange(1, 20000))))
        mss = max(rng.randrange(1, 9000), len(template.payload) // 20, 1)
        total = template.hdr_len + len(template.payload)
        segment(*pair, template, mss, cuts_of(rng, template, total), rng)


def test_checksums(pair):
    """CSUM-01..03: random packets leave with right checksums and otherwise unchanged."""
    one, two = pair
    for number in range(TEMPLATES):
        rng = seeded(f"csum/{number}")
        template = random_template(rng, rng.choice(("lso", "uso")), rng.randrange(2000))
        to_peer(template, two)
        want = template.finished()
        seed = pseudo_sum(template.ip_hdrs[0], template.proto, len(want) - template.l4_off)
        one.send(template.wire(seed=seed), cuts=cuts_of(rng, template, len(want)),
                 flags=q.TX_CS_EN)
        assert two.recv()[0].frame == frames.padded(want)


def test_no_request_no_change(pair):
    """CSUM-04: without the bit a wrong checksum leaves as it is."""
    one, two = pair
    wire = plain_tcp(two, b"x" * 100).wire(seed=0x1234)
    one.send(wire)
    assert two.recv()[0].frame == wire


@pytest.mark.parametrize("fields", ({"frag": 100, "proto": 17}, {"flags": "MF", "proto": 6},
                                    {"proto": 1}, {"proto": 253}), ids=str)
def test_ipv4_header_alone(pair, fields):
    """A fragment or a protocol without a checksum gets its IPv4 header checksum, no other."""
    one, two = pair
    want = bytes(Ether(src="02:00:00:00:00:01", dst=two.mac.hex(":"), type=0x800) /
                 IP(src="192.0.2.1", dst="192.0.2.2", **fields) / ICMP() / bytes(50))
    one.send(want[:24] + b"\xde\xad" + want[26:], flags=q.TX_CS_EN)
    assert two.recv()[0].frame == want


@pytest.mark.parametrize("offset,value,cause", (
    (12, b"\x88\xb5", "tx_not_ip"), (14, b"\x65", "tx_not_ip"), (14, b"\x41", "tx_not_ip"),
    (16, b"\x40\x00", "tx_not_ip"), (16, b"\x00\x22", "tx_l4_header"),
    (46, b"\x10", "tx_l4_header")))
def test_checksum_refused(pair, offset, value, cause):
    """What cannot be summed is counted by its cause, dropped and completed."""
    one, two = pair
    wire = bytearray(plain_tcp(two, b"x" * 100).wire())
    wire[offset:offset + len(value)] = value
    with one.port.counted(cause):
        one.send(bytes(wire), flags=q.TX_CS_EN)
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_most_buffers(pair):
    """Payload in 255 buffers behind headers in 16."""
    rng = seeded("most")
    template = random_template(rng, "lso", 5000)
    cuts = list(range(3, 3 * 16, 3)) + [template.hdr_len + 10 * count for count in range(255)]
    segment(*pair, template, 1000, cuts)


def test_too_many_buffers(pair):
    """One buffer more than that is refused."""
    one, two = pair
    template = plain_tcp(two, bytes(5000))
    tag = put_packet(one.txqs[0], template.wire(), list(range(1, 272)), (5000, 1000, 54))
    with one.port.counted("tx_sg"):
        one.txqs[0].ring()
        assert one.complqs[0].take()[0].value == tag
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


@pytest.mark.parametrize("protocol", ("lso", "uso"))
def test_longest(pair, protocol):
    """TLEN up to its last bit."""
    rng = seeded(f"longest/{protocol}")
    template = random_template(rng, protocol, TLEN_MAX)
    total = template.hdr_len + TLEN_MAX
    segment(*pair, template, 9000, list(range(template.hdr_len, total, 16000)), rng)


def test_buffers_across_most_maps(pair):
    """As many pieces of memory as a packet can have: each buffer lies in two maps, or in three."""
    one, two = pair
    port = one.port
    payload = seeded("maps").randbytes(63 * 4098 + 191 * 2)
    template = plain_tcp(two, payload)
    want = list(template.segments(9000, SEG_F_ID15))
    base = port.mem.base + port.mem.size
    places = GuestMemory(512 * PAGE, base)
    # memory is a page each, which is as small as maps can be
    for page in range(512):
        port.vfu.dma_map(base + page * PAGE, PAGE, places.descriptor, page * PAGE)
    txq = one.txqs[0]
    txq.put_raw(q.tso_context(len(payload), 9000, template.hdr_len))
    tag = txq.tag
    txq.put(port.mem.put(template.wire()[:template.hdr_len]), template.hdr_len, tag, eop=False,
            flags=q.TX_CS_EN)
    page, start = 0, 0
    for size in [4098] * 63 + [2] * 191:
        addr = base + (page + 1) * PAGE - 1
        places.write(addr, payload[start:start + size])
        page += 2 if size > PAGE else 1
        start += size
        txq.put(addr, size, tag, eop=start == len(payload), flags=q.TX_CS_EN)
    txq.ring()
    got = [packet.frame for packet in two.recv(count=len(want))]
    assert one.complqs[0].take()[0].value == tag
    assert got == want
    places.close()


def dropped(vport):
    """Frames that the port lost because its driver had posted no buffer for long."""
    return vport.port.stats()["wire"]["rx_dropped_no_buffer"]


def test_many_segments(pair):
    """More segments than a turn of the queue, more than the receiver has buffers.

    On a very busy host this receiver may post none for 100 ms, and loses frames. Not always."""
    template = plain_tcp(pair[1], seeded("many").randbytes(2000))
    for _ in range(5):
        before = dropped(pair[1])
        try:
            segment(*pair, template, 2)
            return
        except TimeoutError:
            assert dropped(pair[1]) > before, "frames are missing that were not dropped"
            for vport in pair:
                vport.restart()
    raise TimeoutError("frames were dropped each time")


@pytest.mark.parametrize("first,want", ((0x7fff, [0x7fff, 0, 1]),
                                        (0xffff, [0xffff, 0x8000, 0x8001])))
def test_ids_15(pair, first, want):
    """LSO-19: ids count modulo 0x8000 by default."""
    one, two = pair
    template = plain_tcp(two, bytes(300), id=first)
    tag = put_packet(one.txqs[0], template.wire(), (), (300, 100, 54))
    assert [IP(frame[14:]).id for frame in exchange(one, two, tag, 3)] == want


def test_ids_16(make_vport):
    """CON-02: lso-id=16 makes them count modulo 0x10000; UDP always does."""
    one, two = make_vport(2), make_vport(3)
    segment(one, two, plain_tcp(two, bytes(300), id=0xffff), 100, id_flags=0)
    segment(one, two, plain_tcp(two, bytes(300), id=0x7fff), 100, id_flags=0)
    segment(one, two, plain_udp(two, bytes(300), id=0xffff), 100)


def test_uso_without_checksum(pair):
    """USO-08: seed 0 makes datagrams without checksum."""
    one, two = pair
    template = plain_udp(two, bytes(300))
    tag = put_packet(one.txqs[0], template.wire(seed=0), (), (300, 100, 42))
    for frame in exchange(one, two, tag, 3):
        assert frame[40:42] == b"\0\0"


REFUSED = (
    ("tx_mss", (3000, 0, 54)), ("tx_mss", (3000, 9707, 54)), ("tx_mss", (3000, 16383, 54)),
    ("tx_tlen", (0, 1000, 54)), ("tx_tlen_data", (2999, 1000, 54)),
    ("tx_tlen_data", (3001, 1000, 54)), ("tx_hdr_len", (3000, 1000, 0)),
    ("tx_hdr_len", (2999, 1000, 55)), ("tx_l4_header", (3001, 1000, 53)),
    ("tx_protocol", (3020, 1000, 34)), ("tx_not_ip", (3021, 1000, 33)),
    ("tx_not_ip", (3040, 1000, 14)), ("tx_not_ip", (3041, 1000, 13)),
)


@pytest.mark.parametrize("cause,context", REFUSED, ids=str)
def test_segmentation_refused(pair, cause, context):
    """Each wrong field of a context is counted by its cause; the packet is dropped, completed."""
    one, two = pair
    wire = plain_tcp(two, bytes(3000)).wire()
    tag = put_packet(one.txqs[0], wire, (), context)
    if context[2] == 34:
        cause = "tx_l4_header"
    with one.port.counted(cause):
        one.txqs[0].ring()
        entry = one.complqs[0].take()[0]
        assert (entry.kind, entry.value) == (q.COMPL_RS, tag)
    one.send(frames.plain(60))
    assert two.recv()[0].frame == frames.plain(60)


def test_segments_too_long(pair):
    """Segments that the wire does not take are refused before the first one leaves."""
    one, two = pair
    template = plain_tcp(two, bytes(10000))
    tag = put_packet(one.txqs[0], template.wire(), (), (10000, 9700, 54))
    with one.port.counted("tx_long"):
        one.txqs[0].ring()
        assert one.complqs[0].take()[0].value == tag
    segment(one, two, template, 9728 - 54)


@pytest.mark.parametrize("value", (b"\x20\x00", b"\x00\x01"))
def test_fragment_refused(pair, value):
    """LSO-11: a fragment is not segmented."""
    one, two = pair
    wire = bytearray(plain_tcp(two, bytes(3000)).wire())
    wire[20:22] = value
    tag = put_packet(one.txqs[0], bytes(wire), (), (3000, 1000, 54))
    with one.port.counted("tx_fragment"):
        one.txqs[0].ring()
        assert one.complqs[0].take()[0].value == tag


def test_other_protocol_refused(pair):
    """Only TCP and UDP are segmented."""
    one, two = pair
    wire = bytearray(plain_tcp(two, bytes(3000)).wire())
    wire[23] = 132
    tag = put_packet(one.txqs[0], bytes(wire), (), (3000, 1000, 54))
    with one.port.counted("tx_protocol", "tx_no_engine"):
        one.txqs[0].ring()
        assert one.complqs[0].take()[0].value == tag


@pytest.mark.parametrize("contexts", (2, 3))
def test_second_context(pair, contexts):
    """A packet has one segmentation context."""
    one, two = pair
    template = plain_tcp(two, bytes(3000))
    for _ in range(contexts - 1):
        one.txqs[0].put_raw(q.tso_context(3000, 1000, 54))
    tag = put_packet(one.txqs[0], template.wire(), (), (3000, 1000, 54))
    with one.port.counted("tx_desc"):
        one.txqs[0].ring()
        assert one.complqs[0].take()[0].value == tag
    segment(one, two, template, 1000)


@pytest.mark.parametrize("protocol", ("lso", "uso"))
def test_not_granted(make_vport, protocol):
    """CON-09: what the driver did not ask for in GET_CAPS is not done."""
    one, two = make_vport(0, start=False), make_vport(1)
    wish = dict(vc.IDPF_WISH)
    wish["seg_caps"] = 0x12 if protocol == "lso" else 0x09
    wish["csum_caps"] = 0
    one.port.get_caps(**wish)
    one.start()
    make = {"lso": plain_tcp, "uso": plain_udp}
    template = make[protocol](two, bytes(3000))
    tag = put_packet(one.txqs[0], template.wire(), (), (3000, 1000, template.hdr_len))
    with one.port.counted("tx_no_engine"):
        one.txqs[0].ring()
        assert one.complqs[0].take()[0].value == tag
    with one.port.counted("tx_no_engine"):
        one.send(template.wire()[:1000], flags=q.TX_CS_EN)
    # CSUM-10: the other protocol is segmented with checksums all the same
    segment(one, two, make["uso" if protocol == "lso" else "lso"](two, bytes(3000)), 1000)


def test_disable_is_soon_done(make_vport):
    """Disabling a queue with more segments than can be sent soon: the rest is not sent, and every
    packet is completed before the marker."""
    one = make_vport(0)
    template = plain_tcp(one, bytes(60000))
    cuts = tuple(range(16000, 60000, 16000))
    before = tx_stats(one)
    tags = [put_packet(one.txqs[0], template.wire(), cuts, (60000, 1, template.hdr_len))
            for _ in range(8)]
    one.txqs[0].ring()
    one.call(vc.Op.DISABLE_QUEUES, vc.queue_chunks(one.ident, one.chunks()))
    entries = one.complqs[0].take(len(tags) + 1)
    assert [(entry.kind, entry.value) for entry in entries[:-1]] == [
        (q.COMPL_RS, tag) for tag in tags]
    assert entries[-1].kind == q.COMPL_SW_MARKER
    after = tx_stats(one)
    done, drops = (after[name] - before[name] for name in ("segments", "drops"))
    assert drops and done + drops == 60000 * len(tags)


def test_segment_that_cannot_go_out(pair):
    """USO-15: data of the second of four segments cannot be read.  The packet is completed once,
    what failed is counted, no wrong segment leaves, and the next packet is sent."""
    one, two = pair
    template = plain_udp(two, seeded("fails").randbytes(4000))
    wire = template.wire()
    with one.port.counted("tx_addr", "dma_no_map"):
        one.txqs[0].put_raw(q.tso_context(4000, 1000, template.hdr_len))
        at = one.port.mem.alloc(len(wire), 64)
        one.port.mem.write(at, wire)
        first, left = template.hdr_len + 1200, len(wire) - template.hdr_len - 1700
        one.txqs[0].put(at, first, 77, eop=False, flags=q.TX_CS_EN)
        one.txqs[0].put(one.port.mem.base + one.port.mem.size + PAGE, 500, 77, eop=False,
                        flags=q.TX_CS_EN)
        one.txqs[0].put(at + len(wire) - left, left, 77, flags=q.TX_CS_EN)
        one.txqs[0].ring()
        entry = one.complqs[0].take()[0]
    assert (entry.kind, entry.value) == (q.COMPL_RS, 77)
    assert one.complqs[0].poll() is None and two.quiet()
    segment(one, two, template, 1000)


def test_waits_inside_of_a_packet(make_vport):
    """The receiver's buffers end in the middle of a packet: no segment is lost or doubled, and the
    completion comes behind the last one."""
    one, two = make_vport(0), make_vport(1, start=False)
    two.start(post=False)
    rxq = two.rxqs[0]
    rxq.refill = False
    for bufq in rxq.bufqs:
        bufq.post(3)
    template = plain_tcp(two, seeded("wait").randbytes(4000), id=0x7ffe)
    want = [frames.padded(frame) for frame in template.segments(100, SEG_F_ID15)]
    before = tx_stats(one)
    tag = put_packet(one.txqs[0], template.wire(), (), (4000, 100, 54), q.TX_CS_EN)
    one.txqs[0].ring()
    got = []
    while len(got) < len(want):
        packet = wait_for(rxq.poll, f"segment {len(got)}")
        got.append(packet.frame)
        if len(got) < len(want) - 8:
            assert one.complqs[0].poll() is None
        rxq.bufqs[len(got) % 2].post(1)
    assert got == want
    assert one.complqs[0].take()[0].value == tag
    after = tx_stats(one)
    assert after["lso"] - before["lso"] == 1
    assert after["segments"] - before["segments"] == after["packets"] - before["packets"] == 40


def test_statistics(pair):
    """USO-19: packets and bytes are those of the segments."""
    one, two = pair
    before = tx_stats(one)
    segment(one, two, plain_tcp(two, bytes(2500)), 1000)
    segment(one, two, plain_udp(two, bytes(1500)), 1000)
    template = plain_udp(two, bytes(100))
    seed = pseudo_sum(template.ip_hdrs[0], 17, 108)
    one.send(template.wire(seed=seed), flags=q.TX_CS_EN)
    two.recv()
    after = tx_stats(one)
    delta = {name: after[name] - before[name] for name in before if name not in ("id", "enabled")}
    assert delta["packets"] == 3 + 2 + 1 and delta["segments"] == 5
    assert delta["bytes"] == 2500 + 3 * 54 + 1500 + 2 * 42 + 142
    assert (delta["lso"], delta["uso"], delta["csum"], delta["drops"]) == (1, 1, 1, 0)


def test_seed_with_length(pair):
    """A driver that forgets to take the length out of the seed gets what it asked for."""
    one, two = pair
    template = plain_tcp(two, bytes(100))
    wire = template.wire(seed=pseudo_sum(template.ip_hdrs[0], 6, 120))
    tag = put_packet(one.txqs[0], wire, (), (100, 100, 54))
    frame, = exchange(one, two, tag, 1)
    right = template.finished()
    assert frame[:50] + frame[52:] == right[:50] + right[52:]
    assert struct.unpack_from("!H", frame, 50) != struct.unpack_from("!H", right, 50)


@pytest.fixture(name="small")
def fixture_small(make_vport):
    """A sender that copes with headers of 66 bytes and frames of 4 buffers, and its neighbour."""
    return make_vport(4), make_vport(5)


def refused(one, two, wire, cause, cuts=(), context=None, flags=q.TX_CS_EN):
    """A packet that asks for more than the NIC copes with: counted, completed, not sent."""
    with one.port.counted(cause):
        tag = put_packet(one.txqs[0], wire, cuts, context, flags)
        one.txqs[0].ring()
        entry = one.complqs[0].take()[0]
        assert (entry.kind, entry.value) == (q.COMPL_RS, tag)
    assert two.quiet()


def test_limits_told(small):
    """What a driver is told of them."""
    caps = small[0].port.caps
    assert (caps.max_tx_hdr_size, caps.max_sg_bufs_per_tx_pkt) == (66, 4)


def test_header_limit(small):
    """Headers of just the length pass, longer ones are refused; the next packet is not harmed."""
    one, two = small
    for options, good in ((12, True), (16, False), (12, True)):
        template = plain_tcp(two, bytes(range(200)) * 6, options)
        want = template.finished()
        wire = template.wire(pseudo_sum(template.ip_hdrs[0], 6, len(want) - template.l4_off))
        if good:
            segment(one, two, template, 500)
            tag = put_packet(one.txqs[0], wire, flags=q.TX_CS_EN)
            assert exchange(one, two, tag, 1) == [want]
        else:
            refused(one, two, template.wire(), "tx_hdr_len", context=(1200, 500, template.hdr_len))
            refused(one, two, wire, "tx_hdr_len")


@pytest.mark.parametrize("step, good", ((400, True), (300, False)))
def test_segment_buffers(small, step, good):
    """A segment may come from 4 buffers, the headers among them, however many the packet has."""
    one, two = small
    template = plain_tcp(two, bytes(range(250)) * 12)
    cuts = [template.hdr_len, *range(template.hdr_len + step, template.hdr_len + 3000, step)]
    if good:
        segment(one, two, template, 1000, cuts)
        # of headers in two buffers only one is counted
        segment(one, two, template, 1000, [20, *cuts])
    else:
        refused(one, two, template.wire(), "tx_sg", cuts, (3000, 1000, template.hdr_len))
    segment(one, two, template, 1000)


def test_frame_buffers(small):
    """A frame that is sent as it is may come from 4 buffers."""
    one, two = small
    frame = frames.plain(200)
    tag = put_packet(one.txqs[0], frame, (50, 100, 150))
    assert exchange(one, two, tag, 1) == [frame]
    refused(one, two, frame, "tx_sg", (50, 100, 150, 180), flags=0)


def test_one_version_only(make_vport):
    """Send offloads of IPv4 alone: the same asked for IPv6 has no engine."""
    one, two = make_vport(6), make_vport(7)
    segment(one, two, plain_tcp(two, bytes(3000)), 1000)
    rng = seeded("one version")
    template = next(t for t in (random_template(rng, "lso", 3000) for _ in range(200))
                    if t.wire()[12:14] == b"\x86\xdd")
    refused(one, two, to_peer(template, two).wire(), "tx_no_engine",
            context=(3000, 1000, template.hdr_len))
