# SPDX-License-Identifier: GPL-2.0-only
"""GET_INFO, REGION_INFO and accesses to regions of every size, in and out of range."""

import struct

import pytest

from niclib import vfu as v
from niclib.regs import PfMap, VfMap

NIC_PORTS = ("id=pf", "id=vf", "id=class")
BAR0_SIZE = (PfMap.bar_size, VfMap.bar_size, PfMap.bar_size)
BAR4_SIZE = 64 << 10
CONFIG_SIZE = 4096


@pytest.fixture(name="fun", params=[0, 1, 2], ids=["pf", "vf", "class"])
def _fun(nic, request):
    """A connection to each kind of function, with the size of its BAR0."""
    client = nic.connect(request.param)
    client.bar0_size = BAR0_SIZE[request.param]
    yield client
    client.close()


def test_info(fun):
    """A PCI device that can be reset, with PCI's regions and interrupts."""
    assert fun.info() == (3, v.NUM_REGIONS, v.NUM_IRQS)


@pytest.mark.parametrize("size", [0, 4, 15])
def test_info_short(vfu, size):
    """GET_INFO with less than its 16 bytes is refused."""
    assert vfu.expect_error(v.GET_INFO, struct.pack("<IIII", 16, 0, 0, 0)[:size]) > 0


@pytest.mark.parametrize("argsz", [0, 15])
def test_info_argsz(vfu, argsz):
    """GET_INFO with a small argsz is refused."""
    assert vfu.expect_error(v.GET_INFO, struct.pack("<IIII", argsz, 0, 0, 0)) > 0


@pytest.mark.parametrize("index", range(v.NUM_REGIONS))
def test_region_info(fun, index):
    """Each region has the size that PCI and the register map ask for."""
    size_of = {0: fun.bar0_size, 4: BAR4_SIZE, v.REGION_CONFIG: CONFIG_SIZE}
    _, flags, got_index, cap_offset, size, _ = fun.region_info(index)
    assert got_index == index
    assert size == size_of.get(index, 0)
    if size:
        assert flags & 3 == 3, "not readable and writable"
        assert bool(flags & 8) == bool(cap_offset)
    else:
        assert flags == 0


@pytest.mark.parametrize("index", [v.NUM_REGIONS, 10, 100, 0x7fffffff, 0xffffffff])
def test_region_info_index(vfu, index):
    """There are no more regions."""
    payload = struct.pack("<IIIIQQ", 32, 0, index, 0, 0, 0)
    assert vfu.expect_error(v.REGION_INFO, payload) > 0


@pytest.mark.parametrize("size", [0, 12, 31])
def test_region_info_short(vfu, size):
    """REGION_INFO with less than its 32 bytes is refused."""
    payload = struct.pack("<IIIIQQ", 32, 0, 0, 0, 0, 0)
    assert vfu.expect_error(v.REGION_INFO, payload[:size]) > 0


@pytest.mark.parametrize("argsz", [0, 16, 31])
def test_region_info_argsz(vfu, argsz):
    """REGION_INFO with a small argsz is refused."""
    payload = struct.pack("<IIIIQQ", argsz, 0, 0, 0, 0, 0)
    assert vfu.expect_error(v.REGION_INFO, payload) > 0


def test_region_info_big_argsz(vfu):
    """A larger argsz than needed changes nothing."""
    assert vfu.region_info(v.REGION_CONFIG, argsz=4096)[4] == CONFIG_SIZE


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize("region", [0, 4, v.REGION_CONFIG])
def test_sizes(fun, region, count):
    """Reads of all sizes work at both ends of each region."""
    size = {0: fun.bar0_size, 4: BAR4_SIZE, v.REGION_CONFIG: CONFIG_SIZE}[region]
    for offset in (0, count, size // 2, size - count):
        assert len(fun.read(region, offset, count)) == count


def test_whole_config(fun):
    """QEMU reads the configuration space at once; it agrees with single reads."""
    whole = fun.read(v.REGION_CONFIG, 0, CONFIG_SIZE)
    parts = b"".join(fun.read(v.REGION_CONFIG, i, 4) for i in range(0, 256, 4))
    assert whole[:256] == parts
    assert b"".join(fun.read(v.REGION_CONFIG, i, 1) for i in range(64)) == whole[:64]


def bad_ranges(size):
    """Return (offset, count) pairs that are not inside a region of @size bytes."""
    return [(size, 1), (size, 4), (size - 1, 2), (size - 2, 4), (size - 4, 8), (size - 7, 8),
            (size + 4096, 4), (1 << 32, 4), (1 << 63, 4), ((1 << 64) - 4, 4),
            ((1 << 64) - 4, 8), ((1 << 64) - 1, 1)]


@pytest.mark.parametrize("region", [0, 4, v.REGION_CONFIG])
def test_out_of_range(fun, region):
    """Accesses that begin or end outside of a region are refused, reads and writes."""
    size = {0: fun.bar0_size, 4: BAR4_SIZE, v.REGION_CONFIG: CONFIG_SIZE}[region]
    for offset, count in bad_ranges(size):
        head = struct.pack("<QII", offset, region, count)
        assert fun.expect_error(v.REGION_READ, head) > 0
        assert fun.expect_error(v.REGION_WRITE, head + bytes(count)) > 0
    assert fun.info()[1] == v.NUM_REGIONS


@pytest.mark.parametrize("region", [1, 2, 3, 5, 6, 8, 9, 100, 0x80000000, 0xffffffff])
def test_no_such_region(vfu, region):
    """Regions that are empty or do not exist cannot be accessed."""
    head = struct.pack("<QII", 0, region, 4)
    assert vfu.expect_error(v.REGION_READ, head) > 0
    assert vfu.expect_error(v.REGION_WRITE, head + bytes(4)) > 0


@pytest.mark.parametrize("size", [0, 8, 15])
def test_short_access(vfu, size):
    """An access whose head is cut is refused."""
    head = struct.pack("<QII", 0, v.REGION_CONFIG, 4)
    assert vfu.expect_error(v.REGION_READ, head[:size]) > 0
    assert vfu.expect_error(v.REGION_WRITE, head[:size]) > 0


@pytest.mark.parametrize("given", [0, 1, 3, 5, 4096])
def test_write_data_size(vfu, given):
    """A write whose data is shorter or longer than its count is refused."""
    head = struct.pack("<QII", 0x10, v.REGION_CONFIG, 4)
    before = vfu.config(0x10, "I")
    assert vfu.expect_error(v.REGION_WRITE, head + b"\xff" * given) > 0
    assert vfu.config(0x10, "I") == before


@pytest.mark.parametrize("count", [0, 2 << 20, 0x7fffffff, 0xffffffff])
def test_count(nic, vfu, count):
    """Nothing, and more than max_data_xfer_size: no harm, no endless reply."""
    head = struct.pack("<QII", 0, 0, count)
    try:
        reply = vfu.request(v.REGION_READ, head)
        assert count == 0 and reply == head
    except v.VfuError:
        pass
    assert vfu.info()[1] == v.NUM_REGIONS
    nic.alive()


@pytest.mark.parametrize("count", [3, 5, 6, 7, 9, 16])
def test_odd_sizes(vfu, count):
    """Sizes that no CPU makes are served or refused, in BAR0 and in the config space."""
    for region in (0, v.REGION_CONFIG):
        head = struct.pack("<QII", 0x40, region, count)
        try:
            assert len(vfu.request(v.REGION_READ, head)) == 16 + count
        except v.VfuError as error:
            assert error.number > 0
    assert vfu.info()[1] == v.NUM_REGIONS


def resident(nic):
    """Return how much memory the NIC uses, in bytes."""
    with open(f"/proc/{nic.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


def test_unread_answers(nic, vfu):
    """A client that asks for much and reads nothing does not fill the NIC's memory; when it reads,
    every answer comes, in order."""
    before = resident(nic)
    count = 3000
    request = struct.pack("<QII", 0, 4, BAR4_SIZE)
    vfu.send_raw(b"".join(
        v.HEADER.pack(msg_id, v.REGION_READ, v.HEADER.size + len(request), 0, 0) + request
        for msg_id in range(count)))
    nic.control("stats")
    assert resident(nic) - before < 64 << 20
    for msg_id in range(count):
        assert len(vfu.reply_to(msg_id, v.REGION_READ).payload) == 16 + BAR4_SIZE
    assert vfu.info()[1] == v.NUM_REGIONS


def test_posted_is_silent(vfu):
    """Posted writes are never answered, not even wrong ones."""
    vfu.post(v.REGION_CONFIG, 0x10, bytes(4))
    vfu.post(v.REGION_CONFIG, 1 << 40, bytes(4))
    vfu.post(0, PfMap.bar_size, bytes(4))
    vfu.post(77, 0, bytes(4))
    vfu.send(v.REGION_WRITE, b"\1\2\3", flags=v.NO_REPLY)
    vfu.send(v.REGION_WRITE, struct.pack("<QII", 0, 0, 99), flags=v.NO_REPLY)
    assert vfu.info()[1] == v.NUM_REGIONS


def test_posted_order(vfu):
    """A read sees all writes that were posted before it."""
    for value in range(200):
        vfu.post(0, PfMap.atqbal, struct.pack("<I", value << 12))
        assert struct.unpack("<I", vfu.read(0, PfMap.atqbal, 4))[0] == value << 12


def test_write_multi(vfu):
    """WRITE_MULTI makes all its writes, in order."""
    writes = [(0, PfMap.atqbal, struct.pack("<I", i << 12)) for i in range(200)]
    vfu.write_multi(writes)
    assert vfu.read(0, PfMap.atqbal, 4) == struct.pack("<I", 199 << 12)
    writes = [(0, PfMap.atqbal, b"\x00\x10\x00\x00"), (0, PfMap.atqbah, b"\x02\x00\x00\x00")]
    vfu.write_multi(writes, v.NO_REPLY)
    assert vfu.read(0, PfMap.atqbal, 8) == struct.pack("<II", 0x1000, 2)


@pytest.mark.parametrize("payload", [
    b"", bytes(7), struct.pack("<Q", 1), struct.pack("<Q", 2) + bytes(24),
    struct.pack("<Q", 1) + bytes(23), struct.pack("<Q", 1 << 63) + bytes(24),
    struct.pack("<Q", 0xaaaaaaaaaaaaaab) + bytes(24),
    struct.pack("<QQII8s", 1, 0, 0, 9, bytes(8)), struct.pack("<QQII8s", 1, 0, 0, 0xffffffff, b""),
    struct.pack("<QQII8s", 1, 0, 44, 4, bytes(8)),
    struct.pack("<QQII8s", 1, PfMap.bar_size, 0, 4, bytes(8)),
    struct.pack("<Q", 1) + struct.pack("<QII8s", PfMap.atqbal, 0, 4, bytes(8)) * 2],
    ids=["empty", "no count", "no entry", "one of two", "cut entry", "2^63 entries",
         "count that wraps", "9 bytes", "2^32 bytes", "no region", "out of range",
         "one too many"])
def test_write_multi_bad(vfu, payload):
    """A count beyond the data, or an entry that cannot be, is refused."""
    assert vfu.expect_error(v.WRITE_MULTI, payload) > 0
    vfu.send(v.WRITE_MULTI, payload, flags=v.NO_REPLY)
    assert vfu.info()[1] == v.NUM_REGIONS


def test_write_multi_none(vfu):
    """No writes at all are served or refused, and answered."""
    try:
        vfu.write_multi([])
    except v.VfuError as error:
        assert error.number > 0
    assert vfu.info()[1] == v.NUM_REGIONS
