// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data thread: rounds of work, and the sleep between them.
 */

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "nic.h"

#define NS_PER_S	1000000000ULL
#define NO_DEADLINE	(~0ULL)

u64 nic_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void nic_lock(struct nic *nic)
{
	atomic_fetch_add(&nic->num_waiters, 1);
	pthread_mutex_lock(&nic->lock);
	while (nic->was_locked && atomic_load(&nic->data_waits))
		pthread_cond_wait(&nic->round, &nic->lock);
	atomic_fetch_sub(&nic->num_waiters, 1);
}

void nic_unlock(struct nic *nic)
{
	nic->was_locked = true;
	pthread_cond_signal(&nic->turn);
	pthread_mutex_unlock(&nic->lock);
}

/*
 * A plain mutex lets a thread that unlocks and locks again win nearly every
 * time: who waits in nic_lock() would starve behind a busy data thread, and the
 * data thread behind a guest that does nothing but reset itself.
 */
static void data_begin_round(struct nic *nic)
{
	atomic_store(&nic->data_waits, true);
	pthread_mutex_lock(&nic->lock);
	while (atomic_load(&nic->num_waiters) && !nic->was_locked)
		pthread_cond_wait(&nic->turn, &nic->lock);
	atomic_store(&nic->data_waits, false);
	nic->was_locked = false;
}

static void data_end_round(struct nic *nic)
{
	pthread_cond_broadcast(&nic->round);
	pthread_mutex_unlock(&nic->lock);
}

void nic_wake_slow(struct nic *nic)
{
	u64 one = 1;

	if (atomic_exchange(&nic->sleeping, false) &&
	    write(nic->wake_fd, &one, sizeof(one)) < 0)
		report_info(NULL, "cannot wake the data thread: errno %d", errno);
}

static bool data_port_kicked(struct nic_port *port)
{
	struct nic_kick *kick = &port->kick;

	return atomic_load(&kick->txq) || atomic_load(&kick->mbx) ||
	       atomic_load(&kick->irq) || atomic_load(&kick->rxq);
}

static bool data_any_kicked(struct nic *nic)
{
	for (unsigned int i = 0; i < nic->num_ports; i++)
		if (data_port_kicked(nic->ports[i]))
			return true;
	return atomic_load(&nic->stop);
}

bool data_round(struct nic *nic, u64 *deadline_ns)
{
	bool more = false;

	*deadline_ns = NO_DEADLINE;
	for (unsigned int i = 0; i < nic->num_ports; i++) {
		struct nic_port *port = nic->ports[i];
		u64 due_ns;

		more |= mbx_run(port);
		more |= queues_run(port);
		due_ns = fault_run(port);
		if (due_ns < *deadline_ns)
			*deadline_ns = due_ns;
	}

	for (unsigned int i = 0; i < nic->num_wires; i++)
		if (nic->wires[i]->ops->run)
			more |= nic->wires[i]->ops->run(nic->wires[i],
							deadline_ns);

	for (unsigned int i = 0; i < nic->num_ports; i++) {
		u64 due_ns = irq_flush(nic->ports[i]);
		u64 queues_ns = queues_due_ns(nic->ports[i]);

		if (queues_ns < due_ns)
			due_ns = queues_ns;
		if (due_ns < *deadline_ns)
			*deadline_ns = due_ns;
	}
	return more;
}

/*
 * Sleep until somebody wakes us or @deadline_ns.  The order is the point: first
 * say that we sleep, then look for work once more.  See nic_wake().
 */
static void data_sleep(struct nic *nic, u64 deadline_ns)
{
	struct pollfd pfd[1 + NIC_MAX_PORTS];
	struct timespec ts, *timeout = NULL;
	unsigned int num = 0;
	u64 count;

	pfd[num++] = (struct pollfd){ .fd = nic->wake_fd, .events = POLLIN };
	for (unsigned int i = 0; i < nic->num_wires; i++)
		if (nic->wires[i]->fd >= 0)
			pfd[num++] = (struct pollfd){ .fd = nic->wires[i]->fd,
						      .events = nic->wires[i]->events };
	atomic_store(&nic->sleeping, true);
	if (data_any_kicked(nic)) {
		atomic_store(&nic->sleeping, false);
		return;
	}
	if (deadline_ns != NO_DEADLINE) {
		u64 now = nic_now_ns();
		u64 rest = deadline_ns > now ? deadline_ns - now : 0;

		ts.tv_sec = rest / NS_PER_S;
		ts.tv_nsec = rest % NS_PER_S;
		timeout = &ts;
	}
	if (ppoll(pfd, num, timeout, NULL) > 0 && pfd[0].revents &&
	    read(nic->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		report_info(NULL, "cannot read the wake eventfd: errno %d", errno);
	atomic_store(&nic->sleeping, false);
}

static void *data_main(void *arg)
{
	struct nic *nic = arg;
	u64 deadline_ns;
	bool more;

	while (!atomic_load(&nic->stop)) {
		data_begin_round(nic);
		more = data_round(nic, &deadline_ns);
		if (!more && nic->capture)
			capture_flush(nic->capture);
		data_end_round(nic);
		if (!more)
			data_sleep(nic, deadline_ns);
	}
	return NULL;
}

int data_start(struct nic *nic)
{
	int err;

	nic->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (nic->wake_fd < 0)
		return -errno;
	err = pthread_create(&nic->data_thread, NULL, data_main, nic);
	if (err) {
		close(nic->wake_fd);
		return -err;
	}
	return 0;
}

void data_stop(struct nic *nic)
{
	atomic_store(&nic->stop, true);
	nic_wake(nic);
	pthread_join(nic->data_thread, NULL);
	close(nic->wake_fd);
}
