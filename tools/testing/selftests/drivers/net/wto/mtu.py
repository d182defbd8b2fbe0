#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""MTU changes: which are accepted, under traffic, and that full-size frames pass at each."""

import errno
import os
import socket

from lib.py import CmdExitFailure, EchoTraffic, KsftSkipEx, TcpStream, WtoEnv, defer, ip, \
    ksft_eq, ksft_exit, ksft_ge, ksft_gt, ksft_in, ksft_pr, ksft_raises, ksft_run, \
    ksft_variants, peer_socket, wait_progress
from lib.py.thorough import FULL, most_telling
from lib.py.traffic import family_of, random_bytes

ETH_HLEN = 14
HEADERS = {"4": 20 + 8, "6": 40 + 8}
IP_MTU_DISCOVER = {"4": (socket.IPPROTO_IP, 10), "6": (socket.IPPROTO_IPV6, 23)}
PMTUDISC_DO = 2
FRAMES = 64

MTUS = [68, 576, 1280, 1500, 4000, 9000, 0]
# Under traffic only when there is time
SOME_MORE = (4000, 1500) if FULL else ()


def full_size_datagrams(cfg, ipver, mtu, from_peer):
    """Sends datagrams that fill a frame each; returns how many arrived as sent."""
    local, remote = cfg.addr_v[ipver], cfg.remote_addr_v[ipver]
    payload = random_bytes(mtu - HEADERS[ipver], seed=mtu)
    args = (family_of(local), socket.SOCK_DGRAM)
    here, there = socket.socket(*args), peer_socket(cfg.peer_ns, *args)
    sender, receiver, target = (there, here, local) if from_peer else (here, there, remote)
    good = 0
    with here, there:
        receiver.bind((target, 0))
        receiver.settimeout(5)
        sender.setsockopt(*IP_MTU_DISCOVER[ipver], PMTUDISC_DO)
        sender.connect(receiver.getsockname()[:2])
        for _ in range(FRAMES):
            sender.send(payload)
            good += receiver.recv(65536) == payload
        with ksft_raises(OSError) as too_long:
            sender.send(payload + b"+")
    ksft_eq(too_long.exception.errno, errno.EMSGSIZE)
    return good


def check_full_size(cfg, ipver, mtu):
    """Both ways; the NIC must have seen the frames at their full length."""
    cfg.reachable(ipver)
    for from_peer in (False, True):
        before = cfg.counters()
        good = full_size_datagrams(cfg, ipver, mtu, from_peer)
        ksft_eq(good, FRAMES, f"IPv{ipver}, MTU {mtu}, {'to' if from_peer else 'from'} us")
        if cfg.nic:
            wire = (cfg.counters() - before).levels["wire"]
            way = "rx" if from_peer else "tx"
            ksft_ge(wire[f"{way}_packets"], FRAMES)
            # Other packets may come along, yet no full-size frame may be missing or cut
            ksft_ge(wire[f"{way}_bytes"], FRAMES * max(60, mtu + ETH_HLEN))


@ksft_variants(most_telling((str(mtu) if mtu else "max" for mtu in MTUS),
                            "68", "1280", "max"))
def mtu_full_size(cfg, mtu):
    """Frames of exactly this MTU pass, longer ones are refused by the stack."""
    mtu = cfg.max_mtu() if mtu == "max" else int(mtu)
    cfg.with_mtu(mtu)
    ksft_eq(ip(f"link show dev {cfg.ifname}", json=True)[0]["mtu"], mtu)
    check_full_size(cfg, "4", mtu)
    if mtu >= 1280:
        check_full_size(cfg, "6", mtu)


def mtu_limits(cfg):
    """One beyond either limit is refused, with a reason, and changes nothing."""
    limits = (cfg.dev["min_mtu"] - 1, cfg.dev["max_mtu"] + 1, 65535)
    ksft_in(cfg.dev["min_mtu"], (68, 64))
    before = ip(f"link show dev {cfg.ifname}", json=True)[0]["mtu"]
    for mtu in limits:
        with ksft_raises(CmdExitFailure) as refused:
            ip(f"link set dev {cfg.ifname} mtu {mtu}")
        ksft_in("mtu", refused.exception.cmd.stderr.lower(), f"no reason given for {mtu}")
        ksft_eq(ip(f"link show dev {cfg.ifname}", json=True)[0]["mtu"], before)
    cfg.reachable()


def mtu_under_traffic(cfg):
    """A TCP stream survives changes of the MTU on both sides, and no byte of it is wrong."""
    if cfg.max_mtu() < 9000:
        raise KsftSkipEx(f"the largest MTU is {cfg.max_mtu()}")
    if cfg.driver == "idpf" and os.uname().release.startswith("6."):
        raise KsftSkipEx("in-tree idpf of 6.x starts queues after a change, and does not wake "
                         "what waits for them")
    defer(cfg.set_mtu, 1500)
    with EchoTraffic(cfg) as echo, TcpStream(cfg) as out, TcpStream(cfg, from_peer=True) as back:
        for mtu in (9000, *SOME_MORE, cfg.max_mtu(), 1280, 576, 1500):
            cfg.set_mtu(mtu)
            wait_progress((out, back, echo), f"at MTU {mtu}")
    ksft_pr(f"{out.received >> 10} and {back.received >> 10} KiB, {echo.received} echoes")
    ksft_gt(echo.received, 0)
    for flow in (out, back, echo):
        ksft_eq(flow.errors, [])


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([mtu_full_size, mtu_limits, mtu_under_traffic], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
