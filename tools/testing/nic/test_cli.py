# SPDX-License-Identifier: GPL-2.0-only
"""The command line: help, options that are wrong, start lines, signals, sockets in use."""

import fcntl
import os
import signal
import socket
import subprocess

import pytest

from niclib import frames
from niclib.driver import Port, bring_up
from niclib.nic import SANITIZER, Nic, binary, environment
from niclib.virtchnl import Op
from niclib.wait import readable


def run(*args):
    """Run idpf-nic until its end."""
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=20,
                          check=False, env=environment(), stdin=subprocess.DEVNULL)


def test_help():
    """--help names every option and succeeds."""
    result = run("--help")
    assert result.returncode == 0
    for option in ("--port", "--wire", "--pcap", "--pcap-rx", "--control", "--grant",
                   "--model", "--verbose", "--trace", "--help"):
        assert option in result.stdout, option
    assert not SANITIZER.search(result.stderr)


def test_version():
    """--version names the program."""
    result = run("--version")
    assert result.returncode == 0 and "idpf-nic" in result.stdout


PATH = "socket=/tmp/never-made.sock"


@pytest.mark.parametrize("args", [
    (), ("--nonsense",), ("extra",), ("--port",), ("--port", ""), ("--port", "nonsense"),
    ("--port", "name=x"), ("--port", PATH + ",nonsense=1"), ("--port", PATH + ",nonsense"),
    ("--port", PATH + ",id=xf"), ("--port", PATH + ",id="), ("--port", PATH + ",mac=1:2:3"),
    ("--port", PATH + ",mac=02:00:00:00:00:0g"), ("--port", PATH + ",mac=02:00:00:00:00:00:00"),
    ("--port", PATH + ",mac=01:00:00:00:00:01"), ("--port", PATH + ",mac=00:00:00:00:00:00"),
    ("--port", PATH + ",queues=0"), ("--port", PATH + ",queues=17"),
    ("--port", PATH + ",queues=-1"), ("--port", PATH + ",queues=4x"),
    ("--port", PATH + ",queues="), ("--port", PATH + ",queues=99999999999999999999"),
    ("--port", PATH + ",mtu=0"), ("--port", PATH + ",mtu=9707"), ("--port", PATH + ",mtu=100000"),
    ("--port", PATH + ",vports=0"), ("--port", PATH + ",vports=1000"),
    ("--port", PATH + ",model="), ("--port", PATH + ",model=double"),
    ("--port", PATH + ",deny="), ("--port", PATH + ",deny=nonsense"),
    ("--port", PATH + ",deny=rss+"), ("--port", PATH + ",deny=rss,lso"),
    ("--port", PATH, "--deny", "nonsense"), ("--port", PATH, "--deny", "rss+lso"),
    ("--port", PATH, "--deny", ""),
    ("--port", PATH, "--model", "double"), ("--port", PATH, "--model", ""),
    ("--port", PATH + ",name="), ("--port", PATH + ",name=" + "x" * 300),
    ("--port", "socket=" + "/x" * 100), ("--port", "socket="),
    ("--port", PATH, "--port", PATH), ("--port", PATH, "--port", PATH + "2,name=port0"),
    ("--port", PATH, "--wire", "nonsense"), ("--port", PATH, "--wire", "pair:port0"),
    ("--port", PATH, "--wire", "pair:port0,port7"), ("--port", PATH, "--wire", "pair:port0,port0"),
    ("--port", PATH, "--wire", "pair:port0,port0,port0"),
    ("--port", PATH, "--grant", "nonsense"), ("--port", "socket=/nonexistent/dir/x.sock"),
    ("--port", PATH, "--control", "/nonexistent/dir/control.sock")], ids=" ".join)
def test_bad_options(args):
    """Options that are wrong: a message that is no riddle, a status of not 0, nothing left."""
    result = run(*args)
    assert 0 < result.returncode < 64 or result.returncode == 64
    assert result.stderr.strip(), "no message"
    assert result.stdout == ""
    assert not SANITIZER.search(result.stderr), result.stderr
    assert not os.path.lexists("/tmp/never-made.sock")


def test_two_wires_on_a_port(tmp_path):
    """A port cannot be on two wires."""
    ports = [arg for i in range(3) for arg in ("--port", f"socket={tmp_path}/{i}.sock")]
    result = run(*ports, "--wire", "pair:port0,port1", "--wire", "pair:port1,port2")
    assert result.returncode and result.stderr
    assert not list(tmp_path.iterdir())


def test_table_size(make_nic):
    """--port lut= is what drivers are told."""
    nic = make_nic(("lut=512",))
    port, vport = bring_up(nic, 0)
    assert vport.info.rss_lut_size == 512
    port.close()


def test_start_lines(make_nic):
    """Exactly one line per port, with what was asked for or the defaults."""
    nic = make_nic(("", "name=b,id=vf,mac=02:00:00:00:00:09,queues=3", "id=class"))
    lines = [match.groupdict() for match in nic.started]
    assert [line["name"] for line in lines] == ["port0", "b", "port2"]
    assert [line["kind"] for line in lines] == ["pf", "vf", "class"]
    assert [line["mac"] for line in lines] == \
        ["02:1d:bf:00:00:01", "02:00:00:00:00:09", "02:1d:bf:00:00:03"]
    assert [line["queues"] for line in lines] == ["16", "3", "16"]
    assert [line["path"] for line in lines] == nic.paths
    for index in range(3):
        nic.connect(index).close()
    assert not readable(nic.process.stdout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals(make_nic, number):
    """Ended by a signal: status 0 and no socket left (checked by stop())."""
    make_nic().stop(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_under_traffic(make_nic, number):
    """The same while a driver sends."""
    nic = make_nic()
    port, vport = bring_up(nic, 0)
    other, _ = bring_up(nic, 1)
    for _ in range(60):
        vport.txqs[0].put_frame(frames.plain(9000))
    vport.txqs[0].ring()
    nic.stop(number)
    port.close()
    other.close()


def test_socket_in_use(make_nic):
    """A second NIC does not take the sockets of the first one away."""
    nic = make_nic()
    result = run("--port", f"socket={nic.paths[0]}")
    assert result.returncode and nic.paths[0] in result.stderr
    client = nic.connect()
    assert client.info()
    client.close()


def test_stale_socket(tmp_path):
    """The socket of a NIC that was killed is taken over."""
    first = Nic(tmp_path)
    first.process.kill()
    first.process.wait()
    assert os.path.exists(first.paths[0])
    first.kill()
    second = Nic(tmp_path)
    second.connect().close()
    second.stop()


def test_file_in_the_way(tmp_path):
    """A file that is no socket is not removed."""
    path = tmp_path / "precious"
    path.write_text("data", encoding="ascii")
    for args in (("--port", f"socket={path}"),
                 ("--port", f"socket={tmp_path}/p.sock", "--control", str(path))):
        assert run(*args).returncode
        assert path.read_text(encoding="ascii") == "data"
    assert os.listdir(tmp_path) == ["precious"]


def test_many_ports(make_nic):
    """Sixteen ports in a process."""
    nic = make_nic([""] * 16)
    assert len(nic.control("stats")["wires"]) == 8
    for index in (0, 7, 15):
        client = nic.connect(index)
        assert client.info()
        client.close()


def test_closed_stdout(tmp_path):
    """Nobody reads the start lines: the NIC works all the same."""
    path = tmp_path / "nic.sock"
    read_end, write_end = os.pipe()
    os.close(read_end)
    with subprocess.Popen([binary(), "--port", f"socket={path}"], stdout=write_end,
                          stderr=subprocess.PIPE, env=environment()) as process:
        os.close(write_end)
        try:
            status = process.wait(1)
        except subprocess.TimeoutExpired:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.connect(str(path))
            process.terminate()
            status = process.wait(20)
        text = process.stderr.read().decode()
    assert status >= 0, f"killed by signal {-status}"
    assert not SANITIZER.search(text)
    assert not path.exists()


@pytest.mark.parametrize("option", ["--verbose", "--trace"])
def test_reports(make_nic, option):
    """Reports name the port and what was wrong, and are limited in number."""
    nic = make_nic(args=(option,))
    port, vport = bring_up(nic, 0)
    for number in range(3000):
        port.wr32(vport.txqs[0].tail_reg, 5000 + number)
    port.flush()
    with port.counted("tx_tail"):
        port.wr32(vport.txqs[0].tail_reg, 5000)
    port.close()
    nic.stop()
    text = nic.errors()
    assert "port0" in text
    lines = [line for line in text.splitlines() if "tail" in line]
    assert 1 <= len(lines) < 1000


def test_reports_that_nobody_reads(make_nic):
    """A full pipe behind stderr holds up neither messages nor the end; lost lines are told."""
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    nic = make_nic(args=("--trace",), stderr=write_end)
    os.close(write_end)
    port = Port(nic, 0)
    port.ready()
    mbx = port.start_mailbox()
    for _ in range(600):
        mbx.call(Op.VERSION, b"\2" + bytes(7))
    text = b""
    while b"lines lost" not in text:
        assert readable(read_end, 5.0), "no word of the lost lines"
        text += os.read(read_end, 65536)
        mbx.call(Op.VERSION, b"\2" + bytes(7))
    for _ in range(600):
        mbx.call(Op.VERSION, b"\2" + bytes(7))
    port.close()
    nic.stop()
    os.close(read_end)


def test_connections_without_descriptors(make_nic):
    """With no descriptor left, connections are closed instead of being kept waiting."""
    nic = make_nic()
    nic.limit_descriptors(max(nic.descriptors()) + 1)
    for path in (nic.control_path, *nic.paths):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(path)
            assert client.recv(1) == b""
    nic.limit_descriptors(100)
    assert nic.control("ports")
