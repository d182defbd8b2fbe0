# SPDX-License-Identifier: GPL-2.0-only
"""VERSION, GET_CAPS, vectors, packet types, memory regions and what is not granted."""

import pytest

from niclib import virtchnl as vc
from niclib.virtchnl import Op, Status

NIC_PORTS = ("id=pf", "id=vf", "id=pf,queues=1", "id=pf,queues=4,vports=2")
ALL_ONES = {"csum_caps": 0xffffffff, "seg_caps": 0xffffffff, "hsplit_caps": 0xffffffff,
            "rsc_caps": 0xffffffff, "rss_caps": (1 << 64) - 1, "other_caps": (1 << 64) - 1}
CAP_WORDS = tuple(ALL_ONES)


@pytest.fixture(name="port", params=[0, 1], ids=["pf", "vf"])
def _port(make_port, request):
    """A port of each register map."""
    return make_port(request.param)


# VERSION


@pytest.mark.parametrize("major, minor", [(2, 0), (2, 1), (2, 0xffffffff)])
def test_version(mbx, major, minor):
    """The answer is 2.0, as DPDK insists."""
    assert mbx.call(Op.VERSION, vc.VERSION.pack(major=major, minor=minor)) == \
        vc.VERSION.pack(major=2, minor=0)


@pytest.mark.parametrize("major", [0, 1, 3, 0xffffffff])
def test_other_version(mbx, major):
    """Another major is refused, or answered with what the device speaks."""
    reply = mbx.exchange(Op.VERSION, vc.VERSION.pack(major=major))
    assert reply.retval or reply.data == vc.VERSION.pack(major=2, minor=0)
    assert mbx.call(Op.VERSION, vc.VERSION.pack(major=2))


def test_version_repeated(mbx):
    """Drivers retry: VERSION may come any number of times, even later."""
    for _ in range(3):
        mbx.call(Op.VERSION, vc.VERSION.pack(major=2))
    mbx.port.negotiate()
    mbx.call(Op.VERSION, vc.VERSION.pack(major=2))


# GET_CAPS


def test_caps(port):
    """What Linux asks for is granted where the NIC has it, with counts that work."""
    caps = port.negotiate()
    assert caps.rss_caps == vc.RSS_L4_FLOWS
    assert caps.hsplit_caps == vc.HSPLIT_L4
    for bit in (vc.CAP_MACFILTER, vc.CAP_PROMISC):
        assert caps.other_caps & bit
    assert port.get_caps(other_caps=vc.CAP_LINK_SPEED).other_caps == vc.CAP_LINK_SPEED
    assert caps.num_allocated_vectors >= 3
    assert caps.mailbox_vector_id == 0
    assert caps.max_rx_q >= 1 and caps.max_tx_q >= 1
    assert caps.max_rx_bufq >= 2 * caps.max_rx_q
    assert caps.max_tx_complq >= caps.max_tx_q
    assert caps.max_vports >= caps.default_num_vports >= 1
    assert caps.max_sg_bufs_per_tx_pkt >= 8
    assert caps.max_tx_hdr_size > 0


@pytest.mark.parametrize("wish", [ALL_ONES, {name: 0 for name in ALL_ONES}, vc.IDPF_WISH],
                         ids=["all", "none", "idpf"])
def test_caps_subset(port, wish):
    """Only what was asked for is granted."""
    port.start_mailbox()
    caps = port.get_caps(**wish)
    for name in CAP_WORDS:
        assert not getattr(caps, name) & ~wish[name], name


def test_caps_one_by_one(port):
    """Each bit alone is granted exactly if it is granted together with all others."""
    port.start_mailbox()
    everything = port.get_caps(**ALL_ONES)
    for word in CAP_WORDS:
        for bit in range(64 if word in ("rss_caps", "other_caps") else 32):
            if bit in (3, 17, 40) or getattr(everything, word) >> bit & 1:
                caps = port.get_caps(**{word: 1 << bit})
                assert getattr(caps, word) == getattr(everything, word) & 1 << bit


def test_caps_not_granted(port):
    """What has no engine, and what makes drivers crash, is not granted."""
    port.start_mailbox()
    caps = port.get_caps(**ALL_ONES)
    assert not caps.other_caps & (vc.CAP_SPLITQ_QSCHED | vc.CAP_RDMA | vc.CAP_PTP
                                  | vc.CAP_FLOW_STEER)
    assert not caps.csum_caps >> 24 and not caps.seg_caps >> 9
    assert caps.num_rdma_allocated_vectors == 0


def test_caps_padding(port):
    """The reply is built from zeros: nothing of the request's padding comes back."""
    port.start_mailbox()
    request = vc.CAPS.pack(**vc.IDPF_WISH, pad=b"\xff" * 3, reserved=b"\xff" * 4,
                           pad1=b"\xff" * 8, max_rx_q=0xffff, device_type=0xffffffff)
    caps = vc.CAPS.unpack(port.mbx.call(Op.GET_CAPS, request))
    assert caps.pad == bytes(3) and caps.reserved == bytes(4) and caps.pad1 == bytes(8)
    assert caps.device_type == 0 and caps.max_rx_q < 0xffff


@pytest.mark.parametrize("size", [0, 1, 40, 79])
def test_caps_short(mbx, size):
    """A cut request is refused."""
    mbx.refuse(Op.GET_CAPS, Status.EINVAL, vc.CAPS.pack(**vc.IDPF_WISH)[:size])


def test_caps_long_and_repeated(mbx):
    """A longer one gets the same answer, each time."""
    request = vc.CAPS.pack(**vc.IDPF_WISH)
    first = mbx.call(Op.GET_CAPS, request)
    assert len(first) == vc.CAPS.size
    assert mbx.call(Op.GET_CAPS, request + bytes(200)) == first
    assert mbx.call(Op.GET_CAPS, request) == first


@pytest.mark.parametrize("index, pairs, vports", [(0, 16, 1), (2, 1, 1), (3, 4, 2)])
def test_caps_follow_options(make_port, index, pairs, vports):
    """--port queues= and vports= show in the counts."""
    caps = make_port(index).negotiate()
    assert (caps.max_tx_q, caps.max_rx_q) == (pairs, pairs)
    assert caps.default_num_vports == vports
    assert caps.num_allocated_vectors >= pairs + 2


# Vectors


def test_vectors(port):
    """Vectors follow the mailbox's, and each id is its MSI-X entry."""
    caps = port.negotiate()
    head, chunks = port.alloc_vectors()
    assert head.num_vectors == caps.num_allocated_vectors - 1
    ids = [chunk.start_vector_id + i for chunk in chunks for i in range(chunk.num_vectors)]
    assert ids == list(range(1, caps.num_allocated_vectors))
    assert ids[-1] < port.vfu.irq_info(2)[3]


def test_vectors_fewer(port):
    """A driver may want fewer."""
    port.negotiate()
    head, chunks = port.alloc_vectors(2)
    assert head.num_vectors >= 2
    assert sum(chunk.num_vectors for chunk in chunks) == head.num_vectors


@pytest.mark.parametrize("count, status", [
    (0, Status.EINVAL), (1000, Status.ENOSPC), (0xffff, Status.ENOSPC)])
def test_vectors_bad_count(ctl, count, status):
    """None, or more than there are."""
    dealloc_all(ctl)
    ctl.mbx.refuse(Op.ALLOC_VECTORS, status, vc.ALLOC_VECTORS.pack(num_vectors=count))


@pytest.mark.parametrize("size", [0, 1, 31])
def test_vectors_short(ctl, size):
    """A cut request is refused."""
    ctl.mbx.refuse(Op.ALLOC_VECTORS, Status.EINVAL,
                   vc.ALLOC_VECTORS.pack(num_vectors=1)[:size])


def test_vectors_exhausted(ctl):
    """All are handed out: one more is refused."""
    ctl.mbx.refuse(Op.ALLOC_VECTORS, Status.ENOSPC, vc.ALLOC_VECTORS.pack(num_vectors=1))


def chunks_message(*ranges, count=None):
    """Return DEALLOC_VECTORS for (start, number) ranges."""
    count = len(ranges) if count is None else count
    return vc.VECTOR_CHUNKS.pack(num_vchunks=count) + b"".join(
        vc.VECTOR_CHUNK.pack(start_vector_id=start, num_vectors=number)
        for start, number in ranges)


def dealloc_all(port):
    """Give all vectors back."""
    port.mbx.call(Op.DEALLOC_VECTORS, chunks_message(
        *((chunk.start_vector_id, chunk.num_vectors) for chunk in port.vectors)))


def test_dealloc(ctl):
    """What was given back can be had again."""
    for _ in range(3):
        dealloc_all(ctl)
        ctl.alloc_vectors()


@pytest.mark.parametrize("message, status", [
    (b"", Status.EINVAL), (chunks_message()[:15], Status.EINVAL),
    (chunks_message(count=1), Status.EINVAL), (chunks_message((1, 1), count=2), Status.EINVAL),
    (chunks_message((1, 1), count=0xffff), Status.EINVAL),
    (chunks_message((0, 1)), Status.ENXIO), (chunks_message((900, 1)), Status.ENXIO),
    (chunks_message((1, 0xffff)), Status.ENXIO), (chunks_message((0xffff, 0xffff)), Status.ENXIO),
    (chunks_message((1, 0)), Status.EINVAL)],
    ids=["empty", "short", "no chunk", "one of two", "count", "the mailbox's", "none such",
         "too many", "wraps", "nothing"])
def test_dealloc_bad(ctl, message, status):
    """Chunks beyond the data or vectors that were not handed out."""
    ctl.mbx.refuse(Op.DEALLOC_VECTORS, status, message)
    dealloc_all(ctl)


def test_dealloc_twice(ctl):
    """A vector can be given back once."""
    dealloc_all(ctl)
    ctl.mbx.refuse(Op.DEALLOC_VECTORS, Status.ENXIO, chunks_message((1, 1)))


# Packet types


def get_ptypes(mbx, start, count):
    """Return the entries of one GET_PTYPE_INFO reply."""
    return vc.ptypes(mbx.call(Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(
        start_ptype_id=start, num_ptypes=count)))


def test_ptypes(ctl):
    """The table can be fetched as Linux does, ends, and has what drivers act on."""
    found = []
    start = 0
    while not found or found[-1][0] != 0xffff:
        part = get_ptypes(ctl.mbx, start, 58)
        assert part, "an empty part would make a driver ask forever"
        found += part
        start += 58
        assert start < 2000
    table = {tuple(protos): number for number, _, protos in found[:-1]}
    assert all(number < 1024 for number in table.values())
    assert len(set(table.values())) == len(table)
    for protos in ([2, 19, 25], [2, 19, 24], [2, 19, 26], [2, 19, 27], [2, 21, 25],
                   [2, 21, 24], [2, 21, 26], [2, 21, 28]):
        assert any(list(key[:3]) == protos for key in table), f"no packet type for {protos}"
    assert any(20 in key for key in table), "no IPv4 fragment"
    assert any(22 in key for key in table), "no IPv6 fragment"


def test_ptypes_as_dpdk(ctl):
    """DPDK goes on after the end and asks for all 1024 in 18 parts."""
    for start in range(0, 1024, 58):
        part = get_ptypes(ctl.mbx, start, min(58, 1024 - start))
        assert part


@pytest.mark.parametrize("start, count", [(0, 1), (0, 1023), (5, 3), (1023, 1)])
def test_ptypes_parts(ctl, start, count):
    """Parts of other sizes hold at most what was asked for and the end."""
    part = get_ptypes(ctl.mbx, start, count)
    assert len([entry for entry in part if entry[0] != 0xffff]) <= count
    assert all(start <= number < start + count for number, _, _ in part if number != 0xffff)


def test_ptypes_one_by_one(ctl):
    """Wherever a part begins and ends, it holds each type of its range exactly once."""
    table = get_ptypes(ctl.mbx, 0, 1023)[:-1]
    for entry in table:
        number = entry[0]
        assert get_ptypes(ctl.mbx, number, 1)[0] == entry
        after = [other for other in table if number < other[0] <= number + 20]
        assert get_ptypes(ctl.mbx, number + 1, 20)[:len(after)] == after
        before = [other for other in table if other[0] < number]
        assert get_ptypes(ctl.mbx, 0, number)[:len(before)] == before


@pytest.mark.parametrize("start, count", [(1024, 1), (0xffff, 0xffff), (0, 0xffff), (1000, 58)])
def test_ptypes_out_of_range(ctl, start, count):
    """Beyond the last id: refused or answered with the end only, never with rubbish."""
    reply = ctl.mbx.exchange(Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(
        start_ptype_id=start, num_ptypes=count))
    if not reply.retval:
        assert all(number < 1024 or number == 0xffff for number, _, _ in vc.ptypes(reply.data))


@pytest.mark.parametrize("size", [0, 3, 7])
def test_ptypes_short(ctl, size):
    """A cut request is refused."""
    ctl.mbx.refuse(Op.GET_PTYPE_INFO, Status.EINVAL,
                   vc.PTYPE_INFO.pack(num_ptypes=58)[:size])


def test_ptypes_long(ctl):
    """DPDK's request of 16 bytes is fine."""
    assert ctl.mbx.call(Op.GET_PTYPE_INFO, vc.PTYPE_INFO.pack(num_ptypes=58) + bytes(8))


# Memory regions


def test_lan_regions(ctl):
    """If granted: regions in BAR0 that hold all registers and respect the static windows."""
    request = vc.LAN_REGIONS.pack(num_memory_regions=1) + bytes(16)
    if not ctl.caps.other_caps & vc.CAP_LAN_REGIONS:
        ctl.mbx.refuse(Op.GET_LAN_MEMORY_REGIONS, Status.EPERM, request)
        return
    reply = ctl.mbx.call(Op.GET_LAN_MEMORY_REGIONS, request)
    count = vc.LAN_REGIONS.unpack(reply).num_memory_regions
    assert count >= 1 and len(reply) == 8 + 16 * count
    regions = [(region.start_offset, region.start_offset + region.size)
               for region in vc.MEM_REGION.unpack_array(reply, 8, count)]
    assert all(start < end <= ctl.regs.bar_size for start, end in regions)
    for start, end in regions:
        for window, size in ctl.regs.static_windows:
            assert end <= window or start >= window + size or \
                (start >= window and end <= window + size), "overlaps a static window"
    needed = [ctl.regs.oicr_ena, ctl.caps.mailbox_dyn_ctl, ctl.dyn_ctl(1), ctl.itr(1, 0)]
    for offset in needed:
        inside = any(start <= offset < end for start, end in regions)
        static = any(w <= offset < w + size for w, size in ctl.regs.static_windows)
        assert inside or static, f"no region for {offset:#x}"


@pytest.mark.parametrize("size", [0, 7])
def test_lan_regions_short(ctl, size):
    """A cut request is refused."""
    ctl.mbx.refuse(Op.GET_LAN_MEMORY_REGIONS, Status.EINVAL, bytes(size))


# What is not there


@pytest.mark.parametrize("opcode, size", [
    (Op.PTP_GET_CAPS, 104), (Op.GET_EDT_CAPS, 16), (551, 64), (552, 64), (553, 64), (529, 64),
    (Op.EVENT, 16)])
def test_not_granted(ctl, opcode, size):
    """Messages of capabilities that were not granted, or that only the device sends."""
    ctl.mbx.refuse(opcode, Status.EPERM, bytes(size))


@pytest.mark.parametrize("count", [1, 8, 0xffff])
def test_sriov(ctl, count):
    """There are no virtual functions to enable."""
    assert ctl.caps.max_sriov_vfs == 0
    ctl.mbx.refuse(Op.SET_SRIOV_VFS, Status.EPERM, vc.SRIOV.pack(num_vfs=count))


def test_sriov_short(ctl):
    """A cut request is refused."""
    ctl.mbx.refuse(Op.SET_SRIOV_VFS, Status.EINVAL, bytes(3))


@pytest.mark.parametrize("opcode, payload", [
    (Op.ALLOC_VECTORS, vc.ALLOC_VECTORS.pack(num_vectors=2)),
    (Op.CREATE_VPORT, vc.CREATE_VPORT.pack(txq_model=1, rxq_model=1, num_tx_q=1,
                                           num_tx_complq=1, num_rx_q=1, num_rx_bufq=2)),
    (Op.ENABLE_VPORT, vc.vport(0)), (Op.GET_STATS, vc.STATS.pack())])
def test_before_negotiation(mbx, opcode, payload):
    """Out of order, before VERSION and GET_CAPS: answered in any case, then all works."""
    mbx.exchange(opcode, payload)
    mbx.port.reset()
    mbx.port.start_mailbox()
    assert mbx.port.negotiate().num_allocated_vectors >= 3
