/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transmit: a packet on its way, and the seam between packets and descriptors.
 */

#ifndef IDPF_NIC_TX_H
#define IDPF_NIC_TX_H

#include "parse.h"
#include "queue.h"
#include "wire.h"

enum tx_kind {
	TX_KIND_DATA,
	TX_KIND_CTX,
};

/**
 * struct tx_desc - one descriptor, whatever its format
 * @kind: data or context
 * @eop: last one of the packet
 * @csum: checksum offload is asked for
 * @offload: something else is asked for that needs an engine
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
	bool offload;
	bool report_done;
	bool report_head;
	u16 tag;
	u32 len;
	u64 addr;
};

/**
 * struct tx_packet - a packet between the ring and the wire
 * @num_desc: descriptors looked at
 * @num_bufs: data buffers
 * @num_iov: pieces of guest memory in @iov from index 1 on
 * @len: bytes in the buffers
 * @last: ring index of its last descriptor
 * @last_qw1: second quad word of that
 * @next: ring index behind the packet
 * @re_idx: ring index to be reported, -1: none
 * @tag: completion tag
 * @done: the driver wants to be told when it is done
 * @eop: its last descriptor is there
 * @bad: not to be sent
 * @head: the NIC's copy of the packet's first bytes, zeros behind a short one
 * @iov: the packet; what stands before the first piece is room for @head
 */
struct tx_packet {
	unsigned int num_desc;
	unsigned int num_bufs;
	unsigned int num_iov;
	u32 len;
	u16 last;
	u64 last_qw1;
	u16 next;
	int re_idx;
	u16 tag;
	bool done;
	bool eop;
	bool bad;
	u8 head[PARSE_MAX_BYTES];
	struct iovec iov[1 + FRAME_MAX_IOV];
};

/**
 * struct tx_format - a descriptor format
 * @ring_prot: what the NIC does with the ring, DMA_PROT_*
 * @decode: understand a descriptor; false if its type is unknown
 * @complete: tell the driver that a packet is done; false if that failed
 */
struct tx_format {
	unsigned int ring_prot;
	bool (*decode)(const struct idpf_tx_desc_raw *raw,
		       struct tx_desc *desc);
	bool (*complete)(struct txq *txq, const struct tx_packet *pkt);
};

const struct tx_format *tx_format_get(const struct nic_port *port,
				      const struct queue_cfg *cfg);
bool tx_complete_marker(struct txq *txq);

#endif /* IDPF_NIC_TX_H */
