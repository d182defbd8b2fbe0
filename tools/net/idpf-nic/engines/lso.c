// SPDX-License-Identifier: GPL-2.0-only
/* Large send offload: segmentation of TCP. */

#include <string.h>

#include "csum.h"
#include "engine.h"
#include "lso.h"

#define TCP_HDR_MIN	20
#define TCP_SEQ		4
#define TCP_FLAGS	12	/* word: header length, flags */
#define TCP_CHECK	16

/* bits of the word at TCP_FLAGS */
#define TCP_DOFF	GENMASK(15, 12)	/* 4 bytes */
#define TCP_CWR		BIT(7)
#define TCP_PSH		BIT(3)
#define TCP_FIN		BIT(0)

static enum eng_status lso_init_tcp(struct segmenter *seg, const u8 *l4,
				    u32 len)
{
	u8 *tcp = seg->hdr + seg->l4_off;
	u16 word;
	u32 seq;

	if (len < TCP_HDR_MIN)
		return ENG_L4_HEADER;
	memcpy(&word, l4 + TCP_FLAGS, 2);
	seg->l4_flags = be16_to_cpu(word);
	if (FIELD_GET(TCP_DOFF, seg->l4_flags) * 4 < TCP_HDR_MIN)
		return ENG_L4_HEADER;
	if (FIELD_GET(TCP_DOFF, seg->l4_flags) * 4 != len)
		return ENG_HDR_LEN;

	memcpy(&seq, l4 + TCP_SEQ, 4);
	seg->l4_word = be32_to_cpu(seq);
	memset(tcp + TCP_SEQ, 0, 4);
	memset(tcp + TCP_FLAGS, 0, 2);
	/* the field keeps the seed until then: it is part of every sum */
	seg->l4_sum = csum_block(tcp, len);

	return ENG_OK;
}

/* Which flags belong into this segment (LSO-16, LSO-17). */
static u16 lso_flags(const struct segmenter *seg, u32 len)
{
	u16 flags = seg->l4_flags;

	if (!seg_is_last(seg, len))
		flags &= ~(TCP_FIN | TCP_PSH);
	if (!seg_is_first(seg) && !(seg->flags & SEG_F_ACCECN))
		flags &= ~TCP_CWR;

	return flags;
}

static u64 lso_stamp_tcp(const struct segmenter *seg, u8 *l4, u32 len)
{
	u16 l4_len = cpu_to_be16(seg->hdr_len - seg->l4_off + len);
	u16 flags = cpu_to_be16(lso_flags(seg, len));
	u32 seq = cpu_to_be32(seg->l4_word + seg->sent);

	memcpy(l4 + TCP_SEQ, &seq, 4);
	memcpy(l4 + TCP_FLAGS, &flags, 2);

	return (u64)seg->l4_sum + (seq & 0xffff) + (seq >> 16) + flags + l4_len;
}

static const struct seg_proto lso_tcp = {
	.id = PKT_PROTO_TCP,
	.init = lso_init_tcp,
	.stamp = lso_stamp_tcp,
	.check = TCP_CHECK,
};

/**
 * lso_init() - begin to segment a TCP packet
 * @seg: state to set up, for seg_next()
 * @req: the packet
 *
 * FIN and PSH go into the last segment only, CWR into the first only unless
 * SEG_F_ACCECN is set; all other flags and all options into each.
 *
 * Return: ENG_OK, or why the packet is refused.
 */
enum eng_status lso_init(struct segmenter *seg, const struct seg_request *req)
{
	return seg_init(seg, req, &lso_tcp);
}

const struct engine engine_lso = {
	.name = "lso",
	.caps.seg = VC2_SEG_IPV4_TCP | VC2_SEG_IPV6_TCP,
};
