// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The send plan of the packets that nearly all packets are: TCP or UDP over IP
 * without tags, options or extension headers.  Each of them is judged twice on
 * its way, so this is done in one go, and what is unusual in any way is left to
 * ofl_read_headers() and ofl_send_plan(), which say the same of these packets.
 */

#include "ofl.h"

#define OFL_ETH_HLEN		14
#define OFL_IP4_HLEN		20
#define OFL_IP6_HLEN		40
#define OFL_UDP_HLEN		8
#define OFL_TCP_HLEN		20
#define OFL_TCP_DOFF		12
#define OFL_TCP_CSUM_OFF	16
#define OFL_UDP_CSUM_OFF	6

/* The packet's kind: what it needs of the configuration */
struct ofl_usual {
	u64 csum_job;
	u64 seg_job;
	u8 seg;
	u8 csum_off;
};

/* [IPv6][UDP] */
static const struct ofl_usual ofl_usual_kinds[2][2] = {
	{
		{ OFL_JOB(TX_CSUM_TCP4), OFL_JOB(LSOV2_IP4), OFL_SEG_LSOV2,
		  OFL_TCP_CSUM_OFF },
		{ OFL_JOB(TX_CSUM_UDP4), OFL_JOB(USO_IP4), OFL_SEG_USO,
		  OFL_UDP_CSUM_OFF },
	},
	{
		{ OFL_JOB(TX_CSUM_TCP6), OFL_JOB(LSOV2_IP6), OFL_SEG_LSOV2,
		  OFL_TCP_CSUM_OFF },
		{ OFL_JOB(TX_CSUM_UDP6), OFL_JOB(USO_IP6), OFL_SEG_USO,
		  OFL_UDP_CSUM_OFF },
	},
};

static bool ofl_usual_ip4(const struct ofl_pkt *pkt, const u8 *ip)
{
	return pkt->l4_off == OFL_ETH_HLEN + OFL_IP4_HLEN && ip[0] == 0x45 &&
	       !(ip[6] & 0x3f) && !ip[7] &&
	       (pkt->mss ||
		((u32)ip[2] << 8 | ip[3]) + OFL_ETH_HLEN == pkt->len);
}

static bool ofl_usual_ip6(const struct ofl_pkt *pkt, const u8 *ip)
{
	return pkt->l4_off == OFL_ETH_HLEN + OFL_IP6_HLEN && ip[0] >> 4 == 6 &&
	       (pkt->mss ||
		((u32)ip[4] << 8 | ip[5]) + pkt->l4_off == pkt->len);
}

static bool ofl_usual_seg(const struct ofl_config *cur,
			  const struct ofl_pkt *pkt,
			  const struct ofl_usual *kind, struct ofl_plan *plan)
{
	const struct ofl_seg_limits *limits = &cur->seg[kind->seg];
	u32 payload = pkt->len - plan->hdr_len;
	u32 last;

	if (!(cur->jobs & kind->seg_job) || pkt->mss < cur->min_mss ||
	    pkt->mss > cur->max_mss || !payload ||
	    payload > limits->max_offload_size || !limits->sub_mss_final)
		return false;
	if (cur->max_frame && plan->hdr_len + pkt->mss > cur->max_frame)
		return false;

	plan->segs = (payload + pkt->mss - 1) / pkt->mss;
	if (plan->segs < limits->min_segment_count)
		return false;
	last = plan->hdr_len + payload - (plan->segs - 1) * pkt->mss;
	if (last < OFL_MIN_FRAME)
		return false;
	plan->wire_bytes = payload + plan->segs * plan->hdr_len;
	plan->tlen = payload;
	plan->mss = pkt->mss;
	plan->seg = kind->seg;
	if (plan->ip_version == 4)
		plan->csum |= OFL_CSUM_IP;

	return true;
}

static bool ofl_usual_whole(const struct ofl_config *cur,
			    const struct ofl_pkt *pkt,
			    const struct ofl_usual *kind, struct ofl_plan *plan)
{
	plan->segs = 1;
	plan->wire_bytes = pkt->len < OFL_MIN_FRAME ? OFL_MIN_FRAME : pkt->len;
	plan->tlen = 0;
	plan->mss = 0;
	plan->seg = OFL_SEG_NONE;

	return cur->jobs & kind->csum_job &&
	       (!cur->max_frame || pkt->len <= cur->max_frame);
}

/**
 * ofl_plan_usual() - the send plan of a usual packet
 * @cur: the current configuration
 * @pkt: the packet, as for ofl_read_headers(), with num_bufs and csum_off;
 *	ip_version, l4_proto and l4_hlen are filled in if the plan is made
 * @hdr: first bytes of the frame, the Ethernet header first
 * @hdr_len: bytes at @hdr
 * @plan: filled if the plan is made
 *
 * Return: true if the plan was made, false if the packet is not usual or cannot
 * be sent as it is; then nothing is said of it.
 */
bool ofl_plan_usual(const struct ofl_config *cur, struct ofl_pkt *pkt,
		    const u8 *hdr, u32 hdr_len, struct ofl_plan *plan)
{
	const u8 *ip = hdr + OFL_ETH_HLEN;
	const struct ofl_usual *kind;
	bool v6, udp;
	u8 proto;

	if (pkt->l3_off != OFL_ETH_HLEN ||
	    pkt->l4_off < OFL_ETH_HLEN + OFL_IP4_HLEN ||
	    (u32)pkt->l4_off + OFL_UDP_HLEN > hdr_len || hdr_len > pkt->len ||
	    (cur->max_bufs && pkt->num_bufs > cur->max_bufs))
		return false;
	if (hdr[12] == 0x08 && !hdr[13] && ofl_usual_ip4(pkt, ip)) {
		v6 = false;
		proto = ip[9];
	} else if (hdr[12] == 0x86 && hdr[13] == 0xdd &&
		   ofl_usual_ip6(pkt, ip)) {
		v6 = true;
		proto = ip[6];
	} else {
		return false;
	}
	udp = proto == OFL_PROTO_UDP;
	if (!udp && (proto != OFL_PROTO_TCP ||
		     (u32)pkt->l4_off + OFL_TCP_HLEN > hdr_len))
		return false;

	kind = &ofl_usual_kinds[v6][udp];
	plan->l4_len = udp ? OFL_UDP_HLEN :
			     (hdr[pkt->l4_off + OFL_TCP_DOFF] >> 4) * 4;
	plan->hdr_len = pkt->l4_off + plan->l4_len;
	if (pkt->csum_off != pkt->l4_off + kind->csum_off ||
	    (!udp && plan->l4_len < OFL_TCP_HLEN) || plan->hdr_len > hdr_len ||
	    plan->hdr_len > cur->max_hdr_len)
		return false;

	pkt->ip_version = v6 ? 6 : 4;
	pkt->l4_proto = proto;
	pkt->l4_hlen = plan->l4_len;
	plan->ip_version = pkt->ip_version;
	plan->l4_proto = proto;
	plan->mac_len = OFL_ETH_HLEN;
	plan->ip_len = pkt->l4_off - OFL_ETH_HLEN;
	plan->csum = OFL_CSUM_L4;

	return pkt->mss ? ofl_usual_seg(cur, pkt, kind, plan) :
			  ofl_usual_whole(cur, pkt, kind, plan);
}
