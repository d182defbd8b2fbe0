# SPDX-License-Identifier: GPL-2.0-only
"""Packets as fast as the kernel can make them, from either port, in the background."""

import contextlib
import os
import random
import socket
import struct
import threading

from lib.py import NetNSEnter, cmd
from .traffic import peer_socket

# That of the thread which opens it
PKTGEN = "/proc/thread-self/net/pktgen"


def load_pktgen():
    """The kernel's packet generator, for every namespace; returns how to undo that."""
    cmd("modprobe pktgen")
    return lambda: cmd("rmmod pktgen")


# UDP over IPv4 whose id is no multiple of 4 is dropped: ldb 23, jeq 17, ldh 18, jset 3, ret 2
# (TC_ACT_SHOT), ret -1 (TC_ACT_UNSPEC)
SIEVE = "6,48 0 0 23,21 0 3 17,40 0 0 18,69 0 1 3,6 0 0 2,6 0 0 4294967295"


def sieve(ifname):
    """
    Of datagrams of a flood each fourth gets as far as IP, the others are dropped before it, after
    driver and GRO: what follows costs more than these.  Returns how to undo that.
    """
    cmd(f"tc qdisc add dev {ifname} clsact")
    cmd(["tc", "filter", "add", "dev", ifname, "ingress", "protocol", "ip", "bpf", "da",
         "bytecode", SIEVE])
    return lambda: cmd(f"tc qdisc del dev {ifname} clsact", fail=False)


class Flood:
    """
    UDP packets of random sizes and flows from one port to the other, until stopped.

    The generator ends when its port goes down or away; it is started again until there is a
    port.  What arrives at the other end and how is not looked at.

    @cpu: on which it runs, modulo what there is
    @mac: to whom instead of the other port, which then never sees the packets
    @burst: how often a packet is sent before the next one is made
    """

    def __init__(self, cfg, from_peer=False, sizes=(60, 1514), cpu=0, mac=None, burst=4):
        self._ifname, self._netns = cfg.ends()[1 if from_peer else 0]
        self._generator = f"kpktgend_{cpu % os.cpu_count()}"
        local, remote = cfg.addr_v["4"], cfg.remote_addr_v["4"]
        other = cfg.remote_dev["address"]
        if from_peer:
            local, remote, other = remote, local, cfg.dev["address"]
        self._settings = (
            "count 0", f"burst {burst}", f"min_pkt_size {sizes[0]}", f"max_pkt_size {sizes[1]}",
            "flag TXSIZE_RND", "flag UDPSRC_RND", "flag QUEUE_MAP_RND", "queue_map_max 15",
            "udp_src_min 1024", "udp_src_max 60000", "udp_dst_min 9", "udp_dst_max 9",
            f"dst_mac {mac or other}", f"src_min {local}", f"src_max {local}", f"dst {remote}")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def _namespace(self):
        if self._netns:
            with NetNSEnter(self._netns):
                yield
        else:
            yield

    def _write(self, name, *lines):
        for line in lines:
            with self._namespace(), open(f"{PKTGEN}/{name}", "w", encoding="ascii") as file:
                file.write(f"{line}\n")

    def _run(self):
        while not self._stopping.is_set():
            try:
                self._write(self._generator, "rem_device_all", f"add_device {self._ifname}")
                self._write(self._ifname, *self._settings)
                self._write("pgctrl", "start")
            except OSError:
                # the port is away: once more, but not without a rest
                self._stopping.wait(0.2)

    def stop(self):
        """Ends the flood."""
        self._stopping.set()
        while self._thread.is_alive():
            # whether it comes too early, for a start that is under way, does not show
            self._try("pgctrl", "stop")
            self._thread.join(0.3)
        self._try(self._generator, "rem_device_all")

    def _try(self, name, line):
        with contextlib.suppress(OSError):
            self._write(name, line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class SegmentFlood:
    """
    UDP datagrams from the peer's port to ours, many with each system call: the port at the
    other end makes them of one packet (UDP segmentation).  Lengths and flows are random; nobody
    reads what arrives.

    @mtu: of both ports; packets have any length up to it
    """

    FLOWS = 16
    SEGMENTS = 64
    # Most bytes of one packet, less than an IP packet can have
    BYTES = 60000
    # Not in Python's socket module
    SOL_UDP, UDP_SEGMENT = 17, 103

    def __init__(self, cfg, mtu, seed=1):
        self._random = random.Random(seed)
        self._largest = mtu - 28
        self._data = self._random.randbytes(self.BYTES)
        self._sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        self._sink.bind((cfg.addr_v["4"], 0))
        self._target = self._sink.getsockname()
        self._socks = [self._make_source(cfg) for _ in range(self.FLOWS)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _make_source(cfg):
        sock = peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((cfg.remote_addr_v["4"], 0))
        # a packet or two in the queue of the port are enough
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * SegmentFlood.BYTES)
        return sock

    def _send(self):
        # short ones more often: what a packet costs does not depend on its length
        size = 18 + int((self._largest - 17) * self._random.random() ** 3)
        total = min(size * self.SEGMENTS, self.BYTES // size * size)
        ancillary = [(self.SOL_UDP, self.UDP_SEGMENT, struct.pack("=H", size))]
        self._random.choice(self._socks).sendmsg([memoryview(self._data)[:total]], ancillary, 0,
                                                 self._target)

    def _run(self):
        while not self._stopping.is_set():
            try:
                self._send()
            except OSError:
                # the port is away: once more, but not without a rest
                self._stopping.wait(0.2)

    def stop(self):
        """Ends the flood."""
        self._stopping.set()
        for sock in self._socks:
            # whoever waits for room in a port that does not get on
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        for sock in (self._sink, *self._socks):
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
