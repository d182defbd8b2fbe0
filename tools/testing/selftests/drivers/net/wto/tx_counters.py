#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Counters of sending as the netdev family shows them: packets to segment and what they became,
checksums by the NIC and others, queues stopped and woken again.
"""

from lib.py import WtoEnv, defer, ethtool, ksft_eq, ksft_exit, ksft_pr, ksft_run, \
    ksft_variants, wait_for
from lib.py.packets import Exchange, Packet
from lib.py.pktgen import Pktgen
from lib.py.thorough import most_telling
from lib.py.traffic import random_bytes

NAMES = ("tx-packets", "tx-bytes", "tx-needs-csum", "tx-csum-none", "tx-hw-gso-packets",
         "tx-hw-gso-bytes", "tx-hw-gso-wire-packets", "tx-hw-gso-wire-bytes")
# Exchange.take() sends a frame of its own
MARKER = {"tx-packets": 1, "tx-bytes": 60, "tx-csum-none": 1}
PAYLOAD, MSS = 5000, 1400
KINDS = [f"{l4}{version}" for l4 in ("tcp", "udp") for version in (4, 6)]


def counters(cfg):
    """Sums over all queues."""
    cfg.require_driver("wto", "it has no netdev_stat_ops")
    return cfg.netdev().qstats_get({"ifindex": cfg.ifindex}, dump=True)[0]


def compare(cfg, send, expected):
    """Sends; the counters grow by what is expected and by the marker, and by nothing else."""
    expected = {name: expected.get(name, 0) + MARKER.get(name, 0) for name in NAMES}
    cfg.quiesce()
    exchange = Exchange(cfg)
    defer(exchange.close)
    before = counters(cfg)
    send(exchange)
    exchange.take()

    def growth():
        now = counters(cfg)
        return {name: now[name] - before[name] for name in NAMES}

    # frames arrive before their completion is counted
    try:
        wait_for(lambda: growth() == expected, "completions")
    except TimeoutError:
        pass
    ksft_eq(growth(), expected)


@ksft_variants(most_telling(KINDS, "tcp4", "udp6"))
def tx_segmented(cfg, kind):
    """One packet becomes four: both sides of it, and each frame's checksum by the NIC."""
    packet = Packet(kind[:3], int(kind[3]), payload=random_bytes(PAYLOAD))
    frames = -(-PAYLOAD // MSS)
    wire = PAYLOAD + frames * packet.hdr_len
    compare(cfg, lambda exchange: exchange.push(packet, MSS), {
        "tx-packets": frames, "tx-bytes": wire, "tx-needs-csum": frames,
        "tx-hw-gso-packets": 1, "tx-hw-gso-bytes": packet.hdr_len + PAYLOAD,
        "tx-hw-gso-wire-packets": frames, "tx-hw-gso-wire-bytes": wire,
    })


@ksft_variants(most_telling(KINDS, "tcp6", "udp4"))
def tx_checksummed(cfg, kind):
    """Packets whose checksum the NIC fills, and others."""
    packet = Packet(kind[:3], int(kind[3]), payload=random_bytes(500))

    def send(exchange):
        for csum in (True, False, True, True, False):
            exchange.push(packet, csum=csum)

    compare(cfg, send, {"tx-packets": 5, "tx-bytes": 5 * (packet.hdr_len + 500),
                        "tx-needs-csum": 3, "tx-csum-none": 2})


def tx_short_last(cfg):
    """A last segment that the NIC pads counts as it leaves."""
    packet = Packet("udp", 4, payload=random_bytes(MSS + 1))
    wire = MSS + packet.hdr_len + 60
    compare(cfg, lambda exchange: exchange.push(packet, MSS), {
        "tx-packets": 2, "tx-bytes": wire, "tx-needs-csum": 2,
        "tx-hw-gso-packets": 1, "tx-hw-gso-bytes": packet.hdr_len + MSS + 1,
        "tx-hw-gso-wire-packets": 2, "tx-hw-gso-wire-bytes": wire,
    })


def tx_stop_wake(cfg):
    """A ring that is too small for a flood stops its queue, which is woken again each time."""
    rings = ethtool(f"-g {cfg.ifname}", json=True)[0]
    ethtool(f"-G {cfg.ifname} tx 64")
    defer(ethtool, f"-G {cfg.ifname} tx {rings['tx']}")
    cfg.reachable()
    before = counters(cfg)
    # byte queue limits do not hold it back
    generator = Pktgen(cfg.ifname)

    def stops_and_wakes():
        now = counters(cfg)
        return now["tx-stop"] - before["tx-stop"], now["tx-wake"] - before["tx-wake"]

    def flood():
        generator.run(f"dst_mac {cfg.remote_dev['address']}", f"dst {cfg.remote_addr_v['4']}",
                      "count 5000", "pkt_size 60", "burst 16")
        return stops_and_wakes()[0]

    wait_for(flood, "a queue to stop", 60)
    wait_for(lambda: len(set(stops_and_wakes())) == 1, "as many wakes as stops")
    ksft_pr(f"{stops_and_wakes()[0]} times")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([tx_segmented, tx_checksummed, tx_short_last, tx_stop_wake], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
