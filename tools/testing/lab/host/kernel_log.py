# SPDX-License-Identifier: GPL-2.0-only
"""Finds in a kernel's log what a healthy kernel does not print."""

import re

TROUBLE = re.compile(
    r"""BUG:|\bOops\b|WARNING:|kernel\ BUG\ at|general\ protection\ fault
    |unable\ to\ handle|Kernel\ panic|Bad\ page|scheduling\ while\ atomic
    |INFO:\ task\ .*\ blocked\ for\ more\ than|soft\ lockup|hard\ LOCKUP
    |detected\ stalls|self-detected\ stall
    |possible\ (circular|recursive|irq)\ lock|inconsistent\ lock\ state
    |suspicious\ RCU\ usage|bad\ unlock\ balance|held\ lock\ freed
    |UBSAN:|KASAN:|KCSAN:|KFENCE:|KMSAN:|new\ suspected\ memory\ leaks|ODEBUG:|ref_tracker:
    |DMA-API:\ (?!preallocated|debugging\ enabled|dma_debug_entry\ pool)
    |Invalid\ wait\ context|trying\ to\ register\ non-static\ key
    |refcount_t:|list_(add|del)\ corruption|page_pool_release_retry\(\)\ stalled
    |unregister_netdevice:\ waiting\ for|NETDEV\ WATCHDOG|irq\ \d+:\ nobody\ cared
    |Objects\ remaining\ in|slab\ error""", re.VERBOSE)

# Records of /dev/kmsg's raw form: "<6>[    1.23] text" or "6,123,456,-;text"
RAW_PREFIX = re.compile(r"^(<\d+>|\d+,\d+,\d+,[^;]*;)")

# A test that provokes trouble says so in the log (see expect_trouble() of the selftests): a
# regular expression for what is expected from there on, nothing to end that
EXPECTED = re.compile(r"wto-lab: trouble expected: (.*)")

CONTEXT_AFTER = 25


def plain(line):
    """A log line without level and with no control characters."""
    line = RAW_PREFIX.sub("", line.rstrip("\r\n"))
    return "".join(c for c in line if c.isprintable() or c == "\t")


def find_trouble(lines, allowed=()):
    """Returns (number of troubles, the lines to show) of a kernel log.

    allowed: regular expressions of troubles that the caller expects.
    """
    always = [re.compile(a) for a in allowed]
    patterns = always
    shown, count, left = [], 0, 0
    for line in map(plain, lines):
        said = EXPECTED.search(line)
        if said:
            patterns = always + ([re.compile(said.group(1))] if said.group(1) else [])
        elif TROUBLE.search(line) and not any(p.search(line) for p in patterns):
            count += 1
            left = CONTEXT_AFTER
        if left:
            shown.append(line)
            left -= 1
    return count, shown


def read_lines(path):
    """All lines of a log that may be missing or hold any byte."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return log.readlines()
    except FileNotFoundError:
        return []
