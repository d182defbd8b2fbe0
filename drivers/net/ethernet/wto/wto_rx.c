// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: from a descriptor to an skb, from a page to a posted buffer.
 *
 * The device fills buffers in the order in which they were posted and reports
 * them in any order, by an id.  An id that is reported goes to the list of
 * free ones and is posted again with a new buffer.  A report is believed only
 * if the device has the buffer, and only once.
 *
 * In the single model there is one ring: a buffer's id is its place, and the
 * device writes its report there.  What is said of ids holds nevertheless.
 *
 * Buffers are equal pieces of page_pool pages.  Without header split an skb is
 * built in place around its first buffer:
 *
 *	| headroom | frame, buf_size at most | skb_shared_info |
 *
 * and the buffers after it become fragments.  With header split the same is
 * done with a header buffer, and packet buffers, then without headroom, are
 * fragments all.
 */

#include <linux/etherdevice.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>
#include <net/page_pool/helpers.h>

#include "wto.h"

/* Buffers are posted this many at a time, so that tails stay aligned */
#define WTO_RX_POST_STEP	16

/* Devices want sizes in this unit */
#define WTO_RX_SIZE_UNIT	128

#define WTO_RX_HEADROOM		(NET_SKB_PAD + NET_IP_ALIGN)
#define WTO_RX_HDR_SIZE		256
#define WTO_RX_PIECE_MIN	2048

/**
 * struct wto_rx_buf - a buffer
 * @netmem: where it is, 0 if there is none
 * @offset: offset of the piece in @netmem
 * @posted: the device has it
 */
struct wto_rx_buf {
	netmem_ref netmem;
	u32 offset;
	bool posted;
};

/**
 * struct wto_rx_tally - what one poll did
 * @packets: packets given to the stack
 * @bytes: their bytes
 * @hsplit: those of them with a header buffer
 */
struct wto_rx_tally {
	u32 packets;
	u32 bytes;
	u32 hsplit;
};

static void wto_rx_count(struct wto_rx_queue *rxq, u64_stats_t *counter)
{
	u64_stats_update_begin(&rxq->stats->sync);
	u64_stats_inc(counter);
	u64_stats_update_end(&rxq->stats->sync);
}

/* Begin another page.  Return: false if there is none. */
static noinline bool wto_rx_next_page(struct wto_rx_frags *frags)
{
	frags->netmem = page_pool_dev_alloc_netmems(frags->pool);
	if (unlikely(!frags->netmem))
		return false;

	page_pool_fragment_netmem(frags->netmem, PAGE_SIZE / frags->size);
	frags->offset = 0;

	return true;
}

/* Cut the next piece from a page */
static bool wto_rx_take(struct wto_rx_frags *frags, struct wto_rx_buf *buf)
{
	if (!frags->netmem && unlikely(!wto_rx_next_page(frags)))
		return false;

	buf->netmem = frags->netmem;
	buf->offset = frags->offset;
	frags->offset += frags->size;
	if (frags->offset + frags->size > PAGE_SIZE)
		frags->netmem = 0;

	return true;
}

static void wto_rx_put(struct wto_rx_frags *frags, struct wto_rx_buf *buf,
		       bool napi)
{
	if (buf->netmem)
		page_pool_put_full_netmem(frags->pool, buf->netmem, napi);
	buf->netmem = 0;
}

static dma_addr_t wto_rx_dma(const struct wto_rx_buf *buf)
{
	return page_pool_get_dma_addr_netmem(buf->netmem) + buf->offset;
}

/* Not for packet buffers with header split: the CPU may not be able to read */
static void *wto_rx_va(const struct wto_rx_buf *buf)
{
	return page_address(__netmem_to_page(buf->netmem)) + buf->offset;
}

/* Make sure that a buffer is there, and tell its address */
static bool wto_rx_fill(struct wto_rx_frags *frags, struct wto_rx_buf *buf,
			u32 headroom, __le64 *addr)
{
	if (likely(!buf->netmem) && unlikely(!wto_rx_take(frags, buf)))
		return false;

	*addr = cpu_to_le64(wto_rx_dma(buf) + headroom);

	return true;
}

/* Post up to @num buffers of free ids.
 * Return: how many; less than @num if pages ran out.
 */
static u32 wto_rx_fill_ring(struct wto_rx_queue *rxq, u32 num)
{
	struct wto_rx_buf *hdrs = rxq->hdr_buf;
	struct wto_rx_buf *bufs = rxq->buf;
	u32 headroom = rxq->headroom;
	u32 next = rxq->bufq_next;
	u32 mask = rxq->len - 1;
	u32 left = num;
	u16 *id;

	id = &rxq->free_id[rxq->num_free];
	for (; left; left--, next++) {
		struct idpf_rx_buf_desc *desc = &rxq->bufq[next & mask];

		id--;
		if (unlikely(!wto_rx_fill(&rxq->frags, &bufs[*id], headroom,
					  &desc->pkt_addr)))
			break;
		if (hdrs &&
		    unlikely(!wto_rx_fill(&rxq->hdr_frags, &hdrs[*id],
					  WTO_RX_HEADROOM, &desc->hdr_addr)))
			break;

		desc->buf_id = cpu_to_le16(*id);
		bufs[*id].posted = true;
	}
	num -= left;
	rxq->num_free -= num;
	rxq->bufq_next = next;

	return num;
}

/* The same in the single model, where a buffer is posted at its place */
static u32 wto_rx_fill_single(struct wto_rx_queue *rxq, u32 num)
{
	u32 next = rxq->bufq_next;
	u32 mask = rxq->len - 1;
	u32 left = num;

	for (; left; left--, next++) {
		struct idpf_rx_single_buf_desc *desc =
			(void *)&rxq->desc[next & mask];

		if (unlikely(!wto_rx_fill(&rxq->frags, &rxq->buf[next & mask],
					  rxq->headroom, &desc->pkt_addr)))
			break;
		/* also takes the done bit of what was there */
		desc->hdr_addr = 0;
	}
	num -= left;
	rxq->num_free -= num;
	rxq->bufq_next = next;

	return num;
}

/* Post what is free, in whole steps.
 * Return: false if pages ran out.
 */
static bool wto_rx_refill(struct wto_rx_queue *rxq)
{
	u32 num = rxq->num_free & ~(WTO_RX_POST_STEP - 1);
	u32 old = rxq->bufq_next;
	u32 done;

	done = rxq->bufq ? wto_rx_fill_ring(rxq, num) :
			   wto_rx_fill_single(rxq, num);

	/* what a failure leaves behind the last step is told with the next */
	if ((old ^ rxq->bufq_next) & ~(WTO_RX_POST_STEP - 1))
		writel(rxq->bufq_next & (rxq->len - 1) &
		       ~(WTO_RX_POST_STEP - 1), rxq->tail);
	if (likely(done == num))
		return true;

	wto_rx_count(rxq, &rxq->stats->alloc_fail);

	return false;
}

/* An skb around a buffer, which is then the skb's */
static __always_inline struct sk_buff *
wto_rx_build(struct wto_rx_queue *rxq, struct wto_rx_frags *frags,
	     struct wto_rx_buf *buf, u32 len)
{
	void *va = wto_rx_va(buf);
	struct sk_buff *skb;

	page_pool_dma_sync_netmem_for_cpu(frags->pool, buf->netmem,
					  buf->offset + WTO_RX_HEADROOM, len);
	net_prefetch(va + WTO_RX_HEADROOM);

	skb = napi_build_skb(va, frags->size);
	if (unlikely(!skb)) {
		wto_rx_count(rxq, &rxq->stats->alloc_fail);
		return NULL;
	}
	buf->netmem = 0;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, WTO_RX_HEADROOM);
	__skb_put(skb, len);

	return skb;
}

/* Make a packet buffer, but for the first @skip bytes of it, the skb's
 * fragment @num.
 */
static __always_inline void
wto_rx_add_frag(struct wto_rx_queue *rxq, struct sk_buff *skb, unsigned int num,
		struct wto_rx_buf *buf, u32 skip, u32 len)
{
	u32 offset = buf->offset + rxq->headroom + skip;

	page_pool_dma_sync_netmem_for_cpu(rxq->frags.pool, buf->netmem, offset,
					  len);
	skb_add_rx_frag_netmem(skb, num, buf->netmem, offset, len,
			       rxq->frags.size);
	buf->netmem = 0;
}

/* Append a later buffer of a packet.
 * Return: false if the skb has no place for it.
 */
static noinline bool wto_rx_append(struct wto_rx_queue *rxq,
				   struct sk_buff *skb, u16 id, u32 len)
{
	unsigned int num = skb_shinfo(skb)->nr_frags;

	if (unlikely(!len))
		return true;
	if (unlikely(num == MAX_SKB_FRAGS))
		return false;

	wto_rx_add_frag(rxq, skb, num, &rxq->buf[id], 0, len);

	return true;
}

/* Header split is on, but this packet is in the packet buffer as a whole: the
 * device could not split it.  Copy the start to where headers are, if the CPU
 * can read it: in memory of a provider (a DMA buffer of the user's) it cannot.
 */
static noinline struct sk_buff *wto_rx_unsplit(struct wto_rx_queue *rxq,
					       u16 id, u32 len)
{
	struct wto_rx_buf *buf = &rxq->buf[id];
	u32 copy = min_t(u32, len, rxq->hdr_size);
	struct sk_buff *skb;

	if (unlikely(netmem_is_net_iov(buf->netmem))) {
		wto_rx_count(rxq, &rxq->stats->unreadable);
		return NULL;
	}

	page_pool_dma_sync_netmem_for_cpu(rxq->frags.pool, buf->netmem,
					  buf->offset, copy);
	skb = wto_rx_build(rxq, &rxq->hdr_frags, &rxq->hdr_buf[id], copy);
	/* not before: building takes the header buffer over from the device,
	 * which may overwrite what the CPU put there
	 */
	if (likely(skb))
		memcpy(skb->data, wto_rx_va(buf), copy);
	if (likely(skb) && copy < len)
		wto_rx_add_frag(rxq, skb, 0, buf, copy, len - copy);
	else
		wto_rx_put(&rxq->frags, buf, true);

	return skb;
}

/* Make an skb of a packet's first buffers */
static __always_inline struct sk_buff *
wto_rx_first(struct wto_rx_queue *rxq, const struct wto_rx_meta *meta)
{
	struct wto_rx_buf *buf = &rxq->buf[meta->buf_id];
	struct wto_rx_frags *frags = &rxq->frags;
	struct wto_rx_buf *linear = buf;
	u32 len = meta->len;
	struct sk_buff *skb;

	if (rxq->hdr_buf) {
		if (unlikely(!meta->hdr_len))
			return wto_rx_unsplit(rxq, meta->buf_id, meta->len);

		frags = &rxq->hdr_frags;
		linear = &rxq->hdr_buf[meta->buf_id];
		len = meta->hdr_len;
	}

	skb = wto_rx_build(rxq, frags, linear, len);
	if (likely(skb) && meta->hdr_len && meta->len)
		wto_rx_add_frag(rxq, skb, 0, buf, 0, meta->len);

	return skb;
}

static void wto_rx_set_hash(const struct wto_rx_queue *rxq, struct sk_buff *skb,
			    const struct wto_rx_meta *meta)
{
	const struct wto_ptype *ptype = &rxq->ptypes[meta->ptype];

	if (!ptype->l3)
		return;

	skb_set_hash(skb, meta->hash,
		     ptype->l4 >= WTO_PTYPE_L4_TCP &&
		     ptype->l4 <= WTO_PTYPE_L4_SCTP ?
		     PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
}

/* Give a whole packet to the stack */
static void wto_rx_deliver(struct wto_rx_queue *rxq, struct sk_buff *skb,
			   const struct wto_rx_meta *meta,
			   struct wto_rx_tally *tally)
{
	/* the stack could not verify a checksum over what it cannot read */
	if (unlikely(!skb_frags_readable(skb) &&
		     skb->ip_summed == CHECKSUM_NONE)) {
		wto_rx_count(rxq, &rxq->stats->unreadable);
		napi_consume_skb(skb, 1);
		return;
	}
	if (unlikely(meta->error || skb_headlen(skb) < ETH_HLEN)) {
		wto_rx_count(rxq, &rxq->stats->errors);
		napi_consume_skb(skb, 1);
		return;
	}

	tally->packets++;
	tally->bytes += skb->len;
	if (READ_ONCE(rxq->hash) && meta->has_hash)
		wto_rx_set_hash(rxq, skb, meta);
	skb->protocol = eth_type_trans(skb, rxq->netdev);
	skb_record_rx_queue(skb, rxq->idx);
	napi_gro_receive(&rxq->vec->napi, skb);
}

/* Something is wrong with a packet: free what has come of it, and let the rest
 * pass by.
 */
static noinline void wto_rx_lose(struct wto_rx_queue *rxq, bool eop)
{
	if (rxq->skb) {
		napi_consume_skb(rxq->skb, 1);
		rxq->skb = NULL;
	}
	rxq->skip = !eop;
}

/* The same, with the buffers of the present descriptor */
static noinline void wto_rx_abandon(struct wto_rx_queue *rxq, u16 id, bool eop)
{
	wto_rx_put(&rxq->frags, &rxq->buf[id], true);
	if (rxq->hdr_buf)
		wto_rx_put(&rxq->hdr_frags, &rxq->hdr_buf[id], true);
	wto_rx_lose(rxq, eop);
}

/* Handle the buffers of one descriptor, which are ours now */
static __always_inline void wto_rx_one(struct wto_rx_queue *rxq,
				       const struct wto_rx_meta *meta,
				       struct wto_rx_tally *tally)
{
	struct sk_buff *skb = rxq->skb;

	if (unlikely(meta->malformed || meta->len > rxq->buf_size ||
		     meta->hdr_len > rxq->hdr_size)) {
		wto_rx_count(rxq, &rxq->stats->bad_desc);
		goto abandon;
	}
	if (unlikely(rxq->skip))
		goto abandon;

	if (likely(!skb)) {
		skb = wto_rx_first(rxq, meta);
		if (unlikely(!skb))
			goto abandon;
		if (meta->hdr_len)
			tally->hsplit++;
	} else if (!wto_rx_append(rxq, skb, meta->buf_id, meta->len)) {
		wto_rx_count(rxq, &rxq->stats->bad_desc);
		goto abandon;
	}
	if (unlikely(!meta->eop)) {
		rxq->skb = skb;
		return;
	}

	rxq->skb = NULL;
	wto_rx_deliver(rxq, skb, meta, tally);
	return;

abandon:
	wto_rx_abandon(rxq, meta->buf_id, meta->eop);
}

static void wto_rx_add_stats(struct wto_rx_queue *rxq,
			     const struct wto_rx_tally *tally)
{
	struct wto_rx_stats *stats = rxq->stats;

	u64_stats_update_begin(&stats->sync);
	u64_stats_add(&stats->packets, tally->packets);
	u64_stats_add(&stats->bytes, tally->bytes);
	u64_stats_add(&stats->hsplit, tally->hsplit);
	u64_stats_update_end(&stats->sync);
}

/* A report about a buffer that the device does not have is in place of one
 * about a buffer that it filled, and that never comes back.  Nobody would
 * notice a queue that has lost all of them: it looks like a silent wire.
 */
static noinline void wto_rx_bad_id(struct wto_rx_queue *rxq, bool eop)
{
	wto_rx_count(rxq, &rxq->stats->bad_desc);
	wto_rx_lose(rxq, eop);
	if (++rxq->num_lost == rxq->len / 2)
		wto_reset_request(rxq->vec->vport->adapter,
				  "receive queue has lost half of its buffers");
}

/* Return: descriptors handled */
static int wto_rx_poll_split(struct wto_rx_queue *rxq, int budget,
			     struct wto_rx_tally *tally)
{
	u32 mask = rxq->len - 1;
	u32 next = rxq->next;
	int work;

	for (work = 0; work < budget; work++) {
		const struct idpf_rx_desc_raw *desc =
			(const void *)&rxq->desc[next & mask];
		struct wto_rx_meta meta;
		u64 qw0;

		/* the generation is 1 in the first pass, 0 in the second ... */
		qw0 = le64_to_cpu(READ_ONCE(desc->qw[0]));
		if (!(qw0 & IDPF_RXF_QW0_GEN) == !(next & rxq->len))
			break;

		/* the device writes the first quad word last */
		dma_rmb();
		wto_rxd_split(qw0, le64_to_cpu(READ_ONCE(desc->qw[1])), &meta);
		if (meta.has_hash)
			meta.hash = FIELD_GET(IDPF_RXF_QW2_HASH,
					      le64_to_cpu(READ_ONCE(desc->qw[2])));
		if (!rxq->hdr_buf)
			meta.hdr_len = 0;
		next++;
		if (unlikely(meta.buf_id > mask ||
			     !rxq->buf[meta.buf_id].posted)) {
			wto_rx_bad_id(rxq, meta.eop);
			continue;
		}

		rxq->buf[meta.buf_id].posted = false;
		rxq->free_id[rxq->num_free++] = meta.buf_id;
		wto_rx_one(rxq, &meta, tally);
	}
	WRITE_ONCE(rxq->next, next);

	return work;
}

/* The same in the single model.  Only posted places are looked at: others hold
 * what the device wrote there in the pass before.
 */
static int wto_rx_poll_single(struct wto_rx_queue *rxq, int budget,
			      struct wto_rx_tally *tally)
{
	u32 mask = rxq->len - 1;
	u32 next = rxq->next;
	int work;

	budget = min_t(u32, budget, rxq->bufq_next - next);
	for (work = 0; work < budget; work++, next++) {
		const struct idpf_rx_desc_raw *desc =
			(const void *)&rxq->desc[next & mask];
		struct wto_rx_meta meta;
		u64 qw0, qw1;

		/* done is the lowest bit in both formats */
		BUILD_BUG_ON(IDPF_RXB_ST_DD != IDPF_RXN_ST0_DD);
		qw1 = le64_to_cpu(READ_ONCE(desc->qw[1]));
		if (!(qw1 & IDPF_RXB_ST_DD))
			break;

		/* the device writes the second quad word last */
		dma_rmb();
		qw0 = le64_to_cpu(READ_ONCE(desc->qw[0]));
		if (rxq->model == WTO_RX_SINGLE_BASE)
			wto_rxd_base(qw0, qw1, &meta);
		else
			wto_rxd_flex(qw0, qw1, &meta);
		meta.buf_id = next & mask;
		wto_rx_one(rxq, &meta, tally);
	}
	rxq->num_free += work;
	WRITE_ONCE(rxq->next, next);

	return work;
}

/**
 * wto_rx_poll - receive
 * @rxq: receive queue
 * @budget: most descriptors to handle, not 0
 *
 * Context: NAPI.
 * Return: descriptors handled; @budget also when the device ran out of
 *	buffers and nothing but another poll will give it some.
 */
int wto_rx_poll(struct wto_rx_queue *rxq, int budget)
{
	struct wto_rx_tally tally = {};
	int work;

	if (likely(rxq->model == WTO_RX_SPLIT))
		work = wto_rx_poll_split(rxq, budget, &tally);
	else
		work = wto_rx_poll_single(rxq, budget, &tally);
	if (work)
		wto_rx_add_stats(rxq, &tally);
	if (rxq->num_free < WTO_RX_POST_STEP || wto_rx_refill(rxq))
		return work;

	/* no interrupt will come when the device has hardly a buffer left */
	return rxq->num_free > rxq->len / 2 ? budget : work;
}

/**
 * wto_rx_pending - is there a descriptor to be polled?
 * @rxq: receive queue, running or not
 * @next: out: its place
 *
 * Context: Any; the queue is kept by RCU.
 * Return: true if the device has written it.
 */
bool wto_rx_pending(const struct wto_rx_queue *rxq, u32 *next)
{
	const struct idpf_rx_desc_raw *desc;

	*next = READ_ONCE(rxq->next);
	desc = (const void *)&rxq->desc[*next & (rxq->len - 1)];
	if (rxq->model != WTO_RX_SPLIT)
		return *next != READ_ONCE(rxq->bufq_next) &&
		       (le64_to_cpu(READ_ONCE(desc->qw[1])) & IDPF_RXB_ST_DD);

	return !(le64_to_cpu(READ_ONCE(desc->qw[0])) & IDPF_RXF_QW0_GEN) ==
	       !!(*next & rxq->len);
}

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
	} else {
		rxq->headroom = WTO_RX_HEADROOM;
		overhead = SKB_HEAD_ALIGN(WTO_RX_HEADROOM);
	}

	/* a descriptor tells lengths below 16 KiB */
	size = roundup_pow_of_two(frame + overhead);
	size = clamp_t(u32, size, WTO_RX_PIECE_MIN, min(PAGE_SIZE, SZ_8K));
	rxq->frags.size = size;
	rxq->buf_size = ALIGN_DOWN(size - overhead, WTO_RX_SIZE_UNIT);
}

static struct page_pool *wto_rx_make_pool(const struct wto_rx_queue *rxq,
					  const struct wto_rx_frags *frags)
{
	struct device *dev = rxq->netdev->dev.parent;
	const bool data = frags == &rxq->frags;
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size = rxq->len / (PAGE_SIZE / frags->size),
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

	while (frags->netmem) {
		wto_rx_take(frags, &rest);
		wto_rx_put(frags, &rest, false);
	}
}

static void wto_rx_put_all(struct wto_rx_queue *rxq)
{
	for (u32 id = 0; rxq->buf && id < rxq->len; id++) {
		wto_rx_put(&rxq->frags, &rxq->buf[id], false);
		rxq->buf[id].posted = false;
	}
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
