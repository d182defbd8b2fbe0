# SPDX-License-Identifier: GPL-2.0-only
"""
The demonstration's part on send offloads: each of them off and on, what that does to throughput
and packets, how many instructions the driver takes for it, and whether the same frames leave.
"""

import os
import re
import socket
import time

# Found by demo.py, which made the selftests' library and the benchmarks importable
# pylint: disable=import-error,no-name-in-module,wrong-import-order
from lib.py import KsftSkipEx, NlError, cmd, peer_socket, wait_for
from lib.py.offload import CHECKSUM, Wire, differences, lso_id_bits, switch
from lib.py.traffic import big_buffers, random_bytes
from instructions import ICOUNT, Icount, module_range, write

SECONDS = 2
AGREE_S = 30
CASES = 40
SEED = 7
UDP_SEGMENT = 103
UDP_BLOCK = 42 * 1400

TCP = ("tx-tcp-segmentation", "tx-tcp6-segmentation")
UDP = ("tx-udp-segmentation", )


def tcp_traffic(cfg):
    """Mbit/s of a TCP stream."""
    out = cmd(f"netperf -H {cfg.remote_addr_v['4']} -t TCP_STREAM -l {SECONDS} -P 0 -- "
              "-k THROUGHPUT", timeout=SECONDS + 40).stdout
    return float(re.search(r"THROUGHPUT=(.*)", out)[1])


def udp_traffic(cfg):
    """Mbit/s of datagrams that are sent many at a time."""
    data = random_bytes(UDP_BLOCK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            peer_socket(cfg.peer_ns, socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind((cfg.remote_addr_v["4"], 0))
        big_buffers(sock)
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1400)
        sock.connect(sink.getsockname())
        start, sent = time.monotonic(), 0
        while time.monotonic() < start + SECONDS:
            sent += sock.send(data)
        return sent * 8e-6 / (time.monotonic() - start)


# Name, features, those that it stands on, traffic, workload of offload_send
OFFLOADS = (
    ("tx checksum", CHECKSUM, (), tcp_traffic, "raw"),
    ("TSO (LSO)", TCP, CHECKSUM, tcp_traffic, "raw"),
    ("USO", UDP, CHECKSUM, udp_traffic, "udp"),
)


class Comparison:
    """Frames of the same seeded packets with other offloads."""

    def __init__(self, wire, say):
        self.wire = wire
        self.say = say
        self.reference = {}

    def capture(self, workload, name):
        """Sends the packets; returns the capture file."""
        path = f"/tmp/wto-demo-{workload}-{name}.pcap"
        self.wire.send(workload, path, SEED, CASES)
        return path

    def identical(self, workload):
        """Whether the frames are those that leave with everything off."""
        path = self.capture(workload, "on")
        found, _ = differences(path, self.reference[workload], lso_id_bits(self.wire.cfg))
        for number, words in found[:3]:
            self.say(f"  {workload}, packet {number}: {words}")
        return not found


class Instructions:
    """Counts what the driver's module executes, where the lab can tell."""

    def __init__(self, driver):
        self.icount = None
        if os.path.exists(ICOUNT):
            write("/proc/sys/kernel/kptr_restrict", "0")
            self.icount = Icount()
            self.text = module_range(driver)

    def so_far(self):
        """Their number, None if it is not known."""
        return self.icount.sums([self.text])[0] if self.icount else None


def handed_by(grown):
    """Packets that the NIC was handed, by the growth of its counters."""
    return grown["packets"] - grown["segments"] + grown["lso"] + grown["uso"]


class Handed:
    """Packets that were handed to the NIC, whole ones that it has yet to segment among them."""

    def __init__(self, cfg, wire):
        self.cfg, self.wire = cfg, wire
        self.by_driver = self._driver() is not None
        self.wrong = []

    def _driver(self):
        """As the driver counts, None if it does not."""
        try:
            found = self.cfg.netdev().qstats_get({"ifindex": self.cfg.ifindex}, dump=True)
        except NlError:
            return None
        row = found[0] if found else {}
        if "tx-hw-gso-packets" not in row:
            return None
        return row["tx-packets"] - row["tx-hw-gso-wire-packets"] + row["tx-hw-gso-packets"]

    def so_far(self):
        """(the NIC's counters, the driver's number), with nothing on its way between them."""
        self.cfg.wait_quiet()
        return self.wire.counted(), self._driver()

    def since(self, before):
        """
        The number, which the NIC's own counters must lead to as well; and how the NIC's
        counters have grown.
        """
        grown = {}

        def agree():
            after = self.wire.counted()
            grown.update({name: after[name] - before[0][name] for name in after})
            return not self.by_driver or self._driver() - before[1] == handed_by(grown)

        # Frames arrive before their completion is counted, and the kernel may send one of its own
        # between the two readings
        try:
            wait_for(agree, "driver and NIC to agree", AGREE_S)
        except TimeoutError:
            self.wrong.append(f"{self._driver() - before[1]} and {handed_by(grown)}")
        return (self._driver() - before[1] if self.by_driver else handed_by(grown)), grown

    def words(self):
        """What the numbers are."""
        if not self.by_driver:
            return (f"as the NIC counts, since {self.cfg.driver} has no counters of what it lets "
                    "the NIC segment")
        return "as the driver counts, and the NIC " + (
            f"OTHERWISE: {', '.join(self.wrong)}" if self.wrong else "the same")


def measure(wire, handed, traffic, instructions):
    """Mbit/s, packets that were handed to the NIC, on the wire, instructions for each of these."""
    cfg = wire.cfg
    before, executed = handed.so_far(), instructions.so_far()
    speed = traffic(cfg)
    # One packet more, behind all others: the queue is empty when it has arrived
    wire.send("raw", "/tmp/wto-demo-last.pcap", SEED, 1)
    if executed is not None:
        executed = instructions.so_far() - executed
    packets, done = handed.since(before)
    sent = done["packets"]
    return speed, packets, sent, None if executed is None else executed / sent


def rows(wire, handed, say):
    """
    (name, on or off, Mbit/s, handed down, on the wire, instructions, identical) of each offload.
    """
    cfg = wire.cfg
    comparison = Comparison(wire, say)
    instructions = Instructions(cfg.driver)
    wire.switch_all(False)
    for workload in ("raw", "udp"):
        comparison.reference[workload] = comparison.capture(workload, "off")
    for name, names, below, traffic, workload in OFFLOADS:
        for state in (False, True):
            wire.switch_all(False)
            switch(cfg.ifname, below, True)
            switch(cfg.ifname, names, state)
            figures = measure(wire, handed, traffic, instructions)
            yield (name, "on" if state else "off", *figures, comparison.identical(workload))


def show_offloads(cfg, say):
    """The table; returns what was wrong in it.  Changes settings, and undoes that by defer()."""
    wrong = []
    try:
        wire = Wire(cfg)
        wire.set_up()
        handed = Handed(cfg, wire)
        say(f"{'offload':<13}{'':<5}{'Mbit/s':>8}{'handed to the NIC':>19}"
            f"{'on the wire':>13}{'instructions':>14}{'wire identical':>16}")
        for name, state, speed, packets, sent, executed, same in rows(wire, handed, say):
            shown = "-" if executed is None else f"{executed:.0f}"
            say(f"{name:<13}{state:<5}{speed:>8.0f}{packets:>19,}{sent:>13,}{shown:>14}"
                f"{'yes' if same else 'NO':>16}")
            if not same:
                wrong.append(f"{name} {state}: other frames")
        say(f"handed to the NIC: {handed.words()}")
        wrong += [f"driver and NIC count {text}" for text in handed.wrong]
        say("instructions: of the driver, both ends, for each packet on the wire")
        say(f"identical: {CASES} seeded packets of all kinds leave as the same frames as with "
            "everything off")
    except KsftSkipEx as why:
        say(str(why))
    return wrong
