/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The send plan of the packets that nearly all packets are: TCP or UDP over IP
 * without tags, options or extension headers.  Each of them is judged twice on
 * its way, so what the configuration means for each kind of them is worked out
 * beforehand, and one look at the headers settles the rest.  What is unusual in
 * any way is left to ofl_read_headers() and ofl_send_plan(), which say the same
 * of these packets.
 */

#ifndef OFL_USUAL_H
#define OFL_USUAL_H

#include "ofl.h"

#define OFL_USUAL_ETH_HLEN	14
#define OFL_USUAL_IP4_HLEN	20
#define OFL_USUAL_IP6_HLEN	40
#define OFL_USUAL_UDP_HLEN	8
#define OFL_USUAL_TCP_HLEN	20
#define OFL_USUAL_TCP_DOFF	12

/**
 * struct ofl_usual_kind - what usual packets of one kind must keep to
 * @max_payload: payload bytes of a packet to segment; 0: there is none
 * @max_whole: bytes of a frame that leaves as it is; 0: there is none
 * @max_seg: bytes of a segment, headers included
 * @max_hdr_len: bytes of all headers
 * @min_mss: smallest MSS
 * @max_mss: largest MSS
 * @too_few: one segment less than there must be
 * @csum_off: where the checksum stands in the layer 4 header
 * @os_seg: what the operating system calls their segmentation; its own, 0
 * @seg: what plans of packets to segment have in common
 * @whole: what plans of other packets have in common
 */
struct ofl_usual_kind {
	u32 max_payload;
	u32 max_whole;
	u32 max_seg;
	u16 max_hdr_len;
	u16 min_mss;
	u16 max_mss;
	u16 too_few;
	u16 csum_off;
	u32 os_seg;
	struct ofl_plan seg;
	struct ofl_plan whole;
};

/**
 * struct ofl_usual - a configuration, as usual packets see it
 * @max_bufs: most buffers of a packet, or of a segment
 * @kinds: TCP over IPv4, UDP over IPv4, TCP over IPv6, UDP over IPv6
 */
struct ofl_usual {
	u32 max_bufs;
	struct ofl_usual_kind kinds[4];
};

void ofl_usual_init(const struct ofl_config *cur, struct ofl_usual *usual);

static inline u32 ofl_usual_be16(const u8 *at)
{
	return (u32)at[0] << 8 | at[1];
}

static inline u32 ofl_usual_be32(const u8 *at)
{
	return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

/**
 * ofl_usual_find() - whether a packet is usual, and the NIC can send it
 * @usual: the current configuration
 * @pkt: the packet, as for ofl_read_headers(), with num_bufs and csum_off
 * @hdr: first bytes of the frame, the Ethernet header first
 * @linear: bytes at @hdr, at most @pkt->len
 * @hdr_len: bytes of all headers, if it is
 *
 * Return: the packet's kind; NULL says nothing of the packet.
 */
static __always_inline const struct ofl_usual_kind *
ofl_usual_find(const struct ofl_usual *usual, const struct ofl_pkt *pkt,
	       const u8 *hdr, u32 linear, u32 *hdr_len)
{
	const struct ofl_usual_kind *kind = usual->kinds;
	const u8 *ip = hdr + OFL_USUAL_ETH_HLEN;
	u32 l4_len = OFL_USUAL_UDP_HLEN;
	u32 l4_off = pkt->l4_off;
	u32 total, payload;
	u8 proto;

	if (pkt->l3_off != OFL_USUAL_ETH_HLEN || l4_off + l4_len > linear ||
	    pkt->num_bufs > usual->max_bufs)
		return NULL;

	if (l4_off == OFL_USUAL_ETH_HLEN + OFL_USUAL_IP4_HLEN) {
		/* Ethertype, version and header length; fragments */
		if ((ofl_usual_be32(hdr + 12) & 0xffffff00) != 0x08004500 ||
		    ofl_usual_be16(ip + 6) & 0x3fff)
			return NULL;
		proto = ip[9];
		total = ofl_usual_be16(ip + 2) + OFL_USUAL_ETH_HLEN;
	} else if (l4_off == OFL_USUAL_ETH_HLEN + OFL_USUAL_IP6_HLEN) {
		/* Ethertype, version */
		if ((ofl_usual_be32(hdr + 12) & 0xfffff000) != 0x86dd6000)
			return NULL;
		proto = ip[6];
		total = ofl_usual_be16(ip + 4) + l4_off;
		kind += 2;
	} else {
		return NULL;
	}

	if (proto == OFL_PROTO_TCP) {
		if (l4_off + OFL_USUAL_TCP_HLEN > linear)
			return NULL;
		l4_len = (hdr[l4_off + OFL_USUAL_TCP_DOFF] >> 4) * 4;
		if (l4_len < OFL_USUAL_TCP_HLEN || l4_off + l4_len > linear)
			return NULL;
	} else if (proto == OFL_PROTO_UDP) {
		kind++;
	} else {
		return NULL;
	}

	*hdr_len = l4_off + l4_len;
	if (*hdr_len > kind->max_hdr_len ||
	    pkt->csum_off != l4_off + kind->csum_off)
		return NULL;
	if (!pkt->mss)
		return total == pkt->len && total <= kind->max_whole ?
		       kind : NULL;

	payload = pkt->len - *hdr_len;
	if (payload - 1 >= kind->max_payload || pkt->mss < kind->min_mss ||
	    pkt->mss > kind->max_mss || *hdr_len + pkt->mss > kind->max_seg ||
	    payload <= (u32)kind->too_few * pkt->mss)
		return NULL;

	return kind;
}

/**
 * ofl_usual_plan() - the send plan of a usual packet
 * @kind: from ofl_usual_find()
 * @pkt: the packet
 * @hdr_len: bytes of all headers
 * @plan: filled
 */
static __always_inline void
ofl_usual_plan(const struct ofl_usual_kind *kind, const struct ofl_pkt *pkt,
	       u32 hdr_len, struct ofl_plan *plan)
{
	u32 last;

	if (!pkt->mss) {
		*plan = kind->whole;
		plan->l4_len = hdr_len - pkt->l4_off;
		plan->hdr_len = hdr_len;
		plan->wire_bytes = pkt->len < OFL_MIN_FRAME ? OFL_MIN_FRAME :
							      pkt->len;
		return;
	}

	*plan = kind->seg;
	plan->l4_len = hdr_len - pkt->l4_off;
	plan->hdr_len = hdr_len;
	plan->mss = pkt->mss;
	plan->tlen = pkt->len - hdr_len;
	plan->segs = (plan->tlen + pkt->mss - 1) / pkt->mss;
	plan->wire_bytes = plan->tlen + plan->segs * hdr_len;
	/* the NIC pads the last segment */
	last = hdr_len + plan->tlen - (plan->segs - 1) * pkt->mss;
	if (last < OFL_MIN_FRAME)
		plan->wire_bytes += OFL_MIN_FRAME - last;
}

#endif /* OFL_USUAL_H */
