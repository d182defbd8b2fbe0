// SPDX-License-Identifier: GPL-2.0-only
/* UDP segmentation offload. */

#include <string.h>

#include "csum.h"
#include "engine.h"
#include "uso.h"

#define UDP_HDR_LEN	8
#define UDP_LEN		4
#define UDP_CHECK	6

static enum eng_status uso_init_udp(struct segmenter *seg, const u8 *l4,
				    u32 len)
{
	u8 *udp = seg->hdr + seg->l4_off;
	u16 seed;

	if (len < UDP_HDR_LEN)
		return ENG_L4_HEADER;
	if (len != UDP_HDR_LEN)
		return ENG_HDR_LEN;

	/* a folded sum with the protocol number in it is never 0 (USO-08) */
	memcpy(&seed, l4 + UDP_CHECK, 2);
	seg->no_l4_sum = !seed;

	/* ids of datagrams count modulo 0x10000 in any mode (USO-12) */
	seg->flags &= ~SEG_F_ID15;
	memset(udp + UDP_LEN, 0, 2);
	seg->l4_sum = csum_block(udp, len);

	return ENG_OK;
}

static u64 uso_stamp_udp(const struct segmenter *seg, u8 *l4, u32 len)
{
	u16 l4_len = cpu_to_be16(UDP_HDR_LEN + len);

	memcpy(l4 + UDP_LEN, &l4_len, 2);

	/* once in the header, once in the pseudo header */
	return (u64)seg->l4_sum + l4_len + l4_len;
}

static const struct seg_proto uso_udp = {
	.id = PKT_PROTO_UDP,
	.init = uso_init_udp,
	.stamp = uso_stamp_udp,
	.check = UDP_CHECK,
	.none = true,
};

/**
 * uso_init() - begin to segment a UDP datagram
 * @seg: state to set up, for seg_next()
 * @req: the packet; SEG_F_ID15 is not for UDP and ignored
 *
 * A checksum field of 0 asks for datagrams without checksum.
 *
 * Return: ENG_OK, or why the packet is refused.
 */
enum eng_status uso_init(struct segmenter *seg, const struct seg_request *req)
{
	return seg_init(seg, req, &uso_udp);
}

const struct engine engine_uso = {
	.name = "uso",
	.caps.seg = VC2_SEG_IPV4_UDP | VC2_SEG_IPV6_UDP,
};
