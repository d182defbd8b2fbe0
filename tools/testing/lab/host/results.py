# SPDX-License-Identifier: GPL-2.0-only
"""Counts what tests report: TAP and KTAP, and pytest's JUnit file."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

# Only the outer level: subtests are indented
RESULT = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*([^#]*)(?:#\s*(\w+)\s*(.*))?")


@dataclass
class Totals:
    """How many cases passed, failed and were skipped, and which and why."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)

    def add(self, other):
        """Adds another's cases."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips

    def fail(self, name):
        """Counts a failed case."""
        self.failed += 1
        self.failures.append(name)

    def skip(self, name, reason):
        """Counts a skipped case."""
        self.skipped += 1
        self.skips.append((name, reason or "no reason given"))

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_tap(text, status, name):
    """Totals of one program's TAP or KTAP output and its exit status.

    An expected failure counts as skipped, with its reason.
    """
    totals = Totals()
    for line in text.splitlines():
        match = RESULT.match(line)
        if not match:
            continue
        bad, case, directive, reason = match.groups()
        case = case.strip() or name
        if directive and directive.upper() in ("SKIP", "XFAIL", "TODO"):
            totals.skip(case, f"{directive} {reason or ''}".strip())
        elif bad:
            totals.fail(case)
        else:
            totals.passed += 1
    if status == 4 and not totals.failed:
        # kselftest's status of a program that was skipped as a whole
        if not totals.passed and not totals.skipped:
            totals.skip(name, last_line(text))
    elif status and not totals.failed:
        totals.fail(f"{name}: exit status {status}")
    elif not totals.passed + totals.failed + totals.skipped:
        totals.fail(f"{name}: no case was run")
    return totals


def last_line(text):
    """The last line that a program printed, as the reason of its skip or failure."""
    lines = [line.strip("# ") for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def count_junit(path, status):
    """Totals of pytest's JUnit file and its exit status."""
    totals = Totals()
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError):
        totals.fail(f"pytest: no result, exit status {status}")
        return totals
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            totals.fail(name)
        elif skipped is not None:
            totals.skip(name, skipped.get("message"))
        else:
            totals.passed += 1
    if status and not totals.failed:
        totals.fail(f"pytest: exit status {status}")
    return totals
