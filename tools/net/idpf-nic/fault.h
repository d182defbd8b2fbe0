/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults by name: what a NIC, its firmware or a wire may do wrong, at will.
 *
 * A fault is armed for a port by --fault or by the control socket and then
 * strikes a number of times, or until it is switched off.  The places where
 * faults strike ask fault_take(), which costs a load while nothing is armed.
 *
 * Context of everything here: nic->lock held, if not said otherwise.
 */

#ifndef IDPF_NIC_FAULT_H
#define IDPF_NIC_FAULT_H

#include <stdatomic.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

/* fault_state.left: strikes until it is switched off */
#define FAULT_NO_END		(~0ULL)
/* fault_state.value of a fault that may be for one queue or vector: for all */
#define FAULT_ANY		(~0ULL)
/* fault_state.rate: every time */
#define FAULT_RATE_ALWAYS	1000000u

struct mbx_msg;
struct nic;
struct nic_port;

/* Names, values and explanations are in the table in fault_spec.c, and in the
 * manual page.
 */
enum fault_id {
	/* the device; these act by themselves, at a time */
	FAULT_RESET,
	FAULT_LINK_FLAP,
	/* mailbox */
	FAULT_REQUEST_REFUSE,
	FAULT_REPLY_LOST,
	FAULT_REPLY_LATE,
	FAULT_REPLY_SHORT,
	FAULT_REPLY_OPCODE,
	FAULT_REPLY_COOKIE,
	FAULT_REPLY_STATUS,
	FAULT_REPLY_CORRUPT,
	FAULT_REPLY_TWIST,
	FAULT_REPLY_TWICE,
	FAULT_REPLY_STRAY,
	/* queues and vectors */
	FAULT_TX_STUCK,
	FAULT_RX_STUCK,
	FAULT_COMPL_CORRUPT,
	FAULT_RX_CORRUPT,
	FAULT_IRQ_LOST,
	/* frames that the port sends */
	FAULT_WIRE_LOSS,
	FAULT_WIRE_REORDER,
	FAULT_WIRE_DUPLICATE,
	FAULT_WIRE_CORRUPT,
	FAULT_WIRE_DELAY,
	FAULT_NUM,
};

#define FAULT_MASK(first, last)	((u32)GENMASK(FAULT_##last, FAULT_##first))
#define FAULT_MASK_REPLY	FAULT_MASK(REPLY_LOST, REPLY_STRAY)
#define FAULT_MASK_WIRE		FAULT_MASK(WIRE_LOSS, WIRE_DELAY)

/**
 * struct fault_state - a fault of a port
 * @value: its value, meaning by fault
 * @left: times that it still strikes, FAULT_NO_END
 * @hits: times that it struck since the process started
 * @wanted: somebody is to be told when @hits gets there, 0: nobody
 * @rate: how often it strikes, in millionths
 * @opcode: replies: of which operation, 0: of all
 * @rng: state of its random numbers
 * @due_ns: reset, link-flap: when it acts next, 0: it does not
 * @active: reset, link-flap: the device is being reset, the link is down
 */
struct fault_state {
	_Atomic u64 value;
	_Atomic u64 left;
	_Atomic u64 hits;
	_Atomic u64 wanted;
	u32 rate;
	u32 opcode;
	u64 rng;
	u64 due_ns;
	bool active;
};

struct fault_reply;

/**
 * struct fault - the faults of a port
 * @armed: bit n: enum fault_id n may strike
 * @state: by enum fault_id
 * @late: replies that are kept back
 * @told_fd: eventfd for those who wait, see struct fault_state.wanted
 */
struct fault {
	_Atomic u32 armed;
	struct fault_state state[FAULT_NUM];
	struct fault_reply *late;
	int told_fd;
};

/**
 * struct fault_spec - a fault as the user states it
 * @id: which one
 * @off: switch it off
 * @value: see struct fault_state
 * @count: see struct fault_state.left
 * @rate: see struct fault_state
 * @opcode: see struct fault_state
 * @seed: of its random numbers
 * @after_ms: reset, link-flap: ms from now on
 */
struct fault_spec {
	enum fault_id id;
	bool off;
	u64 value;
	u64 count;
	u32 rate;
	u32 opcode;
	u64 seed;
	u64 after_ms;
};

/* fault.c: strike */

/**
 * fault_armed() - may one of several faults strike
 * @fault: of the port
 * @mask: bit n: enum fault_id n
 *
 * Return: true if one of them is armed.
 * Context: any thread.
 */
static inline bool fault_armed(const struct fault *fault, u32 mask)
{
	return atomic_load_explicit(&fault->armed, memory_order_relaxed) & mask;
}

/* fault_take() for an armed fault */
bool fault_strike(struct fault *fault, enum fault_id id);

/**
 * fault_take() - does a fault strike now
 * @fault: of the port
 * @id: which one
 *
 * Uses up one of the times that it is to strike.
 *
 * Return: true if it does.
 * Context: data thread; any thread for FAULT_IRQ_LOST, which has no rate.
 */
static inline bool fault_take(struct fault *fault, enum fault_id id)
{
	return fault_armed(fault, BIT(id)) && fault_strike(fault, id);
}

/* same for a fault that may be for one queue or vector only */
static inline bool fault_take_at(struct fault *fault, enum fault_id id,
				 unsigned int at)
{
	u64 value;

	if (!fault_armed(fault, BIT(id)))
		return false;
	value = atomic_load(&fault->state[id].value);
	return (value == FAULT_ANY || value == at) && fault_strike(fault, id);
}

/**
 * fault_stuck() - is a queue stuck
 * @fault: of the port
 * @id: FAULT_TX_STUCK or FAULT_RX_STUCK
 * @queue: absolute id
 *
 * Return: true if it shall do nothing.
 */
static inline bool fault_stuck(const struct fault *fault, enum fault_id id,
			       unsigned int queue)
{
	u64 value;

	if (!fault_armed(fault, BIT(id)))
		return false;
	value = atomic_load(&fault->state[id].value);
	return value == FAULT_ANY || value == queue;
}

/* a random number of a fault's own sequence */
u64 fault_random(struct fault *fault, enum fault_id id);

/**
 * fault_arm() - arm a fault or switch it off
 * @fault: of the port
 * @spec: the fault
 * @now_ns: time
 */
void fault_arm(struct fault *fault, const struct fault_spec *spec, u64 now_ns);

/* fault_spec.c: words */

/**
 * fault_apply() - do what --fault or the control socket says
 * @nic: the process
 * @text: NAME[=VALUE][:KEY=VALUE...][@PORT]
 * @error: result: what is wrong with it, to be freed
 *
 * Return: true if it was understood; then the fault is armed for the port, or
 * for all ports.
 */
bool fault_apply(struct nic *nic, const char *text, char **error);

/**
 * fault_apply_hostile() - arm what --hostile says for all ports
 * @nic: the process
 * @text: FIELD[,FIELD...][:SEED[:PERCENT]]
 * @error: result: what is wrong with it, to be freed
 *
 * Return: true if it was understood.
 */
bool fault_apply_hostile(struct nic *nic, const char *text, char **error);

/**
 * fault_by_name() - find a fault
 * @name: its name
 * @id: result
 *
 * Return: true if there is one.
 */
bool fault_by_name(const char *name, enum fault_id *id);

/* name, and what it does with its value and keys */
const char *fault_name(enum fault_id id);
const char *fault_help(enum fault_id id);

/* fault_run.c: what happens by time, and to replies */

/**
 * fault_run() - do what is due
 * @port: the port
 *
 * Context: data thread, once a round.
 * Return: time in ns until this must be called again, ~0 if not needed.
 */
u64 fault_run(struct nic_port *port);

/**
 * fault_on_request() - a message is about to be acted on
 * @port: the port, its mbx.req is the message
 * @rsp: the reply
 *
 * Return: true if it is not to be acted on, and @rsp is complete.
 */
bool fault_on_request(struct nic_port *port, struct mbx_msg *rsp);

/**
 * fault_on_reply() - a reply is about to be sent
 * @port: the port
 * @msg: the reply, may be changed
 *
 * Return: true if it is not to be sent (now).
 */
bool fault_on_reply(struct nic_port *port, struct mbx_msg *msg);

/* function reset: late replies are forgotten, stuck queues are stuck no more */
void fault_reset(struct nic_port *port);

/* is the device in a reset that it began itself, which is not over yet? */
static inline bool fault_in_reset(const struct fault *fault)
{
	return fault->state[FAULT_RESET].active;
}

#endif /* IDPF_NIC_FAULT_H */
