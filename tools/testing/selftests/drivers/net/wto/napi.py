#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
What users do with NAPIs and interrupts, and what must not get lost of it: busy polling,
netpoll, threads, interrupt affinity, page pools, an interrupt that does not come.
"""

import glob
import os
import socket
import struct
import threading

from lib.py import EchoTraffic, KsftSkipEx, NlError, TcpStream, WtoEnv, cmd, defer, ethtool, \
    ip, ksft_disruptive, ksft_eq, ksft_exit, ksft_gt, ksft_in, ksft_raises, ksft_run, \
    ksft_true, peer_socket, wait_for, wait_progress, CmdExitFailure
from lib.py.attribute import read_attr, write_attr
from lib.py.counters import ethtool_stats
from lib.py.rawframes import FrameProbe

SO_BUSY_POLL = 46
SO_INCOMING_NAPI_ID = 56
SO_PREFER_BUSY_POLL = 69
SO_BUSY_POLL_BUDGET = 70
NETCONSOLE = "/sys/kernel/config/netconsole"


def napis(cfg):
    """{NAPI id: its attributes} of our port."""
    return {n["id"]: n for n in cfg.netdev().napi_get({"ifindex": cfg.ifindex}, dump=True)}


def channel_napis(cfg):
    """The NAPIs in the order of their channels."""
    rows = cfg.netdev().queue_get({"ifindex": cfg.ifindex}, dump=True)
    ids = {q["id"]: q["napi-id"] for q in rows if q["type"] == "rx"}
    known = napis(cfg)
    return [known[ids[number]] for number in sorted(ids)]


def upheavals(cfg):
    """All that takes the queues away and brings them back, one after another."""
    def down_up():
        ip(f"link set dev {cfg.ifname} down")
        ip(f"link set dev {cfg.ifname} up")

    def channels():
        present = cfg.channels()[0]
        ethtool(f"-L {cfg.ifname} combined 1")
        ethtool(f"-L {cfg.ifname} combined {present}")

    def nic_reset():
        before = ethtool_stats(cfg.ifname)["mbx_sent"]
        cfg.nic.command(f"fault reset=20@{cfg.NIC_PORT}")
        wait_for(lambda: "LOWER_UP" not in flags(cfg) or
                 ethtool_stats(cfg.ifname)["mbx_sent"] > before + 10, "the reset", 20, 0.05)

    steps = [("down and up", down_up), ("other channels", channels)]
    if cfg.nic:
        steps.append(("reset", nic_reset))
    for name, step in steps:
        step()
        cfg.wait_carrier()
        cfg.restore_addresses()
        cfg.reachable(count=1)
        yield name


def flags(cfg):
    """Flags of our port."""
    return ip(f"link show dev {cfg.ifname}", json=True)[0]["flags"]


def netstat(name):
    """A counter of /proc/net/netstat."""
    with open("/proc/net/netstat", encoding="ascii") as file:
        lines = file.read().splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        if name in names.split():
            return int(values.split()[names.split().index(name)])
    raise KsftSkipEx(f"the kernel does not count {name}")


class Answerer(threading.Thread):
    """Sends each datagram back from the peer."""

    def __init__(self, cfg):
        super().__init__(daemon=True)
        self.sock = peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((cfg.remote_addr_v["4"], 0))
        self.start()

    def run(self):
        while True:
            data, sender = self.sock.recvfrom(2048)
            if not data:
                return
            self.sock.sendto(data, sender)


def busy_polling(cfg):
    """A socket knows its NAPI, and polls it itself: the kernel counts what came that way."""
    path = f"/sys/class/net/{cfg.ifname}"
    for name, value in (("napi_defer_hard_irqs", 10), ("gro_flush_timeout", 2000000)):
        defer(write_attr, f"{path}/{name}", read_attr(f"{path}/{name}"))
        write_attr(f"{path}/{name}", value)
    answerer = Answerer(cfg)
    before = netstat("BusyPollRxPackets")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(answerer.sock.getsockname())
        # Not settimeout(), which waits by poll()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
        for option, value in ((SO_BUSY_POLL, 100000), (SO_PREFER_BUSY_POLL, 1),
                              (SO_BUSY_POLL_BUDGET, 16)):
            sock.setsockopt(socket.SOL_SOCKET, option, value)
        for number in range(100):
            # A frame may get lost while the neighbour is being looked for
            block = struct.pack("!I", number) * 16
            sock.send(block)
            ksft_eq(sock.recv(2048), block)
        napi_id = sock.getsockopt(socket.SOL_SOCKET, SO_INCOMING_NAPI_ID)
        ksft_in(napi_id, napis(cfg).keys(), "NAPI of the socket")
        sock.send(b"")
    ksft_gt(netstat("BusyPollRxPackets"), before)


@ksft_disruptive
def netpoll_console(cfg):
    """Kernel messages reach the peer by netconsole, from one port under load."""
    cmd("modprobe netconsole")
    defer(cmd, "modprobe -r netconsole")
    if not os.path.ismount("/sys/kernel/config"):
        cmd("mount -t configfs none /sys/kernel/config")
    target = f"{NETCONSOLE}/wto"
    os.mkdir(target)
    defer(os.rmdir, target)
    with peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind((cfg.remote_addr_v["4"], 0))
        log.settimeout(10)
        for name, value in (("dev_name", cfg.ifname), ("local_ip", cfg.addr_v["4"]),
                            ("remote_ip", cfg.remote_addr_v["4"]),
                            ("remote_port", log.getsockname()[1]),
                            ("remote_mac", cfg.remote_dev["address"]), ("enabled", 1)):
            write_attr(f"{target}/{name}", value)
        defer(write_attr, f"{target}/enabled", 0)
        with TcpStream(cfg) as out:
            for number in range(50):
                wanted = f"wto netconsole line {number:04}"
                write_attr("/dev/kmsg", f"<1>{wanted}\n")
                wait_for(lambda w=wanted: w in log.recv(4096).decode(), wanted)
            wait_progress([out], "after all lines")
        ksft_eq(out.errors, [])


def threads_stay(cfg):
    """Threaded NAPI stays as the user set it."""
    path = f"/sys/class/net/{cfg.ifname}/threaded"
    defer(write_attr, path, read_attr(path))
    write_attr(path, 1)
    count = cfg.channels()[0]

    def threads():
        found = []
        for comm in glob.glob("/proc/[0-9]*/comm"):
            try:
                found.append(read_attr(comm))
            except (FileNotFoundError, ProcessLookupError):
                continue
        return sum(name.startswith(f"napi/{cfg.ifname}") for name in found)

    with EchoTraffic(cfg) as echo:
        for step in upheavals(cfg):
            ksft_eq(read_attr(path), "1", step)
            wait_for(lambda: threads() == count, f"a thread for each channel after {step}")
            wait_progress([echo], f"in threads after {step}")
    ksft_eq(echo.errors, [])


def affinity_stays(cfg):
    """The interrupts' affinity stays as the user set it."""
    if os.cpu_count() < 2:
        raise KsftSkipEx("needs two processors")
    wanted = []
    for number, napi in enumerate(channel_napis(cfg)):
        # Not where the driver put it
        cpu = (number + 1) % os.cpu_count()
        path = f"/proc/irq/{napi['irq']}/smp_affinity_list"
        defer(write_attr, path, read_attr(path))
        write_attr(path, cpu)
        wanted.append(str(cpu))
    for step in upheavals(cfg):
        ksft_eq([read_attr(f"/proc/irq/{n['irq']}/smp_affinity_list")
                 for n in channel_napis(cfg)],
                wanted, step)


def settings_stay(cfg):
    """What is set for one NAPI stays with its channel (since kernel 6.13)."""
    first = channel_napis(cfg)[0]
    family = cfg.netdev()
    old = {"id": first["id"], "defer-hard-irqs": first.get("defer-hard-irqs", 0)}
    try:
        family.napi_set({"id": first["id"], "defer-hard-irqs": 7})
    except (NlError, AttributeError) as error:
        raise KsftSkipEx("the kernel has no settings for single NAPIs") from error
    defer(family.napi_set, old)
    for step in upheavals(cfg):
        ksft_eq([n["defer-hard-irqs"] for n in channel_napis(cfg)][:2], [7, 0], step)
        ksft_eq(channel_napis(cfg)[0]["id"], first["id"], f"id of the NAPI after {step}")


def page_pools(cfg):
    """The kernel shows the pools of every channel with its NAPI, and counts their pages."""
    cfg.reachable()
    known = set(napis(cfg))
    pools = [p for p in cfg.netdev().page_pool_get({}, dump=True)
             if p.get("ifindex") == cfg.ifindex and "detach-time" not in p]
    ksft_gt(len(pools), len(known) - 1, "a pool for each channel")
    # Older kernels note the NAPI when a pool is made, which is before the NAPI is
    if not os.uname().release.startswith("6."):
        ksft_eq({p.get("napi-id") for p in pools}, known, "NAPIs of the pools")
    for pool in pools:
        ksft_gt(pool["inflight"], 0, "pages out")
    try:
        stats = cfg.netdev().page_pool_stats_get({}, dump=True)
    except NlError:
        stats = []
    ours = {p["id"] for p in pools}
    counted = [s for s in stats if s["info"]["id"] in ours]
    if counted:
        ksft_eq(len(counted), len(pools))
        ksft_gt(min(s["alloc-slow"] + s["alloc-slow-high-order"] + s["alloc-refill"] +
                    s["alloc-fast"] for s in counted), 0, "pages that each pool gave out")
    ip(f"link set dev {cfg.ifname} down")
    defer(cfg.restore_addresses)
    defer(cfg.wait_carrier)
    defer(ip, f"link set dev {cfg.ifname} up")
    wait_for(lambda: not [p for p in cfg.netdev().page_pool_get({}, dump=True)
                          if p.get("ifindex") == cfg.ifindex], "the pools to go")


def lost_interrupt(cfg):
    """An interrupt that does not come is found within seconds, without a reset."""
    cfg.require_driver("wto", "it has no such check")
    cfg.require_nic()
    defer(cfg.set_channels, cfg.channels()[0])
    cfg.set_channels(1)
    before = ethtool_stats(cfg.ifname)
    fault = f"irq-lost:count=3@{cfg.NIC_PORT}"
    defer(cfg.nic.command, f"fault irq-lost=off@{cfg.NIC_PORT}")
    with EchoTraffic(cfg) as echo:
        wait_progress([echo], "at the start")
        cfg.nic.command(f"fault {fault}")
        wait_for(lambda: ethtool_stats(cfg.ifname)["missed_irqs"] > before["missed_irqs"],
                 "the loss to be found", 20, 0.1)
        wait_progress([echo], "after lost interrupts")
    ksft_eq(echo.errors, [])
    ksft_eq(ethtool_stats(cfg.ifname)["tx_timeouts"], before["tx_timeouts"])


def refused_address(cfg):
    """The NIC refuses a new address: so does the driver, and the old one stays in force."""
    cfg.require_driver("wto", "it does not ask the device")
    cfg.require_nic()
    old = cfg.dev["address"]
    defer(cfg.nic.command, f"fault reply-status=off@{cfg.NIC_PORT}")
    cfg.nic.command(f"fault reply-status:op=ADD_MAC_ADDR:count=1@{cfg.NIC_PORT}")
    with ksft_raises(CmdExitFailure):
        ip(f"link set dev {cfg.ifname} address 02:1d:bf:00:77:01")
    ksft_eq(ip(f"link show dev {cfg.ifname}", json=True)[0]["address"], old)
    cfg.reachable()


def refused_removal(cfg):
    """A removal that the NIC refuses does not keep the next group from being joined."""
    cfg.require_driver("wto", "it does not wait for the device's answer")
    cfg.require_nic()
    groups = [f"01:00:5e:01:09:{number:02x}" for number in range(2)]
    ip(f"maddr add {groups[0]} dev {cfg.ifname}")
    with FrameProbe(cfg) as probe:
        wait_for(lambda: probe.receives(groups[0]), "a frame to the first group")
        defer(cfg.nic.command, f"fault reply-status=off@{cfg.NIC_PORT}")
        cfg.nic.command(f"fault reply-status:op=DEL_MAC_ADDR:count=1@{cfg.NIC_PORT}")
        ip(f"maddr del {groups[0]} dev {cfg.ifname}")
        ip(f"maddr add {groups[1]} dev {cfg.ifname}")
        defer(ip, f"maddr del {groups[1]} dev {cfg.ifname}")
        wait_for(lambda: probe.receives(groups[1]), "a frame to the second group", 5)
    ksft_true(cfg.nic.command("faults"))


def main() -> None:
    """Runs the cases."""
    with WtoEnv(__file__) as cfg:
        ksft_run([busy_polling, netpoll_console, threads_stay, affinity_stays, settings_stay,
                  page_pools, lost_interrupt, refused_address, refused_removal], args=(cfg, ))
    ksft_exit()


if __name__ == "__main__":
    main()
