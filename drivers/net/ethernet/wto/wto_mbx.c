// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mailbox: two rings of control descriptors, and transactions over them.
 *
 * Requests go out on the ATQ, replies and events come in on the ARQ.  A reply
 * belongs to the request whose cookie it echoes: the index of a transaction
 * and a salt that changes with every use of it.
 *
 * The ARQ is drained by the thread of the mailbox interrupt.  Those who wait
 * for a reply drain it too: before there is an interrupt it is the only way,
 * later it makes up for a lost one.
 */

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>

#include <wto/regs.h>

#include "wto_hw.h"
#include "wto_mbx.h"

#define WTO_MBX_POLL_US		200	/* without interrupt */
#define WTO_MBX_LAZY_POLL_MS	100	/* with interrupt */
#define WTO_MBX_HEALTH_MS	500	/* a waiter looks after the device */
#define WTO_MBX_ROOM_MS		1000	/* wait for a free descriptor */

/* Cookie of a message to which there is no reply: no such transaction */
#define WTO_MBX_COOKIE_NONE	0xffff
#define WTO_MBX_COOKIE_IDX	GENMASK(7, 0)
#define WTO_MBX_COOKIE_SALT	GENMASK(15, 8)

static void wto_mbx_count(struct wto_mbx *mbx, u64 *counter)
{
	spin_lock(&mbx->xn_lock);
	(*counter)++;
	spin_unlock(&mbx->xn_lock);
}

/**
 * wto_mbx_count_malformed - a reply was found to be impossible by its reader
 * @mbx: mailbox
 *
 * Context: Process.
 */
void wto_mbx_count_malformed(struct wto_mbx *mbx)
{
	wto_mbx_count(mbx, &mbx->stats.malformed);
}

static u16 wto_mbx_next(u16 idx)
{
	return idx + 1 == WTO_MBX_RING_LEN ? 0 : idx + 1;
}

static void __iomem *wto_mbx_reg(struct wto_mbx *mbx, u32 offset)
{
	/* in the static window that wto_hw_init() maps, cannot fail */
	return wto_hw_reg(mbx->hw, offset);
}

static void wto_mbx_ring_free(struct wto_mbx *mbx, struct wto_mbx_ring *ring)
{
	int i;

	for (i = 0; i < WTO_MBX_RING_LEN; i++)
		if (ring->buf[i])
			dma_free_coherent(mbx->dev, WTO_MBX_BUF_SIZE,
					  ring->buf[i], ring->buf_dma[i]);
	if (ring->desc)
		dma_free_coherent(mbx->dev,
				  WTO_MBX_RING_LEN * sizeof(*ring->desc),
				  ring->desc, ring->desc_dma);
	memset(ring, 0, sizeof(*ring));
}

static int wto_mbx_ring_alloc(struct wto_mbx *mbx, struct wto_mbx_ring *ring)
{
	int i;

	ring->desc = dma_alloc_coherent(mbx->dev, WTO_MBX_RING_LEN *
					sizeof(*ring->desc), &ring->desc_dma,
					GFP_KERNEL);
	if (!ring->desc)
		return -ENOMEM;

	for (i = 0; i < WTO_MBX_RING_LEN; i++) {
		ring->buf[i] = dma_alloc_coherent(mbx->dev, WTO_MBX_BUF_SIZE,
						  &ring->buf_dma[i],
						  GFP_KERNEL);
		if (!ring->buf[i])
			return -ENOMEM;
	}

	return 0;
}

/**
 * wto_mbx_init - allocate the mailbox
 * @mbx: zeroed but for @on_event and @ctx
 * @hw: registers, with the static windows mapped
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM, and nothing is left behind.
 */
int wto_mbx_init(struct wto_mbx *mbx, struct wto_hw *hw)
{
	int err;
	int i;

	mbx->dev = hw->dev;
	mbx->hw = hw;
	mutex_init(&mbx->atq_lock);
	mutex_init(&mbx->arq_lock);
	spin_lock_init(&mbx->xn_lock);
	init_waitqueue_head(&mbx->slots);
	for (i = 0; i < WTO_MBX_NUM_XN; i++)
		init_completion(&mbx->xn[i].done);

	err = wto_mbx_ring_alloc(mbx, &mbx->atq);
	if (!err)
		err = wto_mbx_ring_alloc(mbx, &mbx->arq);
	if (err) {
		wto_mbx_exit(mbx);
		return err;
	}
	mbx->atq.regs = &hw->layout->atq;
	mbx->arq.regs = &hw->layout->arq;

	return 0;
}

/**
 * wto_mbx_exit - free the mailbox
 * @mbx: stopped mailbox
 *
 * Context: Process, may sleep.
 */
void wto_mbx_exit(struct wto_mbx *mbx)
{
	wto_mbx_ring_free(mbx, &mbx->arq);
	wto_mbx_ring_free(mbx, &mbx->atq);
}

/* Give descriptor @idx of the receive ring its buffer */
static void wto_mbx_post_buf(struct wto_mbx *mbx, u16 idx)
{
	struct idpf_ctlq_desc *desc = &mbx->arq.desc[idx];

	memset(desc, 0, sizeof(*desc));
	desc->flags = cpu_to_le16(IDPF_CTLQ_FLAG_BUF | IDPF_CTLQ_FLAG_RD);
	desc->datalen = cpu_to_le16(WTO_MBX_BUF_SIZE);
	desc->addr_high = cpu_to_le32(upper_32_bits(mbx->arq.buf_dma[idx]));
	desc->addr_low = cpu_to_le32(lower_32_bits(mbx->arq.buf_dma[idx]));
}

static void wto_mbx_ring_start(struct wto_mbx *mbx, struct wto_mbx_ring *ring,
			       u16 tail)
{
	const struct wto_hw_mbx_regs *regs = ring->regs;

	writel(tail, wto_mbx_reg(mbx, regs->tail));
	writel(0, wto_mbx_reg(mbx, regs->head));
	writel(lower_32_bits(ring->desc_dma), wto_mbx_reg(mbx, regs->bal));
	writel(upper_32_bits(ring->desc_dma), wto_mbx_reg(mbx, regs->bah));
	writel(WTO_MBX_RING_LEN | IDPF_CTLQ_LEN_ENABLE,
	       wto_mbx_reg(mbx, regs->len));
}

static void wto_mbx_ring_stop(struct wto_mbx *mbx, struct wto_mbx_ring *ring)
{
	if (wto_hw_gone(mbx->hw))
		return;

	writel(0, wto_mbx_reg(mbx, ring->regs->len));
	/* flush: after this the device uses the ring no longer */
	readl(wto_mbx_reg(mbx, ring->regs->len));
}

/**
 * wto_mbx_start - give the rings to the device
 * @mbx: stopped mailbox; the function is out of reset
 *
 * Context: Process, may sleep.
 * Return: 0, or -EIO if the device does not take the rings.
 */
int wto_mbx_start(struct wto_mbx *mbx)
{
	int i;

	memset(mbx->atq.desc, 0, WTO_MBX_RING_LEN * sizeof(*mbx->atq.desc));
	mbx->atq.next = 0;
	mbx->atq.clean = 0;
	for (i = 0; i < WTO_MBX_RING_LEN; i++)
		wto_mbx_post_buf(mbx, i);
	mbx->arq.next = 0;
	mbx->arq.clean = WTO_MBX_RING_LEN - 1;

	wto_mbx_ring_start(mbx, &mbx->atq, 0);
	wto_mbx_ring_start(mbx, &mbx->arq, mbx->arq.clean);
	if (wto_mbx_health(mbx)) {
		wto_mbx_ring_stop(mbx, &mbx->arq);
		wto_mbx_ring_stop(mbx, &mbx->atq);
		return -EIO;
	}

	spin_lock(&mbx->xn_lock);
	mbx->up = true;
	spin_unlock(&mbx->xn_lock);

	return 0;
}

/**
 * wto_mbx_abort - end every exchange at once, and refuse new ones
 * @mbx: mailbox
 * @err: what the waiters get, a negative errno
 *
 * Context: Process.
 */
void wto_mbx_abort(struct wto_mbx *mbx, int err)
{
	int i;

	spin_lock(&mbx->xn_lock);
	mbx->up = false;
	for (i = 0; i < WTO_MBX_NUM_XN; i++) {
		struct wto_mbx_xn *xn = &mbx->xn[i];

		if (xn->state != WTO_MBX_XN_WAITING)
			continue;
		xn->err = err;
		xn->state = WTO_MBX_XN_DONE;
		complete(&xn->done);
	}
	spin_unlock(&mbx->xn_lock);
	wake_up_all(&mbx->slots);
}

/**
 * wto_mbx_stop - take the rings back from the device
 * @mbx: mailbox, may be stopped already
 *
 * Context: Process, may sleep.
 */
void wto_mbx_stop(struct wto_mbx *mbx)
{
	wto_mbx_abort(mbx, -EIO);

	mutex_lock(&mbx->atq_lock);
	wto_mbx_ring_stop(mbx, &mbx->atq);
	mutex_unlock(&mbx->atq_lock);

	mutex_lock(&mbx->arq_lock);
	wto_mbx_ring_stop(mbx, &mbx->arq);
	mutex_unlock(&mbx->arq_lock);
}

/**
 * wto_mbx_health - has the device forgotten or refused the receive ring?
 * @mbx: started mailbox
 *
 * Context: Any.
 * Return: 0 if all is well, -ENETRESET if the function was reset behind our
 * back, -EIO if the device reports an error of the ring.
 */
int wto_mbx_health(struct wto_mbx *mbx)
{
	u32 val = readl(wto_mbx_reg(mbx, mbx->arq.regs->len));

	/* no answer at all is for wto_hw_check() to judge */
	if (val == U32_MAX)
		return 0;
	if (!(val & IDPF_ARQLEN_LEN))
		return -ENETRESET;
	if (val & (IDPF_CTLQ_LEN_VFE | IDPF_CTLQ_LEN_OVFL |
		   IDPF_CTLQ_LEN_CRIT)) {
		dev_err_ratelimited(mbx->dev, "mailbox error reported by the device (ARQLEN %#x)\n",
				    val);
		return -EIO;
	}

	return 0;
}

/* Hand a reply to its waiter.  Return: false if nobody waits for it. */
static bool wto_mbx_reply(struct wto_mbx *mbx, const struct idpf_ctlq_desc *desc,
			  const void *buf, size_t len)
{
	u32 opcode = FIELD_GET(IDPF_CTLQ_VC_OPCODE,
			       le32_to_cpu(desc->vc_opcode));
	u16 cookie = le16_to_cpu(desc->sw_cookie);
	u16 idx = FIELD_GET(WTO_MBX_COOKIE_IDX, cookie);
	struct wto_mbx_xn *xn;
	bool found = false;

	if (idx >= WTO_MBX_NUM_XN)
		return false;
	xn = &mbx->xn[idx];

	spin_lock(&mbx->xn_lock);
	if (xn->state == WTO_MBX_XN_WAITING && xn->msg->opcode == opcode &&
	    xn->salt == FIELD_GET(WTO_MBX_COOKIE_SALT, cookie)) {
		struct wto_mbx_msg *msg = xn->msg;

		msg->retval = le32_to_cpu(desc->vc_retval);
		msg->reply_len = len;
		if (msg->reply)
			memcpy(msg->reply, buf, min(len, msg->reply_max));
		if (msg->retval)
			mbx->stats.refused++;
		xn->err = 0;
		xn->state = WTO_MBX_XN_DONE;
		complete(&xn->done);
		found = true;
	}
	spin_unlock(&mbx->xn_lock);

	return found;
}

/* The device could still write to a descriptor: take a copy, by one read of
 * each word
 */
static struct idpf_ctlq_desc wto_mbx_copy_desc(const struct idpf_ctlq_desc *from)
{
	const u64 *src = (const u64 *)from;
	struct idpf_ctlq_desc desc;
	unsigned int i;

	BUILD_BUG_ON(sizeof(desc) % sizeof(u64));
	for (i = 0; i < sizeof(desc) / sizeof(u64); i++)
		((u64 *)&desc)[i] = READ_ONCE(src[i]);

	return desc;
}

static void wto_mbx_receive(struct wto_mbx *mbx, u16 idx)
{
	const struct idpf_ctlq_desc desc =
		wto_mbx_copy_desc(&mbx->arq.desc[idx]);
	u16 flags = le16_to_cpu(desc.flags);
	u32 opcode = FIELD_GET(IDPF_CTLQ_VC_OPCODE,
			       le32_to_cpu(desc.vc_opcode));
	size_t len = le16_to_cpu(desc.datalen);

	wto_mbx_count(mbx, &mbx->stats.received);
	if (len > WTO_MBX_BUF_SIZE || (flags & IDPF_CTLQ_FLAG_ERR)) {
		wto_mbx_count(mbx, &mbx->stats.malformed);
		dev_err_ratelimited(mbx->dev, "mailbox: message %u with impossible length %zu or error flag (flags %#x)\n",
				    opcode, len, flags);
		return;
	}
	if (!(flags & IDPF_CTLQ_FLAG_BUF))
		len = 0;

	if (wto_mbx_reply(mbx, &desc, mbx->arq.buf[idx], len))
		return;
	if (mbx->on_event && mbx->on_event(mbx->ctx, opcode,
					   mbx->arq.buf[idx], len))
		return;

	wto_mbx_count(mbx, &mbx->stats.stray);
	dev_warn_ratelimited(mbx->dev, "mailbox: nobody waits for message %u (cookie %#x)\n",
			     opcode, le16_to_cpu(desc.sw_cookie));
}

/**
 * wto_mbx_drain - take what the device sent
 * @mbx: mailbox
 *
 * Does nothing if the mailbox is not up.  Replies go to their waiters, other
 * messages to on_event.
 *
 * Context: Process, may sleep.
 */
void wto_mbx_drain(struct wto_mbx *mbx)
{
	struct wto_mbx_ring *arq = &mbx->arq;
	int budget = 2 * WTO_MBX_RING_LEN;
	bool any = false;

	mutex_lock(&mbx->arq_lock);
	while (READ_ONCE(mbx->up) && budget--) {
		struct idpf_ctlq_desc *desc = &arq->desc[arq->next];

		if (!(le16_to_cpu(READ_ONCE(desc->flags)) & IDPF_CTLQ_FLAG_DD))
			break;
		/* the rest of the descriptor and its buffer after the flag */
		dma_rmb();
		wto_mbx_receive(mbx, arq->next);
		arq->next = wto_mbx_next(arq->next);
		wto_mbx_post_buf(mbx, arq->clean);
		arq->clean = wto_mbx_next(arq->clean);
		any = true;
	}
	if (any && READ_ONCE(mbx->up))
		writel(arq->clean, wto_mbx_reg(mbx, arq->regs->tail));
	mutex_unlock(&mbx->arq_lock);
}

static bool wto_mbx_has_room(struct wto_mbx_ring *atq)
{
	while (atq->clean != atq->next &&
	       (le16_to_cpu(READ_ONCE(atq->desc[atq->clean].flags)) &
		IDPF_CTLQ_FLAG_DD))
		atq->clean = wto_mbx_next(atq->clean);

	return wto_mbx_next(atq->next) != atq->clean;
}

static int wto_mbx_wait_room(struct wto_mbx *mbx)
{
	unsigned long end = jiffies + msecs_to_jiffies(WTO_MBX_ROOM_MS);

	while (!wto_mbx_has_room(&mbx->atq)) {
		if (!READ_ONCE(mbx->up))
			return -EIO;
		if (time_after(jiffies, end)) {
			dev_err_ratelimited(mbx->dev, "mailbox: the device does not take messages\n");
			return -EBUSY;
		}
		usleep_range(WTO_MBX_POLL_US, 2 * WTO_MBX_POLL_US);
	}

	return 0;
}

/* Put one message on the ring and ring the doorbell */
static int wto_mbx_post(struct wto_mbx *mbx, u32 opcode, u16 cookie,
			const void *req, size_t len)
{
	struct wto_mbx_ring *atq = &mbx->atq;
	struct idpf_ctlq_desc *desc;
	int err;

	mutex_lock(&mbx->atq_lock);
	err = wto_mbx_wait_room(mbx);
	if (!err && !READ_ONCE(mbx->up))
		err = -EIO;
	if (err)
		goto unlock;

	desc = &atq->desc[atq->next];
	memset(desc, 0, sizeof(*desc));
	desc->opcode = cpu_to_le16(IDPF_CTLQ_OP_SEND_TO_CP);
	desc->vc_opcode = cpu_to_le32(FIELD_PREP(IDPF_CTLQ_VC_OPCODE, opcode));
	desc->sw_cookie = cpu_to_le16(cookie);
	if (len) {
		memcpy(atq->buf[atq->next], req, len);
		desc->datalen = cpu_to_le16(len);
		desc->addr_high =
			cpu_to_le32(upper_32_bits(atq->buf_dma[atq->next]));
		desc->addr_low =
			cpu_to_le32(lower_32_bits(atq->buf_dma[atq->next]));
		desc->flags = cpu_to_le16(IDPF_CTLQ_FLAG_BUF |
					  IDPF_CTLQ_FLAG_RD);
	}
	atq->next = wto_mbx_next(atq->next);
	wto_mbx_count(mbx, &mbx->stats.sent);
	/* writel() orders it after the descriptor and the buffer */
	writel(atq->next, wto_mbx_reg(mbx, atq->regs->tail));

unlock:
	mutex_unlock(&mbx->atq_lock);
	return err;
}

static struct wto_mbx_xn *wto_mbx_find_xn(struct wto_mbx *mbx,
					  struct wto_mbx_msg *msg)
{
	struct wto_mbx_xn *found = NULL;
	int i;

	spin_lock(&mbx->xn_lock);
	for (i = 0; i < WTO_MBX_NUM_XN && mbx->up; i++) {
		if (mbx->xn[i].state != WTO_MBX_XN_FREE)
			continue;
		found = &mbx->xn[i];
		found->state = WTO_MBX_XN_WAITING;
		found->salt++;
		found->err = -EIO;
		found->msg = msg;
		reinit_completion(&found->done);
		break;
	}
	spin_unlock(&mbx->xn_lock);

	return found;
}

static struct wto_mbx_xn *wto_mbx_get_xn(struct wto_mbx *mbx,
					 struct wto_mbx_msg *msg)
{
	struct wto_mbx_xn *xn;

	wait_event(mbx->slots,
		   (xn = wto_mbx_find_xn(mbx, msg)) || !READ_ONCE(mbx->up));
	return xn;
}

/* Return: 0 or why there was no reply; nobody touches the message afterwards */
static int wto_mbx_put_xn(struct wto_mbx *mbx, struct wto_mbx_xn *xn, int err)
{
	spin_lock(&mbx->xn_lock);
	if (xn->state == WTO_MBX_XN_DONE)
		err = xn->err;
	else if (err == -ETIMEDOUT)
		mbx->stats.timeouts++;
	xn->state = WTO_MBX_XN_FREE;
	xn->msg = NULL;
	spin_unlock(&mbx->xn_lock);
	wake_up(&mbx->slots);

	return err;
}

/* Wait until the transaction is done.  Return: 0, or why to give up. */
static int wto_mbx_wait(struct wto_mbx *mbx, struct wto_mbx_xn *xn)
{
	unsigned int timeout_ms = xn->msg->timeout_ms ?: WTO_MBX_TIMEOUT_MS;
	unsigned long start = jiffies;
	unsigned long lazy = msecs_to_jiffies(WTO_MBX_LAZY_POLL_MS);
	unsigned long next_check = jiffies +
				   msecs_to_jiffies(WTO_MBX_HEALTH_MS);
	int err;

	for (;;) {
		if (READ_ONCE(mbx->irq)) {
			if (wait_for_completion_timeout(&xn->done, lazy))
				return 0;
		} else {
			usleep_range(WTO_MBX_POLL_US, 2 * WTO_MBX_POLL_US);
		}
		wto_mbx_drain(mbx);
		if (completion_done(&xn->done))
			return 0;

		if (wto_hw_overdue(mbx->hw, start, timeout_ms))
			return -ETIMEDOUT;
		if (time_before(jiffies, next_check))
			continue;
		next_check = jiffies + msecs_to_jiffies(WTO_MBX_HEALTH_MS);
		if (!wto_hw_check(mbx->hw))
			return -ENODEV;
		err = wto_mbx_health(mbx);
		if (err) {
			/* nobody else shall have to find out */
			wto_mbx_abort(mbx, err);
			return err;
		}
	}
}

/**
 * wto_mbx_exchange - send a request and wait for its reply
 * @mbx: mailbox
 * @msg: request, and room for the reply
 *
 * Context: Process, sleeps for as long as @msg says; not from on_event.
 * Return: 0 if there is a reply, whatever it says; -EMSGSIZE, -EIO if the
 * mailbox is down, -EBUSY if the device takes no messages, -ETIMEDOUT,
 * -ENETRESET if the function was reset, -ENODEV if the device is gone.
 */
int wto_mbx_exchange(struct wto_mbx *mbx, struct wto_mbx_msg *msg)
{
	struct wto_mbx_xn *xn;
	u16 cookie;
	int err;

	if (msg->req_len > WTO_MBX_BUF_SIZE)
		return -EMSGSIZE;

	xn = wto_mbx_get_xn(mbx, msg);
	if (!xn)
		return wto_hw_gone(mbx->hw) ? -ENODEV : -EIO;

	cookie = FIELD_PREP(WTO_MBX_COOKIE_IDX, xn - mbx->xn) |
		 FIELD_PREP(WTO_MBX_COOKIE_SALT, xn->salt);
	err = wto_mbx_post(mbx, msg->opcode, cookie, msg->req, msg->req_len);
	if (!err)
		err = wto_mbx_wait(mbx, xn);

	return wto_mbx_put_xn(mbx, xn, err);
}

/**
 * wto_mbx_send - send a message without a body, to which there is no reply
 * @mbx: mailbox
 * @opcode: operation
 *
 * Context: Process, may sleep.
 * Return: 0, -EIO if the mailbox is down, -EBUSY if the ring stays full.
 */
int wto_mbx_send(struct wto_mbx *mbx, u32 opcode)
{
	return wto_mbx_post(mbx, opcode, WTO_MBX_COOKIE_NONE, NULL, 0);
}
