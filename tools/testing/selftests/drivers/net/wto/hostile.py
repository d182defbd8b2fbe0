#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
A NIC that lies: random contents in one field at a time of receive descriptors, completions
and mailbox replies, under traffic both ways.

Packets may be lost and the driver may reset the function; what must not happen is for the
kernel's log to tell, and that the port is not of use any more when the NIC is honest again.

With WTO_TEST_FULL=1 100,000 packets pass for each field, and each field lies alone; else a few
thousand, and those fields whose lies take long to get over share their time. WTO_TEST_FIELDS
limits it to some, as "rx.all compl.tag".
"""

import contextlib
import itertools
import os
import time

from lib.py import KsftFailEx, KsftSkipEx, WtoEnv, cmd, defer, ethtool, ksft_disruptive, \
    ksft_exit, ksft_ge, ksft_pr, ksft_run, ksft_variants, wait_for
from lib.py.flood import Flood, SegmentFlood, load_pktgen, sieve
from lib.py.kmsg import expect_trouble, say
from lib.py.offload import queue_model
from lib.py.thorough import FULL

PACKETS = 100_000 if FULL else 1000
FIELDS = os.environ.get("WTO_TEST_FIELDS", "").split()

# The driver's own remedy for a transmit queue that does not get on is the stack's watchdog,
# then a reset.  A receive queue of which nothing tells that it does not get on looks like a
# silent wire; only for single wrong generations and lost buffers there is a reset.
STALL_TX_S = 90
STALL_RX_S = 3
# A function whose recovery fails again and again is given up after ten times
RECOVERY_S = 180

# Progress is looked at so often for each field, and at least so often
LOOKS = 20
LOOK_S = 1
# Nobody's address: frames to it leave our port and are dropped before the other one
NOBODY = "02:00:00:00:00:99"


class Lie:
    """
    What the NIC is to do wrong.

    @fault, @field: by the NIC's names
    @rate: percent of the chances
    @times: most times, 0 for no end; where each one costs a restart of the queue
    """

    def __init__(self, fault, field, rate=10, times=0):
        self.fault, self.field = fault, field
        self.rate, self.times = rate, times

    def __str__(self):
        return f"{self.fault}.{self.field}"

    def spec(self, seed):
        """The NIC's fault specification."""
        return (f"{self.fault}-corrupt={self.field}:rate={self.rate}:count={self.times}"
                f":seed={seed}")


# A wrong generation, and a buffer that never comes back, end a receive queue
RX_LIES = [Lie("rx", name) for name in (
    "rxdid", "cast", "ptype", "len", "bufq", "hdr-len", "sph", "rsc", "status", "errors",
    "hash", "tag")] + [
    Lie("rx", "id", 2), Lie("rx", "gen", *((0.01, 8) if FULL else (0.5, 1))),
    Lie("rx", "all", 0.5 if FULL else 5)]
# A completion that is lost, as most of these are, keeps its packet: a reset for each lie
COMPL_LIES = [Lie("compl", name, 0.01, 8) for name in ("queue", "type", "gen", "tag")
              if FULL] + [Lie("compl", "all", 10, 100 if FULL else 8)]
# That a reply is not the right one shows after 10 s
REPLY_LIES = [Lie("reply", name, 20, 20) for name in ("status", "len", "data")] + [
    Lie("reply", name, 10, 4) for name in ("opcode", "cookie")] if FULL else [
    Lie("reply", "status,len,data", 20, 5), Lie("reply", "opcode,cookie", 20, 1)]
# What descriptors of single queues have of these fields; "gen" is the done bit there.  Their
# transmit queues have no completions to lie in, but descriptors that are written back.
SINGLE_RX_FIELDS = {
    "single-flex": ("rxdid", "cast", "ptype", "len", "gen", "hdr-len", "status", "errors", "hash",
                    "tag", "all"),
    "single-base": ("cast", "ptype", "len", "gen", "hdr-len", "sph", "status", "errors", "hash",
                    "tag", "all"),
}


def chosen(lies):
    """Those of some lies that are asked for, all unless told otherwise."""
    return [lie for lie in lies if not FIELDS or str(lie) in FIELDS]


def rx_lies(cfg):
    """Those that the port's receive descriptors have room for."""
    have = SINGLE_RX_FIELDS.get(queue_model(cfg))
    return [lie for lie in RX_LIES if not have or lie.field in have]


def require_split(cfg, what):
    """Skips where queues are single."""
    model = queue_model(cfg)
    if model in SINGLE_RX_FIELDS:
        raise KsftSkipEx(f"queues of model {model} have no {what}")


class Liar:
    """The NIC's side of our port while it lies."""

    def __init__(self, cfg, lie, seed=1):
        self._cfg, self._lie = cfg, lie
        self._fault = f"{lie.fault}-corrupt"
        self._spec = lie.spec(seed)
        self._before = cfg.nic.hits(cfg.NIC_PORT, self._fault)

    def lies(self):
        """How often it lied in this case."""
        return self._cfg.nic.hits(self._cfg.NIC_PORT, self._fault) - self._before

    def wait(self, lies):
        """Waits until it has lied so often in this case, not for ever."""
        self._cfg.nic.wait_hits(self._cfg.NIC_PORT, self._fault, self._before + lies, LOOK_S)

    def __enter__(self):
        say(f"hostile: {self._lie}")
        self._cfg.nic.command(f"fault {self._spec}@{self._cfg.NIC_PORT}")
        return self

    def __exit__(self, *_):
        self._cfg.nic.command(f"fault {self._fault}=off@{self._cfg.NIC_PORT}")


class Progress:
    """Packets of our port that the NIC handled; and what was done when none came."""

    def __init__(self, cfg, kinds, stall_s, kick=None):
        self._cfg, self._kinds = cfg, kinds
        self._stall_s, self._kick = stall_s, kick
        self._queues = self._last = None
        self.packets = self.kicks = 0
        self._since = time.monotonic()
        self.look()

    def look(self):
        """Counts; restarts the port, or gives up, if there was nothing to count for long."""
        now = self._cfg.nic.port_stats(self._cfg.NIC_PORT)["queues"]
        queues = {(kind, q["id"]): q["packets"] for kind in self._kinds for q in now[kind]}
        if self._queues is not None:
            # the counters of a queue begin anew when the function is reset
            more = sum(max(count - self._queues.get(ident, 0), 0)
                       for ident, count in queues.items())
            self.packets += more
            if more:
                self._since = time.monotonic()
        self._queues = queues
        if time.monotonic() - self._since < self._stall_s:
            return
        if not self._kick:
            raise KsftFailEx(f"no packet for {self._stall_s} s after {self.packets}")
        self._kick()
        self.kicks += 1
        self._since = time.monotonic()


def restart(cfg):
    """Down and up, as a user would who sees that nothing arrives."""
    for state in ("down", "up"):
        cmd(f"ip link set dev {cfg.ifname} {state}", fail=False, timeout=120)


def usable(cfg):
    """Whether packets pass in both directions."""
    return cmd(f"ping -c 1 -W 1 {cfg.remote_addr_v['4']}", fail=False).ret == 0


def recover(cfg, may_reload):
    """The NIC is honest again: the port is to be of use.  Returns how that came about."""
    try:
        wait_for(lambda: usable(cfg), "a port that is of use", 5, 0.1)
        return "by itself"
    except TimeoutError:
        pass
    restart(cfg)
    cfg.restore_addresses()
    try:
        wait_for(lambda: usable(cfg), "a port that is of use", RECOVERY_S, 0.5)
        return "by a restart"
    except TimeoutError:
        if not may_reload:
            raise
    cfg.unload()
    cfg.load()
    wait_for(lambda: usable(cfg), "a port that is of use", 30, 0.5)
    return "by loading the driver again"


def driver_resets(cfg):
    """How often the driver said that it recovered."""
    return sum("recovered from reset" in line for line in cmd("dmesg").stdout.splitlines()
               if cfg.pci_name in line)


def set_up(cfg):
    """Common to all cases."""
    cfg.require_nic()
    cfg.require_driver("wto", "is not hardened against its device")
    cfg.pci_name = os.path.basename(os.path.realpath(f"/sys/class/net/{cfg.ifname}/device"))
    for ifname, netns in cfg.ends():
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)
    defer(load_pktgen())
    if FULL:
        defer(sieve(cfg.ifname))


@contextlib.contextmanager
def floods(cfg, *sources):
    """
    Packets of some sources.  Of a stuck queue the stack complains, which is part of the driver's
    remedy; the generator complains when there are fewer queues than it is to use, or a port goes
    away.
    """
    resets = driver_resets(cfg)
    with expect_trouble("NETDEV WATCHDOG|pktgen: WARNING"), contextlib.ExitStack() as stack:
        for source in sources:
            stack.enter_context(source())
        yield
    ksft_pr(f"{driver_resets(cfg) - resets} resets")


def tell(cfg, lie, progress, act=None):
    """Lets the NIC lie until enough packets passed and enough lies were told."""
    wanted = lie.times or int(PACKETS * lie.rate / 200)
    start = time.monotonic()
    with Liar(cfg, lie) as liar:
        lies = 0
        while progress.packets < PACKETS or lies < wanted:
            if act:
                act()
            else:
                liar.wait(lies + max(wanted // LOOKS, 1))
            progress.look()
            lies = liar.lies()
    ksft_pr(f"{lie}: {progress.packets} packets, {lies} lies, {progress.kicks} restarts, "
            f"{time.monotonic() - start:.0f} s")
    ksft_ge(lies, wanted, f"{lie}: lies")


@ksft_variants(["small", "jumbo"])
@ksft_disruptive
def hostile_rx(cfg, frames):
    """Each field of receive descriptors, with headers in their own buffers and not."""
    set_up(cfg)
    mtu, split = (cfg.max_mtu(), "off") if frames == "jumbo" else (1500, "on")
    cfg.with_mtu(mtu)
    cfg.pin_neighbours()
    if cmd(f"ethtool -G {cfg.ifname} tcp-data-split {split}", fail=False).ret == 0:
        defer(ethtool, f"-G {cfg.ifname} tcp-data-split auto")
    with floods(cfg, lambda: SegmentFlood(cfg, mtu)):
        # where time is short each field has one of the two
        for lie in chosen(rx_lies(cfg) if FULL else rx_lies(cfg)[frames == "jumbo"::2]):
            tell(cfg, lie, Progress(cfg, ["rx"], STALL_RX_S, lambda: restart(cfg)))
    ksft_pr(f"of use again {recover(cfg, False)}")


def noticed(cfg, lie):
    """A lie in descriptors that the driver notices while it is told: it resets by itself."""
    resets = driver_resets(cfg)
    cfg.pin_neighbours()
    with floods(cfg, lambda: SegmentFlood(cfg, 1500)):
        tell(cfg, lie, Progress(cfg, ["rx"], STALL_TX_S))
        wait_for(lambda: driver_resets(cfg) > resets, "a reset", STALL_TX_S, 0.2)
    ksft_pr(f"of use again {recover(cfg, False)}")


@ksft_disruptive
def hostile_rx_gen(cfg):
    """Descriptors of a wrong generation: the driver notices what follows them, and resets."""
    set_up(cfg)
    noticed(cfg, Lie("rx", "gen", 100, 8))


@ksft_disruptive
def hostile_rx_lost(cfg):
    """Buffers that the NIC never gives back: the driver gets them back by a reset."""
    set_up(cfg)
    require_split(cfg, "ids of buffers")
    noticed(cfg, Lie("rx", "id", 100, 2000))


@ksft_disruptive
def hostile_compl(cfg):
    """Each field of transmit completions; the driver gets on by itself."""
    set_up(cfg)
    require_split(cfg, "completion queues")
    with floods(cfg, lambda: Flood(cfg, sizes=(60, 1514), mac=NOBODY, burst=16)):
        for lie in chosen(COMPL_LIES):
            tell(cfg, lie, Progress(cfg, ["tx"], STALL_TX_S))
    ksft_pr(f"of use again {recover(cfg, False)}")


def reconfigure(cfg, number):
    """One of the changes that a user may make; that it fails is to be expected."""
    ifname = cfg.ifname
    channels = cfg.channels_max
    changes = (
        f"ethtool -L {ifname} combined {1 + number % channels}",
        f"ethtool -G {ifname} rx {(256, 512)[number % 2]} tx {(512, 256)[number % 2]}",
        f"ethtool -X {ifname} hkey {':'.join([f'{number % 256:02x}'] * 52)}",
        f"ip link set dev {ifname} mtu {(4000, 1500)[number % 2]}",
        f"ip link set dev {ifname} promisc {('on', 'off')[number // 2 % 2]}",
        f"ip maddr {('add', 'del')[number % 2]} 01:00:5e:00:00:77 dev {ifname}",
        f"ethtool -K {ifname} rxhash {('on', 'off')[number // 2 % 2]}",
        f"ip link set dev {ifname} {('down', 'up')[number % 2]}",
        f"ip link set dev {ifname} up",
    )
    cmd(changes[number % len(changes)], fail=False, timeout=200)


@ksft_disruptive
def hostile_reply(cfg):
    """Each field of mailbox replies while the port is configured anew all the time."""
    set_up(cfg)
    cfg.channels_max = cfg.channels()[1]
    defer(restore, cfg)
    numbers = itertools.count()
    for lie in chosen(REPLY_LIES):
        with floods(cfg, lambda: SegmentFlood(cfg, 1500),
                    lambda: Flood(cfg, mac=NOBODY)):
            tell(cfg, lie, Progress(cfg, ["rx", "tx"], RECOVERY_S, lambda: restart(cfg)),
                 lambda: reconfigure(cfg, next(numbers)))
        ksft_pr(f"{next(numbers)} changes; of use again {recover(cfg, True)}")


def restore(cfg):
    """What reconfigure() may have left."""
    ifname = cfg.ifname
    for change in (f"ip link set dev {ifname} up", f"ip link set dev {ifname} mtu 1500",
                   f"ip link set dev {ifname} promisc off", f"ethtool -X {ifname} default",
                   f"ip maddr del 01:00:5e:00:00:77 dev {ifname}",
                   f"ethtool -K {ifname} rxhash on"):
        cmd(change, fail=False, timeout=60)
    cfg.restore_addresses()
    cfg.wait_carrier()


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([hostile_rx, hostile_rx_gen, hostile_rx_lost, hostile_compl, hostile_reply],
                 args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
