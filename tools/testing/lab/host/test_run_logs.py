# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what becomes of the logs of runs."""

import os

from run_logs import KEPT, new_log_dir


def test_oldest_go(tmp_path):
    """Of runs that have ended the last are kept."""
    paths = []
    for number in range(KEPT + 3):
        path, lock = new_log_dir(tmp_path)
        os.utime(path, (number, number))
        os.close(lock)
        paths.append(path)
    assert [os.path.exists(path) for path in paths] == [False] * 2 + [True] * (KEPT + 1)


def test_running_stay(tmp_path):
    """A run that takes as long as many others keeps its logs."""
    running, lock = new_log_dir(tmp_path)
    os.utime(running, (0, 0))
    for number in range(KEPT + 3):
        path, other = new_log_dir(tmp_path)
        os.utime(path, (number + 1, number + 1))
        os.close(other)
    assert os.path.exists(running)
    os.close(lock)
    os.close(new_log_dir(tmp_path)[1])
    assert not os.path.exists(running)
