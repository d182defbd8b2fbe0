/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive: where a frame goes, and the seam between that and descriptors.
 */

#ifndef IDPF_NIC_RX_H
#define IDPF_NIC_RX_H

#include "model.h"
#include "queue.h"
#include "wire.h"

/* Buffers of one frame at most, with the smallest that are allowed */
#define RX_MAX_BUFS	(NIC_MAX_FRAME / QUEUE_BUF_UNIT + 1)
/* Pieces of one buffer at most: the borders of maps are page borders */
#define RX_MAX_PIECES	(IDPF_RXF_LEN / DMA_PAGE_SIZE + 2)
/* Pieces of all buffers of one frame: the smallest may have two */
#define RX_MAX_IOV	(2 * RX_MAX_BUFS + RX_MAX_PIECES)

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
 * @pkt: pieces of the packet buffer, in rx_plan.iov
 * @num_pkt: how many
 * @hdr: pieces of the header buffer, as above
 * @num_hdr: how many, 0 without header split
 */
struct rx_buf {
	unsigned int which;
	u16 id;
	u32 len;
	const struct iovec *pkt;
	unsigned int num_pkt;
	const struct iovec *hdr;
	unsigned int num_hdr;
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
 * @num_iov: entries of @iov
 * @bufs: the buffers, in the order of the frame's bytes
 * @iov: host memory of the buffers
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
	unsigned int num_iov;
	struct rx_buf bufs[RX_MAX_BUFS];
	struct iovec iov[RX_MAX_IOV];
};

/**
 * struct rx_format - a descriptor format; all descriptors have 32 bytes
 * @split: knows header split
 * @read: understand a posted buffer
 * @write: write the descriptor of buffer @idx of a plan to @at
 * @write_bad: single model: say that the buffer posted at @at is not usable
 */
struct rx_format {
	bool split;
	void (*read)(const void *at, struct rx_posted *posted);
	void (*write)(const struct rx_plan *plan, unsigned int idx, void *at);
	void (*write_bad)(const struct rx_plan *plan, void *at);
};

const struct rx_format *rx_format_get(const struct nic_model *model,
				      const struct queue_cfg *cfg);

#endif /* IDPF_NIC_RX_H */
