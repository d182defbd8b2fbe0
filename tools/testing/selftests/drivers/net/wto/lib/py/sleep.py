# SPDX-License-Identifier: GPL-2.0-only
"""Lets the machine sleep, and wakes it with the lab's help."""

import errno
import glob

from lib.py import KsftSkipEx, cmd
from .attribute import read_attr, write_attr

POWER = "/sys/power"
TRIES = 5


def sleeps():
    """How often the machine has slept."""
    return int(read_attr(f"{POWER}/suspend_stats/success"))


def require_sleep(cfg):
    """Skips where nobody would wake the machine, or something in it refuses to sleep."""
    if not cfg.lab:
        raise KsftSkipEx("needs the lab to wake the machine")
    if glob.glob("/sys/bus/virtio/drivers/virtiofs/virtio*"):
        raise KsftSkipEx("virtiofs refuses to sleep: needs lab run --in-memory")


def sleep_deep(cfg, request="wake"):
    """
    To suspend-to-RAM and back: devices lose power.  @request: what the lab does once the machine
    sleeps.
    """
    before = sleeps()
    cfg.lab.request(request)
    write_attr(f"{POWER}/mem_sleep", "deep")
    write_attr(f"{POWER}/state", "mem")
    return sleeps() - before


def sleep_idle(cfg):
    """
    To suspend-to-idle and back.  A button that is pressed too early ends the attempt, then it
    is made again.
    """
    before = sleeps()
    cmd("modprobe button")
    for _ in range(TRIES):
        cfg.lab.request("press")
        try:
            write_attr(f"{POWER}/state", "freeze")
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        finally:
            cfg.lab.request("awake")
        if sleeps() > before:
            break
    return sleeps() - before


def sleep_test(level, state="mem"):
    """To one of the kernel's test levels of a sleep and back, without a pause."""
    if level not in read_attr(f"{POWER}/pm_test").replace("[", "").replace("]", "").split():
        raise KsftSkipEx(f"the kernel has no test level {level}")
    write_attr("/sys/module/suspend/parameters/pm_test_delay", "0")
    write_attr(f"{POWER}/pm_test", level)
    try:
        write_attr(f"{POWER}/state", state)
    finally:
        write_attr(f"{POWER}/pm_test", "none")
