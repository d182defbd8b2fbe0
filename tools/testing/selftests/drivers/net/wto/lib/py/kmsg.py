# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's log: what tests write to it, for those who judge it."""

import contextlib


def say(text):
    """A line in the kernel's log; as a warning, so that it is on a console too."""
    with open("/dev/kmsg", "w", encoding="ascii") as file:
        file.write(f"<4>wto-lab: {text}\n")


@contextlib.contextmanager
def expect_trouble(pattern):
    """
    Lines of the kernel's log that match @pattern, a regular expression, do not make the lab
    report trouble while this holds.
    """
    say(f"trouble expected: {pattern}")
    try:
        yield
    finally:
        say("trouble expected: ")
