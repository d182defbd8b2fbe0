# SPDX-License-Identifier: GPL-2.0-only
"""VERSION: the first message of a connection, and what must not come before it."""

import json
import os
import signal
import struct

import pytest

from niclib import vfu as v


@pytest.fixture(name="raw")
def _raw(nic):
    """A connection on which nothing has been said."""
    client = v.Client(nic.paths[0])
    yield client
    client.close()


def hello(version=(0, 0), text='{"capabilities":{}}', end=b"\0"):
    """Return the payload of a VERSION request."""
    return struct.pack("<HH", *version) + text.encode() + end


def refused(client, payload, cmd=v.VERSION, fds=()):
    """The server must answer with an error or hang up."""
    try:
        return client.expect_error(cmd, payload, fds) > 0
    except v.Closed:
        return True


def test_good(raw):
    """The version is 0.0 and the limits are such as QEMU accepts."""
    major, minor, caps = raw.version()
    assert (major, minor) == (0, 0)
    assert 1 <= caps.get("max_msg_fds", 8) <= 16
    assert caps.get("max_data_xfer_size", 1 << 20) >= 4096
    assert caps.get("write_multiple", False) is True
    assert raw.info()[1:] == (v.NUM_REGIONS, v.NUM_IRQS)


@pytest.mark.parametrize("text", [
    "{}", '{"capabilities":{}}', '{"capabilities":{"max_msg_fds":1}}',
    '{"capabilities":{"unknown":[1,{"a":null}],"max_msg_fds":8}}', '{"x":"capabilities"}',
    '{ "capabilities" : { "pgsizes" : 4096 } } '])
def test_texts(raw, text):
    """JSON that leaves out or adds something is fine."""
    assert raw.version(raw=hello(text=text))[:2] == (0, 0)


def test_no_text(raw):
    """Capabilities may be missing altogether: defaults hold."""
    assert raw.version(raw=struct.pack("<HH", 0, 0))[:2] == (0, 0)


@pytest.mark.parametrize("minor", [1, 2, 0xffff])
def test_newer_minor(raw, minor):
    """A client with a newer minor gets minor 0."""
    assert raw.version(raw=hello((0, minor)))[:2] == (0, 0)


@pytest.mark.parametrize("major", [1, 2, 0xffff])
def test_other_major(nic, raw, major):
    """Another major version cannot be served."""
    assert refused(raw, hello((major, 0)))
    raw.close()
    nic.connect().close()


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_short(nic, raw, size):
    """A payload without the whole version is an error."""
    assert refused(raw, hello()[:size])
    raw.close()
    nic.connect().close()


@pytest.mark.parametrize("payload", [
    hello(end=b""), hello(text="{", end=b"\0"), hello(text="[" * 5000),
    hello(text='{"capabilities":{"max_msg_fds":"many"}}'), hello(text="\x01\x02"),
    hello(text='{"capabilities":' + '{"a":' * 3000 + "1" + "}" * 3001),
    hello(text='{"capabilities":{"max_msg_fds":-1}}'),
    hello(text='{"capabilities":{"max_msg_fds":99999999999999999999999999}}')],
    ids=["no NUL", "cut", "nested arrays", "wrong type", "control characters",
         "nested objects", "negative", "huge number"])
def test_odd_text(nic, raw, payload):
    """Broken JSON is accepted or refused, but the port goes on."""
    try:
        reply = raw.request(v.VERSION, payload)
        assert json.loads(reply[4:-1]) is not None
    except (v.VfuError, v.Closed):
        pass
    raw.close()
    client = nic.connect()
    assert client.info()[1] == v.NUM_REGIONS
    client.close()


@pytest.mark.parametrize("cmd, payload", [
    (v.GET_INFO, struct.pack("<IIII", 16, 0, 0, 0)),
    (v.REGION_INFO, struct.pack("<IIIIQQ", 32, 0, 0, 0, 0, 0)),
    (v.REGION_READ, struct.pack("<QII", 0, 7, 4)),
    (v.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0, 4096)),
    (v.DEVICE_RESET, b"")])
def test_before_version(nic, raw, cmd, payload):
    """Nothing else is served before VERSION."""
    assert refused(raw, payload, cmd)
    raw.close()
    nic.connect().close()


def test_repeated(raw):
    """A second VERSION is refused or answered alike; the connection goes on or ends cleanly."""
    raw.version()
    try:
        assert raw.version()[:2] == (0, 0)
    except v.Closed:
        return
    except v.VfuError as error:
        assert error.number > 0
    assert raw.info()[1] == v.NUM_REGIONS


def test_byte_by_byte(raw):
    """A message may arrive in pieces of any size."""
    payload = hello()
    message = v.HEADER.pack(7, v.VERSION, v.HEADER.size + len(payload), 0, 0) + payload
    for byte in message:
        raw.send_raw(bytes([byte]))
    reply = raw.reply_to(7, v.VERSION)
    assert struct.unpack_from("<HH", reply.payload) == (0, 0)


def test_pipelined(raw):
    """Several messages may arrive at once; all are answered in order."""
    payload = hello()
    info = struct.pack("<IIII", 16, 0, 0, 0)
    message = v.HEADER.pack(1, v.VERSION, v.HEADER.size + len(payload), 0, 0) + payload
    for number in range(2, 60):
        message += v.HEADER.pack(number, v.GET_INFO, v.HEADER.size + len(info), 0, 0) + info
    raw.send_raw(message)
    raw.reply_to(1, v.VERSION)
    for number in range(2, 60):
        assert raw.reply_to(number, v.GET_INFO).payload[:4] == info[:4]


@pytest.mark.parametrize("size", [0, 1, 15, 3 << 20, 0x7fffffff, 0xffffffff])
def test_header_size(nic, raw, size):
    """A size that cannot be ends the connection at most; it never makes the port hang."""
    raw.version()
    raw.send_raw(v.HEADER.pack(9, v.GET_INFO, size, 0, 0) + bytes(16))
    raw.sock.shutdown(1)
    with pytest.raises((v.Closed, v.VfuError)):
        raw.reply_to(9, v.GET_INFO)
    raw.close()
    client = nic.connect()
    assert client.info()[1] == v.NUM_REGIONS
    client.close()


@pytest.mark.parametrize("cmd", [0, 6, 14, 16, 99, 0xffff])
def test_unknown_command(vfu, cmd):
    """A command that does not exist gets an error, and the next one works."""
    assert vfu.expect_error(cmd, bytes(16)) > 0
    assert vfu.info()[1] == v.NUM_REGIONS


@pytest.mark.parametrize("cmd", [v.DMA_READ, v.DMA_WRITE])
def test_server_commands(vfu, cmd):
    """Commands that only a server sends are refused."""
    assert vfu.expect_error(cmd, struct.pack("<QQ", 0, 8) + bytes(8)) > 0
    assert vfu.info()[1] == v.NUM_REGIONS


def test_unasked_reply(nic, vfu):
    """A reply to nothing does no harm."""
    vfu.send(v.DMA_READ, struct.pack("<QQ", 0, 8) + bytes(8), flags=v.REPLY)
    try:
        assert vfu.info()[1] == v.NUM_REGIONS
    except v.Closed:
        nic.connect().close()


def test_too_many_descriptors(nic, vfu, tmp_path):
    """Descriptors where none belong are closed, not collected."""
    before = len(open_files(nic))
    with open(tmp_path / "f", "w", encoding="ascii") as file:
        for _ in range(50):
            payload = struct.pack("<IIII", 16, 0, 0, 0)
            try:
                vfu.request(v.GET_INFO, payload, [file.fileno()] * 8)
            except v.VfuError:
                pass
    assert len(open_files(nic)) <= before


@pytest.mark.parametrize("count", [9, 16, 40, 200])
def test_far_too_many_descriptors(nic, vfu, tmp_path, count):
    """More descriptors than were agreed on are closed; the connection may end by it."""
    before = len(open_files(nic))
    with open(tmp_path / "f", "w", encoding="ascii") as file:
        try:
            vfu.request(v.SET_IRQS, struct.pack("<IIIII", 20, 0x24, 2, 0, count),
                        [file.fileno()] * count)
            vfu.drop_eventfds()
        except v.VfuError:
            pass
        except v.Closed:
            vfu.close()
            nic.connect().close()
    assert len(open_files(nic)) <= before


def test_descriptors_belong_to_their_message(vfu, tmp_path):
    """Descriptors of one message are not taken for those of the next one."""
    with open(tmp_path / "f", "wb") as file:
        file.truncate(1 << 16)
    descriptor = os.open(tmp_path / "f", os.O_RDWR)
    info = struct.pack("<IIII", 16, 0, 0, 0)
    with_fd = vfu.send(v.GET_INFO, info, [descriptor])
    without = vfu.send(v.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 1 << 20, 1 << 16))
    own = vfu.send(v.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 1 << 21, 1 << 17), [descriptor])
    os.close(descriptor)
    try:
        vfu.reply_to(with_fd, v.GET_INFO)
    except v.VfuError:
        pass
    vfu.reply_to(without, v.DMA_MAP)
    # the second file is too short for its range: proof that it was looked at
    with pytest.raises(v.VfuError):
        vfu.reply_to(own, v.DMA_MAP)


@pytest.mark.parametrize("size", [1 << 16, 1 << 20, (1 << 20) + 16, (1 << 20) + 4096])
def test_large_message(nic, vfu, size):
    """A large message is worked on or skipped as a whole, then the next one works."""
    payload = struct.pack("<QII", 0, 7, size - 16) + bytes(size - 16)
    try:
        vfu.expect_error(v.REGION_WRITE, payload)
        assert vfu.info()[1] == v.NUM_REGIONS
    except v.Closed:
        vfu.close()
        nic.connect().close()


def test_client_that_does_not_read(nic, vfu):
    """Replies that nobody takes neither grow without bound nor stop the other port."""
    vfu.sock.settimeout(1)
    request = struct.pack("<QII", 0, 7, 4096)
    try:
        for _ in range(20000):
            vfu.send(v.REGION_READ, request)
    except (TimeoutError, v.Closed):
        pass
    other = nic.connect(1)
    assert other.info()[1] == v.NUM_REGIONS
    other.close()
    with open(f"/proc/{nic.process.pid}/statm", encoding="ascii") as statm:
        resident = int(statm.read().split()[1]) * 4096
    assert resident < 512 << 20


def test_second_client(nic, vfu):
    """While one client is served a second one neither disturbs it nor hangs the port."""
    other = v.Client(nic.paths[0], timeout=0.5)
    try:
        other.version()
    except (v.Closed, v.VfuError, TimeoutError):
        pass
    other.close()
    assert vfu.info()[1] == v.NUM_REGIONS


def test_reconnect(nic):
    """A port can be used by one client after another, and leaks nothing by that."""
    nic.connect().close()
    nic.connect().close()
    before = len(open_files(nic))
    for _ in range(30):
        client = nic.connect()
        assert client.info()[1] == v.NUM_REGIONS
        client.close()
    nic.connect().close()
    # the last connection may still be open
    assert len(open_files(nic)) <= before + 1


def open_files(nic):
    """Return the open descriptors of the NIC."""
    return list(nic.descriptors())


def test_client_follows_client(nic):
    """A client that died with much left unread is not in the way of the next one."""
    first = nic.connect(0)
    os.kill(nic.process.pid, signal.SIGSTOP)
    try:
        first.post(0, 0, bytes(48 << 10))
        first.close()
        second = v.Client(nic.paths[0])
    finally:
        os.kill(nic.process.pid, signal.SIGCONT)
    second.version()
    second.close()
