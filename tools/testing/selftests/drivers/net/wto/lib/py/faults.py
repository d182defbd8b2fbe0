# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the software NIC, and what the driver says and counts about them."""

import time

from lib.py import cmd, ksft_ge, ksft_lt, ksft_pr, ksft_true, wait_for
from .counters import ethtool_stats

RECOVERY_S = 60


def kernel_log(driver):
    """What the driver said since the start."""
    return [line for line in cmd("dmesg").stdout.splitlines() if f" {driver} " in line]


class Timed:
    """Reports how long the body of a with statement took; more than @limit seconds fail."""

    def __init__(self, what, limit=None):
        self.what = what
        self.limit = limit
        self.start = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        took = time.monotonic() - self.start
        ksft_pr(f"{self.what}: {took:.2f} s")
        if self.limit:
            ksft_lt(took, self.limit, self.what)


class FaultWatch:
    """
    A fault armed for our port in a with statement, and all that moved since.

    grew(NAME)  how much a counter of ethtool -S has grown; NAME may be "rx_*_bad_desc"
    hits()      how often the fault struck
    said()      what the driver logged
    """

    def __init__(self, cfg, spec=None, peer=False):
        self.cfg = cfg
        self.spec = spec
        self.port = cfg.NIC_PEER_PORT if peer else cfg.NIC_PORT
        self.name = spec.partition(":")[0].partition("=")[0] if spec else None
        self.stats = ethtool_stats(cfg.ifname)
        self.log_length = len(kernel_log(cfg.driver))
        self.hits_before = self._hits() if spec else 0
        self.start = time.monotonic()

    def __enter__(self):
        if self.spec:
            self.cfg.nic.command(f"fault {self.spec}@{self.port}")
        return self

    def __exit__(self, *_):
        if self.spec:
            self.cfg.nic.command(f"fault {self.name}=off@{self.port}")

    def _hits(self):
        for port in self.cfg.nic.command("faults")["ports"]:
            if port["name"] == self.port:
                return port["faults"][self.name]["hits"]
        raise KeyError(self.port)

    def hits(self):
        """How often the fault struck."""
        return self._hits() - self.hits_before

    def wait_hits(self, count=1):
        """Waits until it struck."""
        wait_for(lambda: self.hits() >= count, f"{self.name} to strike", RECOVERY_S)

    def grew(self, name):
        """Growth of a counter, or of all of a pattern "HEAD*TAIL" together."""
        head, star, tail = name.partition("*")
        return sum(value - self.stats.get(key, 0)
                   for key, value in ethtool_stats(self.cfg.ifname).items()
                   if (star and key.startswith(head) and key.endswith(tail)) or key == name)

    def wait_counted(self, name, count=1):
        """Waits until a counter tells of the event."""
        wait_for(lambda: self.grew(name) >= count, f"{name} to count", RECOVERY_S, 0.1)

    def said(self):
        """What the driver logged since."""
        return kernel_log(self.cfg.driver)[self.log_length:]

    def check_said(self, text, most=None):
        """The driver logged @text, and not more often than @most times."""
        said = self.said()
        count = sum(text in line for line in said)
        ksft_ge(count, 1, f"'{text}' in the log: {said}")
        if most:
            ksft_true(count <= most, f"'{text}' {count} times in the log: {said}")

    def report(self, what):
        """Tells how long it took until now."""
        ksft_pr(f"{what}: {time.monotonic() - self.start:.1f} s; "
                f"struck {self.hits() if self.spec else '-'}; log: {self.said()}")
