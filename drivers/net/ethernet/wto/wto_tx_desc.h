/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transmit descriptors: from a send plan to words, and back.
 *
 * A packet's data descriptors differ in address and size only, and the last of
 * them in two bits more.  So what they have in common is made once a packet
 * (wto_txd_*_common()), and each takes two words:
 *
 *	qw0 = address, qw1 = common | size | (last ? last bits : 0)
 *
 * All functions are pure, and in the host's byte order.  The decoders are the
 * inverse; dumps and tests read descriptors by them.
 */

#ifndef WTO_TX_DESC_H
#define WTO_TX_DESC_H

#include <wto/desc.h>

#include "offload/ofl.h"

/**
 * struct wto_txd - a descriptor in the host's byte order
 * @qw0: first quad word
 * @qw1: second quad word
 */
struct wto_txd {
	u64 qw0;
	u64 qw1;
};

/* The size stands at the same place in both flex formats */
#define WTO_TXD_FLEX_SIZE	IDPF_TXF_QW1_BUF_SIZE
static_assert(IDPF_TXF_QW1_BUF_SIZE == IDPF_TXX_QW1_BUF_SIZE, "flex size");
/* Most bytes that a descriptor names, in all three formats */
#define WTO_TXD_MAX_SIZE	16383U
static_assert((u64)WTO_TXD_MAX_SIZE << 48 == WTO_TXD_FLEX_SIZE, "flex size");
static_assert((u64)WTO_TXD_MAX_SIZE << 34 == IDPF_TXB_BUF_SIZE, "base size");

/* What the last data descriptor of a packet has on top */
#define WTO_TXD_FLOW_LAST	((u64)IDPF_TXF_CMD_EOP)
#define WTO_TXD_QUEUED_LAST	((u64)(IDPF_TXX_CMD_EOP | IDPF_TXX_CMD_RS))
#define WTO_TXD_BASE_LAST	(IDPF_TXB_CMD_EOP | IDPF_TXB_CMD_RS)

/**
 * wto_txd_flow_common() - flow scheduling: what all descriptors of a packet have
 * @csum: the NIC shall fill the packet's checksums
 * @tag: comes back in the completion
 *
 * Return: second quad word without size and end.
 */
static inline u64 wto_txd_flow_common(bool csum, u16 tag)
{
	return IDPF_TX_DTYPE_FLEX_FLOW_SCHED |
	       (csum ? IDPF_TXF_CMD_CS_EN : 0) |
	       FIELD_PREP(IDPF_TXF_QW1_COMPL_TAG, tag);
}

/**
 * wto_txd_queued_common() - queue scheduling: the same
 * @csum: the NIC shall fill the packet's checksums
 *
 * Return: second quad word without size and end.
 */
static inline u64 wto_txd_queued_common(bool csum)
{
	return IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2 |
	       (csum ? IDPF_TXX_CMD_CS_EN : 0);
}

/**
 * wto_txd_flex_ctx() - split model: context of a packet to segment
 * @plan: with segmentation
 *
 * Return: the descriptor.
 */
static inline struct wto_txd wto_txd_flex_ctx(const struct ofl_plan *plan)
{
	return (struct wto_txd){
		.qw0 = FIELD_PREP(IDPF_TXC_QW0_TLEN, plan->tlen) |
		       FIELD_PREP(IDPF_TXC_QW0_MSS, plan->mss) |
		       FIELD_PREP(IDPF_TXC_QW0_HDR_LEN, plan->hdr_len),
		.qw1 = IDPF_TX_DTYPE_FLEX_TSO_CTX | IDPF_TXC_CMD_TSO,
	};
}

/* Layer 4 type of a base descriptor */
static inline u64 wto_txd_base_l4t(u8 proto)
{
	switch (proto) {
	case OFL_PROTO_TCP:
		return IDPF_TXB_L4T_TCP;
	case OFL_PROTO_UDP:
		return IDPF_TXB_L4T_UDP;
	case OFL_PROTO_SCTP:
		return IDPF_TXB_L4T_SCTP;
	default:
		return IDPF_TXB_L4T_NONE;
	}
}

static inline u64 wto_txd_base_iipt(const struct ofl_plan *plan)
{
	if (plan->ip_version == 6)
		return IDPF_TXB_IIPT_IPV6;
	return plan->csum & OFL_CSUM_IP ? IDPF_TXB_IIPT_IPV4_CSUM :
					  IDPF_TXB_IIPT_IPV4;
}

/**
 * wto_txd_base_common() - single model: what all descriptors of a packet have
 * @plan: plan of the packet
 *
 * Return: second quad word without size and end.
 */
static inline u64 wto_txd_base_common(const struct ofl_plan *plan)
{
	if (!plan->csum)
		return IDPF_TX_DTYPE_DATA;

	return IDPF_TX_DTYPE_DATA |
	       FIELD_PREP(IDPF_TXB_CMD_IIPT, wto_txd_base_iipt(plan)) |
	       FIELD_PREP(IDPF_TXB_CMD_L4T, wto_txd_base_l4t(plan->l4_proto)) |
	       FIELD_PREP(IDPF_TXB_MACLEN, plan->mac_len / 2) |
	       FIELD_PREP(IDPF_TXB_IPLEN, plan->ip_len / 4) |
	       FIELD_PREP(IDPF_TXB_L4LEN, plan->l4_len / 4);
}

/**
 * wto_txd_base_ctx() - single model: context of a packet to segment
 * @plan: with segmentation
 *
 * Return: the descriptor.
 */
static inline struct wto_txd wto_txd_base_ctx(const struct ofl_plan *plan)
{
	return (struct wto_txd){
		.qw1 = IDPF_TX_DTYPE_CTX | IDPF_TXBC_QW1_CMD_TSO |
		       FIELD_PREP(IDPF_TXBC_QW1_TSO_LEN, plan->tlen) |
		       FIELD_PREP(IDPF_TXBC_QW1_MSS, plan->mss),
	};
}

/**
 * wto_txd_flex_data() - split model: data descriptor
 * @addr: DMA address
 * @len: bytes, 1 to WTO_TXD_MAX_SIZE
 * @common: from wto_txd_flow_common() or wto_txd_queued_common()
 *
 * Return: the descriptor, not the last one.
 */
static inline struct wto_txd wto_txd_flex_data(u64 addr, u32 len, u64 common)
{
	return (struct wto_txd){
		.qw0 = addr,
		.qw1 = common | FIELD_PREP(WTO_TXD_FLEX_SIZE, len),
	};
}

/**
 * wto_txd_base_data() - single model: data descriptor
 * @addr: DMA address
 * @len: bytes, 1 to WTO_TXD_MAX_SIZE
 * @common: from wto_txd_base_common()
 *
 * Return: the descriptor, not the last one.
 */
static inline struct wto_txd wto_txd_base_data(u64 addr, u32 len, u64 common)
{
	return (struct wto_txd){
		.qw0 = addr,
		.qw1 = common | FIELD_PREP(IDPF_TXB_BUF_SIZE, len),
	};
}

/**
 * struct wto_txd_view - what a descriptor says
 * @dtype: IDPF_TX_DTYPE_*
 * @tso: context of a packet to segment
 * @csum: checksums are to be filled
 * @last: last descriptor of its packet
 * @report: completion is to be reported (RS; in flow scheduling: @last)
 * @tag: completion tag, flow scheduling only
 * @len: bytes of the buffer
 * @addr: its DMA address
 * @tlen: payload bytes to segment
 * @mss: payload bytes of a segment
 * @hdr_len: bytes of all headers, split model only
 * @mac_len: bytes before the IP header, single model only
 * @ip_len: bytes of the IP header, single model only
 * @l4_len: bytes of the layer 4 header, single model only
 * @ip_version: 4, 6 or 0, single model only
 * @ip_csum: the IPv4 header checksum too, single model only
 * @l4_proto: protocol number or 0, single model only
 */
struct wto_txd_view {
	u8 dtype;
	bool tso;
	bool csum;
	bool last;
	bool report;
	u16 tag;
	u16 len;
	u64 addr;
	u32 tlen;
	u16 mss;
	u16 hdr_len;
	u16 mac_len;
	u16 ip_len;
	u16 l4_len;
	u8 ip_version;
	bool ip_csum;
	u8 l4_proto;
};

/**
 * wto_txd_flex_view() - read a descriptor of the split model
 * @desc: the descriptor, of type 5, 7 or 12
 *
 * Return: what it says; of another type, @dtype only.
 */
static inline struct wto_txd_view wto_txd_flex_view(const struct wto_txd *desc)
{
	struct wto_txd_view view = {
		.dtype = FIELD_GET(IDPF_TXR_DTYPE, desc->qw1),
	};

	switch (view.dtype) {
	case IDPF_TX_DTYPE_FLEX_TSO_CTX:
		view.tso = desc->qw1 & IDPF_TXC_CMD_TSO;
		view.tlen = FIELD_GET(IDPF_TXC_QW0_TLEN, desc->qw0);
		view.mss = FIELD_GET(IDPF_TXC_QW0_MSS, desc->qw0);
		view.hdr_len = FIELD_GET(IDPF_TXC_QW0_HDR_LEN, desc->qw0);
		return view;
	case IDPF_TX_DTYPE_FLEX_FLOW_SCHED:
		view.csum = desc->qw1 & IDPF_TXF_CMD_CS_EN;
		view.last = desc->qw1 & IDPF_TXF_CMD_EOP;
		view.report = view.last;
		view.tag = FIELD_GET(IDPF_TXF_QW1_COMPL_TAG, desc->qw1);
		break;
	case IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2:
		view.csum = desc->qw1 & IDPF_TXX_CMD_CS_EN;
		view.last = desc->qw1 & IDPF_TXX_CMD_EOP;
		view.report = desc->qw1 & IDPF_TXX_CMD_RS;
		break;
	default:
		return view;
	}
	view.addr = desc->qw0;
	view.len = FIELD_GET(WTO_TXD_FLEX_SIZE, desc->qw1);

	return view;
}

/**
 * wto_txd_base_view() - read a descriptor of the single model
 * @desc: the descriptor, of type 0 or 1
 *
 * Return: what it says; of another type, @dtype only.
 */
static inline struct wto_txd_view wto_txd_base_view(const struct wto_txd *desc)
{
	static const u8 versions[] = {
		[IDPF_TXB_IIPT_NONE] = 0,
		[IDPF_TXB_IIPT_IPV6] = 6,
		[IDPF_TXB_IIPT_IPV4] = 4,
		[IDPF_TXB_IIPT_IPV4_CSUM] = 4,
	};
	static const u8 protos[] = {
		[IDPF_TXB_L4T_NONE] = 0,
		[IDPF_TXB_L4T_TCP] = OFL_PROTO_TCP,
		[IDPF_TXB_L4T_SCTP] = OFL_PROTO_SCTP,
		[IDPF_TXB_L4T_UDP] = OFL_PROTO_UDP,
	};
	struct wto_txd_view view = {
		.dtype = FIELD_GET(IDPF_TXB_DTYPE, desc->qw1),
	};
	u64 iipt = FIELD_GET(IDPF_TXB_CMD_IIPT, desc->qw1);

	if (view.dtype == IDPF_TX_DTYPE_CTX) {
		view.tso = desc->qw1 & IDPF_TXBC_QW1_CMD_TSO;
		view.tlen = FIELD_GET(IDPF_TXBC_QW1_TSO_LEN, desc->qw1);
		view.mss = FIELD_GET(IDPF_TXBC_QW1_MSS, desc->qw1);
		return view;
	}
	if (view.dtype != IDPF_TX_DTYPE_DATA)
		return view;

	view.last = desc->qw1 & IDPF_TXB_CMD_EOP;
	view.report = desc->qw1 & IDPF_TXB_CMD_RS;
	view.addr = desc->qw0;
	view.len = FIELD_GET(IDPF_TXB_BUF_SIZE, desc->qw1);
	view.ip_version = versions[iipt];
	view.ip_csum = iipt == IDPF_TXB_IIPT_IPV4_CSUM;
	view.l4_proto = protos[FIELD_GET(IDPF_TXB_CMD_L4T, desc->qw1)];
	view.csum = view.l4_proto;
	view.mac_len = FIELD_GET(IDPF_TXB_MACLEN, desc->qw1) * 2;
	view.ip_len = FIELD_GET(IDPF_TXB_IPLEN, desc->qw1) * 4;
	view.l4_len = FIELD_GET(IDPF_TXB_L4LEN, desc->qw1) * 4;

	return view;
}

#endif /* WTO_TX_DESC_H */
