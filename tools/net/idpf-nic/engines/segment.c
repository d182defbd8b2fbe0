// SPDX-License-Identifier: GPL-2.0-only
/*
 * What LSO and USO share: cutting a template packet into frames.
 *
 * Checksums are made from sums that are kept over the whole packet: of the
 * headers only the few fields that differ are added for each segment, so the
 * one thing that takes time is the sum of the payload.
 */

#include <string.h>

#include "csum.h"
#include "segment.h"

#define IPV4_TOT_LEN		2
#define IPV4_ID			4
#define IPV4_CHECK		10
#define IPV6_HDR_LEN		40
#define IPV6_PAYLOAD_LEN	4

#define ID15_MASK		0x7fff

#define SEG_HDR_BLOCK		32
static_assert((SEG_HDR_MAX + 1) % SEG_HDR_BLOCK == 0, "header copies");

static inline void seg_put(u8 *to, u16 word)
{
	memcpy(to, &word, sizeof(word));
}

/* A header in blocks of a fixed size; both arrays have room for the last one. */
static inline void seg_copy_hdr(u8 *to, const u8 *from, u32 len)
{
	u32 at;

	for (at = 0; at < len; at += SEG_HDR_BLOCK)
		memcpy(to + at, from + at, SEG_HDR_BLOCK);
}

static inline u16 seg_get(const u8 *from)
{
	u16 word;

	memcpy(&word, from, sizeof(word));

	return word;
}

static enum eng_status seg_check_req(const struct seg_request *req)
{
	u32 first = req->tlen < req->mss ? req->tlen : req->mss;

	if (!req->mss || req->mss > SEG_MSS_MAX)
		return ENG_MSS;
	if (!req->tlen || req->tlen > SEG_TLEN_MAX)
		return ENG_TLEN;
	if (!req->hdr_len || req->hdr_len > SEG_HDR_MAX)
		return ENG_HDR_LEN;
	if (req->hdr_len + first > req->frame_max)
		return ENG_FRAME;
	if (req->payload.num > SEG_MAX_PIECES)
		return ENG_BUFFERS;
	if (req->tlen != gather_len(&req->payload))
		return ENG_TLEN_DATA;

	return layout_check(&req->layout, req->hdr, req->hdr_len);
}

static void seg_init_ipv4(struct segmenter *seg)
{
	u8 *ip = seg->hdr + seg->l3_off;

	seg->ip_id = be16_to_cpu(seg_get(ip + IPV4_ID));
	seg_put(ip + IPV4_TOT_LEN, 0);
	seg_put(ip + IPV4_ID, 0);
	seg_put(ip + IPV4_CHECK, 0);
	seg->ip_sum = csum_block(ip, seg->l4_off - seg->l3_off);
}

/**
 * seg_init() - begin to segment a packet
 * @seg: state to set up; valid as long as the request's payload is
 * @req: the packet
 * @proto: how its layer 4 is handled
 *
 * Return: ENG_OK, or why the packet is refused.
 */
enum eng_status seg_init(struct segmenter *seg, const struct seg_request *req,
			 const struct seg_proto *proto)
{
	const struct pkt_layout *layout = &req->layout;
	enum eng_status status;

	if (layout->proto != proto->id)
		return ENG_PROTOCOL;
	status = seg_check_req(req);
	if (status)
		return status;

	seg->proto = proto;
	seg->rest = req->payload;
	seg->left = req->tlen;
	seg->mss = req->mss;
	seg->sent = 0;
	seg->flags = req->flags;
	seg->hdr_len = req->hdr_len;
	seg->l3_off = layout->l3_off;
	seg->l4_off = layout->l4_off;
	seg->ipv4 = layout->ip_version == 4;
	seg->no_l4_sum = false;
	memcpy(seg->hdr, req->hdr, req->hdr_len);
	if (seg->ipv4)
		seg_init_ipv4(seg);

	return proto->init(seg, seg->hdr + seg->l4_off,
			   seg->hdr_len - seg->l4_off);
}

static void seg_id_advance(struct segmenter *seg, u32 num)
{
	if (seg->flags & SEG_F_ID15)
		seg->ip_id = (seg->ip_id & ~ID15_MASK) |
			     ((seg->ip_id + num) & ID15_MASK);
	else
		seg->ip_id += num;
}

static void seg_stamp_ipv4(struct segmenter *seg, u8 *ip, u32 ip_len)
{
	u16 len = cpu_to_be16(ip_len);
	u16 id = cpu_to_be16(seg->ip_id);

	seg_put(ip + IPV4_TOT_LEN, len);
	seg_put(ip + IPV4_ID, id);
	seg_put(ip + IPV4_CHECK, ~csum_fold((u64)seg->ip_sum + len + id));
	seg_id_advance(seg, 1);
}

static inline bool seg_make(struct segmenter *seg, struct seg_frame *frame)
{
	u32 len = seg->left < seg->mss ? seg->left : seg->mss;
	u8 *l3 = frame->hdr + seg->l3_off;
	u32 l3_len;

	if (!len)
		return false;

	seg_copy_hdr(frame->hdr, seg->hdr, seg->hdr_len);
	l3_len = seg->hdr_len - seg->l3_off + len;
	if (seg->ipv4)
		seg_stamp_ipv4(seg, l3, l3_len);
	else
		seg_put(l3 + IPV6_PAYLOAD_LEN,
			cpu_to_be16(l3_len - IPV6_HDR_LEN));
	frame->l4_sum = seg->proto->stamp(seg, frame->hdr + seg->l4_off, len);

	frame->hdr_len = seg->hdr_len;
	frame->len = seg->hdr_len + len;
	frame->iov[0].iov_base = frame->hdr;
	frame->iov[0].iov_len = seg->hdr_len;
	frame->num_iov = 1 + gather_take(&seg->rest, len, frame->iov + 1,
					 SEG_MAX_PIECES);
	seg->left -= len;
	seg->sent += len;

	return true;
}

static inline void seg_check(const struct segmenter *seg,
			     struct seg_frame *frame, u16 payload_sum)
{
	u16 check = ~csum_fold((u64)frame->l4_sum + payload_sum);

	if (seg->no_l4_sum)
		check = 0;
	else if (!check && seg->proto->none)
		check = 0xffff;
	seg_put(frame->hdr + seg->l4_off + seg->proto->check, check);
}

/**
 * seg_cut() - make the next frame but for its layer 4 checksum
 * @seg: the packet
 * @frame: takes the frame
 *
 * Return: false if all payload has been sent.
 */
bool seg_cut(struct segmenter *seg, struct seg_frame *frame)
{
	return seg_make(seg, frame);
}

/**
 * seg_finish() - write the layer 4 checksum of a frame from seg_cut()
 * @seg: the packet
 * @frame: the frame
 * @payload_sum: folded sum of its payload
 */
void seg_finish(const struct segmenter *seg, struct seg_frame *frame,
		u16 payload_sum)
{
	seg_check(seg, frame, payload_sum);
}

/**
 * seg_next() - make the next frame
 * @seg: the packet
 * @frame: takes the frame; its headers lie in @frame, its payload where it was
 *
 * Return: false if all payload has been sent.
 */
bool seg_next(struct segmenter *seg, struct seg_frame *frame)
{
	u16 sum = 0;

	if (!seg_make(seg, frame))
		return false;
	if (!seg->no_l4_sum)
		sum = csum_iov(frame->iov + 1, frame->num_iov - 1);
	seg_check(seg, frame, sum);

	return true;
}

/**
 * seg_skip() - leave out the next segments
 * @seg: the packet
 * @num: how many; if there are fewer, nothing is left
 *
 * For a packet whose first segments have been sent before.
 */
void seg_skip(struct segmenter *seg, u32 num)
{
	u64 len = (u64)num * seg->mss;

	if (len > seg->left)
		len = seg->left;
	gather_skip(&seg->rest, len);
	seg->left -= len;
	seg->sent += len;
	seg_id_advance(seg, num);
}
