#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per packet of two drivers on the two ends of one wire, inside the guest.

The first NIC function is given to wto, the second to the kernel's idpf.  Traffic goes one
way at a time, so what a module's text executes is its send path in one direction and its
receive path in the other.  The icount plugin of QEMU counts; packets are counted by the
drivers.  Inlined kernel helpers count for the driver, calls into the stack do not; the
kernel's whole text is given beside it, to show that work was not merely moved there.

With --super, packets that the NIC segments are sent instead, by a packet socket to an
address that nobody has: nothing comes back, so that all of a module's instructions are
for sending.  They are counted by the stack's tracepoint, the same for both drivers.
"""

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import time

ICOUNT = "/dev/virtio-ports/wto.icount"
KERNEL_TEXT = (0xffffffff80000000, 0xffffffffa0000000)
DRIVERS = ("wto", "idpf")
ADDR = {"wto": "192.0.2.1", "idpf": "192.0.2.2"}
NETNS = {"wto": None, "idpf": "peer"}
NETDEV = {"wto": "nic0", "idpf": "nic1"}

# Packets to segment: name, bytes of payload, protocol
SUPERS = (("tso-64k", 64000, socket.IPPROTO_TCP), ("tso-185k", 185000, socket.IPPROTO_TCP),
          ("uso-64k", 60000, socket.IPPROTO_UDP))
TRACE = "/sys/kernel/tracing"
SOL_PACKET = 263
PACKET_VNET_HDR = 15
VNET_HDR_F_NEEDS_CSUM = 1
VNET_HDR_GSO_TCPV4 = 1
VNET_HDR_GSO_UDP_L4 = 5


def run(command, ns=None, check=True):
    """Runs a shell command, in a network namespace if given; returns its output."""
    argv = (["ip", "netns", "exec", ns] if ns else []) + ["sh", "-c", command]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    if check and result.returncode:
        sys.exit(f"{command}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def write(path, text):
    """Writes one line into a file of the kernel's."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text + "\n")


class Icount:
    """The counting plugin, at the other end of a virtio serial port."""

    def __init__(self):
        # pylint: disable-next=consider-using-with
        self.port = open(ICOUNT, "r+b", buffering=0)

    def _line(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self.port.read(1)
        if line.startswith(b"error"):
            sys.exit("icount: " + line.decode())
        return line.decode()

    def sums(self, ranges):
        """Instructions executed so far in each range."""
        args = " ".join(f"{start:x} {end:x}" for start, end in ranges)
        self.port.write(f"sum {args}\n".encode())
        return [int(word) for word in self._line().split()]

    def blocks(self, start, end):
        """{address: instructions} of each block in a range."""
        self.port.write(f"dump {start:x} {end:x}\n".encode())
        found = {}
        while (line := self._line()) != ".\n":
            addr, count = line.split()
            found[int(addr, 16)] = int(count)
        return found


def module_symbols(module):
    """Text symbols of a module, as sorted (address, name)."""
    symbols = []
    with open("/proc/kallsyms", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if len(words) == 4 and words[3] == f"[{module}]" and words[1] in "tT":
                symbols.append((int(words[0], 16), words[2]))
    return sorted(symbols)


def module_range(module):
    """Start and end of a module's text."""
    symbols = module_symbols(module)
    if not symbols or not symbols[0][0]:
        sys.exit(f"no addresses of module {module} in /proc/kallsyms")
    last = symbols[-1][0]
    return symbols[0][0], (last + 4096) & ~4095


def functions():
    """PCI addresses of the NIC's functions."""
    base = "/sys/bus/pci/devices"
    found = []
    for addr in sorted(os.listdir(base)):
        with open(f"{base}/{addr}/class", encoding="ascii") as file:
            if file.read().startswith("0x0200"):
                found.append(addr)
    return found


def set_up(wto_ko, mtu):
    """Binds both drivers, names and configures the netdevs."""
    devs = dict(zip(DRIVERS, functions()))
    for driver, addr in devs.items():
        write(f"/sys/bus/pci/devices/{addr}/driver_override", driver)
    for dep in run(f"modinfo -F depends {wto_ko}").strip().split(","):
        if dep:
            run(f"modprobe {dep}")
    run(f"insmod {wto_ko}")
    run("modprobe idpf; modprobe pktgen")
    run("ip netns add peer")
    for driver, addr in devs.items():
        path = f"/sys/bus/pci/devices/{addr}/net"
        end = time.monotonic() + 30
        while not (os.path.isdir(path) and os.listdir(path)):
            if time.monotonic() > end:
                sys.exit(f"{driver} made no network device")
            os.sched_yield()
        run(f"ip link set {os.listdir(path)[0]} name {NETDEV[driver]}")
    run("ip link set nic1 netns peer")
    for driver in DRIVERS:
        ns, dev = NETNS[driver], NETDEV[driver]
        run(f"ip addr add {ADDR[driver]}/24 dev {dev}; ip link set {dev} mtu {mtu} up", ns)
    for driver in DRIVERS:
        wait_carrier(driver)
    run("ping -c 3 -i 0.2 192.0.2.2")


def configure(args):
    """Settings other than the drivers' own."""
    if args.adaptive:
        run(f"ethtool -C {NETDEV['wto']} adaptive-rx on adaptive-tx on", NETNS["wto"])
    if not args.no_split:
        return
    for driver in DRIVERS:
        run(f"ethtool -G {NETDEV[driver]} tcp-data-split off", NETNS[driver])
        wait_carrier(driver)


def wait_carrier(driver):
    """Waits for the link of a driver's end."""
    dev = NETDEV[driver]
    end = time.monotonic() + 30
    while run(f"cat /sys/class/net/{dev}/carrier", NETNS[driver], False) != "1\n":
        if time.monotonic() > end:
            sys.exit(f"{dev} has no link")
        os.sched_yield()


def packets(driver, direction):
    """Packets that a driver has sent or received."""
    ns, dev = NETNS[driver], NETDEV[driver]
    data = json.loads(run(f"ip -j -s link show dev {dev}", ns))
    return data[0]["stats64"][direction]["packets"]


def mac(driver):
    """MAC address of a driver's end."""
    return run(f"cat /sys/class/net/{NETDEV[driver]}/address", NETNS[driver]).strip()


def pktgen(sender, receiver, count, size):
    """Sends small UDP packets from the sender's kernel, as fast as it can."""
    dev = NETDEV[sender]
    commands = [("kpktgend_0", "rem_device_all"), ("kpktgend_0", f"add_device {dev}"),
                (dev, f"count {count}"), (dev, f"pkt_size {size}"), (dev, "delay 0"),
                (dev, "burst 8"), (dev, f"dst {ADDR[receiver]}"),
                (dev, f"src_min {ADDR[sender]}"), (dev, f"dst_mac {mac(receiver)}"),
                ("pgctrl", "start")]
    script = "; ".join(f"echo '{text}' > /proc/net/pktgen/{file}" for file, text in commands)
    run(script, NETNS[sender])


def tcp_stream(sender, receiver, mbytes):
    """One TCP stream of a fixed number of bytes."""
    server = ["iperf3", "-s", "-1", "--forceflush"]
    if NETNS[receiver]:
        server = ["ip", "netns", "exec", NETNS[receiver]] + server
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "listening" in line:
                break
        run(f"iperf3 -c {ADDR[receiver]} -n {mbytes}M", NETNS[sender])
        process.stdout.read()


class SuperCount:
    """Packets to segment that the stack handed to each device."""

    def __init__(self):
        if not os.path.isdir(f"{TRACE}/events"):
            run(f"mount -t tracefs tracefs {TRACE}")
        self.event = f"{TRACE}/events/net/net_dev_start_xmit"
        write(f"{self.event}/trigger", "hist:keys=name if gso_size > 0")

    def of(self, driver):
        """How many so far."""
        with open(f"{self.event}/hist", encoding="ascii") as file:
            for line in file:
                words = line.replace("}", " ").split()
                if "hitcount:" in words and NETDEV[driver] in words:
                    return int(words[-1])
        return 0


def sum16(data):
    """One's complement sum, not inverted."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def super_packet(driver, payload, proto, mss=1448):
    """A packet of TCP or UDP over IPv4 with the header that asks for segmentation."""
    src, dst = socket.inet_aton(ADDR[driver]), socket.inet_aton("192.0.2.99")
    tcp = proto == socket.IPPROTO_TCP
    l4_len = 20 if tcp else 8
    # longer than the field: what is sent by BIG TCP says 0
    total = 20 + l4_len + payload
    ip_header = struct.pack("!BBHHHBBH", 0x45, 0, total if total < 65536 else 0, 1, 0, 64,
                            proto, 0) + src + dst
    ip_header = ip_header[:10] + struct.pack("!H", sum16(ip_header) ^ 0xffff) + ip_header[12:]
    length = l4_len + payload
    seed = sum16(src + dst + struct.pack("!HHH", proto, length >> 16, length & 0xffff))
    if tcp:
        l4_header = struct.pack("!HHIIBBHHH", 1, 9, 1, 1, 5 << 4, 0x10, 512, seed, 0)
    else:
        l4_header = struct.pack("!HHHH", 1, 9, length, seed)
    ether = bytes.fromhex("020000000099" + mac(driver).replace(":", "")) + b"\x08\x00"
    vnet = struct.pack("<BBHHHH", VNET_HDR_F_NEEDS_CSUM,
                       VNET_HDR_GSO_TCPV4 if tcp else VNET_HDR_GSO_UDP_L4,
                       34 + l4_len, mss, 34, 16 if tcp else 6)
    return vnet + ether + ip_header + l4_header + bytes(payload)


def send_supers(driver, packet, count):
    """Sends a packet so many times; runs in the namespace of the driver's end."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((NETDEV[driver], 0x0800))
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        for _ in range(count):
            sock.send(packet)


def in_netns(ns, func, *args):
    """Calls a function in a child that is in a network namespace."""
    child = os.fork()
    if not child:
        if ns:
            with open(f"/run/netns/{ns}", "rb") as file:
                os.setns(file.fileno(), os.CLONE_NEWNET)
        func(*args)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{func.__name__} failed")


def measure_supers(icount, ranges, count, with_profile):
    """Instructions per packet to segment, of both drivers."""
    supers = SuperCount()
    for driver in DRIVERS:
        run(f"ip link set {NETDEV[driver]} gso_max_size 200000 gso_ipv4_max_size 200000",
            NETNS[driver], False)
    for name, payload, proto in SUPERS:
        figures = {}
        for number, driver in enumerate(DRIVERS):
            packet = super_packet(driver, payload, proto)
            send = (NETNS[driver], send_supers, driver, packet)
            in_netns(*send, 20)
            blocks = icount.blocks(*module_range(driver)) if with_profile else None
            sent, before = supers.of(driver), icount.sums(ranges)
            in_netns(*send, count)
            after, sent = icount.sums(ranges), supers.of(driver) - sent
            if sent != count:
                print(f"{name:<12} {driver}: {count - sent} of {count} were segmented by the stack")
                continue
            if with_profile:
                print(f"  {name}, {driver}, instructions per packet by function:")
                profile(icount, driver, blocks, count)
            figures[driver] = (after[number] - before[number]) / count
        print(f"{name:<12} send     " +
              "  ".join(f"{driver} {figure:8.1f}" for driver, figure in figures.items()) +
              (f"  ratio {figures['wto'] / figures['idpf']:5.2f}" if len(figures) == 2 else ""),
              flush=True)


def measure(icount, ranges, sender, receiver, traffic):
    """Instructions and packets of one piece of traffic.

    Packets are counted at wto's end only: its counters are up to date, while in-tree idpf
    asks its device for them every ten seconds.
    """
    before = icount.sums(ranges)
    out, back = packets("wto", "tx"), packets("wto", "rx")
    traffic()
    after = icount.sums(ranges)
    out, back = packets("wto", "tx") - out, packets("wto", "rx") - back
    if sender == "idpf":
        out, back = back, out
    deltas = [a - b for a, b in zip(after, before)]
    return {
        "sender": sender, "receiver": receiver, "there": out, "back": back,
        "instructions": dict(zip((*DRIVERS, "kernel"), deltas)),
    }


def per_packet(result, driver):
    """Instructions of a driver per packet, those of the other direction included."""
    return result["instructions"][driver] / max(result["there"] + result["back"], 1)


def profile(icount, driver, before, count):
    """Prints the functions of a module that executed most since a snapshot."""
    start, end = module_range(driver)
    symbols = module_symbols(driver)
    by_name = {}
    for addr, now in icount.blocks(start, end).items():
        executed = now - before.get(addr, 0)
        name = next((s for a, s in reversed(symbols) if a <= addr), "?")
        by_name[name] = by_name.get(name, 0) + executed
    for name, executed in sorted(by_name.items(), key=lambda item: -item[1])[:12]:
        if executed:
            print(f"    {executed / max(count, 1):8.1f}  {name}")


def report(kind, results):
    """Prints send and receive of both drivers, and their ratios."""
    for role in ("sender", "receiver"):
        figures = {r[role]: per_packet(r, r[role]) for r in results}
        ratio = figures["wto"] / figures["idpf"]
        print(f"{kind:<12} {'send' if role == 'sender' else 'receive':<8}"
              f" wto {figures['wto']:8.1f}  idpf {figures['idpf']:8.1f}"
              f"  ratio {ratio:5.2f}", flush=True)


def main():
    """Sets up, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", help="wto.ko")
    parser.add_argument("--packets", type=int, default=50000)
    parser.add_argument("--mbytes", type=int, default=64)
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument("--super", type=int, metavar="N", dest="supers",
                        help="send N packets to segment of each kind instead")
    parser.add_argument("--adaptive", action="store_true",
                        help="adaptive interrupt moderation, which is idpf's default, for wto too")
    parser.add_argument("--no-split", action="store_true",
                        help="both without header split")
    parser.add_argument("--profile", action="store_true", help="functions of both drivers")
    args = parser.parse_args()

    write("/proc/sys/kernel/kptr_restrict", "0")
    set_up(args.module, args.mtu)
    configure(args)
    icount = Icount()
    ranges = [module_range(driver) for driver in DRIVERS] + [KERNEL_TEXT]
    if args.supers:
        measure_supers(icount, ranges, args.supers, args.profile)
        return
    kinds = {
        "udp-small": lambda s, r: pktgen(s, r, args.packets, 60),
        "tcp-stream": lambda s, r: tcp_stream(s, r, args.mbytes),
    }
    for kind, traffic in kinds.items():
        results = []
        for sender, receiver in (DRIVERS, DRIVERS[::-1]):
            before = {d: icount.blocks(*module_range(d)) for d in DRIVERS} if args.profile else {}
            result = measure(icount, ranges, sender, receiver,
                             lambda s=sender, r=receiver, t=traffic: t(s, r))
            results.append(result)
            total = result["there"] + result["back"]
            print(f"{kind:<12} {sender}>{receiver}: {result['there']} packets there,"
                  f" {result['back']} back; kernel text"
                  f" {result['instructions']['kernel'] / max(total, 1):.0f} instructions"
                  " per packet", flush=True)
            for driver in before:
                print(f"  {driver}, instructions per packet by function:")
                profile(icount, driver, before[driver], total)
        report(kind, results)


if __name__ == "__main__":
    main()
