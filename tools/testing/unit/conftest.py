# SPDX-License-Identifier: GPL-2.0-only
"""With --tap-lines pytest reports as the C tests beside it do: a line for each case."""


def pytest_addoption(parser):
    """Add the option."""
    parser.addoption("--tap-lines", action="store_true", help="print TAP; use with -p no:terminal")


def pytest_configure(config):
    """Register the reporter."""
    if config.getoption("--tap-lines"):
        config.pluginmanager.register(TapLines())


class TapLines:
    """Prints results as they come and the plan at the end."""

    def __init__(self):
        self.count = 0

    def pytest_runtest_logreport(self, report):
        """One phase of one case has ended."""
        if report.when != "call" and report.passed:
            return
        self.count += 1
        name = report.nodeid.replace("#", "")
        if report.skipped:
            print(f"ok {self.count} - {name} # SKIP")
        else:
            print(f"{'not ' if report.failed else ''}ok {self.count} - {name}", flush=True)
        if report.failed:
            print("\n".join("# " + line for line in report.longreprtext.splitlines()))

    @staticmethod
    def pytest_collectreport(report):
        """A module that cannot be read has no cases to report."""
        if report.failed:
            print(f"not ok - {report.nodeid}\n# {report.longreprtext}")

    def pytest_sessionfinish(self):
        """All is done."""
        print(f"1..{self.count}")
