// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: LSO and USO on any request and any packet.
 *
 * Whatever was accepted must be whole: payload in order and complete, lengths
 * within the limits, headers that say what is there, checksums that verify.
 */

#include "../../net/idpf-nic/engines/lso.h"
#include "../../net/idpf-nic/engines/uso.h"

#include "engine_fuzz.h"

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void flatten(const struct seg_frame *frame, u8 *to)
{
	u32 i;

	for (i = 0; i < frame->num_iov; i++) {
		memcpy(to, frame->iov[i].iov_base, frame->iov[i].iov_len);
		to += frame->iov[i].iov_len;
	}
}

static void check_ip(const struct seg_request *req, const u8 *frame, u32 len)
{
	const u8 *ip = frame + req->layout.l3_off;
	u32 total = len - req->layout.l3_off;

	if (req->layout.ip_version == 4) {
		must((u32)(ip[2] << 8 | ip[3]) == total);
		must(fuzz_sum(ip, req->layout.l4_off - req->layout.l3_off,
			      0) == 0xffff);
	} else {
		must((u32)(ip[4] << 8 | ip[5]) == total - 40);
	}
}

/* The checksum must be what seed, length and bytes give. */
static void check_l4(const struct seg_request *req, u8 *frame, u32 len)
{
	u32 at = req->layout.l4_off, l4_len = len - at;
	u32 field = at + (req->layout.proto == PKT_PROTO_TCP ? 16 : 6);
	u32 got = frame[field] << 8 | frame[field + 1], want;
	bool udp = req->layout.proto == PKT_PROTO_UDP;

	memcpy(frame + field, req->hdr + field, 2);
	want = ~fuzz_sum(frame + at, l4_len, l4_len) & 0xffff;
	if (udp) {
		must((u32)(frame[at + 4] << 8 | frame[at + 5]) == l4_len);
		if (!frame[field] && !frame[field + 1])
			want = 0;
		else if (!want)
			want = 0xffff;
	}
	must(got == want);
}

static void check_frames(const struct seg_request *req,
			 struct segmenter *seg, const u8 *payload)
{
	static struct seg_frame frame;
	u32 sent = 0;

	while (seg_next(seg, &frame)) {
		u32 len = frame.len - req->hdr_len;
		u8 *flat = malloc(frame.len);

		must(len && len <= req->mss && frame.len <= req->frame_max);
		must(len == req->mss || sent + len == req->tlen);
		flatten(&frame, flat);
		must(!memcmp(flat + req->hdr_len, payload + sent, len));
		check_ip(req, flat, frame.len);
		check_l4(req, flat, frame.len);
		free(flat);
		sent += len;
	}
	must(sent == req->tlen);
}

int fuzz_one(const u8 *data, size_t size)
{
	static struct segmenter seg;
	struct seg_request req = { 0 };
	enum eng_status status;
	struct fuzz_packet pkt;
	struct fuzz_head head;
	u8 *hdr;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);

	req.hdr_len = fuzz_get16(head.hdr_len);
	req.mss = fuzz_get16(head.mss);
	req.frame_max = fuzz_get16(head.frame_max);
	req.flags = head.flags;
	req.layout.l3_off = head.l3_off;
	req.layout.l4_off = head.l4_off;
	req.layout.ip_version = head.ip_version;
	req.layout.proto = head.proto;

	fuzz_packet_init(&pkt, head.piece, data, size);
	gather_init(&req.payload, pkt.iov, pkt.num);
	hdr = malloc(req.hdr_len);
	if (gather_pull(&req.payload, hdr, req.hdr_len)) {
		req.hdr = hdr;
		req.tlen = size - req.hdr_len + (s8)head.tlen_delta;
		status = head.op & 1 ? uso_init(&seg, &req) :
				       lso_init(&seg, &req);
		if (!status)
			check_frames(&req, &seg, data + req.hdr_len);
		else
			must(*eng_status_name(status));
	}
	free(hdr);
	fuzz_packet_exit(&pkt);

	return 0;
}
