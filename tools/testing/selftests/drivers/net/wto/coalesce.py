#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Interrupt moderation: what ethtool -C accepts is what -c shows and what stands in the
device's registers, whatever happens to the queues; the rest is refused.
"""

import re
import socket
import time

from lib.py import CmdExitFailure, KsftSkipEx, TcpStream, WtoEnv, cmd, defer, ethtool, ip, \
    ksft_eq, ksft_exit, ksft_ge, ksft_in, ksft_ne, ksft_raises, ksft_run, ksft_true, \
    peer_socket, wait_for
from lib.py.reset import reset_nic
from lib.py.registers import intervals_us

CHANNELS = 2
MAX_US = 8190
# What net_dim chooses from
PROFILES = {"rx": {2, 8, 64, 128, 256}, "tx": {2, 8, 32, 64, 128}}
ROUND_TRIPS = 60


def settings(cfg):
    """(rx-usecs, tx-usecs, adaptive-rx, adaptive-tx) of the port."""
    shown = ethtool(f"-c {cfg.ifname}", json=True)[0]
    return tuple(shown[name] for name in ("rx-usecs", "tx-usecs", "adaptive-rx", "adaptive-tx"))


def queue_settings(cfg, queue):
    """The same of one queue."""
    text = ethtool(f"--per-queue {cfg.ifname} queue_mask {1 << queue:#x} --show-coalesce").stdout
    adaptive = re.search(r"Adaptive RX: (on|off)\s+TX: (on|off)", text)
    usecs = [int(re.search(rf"^{kind}-usecs: (\d+)", text, re.MULTILINE).group(1))
             for kind in ("rx", "tx")]
    return (*usecs, *(word == "on" for word in adaptive.groups()))


def set_queue(cfg, queue, what):
    """ethtool -C for one queue."""
    ethtool(f"--per-queue {cfg.ifname} queue_mask {1 << queue:#x} --coalesce {what}")


def refuse_queue(cfg, queue, what):
    """The same, which must be refused; ethtool tells it by words only."""
    result = cmd(f"ethtool --per-queue {cfg.ifname} queue_mask {1 << queue:#x} --coalesce {what}",
                 fail=False)
    ksft_ne(result.stderr + result.stdout if result.ret else result.stderr, "", what)


def prepare(cfg):
    """Two channels, and the settings put back at the end of the case."""
    present, most = cfg.channels()
    if most < 2 * CHANNELS:
        raise KsftSkipEx(f"the device has {most} queue pairs at most")
    defer(cfg.set_channels, present)
    cfg.set_channels(CHANNELS)
    rx_us, tx_us, *adaptive = settings(cfg)
    ksft_eq(adaptive, [False, False])
    defer(restore, cfg, rx_us, tx_us)


def restore(cfg, rx_us, tx_us):
    """Fixed intervals for all queues: -C by itself says nothing if queue 0 has them."""
    for queue in range(cfg.channels()[0]):
        set_queue(cfg, queue, "adaptive-rx off adaptive-tx off")
        set_queue(cfg, queue, f"rx-usecs {rx_us} tx-usecs {tx_us}")


def coalesce_exact(cfg):
    """Read back as set, by ethtool and in the registers of every channel."""
    prepare(cfg)
    for rx_us, tx_us in ((0, 2), (2, 0), (50, 100), (MAX_US, 4), (4, MAX_US)):
        ethtool(f"-C {cfg.ifname} rx-usecs {rx_us} tx-usecs {tx_us}")
        ksft_eq(settings(cfg), (rx_us, tx_us, False, False))
        ksft_eq(intervals_us(cfg.ifname, CHANNELS), [(rx_us, tx_us)] * CHANNELS)
    cfg.reachable()


def coalesce_refused(cfg):
    """What the device cannot do exactly is refused with a reason, and changes nothing."""
    prepare(cfg)
    before = settings(cfg)
    for what, reason in (("rx-usecs 1", "rx-usecs"), ("tx-usecs 3", "tx-usecs"),
                         (f"rx-usecs {MAX_US + 1}", "rx-usecs"),
                         (f"tx-usecs {MAX_US + 2}", "tx-usecs"),
                         ("rx-usecs 4294967294", "rx-usecs"), ("rx-frames 1", "unsupported"),
                         ("tx-frames-irq 5", "unsupported"), ("cqe-mode-rx on", "unsupported"),
                         ("rx-usecs 20 tx-usecs 21", "tx-usecs")):
        with ksft_raises(CmdExitFailure) as caught:
            ethtool(f"-C {cfg.ifname} {what}")
        ksft_in(reason, caught.exception.cmd.stderr, what)
        ksft_eq(settings(cfg), before, what)
        ksft_eq(intervals_us(cfg.ifname, CHANNELS), [before[:2]] * CHANNELS, what)


def coalesce_per_queue(cfg):
    """One queue by itself; one that does not exist is refused."""
    prepare(cfg)
    ethtool(f"-C {cfg.ifname} rx-usecs 30 tx-usecs 40")
    set_queue(cfg, 1, "rx-usecs 60")
    ksft_eq(queue_settings(cfg, 0), (30, 40, False, False))
    ksft_eq(queue_settings(cfg, 1), (60, 40, False, False))
    ksft_eq(intervals_us(cfg.ifname, CHANNELS), [(30, 40), (60, 40)])
    for what in ("rx-usecs 7", "tx-usecs 9000"):
        refuse_queue(cfg, 1, what)
    refuse_queue(cfg, CHANNELS, "rx-usecs 60")
    ksft_eq(intervals_us(cfg.ifname, CHANNELS), [(30, 40), (60, 40)])


def coalesce_kept(cfg):
    """Down and up, other channels and rings, a reset of the NIC; new queues have it as well."""
    prepare(cfg)
    ethtool(f"-C {cfg.ifname} rx-usecs 70 tx-usecs 90")
    set_queue(cfg, 1, "rx-usecs 110")
    expected = [(70, 90), (110, 90), (70, 90), (70, 90)]

    def check(count, what):
        ksft_eq(intervals_us(cfg.ifname, count), expected[:count], what)
        ksft_eq([queue_settings(cfg, number)[:2] for number in range(count)], expected[:count],
                what)

    cfg.set_channels(4)
    check(4, "more channels")
    cfg.set_channels(1)
    check(1, "one channel")
    cfg.set_channels(4)
    check(4, "more channels again")
    defer(ethtool, f"-G {cfg.ifname} rx 512 tx 512")
    ethtool(f"-G {cfg.ifname} rx 128 tx 128")
    check(4, "other rings")
    defer(cfg.restore_addresses)
    ip(f"link set dev {cfg.ifname} down")
    set_queue(cfg, 0, "tx-usecs 92")
    expected[0] = (70, 92)
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    check(4, "down and up")
    if cfg.nic:
        ethtool(f"-C {cfg.ifname} adaptive-tx on")
        reset_nic(cfg)
        ksft_eq(queue_settings(cfg, 1), (110, 90, False, True))
        ksft_eq([rx for rx, _ in intervals_us(cfg.ifname, 4)], [rx for rx, _ in expected])
        ethtool(f"-C {cfg.ifname} adaptive-tx off")
        check(4, "a reset")
    cfg.restore_addresses()
    cfg.reachable()


def coalesce_adaptive(cfg):
    """net_dim moves the interval within its profile; off again, the fixed one is back."""
    prepare(cfg)
    ethtool(f"-C {cfg.ifname} rx-usecs 20 tx-usecs 22")
    ethtool(f"-C {cfg.ifname} adaptive-rx on adaptive-tx on")
    ksft_eq(settings(cfg), (20, 22, True, True))
    with ksft_raises(CmdExitFailure) as caught:
        ethtool(f"-C {cfg.ifname} rx-usecs 24")
    ksft_in("adaptive-rx", caught.exception.cmd.stderr)
    seen = {"rx": set(), "tx": set()}

    def moved():
        for rx_us, tx_us in intervals_us(cfg.ifname, CHANNELS):
            seen["rx"].add(rx_us)
            seen["tx"].add(tx_us)
        # net_dim does not write before it has decided for the first time
        return len(seen["rx"]) > 1 and len(seen["tx"]) > 1

    with TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        wait_for(moved, "net_dim to move an interval", 60, 0.02)
    ksft_eq(out.errors + back.errors, [])
    for kind, values in seen.items():
        ksft_true(values <= PROFILES[kind], f"{kind}: {values}")
    ethtool(f"-C {cfg.ifname} adaptive-rx off")
    ksft_eq(settings(cfg), (20, 22, False, True))
    ksft_eq([rx_us for rx_us, _ in intervals_us(cfg.ifname, CHANNELS)], [20] * CHANNELS)
    ethtool(f"-C {cfg.ifname} adaptive-tx off")
    ksft_eq(intervals_us(cfg.ifname, CHANNELS), [(20, 22)] * CHANNELS)


def round_trips(cfg):
    """Seconds that some small packets to the peer and back take, one after the other."""
    with peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM) as there, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        there.bind((cfg.remote_addr_v["4"], 0))
        here.bind((cfg.addr_v["4"], 0))
        for sock in (here, there):
            sock.settimeout(10)
        start = time.monotonic()
        for number in range(ROUND_TRIPS):
            here.sendto(bytes([number]), there.getsockname())
            data, source = there.recvfrom(16)
            there.sendto(data, source)
            ksft_eq(here.recv(16), bytes([number]))
        return time.monotonic() - start


def coalesce_moderates(cfg):
    """With long intervals an answer waits for the next interrupt: never faster than they are."""
    prepare(cfg)
    cfg.set_channels(1)
    cfg.reachable()
    ethtool(f"-C {cfg.ifname} rx-usecs {MAX_US} tx-usecs {MAX_US}")
    took = round_trips(cfg)
    # A poll may find the odd answer that came without an interrupt
    ksft_ge(took, 0.75 * ROUND_TRIPS * MAX_US / 1e6, "seconds")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        cfg.require_driver("wto", "its settings are others")
        ksft_run([coalesce_exact, coalesce_refused, coalesce_per_queue, coalesce_kept,
                  coalesce_adaptive, coalesce_moderates], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
