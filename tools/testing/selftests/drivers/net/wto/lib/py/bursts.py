# SPDX-License-Identifier: GPL-2.0-only
"""A counted burst of datagrams over many flows, for tests that compare counters."""

import os
import socket

from .traffic import big_buffers, family_of, peer_socket, random_bytes


class Burst:
    """
    @flows sockets send to one that counts, in rounds, from every CPU in turn.

    A driver may choose its transmit queue by flow or by CPU; this gives it both.
    """

    def __init__(self, cfg, flows=64, size=200, ipver="4", from_peer=False):
        local, remote = cfg.addr_v[ipver], cfg.remote_addr_v[ipver]
        here = (lambda *args: peer_socket(cfg.peer_ns, *args)) if from_peer else socket.socket
        there = socket.socket if from_peer else (lambda *args: peer_socket(cfg.peer_ns, *args))
        args = (family_of(local), socket.SOCK_DGRAM)
        self.sink = there(*args)
        self.sink.bind((local if from_peer else remote, 0))
        big_buffers(self.sink)
        self.sink.settimeout(10)
        self.senders = [here(*args) for _ in range(flows)]
        self.payload = random_bytes(size, seed=3)

    def run(self, rounds=2):
        """Returns (datagrams sent, datagrams that arrived as sent)."""
        target = self.sink.getsockname()[:2]
        allowed = os.sched_getaffinity(0)
        good = 0
        try:
            for number in range(rounds):
                for cpu in sorted(allowed):
                    os.sched_setaffinity(0, {cpu})
                    good += self._round(target, number)
        finally:
            os.sched_setaffinity(0, allowed)
        return rounds * len(allowed) * len(self.senders), good

    def _round(self, target, number):
        data = self.payload + bytes([number & 0xff])
        for sock in self.senders:
            sock.sendto(data, target)
        return sum(self.sink.recv(65536) == data for _ in self.senders)

    def close(self):
        """Closes all sockets."""
        for sock in (self.sink, *self.senders):
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
