/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive buffers: equal pieces of page_pool pages.
 *
 * wto_rx.c fills and empties the rings, wto_rx_buf.c makes and releases what
 * they need.
 */

#ifndef WTO_RX_H
#define WTO_RX_H

#include <linux/skbuff.h>
#include <net/page_pool/helpers.h>

#include "wto.h"

/* Buffers are posted this many at a time, so that tails stay aligned */
#define WTO_RX_POST_STEP	16

#define WTO_RX_HEADROOM		(NET_SKB_PAD + NET_IP_ALIGN)

/**
 * struct wto_rx_buf - a buffer
 * @netmem: page that it is a piece of, 0 if there is none
 * @va: where it is for the CPU, or the offset in the page alone if the CPU
 *	cannot read it
 */
struct wto_rx_buf {
	netmem_ref netmem;
	unsigned long va;
};

bool wto_rx_next_page(struct wto_rx_frags *frags);
bool wto_rx_refill(struct wto_rx_queue *rxq);

/* Cut the next piece from a page.
 * Return: false if there is no page.
 */
static __always_inline bool wto_rx_take(struct wto_rx_frags *frags,
					struct wto_rx_buf *buf)
{
	if (frags->va == frags->end && unlikely(!wto_rx_next_page(frags)))
		return false;

	buf->netmem = frags->netmem;
	buf->va = frags->va;
	frags->va += frags->size;

	return true;
}

static inline void wto_rx_put(struct wto_rx_frags *frags,
			      struct wto_rx_buf *buf, bool napi)
{
	if (buf->netmem)
		page_pool_put_full_netmem(frags->pool, buf->netmem, napi);
	buf->netmem = 0;
}

static inline u32 wto_rx_offset(const struct wto_rx_buf *buf)
{
	return offset_in_page(buf->va);
}

#endif /* WTO_RX_H */
