# SPDX-License-Identifier: GPL-2.0-only
"""
Cases of offload_rules.py: limits, what the NIC is never asked for, what is reported, switches.

What the NIC cannot do the stack does: the frames are right all the same, nothing is given up, and
the NIC was not asked.
"""

import socket

from lib.py import CmdExitFailure, EthtoolFamily, KsftSkipEx, defer, ethtool, ip, ksft_eq, \
    ksft_ge, ksft_raises, ksft_true, peer_socket, tc
from .counters import ethtool_stats
from .offload import CHECKSUM, SEGMENTATION, features, offloads_of, switch
from .offload_cases import BY_L4, CASES, DATA, KINDS, ext_headers, packets, rules
from .offload_paths import VLANS, old_packet_sockets
from .packets import PROTO, TAG_1AD, TAG_1Q, Frame, Packet, inet_sum
from .udp_segments import UDP_SEGMENT

# With those of this file
__all__ = ["CASES", "at_least_so_many"]

NOTHING = {"csum": 0, "lso": 0, "uso": 0}
# What the driver gives up at last it counts under these names, with tx_refused_ before
REASONS = ("off", "proto", "offsets", "csum_place", "hdr_len", "mss", "size", "min_segs", "tail",
           "bufs", "fragment", "length", "frame")
MAX_HEADERS = 255
SO_NO_CHECK = 11
UDP_NO_CHECK6_TX = 101
TCP_ECN_ACCURATE = 3
# Of the 13th and 14th byte of a TCP header: AE, CWR, ECE
ACE_BITS = 0x01c0
CWR_BIT = 0x0080
ACCURATE_MSS = 1000


def done_of(counts):
    """What the NIC did, without the marker's traces."""
    return {name: counts[name] for name in NOTHING}


def left_to_stack(run, packet, mss=0, ifname=None, csum=0):
    """Sends a packet that the NIC cannot handle; the frames, @csum of which are the NIC's sums."""
    before = run.wire.dropped()
    counts, frames = run.count(lambda: run.exchange.send(packet, mss, ifname=ifname))
    ksft_eq(done_of(counts), NOTHING | {"csum": csum}, "the NIC was not asked")
    ksft_eq(run.wire.dropped(), before, "nothing is given up")
    return frames


def good_parts(frames, packet, mss):
    """Frames are right segments of a packet."""
    ksft_eq(len(frames), -(-len(packet.payload) // mss))
    ksft_true(all(frame.ip_good() and frame.l4_good() for frame in frames), "both checksums")
    ksft_true(b"".join(frame.payload for frame in frames) == packet.payload, "the data")


# --- limits ---------------------------------------------------------------------------------------

@rules("CSUM-03")
def ip_checksum_ignored(run):
    """Whatever stands in the template's IPv4 checksum, those of the segments are right."""
    for l4 in BY_L4:
        one, two = (run.segments(Packet(l4, 4, payload=DATA[:4000], ip_check=check), 1100)
                    for check in (None, 0xdead))
        ksft_true([frame.data for frame in one] == [frame.data for frame in two])


def at_least_so_many(run):
    """
    No rule: two segments are enough for the NIC.  What makes one segment never gets to a driver as
    a packet to segment (virtio_net_hdr_to_skb()), so that LSO-06 and USO-04 cannot be seen here.
    """
    for l4, version in KINDS:
        for length, segmented in ((1, 0), (999, 0), (1000, 0), (1001, 1)):
            packet = Packet(l4, version, payload=DATA[:length])
            run.require(packet)
            counts, frames = run.count(lambda p=packet: run.exchange.send(p, 1000))
            ksft_eq(counts["lso"] + counts["uso"], segmented, f"{l4}{version}, {length} bytes")
            good_parts(frames, packet, 1000)


@rules("USO-06")
def odd_tail(run):
    """
    A last datagram shorter than the others is the NIC's business; one of no rest too.  This NIC
    takes both; how the driver treats one that does not is seen in the unit test.
    """
    for version in (4, 6):
        for length in (3001, 3999, 3000):
            frames = run.segments(Packet("udp", version, payload=DATA[:length]), 1000)
            ksft_eq(len(frames[-1].payload), length % 1000 or 1000)


@rules("LSO-11")
def no_fragments(run):
    """Parts of fragmented packets are not the NIC's: neither segments nor checksums."""
    run.cfg.require_driver("wto", "asks the NIC for whatever the stack asks for")
    for l4 in BY_L4:
        for fragment in (0x2000, 0x0100):
            packet = Packet(l4, 4, payload=DATA[:3000], dont_fragment=False, fragment=fragment)
            good_parts(left_to_stack(run, packet, 1000), packet, 1000)
            frame, = left_to_stack(run, packet)
            ksft_true(frame.l4_good())


@rules("LSO-12")
def headers_in_pieces(run):
    """Headers that do not lie in one piece: the segments are right, whoever makes them."""
    for packet in packets(DATA[:6000], l4_options=b"\x01" * 40):
        packet.linear = packet.l4_off + (18 if packet.l4 == "tcp" else 8)
        good_parts(run.exchange.send(packet, 1000), packet, 1000)


def of_headers(l4, length):
    """A packet over IPv6 whose headers are as long as they can be within a length."""
    for padding in (b"\x01" * 4, b""):
        options = padding if l4 == "tcp" else b""
        ext = (length - Packet(l4, 6, l4_options=options).hdr_len) // 8 * 8
        packet = Packet(l4, 6, payload=DATA[:3000], l4_options=options,
                        ip_options=ext_headers(ext, PROTO[l4]))
        if packet.hdr_len > length - 4:
            break
    return packet


@rules("CSUM-45", "LSO-47")
def header_limit(run):
    """Headers of up to 255 bytes are the NIC's, longer ones are not; a VLAN's tag counts."""
    run.cfg.require_driver("wto", "has limits of its own")
    places = [(None, 0)] if old_packet_sockets() else [(None, 0), (f"{run.cfg.ifname}.q", 4)]
    for l4 in BY_L4:
        for ifname, tag in places:
            fits = of_headers(l4, MAX_HEADERS - tag)
            run.segments(fits, 1000, ifname)
            run.plain(fits, ifname)
            long = of_headers(l4, fits.hdr_len + 8)
            good_parts(left_to_stack(run, long, 1000, ifname), long, 1000)
            frame, = left_to_stack(run, long, ifname=ifname)
            ksft_true(frame.l4_good())


def sum_of(packet, run, place):
    """What the stack writes to @place of layer 4: the sum from its beginning to the end."""
    data = bytearray(packet.frame(run.cfg))
    return ~inet_sum(bytes(data[packet.l4_off:])) & 0xffff, packet.l4_off + place


@rules("USO-14")
def what_cannot_be_done(run):
    """What the NIC cannot do goes back to the stack, for whatever reason."""
    run.cfg.require_driver("wto", "asks the NIC for whatever the stack asks for")
    three = ((TAG_1AD, 1), (TAG_1Q, 2), (TAG_1Q, 3))
    for l4, version in KINDS:
        # segments of so few bytes are nothing for it, their checksums are
        packet = Packet(l4, version, payload=DATA[:3000])
        good_parts(left_to_stack(run, packet, 80, csum=38), packet, 80)
        packet = Packet(l4, version, payload=DATA[:3000], tags=three)
        good_parts(left_to_stack(run, packet, 1000), packet, 1000)
        frame, = left_to_stack(run, Packet(l4, version, payload=DATA[:300], tags=three))
        ksft_true(frame.l4_good(), "behind three tags")
    for version in (4, 6):
        # bytes behind the packet, which are summed like all others
        packet = Packet("udp", version, payload=DATA[:100])
        packet.ip_length = packet.hdr_len + 90 - (14 if version == 4 else 54)
        wanted, at = sum_of(packet, run, 6)
        frame, = left_to_stack(run, packet)
        ksft_eq(frame.word(at), wanted, "sum with a trailer")


@rules("CON-07")
def given_up_at_last(run):
    """What the stack cannot help either is dropped, counted by its reason, and goes nowhere."""
    run.cfg.require_driver("wto", "does not count reasons")
    stats = ethtool_stats(run.cfg.ifname)
    ksft_eq([reason for reason in REASONS if f"tx_refused_{reason}" not in stats], [])
    for packet in packets(DATA[:30000]):
        before = ethtool_stats(run.cfg.ifname)
        nic_before = run.wire.nic_errors()
        # frames that are too long for the NIC, whoever cuts them
        counts, frames = run.count(lambda p=packet: run.exchange.send(p, 10000))
        after = ethtool_stats(run.cfg.ifname)
        ksft_eq((done_of(counts), frames), (NOTHING, []))
        grown = {name: after[name] - before[name] for name in after
                 if name.startswith("tx_refused_") and after[name] != before[name]}
        ksft_eq(grown, {"tx_refused_frame": 3})
        ksft_eq(run.wire.nic_errors(), nic_before)


@rules("USO-08")
def without_checksum(run):
    """Datagrams without a checksum are never segmented; one by one they have none."""
    cfg = run.cfg
    for ipver, level, option in (("4", socket.SOL_SOCKET, SO_NO_CHECK),
                                 ("6", socket.IPPROTO_UDP, UDP_NO_CHECK6_TX)):
        family = socket.AF_INET if ipver == "4" else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as sock, \
                peer_socket(cfg.peer_ns, family, socket.SOCK_DGRAM) as sink:
            sink.bind((cfg.remote_addr_v[ipver], 0))
            sock.setsockopt(level, option, 1)
            sock.connect(sink.getsockname()[:2])
            counts, frames = run.count(lambda s=sock: (s.send(DATA[:100]), run.exchange.take())[1])
            ksft_eq((done_of(counts), [Frame(data).l4_check() for data in frames]), (NOTHING, [0]))
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
            with ksft_raises(OSError):
                sock.send(DATA[:3000])
    ksft_eq(run.exchange.take(), [])


# --- what is reported -----------------------------------------------------------------------------

@rules("CSUM-40", "LSO-41", "USO-30")
def reported(run):
    """On a NIC that grants everything, everything is on: both IP versions, 2^18 - 1 bytes."""
    run.cfg.require_driver("wto", "offers what it likes")
    shown = features(run.cfg.ifname)
    wanted = set(SEGMENTATION + CHECKSUM) - {"tx-checksum-ipv4", "tx-checksum-ipv6"}
    ksft_eq({name for name, (active, changes) in shown.items() if active and changes}, wanted)
    link = ip(f"-d link show dev {run.cfg.ifname}", json=True)[0]
    ksft_eq(link["tso_max_size"], (1 << 18) - 1)
    ksft_ge(link["tso_max_segs"], (1 << 16) - 1)


@rules("CSUM-42", "LSO-45")
def same_behind_tags(run):
    """
    VLAN interfaces offer what the port does, and so do VLANs on them.  Checksums by IP version
    are called generic there, by the stack.
    """
    wanted = {name for name, (active, _) in features(run.cfg.ifname).items() if active}
    by_version = wanted & {"tx-checksum-ipv4", "tx-checksum-ipv6"}
    if by_version:
        wanted = wanted - by_version | {"tx-checksum-ip-generic"}
    for name in VLANS:
        shown = features(f"{run.cfg.ifname}.{name}")
        ksft_eq({name for name, (active, _) in shown.items() if active}, wanted, name)


class Announcements:
    """Changes of features that netlink tells of."""

    # Its changes come behind those that are looked for
    MARKER = "wtomark"

    def __init__(self):
        ip(f"link add {self.MARKER} type dummy")
        defer(ip, f"link del {self.MARKER}")
        self.state = True
        self.netlink = EthtoolFamily()
        self.netlink.ntf_subscribe("monitor")

    def during(self, work):
        """The names of the interfaces whose features change meanwhile."""
        work()
        self.state = not self.state
        switch(self.MARKER, ["tx-checksum-ip-generic"], self.state)
        found = []
        for message in self.netlink.poll_ntf(duration=30):
            if message["name"] != "features-ntf":
                continue
            ifname = message["msg"]["header"]["dev-name"]
            if ifname == self.MARKER:
                return found
            found.append(ifname)
        raise TimeoutError("no notification")


@rules("CSUM-44", "LSO-48", "USO-33")
def changes_announced(run):
    """Each switch is announced once."""
    ifname = run.cfg.ifname
    announcements = Announcements()
    defer(run.wire.switch_all, True)
    for name in run.wire.have:
        for state in (False, True):
            found = announcements.during(lambda n=name, s=state: switch(ifname, [n], s))
            # VLANs on it change with it
            ksft_eq([n for n in found if "." not in n], [ifname],
                    f"{name} {'on' if state else 'off'}")


# --- switches -------------------------------------------------------------------------------------

@rules("USO-32", "CON-08")
def coarse_switches(run):
    """
    Without checksums Linux has no segmentation either, and says so; both return together.
    """
    names = [name for name in run.wire.have if name.startswith("tx-checksum-ip")]
    defer(run.wire.switch_all, True)
    for state in (False, True):
        switch(run.cfg.ifname, names, state)
        shown = features(run.cfg.ifname)
        ksft_eq({name: shown[name][0] for name in offloads_of(run.cfg.ifname, SEGMENTATION)},
                dict.fromkeys(offloads_of(run.cfg.ifname, SEGMENTATION), state))
        for packet in packets(DATA[:4000]):
            counts, frames = run.count(lambda p=packet: run.exchange.send(p, 1000))
            ksft_eq(counts["lso"] + counts["uso"], int(state))
            good_parts(frames, packet, 1000)


@rules("LSO-02", "LSO-40", "LSO-44")
def version_1(run):
    """LSO of version 1: IPv4 only, up to 64 KiB, the same segments; version 2 beside it."""
    run.cfg.require_driver("wto", "knows no versions")
    flags = f"--set-priv-flags {run.cfg.ifname} lso-v1"
    large = [Packet("tcp", version, payload=DATA[:100000]) for version in (4, 6)]
    small = [Packet("tcp", version, payload=DATA[:65535 - 40], ident=5) for version in (4, 6)]
    v2_frames = [[frame.data for frame in run.segments(packet, 8000)] for packet in small]
    defer(ethtool, f"{flags} off")
    for state in ("on", "off", "on"):
        ethtool(f"{flags} {state}")
        ksft_eq(ethtool(f"--show-priv-flags {run.cfg.ifname}").stdout.split(":")[-1].strip(),
                state)
        for packet, wanted in zip(small, v2_frames):
            frames = run.segments(packet, 8000)
            ksft_true([frame.data for frame in frames] == wanted, "the same segments")
        for packet in large:
            counts, frames = run.count(lambda p=packet: run.exchange.send(p, 8000))
            ksft_eq(counts["lso"], int(packet.version == 6 or state == "off"))
            good_parts(frames, packet, 8000)


# --- accurate ECN ---------------------------------------------------------------------------------

def mark_congestion(cfg):
    """Everything that the peer sends over IPv4 arrives with a congestion mark."""
    tc(f"qdisc add dev {cfg.remote_ifname} clsact", ns=cfg.peer_ns)
    defer(tc, f"qdisc del dev {cfg.remote_ifname} clsact", ns=cfg.peer_ns)
    tc(f"filter add dev {cfg.remote_ifname} egress protocol ip matchall "
       "action pedit ex munge ip tos set 3 retain 3 pipe action csum ip4h", ns=cfg.peer_ns)


def ace_of(frames):
    """The three bits of each frame with data."""
    found = []
    for frame in map(Frame, frames):
        if frame.l4 == "tcp" and frame.payload:
            found.append(frame.word(frame.l4_off + 12) & ACE_BITS)
    return found


def accurate_connection(run):
    """(our end, the peer's) of a connection that has agreed on accurate ECN, perhaps."""
    cfg = run.cfg
    listener = peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        listener.bind((cfg.remote_addr_v["4"], 0))
        listener.listen(1)
        ours = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, ACCURATE_MSS)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
    for sock in (ours, theirs):
        sock.settimeout(20)
        defer(sock.close)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


@rules("CON-11")
def accecn(run):
    """
    With accurate ECN all segments of a packet have the same three bits, CWR among them: the
    NIC, which keeps CWR in the first one only, is not asked.
    """
    shown = features(run.cfg.ifname, ("tx-tcp-accecn-segmentation", "tx-gso-accecn"))
    ksft_true(not any(active for active, _ in shown.values()))
    cfg = run.cfg
    for netns in (None, cfg.peer_ns):
        try:
            cfg.set_sysctl("net.ipv4.tcp_ecn", TCP_ECN_ACCURATE, netns)
        except CmdExitFailure as error:
            raise KsftSkipEx("this kernel has no accurate ECN") from error
    mark_congestion(cfg)
    ours, theirs = accurate_connection(run)
    bursts = []
    for _ in range(24):
        theirs.send(b"!")
        ours.recv(1)
        run.exchange.take(own=True)
        ours.sendall(DATA[:4 * ACCURATE_MSS])
        theirs.recv(4 * ACCURATE_MSS, socket.MSG_WAITALL)
        bursts.append(ace_of(run.exchange.take(own=True)))
    ksft_true(all(len(burst) >= 4 for burst in bursts), "four segments each")
    cleared = [burst for burst in bursts
               for one, two in zip(burst, burst[1:]) if one & CWR_BIT and two == one & ~CWR_BIT]
    ksft_eq(cleared, [], "no segment has lost CWR")
    kept = [burst for burst in bursts if len(set(burst)) == 1 and burst[0] & CWR_BIT]
    ksft_true(kept, f"some have CWR in all segments: {bursts}")
