# SPDX-License-Identifier: GPL-2.0-only
"""Which jobs run a second time, and whose result counts."""

import pytest

from jobs import MOST_AGAIN, Job, run_all, run_failed_again
from results import count_tap

PASS = "echo ok 1 a.one"
FAIL = "echo not ok 1 a.one; exit 1"
# Fails unless it ran before, in the directory that it is told
UNSTEADY = f"if [ -e ran ]; then {PASS}; else touch ran; {FAIL}; fi"


@pytest.fixture(name="sums")
def make_sums(tmp_path, monkeypatch):
    """Runs shell commands as jobs, with a second try; (passed, failed) of all together."""
    (tmp_path / "test").mkdir()
    monkeypatch.setenv("LAB_LOGS", str(tmp_path))
    monkeypatch.setenv("LAB_SRC", str(tmp_path))

    def sums(*commands, guest=True):
        jobs = [Job(f"job {i}", ["sh", "-c", command],
                    lambda text, status: count_tap(text, status, "job"), 20, guest=guest)
                for i, command in enumerate(commands)]
        results = run_failed_again(list(run_all(jobs, 2)))
        return (sum(totals.passed for _, totals in results),
                sum(totals.failed for _, totals in results))
    return sums


def test_unsteady_guest(sums, tmp_path, capsys):
    """A guest that fails once passes, what failed is told, and its first output kept."""
    assert sums(PASS, UNSTEADY) == (2, 0)
    assert "failed at first, passed alone:\n  a.one\n" in capsys.readouterr().out
    assert (tmp_path / "test" / "job_1.log.first").read_text() == "not ok 1 a.one\n"


def test_broken_guest(sums, capsys):
    """One that fails twice has failed once."""
    assert sums(PASS, FAIL) == (1, 1)
    assert "passed alone" not in capsys.readouterr().out


def test_all_pass(sums, capsys):
    """Without a failure nothing runs twice."""
    assert sums(PASS, PASS) == (2, 0)
    assert "once more" not in capsys.readouterr().out


def test_other_jobs(sums):
    """What is not in a guest has no excuse."""
    assert sums(PASS, UNSTEADY, guest=False) == (1, 1)


@pytest.mark.parametrize("status", [120, 122])
def test_no_excuse(sums, status):
    """Nor has trouble in the kernel's log, or a NIC that died."""
    assert sums(f"if [ -e ran ]; then {PASS}; else touch ran; echo not ok 1 a; exit {status}; fi") \
        == (0, 1)


def test_too_many(sums):
    """Many that fail are no bad luck."""
    assert sums(UNSTEADY, *[FAIL] * MOST_AGAIN)[1] == MOST_AGAIN + 1
