# SPDX-License-Identifier: GPL-2.0-only
"""virtchnl2: opcodes, message layouts, and builders of whole messages."""

from enum import IntEnum

from .layout import Layout


class Op(IntEnum):
    """Operation numbers."""

    VERSION = 1
    GET_CAPS = 500
    CREATE_VPORT = 501
    DESTROY_VPORT = 502
    ENABLE_VPORT = 503
    DISABLE_VPORT = 504
    CONFIG_TX_QUEUES = 505
    CONFIG_RX_QUEUES = 506
    ENABLE_QUEUES = 507
    DISABLE_QUEUES = 508
    ADD_QUEUES = 509
    DEL_QUEUES = 510
    MAP_QUEUE_VECTOR = 511
    UNMAP_QUEUE_VECTOR = 512
    GET_RSS_KEY = 513
    SET_RSS_KEY = 514
    GET_RSS_LUT = 515
    SET_RSS_LUT = 516
    GET_RSS_HASH = 517
    SET_RSS_HASH = 518
    SET_SRIOV_VFS = 519
    ALLOC_VECTORS = 520
    DEALLOC_VECTORS = 521
    EVENT = 522
    GET_STATS = 523
    RESET_VF = 524
    GET_EDT_CAPS = 525
    GET_PTYPE_INFO = 526
    LOOPBACK = 534
    ADD_MAC_ADDR = 535
    DEL_MAC_ADDR = 536
    CONFIG_PROMISC = 537
    GET_PORT_STATS = 540
    PTP_GET_CAPS = 541
    GET_LAN_MEMORY_REGIONS = 549


class Status(IntEnum):
    """Return values of messages."""

    EPERM = 1
    ESRCH = 3
    ENXIO = 6
    EEXIST = 17
    EINVAL = 22
    ENOSPC = 28
    EMODE = 200
    ESM = 201


VERSION = Layout("vc2_version", ("major", "I"), ("minor", "I"))

CAPS = Layout(
    "vc2_caps",
    ("csum_caps", "I"), ("seg_caps", "I"), ("hsplit_caps", "I"), ("rsc_caps", "I"),
    ("rss_caps", "Q"), ("other_caps", "Q"),
    ("mailbox_dyn_ctl", "I"), ("mailbox_vector_id", "H"), ("num_allocated_vectors", "H"),
    ("max_rx_q", "H"), ("max_tx_q", "H"), ("max_rx_bufq", "H"), ("max_tx_complq", "H"),
    ("max_sriov_vfs", "H"), ("max_vports", "H"), ("default_num_vports", "H"),
    ("max_tx_hdr_size", "H"), ("max_sg_bufs_per_tx_pkt", "B"), ("pad", "3s"),
    ("reserved", "4s"), ("device_type", "I"), ("min_sso_packet_len", "B"),
    ("max_hdr_buf_per_lso", "B"), ("num_rdma_allocated_vectors", "H"), ("pad1", "8s"))

CSUM_ALL = 0xffffff
SEG_ALL = 0x1ff
HSPLIT_L4 = 0xc
RSC_ALL = 0xf
RSS_L4_FLOWS = 0xff
CAP_RDMA = 1 << 0
CAP_MACFILTER = 1 << 2
CAP_SPLITQ_QSCHED = 1 << 4
CAP_WB_ON_ITR = 1 << 7
CAP_PROMISC = 1 << 8
CAP_LINK_SPEED = 1 << 9
CAP_PTP = 1 << 13
CAP_RX_FLEX_DESC = 1 << 17
CAP_PTYPE = 1 << 18
CAP_LOOPBACK = 1 << 19
CAP_FLOW_STEER = 1 << 21
CAP_LAN_REGIONS = 1 << 22

# What idpf of Linux 7.3 asks for
IDPF_WISH = {"csum_caps": 0x55ff7f, "seg_caps": 0xbf, "hsplit_caps": 0xc, "rsc_caps": 0x5,
             "rss_caps": 0xff, "other_caps": 0x482117}

REG_CHUNK = Layout("vc2_queue_reg_chunk", ("type", "I"), ("start_queue_id", "I"),
                   ("num_queues", "I"), ("pad", "I"), ("qtail_reg_start", "Q"),
                   ("qtail_reg_spacing", "I"), ("pad1", "4s"))

CREATE_VPORT = Layout(
    "vc2_create_vport",
    ("vport_type", "H"), ("txq_model", "H"), ("rxq_model", "H"), ("num_tx_q", "H"),
    ("num_tx_complq", "H"), ("num_rx_q", "H"), ("num_rx_bufq", "H"), ("default_rx_q", "H"),
    ("vport_index", "H"), ("max_mtu", "H"), ("vport_id", "I"), ("default_mac_addr", "6s"),
    ("vport_flags", "H"), ("rx_desc_ids", "Q"), ("tx_desc_ids", "Q"), ("pad1", "48s"),
    ("inline_flow_caps", "Q"), ("sideband_flow_caps", "Q"), ("sideband_flow_actions", "I"),
    ("flow_steer_max_rules", "I"), ("rss_algorithm", "I"), ("rss_key_size", "H"),
    ("rss_lut_size", "H"), ("rx_split_pos", "I"), ("pad2", "20s"), ("num_chunks", "H"),
    ("pad3", "6s"))

SPLIT = 1
SINGLE = 0
TXQ = 0
RXQ = 1
COMPLQ = 2
BUFQ = 3

VPORT = Layout("vc2_vport", ("vport_id", "I"), ("pad", "4s"))

TXQ_INFO = Layout(
    "vc2_txq_info",
    ("dma_ring_addr", "Q"), ("type", "I"), ("queue_id", "I"), ("relative_queue_id", "H"),
    ("model", "H"), ("sched_mode", "H"), ("qflags", "H"), ("ring_len", "H"),
    ("tx_compl_queue_id", "H"), ("peer_type", "H"), ("peer_rx_queue_id", "H"), ("pad", "4s"),
    ("egress_pasid", "I"), ("egress_hdr_pasid", "I"), ("egress_buf_pasid", "I"), ("pad1", "8s"))

SCHED_QUEUE = 0
SCHED_FLOW = 1

CONFIG_TX = Layout("vc2_config_tx_queues", ("vport_id", "I"), ("num_qinfo", "H"), ("pad", "10s"))

RXQ_INFO = Layout(
    "vc2_rxq_info",
    ("desc_ids", "Q"), ("dma_ring_addr", "Q"), ("type", "I"), ("queue_id", "I"),
    ("model", "H"), ("hdr_buffer_size", "H"), ("data_buffer_size", "I"),
    ("max_pkt_size", "I"), ("ring_len", "H"), ("buffer_notif_stride", "B"), ("pad", "B"),
    ("dma_head_wb_addr", "Q"), ("qflags", "H"), ("rx_buffer_low_watermark", "H"),
    ("rx_bufq1_id", "H"), ("rx_bufq2_id", "H"), ("bufq2_ena", "B"), ("pad1", "3s"),
    ("ingress_pasid", "I"), ("ingress_hdr_pasid", "I"), ("ingress_buf_pasid", "I"),
    ("pad2", "16s"))

RXQ_HDR_SPLIT = 1 << 1
RXQ_DESC_32B = 1 << 4
RXDID_FLEX = 1 << 2

CONFIG_RX = Layout("vc2_config_rx_queues", ("vport_id", "I"), ("num_qinfo", "H"), ("pad", "18s"))

ADD_QUEUES = Layout(
    "vc2_add_queues",
    ("vport_id", "I"), ("num_tx_q", "H"), ("num_tx_complq", "H"), ("num_rx_q", "H"),
    ("num_rx_bufq", "H"), ("pad", "4s"), ("num_chunks", "H"), ("pad1", "6s"))

QUEUE_CHUNK = Layout("vc2_queue_chunk", ("type", "I"), ("start_queue_id", "I"),
                     ("num_queues", "I"), ("pad", "4s"))

CHUNK_MSG = Layout("vc2_queue_chunk_msg", ("vport_id", "I"), ("pad", "4s"),
                   ("num_chunks", "H"), ("pad1", "6s"))

QUEUE_VECTOR = Layout("vc2_queue_vector", ("queue_id", "I"), ("vector_id", "H"), ("pad", "2s"),
                      ("itr_idx", "I"), ("queue_type", "I"), ("pad1", "8s"))

VECTOR_MAPS = Layout("vc2_queue_vector_maps", ("vport_id", "I"), ("num_qv_maps", "H"),
                     ("pad", "10s"))

VECTOR_CHUNK = Layout(
    "vc2_vector_chunk",
    ("start_vector_id", "H"), ("start_evv_id", "H"), ("num_vectors", "H"), ("pad", "H"),
    ("dynctl_reg_start", "I"), ("dynctl_reg_spacing", "I"), ("itrn_reg_start", "I"),
    ("itrn_reg_spacing", "I"), ("itrn_index_spacing", "I"), ("pad1", "4s"))

VECTOR_CHUNKS = Layout("vc2_vector_chunks", ("num_vchunks", "H"), ("pad", "14s"))

ALLOC_VECTORS = Layout("vc2_alloc_vectors", ("num_vectors", "H"), ("pad", "14s"),
                       ("num_vchunks", "H"), ("pad1", "14s"))

RSS_KEY = Layout("vc2_rss_key", ("vport_id", "I"), ("key_len", "H"), ("pad", "B"))
RSS_LUT = Layout("vc2_rss_lut", ("vport_id", "I"), ("lut_entries_start", "H"),
                 ("lut_entries", "H"), ("pad", "4s"))
RSS_HASH = Layout("vc2_rss_hash", ("ptype_groups", "Q"), ("vport_id", "I"), ("pad", "4s"))

PTYPE_INFO = Layout("vc2_get_ptype_info", ("start_ptype_id", "H"), ("num_ptypes", "H"),
                    ("pad", "I"))
PTYPE = Layout("vc2_ptype", ("ptype_id_10", "H"), ("ptype_id_8", "B"),
               ("proto_id_count", "B"), ("pad", "H"))

STATS_FIELDS = ("rx_bytes", "rx_unicast", "rx_multicast", "rx_broadcast", "rx_discards",
                "rx_errors", "rx_unknown_protocol", "tx_bytes", "tx_unicast", "tx_multicast",
                "tx_broadcast", "tx_discards", "tx_errors", "rx_invalid_frame_length",
                "rx_overflow_drop")
STATS = Layout("vc2_vport_stats", ("vport_id", "I"), ("pad", "4s"),
               *((name, "Q") for name in STATS_FIELDS))

PHY_SIZES = 7
PHY_STATS = Layout(
    "vc2_phy_stats",
    *((name, "Q") for name in ("rx_bytes", "rx_unicast", "rx_multicast", "rx_broadcast")),
    ("rx_size", f"{8 * PHY_SIZES}s"),
    *((name, "Q") for name in (
        "rx_xon", "rx_xoff", "rx_undersized", "rx_fragmented", "rx_oversized", "rx_jabber",
        "rx_csum_errors", "rx_length_errors", "rx_dropped", "rx_crc_errors", "rx_runt_errors",
        "rx_illegal_bytes", "rx_total")),
    ("rx_pad", "128s"),
    *((name, "Q") for name in ("tx_bytes", "tx_unicast", "tx_multicast", "tx_broadcast",
                               "tx_errors", "tx_timeouts")),
    ("tx_size", f"{8 * PHY_SIZES}s"),
    *((name, "Q") for name in ("tx_xon", "tx_xoff", "tx_dropped_link_down", "tx_total")),
    ("tx_pad", "128s"), ("mac_local_faults", "Q"), ("mac_remote_faults", "Q"))
PORT_STATS = Layout("vc2_port_stats", ("vport_id", "I"), ("pad", "4s"),
                    ("phy", f"{PHY_STATS.size}s"), ("vport", f"{STATS.size}s"))

EVENT = Layout("vc2_event", ("event", "I"), ("link_speed", "I"), ("vport_id", "I"),
               ("link_status", "B"), ("pad", "B"), ("reserved", "H"))
EVENT_LINK = 1

LOOPBACK = Layout("vc2_loopback", ("vport_id", "I"), ("enable", "B"), ("pad", "3s"))

MAC_PRIMARY = 1
MAC_EXTRA = 2
MAC_ADDR = Layout("vc2_mac_addr", ("addr", "6s"), ("type", "B"), ("pad", "B"))
MAC_LIST = Layout("vc2_mac_addr_list", ("vport_id", "I"), ("num_mac_addr", "H"), ("pad", "2s"))

PROMISC_UNICAST = 1
PROMISC_MULTICAST = 2
PROMISC = Layout("vc2_promisc", ("vport_id", "I"), ("flags", "H"), ("pad", "2s"))

SRIOV = Layout("vc2_sriov_vfs", ("num_vfs", "H"), ("pad", "H"))
MEM_REGION = Layout("vc2_mem_region", ("start_offset", "Q"), ("size", "Q"))
LAN_REGIONS = Layout("vc2_lan_memory_regions", ("num_memory_regions", "H"), ("pad", "6s"))

ALL_LAYOUTS = tuple(value for value in dict(globals()).values() if isinstance(value, Layout))


def vport(vport_id):
    """Return a message which holds a vport id only."""
    return VPORT.pack(vport_id=vport_id)


def queue_chunks(vport_id, chunks, count=None):
    """Return ENABLE, DISABLE or DEL_QUEUES for (type, first id, number) chunks."""
    count = len(chunks) if count is None else count
    return CHUNK_MSG.pack(vport_id=vport_id, num_chunks=count) + b"".join(
        QUEUE_CHUNK.pack(type=kind, start_queue_id=start, num_queues=number)
        for kind, start, number in chunks)


def vector_maps(vport_id, maps, count=None):
    """Return MAP or UNMAP_QUEUE_VECTOR for (type, queue id, vector, itr index) maps."""
    count = len(maps) if count is None else count
    return VECTOR_MAPS.pack(vport_id=vport_id, num_qv_maps=count) + b"".join(
        QUEUE_VECTOR.pack(queue_type=kind, queue_id=queue, vector_id=vector, itr_idx=itr)
        for kind, queue, vector, itr in maps)


def mac_list(vport_id, addresses, kind=MAC_PRIMARY, count=None):
    """Return ADD or DEL_MAC_ADDR for addresses given as bytes."""
    count = len(addresses) if count is None else count
    return MAC_LIST.pack(vport_id=vport_id, num_mac_addr=count) + b"".join(
        MAC_ADDR.pack(addr=addr, type=kind) for addr in addresses)


def rss_key(vport_id, key, length=None):
    """Return SET_RSS_KEY."""
    length = len(key) if length is None else length
    return RSS_KEY.pack(vport_id=vport_id, key_len=length) + key


def rss_lut(vport_id, lut, start=0, count=None):
    """Return SET_RSS_LUT."""
    count = len(lut) if count is None else count
    return RSS_LUT.pack(vport_id=vport_id, lut_entries_start=start, lut_entries=count) + b"".join(
        entry.to_bytes(4, "little") for entry in lut)


def reg_chunks(data, offset, count):
    """Return the queue register chunks of a CREATE_VPORT or ADD_QUEUES reply."""
    return REG_CHUNK.unpack_array(data, offset, count)


def ptypes(data):
    """Return the [(id, id of 8 bits, protocol ids)] of a GET_PTYPE_INFO reply."""
    offset = PTYPE_INFO.size
    result = []
    for _ in range(PTYPE_INFO.unpack(data).num_ptypes):
        entry = PTYPE.unpack(data, offset)
        offset += PTYPE.size
        end = offset + 2 * entry.proto_id_count
        assert end <= len(data), "protocol ids run over the end of the reply"
        protos = [int.from_bytes(data[i:i + 2], "little") for i in range(offset, end, 2)]
        offset = end
        result.append((entry.ptype_id_10, entry.ptype_id_8, protos))
    return result
