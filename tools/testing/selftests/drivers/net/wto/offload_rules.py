#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Send offloads under the rules of the Windows task-offload model, a case named after each rule
that can be seen on the wire.  Packets are made here and judged by arithmetic of our own.

Ends with a table of all rules: case and result, tests elsewhere, or why there is none.
"""

import contextlib
import socket
import struct
from pathlib import Path

from lib.py import KsftSkipEx, WtoEnv, cmd, defer, ip, ksft_eq, ksft_exit, ksft_ge, ksft_in, \
    ksft_pr, ksft_run, ksft_true, peer_socket, wait_for
from lib.py import TcpStream, wait_progress
from lib.py.counters import driver_queues
from lib.py import sctp
from lib.py.offload import MTU, features, lacking, lso_id_bits, so_far_so_good, switch
from lib.py.offload_cases import BY_L4, DATA, IP4_OPTIONS, KINDS, TCP_OPTIONS, Session, \
    ext_headers, packets, rules
from lib.py.offload_paths import old_packet_sockets
from lib.py.offload_rules import ALSO, ELSEWHERE, RULES
from lib.py.rules_late import CASES
from lib.py.rules_limits import at_least_so_many
from lib.py.packets import ACK, CWR, ECE, FIN, PSH, TAG_1AD, TAG_1Q, Packet, inet_sum
from lib.py.thorough import FULL

# {rule: (result, words)}, and the same by case
RESULTS = {}
OUTCOMES = {}


# --- checksums ------------------------------------------------------------------------------------

@rules("CSUM-01", "CSUM-02", "CON-32")
def checksum_alone_changes(run):
    """Any length: a right checksum, and everything else as it was."""
    for length in (0, 1, 2, 17, 18, 1459, 1460, MTU - 60):
        for packet in packets(DATA[:length]):
            frame = run.plain(packet)
            wanted = bytearray(packet.frame(run.cfg))
            at = packet.l4_off + (16 if packet.l4 == "tcp" else 6)
            wanted[at:at + 2] = frame.data[at:at + 2]
            ksft_true(frame.data[:frame.end] == bytes(wanted), "no other byte")


@rules("CSUM-04")
def no_request(run):
    """A wrong checksum that nobody asked to be mended leaves as it is."""
    for packet in packets(DATA[:100]):
        packet.seed = 0x1234
        frame, = run.exchange.send(packet, csum=False)
        ksft_eq(frame.l4_check(), 0x1234)


@rules("CSUM-06", "CSUM-43")
def headers_found(run):
    """Behind options the checksum is right too, whoever writes it."""
    for packet in packets(DATA[:777], ((l4, 4) for l4 in BY_L4), ip_options=IP4_OPTIONS,
                          l4_options=TCP_OPTIONS):
        run.plain(packet)
    for l4, proto in (("tcp", 6), ("udp", 17)):
        packet = Packet(l4, 6, payload=DATA[:777], ip_options=ext_headers(128, proto))
        frame, = run.exchange.send(packet)
        ksft_true(frame.l4_good(), "128 bytes of extension headers")


@rules("CSUM-08")
def off_is_not_asked_for(run):
    """With the features off the NIC sees no request, and the stack does the work."""
    defer(run.wire.switch_all, True)
    run.wire.switch_all(False)
    for packet in packets(DATA[:3000]):
        done, frames = run.count(lambda p=packet: run.exchange.send(p, 1000))
        ksft_eq((done["csum"], done["lso"], done["uso"]), (0, 0, 0))
        ksft_eq(len(frames), 3)
        ksft_true(all(frame.l4_good() for frame in frames))


@rules("CSUM-09", "CON-04")
def ip_in_ip(run):
    """Both headers' checksums are right."""
    packet = Packet("udp", 4, payload=DATA[:50])
    frame = bytearray(packet.frame(run.cfg))
    frame[14 + 9] = 4
    frame[24:26] = b"\0\0"
    frame[24:26] = struct.pack("!H", ~inet_sum(bytes(frame[14:34])) & 0xffff)
    inner = Packet("udp", 4, payload=DATA[:22]).frame(run.cfg)[14:34]
    frame[34:54] = inner
    run.exchange.push(bytes(frame))
    got, = run.exchange.take()
    ksft_true(got[:len(frame)] == bytes(frame), "unchanged")
    ksft_eq((inet_sum(got[14:34]), inet_sum(got[34:54])), (0xffff, 0xffff))


@rules("CSUM-10")
def segments_keep_checksums(run):
    """Checksum offload off: what the NIC still segments has right checksums."""
    names = [name for name in run.wire.have if name.startswith("tx-checksum")]
    defer(run.wire.switch_all, True)
    switch(run.cfg.ifname, names, False)
    for packet in packets(DATA[:3000]):
        frames = run.exchange.send(packet, 1000)
        ksft_eq(len(frames), 3)
        ksft_true(all(frame.l4_good() and frame.ip_good() for frame in frames))


@rules("CSUM-11", "LSO-22")
def order(run):
    """Plain, checksummed and segmented packets of a flow leave in their order."""
    wanted = []
    for number in range(60):
        packet = Packet("tcp", 4, seq=number * 100000, payload=DATA[:(100, 100, 4000)[number % 3]])
        run.exchange.push(packet, 1000 if number % 3 == 2 else 0, number % 3 > 0)
        wanted += [number * 100000 + 1000 * k for k in range(4 if number % 3 == 2 else 1)]
    ksft_eq([struct.unpack_from("!I", frame, 38)[0] for frame in run.exchange.take()], wanted)


@rules("CSUM-50")
def tags_in_the_data(run):
    """802.1Q, 802.1ad and both: checksum and segments."""
    for tags in (((TAG_1Q, 0xa064), ), ((TAG_1AD, 7), ), ((TAG_1AD, 0x2007), (TAG_1Q, 0x6fff))):
        for packet in packets(DATA[:2500], tags=tags):
            frames = run.exchange.send(packet, 1000)
            ksft_eq(len(frames), 3)
            for frame in frames:
                ksft_true(frame.ip_good() and frame.l4_good())
                ksft_eq(tuple(frame.tags), tags)


@rules("CSUM-51", "LSO-30", "CSUM-52")
def tag_out_of_band(run):
    """A VLAN interface: priority 5, VLAN 100 is TCI 0xa064 in every segment."""
    cfg = run.cfg
    vlan = f"{cfg.ifname}.100"
    ip(f"link add link {cfg.ifname} name {vlan} mtu {MTU} type vlan id 100 "
       "egress-qos-map 0:5")
    defer(ip, f"link del {vlan}")
    ip(f"link set {vlan} addrgenmode none up")
    ip(f"addr add 198.18.0.1/24 dev {vlan}")
    ip(f"neigh add 198.18.0.2 lladdr {cfg.remote_dev['address']} nud permanent dev {vlan}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_UDP, 103, 1000)      # UDP_SEGMENT
        sock.sendto(DATA[:2500], ("198.18.0.2", 7))
    frames = run.exchange.take()
    ksft_eq(len(frames), 3)
    for frame in frames:
        ksft_eq(frame[12:16].hex(), "8100a064")
    for version in () if old_packet_sockets() else (4, 6):
        frames = run.segments(Packet("tcp", version, payload=DATA[:2500]), 1000, vlan)
        ksft_eq([frame.data[12:16].hex() for frame in frames], ["8100a064"] * 3)


# --- segments -------------------------------------------------------------------------------------

@rules("LSO-04", "LSO-18", "LSO-43")
def lso_options(run):
    """40 bytes of IP options and of TCP options stand in every segment as they were."""
    packet = Packet("tcp", 4, payload=DATA[:5000], ip_options=IP4_OPTIONS, l4_options=TCP_OPTIONS)
    for frame in run.segments(packet, 1400):
        ksft_true(frame.ip_header()[20:] == IP4_OPTIONS)
        ksft_true(frame.l4_header()[20:] == TCP_OPTIONS)


@rules("USO-18")
def uso_options(run):
    """40 bytes of IP options stand in every datagram as they were."""
    for frame in run.segments(Packet("udp", 4, payload=DATA[:5000], ip_options=IP4_OPTIONS), 1400):
        ksft_true(frame.ip_header()[20:] == IP4_OPTIONS)


@rules("CON-12")
def extension_headers(run):
    """128 bytes of extension headers in every segment; with a generic checksum by the NIC."""
    for l4, proto in (("tcp", 6), ("udp", 17)):
        ext = ext_headers(128, proto)
        packet = Packet(l4, 6, payload=DATA[:5000], ip_options=ext)
        generic = features(run.cfg.ifname).get("tx-checksum-ip-generic", (False, ))[0]
        done, frames = run.count(lambda p=packet: run.exchange.send(p, 1400))
        ksft_eq(done[BY_L4[l4]], 1 if generic else 0, "segmented by the NIC")
        ksft_eq(len(frames), 4)
        for frame in frames:
            ksft_true(frame.l4_good() and frame.ip_header()[40:] == ext)


@rules("LSO-05")
def no_tunnels(run):
    """No segmentation within tunnels is promised."""
    out = cmd(f"ethtool -k {run.cfg.ifname}").stdout
    on = [line.split(":")[0].strip() for line in out.splitlines() if ": on" in line]
    for word in ("gre", "ipxip", "udp_tnl", "sctp-segmentation", "esp"):
        ksft_true(not any(word in name and name.startswith("tx-") for name in on), word)


@rules("LSO-07", "USO-05", "LSO-25")
def large(run):
    """The largest packets that are promised; more than that, and a limit that shrinks."""
    link = ip(f"-d link show dev {run.cfg.ifname}", json=True)[0]
    most = link["tso_max_size"]
    ksft_ge(1 << 18, most, "TLEN has 18 bits")
    for version in (4, 6):
        packet = Packet("tcp", version, payload=DATA[:most - 100])
        frames = run.segments(packet, 8000)
        ksft_true(b"".join(frame.payload for frame in frames) == packet.payload)
    frames = run.exchange.send(Packet("tcp", 4, payload=DATA[:min(most + 1, (1 << 18) - 1)]), 8000)
    ksft_true(all(frame.l4_good() for frame in frames))
    for name in ("gso_max_size", "gso_ipv4_max_size"):
        if name in link:
            defer(ip, f"link set dev {run.cfg.ifname} {name} {link[name]}")
            ip(f"link set dev {run.cfg.ifname} {name} 20000")
    done, frames = run.count(lambda: run.exchange.send(Packet("tcp", 4, payload=DATA[:30000]),
                                                       1400))
    ksft_eq((done["lso"], len(frames)), (0, 22), "beyond the limit the stack segments")
    errors = run.wire.nic_errors()
    with TcpStream(run.cfg) as stream:
        for limit in (link["gso_ipv4_max_size"] if "gso_ipv4_max_size" in link else most, 3000,
                      65536, 9000):
            ip(f"link set dev {run.cfg.ifname} gso_max_size {limit}")
            wait_progress([stream], f"with segmentation up to {limit}")
    ksft_eq(stream.errors, [])
    ksft_eq(run.wire.nic_errors(), errors, "limits that change under traffic")
    run.exchange.take()


@rules("LSO-08", "USO-09", "CON-30")
def garbage_lengths(run):
    """Whatever stands in the template's length field, the segments are the same."""
    for l4, version in KINDS:
        one, two = (run.segments(Packet(l4, version, payload=DATA[:4000], ip_length=length), 1100)
                    for length in (None, 0xdead))
        ksft_true([frame.data for frame in one] == [frame.data for frame in two])


@rules("LSO-09", "USO-07", "CON-01")
def seed_without_length(run):
    """A seed with the length of the large packet must not get into the segments' sums."""
    for length in (2000, 40001, 65000):
        for packet in packets(DATA[:length]):
            run.segments(packet, 1448)


def check_lengths(run, l4):
    """MSS bytes in each segment but the last, and lengths that say so."""
    for version in (4, 6):
        for length, mss in ((1449, 1448), (2896, 1448), (4345, 1448), (800, 88), (17000, 8500)):
            packet = Packet(l4, version, payload=DATA[:length])
            frames = run.segments(packet, mss)
            sizes = [len(frame.payload) for frame in frames]
            ksft_eq(sizes[:-1], [mss] * (len(sizes) - 1))
            ksft_true(b"".join(frame.payload for frame in frames) == packet.payload)
            for frame in frames:
                ksft_eq(max(frame.end, 60), len(frame.data), "IP length")
                if l4 == "udp":
                    ksft_eq(frame.word(frame.l4_off + 4), 8 + len(frame.payload), "UDP length")


@rules("LSO-13", "LSO-14", "LSO-15")
def lso_lengths(run):
    """LSO: cut, lengths and checksums."""
    check_lengths(run, "tcp")


@rules("USO-10", "USO-11", "USO-13", "USO-17")
def uso_lengths(run):
    """USO: datagrams' borders, lengths and checksums, over both versions."""
    check_lengths(run, "udp")


@rules("LSO-16", "LSO-17")
def flags(run):
    """FIN and PSH only at the end, CWR only at the beginning, others everywhere."""
    for version in (4, 6):
        for bits in (ACK, ACK | PSH, ACK | FIN, ACK | FIN | PSH, ACK | ECE, ACK | CWR,
                     ACK | CWR | ECE | FIN | PSH):
            packet = Packet("tcp", version, payload=DATA[:5000], flags=bits)
            frames = run.exchange.send(packet, 1400)
            ksft_eq([frame.flags for frame in frames],
                    [bits & ~(FIN | PSH)] + [bits & ~(FIN | PSH | CWR)] * 2 + [bits & ~CWR])
            ksft_true(all(frame.l4_good() for frame in frames))


def idents(run, l4, first):
    """The ids of four segments."""
    packet = Packet(l4, 4, payload=DATA[:4000], ident=first)
    return [frame.ident for frame in run.segments(packet, 1000)]


@rules("LSO-19")
def ids_of_15_bits(run):
    """Ids count modulo 0x8000; bit 15 stays."""
    if lso_id_bits(run.cfg) != 15:
        raise KsftSkipEx("the NIC runs with lso-id=16")
    ksft_eq(idents(run, "tcp", 0x7ffe), [0x7ffe, 0x7fff, 0, 1])
    ksft_eq(idents(run, "tcp", 0xfffe), [0xfffe, 0xffff, 0x8000, 0x8001])


@rules("CON-02")
def ids_of_16_bits(run):
    """Ids count modulo 0x10000 in that mode."""
    if lso_id_bits(run.cfg) != 16:
        raise KsftSkipEx("the NIC runs with lso-id=15")
    ksft_eq(idents(run, "tcp", 0x7ffe), [0x7ffe, 0x7fff, 0x8000, 0x8001])
    ksft_eq(idents(run, "tcp", 0xfffe), [0xfffe, 0xffff, 0, 1])


@rules("LSO-20")
def ids_differ(run):
    """Each segment has an id of its own."""
    ksft_eq(len(set(idents(run, "tcp", 5))), 4)


@rules("USO-12")
def uso_ids(run):
    """Ids of datagrams count modulo 0x10000 in any mode."""
    ksft_eq(idents(run, "udp", 0x7ffe), [0x7ffe, 0x7fff, 0x8000, 0x8001])
    ksft_eq(idents(run, "udp", 0xfffe), [0xfffe, 0xffff, 0, 1])


@rules("LSO-10", "LSO-24")
def sequence_numbers(run):
    """Segment k has the template's number plus k MSS, beyond 2^32 too."""
    for first in (0, 1000, 0xfffffa00):
        frames = run.segments(Packet("tcp", 4, payload=DATA[:4000], seq=first), 1000)
        ksft_eq([frame.seq for frame in frames],
                [(first + 1000 * number) & 0xffffffff for number in range(4)])


def masked(frame):
    """Headers without what segmentation changes."""
    ip_header, l4_header = bytearray(frame.ip_header()), bytearray(frame.l4_header())
    if frame.version == 4:
        ip_header[10:12] = b""
        ip_header[2:6] = b""
    else:
        ip_header[4:6] = b""
    if frame.l4 == "tcp":
        l4_header[16:18] = b""
        l4_header[13] &= ~(FIN | PSH | CWR)
        l4_header[4:8] = b""
    else:
        l4_header[4:8] = b""
    return bytes(frame.data[:frame.l3_off]), bytes(ip_header), bytes(l4_header)


@rules("LSO-23")
def lso_other_fields(run):
    """Window, acknowledgment, urgent pointer, traffic class, TTL, label, DF: as they were."""
    for version in (4, 6):
        packet = Packet("tcp", version, payload=DATA[:4000], window=0xfedc, tos=0xb8, ttl=3,
                        l4_options=TCP_OPTIONS)
        whole = type(run.plain(Packet("tcp", version)))(packet.frame(run.cfg))
        ksft_eq({masked(frame) for frame in run.segments(packet, 1000)}, {masked(whole)})


@rules("USO-20")
def uso_other_fields(run):
    """Nothing but lengths, ids and checksums differs."""
    for version in (4, 6):
        packet = Packet("udp", version, payload=DATA[:4000], tos=0x48, ttl=3)
        whole = type(run.plain(Packet("udp", version)))(packet.frame(run.cfg))
        ksft_eq({masked(frame) for frame in run.segments(packet, 1000)}, {masked(whole)})


@rules("LSO-21")
def versions_apart(run):
    """IPv4 and IPv6 switch on their own."""
    for off, name in ((4, "tx-tcp-segmentation"), (6, "tx-tcp6-segmentation")):
        defer(run.wire.switch_all, True)
        switch(run.cfg.ifname, [name], False)
        for version in (4, 6):
            packet = Packet("tcp", version, payload=DATA[:4000])
            done, frames = run.count(lambda p=packet: run.exchange.send(p, 1000))
            ksft_eq((done["lso"], len(frames)), (0 if version == off else 1, 4))
        switch(run.cfg.ifname, [name], True)


@rules("LSO-27")
def switching_under_traffic(run):
    """Offloads go off and on under a stream; every byte arrives."""
    defer(run.wire.switch_all, True)
    dropped = run.wire.dropped()
    with TcpStream(run.cfg) as stream:
        for state in (False, True) * (4 if FULL else 2):
            run.wire.switch_all(state)
        ksft_true(stream.stop() > 0)
        ksft_eq(stream.errors, [])
    run.exchange.take()
    ksft_eq(run.wire.dropped(), dropped)


@rules("LSO-42", "USO-31")
def segmentation_needs_checksums(run):
    """What segments also does checksums, with options too."""
    have = [name for name, (active, _) in features(run.cfg.ifname).items() if active]
    ksft_true(any(name.startswith("tx-checksum-ip") for name in have))
    for packet in packets(DATA[:100], ((l4, 4) for l4 in BY_L4), ip_options=IP4_OPTIONS,
                          l4_options=TCP_OPTIONS):
        run.plain(packet)


@rules("USO-03")
def message_size(run):
    """UDP is segmented where the program chose a message size, fragmented otherwise."""
    cfg = run.cfg
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind((cfg.remote_addr_v["4"], 0))
        run.require(Packet("udp", 4))
        done, _ = run.count(lambda: (sock.sendto(DATA[:20000], sink.getsockname()),
                                     run.exchange.take()))
        ksft_eq(done["uso"], 0)
        sock.setsockopt(socket.IPPROTO_UDP, 103, 1400)      # UDP_SEGMENT
        done, _ = run.count(lambda: (sock.sendto(DATA[:20000], sink.getsockname()),
                                     run.exchange.take()))
        ksft_eq((done["uso"], done["segments"]), (1, 15))


@rules("CON-05")
def zero_sum(run):
    """A UDP checksum that comes out as 0 is sent as 0xffff, in datagrams and segments."""
    for version in (4, 6):
        packet = Packet("udp", version, payload=bytes(2) + DATA[:98])
        header = packet.frame(run.cfg)[packet.l4_off:packet.l4_off + 8]
        rest = inet_sum(header + packet.payload)
        packet.payload = struct.pack("!H", ~rest & 0xffff) + packet.payload[2:]
        ksft_eq(run.plain(packet).l4_check(), 0xffff)


def driver_sent(cfg):
    """(packets, bytes) that the driver counts as sent."""
    queues = driver_queues(cfg.ifname, cfg.ifindex)["tx"].values()
    return sum(q["packets"] for q in queues), sum(q["bytes"] for q in queues)


@rules("USO-19", "CON-06")
def statistics(run):
    """Ten segments count as ten packets with ten headers; the same for LSO."""
    run.cfg.require_driver("wto", "counts packets of the stack per queue")

    def growth(packet, wanted):
        # frames arrive before their completion is counted
        run.cfg.wait_quiet()
        before = driver_sent(run.cfg)
        run.segments(packet, 1000)

        def grown():
            return [now - then for now, then in zip(driver_sent(run.cfg), before)]

        with contextlib.suppress(TimeoutError):
            wait_for(lambda: grown() == wanted, "completions")
        return grown()

    for packet in packets(DATA[:10000]):
        # and the marker
        wanted = [10 + 1, 10 * (packet.hdr_len + 1000) + 60]
        # the stack may send something of its own at times, but not each time
        seen = [growth(packet, wanted)]
        while seen[-1] != wanted and len(seen) < 3:
            seen.append(growth(packet, wanted))
        ksft_eq(seen[-1], wanted, seen)


@rules("CON-03")
def plain_ip_checksum(run):
    """The stack's IPv4 header checksum is right and stays."""
    for packet in packets(DATA[:99], ((l4, 4) for l4 in BY_L4)):
        frame = run.plain(packet)
        ksft_true(frame.ip_header()[10:12] == packet.frame(run.cfg)[24:26])


def sctp_checksum(run):
    """No rule, but a capability: the CRC32c of SCTP, by the NIC and by the stack."""
    name = "tx-checksum-sctp"
    if not features(run.cfg.ifname).get(name, (False, False))[0]:
        raise lacking(run.cfg, name)
    defer(run.wire.switch_all, True)
    for ipver in "46":
        for state in (True, False):
            switch(run.cfg.ifname, [name], state)
            ours, theirs = sctp.associate(run.cfg, ipver)
            run.exchange.take(own=True)
            with ours, theirs:
                done, frames = run.count(lambda o=ours, t=theirs: (
                    sctp.exchange(o, t), run.exchange.take(own=True))[1])
            found = list(sctp.packets_of(frames))
            ksft_ge(len(found), 7)
            ksft_true(all(sctp.crc_good(packet) for packet in found), "CRC")
            if state:
                ksft_ge(done["csum"], len(found))
            else:
                ksft_eq(done["csum"], 0)


# --- report ---------------------------------------------------------------------------------------

def perform(func, run):
    """Runs a case; what came of it is kept, ("passed", "FAILED" or "skipped", why)."""
    OUTCOMES[func] = ("FAILED", "")
    try:
        if not run.exchange:
            run.set_up()
        func(run)
    except KsftSkipEx as skip:
        OUTCOMES[func] = ("skipped", str(skip))
        raise
    OUTCOMES[func] = ("passed" if so_far_so_good() else "FAILED", "")


def named(rule, func, run):
    """
    The case of one rule: named by its id, its result written down.  A case of several rules runs
    for the first of them, and the others take over what came of it.
    """
    def case():
        known = OUTCOMES.get(func)
        try:
            if not known:
                perform(func, run)
        finally:
            RESULTS[rule] = OUTCOMES[func]
        if known:
            result, why = known
            if result == "skipped":
                raise KsftSkipEx(why)
            ksft_eq(result, "passed", "run for an earlier rule")
    case.__name__ = f"{rule.replace('-', '_')}_{func.__name__}"
    return case


def no_rule_forgotten():
    """Each rule has a case or a reason, not both; the tests that are named exist."""
    ksft_eq(sorted(set(RULES) - set(CASES) - set(ELSEWHERE)), [], "rules without a word")
    ksft_eq(sorted(set(CASES) & set(ELSEWHERE)), [], "rules with a case and a reason")
    ksft_eq(sorted((set(CASES) | set(ELSEWHERE)) - set(RULES)), [], "rules that do not exist")
    top = Path(__file__).resolve().parents[6]
    ksft_eq(sorted(set(ALSO) - set(CASES)), [], "rules with more than a case that have none")
    for rule, where in (*ELSEWHERE.items(), *ALSO.items()):
        if isinstance(where, str):
            continue
        for place in where:
            path, name = place.split("::")
            if not (top / path).exists():
                ksft_pr(f"{rule}: {path} is not here to be looked at")
                continue
            ksft_in(name, (top / path).read_text(encoding="utf-8"), f"{rule}: {place}")


def names_of(places):
    """The tests elsewhere, without their folders."""
    return ", ".join(place.rpartition("/")[2] for place in places)


def report():
    """The table."""
    ksft_pr("rule     case or test                                     result")
    for rule, words in RULES.items():
        if rule in CASES:
            result, why = RESULTS.get(rule, ("not run", ""))
            also = f"and in {names_of(ALSO[rule])}" if rule in ALSO else ""
            ksft_pr(f"{rule:<8} {words:<48} "
                    f"{' '.join(filter(None, (result, why and f'({why})', also)))}")
        elif isinstance(ELSEWHERE[rule], tuple):
            ksft_pr(f"{rule:<8} {words:<48} in {names_of(ELSEWHERE[rule])}")
        else:
            ksft_pr(f"{rule:<8} {words:<48} no case: {ELSEWHERE[rule]}")


def main() -> None:
    """Runs a case for each rule, prints the table."""
    with WtoEnv(__file__) as cfg:
        run = Session(cfg)
        try:
            ksft_run([no_rule_forgotten] +
                     [named(rule, CASES[rule], run) for rule in RULES if rule in CASES] +
                     [named("more", func, run) for func in (at_least_so_many, sctp_checksum)])
        finally:
            run.tear_down()
        report()
    ksft_exit()


if __name__ == "__main__":
    main()
