// SPDX-License-Identifier: GPL-2.0-only
/*
 * The send plan of an skb: what the NIC is to do with it, and the headers as
 * the NIC wants to find them.
 */

#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "wto.h"

/* Buffers of a segment among which one may be cut: header, end of the one
 * before, a piece of what is left of that, the next one.
 */
#define WTO_TX_SEG_BUFS		4

/* No fragment but the last is shorter than a segment: then a segment is
 * gathered from WTO_TX_SEG_BUFS at most.
 */
static __always_inline bool
wto_tx_long_frags(const struct skb_shared_info *shinfo)
{
	const skb_frag_t *end = shinfo->frags + shinfo->nr_frags - 1;

	for (const skb_frag_t *frag = shinfo->frags; frag < end; frag++)
		if (skb_frag_size(frag) < shinfo->gso_size)
			return false;

	return true;
}

static bool wto_tx_seg_bufs_add(struct ofl_seg_bufs *bufs,
				const struct sk_buff *skb, u32 hdr_len)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	bool cut = skb_headlen(skb) > WTO_TXD_MAX_SIZE;

	ofl_seg_bufs_add(bufs, skb_headlen(skb) - hdr_len);
	for (unsigned int i = 0; i < shinfo->nr_frags; i++) {
		u32 len = skb_frag_size(&shinfo->frags[i]);

		ofl_seg_bufs_add(bufs, len);
		cut |= len > WTO_TXD_MAX_SIZE;
	}

	return cut;
}

/* Most buffers that a segment is gathered from.  How a long buffer will be cut
 * depends on where it lies, so one more is taken to be there.
 */
static u32 wto_tx_seg_bufs(const struct sk_buff *skb, u32 hdr_len)
{
	struct ofl_seg_bufs bufs = {
		.mss = skb_shinfo(skb)->gso_size,
		.left = skb_shinfo(skb)->gso_size,
	};
	const struct sk_buff *part;
	bool cut;

	cut = wto_tx_seg_bufs_add(&bufs, skb, hdr_len);
	skb_walk_frags(skb, part)
		cut |= wto_tx_seg_bufs_add(&bufs, part, 0);

	return ofl_seg_bufs_most(&bufs) + cut;
}

/* What is asked for must be what the headers are of */
static bool wto_tx_kind_fits(struct sk_buff *skb, const struct ofl_pkt *pkt)
{
	unsigned int gso = pkt->mss ? skb_shinfo(skb)->gso_type : 0;

	switch (pkt->l4_proto) {
	case OFL_PROTO_TCP:
		return !gso || gso & (pkt->ip_version == 4 ? SKB_GSO_TCPV4 :
							     SKB_GSO_TCPV6);
	case OFL_PROTO_UDP:
		return !gso || gso & SKB_GSO_UDP_L4;
	default:
		/* a CRC and a sum are asked for by the same flag */
		return !gso && skb_csum_is_sctp(skb);
	}
}

static __always_inline struct ofl_pkt wto_tx_pkt(const struct sk_buff *skb)
{
	u16 l4_off = skb_checksum_start_offset(skb);

	return (struct ofl_pkt){
		.len = skb->len,
		.num_bufs = skb_shinfo(skb)->nr_frags + 1,
		.l3_off = skb_network_offset(skb),
		.l4_off = l4_off,
		.csum_off = l4_off + skb->csum_offset,
		.mss = skb_shinfo(skb)->gso_size,
	};
}

static noinline enum ofl_refusal
wto_tx_plan_unusual(const struct ofl_config *cfg, struct sk_buff *skb,
		    struct ofl_plan *plan)
{
	struct ofl_pkt pkt = wto_tx_pkt(skb);
	enum ofl_refusal refusal;

	/* segments without a checksum are nothing that a NIC makes */
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return OFL_REFUSE_CSUM_PLACE;

	refusal = ofl_read_headers(&pkt, skb->data, skb_headlen(skb));
	if (refusal)
		return refusal;
	if (!wto_tx_kind_fits(skb, &pkt))
		return OFL_REFUSE_PROTO;
	if (pkt.mss)
		pkt.num_bufs = wto_tx_seg_bufs(skb, pkt.l4_off + pkt.l4_hlen);
	else if (skb_has_frag_list(skb))
		pkt.num_bufs = min(wto_tx_count_descs(skb), U16_MAX);

	return ofl_send_plan(cfg, &pkt, plan);
}

static noinline enum ofl_refusal
wto_tx_check_unusual(const struct ofl_config *cfg, u32 room,
		     struct sk_buff *skb)
{
	enum ofl_refusal refusal, tag;
	struct ofl_plan plan;

	refusal = wto_tx_plan_unusual(cfg, skb, &plan);
	if (refusal && !ofl_refuses_shape(refusal))
		return refusal;
	/* the stack puts its tag into the frame only after this */
	if (skb_vlan_tag_present(skb)) {
		tag = ofl_fits_tag(cfg, &plan);
		if (tag)
			return tag;
	}
	/* would be copied into one buffer */
	if (!refusal && skb_is_gso(skb) &&
	    (room < WTO_TX_ROOM || skb_has_frag_list(skb)) &&
	    wto_tx_count_descs(skb) >= room)
		return OFL_REFUSE_BUFS;

	return refusal;
}

/* The kind of a packet that is nothing unusual */
static __always_inline const struct ofl_usual_kind *
wto_tx_usual(const struct wto_offloads *ofl, struct sk_buff *skb,
	     struct ofl_pkt *pkt, u32 *hdr_len)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	const struct ofl_usual_kind *kind;

	if (skb->ip_summed != CHECKSUM_PARTIAL || skb_vlan_tag_present(skb) ||
	    shinfo->frag_list)
		return NULL;
	if (pkt->mss) {
		if (!wto_tx_long_frags(shinfo))
			return NULL;
		pkt->num_bufs = WTO_TX_SEG_BUFS;
	}

	kind = ofl_usual_find(&ofl->usual, pkt, skb->data, skb_headlen(skb),
			      hdr_len);

	/* what is asked for must be what the headers are of */
	return kind && (!pkt->mss || shinfo->gso_type & kind->os_seg) ? kind :
									NULL;
}

/**
 * wto_tx_plan_init - work out what a configuration means for usual packets
 * @ofl: configuration, with @cfg set
 */
void wto_tx_plan_init(struct wto_offloads *ofl)
{
	ofl_usual_init(&ofl->cfg, &ofl->usual);
	for (unsigned int i = 0; i < ARRAY_SIZE(ofl->usual.kinds); i++) {
		struct ofl_usual_kind *kind = &ofl->usual.kinds[i];

		if (kind->whole.l4_proto == OFL_PROTO_UDP)
			kind->os_seg = SKB_GSO_UDP_L4;
		else
			kind->os_seg = kind->whole.ip_version == 4 ?
				       SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	}
}

/**
 * wto_tx_check - decide whether the NIC can do what a packet asks for
 * @ofl: current configuration
 * @room: descriptors that a packet may take
 * @skb: packet that asks for a checksum or for segmentation
 *
 * Context: Any.
 * Return: OFL_OK, or why the NIC cannot do it.
 */
enum ofl_refusal wto_tx_check(const struct wto_offloads *ofl, u32 room,
			      struct sk_buff *skb)
{
	struct ofl_pkt pkt = wto_tx_pkt(skb);
	u32 hdr_len;

	if (likely(room >= WTO_TX_ROOM &&
		   wto_tx_usual(ofl, skb, &pkt, &hdr_len)))
		return OFL_OK;

	return wto_tx_check_unusual(&ofl->cfg, room, skb);
}

/* Take the length out of the pseudo header's sum: the NIC adds that of each
 * segment.  The stack's sum is used, not one over the addresses in the IP
 * header, since with a routing header these are not the ones that count.  The
 * result is never 0, which would mean "no checksum" (USO-08): a one's
 * complement sum of something that is not 0 is not 0.
 */
static void wto_tx_seed(__sum16 *check, u32 len)
{
	__wsum sum = csum_sub(csum_unfold(*check), (__force __wsum)htonl(len));

	*check = (__force __sum16)~(__force u16)csum_fold(sum);
}

/* The length that is in the sum of a datagram to segment is the one in its
 * header.  That may be a segment's: the stack so leaves the parts of a list of
 * packets that it has split but not segmented.
 */
static u32 wto_tx_udp_len(const struct udphdr *udp, u32 len)
{
	return udp->len ? be16_to_cpu(udp->len) : len;
}

/* Make the headers a template for segments.  Lengths are the NIC's business; of
 * LSOv1 the one in the IP header is used (LSO-08).
 */
static __always_inline int wto_tx_prepare_gso(struct sk_buff *skb,
					      const struct ofl_plan *plan)
{
	u32 l4_off = plan->mac_len + plan->ip_len;
	void *l3, *l4;

	if (unlikely(skb_cow_head(skb, 0)))
		return -ENOMEM;

	l3 = skb->data + plan->mac_len;
	l4 = skb->data + l4_off;
	if (plan->l4_proto == OFL_PROTO_TCP)
		wto_tx_seed(&((struct tcphdr *)l4)->check, skb->len - l4_off);
	else
		wto_tx_seed(&((struct udphdr *)l4)->check,
			    wto_tx_udp_len(l4, skb->len - l4_off));

	if (plan->ip_version == 6) {
		((struct ipv6hdr *)l3)->payload_len = 0;
		return 0;
	}
	((struct iphdr *)l3)->check = 0;
	if (plan->seg != OFL_SEG_LSOV1)
		((struct iphdr *)l3)->tot_len = 0;

	return 0;
}

/**
 * wto_tx_plan - make the plan of a packet, and a template of its headers
 * @ofl: current configuration
 * @skb: packet that asks for a checksum or for segmentation; to be segmented,
 *	it is unfit for the stack afterwards
 * @plan: filled if the NIC can do it
 *
 * Context: Any.
 * Return: 0, an enum ofl_refusal if the NIC cannot do it, or -ENOMEM.
 */
int wto_tx_plan(const struct wto_offloads *ofl, struct sk_buff *skb,
		struct ofl_plan *plan)
{
	const struct ofl_usual_kind *kind;
	enum ofl_refusal refusal;
	struct ofl_pkt pkt;
	u32 hdr_len;

	if (unlikely(wto_compat_remove_jumbo(skb)))
		return -ENOMEM;

	pkt = wto_tx_pkt(skb);
	kind = wto_tx_usual(ofl, skb, &pkt, &hdr_len);
	if (likely(kind)) {
		ofl_usual_plan(kind, &pkt, hdr_len, plan);
	} else {
		refusal = wto_tx_plan_unusual(&ofl->cfg, skb, plan);
		if (refusal)
			return refusal;
	}

	return plan->seg ? wto_tx_prepare_gso(skb, plan) : 0;
}
