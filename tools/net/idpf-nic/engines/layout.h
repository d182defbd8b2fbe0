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

/*
 * Reasons to refuse a packet: name in the code, name in the statistics, text.
 * Whoever adds one adds it here and nowhere else.
 */
#define ENG_STATUS_LIST(S) \
	S(OK, "ok", "no error") \
	S(NOT_IP, "eng_not_ip", "no IP header where one is said to be") \
	S(IP_HEADER, "eng_ip_header", "IP header length contradicts the layout") \
	S(FRAGMENT, "eng_fragment", "IP fragment") \
	S(PROTOCOL, "eng_protocol", "layer 4 protocol is not the one asked for") \
	S(L4_HEADER, "eng_l4_header", "layer 4 header incomplete or malformed") \
	S(LENGTH, "eng_length", "IP length does not fit the data") \
	S(HDR_LEN, "eng_hdr_len", "header length does not end the headers") \
	S(HDR_DATA, "eng_hdr_data", "headers longer than the packet") \
	S(MSS, "eng_mss", "MSS out of range") \
	S(TLEN, "eng_tlen", "payload length out of range") \
	S(TLEN_DATA, "eng_tlen_data", "payload length differs from the data") \
	S(BUFFERS, "eng_buffers", "too many buffers") \
	S(FRAME, "eng_frame", "segments longer than the wire takes")

/**
 * enum eng_status - an engine's verdict on a packet
 *
 * ENG_OK, or why the packet cannot be processed; see ENG_STATUS_LIST.
 */
enum eng_status {
#define S(id, name, text) ENG_##id,
	ENG_STATUS_LIST(S)
#undef S
	ENG_STATUS_NUM
};

const char *eng_status_name(enum eng_status status);
const char *eng_status_text(enum eng_status status);

enum eng_status layout_check(const struct pkt_layout *layout, const u8 *hdr,
			     u32 hdr_len);

#endif /* IDPF_NIC_LAYOUT_H */
