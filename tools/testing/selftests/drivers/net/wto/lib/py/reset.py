# SPDX-License-Identifier: GPL-2.0-only
"""Resets of the NIC, and the driver's recovery from them."""

from lib.py import TcpStream, cmd, defer, ip, ksft_eq, ksft_true, wait_progress
from .faults import FaultWatch, Timed
from .wait import wait_for

RECOVERED = "recovered from reset"
LONG_RESET_MS = 5000


def reset_nic(cfg):
    """Lets our port reset itself, waits until the driver has brought everything back."""
    before = cmd("dmesg").stdout.count(RECOVERED)
    cfg.nic.command(f"fault reset:count=1@{cfg.NIC_PORT}")
    wait_for(lambda: cmd("dmesg").stdout.count(RECOVERED) > before, "recovery", 60, 0.25)
    cfg.wait_carrier()
    cfg.restore_addresses()


def reset_while_down(cfg, user, act, what):
    """
    act() has the function reset while the port is down: it stays so, and comes up with all that
    was configured.  The caller's case is disruptive.
    """
    user.require()
    for ifname, netns in cfg.ends():
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)
    defer(ip, f"link set dev {cfg.ifname} up")
    ip(f"link set dev {cfg.ifname} down")
    watch = FaultWatch(cfg)
    act()
    watch.wait_counted("resets")
    ksft_true("UP" not in ip(f"link show dev {cfg.ifname}", json=True)[0]["flags"], "still down")
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    cfg.reachable()
    user.check(f"{what} while down")


def reset_in_recovery(cfg, user, act, what):
    """act() comes while the driver waits for the end of a long reset by the NIC, under traffic."""
    user.require()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        watch = FaultWatch(cfg)
        cfg.nic.command(f"fault reset={LONG_RESET_MS}@{cfg.NIC_PORT}")
        wait_for(watch.said, "the driver to notice the reset", 20)
        with Timed(f"{what} in recovery"):
            act()
            watch.wait_counted("resets")
        cfg.wait_carrier()
        wait_progress((out, back), f"after {what} in recovery")
    user.check(f"{what} in recovery")
    ksft_eq(out.errors + back.errors, [])
