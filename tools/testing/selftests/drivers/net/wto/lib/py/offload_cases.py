# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of offload_rules.py have in common: packets, ports, which rule has which case."""

from lib.py import ksft_eq, ksft_true
from .offload import Wire, features, lacking
from .packets import Exchange, Packet
from .traffic import random_bytes

DATA = random_bytes(300000, seed=9)
IP4_OPTIONS = b"\x01" * 2 + bytes([158, 38]) + DATA[:36]
TCP_OPTIONS = b"\x01\x01\x08\x0a" + DATA[:8] + bytes([253, 28]) + DATA[:26]
KINDS = [(l4, version) for l4 in ("tcp", "udp") for version in (4, 6)]
BY_L4 = {"tcp": "lso", "udp": "uso"}

# {rule: function}
CASES = {}


def ext_headers(total, proto):
    """Destination options of so many bytes, padding."""
    return bytes([proto, total // 8 - 1, 1, total - 4]) + bytes(total - 4)


def rules(*names):
    """The rules that a case is about; each has a result of its own."""
    def take(func):
        for name in names:
            CASES[name] = func
        return func
    return take


class Session:
    """The ports, set up once, and what the cases do with them."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.wire = None
        self.exchange = None

    def set_up(self):
        """For all cases to come."""
        self.wire = Wire(self.cfg)
        self.wire.set_up()
        self.wire.keep()
        self.exchange = Exchange(self.cfg)

    def tear_down(self):
        """After the last one."""
        if self.exchange:
            self.exchange.close()
            self.wire.release()

    def count(self, work):
        """What the NIC counts during work(); and what that returned."""
        before = self.wire.counted()
        result = work()
        after = self.wire.counted()
        return {name: after[name] - before[name] for name in after}, result

    def require(self, packet):
        """Skips what the driver leaves to the stack."""
        names = {"tcp4": "tx-tcp-segmentation", "tcp6": "tx-tcp6-segmentation",
                 "udp4": "tx-udp-segmentation", "udp6": "tx-udp-segmentation"}
        name = names[f"{packet.l4}{packet.version}"]
        if not features(self.cfg.ifname).get(name, (False, False))[0]:
            raise lacking(self.cfg, name)

    def segments(self, packet, mss, ifname=None):
        """Has the NIC segment a packet; the frames, with right checksums, as many as needed."""
        self.require(packet)
        done, frames = self.count(lambda: self.exchange.send(packet, mss, ifname=ifname))
        ksft_eq(done[BY_L4[packet.l4]], 1, "the NIC has segmented it")
        ksft_eq(len(frames), -(-len(packet.payload) // mss))
        for frame in frames:
            ksft_true(frame.ip_good() and frame.l4_good(), "both checksums")
        return frames

    def plain(self, packet, ifname=None):
        """Has the NIC write a checksum; the frame."""
        done, frames = self.count(lambda: self.exchange.send(packet, ifname=ifname))
        ksft_eq(len(frames), 1)
        ksft_eq(done["csum"], 1, "the NIC has written the checksum")
        ksft_true(frames[0].ip_good() and frames[0].l4_good(), "both checksums")
        return frames[0]


def packets(payload, kinds=tuple(KINDS), **fields):
    """A packet of each kind."""
    for l4, version in kinds:
        yield Packet(l4, version, payload=payload,
                     **{name: value for name, value in fields.items()
                        if l4 == "tcp" or name not in ("flags", "l4_options")})
