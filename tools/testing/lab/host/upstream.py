# SPDX-License-Identifier: GPL-2.0-only
"""Results of the kernel's own selftests, held against the list "selftests" of the lab.

The programs are unchanged, so what a case does not pass for is written in that list.  A
result that is neither a pass nor explained is a failure, and so is an explained failure
that passes now: its explanation is out of date.  Two kinds of cases may pass or not: those with
a limit of time in them may fail (BUSY), and those that find out by themselves whether they can
be tried may say XFAIL (MAYBE).  A program that dies before its last case is a failure too,
whatever the cases before that said: it has fewer results than it planned, or an exit status
that no case explains.
"""

import re
from dataclasses import dataclass

from results import Totals

RESULTS = ("FAIL", "SKIP", "XFAIL")
# What else a line may say, and the result that it explains; such cases may pass as well
EITHER = {"BUSY": "FAIL", "MAYBE": "XFAIL"}
# The shapes in which the kernel's programs tell of a case: KTAP, and two older ones
KTAP = re.compile(r"^(?P<bad>not )?ok \d+ (?:- )?(?P<case>[^ #]+)[^#]*(?:# *(?P<word>\w+))?")
PLAN = re.compile(r"^1\.\.(?P<count>\d+)")
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
            elif words[0] in (*RESULTS, *EITHER) and len(words) == 3 and known is not None:
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


def outdated(known, results):
    """
    Lines of the list that are out of date: what they name passes.  Of cases that only begin with
    that name some may pass, as long as another one does not.
    """
    for line in known:
        named = [result for case, result in results if case == line.case]
        begun = [result for case, result in results if case.startswith(line.case)]
        if line.result not in EITHER and "PASS" in begun and \
                ("PASS" in named or line.result not in begun):
            yield line


def incomplete(text, status, failed):
    """
    What is wrong with a program as a whole, None if nothing is.  @failed: a case of it failed,
    for which it may have an exit status.
    """
    lines = text.splitlines()
    plans = [int(match["count"]) for match in map(PLAN.match, lines) if match]
    results = sum(bool(KTAP.match(line)) for line in lines)
    if plans and sum(plans) != results:
        return f"{sum(plans)} cases planned, {results} results, exit status {status}"
    if status and not failed:
        return f"exit status {status}, and no case failed"
    return None


def judge(known, text, status=0):
    """Totals of a program's output and exit status; explained results count as skipped."""
    totals = Totals()
    results = list(cases(text))
    for case, result in results:
        why = next((k for k in known if EITHER.get(k.result, k.result) == result and
                    case.startswith(k.case)), None)
        if why:
            totals.skip(case, f"{result} {why.reason}")
        elif result != "PASS":
            totals.fail(f"{case}: {result}, and not explained")
        else:
            totals.passed += 1
    for line in outdated(known, results):
        totals.fail(f"{line.case}: passes, and the list says {line.result}")
    wrong = incomplete(text, status, "FAIL" in (result for _, result in results))
    if results and wrong:
        totals.fail(wrong)
    return totals
