#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Throughput of NICs and drivers beside each other, inside one guest.

Each pair of NICs is joined outside of the guest and has a network namespace at either end.
The software NIC's first two ports are wto's, the next two the kernel's idpf's; other models
are there if QEMU was given them.  Every round measures all of them in turn, every other
round in reverse order, so that what else the machine does hits all alike; medians are
compared.  Under TCG the figures say nothing of real hardware.

With --counts also what the software NIC counts, for each frame on the wire: doorbells and
interrupts.  These tell why a driver is slow, and do not depend on what else the machine does.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from instructions import run, write

SYS_PCI = "/sys/bus/pci/devices"
IDPF = ("0x8086", "0x1452")
# how each pair is found; None: software NIC, bound by hand
MODELS = {
    "wto": None, "idpf": None,
    "virtio-net": ("0x1af4", "0x1041"), "igb": ("0x8086", "0x10c9"),
    "e1000e": ("0x8086", "0x10d3"), "vmxnet3": ("0x15ad", "0x07b0"),
}
MODULES = {"virtio-net": "virtio_net"}
LOCAL, REMOTE = "192.0.2.1", "192.0.2.2"
DEADLINE_S = 60
KINDS = {
    "TCP_STREAM": "Mbit/s", "TCP_RR": "transactions/s", "UDP 60 bytes": "packets/s",
    "iperf3 -P 4": "Mbit/s",
}
CONTROL = "/dev/virtio-ports/wto.nic-control"
PORTS = {"wto": ("port0", "port1"), "idpf": ("port2", "port3")}


def pci_devices(ident):
    """PCI addresses of the devices with (vendor, device)."""
    found = []
    for addr in sorted(os.listdir(SYS_PCI)):
        values = []
        for name in ("vendor", "device"):
            with open(f"{SYS_PCI}/{addr}/{name}", encoding="ascii") as file:
                values.append(file.read().strip())
        if tuple(values) == ident:
            found.append(addr)
    return found


def wait(condition, what):
    """Waits until a condition is true, and returns what it was."""
    end = time.monotonic() + DEADLINE_S
    while not (result := condition()):
        if time.monotonic() > end:
            sys.exit(f"{what}: not seen in {DEADLINE_S} s")
        os.sched_yield()
    return result


def netdev(addr):
    """The network device of a PCI function, when it is there."""
    for base in (f"{SYS_PCI}/{addr}/net", *(f"{SYS_PCI}/{addr}/{sub}/net" for sub in
                                            os.listdir(f"{SYS_PCI}/{addr}")
                                            if sub.startswith("virtio"))):
        if os.path.isdir(base) and os.listdir(base):
            return os.listdir(base)[0]
    return None


class NicCounts:
    """What the software NIC counts of its ports."""

    def __init__(self):
        # pylint: disable-next=consider-using-with
        self._control = open(CONTROL, "r+b", buffering=0)

    def _read(self, names):
        self._control.write(b"stats\n")
        line = b""
        while not line.endswith(b"\n"):
            line += self._control.read(1)
        sums = {"frames": 0, "tx doorbells": 0, "rx doorbells": 0, "interrupts": 0,
                "no buffer": 0}
        for port in json.loads(line)["ports"]:
            if port["name"] in names:
                sums["frames"] += port["wire"]["tx_packets"]
                sums["no buffer"] += port["wire"]["rx_dropped_no_buffer"]
                for kind in ("tx", "rx"):
                    sums[f"{kind} doorbells"] += sum(q["doorbells"]
                                                     for q in port["queues"][kind])
                sums["interrupts"] += sum(v["interrupts"] for v in port["vectors"])
        return sums

    def during(self, model, function):
        """Calls a function; its result, and counts per frame, as text."""
        before = self._read(PORTS[model])
        value = function()
        after = self._read(PORTS[model])
        grown = {name: count - before[name] for name, count in after.items()}
        frames = grown.pop("frames")
        return value, f"{frames} frames; for each " + ", ".join(
            f"{count / max(frames, 1):.3f} {name}" for name, count in grown.items())


class Pair:
    """Two NICs of one model, a namespace for each."""

    def __init__(self, model, functions):
        self.model = model
        self.near, self.far = f"{model}-a", f"{model}-b"
        self.devs = []
        for namespace, addr, ip in zip((self.near, self.far), functions, (LOCAL, REMOTE)):
            dev = wait(lambda a=addr: netdev(a), f"network device of {model} at {addr}")
            run(f"ip netns add {namespace}; ip link set {dev} netns {namespace}")
            run(f"ip addr add {ip}/24 dev {dev}; ip link set {dev} up; ip link set lo up",
                namespace)
            self.devs.append((namespace, dev))
        for namespace, dev in self.devs:
            wait(lambda n=namespace, d=dev: run(f"cat /sys/class/net/{d}/carrier", n,
                                                False) == "1\n", f"link of {model}")
        run(f"ping -c 2 -i 0.2 {REMOTE}", self.near)
        run("netserver", self.far)

    def netperf(self, test, seconds):
        """One run of netperf: its figure."""
        return float(run(f"netperf -H {REMOTE} -t {test} -l {seconds} -P 0 -v 0", self.near))

    def iperf3(self, seconds):
        """Four streams: Mbit/s that arrived."""
        server = ["ip", "netns", "exec", self.far, "iperf3", "-s", "-1", "--forceflush"]
        with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if "listening" in line:
                    break
            text = run(f"iperf3 -c {REMOTE} -P 4 -t {seconds} -J", self.near)
            process.stdout.read()
        return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e6

    def pktgen(self, packets):
        """Small packets: how many a second are sent."""
        _, dev = self.devs[0]
        mac = run(f"cat /sys/class/net/{self.devs[1][1]}/address", self.far).strip()
        commands = [("kpktgend_0", "rem_device_all"), ("kpktgend_0", f"add_device {dev}"),
                    (dev, f"count {packets}"), (dev, "pkt_size 60"), (dev, "delay 0"),
                    (dev, "burst 8"), (dev, f"dst {REMOTE}"), (dev, f"src_min {LOCAL}"),
                    (dev, f"dst_mac {mac}"), ("pgctrl", "start")]
        for file, text in commands:
            run(f"echo '{text}' > /proc/net/pktgen/{file}", self.near)
        result = run(f"cat /proc/net/pktgen/{dev}", self.near)
        return float(next(w for w in result.split() if w.endswith("pps"))[:-3])

    def measure(self, kind, opts):
        """One measurement."""
        if kind == "iperf3 -P 4":
            return self.iperf3(opts.seconds)
        if kind == "UDP 60 bytes":
            return self.pktgen(opts.packets)
        return self.netperf(kind, opts.seconds)


def load(wto_ko, with_idpf):
    """Loads drivers, gives the software NIC's functions to theirs."""
    functions = pci_devices(IDPF)
    owners = {"wto": functions[:2], "idpf": functions[2:4] if with_idpf else []}
    for driver, addrs in owners.items():
        for addr in addrs:
            write(f"{SYS_PCI}/{addr}/driver_override", driver)
    for dep in run(f"modinfo -F depends {wto_ko}").strip().split(","):
        if dep:
            run(f"modprobe {dep}")
    run(f"insmod {wto_ko}")
    run("modprobe pktgen")
    if with_idpf:
        run("modprobe idpf")
    for model, ident in MODELS.items():
        if ident and (found := pci_devices(ident)):
            run(f"modprobe {MODULES.get(model, model)}")
            owners[model] = found
    return {model: Pair(model, addrs) for model, addrs in owners.items() if len(addrs) == 2}


def wanted(kind, model):
    """Streams and small packets compare drivers of one NIC; the other two all NICs."""
    return kind in ("TCP_RR", "iperf3 -P 4") or model in ("wto", "idpf")


def measure(pair, kind, opts, counts):
    """One measurement: the figure, and what the NIC counted meanwhile."""
    if not counts or pair.model not in PORTS:
        return pair.measure(kind, opts), ""
    value, text = counts.during(pair.model, lambda: pair.measure(kind, opts))
    return value, "; " + text


def report(figures):
    """Medians, their spread, and wto's ratio to each."""
    print(f"{'':<14}{'':<12}{'median':>10}{'least':>10}{'most':>10}  wto's ratio")
    for kind, unit in KINDS.items():
        base = statistics.median(figures[kind, "wto"])
        for model in MODELS:
            values = figures.get((kind, model))
            if values:
                middle = statistics.median(values)
                print(f"{kind:<14}{model:<12}{middle:10.0f}{min(values):10.0f}"
                      f"{max(values):10.0f}  {base / middle:6.2f}  {unit}", flush=True)


def main():
    """Sets up, measures in turn, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", help="wto.ko")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--packets", type=int, default=50000)
    parser.add_argument("--counts", action="store_true", help="doorbells and interrupts too")
    opts = parser.parse_args()

    pairs = load(opts.module, True)
    print("compared: " + ", ".join(pairs), flush=True)
    counts = NicCounts() if opts.counts else None
    figures = {}
    for number in range(opts.runs):
        for kind in KINDS:
            for model in list(pairs)[::-1 if number % 2 else 1]:
                if wanted(kind, model):
                    value, text = measure(pairs[model], kind, opts, counts)
                    figures.setdefault((kind, model), []).append(value)
                    print(f"run {number + 1} {kind} {model}: {value:.0f}{text}", flush=True)
    report(figures)


if __name__ == "__main__":
    main()
