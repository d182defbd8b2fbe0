# SPDX-License-Identifier: GPL-2.0-only
"""The client's side of vfio-user: messages, descriptors, and ways to get them wrong."""

import array
import json
import os
import socket
import struct
from collections import namedtuple

from .wait import TIMEOUT_S

VERSION = 1
DMA_MAP = 2
DMA_UNMAP = 3
GET_INFO = 4
REGION_INFO = 5
REGION_IO_FDS = 6
IRQ_INFO = 7
SET_IRQS = 8
REGION_READ = 9
REGION_WRITE = 10
DMA_READ = 11
DMA_WRITE = 12
DEVICE_RESET = 13
DIRTY_PAGES = 14
WRITE_MULTI = 15

TYPE_MASK = 0xf
REPLY = 1
NO_REPLY = 1 << 4
ERROR = 1 << 5

HEADER = struct.Struct("<HHIII")

MAP_READ = 1
MAP_WRITE = 2
UNMAP_ALL = 2

REGION_CONFIG = 7
NUM_REGIONS = 9
NUM_IRQS = 5

IRQ_INTX = 0
IRQ_MSI = 1
IRQ_MSIX = 2
IRQ_ERR = 3
IRQ_REQ = 4

IRQ_DATA_NONE = 1
IRQ_DATA_BOOL = 2
IRQ_DATA_EVENTFD = 4
IRQ_ACTION_MASK = 8
IRQ_ACTION_UNMASK = 16
IRQ_ACTION_TRIGGER = 32

# What QEMU 11.1 announces
QEMU_CAPS = {"capabilities": {
    "pgsizes": 4096, "max_msg_fds": 16, "max_dma_maps": 65535,
    "max_data_xfer_size": 1048576,
    "migration": {"max_bitmap_size": 268435456, "pgsize": 4096},
    "write_multiple": True}}

Message = namedtuple("Message", "id cmd flags error payload fds")


class VfuError(Exception):
    """The server answered with an error number."""

    def __init__(self, cmd, number):
        super().__init__(f"command {cmd}: {os.strerror(number)} ({number})")
        self.number = number


class Closed(Exception):
    """The server closed the connection."""


class Client:
    """One connection to a vfio-user server."""

    def __init__(self, path, timeout=TIMEOUT_S):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.next_id = 0
        self.caps = {}

    def close(self):
        """Drop the connection."""
        self.sock.close()

    # Messages

    def send_raw(self, data, fds=()):
        """Send bytes as they are, with descriptors attached to the first one."""
        ancillary = []
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        try:
            sent = self.sock.sendmsg([data], ancillary)
            if sent < len(data):
                self.sock.sendall(data[sent:])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed("while sending") from error

    def send(self, cmd, payload=b"", fds=(), flags=0, size=None):
        """Send a message and return its id; @size overrides the header's size."""
        msg_id = self.next_id
        self.next_id = (self.next_id + 1) & 0xffff
        if size is None:
            size = HEADER.size + len(payload)
        self.send_raw(HEADER.pack(msg_id, cmd, size, flags, 0) + payload, fds)
        return msg_id

    def _recv_exactly(self, count, fds):
        data = b""
        while len(data) < count:
            try:
                part, new_fds, _, _ = socket.recv_fds(self.sock, count - len(data), 16)
            except ConnectionResetError as error:
                raise Closed("reset") from error
            if not part:
                raise Closed(f"after {len(data)} of {count} bytes")
            fds.extend(new_fds)
            data += part
        return data

    def recv(self):
        """Receive one message."""
        fds = []
        header = HEADER.unpack(self._recv_exactly(HEADER.size, fds))
        msg_id, cmd, size, flags, error = header
        assert HEADER.size <= size <= 2 << 20, f"reply with a size of {size}"
        payload = self._recv_exactly(size - HEADER.size, fds)
        return Message(msg_id, cmd, flags, error, payload, fds)

    def reply_to(self, msg_id, cmd):
        """Receive the reply to a message and check that it is one."""
        message = self.recv()
        assert message.id == msg_id, f"reply to {message.id}, not to {msg_id}"
        assert message.cmd == cmd, f"reply has command {message.cmd}, not {cmd}"
        assert message.flags & TYPE_MASK == REPLY, f"reply has flags {message.flags:#x}"
        if message.flags & ERROR:
            assert message.error > 0, "error reply without a number"
            raise VfuError(cmd, message.error)
        assert message.error == 0, "error number without the error flag"
        return message

    def request(self, cmd, payload=b"", fds=(), size=None):
        """Send a request and return the payload of its reply."""
        return self.reply_to(self.send(cmd, payload, fds, size=size), cmd).payload

    def expect_error(self, cmd, payload=b"", fds=(), size=None):
        """Send a request which must be refused; return the error's number."""
        try:
            self.request(cmd, payload, fds, size)
        except VfuError as error:
            return error.number
        raise AssertionError(f"command {cmd} with {payload[:64].hex()} was accepted")

    # Set-up

    def version(self, major=0, minor=0, caps=None, raw=None):
        """Negotiate the version; return (major, minor, capabilities)."""
        if raw is None:
            text = json.dumps(QEMU_CAPS if caps is None else caps)
            raw = struct.pack("<HH", major, minor) + text.encode() + b"\0"
        reply = self.request(VERSION, raw)
        assert reply.endswith(b"\0"), "capabilities are not terminated"
        self.caps = json.loads(reply[4:-1]).get("capabilities", {})
        return (*struct.unpack_from("<HH", reply), self.caps)

    def dma_map(self, addr, size, descriptor=None, offset=0, flags=MAP_READ | MAP_WRITE):
        """Give the server a range of guest memory."""
        payload = struct.pack("<IIQQQ", 32, flags, offset, addr, size)
        return self.request(DMA_MAP, payload, () if descriptor is None else (descriptor,))

    def dma_unmap(self, addr, size, flags=0):
        """Take a range back; after the reply nobody may touch it."""
        payload = struct.pack("<IIQQ", 24, flags, addr, size)
        return self.request(DMA_UNMAP, payload)

    def info(self):
        """Return (flags, number of regions, number of interrupt types)."""
        reply = self.request(GET_INFO, struct.pack("<IIII", 16, 0, 0, 0))
        return struct.unpack_from("<III", reply, 4)

    def region_info(self, index, argsz=32):
        """Return (argsz, flags, index, capability offset, size, offset)."""
        reply = self.request(REGION_INFO, struct.pack("<IIIIQQ", argsz, 0, index, 0, 0, 0))
        return struct.unpack_from("<IIIIQQ", reply)

    def irq_info(self, index):
        """Return (argsz, flags, index, count)."""
        reply = self.request(IRQ_INFO, struct.pack("<IIII", 16, 0, index, 0))
        return struct.unpack("<IIII", reply)

    def set_irqs(self, index, flags, start, count, fds=(), data=b""):
        """Configure interrupts."""
        payload = struct.pack("<IIIII", 20 + len(data), flags, index, start, count)
        return self.request(SET_IRQS, payload + data, fds)

    def set_eventfds(self, start, fds):
        """Attach eventfds to MSI-X vectors from @start on."""
        self.set_irqs(IRQ_MSIX, IRQ_ACTION_TRIGGER | IRQ_DATA_EVENTFD, start, len(fds), fds)

    def drop_eventfds(self):
        """Detach all eventfds from the MSI-X vectors."""
        self.set_irqs(IRQ_MSIX, IRQ_ACTION_TRIGGER | IRQ_DATA_NONE, 0, 0)

    def device_reset(self):
        """Reset the device."""
        return self.request(DEVICE_RESET)

    # Regions

    def read(self, region, offset, count):
        """Read @count bytes of a region."""
        head = struct.pack("<QII", offset, region, count)
        reply = self.request(REGION_READ, head)
        assert reply[:16] == head, "reply does not repeat the request"
        assert len(reply) == 16 + count, f"{len(reply) - 16} bytes instead of {count}"
        return reply[16:]

    def write(self, region, offset, data):
        """Write to a region and wait for the answer."""
        head = struct.pack("<QII", offset, region, len(data))
        reply = self.request(REGION_WRITE, head + data)
        assert reply == head, "reply does not repeat the request"

    def post(self, region, offset, data):
        """Write to a region as QEMU writes to BARs: nothing comes back."""
        head = struct.pack("<QII", offset, region, len(data))
        self.send(REGION_WRITE, head + data, flags=NO_REPLY)

    def write_multi(self, writes, flags=0):
        """Send several (region, offset, data) writes of up to 8 bytes in one message."""
        payload = struct.pack("<Q", len(writes))
        for region, offset, data in writes:
            payload += struct.pack("<QII8s", offset, region, len(data), data)
        if flags & NO_REPLY:
            self.send(WRITE_MULTI, payload, flags=flags)
            return None
        return self.request(WRITE_MULTI, payload)

    def config(self, offset, fmt):
        """Read a value of struct format @fmt from the configuration space."""
        size = struct.calcsize("<" + fmt)
        return struct.unpack("<" + fmt, self.read(REGION_CONFIG, offset, size))[0]

    def set_config(self, offset, fmt, value):
        """Write a value of struct format @fmt to the configuration space."""
        self.write(REGION_CONFIG, offset, struct.pack("<" + fmt, value))
