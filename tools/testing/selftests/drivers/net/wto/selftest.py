#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""ethtool -t, the loopback feature, ethtool -d, and the standard statistics."""

import json
import re
import socket

from lib.py import CmdExitFailure, TcpStream, WtoEnv, cmd, defer, ethtool, ip, ksft_eq, \
    ksft_exit, ksft_in, ksft_ne, ksft_raises, ksft_run, ksft_true, peer_socket, wait_progress
from lib.py.rawframes import ETHERTYPE, mac_bytes
from lib.py.registers import read_registers
from lib.py.reset import reset_nic

TESTS = ["registers  (online)", "mailbox    (online)", "interrupts (online)",
         "loopback  (offline)"]
FRAMES_PER_QUEUE = 4
ENETDOWN = 100
FCS = 4
SIZES = (60, 61, 123, 124, 400, 1000, 1514)


def run_tests(cfg, mode="offline"):
    """(passed, {test: result}) of ethtool -t."""
    result = cmd(f"ethtool -t {cfg.ifname} {mode}", fail=False, timeout=60)
    values = dict(re.findall(r"^(\S.*\(o\w+\))\s+(\d+)$", result.stdout, re.MULTILINE))
    passed = "result is PASS" in result.stdout
    ksft_eq(result.ret == 0, passed, "status of ethtool")
    return passed, {name: int(value) for name, value in values.items()}


def vport(cfg):
    """The NIC's view of our vport."""
    return cfg.nic.port_stats(cfg.NIC_PORT)["vports"][0]


def selftest_online(cfg):
    """All pass, while a stream goes on undisturbed."""
    with TcpStream(cfg) as stream:
        ksft_eq(run_tests(cfg, "online"), (True, dict.fromkeys(TESTS, 0)))
        wait_progress((stream,), "after the self-test")
    ksft_eq(stream.errors, [])


def selftest_offline(cfg):
    """Frames by every queue come back, none is on the wire, and all is as before."""
    cfg.require_nic()
    cfg.quiesce()
    before = cfg.nic.port_stats(cfg.NIC_PORT)
    with peer_socket(cfg.peer_ns, socket.AF_PACKET, socket.SOCK_RAW,
                     socket.htons(ETHERTYPE)) as peer:
        peer.bind((cfg.remote_ifname, ETHERTYPE))
        peer.setblocking(False)
        ksft_eq(run_tests(cfg), (True, dict.fromkeys(TESTS, 0)))
        with ksft_raises(BlockingIOError):
            peer.recv(2048)
    after = cfg.nic.port_stats(cfg.NIC_PORT)
    ksft_eq(after["vports"][0]["loopback"], False)
    for name in ("tx_packets", "rx_packets"):
        # The stack may have had something to say as well
        total = after["vports"][0][name] - before["vports"][0][name]
        on_wire = after["wire"][name] - before["wire"][name]
        ksft_eq(total - on_wire, cfg.channels()[0] * FRAMES_PER_QUEUE, name)
    cfg.reachable()


def selftest_without_cable(cfg):
    """It needs no link."""
    cfg.require_nic()
    defer(cfg.wait_carrier)
    defer(cfg.nic.set_link, cfg.NIC_PORT, True)
    cfg.nic.set_link(cfg.NIC_PORT, False)
    cfg.wait_carrier(up=False)
    ksft_eq(run_tests(cfg), (True, dict.fromkeys(TESTS, 0)))


def selftest_finds_faults(cfg):
    """A lost interrupt, a mailbox that refuses: the right test fails, and only while it lasts."""
    cfg.require_nic()
    for fault, options, test in (("irq-lost", "", TESTS[2]),
                                 ("reply-status", "=22:op=GET_STATS", TESTS[1])):
        defer(cfg.nic.command, f"fault {fault}=off")
        cfg.nic.command(f"fault {fault}{options}:count=0@{cfg.NIC_PORT}")
        passed, values = run_tests(cfg, "online")
        ksft_eq(passed, False)
        ksft_ne(values[test], 0, fault)
        cfg.nic.command(f"fault {fault}=off")
        ksft_eq(run_tests(cfg)[0], True, f"after {fault}")
    cfg.reachable()


def selftest_down(cfg):
    """Down, what needs queues is reported as not possible, the rest is tested."""
    defer(cfg.restore_addresses)
    defer(ip, f"link set dev {cfg.ifname} up")
    ip(f"link set dev {cfg.ifname} down")
    ksft_eq(run_tests(cfg), (False, dict(zip(TESTS, (0, 0, ENETDOWN, ENETDOWN)))))


def loopback_feature(cfg):
    """What is sent comes back and is not on the wire; kept over down and up."""
    cfg.require_nic()
    cfg.quiesce()
    defer(cfg.wait_carrier)
    defer(ethtool, f"-K {cfg.ifname} loopback off")
    ethtool(f"-K {cfg.ifname} loopback on")
    ksft_eq(vport(cfg)["loopback"], True)
    check_looped(cfg)
    defer(cfg.restore_addresses)
    ip(f"link set dev {cfg.ifname} down")
    ip(f"link set dev {cfg.ifname} up")
    cfg.wait_carrier()
    check_looped(cfg)
    # A self-test leaves it on
    ksft_eq(run_tests(cfg)[0], True)
    check_looped(cfg)
    ethtool(f"-K {cfg.ifname} loopback off")
    ksft_eq(vport(cfg)["loopback"], False)
    cfg.restore_addresses()
    cfg.reachable()


def check_looped(cfg):
    """A frame to the peer's address comes back to us, who must not filter it."""
    frame = mac_bytes(cfg.remote_dev["address"]) + mac_bytes(cfg.dev["address"]) + \
        ETHERTYPE.to_bytes(2, "big") + bytes(range(100))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE)) as sock:
        sock.bind((cfg.ifname, ETHERTYPE))
        sock.settimeout(5)
        sock.send(frame)
        ksft_eq(sock.recv(2048), frame)


def register_dump(cfg):
    """It has the documented layout; what runs shows, up as well as down."""
    present, most = cfg.channels()
    dump = read_registers(cfg.ifname)
    ksft_eq(dump.num_channels, most)
    ksft_in(dump.rstat, (1, 2))
    for ring_len in (dump.atq_len, dump.arq_len):
        ksft_eq(ring_len, 1 << 31 | 64)
    for number, channel in enumerate(dump.channels):
        if number < present:
            ksft_eq(channel.rx_tail % 16, 0, f"buffers of channel {number}")
        else:
            ksft_eq(channel.dyn_ctl & 1, 0, f"vector of channel {number} is off")
    ksft_true(any(channel.rx_tail for channel in dump.channels), "buffers are posted")
    defer(cfg.restore_addresses)
    defer(ip, f"link set dev {cfg.ifname} up")
    ip(f"link set dev {cfg.ifname} down")
    down = read_registers(cfg.ifname)
    ksft_eq([channel.dyn_ctl & 1 for channel in down.channels], [0] * most)
    with ksft_raises(CmdExitFailure):
        ethtool(f"-a {cfg.ifname}")


def groups(cfg):
    """Standard statistics by group, histograms as {(direction, low): count}."""
    text = ethtool(f"--json -S {cfg.ifname} --groups eth-mac rmon").stdout
    shown = json.loads(text)[0]
    rmon = shown["rmon"]
    sizes = {(way, row["low"]): row["val"] for way in ("rx", "tx")
             for row in rmon[f"{way}-pktsNtoM"]}
    return shown["eth-mac"], sizes


def mac_statistics(cfg):
    """Frames of known lengths and addresses both ways, counted exactly, with their FCS."""
    cfg.require_nic()
    cfg.quiesce()
    ours, peers = mac_bytes(cfg.dev["address"]), mac_bytes(cfg.remote_dev["address"])
    kinds = (("", None), ("Broadcast", b"\xff" * 6), ("Multicast", bytes.fromhex("01005e000001")))
    before = groups(cfg)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as here, \
            peer_socket(cfg.peer_ns, socket.AF_PACKET, socket.SOCK_RAW) as there:
        here.bind((cfg.ifname, 0))
        there.bind((cfg.remote_ifname, 0))
        for _, group in kinds:
            for size in SIZES:
                head = ETHERTYPE.to_bytes(2, "big")
                body = bytes(size - 14)
                here.send((group or peers) + ours + head + body)
                for _ in range(2):
                    there.send((group or ours) + peers + head + body)
    cfg.wait_quiet(0.5)
    after = groups(cfg)
    for sent, received, times in (("Xmitted", "Transmitted", 1), ("Received", "Received", 2)):
        for kind, group in kinds:
            name = f"{kind}Frames{sent}OK" if group else f"Frames{received}OK"
            frames = len(SIZES) * times * (1 if group else len(kinds))
            ksft_eq(after[0][name] - before[0][name], frames, name)
        octets = sum(size + FCS for size in SIZES) * times * len(kinds)
        name = f"Octets{received}OK"
        ksft_eq(after[0][name] - before[0][name], octets, name)
    for way, times in (("tx", 1), ("rx", 2)):
        for low, high in ((64, 64), (65, 127), (128, 255), (256, 511), (512, 1023),
                          (1024, 1518), (1519, 16383)):
            frames = sum(low <= size + FCS <= high for size in SIZES) * len(kinds) * times
            ksft_eq(after[1][way, low] - before[1][way, low], frames, f"{way} {low} to {high}")
    for name in ("FrameCheckSequenceErrors", "FrameTooLongErrors", "InRangeLengthErrors"):
        ksft_eq(after[0][name], 0, name)
    ksft_true("PauseMACCtrlFramesReceived" not in after[0], "nothing is claimed of pause frames")


def mac_statistics_survive(cfg):
    """They go on over a reset of the NIC, and can be read while the port is down."""
    cfg.require_nic()
    before = groups(cfg)[0]
    reset_nic(cfg)
    cfg.reachable()
    defer(cfg.restore_addresses)
    defer(ip, f"link set dev {cfg.ifname} up")
    ip(f"link set dev {cfg.ifname} down")
    after = groups(cfg)[0]
    for name in ("FramesTransmittedOK", "OctetsReceivedOK"):
        ksft_true(after[name] > before[name], f"{name}: {before[name]}, {after[name]}")


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        cfg.require_driver("wto", "its tests are others")
        ksft_run([selftest_online, selftest_offline, selftest_without_cable,
                  selftest_finds_faults, selftest_down, loopback_feature, register_dump,
                  mac_statistics, mac_statistics_survive], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
