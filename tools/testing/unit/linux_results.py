#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What Linux makes of packets in software, written down for test_linux_results.py.

Run in a guest, it sends random packets, each behind a header that asks for segmentation or for a
checksum, out of a TAP interface that can do neither, and prints what comes out, as JSON, a
line for each:

    lab run --driver none -- python3 tools/testing/unit/linux_results.py > linux_results.json
"""

import fcntl
import hashlib
import json
import os
import platform
import select
import socket
import struct
import subprocess
import sys

from engine_oracle import pseudo_sum, random_template, seeded

COUNTS = {"lso": 70, "uso": 50, "csum": 40}
SEGMENTS_MAX = 6
MTU = 9000
WAIT_S = 10

IFNAME = "wtorec"
TUNSETIFF, TUNSETOFFLOAD = 0x400454ca, 0x400454d0
IFF_TAP, IFF_NO_PI = 2, 0x1000
# Neither is in Python's socket module
SOL_PACKET, PACKET_VNET_HDR = 263, 15
VNET_HDR = struct.Struct("=BBHHHH")
NEEDS_CSUM = 1
GSO_TYPES = {("lso", 4): 1, ("lso", 6): 4, ("uso", 4): 5, ("uso", 6): 5}
GSO_ECN = 0x80
TCP_CWR = 0x80


def noise(seed, size):
    """Payload that need not be written down."""
    return hashlib.shake_128(seed.encode()).digest(size)


def open_tap():
    """A TAP interface without offloads; returns its file."""
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", IFNAME.encode(), IFF_TAP | IFF_NO_PI))
    fcntl.ioctl(tap, TUNSETOFFLOAD, 0)
    for command in (f"sysctl -qw net.ipv6.conf.{IFNAME}.disable_ipv6=1",
                    f"ip link set dev {IFNAME} mtu {MTU} up"):
        subprocess.run(command.split(), check=True)
    return tap


def open_socket():
    """A socket whose packets begin with a header that asks for offloads."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.bind((IFNAME, 0))
    return sock


def collect(tap, count):
    """So many frames that come out of the interface."""
    frames = []
    while len(frames) < count:
        if not select.select([tap], [], [], WAIT_S)[0]:
            sys.exit(f"{len(frames)} of {count} frames came out")
        frames.append(os.read(tap, 65536))
    return frames


def make_case(kind, number):
    """A template, its MSS (0: only a checksum is asked for) and the seed of its payload."""
    name = f"{kind}/{number}"
    rng = seeded(name)
    protocol = rng.choice(("lso", "uso")) if kind == "csum" else kind
    length = rng.choice((rng.randrange(0 if kind == "csum" else 1, 100), rng.randrange(1, 8000)))
    template = random_template(rng, protocol, length)
    template.payload = noise(name, length)
    if kind == "csum":
        return template, 0, name
    mss = min(max(rng.randrange(8, 8000), -(-length // SEGMENTS_MAX)), MTU + 14 - template.hdr_len)
    return template, mss, name


def record(tap, sock, kind, number):
    """Sends one packet; returns what there is to know of it."""
    template, mss, name = make_case(kind, number)
    size = len(template.payload)
    offset = {6: 16, 17: 6}[template.proto]
    wire = bytearray(template.finished())
    struct.pack_into("!H", wire, template.l4_off + offset, pseudo_sum(
        template.ip_hdrs[0], template.proto, template.hdr_len - template.l4_off + size))
    gso = GSO_TYPES[kind, template.version] if mss else 0
    if kind == "lso" and wire[template.l4_off + 13] & TCP_CWR:
        gso |= GSO_ECN
    sock.send(VNET_HDR.pack(NEEDS_CSUM, gso, template.hdr_len, mss, template.l4_off, offset) + wire)

    step = mss or max(size, 1)
    frames = collect(tap, max(-(-size // step), 1))
    for index, frame in enumerate(frames):
        payload = template.payload[index * step:(index + 1) * step]
        if frame[template.hdr_len:] != payload:
            sys.exit(f"{name}: frame {index} has another payload: {frame.hex()}")
    return {"kind": kind, "name": name, "size": size, "mss": mss, "ip_version": template.version,
            "proto": template.proto, "l3_off": template.l3_off, "l4_off": template.l4_off,
            "header": wire[:template.hdr_len].hex(),
            "headers": [frame[:template.hdr_len].hex() for frame in frames]}


def main():
    """Records all cases."""
    subprocess.run(["modprobe", "tun"], check=True)
    tap = open_tap()
    results = [{"kernel": platform.release()}]
    with open_socket() as sock:
        for kind, count in COUNTS.items():
            results += [record(tap, sock, kind, number) for number in range(count)]
    print("[\n" + ",\n".join(map(json.dumps, results)) + "\n]")


if __name__ == "__main__":
    main()
