/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * virtchnl2: the messages between a driver and the device's control plane.
 *
 * A message travels in the buffer of a mailbox descriptor; its operation,
 * return value and cookie stand in the descriptor (struct idpf_ctlq_desc).
 * All fields are little endian, all padding is zero.
 *
 * Only messages and fields that this project's driver, the kernel's idpf or
 * DPDK's net_idpf send are given.  Structures end in a flexible array where
 * the message has a variable part; VC2_LEN() computes the whole length.
 */

#ifndef WTO_VIRTCHNL_H
#define WTO_VIRTCHNL_H

#include "../../drivers/net/ethernet/wto/offload/ofl_types.h"

#define VC2_VERSION_MAJOR		2
#define VC2_VERSION_MINOR		0

/**
 * enum vc2_op - operation numbers
 * @VC2_OP_UNKNOWN: never valid
 * @VC2_OP_VERSION: struct vc2_version
 * @VC2_OP_GET_CAPS: struct vc2_caps
 * @VC2_OP_CREATE_VPORT: struct vc2_create_vport
 * @VC2_OP_DESTROY_VPORT: struct vc2_vport
 * @VC2_OP_ENABLE_VPORT: struct vc2_vport
 * @VC2_OP_DISABLE_VPORT: struct vc2_vport
 * @VC2_OP_CONFIG_TX_QUEUES: struct vc2_config_tx_queues
 * @VC2_OP_CONFIG_RX_QUEUES: struct vc2_config_rx_queues
 * @VC2_OP_ENABLE_QUEUES: struct vc2_queue_chunk_msg
 * @VC2_OP_DISABLE_QUEUES: struct vc2_queue_chunk_msg
 * @VC2_OP_ADD_QUEUES: struct vc2_add_queues
 * @VC2_OP_DEL_QUEUES: struct vc2_queue_chunk_msg
 * @VC2_OP_MAP_QUEUE_VECTOR: struct vc2_queue_vector_maps
 * @VC2_OP_UNMAP_QUEUE_VECTOR: struct vc2_queue_vector_maps
 * @VC2_OP_GET_RSS_KEY: struct vc2_rss_key
 * @VC2_OP_SET_RSS_KEY: struct vc2_rss_key
 * @VC2_OP_GET_RSS_LUT: struct vc2_rss_lut
 * @VC2_OP_SET_RSS_LUT: struct vc2_rss_lut
 * @VC2_OP_GET_RSS_HASH: struct vc2_rss_hash
 * @VC2_OP_SET_RSS_HASH: struct vc2_rss_hash
 * @VC2_OP_SET_SRIOV_VFS: struct vc2_sriov_vfs
 * @VC2_OP_ALLOC_VECTORS: struct vc2_alloc_vectors
 * @VC2_OP_DEALLOC_VECTORS: struct vc2_vector_chunks
 * @VC2_OP_EVENT: struct vc2_event, from the device
 * @VC2_OP_GET_STATS: struct vc2_vport_stats
 * @VC2_OP_RESET_VF: no buffer, no reply
 * @VC2_OP_GET_EDT_CAPS: struct vc2_edt_caps
 * @VC2_OP_GET_PTYPE_INFO: struct vc2_get_ptype_info
 * @VC2_OP_RDMA: opaque
 * @VC2_OP_LOOPBACK: struct vc2_loopback
 * @VC2_OP_ADD_MAC_ADDR: struct vc2_mac_addr_list
 * @VC2_OP_DEL_MAC_ADDR: struct vc2_mac_addr_list
 * @VC2_OP_CONFIG_PROMISC: struct vc2_promisc
 * @VC2_OP_GET_PORT_STATS: struct vc2_port_stats
 * @VC2_OP_PTP_GET_CAPS: precision time protocol, first of its group
 * @VC2_OP_GET_LAN_MEMORY_REGIONS: struct vc2_lan_memory_regions
 * @VC2_OP_ADD_FLOW_RULE: flow steering
 * @VC2_OP_GET_FLOW_RULE: flow steering
 * @VC2_OP_DEL_FLOW_RULE: flow steering
 */
enum vc2_op {
	VC2_OP_UNKNOWN			= 0,
	VC2_OP_VERSION			= 1,
	VC2_OP_GET_CAPS			= 500,
	VC2_OP_CREATE_VPORT		= 501,
	VC2_OP_DESTROY_VPORT		= 502,
	VC2_OP_ENABLE_VPORT		= 503,
	VC2_OP_DISABLE_VPORT		= 504,
	VC2_OP_CONFIG_TX_QUEUES		= 505,
	VC2_OP_CONFIG_RX_QUEUES		= 506,
	VC2_OP_ENABLE_QUEUES		= 507,
	VC2_OP_DISABLE_QUEUES		= 508,
	VC2_OP_ADD_QUEUES		= 509,
	VC2_OP_DEL_QUEUES		= 510,
	VC2_OP_MAP_QUEUE_VECTOR		= 511,
	VC2_OP_UNMAP_QUEUE_VECTOR	= 512,
	VC2_OP_GET_RSS_KEY		= 513,
	VC2_OP_SET_RSS_KEY		= 514,
	VC2_OP_GET_RSS_LUT		= 515,
	VC2_OP_SET_RSS_LUT		= 516,
	VC2_OP_GET_RSS_HASH		= 517,
	VC2_OP_SET_RSS_HASH		= 518,
	VC2_OP_SET_SRIOV_VFS		= 519,
	VC2_OP_ALLOC_VECTORS		= 520,
	VC2_OP_DEALLOC_VECTORS		= 521,
	VC2_OP_EVENT			= 522,
	VC2_OP_GET_STATS		= 523,
	VC2_OP_RESET_VF			= 524,
	VC2_OP_GET_EDT_CAPS		= 525,
	VC2_OP_GET_PTYPE_INFO		= 526,
	VC2_OP_RDMA			= 529,
	VC2_OP_LOOPBACK			= 534,
	VC2_OP_ADD_MAC_ADDR		= 535,
	VC2_OP_DEL_MAC_ADDR		= 536,
	VC2_OP_CONFIG_PROMISC		= 537,
	VC2_OP_GET_PORT_STATS		= 540,
	VC2_OP_PTP_GET_CAPS		= 541,
	VC2_OP_GET_LAN_MEMORY_REGIONS	= 549,
	VC2_OP_ADD_FLOW_RULE		= 551,
	VC2_OP_GET_FLOW_RULE		= 552,
	VC2_OP_DEL_FLOW_RULE		= 553,
};

/* Whole length of a message with @n elements of flexible array @member */
#define VC2_LEN(type, member, n)	offsetof(type, member[n])

/* ------------------------------------------------------------------ */
/* Version and capabilities                                             */

struct vc2_version {
	__le32 major;
	__le32 minor;
};

static_assert(sizeof(struct vc2_version) == 8, "version");

/* csum_caps */
#define VC2_CSUM_TX_L3_IPV4		BIT(0)
#define VC2_CSUM_TX_L4_IPV4_TCP		BIT(1)
#define VC2_CSUM_TX_L4_IPV4_UDP		BIT(2)
#define VC2_CSUM_TX_L4_IPV4_SCTP	BIT(3)
#define VC2_CSUM_TX_L4_IPV6_TCP		BIT(4)
#define VC2_CSUM_TX_L4_IPV6_UDP		BIT(5)
#define VC2_CSUM_TX_L4_IPV6_SCTP	BIT(6)
#define VC2_CSUM_TX_GENERIC		BIT(7)
#define VC2_CSUM_RX_L3_IPV4		BIT(8)
#define VC2_CSUM_RX_L4_IPV4_TCP		BIT(9)
#define VC2_CSUM_RX_L4_IPV4_UDP		BIT(10)
#define VC2_CSUM_RX_L4_IPV4_SCTP	BIT(11)
#define VC2_CSUM_RX_L4_IPV6_TCP		BIT(12)
#define VC2_CSUM_RX_L4_IPV6_UDP		BIT(13)
#define VC2_CSUM_RX_L4_IPV6_SCTP	BIT(14)
#define VC2_CSUM_RX_GENERIC		BIT(15)
#define VC2_CSUM_TX_L3_SINGLE_TUNNEL	BIT(16)
#define VC2_CSUM_TX_L3_DOUBLE_TUNNEL	BIT(17)
#define VC2_CSUM_RX_L3_SINGLE_TUNNEL	BIT(18)
#define VC2_CSUM_RX_L3_DOUBLE_TUNNEL	BIT(19)
#define VC2_CSUM_TX_L4_SINGLE_TUNNEL	BIT(20)
#define VC2_CSUM_TX_L4_DOUBLE_TUNNEL	BIT(21)
#define VC2_CSUM_RX_L4_SINGLE_TUNNEL	BIT(22)
#define VC2_CSUM_RX_L4_DOUBLE_TUNNEL	BIT(23)

/* seg_caps */
#define VC2_SEG_IPV4_TCP		BIT(0)
#define VC2_SEG_IPV4_UDP		BIT(1)
#define VC2_SEG_IPV4_SCTP		BIT(2)
#define VC2_SEG_IPV6_TCP		BIT(3)
#define VC2_SEG_IPV6_UDP		BIT(4)
#define VC2_SEG_IPV6_SCTP		BIT(5)
#define VC2_SEG_GENERIC			BIT(6)
#define VC2_SEG_TX_SINGLE_TUNNEL	BIT(7)
#define VC2_SEG_TX_DOUBLE_TUNNEL	BIT(8)

/* hsplit_caps */
#define VC2_HSPLIT_AT_L2		BIT(0)
#define VC2_HSPLIT_AT_L3		BIT(1)
#define VC2_HSPLIT_AT_L4V4		BIT(2)
#define VC2_HSPLIT_AT_L4V6		BIT(3)

/* rsc_caps */
#define VC2_RSC_IPV4_TCP		BIT(0)
#define VC2_RSC_IPV4_SCTP		BIT(1)
#define VC2_RSC_IPV6_TCP		BIT(2)
#define VC2_RSC_IPV6_SCTP		BIT(3)

/* rss_caps: flow types */
#define VC2_FLOW_IPV4_TCP		BIT_ULL(0)
#define VC2_FLOW_IPV4_UDP		BIT_ULL(1)
#define VC2_FLOW_IPV4_SCTP		BIT_ULL(2)
#define VC2_FLOW_IPV4_OTHER		BIT_ULL(3)
#define VC2_FLOW_IPV6_TCP		BIT_ULL(4)
#define VC2_FLOW_IPV6_UDP		BIT_ULL(5)
#define VC2_FLOW_IPV6_SCTP		BIT_ULL(6)
#define VC2_FLOW_IPV6_OTHER		BIT_ULL(7)
#define VC2_FLOW_IPV4_AH		BIT_ULL(8)
#define VC2_FLOW_IPV4_ESP		BIT_ULL(9)
#define VC2_FLOW_IPV4_AH_ESP		BIT_ULL(10)
#define VC2_FLOW_IPV6_AH		BIT_ULL(11)
#define VC2_FLOW_IPV6_ESP		BIT_ULL(12)
#define VC2_FLOW_IPV6_AH_ESP		BIT_ULL(13)

/* other_caps */
#define VC2_CAP_RDMA			BIT_ULL(0)
#define VC2_CAP_SRIOV			BIT_ULL(1)
#define VC2_CAP_MACFILTER		BIT_ULL(2)
#define VC2_CAP_SPLITQ_QSCHED		BIT_ULL(4)
#define VC2_CAP_CRC			BIT_ULL(5)
#define VC2_CAP_ADQ			BIT_ULL(6)
#define VC2_CAP_WB_ON_ITR		BIT_ULL(7)
#define VC2_CAP_PROMISC			BIT_ULL(8)
#define VC2_CAP_LINK_SPEED		BIT_ULL(9)
#define VC2_CAP_INLINE_IPSEC		BIT_ULL(10)
#define VC2_CAP_LARGE_NUM_QUEUES	BIT_ULL(11)
#define VC2_CAP_VLAN			BIT_ULL(12)
#define VC2_CAP_PTP			BIT_ULL(13)
#define VC2_CAP_EDT			BIT_ULL(14)
#define VC2_CAP_ADV_RSS			BIT_ULL(15)
#define VC2_CAP_RX_FLEX_DESC		BIT_ULL(17)
#define VC2_CAP_PTYPE			BIT_ULL(18)
#define VC2_CAP_LOOPBACK		BIT_ULL(19)
#define VC2_CAP_FLOW_STEER		BIT_ULL(21)
#define VC2_CAP_LAN_MEMORY_REGIONS	BIT_ULL(22)
#define VC2_CAP_OEM			BIT_ULL(63)

/**
 * struct vc2_caps - GET_CAPS, the driver's wish and the device's grant
 * @csum_caps: VC2_CSUM_*
 * @seg_caps: VC2_SEG_*
 * @hsplit_caps: VC2_HSPLIT_*
 * @rsc_caps: VC2_RSC_*
 * @rss_caps: VC2_FLOW_*
 * @other_caps: VC2_CAP_*
 * @mailbox_dyn_ctl: BAR0 offset of the mailbox vector's DYN_CTL
 * @mailbox_vector_id: MSI-X entry of the mailbox
 * @num_allocated_vectors: vectors the function has, mailbox included
 * @max_rx_q: receive queues
 * @max_tx_q: transmit queues
 * @max_rx_bufq: buffer queues
 * @max_tx_complq: completion queues
 * @max_sriov_vfs: virtual functions
 * @max_vports: vports that may be created
 * @default_num_vports: vports that the driver should create
 * @max_tx_hdr_size: bytes of headers that transmit offloads can cope with
 * @max_sg_bufs_per_tx_pkt: buffers of one packet on the wire
 * @pad: 0
 * @reserved: 0
 * @device_type: 0
 * @min_sso_packet_len: shortest frame that may be sent; 0 stands for 17
 * @max_hdr_buf_per_lso: buffers that the headers of an LSO may span
 * @num_rdma_allocated_vectors: 0
 * @pad1: 0
 */
struct vc2_caps {
	__le32 csum_caps;
	__le32 seg_caps;
	__le32 hsplit_caps;
	__le32 rsc_caps;
	__le64 rss_caps;
	__le64 other_caps;
	__le32 mailbox_dyn_ctl;
	__le16 mailbox_vector_id;
	__le16 num_allocated_vectors;
	__le16 max_rx_q;
	__le16 max_tx_q;
	__le16 max_rx_bufq;
	__le16 max_tx_complq;
	__le16 max_sriov_vfs;
	__le16 max_vports;
	__le16 default_num_vports;
	__le16 max_tx_hdr_size;
	u8 max_sg_bufs_per_tx_pkt;
	u8 pad[3];
	u8 reserved[4];
	__le32 device_type;
	u8 min_sso_packet_len;
	u8 max_hdr_buf_per_lso;
	__le16 num_rdma_allocated_vectors;
	u8 pad1[8];
};

static_assert(sizeof(struct vc2_caps) == 80, "caps");
static_assert(offsetof(struct vc2_caps, mailbox_dyn_ctl) == 32, "dyn_ctl");
static_assert(offsetof(struct vc2_caps, device_type) == 64, "device_type");

#define VC2_MIN_SSO_PACKET_LEN_DEFAULT	17

/* ------------------------------------------------------------------ */
/* Vports and queues                                                    */

#define VC2_VPORT_TYPE_DEFAULT		0

#define VC2_QUEUE_MODEL_SINGLE		0
#define VC2_QUEUE_MODEL_SPLIT		1

#define VC2_TXQ_SCHED_QUEUE		0
#define VC2_TXQ_SCHED_FLOW		1

#define VC2_QUEUE_TYPE_TX		0
#define VC2_QUEUE_TYPE_RX		1
#define VC2_QUEUE_TYPE_TX_COMPL		2
#define VC2_QUEUE_TYPE_RX_BUF		3
#define VC2_QUEUE_TYPE_CONFIG_TX	4
#define VC2_QUEUE_TYPE_CONFIG_RX	5
#define VC2_QUEUE_TYPE_MBX_TX		10
#define VC2_QUEUE_TYPE_MBX_RX		11

/* vport_flags */
#define VC2_VPORT_UPLINK		BIT(0)
#define VC2_VPORT_INLINE_FLOW_STEER	BIT(1)
#define VC2_VPORT_INLINE_FLOW_STEER_RXQ	BIT(2)
#define VC2_VPORT_SIDEBAND_FLOW_STEER	BIT(3)
#define VC2_VPORT_RDMA			BIT(4)

/* rss_algorithm */
#define VC2_RSS_ALG_TOEPLITZ		0
#define VC2_RSS_ALG_R			1
#define VC2_RSS_ALG_TOEPLITZ_SYM	2
#define VC2_RSS_ALG_XOR_SYM		3

struct vc2_queue_reg_chunk {
	__le32 type;
	__le32 start_queue_id;
	__le32 num_queues;
	__le32 pad;
	__le64 qtail_reg_start;
	__le32 qtail_reg_spacing;
	u8 pad1[4];
};

static_assert(sizeof(struct vc2_queue_reg_chunk) == 32, "queue reg chunk");

/**
 * struct vc2_create_vport - CREATE_VPORT, request and reply
 * @vport_type: VC2_VPORT_TYPE_DEFAULT
 * @txq_model: VC2_QUEUE_MODEL_*, the device decides
 * @rxq_model: VC2_QUEUE_MODEL_*, the device decides
 * @num_tx_q: transmit queues
 * @num_tx_complq: completion queues
 * @num_rx_q: receive queues
 * @num_rx_bufq: buffer queues
 * @default_rx_q: relative id of the queue for what RSS does not spread
 * @vport_index: the driver's number of the vport
 * @max_mtu: longest frame, without FCS, in bytes
 * @vport_id: the device's name for the vport
 * @default_mac_addr: address, all zero if the device has none
 * @vport_flags: VC2_VPORT_*
 * @rx_desc_ids: bit n: receive format n is offered
 * @tx_desc_ids: bit n: transmit descriptor type n is offered
 * @pad1: 0
 * @inline_flow_caps: 0
 * @sideband_flow_caps: 0
 * @sideband_flow_actions: 0
 * @flow_steer_max_rules: 0
 * @rss_algorithm: VC2_RSS_ALG_*
 * @rss_key_size: bytes
 * @rss_lut_size: entries
 * @rx_split_pos: 0
 * @pad2: 0
 * @num_chunks: elements of @chunks
 * @pad3: 0
 * @chunks: ids and tail registers of the queues
 */
struct vc2_create_vport {
	__le16 vport_type;
	__le16 txq_model;
	__le16 rxq_model;
	__le16 num_tx_q;
	__le16 num_tx_complq;
	__le16 num_rx_q;
	__le16 num_rx_bufq;
	__le16 default_rx_q;
	__le16 vport_index;
	__le16 max_mtu;
	__le32 vport_id;
	u8 default_mac_addr[ETH_ALEN];
	__le16 vport_flags;
	__le64 rx_desc_ids;
	__le64 tx_desc_ids;
	u8 pad1[48];
	__le64 inline_flow_caps;
	__le64 sideband_flow_caps;
	__le32 sideband_flow_actions;
	__le32 flow_steer_max_rules;
	__le32 rss_algorithm;
	__le16 rss_key_size;
	__le16 rss_lut_size;
	__le32 rx_split_pos;
	u8 pad2[20];
	__le16 num_chunks;
	u8 pad3[6];
	struct vc2_queue_reg_chunk chunks[];
};

static_assert(sizeof(struct vc2_create_vport) == 160, "create vport");
static_assert(offsetof(struct vc2_create_vport, rx_desc_ids) == 32, "rx ids");
static_assert(offsetof(struct vc2_create_vport, rss_key_size) == 124, "key");
static_assert(offsetof(struct vc2_create_vport, num_chunks) == 152, "chunks");

/* DESTROY, ENABLE, DISABLE_VPORT */
struct vc2_vport {
	__le32 vport_id;
	u8 pad[4];
};

static_assert(sizeof(struct vc2_vport) == 8, "vport");

/**
 * struct vc2_txq_info - one transmit or completion queue
 * @dma_ring_addr: ring address
 * @type: VC2_QUEUE_TYPE_TX or _TX_COMPL
 * @queue_id: absolute id
 * @relative_queue_id: stands in the queue's completions
 * @model: VC2_QUEUE_MODEL_*
 * @sched_mode: VC2_TXQ_SCHED_*
 * @qflags: 0
 * @ring_len: descriptors
 * @tx_compl_queue_id: absolute id of the completion queue
 * @peer_type: 0
 * @peer_rx_queue_id: 0
 * @pad: 0
 * @egress_pasid: 0
 * @egress_hdr_pasid: 0
 * @egress_buf_pasid: 0
 * @pad1: 0
 */
struct vc2_txq_info {
	__le64 dma_ring_addr;
	__le32 type;
	__le32 queue_id;
	__le16 relative_queue_id;
	__le16 model;
	__le16 sched_mode;
	__le16 qflags;
	__le16 ring_len;
	__le16 tx_compl_queue_id;
	__le16 peer_type;
	__le16 peer_rx_queue_id;
	u8 pad[4];
	__le32 egress_pasid;
	__le32 egress_hdr_pasid;
	__le32 egress_buf_pasid;
	u8 pad1[8];
};

static_assert(sizeof(struct vc2_txq_info) == 56, "txq info");

struct vc2_config_tx_queues {
	__le32 vport_id;
	__le16 num_qinfo;
	u8 pad[10];
	struct vc2_txq_info qinfo[];
};

static_assert(sizeof(struct vc2_config_tx_queues) == 16, "config tx queues");

/* qflags of a receive queue */
#define VC2_RXQ_RSC			BIT(0)
#define VC2_RXQ_HDR_SPLIT		BIT(1)
#define VC2_RXQ_IMMEDIATE_WRITE_BACK	BIT(2)
#define VC2_RXQ_DESC_16B		BIT(3)
#define VC2_RXQ_DESC_32B		BIT(4)

/**
 * struct vc2_rxq_info - one receive or buffer queue
 * @desc_ids: bit n: write back in format n
 * @dma_ring_addr: ring address
 * @type: VC2_QUEUE_TYPE_RX or _RX_BUF
 * @queue_id: absolute id
 * @model: VC2_QUEUE_MODEL_*
 * @hdr_buffer_size: bytes of a header buffer
 * @data_buffer_size: bytes of a packet buffer
 * @max_pkt_size: longest frame to deliver
 * @ring_len: descriptors
 * @buffer_notif_stride: buffers are taken over in multiples of this
 * @pad: 0
 * @dma_head_wb_addr: 0
 * @qflags: VC2_RXQ_*
 * @rx_buffer_low_watermark: 0
 * @rx_bufq1_id: absolute id of the first buffer queue
 * @rx_bufq2_id: absolute id of the second buffer queue
 * @bufq2_ena: the second one is in use
 * @pad1: 0
 * @ingress_pasid: 0
 * @ingress_hdr_pasid: 0
 * @ingress_buf_pasid: 0
 * @pad2: 0
 */
struct vc2_rxq_info {
	__le64 desc_ids;
	__le64 dma_ring_addr;
	__le32 type;
	__le32 queue_id;
	__le16 model;
	__le16 hdr_buffer_size;
	__le32 data_buffer_size;
	__le32 max_pkt_size;
	__le16 ring_len;
	u8 buffer_notif_stride;
	u8 pad;
	__le64 dma_head_wb_addr;
	__le16 qflags;
	__le16 rx_buffer_low_watermark;
	__le16 rx_bufq1_id;
	__le16 rx_bufq2_id;
	u8 bufq2_ena;
	u8 pad1[3];
	__le32 ingress_pasid;
	__le32 ingress_hdr_pasid;
	__le32 ingress_buf_pasid;
	u8 pad2[16];
};

static_assert(sizeof(struct vc2_rxq_info) == 88, "rxq info");
static_assert(offsetof(struct vc2_rxq_info, qflags) == 48, "rxq qflags");

struct vc2_config_rx_queues {
	__le32 vport_id;
	__le16 num_qinfo;
	u8 pad[18];
	struct vc2_rxq_info qinfo[];
};

static_assert(sizeof(struct vc2_config_rx_queues) == 24, "config rx queues");

struct vc2_add_queues {
	__le32 vport_id;
	__le16 num_tx_q;
	__le16 num_tx_complq;
	__le16 num_rx_q;
	__le16 num_rx_bufq;
	u8 pad[4];
	__le16 num_chunks;
	u8 pad1[6];
	struct vc2_queue_reg_chunk chunks[];
};

static_assert(sizeof(struct vc2_add_queues) == 24, "add queues");

struct vc2_queue_chunk {
	__le32 type;
	__le32 start_queue_id;
	__le32 num_queues;
	u8 pad[4];
};

static_assert(sizeof(struct vc2_queue_chunk) == 16, "queue chunk");

/* ENABLE, DISABLE, DEL_QUEUES */
struct vc2_queue_chunk_msg {
	__le32 vport_id;
	u8 pad[4];
	__le16 num_chunks;
	u8 pad1[6];
	struct vc2_queue_chunk chunks[];
};

static_assert(sizeof(struct vc2_queue_chunk_msg) == 16, "queue chunk message");

/* itr_idx */
#define VC2_ITR_IDX_RX			0
#define VC2_ITR_IDX_TX			1

struct vc2_queue_vector {
	__le32 queue_id;
	__le16 vector_id;
	u8 pad[2];
	__le32 itr_idx;
	__le32 queue_type;
	u8 pad1[8];
};

static_assert(sizeof(struct vc2_queue_vector) == 24, "queue vector");

struct vc2_queue_vector_maps {
	__le32 vport_id;
	__le16 num_qv_maps;
	u8 pad[10];
	struct vc2_queue_vector qv_maps[];
};

static_assert(sizeof(struct vc2_queue_vector_maps) == 16, "vector maps");

/* ------------------------------------------------------------------ */
/* Interrupt vectors                                                    */

struct vc2_vector_chunk {
	__le16 start_vector_id;
	__le16 start_evv_id;
	__le16 num_vectors;
	__le16 pad;
	__le32 dynctl_reg_start;
	__le32 dynctl_reg_spacing;
	__le32 itrn_reg_start;
	__le32 itrn_reg_spacing;
	__le32 itrn_index_spacing;
	u8 pad1[4];
};

static_assert(sizeof(struct vc2_vector_chunk) == 32, "vector chunk");

/* DEALLOC_VECTORS, and the second half of ALLOC_VECTORS */
struct vc2_vector_chunks {
	__le16 num_vchunks;
	u8 pad[14];
	struct vc2_vector_chunk vchunks[];
};

static_assert(sizeof(struct vc2_vector_chunks) == 16, "vector chunks");

struct vc2_alloc_vectors {
	__le16 num_vectors;
	u8 pad[14];
	__le16 num_vchunks;
	u8 pad1[14];
	struct vc2_vector_chunk vchunks[];
};

static_assert(sizeof(struct vc2_alloc_vectors) == 32, "alloc vectors");

/* ------------------------------------------------------------------ */
/* Receive side scaling                                                 */

/* The key follows at offset 7: packed, and read byte by byte */
struct vc2_rss_key {
	__le32 vport_id;
	__le16 key_len;
	u8 pad;
	u8 key[];
} __packed;

static_assert(sizeof(struct vc2_rss_key) == 7, "rss key");

struct vc2_rss_lut {
	__le32 vport_id;
	__le16 lut_entries_start;
	__le16 lut_entries;
	u8 pad[4];
	__le32 lut[];
};

static_assert(sizeof(struct vc2_rss_lut) == 12, "rss lut");

struct vc2_rss_hash {
	__le64 ptype_groups;
	__le32 vport_id;
	u8 pad[4];
};

static_assert(sizeof(struct vc2_rss_hash) == 16, "rss hash");

/* ptype_groups: numbers of the bits, as in Intel's hash enable register */
#define VC2_HASH_IPV4_UDP_UNICAST	29
#define VC2_HASH_IPV4_UDP_MULTICAST	30
#define VC2_HASH_IPV4_UDP		31
#define VC2_HASH_IPV4_TCP_SYN		32
#define VC2_HASH_IPV4_TCP		33
#define VC2_HASH_IPV4_SCTP		34
#define VC2_HASH_IPV4_OTHER		35
#define VC2_HASH_IPV4_FRAG		36
#define VC2_HASH_IPV6_UDP_UNICAST	39
#define VC2_HASH_IPV6_UDP_MULTICAST	40
#define VC2_HASH_IPV6_UDP		41
#define VC2_HASH_IPV6_TCP_SYN		42
#define VC2_HASH_IPV6_TCP		43
#define VC2_HASH_IPV6_SCTP		44
#define VC2_HASH_IPV6_OTHER		45
#define VC2_HASH_IPV6_FRAG		46
#define VC2_HASH_L2_PAYLOAD		63

/* ------------------------------------------------------------------ */
/* Packet types                                                         */

#define VC2_PTYPE_END			0xffff
#define VC2_PTYPE_MAX			1024

struct vc2_get_ptype_info {
	__le16 start_ptype_id;
	__le16 num_ptypes;
	__le32 pad;
};

static_assert(sizeof(struct vc2_get_ptype_info) == 8, "ptype info");

/* Elements follow vc2_get_ptype_info one after another, each followed by
 * proto_id_count protocol ids (VC2_PROTO_*).
 */
struct vc2_ptype {
	__le16 ptype_id_10;
	u8 ptype_id_8;
	u8 proto_id_count;
	__le16 pad;
	__le16 proto_id[];
} __packed __aligned(2);

static_assert(sizeof(struct vc2_ptype) == 6, "ptype");

#define VC2_PROTO_ANY			0
#define VC2_PROTO_MAC			2
#define VC2_PROTO_VLAN			5
#define VC2_PROTO_ARP			14
#define VC2_PROTO_IPV4			19
#define VC2_PROTO_IPV4_FRAG		20
#define VC2_PROTO_IPV6			21
#define VC2_PROTO_IPV6_FRAG		22
#define VC2_PROTO_IPV6_EH		23
#define VC2_PROTO_UDP			24
#define VC2_PROTO_TCP			25
#define VC2_PROTO_SCTP			26
#define VC2_PROTO_ICMP			27
#define VC2_PROTO_ICMPV6		28
#define VC2_PROTO_IGMP			29
#define VC2_PROTO_AH			30
#define VC2_PROTO_ESP			31
#define VC2_PROTO_PAY			34
#define VC2_PROTO_TUN			48
#define VC2_PROTO_GRE			49
#define VC2_PROTO_NVGRE			50
#define VC2_PROTO_VXLAN			51
#define VC2_PROTO_NONE			65535

/* ------------------------------------------------------------------ */
/* Statistics, events, filters, the rest                                */

struct vc2_vport_stats {
	__le32 vport_id;
	u8 pad[4];
	__le64 rx_bytes;
	__le64 rx_unicast;
	__le64 rx_multicast;
	__le64 rx_broadcast;
	__le64 rx_discards;
	__le64 rx_errors;
	__le64 rx_unknown_protocol;
	__le64 tx_bytes;
	__le64 tx_unicast;
	__le64 tx_multicast;
	__le64 tx_broadcast;
	__le64 tx_discards;
	__le64 tx_errors;
	__le64 rx_invalid_frame_length;
	__le64 rx_overflow_drop;
};

static_assert(sizeof(struct vc2_vport_stats) == 128, "vport stats");

#define VC2_PHY_NUM_SIZES		7

/**
 * struct vc2_phy_stats - counters of a port where it meets the wire
 * @rx_bytes: octets received, FCS included
 * @rx_unicast: frames received, by address
 * @rx_multicast: as above
 * @rx_broadcast: as above
 * @rx_size: frames of up to 64, 127, 255, 511, 1023, 1518 and more octets,
 *	FCS included
 * @rx_xon: pause frames that let go on
 * @rx_xoff: pause frames that stop
 * @rx_undersized: good frames of less than 64 octets
 * @rx_fragmented: bad frames of less than 64 octets
 * @rx_oversized: good frames that are too long
 * @rx_jabber: bad frames that are too long
 * @rx_csum_errors: frames with a bad checksum inside
 * @rx_length_errors: length field and length differ
 * @rx_dropped: frames for which there was no room
 * @rx_crc_errors: frames with a bad FCS
 * @rx_runt_errors: frames of less than 64 octets with a bad FCS
 * @rx_illegal_bytes: illegal symbols
 * @rx_total: frames received
 * @rx_pad: 0
 * @tx_bytes: octets sent, FCS included
 * @tx_unicast: frames sent, by address
 * @tx_multicast: as above
 * @tx_broadcast: as above
 * @tx_errors: frames not sent because of an error
 * @tx_timeouts: frames that waited for too long
 * @tx_size: as @rx_size
 * @tx_xon: as @rx_xon
 * @tx_xoff: as @rx_xoff
 * @tx_dropped_link_down: frames not sent for want of a link
 * @tx_total: frames sent
 * @tx_pad: 0
 * @mac_local_faults: faults of the link, found at this end
 * @mac_remote_faults: faults of the link, told by the far end
 */
struct vc2_phy_stats {
	__le64 rx_bytes;
	__le64 rx_unicast;
	__le64 rx_multicast;
	__le64 rx_broadcast;
	__le64 rx_size[VC2_PHY_NUM_SIZES];
	__le64 rx_xon;
	__le64 rx_xoff;
	__le64 rx_undersized;
	__le64 rx_fragmented;
	__le64 rx_oversized;
	__le64 rx_jabber;
	__le64 rx_csum_errors;
	__le64 rx_length_errors;
	__le64 rx_dropped;
	__le64 rx_crc_errors;
	__le64 rx_runt_errors;
	__le64 rx_illegal_bytes;
	__le64 rx_total;
	u8 rx_pad[128];
	__le64 tx_bytes;
	__le64 tx_unicast;
	__le64 tx_multicast;
	__le64 tx_broadcast;
	__le64 tx_errors;
	__le64 tx_timeouts;
	__le64 tx_size[VC2_PHY_NUM_SIZES];
	__le64 tx_xon;
	__le64 tx_xoff;
	__le64 tx_dropped_link_down;
	__le64 tx_total;
	u8 tx_pad[128];
	__le64 mac_local_faults;
	__le64 mac_remote_faults;
};

static_assert(sizeof(struct vc2_phy_stats) == 600, "phy stats");

/* The request is the vport's id alone.  No capability tells of the message: a
 * device that does not know it refuses it.
 */
struct vc2_port_stats {
	__le32 vport_id;
	u8 pad[4];
	struct vc2_phy_stats phy;
	struct vc2_vport_stats vport;
};

static_assert(sizeof(struct vc2_port_stats) == 736, "port stats");

#define VC2_EVENT_LINK_CHANGE		1

struct vc2_event {
	__le32 event;
	__le32 link_speed;	/* Mbit/s */
	__le32 vport_id;
	u8 link_status;
	u8 pad;
	__le16 reserved;
};

static_assert(sizeof(struct vc2_event) == 16, "event");

struct vc2_loopback {
	__le32 vport_id;
	u8 enable;
	u8 pad[3];
};

static_assert(sizeof(struct vc2_loopback) == 8, "loopback");

#define VC2_MAC_PRIMARY			1
#define VC2_MAC_EXTRA			2

struct vc2_mac_addr {
	u8 addr[ETH_ALEN];
	u8 type;
	u8 pad;
};

static_assert(sizeof(struct vc2_mac_addr) == 8, "mac addr");

struct vc2_mac_addr_list {
	__le32 vport_id;
	__le16 num_mac_addr;
	u8 pad[2];
	struct vc2_mac_addr mac_addr_list[];
};

static_assert(sizeof(struct vc2_mac_addr_list) == 8, "mac addr list");

#define VC2_PROMISC_UNICAST		BIT(0)
#define VC2_PROMISC_MULTICAST		BIT(1)

struct vc2_promisc {
	__le32 vport_id;
	__le16 flags;
	u8 pad[2];
};

static_assert(sizeof(struct vc2_promisc) == 8, "promisc");

struct vc2_sriov_vfs {
	__le16 num_vfs;
	__le16 pad;
};

static_assert(sizeof(struct vc2_sriov_vfs) == 4, "sriov vfs");

struct vc2_edt_caps {
	__le64 tstamp_granularity_ns;
	__le64 time_horizon_ns;
};

static_assert(sizeof(struct vc2_edt_caps) == 16, "edt caps");

struct vc2_mem_region {
	__le64 start_offset;
	__le64 size;
};

static_assert(sizeof(struct vc2_mem_region) == 16, "memory region");

struct vc2_lan_memory_regions {
	__le16 num_memory_regions;
	u8 pad[6];
	struct vc2_mem_region mem_reg[];
};

static_assert(sizeof(struct vc2_lan_memory_regions) == 8, "lan regions");

#endif /* WTO_VIRTCHNL_H */
