#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The NIC's process killed under traffic: from then on each register reads as all ones.  The
driver notices, stops, and unloads in short time.  The NIC does not come back: a machine
that ran this test is of no use for another one.
"""

import os
import time

from lib.py import CmdExitFailure, EchoTraffic, KsftSkipEx, TcpStream, WtoEnv, cmd, ethtool, \
    ip, ksft_disruptive, ksft_eq, ksft_exit, ksft_in, ksft_lt, ksft_pr, ksft_run, wait_for, \
    wait_progress
from lib.py.memory import traces_of

NOTICE_S = 10
DOWN_S = 10
UNLOAD_S = 15


def timed(what, limit, action):
    """Runs action(), reports and checks how long it took."""
    start = time.monotonic()
    action()
    took = time.monotonic() - start
    ksft_pr(f"{what}: {took:.2f} s")
    ksft_lt(took, limit, what)


def gone(ifname, netns):
    """Whether the driver has taken its device off the stack."""
    try:
        ethtool(f"-l {ifname}", ns=netns)
    except CmdExitFailure as error:
        return "No such device" in error.cmd.stderr
    return False


def kernel_log(driver):
    """What the driver said since the start."""
    return [line for line in cmd("dmesg").stdout.splitlines() if driver in line]


@ksft_disruptive
def nic_killed_under_traffic(cfg):
    """Notice, say so, stop, down, unload; and a load without NIC fails in good order."""
    cfg.require_driver("wto", "waits for the dead device for minutes")
    if not cfg.lab:
        raise KsftSkipEx("needs the lab to kill the NIC")
    log_before = len(kernel_log(cfg.driver))
    with EchoTraffic(cfg) as echo:
        streams = [TcpStream(cfg), TcpStream(cfg, from_peer=True)]
        wait_progress((echo, *streams), "at the start")
        cfg.lab.request("kill-nic")
        for ifname, netns in cfg.ends():
            timed(f"{ifname}: driver notices", NOTICE_S,
                  lambda i=ifname, n=netns: wait_for(lambda: gone(i, n), f"{i} to be gone", 60))
        said = kernel_log(cfg.driver)[log_before:]
        ksft_pr("\n".join(said))
        ksft_in("does not answer", " ".join(said), "the driver says what happened")
        for ifname, netns in cfg.ends():
            timed(f"{ifname} down", DOWN_S,
                  lambda i=ifname, n=netns: ip(f"link set dev {i} down", ns=n))
        timed("unload", UNLOAD_S, cfg.unload)
    ksft_eq(echo.errors, [])
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")
    load_without_nic(cfg)


def load_without_nic(cfg):
    """The functions are still on the bus; the driver finds no NIC in them and binds none."""
    timed("load", UNLOAD_S, lambda: cmd(f"insmod {cfg.env['WTO_MODULE']}", timeout=60))
    ksft_eq(os.path.exists(f"/sys/class/net/{cfg.ifname}"), False)
    timed("second unload", UNLOAD_S, cfg.unload)
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")


def main() -> None:
    """Runs the case."""
    with WtoEnv(__file__) as cfg:
        ksft_run([nic_killed_under_traffic], args=(cfg, ))
    # Streams that can never end must not hold the interpreter
    ksft_exit()


if __name__ == "__main__":
    main()
