# SPDX-License-Identifier: GPL-2.0-only
"""Counts calls of a function of the kernel or of a module, by a probe."""

import os

from lib.py import cmd, defer

TRACE = "/sys/kernel/tracing"


class Calls:
    """
    Calls of a function from here to the end of the case.  LookupError if there is none of that
    name; compilers may have added to it, after a dot.
    """

    def __init__(self, function):
        if not os.path.isdir(f"{TRACE}/events"):
            cmd(f"mount -t tracefs tracefs {TRACE}")
        with open("/proc/kallsyms", encoding="ascii") as file:
            names = {words[2] for words in map(str.split, file)
                     if words[2].split(".")[0] == function}
        if not names:
            raise LookupError(f"no function {function} in this kernel")
        self._event = f"wto_{function}"
        self._write("kprobe_events", f"p:{self._event} {names.pop()}")
        defer(self._write, "kprobe_events", f"-:{self._event}")
        self._write(f"events/kprobes/{self._event}/enable", "1")
        defer(self._write, f"events/kprobes/{self._event}/enable", "0")

    @staticmethod
    def _write(name, text):
        # Python's own way of appending looks for the end, which these files do not have
        file = os.open(f"{TRACE}/{name}", os.O_WRONLY | os.O_APPEND)
        os.write(file, text.encode() + b"\n")
        os.close(file)

    def count(self):
        """How many so far."""
        with open(f"{TRACE}/kprobe_profile", encoding="ascii") as file:
            return next(int(words[1]) for words in map(str.split, file)
                        if words[0] == self._event)
