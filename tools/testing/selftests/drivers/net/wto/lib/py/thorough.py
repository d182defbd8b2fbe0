# SPDX-License-Identifier: GPL-2.0-only
"""How thorough the selftests are: with WTO_TEST_FULL in the environment they take hours."""

import os

FULL = bool(os.environ.get("WTO_TEST_FULL"))


def most_telling(variants, *chosen):
    """All of a case's variants in a thorough run, else only the chosen ones of them."""
    variants = list(variants)
    unknown = set(chosen) - set(variants)
    if unknown:
        raise ValueError(f"no such variants: {unknown}")
    return variants if FULL else [v for v in variants if v in chosen]
