#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Guest side of "lab demo": what driver and NIC are, traffic between the two ports, and the
packets and bytes that stack, driver, NIC and wire counted meanwhile, which must agree.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(REPOSITORY / "tools/testing/selftests/drivers/net/wto"))
sys.path.append(str(REPOSITORY / "tools/testing/bench"))

# pylint: disable=wrong-import-position,import-error
from lib.py import CmdExitFailure, Counters, WtoEnv, cmd, ethtool, ip, wait_for  # noqa: E402
from lib.py import wait_port_listen                                              # noqa: E402
from lib.py.counters import FIELDS                                               # noqa: E402
from net.lib.py import utils                                                     # noqa: E402
from demo_offloads import show_offloads                                          # noqa: E402

WIDTH = 96
SECONDS = 5
NETPERF_PORT = 12865
IPERF_PORT = 5201

# The in-tree driver refreshes ip -s link every 10 s only
SETTLE_S = 30

FEATURES = ("rx-checksumming", "tx-checksumming", "scatter-gather", "tcp-segmentation-offload",
            "tx-udp-segmentation", "generic-segmentation-offload", "generic-receive-offload",
            "rx-gro-hw", "receive-hashing", "loopback", "highdma")


def say(text=""):
    """One piece of output, at once."""
    print(text, flush=True)


def title(text):
    """Heading of a section."""
    say(f"\n== {text} ".ljust(WIDTH, "="))


class Server:
    """A server program in the peer's namespace, for the time of a with block."""

    def __init__(self, netns, argv, port):
        self.argv = ["ip", "netns", "exec", netns, *argv]
        self.netns = netns
        self.port = port
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port_listen(self.port, ns=self.netns)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def show_device(cfg):
    """Kernel, driver, and what ethtool tells of our port."""
    title("Device")
    say(f"kernel   {os.uname().release}")
    for ifname, netns in cfg.ends():
        link = ip(f"-d link show dev {ifname}", json=True, ns=netns)[0]
        say(f"{ifname}     {link['address']}, PCI {link.get('parentdev', '?')}, MTU {link['mtu']} "
            f"of {link.get('max_mtu')}, namespace {netns or '(init)'}")
    title(f"ethtool -i {cfg.ifname}")
    say("\n".join(ethtool(f"-i {cfg.ifname}").stdout.splitlines()[:5]))
    title(f"ethtool -k {cfg.ifname} (short)")
    show_features(cfg)
    title(f"ethtool -l, -g {cfg.ifname}")
    present, most = cfg.channels()
    say(f"combined channels  {present} of {most}")
    rings = ethtool(f"-g {cfg.ifname}", json=True)[0]
    for kind in ("rx", "tx"):
        say(f"{kind} ring            {rings[kind]} of {rings[f'{kind}-max']}")


def show_features(cfg):
    """The features that matter to traffic, two in a line."""
    shown = ethtool(f"-k {cfg.ifname}", json=True)[0]
    texts = []
    for name in FEATURES:
        state = shown.get(name)
        if state:
            fixed = " [fixed]" if state["fixed"] else ""
            texts.append(f"{name}: {'on' if state['active'] else 'off'}{fixed}")
    for left, right in zip(texts[::2], texts[1::2] + [""]):
        say(f"{left:<46}{right}".rstrip())


def netperf(cfg, test, keys, *args):
    """Runs one netperf test; returns the values of the given result keys."""
    argv = ["netperf", "-H", cfg.remote_addr_v["4"], "-t", test, "-l", str(SECONDS), "-P", "0",
            "--", "-k", ",".join(keys), *args]
    out = cmd(argv, timeout=SECONDS + 40).stdout
    found = dict(re.findall(r"^(\w+)=(.*)$", out, re.MULTILINE))
    return [float(found[key]) for key in keys]


def iperf(cfg, ipver, reverse):
    """Runs iperf3; returns Mbit/s as the receiver saw it."""
    out = cmd(f"iperf3 -J -c {cfg.remote_addr_v[ipver]} -t {SECONDS}{' -R' if reverse else ''}",
              timeout=SECONDS + 40).stdout
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e6


def run_netperf(cfg):
    """The netperf tests, as (name, direction, result)."""
    with Server(cfg.peer_ns, ["netserver", "-D"], NETPERF_PORT):
        value, = netperf(cfg, "TCP_STREAM", ["THROUGHPUT"])
        yield "netperf TCP_STREAM", "nic0 -> nic1", f"{value:.0f} Mbit/s"
        value, = netperf(cfg, "TCP_RR", ["THROUGHPUT"])
        yield "netperf TCP_RR", "nic0 <> nic1", f"{value:.0f} transactions/s"
        sent, got = netperf(cfg, "UDP_STREAM",
                            ["LOCAL_SEND_THROUGHPUT", "REMOTE_RECV_THROUGHPUT"], "-m", "1400")
        yield "netperf UDP_STREAM", "nic0 -> nic1", f"{got:.0f} Mbit/s of {sent:.0f} sent"


def run_iperf(cfg):
    """iperf3 both ways, over both families."""
    with Server(cfg.peer_ns, ["iperf3", "-s"], IPERF_PORT):
        for ipver in ("4", "6"):
            for reverse in (False, True):
                value = iperf(cfg, ipver, reverse)
                yield (f"iperf3 TCP over IPv{ipver}",
                       "nic1 -> nic0" if reverse else "nic0 -> nic1", f"{value:.0f} Mbit/s")


def show_results(cfg):
    """Runs all traffic, a line of the table each."""
    title(f"Traffic, {SECONDS} s each")
    for run in (run_netperf, run_iperf):
        for name, direction, result in run(cfg):
            say(f"{name:<26}{direction:<18}{result}")


def snapshot(cfg):
    """Counters of both ports, one port after the other."""
    return {cfg.ifname: cfg.counters(), cfg.remote_ifname: cfg.counters(peer=True)}


def still_snapshot(cfg):
    """
    Counters of both ports at one moment: two snapshots in a row that are equal, as a frame of
    the kernel's own (a multicast report) may come between the two ports of one.
    """
    seen = [snapshot(cfg)]

    def still():
        seen.append(snapshot(cfg))
        return all(seen[-1][name].levels == seen[-2][name].levels for name in seen[-1])

    wait_for(still, "counters to stand still", SETTLE_S, 0.2)
    return seen[-1]


def all_differences(growth):
    """Where levels of a port, or the ports' ends of the wire, disagree."""
    found = [f"{name} {text}" for name, diff in growth.items() for text in diff.differences()]
    wires = [diff.levels.get("wire") for diff in growth.values()]
    if all(wires):
        for one, other, names in ((wires[0], wires[1], list(growth)),
                                  (wires[1], wires[0], list(growth)[::-1])):
            for what in ("packets", "bytes"):
                if one[f"tx_{what}"] != other[f"rx_{what}"]:
                    found.append(f"wire {what}: {names[0]} sent {one[f'tx_{what}']}, "
                                 f"{names[1]} received {other[f'rx_{what}']}")
    return found


def settle(cfg, before):
    """The growth of all counters, as soon as they agree, or as they are at the end."""
    growth = {}

    def agree():
        now = snapshot(cfg)
        growth.update({name: now[name] - before[name] for name in before})
        return not all_differences(growth)

    try:
        wait_for(agree, "counters to agree", SETTLE_S, 0.5)
    except TimeoutError:
        pass
    return growth


def show_counters(growth):
    """The table; returns what disagrees."""
    title("Packets and bytes, level by level")
    say(f"{'':<16}" + "".join(f"{field.replace('_', ' '):>18}" for field in FIELDS))
    for name, diff in growth.items():
        for level, values in diff.levels.items():
            say(f"{name + ' ' + level:<16}" + "".join(f"{values[f]:>18,}" for f in FIELDS))
        for cause, count in diff.dropped.items():
            say(f"{name}: {count:,} frames of the wire went to no queue ({cause})")
    return all_differences(growth)


def demo(cfg):
    """The whole demonstration; returns the exit status."""
    show_device(cfg)
    cfg.quiesce()
    before = still_snapshot(cfg)
    show_results(cfg)
    differences = show_counters(settle(cfg, before))
    levels = len(Counters.read(cfg.ifname, cfg.ifindex).levels) + 2 * bool(cfg.nic)
    if not differences:
        say(f"agree: yes ({levels} levels, both ports)")
    else:
        say("agree: no")
        for text in differences:
            say(f"  {text}")
    title("Send offloads")
    with Server(cfg.peer_ns, ["netserver", "-D"], NETPERF_PORT):
        differences += show_offloads(cfg, say)
    # The last line, which "lab test" repeats
    if differences:
        say(f"demo: {'; '.join(differences)}")
    return 1 if differences else 0


@contextlib.contextmanager
def undoing():
    """What was told to defer() meanwhile is undone at the end, as behind a test's case."""
    utils.GLOBAL_DEFER_ARMED = True
    try:
        yield
    finally:
        while utils.GLOBAL_DEFER_QUEUE:
            utils.GLOBAL_DEFER_QUEUE.pop().exec_only()
        utils.GLOBAL_DEFER_ARMED = False


def main():
    """Runs the demonstration on the lab's pair of ports."""
    try:
        with WtoEnv(__file__) as cfg, undoing():
            return demo(cfg)
    except (CmdExitFailure, TimeoutError, OSError) as error:
        say(f"demo: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
