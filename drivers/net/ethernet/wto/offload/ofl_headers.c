// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * From the bytes of a packet to what the send plan wants to know of it.
 *
 * A NIC that gets one bit for "checksums" or the length of all headers finds
 * the headers by itself.  So they must be where the sender says they are, along
 * a way that such a NIC can go.
 */

#include "ofl.h"

#define OFL_ETH_HLEN		14
#define OFL_TAG_LEN		4
#define OFL_MAX_TAGS		2
#define OFL_ETHERTYPE_IP4	0x0800
#define OFL_ETHERTYPE_IP6	0x86dd
#define OFL_TPID_1Q		0x8100
#define OFL_TPID_1AD		0x88a8

#define OFL_IP4_HLEN		20
#define OFL_IP4_FRAG		0x3fff	/* more fragments, offset */
#define OFL_IP6_HLEN		40
#define OFL_IP6_FRAG		0xfff9	/* offset, more fragments */
#define OFL_L4_MIN_HLEN		8U
#define OFL_TCP_DOFF		12U
#define OFL_SCTP_HLEN		12

#define OFL_IP6_EXT_HOP		0
#define OFL_IP6_EXT_ROUTING	43
#define OFL_IP6_EXT_FRAGMENT	44
#define OFL_IP6_EXT_DEST	60

static u32 ofl_be16(const u8 *at)
{
	return (u32)at[0] << 8 | at[1];
}

/* Each tag must be one that NICs know of */
static bool ofl_tags_ok(const u8 *hdr, u16 l3_off)
{
	u16 at;

	if (l3_off > OFL_ETH_HLEN + OFL_MAX_TAGS * OFL_TAG_LEN ||
	    (l3_off - OFL_ETH_HLEN) % OFL_TAG_LEN)
		return false;
	for (at = OFL_ETH_HLEN - 2; at < l3_off - 2; at += OFL_TAG_LEN) {
		u32 tpid = ofl_be16(hdr + at);

		if (tpid != OFL_TPID_1Q && tpid != OFL_TPID_1AD)
			return false;
	}
	return true;
}

/* Follow the extension headers from behind the IPv6 header up to layer 4 */
static enum ofl_refusal ofl_walk_ip6(struct ofl_pkt *pkt, const u8 *ip)
{
	u32 end = pkt->l4_off - pkt->l3_off;
	u32 at = OFL_IP6_HLEN;
	u8 next = ip[6];

	while (at < end) {
		const u8 *ext = ip + at;
		u32 len = 8;

		switch (next) {
		case OFL_IP6_EXT_HOP:
		case OFL_IP6_EXT_ROUTING:
		case OFL_IP6_EXT_DEST:
			len += ext[1] * 8;
			break;
		case OFL_IP6_EXT_FRAGMENT:
			/* an atomic fragment (RFC 6946) is a whole packet */
			if (ofl_be16(ext + 2) & OFL_IP6_FRAG)
				return OFL_REFUSE_FRAGMENT;
			break;
		default:
			return OFL_REFUSE_PROTO;
		}
		next = ext[0];
		at += len;
	}
	pkt->l4_proto = next;

	return at == end ? OFL_OK : OFL_REFUSE_OFFSETS;
}

static enum ofl_refusal ofl_read_ip6(struct ofl_pkt *pkt, const u8 *ip)
{
	u32 ip_len = pkt->l4_off - pkt->l3_off;

	pkt->ip_version = 6;
	if (ip[0] >> 4 != 6 || ip_len < OFL_IP6_HLEN || ip_len % 8)
		return OFL_REFUSE_OFFSETS;
	if (!pkt->mss &&
	    ofl_be16(ip + 4) + OFL_IP6_HLEN + pkt->l3_off != pkt->len)
		return OFL_REFUSE_LENGTH;
	if (ip_len != OFL_IP6_HLEN)
		return ofl_walk_ip6(pkt, ip);
	pkt->l4_proto = ip[6];

	return OFL_OK;
}

static enum ofl_refusal ofl_read_ip4(struct ofl_pkt *pkt, const u8 *ip)
{
	pkt->ip_version = 4;
	if (ip[0] >> 4 != 4 || (ip[0] & 0xf) * 4 != pkt->l4_off - pkt->l3_off)
		return OFL_REFUSE_OFFSETS;
	if (ofl_be16(ip + 6) & OFL_IP4_FRAG)
		return OFL_REFUSE_FRAGMENT;
	if (!pkt->mss && ofl_be16(ip + 2) + pkt->l3_off != pkt->len)
		return OFL_REFUSE_LENGTH;
	pkt->l4_proto = ip[9];

	return OFL_OK;
}

/**
 * ofl_read_headers() - find out what headers a packet has
 * @pkt: len, l3_off, l4_off and mss are set; ip_version, l4_proto and l4_hlen
 *	get filled in
 * @hdr: first bytes of the frame, the Ethernet header first
 * @hdr_len: bytes at @hdr; the layer 4 header of a packet to segment must lie
 *	within
 *
 * The length in the IP header counts only for a packet that leaves as it is.
 *
 * Return: OFL_OK, or what a NIC would stumble over.
 */
enum ofl_refusal ofl_read_headers(struct ofl_pkt *pkt, const u8 *hdr,
				  u32 hdr_len)
{
	enum ofl_refusal refusal;
	u32 type;

	if (pkt->l3_off < OFL_ETH_HLEN ||
	    pkt->l4_off < pkt->l3_off + OFL_IP4_HLEN ||
	    pkt->l4_off + OFL_L4_MIN_HLEN > hdr_len)
		return OFL_REFUSE_OFFSETS;
	if (pkt->l3_off != OFL_ETH_HLEN && !ofl_tags_ok(hdr, pkt->l3_off))
		return OFL_REFUSE_PROTO;

	type = ofl_be16(hdr + pkt->l3_off - 2);
	if (type == OFL_ETHERTYPE_IP4)
		refusal = ofl_read_ip4(pkt, hdr + pkt->l3_off);
	else if (type == OFL_ETHERTYPE_IP6)
		refusal = ofl_read_ip6(pkt, hdr + pkt->l3_off);
	else
		refusal = OFL_REFUSE_PROTO;
	if (refusal)
		return refusal;

	switch (pkt->l4_proto) {
	case OFL_PROTO_TCP:
		if (pkt->l4_off + OFL_TCP_DOFF >= hdr_len)
			return OFL_REFUSE_OFFSETS;
		pkt->l4_hlen = (hdr[pkt->l4_off + OFL_TCP_DOFF] >> 4) * 4;
		break;
	case OFL_PROTO_UDP:
		pkt->l4_hlen = OFL_L4_MIN_HLEN;
		break;
	case OFL_PROTO_SCTP:
		pkt->l4_hlen = OFL_SCTP_HLEN;
		break;
	default:
		return OFL_REFUSE_PROTO;
	}

	return pkt->mss && (u32)pkt->l4_off + pkt->l4_hlen > hdr_len ?
	       OFL_REFUSE_OFFSETS : OFL_OK;
}

/**
 * ofl_fits_tag() - look whether a plan holds with one tag more
 * @cur: the current configuration
 * @plan: plan of a packet that is to be checksummed or segmented, to which a
 *	tag will be added before it is sent
 *
 * Return: OFL_OK, or what a NIC would stumble over.
 */
enum ofl_refusal ofl_fits_tag(const struct ofl_config *cur,
			      const struct ofl_plan *plan)
{
	if (plan->mac_len >= OFL_ETH_HLEN + OFL_MAX_TAGS * OFL_TAG_LEN)
		return OFL_REFUSE_PROTO;
	if (plan->hdr_len + OFL_TAG_LEN > cur->max_hdr_len)
		return OFL_REFUSE_HDR_LEN;
	if (cur->max_frame && plan->mss &&
	    plan->hdr_len + OFL_TAG_LEN + plan->mss > cur->max_frame)
		return OFL_REFUSE_FRAME;

	return OFL_OK;
}

/**
 * ofl_seg_bufs_add() - count the buffers of segments: the next buffer
 * @bufs: what was counted so far
 * @len: bytes of payload in the buffer
 */
void ofl_seg_bufs_add(struct ofl_seg_bufs *bufs, u32 len)
{
	if (!len)
		return;

	bufs->cur++;
	if (len >= bufs->left) {
		bufs->most = bufs->cur > bufs->most ? bufs->cur : bufs->most;
		/* whole segments within the buffer take one each */
		len = (len - bufs->left) % bufs->mss;
		bufs->left = bufs->mss;
		bufs->cur = len ? 1 : 0;
	}
	bufs->left -= len;
}

/**
 * ofl_seg_bufs_most() - most buffers that a segment is gathered from
 * @bufs: all buffers of the packet were added
 *
 * Return: buffers of the worst segment, one for the headers included.
 */
unsigned int ofl_seg_bufs_most(const struct ofl_seg_bufs *bufs)
{
	return 1 + (bufs->cur > bufs->most ? bufs->cur : bufs->most);
}
