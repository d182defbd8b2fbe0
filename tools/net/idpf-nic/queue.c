// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all queues have in common: ownership, configuration, start and stop.
 *
 * Every ring works the same way.  Fetch: the tail register says up to where
 * the driver has written descriptors; each is copied once, because the guest
 * may change it at any time.  Prepare: addresses become host pointers, lengths
 * are checked.  Process: in order.  Write back: the part of a descriptor that
 * tells the driver it is there is written last.
 */

#include <errno.h>
#include <string.h>

#include "nic.h"

static const char *const type_names[QUEUE_NUM_TYPES] = {
	[VC2_QUEUE_TYPE_TX] = "tx",
	[VC2_QUEUE_TYPE_RX] = "rx",
	[VC2_QUEUE_TYPE_TX_COMPL] = "tx completion",
	[VC2_QUEUE_TYPE_RX_BUF] = "rx buffer",
};

static struct txq *to_txq(struct queue *q)
{
	return (struct txq *)q;
}

static struct rxq *to_rxq(struct queue *q)
{
	return (struct rxq *)q;
}

static struct bufq *to_bufq(struct queue *q)
{
	return (struct bufq *)q;
}

static_assert(offsetof(struct txq, q) == 0, "to_txq() needs this");
static_assert(offsetof(struct rxq, q) == 0, "to_rxq() needs this");
static_assert(offsetof(struct bufq, q) == 0, "to_bufq() needs this");
static_assert(offsetof(struct complq, q) == 0, "queue_get() needs this");

static void queue_init(struct nic_port *port, u32 type, u16 id)
{
	struct queue *q = queue_get(port, type, id);

	q->port = port;
	q->type = type;
	q->id = id;
	q->vector = IRQ_NO_VECTOR;
}

void queues_init(struct nic_port *port)
{
	memset(&port->queues, 0, sizeof(port->queues));
	for (u16 id = 0; id < QUEUE_MAX_PAIRS; id++) {
		queue_init(port, VC2_QUEUE_TYPE_TX, id);
		queue_init(port, VC2_QUEUE_TYPE_RX, id);
		queue_init(port, VC2_QUEUE_TYPE_TX_COMPL, id);
	}
	for (u16 id = 0; id < QUEUE_MAX_BUFQ; id++)
		queue_init(port, VC2_QUEUE_TYPE_RX_BUF, id);
}

struct queue *queue_get(struct nic_port *port, u32 type, u32 id)
{
	struct queues *qs = &port->queues;

	switch (type) {
	case VC2_QUEUE_TYPE_TX:
		return id < QUEUE_MAX_PAIRS ? &qs->txq[id].q : NULL;
	case VC2_QUEUE_TYPE_RX:
		return id < QUEUE_MAX_PAIRS ? &qs->rxq[id].q : NULL;
	case VC2_QUEUE_TYPE_TX_COMPL:
		return id < QUEUE_MAX_PAIRS ? &qs->complq[id].q : NULL;
	case VC2_QUEUE_TYPE_RX_BUF:
		return id < QUEUE_MAX_BUFQ ? &qs->bufq[id].q : NULL;
	default:
		return NULL;
	}
}

/* Stops a queue without a word to the guest */
static void queue_stop(struct queue *q)
{
	q->enabled = false;
	q->broken = false;
}

/*
 * The tail registers belong to the port, and are written while a queue is
 * disabled or nobody's, too.  Who enables the queue next shall find in its ring
 * what he has posted, and nothing that the one before him rang for.
 */
static void queue_clear_tail(struct queue *q)
{
	struct bar *bar = &q->port->bar;

	switch (q->type) {
	case VC2_QUEUE_TYPE_TX:
		atomic_store(&bar->tx_tail[q->id], 0);
		break;
	case VC2_QUEUE_TYPE_RX:
		atomic_store(&bar->rx_tail[q->id], 0);
		break;
	case VC2_QUEUE_TYPE_RX_BUF:
		atomic_store(&bar->bufq_tail[q->id], 0);
		break;
	default:
		break;
	}
}

static void queue_free(struct queue *q)
{
	queue_stop(q);
	queue_clear_tail(q);
	q->vport = NULL;
	q->configured = false;
	q->vector = IRQ_NO_VECTOR;
	q->itr = 0;
	memset(&q->cfg, 0, sizeof(q->cfg));
}

void queues_reset(struct nic_port *port)
{
	struct queues *qs = &port->queues;

	for (u16 id = 0; id < QUEUE_MAX_PAIRS; id++) {
		queue_free(&qs->txq[id].q);
		queue_free(&qs->rxq[id].q);
		queue_free(&qs->complq[id].q);
	}
	for (u16 id = 0; id < QUEUE_MAX_BUFQ; id++)
		queue_free(&qs->bufq[id].q);
	qs->tx_active = 0;
	qs->tx_waiting = 0;
}

void queue_assign(struct queue *q, struct cp_vport *vport)
{
	queue_free(q);
	q->vport = vport;
}

static int bufq_configure(struct queue *q)
{
	if (q->cfg.data_buf_size >= QUEUE_BUF_UNIT)
		return 0;

	report_error(q->port, REPORT_CP_VALUE,
		     "rx buffer queue %u: buffers of %u bytes are too small",
		     q->id, q->cfg.data_buf_size);
	return -EINVAL;
}

int queue_configure(struct queue *q, const struct queue_cfg *cfg)
{
	int err = 0;

	q->configured = false;
	if (cfg->ring_addr % QUEUE_RING_ALIGN) {
		report_error(q->port, REPORT_CP_VALUE,
			     "%s queue %u: ring at 0x%llx is not aligned",
			     type_names[q->type], q->id,
			     (unsigned long long)cfg->ring_addr);
		return -EINVAL;
	}

	q->cfg = *cfg;
	q->broken = false;
	if (q->type == VC2_QUEUE_TYPE_TX)
		err = txq_configure(to_txq(q));
	else if (q->type == VC2_QUEUE_TYPE_RX)
		err = rxq_configure(to_rxq(q));
	else if (q->type == VC2_QUEUE_TYPE_RX_BUF)
		err = bufq_configure(q);

	q->configured = !err;
	return err;
}

/* A queue that was without its completion queue may have work by now */
static void kick_users_of_complq(struct queue *complq)
{
	struct queues *qs = &complq->port->queues;

	for (u16 id = 0; id < QUEUE_MAX_PAIRS; id++)
		if (qs->txq[id].q.enabled && qs->txq[id].complq &&
		    &qs->txq[id].complq->q == complq)
			queue_kick_tx(&qs->txq[id].q);
}

int queue_prepare(struct queue *q)
{
	if (q->enabled)
		return 0;
	if (!q->configured)
		return -EINVAL;

	q->next = 0;
	q->gen = true;
	q->broken = false;
	switch (q->type) {
	case VC2_QUEUE_TYPE_TX:
		return txq_enable(to_txq(q));
	case VC2_QUEUE_TYPE_RX:
		return rxq_enable(to_rxq(q));
	case VC2_QUEUE_TYPE_RX_BUF:
		memset(&to_bufq(q)->tail, 0, sizeof(to_bufq(q)->tail));
		to_bufq(q)->num_posted = 0;
		return 0;
	default:
		return 0;
	}
}

int queue_enable(struct queue *q)
{
	int err;

	if (q->enabled)
		return 0;
	err = queue_prepare(q);
	if (err)
		return err;

	q->enabled = true;
	if (q->type == VC2_QUEUE_TYPE_TX)
		queue_kick_tx(q);
	else if (q->type == VC2_QUEUE_TYPE_TX_COMPL)
		kick_users_of_complq(q);
	return 0;
}

void queue_disable(struct queue *q)
{
	if (q->enabled && q->type == VC2_QUEUE_TYPE_TX) {
		txq_drain(to_txq(q));
		q->port->queues.tx_active &= ~BIT_ULL(q->id);
		q->port->queues.tx_waiting &= ~BIT_ULL(q->id);
	}
	queue_clear_tail(q);
	queue_stop(q);
}

void queue_kick_tx(struct queue *q)
{
	q->port->queues.tx_active |= BIT_ULL(q->id);
}

u16 queue_tail_update(struct queue *q, struct queue_tail *tail, u32 val,
		      enum report_cause cause)
{
	if (val == tail->reg)
		return tail->idx;

	tail->reg = val;
	if (val < q->cfg.ring_len)
		tail->idx = (u16)val;
	else
		report_error(q->port, cause,
			     "%s queue %u: tail %u is beyond the ring of %u",
			     type_names[q->type], q->id, val, q->cfg.ring_len);
	return tail->idx;
}

void *queue_ring(struct queue *q, u32 entry_len, unsigned int prot)
{
	bool tx = q->type == VC2_QUEUE_TYPE_TX ||
		  q->type == VC2_QUEUE_TYPE_TX_COMPL;
	void *ring;

	ring = dma_ptr(q->port, &q->hint, q->cfg.ring_addr,
		       q->cfg.ring_len * entry_len, prot);
	if (ring && !((uintptr_t)ring % sizeof(u64)))
		return ring;

	q->broken = true;
	report_error(q->port, tx ? REPORT_TX_ADDR : REPORT_RX_ADDR,
		     "%s queue %u: ring at 0x%llx is not mapped, queue stopped",
		     type_names[q->type], q->id,
		     (unsigned long long)q->cfg.ring_addr);
	return NULL;
}

void queue_wait_tx(struct queue *q)
{
	struct queues *qs = &q->port->queues;

	if (!qs->tx_waiting)
		qs->tx_wait_until_ns = nic_now_ns() + QUEUE_MAX_WAIT_NS;
	qs->tx_waiting |= BIT_ULL(q->id);
}

u64 queues_due_ns(const struct nic_port *port)
{
	const struct queues *qs = &port->queues;

	return qs->tx_waiting ? qs->tx_wait_until_ns : ~0ull;
}

void queues_wake_waiting(struct nic_port *port)
{
	port->queues.tx_active |= port->queues.tx_waiting;
	port->queues.tx_waiting = 0;
}

/* Buffers were posted that somebody waits for, on this port or another one.
 *
 * Return: true if a queue was woken.
 */
static bool take_rx_kick(struct nic_port *port)
{
	struct nic *nic = port->nic;
	bool woken = false;
	u64 kicked;

	if (!atomic_load_explicit(&port->kick.rxq, memory_order_relaxed))
		return false;

	kicked = atomic_exchange(&port->kick.rxq, 0);
	atomic_fetch_and(&port->kick.rx_starved, ~kicked);
	for (unsigned int i = 0; i < nic->num_ports; i++) {
		woken |= nic->ports[i]->queues.tx_waiting;
		queues_wake_waiting(nic->ports[i]);
	}
	return woken;
}

static bool run_tx(struct nic_port *port)
{
	struct queues *qs = &port->queues;
	u64 active = qs->tx_active;

	if (!active)
		return false;

	if (!nic_port_may_dma(port)) {
		report_error(port, REPORT_DMA_NO_MASTER,
			     "transmit doorbell while the function may not master the bus");
		qs->tx_active = 0;
		return false;
	}

	for (u16 id = 0; id < QUEUE_MAX_PAIRS && active >> id; id++)
		if (active & BIT_ULL(id) &&
		    !txq_run(&qs->txq[id], QUEUE_TX_BUDGET))
			qs->tx_active &= ~BIT_ULL(id);
	qs->tx_active &= GENMASK_ULL(QUEUE_MAX_PAIRS - 1, 0);
	return qs->tx_active;
}

bool queues_run(struct nic_port *port)
{
	struct queues *qs = &port->queues;
	bool woken = take_rx_kick(port);

	if (atomic_load_explicit(&port->kick.txq, memory_order_relaxed))
		qs->tx_active |= atomic_exchange(&port->kick.txq, 0);
	if (qs->tx_waiting) {
		/* Doorbells do not help a queue that waits */
		qs->tx_active &= ~qs->tx_waiting;
		if (nic_now_ns() >= qs->tx_wait_until_ns)
			queues_wake_waiting(port);
	}
	return run_tx(port) || woken;
}
