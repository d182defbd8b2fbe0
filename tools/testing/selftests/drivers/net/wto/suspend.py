#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The machine sleeps: to RAM, where the functions lose power, and to idle, under TCP traffic
both ways; with the port down; while the NIC is in reset; and with a NIC that does not come
back.  What the user had configured is there again afterwards.
"""

import sys

from lib.py import EchoTraffic, TcpStream, WtoEnv, defer, ksft_disruptive, ksft_eq, ksft_exit, \
    ksft_ge, ksft_run, ksft_variants, wait_progress
from lib.py.counters import stack_totals
from lib.py.dead import check_aftermath, require_living_nic
from lib.py.faults import FaultWatch, Timed, kernel_log
from lib.py.kmsg import say
from lib.py.kprobe import Calls
from lib.py.reset import reset_in_recovery, reset_while_down
from lib.py.sleep import require_sleep, sleep_deep, sleep_idle, sleep_test
from lib.py.thorough import FULL
from lib.py.userconfig import UserConfig

ROUNDS = 5 if FULL else 2
# (test level, what is written to /sys/power/state); each goes one step further
LEVELS = {"freezer": "mem", "devices": "mem", "platform": "mem", "processors": "mem",
          "core": "mem", "hibernation": "disk"}


def check_counters(cfg, before):
    """Counters go on from where they were."""
    after = stack_totals(cfg.ifname)
    for name in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes"):
        ksft_ge(after[name], before[name], name)


def under_traffic(cfg, user, sleep, rounds, what):
    """Sleeps several times while streams run, then compares all that was configured."""
    require_sleep(cfg)
    user.require()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back, EchoTraffic(cfg) as echo:
        flows = (out, back, echo)
        wait_progress(flows, "at the start")
        for number in range(rounds):
            watch = FaultWatch(cfg)
            before = stack_totals(cfg.ifname)
            with Timed(f"{what} {number + 1}"):
                sleep()
            # The driver's work is done when the kernel says that it is awake
            ksft_eq(watch.grew("resets"), 1, "recoveries")
            ksft_eq(watch.grew("reset_failures"), 0)
            cfg.wait_carrier()
            wait_progress(flows, f"after {what} {number + 1}")
            check_counters(cfg, before)
    user.check(what)
    for flow in flows:
        ksft_eq(flow.errors, [])


def sleep_once(cfg):
    """To RAM and back, at the first attempt."""
    ksft_eq(sleep_deep(cfg), 1, "sleeps")


@ksft_disruptive
def suspend_to_ram(cfg, user):
    """S3: QEMU resets the functions as a machine's power supply would."""
    under_traffic(cfg, user, lambda: sleep_once(cfg), ROUNDS, "sleep to RAM")


@ksft_disruptive
def suspend_to_idle(cfg, user):
    """s2idle: the functions go to D3hot and forget nothing of their own accord."""
    under_traffic(cfg, user, lambda: ksft_eq(sleep_idle(cfg), 1, "sleeps"), ROUNDS,
                  "sleep to idle")


@ksft_variants(list(LEVELS))
@ksft_disruptive
def suspend_level(cfg, user, level):
    """The kernel's own tests of a sleep, which end it at one of its steps."""
    if level == "freezer":
        require_sleep(cfg)
        sleep_test(level)
        cfg.reachable()
        return
    kernel_level = "devices" if level == "hibernation" else level
    under_traffic(cfg, user, lambda: sleep_test(kernel_level, LEVELS[level]), 1, f"level {level}")


@ksft_disruptive
def suspend_while_down(cfg, user):
    """A port that is down stays so, and comes up with all that was configured."""
    require_sleep(cfg)
    reset_while_down(cfg, user, lambda: sleep_once(cfg), "sleep")


@ksft_disruptive
def suspend_in_reset(cfg, user):
    """The NIC is in a reset that takes long: nobody waits for its end before sleeping."""
    require_sleep(cfg)
    reset_in_recovery(cfg, user, lambda: sleep_once(cfg), "sleep")


@ksft_disruptive
def suspend_nic_refuses(cfg, user):
    """The NIC refuses to be set up after the sleep: the machine wakes all the same, the driver
    tries again, and at last succeeds."""
    require_sleep(cfg)
    user.require()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        watch = FaultWatch(cfg)
        defer(cfg.nic.command, f"fault reply-status=off@{cfg.NIC_PORT}")
        cfg.nic.command(f"fault reply-status=22:op=GET_CAPS:count=2@{cfg.NIC_PORT}")
        sleep_once(cfg)
        watch.wait_counted("resets")
        ksft_eq(watch.grew("reset_failures"), 2)
        watch.check_said("trying again", 2)
        cfg.wait_carrier()
        wait_progress((out, back), "after the sleep")
    user.check("sleep of a NIC that refuses at first")
    ksft_eq(out.errors + back.errors, [])


@ksft_disruptive
def suspend_wild(cfg, user):
    """The NIC refuses to stop its queues: it is reset for that, and sleeps no less than usual."""
    require_sleep(cfg)
    user.require()
    to_sleep = Calls("pci_prepare_to_sleep")
    ksft_eq(sleep_idle(cfg), 1, "sleeps")
    usual = to_sleep.count()
    ksft_ge(usual, len(cfg.ends()), "functions that are put to sleep")
    cfg.wait_carrier()
    with EchoTraffic(cfg) as echo, \
            FaultWatch(cfg, "request-refuse:op=DISABLE_QUEUES:count=1") as watch:
        wait_progress([echo], "at the start")
        ksft_eq(sleep_idle(cfg), 1, "sleeps")
        ksft_eq(watch.hits(), 1)
        ksft_eq(to_sleep.count(), 2 * usual, "functions that are put to sleep")
        cfg.wait_carrier()
        wait_progress([echo], "after the sleep")
    watch.check_said("queues cannot be stopped")
    user.check("sleep of a device that does not stop")
    ksft_eq(echo.errors, [])


@ksft_disruptive
def suspend_nic_dies(cfg, user):
    """The NIC is killed while the machine sleeps.  Needs a machine of its own."""
    require_sleep(cfg)
    require_living_nic(cfg)
    user.drop()
    log_before = len(kernel_log(cfg.driver))
    with EchoTraffic(cfg) as echo:
        wait_progress([echo], "at the start")
        say("trouble expected: NETDEV WATCHDOG")
        with Timed("sleep with a NIC that dies"):
            ksft_eq(sleep_deep(cfg, "wake-kill-nic"), 1, "sleeps")
        check_aftermath(cfg, log_before)
    ksft_eq(echo.errors, [])


def main() -> None:
    """Runs the cases: most only in full or with -t, the one that kills the NIC only with -t."""
    cases = [suspend_to_idle, suspend_to_ram]
    if FULL or len(sys.argv) > 1:
        cases += [suspend_level, suspend_while_down, suspend_in_reset, suspend_nic_refuses,
                  suspend_wild]
    if len(sys.argv) > 1:
        cases.append(suspend_nic_dies)
    with WtoEnv(__file__) as cfg:
        with UserConfig(cfg) as user:
            ksft_run(cases, args=(cfg, user))
    ksft_exit()


if __name__ == "__main__":
    main()
