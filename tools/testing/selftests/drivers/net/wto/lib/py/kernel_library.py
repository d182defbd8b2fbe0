# SPDX-License-Identifier: GPL-2.0-only
"""Makes the kernel's own selftest library importable; to be imported before it."""

import os
import sys
from pathlib import Path


def _find_selftests():
    """The kernel's tools/testing/selftests directory."""
    places = [Path(__file__).resolve().parents[5], Path("/usr/src/linux/tools/testing/selftests")]
    if "KSFT_NET_LIB" in os.environ:
        places.insert(0, Path(os.environ["KSFT_NET_LIB"]))
    for place in places:
        if (place / "net/lib/py/ksft.py").exists():
            return place
    print("1..0 # SKIP the kernel's tools/testing/selftests are not here; set KSFT_NET_LIB")
    sys.exit(4)


KSFT_DIR = _find_selftests()
sys.path.append(KSFT_DIR.as_posix())
