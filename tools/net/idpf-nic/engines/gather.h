/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gather lists: a packet as it lies in guest memory, piece by piece.
 *
 * The pieces belong to the guest, who may change them at any time.  Whatever
 * is decided upon (headers) is therefore copied out once; what is only moved
 * (payload) stays where it is.
 */

#ifndef IDPF_NIC_GATHER_H
#define IDPF_NIC_GATHER_H

#include <sys/uio.h>

#include "../../../../drivers/net/ethernet/wto/offload/ofl_types.h"

/**
 * struct gather - a place in a gather list and what follows it
 * @iov: piece that the place lies in
 * @num: pieces from there to the end of the list
 * @off: bytes of the first piece that are already behind
 *
 * Pieces of length 0 are allowed anywhere.  The list itself is not changed.
 */
struct gather {
	const struct iovec *iov;
	u32 num;
	size_t off;
};

/**
 * gather_init() - stand at the first byte of a list
 * @g: place to set
 * @iov: the list, to stay valid as long as @g is used
 * @num: pieces in it
 */
static inline void gather_init(struct gather *g, const struct iovec *iov,
			       u32 num)
{
	g->iov = iov;
	g->num = num;
	g->off = 0;
}

size_t gather_len(const struct gather *g);
bool gather_pull(struct gather *g, void *buf, size_t len);
void gather_skip(struct gather *g, size_t len);
u32 gather_take(struct gather *g, size_t len, struct iovec *out, u32 max);

#endif /* IDPF_NIC_GATHER_H */
