/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets of the send engines share: an input becomes a request
 * and a packet in pieces, each an allocation of its own size.
 */

#ifndef ENGINE_FUZZ_H
#define ENGINE_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "../../net/idpf-nic/engines/csum.h"
#include "../../net/idpf-nic/engines/segment.h"

/* The first bytes of an input; the packet follows. */
struct fuzz_head {
	u8 op;
	u8 flags;
	u8 l3_off;
	u8 l4_off;
	u8 ip_version;
	u8 proto;
	u8 hdr_len[2];		/* little endian */
	u8 mss[2];
	u8 frame_max[2];
	u8 tlen_delta;		/* added to the true length, signed */
	u8 piece;		/* pieces get longer by this, 0: one piece */
};

#define FUZZ_PIECES	600

/* What libFuzzer calls with each input, under the name that it wants. */
int fuzz_one(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

struct fuzz_packet {
	struct iovec iov[FUZZ_PIECES];
	u32 num;
	u32 len;
	const u8 *bytes;
};

static inline u32 fuzz_get16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

static inline void fuzz_packet_init(struct fuzz_packet *pkt, u8 step,
				    const u8 *bytes, u32 len)
{
	u32 at = 0, size = step;

	pkt->bytes = bytes;
	pkt->len = len;
	pkt->num = 0;
	while (at < len || !pkt->num) {
		u32 n = len - at;

		if (step && size < n && pkt->num < FUZZ_PIECES - 1)
			n = size;
		pkt->iov[pkt->num].iov_base = malloc(n);
		pkt->iov[pkt->num].iov_len = n;
		memcpy(pkt->iov[pkt->num].iov_base, bytes + at, n);
		pkt->num++;
		at += n;
		size = (size + step) & 0x7f;
	}
}

static inline void fuzz_packet_exit(struct fuzz_packet *pkt)
{
	u32 i, at = 0;

	for (i = 0; i < pkt->num; i++) {
		if (memcmp(pkt->iov[i].iov_base, pkt->bytes + at,
			   pkt->iov[i].iov_len))
			abort();
		at += pkt->iov[i].iov_len;
		free(pkt->iov[i].iov_base);
	}
}

/* RFC 1071 by the book, big endian. */
static inline u32 fuzz_sum(const u8 *p, u32 len, u32 sum)
{
	u32 i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);

	return sum;
}

#endif /* ENGINE_FUZZ_H */
