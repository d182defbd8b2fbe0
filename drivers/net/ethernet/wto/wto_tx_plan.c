// SPDX-License-Identifier: GPL-2.0-only
/*
 * The send plan of an skb: what the NIC is to do with it, and the headers as
 * the NIC wants to find them.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "wto.h"

/* Most buffers that a segment is gathered from.  How a long buffer will be cut
 * depends on where it lies, so one more is taken to be there.
 */
static noinline u32 wto_tx_seg_bufs(const struct sk_buff *skb, u32 hdr_len)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 len[MAX_SKB_FRAGS + 1] = { skb_headlen(skb) };
	bool cut = len[0] > WTO_TXD_MAX_SIZE;

	for (unsigned int i = 0; i < shinfo->nr_frags; i++) {
		len[i + 1] = skb_frag_size(&shinfo->frags[i]);
		cut |= len[i + 1] > WTO_TXD_MAX_SIZE;
	}

	return ofl_seg_bufs(len, shinfo->nr_frags + 1, hdr_len,
			    shinfo->gso_size) + cut;
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

/**
 * wto_tx_plan - decide what the NIC shall do with a packet
 * @cfg: current configuration
 * @skb: packet that asks for a checksum or for segmentation
 * @plan: filled if the NIC can do it
 *
 * Context: Any.
 * Return: OFL_OK, or why the NIC cannot do it.
 */
enum ofl_refusal wto_tx_plan(const struct ofl_config *cfg,
			     struct sk_buff *skb, struct ofl_plan *plan)
{
	struct ofl_pkt pkt = {
		.len = skb->len,
		.num_bufs = skb_shinfo(skb)->nr_frags + 1,
		.l3_off = skb_network_offset(skb),
		.mss = skb_shinfo(skb)->gso_size,
	};
	enum ofl_refusal refusal;
	bool many_bufs;

	/* segments without a checksum are nothing that a NIC makes */
	if (unlikely(skb->ip_summed != CHECKSUM_PARTIAL))
		return OFL_REFUSE_CSUM_PLACE;

	pkt.l4_off = skb_checksum_start_offset(skb);
	pkt.csum_off = pkt.l4_off + skb->csum_offset;
	many_bufs = pkt.mss && cfg->max_bufs &&
		    pkt.num_bufs + skb->len / WTO_TX_PIECE > cfg->max_bufs;
	if (likely(!many_bufs && ofl_plan_usual(cfg, &pkt, skb->data,
						skb_headlen(skb), plan)))
		return likely(wto_tx_kind_fits(skb, &pkt)) ? OFL_OK :
							     OFL_REFUSE_PROTO;

	refusal = ofl_read_headers(&pkt, skb->data, skb_headlen(skb));
	if (unlikely(refusal))
		return refusal;
	if (unlikely(!wto_tx_kind_fits(skb, &pkt)))
		return OFL_REFUSE_PROTO;
	if (many_bufs)
		pkt.num_bufs = wto_tx_seg_bufs(skb, pkt.l4_off + pkt.l4_hlen);

	return ofl_send_plan(cfg, &pkt, plan);
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

/**
 * wto_tx_prepare_gso - make the headers a template for segments
 * @skb: packet
 * @plan: its plan, with segmentation
 *
 * Lengths are the NIC's business; of LSOv1 the one in the IP header is used
 * (LSO-08).  The packet is unfit for the stack afterwards.
 *
 * Context: Any.
 * Return: 0, or -ENOMEM if the headers are shared and cannot be copied.
 */
int wto_tx_prepare_gso(struct sk_buff *skb, const struct ofl_plan *plan)
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
		wto_tx_seed(&((struct udphdr *)l4)->check, skb->len - l4_off);

	if (plan->ip_version == 6) {
		((struct ipv6hdr *)l3)->payload_len = 0;
		return 0;
	}
	((struct iphdr *)l3)->check = 0;
	if (plan->seg != OFL_SEG_LSOV1)
		((struct iphdr *)l3)->tot_len = 0;

	return 0;
}
