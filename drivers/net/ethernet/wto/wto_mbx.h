/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mailbox: two rings of control descriptors, and transactions over them.
 * It carries numbers and bytes and does not know what they mean.
 */

#ifndef WTO_MBX_H
#define WTO_MBX_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <wto/desc.h>

struct device;
struct wto_hw;
struct wto_hw_mbx_regs;

#define WTO_MBX_RING_LEN	64
#define WTO_MBX_BUF_SIZE	IDPF_CTLQ_BUF_SIZE
#define WTO_MBX_NUM_XN		16
#define WTO_MBX_TIMEOUT_MS	10000

/**
 * struct wto_mbx_msg - one exchange
 * @opcode: operation
 * @req: what is sent, may be NULL
 * @req_len: bytes at @req, at most WTO_MBX_BUF_SIZE
 * @reply: where the reply goes, may be NULL if it does not matter
 * @reply_max: room at @reply; what does not fit is cut off
 * @reply_len: out: bytes of the reply before cutting
 * @retval: out: the device's return value, 0 is success
 * @timeout_ms: longest wait for the reply, 0: WTO_MBX_TIMEOUT_MS
 */
struct wto_mbx_msg {
	u32 opcode;
	const void *req;
	size_t req_len;
	void *reply;
	size_t reply_max;
	size_t reply_len;
	u32 retval;
	unsigned int timeout_ms;
};

/**
 * struct wto_mbx_ring - one direction
 * @desc: descriptors
 * @desc_dma: their address
 * @buf: one buffer of WTO_MBX_BUF_SIZE bytes for each descriptor
 * @buf_dma: their addresses
 * @next: send: next descriptor to use; receive: next to look at
 * @clean: send: oldest descriptor not yet known to be done; receive: next
 *	descriptor to give a buffer to, the value of the tail register
 * @regs: where the registers are
 */
struct wto_mbx_ring {
	struct idpf_ctlq_desc *desc;
	dma_addr_t desc_dma;
	void *buf[WTO_MBX_RING_LEN];
	dma_addr_t buf_dma[WTO_MBX_RING_LEN];
	u16 next;
	u16 clean;
	const struct wto_hw_mbx_regs *regs;
};

/**
 * enum wto_mbx_xn_state - state of a transaction
 * @WTO_MBX_XN_FREE: not in use
 * @WTO_MBX_XN_WAITING: sent, no reply yet
 * @WTO_MBX_XN_DONE: replied, or given up; the waiter has not yet looked
 */
enum wto_mbx_xn_state {
	WTO_MBX_XN_FREE,
	WTO_MBX_XN_WAITING,
	WTO_MBX_XN_DONE,
};

/**
 * struct wto_mbx_xn - transaction
 * @state: enum wto_mbx_xn_state, under the mailbox' xn_lock
 * @salt: changes with every use, so that a late reply finds nobody
 * @err: 0 or why there is no reply
 * @msg: the waiter's message
 * @done: the waiter waits here
 */
struct wto_mbx_xn {
	enum wto_mbx_xn_state state;
	u8 salt;
	int err;
	struct wto_mbx_msg *msg;
	struct completion done;
};

/**
 * struct wto_mbx_stats - what went through and what was wrong
 * @sent: messages sent
 * @received: messages received, replies and events
 * @timeouts: exchanges without a reply in time
 * @stray: replies that nobody waited for
 * @malformed: descriptors with impossible contents
 * @refused: replies with a return value other than 0
 */
struct wto_mbx_stats {
	u64 sent;
	u64 received;
	u64 timeouts;
	u64 stray;
	u64 malformed;
	u64 refused;
};

/**
 * struct wto_mbx - mailbox of one function
 * @dev: for messages and memory
 * @hw: registers
 * @atq: towards the device, under @atq_lock
 * @arq: from the device, under @arq_lock
 * @atq_lock: serializes senders
 * @arq_lock: serializes the interrupt thread and polling waiters
 * @xn_lock: guards the states of @xn, @up and @stats
 * @xn: transactions
 * @slots: those who want a transaction wait here
 * @up: rings are live; while false every exchange fails at once
 * @irq: the interrupt is set up; waiters poll more lazily
 * @on_event: takes every message that is not a reply and says whether it
 *	knew it; runs in the context of whoever drains the ring, may sleep,
 *	must not start an exchange; the device can still write to @buf
 * @ctx: argument of @on_event
 * @stats: counters
 */
struct wto_mbx {
	struct device *dev;
	struct wto_hw *hw;
	struct wto_mbx_ring atq;
	struct wto_mbx_ring arq;
	struct mutex atq_lock;	/* serializes senders */
	struct mutex arq_lock;	/* serializes those who drain */
	spinlock_t xn_lock;	/* guards xn, up, stats */
	struct wto_mbx_xn xn[WTO_MBX_NUM_XN];
	wait_queue_head_t slots;
	bool up;
	bool irq;
	bool (*on_event)(void *ctx, u32 opcode, const void *buf, size_t len);
	void *ctx;
	struct wto_mbx_stats stats;
};

int wto_mbx_init(struct wto_mbx *mbx, struct wto_hw *hw);
void wto_mbx_exit(struct wto_mbx *mbx);
int wto_mbx_start(struct wto_mbx *mbx);
void wto_mbx_stop(struct wto_mbx *mbx);
void wto_mbx_abort(struct wto_mbx *mbx, int err);

int wto_mbx_exchange(struct wto_mbx *mbx, struct wto_mbx_msg *msg);
int wto_mbx_send(struct wto_mbx *mbx, u32 opcode);
void wto_mbx_drain(struct wto_mbx *mbx);
void wto_mbx_count_malformed(struct wto_mbx *mbx);
int wto_mbx_health(struct wto_mbx *mbx);

#endif /* WTO_MBX_H */
