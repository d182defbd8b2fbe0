# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what another process does, always with a deadline."""

import select
import time

TIMEOUT_S = 10.0
POLL_S = 0.0002


def wait_for(condition, what, timeout=TIMEOUT_S):
    """Poll @condition until it returns something true, and return that.

    @what names the awaited thing in the message of the TimeoutError."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not seen within {timeout} s")
        time.sleep(POLL_S)


def readable(descriptor, timeout=0.0):
    """Tell whether @descriptor becomes readable within @timeout seconds."""
    return bool(select.select([descriptor], [], [], timeout)[0])
