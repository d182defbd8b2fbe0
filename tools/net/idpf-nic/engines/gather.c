// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gather lists: a packet as it lies in guest memory, piece by piece.
 */

#include <string.h>

#include "gather.h"

/**
 * gather_len() - bytes from a place to the end of its list
 * @g: the place
 *
 * Return: the number of bytes.
 */
size_t gather_len(const struct gather *g)
{
	size_t len = 0;
	u32 i;

	for (i = 0; i < g->num; i++)
		len += g->iov[i].iov_len;

	return len - g->off;
}

/* Bytes left in the current piece, after stepping over finished pieces. */
static size_t gather_here(struct gather *g)
{
	while (g->num && g->off == g->iov->iov_len) {
		g->iov++;
		g->num--;
		g->off = 0;
	}

	return g->num ? g->iov->iov_len - g->off : 0;
}

/**
 * gather_pull() - copy bytes out of the list and step behind them
 * @g: the place, moved only when all bytes were there
 * @buf: takes the bytes
 * @len: how many
 *
 * Return: false if the list holds fewer than @len bytes from @g on.
 */
bool gather_pull(struct gather *g, void *buf, size_t len)
{
	struct gather at = *g;
	u8 *to = buf;

	while (len) {
		size_t n = gather_here(&at);

		if (!n)
			return false;
		if (n > len)
			n = len;
		/* guests may point two buffers at the same memory */
		memmove(to, (const u8 *)at.iov->iov_base + at.off, n);
		at.off += n;
		to += n;
		len -= n;
	}
	gather_here(&at);
	*g = at;

	return true;
}

/**
 * gather_skip() - step over bytes
 * @g: the place
 * @len: how many; fewer if the list ends
 */
void gather_skip(struct gather *g, size_t len)
{
	size_t here;

	while (len && (here = gather_here(g))) {
		if (here > len)
			here = len;
		g->off += here;
		len -= here;
	}
}

/**
 * gather_take() - take the next bytes as a list of their own and step on
 * @g: the place, moved behind what was taken
 * @len: bytes wanted
 * @out: takes the pieces, none of them empty
 * @max: room in @out
 *
 * Return: pieces written to @out.  They hold fewer than @len bytes if the
 * list ended or @out was full; gather_len() before the call tells which.
 */
u32 gather_take(struct gather *g, size_t len, struct iovec *out, u32 max)
{
	u32 n = 0;

	while (len && n < max) {
		size_t here = gather_here(g);

		if (!here)
			break;
		if (here > len)
			here = len;
		out[n].iov_base = (u8 *)g->iov->iov_base + g->off;
		out[n].iov_len = here;
		n++;
		g->off += here;
		len -= here;
	}

	return n;
}
