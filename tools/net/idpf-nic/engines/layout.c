// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the headers of a packet are: checks of a layout against the bytes.
 */

#include "layout.h"

#define IPV4_HDR_MIN		20
#define IPV4_FRAG_MASK		0x3fff	/* more fragments, offset */
#define IPV6_HDR_LEN		40
#define IPV6_FRAG_LEN		8
#define IPV6_FRAG_MASK		0xfff9	/* offset, more fragments */

/* IPv6 extension headers, by next header value */
#define IPV6_EXT_HOP		0
#define IPV6_EXT_ROUTING	43
#define IPV6_EXT_FRAGMENT	44
#define IPV6_EXT_AUTH		51
#define IPV6_EXT_DEST		60
#define IPV6_EXT_MOBILITY	135
#define IPV6_EXT_HIP		139
#define IPV6_EXT_SHIM6		140

static const char *const eng_status_names[ENG_STATUS_NUM] = {
	[ENG_OK] = "ok",
	[ENG_NOT_IP] = "not_ip",
	[ENG_IP_HEADER] = "ip_header",
	[ENG_FRAGMENT] = "fragment",
	[ENG_PROTOCOL] = "protocol",
	[ENG_L4_HEADER] = "l4_header",
	[ENG_LENGTH] = "length",
	[ENG_HDR_LEN] = "hdr_len",
	[ENG_MSS] = "mss",
	[ENG_TLEN] = "tlen",
	[ENG_TLEN_DATA] = "tlen_data",
	[ENG_BUFFERS] = "buffers",
	[ENG_FRAME] = "frame",
};

/**
 * eng_status_name() - short name of a verdict, for reports
 * @status: the verdict
 *
 * Return: a constant string.
 */
const char *eng_status_name(enum eng_status status)
{
	return eng_status_names[status];
}

static enum eng_status layout_check_ipv4(const struct pkt_layout *layout,
					 const u8 *ip, u32 room)
{
	u32 len = layout->l4_off - layout->l3_off;

	if (room < IPV4_HDR_MIN || len < IPV4_HDR_MIN || room < len)
		return ENG_IP_HEADER;
	if (ip[0] >> 4 != 4)
		return ENG_NOT_IP;
	if ((ip[0] & 0xf) * 4 != len)
		return ENG_IP_HEADER;
	if (!layout->proto)
		return ENG_OK;
	if ((ip[6] << 8 | ip[7]) & IPV4_FRAG_MASK)
		return ENG_FRAGMENT;
	if (ip[9] != layout->proto)
		return ENG_PROTOCOL;

	return ENG_OK;
}

/* Length of an extension header in bytes, 0 if @type is not one. */
static u32 ipv6_ext_len(u8 type, u8 len)
{
	switch (type) {
	case IPV6_EXT_FRAGMENT:
		return IPV6_FRAG_LEN;
	case IPV6_EXT_HOP:
	case IPV6_EXT_ROUTING:
	case IPV6_EXT_DEST:
	case IPV6_EXT_MOBILITY:
	case IPV6_EXT_HIP:
	case IPV6_EXT_SHIM6:
		return (len + 1) * 8;
	case IPV6_EXT_AUTH:
		return (len + 2) * 4;
	default:
		return 0;
	}
}

static enum eng_status layout_check_ipv6(const struct pkt_layout *layout,
					 const u8 *ip, u32 room)
{
	u32 end = layout->l4_off - layout->l3_off;
	u32 at = IPV6_HDR_LEN;
	u8 next;

	if (room < IPV6_HDR_LEN || end < IPV6_HDR_LEN || room < end)
		return ENG_IP_HEADER;
	if (ip[0] >> 4 != 6)
		return ENG_NOT_IP;

	next = ip[6];
	while (at < end) {
		u32 len;

		if (end - at < 8)
			return ENG_IP_HEADER;
		len = ipv6_ext_len(next, ip[at + 1]);
		if (!len || len > end - at)
			return ENG_IP_HEADER;
		/* an atomic fragment (RFC 6946) is a whole packet */
		if (next == IPV6_EXT_FRAGMENT &&
		    (ip[at + 2] << 8 | ip[at + 3]) & IPV6_FRAG_MASK)
			return ENG_FRAGMENT;
		next = ip[at];
		at += len;
	}
	if (next != layout->proto)
		return ENG_PROTOCOL;

	return ENG_OK;
}

/**
 * layout_check() - check that the IP header is what a layout says
 * @layout: the layout, from the parser or from a descriptor
 * @hdr: the packet's first bytes
 * @hdr_len: bytes in @hdr
 *
 * The IP header must lie inside of @hdr, be of the version, end (with options
 * or extension headers) where layer 4 starts, lead to the protocol, and not be
 * that of a fragment.  Layer 4 is not looked at.
 *
 * Return: ENG_OK or what does not fit.
 */
enum eng_status layout_check(const struct pkt_layout *layout, const u8 *hdr,
			     u32 hdr_len)
{
	if (layout->l3_off >= layout->l4_off || layout->l3_off >= hdr_len)
		return ENG_IP_HEADER;

	switch (layout->ip_version) {
	case 4:
		return layout_check_ipv4(layout, hdr + layout->l3_off,
					 hdr_len - layout->l3_off);
	case 6:
		return layout_check_ipv6(layout, hdr + layout->l3_off,
					 hdr_len - layout->l3_off);
	default:
		return ENG_NOT_IP;
	}
}
