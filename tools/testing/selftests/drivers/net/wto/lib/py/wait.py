# SPDX-License-Identifier: GPL-2.0-only
"""Waiting for what the kernel offers no event for."""

import time


def wait_for(condition, what, deadline=10, interval=0.01):
    """
    Polls until condition() gives something true, and returns that.

    Raises TimeoutError, naming what was waited for, after @deadline seconds.
    """
    end = time.monotonic() + deadline
    while True:
        last_try = time.monotonic() >= end
        value = condition()
        if value:
            return value
        if last_try:
            raise TimeoutError(f"{what}: not within {deadline} s")
        time.sleep(interval)
