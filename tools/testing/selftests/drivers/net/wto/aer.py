#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Errors of the bus, which the kernel's aer_inject makes believe: correctable ones leave the
function alone; after others the port, the traffic and what the user had configured come
back.

Needs functions behind root ports that report errors (lab run --root-ports).
"""

import os
import re
import struct

from lib.py import EchoTraffic, KsftSkipEx, TcpStream, WtoEnv, cmd, ksft_disruptive, ksft_eq, \
    ksft_exit, ksft_raises, ksft_run, ksft_true, ksft_variants, wait_for, wait_progress
from lib.py.attribute import rebind, write_attr
from lib.py.env import nic_functions
from lib.py.faults import FaultWatch, Timed
from lib.py.reset import reset_in_recovery, reset_while_down
from lib.py.thorough import FULL
from lib.py.userconfig import UserConfig

INJECT = "/dev/aer_inject"
ROUNDS = 5 if FULL else 1
# Bits of the PCI Express standard.  The first two are not fatal by default, the others are.
UNCORRECTABLE = {"completer_abort": 1 << 15, "unsupported_request": 1 << 20,
                 "malformed_tlp": 1 << 18, "link_protocol": 1 << 4}
CORRECTABLE = {"receiver_error": 1 << 0, "bad_tlp": 1 << 6, "replay_timeout": 1 << 12}
REFUSED_S = 20


def our_function():
    """The PCI function of our port."""
    return nic_functions()[0]


def require_errors(cfg):
    """Skips where errors cannot be injected into our function."""
    cfg.require_driver("wto", "has no handlers of errors of the bus")
    if not os.path.exists(f"{our_function()}/aer_dev_fatal"):
        raise KsftSkipEx("the function does not report errors")
    if os.path.dirname(os.path.realpath(our_function())).endswith("pci0000:00"):
        raise KsftSkipEx("the function is not behind a root port (lab run --root-ports)")
    if cmd("modprobe aer_inject", fail=False).ret or not os.path.exists(INJECT):
        raise KsftSkipEx("the kernel has no aer_inject")


def inject(uncorrectable=0, correctable=0):
    """Our function seems to report errors."""
    domain, bus, slot, function = re.fullmatch(
        r"(\w+):(\w+):(\w+)\.(\w)", os.path.basename(our_function())).groups()
    with open(INJECT, "wb", buffering=0) as file:
        file.write(struct.pack("=BBBxIIIIIII", int(bus, 16), int(slot, 16), int(function),
                               uncorrectable, correctable, 0, 1, 2, 3, int(domain, 16)))


def corrected():
    """How many correctable errors the kernel has counted for our function."""
    with open(f"{our_function()}/aer_dev_correctable", encoding="ascii") as file:
        return int(re.search(r"TOTAL_ERR_\w+ (\d+)", file.read()).group(1))


def recoveries_over():
    """How often the bus has ended a recovery, in one way or the other."""
    return len(re.findall("device recovery (?:failed|successful)", cmd("dmesg").stdout))


@ksft_variants(list(CORRECTABLE) if FULL else ["bad_tlp"])
def aer_correctable(cfg, user, error):
    """The bus has corrected it: counted by the kernel, no affair of the driver's."""
    require_errors(cfg)
    user.require()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        watch = FaultWatch(cfg)
        before = corrected()
        inject(correctable=CORRECTABLE[error])
        wait_for(lambda: corrected() > before, "the kernel to count it")
        wait_progress((out, back), "after the error")
    # The lines about the error itself are the kernel's, in the driver's name
    ksft_eq([line for line in watch.said() if "reset" in line or "link" in line], [])
    ksft_eq(watch.grew("resets"), 0)
    user.check(error)
    ksft_eq(out.errors + back.errors, [])


@ksft_variants(list(UNCORRECTABLE) if FULL else ["completer_abort", "malformed_tlp"])
@ksft_disruptive
def aer_uncorrectable(cfg, user, error):
    """Several times under traffic: after each the driver has recovered once."""
    require_errors(cfg)
    user.require()
    over = recoveries_over()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back, EchoTraffic(cfg) as echo:
        watch = FaultWatch(cfg)
        for number in range(ROUNDS):
            wait_progress((out, back, echo), f"before {error} {number + 1}")
            with Timed(f"{error} {number + 1}"):
                inject(UNCORRECTABLE[error])
                watch.wait_counted("resets", number + 1)
            cfg.wait_carrier()
            wait_progress((out, back, echo), f"after {error} {number + 1}")
        # Not all kernels count errors that are fatal
        wait_for(lambda: recoveries_over() == over + ROUNDS, f"the bus to recover {ROUNDS} times")
    ksft_eq(watch.grew("resets"), ROUNDS)
    ksft_eq(watch.grew("reset_failures"), 0)
    user.check(error)
    ksft_eq(out.errors + back.errors + echo.errors, [])


@ksft_disruptive
def aer_while_down(cfg, user):
    """A port that is down stays so, and comes up with all that was configured."""
    require_errors(cfg)
    reset_while_down(cfg, user, lambda: inject(UNCORRECTABLE["malformed_tlp"]), "error")


@ksft_disruptive
def aer_in_recovery(cfg, user):
    """The driver waits for the end of a long reset by the NIC when the error comes."""
    require_errors(cfg)
    reset_in_recovery(cfg, user, lambda: inject(UNCORRECTABLE["malformed_tlp"]), "error")


@ksft_disruptive
def aer_unbound(cfg, user):
    """
    An error while nobody drives the function: it is reset, and nobody restores its configuration,
    so the driver finds nothing that answers and refuses it.  Looked for anew, it works.
    """
    require_errors(cfg)
    user.drop()
    function = our_function()
    rebind(cfg.driver, "unbind", function)
    over = recoveries_over()
    inject(UNCORRECTABLE["malformed_tlp"])
    wait_for(lambda: recoveries_over() > over, "the bus to end recovery", 60)
    with ksft_raises(TimeoutError), Timed("refusal", REFUSED_S):
        rebind(cfg.driver, "bind", function)
    ksft_true(not os.path.exists(f"{function}/net"), "no network device")
    write_attr(f"{function}/remove", "1")
    write_attr("/sys/bus/pci/rescan", "1")
    cfg.set_up_port(0)
    cfg.restore_addresses()
    cfg.wait_carrier()
    cfg.refresh()
    cfg.reachable()


def main() -> None:
    """Runs the cases."""
    cases = [aer_correctable, aer_uncorrectable, aer_while_down, aer_in_recovery, aer_unbound]
    with WtoEnv(__file__) as cfg:
        with UserConfig(cfg) as user:
            ksft_run(cases, args=(cfg, user))
    ksft_exit()


if __name__ == "__main__":
    main()
