# SPDX-License-Identifier: GPL-2.0-only
"""The Toeplitz hash of receive-side scaling, written from its definition."""

import ipaddress


def toeplitz(key, data):
    """
    32-bit hash of @data: for each bit of it that is set, the 32 bits of @key that start
    at the bit's position are added modulo 2.
    """
    key_bits = len(key) * 8
    if len(data) * 8 + 32 > key_bits:
        raise ValueError(f"a key of {len(key)} bytes is too short for {len(data)} bytes")
    number = int.from_bytes(key, "big")
    value = int.from_bytes(data, "big")
    data_bits = len(data) * 8
    result = 0
    for position in range(data_bits):
        if value >> (data_bits - 1 - position) & 1:
            result ^= number >> (key_bits - 32 - position)
    return result & 0xffffffff


def flow_bytes(src, dst, sport=None, dport=None):
    """What is hashed of a packet: addresses and, if given, ports, as on the wire."""
    data = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    if sport is not None:
        data += sport.to_bytes(2, "big") + dport.to_bytes(2, "big")
    return data


# Published verification suite of the RSS specification:
# destination, source, hash over addresses and ports, hash over addresses only
SUITE_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b4"
                          "77cb2da38030f20c6a42b73bbeac01fa")
SUITE = [
    (("161.142.100.80", 1766), ("66.9.149.187", 2794), 0x51ccc178, 0x323e8fc2),
    (("65.69.140.83", 4739), ("199.92.111.2", 14230), 0xc626b0ea, 0xd718262a),
    (("12.22.207.184", 38024), ("24.19.198.95", 12898), 0x5c2b394a, 0xd2d0a5de),
    (("209.142.163.6", 2217), ("38.27.205.30", 48228), 0xafc7327f, 0x82989176),
    (("202.188.127.2", 1303), ("153.39.163.191", 44251), 0x10e828a2, 0x5d1809c5),
    (("3ffe:2501:200:3::1", 1766), ("3ffe:2501:200:1fff::7", 2794), 0x40207d3d, 0x2cc18cd5),
    (("ff02::1", 4739), ("3ffe:501:8::260:97ff:fe40:efab", 14230), 0xdde51bbf, 0x0f0c461c),
    (("fe80::200:f8ff:fe21:67cf", 38024), ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251),
     0x02d1feef, 0x4b61e985),
]
