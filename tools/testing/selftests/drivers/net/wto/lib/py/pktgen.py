# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's packet generator, which hands packets to the driver past the stack."""

import concurrent.futures
import contextlib
import re

from lib.py import cmd, defer, ksft_eq, ksft_true


class Pktgen:
    """The kernel's packet generator: fragments without the stack's help, bursts."""

    DIR = "/proc/net/pktgen"

    def __init__(self, ifname):
        cmd("modprobe pktgen")
        defer(cmd, "rmmod pktgen")
        self.ifname = ifname
        self._write("kpktgend_0", f"add_device {ifname}")

    def _write(self, name, *lines):
        for line in lines:
            with open(f"{self.DIR}/{name}", "w", encoding="ascii") as file:
                file.write(f"{line}\n")

    def run(self, *settings):
        """One run; returns the number of packets, which bursts make larger than the count."""
        self._write(self.ifname, *settings)
        self._write("pgctrl", "start")
        with open(f"{self.DIR}/{self.ifname}", encoding="ascii") as file:
            text = file.read()
        ksft_true("Result: OK" in text, text)
        sent, errors = re.search(r"pkts-sofar: (\d+)\s+errors: (\d+)", text).groups()
        ksft_eq(int(errors), 0)
        return int(sent)

    @contextlib.contextmanager
    def running(self, *settings):
        """Runs, with "count 0", as long as the context lasts; gives what run() will return."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(self.run, *settings)
            try:
                yield sent
            finally:
                self._write("pgctrl", "stop")
