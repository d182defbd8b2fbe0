// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting until a fault has struck a number of times.
 *
 * Each fault knows the lowest number that somebody waits for, and signals an
 * eventfd when it gets there.  A timer ends what takes too long.
 */

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <glib.h>

#include "hits.h"
#include "io.h"
#include "nic.h"

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL

/**
 * struct hits - those who wait
 * @told_fd: eventfd that faults signal
 * @timer_fd: when the first of them has waited long enough
 * @told: watch of @told_fd
 * @timer: watch of @timer_fd
 * @list: struct hits_wait
 */
struct hits {
	int told_fd;
	int timer_fd;
	struct io_watch *told;
	struct io_watch *timer;
	GSList *list;
};

/**
 * struct hits_wait - one who waits
 * @hits: where he waits
 * @until: what for
 * @due_ns: until when at most
 * @fn: to be called
 * @ctx: for @fn
 */
struct hits_wait {
	struct hits *hits;
	struct hits_until until;
	u64 due_ns;
	void (*fn)(void *ctx);
	void *ctx;
};

static struct fault_state *state_of(const struct hits_wait *wait)
{
	return &wait->until.port->fault.state[wait->until.id];
}

static bool is_over(const struct hits_wait *wait, u64 now)
{
	return atomic_load(&state_of(wait)->hits) >= wait->until.hits ||
	       wait->due_ns <= now;
}

/* Each fault learns the lowest number that is left.  It may get there before
 * it learns it, so everybody looks once more afterwards.
 */
static void ask_faults(struct hits *hits)
{
	for (GSList *at = hits->list; at; at = at->next)
		atomic_store(&state_of(at->data)->wanted, 0);
	for (GSList *at = hits->list; at; at = at->next) {
		struct hits_wait *wait = at->data;
		struct fault_state *state = state_of(wait);
		u64 wanted = atomic_load(&state->wanted);

		if (!wanted || wanted > wait->until.hits)
			atomic_store(&state->wanted, wait->until.hits);
	}
}

static void set_timer(struct hits *hits)
{
	struct itimerspec spec = { 0 };
	u64 due = 0;

	for (GSList *at = hits->list; at; at = at->next) {
		struct hits_wait *wait = at->data;

		if (!due || wait->due_ns < due)
			due = wait->due_ns;
	}
	spec.it_value.tv_sec = (time_t)(due / NS_PER_S);
	spec.it_value.tv_nsec = (long)(due % NS_PER_S);
	timerfd_settime(hits->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static struct hits_wait *find_over(struct hits *hits)
{
	u64 now = nic_now_ns();

	for (GSList *at = hits->list; at; at = at->next)
		if (is_over(at->data, now))
			return at->data;
	return NULL;
}

static void forget(struct hits_wait *wait)
{
	struct hits *hits = wait->hits;

	atomic_store(&state_of(wait)->wanted, 0);
	hits->list = g_slist_remove(hits->list, wait);
	g_free(wait);
}

static void look(struct hits *hits)
{
	struct hits_wait *wait;

	for (;;) {
		ask_faults(hits);
		wait = find_over(hits);
		if (!wait)
			break;

		void (*fn)(void *ctx) = wait->fn;
		void *ctx = wait->ctx;

		forget(wait);
		fn(ctx);
	}
	set_timer(hits);
}

/* Have a look, but not from here */
static void look_later(struct hits *hits)
{
	eventfd_write(hits->told_fd, 1);
}

static void on_event(void *ctx, uint32_t events)
{
	struct hits *hits = ctx;
	uint64_t num;
	ssize_t n;

	/* whichever it was; both are non-blocking */
	n = read(hits->told_fd, &num, sizeof(num));
	n = read(hits->timer_fd, &num, sizeof(num));
	(void)n;
	look(hits);
}

struct hits_wait *hits_wait(struct hits *hits, const struct hits_until *until,
			    void (*fn)(void *ctx), void *ctx)
{
	struct hits_wait *wait = g_new0(struct hits_wait, 1);

	wait->hits = hits;
	wait->until = *until;
	wait->due_ns = nic_now_ns() + until->ms * NS_PER_MS;
	wait->fn = fn;
	wait->ctx = ctx;
	hits->list = g_slist_prepend(hits->list, wait);
	look_later(hits);
	return wait;
}

void hits_cancel(struct hits_wait *wait)
{
	struct hits *hits;

	if (!wait)
		return;
	hits = wait->hits;
	forget(wait);
	/* the fault has to learn what others want of it */
	look_later(hits);
}

struct hits *hits_open(struct nic *nic)
{
	struct hits *hits = g_new0(struct hits, 1);

	hits->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	hits->timer_fd = timerfd_create(CLOCK_MONOTONIC,
					TFD_NONBLOCK | TFD_CLOEXEC);
	if (hits->told_fd >= 0)
		hits->told = io_add(hits->told_fd, EPOLLIN, on_event, hits);
	if (hits->timer_fd >= 0)
		hits->timer = io_add(hits->timer_fd, EPOLLIN, on_event, hits);
	if (!hits->told || !hits->timer) {
		hits_close(hits);
		return NULL;
	}
	for (unsigned int i = 0; i < nic->num_ports; i++)
		nic->ports[i]->fault.told_fd = hits->told_fd;
	return hits;
}

void hits_close(struct hits *hits)
{
	if (!hits)
		return;
	while (hits->list)
		forget(hits->list->data);
	io_remove(hits->told);
	io_remove(hits->timer);
	if (hits->told_fd >= 0)
		close(hits->told_fd);
	if (hits->timer_fd >= 0)
		close(hits->timer_fd);
	g_free(hits);
}
