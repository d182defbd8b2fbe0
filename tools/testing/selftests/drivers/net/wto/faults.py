#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Every fault that the software NIC can have, under TCP traffic both ways: the streams
go on and each of their bytes is right, what the user had configured is in force
afterwards, the driver's counters name the event.
"""

import contextlib
import dataclasses

from lib.py import EchoTraffic, KsftNamedVariant, TcpStream, WtoEnv, ksft_eq, \
    ksft_exit, ksft_ge, ksft_run, ksft_variants, wait_progress
from lib.py.attribute import write_attr
from lib.py.faults import FaultWatch
from lib.py.thorough import FULL
from lib.py.userconfig import UserConfig

# Replies of which operation: the one that the driver asks all the time
OP = "op=GET_STATS"


@dataclasses.dataclass
class Fault:
    """
    A fault, and what it is to cause.

    spec     as the NIC takes it
    counts   {counter of ethtool -S: least growth}
    says     text in the kernel's log; None: nothing that must be there
    resets   the driver has to reset the function to get out of it
    hits     strikes to wait for before looking at the consequences
    remedy   what the administrator has to do: nothing tells the driver of the fault
    never    counters that must not grow
    trigger  another fault, which makes the occasion for this one
    failures attempts to recover that fail
    repeats  datagrams may arrive twice
    both     strikes what the other port sends, too
    """

    spec: str
    counts: dict = dataclasses.field(default_factory=dict)
    says: str = None
    resets: bool = False
    hits: int = 1
    remedy: str = None
    never: tuple = ()
    trigger: str = None
    failures: int = 0
    repeats: bool = False
    both: bool = False


DEVICE = {
    "reset": Fault("reset=50", says="the device was reset", resets=True),
    "link-flap": Fault("link-flap=200:count=2", says="link is down", hits=2),
}

REPLIES = {
    "request-refuse": Fault(f"request-refuse=22:{OP}", {"mbx_refused": 1}, "GET_STATS: refused"),
    "reply-lost": Fault(f"reply-lost:{OP}", {"mbx_timeouts": 1}, "GET_STATS: no reply"),
    # asked again only after the answer
    "reply-late": Fault(f"reply-late=1000:count=2:{OP}", hits=2,
                        never=("mbx_timeouts", "mbx_stray", "mbx_malformed", "resets")),
    # later than the driver waits, 10 s
    "reply-too-late": Fault(f"reply-late=12000:{OP}", {"mbx_timeouts": 1, "mbx_stray": 1},
                            "GET_STATS: no reply", never=("resets", )),
    "reply-short": Fault(f"reply-short=2:{OP}", {"mbx_malformed": 1},
                         "GET_STATS: malformed reply"),
    "reply-opcode": Fault(f"reply-opcode=GET_CAPS:{OP}", {"mbx_stray": 1}, "nobody waits for"),
    "reply-cookie": Fault(f"reply-cookie=256:{OP}", {"mbx_stray": 1}, "nobody waits for"),
    "reply-status": Fault(f"reply-status=22:{OP}", {"mbx_refused": 1}, "GET_STATS: refused"),
    "reply-corrupt": Fault(f"reply-corrupt=data:{OP}"),
    "reply-twice": Fault(f"reply-twice:count=3:{OP}", {"mbx_stray": 3}, "nobody waits for",
                         hits=3, never=("resets", )),
    "reply-stray": Fault(f"reply-stray=32:{OP}", {"mbx_stray": 1}, never=("resets", )),
    "twist-right": Fault("reply-twist=vectors-moved", resets=True, trigger="reset=10"),
    "twist-refused": Fault("reply-twist=vectors-same", {"reset_failures": 1},
                           "the device gave vector", True, trigger="reset=10", failures=1),
}

QUEUES = {
    "tx-stuck": Fault("tx-stuck", {"tx_timeouts": 1}, "transmit queue is stuck", True, 0),
    "rx-stuck": Fault("rx-stuck", resets=True, hits=0, remedy="reset"),
    "compl-corrupt": Fault("compl-corrupt=tag:count=3", {"tx_*_bad_compl": 1}, hits=3,
                           repeats=True),
    "compl-gen": Fault("compl-corrupt=gen:seed=5", {"tx_timeouts": 1}, "transmit queue is stuck",
                       True),
    # the wrong buffer may hold an older datagram
    "rx-corrupt": Fault("rx-corrupt=rxdid,bufq,len,id:count=20", {"rx_*_bad_desc": 1}, hits=20,
                        repeats=True),
    "rx-gen": Fault("rx-corrupt=gen:count=8", {"rx_*_bad_desc": 1}, "of a wrong generation", True,
                    8),
    "irq-lost": Fault("irq-lost:count=3", hits=3),
}

# They strike what a port sends
WIRES = {
    "wire-loss": Fault("wire-loss=2:count=20", hits=20, both=True),
    "wire-reorder": Fault("wire-reorder=5:count=50", hits=50, both=True),
    "wire-duplicate": Fault("wire-duplicate=5:count=50", hits=50, both=True, repeats=True),
    "wire-corrupt": Fault("wire-corrupt=2:count=20", hits=20, both=True),
    "wire-delay": Fault("wire-delay=2000:count=200", hits=200, both=True),
}


# Those that differ little from another one, or take long: in a thorough run only
SELDOM = {"reply-late", "reply-too-late", "reply-short", "reply-cookie", "reply-twice",
          "twist-right", "wire-reorder", "wire-delay"}


def variants(faults):
    """The faults of a table as variants of a case."""
    return ksft_variants([KsftNamedVariant(name, fault) for name, fault in faults.items()
                          if FULL or name not in SELDOM])


def strike(cfg, user, fault):
    """One fault under traffic, and what must hold afterwards."""
    user.require()
    with contextlib.ExitStack() as stack:
        out, back = (stack.enter_context(TcpStream(cfg, from_peer=peer)) for peer in (False, True))
        echo = stack.enter_context(EchoTraffic(cfg, repeats=fault.repeats))
        flows = (out, back, echo)
        wait_progress(flows, "before the fault")
        with FaultWatch(cfg, fault.spec) as watch, \
                FaultWatch(cfg, fault.spec if fault.both else None, peer=True) as far:
            if fault.trigger:
                cfg.nic.command(f"fault {fault.trigger}@{cfg.NIC_PORT}")
            if fault.hits:
                watch.wait_hits(fault.hits)
            if fault.both:
                far.wait_hits(fault.hits)
            if fault.remedy:
                write_attr(f"/sys/class/net/{cfg.ifname}/device/{fault.remedy}", "1")
            for name, least in fault.counts.items():
                watch.wait_counted(name, least)
            if fault.resets:
                watch.wait_counted("resets")
        cfg.wait_carrier()
        wait_progress(flows, "after the fault")
        watch.report(fault.spec)
    user.check(fault.spec)
    for flow in flows:
        ksft_eq(flow.errors, [])
    for name in fault.never:
        ksft_eq(watch.grew(name), 0, f"{fault.spec}: {name}")
    if fault.says:
        watch.check_said(fault.says)
    if fault.resets:
        ksft_ge(watch.grew("resets"), 1)
        # Once for each
        watch.check_said("recovered from reset", watch.grew("resets"))
        ksft_eq(watch.grew("reset_failures"), fault.failures)


def fault_none_forgotten(cfg, _user):
    """Each fault that the NIC has is in one of the tables, and each of the tables' in the NIC."""
    cfg.require_nic()
    known = {name for port in cfg.nic.command("faults")["ports"] for name in port["faults"]}
    tested = {fault.spec.partition(":")[0].partition("=")[0]
              for table in (DEVICE, REPLIES, QUEUES, WIRES) for fault in table.values()}
    ksft_eq(tested, known, "faults")


@variants(DEVICE)
def fault_device(cfg, user, fault):
    """The device as a whole: resets itself, loses its link."""
    strike(cfg, user, fault)


@variants(REPLIES)
def fault_replies(cfg, user, fault):
    """Answers to the driver's messages: lost, late, short, wrong."""
    strike(cfg, user, fault)


@variants(QUEUES)
def fault_queues(cfg, user, fault):
    """Queues, completions, descriptors and interrupts go wrong."""
    strike(cfg, user, fault)


@variants(WIRES)
def fault_wires(cfg, user, fault):
    """Frames are lost, overtaken, doubled, damaged, delayed."""
    strike(cfg, user, fault)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg, UserConfig(cfg) as user:
        ksft_run([fault_none_forgotten, fault_device, fault_replies, fault_queues, fault_wires],
                 args=(cfg, user))
    ksft_exit()


if __name__ == "__main__":
    main()
