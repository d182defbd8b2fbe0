// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packet parser.
 *
 * The parser sees a private copy of the first bytes of a frame, never guest
 * memory, and believes none of the lengths in it: each header is taken only
 * if it lies within both the copy and the frame.  A header that does not is
 * left out and what was found before it stands.
 *
 * The packet type does not depend on VLAN tags, IPv4 options or IPv6 extension
 * headers, as with the NICs whose numbers are used here.
 */

#include <string.h>

#include "parse.h"
#include "util.h"

#define ETHER_HLEN		14
#define VLAN_HLEN		4
#define VLAN_MAX_TAGS		2

#define ETHERTYPE_IPV4		0x0800
#define ETHERTYPE_ARP		0x0806
#define ETHERTYPE_VLAN		0x8100
#define ETHERTYPE_IPV6		0x86dd
#define ETHERTYPE_QINQ		0x88a8

#define IPV4_MIN_HLEN		20
#define IPV4_FRAG_MASK		0x3fff	/* more-fragments flag and offset */
#define IPV6_HLEN		40
#define IPV6_FRAG_HLEN		8
#define IPV6_FRAG_MASK		0xfff9	/* offset and more-fragments flag */
#define IPV6_EXT_UNIT		8

#define TCP_MIN_HLEN		20
#define UDP_HLEN		8
#define SCTP_HLEN		12
#define ICMP_HLEN		4

enum ip_proto {
	PROTO_HOPOPTS	= 0,
	PROTO_ICMP	= 1,
	PROTO_TCP	= 6,
	PROTO_UDP	= 17,
	PROTO_ROUTING	= 43,
	PROTO_FRAGMENT	= 44,
	PROTO_ICMPV6	= 58,
	PROTO_DSTOPTS	= 60,
	PROTO_SCTP	= 132,
	PROTO_MOBILITY	= 135,
	PROTO_HIP	= 139,
	PROTO_SHIM6	= 140,
};

static const struct parse_ptype_info ptypes[] = {
	{ PARSE_PTYPE_MAC, 2, { VC2_PROTO_MAC, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_ARP, 2, { VC2_PROTO_MAC, VC2_PROTO_ARP } },
	{ PARSE_PTYPE_IPV4_FRAG, 3,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV4_FRAG, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV4, 3,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV4, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV4_UDP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV4, VC2_PROTO_UDP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV4_TCP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV4, VC2_PROTO_TCP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV4_SCTP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV4, VC2_PROTO_SCTP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV4_ICMP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV4, VC2_PROTO_ICMP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV6_FRAG, 3,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV6_FRAG, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV6, 3,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV6, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV6_UDP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV6, VC2_PROTO_UDP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV6_TCP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV6, VC2_PROTO_TCP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV6_SCTP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV6, VC2_PROTO_SCTP, VC2_PROTO_PAY } },
	{ PARSE_PTYPE_IPV6_ICMP, 4,
	  { VC2_PROTO_MAC, VC2_PROTO_IPV6, VC2_PROTO_ICMPV6, VC2_PROTO_PAY } },
};

/* Bytes that may be looked at, and where the data they describe ends */
struct cursor {
	const u8 *head;
	size_t head_len;
	size_t end;
	bool any_len;	/* what IP headers say about lengths does not count */
};

static u16 get16(const struct cursor *c, size_t off)
{
	return (u16)(c->head[off] << 8 | c->head[off + 1]);
}

/* True if @len bytes at @off can be looked at; else notes why not */
static bool has(const struct cursor *c, size_t off, size_t len,
		struct parse_info *info)
{
	if (off + len > c->end) {
		info->flags |= PARSE_F_MALFORMED;
		return false;
	}
	if (off + len > c->head_len) {
		info->flags |= PARSE_F_TRUNCATED;
		return false;
	}
	return true;
}

/**
 * parse_ptype_table - all packet types that the parser can report
 * @num: set to the number of elements
 *
 * Return: the elements, by rising id.
 */
const struct parse_ptype_info *parse_ptype_table(size_t *num)
{
	*num = ARRAY_SIZE(ptypes);
	return ptypes;
}

static void set_l4(struct parse_info *info, enum parse_l4 l4, size_t off,
		   size_t hlen)
{
	static const u16 v4[] = {
		[PARSE_L4_TCP] = PARSE_PTYPE_IPV4_TCP,
		[PARSE_L4_UDP] = PARSE_PTYPE_IPV4_UDP,
		[PARSE_L4_SCTP] = PARSE_PTYPE_IPV4_SCTP,
		[PARSE_L4_ICMP] = PARSE_PTYPE_IPV4_ICMP,
	};
	static const u16 v6[] = {
		[PARSE_L4_TCP] = PARSE_PTYPE_IPV6_TCP,
		[PARSE_L4_UDP] = PARSE_PTYPE_IPV6_UDP,
		[PARSE_L4_SCTP] = PARSE_PTYPE_IPV6_SCTP,
		[PARSE_L4_ICMPV6] = PARSE_PTYPE_IPV6_ICMP,
	};

	info->l4 = l4;
	info->l4_off = (u16)off;
	info->payload_off = (u16)(off + hlen);
	info->ptype = info->l3 == PARSE_L3_IPV4 ? v4[l4] : v6[l4];
}

static void parse_tcp(const struct cursor *c, size_t off,
		      struct parse_info *info)
{
	size_t hlen;

	if (!has(c, off, TCP_MIN_HLEN, info))
		return;

	hlen = (size_t)(c->head[off + 12] >> 4) * 4;
	if (hlen < TCP_MIN_HLEN) {
		info->flags |= PARSE_F_MALFORMED;
		return;
	}
	if (has(c, off, hlen, info))
		set_l4(info, PARSE_L4_TCP, off, hlen);
}

static void parse_l4(const struct cursor *c, size_t off,
		     struct parse_info *info)
{
	switch (info->ip_proto) {
	case PROTO_TCP:
		parse_tcp(c, off, info);
		break;
	case PROTO_UDP:
		if (has(c, off, UDP_HLEN, info))
			set_l4(info, PARSE_L4_UDP, off, UDP_HLEN);
		break;
	case PROTO_SCTP:
		if (has(c, off, SCTP_HLEN, info))
			set_l4(info, PARSE_L4_SCTP, off, SCTP_HLEN);
		break;
	case PROTO_ICMP:
		if (info->l3 == PARSE_L3_IPV4 && has(c, off, ICMP_HLEN, info))
			set_l4(info, PARSE_L4_ICMP, off, ICMP_HLEN);
		break;
	case PROTO_ICMPV6:
		if (info->l3 == PARSE_L3_IPV6 && has(c, off, ICMP_HLEN, info))
			set_l4(info, PARSE_L4_ICMPV6, off, ICMP_HLEN);
		break;
	default:
		break;
	}
}

static void parse_ipv4(struct cursor *c, size_t off, struct parse_info *info)
{
	size_t hlen, total;

	if (!has(c, off, IPV4_MIN_HLEN, info))
		return;

	hlen = (size_t)(c->head[off] & 0xf) * 4;
	total = c->any_len ? c->end - off : get16(c, off + 2);
	if (c->head[off] >> 4 != 4 || hlen < IPV4_MIN_HLEN || total < hlen ||
	    off + total > c->end) {
		info->flags |= PARSE_F_MALFORMED;
		return;
	}
	if (!has(c, off, hlen, info))
		return;

	c->end = off + total;
	info->l3 = PARSE_L3_IPV4;
	info->l3_off = (u16)off;
	info->l3_end = (u16)c->end;
	info->payload_off = (u16)(off + hlen);
	info->ip_proto = c->head[off + 9];
	info->ptype = PARSE_PTYPE_IPV4;
	if (hlen > IPV4_MIN_HLEN)
		info->flags |= PARSE_F_IP_OPTIONS;

	if (get16(c, off + 6) & IPV4_FRAG_MASK) {
		info->flags |= PARSE_F_FRAG;
		info->ptype = PARSE_PTYPE_IPV4_FRAG;
		return;
	}
	parse_l4(c, off + hlen, info);
}

static bool is_ipv6_ext(u8 proto)
{
	switch (proto) {
	case PROTO_HOPOPTS:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
	case PROTO_DSTOPTS:
	case PROTO_MOBILITY:
	case PROTO_HIP:
	case PROTO_SHIM6:
		return true;
	default:
		return false;
	}
}

/* Goes over the extension headers.  Ends because each one is at least eight
 * bytes long and has() admits none beyond PARSE_MAX_BYTES.
 *
 * Return: true and *@off at the transport header, false if there is none.
 */
static bool skip_ipv6_ext(const struct cursor *c, size_t *off,
			  struct parse_info *info)
{
	while (is_ipv6_ext(info->ip_proto)) {
		bool frag = info->ip_proto == PROTO_FRAGMENT;
		size_t hlen = IPV6_FRAG_HLEN;

		info->flags |= PARSE_F_IPV6_EXT;
		if (!has(c, *off, IPV6_EXT_UNIT, info))
			return false;
		if (!frag)
			hlen = (c->head[*off + 1] + 1u) * IPV6_EXT_UNIT;
		if (!has(c, *off, hlen, info))
			return false;

		info->ip_proto = c->head[*off];
		/* An atomic fragment (RFC 6946) is a whole packet */
		if (frag && get16(c, *off + 2) & IPV6_FRAG_MASK)
			info->flags |= PARSE_F_FRAG;

		*off += hlen;
		info->payload_off = (u16)*off;
		if (info->flags & PARSE_F_FRAG) {
			info->ptype = PARSE_PTYPE_IPV6_FRAG;
			return false;
		}
	}
	return true;
}

static void parse_ipv6(struct cursor *c, size_t off, struct parse_info *info)
{
	size_t payload_len;

	if (!has(c, off, IPV6_HLEN, info))
		return;

	payload_len = c->any_len ? c->end - off - IPV6_HLEN :
				   get16(c, off + 4);
	if (c->head[off] >> 4 != 6 || off + IPV6_HLEN + payload_len > c->end) {
		info->flags |= PARSE_F_MALFORMED;
		return;
	}

	c->end = off + IPV6_HLEN + payload_len;
	info->l3 = PARSE_L3_IPV6;
	info->l3_off = (u16)off;
	info->l3_end = (u16)c->end;
	info->payload_off = (u16)(off + IPV6_HLEN);
	info->ip_proto = c->head[off + 6];
	info->ptype = PARSE_PTYPE_IPV6;

	off += IPV6_HLEN;
	if (skip_ipv6_ext(c, &off, info))
		parse_l4(c, off, info);
}

static u8 cast_of(const u8 *dst)
{
	static const u8 broadcast[ETH_ALEN] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};

	if (!(dst[0] & 1))
		return PARSE_UNICAST;
	if (!memcmp(dst, broadcast, ETH_ALEN))
		return PARSE_BROADCAST;
	return PARSE_MULTICAST;
}

/* Return: offset behind the Ethernet header and its tags, 0 if incomplete */
static size_t parse_l2(const struct cursor *c, struct parse_info *info)
{
	size_t off = ETHER_HLEN;

	if (!has(c, 0, ETHER_HLEN, info))
		return 0;

	info->cast = cast_of(c->head);
	info->ethertype = get16(c, off - 2);
	info->payload_off = (u16)off;
	while ((info->ethertype == ETHERTYPE_VLAN ||
		info->ethertype == ETHERTYPE_QINQ) &&
	       info->num_vlan < VLAN_MAX_TAGS) {
		if (!has(c, off, VLAN_HLEN, info))
			return 0;
		off += VLAN_HLEN;
		info->num_vlan++;
		info->ethertype = get16(c, off - 2);
		info->payload_off = (u16)off;
	}
	return off;
}

static void parse(struct cursor *c, struct parse_info *info)
{
	size_t off;

	memset(info, 0, sizeof(*info));
	info->ptype = PARSE_PTYPE_MAC;

	off = parse_l2(c, info);
	if (!off)
		return;

	switch (info->ethertype) {
	case ETHERTYPE_IPV4:
		parse_ipv4(c, off, info);
		break;
	case ETHERTYPE_IPV6:
		parse_ipv6(c, off, info);
		break;
	case ETHERTYPE_ARP:
		info->ptype = PARSE_PTYPE_ARP;
		break;
	default:
		break;
	}
}

/**
 * parse_frame - find the headers of a frame
 * @head: first bytes of the frame
 * @head_len: bytes at @head: @frame_len or PARSE_MAX_BYTES, what is less
 * @frame_len: bytes of the whole frame without FCS, below 64 KiB
 * @info: result, written in any case
 *
 * Offsets in @info that are not 0 lie within both @head_len and @frame_len,
 * except l3_end, which lies within @frame_len.
 *
 * Context: any; pure.
 */
void parse_frame(const u8 *head, size_t head_len, size_t frame_len,
		 struct parse_info *info)
{
	struct cursor c = { head, head_len, frame_len, false };

	parse(&c, info);
}

/**
 * parse_template - find the headers of a packet that is to be segmented
 * @head: all headers of the packet
 * @head_len: bytes at @head
 * @info: result; l3_end is @head_len
 *
 * As parse_frame(), but for the length fields of IP headers, which say nothing
 * in a packet that is longer than they can tell.
 *
 * Context: any; pure.
 */
void parse_template(const u8 *head, size_t head_len, struct parse_info *info)
{
	struct cursor c = { head, head_len, head_len, true };

	parse(&c, info);
}
