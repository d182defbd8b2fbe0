# SPDX-License-Identifier: GPL-2.0-only
"""
Send offloads on and off, and what leaves the wire meanwhile.

The far end captures.  Both ports have one queue pair, so that a marker behind the packets of
a case tells that all of them have arrived.
"""

import os
import struct
from pathlib import Path

from net.lib.py import ksft, utils
from lib.py import KsftFailEx, KsftSkipEx, cmd, defer, ethtool, ip
from .counters import ethtool_stats
from .offload_paths import NESTED, TAP, Network, add_tap, add_vlans, leaves_jumbo_headers, \
    old_packet_sockets, warns_of_extensions, wrong_sums_of_files
from .packets import inet_sum

MTU = 9000
SEGMENTATION = ("tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation")
CHECKSUM = ("tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-checksum-sctp")

_PCAP_HEADER = 24
_RECORD = struct.Struct("=IIII")


def tool_path(name):
    """A program that was built for the tests: here, or where the lab keeps it."""
    places = [Path(__file__).resolve().parents[2], Path("/mnt/out/tools")]
    for place in places:
        if (place / name).exists():
            return str(place / name)
    raise KsftSkipEx(f"{name} is not built")


def features(ifname, names=SEGMENTATION + CHECKSUM):
    """{name: (active, can be changed)} of the send offloads, or of others."""
    shown = ethtool(f"-k {ifname}", json=True)[0]
    return {name: (shown[name]["active"], not shown[name]["fixed"])
            for name in names if name in shown}


def offloads_of(ifname, names):
    """Those of the names that the driver offers."""
    return [name for name, (active, changes) in features(ifname).items()
            if name in names and (active or changes)]


def switch(ifname, names, state):
    """Turns offloads on or off; the driver must do what it is told."""
    names = offloads_of(ifname, names)
    if not names:
        return
    cmd(f"ethtool -K {ifname} " + " ".join(f"{name} {'on' if state else 'off'}"
                                           for name in names))
    for name in names:
        if features(ifname)[name][0] != state:
            raise RuntimeError(f"{ifname}: {name} is not {'on' if state else 'off'}")


def _port_options(cfg):
    """How our port of the software NIC was started."""
    return next(port for port in cfg.nic.command("ports")["ports"]
                if port["name"] == cfg.NIC_PORT)


def lso_id_bits(cfg):
    """Whether the NIC counts the ids of TCP segments in 15 or 16 bits."""
    return _port_options(cfg)["lso_id_bits"]


def most_bufs(cfg):
    """Buffers that the NIC gathers a frame from at most; without one of ours, more than needed."""
    return _port_options(cfg)["tx_bufs"] if cfg.nic else 255


def queue_model(cfg):
    """The queue model that the NIC gives."""
    return _port_options(cfg)["model"]


def so_far_so_good():
    """Whether no check of the case at hand has failed."""
    return bool(ksft.KSFT_RESULT)


def lacking(cfg, what):
    """What to raise for an offload that is not offered: of wto all are expected here."""
    if cfg.driver == "wto":
        return KsftFailEx(f"the NIC grants it, but wto does not offer {what}")
    return KsftSkipEx(f"driver {cfg.driver} does not offer {what}")


class Wire:
    """The pair of ports, made ready to compare what leaves one and arrives at the other."""

    def __init__(self, cfg):
        cfg.require_nic()
        self.cfg = cfg
        self.have = offloads_of(cfg.ifname, SEGMENTATION + CHECKSUM)
        if not self.have:
            raise lacking(cfg, "send offload")
        self.networks = [Network(cfg.ifname, *[(cfg.addr_v[ipver], cfg.remote_addr_v[ipver])
                                               for ipver in "46"])]
        self.kept = []
        # The NIC looks behind two tags; in-tree idpf asks for offloads behind more all the same
        self.max_tags = 2 if cfg.driver == "idpf" else 3

    def set_up(self):
        """One queue pair, no merging at the far end; undone by defer()."""
        cfg = self.cfg
        defer(self.switch_all, True)
        present = cfg.channels()[0]
        if present > 1:
            for peer in (False, True):
                cfg.set_channels(1, peer)
                defer(cfg.set_channels, present, peer)
        cfg.with_mtu(MTU)
        cfg.pin_neighbours()
        # flow labels are random
        cfg.set_sysctl("net.ipv6.auto_flowlabels", 0)
        ethtool(f"-K {cfg.remote_ifname} gro off", ns=cfg.peer_ns)
        defer(ethtool, f"-K {cfg.remote_ifname} gro on", ns=cfg.peer_ns)
        self._largest_packets()
        self.networks += add_vlans(cfg, MTU)

    def keep(self):
        """What was set up in this case stays until release()."""
        self.kept += utils.GLOBAL_DEFER_QUEUE
        utils.GLOBAL_DEFER_QUEUE.clear()

    def release(self):
        """Undoes what was kept."""
        while self.kept:
            self.kept.pop().exec_only()

    def _largest_packets(self):
        link = ip(f"-d link show dev {self.cfg.ifname}", json=True)[0]
        size = link.get("tso_max_size", 65536)
        names = [name for name in ("gso_max_size", "gso_ipv4_max_size") if name in link]
        for name in names:
            defer(ip, f"link set dev {self.cfg.ifname} {name} {link[name]}")
            ip(f"link set dev {self.cfg.ifname} {name} {size}")

    def by_tap(self):
        """A TAP interface whose packets leave by the port."""
        add_tap(self.cfg)

    def plain_tcp(self):
        """Lets a connection in repair mode send all it has at once, and nothing twice."""
        cfg = self.cfg
        for name in ("tcp_early_retrans", "tcp_timestamps", "tcp_tso_rtt_log"):
            cfg.set_sysctl(f"net.ipv4.{name}", 0)
        for network in self.networks:
            for addr in (network.v4[1], network.v6[1]):
                ip(f"route add {addr} dev {network.ifname} initcwnd 4000 rto_min 20s")
                defer(ip, f"route del {addr} dev {network.ifname}")

    def switch_all(self, state):
        """All send offloads on or off."""
        switch(self.cfg.ifname, self.have, state)

    def counted(self):
        """What the NIC has done so far: {"lso", "uso", "segments", ...} of all queues."""
        queues = self.cfg.nic.port_stats(self.cfg.NIC_PORT)["queues"]["tx"]
        return {name: sum(queue.get(name, 0) for queue in queues)
                for name in ("csum", "lso", "uso", "segments", "packets")}

    def nic_errors(self):
        """Packets that the NIC gave up, by cause."""
        errors = self.cfg.nic.port_stats(self.cfg.NIC_PORT)["errors"]
        return {name: count for name, count in errors.items() if name.startswith("tx_")}

    def lost(self):
        """Frames that the NIC could not deliver: {port and cause: count}."""
        return {f"{port['name']} {name}": count for port in self.cfg.nic.stats()["ports"]
                for name, count in port["wire"].items()
                if name in ("rx_dropped_no_buffer", "rx_dropped_disabled", "rx_dropped_error")}

    def dropped(self):
        """Packets that the driver or the NIC gave up, by cause."""
        return self.nic_errors() | {
            name: count for name, count in ethtool_stats(self.cfg.ifname).items()
            if "drop" in name and "rx" not in name}

    def send(self, workload, path, seed, count, first=0):
        """
        Sends seeded cases, captures what arrives in @path.

        Returns ([(number, frames, result, what it is)], {counter of the NIC: growth}).
        """
        cfg = self.cfg
        interfaces = [network.ifname for network in self.networks]
        if workload not in ("raw", "odd") or old_packet_sockets():
            interfaces = interfaces[:1]
        networks = " ".join(network.arguments() for network in self.networks)
        mistakes = {"-e": wrong_sums_of_files(), "-j": leaves_jumbo_headers(),
                    f"-b {NESTED}": warns_of_extensions(cfg)}
        avoided = " ".join(name for name, state in mistakes.items() if state)
        before = self.counted()
        out = cmd(f"{tool_path('offload_send')} -k {workload} -i {','.join(interfaces)} "
                  f"-p {cfg.remote_ifname} -N {cfg.peer_ns} -m {MTU} -t {self.max_tags} "
                  f"-T {TAP} {networks} {avoided} "
                  f"-s {seed} -f {first} -n {count} -w {path}", timeout=1800).stdout
        after = self.counted()
        cases = []
        for line in out.splitlines():
            number, frames, result, text = line.split(" ", 3)
            cases.append((int(number), int(frames), result, text))
        return cases, {name: after[name] - before[name] for name in after}


def read_capture(path):
    """{number of the case: [frames]} of a capture file."""
    data = Path(path).read_bytes()
    cases, at = {}, _PCAP_HEADER
    while at < len(data):
        number, _, size, _ = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        cases.setdefault(number, []).append(data[at:at + size])
        at += size
    return cases


def ip_offset(frame):
    """Where the IP header is, behind any tags."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at + 2


def ident(frame):
    """The id of an IPv4 frame."""
    return struct.unpack_from("!H", frame, ip_offset(frame) + 4)[0]


def with_id(frame, number):
    """An IPv4 frame with another id, and the header checksum that belongs to it."""
    at = ip_offset(frame)
    changed = bytearray(frame)
    struct.pack_into("!H", changed, at + 4, number & 0xffff)
    struct.pack_into("!H", changed, at + 10, 0)
    header = bytes(changed[at:at + (frame[at] & 15) * 4])
    struct.pack_into("!H", changed, at + 10, ~inet_sum(header) & 0xffff)
    return bytes(changed)


def is_tcp4(frame):
    """Whether the ids of a frame are those of LSO-19."""
    at = ip_offset(frame)
    return frame[at] >> 4 == 4 and frame[at + 9] == 6


def with_ids_of_15_bits(frames):
    """What software segmentation made of a packet, with the ids that LSO-19 wants."""
    if not all(map(is_tcp4, frames)):
        return frames
    first = ident(frames[0])
    return [with_id(frame, first & 0x8000 | (first + number) & 0x7fff)
            for number, frame in enumerate(frames)]


def stream_of_15_bits(one, two, start):
    """
    Whether the frames of a stream, with ids that began with @start and are written down from 0,
    differ only so: from where the ids of a packet run over a border, up to its end, bit 15 is
    as it was before.
    """
    over = False
    for number, (left, right) in enumerate(zip(one, two)):
        if left == right:
            over = False
            continue
        over |= (start + number) & 0x7fff == 0
        if not over or not is_tcp4(right) or left != with_id(right, number ^ 0x8000):
            return False
    return len(one) == len(two)


def first_difference(one, two):
    """Words on where two lists of frames differ."""
    if len(one) != len(two):
        return f"{len(one)} frames with the offload, {len(two)} without"
    for number, (left, right) in enumerate(zip(one, two)):
        if left != right:
            if len(left) != len(right):
                return f"frame {number}: {len(left)} bytes and {len(right)}"
            at = next(i for i, pair in enumerate(zip(left, right)) if pair[0] != pair[1])
            return (f"frame {number} of {len(one)}, byte {at} (IP header at {ip_offset(left)}): "
                    f"{left[at:at + 8].hex()} and {right[at:at + 8].hex()}")
    return None


def first_ids(cases):
    """{number of the case: first IPv4 id} of what sockets sent."""
    return {number: int(text.rpartition("id=")[2]) for number, _, _, text in cases
            if " id=" in text}


def differences(on_path, off_path, id_bits=16, starts=None):
    """
    [(number of the case, words)] where two captures differ; and how many had other ids.

    @starts: as first_ids() of the packets with the offload
    """
    if Path(on_path).read_bytes() == Path(off_path).read_bytes():
        return [], 0
    with_offload, without = read_capture(on_path), read_capture(off_path)
    found, renumbered = [], 0
    for number in sorted(with_offload | without):
        one, two = with_offload.get(number, []), without.get(number, [])
        if one == two:
            continue
        if id_bits == 15 and (stream_of_15_bits(one, two, starts[number])
                              if starts else one == with_ids_of_15_bits(two)):
            renumbered += 1
            continue
        found.append((number, first_difference(one, two)))
    return found, renumbered


def judged_by_tshark(path):
    """(frames, bad, good checksums) of a capture, by Wireshark's arithmetic."""
    fields = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status")
    out = cmd(["tshark", "-n", "-r", str(path), "-o", "ip.check_checksum:TRUE",
               "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
               "-o", "tcp.analyze_sequence_numbers:FALSE",
               "-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.defragment:FALSE",
               "-T", "fields"] + [word for field in fields for word in ("-e", field)],
              timeout=600).stdout
    lines = out.splitlines()
    values = [value for line in lines for value in line.replace(",", "\t").split("\t")]
    return len(lines), values.count("0"), values.count("1")


def remove(*paths):
    """Deletes capture files."""
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)
