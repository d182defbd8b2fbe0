/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues: their configuration, as the control plane sets it, and their work.
 *
 * The life of a queue: owned by a vport (cp) -> configured (queue_configure)
 * -> enabled -> disabled -> released.  It works while it is enabled, its vport
 * is enabled and the port may master the bus.
 *
 * Context of everything here: data thread, nic->lock held.
 */

#ifndef IDPF_NIC_QUEUE_H
#define IDPF_NIC_QUEUE_H

#include "../../../include/wto/desc.h"
#include "../../../include/wto/virtchnl.h"
#include "dma.h"
#include "report.h"

#define QUEUE_MAX_PAIRS		16
#define QUEUE_MAX_BUFQ		(2 * QUEUE_MAX_PAIRS)
#define QUEUE_NUM_TYPES		4	/* VC2_QUEUE_TYPE_TX ... _RX_BUF */

#define QUEUE_MIN_RING_LEN	32
#define QUEUE_MAX_RING_LEN	8160
#define QUEUE_NO_ID		0xffff

/* How long a frame waits at the sender for a buffer of the receiver.  A driver
 * that posts none for so long has stopped reading, and holding up the sender
 * helps nobody.
 */
#define QUEUE_MAX_WAIT_NS	100000000ull

/* packets that a queue may send in a round, before others get their turn */
#define QUEUE_TX_BUDGET		64

/* the unit in which drivers state buffer sizes, and the alignment of rings */
#define QUEUE_BUF_UNIT		128
#define QUEUE_RING_ALIGN	128

struct cp_vport;
struct frame;
struct nic_port;

/**
 * struct queue_cfg - what CONFIG_TX_QUEUES and CONFIG_RX_QUEUES set
 * @ring_addr: guest address of the ring
 * @ring_len: descriptors, QUEUE_MIN_RING_LEN to QUEUE_MAX_RING_LEN
 * @rel_id: id that stands in completions
 * @model: VC2_QUEUE_MODEL_*
 * @sched: transmit: VC2_TXQ_SCHED_*
 * @compl_id: transmit, split: absolute id of the completion queue
 * @bufq_id: receive, split: absolute ids of the buffer queues, QUEUE_NO_ID
 * @desc_ids: receive: bit n: descriptor format n
 * @qflags: receive: VC2_RXQ_*
 * @hdr_buf_size: receive and buffer queues: bytes of a header buffer
 * @data_buf_size: receive and buffer queues: bytes of a packet buffer
 * @max_pkt_size: receive: longest frame
 * @notif_stride: buffer queues
 */
struct queue_cfg {
	u64 ring_addr;
	u16 ring_len;
	u16 rel_id;
	u16 model;
	u16 sched;
	u16 compl_id;
	u16 bufq_id[2];
	u64 desc_ids;
	u16 qflags;
	u16 hdr_buf_size;
	u32 data_buf_size;
	u32 max_pkt_size;
	u8 notif_stride;
};

/**
 * struct queue - what all queues have
 * @port: the port
 * @vport: owner, NULL if the id is free
 * @type: VC2_QUEUE_TYPE_*
 * @id: absolute id, index in its array
 * @configured: @cfg is valid
 * @enabled: works
 * @broken: stopped by an error until it is disabled and configured again
 * @cfg: configuration
 * @vector: MSI-X vector of its events, IRQ_NO_VECTOR
 * @itr: throttling index
 * @hint: where the ring was found last
 * @next: ring index of the next descriptor
 * @gen: generation bit to write
 */
struct queue {
	struct nic_port *port;
	struct cp_vport *vport;
	u32 type;
	u16 id;
	bool configured;
	bool enabled;
	bool broken;
	struct queue_cfg cfg;
	u16 vector;
	u8 itr;
	struct dma_hint hint;
	u16 next;
	bool gen;
};

/**
 * struct queue_stats - counters of a queue since the process started
 * @packets: frames
 * @bytes: their bytes, without FCS
 * @drops: frames not sent or not delivered
 * @csum: transmit: frames in which a checksum was filled in, without segments
 * @lso: transmit: TCP packets that were segmented
 * @uso: transmit: UDP packets that were segmented
 * @segments: transmit: frames made of these
 */
struct queue_stats {
	u64 packets;
	u64 bytes;
	u64 drops;
	u64 csum;
	u64 lso;
	u64 uso;
	u64 segments;
};

/**
 * struct queue_tail - what is known of a tail register
 * @reg: value that was read last
 * @idx: last value that was within the ring
 */
struct queue_tail {
	u32 reg;
	u16 idx;
};

struct rx_format;
struct tx_format;

/**
 * struct txq - transmit queue
 * @q: common part; its generation bit is unused
 * @stats: counters
 * @tail: tail register
 * @buf_hint: where the last packet buffer was
 * @complq: completion queue, looked up when the queue is enabled; NULL in the
 *	single queue model
 * @format: descriptor format, chosen when the queue is configured
 * @swallow: the rest of a packet that had too many descriptors is skipped
 * @num_sent: segments of the next packet that have been sent already
 */
struct txq {
	struct queue q;
	struct queue_stats stats;
	struct queue_tail tail;
	struct dma_hint buf_hint;
	struct complq *complq;
	const struct tx_format *format;
	bool swallow;
	u32 num_sent;
};

/**
 * struct complq - completion queue of transmit queues
 * @q: common part
 */
struct complq {
	struct queue q;
};

/**
 * struct bufq - buffer queue of a receive queue
 * @q: common part; @q.next is the next buffer to use
 * @tail: tail register
 * @num_posted: buffers posted since it was enabled, wraps
 * @buf_hint: where the last packet buffer was
 * @hdr_hint: where the last header buffer was
 */
struct bufq {
	struct queue q;
	struct queue_tail tail;
	u32 num_posted;
	struct dma_hint buf_hint;
	struct dma_hint hdr_hint;
};

/**
 * struct rxq - receive queue
 * @q: common part
 * @stats: counters
 * @bufq: buffer queues, looked up when the queue is enabled; second may be NULL
 * @own: single queue model: the ring as a buffer queue
 * @format: descriptor format, chosen when the queue is configured
 * @guard: the buffer queues hold more than the ring: watch for an overrun
 * @num_written: descriptors written since it was enabled, wraps
 * @num_posted_first: buffers that were posted before the first one was used
 * @starved_since_ns: when a frame first found no buffer, 0: the last one did
 */
struct rxq {
	struct queue q;
	struct queue_stats stats;
	struct bufq *bufq[2];
	struct bufq own;
	const struct rx_format *format;
	bool guard;
	u32 num_written;
	u32 num_posted_first;
	u64 starved_since_ns;
};

/**
 * struct queues - the queues of a port
 * @txq: transmit queues by absolute id
 * @complq: completion queues by absolute id
 * @rxq: receive queues by absolute id
 * @bufq: buffer queues by absolute id
 * @tx_active: bit n: transmit queue n may have descriptors to send
 * @tx_waiting: bit n: the next frame of queue n waits for a receiver's buffer
 * @tx_wait_until_ns: when the queues of @tx_waiting try again in any case
 */
struct queues {
	struct txq txq[QUEUE_MAX_PAIRS];
	struct complq complq[QUEUE_MAX_PAIRS];
	struct rxq rxq[QUEUE_MAX_PAIRS];
	struct bufq bufq[QUEUE_MAX_BUFQ];
	u64 tx_active;
	u64 tx_waiting;
	u64 tx_wait_until_ns;
};

/* ids, types, back pointers; once */
void queues_init(struct nic_port *port);

/* function reset: every queue free, counters stay */
void queues_reset(struct nic_port *port);

/**
 * queue_get() - queue by type and absolute id
 * @port: the port
 * @type: VC2_QUEUE_TYPE_*
 * @id: absolute id
 *
 * Return: the queue, or NULL if type or id do not exist.
 */
struct queue *queue_get(struct nic_port *port, u32 type, u32 id);

/**
 * queue_assign() - make a vport the owner of a queue, or release it
 * @q: the queue, disabled
 * @vport: owner, NULL: release; configuration and vector are forgotten
 */
void queue_assign(struct queue *q, struct cp_vport *vport);

/**
 * queue_configure() - take a configuration
 * @q: a queue with an owner, disabled
 * @cfg: ids checked to be queues of the same vport, lengths in range
 *
 * Return: 0, or -EINVAL if the data path cannot work so (reported); the queue
 * has no configuration then.
 */
int queue_configure(struct queue *q, const struct queue_cfg *cfg);

/**
 * queue_prepare() - find out whether a queue can be enabled
 * @q: the queue
 *
 * Return: 0 if it can, or is; -EINVAL as queue_enable().
 */
int queue_prepare(struct queue *q);

/**
 * queue_enable() - start work at ring index 0, generation 1
 * @q: the queue; enabling an enabled queue changes nothing
 *
 * The tail register keeps what the driver wrote before.
 *
 * Return: 0, or -EINVAL if it is not configured or, for a queue that needs
 * others (completion, buffer queues), those are not configured.
 */
int queue_enable(struct queue *q);

/**
 * queue_disable() - stop work
 * @q: the queue; disabling a disabled queue changes nothing
 *
 * A transmit queue first completes what it has fetched and then writes a
 * software marker to its completion queue.  The tail register becomes 0.
 */
void queue_disable(struct queue *q);

/**
 * queues_run() - a round of work: fetch doorbells, send, write back
 * @port: the port
 *
 * Return: true if queues are left with work.
 */
bool queues_run(struct nic_port *port);

/**
 * queues_due_ns() - when queues_run() has to be called although nothing rings
 * @port: the port
 *
 * Return: the time, ~0 if there is no such.
 */
u64 queues_due_ns(const struct nic_port *port);

/**
 * queue_wait_tx() - a frame waits for a receiver's buffer
 * @q: transmit queue that it is the next frame of
 */
void queue_wait_tx(struct queue *q);

/* queues that wait for a receiver try again.  Context: data thread. */
void queues_wake_waiting(struct nic_port *port);

/**
 * queue_kick_tx() - look at a queue although no doorbell rang
 * @q: transmit queue
 */
void queue_kick_tx(struct queue *q);

/**
 * rx_deliver() - a frame arrives at a port from its wire or its own loopback
 * @port: the port
 * @frame: the frame
 *
 * Filters, classifies, and writes it to the queues of the vports that want it.
 *
 * Where no buffer is posted the frame is not lost at once, if it may wait: as
 * with pause frames on a real link, the sender keeps it.  queues_run() makes
 * the waiting queues try again when buffers are posted, or when
 * QUEUE_MAX_WAIT_NS are over.
 *
 * Return: false if the frame is to be offered again later.
 */
bool rx_deliver(struct nic_port *port, const struct frame *frame);

/* same for one vport, for loopback */
bool rx_deliver_vport(struct cp_vport *vport, const struct frame *frame);

/* tx.c and rx.c, for queue.c */

int txq_configure(struct txq *txq);
int txq_enable(struct txq *txq);
void txq_drain(struct txq *txq);
bool txq_run(struct txq *txq, unsigned int budget);
int rxq_configure(struct rxq *rxq);
int rxq_enable(struct rxq *rxq);

/**
 * queue_tail_update() - take over the contents of a tail register
 * @q: the queue
 * @tail: what is known of it
 * @val: what was read
 * @cause: counted when the value is outside of the ring; it is ignored then
 *
 * Return: ring index behind the last valid descriptor.
 */
u16 queue_tail_update(struct queue *q, struct queue_tail *tail, u32 val,
		      enum report_cause cause);

/**
 * queue_ring() - host address of a queue's ring
 * @q: the queue
 * @entry_len: bytes of a descriptor
 * @prot: DMA_PROT_*
 *
 * Return: address of the ring, aligned for 8 byte accesses, or NULL: the ring
 * is not in the guest's maps and the queue is stopped (reported).
 */
void *queue_ring(struct queue *q, u32 entry_len, unsigned int prot);

/* ring index after @idx */
static inline u16 queue_next(const struct queue *q, u16 idx)
{
	return ++idx == q->cfg.ring_len ? 0 : idx;
}

#endif /* IDPF_NIC_QUEUE_H */
