# SPDX-License-Identifier: GPL-2.0-only
"""Wires to other processes: the stream format of QEMU, and TAP interfaces."""

import errno
import os
import shutil
import socket
import struct
import subprocess

import pytest

from niclib import frames
from niclib import virtchnl as vc
from niclib.driver import Port, Setup, Vport
from niclib.nic import binary, environment
from niclib.wait import readable, wait_for


@pytest.fixture(name="bring_up")
def _bring_up():
    """A function that makes a vport in operation on any NIC."""
    ports = []

    def make(nic, index=0, setup=None):
        port = Port(nic, index)
        ports.append(port)
        port.ready()
        port.negotiate()
        port.alloc_vectors()
        return Vport(port, setup).start()

    yield make
    for port in ports:
        port.close()


class Peer:
    """The far end of a stream."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(10)

    def send(self, *packets):
        """Send frames, all in one piece."""
        self.sock.sendall(b"".join(struct.pack(">I", len(packet)) + packet for packet in packets))

    def exactly(self, size):
        """Return so many bytes."""
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            assert more, "the NIC has closed the stream"
            data += more
        return data

    def recv(self):
        """Return the next frame."""
        return self.exactly(struct.unpack(">I", self.exactly(4))[0])

    def ended(self):
        """Wait until the NIC closes the stream."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def close(self):
        """Close the stream."""
        self.sock.close()


def link_is(nic, state, index=0):
    """Wait until the link of a port is up or down."""
    nic.settled(lambda ports: ports[index]["link"] is state, f"link {state}")


def event(vport):
    """Return the link state that the device told last."""
    return vc.EVENT.unpack(vport.port.mbx.event().data).link_status


@pytest.fixture(name="listening")
def _listening(make_nic, tmp_path):
    """A NIC that listens for a stream, and a function that connects to it."""
    path = f"{tmp_path}/wire.sock"
    nic = make_nic([""], ("--wire", f"stream:port0,listen=unix:{path}"))
    peers = []

    def connect():
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        peers.append(Peer(sock))
        return peers[-1]

    yield nic, connect
    for peer in peers:
        peer.close()


def test_both_ways(listening, bring_up):
    """Frames of all sizes in both directions; short ones are padded."""
    nic, connect = listening
    vport = bring_up(nic)
    assert event(vport) == 0
    peer = connect()
    assert event(vport) == 1
    for size in (14, 17, 59, 60, 1514, 9014, 9728):
        vport.send(frames.plain(max(size, 17)))
        assert peer.recv() == frames.padded(frames.plain(max(size, 17)))
        peer.send(frames.plain(size))
        assert vport.recv()[0].frame == frames.padded(frames.plain(size))
    wire = nic.control("stats")["wires"][0]
    assert wire["packets"] == 14 and wire["ports"] == ["port0"]


@pytest.fixture(name="hub")
def _hub(tmp_path):
    """QEMU without a machine: a hub between two streams, which it connects to."""
    program = shutil.which("qemu-system-x86_64")
    if not program:
        pytest.skip("no qemu-system-x86_64")
    started = []

    def connect(*paths):
        argv = [program, "-nodefaults", "-machine", "none", "-display", "none"]
        for number, path in enumerate(paths):
            argv += ["-netdev", f"stream,id=s{number},server=off,addr.type=unix,addr.path={path}",
                     "-netdev", f"hubport,id=h{number},hubid=0,netdev=s{number}"]
        with open(f"{tmp_path}/qemu.log", "wb") as log:
            started.append(subprocess.Popen(  # pylint: disable=consider-using-with
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        return started[-1]

    yield connect
    for process in started:
        process.kill()
        process.wait()


def test_qemu(make_nic, bring_up, hub, tmp_path):
    """QEMU's own streams at the far end: frames of all sizes, both ways; QEMU ends, links fall."""
    paths = [f"{tmp_path}/{number}.sock" for number in (0, 1)]
    nic = make_nic(["", ""], [arg for number, path in enumerate(paths)
                              for arg in ("--wire", f"stream:port{number},listen=unix:{path}")])
    one, two = (bring_up(nic, number) for number in (0, 1))
    qemu = hub(*paths)
    for number in (0, 1):
        link_is(nic, True, number)
    for size in (60, 61, 1514, 9014, 9728):
        packets = [frames.plain(size + number % 2 * (size < 9728)) for number in range(20)]
        for sender, receiver in ((one, two), (two, one)):
            for packet in packets:
                sender.txqs[0].put_frame(packet)
            sender.txqs[0].ring()
            assert [got.frame for got in receiver.recv(count=20)] == packets
            sender.complqs[0].take(20)
    qemu.kill()
    for number in (0, 1):
        link_is(nic, False, number)


def test_pieces(listening, bring_up):
    """Frames that come byte by byte, and many at once."""
    nic, connect = listening
    vport, peer = bring_up(nic), connect()
    packet = frames.plain(70)
    for byte in struct.pack(">I", len(packet)) + packet:
        peer.sock.sendall(bytes([byte]))
        nic.control("help")
    assert vport.recv()[0].frame == packet
    packets = [frames.plain(60 + number) for number in range(25)]
    peer.send(*packets)
    assert [got.frame for got in vport.recv(count=25)] == packets


def test_wrong_sizes(listening, bring_up):
    """Frames that are no Ethernet frames are dropped; what cannot be one ends the stream."""
    nic, connect = listening
    vport, peer = bring_up(nic), connect()
    peer.send(b"", bytes(13), bytes(9729), bytes(69632), frames.plain(64))
    assert vport.recv()[0].frame == frames.plain(64)
    assert nic.control("stats")["ports"][0]["wire"]["rx_dropped_error"] == 4
    peer.sock.sendall(struct.pack(">I", 69633))
    peer.ended()
    link_is(nic, False)
    peer = connect()
    peer.send(frames.plain(65))
    assert vport.recv()[0].frame == frames.plain(65)


def test_reconnect(listening, bring_up):
    """The link follows the connection; half a frame is forgotten."""
    nic, connect = listening
    vport = bring_up(nic)
    assert event(vport) == 0
    for number in range(3):
        peer = connect()
        assert event(vport) == 1
        peer.send(frames.plain(100 + number))
        peer.sock.sendall(b"\0\0\1")
        assert vport.recv()[0].frame == frames.plain(100 + number)
        peer.close()
        assert event(vport) == 0
        vport.send(frames.plain(60))


def test_slow_driver(listening, bring_up):
    """Frames wait for receive buffers; none is lost."""
    nic, connect = listening
    vport, peer = bring_up(nic, setup=Setup(buf_len=32, rx_len=256)), connect()
    packets = [frames.plain(1000, seed=number) for number in range(300)]
    for start in range(0, 300, 50):
        peer.send(*packets[start:start + 50])
        got = [packet.frame for packet in vport.recv(count=50)]
        assert got == packets[start:start + 50]
    assert nic.control("stats")["ports"][0]["wire"]["rx_dropped_no_buffer"] == 0


def test_peer_does_not_read(listening, bring_up):
    """A far end that reads late misses nothing at first; one that never reads stops nobody."""
    nic, connect = listening
    vport, peer = bring_up(nic), connect()
    link_is(nic, True)
    sent = 0
    while not nic.control("stats")["ports"][0]["wire"]["tx_dropped"]:
        vport.send(frames.plain(9000, seed=sent))
        sent += 1
        assert sent < 1000
    lost = nic.control("stats")["ports"][0]["wire"]["tx_dropped"]
    for number in range(sent - lost):
        assert peer.recv() == frames.plain(9000, seed=number)
    vport.send(frames.plain(99))
    assert peer.recv() == frames.plain(99)


@pytest.mark.parametrize("kind", ["unix", "tcp", "tcp6"])
def test_connects(make_nic, bring_up, tmp_path, kind):
    """The NIC connects, and again after the far end has gone and come back."""
    if kind == "unix":
        address = f"{tmp_path}/far.sock"
        server, spec = socket.socket(socket.AF_UNIX), f"unix:{address}"
    elif kind == "tcp":
        server, address, spec = socket.socket(), ("127.0.0.1", 0), "tcp:127.0.0.1:"
    else:
        server, address, spec = socket.socket(socket.AF_INET6), ("::1", 0), "tcp:[::1]:"
    with server:
        try:
            server.bind(address)
        except OSError as error:
            assert error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
            pytest.skip("no IPv6 here")
        if kind != "unix":
            spec += str(server.getsockname()[1])
        nic = make_nic([""], ("--wire", f"stream:port0,connect={spec}"))
        vport = bring_up(nic)
        assert event(vport) == 0
        server.listen()
        server.settimeout(10)
        for number in range(2):
            peer = Peer(server.accept()[0])
            assert event(vport) == 1
            peer.send(frames.plain(100 + number))
            assert vport.recv()[0].frame == frames.plain(100 + number)
            vport.send(frames.plain(200))
            assert peer.recv() == frames.plain(200)
            peer.close()
            assert event(vport) == 0


def test_two_ports(make_nic, bring_up, tmp_path):
    """Two ports joined by a stream carry a lot without loss."""
    spec = f"=unix:{tmp_path}/wire.sock"
    nic = make_nic(["", ""], ("--wire", f"stream:port0,listen{spec}",
                              "--wire", f"stream:port1,connect{spec}"))
    one, two = (bring_up(nic, index, Setup(buf_len=64, rx_len=256)) for index in (0, 1))
    link_is(nic, True)
    link_is(nic, True, 1)
    for start in range(0, 600, 30):
        for number in range(start, start + 30):
            one.txqs[0].put_frame(frames.plain(1800, seed=number))
        one.txqs[0].ring()
        one.complqs[0].take(30)
        got = [packet.frame for packet in two.recv(count=30)]
        assert got == [frames.plain(1800, seed=number) for number in range(start, start + 30)]


@pytest.mark.parametrize("spec", [
    "stream:port0", "stream:", "stream:port0,listen=", "stream:port0,listen=unix:",
    "stream:port0,connect=tcp:127.0.0.1", "stream:port0,connect=tcp:127.0.0.1:no-such-port",
    "stream:port0,listen=unix:/nonexistent/x", "stream:port9,connect=unix:/tmp/x",
    "stream:port0,listen=unix:/" + "x" * 200, "stream:port0,accept=unix:/tmp/x",
    "tap:port0", "tap:port0,", "tap:port0,averylonginterfacename", "tap:,x"])
def test_refused(spec, tmp_path):
    """Wrong wires are refused at the start."""
    result = subprocess.run([binary(), "--port", f"socket={tmp_path}/a", "--wire", spec],
                            env=environment(), capture_output=True, timeout=20, check=False)
    assert result.returncode == 2 and result.stderr


# TAP

@pytest.fixture(name="tap")
def _tap(make_nic):
    """A NIC on a TAP interface that is down, and its name."""
    name = f"wtotap{os.getpid() % 100000}"
    if os.geteuid() or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("needs root and /dev/net/tun")
    try:
        nic = make_nic([""], ("--wire", f"tap:port0,{name}"))
    except AssertionError:
        pytest.skip("TAP interfaces cannot be made here")
    try:
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
    except OSError:
        pass
    return nic, name


def test_tap(tap, bring_up):
    """Frames in both directions; while the interface is down they are lost."""
    nic, name = tap
    vport = bring_up(nic)
    vport.send(frames.plain(100))
    assert nic.control("stats")["ports"][0]["wire"]["tx_dropped"] == 1
    subprocess.run(["ip", "link", "set", name, "mtu", "9000", "up"], check=True)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5)) as sock:
        sock.bind((name, 0x88b5))
        sock.settimeout(10)
        for size in (60, 1514, 9000):
            vport.send(frames.plain(size))
            assert sock.recv(65536) == frames.plain(size)
            sock.send(frames.plain(size))
            got = wait_for(lambda: (packet := vport.rxqs[0].poll()) and packet.frame[12:14]
                           == frames.PLAIN_TYPE and packet, "a frame")
            assert got.frame == frames.plain(size)
        assert not readable(sock)
