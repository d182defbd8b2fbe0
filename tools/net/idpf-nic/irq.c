// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X vectors.
 *
 * An event sets a pending bit.  A vector fires when it is enabled, something
 * is pending and the interval of what is pending has passed since it fired
 * last; firing clears the enable bit and all pending bits.  Both threads try,
 * each after it has set its bit, so the later of the two succeeds.
 */

#include <unistd.h>

#include "efd.h"
#include "nic.h"

#define ITR_UNIT_NS	(1000ULL * IDPF_ITR_UNIT_US)
#define NOT_DUE		(~0ULL)

void irq_init(struct nic_port *port, unsigned int num_vectors)
{
	port->irq.num_vectors = num_vectors;
	for (unsigned int i = 0; i < IRQ_MAX_VECTORS; i++)
		port->irq.vec[i].fd = -1;
}

void irq_reset(struct nic_port *port)
{
	struct irq *irq = &port->irq;

	for (unsigned int i = 0; i < irq->num_vectors; i++) {
		struct irq_vector *vec = &irq->vec[i];

		atomic_store(&vec->state, 0);
		for (unsigned int j = 0; j < IDPF_ITR_NUM_INDEXES; j++)
			atomic_store(&vec->itr[j], 0);
		atomic_store(&vec->last_fire_ns, 0);
	}
	for (unsigned int i = 0; i <= IRQ_ITR_NONE; i++)
		irq->marked[i] = 0;
	irq->delayed = 0;
	atomic_store(&port->kick.irq, 0);
}

static void irq_signal(struct nic_port *port, struct irq_vector *vec)
{
	int err;

	if (fault_take_at(&port->fault, FAULT_IRQ_LOST,
			  (unsigned int)(vec - port->irq.vec)))
		return;
	if (vec->fd < 0) {
		atomic_fetch_or(&vec->state, IRQ_ST_PBA);
		return;
	}
	err = efd_signal(vec->fd);
	if (err)
		report_info(port, "cannot signal vector %td: errno %d",
			    vec - port->irq.vec, -err);
	atomic_fetch_add_explicit(&vec->num_fired, 1, memory_order_relaxed);
}

/* when the first of the pending events may fire */
static u64 irq_due_ns(struct irq_vector *vec, u32 state)
{
	u64 last = atomic_load_explicit(&vec->last_fire_ns, memory_order_relaxed);
	u64 due = NOT_DUE;

	if (state & IRQ_ST_PENDING(IRQ_ITR_NONE))
		return 0;
	for (unsigned int i = 0; i < IDPF_ITR_NUM_INDEXES; i++) {
		u64 t;

		if (!(state & IRQ_ST_PENDING(i)))
			continue;
		t = last + ITR_UNIT_NS * atomic_load_explicit(&vec->itr[i],
							      memory_order_relaxed);
		if (t < due)
			due = t;
	}
	return due;
}

/*
 * Fire if it is time.  Returns when to try again, NOT_DUE if an event or a
 * register write has to come first.
 */
static u64 irq_try_fire(struct nic_port *port, struct irq_vector *vec, u64 now)
{
	u32 state = atomic_load(&vec->state);
	u64 due;

	do {
		if (!(state & IRQ_ST_ENABLED) || !(state & IRQ_ST_PENDING_ANY))
			return NOT_DUE;
		due = irq_due_ns(vec, state);
		if (due > now)
			return due;
	} while (!atomic_compare_exchange_weak(&vec->state, &state,
			state & ~(IRQ_ST_ENABLED | IRQ_ST_PENDING_ANY)));
	atomic_store_explicit(&vec->last_fire_ns, now, memory_order_relaxed);
	irq_signal(port, vec);
	return NOT_DUE;
}

void irq_cancel(struct nic_port *port, unsigned int vec)
{
	for (unsigned int i = 0; i <= IRQ_ITR_NONE; i++)
		port->irq.marked[i] &= ~BIT_ULL(vec);
	atomic_fetch_and(&port->irq.vec[vec].state, ~(u32)IRQ_ST_PENDING_ANY);
}

u64 irq_flush(struct nic_port *port)
{
	struct irq *irq = &port->irq;
	u64 now, next = NOT_DUE;
	u64 todo = irq->delayed;

	if (atomic_load_explicit(&port->kick.irq, memory_order_relaxed))
		todo |= atomic_exchange(&port->kick.irq, 0);
	for (unsigned int i = 0; i <= IRQ_ITR_NONE; i++) {
		u64 marked = irq->marked[i];

		todo |= marked;
		irq->marked[i] = 0;
		for (; marked; marked &= marked - 1) {
			struct irq_vector *vec = &irq->vec[__builtin_ctzll(marked)];

			atomic_fetch_or(&vec->state, IRQ_ST_PENDING(i));
			atomic_fetch_add_explicit(&vec->num_events, 1,
						  memory_order_relaxed);
		}
	}
	irq->delayed = 0;
	if (!todo)
		return NOT_DUE;

	now = nic_now_ns();
	for (; todo; todo &= todo - 1) {
		unsigned int i = __builtin_ctzll(todo);
		u64 due = irq_try_fire(port, &irq->vec[i], now);

		if (due == NOT_DUE)
			continue;
		irq->delayed |= BIT_ULL(i);
		if (due < next)
			next = due;
	}
	return next;
}

void irq_write_dyn_ctl(struct nic_port *port, unsigned int v, u32 val)
{
	struct irq_vector *vec = &port->irq.vec[v];
	u32 itr = FIELD_GET(IDPF_DYN_CTL_ITR_INDX, val);
	u32 set = 0, clear = 0;

	if (itr != IDPF_DYN_CTL_ITR_INDX_NONE)
		atomic_store(&vec->itr[itr],
			     FIELD_GET(IDPF_DYN_CTL_INTERVAL, val));
	if (val & IDPF_DYN_CTL_CLEARPBA)
		clear |= IRQ_ST_PENDING_ANY | IRQ_ST_PBA;
	if (!(val & IDPF_DYN_CTL_INTENA_MSK)) {
		if (val & IDPF_DYN_CTL_INTENA)
			set |= IRQ_ST_ENABLED;
		else
			clear |= IRQ_ST_ENABLED;
	}
	if (val & IDPF_DYN_CTL_WB_ON_ITR)
		set |= IRQ_ST_WB_ON_ITR;
	else
		clear |= IRQ_ST_WB_ON_ITR;
	if (val & IDPF_DYN_CTL_SWINT_TRIG) {
		u32 idx = IRQ_ITR_NONE;

		if (val & IDPF_DYN_CTL_SW_ITR_INDX_ENA)
			idx = FIELD_GET(IDPF_DYN_CTL_SW_ITR_INDX, val);
		set |= IRQ_ST_PENDING(idx);
	}

	atomic_fetch_and(&vec->state, ~clear);
	atomic_fetch_or(&vec->state, set);
	/* too early: the data thread has the clock */
	if (irq_try_fire(port, vec, nic_now_ns()) != NOT_DUE) {
		atomic_fetch_or(&port->kick.irq, BIT_ULL(v));
		nic_wake(port->nic);
	}
}

u32 irq_read_dyn_ctl(struct nic_port *port, unsigned int v)
{
	u32 state = atomic_load(&port->irq.vec[v].state);
	u32 val = 0;

	if (state & IRQ_ST_ENABLED)
		val |= IDPF_DYN_CTL_INTENA;
	if (state & IRQ_ST_WB_ON_ITR)
		val |= IDPF_DYN_CTL_WB_ON_ITR;
	return val;
}

u32 irq_read_pba(struct nic_port *port, unsigned int idx)
{
	u32 bits = 0;

	for (unsigned int i = 0; i < 32; i++) {
		unsigned int v = idx * 32 + i;

		if (v < port->irq.num_vectors &&
		    (atomic_load(&port->irq.vec[v].state) & IRQ_ST_PBA))
			bits |= BIT(i);
	}
	return bits;
}

void irq_set_fds(struct nic_port *port, unsigned int start, unsigned int count,
		 const int *fds)
{
	for (unsigned int i = 0; i < count; i++) {
		struct irq_vector *vec = &port->irq.vec[start + i];

		if (vec->fd >= 0)
			close(vec->fd);
		vec->fd = fds ? fds[i] : -1;
		if (vec->fd >= 0 &&
		    (atomic_fetch_and(&vec->state, ~(u32)IRQ_ST_PBA) & IRQ_ST_PBA))
			irq_signal(port, vec);
	}
}

void irq_trigger(struct nic_port *port, unsigned int start, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		irq_signal(port, &port->irq.vec[start + i]);
}
