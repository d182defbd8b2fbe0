// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit queues: descriptors -> packet -> wire -> completions.
 *
 * A packet's descriptors are taken over together, once its last one is there.
 * A packet that cannot be sent (no memory behind an address, too long, too
 * many buffers, an offload that was not granted) is counted, dropped and
 * completed like any other, so the queue goes on.  A descriptor of a type that
 * the queue cannot have stops the queue: nothing behind it can be trusted.
 */

#include <errno.h>
#include <string.h>

#include "engines/gather.h"
#include "engines/segment.h"
#include "nic.h"
#include "tx.h"

/* Descriptors of one packet at most; the rest of a longer one is skipped.  The
 * longest legal one is to be segmented: a context, the buffers of its headers,
 * those of its payload.
 */
#define TX_MAX_DESCS		(1 + TX_MAX_BUFS)
/* Frames that a queue may still send when it is disabled; what is left then is
 * completed without being sent.  All queues may be disabled in one round, for
 * which the io thread, and with it every other guest, may have to wait.
 */
#define TX_DRAIN_BUDGET		0x1000
/* Shorter than this is no frame: drivers pad to it (min_sso_packet_len) */
#define TX_MIN_LEN		17

static_assert(PARSE_MAX_BYTES >= NIC_MIN_FRAME, "short frames are padded");
static_assert(SEG_MAX_PIECES >= TX_MAX_IOV, "what is mapped can be segmented");

/*
 * Count the buffers that each segment is gathered from; a frame that is not
 * segmented is one, without headers.
 *
 * Return: the most of any segment that a buffer of @len bytes is part of.
 */
static unsigned int tx_count_bufs(struct tx_packet *pkt, u32 len)
{
	u32 hdr = pkt->off.hdr_len, mss = pkt->off.mss;
	u32 start = pkt->len, end = start + len;
	unsigned int most;
	u32 first, last;

	if (!pkt->off.tso)
		return pkt->num_bufs;
	/* without an MSS the engine refuses the packet */
	if (end <= hdr || !mss)
		return 0;

	first = start > hdr ? (start - hdr) / mss : 0;
	last = (end - 1 - hdr) / mss;
	if (!pkt->seg_bufs || first != pkt->seg)
		pkt->seg_bufs = 1;
	/* else it is the headers' own */
	pkt->seg_bufs += start >= hdr;
	most = pkt->seg_bufs;
	if (last != first)
		pkt->seg_bufs = 2;
	pkt->seg = last;
	return most > pkt->seg_bufs ? most : pkt->seg_bufs;
}

static void tx_add_buf(struct txq *txq, struct tx_packet *pkt,
		       const struct tx_desc *desc)
{
	unsigned int max_bufs = txq->q.port->cfg.tx_bufs;
	u32 max_len = pkt->off.tso ? TX_MAX_TSO_LEN : NIC_MAX_FRAME;
	struct dma_span span = { desc->addr, desc->len, DMA_PROT_READ };
	unsigned int n;

	if (!desc->len) {
		tx_bad(txq, pkt, REPORT_TX_DESC, "buffer of no bytes");
		return;
	}
	if (pkt->num_bufs++ == TX_MAX_BUFS) {
		tx_bad(txq, pkt, REPORT_TX_SG, "packet of more than %u buffers",
		       TX_MAX_BUFS);
		return;
	}
	if (desc->len > max_len - pkt->len) {
		tx_bad(txq, pkt, REPORT_TX_LONG, "packet of more than %u bytes",
		       max_len);
		return;
	}
	if (tx_count_bufs(pkt, desc->len) > max_bufs) {
		tx_bad(txq, pkt, REPORT_TX_SG, "frame of more than %u buffers",
		       max_bufs);
		return;
	}

	n = dma_iov(txq->q.port, &txq->buf_hint, &span,
		    &pkt->iov[1 + pkt->num_iov], TX_MAX_IOV - pkt->num_iov);
	if (!n) {
		tx_bad(txq, pkt, REPORT_TX_ADDR,
		       "buffer of %u bytes at 0x%llx is not mapped", desc->len,
		       (unsigned long long)desc->addr);
		return;
	}
	pkt->num_iov += n;
	pkt->len += desc->len;
}

static void tx_add_ctx(struct txq *txq, struct tx_packet *pkt,
		       const struct idpf_tx_desc_raw *raw,
		       const struct tx_desc *desc)
{
	if (pkt->num_bufs || pkt->off.tso) {
		tx_bad(txq, pkt, REPORT_TX_DESC, "context inside of a packet");
		return;
	}
	pkt->off.tso = desc->tso;
	if (desc->tso)
		txq->format->get_tso(raw, &pkt->off);
}

static void tx_add_desc(struct txq *txq, struct tx_packet *pkt,
			const struct idpf_tx_desc_raw *raw,
			const struct tx_desc *desc)
{
	if (pkt->bad)
		return;

	if (desc->offload) {
		tx_bad(txq, pkt, REPORT_TX_NO_ENGINE,
		       "tag, tunnel or time stamp asked for, which was not granted");
		return;
	}
	if (desc->kind == TX_KIND_CTX) {
		tx_add_ctx(txq, pkt, raw, desc);
		return;
	}
	if (desc->csum && !pkt->off.csum) {
		pkt->off.csum = true;
		if (txq->format->get_layout)
			txq->format->get_layout(raw, &pkt->off);
	}
	tx_add_buf(txq, pkt, desc);
}

/* The guest can change a descriptor at any time: read it once */
static struct idpf_tx_desc_raw tx_read(const struct idpf_tx_desc_raw *at)
{
	return (struct idpf_tx_desc_raw){
		.qw0 = __atomic_load_n(&at->qw0, __ATOMIC_RELAXED),
		.qw1 = __atomic_load_n(&at->qw1, __ATOMIC_RELAXED),
	};
}

/*
 * Collects the next packet.
 *
 * Return: true if there is one (or a part that is too long and to be skipped),
 * false if its end is not there yet or the queue had to be stopped.
 */
static bool tx_fetch(struct txq *txq, const struct idpf_tx_desc_raw *ring,
		     u16 tail, struct tx_packet *pkt)
{
	struct queue *q = &txq->q;

	pkt->num_desc = 0;
	pkt->num_bufs = 0;
	pkt->num_iov = 0;
	pkt->len = 0;
	pkt->seg_bufs = 0;
	pkt->re_idx = -1;
	pkt->done = false;
	pkt->eop = false;
	pkt->bad = txq->swallow;
	memset(&pkt->off, 0, sizeof(pkt->off));

	pkt->next = q->next;
	while (pkt->next != tail && !pkt->eop &&
	       pkt->num_desc < TX_MAX_DESCS) {
		struct idpf_tx_desc_raw raw = tx_read(&ring[pkt->next]);
		struct tx_desc desc;

		if (!txq->format->decode(&raw, &desc)) {
			report_error(q->port, REPORT_TX_DESC,
				     "tx queue %u: descriptor of type %u, queue stopped",
				     q->id, (unsigned int)FIELD_GET(IDPF_TXR_DTYPE,
				     le64_to_cpu(raw.qw1)));
			q->broken = true;
			return false;
		}
		pkt->last = pkt->next;
		pkt->last_qw1 = le64_to_cpu(raw.qw1);
		pkt->next = queue_next(q, pkt->next);
		pkt->num_desc++;
		pkt->eop = desc.eop;
		pkt->done = desc.report_done;
		pkt->tag = desc.tag;
		if (desc.report_head)
			pkt->re_idx = pkt->next;
		tx_add_desc(txq, pkt, &raw, &desc);
	}
	return pkt->eop || pkt->num_desc == TX_MAX_DESCS;
}

/* Copies the first bytes and makes the pieces a frame */
static void tx_make_frame(struct txq *txq, struct tx_packet *pkt,
			  struct frame *frame)
{
	u32 head_len = pkt->len < sizeof(pkt->head) ? pkt->len :
						      sizeof(pkt->head);
	struct gather rest;
	struct iovec *first;

	gather_init(&rest, pkt->iov + 1, pkt->num_iov);
	gather_pull(&rest, pkt->head, head_len);

	/* @first is the piece that the rest begins in, or behind the last */
	first = pkt->iov + 1 + (rest.iov - (pkt->iov + 1));
	if (rest.num) {
		first->iov_base = (u8 *)first->iov_base + rest.off;
		first->iov_len -= rest.off;
	}

	if (pkt->len < NIC_MIN_FRAME) {
		memset(pkt->head + pkt->len, 0, NIC_MIN_FRAME - pkt->len);
		pkt->len = NIC_MIN_FRAME;
		head_len = NIC_MIN_FRAME;
	}
	first[-1].iov_base = pkt->head;
	first[-1].iov_len = head_len;

	frame->iov = first - 1;
	frame->num_iov = 1 + rest.num;
	frame->len = pkt->len;
	frame->src = txq->q.vport;
	parse_frame(pkt->head, head_len, pkt->len, &frame->info);
}

static void tx_count(struct txq *txq, const struct frame *frame)
{
	struct cp_stats *stats = &txq->q.vport->stats;

	txq->stats.packets++;
	txq->stats.bytes += frame->len;
	stats->tx_bytes += frame->len;
	if (frame->info.cast == PARSE_UNICAST)
		stats->tx_unicast++;
	else if (frame->info.cast == PARSE_MULTICAST)
		stats->tx_multicast++;
	else
		stats->tx_broadcast++;
}

/**
 * tx_emit() - a finished frame leaves a queue
 * @txq: the queue
 * @turn: the queue's turn
 * @frame: the frame
 *
 * Return: false if the frame is to be kept and sent later.
 */
bool tx_emit(struct txq *txq, struct tx_turn *turn, struct frame *frame)
{
	const struct wire_stats *wire = &txq->q.port->wire.stats;
	struct cp_vport *vport = txq->q.vport;
	u64 num_dropped = wire->tx_dropped;

	frame->may_wait = turn->may_wait;
	if (vport->loopback ? !rx_deliver_vport(vport, frame) :
			      !wire_xmit(txq->q.port, frame)) {
		queue_wait_tx(&txq->q);
		return false;
	}
	turn->frames++;
	if (wire->tx_dropped != num_dropped) {
		/* there is no link */
		txq->stats.drops++;
		vport->stats.tx_discards++;
		return true;
	}
	tx_count(txq, frame);
	return true;
}

/* Return: false if the packet is to be kept and sent later */
static bool tx_send_whole(struct txq *txq, struct tx_turn *turn,
			  struct tx_packet *pkt)
{
	struct frame frame;

	tx_make_frame(txq, pkt, &frame);
	if (pkt->off.csum && !tx_checksum(txq, pkt, &frame))
		return true;
	if (!tx_emit(txq, turn, &frame))
		return false;
	txq->stats.csum += pkt->off.csum;
	return true;
}

/* Frames that a packet would still become on the wire */
static u32 tx_frames_left(const struct txq *txq, const struct tx_packet *pkt)
{
	u32 frames = 1;

	if (pkt->off.tso && pkt->off.mss && pkt->off.tlen)
		frames = (pkt->off.tlen + pkt->off.mss - 1) / pkt->off.mss;

	return frames > txq->num_sent ? frames - txq->num_sent : 0;
}

/* Return: false if the packet, or what is left of it, is to be sent later */
static bool tx_send(struct txq *txq, struct tx_turn *turn,
		    struct tx_packet *pkt)
{
	struct cp_vport *vport = txq->q.vport;

	if (!pkt->bad && pkt->len < TX_MIN_LEN)
		tx_bad(txq, pkt, REPORT_TX_SHORT, "frame of %u bytes", pkt->len);
	if (!pkt->bad && (!vport->enabled || turn->discard)) {
		u32 left = tx_frames_left(txq, pkt);

		txq->stats.drops += left;
		vport->stats.tx_discards += left;
		return true;
	}
	if (!pkt->bad && !(pkt->off.tso ? tx_segment(txq, turn, pkt) :
					  tx_send_whole(txq, turn, pkt)))
		return false;
	if (pkt->bad) {
		turn->frames++;
		txq->stats.drops++;
		vport->stats.tx_errors++;
	}
	return true;
}

/* Return: true if the turn ended because its budget is used up */
static bool txq_work(struct txq *txq, struct tx_turn *turn)
{
	struct queue *q = &txq->q;
	const struct idpf_tx_desc_raw *ring;
	struct tx_packet pkt;
	bool done = false;
	u16 tail;

	tail = queue_tail_update(q, &txq->tail,
				 atomic_load(&q->port->bar.tx_tail[q->id]),
				 REPORT_TX_TAIL);
	if (q->next == tail)
		return false;
	ring = queue_ring(q, sizeof(*ring), txq->format->ring_prot);
	if (!ring)
		return false;

	while (turn->frames < turn->budget && q->next != tail &&
	       tx_fetch(txq, ring, tail, &pkt)) {
		if (pkt.eop && !tx_send(txq, turn, &pkt))
			break;
		if (!pkt.eop && !txq->swallow)
			report_error(q->port, REPORT_TX_SG,
				     "tx queue %u: packet of more than %u descriptors",
				     q->id, TX_MAX_DESCS);
		turn->frames += !pkt.eop;
		txq->swallow = !pkt.eop;
		txq->num_sent = 0;
		q->next = pkt.next;
		done = true;
		if (!txq->format->complete(txq, &pkt)) {
			q->broken = true;
			break;
		}
	}
	if (done)
		irq_mark(&q->port->irq, q->vector, q->itr);
	return turn->frames >= turn->budget;
}

static bool complq_ready(const struct complq *complq)
{
	return complq->q.enabled && !complq->q.broken;
}

static bool txq_ready(const struct txq *txq)
{
	const struct queue *q = &txq->q;

	return q->enabled && !q->broken &&
	       !fault_stuck(&q->port->fault, FAULT_TX_STUCK, q->id) &&
	       (!txq->complq || complq_ready(txq->complq));
}

/**
 * txq_run() - a round of work for one queue
 * @txq: the queue
 * @budget: frames to send at most, roughly
 *
 * Return: true if there may be more to do.
 */
bool txq_run(struct txq *txq, unsigned int budget)
{
	struct tx_turn turn = { .budget = budget, .may_wait = true };

	if (!txq_ready(txq) || !txq->q.vport->enabled)
		return false;
	return txq_work(txq, &turn);
}

/**
 * txq_drain() - complete what is in the ring and tell the driver that it is all
 * @txq: an enabled queue
 */
void txq_drain(struct txq *txq)
{
	struct tx_turn rest = { .budget = UINT32_MAX, .discard = true };
	struct tx_turn turn = { .budget = TX_DRAIN_BUDGET };

	if (!nic_port_may_dma(txq->q.port) ||
	    fault_stuck(&txq->q.port->fault, FAULT_TX_STUCK, txq->q.id))
		return;
	if (txq_ready(txq) && txq_work(txq, &turn) && txq_ready(txq))
		txq_work(txq, &rest);
	/* no interrupt: drivers look for it, see cp_disable_chunks() */
	if (txq->complq && complq_ready(txq->complq))
		tx_complete_marker(txq);
}

/**
 * txq_configure() - choose the format
 * @txq: the queue, its new configuration in q.cfg
 *
 * Return: 0, or -EINVAL if there is no such format or it was not granted.
 */
int txq_configure(struct txq *txq)
{
	const struct queue_cfg *cfg = &txq->q.cfg;

	txq->format = tx_format_get(txq->q.vport->model, cfg);
	if (txq->format)
		return 0;

	report_error(txq->q.port, REPORT_CP_VALUE,
		     "tx queue %u: model %u with scheduling mode %u was not granted",
		     txq->q.id, cfg->model, cfg->sched);
	return -EINVAL;
}

/**
 * txq_enable() - prepare for work
 * @txq: a configured queue
 *
 * Return: 0, or -EINVAL if its completion queue is not configured.
 */
int txq_enable(struct txq *txq)
{
	struct queue *cq = NULL;

	if (txq->q.cfg.model == VC2_QUEUE_MODEL_SPLIT) {
		cq = queue_get(txq->q.port, VC2_QUEUE_TYPE_TX_COMPL,
			       txq->q.cfg.compl_id);
		if (!cq || !cq->configured || cq->vport != txq->q.vport)
			return -EINVAL;
	}

	txq->complq = (struct complq *)cq;
	txq->swallow = false;
	txq->num_sent = 0;
	memset(&txq->tail, 0, sizeof(txq->tail));
	return 0;
}
