#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Resets in every state: by the NIC itself while the port is down, up, coming up, changing
its queues, recovering; again and again; and one after which the NIC does not come back.
Traffic is there again, or the driver says that it gave up, and unloads.
"""

import contextlib
import os

from lib.py import CmdExitFailure, EchoTraffic, TcpStream, WtoEnv, defer, ethtool, ip, ksft_eq, \
    ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants, wait_for, wait_progress
from lib.py.attribute import read_attr, write_attr
from lib.py.faults import FaultWatch, Timed
from lib.py.kprobe import Calls
from lib.py.memory import traces_of
from lib.py.rawframes import FrameProbe
from lib.py.reset import LONG_RESET_MS
from lib.py.reset import reset_while_down as while_down
from lib.py.thorough import FULL
from lib.py.userconfig import FOREIGN_GROUP, FOREIGN_MAC, UserConfig

UNLOAD_S = 15
STOP_S = 60
VF_ID = "0x145c"
# An address, and the group in which its neighbours ask for it
NEW_ADDRESS = "2001:db8::c0de"
NEW_GROUP = "33:33:ff:00:c0:de"
ROUNDS = 7 if FULL else 2


def bus_reset(cfg):
    """Path of the attribute by which the PCI core resets the function."""
    return os.path.realpath(f"/sys/class/net/{cfg.ifname}/device") + "/reset"


def detached(cfg):
    """Whether the driver has taken the device off the stack."""
    try:
        ethtool(f"-l {cfg.ifname}")
    except CmdExitFailure as error:
        return "No such device" in error.cmd.stderr
    return False


def try_cmd(action):
    """What the user asks for may be refused in the middle of a reset, in good order."""
    with contextlib.suppress(CmdExitFailure):
        action()


def reset_while_down(cfg, user):
    """A port that is down stays down, and comes up with all that was configured."""
    while_down(cfg, user, lambda: cfg.nic.command(f"fault reset=50@{cfg.NIC_PORT}"), "reset")


def reset_promiscuous(cfg, user):
    """Promiscuous mode, then reception of all groups, is in force again."""
    user.require()
    for flag, foreign in (("promisc", FOREIGN_MAC), ("allmulticast", FOREIGN_GROUP)):
        ip(f"link set dev {cfg.ifname} {flag} on")
        defer(ip, f"link set dev {cfg.ifname} {flag} off")
        with FaultWatch(cfg, "reset=50") as watch:
            watch.wait_counted("resets")
        cfg.wait_carrier()
        with FrameProbe(cfg) as probe:
            wait_for(lambda f=foreign, p=probe: p.receives(f), f"a frame to {foreign}")
            ip(f"link set dev {cfg.ifname} {flag} off")
            wait_for(lambda f=foreign, p=probe: not p.receives(f), f"{flag} to end")


def reset_new_filters(cfg, user):
    """Groups that are joined and modes that end while the NIC is in reset are in force then."""
    user.require()
    defer(ip, f"link set dev {cfg.ifname} promisc off")
    ip(f"link set dev {cfg.ifname} promisc on")
    watch = FaultWatch(cfg)
    cfg.nic.command(f"fault reset={LONG_RESET_MS}@{cfg.NIC_PORT}")
    wait_for(lambda: detached(cfg), "the driver to notice")
    ip(f"addr add {NEW_ADDRESS}/128 dev {cfg.ifname} nodad")
    defer(ip, f"addr del {NEW_ADDRESS}/128 dev {cfg.ifname}")
    ip(f"link set dev {cfg.ifname} promisc off")
    ksft_true(detached(cfg), "the NIC was in reset all the time")
    watch.wait_counted("resets")
    cfg.wait_carrier()
    with FrameProbe(cfg) as probe:
        wait_for(lambda: not probe.receives(FOREIGN_MAC), "promiscuous mode to end")
        wait_for(lambda: probe.receives(NEW_GROUP), "a frame to the group of the new address")


@ksft_variants(["channels", "rings", "mtu", "up"])
def reset_during_change(cfg, user, change):
    """
    The NIC resets itself at some moment while queues are replaced: what the command said
    is true, and traffic flows.
    """
    user.require()
    actions = {
        "channels": [lambda n=n: ethtool(f"-L {cfg.ifname} combined {n}") for n in (4, 8, 3)],
        "rings": [lambda n=n: ethtool(f"-G {cfg.ifname} rx {n} tx {n}") for n in (64, 512)]
        + [lambda: ethtool(f"-G {cfg.ifname} rx 256 tx 128")],
        "mtu": [lambda n=n: ip(f"link set dev {cfg.ifname} mtu {n}") for n in (3000, 1900)],
        "up": [lambda: ip(f"link set dev {cfg.ifname} down"),
               lambda: ip(f"link set dev {cfg.ifname} up")],
    }[change]
    for ifname, netns in cfg.ends():
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        watch = FaultWatch(cfg)
        for number in range(ROUNDS):
            # Another moment of the change each time
            cfg.nic.command(f"fault reset=20:after={number * 35 // ROUNDS}@{cfg.NIC_PORT}")
            for action in actions:
                try_cmd(action)
            watch.wait_counted("resets", number + 1)
            wait_for(lambda: not detached(cfg), "the netdev to be back")
            for action in actions:
                action()
            cfg.wait_carrier()
            wait_progress((out, back), f"after reset {number + 1}")
    watch.report(f"{ROUNDS} resets while changing {change}")
    user.check(f"reset during change of {change}")
    ksft_eq(out.errors + back.errors, [])


def reset_again_and_again(cfg, user):
    """Resets during recovery: each attempt that is spoilt is followed by another one."""
    user.require()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        with FaultWatch(cfg, "reset=30:count=10") as watch:
            watch.wait_hits(10)
            watch.wait_counted("resets")
        wait_for(lambda: not detached(cfg), "the netdev to be back", 60)
        cfg.wait_carrier()
        wait_progress((out, back), "after the last reset")
        watch.report("10 resets in a row")
    user.check("resets in a row")
    ksft_eq(out.errors + back.errors, [])


def reset_by_bus(cfg, user):
    """A function-level reset that the administrator asks for, under traffic."""
    user.require()
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back, EchoTraffic(cfg) as echo:
        watch = FaultWatch(cfg)
        for number in range(3):
            with Timed("reset by the bus"):
                write_attr(bus_reset(cfg), "1")
            watch.wait_counted("resets", number + 1)
            cfg.wait_carrier()
            wait_progress((out, back, echo), "after a reset by the bus")
    ksft_eq(watch.grew("reset_failures"), 0)
    user.check("reset by the bus")
    ksft_eq(out.errors + back.errors + echo.errors, [])


def reset_of_wild(cfg, user):
    """
    A device that refuses to stop its queues is no bus master any more when their memory is freed,
    nor again before it is reset: so a VF cannot ask for that by a message.
    """
    device = os.path.realpath(f"/sys/class/net/{cfg.ifname}/device")
    is_vf = read_attr(f"{device}/device") == VF_ID
    user.require()
    flrs = Calls("pcie_reset_flr")
    masters = Calls("pci_clear_master")
    with EchoTraffic(cfg) as echo, \
            FaultWatch(cfg, "request-refuse:op=DISABLE_QUEUES:count=1") as watch:
        wait_progress([echo], "at the start")
        try_cmd(lambda: ethtool(f"-G {cfg.ifname} rx 1024"))
        watch.wait_counted("resets")
        cfg.wait_carrier()
        wait_progress([echo], "after a reset with queues that ran")
        ksft_eq(flrs.count(), int(is_vf), "function level resets")
        # recovery does so too, when the memory is gone already
        ksft_ge(masters.count(), 2, "times that it lost the bus")
    watch.check_said("queues cannot be stopped")
    ksft_eq(watch.grew("reset_failures"), 0)
    ksft_eq(echo.errors, [])
    user.check("reset of a device that does not stop")


@ksft_variants(["rings", "bus"])
def reset_without_markers(cfg, user, who):
    """
    Transmit queues that do not tell of their end are a device's that does not stop, also when the
    PCI core is about to reset it and waits for the driver.
    """
    stop = {"rings": lambda: try_cmd(lambda: ethtool(f"-G {cfg.ifname} rx 1024")),
            "bus": lambda: write_attr(bus_reset(cfg), "1")}[who]
    user.require()
    with EchoTraffic(cfg) as echo, FaultWatch(cfg, "tx-stuck") as watch:
        wait_progress([echo], "at the start")
        with Timed(f"stopped by {who}", STOP_S):
            stop()
        watch.wait_counted("resets")
        cfg.wait_carrier()
        wait_progress([echo], "after the reset")
    watch.check_said("transmit queues cannot be stopped")
    ksft_eq(watch.grew("reset_failures"), 0)
    ksft_eq(echo.errors, [])
    user.check("reset without markers")


def reset_given_up(cfg, user):
    """
    The NIC refuses to be set up again: attempts are bounded and further and further
    apart, the driver says that it gives up.  A reset by the bus makes it try again.
    """
    user.require()
    path = bus_reset(cfg)
    refusal = f"reply-status=22:op=GET_CAPS:count=0@{cfg.NIC_PORT}"
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        cfg.nic.command(f"fault {refusal}")
        defer(cfg.nic.command, f"fault reply-status=off@{cfg.NIC_PORT}")
        with FaultWatch(cfg, "reset=20") as watch:
            wait_for(lambda: any("giving up" in line for line in watch.said()),
                     "the driver to give up", 90, 0.5)
            watch.report("giving up")
        said = [line for line in watch.said() if "trying again" in line]
        ksft_eq([line.rpartition(" in ")[2] for line in said],
                [f"{seconds} s" for seconds in (1, 2, 4, 8, 16)], "pauses between attempts")
        ksft_true(detached(cfg), "the netdev is detached")
        cfg.nic.command(f"fault reply-status=off@{cfg.NIC_PORT}")
        write_attr(path, "1")
        cfg.wait_carrier()
        wait_progress((out, back), "after the reset by the bus")
    user.check("given up and set up again")
    ksft_eq(out.errors + back.errors, [])


def unload_in_reset(cfg, user):
    """A NIC that does not come out of its reset: the module unloads without waiting for it."""
    user.require()
    user.drop()
    defer(cfg.load)
    defer(cfg.nic.command, f"fault reset=off@{cfg.NIC_PORT}")
    with EchoTraffic(cfg) as echo:
        wait_progress([echo], "at the start")
        cfg.nic.command(f"fault reset={UNLOAD_S + 3}000@{cfg.NIC_PORT}")
        wait_for(lambda: detached(cfg), "the driver to notice")
        with Timed("unload", UNLOAD_S):
            cfg.unload()
    ksft_eq(traces_of(cfg.driver), [], "left after unloading")
    faults = cfg.nic.command("faults")["ports"][0]["faults"]
    ksft_true(faults["reset"]["active"], "the NIC was in reset all the time")
    wait_for(lambda: not cfg.nic.command("faults")["ports"][0]["faults"]["reset"]["active"],
             "the NIC to be back", 2 * UNLOAD_S)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        with UserConfig(cfg) as user:
            ksft_run([reset_while_down, reset_promiscuous, reset_new_filters, reset_during_change,
                      reset_again_and_again, reset_by_bus, reset_of_wild,
                      reset_without_markers, reset_given_up, unload_in_reset],
                     args=(cfg, user))
    ksft_exit()


if __name__ == "__main__":
    main()
