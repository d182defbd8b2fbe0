/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Impairments of a wire: what happens to frames between a port and the wire.
 *
 * Context of everything here: data thread, nic->lock held.
 */

#ifndef IDPF_NIC_IMPAIR_H
#define IDPF_NIC_IMPAIR_H

#include <stdbool.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

/* frames that are on their way at the same time; more are lost */
#define IMPAIR_MAX_HELD		8192

struct frame;
struct impair_frame;
struct nic_port;

/**
 * struct impair - frames of a port that are on their way
 * @head: delayed frames, first one
 * @tail: delayed frames, last one
 * @num: delayed frames
 * @passed: a frame that the next one overtakes, or NULL
 */
struct impair {
	struct impair_frame *head;
	struct impair_frame *tail;
	unsigned int num;
	struct impair_frame *passed;
};

static inline bool impair_pending(const struct impair *impair)
{
	return impair->head || impair->passed;
}

/**
 * impair_xmit() - a frame enters the wire of a port
 * @port: the port, on a wire
 * @frame: the frame
 *
 * Return: false if it is to be offered again later.
 */
bool impair_xmit(struct nic_port *port, const struct frame *frame);

/**
 * impair_run() - let frames arrive whose time has come
 * @port: the port
 * @now_ns: time
 *
 * Return: time in ns until this must be called again, ~0 if not needed.
 */
u64 impair_run(struct nic_port *port, u64 now_ns);

/* forget all frames.  Context: at the end. */
void impair_free(struct nic_port *port);

#endif /* IDPF_NIC_IMPAIR_H */
