// SPDX-License-Identifier: GPL-2.0-only
/*
 * Impairments of a wire.
 *
 * A frame that no fault strikes goes on as it is.  One that is kept or changed
 * is copied, and does not wait for a receiver's buffer afterwards: its sender
 * has got rid of it.
 */

#include <string.h>

#include <glib.h>

#include "impair.h"
#include "nic.h"

#define NEVER			(~0ULL)
#define NS_PER_US		1000ULL
/* how long a frame waits for one that overtakes it */
#define MAX_PASS_NS		10000000ULL
/* damage spares the addresses, so that the frame arrives */
#define SPARED_BYTES		(2 * ETH_ALEN)

/**
 * struct impair_frame - a frame that is kept
 * @next: behind it
 * @due_ns: when it arrives
 * @len: bytes
 * @data: the frame
 */
struct impair_frame {
	struct impair_frame *next;
	u64 due_ns;
	u32 len;
	u8 data[];
};

static struct impair_frame *copy_frame(const struct frame *frame)
{
	struct impair_frame *kept = g_malloc(sizeof(*kept) + frame->len);
	u32 at = 0;

	for (unsigned int i = 0; i < frame->num_iov; i++) {
		memcpy(kept->data + at, frame->iov[i].iov_base,
		       frame->iov[i].iov_len);
		at += frame->iov[i].iov_len;
	}
	kept->next = NULL;
	kept->len = frame->len;
	return kept;
}

static bool pass(struct nic_port *port, const struct frame *frame)
{
	struct wire *wire = port->wire.wire;

	return wire->ops->xmit(wire, port->wire.end, frame);
}

/* A kept frame goes on, and is no more */
static void release(struct nic_port *port, struct impair_frame *kept)
{
	struct iovec iov = { kept->data, kept->len };
	struct frame frame = { .iov = &iov, .num_iov = 1, .len = kept->len };
	u32 head_len = kept->len < PARSE_MAX_BYTES ? kept->len : PARSE_MAX_BYTES;

	parse_frame(kept->data, head_len, kept->len, &frame.info);
	if (port->wire.wire)
		pass(port, &frame);
	g_free(kept);
}

static void release_passed(struct nic_port *port)
{
	struct impair_frame *kept = port->impair.passed;

	port->impair.passed = NULL;
	if (kept)
		release(port, kept);
}

static void hold(struct nic_port *port, const struct frame *frame)
{
	struct impair *impair = &port->impair;
	u64 us = atomic_load(&port->fault.state[FAULT_WIRE_DELAY].value);
	struct impair_frame *kept;

	if (impair->num == IMPAIR_MAX_HELD)
		return;
	kept = copy_frame(frame);
	kept->due_ns = nic_now_ns() + us * NS_PER_US;
	/* in order, though the delay was changed meanwhile */
	if (impair->tail && impair->tail->due_ns > kept->due_ns)
		kept->due_ns = impair->tail->due_ns;
	if (impair->tail)
		impair->tail->next = kept;
	else
		impair->head = kept;
	impair->tail = kept;
	impair->num++;
}

static void damage(struct nic_port *port, const struct frame *frame)
{
	u64 r = fault_random(&port->fault, FAULT_WIRE_CORRUPT);
	struct impair_frame *kept = copy_frame(frame);

	kept->data[SPARED_BYTES + (r >> 3) % (kept->len - SPARED_BYTES)] ^=
		BIT(r & 7);
	release(port, kept);
}

bool impair_xmit(struct nic_port *port, const struct frame *frame)
{
	struct impair *impair = &port->impair;
	struct fault *fault = &port->fault;

	if (fault_take(fault, FAULT_WIRE_LOSS))
		return true;
	/* nobody overtakes those that are on their way */
	if (impair->head || fault_armed(fault, BIT(FAULT_WIRE_DELAY))) {
		if (fault_take(fault, FAULT_WIRE_DELAY) || impair->head) {
			hold(port, frame);
			return true;
		}
	}
	if (!impair->passed && fault_take(fault, FAULT_WIRE_REORDER)) {
		impair->passed = copy_frame(frame);
		impair->passed->due_ns = nic_now_ns() + MAX_PASS_NS;
		return true;
	}
	if (fault_take(fault, FAULT_WIRE_CORRUPT))
		damage(port, frame);
	else if (!pass(port, frame))
		return false;
	if (fault_take(fault, FAULT_WIRE_DUPLICATE))
		release(port, copy_frame(frame));
	release_passed(port);
	return true;
}

u64 impair_run(struct nic_port *port, u64 now_ns)
{
	struct impair *impair = &port->impair;
	u64 next = NEVER;

	while (impair->head && impair->head->due_ns <= now_ns) {
		struct impair_frame *kept = impair->head;

		impair->head = kept->next;
		if (!impair->head)
			impair->tail = NULL;
		impair->num--;
		release(port, kept);
	}
	if (impair->passed && impair->passed->due_ns <= now_ns)
		release_passed(port);
	if (impair->head)
		next = impair->head->due_ns;
	if (impair->passed && impair->passed->due_ns < next)
		next = impair->passed->due_ns;
	return next;
}

void impair_free(struct nic_port *port)
{
	struct impair *impair = &port->impair;

	while (impair->head) {
		struct impair_frame *kept = impair->head;

		impair->head = kept->next;
		g_free(kept);
	}
	impair->tail = NULL;
	impair->num = 0;
	g_free(impair->passed);
	impair->passed = NULL;
}
