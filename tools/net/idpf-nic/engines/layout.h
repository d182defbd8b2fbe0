/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the headers of a packet are, and the reasons for which an engine
 * refuses a packet.
 *
 * In the split queue model the NIC's parser finds the headers, in the single
 * queue model the descriptor says where they are.  Either way an engine
 * believes nothing: layout_check() looks at the header bytes.
 */

#ifndef IDPF_NIC_LAYOUT_H
#define IDPF_NIC_LAYOUT_H

#include "../../../../drivers/net/ethernet/wto/offload/ofl_types.h"

/* IP protocol numbers that engines know */
#define PKT_PROTO_TCP	6
#define PKT_PROTO_UDP	17
#define PKT_PROTO_SCTP	132

/**
 * struct pkt_layout - offsets from the first byte of the frame
 * @l3_off: IP header, behind Ethernet header and tags
 * @l4_off: TCP, UDP or SCTP header, behind IP options or extension headers;
 *	for an IPv4 header checksum alone, the end of the IPv4 header
 * @ip_version: 4 or 6
 * @proto: PKT_PROTO_*, or 0 when layer 4 does not matter
 */
struct pkt_layout {
	u16 l3_off;
	u16 l4_off;
	u8 ip_version;
	u8 proto;
};

/**
 * enum eng_status - an engine's verdict on a packet
 * @ENG_OK: no error
 * @ENG_NOT_IP: no IP header where one is said to be
 * @ENG_IP_HEADER: IP header length contradicts the layout
 * @ENG_FRAGMENT: IP fragment
 * @ENG_PROTOCOL: layer 4 protocol is not the one asked for
 * @ENG_L4_HEADER: layer 4 header incomplete or malformed
 * @ENG_LENGTH: IP length does not fit the data
 * @ENG_HDR_LEN: header length does not end the headers
 * @ENG_MSS: MSS out of range
 * @ENG_TLEN: payload length out of range
 * @ENG_TLEN_DATA: payload length differs from the data
 * @ENG_BUFFERS: too many buffers
 * @ENG_FRAME: segments longer than the wire takes
 * @ENG_STATUS_NUM: number of verdicts
 */
enum eng_status {
	ENG_OK,
	ENG_NOT_IP,
	ENG_IP_HEADER,
	ENG_FRAGMENT,
	ENG_PROTOCOL,
	ENG_L4_HEADER,
	ENG_LENGTH,
	ENG_HDR_LEN,
	ENG_MSS,
	ENG_TLEN,
	ENG_TLEN_DATA,
	ENG_BUFFERS,
	ENG_FRAME,
	ENG_STATUS_NUM
};

const char *eng_status_name(enum eng_status status);

enum eng_status layout_check(const struct pkt_layout *layout, const u8 *hdr,
			     u32 hdr_len);

#endif /* IDPF_NIC_LAYOUT_H */
