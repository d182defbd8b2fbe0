// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The send plan: what the NIC shall do with one packet, or why it cannot.
 */

#include "ofl.h"

/* Where each protocol keeps its checksum, from the start of its header */
#define OFL_TCP_CSUM_OFF	16
#define OFL_UDP_CSUM_OFF	6
#define OFL_SCTP_CSUM_OFF	8

#define OFL_TCP_MIN_HLEN	20
#define OFL_TCP_MAX_HLEN	60
#define OFL_UDP_HLEN		8
#define OFL_SCTP_HLEN		12

#define OFL_IP4_MIN_HLEN	20
#define OFL_IP4_MAX_HLEN	60
#define OFL_IP6_HLEN		40

static const char * const ofl_refusal_names[OFL_NUM_REFUSALS] = {
	[OFL_OK] = "ok",
	[OFL_REFUSE_OFF] = "off",
	[OFL_REFUSE_PROTO] = "proto",
	[OFL_REFUSE_OFFSETS] = "offsets",
	[OFL_REFUSE_CSUM_PLACE] = "csum_place",
	[OFL_REFUSE_HDR_LEN] = "hdr_len",
	[OFL_REFUSE_MSS] = "mss",
	[OFL_REFUSE_SIZE] = "size",
	[OFL_REFUSE_MIN_SEGS] = "min_segs",
	[OFL_REFUSE_TAIL] = "tail",
	[OFL_REFUSE_BUFS] = "bufs",
	[OFL_REFUSE_FRAGMENT] = "fragment",
	[OFL_REFUSE_LENGTH] = "length",
	[OFL_REFUSE_FRAME] = "frame",
};

/**
 * ofl_refusal_name() - short name of a refusal, for counters and reports
 * @refusal: the refusal
 *
 * Return: a string that lives for ever, "?" for an unknown value.
 */
const char *ofl_refusal_name(enum ofl_refusal refusal)
{
	return (unsigned int)refusal < OFL_NUM_REFUSALS ?
	       ofl_refusal_names[refusal] : "?";
}

/* Check that the headers are where a NIC that parses the frame by itself
 * would find them.
 */
static enum ofl_refusal ofl_check_headers(const struct ofl_pkt *pkt)
{
	u16 ip_len = pkt->l4_off - pkt->l3_off;

	if (pkt->l4_off <= pkt->l3_off ||
	    (u32)pkt->l4_off + pkt->l4_hlen > pkt->len)
		return OFL_REFUSE_OFFSETS;
	if (pkt->ip_version == 4) {
		if (ip_len < OFL_IP4_MIN_HLEN || ip_len > OFL_IP4_MAX_HLEN ||
		    ip_len % 4)
			return OFL_REFUSE_OFFSETS;
	} else if (pkt->ip_version == 6) {
		if (ip_len < OFL_IP6_HLEN || ip_len % 8)
			return OFL_REFUSE_OFFSETS;
	} else {
		return OFL_REFUSE_PROTO;
	}
	return OFL_OK;
}

/* Job of the packet's L4 checksum; the place of the field and the length of
 * the header come along.
 */
static enum ofl_refusal ofl_l4_job(const struct ofl_pkt *pkt, u64 *job)
{
	bool v6 = pkt->ip_version == 6;
	u16 place;

	switch (pkt->l4_proto) {
	case OFL_PROTO_TCP:
		if (pkt->l4_hlen < OFL_TCP_MIN_HLEN ||
		    pkt->l4_hlen > OFL_TCP_MAX_HLEN || pkt->l4_hlen % 4)
			return OFL_REFUSE_OFFSETS;
		place = OFL_TCP_CSUM_OFF;
		*job = v6 ? OFL_JOB(TX_CSUM_TCP6) : OFL_JOB(TX_CSUM_TCP4);
		break;
	case OFL_PROTO_UDP:
		if (pkt->l4_hlen != OFL_UDP_HLEN)
			return OFL_REFUSE_OFFSETS;
		place = OFL_UDP_CSUM_OFF;
		*job = v6 ? OFL_JOB(TX_CSUM_UDP6) : OFL_JOB(TX_CSUM_UDP4);
		break;
	case OFL_PROTO_SCTP:
		if (pkt->l4_hlen != OFL_SCTP_HLEN)
			return OFL_REFUSE_OFFSETS;
		place = OFL_SCTP_CSUM_OFF;
		*job = v6 ? OFL_JOB(TX_CSUM_SCTP6) : OFL_JOB(TX_CSUM_SCTP4);
		break;
	default:
		return OFL_REFUSE_PROTO;
	}
	return pkt->csum_off == pkt->l4_off + place ?
	       OFL_OK : OFL_REFUSE_CSUM_PLACE;
}

/* Kind of segmentation by protocol and configuration.  LSOv2 is preferred
 * where both are on (CFG-04); a packet too big for LSOv1 is refused there, by
 * its size limit.
 */
static enum ofl_refusal ofl_seg_kind(const struct ofl_config *cur,
				     const struct ofl_pkt *pkt, u8 *seg)
{
	bool v6 = pkt->ip_version == 6;

	*seg = OFL_SEG_NONE;
	if (pkt->l4_proto == OFL_PROTO_TCP) {
		if (cur->jobs & (v6 ? OFL_JOB(LSOV2_IP6) : OFL_JOB(LSOV2_IP4)))
			*seg = OFL_SEG_LSOV2;
		else if (!v6 && cur->jobs & OFL_JOB(LSOV1_IP4))
			*seg = OFL_SEG_LSOV1;
	} else if (pkt->l4_proto == OFL_PROTO_UDP) {
		if (cur->jobs & (v6 ? OFL_JOB(USO_IP6) : OFL_JOB(USO_IP4)))
			*seg = OFL_SEG_USO;
	} else {
		return OFL_REFUSE_PROTO;
	}
	return *seg == OFL_SEG_NONE ? OFL_REFUSE_OFF : OFL_OK;
}

/* Bytes on the wire: each segment has the headers, and the last one may be so
 * short that the NIC pads it.
 */
static u32 ofl_seg_wire_bytes(const struct ofl_plan *plan)
{
	u32 bytes = plan->tlen + plan->segs * plan->hdr_len;
	u32 last = plan->hdr_len + plan->tlen - (plan->segs - 1) * plan->mss;

	return last < OFL_MIN_FRAME ? bytes + OFL_MIN_FRAME - last : bytes;
}

static enum ofl_refusal ofl_plan_seg(const struct ofl_config *cur,
				     const struct ofl_pkt *pkt,
				     struct ofl_plan *plan)
{
	const struct ofl_seg_limits *limits;
	enum ofl_refusal refusal;
	u32 payload;

	refusal = ofl_seg_kind(cur, pkt, &plan->seg);
	if (refusal)
		return refusal;
	limits = &cur->seg[plan->seg];

	if (pkt->mss < cur->min_mss || pkt->mss > cur->max_mss)
		return OFL_REFUSE_MSS;
	payload = pkt->len - plan->hdr_len;
	if (!payload || payload > limits->max_offload_size)
		return OFL_REFUSE_SIZE;
	/* LSOv1's header holds the real length, in 16 bits */
	if (plan->seg == OFL_SEG_LSOV1 && pkt->len - pkt->l3_off > 0xffff)
		return OFL_REFUSE_SIZE;

	plan->segs = (payload + pkt->mss - 1) / pkt->mss;
	if (plan->segs < limits->min_segment_count)
		return OFL_REFUSE_MIN_SEGS;
	if (!limits->sub_mss_final && payload % pkt->mss)
		return OFL_REFUSE_TAIL;

	if (cur->max_bufs && pkt->num_bufs > cur->max_bufs)
		return OFL_REFUSE_BUFS;
	if (cur->max_frame && plan->hdr_len + pkt->mss > cur->max_frame)
		return OFL_REFUSE_FRAME;

	plan->mss = pkt->mss;
	plan->tlen = payload;
	plan->wire_bytes = ofl_seg_wire_bytes(plan);
	/* the NIC writes both checksums of each segment (LSO-15, USO-13) */
	plan->csum = OFL_CSUM_L4;
	if (pkt->ip_version == 4)
		plan->csum |= OFL_CSUM_IP;
	return OFL_OK;
}

/* Whether a packet can leave as it is */
static enum ofl_refusal ofl_fits_whole(const struct ofl_config *cur,
				       const struct ofl_pkt *pkt)
{
	if (cur->max_frame && pkt->len > cur->max_frame)
		return OFL_REFUSE_FRAME;
	if (cur->max_bufs && pkt->num_bufs > cur->max_bufs)
		return OFL_REFUSE_BUFS;
	return OFL_OK;
}

/**
 * ofl_refuses_shape() - whether a refusal leaves checksums to the NIC
 * @refusal: what ofl_send_plan() or ofl_fits_tag() returned
 *
 * The headers of the packet, and so those of its segments, are looked at first:
 * where this is true the NIC copes with them, and computes the checksums of what
 * the stack segments or copies into fewer buffers.
 *
 * Return: false too if nothing is refused.
 */
bool ofl_refuses_shape(enum ofl_refusal refusal)
{
	switch (refusal) {
	case OFL_REFUSE_MSS:
	case OFL_REFUSE_SIZE:
	case OFL_REFUSE_MIN_SEGS:
	case OFL_REFUSE_TAIL:
	case OFL_REFUSE_BUFS:
	case OFL_REFUSE_FRAME:
		return true;
	default:
		return false;
	}
}

/**
 * ofl_send_plan() - decide what the NIC shall do with one packet
 * @cur: the current configuration
 * @pkt: the packet; a request for segmentation includes one for checksums
 * @plan: filled, also for a packet without any request
 *
 * A checksum that is not on as a job of its own is still computed for the
 * segments that the NIC makes (CSUM-10).
 *
 * Return: OFL_OK, or why the NIC cannot do what @pkt asks for; then @plan is
 * of no use but for ofl_fits_tag(), and the packet belongs back to the stack.
 */
enum ofl_refusal ofl_send_plan(const struct ofl_config *cur,
			       const struct ofl_pkt *pkt,
			       struct ofl_plan *plan)
{
	enum ofl_refusal refusal;
	u64 job;

	*plan = (struct ofl_plan){ .segs = 1 };
	plan->wire_bytes = pkt->len < OFL_MIN_FRAME ? OFL_MIN_FRAME : pkt->len;
	if (!pkt->mss && !pkt->csum_off)
		return ofl_fits_whole(cur, pkt);

	refusal = ofl_check_headers(pkt);
	if (refusal)
		return refusal;
	refusal = ofl_l4_job(pkt, &job);
	if (refusal)
		return refusal;

	plan->mac_len = pkt->l3_off;
	plan->ip_len = pkt->l4_off - pkt->l3_off;
	plan->l4_len = pkt->l4_hlen;
	plan->hdr_len = pkt->l4_off + pkt->l4_hlen;
	plan->ip_version = pkt->ip_version;
	plan->l4_proto = pkt->l4_proto;
	if (plan->hdr_len > cur->max_hdr_len)
		return OFL_REFUSE_HDR_LEN;

	if (pkt->mss)
		return ofl_plan_seg(cur, pkt, plan);

	if (!(cur->jobs & job))
		return OFL_REFUSE_OFF;
	plan->csum = OFL_CSUM_L4;
	return ofl_fits_whole(cur, pkt);
}
