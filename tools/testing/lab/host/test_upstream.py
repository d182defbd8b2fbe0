# SPDX-License-Identifier: GPL-2.0-only
"""How the lab judges the kernel's own selftests, whose results it must not take for better."""

import pytest

import upstream
from upstream import Known, judge

HEAD = "TAP version 13\n1..3\n"
PASSED = HEAD + "ok 1 a.one\nok 2 a.two\nok 3 a.three\n"
SKIPPED = HEAD + "ok 1 a.one\nok 2 a.two # SKIP no such thing\nok 3 a.three\n"
FAILED = HEAD + "ok 1 a.one\nnot ok 2 a.two\nok 3 a.three\n"
XFAILED = HEAD + "ok 1 a.one\nok 2 a.two # XFAIL slow\nok 3 a.three\n"
WORDS = "PASS: eth0: up\nXFAIL: veth0: mtu\nPASS: veth0: up\n"
TABLE = "TEST: one    [ OK ]\nTEST: two    [FAIL]\n"


def known(*lines):
    """Lines of the list, "RESULT CASE"."""
    return [Known(*line.split(), "why") for line in lines]


# list, output, exit status: passed, failed, skipped
GOOD = {
    "all pass": ((), PASSED, 0, (3, 0, 0)),
    "known skip": (("SKIP a.two",), SKIPPED, 0, (2, 0, 1)),
    "known expected failure": (("XFAIL a.two",), XFAILED, 0, (2, 0, 1)),
    "a known failure explains the status": (("FAIL a.two",), FAILED, 1, (2, 0, 1)),
    "so does a busy host": (("BUSY a.two",), FAILED, 1, (2, 0, 1)),
    "which may be idle": (("BUSY a.two",), PASSED, 0, (3, 0, 0)),
    "a beginning that some have": (("SKIP a.t",), SKIPPED, 0, (2, 0, 1)),
    "nothing of that name": (("SKIP b.", "FAIL b.two"), PASSED, 0, (3, 0, 0)),
    "what cannot be tried": (("MAYBE a.two",), XFAILED, 0, (2, 0, 1)),
    "and can elsewhere": (("MAYBE a.two",), PASSED, 0, (3, 0, 0)),
    "words without a plan": (("XFAIL veth0:",), WORDS, 0, (2, 0, 1)),
    "a table without a plan": (("FAIL two",), TABLE, 1, (1, 0, 1)),
    "two plans": ((), PASSED + PASSED, 0, (6, 0, 0)),
}
# list, output, exit status: what is said of it
BAD = {
    "died after one": ((), HEAD + "ok 1 a.one\n", 1, "3 cases planned, 1 results"),
    "ended after one": ((), HEAD + "ok 1 a.one\n", 0, "3 cases planned, 1 results"),
    "died after a known failure": (("FAIL a.two",), HEAD + "ok 1 a.one\nnot ok 2 a.two\n", 1,
                                   "3 cases planned, 2 results"),
    "more than planned": ((), PASSED + "ok 4 a.four\n", 0, "3 cases planned, 4 results"),
    "bad end": ((), PASSED, 1, "exit status 1, and no case failed"),
    "a skip explains no status": (("SKIP a.two",), SKIPPED, 1, "exit status 1"),
    "killed, no plan": (("XFAIL veth0:",), WORDS, 137, "exit status 137"),
    "unexplained failure": ((), FAILED, 1, "a.two: FAIL, and not explained"),
    "unexplained skip": ((), SKIPPED, 0, "a.two: SKIP, and not explained"),
    "skip instead of a failure": (("FAIL a.two",), SKIPPED, 0, "a.two: SKIP, and not explained"),
    "what cannot be tried does not fail": (("MAYBE a.two",), FAILED, 1,
                                           "a.two: FAIL, and not explained"),
    "old failure": (("FAIL a.two",), PASSED, 0, "a.two: passes, and the list says FAIL"),
    "old skip": (("SKIP a.two",), PASSED, 0, "a.two: passes, and the list says SKIP"),
    "old expected failure": (("XFAIL a.two",), PASSED, 0, "the list says XFAIL"),
    "old beginning": (("SKIP a.t",), PASSED, 0, "a.t: passes, and the list says SKIP"),
    "old name that is a beginning": (("SKIP a.t",), "1..2\nok 1 a.t\nok 2 a.two # SKIP\n", 0,
                                     "a.t: passes, and the list says SKIP"),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name):
    """What is right, or explained."""
    lines, text, status, (passed, failed, skipped) = GOOD[name]
    totals = judge(known(*lines), text, status)
    assert (totals.passed, totals.failed, totals.skipped) == (passed, failed, skipped), totals


@pytest.mark.parametrize("name", BAD)
def test_bad(name):
    """What must be reported, once."""
    lines, text, status, said = BAD[name]
    totals = judge(known(*lines), text, status)
    assert totals.failed == 1 and said in totals.failures[0], totals.failures


def test_list(tmp_path):
    """The list is read as it is written; what is not understood is refused."""
    path = tmp_path / "selftests"
    path.write_text("# comment\n\ntest net/a.py\nSKIP a.one  no such thing\n"
                    "test net/b.py full\nBUSY b. slow\n", encoding="utf-8")
    assert upstream.read_list(path) == {
        "net/a.py": [Known("SKIP", "a.one", "no such thing")],
        "net/b.py": [Known("BUSY", "b.", "slow")]}
    assert list(upstream.read_list(path, full=False)) == ["net/a.py"]
    path.write_text("SKIP a.one no test before\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        upstream.read_list(path)
