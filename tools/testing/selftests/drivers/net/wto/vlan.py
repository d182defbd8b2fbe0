#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
VLAN tags of any kind: frames with them pass both ways as they are, up to the largest that
the MTU allows, whether somebody made a VLAN device for them or not.
"""

import functools
import socket
import struct

from lib.py import WtoEnv, defer, ip, ksft_eq, ksft_exit, ksft_run, ksft_true, ksft_variants, \
    peer_socket
from lib.py.packets import PACKET_VNET_HDR, Frame, Packet
from lib.py.rawframes import ETHERTYPE, mac_bytes
from lib.py.thorough import most_telling
from lib.py.traffic import random_bytes

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 1 << 4
CTAG, STAG, OLD_QINQ = 0x8100, 0x88a8, 0x9100

# Tags from the outside in: (type, priority, drop eligible, VLAN)
TAGGINGS = {
    "none": (),
    "802.1Q": ((CTAG, 0, 0, 100),),
    "priority": ((CTAG, 5, 0, 0),),
    "dei": ((CTAG, 3, 1, 4094),),
    "802.1ad": ((STAG, 2, 0, 200),),
    "QinQ": ((STAG, 1, 0, 200), (CTAG, 6, 0, 100)),
    "QinQ-8100": ((CTAG, 1, 0, 7), (CTAG, 7, 0, 8)),
    "9100": ((OLD_QINQ, 0, 0, 9), (CTAG, 0, 0, 10)),
    "three": ((STAG, 0, 0, 1), (CTAG, 0, 0, 2), (CTAG, 0, 0, 3)),
}


def tag_bytes(tags):
    """Tags as on the wire."""
    return b"".join(struct.pack("!HH", kind, priority << 13 | dei << 12 | vid)
                    for kind, priority, dei, vid in tags)


def packet_socket(netns, *protocol):
    """A packet socket in a namespace, or in our own."""
    make = functools.partial(peer_socket, netns) if netns else socket.socket
    return make(socket.AF_PACKET, socket.SOCK_RAW, *protocol)


def restored(data, ancillary):
    """A frame as it was on the wire: the stack takes the outer tag out."""
    for level, kind, aux in ancillary:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, *_, tci, tpid = struct.unpack_from("IIIHHHH", aux)
        if status & TP_STATUS_VLAN_VALID:
            return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    return data


def receive(sock, head, count):
    """@count frames that begin with @head."""
    frames = []
    while len(frames) < count:
        data, ancillary, _, address = sock.recvmsg(16384, 256)
        frame = restored(data, ancillary)
        if address[2] != socket.PACKET_OUTGOING and frame.startswith(head):
            frames.append(frame)
    return frames


def exchange(cfg, tags, sizes, device=None):
    """
    Sends frames whose payload behind the tags has these sizes, both ways, and compares.

    With @device the frames go untagged into a VLAN device of this name, which is to add them.
    """
    ours, peers = mac_bytes(cfg.dev["address"]), mac_bytes(cfg.remote_dev["address"])
    any_type = socket.htons(ETH_P_ALL)
    kind = struct.pack("!H", ETHERTYPE)
    ways = ((cfg.ends()[0], cfg.ends()[1], ours, peers),
            (cfg.ends()[1], cfg.ends()[0], peers, ours))
    for (ifname, netns), (far_ifname, far_netns), src, dst in ways:
        with packet_socket(netns) as sender, packet_socket(far_netns, any_type) as receiver:
            sender.bind((device or ifname, 0))
            receiver.bind((far_ifname, ETH_P_ALL))
            receiver.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            receiver.settimeout(10)
            head, bodies = dst + src + tag_bytes(tags) + kind, []
            for size in sizes:
                bodies.append(random_bytes(size, size))
                sender.send((dst + src + kind if device else head) + bodies[-1])
            # Different queues may have sent them
            frames = sorted(receive(receiver, head, len(sizes)), key=len)
            ksft_eq([len(frame) - len(head) for frame in frames], sorted(sizes))
            ksft_true(frames == sorted((head + body for body in bodies), key=len),
                      f"contents of the frames from {ifname}")


@ksft_variants(most_telling(TAGGINGS, "802.1Q", "dei", "QinQ", "9100"))
def vlan_frames(cfg, tagging):
    """Every tagging, from small frames to such with 1500 bytes behind the tags."""
    # Packet sockets count tags as payload
    cfg.with_mtu(1500 + 4 * 3)
    exchange(cfg, TAGGINGS[tagging], (46, 64, 65, 1000, 1499, 1500))


def add_device(lower, name, kind, vid, netns):
    """Makes a VLAN device with the MTU of its port, for the time of a case."""
    ip(f"link add link {lower} name {name} type vlan proto {kind} id {vid}", ns=netns)
    defer(ip, f"link del {name}", ns=netns)
    ip(f"link set dev {name} up", ns=netns)


@ksft_variants(most_telling(["802.1Q", "QinQ"], "QinQ"))
def vlan_full_size(cfg, tagging):
    """One tag, and two, beside a payload of the largest MTU."""
    mtu = cfg.max_mtu()
    cfg.with_mtu(mtu)
    for ifname, netns in cfg.ends():
        if tagging == "QinQ":
            add_device(ifname, "s200", "802.1ad", 200, netns)
            ifname = "s200"
        add_device(ifname, "c100", "802.1Q", 100, netns)
        ksft_eq(ip("link show dev c100", json=True, ns=netns)[0]["mtu"], mtu)
    tags = ((STAG, 0, 0, 200),) if tagging == "QinQ" else ()
    exchange(cfg, tags + ((CTAG, 0, 0, 100),), (46, mtu - 1, mtu), "c100")


def vlan_below_device(cfg):
    """With a VLAN device on top the other VLANs still pass."""
    cfg.with_mtu(1500 + 4 * 2)
    add_device(cfg.ifname, "v100", "802.1Q", 100, None)
    for tagging in ("802.1Q", "802.1ad", "QinQ"):
        exchange(cfg, TAGGINGS[tagging], (46, 1500))


def dropped(cfg):
    """Packets that our port did not send."""
    return ip(f"-s link show dev {cfg.ifname}", json=True)[0]["stats64"]["tx"]["dropped"]


def vlan_three_checksum(cfg):
    """
    A tag of a VLAN device in front of two in the frame, of a packet that wants a checksum: more
    tags than a NIC is known to find its way past, so the stack does it.
    """
    for ifname, netns in cfg.ends():
        add_device(ifname, "c100", "802.1Q", 100, netns)
    packet = Packet("udp", 4, tags=((STAG, 200), (CTAG, 300)), payload=random_bytes(101))
    frame = packet.frame(cfg)
    before = dropped(cfg)
    with packet_socket(None) as sender, \
            packet_socket(cfg.peer_ns, socket.htons(ETH_P_ALL)) as receiver:
        sender.bind(("c100", 0))
        sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        receiver.bind((cfg.remote_ifname, ETH_P_ALL))
        receiver.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        receiver.settimeout(10)
        sender.send(packet.virtio_header() + frame)
        head = frame[:12] + tag_bytes(((CTAG, 0, 0, 100), )) + frame[12:20]
        got = receive(receiver, head, 1)[0]
    ksft_true(Frame(got).l4_good(), "checksum")
    ksft_eq(dropped(cfg), before)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([vlan_frames, vlan_full_size, vlan_below_device,
                  vlan_three_checksum], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
