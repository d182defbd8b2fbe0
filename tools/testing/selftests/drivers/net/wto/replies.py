#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Replies of the NIC that are well formed and make no sense, or another sense than before: at the
recovery from a reset and at probe.  The driver makes do with less, or says what is wrong, fails in
good order and tries again.  Replies that come twice, that nobody asked for, or that are lost while
queues are exchanged.
"""

import os
import time

from lib.py import CmdExitFailure, EchoTraffic, KsftNamedVariant, WtoEnv, cmd, defer, ethtool, \
    ksft_disruptive, ksft_eq, ksft_exit, ksft_ge, ksft_run, ksft_true, ksft_variants
from lib.py.attribute import rebind
from lib.py.env import nic_functions
from lib.py.faults import FaultWatch, kernel_log
from lib.py.thorough import FULL


# What makes recovery fail, once, and what the driver says
REFUSED = {
    "caps-none": "device has 0 tx queues",
    "mbx-vector": "the device gave vector 1,",
    "mbx-register": "are not among the registers",
    "vectors-same": "the device gave vector",
    "vectors-far": "number of vectors is 8",
    "vectors-many": "number of chunks is 65535",
    "vectors-few": "number of vectors is",
    "vectors-registers": "are not among the registers",
    "queues-same": "queue id is",
    "queues-far": "queue id is 4294967294",
    "queues-none": "the device gave 0 tx",
    "queues-chunks": "number of chunks is 65535",
    "queues-types": "the device gave 0 tx",
    "queues-tails": "tail register",
    "vport-model": "transmit queues of model 32767",
    "vport-frame": "longest frame of",
    "vport-rss": "size of the RSS table is 65535",
    "ptype-id": "packet type is 1024",
    "ptype-protos": "packet type is",
    "ptype-many": "number of packet types is 65535",
    "regions-far": "register window",
    "regions-long": "register window",
    "regions-many": "number of regions is 65535",
}
# Every third; they are in the order of the messages
SOME_REFUSED = REFUSED if FULL else dict([*REFUSED.items()][::3])
# What the driver gets along with
ACCEPTED = ("caps-less", "caps-more", "vectors-moved", "queues-many", "vport-lut", "vport-mac")
# One for each stage of probe
AT_PROBE = list(REFUSED) if FULL else ["mbx-register", "vectors-same", "queues-far",
                                       "queues-tails", "vport-frame", "ptype-id", "regions-far"]
# Messages of which each is answered twice and among others
STRAYS = 40 if FULL else 15
# Messages that change queues; their reply is missed for 10 s
EXCHANGE = ["DISABLE_QUEUES"] + (["CONFIG_TX_QUEUES", "MAP_QUEUE_VECTOR", "SET_RSS_LUT",
                                  "ENABLE_VPORT", "DISABLE_VPORT"] if FULL else [])


def set_up(cfg):
    """Common to all cases."""
    cfg.require_nic()
    cfg.require_driver("wto", "believes what it is told")
    for ifname, netns in cfg.ends():
        cfg.set_sysctl(f"net.ipv6.conf.{ifname}.keep_addr_on_down", 1, netns)


def features(cfg):
    """Features that are on."""
    return {line.strip() for line in ethtool(f"-k {cfg.ifname}").stdout.splitlines()
            if ": on" in line}


def recover(cfg, twist):
    """The NIC resets itself; one of the replies that follow is twisted.  Returns the watch."""
    with FaultWatch(cfg, f"reply-twist={twist}" if twist else None) as watch:
        cfg.nic.command(f"fault reset=10@{cfg.NIC_PORT}")
        watch.wait_counted("resets")
    cfg.restore_addresses()
    cfg.wait_carrier()
    if twist:
        ksft_eq(watch.hits(), 1, f"{twist}: strikes")
    return watch


def set_rss(cfg):
    """A key and fields of the user's."""
    defer(ethtool, f"-N {cfg.ifname} rx-flow-hash udp4 sdfn")
    ethtool(f"-X {cfg.ifname} hkey {':'.join(f'{byte:02x}' for byte in range(52))}")
    ethtool(f"-N {cfg.ifname} rx-flow-hash udp4 sd")


def shown_rss(cfg):
    """Key and fields as they are shown."""
    key = ethtool(f"-x {cfg.ifname}", json=True)[0]["rss-hash-key"]
    return key, ethtool(f"-n {cfg.ifname} rx-flow-hash udp4").stdout


def replies_refused(cfg):
    """A reply that cannot be: what is wrong is said, and the next attempt succeeds."""
    set_up(cfg)
    before = features(cfg)
    for twist, text in SOME_REFUSED.items():
        watch = recover(cfg, twist)
        ksft_eq(watch.grew("reset_failures"), 1, f"{twist}: failed attempts")
        watch.check_said(text)
        cfg.reachable(count=1)
    ksft_eq(features(cfg), before, "features")


def replies_accepted(cfg):
    """A reply that is not what it was at the start: no attempt fails, and packets pass."""
    set_up(cfg)
    before = features(cfg)
    for twist in ACCEPTED:
        watch = recover(cfg, twist)
        ksft_eq(watch.grew("reset_failures"), 0, f"{twist}: failed attempts")
        for ipver in ("4", "6"):
            cfg.reachable(ipver, count=2)
    set_rss(cfg)
    rss = shown_rss(cfg)
    recover(cfg, "caps-less")
    less = features(cfg)
    ksft_true(not any("segmentation" in name and name.startswith("tx-tcp") for name in less),
              f"no segmentation: {less}")
    # What is wanted and cannot be had does not come back by another switch
    for state in ("off", "on"):
        ethtool(f"-K {cfg.ifname} gro {state}")
    ksft_eq(features(cfg), less, "features after another one was switched")
    recover(cfg, None)
    ksft_eq(features(cfg), before, "features after an honest reply")
    ksft_eq(shown_rss(cfg), rss, "RSS after an honest reply")


def bind(cfg, attribute, function):
    """Gives our function to the driver or takes it away.  Returns whether that succeeded."""
    try:
        rebind(cfg.driver, attribute, function)
    except OSError:
        return False
    return True


def bind_again(cfg, function):
    """Undoes what a case did to our port."""
    cfg.nic.command(f"fault reply-twist=off@{cfg.NIC_PORT}")
    ksft_true(bind(cfg, "bind", function), "bound to an honest NIC")
    cfg.set_up_port(0)
    cfg.restore_addresses()
    cfg.wait_carrier()
    cfg.refresh()
    cfg.reachable(count=1)


@ksft_disruptive
def replies_probe(cfg):
    """The same at probe: it fails and leaves nothing behind."""
    set_up(cfg)
    function = nic_functions()[0]
    ksft_true(bind(cfg, "unbind", function))
    defer(bind_again, cfg, function)
    for twist in AT_PROBE:
        length = len(kernel_log(cfg.driver))
        cfg.nic.command(f"fault reply-twist={twist}:count=0@{cfg.NIC_PORT}")
        ksft_true(not bind(cfg, "bind", function), f"{twist}: probe fails")
        ksft_eq(os.path.exists(f"{function}/net"), False)
        said = kernel_log(cfg.driver)[length:]
        ksft_true(any(REFUSED[twist] in line for line in said), f"{twist}: {said}")


def replies_unasked(cfg):
    """Replies that come twice, and messages that nobody asked for: counted, told in moderation."""
    set_up(cfg)
    defer(cmd, f"ethtool -X {cfg.ifname} default", fail=False)
    defer(cfg.set_channels, cfg.channels()[0])
    start = time.monotonic()
    with EchoTraffic(cfg) as echo, FaultWatch(cfg, "reply-twice:count=0") as twice, \
            FaultWatch(cfg, "reply-stray=16:count=0") as stray:
        number = 0
        while min(twice.hits(), stray.hits()) < STRAYS:
            ethtool(f"-X {cfg.ifname} hkey {':'.join([f'{number % 256:02x}'] * 52)}")
            number += 1
        ethtool(f"-L {cfg.ifname} combined 1")
        stray.wait_counted("mbx_stray", STRAYS * 8)
        said = stray.said()
        seconds = time.monotonic() - start
    ksft_eq(echo.errors, [])
    ksft_ge(stray.grew("mbx_malformed"), 1, "malformed events")
    ksft_eq(stray.grew("resets"), 0)
    # ten lines of each kind in five seconds at most
    ksft_true(len(said) <= (seconds / 5 + 1) * 10 * 4, f"{len(said)} lines in {seconds:.0f} s")
    cfg.wait_carrier()
    cfg.reachable(count=2)


@ksft_variants([KsftNamedVariant(op, op) for op in EXCHANGE])
def replies_lost(cfg, op):
    """A reply is lost while queues are exchanged: asked again, and nothing has to be reset."""
    set_up(cfg)
    old = cfg.channels()[0]
    new = 1 if old > 1 else 2
    defer(cfg.set_channels, old)
    with FaultWatch(cfg, f"reply-lost:op={op}") as watch:
        cfg.set_channels(new)
        watch.check_said(f"{op}: no reply")
    ksft_eq(watch.hits(), 1)
    ksft_eq(cfg.channels()[0], new)
    ksft_eq(watch.grew("resets"), 0, "resets")
    ksft_eq(watch.grew("reset_failures"), 0, "failures")
    cfg.reachable(count=2)


def replies_lost_enable(cfg):
    """That queues run is not said twice: the change fails, and the old queues run again."""
    set_up(cfg)
    old = cfg.channels()[0]
    with FaultWatch(cfg, "reply-lost:op=ENABLE_QUEUES") as watch:
        try:
            ethtool(f"-L {cfg.ifname} combined {1 if old > 1 else 2}")
            ksft_true(False, "a change that must fail")
        except CmdExitFailure:
            pass
    ksft_eq(cfg.channels()[0], old)
    ksft_eq(watch.grew("resets"), 0, "resets")
    cfg.wait_carrier()
    cfg.reachable(count=2)


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        cases = [replies_refused, replies_accepted, replies_probe, replies_unasked, replies_lost]
        ksft_run(cases + ([replies_lost_enable] if FULL else []), args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
