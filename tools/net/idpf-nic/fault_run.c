// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that act at a time, and those of replies.
 */

#include <string.h>

#include <glib.h>

#include "corrupt.h"
#include "impair.h"
#include "nic.h"
#include "twist.h"

#define NS_PER_MS	1000000ULL
#define NEVER		(~0ULL)

/**
 * struct fault_reply - a reply that is kept back
 * @next: in order of time
 * @due_ns: when it is sent
 * @msg: the reply
 */
struct fault_reply {
	struct fault_reply *next;
	u64 due_ns;
	struct mbx_msg msg;
};

static u64 min_ns(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* ------------------------------------------------------------------ */
/* The device                                                           */

/*
 * As if the device's own software had crashed: the mailbox registers are zero
 * at once, which is how drivers notice; an interrupt of the mailbox vector
 * makes them look.
 */
static void begin_reset(struct nic_port *port)
{
	report_info(port, "fault: the device resets itself");
	nic_port_reset(port);
	if (port->irq.vec[IRQ_MBX_VECTOR].fd >= 0)
		irq_trigger(port, IRQ_MBX_VECTOR, 1);
}

static void end_reset(struct nic_port *port)
{
	/* what was written meanwhile went nowhere */
	bar_reset(port);
	atomic_store(&port->bar.rstat, IDPF_RSTAT_ACTIVE);
	report_trace(port, "fault: reset over");
}

static void begin_flap(struct nic_port *port)
{
	nic_port_set_link(port, false);
}

static void end_flap(struct nic_port *port)
{
	nic_port_set_link(port, true);
}

/**
 * struct timed_fault - a fault that begins and ends by itself
 * @id: which one; its value is the time between begin and end in ms
 * @begin: the device is in this state from now on
 * @end: and from now on no more
 */
struct timed_fault {
	enum fault_id id;
	void (*begin)(struct nic_port *port);
	void (*end)(struct nic_port *port);
};

static const struct timed_fault timed_faults[] = {
	{ FAULT_RESET, begin_reset, end_reset },
	{ FAULT_LINK_FLAP, begin_flap, end_flap },
};

/* Returns when it acts again */
static u64 run_timed(struct nic_port *port, const struct timed_fault *timed,
		     u64 now)
{
	struct fault_state *state = &port->fault.state[timed->id];

	if (!state->due_ns)
		return NEVER;
	if (state->due_ns > now)
		return state->due_ns;
	if (state->active) {
		state->active = false;
		timed->end(port);
	} else if (fault_take(&port->fault, timed->id)) {
		/* nic_port_reset() wants to know that the reset goes on */
		state->active = true;
		timed->begin(port);
	}
	state->due_ns = 0;
	if (state->active || fault_armed(&port->fault, BIT(timed->id)))
		state->due_ns = now + NS_PER_MS * atomic_load(&state->value);
	return state->due_ns ?: NEVER;
}

/* ------------------------------------------------------------------ */
/* Replies                                                              */

static bool for_opcode(const struct nic_port *port, enum fault_id id,
		       const struct mbx_msg *msg)
{
	u32 opcode = port->fault.state[id].opcode;

	return !opcode || opcode == msg->opcode;
}

static void keep_reply(struct nic_port *port, const struct mbx_msg *msg)
{
	u64 ms = atomic_load(&port->fault.state[FAULT_REPLY_LATE].value);
	struct fault_reply **at = &port->fault.late;
	struct fault_reply *late = g_new(struct fault_reply, 1);

	late->due_ns = nic_now_ns() + ms * NS_PER_MS;
	late->msg = *msg;
	while (*at && (*at)->due_ns <= late->due_ns)
		at = &(*at)->next;
	late->next = *at;
	*at = late;
}

static void change_reply(struct nic_port *port, enum fault_id id,
			 struct mbx_msg *msg)
{
	u64 value = atomic_load(&port->fault.state[id].value);

	switch (id) {
	case FAULT_REPLY_SHORT:
		if (msg->len > value)
			msg->len = (u16)value;
		break;
	case FAULT_REPLY_OPCODE:
		msg->opcode = (u32)value;
		break;
	case FAULT_REPLY_COOKIE:
		msg->cookie ^= (u16)value;
		break;
	case FAULT_REPLY_STATUS:
		msg->retval = (u32)value;
		msg->len = 0;
		break;
	case FAULT_REPLY_TWIST:
		twist_reply(&port->fault, value, msg);
		break;
	default:
		corrupt_reply(&port->fault, msg);
		break;
	}
}

/* Is a fault for the reply to this request? */
static bool is_for(const struct nic_port *port, enum fault_id id,
		   const struct mbx_msg *req, const struct mbx_msg *msg)
{
	if (id == FAULT_REPLY_TWIST)
		return twist_fits(atomic_load(&port->fault.state[id].value),
				  msg);
	return for_opcode(port, id, req);
}

/* Events, and replies to what was never asked, of any contents */
static void send_strays(struct nic_port *port)
{
	struct fault *fault = &port->fault;
	u64 num = atomic_load(&fault->state[FAULT_REPLY_STRAY].value);
	struct mbx_msg *msg = g_new(struct mbx_msg, 1);

	while (num--) {
		u64 r = fault_random(fault, FAULT_REPLY_STRAY);

		msg->opcode = r & 1 ? VC2_OP_EVENT : (u32)(r >> 1) % 1024;
		msg->retval = 0;
		msg->cookie = (u16)(r >> 16);
		msg->len = (u16)((r >> 32) % 64);
		for (u16 i = 0; i < msg->len; i++)
			msg->data[i] = (u8)fault_random(fault,
							FAULT_REPLY_STRAY);
		/* some of the events are of a kind that exists */
		if (r & BIT(15) && msg->len >= sizeof(__le32))
			*(__le32 *)msg->data =
				cpu_to_le32(VC2_EVENT_LINK_CHANGE);
		mbx_send(port, msg);
	}
	g_free(msg);
}

bool fault_on_request(struct nic_port *port, struct mbx_msg *rsp)
{
	const enum fault_id id = FAULT_REQUEST_REFUSE;
	struct fault *fault = &port->fault;

	if (!fault_armed(fault, BIT(id)) ||
	    !for_opcode(port, id, &port->mbx.req) || !fault_take(fault, id))
		return false;
	rsp->retval = (u32)atomic_load(&fault->state[id].value);
	return true;
}

bool fault_on_reply(struct nic_port *port, struct mbx_msg *msg)
{
	const struct mbx_msg *req = &port->mbx.req;
	struct fault *fault = &port->fault;

	if (!fault_armed(fault, FAULT_MASK_REPLY))
		return false;
	if (for_opcode(port, FAULT_REPLY_STRAY, req) &&
	    fault_take(fault, FAULT_REPLY_STRAY))
		send_strays(port);
	for (enum fault_id id = FAULT_REPLY_SHORT; id <= FAULT_REPLY_TWIST;
	     id++)
		if (is_for(port, id, req, msg) && fault_take(fault, id)) {
			report_trace(port, "fault: %s for %s", fault_name(id),
				     cp_opcode_name(req->opcode));
			change_reply(port, id, msg);
		}
	if (for_opcode(port, FAULT_REPLY_LOST, req) &&
	    fault_take(fault, FAULT_REPLY_LOST))
		return true;
	if (for_opcode(port, FAULT_REPLY_LATE, req) &&
	    fault_take(fault, FAULT_REPLY_LATE)) {
		keep_reply(port, msg);
		return true;
	}
	if (for_opcode(port, FAULT_REPLY_TWICE, req) &&
	    fault_take(fault, FAULT_REPLY_TWICE))
		mbx_send(port, msg);
	return false;
}

static u64 run_late(struct nic_port *port, u64 now)
{
	struct fault *fault = &port->fault;

	while (fault->late && fault->late->due_ns <= now) {
		struct fault_reply *late = fault->late;

		fault->late = late->next;
		mbx_send(port, &late->msg);
		g_free(late);
	}
	return fault->late ? fault->late->due_ns : NEVER;
}

/* ------------------------------------------------------------------ */

u64 fault_run(struct nic_port *port)
{
	struct fault *fault = &port->fault;
	u64 now, next = NEVER;

	if (!fault->state[FAULT_RESET].due_ns &&
	    !fault->state[FAULT_LINK_FLAP].due_ns && !fault->late &&
	    !impair_pending(&port->impair))
		return NEVER;

	now = nic_now_ns();
	for (size_t i = 0; i < G_N_ELEMENTS(timed_faults); i++)
		next = min_ns(next, run_timed(port, &timed_faults[i], now));
	next = min_ns(next, run_late(port, now));
	return min_ns(next, impair_run(port, now));
}

void fault_reset(struct nic_port *port)
{
	struct fault *fault = &port->fault;

	while (fault->late) {
		struct fault_reply *late = fault->late;

		fault->late = late->next;
		g_free(late);
	}
	atomic_fetch_and(&fault->armed,
			 ~(u32)(BIT(FAULT_TX_STUCK) | BIT(FAULT_RX_STUCK)));
}
