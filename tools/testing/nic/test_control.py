# SPDX-License-Identifier: GPL-2.0-only
"""The control socket: its commands, and statistics that add up."""

import json
import pathlib
import socket

import pytest

from niclib import frames
from niclib.driver import Setup
from niclib.wait import wait_for


@pytest.fixture(name="line")
def _line(nic):
    """An open connection to the control socket, as a file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.connect(nic.control_path)
        with sock.makefile("rwb", buffering=0) as file:
            file.sock = sock
            yield file


def ask(line, command):
    """Send a command on an open connection; return the answer."""
    line.write(command.encode() + b"\n")
    return json.loads(line.readline())


def test_stats_shape(nic):
    """All that the documentation promises is there."""
    stats = nic.control("stats")
    assert [port["name"] for port in stats["ports"]] == ["port0", "port1"]
    for port in stats["ports"]:
        assert isinstance(port["link"], bool)
        for name in ("tx_packets", "tx_bytes", "rx_packets", "rx_bytes", "rx_dropped_no_buffer"):
            assert isinstance(port["wire"][name], int)
        assert isinstance(port["vports"], list)
        assert set(port["queues"]) >= {"tx", "rx"}
        assert port["errors"] and all(isinstance(n, int) for n in port["errors"].values())
    assert [wire["ports"] for wire in stats["wires"]] == [["port0", "port1"]]
    assert {"name", "packets", "bytes"} <= set(stats["wires"][0])


def test_ports(nic):
    """`ports` names the ports with their sockets and identities."""
    text = json.dumps(nic.control("ports"))
    for path in nic.paths:
        assert path in text
    for match in nic.started:
        assert match["mac"] in text
    assert {port["model"] for port in nic.control("ports")["ports"]} == {"split"}


def test_every_cause_of_transmit_is_tested(nic):
    """What is wrong with a packet has a test by the name of its counter."""
    tests = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    causes = [name for name in nic.control("stats")["ports"][0]["errors"]
              if name.startswith("tx_")]
    assert len(causes) > 10
    assert [name for name in causes if f'"{name}"' not in tests] == []


def test_help(nic):
    """`help` names all commands."""
    text = json.dumps(nic.control("help"))
    for command in ("stats", "ports", "link", "help", "quit"):
        assert command in text


def test_not_ascii(line):
    """The answer to bytes that are no text is JSON all the same."""
    line.write(b"link \xff\xfe up\n")
    assert "error" in json.loads(line.readline())
    assert "commands" in ask(line, "help")


def test_half_closed(line):
    """A client that shuts its side down gets all answers, even more than the socket holds."""
    count = 60
    line.write(b"stats\n" * count)
    line.sock.shutdown(socket.SHUT_WR)
    for _ in range(count):
        assert json.loads(line.readline())["ports"]
    assert not line.readline()


@pytest.mark.parametrize("command", [
    "wait", "wait port0 reset 1", "wait port9 reset 1 1", "wait port0 nonsense 1 1",
    "wait port0 reset x 1", "wait port0 reset 1 600001", "wait port0 reset 1 -1"])
def test_wait_refused(line, command):
    """What cannot be waited for is refused at once."""
    assert "error" in ask(line, command)


def test_wait_time(line):
    """When time is up there is an answer; one line after the other."""
    line.write(b"wait port0 wire-loss 1000000 30\nhelp\nwait port0 wire-loss 0 60000\n")
    answer = json.loads(line.readline())
    assert answer["name"] == "port0" and answer["fault"] == "wire-loss"
    assert answer["reached"] is False and answer["hits"] < 1000000
    assert "commands" in json.loads(line.readline())
    assert json.loads(line.readline())["reached"] is True


def test_wait_hits(nic, line, make_vport):
    """Two who wait for the same fault are told when it has struck as often as each wants."""
    one, two = make_vport(0), make_vport(1)
    assert nic.control("fault wire-loss=100@port0")
    before = nic.control("wait port0 wire-loss 0 0")["hits"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(20)
        sock.connect(nic.control_path)
        other = sock.makefile("rwb", buffering=0)
        other.write(f"wait port0 wire-loss {before + 3} 60000\n".encode())
        line.write(f"wait port0 wire-loss {before + 1} 60000\n".encode())
        one.send(frames.plain(100))
        assert json.loads(line.readline()) == {"name": "port0", "fault": "wire-loss",
                                               "hits": before + 1, "reached": True}
        one.send(frames.plain(100))
        one.send(frames.plain(100))
        assert json.loads(other.readline())["hits"] == before + 3
        # a client that goes while it waits
        other.write(f"wait port0 wire-loss {before + 4} 60000\n".encode())
        other.close()
    one.send(frames.plain(100))
    nic.control("fault wire-loss=off")
    assert nic.control("wait port0 wire-loss 0 0")["hits"] == before + 4
    one.send(frames.plain(100))
    assert two.recv()[0].frame == frames.plain(100)


def test_wait_one_leaves(nic, line, make_vport):
    """One of two who wait for a fault goes away; the other one is still told, by the strike."""
    one = make_vport(0)
    make_vport(1)
    assert nic.control("fault wire-loss=100@port0")
    before = nic.control("wait port0 wire-loss 0 0")["hits"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(nic.control_path)
        line.write(f"wait port0 wire-loss {before + 1} 60000\n".encode())
        # that it is answered shows that the NIC has read the line above
        assert "commands" in nic.control("help")
        sock.sendall(f"wait port0 wire-loss {before + 9} 60000\n".encode())
        assert "commands" in nic.control("help")
    # ... and that the other has gone
    assert "commands" in nic.control("help")
    one.send(frames.plain(100))
    nic.control("fault wire-loss=off")
    assert json.loads(line.readline())["reached"] is True


def test_rss(nic, make_vport):
    """`rss PORT` shows key and table as they were set."""
    vport = make_vport(0)
    key = bytes(range(vport.info.rss_key_size))
    vport.rss(key, [0] * vport.info.rss_lut_size)
    shown = nic.control("rss port0")["vports"]
    assert shown[0]["key"] == key.hex()
    assert shown[0]["lut"] == [0] * vport.info.rss_lut_size
    assert nic.control("rss port1")["vports"] == []
    assert "error" in nic.control("rss port7")


def test_several_commands(line):
    """Commands one after another on one connection."""
    for _ in range(20):
        assert "ports" in ask(line, "stats")
    assert ask(line, "help")


def test_pipelined(line):
    """Commands sent at once are all answered, one line each."""
    line.write(b"stats\nhelp\nstats\nports\n")
    answers = [json.loads(line.readline()) for _ in range(4)]
    assert "ports" in answers[0] and "ports" in answers[2]


def test_in_pieces(line):
    """A command may arrive byte by byte."""
    for byte in b"stats\n":
        line.write(bytes([byte]))
    assert "ports" in json.loads(line.readline())


@pytest.mark.parametrize("command", [
    "", " ", "nonsense", "stats now", "link", "link port0", "link port9 up", "link port0 sideways",
    "link port0 up now", "STATS", "\x01\x02", "{}", "link " + "x" * 200])
def test_bad_commands(line, command):
    """What is no command is answered by an error in JSON, and the next one works."""
    line.write(command.encode() + b"\n")
    line.write(b"stats\n")
    answers = [json.loads(line.readline())]
    if "wires" not in answers[0]:
        answers.append(json.loads(line.readline()))
        assert "error" in answers[0], answers[0]
    else:
        assert command.strip() in ("", "stats now"), f"{command!r} was taken for stats"
    assert "wires" in answers[-1]


def test_endless_line(nic, line):
    """A line without an end is not collected forever."""
    try:
        for _ in range(64):
            line.sock.sendall(b"x" * 65536)
    except OSError:
        pass
    assert "ports" in nic.control("stats")


def test_binary(nic, line):
    """Zeros and bytes above 127 do no harm."""
    line.write(bytes(range(256)) * 4 + b"\n")
    assert "ports" in nic.control("stats")


def test_client_that_goes(nic):
    """Clients that hang up at once, or before the answer, disturb nobody."""
    for text in (b"", b"sta", b"stats\n", b"stats\n" * 50):
        for _ in range(10):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.connect(nic.control_path)
                sock.sendall(text)
    assert "ports" in nic.control("stats")


def test_client_that_does_not_read(nic, line):
    """A client that asks and asks without reading does not hold up the NIC."""
    line.sock.settimeout(1)
    try:
        for _ in range(2000):
            line.sock.sendall(b"stats\n")
    except OSError:
        pass
    assert "ports" in nic.control("stats")


def test_many_clients(nic):
    """Several clients at a time."""
    socks = []
    for _ in range(10):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(10)
        sock.connect(nic.control_path)
        socks.append(sock)
    for sock in socks:
        sock.sendall(b"stats\n")
    for sock in socks:
        assert "ports" in json.loads(sock.makefile("rb").readline())
        sock.close()


def test_quit(make_nic):
    """`quit` ends the NIC as a signal does."""
    nic = make_nic()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(nic.control_path)
        sock.sendall(b"quit\n")
        sock.makefile("rb").read()
    assert nic.process.wait(10) == 0


def sums(port):
    """Return what the queues of a port say together."""
    return {(side, name): sum(queue[name] for queue in port["queues"][side])
            for side in ("tx", "rx") for name in ("packets", "bytes")}


def test_sums(make_vport):
    """Queues, vports, wire ends and the wire tell the same story."""
    one = make_vport(0, setup=Setup(pairs=4))
    two = make_vport(1, setup=Setup(pairs=2))
    nic = one.port.nic
    before = nic.control("stats")
    sizes = [60 + 37 * number for number in range(40)]
    for number, size in enumerate(sizes):
        one.send(frames.plain(size, two.mac), number % 4)
        two.recv()
        two.send(frames.plain(size, one.mac, seed=1), number % 2)
        one.recv()
    after = nic.control("stats")
    for index in (0, 1):
        start, end = before["ports"][index], after["ports"][index]
        for side in ("tx", "rx"):
            packets = end["wire"][f"{side}_packets"] - start["wire"][f"{side}_packets"]
            count = end["wire"][f"{side}_bytes"] - start["wire"][f"{side}_bytes"]
            assert (packets, count) == (40, sum(sizes))
            assert sums(end)[side, "packets"] - sums(start)[side, "packets"] == 40
            assert sums(end)[side, "bytes"] - sums(start)[side, "bytes"] == sum(sizes)
        vports = end["vports"]
        assert sum(vport["rx_packets"] for vport in vports) == 40
        assert sum(vport["tx_packets"] for vport in vports) == 40
    wire_before, wire_after = before["wires"][0], after["wires"][0]
    assert wire_after["packets"] - wire_before["packets"] == 80
    assert wire_after["bytes"] - wire_before["bytes"] == 2 * sum(sizes)


def test_doorbells(make_vport):
    """Doorbells are counted by queue: fewer than packets if the driver batches."""
    one = make_vport(0)
    make_vport(1)

    def queue():
        return next(entry for entry in one.port.stats()["queues"]["tx"]
                    if entry["id"] == one.txqs[0].ident)

    start = queue()
    for _ in range(10):
        for _ in range(5):
            one.txqs[0].put_frame(frames.plain(60))
        one.txqs[0].ring()
        one.complqs[0].take(5)
    end = queue()
    assert end["packets"] - start["packets"] == 50
    assert end["doorbells"] - start["doorbells"] == 10


def test_errors_are_named(make_vport):
    """An error counts under its own name and no other."""
    one = make_vport(0)
    before = one.port.stats()["errors"]
    one.port.wr32(one.txqs[0].tail_reg, 9999)
    wait_for(lambda: one.port.errors("tx_tail") > before["tx_tail"], "counted error")
    after = one.port.stats()["errors"]
    assert {name for name, count in after.items() if count != before[name]} == {"tx_tail"}
