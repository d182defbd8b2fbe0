#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Send offloads against the stack's own software: the same seeded packets are sent with the NIC's
checksum and segmentation offloads on and off, and byte for byte the same frames must leave.

raw: packets of our own making, any tags, IPv4 options, extension headers, TCP options, flags,
MSS, 1 byte to 256 KiB; tap: such packets, come in by a TAP interface; gro: frames that the stack
merges on their way from there; udp and tcp: what sockets make of data that are copied, sent from
files and pipes, or in place, on the port and on VLANs.  WTO_TEST_FULL sends more of them,
WTO_OFFLOAD_SEED other ones.
"""

import os

from lib.py import WtoEnv, defer, ksft_eq, ksft_exit, ksft_ge, ksft_pr, ksft_run, \
    ksft_true, ksft_variants
from lib.py.offload import Wire, differences, judged_by_tshark, lso_id_bits, \
    queue_model, remove

SEED = int(os.environ.get("WTO_OFFLOAD_SEED", "20"))
FULL = "WTO_TEST_FULL" in os.environ
# Where captures stay, to look at them
KEEP = os.environ.get("WTO_OFFLOAD_KEEP")

# Cases of each workload: in full; on the newest kernel and the usual queue model; on others
COUNTS = {"raw": (1200, 200, 70), "tap": (250, 40, 20), "gro": (250, 40, 20),
          "udp": (300, 50, 15), "tcp": (300, 50, 15)}


def count_of(workload, cfg):
    """How many cases are sent."""
    full, usual, others = COUNTS[workload]
    if FULL:
        return full
    newest = os.uname().release.startswith("7.")
    return usual if newest and queue_model(cfg) == "split" else others


def report_differences(cases, found):
    """The first few, with what was sent."""
    texts = {number: text for number, _, _, text in cases}
    for number, words in found[:8]:
        ksft_pr(f"case {number}: {texts.get(number)}: {words}")


def same_again(wire, number):
    """
    Repeats a case of a stream: on a busy machine the stack may have sent something twice.
    """
    paths = [f"/tmp/wto-again-{state}.pcap" for state in ("on", "off")]
    for state, path in zip((True, False), paths):
        wire.switch_all(state)
        wire.send("tcp", path, SEED, 1, number)
    found, _ = differences(*paths)
    remove(*paths)
    ksft_pr(f"case {number} differed once, {'and again' if found else 'not again'}")
    return not found


@ksft_variants(list(COUNTS))
def same_wire(cfg, workload):
    """Sends everything with and without offloads and compares."""
    wire = Wire(cfg)
    wire.set_up()
    if workload == "tcp":
        wire.plain_tcp()
    if workload in ("tap", "gro"):
        wire.by_tap()
    count = count_of(workload, cfg)
    paths = {state: f"{KEEP or '/tmp'}/wto-{workload}-{'on' if state else 'off'}.pcap"
             for state in (True, False)}
    if not KEEP:
        defer(remove, *paths.values())
    dropped = wire.dropped()
    results = {}
    for state, path in paths.items():
        wire.switch_all(state)
        results[state] = wire.send(workload, path, SEED, count)
    (cases, done), (_, done_off) = results[True], results[False]
    frames = sum(case[1] for case in cases)
    refused = sum(case[2] != "ok" for case in cases)
    for _, _, result, text in [case for case in cases if case[2] != "ok"][:8]:
        ksft_pr(f"refused, {result}: {text}")
    ksft_pr(f"{count} cases, {frames} frames; {refused} refused by the stack; the NIC segmented "
            f"{done['lso']} by LSO and {done['uso']} by USO into {done['segments']}")

    found, renumbered = differences(paths[True], paths[False], lso_id_bits(cfg))
    report_differences(cases, found)
    if workload == "tcp":
        found = [pair for pair in found if not same_again(wire, pair[0])]
    if workload == "gro":
        ksft_eq(frames, sum(int(case[3].rpartition("frames=")[2]) for case in cases),
                "as many frames as came in")
    ksft_eq(len(found), 0, "cases with other frames")
    if renumbered:
        ksft_pr(f"{renumbered} cases with ids as LSO-19 has them")
    ksft_eq(wire.dropped(), dropped, "nothing is given up")
    ksft_eq((done_off["lso"], done_off["uso"]), (0, 0), "the NIC segments nothing when off")
    ksft_ge(count // 10, refused, "few are refused")
    # how much the stack merges depends on how busy the machine is
    least = 1 if workload == "gro" else count // 8
    ksft_ge(done["lso"] + done["uso"], least, "the NIC does its part")
    # Slow, and the other captures have nothing that this one has not
    if workload == "raw" or FULL:
        judge(paths[True], frames)


def judge(path, frames):
    """No wrong checksum, by tshark."""
    seen, bad, good = judged_by_tshark(path)
    ksft_eq(seen, frames, "frames that tshark saw")
    ksft_eq(bad, 0, "bad checksums, by tshark")
    ksft_true(good > frames, f"{good} good checksums in {frames} frames")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([same_wire], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
