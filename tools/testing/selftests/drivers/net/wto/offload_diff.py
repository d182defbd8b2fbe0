#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Send offloads against the stack's own software: the same seeded packets are sent with the NIC's
checksum and segmentation offloads on and off, and byte for byte the same frames must leave.

raw: packets of our own making, any tags, IPv4 options, extension headers, TCP options, flags,
MSS, 1 byte to 256 KiB; tap: such packets, come in by a TAP interface; gro: frames that the stack
merges on their way from there; udp and tcp: what sockets make of data that are copied, sent from
files and pipes, or in place, on the port and on VLANs.  One more case is of ids that the stack
lets the NIC change.  WTO_TEST_FULL sends more of them, WTO_OFFLOAD_PERCENT so many hundredths of
that, WTO_OFFLOAD_SEED other ones.
"""

import os
import re

from lib.py import KsftSkipEx, WtoEnv, defer, ethtool, ksft_eq, ksft_exit, ksft_ge, ksft_pr, \
    ksft_run, ksft_true, ksft_variants
from lib.py.offload import Wire, differences, features, first_ids, ident, is_tcp4, \
    judged_by_tshark, lso_id_bits, queue_model, read_capture, remove, with_id
from lib.py.thorough import FULL

SEED = int(os.environ.get("WTO_OFFLOAD_SEED", "20"))
PERCENT = int(os.environ.get("WTO_OFFLOAD_PERCENT", "100"))
# Where captures stay, to look at them
KEEP = os.environ.get("WTO_OFFLOAD_KEEP")
# The stack's switch for packets whose ids must stay the same
MANGLEID = "tx-tcp-mangleid-segmentation"
# How often a stream is repeated that the machine was too busy for
REPEATS = 5

# Cases of each workload: in full; on the newest kernel and the usual queue model; on others
COUNTS = {"raw": (1200, 120, 50), "tap": (250, 25, 12), "gro": (250, 25, 12),
          "udp": (300, 30, 10), "tcp": (300, 30, 10)}


def count_of(workload, cfg):
    """How many cases are sent."""
    full, usual, others = COUNTS[workload]
    if FULL:
        return full * PERCENT // 100
    newest = os.uname().release.startswith("7.")
    return usual if newest and queue_model(cfg) == "split" else others


def report_differences(cases, found):
    """The first few, with what was sent."""
    texts = {number: text for number, _, _, text in cases}
    for number, words in found[:8]:
        ksft_pr(f"case {number}: {texts.get(number)}: {words}")


def disturbed(cases):
    """
    Numbers of streams of which a packet was sent again, or whose window was probed before it
    was opened: the stack's timers ran off, which has nothing to do with who segments.
    """
    return {number for number, _, _, text in cases if " again=" in text}


def check_streams(wire, cases, lost):
    """No stream may stand still, and what was sent again must have got lost somewhere."""
    for number, _, result, text in cases:
        if " again=" in text:
            ksft_pr(f"case {number} was disturbed: {result}, {text}")
    ksft_eq([case[0] for case in cases if case[2] == "EAGAIN"], [], "streams that stood still")
    again = [case[0] for case in cases if re.search(r" again=[1-9]", case[3])]
    grown = {name: count - lost[name] for name, count in wire.lost().items()
             if count != lost[name]}
    if again:
        ksft_pr(f"frames that the NIC dropped: {grown}")
        ksft_true(grown, f"cases {again}: frames were sent again, and none is known to be lost")


def differs_quietly(wire, number, id_bits):
    """Repeats a disturbed stream until nothing disturbs it; whether it still differs."""
    paths = [f"/tmp/wto-again-{state}.pcap" for state in ("on", "off")]
    for _ in range(REPEATS):
        results = []
        for state, path in zip((True, False), paths):
            wire.switch_all(state)
            results.append(wire.send("tcp", path, SEED, 1, number)[0])
        found, _ = differences(*paths, id_bits, first_ids(results[0]))
        remove(*paths)
        if not disturbed(results[0] + results[1]):
            ksft_pr(f"case {number}, undisturbed: {found or 'no difference'}")
            return bool(found)
    ksft_pr(f"case {number} was disturbed {REPEATS} times")
    return True


def compare(cfg, wire, workload, paths, runs):
    """Whatever was sent with and without offloads has to be the same."""
    id_bits = lso_id_bits(cfg)
    found, renumbered = differences(paths[True], paths[False], id_bits, first_ids(runs[True]))
    report_differences(runs[True], found)
    if workload == "tcp":
        retry = disturbed(runs[True] + runs[False])
        found = [pair for pair in found
                 if pair[0] not in retry or differs_quietly(wire, pair[0], id_bits)]
    ksft_eq(len(found), 0, "cases with other frames")
    if renumbered:
        ksft_pr(f"{renumbered} cases with ids as LSO-19 has them")


def send_both(wire, workload, count):
    """Sends with and without offloads.  By state: captures, what was sent, what the NIC did."""
    paths = {state: f"{KEEP or '/tmp'}/wto-{workload}-{'on' if state else 'off'}.pcap"
             for state in (True, False)}
    if not KEEP:
        defer(remove, *paths.values())
    runs, done = {}, {}
    for state, path in paths.items():
        wire.switch_all(state)
        runs[state], done[state] = wire.send(workload, path, SEED, count)
    return paths, runs, done


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
    dropped, lost = wire.dropped(), wire.lost()
    paths, runs, done = send_both(wire, workload, count)
    cases = runs[True]
    frames = sum(case[1] for case in cases)
    refused = [case for case in cases if case[2] != "ok"]
    for _, _, result, text in refused[:8]:
        ksft_pr(f"refused, {result}: {text}")
    ksft_pr(f"{count} cases, {frames} frames; {len(refused)} refused by the stack; the NIC "
            f"segmented {done[True]['lso']} by LSO and {done[True]['uso']} by USO into "
            f"{done[True]['segments']}")

    compare(cfg, wire, workload, paths, runs)
    if workload == "tcp":
        check_streams(wire, runs[True] + runs[False], lost)
    if workload == "gro":
        ksft_eq(frames, sum(int(case[3].rpartition("frames=")[2]) for case in cases),
                "as many frames as came in")
    ksft_eq(wire.dropped(), dropped, "nothing is given up")
    ksft_eq((done[False]["lso"], done[False]["uso"]), (0, 0), "the NIC segments nothing when off")
    ksft_ge(count // 10, len(refused), "few are refused")
    # how much the stack merges depends on how busy the machine is
    ksft_ge(done[True]["lso"] + done[True]["uso"], 1 if workload == "gro" else count // 8,
            "the NIC does its part")
    # Slow, and the other captures have nothing that this one has not
    if workload == "raw" or FULL:
        judge(paths[True], frames)


def judge(path, frames):
    """No wrong checksum, by tshark."""
    seen, bad, good = judged_by_tshark(path)
    ksft_eq(seen, frames, "frames that tshark saw")
    ksft_eq(bad, 0, "bad checksums, by tshark")
    ksft_true(good > frames, f"{good} good checksums in {frames} frames")


def count_up(one, two):
    """
    Whether two runs of frames differ in their ids only: those of the second stand still, those of
    the first count up from there, with each packet anew.
    """
    if len(one) != len(two) or not all(map(is_tcp4, one + two)):
        return False
    first, ids = ident(two[0]), [ident(frame) for frame in one]
    return all(number in (first, before + 1) for before, number in zip(ids, ids[1:])) and \
        ids[0] == first and {ident(frame) for frame in two} == {first} and \
        all(left == with_id(right, ident(left)) for left, right in zip(one, two))


def mangled_ids(cfg):
    """
    LSO-19 for packets whose ids stood still: the NIC counts them up where the user lets it, by
    tx-tcp-mangleid-segmentation.  The workload "gro" shows that the stack segments them otherwise.
    """
    if cfg.driver == "idpf":
        raise KsftSkipEx("in-tree idpf drops these packets (tx-skb_drops)")
    wire = Wire(cfg)
    wire.set_up()
    wire.by_tap()
    ethtool(f"-K {cfg.ifname} {MANGLEID} on")
    defer(ethtool, f"-K {cfg.ifname} {MANGLEID} off")
    ksft_eq(features(cfg.ifname, (MANGLEID, )), {MANGLEID: (True, True)})
    paths, runs, _ = send_both(wire, "gro", count_of("gro", cfg))
    frames = {state: read_capture(path) for state, path in paths.items()}
    still = {number for number, _, _, text in runs[True] if " id+0 " in text}
    other = [number for number in sorted(frames[True] | frames[False])
             if frames[True].get(number) != frames[False].get(number)]
    mangled = [number for number in other if number in still and
               count_up(frames[True].get(number, []), frames[False].get(number, []))]
    report_differences(runs[True], [(number, "other frames") for number in other
                                    if number not in mangled])
    ksft_eq(other, mangled, "cases with other frames")
    ksft_ge(len(mangled), 1, "packets whose ids the NIC counted up")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([same_wire, mangled_ids], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
