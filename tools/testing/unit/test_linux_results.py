# SPDX-License-Identifier: GPL-2.0-only
"""The send engines against what Linux made of the same packets (see linux_results.py)."""

import json
import struct
from pathlib import Path

import pytest

from engine_oracle import CSUM_TX_L4, FRAME_MAX, Engine, fold, random_pieces, seeded
from linux_results import noise

# The first entry names the kernel
CASES = json.loads(Path(__file__).with_name("linux_results.json").read_text("ascii"))[1:]
CHECK_OFFSET = {6: 16, 17: 6}


@pytest.fixture(name="engine", scope="module")
def fixture_engine():
    """The engines for all tests of this module."""
    engine = Engine()
    yield engine
    engine.close()


def as_template(case, header):
    """The headers as segmentation wants them: no length, neither in fields nor in the seed."""
    check = case["l4_off"] + CHECK_OFFSET[case["proto"]]
    length = len(header) - case["l4_off"] + case["size"]
    seed, = struct.unpack_from("!H", header, check)
    struct.pack_into("!H", header, check, fold(struct.pack("!H", seed), 0xffff - length % 0xffff))
    if case["ip_version"] == 4:
        struct.pack_into("!H", header, case["l3_off"] + 2, 0)
        struct.pack_into("!H", header, case["l3_off"] + 10, 0)
    else:
        struct.pack_into("!H", header, case["l3_off"] + 4, 0)


def expected(case, payload):
    """The frames that Linux sent."""
    step = case["mss"] or max(len(payload), 1)
    return [bytes.fromhex(header) + payload[index * step:(index + 1) * step]
            for index, header in enumerate(case["headers"])]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_as_linux(engine, case):
    """LSO-13..20, USO-09..13, CSUM-01..10: the engines make the frames that Linux makes."""
    payload = noise(case["name"], case["size"])
    header = bytearray.fromhex(case["header"])
    if case["mss"]:
        as_template(case, header)
    wire = bytes(header) + payload
    fields = {name: case[name] for name in ("l3_off", "l4_off", "ip_version", "proto", "mss")}
    verdict = engine.run(case["kind"], wire, random_pieces(seeded(case["name"]), len(wire)),
                         hdr_len=len(header), tlen=len(payload), frame_max=FRAME_MAX,
                         flags=0 if case["mss"] else CSUM_TX_L4, **fields)
    assert verdict.status == "ok"
    assert verdict.frames == expected(case, payload)
