#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
End of a session on the debug kernel, with the driver unloaded: were the checkers awake all
the time, and what do they find to be left over?  Status 1, and the reason, if not all is well.

What the driver still had mapped for DMA when it left a device is reported by the kernel
itself, in its log.
"""

import os
import sys

SRC = os.path.realpath(f"{os.path.dirname(os.path.abspath(__file__))}/../../../..")
sys.path.append(f"{SRC}/tools/testing/selftests/drivers/net/wto")

# pylint: disable=import-error,wrong-import-position
from lib.py.memory import wait_orphans_gone  # noqa: E402

DEBUG = "/sys/kernel/debug"
# TAINT_BAD_PAGE of /proc/sys/kernel/tainted
TAINT_BAD_PAGE = 1 << 5


def read(path):
    """A small text file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def asleep():
    """Checkers that gave up on their way, with what tells."""
    found = []
    locks = [line for line in read("/proc/lockdep_stats").splitlines() if "debug_locks" in line]
    if not locks or locks[0].split()[-1] != "1":
        found.append(f"lockdep: {locks}")
    # KASAN tells of one mistake only
    if int(read("/proc/sys/kernel/tainted")) & TAINT_BAD_PAGE:
        found.append("KASAN: has reported, or a bad page was found")
    for name, good in (("disabled", "N"), ("error_count", "0")):
        value = read(f"{DEBUG}/dma-api/{name}")
        if value != good:
            found.append(f"DMA-API: {name} is {value}")
    return found


def leaked_objects():
    """
    What kmemleak finds.  It reports what two scans in a row found without a reference and
    unchanged, so the first is only for the second to compare with.
    """
    for _ in range(2):
        with open(f"{DEBUG}/kmemleak", "w", encoding="ascii") as file:
            file.write("scan")
    return read(f"{DEBUG}/kmemleak")


def main():
    """Status 0 if nothing is left and everybody looked."""
    namespaces = [None, *(name for name in ("peer",) if os.path.exists(f"/run/netns/{name}"))]
    trouble = asleep()
    try:
        wait_orphans_gone(namespaces)
    except TimeoutError as error:
        trouble.append(str(error))
    objects = leaked_objects()
    if objects:
        trouble.append(f"kmemleak:\n{objects}")
    if trouble:
        print("\n".join(trouble), file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
