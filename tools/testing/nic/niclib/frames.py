# SPDX-License-Identifier: GPL-2.0-only
"""Frames to send: plain ones of any size, and protocol ones made by Scapy."""

import random

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

BROADCAST = b"\xff" * 6
OTHER_MAC = bytes.fromhex("02aabbccdd01")
# an EtherType for local experiments
PLAIN_TYPE = b"\x88\xb5"


def mac_text(mac):
    """Return a MAC address as text."""
    return ":".join(f"{byte:02x}" for byte in mac)


def plain(size, dst=BROADCAST, src=OTHER_MAC, seed=None):
    """Return a frame of @size bytes that is no IP, with random content."""
    body = random.Random(size if seed is None else seed).randbytes(max(size - 14, 0))
    return (dst + src + PLAIN_TYPE + body)[:size]


def padded(frame):
    """Return what arrives: the NIC pads to 60 bytes with zeros."""
    return frame + bytes(60 - len(frame)) if len(frame) < 60 else frame


def ether(dst, src=OTHER_MAC, vlans=()):
    """Return an Ethernet header with VLAN tags, outer one first."""
    head = Ether(dst=mac_text(dst), src=mac_text(src))
    for index, tag in enumerate(vlans):
        if index == 0 and len(vlans) > 1:
            head.type = 0x88a8
        head = head / Dot1Q(vlan=tag)
    return head


def ip_packet(src, dst, **fields):
    """Return an IPv4 or IPv6 header."""
    if ":" in dst:
        return IPv6(src=src, dst=dst, **fields)
    return IP(src=src, dst=dst, **fields)


def tcp(dst_mac, src="192.0.2.1", dst="192.0.2.2", ports=(1000, 2000), payload=b"x" * 64,
        vlans=(), **ip_fields):
    """Return the bytes of a TCP frame."""
    return bytes(ether(dst_mac, vlans=vlans) / ip_packet(src, dst, **ip_fields)
                 / TCP(sport=ports[0], dport=ports[1], flags="A") / Raw(payload))


def udp(dst_mac, src="192.0.2.1", dst="192.0.2.2", ports=(1000, 2000), payload=b"x" * 64,
        vlans=(), **ip_fields):
    """Return the bytes of a UDP frame."""
    return bytes(ether(dst_mac, vlans=vlans) / ip_packet(src, dst, **ip_fields)
                 / UDP(sport=ports[0], dport=ports[1]) / Raw(payload))


def icmp(dst_mac, src="192.0.2.1", dst="192.0.2.2", payload=b"x" * 64):
    """Return the bytes of an ICMP echo request."""
    return bytes(ether(dst_mac) / IP(src=src, dst=dst) / ICMP() / Raw(payload))


def seed_of(frame, l4_off, length, proto, v6=False):
    """Return the pseudo header sum of a TCP or UDP frame, in @length bytes of L4."""
    start = l4_off - (32 if v6 else 8)
    words = frame[start:l4_off] + bytes((0, proto)) + (length >> 16).to_bytes(2, "big") + (
        length & 0xffff).to_bytes(2, "big")
    total = sum(int.from_bytes(words[i:i + 2], "big") for i in range(0, len(words), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total.to_bytes(2, "big")
