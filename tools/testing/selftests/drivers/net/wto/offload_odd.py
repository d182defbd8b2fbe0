#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Packets that nobody should send, by a packet socket and by a TAP interface, with a virtio-net
header that asks for the absurd: headers that end too early, sums outside of them, segments of a
byte, eight tags, chains of extension headers that lead nowhere.

The stack refuses what it likes.  What it lets pass must leave as it does without offloads, the NIC
must find nothing wrong with it, nothing may stand still, and the kernel must have nothing to say.
WTO_TEST_FULL sends more of them, WTO_ODD_COUNT so many, WTO_OFFLOAD_SEED other ones.
"""

import collections
import os

from lib.py import WtoEnv, defer, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_run, ksft_variants
from lib.py.offload import Wire, differences, lso_id_bits, remove
from lib.py.thorough import FULL

SEED = int(os.environ.get("WTO_OFFLOAD_SEED", "20"))
COUNT = int(os.environ.get("WTO_ODD_COUNT", "10000" if FULL else "400"))


@ksft_variants(["odd", "oddtap"])
def odd_packets(cfg, workload):
    """Sends them with and without offloads and compares."""
    wire = Wire(cfg)
    wire.set_up()
    if workload == "oddtap":
        wire.by_tap()
    paths = [f"/tmp/wto-{workload}-{state}.pcap" for state in ("on", "off")]
    defer(remove, *paths)
    errors = wire.nic_errors()
    runs, done = [], []
    for state, path in zip((True, False), paths):
        wire.switch_all(state)
        cases, counted = wire.send(workload, path, SEED, COUNT)
        runs.append(cases)
        done.append(counted)
    results = collections.Counter(case[2] for case in runs[0])
    silent = sum(case[1] == 0 and case[2] == "ok" for case in runs[0])
    ksft_pr(f"{COUNT} cases: {dict(results)}, {silent} without a frame; "
            f"the NIC: {done[0]}")
    found, _ = differences(*paths, lso_id_bits(cfg))
    texts = {case[0]: case[3] for case in runs[0]}
    for number, words in found[:20]:
        ksft_pr(f"case {number}: {texts.get(number)}: {words}")
    ksft_eq(len(found), 0, "cases with other frames")
    ksft_eq([one[:3] for one, two in zip(*runs) if one[2] != two[2]], [], "other results")
    ksft_eq(wire.nic_errors(), errors, "errors that the NIC found")
    ksft_ge(done[0]["csum"] + done[0]["lso"] + done[0]["uso"], COUNT // 20, "what the NIC did")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([odd_packets], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
