// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: frame -> vport -> queue -> buffers -> descriptors.
 *
 * A frame is planned before a byte of it is written: which buffers it takes,
 * whether the ring has room for their descriptors.  So a frame is delivered
 * whole or not at all.  Buffers are used in ring order; of the two buffer
 * queues of a receive queue the one is taken whose buffers fit best.  In the
 * single queue model the ring itself takes the place of the buffer queue.
 */

#include <errno.h>
#include <string.h>

#include "engines/gather.h"
#include "engines/hsplit.h"
#include "nic.h"
#include "rx.h"

/* The length field of a descriptor cannot say more */
#define RX_MAX_BUF_LEN	IDPF_RXF_LEN

enum rx_result {
	RX_DELIVERED,
	RX_WAIT,
	RX_DISABLED,
	RX_NO_BUFFER,
	RX_RING_FULL,
	RX_ERROR,
};

static u32 bufq_tail_reg(const struct bufq *bufq)
{
	struct bar *bar = &bufq->q.port->bar;

	return bufq->q.type == VC2_QUEUE_TYPE_RX ?
	       atomic_load(&bar->rx_tail[bufq->q.id]) :
	       atomic_load(&bar->bufq_tail[bufq->q.id]);
}

/* Return: buffers that the driver has posted and that are not used yet */
static unsigned int bufq_avail(struct bufq *bufq)
{
	struct queue *q = &bufq->q;
	u16 old = bufq->tail.idx, len = q->cfg.ring_len;
	u16 tail;

	if (!q->enabled || q->broken)
		return 0;

	tail = queue_tail_update(q, &bufq->tail, bufq_tail_reg(bufq),
				 REPORT_RX_TAIL);
	bufq->num_posted += tail >= old ? tail - old : tail + len - old;
	return tail >= q->next ? tail - q->next : tail + len - q->next;
}

static u32 rxq_num_posted(const struct rxq *rxq)
{
	return rxq->bufq[0]->num_posted +
	       (rxq->bufq[1] ? rxq->bufq[1]->num_posted : 0);
}

/*
 * The driver does not say up to where it has read the ring.  But it posts a
 * buffer again only after it has read the descriptor that returned it, so the
 * buffers posted since the start bound what it has not read yet.  With buffer
 * queues that hold no more than the ring there is nothing to watch, and with
 * buffer queues that several receive queues share it cannot be told.
 */
static bool rxq_has_room(struct rxq *rxq, unsigned int num)
{
	u32 posted;

	if (!rxq->guard)
		return true;

	posted = rxq_num_posted(rxq);
	if (!rxq->num_written)
		rxq->num_posted_first = posted;
	posted -= rxq->num_posted_first;
	return (s32)(rxq->num_written - posted + num) < rxq->q.cfg.ring_len;
}

/*
 * Which buffer queue the next @len bytes go to: the one with the smallest
 * buffers that hold all of them, else the one with the largest.
 *
 * Return: 0 or 1, -1 if both are empty.
 */
static int pick_bufq(const struct rxq *rxq, const unsigned int *avail, u32 len)
{
	u32 size0, size1;

	if (!avail[0] || !avail[1])
		return avail[0] ? 0 : avail[1] ? 1 : -1;

	size0 = rxq->bufq[0]->q.cfg.data_buf_size;
	size1 = rxq->bufq[1]->q.cfg.data_buf_size;
	if (size0 >= len && size1 >= len)
		return size1 < size0;
	return size1 > size0;
}

/* Linux states the size of header buffers with the receive queue only; where a
 * buffer queue has one of its own as well, the smaller one is safe.
 */
static u16 hdr_buf_size(const struct rxq *rxq, unsigned int which)
{
	u16 own = rxq->bufq[which]->q.cfg.hdr_buf_size;
	u16 size = rxq->q.cfg.hdr_buf_size;

	return own && (own < size || !size) ? own : size;
}

/* Return: pieces that a buffer lies in, entered in the plan; 0: not mapped */
static unsigned int map_buf(struct rx_plan *plan, struct dma_hint *hint,
			    u64 addr, u32 len, const struct iovec **at)
{
	struct dma_span span = { addr, len, DMA_PROT_WRITE };
	struct iovec *iov = &plan->iov[plan->num_iov];
	unsigned int num;

	num = dma_iov(plan->rxq->q.port, hint, &span, iov,
		      RX_MAX_IOV - plan->num_iov);
	plan->num_iov += num;
	*at = iov;
	return num;
}

/*
 * A buffer that is not mapped is used up without effect, and so are those that
 * were planned before it, or the queue would never get past it.  In the single
 * model every buffer has a descriptor, which has to say so.
 */
static void skip_bufs(const struct rx_plan *plan, unsigned int which)
{
	struct rxq *rxq = plan->rxq;
	struct queue *q = &rxq->q;
	u8 *ring;

	rxq->bufq[which]->q.next = plan->next[which];
	if (!rxq->format->write_bad)
		return;
	ring = queue_ring(q, sizeof(struct idpf_rx_flex_desc), DMA_PROT_WRITE);
	if (!ring)
		return;
	for (; q->next != plan->next[which]; q->next = queue_next(q, q->next))
		rxq->format->write_bad(plan, ring + (size_t)q->next *
				       sizeof(struct idpf_rx_flex_desc));
	irq_mark(&q->port->irq, q->vector, q->itr);
}

/* Takes the next buffer of a queue.  Return: false if it cannot be used */
static bool take_buf(struct rx_plan *plan, unsigned int which, bool split)
{
	struct bufq *bufq = plan->rxq->bufq[which];
	struct rx_buf *buf = &plan->bufs[plan->num_bufs];
	struct queue *q = &bufq->q;
	struct rx_posted posted;
	const u8 *ring;

	ring = queue_ring(q, sizeof(struct idpf_rx_buf_desc), DMA_PROT_READ);
	if (!ring)
		return false;

	plan->rxq->format->read(ring + plan->next[which] *
				sizeof(struct idpf_rx_buf_desc), &posted);
	plan->next[which] = queue_next(q, plan->next[which]);
	buf->which = which;
	buf->id = posted.id;
	buf->num_hdr = 0;
	buf->num_pkt = map_buf(plan, &bufq->buf_hint, posted.pkt_addr,
			       q->cfg.data_buf_size, &buf->pkt);
	if (split)
		buf->num_hdr = map_buf(plan, &bufq->hdr_hint, posted.hdr_addr,
				       hdr_buf_size(plan->rxq, which),
				       &buf->hdr);
	if (buf->num_pkt && (buf->num_hdr || !split)) {
		plan->num_bufs++;
		return true;
	}

	skip_bufs(plan, which);
	report_error(q->port, REPORT_RX_ADDR,
		     "rx buffer queue %u: buffer %u at 0x%llx is not mapped",
		     q->id, posted.id, (unsigned long long)posted.pkt_addr);
	return false;
}

/* Decides on the split, which depends on the header buffer of the first buffer.
 *
 * Return: the queue of the first buffer, -1 if there is none.
 */
static int plan_split(struct rx_plan *plan, const unsigned int *avail)
{
	struct rxq *rxq = plan->rxq;
	u32 len = plan->frame->len;
	int which;

	if (rxq->format->split && rxq->q.cfg.qflags & VC2_RXQ_HDR_SPLIT)
		plan->hdr_len = hsplit_pos(&plan->frame->info);

	which = pick_bufq(rxq, avail, len - plan->hdr_len);
	if (which >= 0 &&
	    plan->hdr_len > hdr_buf_size(rxq, (unsigned int)which)) {
		plan->hdr_overflow = true;
		plan->hdr_len = 0;
		which = pick_bufq(rxq, avail, len);
	}
	return which;
}

/* Finds a place for every byte of the frame; uses up nothing unless it fails
 * on a buffer that is not usable at all
 */
static enum rx_result rx_make_plan(struct rx_plan *plan)
{
	struct rxq *rxq = plan->rxq;
	unsigned int avail[2] = { 0, 0 };
	u32 rest;
	int which;

	for (unsigned int i = 0; i < 2 && rxq->bufq[i]; i++) {
		avail[i] = bufq_avail(rxq->bufq[i]);
		plan->next[i] = rxq->bufq[i]->q.next;
	}

	which = plan_split(plan, avail);
	rest = plan->frame->len - plan->hdr_len;
	for (;;) {
		struct rx_buf *buf = &plan->bufs[plan->num_bufs];
		u32 size;

		if (which < 0)
			return RX_NO_BUFFER;
		if (!take_buf(plan, (unsigned int)which,
			      plan->hdr_len && !plan->num_bufs))
			return RX_ERROR;

		size = rxq->bufq[which]->q.cfg.data_buf_size;
		if (size > RX_MAX_BUF_LEN)
			size = RX_MAX_BUF_LEN;
		buf->len = rest < size ? rest : size;
		rest -= buf->len;
		if (!rest)
			return RX_DELIVERED;
		avail[which]--;
		which = pick_bufq(rxq, avail, rest);
	}
}

/* The next @len bytes of a frame go to a buffer */
static void copy_to(struct gather *from, const struct iovec *iov, u32 len)
{
	for (; len; iov++) {
		u32 part = len < iov->iov_len ? len : (u32)iov->iov_len;

		gather_pull(from, iov->iov_base, part);
		len -= part;
	}
}

static void rx_copy(const struct rx_plan *plan)
{
	struct gather at;

	gather_init(&at, plan->frame->iov, plan->frame->num_iov);
	if (plan->hdr_len)
		copy_to(&at, plan->bufs[0].hdr, plan->hdr_len);
	for (unsigned int i = 0; i < plan->num_bufs; i++)
		copy_to(&at, plan->bufs[i].pkt, plan->bufs[i].len);
}

static void rx_commit(const struct rx_plan *plan, u8 *ring)
{
	struct rxq *rxq = plan->rxq;
	struct queue *q = &rxq->q;

	for (unsigned int i = 0; i < 2 && rxq->bufq[i]; i++)
		rxq->bufq[i]->q.next = plan->next[i];

	for (unsigned int i = 0; i < plan->num_bufs; i++) {
		rxq->format->write(plan, i,
				   ring + (size_t)q->next *
				   sizeof(struct idpf_rx_flex_desc));
		q->next = queue_next(q, q->next);
		if (!q->next)
			q->gen = !q->gen;
	}
	rxq->num_written += plan->num_bufs;
	irq_mark(&q->port->irq, q->vector, q->itr);
}

static enum rx_result rxq_receive(struct rx_plan *plan)
{
	struct rxq *rxq = plan->rxq;
	struct queue *q = &rxq->q;
	enum rx_result res;
	u8 *ring;

	if (!q->enabled || q->broken ||
	    fault_stuck(&q->port->fault, FAULT_RX_STUCK, q->id))
		return RX_DISABLED;
	if (plan->frame->len > q->cfg.max_pkt_size) {
		report_error(q->port, REPORT_RX_LONG,
			     "rx queue %u: frame of %u bytes, %u allowed",
			     q->id, plan->frame->len, q->cfg.max_pkt_size);
		q->vport->stats.rx_invalid_frame_length++;
		return RX_ERROR;
	}
	ring = queue_ring(q, sizeof(struct idpf_rx_flex_desc), DMA_PROT_WRITE);
	if (!ring)
		return RX_ERROR;

	res = rx_make_plan(plan);
	if (res != RX_DELIVERED)
		return res;
	if (!rxq_has_room(rxq, plan->num_bufs))
		return RX_RING_FULL;

	rx_copy(plan);
	rx_commit(plan, ring);
	return RX_DELIVERED;
}

static bool mac_is_listed(const struct cp_vport *vport, const u8 *mac)
{
	/* A driver without the MAC filter capability lists nothing */
	if (!vport->num_macs)
		return !memcmp(vport->mac, mac, ETH_ALEN);

	for (unsigned int i = 0; i < vport->num_macs; i++)
		if (!memcmp(vport->macs[i], mac, ETH_ALEN))
			return true;
	return false;
}

static bool vport_wants(const struct cp_vport *vport, const struct frame *frame)
{
	switch (frame->info.cast) {
	case PARSE_BROADCAST:
		return true;
	case PARSE_MULTICAST:
		if (vport->promisc & VC2_PROMISC_MULTICAST)
			return true;
		break;
	default:
		if (vport->promisc & VC2_PROMISC_UNICAST)
			return true;
		break;
	}
	return mac_is_listed(vport, frame_head(frame));
}

/* Return: the queue for a frame, NULL if the vport has none */
static struct rxq *choose_rxq(struct cp_vport *vport, struct rx_plan *plan)
{
	u16 rel = vport->default_rxq;

	plan->hashed = rss_hash(&vport->rss, frame_head(plan->frame),
				&plan->frame->info, &plan->hash);
	if (plan->hashed && vport->rss.lut_size)
		rel = rss_queue(&vport->rss, plan->hash);
	/* The table may be older than the number of queues */
	if (rel >= vport->num_rxq)
		rel = vport->default_rxq;
	if (rel >= vport->num_rxq)
		return NULL;
	return &vport->port->queues.rxq[vport->rxq[rel]];
}

static void count_delivered(struct cp_vport *vport, struct rxq *rxq,
			    const struct frame *frame)
{
	struct cp_stats *stats = &vport->stats;

	rxq->starved_since_ns = 0;
	rxq->stats.packets++;
	rxq->stats.bytes += frame->len;
	stats->rx_bytes += frame->len;
	if (frame->info.cast == PARSE_UNICAST)
		stats->rx_unicast++;
	else if (frame->info.cast == PARSE_MULTICAST)
		stats->rx_multicast++;
	else
		stats->rx_broadcast++;
}

static void count_dropped(struct cp_vport *vport, struct rxq *rxq,
			  enum rx_result res)
{
	if (rxq)
		rxq->stats.drops++;

	switch (res) {
	case RX_NO_BUFFER:
	case RX_RING_FULL:
		vport->stats.rx_overflow_drop++;
		vport->stats.rx_discards++;
		report_error(vport->port, res == RX_NO_BUFFER ?
			     REPORT_RX_NO_BUFFER : REPORT_RX_RING_FULL,
			     "rx queue %u: %s", rxq->q.id,
			     res == RX_NO_BUFFER ? "no buffer" :
			     "ring would be overrun");
		break;
	case RX_ERROR:
		vport->stats.rx_errors++;
		break;
	default:
		vport->stats.rx_discards++;
		break;
	}
}

/*
 * Asks for a kick when the driver posts buffers.  It may have done so since we
 * looked: then nobody saw the request, and the kick is ours.
 */
static void request_kick(struct rxq *rxq)
{
	struct nic_kick *kick = &rxq->q.port->kick;

	for (unsigned int i = 0; i < 2 && rxq->bufq[i]; i++) {
		const struct bufq *bufq = rxq->bufq[i];

		/* its tail is not looked at: it would kick us for ever */
		if (!bufq->q.enabled || bufq->q.broken)
			continue;
		atomic_fetch_or(&kick->rx_starved, BIT_ULL(bufq->q.id));
		if (bufq_tail_reg(bufq) != bufq->tail.reg)
			atomic_fetch_or(&kick->rxq, BIT_ULL(bufq->q.id));
	}
}

/* Return: true if a frame for a queue without buffers shall wait for them */
static bool shall_wait(struct rxq *rxq)
{
	u64 now = nic_now_ns();

	if (!rxq->starved_since_ns)
		rxq->starved_since_ns = now;
	if (now - rxq->starved_since_ns >= QUEUE_MAX_WAIT_NS)
		return false;
	request_kick(rxq);
	return true;
}

static enum rx_result vport_receive(struct cp_vport *vport,
				    const struct frame *frame, bool may_wait)
{
	struct rx_plan plan;
	enum rx_result res = RX_DISABLED;

	plan.frame = frame;
	plan.hdr_len = 0;
	plan.hdr_overflow = false;
	plan.num_bufs = 0;
	plan.num_iov = 0;
	plan.rxq = choose_rxq(vport, &plan);
	if (plan.rxq && nic_port_may_dma(vport->port))
		res = rxq_receive(&plan);
	if ((res == RX_NO_BUFFER || res == RX_RING_FULL) && may_wait &&
	    shall_wait(plan.rxq))
		return RX_WAIT;

	if (res == RX_DELIVERED)
		count_delivered(vport, plan.rxq, frame);
	else
		count_dropped(vport, plan.rxq, res);
	return res;
}

static void count_at_wire(struct nic_port *port, enum rx_result res)
{
	struct wire_stats *stats = &port->wire.stats;

	switch (res) {
	case RX_DELIVERED:
		break;
	case RX_WAIT:
		stats->rx_waited++;
		break;
	case RX_DISABLED:
		stats->rx_dropped_disabled++;
		break;
	case RX_NO_BUFFER:
	case RX_RING_FULL:
		stats->rx_dropped_no_buffer++;
		break;
	case RX_ERROR:
		stats->rx_dropped_error++;
		break;
	}
}

bool rx_deliver_vport(struct cp_vport *vport, const struct frame *frame)
{
	return !vport->enabled ||
	       vport_receive(vport, frame, frame->may_wait) != RX_WAIT;
}

/* Return: number of vports in @wanted that take the frame; @enabled: any at all
 */
static unsigned int find_vports(struct nic_port *port,
				const struct frame *frame,
				struct cp_vport **wanted, bool *enabled)
{
	unsigned int num = 0;

	*enabled = false;
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++) {
		struct cp_vport *vport = &port->cp.vports[i];

		if (!vport->created || !vport->enabled)
			continue;
		*enabled = true;
		if (vport_wants(vport, frame))
			wanted[num++] = vport;
	}
	return num;
}

bool rx_deliver(struct nic_port *port, const struct frame *frame)
{
	struct cp_vport *wanted[CP_MAX_VPORTS];
	enum rx_result best = RX_ERROR;
	unsigned int num;
	bool enabled;

	num = find_vports(port, frame, wanted, &enabled);
	for (unsigned int i = 0; i < num; i++) {
		enum rx_result res;

		/* Offered again, it would come twice to who has it already */
		res = vport_receive(wanted[i], frame,
				    frame->may_wait && num == 1);
		if (!i || res == RX_DELIVERED)
			best = res;
	}

	if (num)
		count_at_wire(port, best);
	else if (enabled)
		port->wire.stats.rx_dropped_filter++;
	else
		port->wire.stats.rx_dropped_disabled++;
	return best != RX_WAIT;
}

/**
 * rxq_configure() - choose the format
 * @rxq: the queue, its new configuration in q.cfg
 *
 * Return: 0, or -EINVAL if there is no such format or it was not granted.
 */
int rxq_configure(struct rxq *rxq)
{
	const struct queue_cfg *cfg = &rxq->q.cfg;

	rxq->format = rx_format_get(rxq->q.vport->model, cfg);
	if (!rxq->format) {
		report_error(rxq->q.port, REPORT_CP_VALUE,
			     "rx queue %u: model %u with descriptor formats 0x%llx was not granted",
			     rxq->q.id, cfg->model,
			     (unsigned long long)cfg->desc_ids);
		return -EINVAL;
	}
	if (cfg->model == VC2_QUEUE_MODEL_SINGLE &&
	    cfg->data_buf_size < QUEUE_BUF_UNIT) {
		report_error(rxq->q.port, REPORT_CP_VALUE,
			     "rx queue %u: buffers of %u bytes are too small",
			     rxq->q.id, cfg->data_buf_size);
		return -EINVAL;
	}
	return 0;
}

/* Single model: the ring is its own and only buffer queue */
static void use_own_ring(struct rxq *rxq)
{
	memset(&rxq->own, 0, sizeof(rxq->own));
	rxq->own.q = rxq->q;
	rxq->own.q.enabled = true;
	rxq->bufq[0] = &rxq->own;
	rxq->bufq[1] = NULL;
}

/* Return: 0 or -EINVAL; @bufq NULL if the queue does not use its @which */
static int find_bufq(struct rxq *rxq, unsigned int which, struct bufq **bufq)
{
	u16 id = rxq->q.cfg.bufq_id[which];
	struct queue *q;

	*bufq = NULL;
	if (id == QUEUE_NO_ID && which)
		return 0;

	q = queue_get(rxq->q.port, VC2_QUEUE_TYPE_RX_BUF, id);
	if (!q || !q->configured || q->vport != rxq->q.vport)
		return -EINVAL;
	*bufq = (struct bufq *)q;
	return 0;
}

/**
 * rxq_enable() - prepare for work
 * @rxq: a configured queue
 *
 * Return: 0, or -EINVAL if its buffer queues are not configured.
 */
int rxq_enable(struct rxq *rxq)
{
	u32 total = 0;

	if (rxq->q.cfg.model == VC2_QUEUE_MODEL_SINGLE)
		use_own_ring(rxq);
	else if (find_bufq(rxq, 0, &rxq->bufq[0]) ||
		 find_bufq(rxq, 1, &rxq->bufq[1]))
		return -EINVAL;

	for (unsigned int i = 0; i < 2 && rxq->bufq[i]; i++)
		total += rxq->bufq[i]->q.cfg.ring_len;
	rxq->guard = total > rxq->q.cfg.ring_len;
	rxq->num_written = 0;
	rxq->num_posted_first = 0;
	rxq->starved_since_ns = 0;
	return 0;
}
