# SPDX-License-Identifier: GPL-2.0-only
"""Results of the kernel's own selftests, held against the list "selftests" of the lab.

The programs are unchanged, so what a case does not pass for is written in that list.  A
result that is neither a pass nor explained is a failure, and so is an explained failure
that passes now: its explanation is out of date.  Only what has a limit of time in it (BUSY)
may fail or pass.
"""

import re
from dataclasses import dataclass

from results import Totals

RESULTS = ("FAIL", "SKIP", "XFAIL")
BUSY = "BUSY"
# The shapes in which the kernel's programs tell of a case: KTAP, and two older ones
KTAP = re.compile(r"^(?P<bad>not )?ok \d+ (?:- )?(?P<case>[^ #]+)[^#]*(?:# *(?P<word>\w+))?")
WORD_FIRST = re.compile(r"^(?P<word>PASS|FAIL|SKIP|XFAIL): (?P<case>.*)")
WORD_LAST = re.compile(r"^TEST: (?P<case>.*?) +\[ *(?P<word>OK|FAIL|SKIP|XFAIL) *\]")


@dataclass
class Known:
    """A line of the list: cases whose name begins with that have that result."""

    result: str
    case: str
    reason: str


def read_list(path, full=True):
    """
    The list: lines of each test, by the test's path in the kernel's tree.  Without @full those
    are left out that say "full" behind their path.
    """
    tests = {}
    known, left_out = None, []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split(None, 2)
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "test":
                known = tests.setdefault(words[1], [])
                if len(words) == 3 and words[2].strip() == "full":
                    left_out.append(words[1])
            elif words[0] in (*RESULTS, BUSY) and len(words) == 3 and known is not None:
                known.append(Known(words[0], words[1], words[2].strip()))
            else:
                raise SystemExit(f"{path}:{number}: not understood: {line.strip()}")
    return tests if full else {n: lines for n, lines in tests.items() if n not in left_out}


def cases(text):
    """(case, result) of each case that a program's output tells of."""
    for line in text.splitlines():
        if match := KTAP.match(line):
            word = (match["word"] or "").upper()
            yield match["case"], word if word in RESULTS else "FAIL" if match["bad"] else "PASS"
        elif match := WORD_FIRST.match(line) or WORD_LAST.match(line):
            yield match["case"], match["word"].replace("OK", "PASS")


def judge(known, text):
    """Totals of a program's output; explained results count as skipped."""
    totals = Totals()
    for case, result in cases(text):
        results = (result, BUSY) if result == "FAIL" else (result,)
        why = next((k for k in known if k.result in results and case.startswith(k.case)), None)
        outdated = next((k for k in known if k.result == "FAIL" and k.case == case), None)
        if why:
            totals.skip(case, f"{result} {why.reason}")
        elif result != "PASS":
            totals.fail(f"{case}: {result}, and not explained")
        elif outdated:
            totals.fail(f"{case}: passes, and the list says that it fails")
        else:
            totals.passed += 1
    return totals
