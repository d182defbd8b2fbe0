/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSI-X vectors: enable bits, throttling, eventfds.
 *
 * The state of a vector is one atomic word, because both threads change it:
 * the data thread on events, the io thread on register writes.  The eventfds
 * are changed by the io thread with nic->lock held.
 */

#ifndef IDPF_NIC_IRQ_H
#define IDPF_NIC_IRQ_H

#include <stdatomic.h>

#include "../../../include/wto/regs.h"

/* mailbox, 16 queue vectors, spare ones; the bitmaps are 64 bits wide */
#define IRQ_MAX_VECTORS		64
#define IRQ_MBX_VECTOR		0

/* throttling index of an event that no interval delays (the mailbox) */
#define IRQ_ITR_NONE		3
#define IRQ_NO_VECTOR		0xffff

struct nic_port;

/* struct irq_vector.state */
#define IRQ_ST_ENABLED		BIT(0)	/* DYN_CTL.INTENA */
#define IRQ_ST_WB_ON_ITR	BIT(1)	/* DYN_CTL.WB_ON_ITR */
#define IRQ_ST_PBA		BIT(2)	/* fired, no eventfd to take it */
#define IRQ_ST_PENDING(itr)	BIT(4 + (itr))	/* itr: 0 to IRQ_ITR_NONE */
#define IRQ_ST_PENDING_ANY	GENMASK(7, 4)

/**
 * struct irq_vector - one MSI-X vector
 * @state: IRQ_ST_*
 * @itr: throttling intervals in units of 2 us
 * @last_fire_ns: when it fired last
 * @fd: eventfd or -1
 * @num_fired: interrupts given to the VMM
 * @num_events: events that asked for one
 */
struct irq_vector {
	_Atomic u32 state;
	_Atomic u32 itr[IDPF_ITR_NUM_INDEXES];
	_Atomic u64 last_fire_ns;
	int fd;
	_Atomic u64 num_fired;
	_Atomic u64 num_events;
};

/**
 * struct irq - the vectors of a port
 * @vec: by MSI-X table entry
 * @num_vectors: entries of @vec that exist
 * @marked: data thread: bit v of marked[itr]: event since the last irq_flush()
 * @delayed: data thread: vectors that wait for their interval to end
 */
struct irq {
	struct irq_vector vec[IRQ_MAX_VECTORS];
	unsigned int num_vectors;
	u64 marked[IRQ_ITR_NONE + 1];
	u64 delayed;
};

/**
 * irq_init() - prepare the vectors of a port
 * @port: the port
 * @num_vectors: how many it has, at most IRQ_MAX_VECTORS
 */
void irq_init(struct nic_port *port, unsigned int num_vectors);

/* function reset: state and intervals to zero; the eventfds stay */
void irq_reset(struct nic_port *port);

/**
 * irq_set_fds() - attach eventfds
 * @port: the port
 * @start: first vector
 * @count: number of vectors
 * @fds: @count eventfds that are taken over; NULL detaches
 *
 * What fired without an eventfd is signalled now.
 *
 * Context: io thread, nic->lock held; start and count are in range.
 */
void irq_set_fds(struct nic_port *port, unsigned int start, unsigned int count,
		 const int *fds);

/* signal vectors as SET_IRQS with DATA_NONE asks.  Context: io thread. */
void irq_trigger(struct nic_port *port, unsigned int start, unsigned int count);

/* DYN_CTL and ITR registers.  Context: io thread. */
void irq_write_dyn_ctl(struct nic_port *port, unsigned int vec, u32 val);
u32 irq_read_dyn_ctl(struct nic_port *port, unsigned int vec);

/* dword @idx of the pending bit array */
u32 irq_read_pba(struct nic_port *port, unsigned int idx);

/**
 * irq_mark() - note an event
 * @irq: vectors of the port
 * @vec: vector or IRQ_NO_VECTOR
 * @itr: throttling index, IRQ_ITR_NONE: no throttling
 *
 * Cheap; may be called for every packet.  irq_flush() raises the interrupts.
 *
 * Context: data thread.
 */
static inline void irq_mark(struct irq *irq, unsigned int vec, unsigned int itr)
{
	if (vec < IRQ_MAX_VECTORS)
		irq->marked[itr] |= BIT_ULL(vec);
}

/**
 * irq_cancel() - forget events that have not raised an interrupt yet
 * @port: the port
 * @vec: vector
 *
 * Context: data thread, nic->lock held.
 */
void irq_cancel(struct nic_port *port, unsigned int vec);

/**
 * irq_flush() - raise what was marked and what became due
 * @port: the port
 *
 * Context: data thread, nic->lock held, once a round and port.
 * Return: time in ns until this must be called again, ~0 if not needed.
 */
u64 irq_flush(struct nic_port *port);

#endif /* IDPF_NIC_IRQ_H */
