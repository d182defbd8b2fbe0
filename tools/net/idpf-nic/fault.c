// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults: when they strike.
 */

#include <sys/eventfd.h>

#include "fault.h"

#define NS_PER_MS	1000000ULL

/* splitmix64: every seed is good, and the sequence is the same everywhere */
static u64 next_random(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u64 fault_random(struct fault *fault, enum fault_id id)
{
	return next_random(&fault->state[id].rng);
}

static void disarm(struct fault *fault, enum fault_id id)
{
	atomic_fetch_and(&fault->armed, ~(u32)BIT(id));
}

static void count_hit(struct fault *fault, struct fault_state *state)
{
	u64 hits = atomic_fetch_add(&state->hits, 1) + 1;
	u64 wanted = atomic_load(&state->wanted);

	if (wanted && hits >= wanted) {
		atomic_store(&state->wanted, 0);
		eventfd_write(fault->told_fd, 1);
	}
}

/* Both threads may want the last strike of a lost interrupt */
bool fault_strike(struct fault *fault, enum fault_id id)
{
	struct fault_state *state = &fault->state[id];
	u64 left = atomic_load(&state->left);

	if (state->rate < FAULT_RATE_ALWAYS &&
	    next_random(&state->rng) % FAULT_RATE_ALWAYS >= state->rate)
		return false;
	do {
		if (!left)
			return false;
		if (left == FAULT_NO_END)
			break;
	} while (!atomic_compare_exchange_weak(&state->left, &left, left - 1));
	if (left == 1)
		disarm(fault, id);
	count_hit(fault, state);
	return true;
}

void fault_arm(struct fault *fault, const struct fault_spec *spec, u64 now_ns)
{
	struct fault_state *state = &fault->state[spec->id];

	disarm(fault, spec->id);
	atomic_store(&state->left, 0);
	if (spec->off) {
		/* what it does at this moment still ends */
		if (!state->active)
			state->due_ns = 0;
		return;
	}
	atomic_store(&state->value, spec->value);
	atomic_store(&state->left, spec->count);
	state->rate = spec->rate;
	state->opcode = spec->opcode;
	state->rng = spec->seed;
	if (!state->active)
		state->due_ns = now_ns + spec->after_ms * NS_PER_MS;
	atomic_fetch_or(&fault->armed, (u32)BIT(spec->id));
}
