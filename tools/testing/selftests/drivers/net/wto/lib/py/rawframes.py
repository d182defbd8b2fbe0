# SPDX-License-Identifier: GPL-2.0-only
"""Ethernet frames of our own making, to see which of them a port hands up."""

import socket
import struct

from .traffic import peer_socket

# IEEE 802 local experimental EtherType
ETHERTYPE = 0x88b5
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_bytes(mac):
    """aa:bb:... as 6 bytes."""
    return bytes.fromhex(mac.replace(":", ""))


class FrameProbe:
    """Sends frames from the peer and tells which of them our port received."""

    def __init__(self, cfg):
        self.source = cfg.remote_dev["address"]
        self.number = 0
        self.sender = peer_socket(cfg.peer_ns, socket.AF_PACKET, socket.SOCK_RAW)
        self.sender.bind((cfg.remote_ifname, 0))
        self.receiver = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(ETHERTYPE))
        self.receiver.bind((cfg.ifname, ETHERTYPE))
        self.receiver.settimeout(5)

    def _send(self, dst):
        self.number += 1
        body = struct.pack("!I", self.number).ljust(60, b".")
        self.sender.send(mac_bytes(dst) + mac_bytes(self.source) +
                         struct.pack("!H", ETHERTYPE) + body)
        return self.number

    def receives(self, dst):
        """
        Whether a frame to @dst arrives.  A broadcast behind it, on the same queue, ends
        the wait: frames that are neither IP nor hashed stay in order.
        """
        sent, last = self._send(dst), self._send(BROADCAST)
        seen = set()
        while last not in seen:
            frame = self.receiver.recv(2048)
            seen.add(struct.unpack_from("!I", frame, 14)[0])
        return sent in seen

    def close(self):
        """Closes both sockets."""
        self.sender.close()
        self.receiver.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
