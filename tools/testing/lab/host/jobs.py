# SPDX-License-Identifier: GPL-2.0-only
"""Runs jobs, each a program whose output tells of tests, and reports their results."""

import concurrent.futures
import os
import re
import subprocess
import time

# More guests than that do not fail for want of processors
MOST_AGAIN = 5
# Statuses of "lab run" that want of processors does not explain: trouble in the kernel's log, and
# a NIC that died or that a sanitizer has something to say of
NO_EXCUSE = (120, 122)


class Job:
    """
    One line of the report: something to run, and how to count its result.  @guest: in a guest,
    which what else the host does may keep from passing.
    """

    def __init__(self, name, argv, count, timeout, env=None, guest=False):
        self.name = name
        self.argv = argv
        self.count = count
        self.timeout = timeout
        self.env = env or {}
        self.guest = guest
        self.status = None
        file = re.sub("[^A-Za-z0-9._-]+", "_", name)
        self.log = f"{os.environ['LAB_LOGS']}/test/{file}.log"

    def run(self):
        """Runs it; returns (totals, seconds)."""
        start = time.monotonic()
        with open(self.log, "wb") as log:
            try:
                self.status = subprocess.run(
                    self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    cwd=os.environ["LAB_SRC"], env={**os.environ, **self.env}, check=False,
                    timeout=self.timeout).returncode
            except subprocess.TimeoutExpired:
                log.write(f"\nlab: not finished after {self.timeout} s\n".encode())
                self.status = 124
        with open(self.log, encoding="utf-8", errors="replace") as log:
            totals = self.count(log.read(), self.status)
        return totals, time.monotonic() - start

    def deserves_another(self):
        """Whether a failure may be for want of processors."""
        return self.guest and self.status not in NO_EXCUSE

    def run_again(self):
        """Runs it anew; what the first try printed is kept."""
        os.replace(self.log, f"{self.log}.first")
        return self.run()


def report(job, totals, seconds):
    """One line for a job, and what is needed to see why it failed."""
    word = "FAIL" if totals.failed else "pass"
    print(f"{word} {job.name}: {totals} ({seconds:.0f} s)", flush=True)
    for name, reason in totals.skips:
        print(f"     skipped {name}: {reason}")
    if totals.failed:
        for name in totals.failures[:20]:
            print(f"     failed {name}")
        with open(job.log, encoding="utf-8", errors="replace") as log:
            for line in log.readlines()[-60:]:
                print(f"     | {line.rstrip()}")
        print(f"     all of it: {job.log}", flush=True)


def run_all(jobs, at_a_time):
    """
    Runs the jobs, a number of them at a time, reports each when it ends, and yields each with
    its totals.
    """
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        running = {pool.submit(job.run): job for job in jobs}
        for done in concurrent.futures.as_completed(running):
            totals, seconds = done.result()
            report(running[done], totals, seconds)
            yield running[done], totals


def run_failed_again(results):
    """
    Guests that failed beside other ones run once more, alone, and the second result counts: time
    is short in them when they share processors.  What failed at first is told at the end, so
    that it is not lost.  Takes and returns (job, totals) of all jobs.
    """
    failed = [job for job, totals in results if totals.failed and job.deserves_another()]
    if not failed or len(failed) > MOST_AGAIN:
        return results
    print(f"once more, alone: {len(failed)} of the guests", flush=True)
    second = {}
    for job in failed:
        second[job], seconds = job.run_again()
        report(job, second[job], seconds)
    unsteady = [name for job, totals in results if job in second and not second[job].failed
                for name in totals.failures]
    if unsteady:
        print("failed at first, passed alone:", *sorted(set(unsteady)), sep="\n  ")
    return [(job, second.get(job, totals)) for job, totals in results]
