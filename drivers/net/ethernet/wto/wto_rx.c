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

#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>

#include "wto_rx.h"

/* Descriptors that the worker looks at beyond the next one; less than a ring */
#define WTO_RX_HOLE_LOOK	(WTO_RING_MIN - 1)

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

/**
 * wto_rx_next_page - begin to cut buffers from another page
 * @frags: no piece is left
 *
 * Context: NAPI, or the queue does not run.
 * Return: false if there is no page.
 */
noinline bool wto_rx_next_page(struct wto_rx_frags *frags)
{
	netmem_ref netmem = page_pool_dev_alloc_netmems(frags->pool);

	if (unlikely(!netmem))
		return false;

	page_pool_fragment_netmem(netmem, frags->num);
	frags->netmem = netmem;
	frags->va = 0;
	if (likely(!netmem_is_net_iov(netmem)))
		frags->va = (unsigned long)page_address(__netmem_to_page(netmem));
	frags->end = frags->va + frags->num * frags->size;
	frags->to_dma = page_pool_get_dma_addr_netmem(netmem) - frags->va;

	return true;
}

/* Not for packet buffers with header split: the CPU may not be able to read */
static void *wto_rx_va(const struct wto_rx_buf *buf)
{
	return (void *)buf->va;
}

/* Make sure that a buffer is there, and tell its address */
static __always_inline bool wto_rx_fill(struct wto_rx_frags *frags,
					struct wto_rx_buf *buf, u32 headroom,
					__le64 *addr)
{
	dma_addr_t dma;

	if (unlikely(buf->netmem))
		dma = page_pool_get_dma_addr_netmem(buf->netmem) +
		      wto_rx_offset(buf);
	else if (likely(wto_rx_take(frags, buf)))
		dma = frags->to_dma + buf->va;
	else
		return false;

	*addr = cpu_to_le64(dma + headroom);

	return true;
}

/* Post up to @num buffers of free ids.  The packet buffer of an id goes first:
 * by the buffer that skbs are built around one knows what is posted.
 * Return: how many; less than @num if pages ran out.
 */
static __always_inline u32 wto_rx_fill_split(struct wto_rx_queue *rxq, u32 num,
					     const bool hsplit)
{
	u32 headroom = hsplit ? 0 : WTO_RX_HEADROOM;
	struct wto_rx_buf *hdrs = rxq->hdr_buf;
	struct wto_rx_buf *bufs = rxq->buf;
	u32 next = rxq->bufq_next;
	u32 mask = rxq->len - 1;
	u32 end = next + num;
	u16 *id;

	id = &rxq->free_id[rxq->num_free];
	for (; next != end; next++) {
		struct idpf_rx_buf_desc *desc = &rxq->bufq[next & mask];

		id--;
		if (unlikely(!wto_rx_fill(&rxq->frags, &bufs[*id], headroom,
					  &desc->pkt_addr)))
			break;
		if (hsplit &&
		    unlikely(!wto_rx_fill(&rxq->hdr_frags, &hdrs[*id],
					  WTO_RX_HEADROOM, &desc->hdr_addr)))
			break;

		desc->buf_id = cpu_to_le16(*id);
	}
	num -= end - next;
	rxq->num_free -= num;
	rxq->bufq_next = next;

	return num;
}

static noinline u32 wto_rx_fill_whole(struct wto_rx_queue *rxq, u32 num)
{
	return wto_rx_fill_split(rxq, num, false);
}

static noinline u32 wto_rx_fill_hsplit(struct wto_rx_queue *rxq, u32 num)
{
	return wto_rx_fill_split(rxq, num, true);
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

/**
 * wto_rx_refill - post what is free, in whole steps
 * @rxq: receive queue
 *
 * Context: NAPI, or it is disabled.
 * Return: false if pages ran out.
 */
bool wto_rx_refill(struct wto_rx_queue *rxq)
{
	u32 num = rxq->num_free & ~(WTO_RX_POST_STEP - 1);
	u32 old = rxq->bufq_next;
	u32 done;

	if (rxq->hdr_buf)
		done = wto_rx_fill_hsplit(rxq, num);
	else if (rxq->bufq)
		done = wto_rx_fill_whole(rxq, num);
	else
		done = wto_rx_fill_single(rxq, num);

	/* what a failure leaves behind the last step is told with the next */
	if ((old ^ rxq->bufq_next) & ~(WTO_RX_POST_STEP - 1))
		writel(rxq->bufq_next & (rxq->len - 1) &
		       ~(WTO_RX_POST_STEP - 1), rxq->tail);
	if (likely(done == num))
		return true;

	wto_rx_count(rxq, &rxq->stats->alloc_fail);

	return false;
}

/* Let the CPU see what the device wrote */
static __always_inline void wto_rx_sync(const struct wto_rx_queue *rxq,
					const struct wto_rx_frags *frags,
					const struct wto_rx_buf *buf,
					u32 headroom, u32 len)
{
	if (unlikely(dma_dev_need_sync(rxq->dev)))
		page_pool_dma_sync_netmem_for_cpu(frags->pool, buf->netmem,
						  wto_rx_offset(buf) + headroom,
						  len);
}

/* An skb around a buffer, which is then the skb's */
static __always_inline struct sk_buff *
wto_rx_build(struct wto_rx_queue *rxq, struct wto_rx_frags *frags,
	     struct wto_rx_buf *buf, u32 len)
{
	void *va = wto_rx_va(buf);
	struct sk_buff *skb;

	wto_rx_sync(rxq, frags, buf, WTO_RX_HEADROOM, len);
	net_prefetch(va + WTO_RX_HEADROOM);

	skb = napi_build_skb(va, frags->size);
	if (unlikely(!skb))
		return NULL;

	buf->netmem = 0;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, WTO_RX_HEADROOM);
	__skb_put(skb, len);

	return skb;
}

/* Make what is in a packet buffer after its first @skip bytes the skb's
 * fragment @num.
 */
static __always_inline void
wto_rx_add_frag(struct wto_rx_queue *rxq, struct sk_buff *skb, unsigned int num,
		struct wto_rx_buf *buf, u32 skip, u32 len)
{
	wto_rx_sync(rxq, &rxq->frags, buf, skip, len);
	skb_add_rx_frag_netmem(skb, num, buf->netmem, wto_rx_offset(buf) + skip,
			       len, rxq->frags.size);
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

	wto_rx_add_frag(rxq, skb, num, &rxq->buf[id], rxq->headroom, len);

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

	wto_rx_sync(rxq, &rxq->frags, buf, 0, copy);
	skb = wto_rx_build(rxq, &rxq->hdr_frags, &rxq->hdr_buf[id], copy);
	/* not before: building takes the header buffer over from the device,
	 * which may overwrite what the CPU put there
	 */
	if (likely(skb))
		memcpy(skb->data, wto_rx_va(buf), copy);
	else
		wto_rx_count(rxq, &rxq->stats->alloc_fail);
	if (likely(skb) && copy < len)
		wto_rx_add_frag(rxq, skb, 0, buf, copy, len - copy);
	else
		wto_rx_put(&rxq->frags, buf, true);

	return skb;
}

/* Make an skb of a packet's first buffers */
static struct sk_buff *
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
	if (unlikely(!skb))
		wto_rx_count(rxq, &rxq->stats->alloc_fail);
	else if (meta->hdr_len && meta->len)
		wto_rx_add_frag(rxq, skb, 0, buf, 0, meta->len);

	return skb;
}

static __always_inline void wto_rx_set_hash(const struct wto_rx_queue *rxq,
					    struct sk_buff *skb, u32 hash,
					    u16 type)
{
	const struct wto_ptype *ptype = &rxq->ptypes[type];
	bool l4 = ptype->l4 >= WTO_PTYPE_L4_TCP &&
		  ptype->l4 <= WTO_PTYPE_L4_SCTP;

	if (likely(ptype->l3))
		skb_set_hash(skb, hash,
			     l4 ? PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
}

/* Give a packet, of an Ethernet header at least, to the stack */
static __always_inline void wto_rx_give(struct wto_rx_queue *rxq,
					struct sk_buff *skb)
{
	skb_record_rx_queue(skb, rxq->idx);
	skb->protocol = eth_type_trans(skb, rxq->netdev);
	napi_gro_receive(&rxq->vec->napi, skb);
}

/* Look at a whole packet, and give it to the stack */
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
	if (meta->has_hash && READ_ONCE(rxq->hash))
		wto_rx_set_hash(rxq, skb, meta->hash, meta->ptype);
	wto_rx_give(rxq, skb);
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

/* Give up what is left of the buffers of a descriptor */
static void wto_rx_release(struct wto_rx_queue *rxq, u16 id)
{
	wto_rx_put(&rxq->frags, &rxq->buf[id], true);
	if (rxq->hdr_buf)
		wto_rx_put(&rxq->hdr_frags, &rxq->hdr_buf[id], true);
}

/* Handle the buffers of one descriptor, which are ours now */
static noinline void wto_rx_one(struct wto_rx_queue *rxq,
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
	} else if (wto_rx_append(rxq, skb, meta->buf_id, meta->len)) {
		wto_rx_release(rxq, meta->buf_id);
	} else {
		wto_rx_count(rxq, &rxq->stats->bad_desc);
		goto abandon;
	}
	if (!meta->eop) {
		rxq->skb = skb;
		return;
	}

	rxq->skb = NULL;
	wto_rx_deliver(rxq, skb, meta, tally);
	return;

abandon:
	wto_rx_release(rxq, meta->buf_id);
	wto_rx_lose(rxq, meta->eop);
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

/* A descriptor that is not as usual, of a buffer that the device had.  The quad
 * words are those that were looked at: a device may change what it has written.
 */
static noinline void wto_rx_unusual(struct wto_rx_queue *rxq, u64 qw0, u64 qw1,
				    __le64 qw2, struct wto_rx_tally *tally)
{
	struct wto_rx_meta meta;

	wto_rxd_split(qw0, qw1, le64_to_cpu(qw2), &meta);
	if (!rxq->hdr_buf)
		meta.hdr_len = 0;
	wto_rx_one(rxq, &meta, tally);
}

/* A packet in the buffers of one descriptor.
 * Return: false if it is not as usual, or there is no skb.
 */
static __always_inline bool
wto_rx_usual(struct wto_rx_queue *rxq, const struct idpf_rx_desc_raw *desc,
	     u64 qw0, struct wto_rx_buf *first, u32 *bytes, const bool hsplit)
{
	struct wto_rx_frags *frags = hsplit ? &rxq->hdr_frags : &rxq->frags;
	u32 first_len = FIELD_GET(IDPF_RXF_QW0_HDR_LEN, qw0);
	u32 len = FIELD_GET(IDPF_RXF_QW0_LEN, qw0);
	struct wto_rx_buf *buf = first;
	struct sk_buff *skb;

	if (hsplit)
		buf = &rxq->buf[first - rxq->hdr_buf];
	else
		first_len = len;
	if (unlikely(first_len < ETH_HLEN || len > rxq->buf_size))
		return false;
	if (hsplit && unlikely(first_len > rxq->hdr_size ||
			       netmem_is_net_iov(buf->netmem)))
		return false;

	skb = wto_rx_build(rxq, frags, first, first_len);
	if (unlikely(!skb))
		return false;
	if (hsplit && len)
		wto_rx_add_frag(rxq, skb, 0, buf, 0, len);

	*bytes += skb->len;
	if ((qw0 & IDPF_RXF_QW0_RSS_VALID) && READ_ONCE(rxq->hash))
		wto_rx_set_hash(rxq, skb,
				wto_rxd_split_hash(le64_to_cpu(READ_ONCE(desc->qw[2]))),
				FIELD_GET(IDPF_RXF_QW0_PTYPE, qw0));
	wto_rx_give(rxq, skb);

	return true;
}

/* Handle @num descriptors at most, of one pass over the ring.
 * Return: how many.
 */
static __always_inline u32
wto_rx_run(struct wto_rx_queue *rxq, u32 next, u32 num,
	   struct wto_rx_tally *tally, const bool hsplit)
{
	struct wto_rx_buf *first = hsplit ? rxq->hdr_buf : rxq->buf;
	u64 norm = wto_rxd_split_norm(!(next & rxq->len), hsplit);
	const struct idpf_rx_desc_raw *desc, *begin, *end;
	u32 mask = rxq->len - 1;
	u32 packets = 0;
	u32 bytes = 0;

	begin = (const void *)&rxq->desc[next & mask];
	end = begin + num;
	for (desc = begin; desc < end; desc++) {
		u64 qw0, qw1;
		u16 id;

		qw0 = le64_to_cpu(READ_ONCE(desc->qw[0])) ^ norm;
		if (qw0 & IDPF_RXF_QW0_GEN)
			break;

		/* the device writes the first quad word last */
		dma_rmb();
		qw1 = le64_to_cpu(READ_ONCE(desc->qw[1]));
		id = FIELD_GET(IDPF_RXF_QW1_BUF_ID, qw1);
		if (unlikely(id > mask || !first[id].netmem)) {
			wto_rx_bad_id(rxq, qw1 & IDPF_RXF_QW1_EOF);
			continue;
		}

		rxq->free_id[rxq->num_free++] = id;
		if (likely(wto_rxd_split_usual(qw0, qw1, hsplit) && !rxq->skb &&
			   !rxq->skip &&
			   wto_rx_usual(rxq, desc, qw0, &first[id], &bytes,
					hsplit)))
			packets++;
		else
			wto_rx_unusual(rxq, qw0 ^ norm, qw1,
				       READ_ONCE(desc->qw[2]), tally);
	}
	tally->packets += packets;
	tally->bytes += bytes;
	if (hsplit)
		tally->hsplit += packets;

	return desc - begin;
}

static noinline u32 wto_rx_run_whole(struct wto_rx_queue *rxq, u32 next,
				     u32 num, struct wto_rx_tally *tally)
{
	return wto_rx_run(rxq, next, num, tally, false);
}

static noinline u32 wto_rx_run_hsplit(struct wto_rx_queue *rxq, u32 next,
				      u32 num, struct wto_rx_tally *tally)
{
	return wto_rx_run(rxq, next, num, tally, true);
}

/* Return: descriptors handled */
static int wto_rx_poll_split(struct wto_rx_queue *rxq, u32 budget,
			     struct wto_rx_tally *tally)
{
	u32 next = rxq->next;
	u32 work = 0;
	u32 num, done;

	do {
		num = min(budget - work, rxq->len - (next & (rxq->len - 1)));
		done = rxq->hdr_buf ?
		       wto_rx_run_hsplit(rxq, next, num, tally) :
		       wto_rx_run_whole(rxq, next, num, tally);
		next += done;
		work += done;
		/* at the end of the ring there may be more at its start */
	} while (done == num && work < budget);
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

/* Has the device written the descriptor at place @at, at or after the next? */
static bool wto_rx_written(const struct wto_rx_queue *rxq, u32 at)
{
	const struct idpf_rx_desc_raw *desc;

	desc = (const void *)&rxq->desc[at & (rxq->len - 1)];
	if (rxq->model != WTO_RX_SPLIT)
		return (s32)(READ_ONCE(rxq->bufq_next) - at) > 0 &&
		       (le64_to_cpu(READ_ONCE(desc->qw[1])) & IDPF_RXB_ST_DD);

	return !(le64_to_cpu(READ_ONCE(desc->qw[0])) & IDPF_RXF_QW0_GEN) ==
	       !!(at & rxq->len);
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
	*next = READ_ONCE(rxq->next);

	return wto_rx_written(rxq, *next);
}

/**
 * wto_rx_hole - does the next descriptor lack what those after it have?
 * @rxq: receive queue, running or not
 *
 * The device writes descriptors in order.  If it has written one of those that
 * follow, then the next one has been written with a wrong generation, or
 * without the done bit, and the poll would wait for it for ever.
 *
 * Context: Any; the queue is kept by RCU.
 * Return: true if so, false also when it was told of already.
 */
bool wto_rx_hole(const struct wto_rx_queue *rxq)
{
	u32 next = READ_ONCE(rxq->next);

	if (READ_ONCE(rxq->hole) == WTO_RX_HOLE_TOLD)
		return false;

	for (u32 i = 1; i <= WTO_RX_HOLE_LOOK; i++) {
		if (!wto_rx_written(rxq, next + i))
			continue;
		/* so the next one has been written too, if ever */
		dma_rmb();
		return next == READ_ONCE(rxq->next) &&
		       !wto_rx_written(rxq, next);
	}

	return false;
}

/* The worker has seen a hole twice at the same place: nothing is to be waited
 * for.
 */
static noinline void wto_rx_check_hole(struct wto_rx_queue *rxq)
{
	bool hole = wto_rx_hole(rxq);

	WRITE_ONCE(rxq->hole, hole ? WTO_RX_HOLE_TOLD : WTO_RX_HOLE_NONE);
	if (!hole)
		return;

	wto_rx_count(rxq, &rxq->stats->bad_desc);
	wto_health_report(rxq->vec->vport->adapter, WTO_HEALTH_RX,
			  "received descriptor of a wrong generation");
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
	else if (unlikely(READ_ONCE(rxq->hole) == WTO_RX_HOLE_SUSPECTED))
		wto_rx_check_hole(rxq);
	if (rxq->num_free < WTO_RX_POST_STEP || wto_rx_refill(rxq))
		return work;

	/* no interrupt will come when the device has hardly a buffer left */
	return rxq->num_free > rxq->len / 2 ? budget : work;
}
