#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write the seeds of the send engines' fuzz targets: small packets of every shape."""

import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "unit"))

# pylint: disable-next=wrong-import-position,import-error
from engine_oracle import FRAME_MAX, pseudo_sum, random_template, seeded  # noqa: E402


def seed(template, operation, mss, wire, flags):
    """One input: struct fuzz_head of engine_fuzz.h, then the packet."""
    return struct.pack("<6B3H2B", operation, flags, template.l3_off, template.l4_off,
                       template.version, template.proto, template.hdr_len, mss, FRAME_MAX, 0,
                       (3 * mss) & 0x3f) + wire


def main():
    """Write all seeds; the same ones each time."""
    for number in range(16):
        for operation, protocol in enumerate(("lso", "uso")):
            rng = seeded(f"fuzz/{protocol}/{number}")
            template = random_template(rng, protocol, rng.randrange(1, 200))
            name = f"{protocol}-{number:02}"
            data = seed(template, operation, rng.randrange(20, 100), template.wire(), number & 3)
            (HERE / "corpus" / "engine_segment" / name).write_bytes(data)
            l4_len = template.hdr_len - template.l4_off + len(template.payload)
            wire = template.wire(seed=pseudo_sum(template.ip_hdrs[0], template.proto, l4_len))
            data = seed(template, operation, 20, wire, 2 | number & 1)
            (HERE / "corpus" / "engine_csum" / name).write_bytes(data)


if __name__ == "__main__":
    main()
