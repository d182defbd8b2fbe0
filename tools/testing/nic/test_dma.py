# SPDX-License-Identifier: GPL-2.0-only
"""DMA_MAP and DMA_UNMAP: what may be mapped, what may not, and what is left behind."""

import errno
import mmap
import os
import struct

import pytest

from niclib import vfu as v
from niclib.virtchnl import Op, VERSION
from niclib.wait import wait_for

PAGE = 4096
BASE = 0x1000_0000


@pytest.fixture(name="memfd")
def _memfd():
    """16 MiB of memory."""
    descriptor = os.memfd_create("dma-test")
    os.ftruncate(descriptor, 16 << 20)
    yield descriptor
    os.close(descriptor)


def map_payload(argsz=32, flags=3, offset=0, addr=BASE, size=PAGE):
    """Return the payload of DMA_MAP."""
    return struct.pack("<IIQQQ", argsz, flags, offset, addr, size)


def unmap_payload(argsz=24, flags=0, addr=BASE, size=PAGE):
    """Return the payload of DMA_UNMAP."""
    return struct.pack("<IIQQ", argsz, flags, addr, size)


def test_map_unmap(nic, vfu, memfd):
    """What was mapped can be unmapped, and nothing of it stays in the NIC."""
    files = len(nic.descriptors())
    for _ in range(20):
        assert vfu.dma_map(BASE, 1 << 20, memfd) == b""
        assert vfu.dma_unmap(BASE, 1 << 20) == unmap_payload(size=1 << 20)
    assert len(nic.descriptors()) == files
    assert nic.mappings("dma-test") == 0


@pytest.mark.parametrize("flags", [v.MAP_READ, v.MAP_WRITE, v.MAP_READ | v.MAP_WRITE])
def test_permissions(vfu, memfd, flags):
    """Each combination of read and write is accepted."""
    vfu.dma_map(BASE, PAGE, memfd, 0, flags)
    vfu.dma_unmap(BASE, PAGE)


def test_outstanding(vfu, memfd):
    """Several maps are sent without waiting, as QEMU does; all are answered."""
    ids = [vfu.send(v.DMA_MAP, map_payload(addr=BASE + i * PAGE, offset=i * PAGE), [memfd])
           for i in range(32)]
    for msg_id in ids:
        vfu.reply_to(msg_id, v.DMA_MAP)
    for i in range(32):
        vfu.dma_unmap(BASE + i * PAGE, PAGE)


def test_without_descriptor(vfu):
    """Ranges without a descriptor (ROMs, video memory) are accepted and can be unmapped."""
    vfu.dma_map(0xfffc0000, 0x40000)
    vfu.dma_unmap(0xfffc0000, 0x40000)


def test_top_of_the_address_space(vfu, memfd):
    """The last page of the address space can be mapped: its end is 2^64."""
    last = (1 << 64) - PAGE
    vfu.dma_map(last, PAGE, memfd)
    vfu.dma_unmap(last, PAGE)


@pytest.mark.parametrize("payload", [
    map_payload(addr=BASE + PAGE), map_payload(addr=BASE, size=2 * PAGE),
    map_payload(addr=BASE - PAGE, size=3 * PAGE), map_payload(addr=BASE),
    map_payload(addr=BASE + 3 * PAGE, size=2 * PAGE)],
    ids=["inside", "same start", "around", "first page", "last page"])
def test_overlap(vfu, memfd, payload):
    """A range that overlaps one which is mapped is refused and changes nothing."""
    vfu.dma_map(BASE, 4 * PAGE, memfd)
    assert vfu.expect_error(v.DMA_MAP, payload, [memfd]) > 0
    vfu.dma_unmap(BASE, 4 * PAGE)
    vfu.request(v.DMA_MAP, payload, [memfd])


def test_repeated_map(vfu, memfd):
    """The same map twice is refused the second time."""
    vfu.dma_map(BASE, PAGE, memfd)
    assert vfu.expect_error(v.DMA_MAP, map_payload(), [memfd]) > 0


def test_neighbours(vfu, memfd):
    """Ranges that touch each other do not overlap; they are unmapped one by one."""
    for i in (1, 0, 2):
        vfu.dma_map(BASE + i * PAGE, PAGE, memfd, i * PAGE)
    for i in (1, 2, 0):
        vfu.dma_unmap(BASE + i * PAGE, PAGE)
    vfu.dma_map(BASE, 3 * PAGE, memfd)


@pytest.mark.parametrize("payload", [
    map_payload(size=0), map_payload(addr=(1 << 64) - PAGE, size=2 * PAGE),
    map_payload(size=(1 << 64) - PAGE), map_payload(offset=(1 << 64) - PAGE, size=2 * PAGE),
    map_payload(offset=1), map_payload(addr=BASE + 1), map_payload(size=PAGE + 1),
    map_payload(argsz=31), map_payload(argsz=0), map_payload(flags=0x10),
    map_payload(flags=0xffffffff)],
    ids=["no size", "end beyond 2^64", "size beyond 2^64", "offset beyond 2^64", "odd offset",
         "odd address", "odd size", "small argsz", "no argsz", "unknown flag", "all flags"])
def test_bad_map(nic, vfu, memfd, payload):
    """Values that cannot be are refused, and the descriptor is closed."""
    files = len(nic.descriptors())
    assert vfu.expect_error(v.DMA_MAP, payload, [memfd]) > 0
    assert len(nic.descriptors()) == files
    assert nic.mappings("dma-test") == 0


@pytest.mark.parametrize("size", [0, 8, 31])
def test_short_map(nic, vfu, memfd, size):
    """A payload shorter than the message is refused, and the descriptor is closed."""
    files = len(nic.descriptors())
    assert vfu.expect_error(v.DMA_MAP, map_payload()[:size], [memfd]) > 0
    assert len(nic.descriptors()) == files


def test_beyond_the_file(nic, vfu, memfd):
    """A range beyond its file's end is refused: touching it would be a SIGBUS."""
    os.ftruncate(memfd, 2 * PAGE)
    files = len(nic.descriptors())
    for offset, size in ((0, 3 * PAGE), (PAGE, 2 * PAGE), (2 * PAGE, PAGE), (4 * PAGE, PAGE)):
        payload = map_payload(offset=offset, size=size)
        assert vfu.expect_error(v.DMA_MAP, payload, [memfd]) > 0
    assert len(nic.descriptors()) == files
    vfu.dma_map(BASE, PAGE, memfd, PAGE)


def test_bad_descriptor(nic, vfu):
    """A descriptor that cannot be mapped is refused."""
    files = len(nic.descriptors())
    read_end, write_end = os.pipe()
    try:
        assert vfu.expect_error(v.DMA_MAP, map_payload(), [read_end]) > 0
    finally:
        os.close(read_end)
        os.close(write_end)
    assert len(nic.descriptors()) == files


def test_read_only_descriptor(vfu, memfd):
    """A read-only file cannot be mapped for writing, but for reading."""
    path = f"/proc/self/fd/{memfd}"
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert vfu.expect_error(v.DMA_MAP, map_payload(flags=v.MAP_WRITE), [descriptor]) > 0
        vfu.dma_map(BASE, PAGE, descriptor, 0, v.MAP_READ)
    finally:
        os.close(descriptor)


def test_several_descriptors(nic, vfu, memfd):
    """More than one descriptor is an error or the others are closed."""
    files = len(nic.descriptors())
    try:
        vfu.request(v.DMA_MAP, map_payload(), [memfd] * 4)
        vfu.dma_unmap(BASE, PAGE)
    except v.VfuError:
        pass
    assert len(nic.descriptors()) == files


def test_many(nic, vfu, memfd):
    """As many maps as were announced, or an error: never a crash or leak."""
    files = len(nic.descriptors())
    count = 0
    number = None
    for count in range(4000):
        try:
            vfu.dma_map(BASE + 2 * count * PAGE, PAGE, memfd, count % 4096 * PAGE)
        except v.VfuError as error:
            number = error.number
            break
    assert count >= 64, f"only {count} maps"
    assert number in (None, errno.ENOSPC, errno.EMFILE, errno.ENOMEM, errno.EINVAL, errno.E2BIG)
    vfu.dma_unmap(0, 0, v.UNMAP_ALL)
    assert len(nic.descriptors()) == files
    assert nic.mappings("dma-test") == 0


@pytest.mark.parametrize("payload", [
    unmap_payload(addr=BASE + PAGE), unmap_payload(size=2 * PAGE), unmap_payload(addr=0),
    unmap_payload(addr=BASE + 4 * PAGE), unmap_payload(size=0),
    unmap_payload(size=(1 << 64) - 1), unmap_payload(argsz=0), unmap_payload(argsz=23),
    unmap_payload(flags=0x80000000)],
    ids=["second page", "too long", "elsewhere", "behind", "no size", "endless", "no argsz",
         "small argsz", "unknown flag"])
def test_bad_unmap(vfu, memfd, payload):
    """Unmapping something that is not mapped so is refused; the map stays."""
    vfu.dma_map(BASE, 4 * PAGE, memfd)
    assert vfu.expect_error(v.DMA_UNMAP, payload) > 0
    assert vfu.expect_error(v.DMA_MAP, map_payload(), [memfd]) > 0
    vfu.dma_unmap(BASE, 4 * PAGE)


@pytest.mark.parametrize("size", [0, 16, 23])
def test_short_unmap(vfu, size):
    """A payload shorter than the message is refused."""
    assert vfu.expect_error(v.DMA_UNMAP, unmap_payload()[:size]) > 0


def test_unmap_twice(vfu, memfd):
    """A range can be unmapped once."""
    vfu.dma_map(BASE, PAGE, memfd)
    vfu.dma_unmap(BASE, PAGE)
    assert vfu.expect_error(v.DMA_UNMAP, unmap_payload()) > 0


def test_unmap_all(nic, vfu, memfd):
    """One message takes everything back, and may do so twice."""
    for i in range(10):
        vfu.dma_map(BASE + i * PAGE, PAGE, memfd, i * PAGE)
    vfu.dma_map(0xfffc0000, 0x40000)
    vfu.dma_unmap(0, 0, v.UNMAP_ALL)
    vfu.dma_unmap(0, 0, v.UNMAP_ALL)
    assert nic.mappings("dma-test") == 0
    vfu.dma_map(BASE, 10 * PAGE, memfd)


def test_disconnect_unmaps(nic, vfu, memfd):
    """When the client goes, its memory goes."""
    vfu.dma_map(BASE, 1 << 20, memfd)
    vfu.close()
    wait_for(lambda: nic.mappings("dma-test") == 0, "unmapping after the disconnection")


def test_remap_elsewhere(port):
    """A mailbox works in memory which was unmapped and mapped again."""
    port.mem.detach(port.vfu)
    port.mem.attach(port.vfu)
    mbx = port.start_mailbox()
    assert len(mbx.call(Op.VERSION, VERSION.pack(major=2))) == 8


def test_unmapped_mailbox(port):
    """A mailbox whose memory is taken away is an error; once it is back all is well."""
    mbx = port.start_mailbox()
    mbx.call(Op.VERSION, VERSION.pack(major=2))
    port.mem.detach(port.vfu)
    with port.counted("dma_no_map"):
        port.wr32(port.regs.atqt, 5)
    port.mem.attach(port.vfu)
    port.reset()
    mbx = port.start_mailbox()
    assert len(mbx.call(Op.VERSION, VERSION.pack(major=2))) == 8


def test_read_only_receive_ring(port):
    """Memory which is mapped for reading only is never written."""
    port.mem.detach(port.vfu)
    port.mem.attach(port.vfu, v.MAP_READ)
    with port.counted("dma_perm"):
        mbx = port.start_mailbox()
        mbx.send(Op.VERSION, VERSION.pack(major=2))
    assert not mbx.pending()
    assert not mbx.atq.flags(0) & 1


def test_file_is_cut(ctl, make_port):
    """A client that truncates the file behind its memory loses that memory, nobody else does."""
    other = make_port(1)
    os.ftruncate(ctl.mem.descriptor, 0)
    with ctl.counted("dma_no_map"):
        ctl.mbx.ring()
        ctl.wr32(ctl.regs.atqt, (ctl.mbx.atq_next + 3) % 64)
        ctl.flush()
    other.negotiate()
    ctl.ready()
    assert ctl.vfu.info()


HUGE_PAGES = "/proc/sys/vm/nr_hugepages"


def huge_pages(number=None):
    """Give the host @number huge pages, by default two more; return how many it had."""
    try:
        with open(HUGE_PAGES, encoding="ascii") as pool:
            before = int(pool.read())
        with open(HUGE_PAGES, "w", encoding="ascii") as pool:
            pool.write(str(before + 2 if number is None else number))
    except OSError:
        return None  # not ours to change: perhaps there are some
    return before


@pytest.fixture(name="huge_file")
def _huge_file():
    """4 MiB of huge pages; the host gets two more for that time if it lets us."""
    before = huge_pages()
    descriptor = os.memfd_create("huge-test", os.MFD_HUGETLB)
    try:
        os.ftruncate(descriptor, 4 << 20)
        mmap.mmap(descriptor, 4 << 20).close()
        yield descriptor
    except OSError as error:
        pytest.skip(f"no huge pages: {error.strerror}")
    finally:
        os.close(descriptor)
        if before is not None:
            huge_pages(before)


def test_huge_pages(nic, vfu, huge_file):
    """Parts of a file of huge pages are mapped like those of any other, and given back."""
    descriptor = huge_file
    vfu.dma_map(BASE, 0xa0000, descriptor)
    vfu.dma_map(BASE + 0xc0000, 0x240000, descriptor, 0xc0000)
    assert nic.mappings("huge-test") == 2
    vfu.dma_unmap(BASE, 0xa0000)
    vfu.dma_unmap(BASE + 0xc0000, 0x240000)
    assert nic.mappings("huge-test") == 0
