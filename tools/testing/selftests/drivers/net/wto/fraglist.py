#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Packets that are lists of packets: what GRO makes of received segments when they have more
fragments than fit into one, and what is forwarded to our port as it is.

A third namespace sends through a veth pair whose end with us merges what it gets.  The peer
compares each byte.  That lists went to the NIC, and no others than those that fit, is seen by
a probe on the function that maps them.
"""

import socket
import threading

from lib.py import KsftSkipEx, WtoEnv, defer, ethtool, ip, ksft_eq, ksft_exit, ksft_pr, \
    ksft_run, ksft_true, ksft_variants, peer_socket, wait_for
from lib.py.counters import ethtool_stats
from lib.py.kprobe import Calls
from lib.py.thorough import most_telling
from lib.py.traffic import big_buffers, family_of, random_bytes

NETNS = "behind"
NEAR, FAR = "veth-us", "veth-behind"
PREFIX = {"4": ("198.51.100.1", "198.51.100.2", 24), "6": ("2001:db8:1::1", "2001:db8:1::2", 64)}
TAGGED = ("203.0.113.1", "203.0.113.2", 24)
NETWORK = {"4": "198.51.100.0/24", "6": "2001:db8:1::/64"}
FEATURE = "tx-scatter-gather-fraglist"
MAPPED = "wto_tx_map_list"

UDP_SEGMENT = 103
DATAGRAM, DATAGRAMS = 1000, 40
MANY = 20


def mapped_lists():
    """Counts packets that the driver maps as lists."""
    try:
        return Calls(MAPPED)
    except LookupError as error:
        raise KsftSkipEx("the driver takes no lists of packets") from error


def switch(cfg, state):
    """The feature on or off, for the time of a case."""
    before = ethtool(f"-k {cfg.ifname}", json=True)[0][FEATURE]
    if before["fixed"]:
        raise KsftSkipEx("the driver takes no lists of packets")
    ethtool(f"-K {cfg.ifname} {FEATURE} {state}")
    defer(ethtool, f"-K {cfg.ifname} {FEATURE} {'on' if before['active'] else 'off'}")


def set_up(cfg, ipver, vlan=False):
    """Namespace, veth pair, routes; returns the peer's address."""
    cfg.reachable(ipver)
    near, far, bits = PREFIX[ipver]
    ip(f"netns add {NETNS}")
    defer(ip, f"netns del {NETNS}")
    ip(f"link add {NEAR} type veth peer name {FAR} netns {NETNS}")
    flag = " nodad" if ipver == "6" else ""
    ip(f"addr add {near}/{bits} dev {NEAR}{flag}")
    ip(f"addr add {far}/{bits} dev {FAR}{flag}", ns=NETNS)
    # each segment by itself, and merged when it arrives
    ethtool(f"-K {FAR} tso off gso off tx-udp-segmentation off", ns=NETNS)
    ethtool(f"-K {NEAR} gro on rx-udp-gro-forwarding on")
    ip(f"link set {FAR} up", ns=NETNS)
    ip(f"link set {NEAR} up")
    ip(f"-{ipver} route add default via {near}", ns=NETNS)
    cfg.set_sysctl("net.ipv4.ip_forward" if ipver == "4" else "net.ipv6.conf.all.forwarding", 1)
    local, remote = cfg.addr_v[ipver], cfg.remote_addr_v[ipver]
    if vlan:
        local, remote = add_vlan(cfg)
    ip(f"-{ipver} route add {NETWORK[ipver]} via {local}", ns=cfg.peer_ns)
    defer(ip, f"-{ipver} route del {NETWORK[ipver]} via {local}", ns=cfg.peer_ns)
    return remote


def add_vlan(cfg):
    """A VLAN device on both ends; returns their addresses."""
    *addrs, bits = TAGGED
    for (ifname, netns), addr in zip(cfg.ends(), addrs):
        ip(f"link add link {ifname} name tagged type vlan id 7", ns=netns)
        defer(ip, "link del tagged", ns=netns)
        ip(f"addr add {addr}/{bits} dev tagged", ns=netns)
        ip("link set tagged up", ns=netns)
    return addrs


def receive_all(sock, chunks):
    """Reads up to the end of the stream into @chunks."""
    while data := sock.recv(1 << 18):
        chunks.append(data)


def stream(cfg, remote, content, maxseg):
    """Sends through us to the peer by TCP, and compares."""
    family = family_of(remote)
    with peer_socket(cfg.peer_ns, family, socket.SOCK_STREAM) as listener, \
            peer_socket(NETNS, family, socket.SOCK_STREAM) as sender:
        listener.bind((remote, 0))
        listener.listen(1)
        if maxseg:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, maxseg)
        sender.settimeout(30)
        sender.connect(listener.getsockname()[:2])
        receiver, _ = listener.accept()
        chunks = []
        with receiver:
            receiver.settimeout(30)
            thread = threading.Thread(target=receive_all, args=(receiver, chunks), daemon=True)
            thread.start()
            sender.sendall(content)
            sender.shutdown(socket.SHUT_WR)
            thread.join(60)
            ksft_true(not thread.is_alive(), "the stream ends")
    ksft_true(b"".join(chunks) == content, "every byte")


def datagrams(cfg, remote, content):
    """Sends datagrams through us to the peer, many at a time, and compares."""
    family = family_of(remote)
    with peer_socket(cfg.peer_ns, family, socket.SOCK_DGRAM) as sink, \
            peer_socket(NETNS, family, socket.SOCK_DGRAM) as sender:
        sink.bind((remote, 0))
        sink.settimeout(30)
        big_buffers(sink)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, DATAGRAM)
        sender.sendto(content, sink.getsockname()[:2])
        got = [sink.recv(65536) for _ in range(DATAGRAMS)]
    ksft_true(b"".join(got) == content, "every byte, in order")
    ksft_eq({len(data) for data in got}, {DATAGRAM})


def refused(cfg):
    """Packets that the driver did not send."""
    return sum(value for name, value in ethtool_stats(cfg.ifname).items()
               if name.startswith("tx_refused") or name.endswith("_linearized"))


def forward(cfg, ipver, send, vlan=False, lists=True):
    """Sends until enough lists were mapped; none, if @lists is not set."""
    remote = set_up(cfg, ipver, vlan)
    count = mapped_lists()
    before, lost = count.count(), refused(cfg)

    def enough():
        send(remote)
        return count.count() - before >= MANY

    if lists:
        wait_for(enough, f"{MANY} lists", 60)
    else:
        for _ in range(3):
            send(remote)
        ksft_eq(count.count() - before, 0)
    ksft_pr(f"{count.count() - before} lists")
    ksft_eq(refused(cfg), lost, "packets that the driver refused or copied")


@ksft_variants(most_telling(["4", "6"], "4"))
def fraglist_tcp(cfg, ipver):
    """Merged TCP segments, segmented anew by the NIC."""
    switch(cfg, "on")
    content = random_bytes(1 << 20, 11)
    forward(cfg, ipver, lambda remote: stream(cfg, remote, content, 0))


@ksft_variants(most_telling(["4", "6"], "6"))
def fraglist_udp(cfg, ipver):
    """Merged datagrams likewise."""
    switch(cfg, "on")
    content = random_bytes(DATAGRAM * DATAGRAMS, 12)
    forward(cfg, ipver, lambda remote: datagrams(cfg, remote, content))


def fraglist_vlan(cfg):
    """Through a VLAN device above our port."""
    switch(cfg, "on")
    content = random_bytes(1 << 20, 13)
    forward(cfg, "4", lambda remote: stream(cfg, remote, content, 0), vlan=True)


def fraglist_too_long(cfg):
    """Lists of so many segments that the stack has to take most of them apart."""
    switch(cfg, "on")
    content = random_bytes(1 << 19, 14)
    forward(cfg, "4", lambda remote: stream(cfg, remote, content, 400))


def fraglist_off(cfg):
    """Switched off, the stack hands no list down."""
    switch(cfg, "off")
    content = random_bytes(1 << 20, 15)
    forward(cfg, "4", lambda remote: stream(cfg, remote, content, 0), lists=False)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([fraglist_tcp, fraglist_udp, fraglist_vlan, fraglist_too_long, fraglist_off],
                 args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
