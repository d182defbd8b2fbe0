# SPDX-License-Identifier: GPL-2.0-only
"""An SCTP association between the ports, and the CRC32c of its packets."""

import socket
import struct

from lib.py import KsftSkipEx, cmd
from .traffic import family_of, peer_socket, random_bytes

PROTO_SCTP = 132
CRC_AT = 8
_POLYNOMIAL = 0x82f63b78


def _table():
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        yield value


_TABLE = tuple(_table())


def crc32c(data):
    """By the book, bit by bit, but for a table."""
    value = 0xffffffff
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xff]
    return value ^ 0xffffffff


def packets_of(frames):
    """The SCTP packets in frames without tags, options and extension headers."""
    for data in frames:
        if data[12:14] == b"\x08\x00":
            proto, start, end = data[23], 34, 14 + struct.unpack_from("!H", data, 16)[0]
        elif data[12:14] == b"\x86\xdd":
            proto, start, end = data[20], 54, 54 + struct.unpack_from("!H", data, 18)[0]
        else:
            continue
        if proto == PROTO_SCTP:
            yield data[start:end]


def crc_good(packet):
    """Whether the CRC of a packet is right."""
    plain = packet[:CRC_AT] + bytes(4) + packet[CRC_AT + 4:]
    return struct.unpack_from("<I", packet, CRC_AT)[0] == crc32c(plain)


def associate(cfg, ipver):
    """(our end, the peer's) of an association."""
    if cmd("modprobe sctp", fail=False).ret:
        raise KsftSkipEx("this kernel has no SCTP")
    family = family_of(cfg.addr_v[ipver])
    with peer_socket(cfg.peer_ns, family, socket.SOCK_STREAM, PROTO_SCTP) as listener:
        listener.bind((cfg.remote_addr_v[ipver], 0))
        listener.listen(1)
        ours = socket.socket(family, socket.SOCK_STREAM, PROTO_SCTP)
        ours.settimeout(20)
        ours.connect(listener.getsockname()[:2])
        theirs, _ = listener.accept()
    theirs.settimeout(20)
    return ours, theirs


def exchange(ours, theirs, sizes=(1, 2, 3, 100, 1001, 4000, 8000)):
    """Messages of some sizes one way; raises if one arrives otherwise."""
    for size in sizes:
        message = random_bytes(size, seed=size)
        ours.sendall(message)
        got = b""
        while len(got) < size:
            part = theirs.recv(size - len(got))
            if not part:
                raise EOFError("end of the association")
            got += part
        if got != message:
            raise ValueError(f"message of {size} bytes")
