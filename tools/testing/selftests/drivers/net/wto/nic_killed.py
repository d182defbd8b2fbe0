#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The NIC's process killed: from then on each register reads as all ones.  The driver
notices, says so, stops, and unloads in short time.  The NIC does not come back: a machine
that ran this test is of no use for another one.
"""

import os
import sys
import threading

from lib.py import CmdExitFailure, EchoTraffic, KsftSkipEx, NicGone, TcpStream, WtoEnv, cmd, \
    ethtool, ip, ksft_disruptive, ksft_eq, ksft_exit, ksft_in, ksft_ne, ksft_pr, ksft_run, \
    ksft_true, wait_for, wait_progress
from lib.py.faults import Timed, kernel_log
from lib.py.kmsg import say
from lib.py.memory import traces_of

NOTICE_S = 10
DOWN_S = 10
UNLOAD_S = 15


def gone(ifname, netns):
    """Whether the driver has taken its device off the stack."""
    try:
        ethtool(f"-l {ifname}", ns=netns)
    except CmdExitFailure as error:
        return "No such device" in error.cmd.stderr
    return False


def check_questions(ifname, netns):
    """Whatever is asked of the device that is gone, or wanted of it, is refused at once."""
    for args in ("-d {}", "-S {}", "-t {} online", "-x {}", "-g {}", "-c {}", "-L {} combined 1",
                 "-C {} rx-usecs 10", "-X {} equal 1"):
        result = cmd("ethtool " + args.format(ifname), fail=False, ns=netns)
        ksft_ne(result.ret, 0, args)
        ksft_in("No such device", result.stderr, args)


def require_living_nic(cfg):
    """Skips where the NIC cannot be killed, or is dead."""
    cfg.require_nic()
    cfg.require_driver("wto", "waits for the dead device for minutes")
    if not cfg.lab:
        raise KsftSkipEx("needs the lab to kill the NIC")
    try:
        cfg.nic.stats()
    except (NicGone, TimeoutError) as error:
        raise KsftSkipEx("the NIC is dead already, each case needs a new machine") from error


def kill_nic(cfg):
    """From here on, and not before, the stack's watchdog may bark before the driver notices."""
    say("trouble expected: NETDEV WATCHDOG")
    cfg.lab.request("kill-nic")


def check_aftermath(cfg, log_before, ends=None):
    """Notice, say so once, stop, down, unload; and a load without NIC fails in good order."""
    for ifname, netns in ends or cfg.ends():
        with Timed(f"{ifname}: driver notices", NOTICE_S):
            wait_for(lambda i=ifname, n=netns: gone(i, n), f"{ifname} to be gone", 60)
    wait_for(lambda: count_said(cfg, log_before) >= 2, "both functions to be given up", NOTICE_S)
    for ifname, netns in ends or cfg.ends():
        with Timed(f"{ifname}: ethtool"):
            check_questions(ifname, netns)
    for ifname, netns in cfg.ends():
        with Timed(f"{ifname} down", DOWN_S):
            ip(f"link set dev {ifname} down", ns=netns)
    with Timed("unload", UNLOAD_S):
        cfg.unload()
    ksft_pr("\n".join(kernel_log(cfg.driver)[log_before:]))
    ksft_eq(count_said(cfg, log_before), 2, "said once for each function")
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")
    load_without_nic(cfg)


def count_said(cfg, log_before):
    """How often the driver said that a device does not answer."""
    return sum("does not answer" in line for line in kernel_log(cfg.driver)[log_before:])


@ksft_disruptive
def nic_killed_under_traffic(cfg):
    """Under TCP and UDP traffic both ways."""
    require_living_nic(cfg)
    log_before = len(kernel_log(cfg.driver))
    with EchoTraffic(cfg) as echo:
        streams = [TcpStream(cfg), TcpStream(cfg, from_peer=True)]
        wait_progress((echo, *streams), "at the start")
        kill_nic(cfg)
        check_aftermath(cfg, log_before)
    ksft_eq(echo.errors, [])


@ksft_disruptive
def nic_killed_while_down(cfg):
    """Our port is down, and cannot be brought up any more."""
    require_living_nic(cfg)
    log_before = len(kernel_log(cfg.driver))
    ip(f"link set dev {cfg.ifname} down")
    kill_nic(cfg)
    wait_for(lambda: gone(*cfg.ends()[0]), "the driver to notice", NOTICE_S)
    ksft_ne(cmd(f"ip link set dev {cfg.ifname} up", fail=False).ret, 0, "up without a NIC")
    check_aftermath(cfg, log_before)


@ksft_disruptive
def nic_killed_in_recovery(cfg):
    """The driver waits for the end of a reset that never ends."""
    require_living_nic(cfg)
    log_before = len(kernel_log(cfg.driver))
    with EchoTraffic(cfg) as echo:
        wait_progress([echo], "at the start")
        cfg.nic.command(f"fault reset=600000@{cfg.NIC_PORT}")
        wait_for(lambda: gone(*cfg.ends()[0]), "the driver to notice the reset", NOTICE_S)
        kill_nic(cfg)
        check_aftermath(cfg, log_before)
    ksft_eq(echo.errors, [])


@ksft_disruptive
def nic_killed_during_change(cfg):
    """Channels and rings are changed all the time: the command fails and returns."""
    require_living_nic(cfg)
    log_before = len(kernel_log(cfg.driver))
    stop = threading.Event()
    changes = []

    def change():
        while not stop.is_set():
            for option in ("-L {} combined 1", "-G {} rx 64 tx 64", "-L {} combined 4"):
                changes.append(cmd("ethtool " + option.format(cfg.ifname), fail=False).ret)

    changer = threading.Thread(target=change)
    with EchoTraffic(cfg) as echo:
        wait_progress([echo], "at the start")
        changer.start()
        wait_for(lambda: len(changes) > 3, "some changes", 60)
        kill_nic(cfg)
        wait_for(lambda: gone(*cfg.ends()[0]), "the driver to notice", 60)
        stop.set()
        changer.join(60)
        ksft_true(not changer.is_alive(), "ethtool returns")
        check_aftermath(cfg, log_before)
    ksft_eq(changes[:3], [0, 0, 0])
    ksft_eq(echo.errors, [])


def load_without_nic(cfg):
    """The functions are still on the bus; the driver finds no NIC in them and binds none."""
    with Timed("load", UNLOAD_S):
        cmd(f"insmod {cfg.env['WTO_MODULE']}", timeout=60)
    ksft_eq(os.path.exists(f"/sys/class/net/{cfg.ifname}"), False)
    with Timed("second unload", UNLOAD_S):
        cfg.unload()
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")


def main() -> None:
    """Runs the first case, or that of -t: each needs a machine of its own."""
    cases = [nic_killed_under_traffic, nic_killed_while_down, nic_killed_in_recovery,
             nic_killed_during_change]
    with WtoEnv(__file__) as cfg:
        ksft_run(cases if len(sys.argv) > 1 else cases[:1], args=(cfg, ))
    # Streams that can never end must not hold the interpreter
    ksft_exit()


if __name__ == "__main__":
    main()
