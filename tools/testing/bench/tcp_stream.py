#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""One TCP stream by wto and by the kernel's idpf, whose packets the NIC segments.

Two ports of the software NIC are wto's, two the kernel's idpf's.  Each round sends by both, the
first of them changing from round to round, with packets of 64 KiB and with such of 185 KB (BIG
TCP).  The ratio within a round counts.
"""

import argparse
import json
import statistics

from instructions import run
from throughput import load

SIZES = {"TSO 64 KiB": 65536, "BIG TCP 185 KB": 185000}
DRIVERS = ("wto", "idpf")


def limit(pair, size):
    """Sets the size of packets to segment, as far as the driver allows it; returns what it is."""
    for namespace, dev in pair.devs:
        for name in ("gso_max_size", "gso_ipv4_max_size"):
            run(f"ip link set {dev} {name} {size}", namespace, check=False)
    namespace, dev = pair.devs[0]
    return json.loads(run(f"ip -d -j link show {dev}", namespace))[0]["gso_ipv4_max_size"]


def main():
    """Sets up, measures in turn, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", help="wto.ko")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    opts = parser.parse_args()

    pairs = load(opts.module, True)
    ratios = {name: [] for name in SIZES}
    for number in range(opts.runs):
        for name, size in SIZES.items():
            figures, limits = {}, {}
            for driver in DRIVERS[::-1 if number % 2 else 1]:
                limits[driver] = limit(pairs[driver], size)
                figures[driver] = pairs[driver].netperf("TCP_STREAM", opts.seconds)
            ratios[name].append(figures["wto"] / figures["idpf"])
            print(f"run {number + 1} {name:<15}" + "".join(
                f"  {driver} {figures[driver]:6.0f} Mbit/s (packets up to {limits[driver]})"
                for driver in DRIVERS) + f"  ratio {ratios[name][-1]:.2f}", flush=True)
    for name, values in ratios.items():
        print(f"{name:<15} ratio {statistics.median(values):.2f}"
              f" ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
