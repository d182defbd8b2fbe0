#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Scatter-gather transmit: packets made of page fragments, of more of them than the NIC takes,
and of fragments longer than one descriptor takes.  The receiver compares each byte.
"""

import mmap
import os
import select
import socket
import struct
import threading

from lib.py import KsftSkipEx, WtoEnv, cmd, defer, ethtool, ksft_eq, ksft_exit, ksft_ge, ksft_pr, \
    ksft_run, ksft_true, ksft_variants, peer_socket, wait_for
from lib.py.counters import ethtool_stats
from lib.py.offload import most_bufs
from lib.py.pktgen import Pktgen
from lib.py.thorough import most_telling
from lib.py.traffic import big_buffers, family_of, random_bytes

SO_ZEROCOPY = 60
MSG_ZEROCOPY = 0x4000000
MSG_ERRQUEUE = 0x2000
# struct sock_extended_err: errno, origin, type, code, pad, info, data
EXTENDED_ERROR = struct.Struct("=IBBBBII")
ORIGIN_ZEROCOPY = 5

PAGE = 4096
# MAX_SKB_FRAGS of both kernels, and a datagram of as many pages
FRAGMENTS = 17

# Of each size that the packet generator sends
PACKETS = 128


def require_sg(cfg):
    """Skips when the stack hands linear packets down anyway."""
    if not ethtool(f"-k {cfg.ifname}", json=True)[0]["tx-scatter-gather"]["active"]:
        raise KsftSkipEx("no scatter-gather")


def checksum_offload(cfg):
    """Whether the NIC computes TCP checksums."""
    features = ethtool(f"-k {cfg.ifname}", json=True)[0]
    return features["tx-checksumming"]["active"]


def tcp_pair(cfg, ipver):
    """(our end, the peer's end) of a new connection."""
    family = family_of(cfg.remote_addr_v[ipver])
    with peer_socket(cfg.peer_ns, family, socket.SOCK_STREAM) as listener:
        listener.bind((cfg.remote_addr_v[ipver], 0))
        listener.listen(1)
        sender = socket.create_connection(listener.getsockname()[:2], timeout=30)
        receiver, _ = listener.accept()
    receiver.settimeout(30)
    return sender, receiver


def receive_all(sock, chunks):
    """Reads up to the end of the stream into @chunks."""
    while True:
        data = sock.recv(1 << 18)
        if not data:
            return
        chunks.append(data)


def transfer(cfg, ipver, send):
    """Runs send(socket) on one end of a connection; returns what arrived at the other."""
    sender, receiver = tcp_pair(cfg, ipver)
    chunks = []
    with sender, receiver:
        thread = threading.Thread(target=receive_all, args=(receiver, chunks), daemon=True)
        thread.start()
        send(sender)
        sender.shutdown(socket.SHUT_WR)
        thread.join(60)
        ksft_true(not thread.is_alive(), "the stream ends")
    return b"".join(chunks)


@ksft_variants(most_telling(
    (f"v{ipver}_mtu_{mtu}" for mtu in ("1500", "max") for ipver in ("4", "6")),
    "v4_mtu_1500", "v6_mtu_max"))
def sg_sendfile(cfg, variant):
    """sendfile() of odd pieces from odd places of a file."""
    require_sg(cfg)
    ipver, mtu = variant[1], variant.rpartition("_")[2]
    cfg.with_mtu(cfg.max_mtu() if mtu == "max" else int(mtu))
    cfg.reachable(ipver)
    content = random_bytes(2 << 20, seed=4)
    with open("/tmp/wto-sendfile", "w+b") as file:
        defer(os.unlink, "/tmp/wto-sendfile")
        file.write(content)
        file.flush()

        def send(sock):
            offset = 0
            for size in (1, 4095, 4097, 100000, 65537, len(content)):
                size = min(size, len(content) - offset)
                sent = sock.sendfile(file, offset, size)
                ksft_eq(sent, size)
                offset += size

        ksft_true(transfer(cfg, ipver, send) == content, "what arrived is what was sent")


def sendfile_pieces(sock, fd, pieces):
    """Corks many small pieces of a file into few packets."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    for offset, size in pieces:
        while size:
            try:
                sent = os.sendfile(sock.fileno(), fd, offset, size)
            except BlockingIOError:
                # a socket with a time limit does not block
                select.select([], [sock], [], sock.gettimeout())
                continue
            offset, size = offset + sent, size - sent
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)


def sg_many_fragments(cfg):
    """Packets of as many page fragments as the stack makes, down to a few bytes each."""
    require_sg(cfg)
    cfg.with_mtu(cfg.max_mtu())
    cfg.reachable()
    content = random_bytes(600 * PAGE, seed=5)
    before = ethtool_stats(cfg.ifname)
    for size in (3, 90, 520, 4000):
        # A piece of each page: never two that could be joined to one fragment
        pieces = [(number * PAGE + number % 64, size) for number in range(600)]
        with open("/tmp/wto-pieces", "w+b") as file:
            file.write(content)
            file.flush()
            got = transfer(cfg, "4", lambda s, f=file, p=pieces: sendfile_pieces(
                s, f.fileno(), p))
        os.unlink("/tmp/wto-pieces")
        ksft_true(got == b"".join(content[o:o + s] for o, s in pieces), f"pieces of {size}")
    copied = sum(value - before[name] for name, value in ethtool_stats(cfg.ifname).items()
                 if "linear" in name)
    ksft_pr(f"packets that the driver copied into one buffer: {copied}")


def zerocopy_reports(sock):
    """Ranges of completed sends in the error queue, and whether any of them was copied."""
    completed, copied = 0, False
    while True:
        try:
            _, ancillary, _, _ = sock.recvmsg(0, 256, MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return completed, copied
        for _, _, data in ancillary:
            error = EXTENDED_ERROR.unpack_from(data)
            if error[1] == ORIGIN_ZEROCOPY:
                completed += error[6] - error[5] + 1
                copied = copied or bool(error[3])


def user_pages():
    """Memory to send from, every other page of it unused so that no two can be joined."""
    memory = mmap.mmap(-1, FRAGMENTS * 2 * PAGE)
    memory.write(random_bytes(len(memory), seed=6))
    return memoryview(memory)


def piece_lists(view):
    """Lists of 1 to 16 pieces of different pages, in three sizes."""
    for count in range(1, FRAGMENTS):
        for size in (1, 33, 500):
            yield [view[2 * i * PAGE + i:2 * i * PAGE + i + size] for i in range(count)]


@ksft_variants(most_telling(["4", "6"], "6"))
def sg_zerocopy_stream(cfg, ipver):
    """A stream of MSG_ZEROCOPY sends, each page of the user's memory a fragment."""
    require_sg(cfg)
    cfg.with_mtu(cfg.max_mtu())
    cfg.reachable(ipver)
    lists = list(piece_lists(user_pages()))
    reports = []

    def send(sock):
        sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        sock.setblocking(True)
        for parts in lists:
            ksft_eq(sock.sendmsg(parts, [], MSG_ZEROCOPY), sum(map(len, parts)))
        sock.setblocking(False)
        wait_for(lambda: reports.append(zerocopy_reports(sock)) or
                 sum(count for count, _ in reports) == len(lists), "all completions")

    got = transfer(cfg, ipver, send)
    ksft_true(got == b"".join(b"".join(parts) for parts in lists), "every byte")
    # The stack copies what can change under it before it computes a checksum itself
    if checksum_offload(cfg) and most_bufs(cfg) > FRAGMENTS:
        ksft_true(not any(copied for _, copied in reports), "nothing was copied")


@ksft_variants(most_telling(["4", "6"], "4"))
def sg_zerocopy_datagrams(cfg, ipver):
    """MSG_ZEROCOPY datagrams; the stack copies them itself unless the NIC does checksums."""
    require_sg(cfg)
    cfg.with_mtu(cfg.max_mtu())
    cfg.reachable(ipver)
    family, remote = family_of(cfg.remote_addr_v[ipver]), cfg.remote_addr_v[ipver]
    with socket.socket(family, socket.SOCK_DGRAM) as sender, \
            peer_socket(cfg.peer_ns, family, socket.SOCK_DGRAM) as receiver:
        receiver.bind((remote, 0))
        receiver.settimeout(10)
        sender.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        sender.connect(receiver.getsockname()[:2])
        for parts in piece_lists(user_pages()):
            sender.sendmsg(parts, [], MSG_ZEROCOPY)
            ksft_true(receiver.recv(65536) == b"".join(parts), f"{len(parts)} pieces")


@ksft_variants(most_telling(["1", "2", "7", "16", "17"], "2", "17"))
def sg_generated(cfg, frags):
    """Packets of a given number of fragments, also in bursts that share a doorbell."""
    require_sg(cfg)
    cfg.with_mtu(cfg.max_mtu())
    cfg.reachable()
    generator = Pktgen(cfg.ifname)
    with peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind((cfg.remote_addr_v["4"], 0))
        sink.settimeout(10)
        big_buffers(sink)
        addresses = (f"dst_mac {cfg.remote_dev['address']}", f"src_min {cfg.addr_v['4']}",
                     f"src_max {cfg.addr_v['4']}", f"dst {cfg.remote_addr_v['4']}",
                     f"udp_dst_min {sink.getsockname()[1]}",
                     f"udp_dst_max {sink.getsockname()[1]}", f"frags {frags}")
        # At least a byte for each fragment
        for size, burst in ((76, 1), (400, 1), (1514, 16), (cfg.max_mtu() + 14, 4)):
            sent = generator.run(*addresses, f"count {PACKETS}", f"pkt_size {size}",
                                 f"burst {burst}")
            ksft_ge(sent, PACKETS)
            for _ in range(sent):
                # Behind Ethernet, IP and UDP: a header of 16 bytes, then nothing but zeros
                data = sink.recv(65536)
                ksft_eq(len(data), size - 42)
                ksft_true(not any(data[16:]), f"{size} bytes, {frags} fragments: content")


def sg_long_fragments(cfg):
    """Super-packets with fragments beyond 16 KiB, the limit of one descriptor."""
    require_sg(cfg)
    features = ethtool(f"-k {cfg.ifname}", json=True)[0]
    if not features["tx-tcp-segmentation"]["active"]:
        raise KsftSkipEx("no segmentation offload, hence no packets beyond the MTU")
    os.makedirs("/tmp/wto-huge", exist_ok=True)
    cmd("mount -t tmpfs -o huge=always tmpfs /tmp/wto-huge")
    defer(cmd, "umount /tmp/wto-huge")
    content = random_bytes(4 << 20, seed=7)
    with open("/tmp/wto-huge/file", "w+b") as file:
        file.write(content)
        file.flush()
        got = transfer(cfg, "4", lambda s: s.sendfile(file, 0, len(content)))
    ksft_true(got == content, "what arrived is what was sent")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([sg_sendfile, sg_many_fragments, sg_zerocopy_stream, sg_zerocopy_datagrams,
                  sg_generated, sg_long_fragments],
                 args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
