// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit: from an skb to descriptors, from a completion to a freed skb.
 *
 * There is one wto_tx_buf for each descriptor.  A packet takes a run of them;
 * the first holds the skb, and its index is the packet's completion tag:
 *
 *	          head                         next
 *	           v                            v
 *	  free    | sent | sent | done | sent  | free
 *
 * Completions may come in any order.  They mark a packet as done; the slots
 * are given back in ring order, as far as packets are done.  A packet's
 * completion also says that its descriptors were read, so no report about
 * descriptors (RE) is needed.
 *
 * xmit alone moves next, NAPI alone moves head; the state in a packet's first
 * slot hands the packet over from one to the other and back.
 */

#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/skbuff.h>
#include <net/netdev_queues.h>

#include "wto.h"

/* Most bytes that a descriptor can name, and how longer buffers are cut: the
 * first piece ends on a 4 KiB border, those after it are 12 KiB.
 */
#define WTO_TX_MAX_BUF		FIELD_MAX(IDPF_TXF_BUF_SIZE)
#define WTO_TX_PIECE		(SZ_8K + SZ_4K)
#define WTO_TX_PIECE_BORDER	SZ_4K

/* Longest packet that the stack may ever hand over, segmented by the device */
#define WTO_TX_MAX_PACKET	SZ_256K

/* Completions looked at in one poll */
#define WTO_TX_POLL_MAX		256

/**
 * enum wto_tx_buf_state - who has a packet
 * @WTO_TX_FREE: nobody; also in all slots of a packet but the first
 * @WTO_TX_SENT: the device; set by xmit when the packet is complete in memory
 * @WTO_TX_DONE: completed, waits for those before it; set by NAPI
 */
enum wto_tx_buf_state {
	WTO_TX_FREE,
	WTO_TX_SENT,
	WTO_TX_DONE,
};

/**
 * struct wto_tx_buf - what was put into a descriptor
 * @skb: the packet, in its first slot only
 * @dma: where the buffer is mapped
 * @len: mapped bytes, 0: nothing to unmap
 * @num: slots of the packet, in its first slot only
 * @state: enum wto_tx_buf_state
 */
struct wto_tx_buf {
	struct sk_buff *skb;
	DEFINE_DMA_UNMAP_ADDR(dma);
	u32 len;
	u16 num;
	u8 state;
};

/* Descriptors that are free, as the caller is to know it at this moment */
static u32 wto_tx_unused(const struct wto_tx_queue *txq)
{
	return READ_ONCE(txq->head) + txq->len - 1 - txq->next;
}

/* Bytes of a packet on the wire: the device pads */
static u32 wto_tx_bytes(const struct sk_buff *skb)
{
	return max_t(u32, skb->len, ETH_ZLEN);
}

static void wto_tx_doorbell(const struct wto_tx_queue *txq)
{
	writel(txq->next & (txq->len - 1), txq->tail);
}

/* A packet goes no further.  Those before it may wait for a doorbell that was
 * left to this one.
 */
static netdev_tx_t wto_tx_drop(struct wto_tx_queue *txq, struct sk_buff *skb)
{
	u64_stats_update_begin(&txq->stats->xmit_sync);
	u64_stats_inc(&txq->stats->dropped);
	u64_stats_update_end(&txq->stats->xmit_sync);

	dev_kfree_skb_any(skb);
	if (!netdev_xmit_more())
		wto_tx_doorbell(txq);

	return NETDEV_TX_OK;
}

/* Stop the stack's queue because there may be no room for the next packet.
 * Return: false if room was found after all.
 */
static noinline bool wto_tx_stop(struct wto_tx_queue *txq)
{
	/* pairs with the release in wto_tx_retire(): slots before code */
	txq->limit = smp_load_acquire(&txq->head) + txq->len - 1;
	if (likely(txq->limit - txq->next >= txq->room))
		return false;

	u64_stats_update_begin(&txq->stats->xmit_sync);
	u64_stats_inc(&txq->stats->stop);
	u64_stats_update_end(&txq->stats->xmit_sync);

	return netif_txq_try_stop(txq->nq, wto_tx_unused(txq),
				  txq->room * 2) == 0;
}

/* The stack sends although the queue was stopped: only if somebody woke it
 * for another reason than room.
 */
static noinline bool wto_tx_no_room(struct wto_tx_queue *txq, u32 count)
{
	/* pairs with the release in wto_tx_retire() */
	txq->limit = smp_load_acquire(&txq->head) + txq->len - 1;
	if (txq->limit - txq->next >= count)
		return false;

	return wto_tx_stop(txq);
}

/* Descriptors that @len bytes at most take, wherever they lie */
static u32 wto_tx_num_pieces(u32 len)
{
	return len > WTO_TX_MAX_BUF ? 1 + DIV_ROUND_UP(len, WTO_TX_PIECE) : 1;
}

static u32 wto_tx_count_long(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 count = wto_tx_num_pieces(skb_headlen(skb));

	for (unsigned int i = 0; i < shinfo->nr_frags; i++)
		count += wto_tx_num_pieces(skb_frag_size(&shinfo->frags[i]));

	return count;
}

/* Copy a packet of more buffers than the device takes into one.
 * Return: descriptors that it takes now, 0 if there is no memory.
 */
static noinline u32 wto_tx_linearize(struct wto_tx_queue *txq,
				     struct sk_buff *skb)
{
	if (__skb_linearize(skb))
		return 0;

	u64_stats_update_begin(&txq->stats->xmit_sync);
	u64_stats_inc(&txq->stats->linearized);
	u64_stats_update_end(&txq->stats->xmit_sync);

	return wto_tx_num_pieces(skb->len);
}

static void wto_tx_write_desc(struct wto_tx_queue *txq, u32 pos,
			      dma_addr_t dma, u32 len, u64 qw1)
{
	struct idpf_tx_desc_raw *desc = &txq->desc[pos & (txq->len - 1)];

	desc->qw0 = cpu_to_le64(dma);
	desc->qw1 = cpu_to_le64(qw1 | FIELD_PREP(IDPF_TXF_QW1_BUF_SIZE, len));
}

/* A buffer longer than a descriptor can say.  Its first slot remembers the
 * whole mapping, the others have nothing to unmap.
 */
static noinline u32 wto_tx_put_long(struct wto_tx_queue *txq, u32 pos,
				    dma_addr_t dma, u32 len, u64 qw1)
{
	u32 piece = WTO_TX_PIECE + (-dma & (WTO_TX_PIECE_BORDER - 1));

	while (len > WTO_TX_MAX_BUF) {
		wto_tx_write_desc(txq, pos++, dma, piece, qw1);
		txq->buf[pos & (txq->len - 1)].len = 0;
		dma += piece;
		len -= piece;
		piece = WTO_TX_PIECE;
	}
	wto_tx_write_desc(txq, pos++, dma, len, qw1);

	return pos;
}

/* Put a mapped buffer into the ring at @pos.  Return: the place after it. */
static u32 wto_tx_put(struct wto_tx_queue *txq, u32 pos, dma_addr_t dma,
		      u32 len, u64 qw1)
{
	struct wto_tx_buf *buf = &txq->buf[pos & (txq->len - 1)];

	dma_unmap_addr_set(buf, dma, dma);
	buf->len = len;
	if (unlikely(len > WTO_TX_MAX_BUF))
		return wto_tx_put_long(txq, pos, dma, len, qw1);

	wto_tx_write_desc(txq, pos, dma, len, qw1);

	return pos + 1;
}

/* Unmap the buffers from @pos on, up to @end; the head of a packet is no
 * different from its fragments for those who unmap.
 */
static void wto_tx_unmap(struct wto_tx_queue *txq, u32 pos, u32 end)
{
	struct wto_tx_buf *buf;

	for (; pos != end; pos++) {
		buf = &txq->buf[pos & (txq->len - 1)];
		if (likely(buf->len))
			dma_unmap_page(txq->dev, dma_unmap_addr(buf, dma),
				       buf->len, DMA_TO_DEVICE);
	}
}

/* Map a packet and write its descriptors.
 * Return: the place after them, or where it begins if it cannot be mapped.
 */
static u32 wto_tx_map(struct wto_tx_queue *txq, const struct sk_buff *skb,
		      u64 qw1)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	const skb_frag_t *frag = shinfo->frags;
	unsigned int left = shinfo->nr_frags;
	u32 len = skb_headlen(skb);
	u32 pos = txq->next;
	dma_addr_t dma;

	dma = dma_map_single(txq->dev, skb->data, len, DMA_TO_DEVICE);
	for (;; frag++) {
		if (unlikely(dma_mapping_error(txq->dev, dma))) {
			wto_tx_unmap(txq, txq->next, pos);
			return txq->next;
		}

		pos = wto_tx_put(txq, pos, dma, len, qw1);
		if (!left--)
			break;

		len = skb_frag_size(frag);
		dma = skb_frag_dma_map(txq->dev, frag, 0, len, DMA_TO_DEVICE);
	}
	txq->desc[(pos - 1) & (txq->len - 1)].qw1 |=
		cpu_to_le64(IDPF_TXF_CMD_EOP);

	return pos;
}

/* Hand a packet that fits to the device */
static netdev_tx_t wto_tx_send(struct wto_tx_queue *txq, struct sk_buff *skb)
{
	u32 tag = txq->next & (txq->len - 1);
	struct wto_tx_buf *buf = &txq->buf[tag];
	bool kick;
	u32 end;

	end = wto_tx_map(txq, skb,
			 IDPF_TX_DTYPE_FLEX_FLOW_SCHED |
			 FIELD_PREP(IDPF_TXF_QW1_COMPL_TAG, tag));
	if (unlikely(end == txq->next))
		return wto_tx_drop(txq, skb);

	buf->skb = skb;
	buf->num = end - txq->next;
	txq->next = end;
	skb_tx_timestamp(skb);
	kick = __netdev_tx_sent_queue(txq->nq, wto_tx_bytes(skb),
				      netdev_xmit_more());

	/* From here on the packet may complete, should the device guess its
	 * tag: skb, mappings and byte count must be settled before.  Pairs
	 * with the acquire in wto_tx_mark_done().
	 */
	smp_store_release(&buf->state, WTO_TX_SENT);

	if (unlikely(txq->limit - end < txq->room))
		kick |= wto_tx_stop(txq);
	if (kick)
		wto_tx_doorbell(txq);

	return NETDEV_TX_OK;
}

/**
 * wto_tx_start_xmit - ndo_start_xmit of the split model with flow scheduling
 * @skb: packet
 * @netdev: a vport's netdev
 *
 * Context: Bottom halves disabled, the stack's transmit queue locked.
 * Return: NETDEV_TX_OK, also if the packet was dropped and counted, or
 *	NETDEV_TX_BUSY if the queue was woken without having room.
 */
netdev_tx_t wto_tx_start_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_tx_queue *txq = vport->tx[skb_get_queue_mapping(skb)];
	u32 count = skb_shinfo(skb)->nr_frags + 1;

	/* pktgen may keep a mapping that is no queue any more */
	if (unlikely(!txq)) {
		dev_core_stats_tx_dropped_inc(netdev);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	if (unlikely(skb->len > WTO_TX_MAX_BUF))
		count = wto_tx_count_long(skb);
	if (unlikely(count > txq->max_bufs)) {
		count = wto_tx_linearize(txq, skb);
		if (!count || count > txq->room)
			return wto_tx_drop(txq, skb);
	}
	if (unlikely(txq->limit - txq->next < count) &&
	    wto_tx_no_room(txq, count)) {
		wto_tx_doorbell(txq);
		return NETDEV_TX_BUSY;
	}
	if (unlikely(skb->len < txq->min_len) &&
	    __skb_put_padto(skb, txq->min_len, false))
		return wto_tx_drop(txq, skb);

	return wto_tx_send(txq, skb);
}

static void wto_tx_bad_compl(struct wto_tx_queue *txq)
{
	u64_stats_update_begin(&txq->stats->sync);
	u64_stats_inc(&txq->stats->bad_compl);
	u64_stats_update_end(&txq->stats->sync);
}

/* The device says that it is through with a packet */
static void wto_tx_mark_done(struct wto_tx_queue *txq, u32 tag)
{
	u8 *state = &txq->buf[tag].state;

	/* pairs with the release in wto_tx_send() */
	if (likely(tag < txq->len && smp_load_acquire(state) == WTO_TX_SENT))
		WRITE_ONCE(*state, WTO_TX_DONE);
	else
		wto_tx_bad_compl(txq);
}

/* A completion that is not a packet's */
static noinline void wto_tx_other_compl(struct wto_tx_queue *txq, u32 dw)
{
	u32 type = FIELD_GET(IDPF_TXCQ_TYPE, dw);

	if (FIELD_GET(IDPF_TXCQ_QID, dw))
		wto_tx_bad_compl(txq);
	else if (type == IDPF_TXCQ_TYPE_SW_MARKER)
		complete(&txq->marker);
	else if (type != IDPF_TXCQ_TYPE_RE)
		wto_tx_bad_compl(txq);
}

/* Tell stack and statistics what was freed, and wake the queue */
static void wto_tx_retired(struct wto_tx_queue *txq, u32 packets, u32 bytes)
{
	struct wto_tx_stats *stats = txq->stats;
	int woken;

	woken = __netif_txq_completed_wake(txq->nq, packets, bytes,
					   wto_tx_unused(txq), txq->room * 2,
					   READ_ONCE(txq->closing)) == 0;

	u64_stats_update_begin(&stats->sync);
	u64_stats_add(&stats->packets, packets);
	u64_stats_add(&stats->bytes, bytes);
	u64_stats_add(&stats->wake, woken);
	u64_stats_update_end(&stats->sync);
}

/* Free the packets that are done, up to the first that is not */
static void wto_tx_retire(struct wto_tx_queue *txq, int budget)
{
	u32 packets = 0, bytes = 0;
	u32 head = txq->head;
	struct sk_buff *skb;

	for (;;) {
		struct wto_tx_buf *buf = &txq->buf[head & (txq->len - 1)];
		u32 end;

		if (buf->state != WTO_TX_DONE)
			break;

		skb = buf->skb;
		end = head + buf->num;
		WRITE_ONCE(buf->state, WTO_TX_FREE);
		wto_tx_unmap(txq, head, end);
		packets++;
		bytes += wto_tx_bytes(skb);
		napi_consume_skb(skb, budget);
		head = end;
	}
	if (!packets)
		return;

	/* pairs with the acquire in wto_tx_stop() */
	smp_store_release(&txq->head, head);
	wto_tx_retired(txq, packets, bytes);
}

/**
 * wto_tx_poll - handle completions
 * @txq: transmit queue
 * @budget: NAPI budget, 0 from netpoll
 *
 * Context: NAPI.
 * Return: false if there is more to do.
 */
bool wto_tx_poll(struct wto_tx_queue *txq, int budget)
{
	u32 next = txq->compl_next;
	u32 len = txq->compl_len;
	unsigned int left;
	u32 dw;

	for (left = WTO_TX_POLL_MAX; left; left--) {
		dw = le32_to_cpu(READ_ONCE(*(__le32 *)
				 &txq->compl[next & (len - 1)].common));

		/* the generation is 1 in the first pass, 0 in the second ... */
		if (!(dw & IDPF_TXCQ_GEN) == !(next & len))
			break;

		next++;
		if (likely((dw & (IDPF_TXCQ_QID | IDPF_TXCQ_TYPE)) ==
			   FIELD_PREP(IDPF_TXCQ_TYPE, IDPF_TXCQ_TYPE_RS)))
			wto_tx_mark_done(txq, FIELD_GET(IDPF_TXCQ_DW_TAG, dw));
		else
			wto_tx_other_compl(txq, dw);
	}
	if (left == WTO_TX_POLL_MAX)
		return true;

	txq->compl_next = next;
	wto_tx_retire(txq, budget);

	return left;
}

/**
 * wto_tx_alloc - make a queue's bookkeeping
 * @txq: transmit queue, with len and max_bufs set
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int wto_tx_alloc(struct wto_tx_queue *txq)
{
	u32 most = MAX_SKB_FRAGS + 2 + wto_tx_num_pieces(WTO_TX_MAX_PACKET);

	BUILD_BUG_ON(WTO_TX_PIECE + WTO_TX_PIECE_BORDER - 1 > WTO_TX_MAX_BUF);
	BUILD_BUG_ON(WTO_RING_MAX - 1 > FIELD_MAX(IDPF_TXCQ_DW_TAG));

	/* twice the room must fit into the ring: that is when it is woken */
	txq->room = min(most, txq->len / 2 - 1);
	txq->max_bufs = min(txq->max_bufs, txq->room);
	init_completion(&txq->marker);
	txq->buf = kvcalloc(txq->len, sizeof(*txq->buf), GFP_KERNEL);

	return txq->buf ? 0 : -ENOMEM;
}

/**
 * wto_tx_free - release what wto_tx_alloc() made
 * @txq: transmit queue, without packets
 */
void wto_tx_free(struct wto_tx_queue *txq)
{
	kvfree(txq->buf);
	txq->buf = NULL;
}

/**
 * wto_tx_reset - start the rings anew
 * @txq: transmit queue, without packets, not known to the device
 *
 * Context: Neither xmit nor NAPI run.
 */
void wto_tx_reset(struct wto_tx_queue *txq)
{
	memset(txq->desc, 0, array_size(txq->len, sizeof(*txq->desc)));
	memset(txq->compl, 0, array_size(txq->compl_len, sizeof(*txq->compl)));
	memset(txq->buf, 0, array_size(txq->len, sizeof(*txq->buf)));
	txq->next = 0;
	txq->head = 0;
	txq->limit = txq->len - 1;
	txq->compl_next = 0;
	txq->closing = false;
	reinit_completion(&txq->marker);
	netdev_tx_reset_queue(txq->nq);
}

/**
 * wto_tx_clean - free all packets that the device did not complete
 * @txq: transmit queue
 *
 * Context: Neither the device nor xmit nor NAPI use the queue.
 */
void wto_tx_clean(struct wto_tx_queue *txq)
{
	while (txq->head != txq->next) {
		struct wto_tx_buf *buf = &txq->buf[txq->head & (txq->len - 1)];

		wto_tx_unmap(txq, txq->head, txq->head + buf->num);
		dev_kfree_skb_any(buf->skb);
		buf->state = WTO_TX_FREE;
		txq->head += buf->num;
	}
}

/**
 * wto_tx_dump - tell how a queue stands that does not get on
 * @txq: transmit queue
 *
 * Context: Any.
 */
void wto_tx_dump(const struct wto_tx_queue *txq)
{
	static const char * const state[] = { "free", "sent", "done" };
	u32 head = READ_ONCE(txq->head);
	const struct wto_tx_buf *buf = &txq->buf[head & (txq->len - 1)];
	u32 compl_at = READ_ONCE(txq->compl_next) & (txq->compl_len - 1);

	netdev_err(txq->nq->dev,
		   "tx queue %u (id %u): %u of %u descriptors in use, oldest %u (%s), doorbell %u, next completion %u: %#06x\n",
		   txq->idx, txq->id, txq->len - 1 - wto_tx_unused(txq),
		   txq->len, head & (txq->len - 1),
		   state[min_t(u32, READ_ONCE(buf->state), WTO_TX_DONE)],
		   READ_ONCE(txq->next) & (txq->len - 1), compl_at,
		   le16_to_cpu(READ_ONCE(txq->compl[compl_at].common.qid_type_gen)));
}
