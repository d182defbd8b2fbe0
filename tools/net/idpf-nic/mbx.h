/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mailbox: the two control queues.  Knows descriptors and buffers, and no opcode
 * but RESET_VF.
 *
 * Context of everything here: data thread, nic->lock held.
 */

#ifndef IDPF_NIC_MBX_H
#define IDPF_NIC_MBX_H

#include "../../../include/wto/desc.h"
#include "dma.h"

/* replies and events that wait for a receive buffer; with as many waiting no
 * further request is taken
 */
#define MBX_MAX_WAITING		64
#define MBX_MAX_EVENTS		64	/* of these, events from the device */

struct nic_port;

/**
 * struct mbx_msg - a message in either direction
 * @opcode: virtchnl2 operation
 * @retval: status, 0 is success; replies only
 * @cookie: echoed in the reply
 * @len: bytes of @data
 * @data: payload
 */
struct mbx_msg {
	u32 opcode;
	u32 retval;
	u16 cookie;
	u16 len;
	u8 data[IDPF_CTLQ_BUF_SIZE] __aligned(8);
};

/**
 * struct mbx_item - a message that waits for a buffer of the driver
 * @next: in order of time
 * @msg: the message
 */
struct mbx_item {
	struct mbx_item *next;
	struct mbx_msg msg;
};

/**
 * struct mbx - state of the two rings
 * @head: first waiting message
 * @tail: where the next one is linked in
 * @num_waiting: messages in the list
 * @atq_hint: where the send ring and its buffers are
 * @arq_hint: where the receive ring and its buffers are
 * @num_requests: messages from the driver
 * @num_replies: messages to the driver
 * @req: the request being worked on
 * @rsp: its reply
 */
struct mbx {
	struct mbx_item *head;
	struct mbx_item **tail;
	unsigned int num_waiting;
	struct dma_hint atq_hint;
	struct dma_hint arq_hint;
	u64 num_requests;
	u64 num_replies;
	struct mbx_msg req;
	struct mbx_msg rsp;
};

void mbx_init(struct nic_port *port);
void mbx_reset(struct nic_port *port);

/**
 * mbx_run() - take requests, deliver what waits
 * @port: the port
 *
 * Return: true if there is more to do at once.
 */
bool mbx_run(struct nic_port *port);

/**
 * mbx_take_reset() - carry RESET_VF out at once, if the driver has sent it
 * @port: the port, whose send tail has just been written
 *
 * What stands before it in the ring has no effect that would outlive it.
 *
 * Context: io thread, nic->lock held.
 * Return: true if the function was reset.
 */
bool mbx_take_reset(struct nic_port *port);

/**
 * mbx_send() - send a message to the driver
 * @port: the port
 * @msg: the message, copied
 *
 * Return: 0, or -ENOBUFS if too many wait (counted).
 */
int mbx_send(struct nic_port *port, const struct mbx_msg *msg);

#endif /* IDPF_NIC_MBX_H */
