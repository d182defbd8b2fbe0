#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Echo requests of every size from 0 to 9000 bytes, in both address families, at the default
MTU (fragments) and at the largest (one frame each); each byte of each reply is compared.
Without WTO_TEST_FULL every fifth size, other ones for the other address family.
"""

import os
import select
import socket
import struct

from lib.py import KsftNamedVariant, WtoEnv, cmd, ksft_eq, ksft_exit, ksft_pr, ksft_run, \
    ksft_variants
from lib.py.env import checked_ping
from lib.py.thorough import FULL
from lib.py.traffic import big_buffers

MAX_SIZE = 9000
STEP = 1 if FULL else 5
ECHO_HEADER = struct.Struct("!BBHHH")
ECHO_REQUEST = {"4": 8, "6": 128}

# Requests on their way at a time; bytes of them.  The peer's kernel answers from a socket that
# holds some 128 KiB, overhead included, and drops what does not fit.
WINDOW = 24
WINDOW_BYTES = 24 * 1024
REPLY_S = 10


class EchoSizes:
    """Sends one echo request of each size, the sequence number being the size."""

    def __init__(self, cfg, ipver):
        family, proto = ((socket.AF_INET6, socket.IPPROTO_ICMPV6) if ipver == "6" else
                         (socket.AF_INET, socket.IPPROTO_ICMP))
        self.request = ECHO_REQUEST[ipver]
        self.sock = socket.socket(family, socket.SOCK_DGRAM, proto)
        big_buffers(self.sock)
        self.sock.connect((cfg.remote_addr_v[ipver], 0))
        self.noise = memoryview(os.urandom(2 * MAX_SIZE + 2))
        self.waiting = {}
        self.wrong = []

    def payload(self, size):
        """Differs from size to size from the first byte on."""
        return self.noise[size:2 * size]

    def send(self, size):
        """One request."""
        header = ECHO_HEADER.pack(self.request, 0, 0, 0, size)
        self.sock.send(b"".join((header, self.payload(size))))
        self.waiting[size] = size

    def receive(self):
        """One reply; False if none comes."""
        if not select.select([self.sock], [], [], REPLY_S)[0]:
            return False
        data = memoryview(self.sock.recv(65536))
        size = ECHO_HEADER.unpack_from(data)[4]
        if self.waiting.pop(size, None) is None:
            self.wrong.append(f"{size}: answered twice, or never asked")
        elif data[ECHO_HEADER.size:] != self.payload(size):
            self.wrong.append(f"{size}: wrong payload of {len(data) - ECHO_HEADER.size} bytes")
        return True

    def run(self, sizes):
        """Returns the sizes that had no answer, and what was wrong with the others."""
        for size in sizes:
            self.send(size)
            while len(self.waiting) >= WINDOW or sum(self.waiting) > WINDOW_BYTES:
                if not self.receive():
                    return sorted(self.waiting), self.wrong
        while self.waiting and self.receive():
            pass
        return sorted(self.waiting), self.wrong


def discarded(cfg, ipver):
    """Packets that the peer's stack itself threw away before they reached its device."""
    if ipver == "6":
        lines = cmd("cat /proc/net/snmp6", host=cfg.remote).stdout.splitlines()
        return int(dict(line.split() for line in lines)["Ip6OutDiscards"])
    names, values = [line.split() for line in
                     cmd("cat /proc/net/snmp", host=cfg.remote).stdout.splitlines()
                     if line.startswith("Ip:")]
    return int(dict(zip(names, values))["OutDiscards"])


def every_size(cfg, ipver, mtu):
    """Sizes up to 9000, each once, with checked payload."""
    cfg.require_ipver(ipver)
    mtu = mtu or cfg.max_mtu()
    cfg.with_mtu(mtu)
    cfg.set_sysctl("net.ipv4.ping_group_range", "0\t0")
    cfg.reachable(ipver)
    before = discarded(cfg, ipver)
    echo = EchoSizes(cfg, ipver)
    with echo.sock:
        sizes = range(0 if ipver == "4" else STEP // 2, MAX_SIZE + 1, STEP)
        lost, wrong = echo.run(sizes)
    ksft_pr(f"MTU {mtu}: {len(sizes) - len(lost)} sizes answered at once")
    # The peer's socket for answers may be full while its completions are slow; a loss that
    # the peer's stack does not own up to is one too many.
    ksft_eq(len(lost), discarded(cfg, ipver) - before, f"sizes without an answer: {lost}")
    for size in lost:
        echo = EchoSizes(cfg, ipver)
        with echo.sock:
            again, more = echo.run([size])
        wrong += more
        ksft_eq(again, [], "no answer to a single request either")
    ksft_eq(wrong, [], "wrong answers")


@ksft_variants([KsftNamedVariant(f"v{ipver}_mtu_{mtu or 'max'}", ipver, mtu)
                for mtu in (1500, 0) for ipver in ("4", "6")])
def ping_every_size(cfg, ipver, mtu):
    """Every size, for both families, with and without fragments."""
    every_size(cfg, ipver, mtu)


@ksft_variants(["4", "6"])
def ping_program(cfg, ipver):
    """The ping program checks its pattern itself, from both sides, up to the longest packet."""
    cfg.require_ipver(ipver)
    cfg.reachable(ipver)
    longest = 65507 if ipver == "4" else 65527
    for size in (0, 1, 56, 1452, 1472, 1473, 8972, 65000, longest):
        for host, addr in ((None, cfg.remote_addr_v[ipver]), (cfg.remote, cfg.addr_v[ipver])):
            checked_ping(addr, 3, size, host)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([ping_every_size, ping_program], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
