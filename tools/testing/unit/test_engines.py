# SPDX-License-Identifier: GPL-2.0-only
"""The send engines, rule by rule and by thousands of random templates, against Scapy.

ENGINE_PIPE names the program with the engines; ENGINE_TEMPLATES the number of random templates
(default 500 for each protocol), ENGINE_SEED where they start.
"""

import os
import struct

import pytest
from scapy.layers.sctp import SCTP, SCTPChunkData

from engine_oracle import (CSUM_TX_IPV4, CSUM_TX_L4, FRAME_MAX, HDR_MAX, SEG_F_ACCECN, SEG_F_ID15,
                           TLEN_MAX, Engine, Ether, ICMP, IP, IPv6, Raw, TCP, Template, UDP, fold,
                           pseudo_sum, random_pieces, random_template, seeded)

TEMPLATES = int(os.environ.get("ENGINE_TEMPLATES", "500"))
SEED = int(os.environ.get("ENGINE_SEED", "1"))
BLOCK = 100
# Of the engines: buffers of a packet, cut at borders of two DMA regions
SEG_MAX_PIECES = 608


@pytest.fixture(name="engine", scope="module")
def fixture_engine():
    """The engines for all tests of this module."""
    engine = Engine()
    yield engine
    engine.close()


def tcp4(payload, **fields):
    """A plain TCP/IPv4 template."""
    ip_fields = {name: fields.pop(name) for name in ("id", "options", "flags_ip") if name in fields}
    return Template(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x800),
                    [IP(src="192.0.2.1", dst="192.0.2.2", proto=6, **ip_fields)],
                    TCP(sport=1, dport=2, seq=1000, **fields), payload)


def tcp6(payload, **fields):
    """A plain TCP/IPv6 template."""
    return Template(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x86dd),
                    [IPv6(src="2001:db8::1", dst="2001:db8::2", nh=6)],
                    TCP(sport=1, dport=2, seq=1000, **fields), payload)


def udp4(payload, **ip_fields):
    """A plain UDP/IPv4 template."""
    return Template(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x800),
                    [IP(src="192.0.2.1", dst="192.0.2.2", proto=17, **ip_fields)],
                    UDP(sport=53, dport=5353), payload)


def udp6(payload):
    """A plain UDP/IPv6 template."""
    return Template(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x86dd),
                    [IPv6(src="2001:db8::1", dst="2001:db8::2", nh=17)],
                    UDP(sport=53, dport=5353), payload)


def segment(engine, template, mss, flags=0, operation=None, wire=None, **override):
    """Frames that the engine makes of a template."""
    fields = template.fields(mss, flags) | override
    operation = operation or ("lso" if template.proto == 6 else "uso")
    return engine.run(operation, wire or template.wire(), **fields)


def frames(engine, template, mss, flags=0, **kwargs):
    """The frames, which must be those that Scapy makes, parsed."""
    verdict = segment(engine, template, mss, flags, **kwargs)
    assert verdict.status == "ok"
    assert verdict.frames == template.segments(mss, flags)
    return [Ether(frame) for frame in verdict.frames]


# --- random templates ---------------------------------------------------------------------------

@pytest.mark.parametrize("protocol", ("lso", "uso"))
@pytest.mark.parametrize("block", range(-(-TEMPLATES // BLOCK)))
def test_random_templates(engine, protocol, block):
    """LSO-08/13..20/24, USO-09..13/18, CON-01/02/30: any tags, options, flags, pieces."""
    for number in range(min(BLOCK, TEMPLATES - block * BLOCK)):
        rng = seeded(f"{SEED}/{protocol}/{block}/{number}")
        length = rng.choice((1, 2, rng.randrange(1, 100), rng.randrange(1, 20000)))
        template = random_template(rng, protocol, length)
        mss = rng.choice((rng.randrange(1, 9400), rng.randrange(1000, 1500)))
        mss = max(mss, length // 12, 1)
        mss = min(mss, FRAME_MAX - template.hdr_len)
        flags = rng.getrandbits(2)
        wire = template.wire(garbage=rng)
        verdict = engine.run(protocol, wire, random_pieces(rng, len(wire)),
                             **template.fields(mss, flags))
        assert verdict.status == "ok"
        assert verdict.frames == template.segments(mss, flags), (protocol, block, number)


@pytest.mark.parametrize("protocol", ("lso", "uso"))
@pytest.mark.parametrize("length", (65535, 65536, 65537, 131072, 200001, TLEN_MAX))
def test_large_payload(engine, protocol, length):
    """LSO-08, CON-07: payload beyond 64 KiB, up to what TLEN can say."""
    rng = seeded(f"large/{length}")
    template = random_template(rng, protocol, length)
    mss = FRAME_MAX - template.hdr_len if length % 2 else 1448
    if protocol == "uso" and mss < 9000:
        mss = 8192
    wire = template.wire(garbage=rng)
    pieces = [template.hdr_len] + [16383] * (length // 16383)
    pieces.append(len(wire) - sum(pieces))
    verdict = engine.run(protocol, wire, pieces, **template.fields(mss))
    assert verdict.status == "ok"
    assert verdict.frames == template.segments(mss)


@pytest.mark.parametrize("pieces", (1, 2, 3, 100, 254, 255, SEG_MAX_PIECES))
@pytest.mark.parametrize("protocol", ("lso", "uso"))
def test_buffers(engine, protocol, pieces):
    """Payload over 1 to 255 buffers, each possibly across two DMA regions."""
    rng = seeded(f"buffers/{pieces}")
    template = random_template(rng, protocol, 4000)
    wire = template.wire()
    size = 4000 // pieces
    cuts = [template.hdr_len] + [size] * (pieces - 1) + [4000 - size * (pieces - 1)]
    verdict = engine.run(protocol, wire, cuts, **template.fields(1000))
    assert verdict.frames == template.segments(1000)


@pytest.mark.parametrize("cut", (1, 13, 14, 15, 33, 34, 35, 53))
def test_header_over_buffers(engine, cut):
    """Headers split over several descriptors, wherever the borders are."""
    template = tcp4(bytes(range(200)) * 20)
    wire = template.wire()
    for pieces in ([cut, len(wire) - cut], [cut, 1, len(wire) - cut - 1],
                   [0, cut, 0, len(wire) - cut, 0], [1] * 60 + [len(wire) - 60]):
        verdict = engine.run("lso", wire, pieces, **template.fields(700))
        assert verdict.frames == template.segments(700)


# --- LSO, rule by rule --------------------------------------------------------------------------

@pytest.mark.parametrize("make", (tcp4, tcp6))
@pytest.mark.parametrize("length,mss", ((1, 1), (2, 1), (300, 1), (1448, 1448), (1449, 1448),
                                        (2896, 1448), (9000, 536), (9706, 9706), (9707, 9600)))
def test_lso_13_segment_lengths(engine, make, length, mss):
    """LSO-13: each segment but the last carries exactly MSS bytes."""
    template = make(os.urandom(length))
    mss = min(mss, FRAME_MAX - template.hdr_len)
    got = [len(frame) - template.hdr_len
           for frame in segment(engine, template, mss).frames]
    assert sum(got) == length
    assert set(got[:-1]) <= {mss} and 1 <= got[-1] <= mss
    frames(engine, template, mss)


def test_lso_14_lengths_per_segment(engine):
    """LSO-14: IP total length and IPv6 payload length are those of the segment."""
    for frame in frames(engine, tcp4(bytes(2500)), 1000):
        assert frame[IP].len == len(frame) - 14
    for frame in frames(engine, tcp6(bytes(2500)), 1000):
        assert frame[IPv6].plen == len(frame) - 54


def test_lso_15_checksums(engine):
    """LSO-15: TCP and IPv4 header sums are right in each segment, by RFC 1071."""
    for frame in segment(engine, tcp4(os.urandom(3000)), 700).frames:
        assert fold(frame[14:34]) == 0xffff
        assert fold(frame[34:], pseudo_sum(IP(frame[14:]), 6, len(frame) - 34)) == 0xffff
    for frame in segment(engine, tcp6(os.urandom(3000)), 700).frames:
        assert fold(frame[54:], pseudo_sum(IPv6(frame[14:]), 6, len(frame) - 54)) == 0xffff


def test_lso_15_seed_counts(engine):
    """LSO-15: what stands in the field is the seed, even if it is not the pseudo sum."""
    template = tcp4(bytes(range(250)) * 4)
    right = pseudo_sum(template.ip_hdrs[0], 6, 0)
    verdict = segment(engine, template, 500, wire=template.wire(seed=fold(b"", right + 1)))
    for got, want in zip(verdict.frames, template.segments(500)):
        field = struct.unpack_from("!H", got, 50)[0]
        assert fold(struct.pack("!HH", field, 1)) == struct.unpack_from("!H", want, 50)[0]


@pytest.mark.parametrize("seed", (0, 0xffff))
def test_lso_15_zero_sum(engine, seed):
    """A TCP checksum that comes out as 0 is sent as 0; seed 0 is a seed like any other."""
    template = tcp4(b"\0\0" + os.urandom(98))
    wire = bytearray(template.wire(seed=seed))
    start = template.l4_off
    total = fold(bytes(wire[start:]), len(wire) - start)
    struct.pack_into("!H", wire, template.hdr_len, ~total & 0xffff)
    frame = segment(engine, template, 100, wire=bytes(wire)).frames[0]
    assert frame[start + 16:start + 18] == b"\0\0"


@pytest.mark.parametrize("flags", ("A", "FA", "PA", "FPA", "SA", "RA", "UA", "EA", "NA"))
def test_lso_16_fin_psh(engine, flags):
    """LSO-16, LSO-23: FIN and PSH in the last segment only, other flags in all."""
    got = frames(engine, tcp4(bytes(3000), flags=flags), 1000)
    for frame in got[:-1]:
        assert set(str(frame[TCP].flags)) == set(flags) - set("FP")
    assert set(str(got[-1][TCP].flags)) == set(flags)


def test_lso_17_cwr(engine):
    """LSO-17: CWR in the first segment only."""
    got = frames(engine, tcp4(bytes(3000), flags="CPA"), 1000)
    assert ["C" in str(frame[TCP].flags) for frame in got] == [True, False, False]


def test_con_11_accecn(engine):
    """CON-11: in AccECN mode CWR stays in every segment, as with SKB_GSO_TCP_ACCECN."""
    got = frames(engine, tcp4(bytes(3000), flags="CPA"), 1000, SEG_F_ACCECN)
    assert all("C" in str(frame[TCP].flags) for frame in got)


@pytest.mark.parametrize("flags", ("FPCA", "CA", "FA"))
def test_lso_single_segment(engine, flags):
    """A single segment is first and last: all flags stay."""
    got, = frames(engine, tcp4(bytes(10), flags=flags), 1000)
    assert set(str(got[TCP].flags)) == set(flags)


def test_lso_18_options(engine):
    """LSO-18, LSO-43: 40 bytes of IP options and of TCP options are copied as they are."""
    option = bytes([148, 40]) + bytes(range(38))
    template = tcp4(bytes(3000), options=[])
    ip_hdr = IP(src="192.0.2.1", dst="192.0.2.2", proto=6, options=[Raw(option)])
    template = Template(template.eth_hdr, [ip_hdr],
                        TCP(sport=1, dport=2, flags="A", options=[(254, bytes(range(38)))]),
                        bytes(3000))
    assert template.hdr_len == 14 + 60 + 60
    for frame in segment(engine, template, 1000).frames:
        assert frame[34:74] == option
        assert frame[94:134] == bytes([254, 40]) + bytes(range(38))
    frames(engine, template, 1000)


def lso_ids(engine, first, flags):
    """IPv4 ids of a four segment send."""
    got = frames(engine, tcp4(bytes(400), id=first), 100, flags)
    return [frame[IP].id for frame in got]


@pytest.mark.parametrize("first,want", (
    (0x7ffe, [0x7ffe, 0x7fff, 0x0000, 0x0001]),
    (0x7fff, [0x7fff, 0x0000, 0x0001, 0x0002]),
    (0x0000, [0, 1, 2, 3]),
    (0xfffe, [0xfffe, 0xffff, 0x8000, 0x8001]),
    (0x8000, [0x8000, 0x8001, 0x8002, 0x8003])))
def test_lso_19_ids_15_bits(engine, first, want):
    """LSO-19, CON-02: ids modulo 0x8000, the template's top bit stays."""
    assert lso_ids(engine, first, SEG_F_ID15) == want


@pytest.mark.parametrize("first,want", (
    (0x7ffe, [0x7ffe, 0x7fff, 0x8000, 0x8001]),
    (0xfffe, [0xfffe, 0xffff, 0x0000, 0x0001])))
def test_lso_20_ids_16_bits(engine, first, want):
    """LSO-20, CON-02: ids modulo 0x10000 in the other mode."""
    assert lso_ids(engine, first, 0) == want


@pytest.mark.parametrize("first", (0, 1000, 0xffffff00, 0xffffffff))
def test_lso_24_sequence(engine, first):
    """LSO-10, LSO-24: segment k has the template's sequence number plus k MSS."""
    template = tcp4(bytes(3000))
    template.l4_hdr.seq = first
    got = [frame[TCP].seq for frame in frames(engine, template, 700)]
    assert got == [(first + k * 700) % (1 << 32) for k in range(5)]


# --- USO, rule by rule --------------------------------------------------------------------------

@pytest.mark.parametrize("make", (udp4, udp6))
def test_uso_08_seed_zero(engine, make):
    """USO-08, CON-05: seed 0 asks for datagrams without checksum."""
    template = make(os.urandom(2500))
    verdict = segment(engine, template, 1000, wire=template.wire(seed=0))
    assert len(verdict.frames) == 3
    for frame, want in zip(verdict.frames, template.segments(1000)):
        check = template.l4_off + 6
        assert frame[check:check + 2] == b"\0\0"
        assert frame[:check] + frame[check + 2:] == want[:check] + want[check + 2:]


@pytest.mark.parametrize("make", (udp4, udp6))
def test_uso_09_garbage_lengths(engine, make):
    """USO-09: the template's length fields are not looked at."""
    template = make(os.urandom(2500))
    for number in range(20):
        wire = template.wire(garbage=seeded(number))
        assert segment(engine, template, 1000, wire=wire).frames == template.segments(1000)


@pytest.mark.parametrize("length,mss", ((1, 1), (5, 1), (1472, 1472), (1473, 1472), (9000, 1000)))
def test_uso_10_datagram_borders(engine, length, mss):
    """USO-10, USO-11: exactly MSS bytes in each datagram but the last, lengths per datagram."""
    got = frames(engine, udp4(os.urandom(length)), mss)
    sizes = [frame[UDP].len - 8 for frame in got]
    assert sum(sizes) == length and set(sizes[:-1]) <= {mss}
    for frame in got:
        assert frame[IP].len == 20 + frame[UDP].len


@pytest.mark.parametrize("flags", (0, SEG_F_ID15))
def test_uso_12_ids(engine, flags):
    """USO-12: ids modulo 0x10000 in any mode."""
    got = frames(engine, udp4(bytes(400), id=0xfffe), 100, flags)
    assert [frame[IP].id for frame in got] == [0xfffe, 0xffff, 0, 1]
    got = frames(engine, udp4(bytes(400), id=0x7ffe), 100, flags)
    assert [frame[IP].id for frame in got] == [0x7ffe, 0x7fff, 0x8000, 0x8001]


@pytest.mark.parametrize("make", (udp4, udp6))
def test_uso_13_zero_sum(engine, make):
    """USO-13, CON-05: a sum that comes out as 0 is sent as 0xffff."""
    payload = bytearray(os.urandom(100))
    payload[:2] = b"\0\0"
    template = make(bytes(payload))
    start = template.l4_off
    wire = bytearray(template.wire())
    struct.pack_into("!H", wire, start + 4, 108)
    total = fold(bytes(wire[start:]), 108)
    struct.pack_into("!H", wire, template.hdr_len, ~total & 0xffff)
    frame = segment(engine, template, 100, wire=bytes(wire)).frames[0]
    assert frame[start + 6:start + 8] == b"\xff\xff"


# --- refusals -----------------------------------------------------------------------------------

REFUSALS = (
    ("mss", {"mss": 0}), ("mss", {"mss": 9707}), ("mss", {"mss": 16383}),
    ("tlen", {"tlen": 0}), ("tlen", {"tlen": TLEN_MAX + 1}),
    ("tlen_data", {"tlen": 2999}), ("tlen_data", {"tlen": 3001}),
    ("hdr_len", {"hdr_len": 0, "tlen": 3054}), ("hdr_len", {"hdr_len": HDR_MAX + 1, "tlen": 2798}),
    ("hdr_len", {"hdr_len": 55, "tlen": 2999}), ("l4_header", {"hdr_len": 53, "tlen": 3001}),
    ("ip_header", {"hdr_len": 33, "tlen": 3021}), ("l4_header", {"hdr_len": 34, "tlen": 3020}),
    ("frame", {"frame_max": 1053}), ("not_ip", {"ip_version": 5}), ("ip_header", {"ip_version": 6}),
    ("ip_header", {"l3_off": 14, "l4_off": 38}), ("ip_header", {"l3_off": 40}),
    ("ip_header", {"l3_off": 200, "l4_off": 220}), ("ip_header", {"l3_off": 14, "l4_off": 33}),
    ("not_ip", {"l3_off": 15, "l4_off": 35}), ("protocol", {"proto": 17}),
)


@pytest.mark.parametrize("status,override", REFUSALS)
def test_refusals(engine, status, override):
    """Each field of a request out of its range is refused for its own reason."""
    template = tcp4(os.urandom(3000))
    assert segment(engine, template, 1000).status == "ok"
    fields = template.fields(1000) | override
    assert engine.run("lso", template.wire(), **fields).status == status


def test_mss_limits(engine):
    """MSS 1 and 9706 are the first and last that pass."""
    template = udp4(os.urandom(9707))
    assert segment(engine, template, 9707, frame_max=10000).status == "mss"
    verdict = segment(engine, template, 9706, frame_max=10000)
    assert [len(frame) for frame in verdict.frames] == [9748, 43]
    assert segment(engine, template, 9706).status == "frame"
    assert len(segment(engine, template, 1).frames) == 9707


def test_frame_limit_counts_what_is_sent(engine):
    """An MSS above the frame limit is fine when the payload is short."""
    template = tcp4(bytes(100))
    assert segment(engine, template, 9706, frame_max=154).status == "ok"
    assert segment(engine, template, 9706, frame_max=153).status == "frame"


@pytest.mark.parametrize("operation,make", (("lso", udp4), ("lso", udp6), ("uso", tcp4),
                                            ("uso", tcp6)))
def test_wrong_protocol(engine, operation, make):
    """LSO refuses UDP and USO refuses TCP, whether the layout says so or not."""
    template = make(bytes(3000))
    assert segment(engine, template, 1000, operation=operation).status == "protocol"
    proto = 6 if operation == "lso" else 17
    assert segment(engine, template, 1000, operation=operation, proto=proto).status == "protocol"


@pytest.mark.parametrize("value", (0x2000, 0x0001, 0x3fff, 0x1fff))
def test_fragment(engine, value):
    """LSO-11, USO-03: an IPv4 fragment is refused."""
    template = tcp4(bytes(3000))
    wire = bytearray(template.wire())
    struct.pack_into("!H", wire, 20, value)
    assert segment(engine, template, 1000, wire=bytes(wire)).status == "fragment"


@pytest.mark.parametrize("field,status", ((0x0000, "ok"), (0x0006, "ok"), (0x0001, "fragment"),
                                          (0x0008, "fragment"), (0xfff8, "fragment")))
def test_fragment_ipv6(engine, field, status):
    """A fragment header in the chain is refused, unless the packet is whole (RFC 6946)."""
    template = tcp6(bytes(3000))
    wire = bytearray(template.wire())
    wire[20] = 44
    assert segment(engine, template, 1000, wire=bytes(wire)).status == "protocol"
    wire[20] = 60
    wire[54:54] = b"\x2c\0" + bytes(6) + b"\x06\0" + struct.pack("!H", field) + b"abcd"
    verdict = segment(engine, template, 1000, wire=bytes(wire), l4_off=70, hdr_len=90)
    assert verdict.status == status
    assert all(frame[54:70] == wire[54:70] for frame in verdict.frames)


@pytest.mark.parametrize("ext", (b"\x06\x01", b"\x06\xff", b"\x3c\x00", b"\x11\x00"))
def test_extension_chain(engine, ext):
    """Extension headers that do not lead to TCP at its offset are refused."""
    template = tcp6(bytes(3000))
    wire = bytearray(template.wire())
    wire[20] = 60
    wire[54:54] = ext + bytes(6)
    status = segment(engine, template, 1000, wire=bytes(wire), l4_off=62, hdr_len=82).status
    assert status == ("ip_header" if ext[0] == 6 else "protocol")


@pytest.mark.parametrize("doff,status", ((0, "l4_header"), (4, "l4_header"), (6, "hdr_len"),
                                         (15, "hdr_len")))
def test_tcp_header_length(engine, doff, status):
    """TCP's own header length must be the one of the descriptor."""
    template = tcp4(bytes(3000))
    wire = bytearray(template.wire())
    wire[46] = doff << 4
    assert segment(engine, template, 1000, wire=bytes(wire)).status == status


def test_too_many_pieces(engine):
    """More pieces than the buffers of a packet can be cut into are refused."""
    pieces = SEG_MAX_PIECES + 1
    template = tcp4(bytes(pieces))
    verdict = engine.run("lso", template.wire(), [54] + [1] * pieces, **template.fields(100))
    assert verdict.status == "buffers"


# --- checksum engine ----------------------------------------------------------------------------

def checksum(engine, template, jobs, wire, hdr_len=None, pieces=None, **override):
    """Have the checksum engine process a packet."""
    fields = {"l3_off": template.l3_off, "l4_off": template.l4_off, "ip_version": template.version,
              "proto": template.proto, "flags": jobs, "hdr_len": hdr_len or template.hdr_len}
    fields.update(override)
    return engine.run("csum", wire, pieces, **fields)


def l4_seed(template, data=None):
    """CSUM-01: the pseudo sum with the length of layer 4."""
    length = len(data or template.finished()) - template.l4_off
    return pseudo_sum(template.ip_hdrs[0], template.proto, length)


@pytest.mark.parametrize("protocol", ("lso", "uso"))
@pytest.mark.parametrize("block", range(-(-TEMPLATES // BLOCK)))
def test_csum_02_random(engine, protocol, block):
    """CSUM-01/02, LSO-43's shapes: right sum at its place, no other byte changes."""
    for number in range(min(BLOCK, TEMPLATES - block * BLOCK)):
        rng = seeded(f"{SEED}/csum/{protocol}/{block}/{number}")
        template = random_template(rng, protocol, rng.choice((0, 1, rng.randrange(9000))))
        wire = template.wire(seed=l4_seed(template))
        least = template.l4_off + (20 if protocol == "lso" else 8)
        hdr_len = rng.randrange(least, min(len(wire), 1000) + 1)
        verdict = checksum(engine, template, CSUM_TX_L4 | rng.getrandbits(1), wire, hdr_len,
                           random_pieces(rng, len(wire)))
        assert verdict.status == "ok"
        assert verdict.frames[0] == template.finished(), (protocol, block, number)


def test_csum_03_ipv4_field_ignored(engine):
    """CSUM-03: what stands in the IPv4 checksum field does not matter."""
    template = tcp4(b"abc")
    wire = bytearray(template.finished())
    wire[24:26] = b"\xde\xad"
    verdict = checksum(engine, template, CSUM_TX_IPV4, bytes(wire))
    assert verdict.frames[0] == template.finished()


@pytest.mark.parametrize("make", (tcp4, tcp6, udp4, udp6))
def test_csum_04_05_jobs(engine, make):
    """CSUM-04, CSUM-05: each job changes its field, none changes nothing."""
    template = make(b"odd payload")
    wire = bytearray(template.wire(seed=l4_seed(template)))
    if template.version == 4:
        wire[24:26] = b"\xde\xad"
    l4_check = template.l4_off + (16 if template.proto == 6 else 6)
    want = template.finished()
    for jobs in range(4):
        expected = bytearray(wire)
        if jobs & CSUM_TX_IPV4 and template.version == 4:
            expected[24:26] = want[24:26]
        if jobs & CSUM_TX_L4:
            expected[l4_check:l4_check + 2] = want[l4_check:l4_check + 2]
        verdict = checksum(engine, template, jobs, bytes(wire))
        assert (verdict.status, verdict.frames[0]) == ("ok", bytes(expected))


def test_csum_ipv4_alone(engine):
    """CSUM-05: the IPv4 job alone needs no known layer 4, and takes fragments and options."""
    base = IP(src="192.0.2.1", dst="192.0.2.2", frag=100, options=[Raw(b"\x94\x04\0\0")]) / \
        ICMP() / b"x"
    want = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / base)
    wire = want[:24] + b"\0\0" + want[26:]
    verdict = engine.run("csum", wire, flags=CSUM_TX_IPV4, l3_off=14, l4_off=38, ip_version=4,
                         proto=0, hdr_len=38)
    assert (verdict.status, verdict.frames[0]) == ("ok", want)


@pytest.mark.parametrize("make", (udp4, udp6))
def test_csum_udp_zero(engine, make):
    """A UDP sum that comes out as 0 is sent as 0xffff."""
    template = make(b"\0\0" + os.urandom(40))
    wire = bytearray(template.wire(seed=l4_seed(template)))
    total = fold(bytes(wire[template.l4_off:]))
    struct.pack_into("!H", wire, template.hdr_len, ~total & 0xffff)
    frame = checksum(engine, template, CSUM_TX_L4, bytes(wire)).frames[0]
    assert frame[template.l4_off + 6:template.l4_off + 8] == b"\xff\xff"


@pytest.mark.parametrize("length", (0, 1, 7, 17))
@pytest.mark.parametrize("make", (tcp4, udp4, tcp6, udp6))
def test_csum_padding(engine, make, length):
    """Bytes behind the IP packet are not summed, not even those beside an odd last byte."""
    template = make(os.urandom(length))
    # 0xff would not do: in a one's complement sum it is as good as nothing
    padding = seeded("padding").randbytes(30)
    wire = template.wire(seed=l4_seed(template)) + padding
    for hdr_len in (template.hdr_len, len(wire) - 10):
        verdict = checksum(engine, template, CSUM_TX_L4, wire, hdr_len)
        assert verdict.frames[0] == template.finished() + padding


@pytest.mark.parametrize("length", (1, 2, 3, 4, 100, 1400, 9000))
@pytest.mark.parametrize("version", (4, 6))
def test_csum_sctp(engine, length, version):
    """SCTP's CRC32c, whatever stands in the field, over any pieces."""
    rng = seeded(length)
    chunk = SCTPChunkData(data=rng.randbytes(length), tsn=1, stream_id=2, stream_seq=3)
    ip_hdrs = [IP(src="192.0.2.1", dst="192.0.2.2", proto=132)] if version == 4 else \
        [IPv6(src="2001:db8::1", dst="2001:db8::2", nh=132)]
    ethertype = 0x800 if version == 4 else 0x86dd
    eth_hdr = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=ethertype)
    template = Template(eth_hdr, ip_hdrs, SCTP(sport=1, dport=2, tag=0x12345678), bytes(chunk))
    want = template.finished()
    wire = bytearray(want)
    wire[template.l4_off + 8:template.l4_off + 12] = b"junk"
    for number in range(10):
        verdict = checksum(engine, template, CSUM_TX_L4, bytes(wire),
                           pieces=random_pieces(seeded(number), len(wire)))
        assert (verdict.status, verdict.frames[0]) == ("ok", want)


@pytest.mark.parametrize("proto", (0, 1, 17, 44, 58))
def test_csum_ipv6_protocol(engine, proto):
    """A layer 4 job needs a protocol that has a checksum, and the packet's own."""
    template = tcp6(bytes(10))
    assert checksum(engine, template, CSUM_TX_L4, template.wire(), proto=proto).status == "protocol"


@pytest.mark.parametrize("status,override,patch", (
    ("protocol", {"proto": 1}, {}), ("protocol", {"proto": 17}, {}),
    ("protocol", {"proto": 0}, {}), ("fragment", {}, {20: b"\x20\0"}),
    ("not_ip", {}, {14: b"\x65"}), ("ip_header", {}, {14: b"\x46"}),
    ("length", {}, {16: b"\0\x27"}), ("length", {}, {16: b"\xff\xff"}),
    ("length", {}, {16: b"\0\0"}), ("l4_header", {"hdr_len": 53}, {}),
    ("ip_header", {"l4_off": 60}, {}), ("ip_header", {"l3_off": 34}, {})))
def test_csum_refusals(engine, status, override, patch):
    """What the checksum engine cannot do it refuses, and leaves the packet alone."""
    template = tcp4(os.urandom(100))
    wire = bytearray(template.wire(seed=l4_seed(template)))
    for offset, value in patch.items():
        wire[offset:offset + len(value)] = value
    verdict = checksum(engine, template, CSUM_TX_L4 | CSUM_TX_IPV4, bytes(wire), **override)
    assert (verdict.status, verdict.frames[0]) == (status, bytes(wire))
