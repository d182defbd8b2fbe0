// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt and poll of a channel.
 *
 * A vector fires once and is then off until the end of polling turns it on
 * again.  While polling goes on the device may be told to write completions
 * back without an interrupt (write back on ITR); turning the interrupt on
 * after that also triggers it, so that nothing is missed in between.
 */

#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/netdevice.h>

#include <wto/regs.h>

#include "wto.h"

/* The throttle of the triggered interrupt: index 2 is used for nothing else */
#define WTO_NAPI_SW_ITR		2
#define WTO_NAPI_SW_ITR_US	50

#define WTO_NAPI_TRIGGER \
	(IDPF_DYN_CTL_SWINT_TRIG | IDPF_DYN_CTL_SW_ITR_INDX_ENA | \
	 FIELD_PREP(IDPF_DYN_CTL_SW_ITR_INDX, WTO_NAPI_SW_ITR) | \
	 FIELD_PREP(IDPF_DYN_CTL_ITR_INDX, WTO_NAPI_SW_ITR) | \
	 FIELD_PREP(IDPF_DYN_CTL_INTERVAL, \
		    WTO_NAPI_SW_ITR_US / IDPF_ITR_UNIT_US))

/* Polling goes on, with the interrupt off */
static void wto_napi_go_on(struct wto_vector *vec)
{
	if (vec->wb_mode || !vec->wb_value)
		return;

	vec->wb_mode = true;
	writel(vec->wb_value, vec->dyn_ctl);
}

/* Polling has ended: interrupt on */
static void wto_napi_rearm(struct wto_vector *vec)
{
	u32 value = vec->on_value;

	if (vec->wb_mode) {
		vec->wb_mode = false;
		value &= ~IDPF_DYN_CTL_ITR_INDX;
		value |= WTO_NAPI_TRIGGER;
	}
	writel(value, vec->dyn_ctl);
}

/**
 * wto_napi_poll - poll of a channel
 * @napi: of a struct wto_vector
 * @budget: most received descriptors to handle, 0: completions only
 *
 * Context: NAPI.
 * Return: received descriptors handled, @budget to be polled again.
 */
int wto_napi_poll(struct napi_struct *napi, int budget)
{
	struct wto_vector *vec = container_of(napi, struct wto_vector, napi);
	bool tx_done;
	int work;

	tx_done = wto_tx_poll(vec->tx, budget);
	if (unlikely(!budget))
		return 0;

	/* there is none while it is being replaced */
	work = likely(vec->rx) ? wto_rx_poll(vec->rx, budget) : 0;
	if (!tx_done || work >= budget) {
		wto_napi_go_on(vec);
		return budget;
	}

	if (unlikely(vec->adaptive) && likely(vec->rx))
		wto_itr_sample(vec);
	if (likely(napi_complete_done(napi, work)))
		wto_napi_rearm(vec);
	else
		wto_napi_go_on(vec);

	return work;
}

/* What waits for a poll of the vector.  If what is received cannot get on at
 * the place of @last, the poll is told to have a look.
 */
static void wto_napi_look(struct wto_vector *vec,
			  const struct wto_napi_look *last,
			  struct wto_napi_look *look)
{
	struct wto_rx_queue *rxq;
	struct wto_tx_queue *txq;

	rcu_read_lock();
	rxq = READ_ONCE(vec->rx);
	txq = READ_ONCE(vec->tx);
	if (rxq) {
		look->rx = wto_rx_pending(rxq, &look->rx_next);
		look->hole = !look->rx && wto_rx_hole(rxq);
		if (look->hole && last->hole && look->rx_next == last->rx_next)
			WRITE_ONCE(rxq->hole, WTO_RX_HOLE_SUSPECTED);
	}
	if (txq) {
		/* one of them moves, whatever the queue's model */
		look->tx_next = READ_ONCE(txq->compl_next) +
				READ_ONCE(txq->head);
		look->tx = wto_tx_pending(txq);
	}
	rcu_read_unlock();
}

/**
 * wto_napi_start - let a channel be polled, though there was no interrupt
 * @vec: channel, its NAPI enabled
 *
 * Context: Any but hard interrupts.
 */
void wto_napi_start(struct wto_vector *vec)
{
	local_bh_disable();
	napi_schedule(&vec->napi);
	local_bh_enable();
}

/**
 * wto_napi_check - look for an interrupt that did not come
 * @vec: vector of a vport, in use or not
 *
 * There is something to do, nobody does it, and at the last look it was the
 * same: then the interrupt was lost, and a poll is started instead.  One is
 * also started for a receive queue that does not get on although packets come.
 *
 * Context: Process.
 * Return: 0 if all is well, -EAGAIN if it is to be looked at again soon, 1 if a
 * poll was started in place of an interrupt.
 */
int wto_napi_check(struct wto_vector *vec)
{
	const struct wto_napi_look last = vec->look;
	struct wto_napi_look look = {};

	wto_napi_look(vec, &last, &look);
	vec->look = (struct wto_napi_look) {};
	if (look.hole && last.hole && look.rx_next == last.rx_next) {
		wto_napi_start(vec);
		return 0;
	}
	if (look.hole) {
		vec->look = look;
		return -EAGAIN;
	}
	if (napi_is_scheduled(&vec->napi) || (!look.rx && !look.tx))
		return 0;
	if (!last.rx && !last.tx) {
		vec->look = look;
		return -EAGAIN;
	}
	if (memcmp(&look, &last, sizeof(look)))
		return 0;

	wto_napi_start(vec);

	return 1;
}

/**
 * wto_napi_irq - interrupt of a channel
 * @irq: interrupt number
 * @data: struct wto_vector
 *
 * Context: Hard interrupt.
 * Return: IRQ_HANDLED.
 */
irqreturn_t wto_napi_irq(int irq, void *data)
{
	struct wto_vector *vec = data;

	vec->num_irqs++;
	napi_schedule_irqoff(&vec->napi);

	return IRQ_HANDLED;
}

/**
 * wto_napi_provoke - let the device raise an interrupt, and wait for it
 * @vec: vector of a running vport
 * @timeout_ms: how long
 *
 * Context: Process, may sleep.
 * Return: 0 or -ETIMEDOUT.
 */
int wto_napi_provoke(struct wto_vector *vec, unsigned int timeout_ms)
{
	u16 before = READ_ONCE(vec->num_irqs);
	u16 now;

	writel((vec->on_value & ~IDPF_DYN_CTL_ITR_INDX) | WTO_NAPI_TRIGGER,
	       vec->dyn_ctl);

	return read_poll_timeout(READ_ONCE, now, now != before, 100,
				 timeout_ms * USEC_PER_MSEC, false,
				 vec->num_irqs);
}
