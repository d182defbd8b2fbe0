/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transmit: a packet on its way, and the seam between packets and descriptors.
 */

#ifndef IDPF_NIC_TX_H
#define IDPF_NIC_TX_H

#include "dma.h"
#include "engines/csum.h"
#include "engines/segment.h"
#include "model.h"
#include "parse.h"
#include "queue.h"
#include "wire.h"

/* Most buffers and bytes of a packet, which is to be segmented */
#define TX_MAX_BUFS		(NIC_MAX_HDR_BUFS + NIC_MAX_TX_BUFS)
#define TX_MAX_TSO_LEN		(SEG_HDR_MAX + SEG_TLEN_MAX)
/* Most pieces of it in the host's memory: maps are made of pages, so a buffer has
 * one piece more than page borders inside.
 */
#define TX_MAX_IOV		(2 * TX_MAX_BUFS + \
				 (u32)(TX_MAX_TSO_LEN / DMA_PAGE_SIZE))

enum tx_kind {
	TX_KIND_DATA,
	TX_KIND_CTX,
};

/**
 * struct tx_desc - one descriptor, whatever its format
 * @kind: data or context
 * @eop: last one of the packet
 * @csum: data: checksum offload is asked for
 * @tso: context: segmentation is asked for
 * @offload: something is asked for that no engine can do
 * @report_done: the driver wants to be told when the packet is done
 * @report_head: the driver wants to be told that this descriptor was fetched
 * @tag: flow scheduling: identifies the packet in its completion
 * @len: data: bytes of the buffer
 * @addr: data: guest address of the buffer
 */
struct tx_desc {
	enum tx_kind kind;
	bool eop;
	bool csum;
	bool tso;
	bool offload;
	bool report_done;
	bool report_head;
	u16 tag;
	u32 len;
	u64 addr;
};

/**
 * struct tx_offload - what the engines are asked to do with a packet
 * @csum: fill in checksums
 * @tso: segment
 * @explicit: the descriptors say where the headers are (@layout, @jobs), else
 *	the parser finds them
 * @jobs: explicit: CSUM_TX_*
 * @hdr_len: segmentation: bytes of all headers
 * @mss: segmentation: payload bytes of a segment
 * @tlen: segmentation: payload bytes of the packet
 * @layout: explicit: where the headers are
 */
struct tx_offload {
	bool csum;
	bool tso;
	bool explicit;
	u8 jobs;
	u16 hdr_len;
	u16 mss;
	u32 tlen;
	struct pkt_layout layout;
};

/**
 * struct tx_packet - a packet between the ring and the wire
 * @num_desc: descriptors looked at
 * @num_bufs: data buffers
 * @num_iov: pieces of guest memory in @iov from index 1 on
 * @len: bytes in the buffers
 * @seg: segment that the last buffer ends in
 * @seg_bufs: buffers of that segment so far, with one for the headers
 * @last: ring index of its last descriptor
 * @last_qw1: second quad word of that
 * @next: ring index behind the packet
 * @re_idx: ring index to be reported, -1: none
 * @tag: completion tag
 * @done: the driver wants to be told when it is done
 * @eop: its last descriptor is there
 * @bad: not to be sent
 * @off: what is asked of the engines
 * @head: the NIC's copy of the packet's first bytes, zeros behind a short one
 * @iov: the packet; what stands before the first piece is room for @head
 */
struct tx_packet {
	unsigned int num_desc;
	unsigned int num_bufs;
	unsigned int num_iov;
	u32 len;
	u32 seg;
	unsigned int seg_bufs;
	u16 last;
	u64 last_qw1;
	u16 next;
	int re_idx;
	u16 tag;
	bool done;
	bool eop;
	bool bad;
	struct tx_offload off;
	u8 head[PARSE_MAX_BYTES];
	struct iovec iov[1 + TX_MAX_IOV];
};

/**
 * struct tx_format - a descriptor format
 * @ring_prot: what the NIC does with the ring, DMA_PROT_*
 * @decode: understand a descriptor; false if its type is unknown
 * @get_tso: context with tso: what it says about segmentation
 * @get_layout: first data descriptor with csum: where it says that the headers
 *	are; NULL: the format has no fields for that
 * @complete: tell the driver that a packet is done; false if that failed
 */
struct tx_format {
	unsigned int ring_prot;
	bool (*decode)(const struct idpf_tx_desc_raw *raw,
		       struct tx_desc *desc);
	void (*get_tso)(const struct idpf_tx_desc_raw *raw,
			struct tx_offload *off);
	void (*get_layout)(const struct idpf_tx_desc_raw *raw,
			   struct tx_offload *off);
	bool (*complete)(struct txq *txq, const struct tx_packet *pkt);
};

const struct tx_format *tx_format_get(const struct nic_model *model,
				      const struct queue_cfg *cfg);
bool tx_complete_marker(struct txq *txq);

/* Marks a packet as not to be sent, for the first reason found */
#define tx_bad(txq, pkt, cause, fmt, ...) do {				\
	const struct queue *q_ = &(txq)->q;				\
									\
	(pkt)->bad = true;						\
	report_error(q_->port, cause, "tx queue %u: " fmt, q_->id,	\
		     ##__VA_ARGS__);					\
} while (0)

/**
 * struct tx_turn - a queue's turn at sending
 * @budget: frames after which the turn ends
 * @frames: frames sent, or packets dropped, so far
 * @may_wait: a frame may be kept until the receiver has a buffer
 * @discard: packets are completed but not sent
 */
struct tx_turn {
	unsigned int budget;
	unsigned int frames;
	bool may_wait;
	bool discard;
};

/* tx.c, for tx_offload.c */
bool tx_emit(struct txq *txq, struct tx_turn *turn, struct frame *frame);

/* tx_offload.c */
bool tx_checksum(struct txq *txq, struct tx_packet *pkt,
		 const struct frame *frame);
bool tx_segment(struct txq *txq, struct tx_turn *turn, struct tx_packet *pkt);

#endif /* IDPF_NIC_TX_H */
