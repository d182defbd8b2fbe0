# SPDX-License-Identifier: GPL-2.0-only
"""Traffic between the two ports that checks every byte it gets."""

import functools
import random
import select
import socket
import struct
import threading
import time

from lib.py import NetNSEnter
from .wait import wait_for

BLOCK = 65536

# Not in Python's socket module; like SO_RCVBUF and SO_SNDBUF, without the system's limit
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33


def random_bytes(count, seed=1):
    """Reproducible noise."""
    return random.Random(seed).randbytes(count)


def peer_socket(netns, *args):
    """A socket that lives in the peer's namespace; usable from everywhere."""
    with NetNSEnter(netns):
        return socket.socket(*args)


# What is wanted of struct tcp_info
TCP_INFO_BACKOFF = 4
TCP_INFO_BYTES_ACKED = 120


def wait_progress(flows, what, deadline=60):
    """Waits until each of the flows has gone on from where it is now, or met an error."""
    for flow, mark in [(flow, flow.progress()) for flow in flows]:
        wait_for(lambda f=flow, m=mark: f.errors or f.progress() > m,
                 f"{type(flow).__name__} to go on {what}", deadline)


def big_buffers(sock, size=8 << 20):
    """Makes room for everything that is under way, so that the socket drops nothing."""
    for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
        sock.setsockopt(socket.SOL_SOCKET, option, size)


def family_of(address):
    """AF_INET or AF_INET6."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Flow:
    """
    Traffic that runs in the background until it is stopped.

    Its jobs are threads; each of them ends soon after _stopping is set.
    """

    # Seconds that a job may need to end
    PATIENCE = 30

    def __init__(self):
        self.sent = self.received = 0
        self.errors = []
        self._stopping = threading.Event()
        self._sockets = []
        self._threads = []

    def _start(self, jobs, *sockets):
        """Starts the jobs; the sockets are closed when all of them have ended."""
        self._sockets = sockets
        self._threads = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in self._threads:
            thread.start()

    def progress(self):
        """How much arrived so far."""
        return self.received

    def stop(self):
        """Ends the traffic; returns how much arrived."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(self.PATIENCE)
        for sock in self._sockets:
            sock.close()
        return self.received

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class TcpStream(Flow):
    """
    One TCP connection that runs in the background until it is stopped.

    The sender repeats a random block, the receiver compares each byte.  The stream
    starts in our namespace, or with @from_peer in the peer's.
    """

    PATIENCE = 150

    def __init__(self, cfg, ipver="4", from_peer=False):
        super().__init__()
        local, remote = cfg.addr_v[ipver], cfg.remote_addr_v[ipver]
        family = family_of(local)
        here = socket.socket(family, socket.SOCK_STREAM)
        there = peer_socket(cfg.peer_ns, family, socket.SOCK_STREAM)
        listener, self._sender = (here, there) if from_peer else (there, here)
        with listener:
            listener.bind((local if from_peer else remote, 0))
            listener.listen(1)
            self._sender.settimeout(20)
            self._sender.connect(listener.getsockname()[:2])
            self._receiver, _ = listener.accept()
        self._receiver.settimeout(120)
        self._block = random_bytes(BLOCK)
        self._start([functools.partial(self._guard, job) for job in (self._send, self._receive)],
                    self._sender, self._receiver)

    def _guard(self, job):
        try:
            job()
        except OSError as error:
            self.errors.append(f"{job.__name__}: {error}")

    def _send(self):
        self._sender.settimeout(120)
        while not self._stopping.is_set():
            self._sender.sendall(self._block)
            self.sent += BLOCK
        self._sender.shutdown(socket.SHUT_WR)

    def _receive(self):
        expected = memoryview(self._block + self._block)
        buffer = bytearray(BLOCK)
        view = memoryview(buffer)
        while True:
            count = self._receiver.recv_into(buffer)
            if not count:
                return
            start = self.received % BLOCK
            if view[:count] != expected[start:start + count]:
                self.errors.append(f"wrong bytes after {self.received}")
            self.received += count

    def progress(self):
        """
        Bytes that the receiver's kernel has acknowledged, 0 while retransmissions are
        postponed more and more: what its program reads may have arrived long before.
        """
        info = self._sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        if info[TCP_INFO_BACKOFF]:
            return 0
        return struct.unpack_from("=Q", info, TCP_INFO_BYTES_ACKED)[0]

    def stop(self):
        """Ends the stream, waits for its last byte; returns the bytes that arrived."""
        super().stop()
        if not self.errors and self.sent != self.received:
            self.errors.append(f"sent {self.sent} bytes, received {self.received}")
        return self.received


class EchoTraffic(Flow):
    """
    UDP request and reply over several flows in the background, whatever happens.

    Lost datagrams and unreachable routes are normal while a port goes down, and so are late
    replies.  A reply that this flow did not ask for, or whose content is not what was sent under
    its number, is not, nor is one that comes twice unless @repeats says that it may.

    Of what was sent each datagram has another content.
    """

    # Datagrams of all flows together that are under way
    WINDOW = 32
    # Flow and number, in front of noise that begins somewhere else for each of them
    HEAD = struct.Struct("!HI")
    SHIFTS = 4093

    def __init__(self, cfg, size=1000, ipver="4", repeats=False):
        super().__init__()
        self.repeated = 0
        self._repeats = repeats
        # The in-tree driver starts its queues after a change and does not wake them: what waits
        # in a queueing discipline stays there until something else is sent by that queue.
        # There, so many flows that each queue has some.
        flows = 32 if cfg.driver == "idpf" else 4
        self._window = self.WINDOW // flows
        self._cfg = cfg
        self._remote = cfg.remote_addr_v[ipver]
        family = family_of(self._remote)
        self._size = size - self.HEAD.size
        self._noise = random_bytes(self._size + self.SHIFTS, seed=2)
        self._server = peer_socket(cfg.peer_ns, family, socket.SOCK_DGRAM)
        # Wildcard addresses: the ports lose theirs while a module is reloaded
        self._server.bind(("", 0))
        self._clients = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(flows)]
        self._next = [0] * flows
        self._awaited = [set() for _ in range(flows)]
        self._start((self._serve, self._ask), self._server, *self._clients)

    def fill_queues(self):
        """Sockets may keep so much under way that a queue that gets stuck is full soon."""
        for sock in self._clients:
            big_buffers(sock)

    def _serve(self):
        self._server.settimeout(0.1)
        while not self._stopping.is_set():
            try:
                data, address = self._server.recvfrom(BLOCK)
                self._server.sendto(data, address)
            except OSError:
                continue

    def _content(self, flow, number):
        start = (number * 31 + flow * 1009) % self.SHIFTS
        return self.HEAD.pack(flow, number) + self._noise[start:start + self._size]

    def _ask(self):
        target = (self._remote, self._server.getsockname()[1])
        poll = select.poll()
        by_fd = {sock.fileno(): flow for flow, sock in enumerate(self._clients)}
        for sock in self._clients:
            sock.setblocking(False)
            poll.register(sock, select.POLLIN)
        while not self._stopping.is_set():
            for flow in range(len(self._clients)):
                self._send_window(flow, target)
            # What was not answered by then is lost, or late; ask for more
            for fd, _ in poll.poll(50):
                self._collect(by_fd[fd])

    def _send_window(self, flow, target):
        for _ in range(self._window):
            number = self._next[flow]
            try:
                self._clients[flow].sendto(self._content(flow, number), target)
            except OSError:
                return
            self._awaited[flow].add(number)
            self._next[flow] = number + 1
            self.sent += 1

    def _collect(self, flow):
        end = time.monotonic() + 0.05
        sock = self._clients[flow]
        for _ in range(self._window):
            try:
                if not select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
                    return
                data = sock.recv(BLOCK)
            except OSError:
                return
            self._judge(flow, data)

    def _judge(self, flow, data):
        """Counts a reply, if it is one."""
        if len(data) < self.HEAD.size:
            self.errors.append(f"a reply of {len(data)} bytes")
            return
        ident, number = self.HEAD.unpack_from(data)
        if ident != flow or number >= self._next[flow]:
            self.errors.append(f"flow {flow}: a reply to number {number} of flow {ident}, "
                               "which was not asked for")
        elif data != self._content(flow, number):
            self.errors.append(f"flow {flow}: the reply to number {number} has wrong content")
        elif number in self._awaited[flow]:
            self._awaited[flow].remove(number)
            self.received += 1
        else:
            self.repeated += 1
            if not self._repeats:
                self.errors.append(f"flow {flow}: the reply to number {number} came again")
