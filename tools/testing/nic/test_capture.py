# SPDX-License-Identifier: GPL-2.0-only
"""The capture: pcapng as its specification says, and as tshark and Scapy read it."""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import time

import pytest
from scapy.utils import RawPcapNgReader

from niclib import frames
from niclib.driver import bring_up
from niclib.wait import TIMEOUT_S, readable, wait_for

SIZES = (60, 17, 61, 62, 63, 64, 1514, 9728)


def blocks(data):
    """Yield (type, body) of the blocks of a pcapng file."""
    offset = 0
    while offset < len(data):
        kind, length = struct.unpack_from("<II", data, offset)
        assert length % 4 == 0 and length >= 12 and offset + length <= len(data)
        assert struct.unpack_from("<I", data, offset + length - 4)[0] == length
        yield kind, data[offset + 8:offset + length - 4]
        offset += length


def options(data):
    """Return {code: value} of a list of options."""
    found = {}
    offset = 0
    while offset < len(data):
        code, length = struct.unpack_from("<HH", data, offset)
        if code == 0:
            break
        found[code] = data[offset + 4:offset + 4 + length]
        offset += 4 + -(-length // 4) * 4
    return found


def packets(path):
    """Return (names, resolutions, [(interface, time, data, original length, flags)])."""
    names, resolutions, found = [], [], []
    for number, (kind, body) in enumerate(blocks(path.read_bytes())):
        if number == 0:
            assert kind == 0x0a0d0d0a
            assert struct.unpack_from("<IHH", body) == (0x1a2b3c4d, 1, 0)
        elif kind == 1:
            assert struct.unpack_from("<H", body)[0] == 1, "link type"
            opts = options(body[8:])
            names.append(opts[2].decode())
            resolutions.append(opts.get(9, b"\6")[0])
        elif kind == 6:
            interface, high, low, size, original = struct.unpack_from("<IIIII", body)
            opts = options(body[20 + -(-size // 4) * 4:])
            flags = struct.unpack("<I", opts[2])[0] if 2 in opts else 0
            found.append((interface, high << 32 | low, body[20:20 + size], original, flags))
    return names, resolutions, found


@pytest.fixture(name="record")
def _record(make_nic, tmp_path):
    """A function that sends frames both ways and returns the capture's path and times."""
    def make(*args, ports=("", "")):
        path = tmp_path / "capture.pcapng"
        nic = make_nic(ports, ("--pcap", str(path), *args))
        links = [bring_up(nic, i) for i in (0, 1)]
        start = time.time_ns()
        for size in SIZES:
            links[0][1].send(frames.plain(size))
            assert links[1][1].recv()
            links[1][1].send(frames.plain(size, seed=0))
            assert links[0][1].recv()
        end = time.time_ns()
        for port, _ in links:
            port.close()
        nic.stop()
        return path, start, end

    return make


def test_content(record):
    """Interface names, nanoseconds, direction, order, and every byte."""
    path, start, end = record()
    names, resolutions, found = packets(path)
    assert names == ["port0", "port1"]
    assert resolutions == [9, 9]
    expected = []
    for size in SIZES:
        expected += [(0, frames.padded(frames.plain(size))),
                     (1, frames.padded(frames.plain(size, seed=0)))]
    assert [(interface, data) for interface, _, data, _, _ in found] == expected
    assert all(original == len(data) for _, _, data, original, _ in found)
    assert all(flags & 3 == 2 for *_, flags in found), "outbound"
    times = [stamp for _, stamp, *_ in found]
    assert times == sorted(times)
    assert start <= times[0] and times[-1] <= end


def test_received(record):
    """--pcap-rx records what arrives as well, marked as inbound."""
    path, _, _ = record("--pcap-rx")
    _, _, found = packets(path)
    assert len(found) == 4 * len(SIZES)
    for interface, flag in ((0, 1), (0, 2), (1, 1), (1, 2)):
        assert sum((i, flags & 3) == (interface, flag) for i, *_, flags in found) == len(SIZES)


def test_names(record):
    """Interfaces have the names of the ports."""
    path, _, _ = record(ports=("name=alice", "name=bob"))
    assert packets(path)[0] == ["alice", "bob"]


def test_scapy(record):
    """Scapy reads the file."""
    path, _, _ = record()
    reader = RawPcapNgReader(str(path))
    data = [packet for packet, _ in reader]
    reader.close()
    assert data[::2] == [frames.padded(frames.plain(size)) for size in SIZES]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark(record):
    """tshark reads the file without a complaint, with names and times."""
    path, start, end = record()
    result = subprocess.run(
        ["tshark", "-r", str(path), "-T", "json", "-e", "frame.interface_name", "-e",
         "frame.time_epoch", "-e", "frame.len", "-e", "frame.packet_flags_direction"],
        check=True, capture_output=True, text=True)
    found = [packet["_source"]["layers"] for packet in json.loads(result.stdout)]
    assert [layers["frame.interface_name"][0] for layers in found] == ["port0", "port1"] * 8
    assert [int(layers["frame.len"][0]) for layers in found[::2]] == [max(60, s) for s in SIZES]
    for layers in found:
        text = layers["frame.time_epoch"][0]
        if text.replace(".", "").isdigit():
            assert start / 1e9 - 1 <= float(text) <= end / 1e9 + 1


def test_flushed_while_running(make_nic, tmp_path):
    """Frames can be read from the file soon after they were sent."""
    path = tmp_path / "live.pcapng"
    nic = make_nic(args=("--pcap", str(path)))
    port, vport = bring_up(nic, 0)
    vport.send(frames.plain(200))

    def there():
        return frames.plain(200) in path.read_bytes()

    wait_for(there, "the frame in the file")
    assert len(packets(path)[2]) == 1
    port.close()


def test_no_traffic(make_nic, tmp_path):
    """A capture of nothing is a proper file."""
    path = tmp_path / "empty.pcapng"
    make_nic(args=("--pcap", str(path))).stop()
    assert packets(path) == (["port0", "port1"], [9, 9], [])


def test_full_disk(make_nic):
    """A full disk ends the capture and not the traffic, even if nobody reads the message."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write_end, b"x" * size)
    os.set_blocking(write_end, True)
    nic = make_nic(args=("--pcap", "/dev/full"), stderr=write_end)
    os.close(write_end)
    port, one = bring_up(nic, 0)
    other_port, two = bring_up(nic, 1)
    for number in range(100):
        one.send(frames.plain(100 + number))
        assert two.recv()[0].frame == frames.plain(100 + number)
    text = b""
    while b"capture to /dev/full stops: " not in text:
        assert readable(read_end, TIMEOUT_S), "no word of the end of the capture"
        text += os.read(read_end, 65536)
    port.close()
    other_port.close()
    nic.process.terminate()
    assert nic.process.wait(TIMEOUT_S) == 1
    while part := os.read(read_end, 65536):
        text += part
    assert b"the capture file is not complete" in text
    os.close(read_end)


def test_file_that_cannot_be_written(make_nic, tmp_path):
    """A capture that cannot be made is said at the start."""
    with pytest.raises(AssertionError, match="NIC ended with"):
        make_nic(args=("--pcap", str(tmp_path / "no" / "such" / "directory.pcapng")))
