#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Each feature off and on under traffic (ethtool -K): TCP both ways and bursts of datagrams, every
byte compared.  Nothing restarts, the link stays, -k shows what was set, what is fixed is refused.
"""

import contextlib
import random

from lib.py import TcpStream, WtoEnv, cmd, defer, ethtool, ksft_eq, ksft_exit, ksft_ne, \
    ksft_pr, ksft_run, ksft_true, wait_for, wait_progress
from lib.py.attribute import carrier_count
from lib.py.counters import ethtool_stats
from lib.py.offload import CHECKSUM, SEGMENTATION, offloads_of
from lib.py.thorough import FULL
from lib.py.udp_segments import UdpSegments

SEED = 20
STEPS = 25 if FULL else 5
# Not an offload: what we send would come back
NOT_TOGGLED = ("loopback", )

TSO = ("tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-mangleid-segmentation")
ECN = "tx-tcp-ecn-segmentation"
GENERIC = "tx-checksum-ip-generic"
SG = "tx-scatter-gather"


def shown(cfg):
    """What -k shows: {name: {"active", "fixed", "requested"}}, without collective names."""
    return {name: state for name, state in ethtool(f"-k {cfg.ifname}", json=True)[0].items()
            if isinstance(state, dict) and state["fixed"] is not None}


def changeable(cfg):
    """Names of what can be switched."""
    return [name for name, state in shown(cfg).items()
            if not state["fixed"] and name not in NOT_TOGGLED]


def without_dependents(on):
    """What of the features is on: the stack takes away those whose ground is off."""
    on = set(on)
    if SG not in on:
        on -= {*TSO, ECN, "generic-segmentation-offload"}
    if not on & {GENERIC, "tx-checksum-ipv4"}:
        on -= {"tx-tcp-segmentation", ECN}
    if not on & {GENERIC, "tx-checksum-ipv6"}:
        on -= {"tx-tcp6-segmentation"}
    if not on & {GENERIC, "tx-checksum-ipv4", "tx-checksum-ipv6"}:
        on -= {"tx-udp-segmentation"}
    if "tx-tcp-segmentation" not in on:
        on -= {"tx-tcp-mangleid-segmentation"}
    if not on & set(TSO):
        on -= {ECN}
    return on


def check_shown(cfg, before, wanted):
    """-k shows as requested what was, as active what can be of it, the rest as it was."""
    requested = {name for name, state in before.items() if state["requested"]}
    for name, state in wanted.items():
        (requested.add if state else requested.discard)(name)
    now = shown(cfg)
    fixed = {name for name, state in now.items() if state["fixed"]}
    ksft_eq({name for name, state in now.items() if state["requested"]} - fixed,
            requested - fixed, f"requested after {wanted}")
    on = requested - fixed | {name for name in fixed if before[name]["active"]}
    ksft_eq({name for name, state in now.items() if state["active"]}, without_dependents(on),
            f"active after {wanted}")


def switch(cfg, wanted):
    """Sets features: {name: state}.  What has no ground now is noted, and ethtool complains."""
    cmd(f"ethtool -K {cfg.ifname} " +
        " ".join(f"{name} {'on' if state else 'off'}" for name, state in wanted.items()),
        fail=False)


def disturbances(cfg):
    """What must not grow: link drops, restarts, resets, packets given up."""
    found = {"carrier_down_count": carrier_count(cfg.ifname, "down")}
    found |= {name: count for name, count in ethtool_stats(cfg.ifname).items()
              if name in ("restarts", "resets", "tx_timeouts") or "dropped" in name or
              "refused" in name}
    if cfg.nic:
        found |= {f"nic {name}": count for name, count
                  in cfg.nic.port_stats(cfg.NIC_PORT)["errors"].items()
                  if name.startswith("tx_")}
    return found


@contextlib.contextmanager
def traffic(cfg):
    """All kinds of it; nothing may go wrong meanwhile."""
    cfg.with_mtu(1500)
    cfg.pin_neighbours()
    before = disturbances(cfg)
    with contextlib.ExitStack() as stack:
        flows = [stack.enter_context(TcpStream(cfg, ipver, from_peer))
                 for ipver in ("4", "6") for from_peer in (False, True)]
        flows += [stack.enter_context(UdpSegments(cfg, ipver)) for ipver in ("4", "6")]
        wait_progress(flows, "at first")
        yield flows
        wait_progress(flows, "at the end")
    ksft_eq([flow.errors for flow in flows if flow.errors], [])
    ksft_eq([flow.lost for flow in flows[-2:]], [0, 0], "datagrams lost")
    ksft_eq(disturbances(cfg), before)
    ksft_pr(f"{sum(flow.received for flow in flows[:4])} bytes of TCP, "
            f"{sum(flow.received for flow in flows[4:])} datagrams")


def each_feature(cfg):
    """One after the other, off and on."""
    before = shown(cfg)
    names = changeable(cfg)
    ksft_true(names, "something can be switched")
    defer(switch, cfg, {name: before[name]["requested"] for name in names})
    with traffic(cfg) as flows:
        for name in names:
            was = before[name]["requested"]
            for state in (not was, was):
                switch(cfg, {name: state})
                check_shown(cfg, before, {name: state})
                wait_progress(flows, f"with {name} {'on' if state else 'off'}")
    ksft_pr(" ".join(names))


def any_combination(cfg):
    """Several at a time, seeded."""
    rng = random.Random(SEED)
    before = shown(cfg)
    names = changeable(cfg)
    defer(switch, cfg, {name: before[name]["requested"] for name in names})
    now = {}
    with traffic(cfg) as flows:
        for step in range(STEPS):
            wanted = {name: rng.random() < 0.6 for name in rng.sample(names,
                                                                      rng.randint(1, 5))}
            now |= wanted
            switch(cfg, wanted)
            check_shown(cfg, before, now)
            wait_progress(flows, f"in step {step}")


def nic_work(cfg):
    """What the NIC has done so far for others than the stack."""
    queues = cfg.nic.port_stats(cfg.NIC_PORT)["queues"]["tx"]
    return {name: sum(queue.get(name, 0) for queue in queues) for name in ("csum", "lso", "uso")}


def in_force(cfg):
    """Once off, the NIC does nothing of it; once on, it works."""
    cfg.require_nic()
    names = offloads_of(cfg.ifname, SEGMENTATION + CHECKSUM)
    defer(switch, cfg, dict.fromkeys(names, True))
    with traffic(cfg) as flows:
        for _ in range(3):
            switch(cfg, dict.fromkeys(names, False))
            # what had been sent before
            wait_progress(flows, "after the switch-off")
            before = nic_work(cfg)
            wait_progress(flows, "with everything off")
            ksft_eq(nic_work(cfg), before, "nothing is left to the NIC")
            switch(cfg, dict.fromkeys(names, True))
            wait_for(lambda b=before: all(count > b[name]
                                          for name, count in nic_work(cfg).items()),
                     "the NIC to do everything again", 60)


def fixed_ones(cfg):
    """What is fixed stays, and the user is told."""
    before = shown(cfg)
    fixed = [name for name, state in before.items() if state["fixed"]]
    ksft_true(fixed, "something is fixed")
    for name in fixed:
        state = "off" if before[name]["active"] else "on"
        refused = cmd(f"ethtool -K {cfg.ifname} {name} {state}", fail=False)
        ksft_ne(refused.ret, 0, f"{name} {state}")
    ksft_eq(shown(cfg), before)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([each_feature, any_combination, in_force, fixed_ones], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
