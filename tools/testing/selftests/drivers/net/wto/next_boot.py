#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The machine starts anew under TCP traffic, by kexec or by a reset: the driver leaves functions
behind that the next kernel's driver can use, and that touch no memory meanwhile.

Runs twice: in the first kernel it makes traffic and starts the second one, which has to run
it again (the lab does, lab run --qemu-arg=-action --qemu-arg=reboot=reset).
"""

import ctypes
import os
import sys

from lib.py import EchoTraffic, TcpStream, WtoEnv, ksft_disruptive, ksft_eq, ksft_exit, \
    ksft_run, wait_progress
from lib.py.faults import kernel_log

SYS_REBOOT, SYS_KEXEC_FILE_LOAD = 169, 320
REBOOT_MAGIC = (0xfee1dead, 672274793)
REBOOT_RESTART, REBOOT_KEXEC = 0x01234567, 0x45584543
KEXEC_NO_INITRAMFS = 4
MARK = "lab.boot=2"
# What the NIC counts of the first kernel's traffic, far more than a boot sends
MANY_FRAMES = 5000
# All that the NIC counts as an error and that is none of the driver's
HARMLESS = ("rx_no_buffer",)


def syscall(number, *args):
    """A system call that Python has no function for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *args) < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")


def wire_frames(cfg):
    """Frames that our port has sent since the NIC was started."""
    return cfg.nic.port_stats(cfg.NIC_PORT)["wire"]["tx_packets"]


def is_second_boot(cfg, how):
    """Whether this is the kernel that was started in the middle of traffic."""
    if how == "kexec":
        with open("/proc/cmdline", encoding="ascii") as file:
            return MARK in file.read().split()
    return wire_frames(cfg) > MANY_FRAMES


def load_kernel():
    """The running kernel once more, with a mark on its command line."""
    with open("/proc/cmdline", encoding="ascii") as file:
        line = f"{file.read().strip()} {MARK}".encode() + b"\0"
    with open(f"/boot/vmlinuz-{os.uname().release}", "rb") as image:
        syscall(SYS_KEXEC_FILE_LOAD, image.fileno(), -1, ctypes.c_ulong(len(line)), line,
                KEXEC_NO_INITRAMFS)


def start_next(cfg, how):
    """Does not return: the next kernel starts while streams run."""
    if how == "kexec":
        load_kernel()
    flows = (TcpStream(cfg), TcpStream(cfg, from_peer=True), EchoTraffic(cfg))
    wait_progress(flows, "before the restart")
    while wire_frames(cfg) <= MANY_FRAMES:
        wait_progress(flows, "until there was enough")
    print(f"# {wire_frames(cfg)} frames sent, restarting by {how}", flush=True)
    syscall(SYS_REBOOT, *REBOOT_MAGIC, REBOOT_KEXEC if how == "kexec" else REBOOT_RESTART, 0)


def nic_errors(cfg):
    """
    Errors that the NIC has counted for our port since it was started: memory or queues that
    are not there, messages that do not fit.
    """
    return {name: count for name, count in cfg.nic.port_stats(cfg.NIC_PORT)["errors"].items()
            if count and name not in HARMLESS}


def check_next(cfg):
    """In the second kernel: everything works, and nothing went wrong on the way here."""
    ksft_eq([line for line in kernel_log(cfg.driver) if "err" in line or "fail" in line], [])
    ksft_eq(nic_errors(cfg), {}, "errors that the NIC has counted")
    for ipver in ("4", "6"):
        cfg.reachable(ipver)
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        wait_progress((out, back), "in the second kernel")
    ksft_eq(out.errors + back.errors, [])


@ksft_disruptive
def boot_by_kexec(cfg):
    """The next kernel is started by this one; no firmware has reset anything."""
    check_next(cfg)


@ksft_disruptive
def boot_by_reset(cfg):
    """The machine resets itself."""
    check_next(cfg)


def main() -> None:
    """Starts the next kernel, or looks at what it finds in it; the second case only with -t."""
    cases = [boot_by_kexec, boot_by_reset]
    cases = [case for case in cases if case.__name__ in sys.argv] or cases[:1]
    how = cases[0].__name__.rpartition("_")[2]
    with WtoEnv(__file__) as cfg:
        if not cfg.nic or not cfg.lab:
            print("1..0 # SKIP only the lab runs it again in the next kernel")
            sys.exit(4)
        if not is_second_boot(cfg, how):
            start_next(cfg, how)
        ksft_run(cases, args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
