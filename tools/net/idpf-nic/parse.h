/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packet parser: from the first bytes of a frame to offsets and a packet type.
 */

#ifndef NIC_PARSE_H
#define NIC_PARSE_H

#include "../../../include/wto/virtchnl.h"

/* Bytes of a frame that the parser is given at most.  Two tags, IPv6 with
 * extension headers and TCP options fit, with room for a tunnel.
 */
#define PARSE_MAX_BYTES		256

enum parse_l3 {
	PARSE_L3_NONE,
	PARSE_L3_IPV4,
	PARSE_L3_IPV6,
};

enum parse_l4 {
	PARSE_L4_NONE,
	PARSE_L4_TCP,
	PARSE_L4_UDP,
	PARSE_L4_SCTP,
	PARSE_L4_ICMP,
	PARSE_L4_ICMPV6,
};

/* Values equal those of IDPF_RXF_UMBCAST */
enum parse_cast {
	PARSE_UNICAST,
	PARSE_MULTICAST,
	PARSE_BROADCAST,
};

#define PARSE_F_FRAG		BIT(0)	/* an IP fragment, the first one too */
#define PARSE_F_IP_OPTIONS	BIT(1)	/* IPv4 header longer than 20 bytes */
#define PARSE_F_IPV6_EXT	BIT(2)	/* IPv6 extension headers */
#define PARSE_F_MALFORMED	BIT(3)	/* a header contradicts the frame */
#define PARSE_F_TRUNCATED	BIT(4)	/* headers go beyond PARSE_MAX_BYTES */

/* Packet type numbers, those that Intel's NICs use.  All are below 256, so
 * that the 8 bit field of the base receive format can hold them.
 */
enum parse_ptype {
	PARSE_PTYPE_MAC			= 1,
	PARSE_PTYPE_ARP			= 11,
	PARSE_PTYPE_IPV4_FRAG		= 22,
	PARSE_PTYPE_IPV4		= 23,
	PARSE_PTYPE_IPV4_UDP		= 24,
	PARSE_PTYPE_IPV4_TCP		= 26,
	PARSE_PTYPE_IPV4_SCTP		= 27,
	PARSE_PTYPE_IPV4_ICMP		= 28,
	PARSE_PTYPE_IPV6_FRAG		= 88,
	PARSE_PTYPE_IPV6		= 89,
	PARSE_PTYPE_IPV6_UDP		= 90,
	PARSE_PTYPE_IPV6_TCP		= 92,
	PARSE_PTYPE_IPV6_SCTP		= 93,
	PARSE_PTYPE_IPV6_ICMP		= 94,
};

#define PARSE_PTYPE_MAX_PROTO	4

/**
 * struct parse_ptype_info - what a packet type number stands for
 * @id: enum parse_ptype
 * @num_proto: elements of @proto
 * @proto: headers from outside to inside, VC2_PROTO_*
 */
struct parse_ptype_info {
	u16 id;
	u8 num_proto;
	u16 proto[PARSE_PTYPE_MAX_PROTO];
};

/**
 * struct parse_info - what the parser found out about a frame
 * @l3_off: start of the IP header, 0 without one
 * @l4_off: start of the transport header, 0 without one
 * @payload_off: first byte behind the innermost header that was recognized
 * @l3_end: first byte behind the IP packet; what follows is padding
 * @ethertype: type field behind the last VLAN tag
 * @ptype: enum parse_ptype
 * @l3: enum parse_l3
 * @l4: enum parse_l4
 * @ip_proto: protocol number behind the last IP (extension) header
 * @num_vlan: VLAN tags
 * @cast: enum parse_cast, from the destination MAC address
 * @flags: PARSE_F_*
 *
 * Offsets are in bytes from the start of the frame.
 */
struct parse_info {
	u16 l3_off;
	u16 l4_off;
	u16 payload_off;
	u16 l3_end;
	u16 ethertype;
	u16 ptype;
	u8 l3;
	u8 l4;
	u8 ip_proto;
	u8 num_vlan;
	u8 cast;
	u8 flags;
};

void parse_frame(const u8 *head, size_t head_len, size_t frame_len,
		 struct parse_info *info);
void parse_template(const u8 *head, size_t head_len, struct parse_info *info);
const struct parse_ptype_info *parse_ptype_table(size_t *num);

#endif /* NIC_PARSE_H */
