/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What LSO and USO share: cutting a template packet into frames.
 *
 * The template is one packet with headers and up to 2^18 - 1 bytes of payload.
 * Each frame gets a copy of the headers with the fields that differ written
 * anew, and a slice of the payload, which stays where it is.  Frames are made
 * one by one, nothing is allocated:
 *
 *	status = lso_init(&seg, &req);
 *	if (status)
 *		... refuse the packet ...
 *	while (seg_next(&seg, &frame))
 *		... send frame.iov ...
 *
 * A consumer that copies the payload anyway can let that copy be the summing
 * pass, with seg_cut() and seg_finish() in place of seg_next():
 *
 *	while (seg_cut(&seg, &frame)) {
 *		sum = csum_iov_copy(buf + frame.hdr_len, frame.iov + 1,
 *				    frame.num_iov - 1);
 *		seg_finish(&seg, &frame, sum);
 *		memcpy(buf, frame.hdr, frame.hdr_len);
 *	}
 */

#ifndef IDPF_NIC_SEGMENT_H
#define IDPF_NIC_SEGMENT_H

#include "../../../../include/wto/desc.h"

#include "gather.h"
#include "layout.h"

#define SEG_HDR_MAX		255	/* the context descriptor has 8 bits */
#define SEG_MSS_MAX		9706
#define SEG_TLEN_MAX		((u32)FIELD_MAX(IDPF_TXC_TLEN))

/* Pieces of payload: 271 buffers, each with a border of two DMA regions inside,
 * and one more border for each page of the longest payload
 */
#define SEG_MAX_PIECES		608

/* struct seg_request.flags */
#define SEG_F_ID15		BIT(0)	/* IPv4 ids count modulo 0x8000 */
#define SEG_F_ACCECN		BIT(1)	/* CWR stays in every segment */

/**
 * struct seg_request - a packet to be segmented
 * @hdr: copy of all headers, from the Ethernet header to the end of TCP's
 *	options or the UDP header
 * @hdr_len: bytes in @hdr
 * @payload: what follows @hdr in the packet
 * @tlen: payload bytes, as the context descriptor has it
 * @mss: payload bytes of each segment but the last
 * @frame_max: bytes of the longest frame that may leave
 * @flags: SEG_F_*
 * @layout: where the headers are
 *
 * The template's IP and UDP length fields and its IPv4 header checksum are
 * ignored.  Its TCP or UDP checksum field holds the uncomplemented pseudo
 * header sum without a length.  IPv4 ids go up by one; with SEG_F_ID15 the
 * top bit stays as it is and the other 15 wrap.
 */
struct seg_request {
	const u8 *hdr;
	u32 hdr_len;
	struct gather payload;
	u32 tlen;
	u32 mss;
	u32 frame_max;
	u32 flags;
	struct pkt_layout layout;
};

struct segmenter;

/**
 * struct seg_proto - what a layer 4 protocol adds to segmentation
 * @id: IP protocol number
 * @init: check the layer 4 header and prepare @seg from it
 * @stamp: write the layer 4 fields of the next segment into its header at
 *	@l4 and return the sum of the pseudo header and the layer 4 header,
 *	unfolded; @len is that of the segment's payload
 * @check: offset of the checksum field
 * @none: is a result of 0 sent as 0xffff
 */
struct seg_proto {
	u8 id;
	enum eng_status (*init)(struct segmenter *seg, const u8 *l4, u32 len);
	u64 (*stamp)(const struct segmenter *seg, u8 *l4, u32 len);
	u8 check;
	bool none;
};

/**
 * struct segmenter - a packet on its way through segmentation
 * @proto: LSO's or USO's part
 * @rest: payload that is not yet in a frame
 * @left: bytes of it
 * @mss: payload bytes of each segment but the last
 * @sent: payload bytes in the segments before
 * @flags: SEG_F_*
 * @ip_sum: sum of the IPv4 header without length, id and checksum
 * @l4_sum: sum of the layer 4 header without what differs from segment to
 *	segment; the seed in the checksum field is included
 * @l4_word: layer 4 fields that differ: TCP sequence number, host order
 * @l4_flags: TCP's flag word of a segment in the middle, as in memory
 * @ip_id: IPv4 id of the next segment
 * @hdr_len: bytes of all headers
 * @l3_off: IP header
 * @l4_off: layer 4 header
 * @ipv4: IPv4, not IPv6
 * @no_l4_sum: leave the layer 4 checksum 0
 * @hdr: the template's headers
 *
 * To be written by the segmentation code only.
 */
struct segmenter {
	const struct seg_proto *proto;
	struct gather rest;
	u32 left;
	u32 mss;
	u32 sent;
	u32 flags;
	u32 ip_sum;
	u32 l4_sum;
	u32 l4_word;
	u16 l4_flags;
	u16 ip_id;
	u8 hdr_len;
	u8 l3_off;
	u8 l4_off;
	bool ipv4;
	bool no_l4_sum;
	u8 hdr[SEG_HDR_MAX + 1];
};

/**
 * struct seg_frame - one frame that came out
 * @len: bytes of the frame
 * @num_iov: entries of @iov
 * @hdr_len: bytes in @hdr
 * @l4_sum: sum of everything but the payload, for seg_finish()
 * @hdr: the headers
 * @iov: @hdr, then slices of the payload; room for one more piece, padding
 */
struct seg_frame {
	u32 len;
	u32 num_iov;
	u32 hdr_len;
	u32 l4_sum;
	u8 hdr[SEG_HDR_MAX + 1];
	struct iovec iov[1 + SEG_MAX_PIECES + 1];
};

enum eng_status seg_init(struct segmenter *seg, const struct seg_request *req,
			 const struct seg_proto *proto);
bool seg_cut(struct segmenter *seg, struct seg_frame *frame);
void seg_finish(const struct segmenter *seg, struct seg_frame *frame,
		u16 payload_sum);
bool seg_next(struct segmenter *seg, struct seg_frame *frame);
void seg_skip(struct segmenter *seg, u32 num);

/**
 * seg_is_first() - is the segment being stamped the first one
 * @seg: the packet
 *
 * Return: true if no segment was made before.
 */
static inline bool seg_is_first(const struct segmenter *seg)
{
	return !seg->sent;
}

/**
 * seg_is_last() - is the segment being stamped the last one
 * @seg: the packet
 * @len: payload bytes of the segment
 *
 * Return: true if nothing will be left behind it.
 */
static inline bool seg_is_last(const struct segmenter *seg, u32 len)
{
	return len == seg->left;
}

#endif /* IDPF_NIC_SEGMENT_H */
