/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive: where a frame goes, and the seam between that and descriptors.
 */

#ifndef IDPF_NIC_RX_H
#define IDPF_NIC_RX_H

#include "queue.h"
#include "wire.h"

/* Buffers of one frame at most, with the smallest that are allowed */
#define RX_MAX_BUFS	(NIC_MAX_FRAME / QUEUE_BUF_UNIT + 1)

/**
 * struct rx_posted - a buffer as the driver posted it
 * @id: its name, 0 in the single model
 * @pkt_addr: packet buffer
 * @hdr_addr: header buffer
 */
struct rx_posted {
	u16 id;
	u64 pkt_addr;
	u64 hdr_addr;
};

/**
 * struct rx_buf - a buffer that a part of a frame goes to
 * @which: buffer queue, 0 or 1
 * @id: the driver's name of the buffer
 * @len: bytes for the packet buffer
 * @pkt: packet buffer
 * @hdr: header buffer, NULL without header split
 */
struct rx_buf {
	unsigned int which;
	u16 id;
	u32 len;
	u8 *pkt;
	u8 *hdr;
};

/**
 * struct rx_plan - where a frame goes
 * @rxq: receive queue
 * @frame: the frame
 * @hdr_len: bytes for the header buffer of the first buffer
 * @hdr_overflow: the headers are too long for it
 * @hashed: @hash is valid
 * @hash: RSS hash
 * @next: by buffer queue: ring index behind the buffers taken
 * @num_bufs: entries of @bufs
 * @bufs: the buffers, in the order of the frame's bytes
 */
struct rx_plan {
	struct rxq *rxq;
	const struct frame *frame;
	u16 hdr_len;
	bool hdr_overflow;
	bool hashed;
	u32 hash;
	u16 next[2];
	unsigned int num_bufs;
	struct rx_buf bufs[RX_MAX_BUFS];
};

/**
 * struct rx_format - a descriptor format; all descriptors have 32 bytes
 * @split: knows header split
 * @read: understand a posted buffer
 * @write: write the descriptor of buffer @idx of a plan to @at
 */
struct rx_format {
	bool split;
	void (*read)(const void *at, struct rx_posted *posted);
	void (*write)(const struct rx_plan *plan, unsigned int idx, void *at);
};

const struct rx_format *rx_format_get(const struct queue_cfg *cfg);

#endif /* IDPF_NIC_RX_H */
