#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Single receive queues are restarted by the kernel, while all others go on.

What makes the kernel do so is memory that a user brings for a queue: a DMA buffer of the
udmabuf driver is bound to it, and unbound when the netlink socket is closed.
"""

import fcntl
import os
import struct

from lib.py import EchoTraffic, KsftSkipEx, NetdevFamily, NlError, TcpStream, WtoEnv, cmd, \
    defer, ethtool, ip, ksft_eq, ksft_exit, ksft_gt, ksft_raises, ksft_run, wait_for, wait_progress
from lib.py.counters import ethtool_stats
from lib.py.faults import FaultWatch

UDMABUF = "/dev/udmabuf"
UDMABUF_CREATE = 0x40187542
BUFFER_SIZE = 8 << 20
CHANNELS = 4
# No flow goes there by the RSS table
SPARE = CHANNELS - 1


def make_dmabuf(size):
    """A DMA buffer of plain memory; returns its file descriptor."""
    device = os.open(UDMABUF, os.O_RDWR)
    memory = os.memfd_create("wto", os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(memory, size)
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        request = struct.pack("IIQQ", memory, os.O_CLOEXEC, 0, size)
        return fcntl.ioctl(device, UDMABUF_CREATE, bytearray(request), True)
    finally:
        os.close(memory)
        os.close(device)


class Binding:
    """A DMA buffer that is bound to a receive queue as long as this lives."""

    def __init__(self, cfg, queue, size=BUFFER_SIZE):
        self._family = NetdevFamily()
        fd = make_dmabuf(size)
        try:
            self._family.bind_rx({"ifindex": cfg.ifindex, "fd": fd,
                                  "queues": [{"type": "rx", "id": queue}]})
        except NlError:
            self._family.sock.close()
            raise
        finally:
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._family.sock.close()


def bound_queues(cfg):
    """Receive queues that have memory of a user's."""
    return [q["id"] for q in cfg.netdev().queue_get({"ifindex": cfg.ifindex}, dump=True)
            if q["type"] == "rx" and "dmabuf" in q]


def napi_ids(cfg):
    """NAPI ids of the receive queues."""
    return {q["id"]: q["napi-id"]
            for q in cfg.netdev().queue_get({"ifindex": cfg.ifindex}, dump=True)
            if q["type"] == "rx"}


def restarts(cfg):
    """(restarts of all queues, restarts of single ones)."""
    stats = ethtool_stats(cfg.ifname)
    return stats["restarts"], stats["rx_restarts"]


def prepare(cfg):
    """Split headers, and a queue that no flow goes to; undone after the case."""
    cfg.require_driver("wto", "it has no queue management")
    if not os.path.exists(UDMABUF):
        raise KsftSkipEx("the kernel has no udmabuf")
    if cfg.channels()[1] < CHANNELS:
        raise KsftSkipEx(f"the device has less than {CHANNELS} queue pairs")
    defer(cfg.set_channels, cfg.channels()[0])
    cfg.set_channels(CHANNELS)
    ethtool(f"-G {cfg.ifname} tcp-data-split on")
    defer(ethtool, f"-X {cfg.ifname} default")
    ethtool(f"-X {cfg.ifname} equal {SPARE}")
    cfg.reachable()


def qmgmt_one_of_many(cfg):
    """A queue is restarted again and again; flows through the others do not notice."""
    prepare(cfg)
    napis = napi_ids(cfg)
    all_before, single_before = restarts(cfg)
    with EchoTraffic(cfg) as echo, TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        for _ in range(5):
            with Binding(cfg, SPARE):
                ksft_eq(bound_queues(cfg), [SPARE])
                wait_progress((out, back, echo), "while a queue has other memory")
            ksft_eq(bound_queues(cfg), [])
            wait_progress((out, back, echo), "with the queue as it was")
    for flow in (out, back, echo):
        ksft_eq(flow.errors, [])
    ksft_eq(restarts(cfg), (all_before, single_before + 10))
    ksft_eq(napi_ids(cfg), napis, "NAPIs")


def qmgmt_adaptive(cfg):
    """While a queue is away its poll has nothing to adapt the moderation to."""
    prepare(cfg)
    defer(ethtool, f"-C {cfg.ifname} adaptive-rx off adaptive-tx off")
    ethtool(f"-C {cfg.ifname} adaptive-rx on adaptive-tx on")
    with EchoTraffic(cfg) as echo:
        for _ in range(3):
            with Binding(cfg, SPARE):
                wait_progress([echo], "while a queue has other memory")
            wait_progress([echo], "with the queue as it was")
    ksft_eq(echo.errors, [])


def qmgmt_under_its_traffic(cfg):
    """A queue is restarted under its own traffic, both directions; no byte gets wrong."""
    prepare(cfg)
    ethtool(f"-X {cfg.ifname} equal 1")
    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        for _ in range(3):
            wait_progress((out, back), "through queue 0")
            with Binding(cfg, 0):
                ksft_eq(bound_queues(cfg), [0])
        wait_progress((out, back), "after the last restart")
    for flow in (out, back):
        ksft_eq(flow.errors, [])
    cfg.reachable()


def qmgmt_unreadable(cfg):
    """What needs a header that the CPU cannot read is dropped and counted, not touched."""
    prepare(cfg)
    ethtool(f"-X {cfg.ifname} equal 1")
    before = ethtool_stats(cfg.ifname)["rx_0_unreadable"]
    with Binding(cfg, 0):
        # An ARP request has no header that a NIC splits off
        wait_for(lambda: (ip(f"neigh flush dev {cfg.remote_ifname}", ns=cfg.peer_ns),
                          ping_once(cfg),
                          ethtool_stats(cfg.ifname)["rx_0_unreadable"] > before)[2],
                 "a frame that was not split", 20, 0.2)
    ksft_gt(ethtool_stats(cfg.ifname)["rx_0_unreadable"], before)
    cfg.reachable()


def ping_once(cfg):
    """One echo request of the peer's, answered or not."""
    return cmd(f"ping -c 1 -W 1 {cfg.addr_v['4']}", ns=cfg.peer_ns, fail=False)


def qmgmt_kept(cfg):
    """The memory stays bound over down and up, new rings and a reset of the NIC."""
    prepare(cfg)

    def down_up():
        ip(f"link set dev {cfg.ifname} down")
        ip(f"link set dev {cfg.ifname} up")

    def reset():
        resets = cfg.nic.command("faults")
        cfg.nic.command(f"fault reset=50@{cfg.NIC_PORT}")
        wait_for(lambda: cfg.nic.command("faults") != resets, "the reset")

    with Binding(cfg, SPARE):
        steps = [down_up, lambda: ethtool(f"-G {cfg.ifname} rx 256"),
                 lambda: ethtool(f"-G {cfg.ifname} rx 512")]
        if cfg.nic:
            steps.append(reset)
        for step in steps:
            step()
            cfg.wait_carrier()
            cfg.restore_addresses()
            cfg.reachable()
            ksft_eq(bound_queues(cfg), [SPARE])
    ksft_eq(bound_queues(cfg), [])
    cfg.reachable()


def qmgmt_down(cfg):
    """Memory can be bound and unbound while the port is down."""
    prepare(cfg)
    defer(cfg.restore_addresses)
    ip(f"link set dev {cfg.ifname} down")
    try:
        with Binding(cfg, SPARE):
            pass
        binding = Binding(cfg, SPARE)
    finally:
        ip(f"link set dev {cfg.ifname} up")
    with binding:
        cfg.wait_carrier()
        ksft_eq(bound_queues(cfg), [SPARE])
        cfg.reachable()
        ip(f"link set dev {cfg.ifname} down")
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    cfg.reachable()


def qmgmt_too_small(cfg):
    """Memory that is too small for the ring is refused, and the queue goes on as it was."""
    prepare(cfg)
    before = restarts(cfg)
    with TcpStream(cfg, from_peer=True) as back:
        with ksft_raises(NlError):
            Binding(cfg, SPARE, 64 << 10)
        wait_progress([back], "after the refusal")
    ksft_eq(back.errors, [])
    ksft_eq(bound_queues(cfg), [])
    ksft_eq(restarts(cfg), before)


def qmgmt_refused_by_nic(cfg):
    """The NIC refuses the new queue: the old one runs on.  It refuses that too: recovery."""
    prepare(cfg)
    cfg.require_nic()
    defer(cfg.nic.command, f"fault reply-status=off@{cfg.NIC_PORT}")
    with EchoTraffic(cfg) as echo:
        for count in (1, 2):
            cfg.nic.command(f"fault reply-status:op=CONFIG_RX_QUEUES:count={count}"
                            f"@{cfg.NIC_PORT}")
            with ksft_raises(NlError):
                Binding(cfg, SPARE)
            cfg.wait_carrier()
            wait_progress([echo], f"after {count} refusals")
            ksft_eq(bound_queues(cfg), [])
        with Binding(cfg, SPARE):
            wait_progress([echo], "with other memory")
    ksft_eq(echo.errors, [])


def qmgmt_not_stopped(cfg):
    """The NIC goes on with the old queue: it loses the bus, and a reset brings all back."""
    prepare(cfg)
    cfg.require_nic()
    fault = f"fault request-refuse:op=DISABLE_QUEUES:count=1@{cfg.NIC_PORT}"
    defer(cfg.nic.command, f"fault request-refuse=off@{cfg.NIC_PORT}")
    with EchoTraffic(cfg) as echo:
        watch = FaultWatch(cfg)
        cfg.nic.command(fault)
        with Binding(cfg, SPARE):
            watch.wait_counted("resets")
            cfg.wait_carrier()
            ksft_eq(bound_queues(cfg), [SPARE])
            wait_progress([echo], "with other memory")
            cfg.nic.command(fault)
        watch.wait_counted("resets", 2)
        cfg.wait_carrier()
        wait_progress([echo], "with the queue as it was")
    ksft_eq(bound_queues(cfg), [])
    ksft_eq(echo.errors, [])


def qmgmt_let_go_refused(cfg):
    """
    The NIC refuses the queue that is to take the place of one with a user's memory: a reset brings
    it, since that memory is the user's again.
    """
    prepare(cfg)
    cfg.require_nic()
    defer(cfg.nic.command, f"fault request-refuse=off@{cfg.NIC_PORT}")
    with EchoTraffic(cfg) as echo:
        watch = FaultWatch(cfg)
        with Binding(cfg, SPARE):
            wait_progress([echo], "with other memory")
            cfg.nic.command(f"fault request-refuse:op=CONFIG_RX_QUEUES:count=1@{cfg.NIC_PORT}")
        watch.wait_counted("resets")
        cfg.wait_carrier()
        wait_progress([echo], "with the queue as it was")
    ksft_eq(bound_queues(cfg), [])
    ksft_eq(watch.grew("reset_failures"), 0)
    ksft_eq(echo.errors, [])


def qmgmt_fewer_channels(cfg):
    """
    After a reset the NIC has fewer queues, and one that is gone holds a user's memory, which the
    kernel would not find any more: that recovery fails, the next one succeeds.
    """
    prepare(cfg)
    cfg.require_nic()
    most = cfg.channels()[1]
    if most < 2 * CHANNELS:
        raise KsftSkipEx(f"the device has fewer than {2 * CHANNELS} queue pairs")
    cfg.set_channels(most)
    ethtool(f"-X {cfg.ifname} equal {most - 1}")
    with EchoTraffic(cfg) as echo, Binding(cfg, most - 1):
        with FaultWatch(cfg, "reply-twist=caps-less") as watch:
            cfg.nic.command(f"fault reset=10@{cfg.NIC_PORT}")
            watch.wait_counted("resets")
        cfg.wait_carrier()
        ksft_eq(watch.grew("reset_failures"), 1)
        watch.check_said("holds memory of a user")
        ksft_eq(cfg.channels()[0], most)
        ksft_eq(bound_queues(cfg), [most - 1])
        wait_progress([echo], "after the reset")
    ksft_eq(bound_queues(cfg), [])
    ksft_eq(echo.errors, [])


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([qmgmt_one_of_many, qmgmt_adaptive, qmgmt_under_its_traffic, qmgmt_unreadable,
                  qmgmt_kept, qmgmt_down, qmgmt_too_small, qmgmt_refused_by_nic,
                  qmgmt_not_stopped, qmgmt_let_go_refused, qmgmt_fewer_channels], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
