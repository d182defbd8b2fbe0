#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Link down and up, and module unloading and loading, many times under traffic: the traffic
comes back each time, and in the end the kernel holds no more memory than before.
"""

import os
import time

from lib.py import EchoTraffic, TcpStream, WtoEnv, ip, ksft_disruptive, ksft_eq, ksft_exit, \
    ksft_gt, ksft_lt, ksft_pr, ksft_run, wait_progress
from lib.py.attribute import rebind
from lib.py.env import nic_functions
from lib.py.memory import Memory, leaking_caches, traces_of
from lib.py.thorough import FULL

# A kernel with kmemleak takes minutes for ten cycles, and finds what one of them leaves behind, in
# the lab when all is over.  Its caches tell little: KASAN keeps what was freed for a while.
THOROUGH = os.path.exists("/sys/kernel/debug/kmemleak")
LINK_CYCLES, LOAD_CYCLES, BIND_CYCLES = (200, 30, 50) if FULL else (10, 4, 4)

# The kernel's own noise, KiB.  A leak of one page per queue and cycle is more.
PAGES_NOISE = 768
SLAB_NOISE = 768
PERCPU_NOISE = 64
# Readings beyond the last one, if a slab cache seems to leak
SETTLE_TRIES = 5


def check_growth(readings, cycles, what, read):
    """
    Nothing may be left over beyond noise.  @readings: before, after one half of the cycles,
    and after all; @read takes one more.  What a CPU keeps of a cache, and what is freed late,
    goes away by itself, a leak does not.
    """
    tries = 0 if THOROUGH else SETTLE_TRIES
    while tries and leaking_caches(readings, cycles // 2):
        tries -= 1
        readings[-1] = readings[-1].least(read())
    before, after = readings[0], readings[-1]
    growth = after.growth(before)
    ksft_pr(f"{what}: held {before.values}, more of it now: {growth}")
    ksft_lt(growth["pages"], PAGES_NOISE, "KiB of pages")
    ksft_lt(growth["slab"], SLAB_NOISE, "KiB of slab")
    ksft_lt(growth["percpu"], PERCPU_NOISE, "KiB of per-CPU memory")
    ksft_eq(growth["mappings"], 0, "I/O mappings")
    ksft_eq(growth["pools"], 0, "page pools")
    if not THOROUGH:
        ksft_eq(leaking_caches(readings, cycles // 2), {}, "slab caches that grow with each cycle")


def in_halves(cycle, cycles, read):
    """Two halves of the cycles; returns a reading before, between and after them."""
    readings = [read()]
    for _ in range(2):
        cycle(cycles // 2)
        readings.append(read())
    return readings


def cycle_link(cfg, times):
    """Down and up of our port; every tenth time of the peer's."""
    with EchoTraffic(cfg) as echo:
        wait_progress([echo], "at the start")
        for number in range(times):
            ifname, netns = cfg.ends()[number % 10 == 9]
            ip(f"link set dev {ifname} down", ns=netns)
            ip(f"link set dev {ifname} up", ns=netns)
            cfg.wait_carrier()
            wait_progress([echo], f"after {number + 1} times down and up")
    ksft_eq(echo.errors, [])
    ksft_gt(echo.received, times)


def memory_down(cfg, namespaces):
    """A reading of the memory with both ports down: running ones cache pages, more or less."""
    try:
        for ifname, netns in cfg.ends():
            ip(f"link set dev {ifname} down", ns=netns)
        return Memory.read(namespaces)
    finally:
        for ifname, netns in cfg.ends():
            ip(f"link set dev {ifname} up", ns=netns)
        cfg.wait_carrier()


@ksft_disruptive
def updown_link(cfg):
    """Many times down and up; memory is compared after a few times and after all."""
    for ifname, netns in cfg.ends():
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)
    namespaces = (None, cfg.peer_ns)
    cycle_link(cfg, 10)
    start = time.monotonic()

    def read():
        return memory_down(cfg, namespaces)

    readings = in_halves(lambda times: cycle_link(cfg, times), LINK_CYCLES, read)
    ksft_pr(f"{LINK_CYCLES} times down and up in {time.monotonic() - start:.1f} s")
    check_growth(readings, LINK_CYCLES, f"{LINK_CYCLES} x down and up", read)
    for ipver in ("4", "6"):
        cfg.reachable(ipver)


@ksft_disruptive
def updown_tcp(cfg):
    """TCP streams both ways outlive a port that goes down, with every byte right."""
    for ifname, netns in cfg.ends():
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        for _ in range(5):
            ip(f"link set dev {cfg.ifname} down")
            ip(f"link set dev {cfg.ifname} up")
            cfg.wait_carrier()
            wait_progress((out, back), "after down and up")
    for flow in (out, back):
        ksft_eq(flow.errors, [])


def cycle_module(cfg, times):
    """Unloads and loads the driver while datagrams are on their way."""
    for number in range(times):
        with EchoTraffic(cfg) as echo:
            wait_progress([echo], f"before unloading, time {number + 1}")
            cfg.unload()
            ksft_eq(traces_of(cfg.driver), [], "left after unloading")
        ksft_eq(echo.errors, [])
        cfg.load()


@ksft_disruptive
def updown_module(cfg):
    """Several times rmmod and insmod; memory is compared while the module is out."""
    namespaces = (None, cfg.peer_ns)
    cycle_module(cfg, 2)
    start = time.monotonic()

    def read():
        return memory_unloaded(cfg, namespaces)

    readings = in_halves(lambda times: cycle_module(cfg, times), LOAD_CYCLES, read)
    ksft_pr(f"{LOAD_CYCLES} times unloaded and loaded in {time.monotonic() - start:.1f} s")
    check_growth(readings, LOAD_CYCLES, f"{LOAD_CYCLES} x rmmod and insmod", read)
    for ipver in ("4", "6"):
        cfg.reachable(ipver)


def cycle_bind(cfg, times):
    """Our function is taken from the driver and given back while datagrams are on their way."""
    function = nic_functions()[0]
    for number in range(times):
        with EchoTraffic(cfg) as echo:
            wait_progress([echo], f"before unbinding, time {number + 1}")
            rebind(cfg.driver, "unbind", function)
            ksft_eq(os.path.exists(f"{function}/net"), False)
        ksft_eq(echo.errors, [])
        rebind(cfg.driver, "bind", function)
        cfg.set_up_port(0)
        cfg.restore_addresses()
        cfg.wait_carrier()
        cfg.refresh()


@ksft_disruptive
def updown_bind(cfg):
    """Several times unbind and bind of our port; memory is compared with both ports down."""
    namespaces = (None, cfg.peer_ns)
    for ifname, netns in cfg.ends()[1:]:
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)
    cycle_bind(cfg, 2)

    def read():
        memory = memory_down(cfg, namespaces)
        cfg.restore_addresses()
        return memory

    start = time.monotonic()
    readings = in_halves(lambda times: cycle_bind(cfg, times), BIND_CYCLES, read)
    ksft_pr(f"{BIND_CYCLES} times unbound and bound in {time.monotonic() - start:.1f} s")
    check_growth(readings, BIND_CYCLES, f"{BIND_CYCLES} x unbind and bind", read)
    cfg.restore_addresses()
    for ipver in ("4", "6"):
        cfg.reachable(ipver)


def memory_unloaded(cfg, namespaces):
    """A reading of the memory without the driver."""
    cfg.unload()
    memory = Memory.read(namespaces)
    cfg.load()
    return memory


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([updown_link, updown_tcp, updown_bind, updown_module], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
