# SPDX-License-Identifier: GPL-2.0-only
"""Cases of offload_rules.py: packets that come when an offload has been switched off."""

from lib.py import defer, ksft_eq, ksft_ge, wait_for
from .faults import FaultWatch
from .offload_cases import CASES, DATA, KINDS, rules
from .packets import Packet
from .pktgen import Pktgen

__all__ = ["CASES"]


def late_packets(run):
    """
    Packets that ask for what is off, as one could that was on its way: the packet generator makes
    one that asks for a checksum, and sends it again and again.
    """
    cfg = run.cfg
    run.wire.switch_all(True)
    watch = FaultWatch(cfg)
    generator = Pktgen(cfg.ifname)
    settings = (f"dst_mac {cfg.remote_dev['address']}", f"src_min {cfg.addr_v['4']}",
                f"src_max {cfg.addr_v['4']}", f"dst {cfg.remote_addr_v['4']}", "pkt_size 200",
                "flag UDPCSUM", "count 0", "clone_skb 100000", "delay 1000000")
    sums = run.wire.counted()["csum"]
    with generator.running(*settings) as sent:
        wait_for(lambda: run.wire.counted()["csum"] > sums + 50, "checksums", 30)
        run.wire.switch_all(False)
        sums = run.wire.counted()["csum"]
        late = watch.grew("tx_refused_off")
        wait_for(lambda: watch.grew("tx_refused_off") > late + 50, "refusals", 30)
        ksft_eq(run.wire.counted()["csum"], sums, "checksums by the NIC, once switched off")
    ksft_ge(sent.result(), 100)
    ksft_ge(watch.grew("tx_*_dropped"), watch.grew("tx_refused_off"), "refused and dropped")
    run.exchange.take()


@rules("LSO-26", "USO-16", "CON-09")
def nothing_after_the_switch_off(run):
    """When the switch-off has returned, the NIC segments no more."""
    defer(run.wire.switch_all, True)
    for l4, version in KINDS:
        run.wire.switch_all(True)
        run.segments(Packet(l4, version, payload=DATA[:4000]), 1000)
        run.wire.switch_all(False)
        packet = Packet(l4, version, payload=DATA[:4000])
        done, frames = run.count(lambda p=packet: run.exchange.send(p, 1000))
        ksft_eq((done["lso"], done["uso"], len(frames)), (0, 0, 4))
    if run.cfg.driver == "wto":
        late_packets(run)
