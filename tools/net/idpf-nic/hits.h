/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting until a fault has struck a number of times.
 *
 * Context of everything here: io thread.
 */

#ifndef IDPF_NIC_HITS_H
#define IDPF_NIC_HITS_H

#include <stdbool.h>

#include "fault.h"

struct hits;
struct hits_wait;
struct nic;
struct nic_port;

/**
 * struct hits_until - what is waited for
 * @port: the fault's port
 * @id: the fault
 * @hits: strikes since the process started
 * @ms: longest wait
 */
struct hits_until {
	struct nic_port *port;
	enum fault_id id;
	u64 hits;
	u64 ms;
};

/**
 * hits_open() - prepare for those who wait
 * @nic: the process, with all its ports; no fault has struck yet
 *
 * Return: what the other functions take, or NULL with errno set.
 */
struct hits *hits_open(struct nic *nic);

/* nobody waits any more; @hits may be NULL */
void hits_close(struct hits *hits);

/**
 * hits_wait() - wait
 * @hits: from hits_open()
 * @until: what for
 * @fn: called once, with @ctx, when it has come about or time is up; not from
 *	here
 * @ctx: for @fn
 *
 * Return: for hits_cancel(); not valid any more when @fn is called.
 */
struct hits_wait *hits_wait(struct hits *hits, const struct hits_until *until,
			    void (*fn)(void *ctx), void *ctx);

/* wait no more; @wait may be NULL */
void hits_cancel(struct hits_wait *wait);

#endif /* IDPF_NIC_HITS_H */
