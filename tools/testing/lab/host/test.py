#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tests of the list "tests".  Started by "lab test" inside the lab root."""

import argparse
import configparser
import os
import re
import shlex
import sys

import upstream
from jobs import Job, run_all, run_failed_again
from results import Totals, count_junit, count_tap, last_line

SRC = os.environ["LAB_SRC"]
LAB_DIR = os.environ["LAB_DIR"]
OUT = os.environ["LAB_OUT"]
TOOLS = os.environ["LAB_TOOLS"]
LOGS = f"{os.environ['LAB_LOGS']}/test"
NICS = {"san": f"{OUT}/nic-san/idpf-nic", "plain": f"{OUT}/nic/idpf-nic"}
SELFTESTS = "tools/testing/selftests/drivers/net/wto"
PROGRAMS = "/mnt/src/tools/testing/lab/guest/programs"
LAB_STATUS = range(120, 125)
# Guests are slow: the kernel's tests relax their time limits
GUEST_ENV = ["KSFT_MACHINE_SLOW=yes"]


def words(section, key, default=""):
    """A list of words of the test list, separated by blanks or commas."""
    return section.get(key, default).replace(",", " ").split()


def count_status(name):
    """Counts a job that has nothing but its exit status, and its last line to explain it."""
    def count(text, status):
        totals = Totals()
        if status:
            totals.fail(f"{name}: exit status {status}: {last_line(text)}")
        else:
            totals.passed += 1
        return totals
    return count


def count_guest_tap(name):
    """Counts a program in a guest: the lab's own statuses are failures too."""
    def count(text, status):
        totals = count_tap(text, 0 if status in LAB_STATUS else status, name)
        if status in LAB_STATUS:
            totals.fail(f"{name}: lab run exit status {status}")
        return totals
    return count


def check_jobs(_name, _section):
    """A job for each static check."""
    directory = f"{SRC}/tools/checks"
    for check in sorted(os.listdir(directory)):
        path = f"{directory}/{check}"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield Job(f"check {check}", [path], count_status(check), 900)


def tap_jobs(name, section):
    """One command inside the lab root."""
    os.makedirs(f"{OUT}/unit", exist_ok=True)
    argv = shlex.split(section["command"].format(src=SRC, out=OUT))
    yield Job(name, argv, lambda text, status: count_tap(text, status, name),
              section.getfloat("timeout", 300))


def pytest_jobs(name, section):
    """One run of pytest, with the sanitized NIC."""
    junit = f"{LOGS}/{name}.xml"
    argv = ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}",
            section["path"]]
    if os.path.exists(junit):
        os.unlink(junit)
    yield Job(name, argv, lambda _text, status: count_junit(junit, status),
              section.getfloat("timeout", 300), {"IDPF_NIC": NICS["san"]})


def kernel_release(kernel):
    """uname -r of one of the lab's kernels; of the debug kernel only once it is made."""
    if kernel != "debug":
        return next(r for r in sorted(os.listdir("/lib/modules")) if r.startswith(f"{kernel}."))
    try:
        with open(f"{LAB_DIR}/kernels/debug/release", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return "none"


def guest_argv(kernel, driver, section, timeout, command):
    """A guest in namespaces of its own, so that nothing of it outlives it."""
    release = kernel_release(kernel)
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "python3", f"{TOOLS}/host/run.py", "--kernel", kernel, "--release", release,
            "--driver", driver, "--nic", NICS[section.get("nic", "san")],
            "--accel", os.environ["WTO_ACCEL"],
            "--timeout", str(timeout), *shlex.split(section.get("options", "")),
            "--", *command]


def matrix(name, section):
    """Every combination of kernel and driver, with a name for it."""
    for kernel in words(section, "kernels", "7.3"):
        for driver in words(section, "drivers", "wto"):
            yield kernel, driver, f"{name} {kernel} {driver}"


def guest_jobs(name, section):
    """One command in a guest for each combination."""
    timeout = section.getfloat("timeout", 300)
    for kernel, driver, title in matrix(name, section):
        argv = guest_argv(kernel, driver, section, timeout, shlex.split(section["command"]))
        count = count_guest_tap if section["kind"] == "guest-tap" else count_status
        yield Job(title, argv, count(title), timeout + 60, guest=True)


def test_programs():
    """TEST_PROGS of the driver's selftests."""
    with open(f"{SRC}/{SELFTESTS}/Makefile", encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    lists = re.findall(r"^TEST_PROGS\s*[:+]?=\s*([^#\n]*)", text, re.MULTILINE)
    return " ".join(lists).split()


def guests_for(programs, together):
    """Lists of programs, a list for each guest: those of a line of @together share one."""
    left = list(programs)
    for line in together:
        shared = [p for name in line.split() for p in left if p.partition(":")[0] == name]
        left = [p for p in left if p not in shared]
        if shared:
            yield shared
    yield from ([program] for program in left)


def ksft_jobs(name, section):
    """Guests for the driver's selftests, for each combination."""
    programs = words(section, "programs") or test_programs()
    thorough = ["env", "WTO_TEST_FULL=1"] if section.getboolean("thorough", False) else []
    for kernel, driver, title in matrix(name, section):
        for shared in guests_for(programs, section["together"].splitlines()):
            timeout = section.getfloat("timeout", 300) * len(shared)
            yield Job(f"{title} {' '.join(shared)}",
                      guest_argv(kernel, driver, section, timeout,
                                 [*thorough, PROGRAMS, *shared]),
                      count_guest_tap(" ".join(shared)), timeout + 60, guest=True)


def count_upstream(name, known):
    """Counts one of the kernel's own programs by what is known of it."""
    def count(text, status):
        totals = upstream.judge(known, text, 0 if status in LAB_STATUS else status)
        if status in LAB_STATUS:
            totals.fail(f"{name}: lab run exit status {status}")
        elif not totals.passed + totals.failed + totals.skipped:
            totals.fail(f"{name}: no case was run, exit status {status}")
        return totals
    return count


def find_upstream(tests, wanted):
    """Paths of the kernel's tests that a name is meant for: all of a unique end."""
    found = [t for t in tests if t == wanted or re.search(f"(^|/){re.escape(wanted)}(\\.|$)", t)]
    if not found and os.path.exists(f"{OUT}/selftests/{wanted}"):
        found = [wanted]
    if len(found) != 1:
        raise SystemExit(f"lab: {wanted}: {len(found)} of the kernel's selftests have this name")
    return found[0]


def upstream_jobs(name, section):
    """A guest for each of the kernel's own programs, and each combination."""
    timeout = section.getfloat("timeout", 900)
    tests = upstream.read_list(f"{TOOLS}/selftests", section.getboolean("long", False))
    programs = [find_upstream(tests, p) for p in words(section, "programs")] or list(tests)
    for kernel, driver, title in matrix(name, section):
        for path in programs:
            directory, program = os.path.split(path)
            command = ["env", "-C", f"/mnt/out/selftests/{directory}", *GUEST_ENV,
                       f"./{program}"]
            yield Job(f"{title} {path}", guest_argv(kernel, driver, section, timeout, command),
                      count_upstream(path, tests.get(path, [])), timeout + 60, guest=True)


KINDS = {"checks": check_jobs, "tap": tap_jobs, "pytest": pytest_jobs,
         "guest": guest_jobs, "guest-tap": guest_jobs, "ksft": ksft_jobs,
         "upstream": upstream_jobs}


def read_list():
    """The test list."""
    parser = configparser.ConfigParser()
    parser.read(f"{TOOLS}/tests", encoding="utf-8")
    return parser


def selected(tests, opts):
    """The jobs that were asked for: by section, or by words of the job's name."""
    tests["upstream"]["long"] = "yes" if opts.full or opts.selftest else "no"
    if opts.selftest:
        section = tests["upstream"]
        section.update({"kernels": opts.kernel, "drivers": opts.driver,
                        "programs": " ".join(opts.names)})
        return list(upstream_jobs("upstream", section))
    jobs = []
    for name in tests.sections():
        section = tests[name]
        if section.getboolean("full", False) and not opts.full:
            continue
        for job in KINDS[section["kind"]](name, section):
            known_as = {name, job.name, *job.name.split()}
            if not opts.names or known_as.intersection(opts.names):
                jobs.append(job)
    return jobs


def main():
    """Runs everything; status 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count(), metavar="N",
                        help="jobs at a time (default: one for each processor)")
    parser.add_argument("--once", action="store_true",
                        help="guests that fail do not run again")
    parser.add_argument("--selftest", action="store_true",
                        help="only the kernel's own tests; NAME is one of these")
    parser.add_argument("--kernel", default="7.3", help="for --selftest (default: %(default)s)")
    parser.add_argument("--driver", default="wto", help="for --selftest (default: %(default)s)")
    parser.add_argument("names", nargs="*")
    opts = parser.parse_args()
    os.makedirs(LOGS, exist_ok=True)
    jobs = selected(read_list(), opts)
    if opts.list or not jobs:
        opts.names = []
        print("\n".join(job.name for job in selected(read_list(), opts)))
        return 0 if opts.list else 2
    results = list(run_all(jobs, max(1, opts.jobs)))
    if not opts.once:
        results = run_failed_again(results)
    totals = Totals()
    for _, one in results:
        totals.add(one)
    if totals.failures:
        print("failed:", *sorted(set(totals.failures)), sep="\n  ")
    print(totals)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
