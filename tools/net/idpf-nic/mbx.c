// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mailbox.
 *
 * ATQ (send queue, towards us): fetch descriptor -> copy the message -> hand it
 * to the control plane -> write the descriptor back.
 * ARQ (receive queue): a message takes the next buffer that the driver posted;
 * without one it waits.  While many wait, no requests are taken, so nothing a
 * driver does can make us forget an answer or grow without bound.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "nic.h"

#define MBX_BUDGET	32	/* requests in a round */
/* ... and how long it may take before the rest has to wait for the next one:
 * some requests are much work
 */
#define MBX_MAX_NS	20000000ULL

/**
 * struct mbx_ring - the registers of one ring, read once and checked
 * @addr: guest address
 * @len: descriptors
 * @head: next descriptor for us
 * @tail: first descriptor that is not ours
 */
struct mbx_ring {
	u64 addr;
	u32 len;
	u32 head;
	u32 tail;
};

void mbx_init(struct nic_port *port)
{
	port->mbx.tail = &port->mbx.head;
}

void mbx_reset(struct nic_port *port)
{
	struct mbx *mbx = &port->mbx;

	while (mbx->head) {
		struct mbx_item *item = mbx->head;

		mbx->head = item->next;
		g_free(item);
	}
	mbx->tail = &mbx->head;
	mbx->num_waiting = 0;
}

/*
 * Read the registers of a ring.  Returns false if it is off or makes no sense;
 * then the driver finds the critical error bit in its length register.
 */
static bool mbx_ring_get(struct nic_port *port, bool send, struct mbx_ring *ring)
{
	/* the registers of either ring stand in the same order */
	_Atomic u32 *reg = &port->bar.mbx[send ? BAR_ATQBAL : BAR_ARQBAL];
	u32 len = atomic_load(&reg[BAR_ARQLEN]);

	if (!(len & IDPF_CTLQ_LEN_ENABLE) || (len & IDPF_CTLQ_LEN_CRIT))
		return false;
	ring->addr = (u64)atomic_load(&reg[BAR_ARQBAH]) << 32 |
		     atomic_load(&reg[BAR_ARQBAL]);
	ring->len = FIELD_GET(IDPF_ARQLEN_LEN, len);
	ring->head = atomic_load(&reg[BAR_ARQH]);
	ring->tail = atomic_load(&reg[BAR_ARQT]);
	if (ring->head < ring->len && ring->tail < ring->len &&
	    !(ring->addr % sizeof(struct idpf_ctlq_desc)))
		return true;
	report_error(port, REPORT_MBX_RING,
		     "%s ring at 0x%llx: length %u, head %u, tail %u",
		     send ? "send" : "receive",
		     (unsigned long long)ring->addr, ring->len, ring->head,
		     ring->tail);
	atomic_fetch_or(&reg[BAR_ARQLEN], IDPF_CTLQ_LEN_CRIT);
	return false;
}

static_assert(BAR_ATQBAL - BAR_ARQBAL == BAR_ARQT + 1 &&
	      BAR_ATQBAH - BAR_ATQBAL == BAR_ARQBAH &&
	      BAR_ATQLEN - BAR_ATQBAL == BAR_ARQLEN &&
	      BAR_ATQH - BAR_ATQBAL == BAR_ARQH &&
	      BAR_ATQT - BAR_ATQBAL == BAR_ARQT && !BAR_ARQBAL,
	      "the order that mbx_ring_get() relies on");

/* Move a head.  The driver cannot have given us another ring meanwhile: all
 * registers but the tails change between two rounds only.
 */
static void mbx_advance(struct nic_port *port, bool send,
			const struct mbx_ring *ring)
{
	u32 next = ring->head + 1 == ring->len ? 0 : ring->head + 1;

	atomic_store(&port->bar.mbx[send ? BAR_ATQH : BAR_ARQH], next);
}

static struct idpf_ctlq_desc *mbx_desc(struct nic_port *port, bool send,
				       const struct mbx_ring *ring)
{
	struct mbx *mbx = &port->mbx;
	struct idpf_ctlq_desc *desc;

	desc = dma_ptr(port, send ? &mbx->atq_hint : &mbx->arq_hint,
		       ring->addr + (u64)ring->head * sizeof(*desc),
		       sizeof(*desc), DMA_PROT_READ | DMA_PROT_WRITE);
	if (!desc)
		atomic_fetch_or(&port->bar.mbx[send ? BAR_ATQLEN : BAR_ARQLEN],
				IDPF_CTLQ_LEN_CRIT);
	return desc;
}

static u64 mbx_buf_addr(const struct idpf_ctlq_desc *desc)
{
	return (u64)le32_to_cpu(desc->addr_high) << 32 |
	       le32_to_cpu(desc->addr_low);
}

/* ------------------------------------------------------------------ */
/* To the driver                                                        */

/* Copy the payload; without a usable buffer the driver gets an error status */
static bool mbx_fill_buf(struct nic_port *port,
			 const struct idpf_ctlq_desc *desc,
			 const struct mbx_msg *msg)
{
	u16 room = le16_to_cpu(desc->datalen);
	void *buf;

	if (room < msg->len) {
		report_error(port, REPORT_MBX_DESC,
			     "receive buffer of %u bytes for %u", room, msg->len);
		return false;
	}
	buf = dma_ptr(port, &port->mbx.arq_hint, mbx_buf_addr(desc), msg->len,
		      DMA_PROT_WRITE);
	if (!buf)
		return false;
	memcpy(buf, msg->data, msg->len);
	return true;
}

/* Deliver a message now.  Returns false if there is no descriptor for it. */
static bool mbx_deliver(struct nic_port *port, const struct mbx_msg *msg)
{
	u16 flags = IDPF_CTLQ_FLAG_DD | IDPF_CTLQ_FLAG_CMP;
	struct idpf_ctlq_desc *slot, desc;
	u32 retval = msg->retval;
	struct mbx_ring ring;
	u16 len = msg->len;

	if (!mbx_ring_get(port, false, &ring) || ring.head == ring.tail)
		return false;
	slot = mbx_desc(port, false, &ring);
	if (!slot)
		return false;
	memcpy(&desc, slot, sizeof(desc));
	if (len && !mbx_fill_buf(port, &desc, msg)) {
		len = 0;
		retval = retval ?: CP_ENOSPC;
	}
	if (len)
		flags |= IDPF_CTLQ_FLAG_BUF;

	desc.opcode = cpu_to_le16(IDPF_CTLQ_OP_SEND_TO_PEER);
	desc.datalen = cpu_to_le16(len);
	desc.func_id = 0;
	desc.vc_opcode = cpu_to_le32(FIELD_PREP(IDPF_CTLQ_VC_OPCODE, msg->opcode));
	desc.vc_retval = cpu_to_le32(retval);
	desc.param0 = 0;
	desc.sw_cookie = cpu_to_le16(msg->cookie);
	desc.vc_flags = 0;
	/* all but the flags, then the flags: the driver polls for DD */
	memcpy((u8 *)slot + sizeof(slot->flags), (u8 *)&desc + sizeof(desc.flags),
	       sizeof(desc) - sizeof(desc.flags));
	__atomic_store_n((u16 *)&slot->flags, cpu_to_le16(flags),
			 __ATOMIC_RELEASE);
	mbx_advance(port, false, &ring);
	port->mbx.num_replies++;
	irq_mark(&port->irq, IRQ_MBX_VECTOR, IRQ_ITR_NONE);
	return true;
}

static void mbx_deliver_waiting(struct nic_port *port)
{
	struct mbx *mbx = &port->mbx;

	while (mbx->head && mbx_deliver(port, &mbx->head->msg)) {
		struct mbx_item *item = mbx->head;

		mbx->head = item->next;
		if (!mbx->head)
			mbx->tail = &mbx->head;
		mbx->num_waiting--;
		g_free(item);
	}
}

int mbx_send(struct nic_port *port, const struct mbx_msg *msg)
{
	struct mbx *mbx = &port->mbx;
	struct mbx_item *item;

	if (!mbx->head && nic_port_may_dma(port) && mbx_deliver(port, msg))
		return 0;
	if (mbx->num_waiting >= MBX_MAX_WAITING + MBX_MAX_EVENTS) {
		report_error(port, REPORT_MBX_OVERFLOW, "%s is lost",
			     cp_opcode_name(msg->opcode));
		return -ENOBUFS;
	}
	item = g_new(struct mbx_item, 1);
	item->next = NULL;
	item->msg = *msg;
	*mbx->tail = item;
	mbx->tail = &item->next;
	mbx->num_waiting++;
	return 0;
}

/* ------------------------------------------------------------------ */
/* From the driver                                                      */

/* Copy a request out of guest memory.  Returns false if that is impossible. */
static bool mbx_fetch(struct nic_port *port, const struct idpf_ctlq_desc *desc,
		      struct mbx_msg *req)
{
	u16 opcode = le16_to_cpu(desc->opcode);
	u16 len = le16_to_cpu(desc->datalen);
	const void *buf;

	req->opcode = FIELD_GET(IDPF_CTLQ_VC_OPCODE,
				le32_to_cpu(desc->vc_opcode));
	req->cookie = le16_to_cpu(desc->sw_cookie);
	req->retval = 0;
	req->len = 0;
	if (opcode != IDPF_CTLQ_OP_SEND_TO_CP) {
		report_error(port, REPORT_MBX_DESC, "queue operation 0x%x", opcode);
		return false;
	}
	if (!(le16_to_cpu(desc->flags) & IDPF_CTLQ_FLAG_BUF) || !len)
		return true;
	if (len > sizeof(req->data)) {
		report_error(port, REPORT_MBX_DESC, "message of %u bytes", len);
		return false;
	}
	buf = dma_ptr(port, &port->mbx.atq_hint, mbx_buf_addr(desc), len,
		      DMA_PROT_READ);
	if (!buf)
		return false;
	memcpy(req->data, buf, len);
	req->len = len;
	return true;
}

/* Take one request.  Returns false if there is none. */
static bool mbx_take(struct nic_port *port)
{
	struct mbx *mbx = &port->mbx;
	struct idpf_ctlq_desc *slot, desc;
	struct mbx_ring ring;
	bool fetched, reply = true;
	u16 flags;

	if (!mbx_ring_get(port, true, &ring) || ring.head == ring.tail)
		return false;
	slot = mbx_desc(port, true, &ring);
	if (!slot)
		return false;
	memcpy(&desc, slot, sizeof(desc));

	fetched = mbx_fetch(port, &desc, &mbx->req);
	memset(&mbx->rsp, 0, sizeof(mbx->rsp));
	mbx->rsp.opcode = mbx->req.opcode;
	mbx->rsp.cookie = mbx->req.cookie;
	flags = le16_to_cpu(desc.flags) | IDPF_CTLQ_FLAG_DD | IDPF_CTLQ_FLAG_CMP;
	if (!fetched)
		flags |= IDPF_CTLQ_FLAG_ERR;
	slot->func_id = cpu_to_le16(fetched ? CP_OK : CP_EINVAL);
	__atomic_store_n((u16 *)&slot->flags, cpu_to_le16(flags),
			 __ATOMIC_RELEASE);
	mbx_advance(port, true, &ring);
	mbx->num_requests++;

	if (!fetched)
		mbx->rsp.retval = CP_EINVAL;
	else if (!fault_on_request(port, &mbx->rsp))
		reply = cp_handle(port, &mbx->req, &mbx->rsp);
	if (reply && !fault_on_reply(port, &mbx->rsp))
		mbx_send(port, &mbx->rsp);
	cp_send_events(port);
	return true;
}

bool mbx_take_reset(struct nic_port *port)
{
	struct mbx_ring ring;

	if (!nic_port_may_dma(port) || fault_in_reset(&port->fault) ||
	    !mbx_ring_get(port, true, &ring))
		return false;
	for (; ring.head != ring.tail;
	     ring.head = ring.head + 1 == ring.len ? 0 : ring.head + 1) {
		struct idpf_ctlq_desc *slot = mbx_desc(port, true, &ring);

		if (!slot)
			return false;
		if (slot->opcode != cpu_to_le16(IDPF_CTLQ_OP_SEND_TO_CP) ||
		    FIELD_GET(IDPF_CTLQ_VC_OPCODE, le32_to_cpu(slot->vc_opcode)) !=
		    VC2_OP_RESET_VF)
			continue;
		slot->func_id = cpu_to_le16(CP_OK);
		__atomic_fetch_or((u16 *)&slot->flags,
				  cpu_to_le16(IDPF_CTLQ_FLAG_DD |
					      IDPF_CTLQ_FLAG_CMP),
				  __ATOMIC_RELEASE);
		port->mbx.num_requests++;
		report_trace(port, "RESET_VF");
		nic_port_reset(port);
		return true;
	}
	return false;
}

bool mbx_run(struct nic_port *port)
{
	struct mbx *mbx = &port->mbx;
	unsigned int budget = MBX_BUDGET;
	u64 start_ns;

	if (!atomic_load_explicit(&port->kick.mbx, memory_order_relaxed))
		return false;
	atomic_store(&port->kick.mbx, false);
	if (fault_in_reset(&port->fault))
		return false;
	if (!nic_port_may_dma(port)) {
		if (atomic_load(&port->bar.mbx[BAR_ATQLEN]) & IDPF_CTLQ_LEN_ENABLE)
			report_error(port, REPORT_DMA_NO_MASTER, "mailbox");
		return false;
	}
	mbx_deliver_waiting(port);
	cp_send_events(port);
	start_ns = nic_now_ns();
	while (mbx->num_waiting < MBX_MAX_WAITING && mbx_take(port)) {
		if (!--budget || nic_now_ns() - start_ns > MBX_MAX_NS) {
			atomic_store(&port->kick.mbx, true);
			return true;
		}
	}
	return false;
}
