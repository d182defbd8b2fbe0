# SPDX-License-Identifier: GPL-2.0-only
"""Directories for the logs of runs, of which the last ones are kept."""

import fcntl
import os
import shutil
import tempfile
import time

KEPT = 10


def _lock(path, flags=fcntl.LOCK_EX):
    """The directory opened and locked, None if somebody else has it locked."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, flags)
    except BlockingIOError:
        os.close(directory)
        return None
    return directory


def _remove(path):
    """Removes the logs of a run that has ended; a long one may be older than many that have."""
    lock = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is not None:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def new_log_dir(base):
    """
    A directory below @base for the logs of a run; the oldest beyond KEPT go.

    Returns its path, and a file descriptor: nobody removes the directory before it is closed.
    """
    os.makedirs(base, exist_ok=True)
    # others that begin now wait, and do not find what is being removed
    turn = _lock(base)
    try:
        old = sorted((e for e in os.scandir(base) if e.is_dir(follow_symlinks=False)),
                     key=lambda e: e.stat().st_mtime)
        for entry in old[:-KEPT]:
            _remove(entry.path)
        path = tempfile.mkdtemp(prefix=time.strftime("%H%M%S-"), dir=base)
        return path, _lock(path)
    finally:
        os.close(turn)
