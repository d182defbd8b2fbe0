#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The NIC's process killed: from then on each register reads as all ones.  The driver
notices, says so, stops, and unloads in short time.  The NIC does not come back: a machine
that ran this test is of no use for another one.
"""

import sys
import threading

from lib.py import EchoTraffic, TcpStream, WtoEnv, cmd, ip, ksft_disruptive, ksft_eq, \
    ksft_exit, ksft_ne, ksft_run, ksft_true, wait_for, wait_progress
from lib.py.dead import NOTICE_S, check_aftermath, gone, kill_nic, require_living_nic
from lib.py.faults import kernel_log


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
