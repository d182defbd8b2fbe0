# SPDX-License-Identifier: GPL-2.0-only
"""Netdevs beside the pair of WtoEnv: each end of a cable, with addresses, in a namespace."""

import contextlib
import typing

from lib.py import ethtool, ip, ksft_eq
from .env import checked_ping, has_carrier, ping_until_answered
from .traffic import TcpStream, wait_progress
from .wait import wait_for

LINK_S = 30


class Pair(typing.NamedTuple):
    """Two ends of a cable, as the traffic of the library wants them."""

    addr_v: dict
    remote_addr_v: dict
    peer_ns: str


class End:
    """One netdev; @addrs has an address of each family, @netns None is our own namespace."""

    def __init__(self, ifname, netns, addrs):
        self.ifname = ifname
        self.netns = netns
        self.addrs = addrs

    def set_up(self):
        """Into its namespace, with addresses, and up."""
        if self.netns:
            ip(f"link set dev {self.ifname} netns {self.netns}")
        self.bring_up()

    def bring_up(self):
        """Addresses, and up, where it is."""
        ip(f"addr replace {self.addrs['4']}/24 dev {self.ifname}", ns=self.netns)
        ip(f"link set dev {self.ifname} up", ns=self.netns)
        ip(f"-6 addr replace {self.addrs['6']}/64 dev {self.ifname} nodad", ns=self.netns)

    def take_down(self):
        """Down."""
        ip(f"link set dev {self.ifname} down", ns=self.netns)

    def link(self):
        """What ip tells of it."""
        return ip(f"-d link show dev {self.ifname}", json=True, ns=self.netns)[0]

    def ethtool(self, args):
        """What ethtool prints."""
        return ethtool(args.format(self.ifname), ns=self.netns).stdout

    def wait_link(self):
        """Until it has a link."""
        wait_for(lambda: has_carrier(self.ifname, self.netns), f"link of {self.ifname}", LINK_S)


def ping_end(end, size=9000):
    """Pings of both families from our namespace, each byte checked."""
    for addr in end.addrs.values():
        ping_until_answered(addr)
        checked_ping(addr, 1, size)


def check_streams(cables):
    """
    Streams with every byte compared, both ways at once on each of the @cables, pairs of ends.
    """
    with contextlib.ExitStack() as stack:
        streams = []
        for here, there in cables:
            pair = Pair(here.addrs, there.addrs, there.netns)
            streams += [stack.enter_context(TcpStream(pair, ipver, way))
                        for ipver, way in (("4", False), ("6", True))]
        wait_progress(streams, "at once")
    ksft_eq([error for stream in streams for error in stream.errors], [], "errors of streams")
