#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The machine goes off while traffic runs.  This leaves a TCP stream each way behind; what is
tested comes after its end, when the kernel shuts devices down: the lab reports a machine
that does not go off in time.  Elsewhere, switch the machine off or reboot it afterwards.
"""

import subprocess

from lib.py import WtoEnv, cmd, ksft_exit, ksft_gt, ksft_run, wait_for
from lib.py.counters import stack_totals

SECONDS = 3600
PACKETS = 1000


def power_off_traffic(cfg):
    """Traffic that goes on when this program has ended."""
    cmd("iperf3 -s -D", ns=cfg.peer_ns)
    before = stack_totals(cfg.ifname)
    with open("/dev/null", "r+b") as null:
        # Left alone on purpose
        subprocess.Popen(  # pylint: disable=consider-using-with
            ["iperf3", "-c", cfg.remote_addr_v["4"], "-t", str(SECONDS), "--bidir"],
            stdin=null, stdout=null, stderr=null, start_new_session=True)
    for name in ("rx_packets", "tx_packets"):
        wait_for(lambda n=name: stack_totals(cfg.ifname)[n] > before[n] + PACKETS, name, 60)
        ksft_gt(stack_totals(cfg.ifname)[name], before[name])


def main() -> None:
    """Runs the case."""
    with WtoEnv(__file__) as cfg:
        ksft_run([power_off_traffic], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
