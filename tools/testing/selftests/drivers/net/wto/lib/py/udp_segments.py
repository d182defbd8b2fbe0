# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams sent many at a time (UDP_SEGMENT); each must arrive, alone, in order, unchanged."""

import socket

from .traffic import Flow, big_buffers, family_of, peer_socket, random_bytes

UDP_SEGMENT = 103
SIZE = 1300
BURST = 30
# Bursts under way at a time
WINDOW = 4


class UdpSegments(Flow):
    """
    Bursts from our port to the peer's, in the background, until they are stopped.

    Each datagram begins with its number.  A burst follows when an earlier one has arrived, or is
    taken to be lost.
    """

    def __init__(self, cfg, ipver="4"):
        super().__init__()
        self.lost = 0
        family = family_of(cfg.remote_addr_v[ipver])
        self._data = random_bytes(SIZE * BURST, seed=4)
        self._there = peer_socket(cfg.peer_ns, family, socket.SOCK_DGRAM)
        self._there.bind((cfg.remote_addr_v[ipver], 0))
        self._there.settimeout(2)
        self._here = socket.socket(family, socket.SOCK_DGRAM)
        for sock in (self._there, self._here):
            big_buffers(sock)
        self._here.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
        self._here.connect(self._there.getsockname()[:2])
        self._start([self._run], self._here, self._there)

    def _datagram(self, number):
        at = number % BURST * SIZE
        return number.to_bytes(8, "big") + self._data[at + 8:at + SIZE]

    def _send_burst(self):
        self._here.send(b"".join(self._datagram(self.sent + k) for k in range(BURST)))
        self.sent += BURST

    def _receive_one(self):
        wanted = self.received + self.lost
        got = self._there.recv(65536)
        number = int.from_bytes(got[:8], "big")
        if not wanted <= number < self.sent or got != self._datagram(number):
            self.errors.append(f"datagram {wanted}: {len(got)} bytes, number {number}")
            return
        self.lost += number - wanted
        self.received += 1

    def _run(self):
        try:
            while not self.errors:
                while not self._stopping.is_set() and self._under_way() <= (WINDOW - 1) * BURST:
                    self._send_burst()
                if not self._under_way():
                    return
                self._receive_some()
        except OSError as error:
            self.errors.append(str(error))

    def _under_way(self):
        return self.sent - self.received - self.lost

    def _receive_some(self):
        try:
            for _ in range(min(BURST, self._under_way())):
                self._receive_one()
        except TimeoutError:
            self.lost = self.sent - self.received
