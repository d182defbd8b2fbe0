// SPDX-License-Identifier: GPL-2.0-only
/*
 * The send engines behind a pipe: reads packets from standard input, writes
 * what the engines make of them to standard output, so that test_engines.py
 * can compare with Scapy's arithmetic while the engines run with sanitizers.
 *
 * Request: struct pipe_req, the lengths of the pieces (u32 each), the packet.
 * Answer: struct pipe_answer, then for each frame its length (u32) and bytes.
 * Numbers are in the machine's byte order.
 *
 * On the way the program holds the engines to what no comparison of bytes
 * would show: the guest's buffers stay as they were, pieces lie in memory of
 * exactly their size, both ways of segmenting make the same frames.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../net/idpf-nic/engines/csum.h"
#include "../../net/idpf-nic/engines/lso.h"
#include "../../net/idpf-nic/engines/uso.h"

enum pipe_op {
	PIPE_LSO,
	PIPE_USO,
	PIPE_CSUM,
};

struct pipe_req {
	u32 op;		/* enum pipe_op */
	u32 flags;	/* SEG_F_* or CSUM_TX_* */
	u32 l3_off;
	u32 l4_off;
	u32 ip_version;
	u32 proto;
	u32 hdr_len;
	u32 tlen;
	u32 mss;
	u32 frame_max;
	u32 num_pieces;
	u32 len;	/* of the packet */
};

struct pipe_answer {
	char status[16];
	u32 num_frames;
};

/* A packet whose pieces are allocations of their own. */
struct pipe_packet {
	struct iovec *iov;
	u32 num;
	u8 *copy;
	u32 len;
};

static void fail(const char *what)
{
	fprintf(stderr, "engine_pipe: %s\n", what);
	exit(2);
}

static void get(void *p, size_t len)
{
	if (len && fread(p, len, 1, stdin) != 1)
		fail("request cut short");
}

static void put(const void *p, size_t len)
{
	if (len && fwrite(p, len, 1, stdout) != 1)
		fail("cannot answer");
}

static void packet_read(struct pipe_packet *pkt, const struct pipe_req *req)
{
	u32 *lens = malloc((req->num_pieces + 1) * sizeof(*lens));
	u32 i, at = 0;

	pkt->num = req->num_pieces;
	pkt->len = req->len;
	pkt->iov = calloc(pkt->num + 1, sizeof(*pkt->iov));
	pkt->copy = malloc(pkt->len + 1);
	get(lens, pkt->num * sizeof(*lens));
	get(pkt->copy, pkt->len);
	for (i = 0; i < pkt->num; i++) {
		if (lens[i] > pkt->len - at)
			fail("pieces longer than the packet");
		pkt->iov[i].iov_len = lens[i];
		pkt->iov[i].iov_base = malloc(lens[i]);
		memcpy(pkt->iov[i].iov_base, pkt->copy + at, lens[i]);
		at += lens[i];
	}
	free(lens);
	if (at != pkt->len)
		fail("pieces shorter than the packet");
}

static void packet_free(struct pipe_packet *pkt)
{
	u32 i, at = 0;

	for (i = 0; i < pkt->num; i++) {
		if (memcmp(pkt->iov[i].iov_base, pkt->copy + at,
			   pkt->iov[i].iov_len))
			fail("an engine wrote to the guest's buffer");
		at += pkt->iov[i].iov_len;
		free(pkt->iov[i].iov_base);
	}
	free(pkt->iov);
	free(pkt->copy);
}

static void answer(enum eng_status status, u32 num_frames)
{
	struct pipe_answer head = { .num_frames = num_frames };

	snprintf(head.status, sizeof(head.status), "%s",
		 eng_status_name(status));
	put(&head, sizeof(head));
}

static void put_frame(const struct iovec *iov, u32 num, u32 len)
{
	u32 i;

	put(&len, sizeof(len));
	for (i = 0; i < num; i++)
		put(iov[i].iov_base, iov[i].iov_len);
}

/* The frame must be what cutting, copying and finishing makes of it. */
static void check_fused(struct segmenter *seg, const struct seg_frame *want)
{
	static struct seg_frame frame;
	u32 i, at = 0;
	u8 *buf;

	if (!seg_cut(seg, &frame) || frame.len != want->len)
		fail("seg_cut() and seg_next() differ in length");
	buf = malloc(frame.len);
	seg_finish(seg, &frame,
		   csum_iov_copy(buf + frame.hdr_len, frame.iov + 1,
				 frame.num_iov - 1));
	memcpy(buf, frame.hdr, frame.hdr_len);
	for (i = 0; i < want->num_iov; i++) {
		if (memcmp(buf + at, want->iov[i].iov_base,
			   want->iov[i].iov_len))
			fail("seg_cut() and seg_next() differ");
		at += want->iov[i].iov_len;
	}
	if (at != want->len)
		fail("length of a frame is not that of its pieces");
	free(buf);
}

static void pipe_segment(const struct pipe_req *req, struct seg_request *sreq)
{
	static struct segmenter seg, fused;
	static struct seg_frame frame;
	enum eng_status status;
	u32 num;

	status = req->op == PIPE_LSO ? lso_init(&seg, sreq) :
				       uso_init(&seg, sreq);
	num = status ? 0 : (req->tlen + req->mss - 1) / req->mss;
	answer(status, num);
	if (status)
		return;
	fused = seg;
	while (seg_next(&seg, &frame)) {
		check_fused(&fused, &frame);
		put_frame(frame.iov, frame.num_iov, frame.len);
		num--;
	}
	if (num || seg_cut(&fused, &frame))
		fail("number of segments is not payload length by MSS");
}

static void pipe_csum(const struct pipe_req *req, const struct seg_request *sreq,
		      u8 *hdr)
{
	struct csum_tx tx = {
		.hdr = hdr,
		.hdr_len = sreq->hdr_len,
		.payload = sreq->payload,
		.layout = sreq->layout,
		.jobs = req->flags,
	};
	enum eng_status status = csum_tx(&tx);
	struct iovec iov[SEG_MAX_PIECES + 2] = {
		{ hdr, sreq->hdr_len },
	};
	struct gather rest = sreq->payload;
	u32 num;

	answer(status, 1);
	num = 1 + gather_take(&rest, req->len, iov + 1, SEG_MAX_PIECES + 1);
	put_frame(iov, num, req->len);
}

static void pipe_one(const struct pipe_req *req)
{
	struct seg_request sreq = {
		.hdr_len = req->hdr_len,
		.tlen = req->tlen,
		.mss = req->mss,
		.frame_max = req->frame_max,
		.flags = req->flags,
		.layout = {
			.l3_off = req->l3_off,
			.l4_off = req->l4_off,
			.ip_version = req->ip_version,
			.proto = req->proto,
		},
	};
	struct pipe_packet pkt;
	u8 *hdr;

	packet_read(&pkt, req);
	hdr = malloc(req->hdr_len);
	gather_init(&sreq.payload, pkt.iov, pkt.num);
	if (!gather_pull(&sreq.payload, hdr, req->hdr_len))
		fail("header longer than the packet");
	sreq.hdr = hdr;
	if (req->op == PIPE_CSUM)
		pipe_csum(req, &sreq, hdr);
	else
		pipe_segment(req, &sreq);
	free(hdr);
	packet_free(&pkt);
}

int main(void)
{
	struct pipe_req req;

	while (fread(&req, sizeof(req), 1, stdin) == 1) {
		pipe_one(&req);
		fflush(stdout);
	}

	return 0;
}
