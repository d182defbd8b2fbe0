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
 * @wire_bytes: bytes that leave, @len being 0 in the first slot
 * @segs: frames that leave, likewise
 * @len: mapped bytes; in the first slot 0: its descriptor is the context of a
 *	packet to segment
 * @num: slots of the packet, in its first slot only
 * @maps: buffers of the packet, likewise; they are in the slots from its first
 *	on, but for that of a context
 * @state: enum wto_tx_buf_state
 */
struct wto_tx_buf {
	struct sk_buff *skb;
	union {
		DEFINE_DMA_UNMAP_ADDR(dma);
		struct {
			u32 wire_bytes;
			u32 segs;
		};
	};
	u32 len;
	u16 num;
	u8 maps;
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

	netif_tx_stop_queue(txq->nq);
	/* pairs with the barrier in wto_tx_retired(): stop, then look again */
	smp_mb__after_atomic();
	/* pairs with the release in wto_tx_retire() */
	txq->limit = smp_load_acquire(&txq->head) + txq->len - 1;
	if (unlikely(txq->limit - txq->next >= txq->room * 2) &&
	    !READ_ONCE(txq->closing) &&
	    test_and_clear_bit(__QUEUE_STATE_DRV_XOFF, &txq->nq->state))
		return false;

	/* stopped; or woken in between, which is counted too */
	u64_stats_update_begin(&txq->stats->xmit_sync);
	u64_stats_inc(&txq->stats->stop);
	u64_stats_update_end(&txq->stats->xmit_sync);

	return true;
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
	return len > WTO_TXD_MAX_SIZE ? 1 + DIV_ROUND_UP(len, WTO_TX_PIECE) : 1;
}

/* The same of a packet without those in its list */
static u32 wto_tx_count_own(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 count = skb_headlen(skb) ? wto_tx_num_pieces(skb_headlen(skb)) : 0;

	for (unsigned int i = 0; i < shinfo->nr_frags; i++)
		count += wto_tx_num_pieces(skb_frag_size(&shinfo->frags[i]));

	return count;
}

/**
 * wto_tx_count_descs - data descriptors that a packet takes at most
 * @skb: packet
 *
 * Return: their number, U32_MAX for a packet that cannot be gathered.
 */
u32 wto_tx_count_descs(const struct sk_buff *skb)
{
	u32 count = wto_tx_count_own(skb);
	const struct sk_buff *part;

	skb_walk_frags(skb, part) {
		if (skb_has_frag_list(part))
			return U32_MAX;
		count += wto_tx_count_own(part);
	}

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

/**
 * struct wto_tx_place - where a packet's next buffer goes
 * @slot: remembers the mapping
 * @pos: descriptor; ahead of @slot if buffers took several
 */
struct wto_tx_place {
	u32 slot;
	u32 pos;
};

/**
 * struct wto_tx_rings - what is needed to put buffers into a queue
 * @desc: transmit ring
 * @buf: what was sent
 * @dev: for DMA
 * @common: what the packet's data descriptors have in common
 * @mask: length of the rings, less one
 *
 * Copied from the queue, so that it need not be read again after each write.
 */
struct wto_tx_rings {
	struct idpf_tx_desc_raw *desc;
	struct wto_tx_buf *buf;
	struct device *dev;
	u64 common;
	u32 mask;
};

static __always_inline void
wto_tx_write(struct idpf_tx_desc_raw *desc, const struct wto_txd *txd)
{
	desc->qw0 = cpu_to_le64(txd->qw0);
	desc->qw1 = cpu_to_le64(txd->qw1);
}

static __always_inline void
wto_tx_write_data(const struct wto_tx_rings *rings, u32 pos, dma_addr_t dma,
		  u32 len, enum wto_tx_model model)
{
	struct wto_txd txd = model == WTO_TX_SINGLE ?
			     wto_txd_base_data(dma, len, rings->common) :
			     wto_txd_flex_data(dma, len, rings->common);

	wto_tx_write(&rings->desc[pos & rings->mask], &txd);
}

/* Put a mapped buffer into the ring, cut if it is longer than a descriptor can
 * say.
 */
static __always_inline struct wto_tx_place
wto_tx_put(const struct wto_tx_rings *rings, struct wto_tx_place at,
	   dma_addr_t dma, u32 len, enum wto_tx_model model)
{
	struct wto_tx_buf *buf = &rings->buf[at.slot++ & rings->mask];
	u32 piece;

	dma_unmap_addr_set(buf, dma, dma);
	buf->len = len;
	if (unlikely(len > WTO_TXD_MAX_SIZE)) {
		piece = WTO_TX_PIECE + (-dma & (WTO_TX_PIECE_BORDER - 1));
		do {
			wto_tx_write_data(rings, at.pos++, dma, piece, model);
			dma += piece;
			len -= piece;
			piece = WTO_TX_PIECE;
		} while (len > WTO_TXD_MAX_SIZE);
	}
	wto_tx_write_data(rings, at.pos++, dma, len, model);

	return at;
}

/* Unmap the buffers in the slots from @slot on, up to @end.  The head of a
 * packet is no different from its fragments for those who unmap.
 */
static __always_inline void
wto_tx_unmap(struct wto_tx_queue *txq, u32 slot, u32 end)
{
	struct wto_tx_buf *buf;

	for (; slot != end; slot++) {
		buf = &txq->buf[slot & (txq->len - 1)];
		dma_unmap_page(txq->dev, dma_unmap_addr(buf, dma), buf->len,
			       DMA_TO_DEVICE);
	}
}

/* Unmap the packet whose first slot is @head */
static __always_inline void
wto_tx_unmap_packet(struct wto_tx_queue *txq, u32 head,
		    const struct wto_tx_buf *buf)
{
	u32 slot = head + !buf->len;

	wto_tx_unmap(txq, slot, slot + buf->maps);
}

/* A packet whose buffers up to @at are mapped goes no further */
static noinline struct wto_tx_place
wto_tx_map_failed(struct wto_tx_queue *txq, u32 start, struct wto_tx_place at)
{
	wto_tx_unmap(txq, start, at.slot);

	return (struct wto_tx_place){ start, start };
}

/* Map a packet, without those in its list, or its fragments alone.
 * Return: the places after it; @start if it cannot be mapped.
 */
static __always_inline struct wto_tx_place
wto_tx_map_one(struct wto_tx_queue *txq, const struct sk_buff *skb, bool head,
	       const struct wto_tx_rings *rings, u32 start,
	       struct wto_tx_place at, enum wto_tx_model model)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	const skb_frag_t *frag = shinfo->frags;
	unsigned int left = shinfo->nr_frags;
	u32 len = skb_headlen(skb);
	dma_addr_t dma;

	if (head) {
		dma = dma_map_single(rings->dev, skb->data, len, DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(rings->dev, dma)))
			return wto_tx_map_failed(txq, start, at);
		at = wto_tx_put(rings, at, dma, len, model);
	}
	for (; left; left--, frag++) {
		len = skb_frag_size(frag);
		dma = skb_frag_dma_map(rings->dev, frag, 0, len, DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(rings->dev, dma)))
			return wto_tx_map_failed(txq, start, at);
		at = wto_tx_put(rings, at, dma, len, model);
	}

	return at;
}

/* Map the packets in a packet's list, likewise */
static noinline struct wto_tx_place
wto_tx_map_list(struct wto_tx_queue *txq, const struct sk_buff *skb,
		struct wto_tx_rings rings, u32 start, struct wto_tx_place at,
		enum wto_tx_model model)
{
	const struct sk_buff *part;

	skb_walk_frags(skb, part) {
		at = wto_tx_map_one(txq, part, skb_headlen(part), &rings, start,
				    at, model);
		if (at.pos == start)
			break;
	}

	return at;
}

/* The context descriptor of a packet to segment; its slot has no buffer, but
 * remembers what the packet will be on the wire.
 */
static __always_inline void
wto_tx_put_ctx(const struct wto_tx_rings *rings, u32 pos,
	       const struct ofl_plan *plan, enum wto_tx_model model)
{
	struct wto_tx_buf *buf = &rings->buf[pos & rings->mask];
	struct wto_txd txd = model == WTO_TX_SINGLE ? wto_txd_base_ctx(plan) :
						      wto_txd_flex_ctx(plan);

	buf->wire_bytes = plan->wire_bytes;
	buf->segs = plan->segs;
	buf->len = 0;
	wto_tx_write(&rings->desc[pos & rings->mask], &txd);
}

static __always_inline u64
wto_tx_common(const struct ofl_plan *plan, u32 tag, enum wto_tx_model model)
{
	if (model == WTO_TX_FLOW)
		return wto_txd_flow_common(plan->csum, tag);
	if (model == WTO_TX_QUEUED)
		return wto_txd_queued_common(plan->csum);

	return wto_txd_base_common(plan);
}

/* Map a packet and write its descriptors from @head on.
 * Return: the place after them; @head if it cannot be mapped.
 */
static __always_inline u32
wto_tx_fill(struct wto_tx_queue *txq, const struct sk_buff *skb, u32 head,
	    enum wto_tx_model model)
{
	const struct ofl_plan *plan = &txq->plan;
	struct wto_tx_rings rings = {
		.desc = txq->desc,
		.buf = txq->buf,
		.dev = txq->dev,
		.mask = txq->len - 1,
	};
	struct wto_tx_place at;
	u32 start = head;

	rings.common = wto_tx_common(plan, head & rings.mask, model);
	if (plan->seg)
		wto_tx_put_ctx(&rings, start++, plan, model);
	at = (struct wto_tx_place){ start, start };
	at = wto_tx_map_one(txq, skb, true, &rings, start, at, model);
	if (unlikely(skb_has_frag_list(skb)) && at.pos != start)
		at = wto_tx_map_list(txq, skb, rings, start, at, model);
	if (unlikely(at.pos == start))
		return head;

	rings.buf[head & rings.mask].maps = at.slot - start;
	rings.desc[(at.pos - 1) & rings.mask].qw1 |=
		cpu_to_le64(model == WTO_TX_FLOW ? WTO_TXD_FLOW_LAST :
			    model == WTO_TX_QUEUED ? WTO_TXD_QUEUED_LAST :
			    WTO_TXD_BASE_LAST);

	return at.pos;
}

static noinline u32 wto_tx_fill_other(struct wto_tx_queue *txq,
				      const struct sk_buff *skb, u32 head)
{
	if (txq->model == WTO_TX_QUEUED)
		return wto_tx_fill(txq, skb, head, WTO_TX_QUEUED);

	return wto_tx_fill(txq, skb, head, WTO_TX_SINGLE);
}

/* A packet without a plan: the NIC cannot do what is asked, but it came
 * nevertheless, because the configuration has just changed or because the
 * sender does not ask wto_features_check().
 */
static noinline netdev_tx_t wto_tx_refuse(struct wto_tx_queue *txq,
					  struct sk_buff *skb,
					  enum ofl_refusal why)
{
	u64_stats_update_begin(&txq->stats->xmit_sync);
	u64_stats_inc(&txq->stats->refused[why]);
	u64_stats_update_end(&txq->stats->xmit_sync);

	return wto_tx_drop(txq, skb);
}

/* Hand a packet that fits to the device */
static __always_inline netdev_tx_t wto_tx_send(struct wto_tx_queue *txq,
					       struct sk_buff *skb)
{
	u32 head = txq->next;
	struct wto_tx_buf *buf;
	bool kick;
	u32 end;

	if (likely(txq->model == WTO_TX_FLOW))
		end = wto_tx_fill(txq, skb, head, WTO_TX_FLOW);
	else
		end = wto_tx_fill_other(txq, skb, head);
	if (unlikely(end == head))
		return wto_tx_drop(txq, skb);

	buf = &txq->buf[head & (txq->len - 1)];
	buf->skb = skb;
	buf->num = end - head;
	txq->next = end;
	skb_tx_timestamp(skb);
	kick = __netdev_tx_sent_queue(txq->nq, txq->plan.wire_bytes,
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

/* Data descriptors that a packet takes at most, after it was copied into one
 * buffer if the device or the ring cannot take it as it is.
 * Return: 0 if there is no memory for that.
 */
static noinline u32 wto_tx_count_slow(struct wto_tx_queue *txq,
				      struct sk_buff *skb)
{
	u32 max = skb_is_gso(skb) ? txq->room - 1 : txq->max_bufs;
	u32 count = wto_tx_count_descs(skb);

	if (count > max)
		count = wto_tx_linearize(txq, skb);

	return count <= max ? count : 0;
}

/* Data descriptors that a packet takes at most */
static __always_inline u32 wto_tx_count(struct wto_tx_queue *txq,
					struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 count = shinfo->nr_frags + 1;

	/* Each long buffer of L bytes takes at most 2 + L / WTO_TX_PIECE: that
	 * is how far a packet to segment, of any number of buffers, may go.
	 */
	if (skb->len > WTO_TXD_MAX_SIZE)
		count = count * 2 + skb->len / WTO_TX_PIECE_LEAST;
	if (unlikely(count > txq->max_bufs || shinfo->frag_list) &&
	    (!shinfo->gso_size || count >= txq->room || shinfo->frag_list))
		return wto_tx_count_slow(txq, skb);

	return count;
}

/* Make the packet's plan.  Return: as wto_tx_plan(). */
static __always_inline int wto_tx_make_plan(struct wto_vport *vport,
					    struct wto_tx_queue *txq,
					    struct sk_buff *skb)
{
	struct ofl_plan *plan = &txq->plan;

	if (skb->ip_summed == CHECKSUM_PARTIAL || skb_is_gso(skb))
		return wto_tx_plan(rcu_dereference_bh(vport->ofl), skb, plan);

	plan->wire_bytes = wto_tx_bytes(skb);
	plan->csum = 0;
	plan->seg = OFL_SEG_NONE;

	return likely(skb->len <= txq->max_frame) ? 0 : OFL_REFUSE_FRAME;
}

/**
 * wto_tx_start_xmit - ndo_start_xmit
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
	u32 count;
	int err;

	/* pktgen may keep a mapping that is no queue any more */
	if (unlikely(!txq)) {
		dev_core_stats_tx_dropped_inc(netdev);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	count = wto_tx_count(txq, skb);
	if (unlikely(!count))
		return wto_tx_drop(txq, skb);
	/* one more for a context */
	if (unlikely(txq->limit - txq->next <= count) &&
	    wto_tx_no_room(txq, count + 1)) {
		wto_tx_doorbell(txq);
		return NETDEV_TX_BUSY;
	}

	err = wto_tx_make_plan(vport, txq, skb);
	if (unlikely(err))
		return err < 0 ? wto_tx_drop(txq, skb) :
				 wto_tx_refuse(txq, skb, err);
	/* after the plan, which is made by the lengths in the headers */
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

/**
 * struct wto_tx_sums - what was completed in a poll
 * @packets: frames on the wire
 * @bytes: their bytes
 * @needs_csum: those whose checksums the device filled
 * @gso_packets: packets that the device segmented
 * @gso_bytes: their bytes before
 * @gso_wire_packets: frames that they became
 * @gso_wire_bytes: bytes of these
 */
struct wto_tx_sums {
	u32 packets;
	u32 bytes;
	u32 needs_csum;
	u32 gso_packets;
	u32 gso_bytes;
	u32 gso_wire_packets;
	u32 gso_wire_bytes;
};

/* Wake the stack's queue if there is room again.
 * Return: true if it was asleep.
 */
static bool wto_tx_wake(struct wto_tx_queue *txq)
{
	if (likely(!netif_tx_queue_stopped(txq->nq)) ||
	    wto_tx_unused(txq) < txq->room * 2 || READ_ONCE(txq->closing) ||
	    !test_and_clear_bit(__QUEUE_STATE_DRV_XOFF, &txq->nq->state))
		return false;

	netif_schedule_queue(txq->nq);

	return true;
}

/* Tell stack and statistics what was freed, and wake the queue */
static void wto_tx_retired(struct wto_tx_queue *txq,
			   const struct wto_tx_sums *sums)
{
	struct wto_tx_stats *stats = txq->stats;
	bool woken;

	/* has the barrier that wto_tx_stop() relies on */
	netdev_txq_completed_mb(txq->nq, sums->packets, sums->bytes);
	woken = wto_tx_wake(txq);

	u64_stats_update_begin(&stats->sync);
	u64_stats_add(&stats->packets, sums->packets);
	u64_stats_add(&stats->bytes, sums->bytes);
	u64_stats_add(&stats->needs_csum, sums->needs_csum);
	u64_stats_add(&stats->csum_none, sums->packets - sums->needs_csum);
	u64_stats_add(&stats->wake, woken);
	if (sums->gso_packets) {
		u64_stats_add(&stats->gso_packets, sums->gso_packets);
		u64_stats_add(&stats->gso_bytes, sums->gso_bytes);
		u64_stats_add(&stats->gso_wire_packets, sums->gso_wire_packets);
		u64_stats_add(&stats->gso_wire_bytes, sums->gso_wire_bytes);
	}
	u64_stats_update_end(&stats->sync);
}

static void wto_tx_sum(struct wto_tx_sums *sums, const struct wto_tx_buf *buf)
{
	const struct sk_buff *skb = buf->skb;

	if (likely(buf->len)) {
		sums->packets++;
		sums->bytes += wto_tx_bytes(skb);
		sums->needs_csum += skb->ip_summed == CHECKSUM_PARTIAL;
		return;
	}
	sums->packets += buf->segs;
	sums->bytes += buf->wire_bytes;
	sums->needs_csum += buf->segs;
	sums->gso_packets++;
	sums->gso_bytes += skb->len;
	sums->gso_wire_packets += buf->segs;
	sums->gso_wire_bytes += buf->wire_bytes;
}

/* Free the packets that are done, up to the first that is not */
static void wto_tx_retire(struct wto_tx_queue *txq, int budget)
{
	struct wto_tx_sums sums = {};
	u32 head = txq->head;
	struct sk_buff *skb;

	for (;;) {
		struct wto_tx_buf *buf = &txq->buf[head & (txq->len - 1)];
		u32 end;

		if (buf->state != WTO_TX_DONE)
			break;

		skb = buf->skb;
		end = head + buf->num;
		wto_tx_sum(&sums, buf);
		WRITE_ONCE(buf->state, WTO_TX_FREE);
		wto_tx_unmap_packet(txq, head, buf);
		napi_consume_skb(skb, budget);
		head = end;
	}
	if (!sums.packets)
		return;

	/* pairs with the acquire in wto_tx_stop() */
	smp_store_release(&txq->head, head);
	wto_tx_retired(txq, &sums);
}

/* A completion entry, and whether the device has written it */
static __always_inline bool wto_tx_compl(const struct wto_tx_queue *txq,
					 u32 next, u32 *dw,
					 enum wto_tx_model model)
{
	u32 at = next & (txq->compl_len - 1);

	*dw = le32_to_cpu(READ_ONCE(txq->compl[model == WTO_TX_FLOW ? at * 2 :
								      at]));

	/* the generation is 1 in the first pass, 0 in the second ... */
	return !(*dw & IDPF_TXCQ_GEN) != !(next & txq->compl_len);
}

/* Is this the completion of a packet, or of packets? */
static bool wto_tx_is_rs(u32 dw)
{
	return (dw & (IDPF_TXCQ_QID | IDPF_TXCQ_TYPE)) ==
	       FIELD_PREP(IDPF_TXCQ_TYPE, IDPF_TXCQ_TYPE_RS);
}

/* Flow scheduling.  Return: entries that may still be looked at. */
static unsigned int wto_tx_poll_flow(struct wto_tx_queue *txq)
{
	u32 next = txq->compl_next;
	unsigned int left;
	u32 dw;

	for (left = WTO_TX_POLL_MAX; left; left--) {
		if (!wto_tx_compl(txq, next, &dw, WTO_TX_FLOW))
			break;

		next++;
		if (likely(wto_tx_is_rs(dw)))
			wto_tx_mark_done(txq, FIELD_GET(IDPF_TXCQ_DW_TAG, dw));
		else
			wto_tx_other_compl(txq, dw);
	}
	txq->compl_next = next;

	return left;
}

/* Mark what the device is through with: all packets before @head, which it
 * says.  Return: the first packet that it does not speak of.
 */
static u32 wto_tx_mark_upto(struct wto_tx_queue *txq, u32 pos, u32 head)
{
	u32 left = (head - pos) & (txq->len - 1);

	while (left && head < txq->len) {
		struct wto_tx_buf *buf = &txq->buf[pos & (txq->len - 1)];

		/* pairs with the release in wto_tx_send() */
		if (unlikely(smp_load_acquire(&buf->state) != WTO_TX_SENT ||
			     buf->num > left))
			break;
		WRITE_ONCE(buf->state, WTO_TX_DONE);
		pos += buf->num;
		left -= buf->num;
	}
	if (unlikely(left || head >= txq->len))
		wto_tx_bad_compl(txq);

	return pos;
}

/* Queue scheduling: completions in the order of the ring */
static unsigned int wto_tx_poll_queued(struct wto_tx_queue *txq)
{
	u32 next = txq->compl_next;
	u32 pos = txq->head;
	unsigned int left;
	u32 dw;

	for (left = WTO_TX_POLL_MAX; left; left--) {
		if (!wto_tx_compl(txq, next, &dw, WTO_TX_QUEUED))
			break;

		next++;
		if (likely(wto_tx_is_rs(dw)))
			pos = wto_tx_mark_upto(txq, pos,
					       FIELD_GET(IDPF_TXCQ_DW_TAG, dw));
		else
			wto_tx_other_compl(txq, dw);
	}
	txq->compl_next = next;

	return left;
}

/* Single model: has the device written back the last descriptor of the packet
 * that begins at @pos?  Return: descriptors of the packet, 0: not yet.
 */
static u32 wto_tx_single_done(const struct wto_tx_queue *txq, u32 pos)
{
	const struct wto_tx_buf *buf = &txq->buf[pos & (txq->len - 1)];
	u64 qw1;

	/* pairs with the release in wto_tx_send() */
	if (smp_load_acquire(&buf->state) != WTO_TX_SENT)
		return 0;
	qw1 = le64_to_cpu(READ_ONCE(txq->desc[(pos + buf->num - 1) &
					      (txq->len - 1)].qw1));

	return FIELD_GET(IDPF_TXB_DTYPE, qw1) == IDPF_TX_DTYPE_DESC_DONE ?
	       buf->num : 0;
}

static unsigned int wto_tx_poll_single(struct wto_tx_queue *txq)
{
	u32 pos = txq->head;
	unsigned int left;
	u32 num;

	for (left = WTO_TX_POLL_MAX; left; left--) {
		num = wto_tx_single_done(txq, pos);
		if (!num)
			break;
		WRITE_ONCE(txq->buf[pos & (txq->len - 1)].state, WTO_TX_DONE);
		pos += num;
	}

	return left;
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
	unsigned int left;

	if (likely(txq->model == WTO_TX_FLOW))
		left = wto_tx_poll_flow(txq);
	else if (txq->model == WTO_TX_QUEUED)
		left = wto_tx_poll_queued(txq);
	else
		left = wto_tx_poll_single(txq);
	if (left != WTO_TX_POLL_MAX)
		wto_tx_retire(txq, budget);

	return left;
}

/**
 * wto_tx_pending - look whether completions wait to be handled
 * @txq: transmit queue
 *
 * Context: Any; the answer may be out of date at once.
 * Return: true if the device has completed what NAPI has not seen.
 */
bool wto_tx_pending(const struct wto_tx_queue *txq)
{
	u32 next = READ_ONCE(txq->compl_next);
	u32 dw;

	switch (txq->model) {
	case WTO_TX_FLOW:
		return wto_tx_compl(txq, next, &dw, WTO_TX_FLOW);
	case WTO_TX_QUEUED:
		return wto_tx_compl(txq, next, &dw, WTO_TX_QUEUED);
	default:
		return wto_tx_single_done(txq, READ_ONCE(txq->head));
	}
}

/**
 * wto_tx_stalled - look whether packets wait and none has been completed
 * @txq: transmit queue
 * @timeout: jiffies for which that is no fault
 *
 * The same packet must have been seen to wait so long: a worker that was held
 * up itself only finds out later.  A queue that the stack must not use is left
 * to the stack's own watchdog.
 *
 * Context: The worker.  It tells once in @timeout.
 * Return: true if the queue does not get on.
 */
bool wto_tx_stalled(struct wto_tx_queue *txq, unsigned long timeout)
{
	u32 head = READ_ONCE(txq->head);
	bool waits = head != READ_ONCE(txq->next) &&
		     netif_carrier_ok(txq->nq->dev) &&
		     !netif_xmit_stopped(txq->nq);

	if (!waits || !txq->watched || head != txq->watch_head) {
		txq->watched = waits;
		txq->watch_head = head;
		txq->watch_since = jiffies;
		return false;
	}
	if (!time_after(jiffies, txq->watch_since + timeout))
		return false;

	txq->watched = false;

	return true;
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
	BUILD_BUG_ON(WTO_TX_PIECE + WTO_TX_PIECE_BORDER - 1 > WTO_TXD_MAX_SIZE);
	BUILD_BUG_ON(WTO_RING_MAX - 1 > FIELD_MAX(IDPF_TXCQ_DW_TAG));

	txq->room = wto_tx_room(txq->len);
	txq->max_bufs = min(txq->max_bufs, txq->room - 1);
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
	if (txq->compl)
		memset(txq->compl, 0, wto_tx_compl_size(txq));
	memset(txq->buf, 0, array_size(txq->len, sizeof(*txq->buf)));
	txq->next = 0;
	txq->head = 0;
	txq->limit = txq->len - 1;
	txq->compl_next = 0;
	txq->closing = false;
	txq->watched = false;
	/* a queue that was stopped for want of room starts with all of it */
	if (u64_stats_read(&txq->stats->wake) <
	    u64_stats_read(&txq->stats->stop))
		u64_stats_set(&txq->stats->wake,
			      u64_stats_read(&txq->stats->stop));
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

		wto_tx_unmap_packet(txq, txq->head, buf);
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

	netdev_err(txq->nq->dev,
		   "tx queue %u (id %u): %u of %u descriptors in use, oldest %u (%s), doorbell %u, next completion %u (%s)\n",
		   txq->idx, txq->id, txq->len - 1 - wto_tx_unused(txq),
		   txq->len, head & (txq->len - 1),
		   state[min_t(u32, READ_ONCE(buf->state), WTO_TX_DONE)],
		   READ_ONCE(txq->next) & (txq->len - 1),
		   txq->compl_len ?
		   READ_ONCE(txq->compl_next) & (txq->compl_len - 1) : 0,
		   wto_tx_pending(txq) ? "there" : "not there");
}
