# SPDX-License-Identifier: GPL-2.0-only
"""
Ways on which packets get to the port for the tests of send offloads: VLANs on it, and a TAP
interface whose packets it sends on.
"""

import os
from pathlib import Path

from lib.py import cmd, defer, ethtool, ip

# Interface below, kind of tag, number
VLANS = {"q": ("", "802.1q", 5), "ad": ("", "802.1ad", 6), "adq": (".ad", "802.1q", 7)}
# Where the VLAN on a VLAN stands among the networks, the port's own being the first
NESTED = 1 + list(VLANS).index("adq")
TAP = "wtotap"
# Until the stack no longer waits for more frames to merge
GRO_WAIT_NS = 200_000_000


class Network:
    """Addresses of both ends on an interface."""

    def __init__(self, ifname, v4, v6):
        self.ifname = ifname
        self.v4, self.v6 = v4, v6

    def arguments(self):
        """For the program that sends."""
        return f"-4 {','.join(self.v4)} -6 {','.join(self.v6)}"


def add_vlans(cfg, mtu):
    """VLANs of all kinds at both ends, until the end of the case; their networks."""
    networks = []
    macs = [cfg.remote_dev["address"], cfg.dev["address"]]
    for name, (below, protocol, number) in VLANS.items():
        v4 = [f"198.18.{number}.{end}" for end in (1, 2)]
        v6 = [f"2001:db8:{number}::{end}" for end in (1, 2)]
        for end, (ifname, netns) in enumerate(cfg.ends()):
            dev = f"{ifname}.{name}"
            ip(f"link add link {ifname}{below} name {dev} mtu {mtu} type vlan "
               f"protocol {protocol} id {number}", ns=netns)
            defer(ip, f"link del {dev}", ns=netns)
            # no address but these: nobody but the test sends from there
            ip(f"link set {dev} addrgenmode none up", ns=netns)
            ip(f"addr add {v4[end]}/24 dev {dev}", ns=netns)
            ip(f"-6 addr add {v6[end]}/64 dev {dev} nodad", ns=netns)
            for addr in (v4[1 - end], v6[1 - end]):
                ip(f"neigh replace {addr} lladdr {macs[end]} nud permanent dev {dev}", ns=netns)
        networks.append(Network(f"{cfg.ifname}.{name}", v4, v6))
    return networks


def add_tap(cfg):
    """
    A TAP interface whose packets leave by our port, until the end of the case.

    What arrives there is merged; as long as the test's packets come one close behind the other,
    the stack waits for more.
    """
    if not os.path.exists("/dev/net/tun"):
        cmd("modprobe tun")
    ip(f"tuntap add dev {TAP} mode tap vnet_hdr")
    defer(ip, f"tuntap del dev {TAP} mode tap")
    ip(f"link set {TAP} addrgenmode none up")
    cmd(f"tc qdisc add dev {TAP} clsact")
    cmd(f"tc filter add dev {TAP} ingress matchall action mirred egress redirect "
        f"dev {cfg.ifname}")
    # Datagrams that the stack has merged and split again have the length of a segment in the
    # header and the sum, which in-tree idpf does not expect
    if cfg.driver != "idpf":
        ethtool(f"-K {TAP} rx-udp-gro-forwarding on")
    Path(f"/sys/class/net/{TAP}/gro_flush_timeout").write_text(str(GRO_WAIT_NS),
                                                               encoding="ascii")


def old_packet_sockets():
    """Older kernels look for the headers of raw packets on a VLAN interface in a wrong place."""
    return not os.uname().release.startswith("7.")


def wrong_sums_of_files():
    """
    Older kernels compute wrong checksums, in software, of datagrams of files (sendfile) where a
    page ends after an odd number of bytes.
    """
    return not os.uname().release.startswith("7.")


def leaves_jumbo_headers():
    """
    Older kernels say the length of IPv6 streams' packets beyond 64 KiB in a hop-by-hop header,
    which no segment may have.  Their software segmentation takes it out only where TCP follows
    (ipv6_has_hopopt_jumbo()): behind it are destination options, it stays in each segment, and
    every receiver drops these.
    """
    return not os.uname().release.startswith("7.")


def warns_of_extensions(cfg):
    """
    Whether the stack stumbles over streams with IPv6 extension headers on a VLAN on a VLAN.

    It leaves no segmentation of such packets to a device that knows checksums by IP version only,
    as in-tree idpf does (gso_features_check()).  But the lower VLAN offers the generic checksum
    when it is asked, which becomes one by version only after that, because the packet has the
    upper one's tag (netif_skb_features()).  So it is not segmented, its checksum is to be
    computed as a whole, and the stack warns and drops it (skb_warn_bad_offload() of
    skb_checksum_help()).  Packets of others (raw, tap) are segmented in software anyhow, and
    datagrams with these headers have their checksums from the socket.
    """
    return cfg.driver == "idpf"
