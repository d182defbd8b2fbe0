// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers: their sizes, where pages come from, and what a queue has of
 * them before it runs and after.
 */

#include <linux/etherdevice.h>

#include "wto_rx.h"

/* Devices want sizes in this unit */
#define WTO_RX_SIZE_UNIT	128

#define WTO_RX_HDR_SIZE		256
#define WTO_RX_PIECE_MIN	2048

/**
 * wto_rx_config - choose the sizes of buffers
 * @rxq: receive queue
 * @cfg: configuration with MTU and header split
 */
void wto_rx_config(struct wto_rx_queue *rxq, const struct wto_queue_cfg *cfg)
{
	u32 frame = cfg->mtu + WTO_FRAME_OVERHEAD;
	u32 overhead = 0;
	u32 size;

	rxq->hdr_size = 0;
	rxq->headroom = 0;
	if (cfg->hsplit && rxq->model == WTO_RX_SPLIT) {
		rxq->hdr_size = WTO_RX_HDR_SIZE;
		rxq->hdr_frags.size = WTO_RX_HDR_SIZE + WTO_RX_HEADROOM;
		rxq->hdr_frags.size =
			SKB_HEAD_ALIGN(rxq->hdr_frags.size);
		rxq->hdr_frags.num = PAGE_SIZE / rxq->hdr_frags.size;
	} else {
		rxq->headroom = WTO_RX_HEADROOM;
		overhead = SKB_HEAD_ALIGN(WTO_RX_HEADROOM);
	}

	/* a descriptor tells lengths below 16 KiB */
	size = roundup_pow_of_two(frame + overhead);
	size = clamp_t(u32, size, WTO_RX_PIECE_MIN, min(PAGE_SIZE, SZ_8K));
	rxq->frags.size = size;
	rxq->frags.num = PAGE_SIZE / size;
	rxq->buf_size = ALIGN_DOWN(size - overhead, WTO_RX_SIZE_UNIT);
}

static struct page_pool *wto_rx_make_pool(const struct wto_rx_queue *rxq,
					  const struct wto_rx_frags *frags)
{
	struct device *dev = rxq->dev;
	const bool data = frags == &rxq->frags;
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size = rxq->len / frags->num,
		.nid = dev_to_node(dev),
		.dev = dev,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE,
		.netdev = rxq->netdev,
		.queue_idx = rxq->idx,
	};

	/* what the CPU may not read must not hold headers */
	if (data && rxq->hdr_size)
		params.flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;

	return page_pool_create(&params);
}

static int wto_rx_alloc_pools(struct wto_rx_queue *rxq)
{
	struct page_pool *pool;

	pool = wto_rx_make_pool(rxq, &rxq->frags);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	rxq->frags.pool = pool;

	if (!rxq->hdr_size)
		return 0;

	pool = wto_rx_make_pool(rxq, &rxq->hdr_frags);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	rxq->hdr_frags.pool = pool;

	rxq->hdr_buf = kvcalloc(rxq->len, sizeof(*rxq->hdr_buf), GFP_KERNEL);

	return rxq->hdr_buf ? 0 : -ENOMEM;
}

/* Take buffers for all ids while failing is still harmless */
static int wto_rx_take_all(struct wto_rx_queue *rxq)
{
	for (u32 id = 0; id < rxq->num_free; id++) {
		if (!wto_rx_take(&rxq->frags, &rxq->buf[id]))
			return -ENOMEM;
		if (rxq->hdr_buf &&
		    !wto_rx_take(&rxq->hdr_frags, &rxq->hdr_buf[id]))
			return -ENOMEM;
	}

	return 0;
}

/* All ids are free.  There is one step less of them than places in the ring:
 * a full ring would look like an empty one.
 */
static void wto_rx_free_ids(struct wto_rx_queue *rxq)
{
	rxq->num_free = rxq->len - WTO_RX_POST_STEP;
	for (u32 id = 0; id < rxq->num_free; id++)
		rxq->free_id[id] = id;
}

/**
 * wto_rx_alloc - make a queue's bookkeeping, pools and buffers
 * @rxq: receive queue, with len set and wto_rx_config() done
 * @cfg: configuration
 *
 * Context: May sleep.  Another queue may be running on the same vector.
 * Return: 0 or a negative errno, then nothing is left behind.
 */
int wto_rx_alloc(struct wto_rx_queue *rxq, const struct wto_queue_cfg *cfg)
{
	int err = -ENOMEM;

	rxq->hash = cfg->rx_hash;
	rxq->buf = kvcalloc(rxq->len, sizeof(*rxq->buf), GFP_KERNEL);
	rxq->free_id = kvcalloc(rxq->len, sizeof(*rxq->free_id), GFP_KERNEL);
	if (!rxq->buf || !rxq->free_id)
		goto free_queue;

	err = wto_rx_alloc_pools(rxq);
	if (err)
		goto free_queue;

	wto_rx_free_ids(rxq);
	err = wto_rx_take_all(rxq);
	if (err)
		goto free_queue;

	return 0;

free_queue:
	wto_rx_free(rxq);
	return err;
}

/* Return what is left of a page that buffers were being cut from */
static void wto_rx_put_frags(struct wto_rx_frags *frags)
{
	struct wto_rx_buf rest;

	while (frags->va != frags->end) {
		wto_rx_take(frags, &rest);
		wto_rx_put(frags, &rest, false);
	}
}

static void wto_rx_put_all(struct wto_rx_queue *rxq)
{
	for (u32 id = 0; rxq->buf && id < rxq->len; id++)
		wto_rx_put(&rxq->frags, &rxq->buf[id], false);
	for (u32 id = 0; rxq->hdr_buf && id < rxq->len; id++)
		wto_rx_put(&rxq->hdr_frags, &rxq->hdr_buf[id], false);

	wto_rx_put_frags(&rxq->frags);
	wto_rx_put_frags(&rxq->hdr_frags);
}

/**
 * wto_rx_free - release what wto_rx_alloc() made
 * @rxq: receive queue, not known to the device
 *
 * Context: May sleep.
 */
void wto_rx_free(struct wto_rx_queue *rxq)
{
	wto_rx_put_all(rxq);
	kvfree(rxq->hdr_buf);
	rxq->hdr_buf = NULL;
	kvfree(rxq->free_id);
	rxq->free_id = NULL;
	kvfree(rxq->buf);
	rxq->buf = NULL;
	page_pool_destroy(rxq->hdr_frags.pool);
	rxq->hdr_frags.pool = NULL;
	page_pool_destroy(rxq->frags.pool);
	rxq->frags.pool = NULL;
}

/**
 * wto_rx_post - start the rings anew and give the device all buffers
 * @rxq: receive queue
 *
 * Context: NAPI is disabled.
 * Return: 0 or -ENOMEM.
 */
int wto_rx_post(struct wto_rx_queue *rxq)
{
	memset(rxq->desc, 0, array_size(rxq->len, sizeof(*rxq->desc)));
	if (rxq->bufq)
		memset(rxq->bufq, 0, array_size(rxq->len, sizeof(*rxq->bufq)));
	rxq->next = 0;
	rxq->bufq_next = 0;
	rxq->num_lost = 0;
	rxq->skip = false;
	rxq->hole = WTO_RX_HOLE_NONE;
	wto_rx_free_ids(rxq);

	page_pool_enable_direct_recycling(rxq->frags.pool, &rxq->vec->napi);
	if (rxq->hdr_frags.pool)
		page_pool_enable_direct_recycling(rxq->hdr_frags.pool,
						  &rxq->vec->napi);

	return wto_rx_refill(rxq) ? 0 : -ENOMEM;
}

/**
 * wto_rx_clean - take every buffer back
 * @rxq: receive queue, not known to the device any more
 *
 * Context: NAPI is disabled.
 */
void wto_rx_clean(struct wto_rx_queue *rxq)
{
	if (rxq->skb) {
		dev_kfree_skb_any(rxq->skb);
		rxq->skb = NULL;
	}
	wto_rx_put_all(rxq);
	page_pool_disable_direct_recycling(rxq->frags.pool);
	if (rxq->hdr_frags.pool)
		page_pool_disable_direct_recycling(rxq->hdr_frags.pool);
}
