# SPDX-License-Identifier: GPL-2.0-only
"""The Toeplitz hash in the form of its definition, and Microsoft's published vectors."""

import socket
import struct

MS_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4"
                       "77cb2da38030f20c6a42b73bbeac01fa")

# source, source port, destination, destination port, hash of addresses, hash with ports
MS_VECTORS = (
    ("66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178),
    ("199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea),
    ("24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de, 0x5c2b394a),
    ("38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f),
    ("153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5, 0x10e828a2),
    ("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2cc18cd5, 0x40207d3d),
    ("3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0f0c461c, 0xdde51bbf),
    ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024,
     0x4b61e985, 0x02d1feef),
)


def toeplitz(key, data):
    """Hash @data: every set bit adds the 32 bits of @key that start at its place."""
    window = int.from_bytes(key, "big")
    width = len(key) * 8
    result = 0
    for bit in range(len(data) * 8):
        if data[bit // 8] & (0x80 >> bit % 8):
            result ^= window >> (width - 32 - bit) & 0xffffffff
    return result


def address(text):
    """Return the bytes of an IPv4 or IPv6 address."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return socket.inet_pton(family, text)


def flow(source, destination, ports=None):
    """Return the input of the hash: addresses, then ports if there are any."""
    data = address(source) + address(destination)
    if ports is not None:
        data += struct.pack("!HH", *ports)
    return data
