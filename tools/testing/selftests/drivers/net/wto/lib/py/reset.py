# SPDX-License-Identifier: GPL-2.0-only
"""A reset by the NIC itself, and the driver's recovery from it."""

from lib.py import cmd
from .wait import wait_for

RECOVERED = "recovered from reset"


def reset_nic(cfg):
    """Lets our port reset itself, waits until the driver has brought everything back."""
    before = cmd("dmesg").stdout.count(RECOVERED)
    cfg.nic.command(f"fault reset:count=1@{cfg.NIC_PORT}")
    wait_for(lambda: cmd("dmesg").stdout.count(RECOVERED) > before, "recovery", 60, 0.25)
    cfg.wait_carrier()
    cfg.restore_addresses()
