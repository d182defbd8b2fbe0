/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues and interrupt vectors of a vport.
 *
 * One channel is a transmit queue with its completion queue and a receive
 * queue with its buffer queue, all served by one vector and one NAPI.  The
 * channels in use are a queue set, which is allocated as a whole, brought up
 * as a whole and replaced as a whole.
 *
 * wto_queue.c owns the rings and their registers, wto_tx.c and wto_rx.c own
 * what the driver remembers of the buffers in them.
 */

#ifndef WTO_QUEUE_H
#define WTO_QUEUE_H

#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/dim.h>
#include <linux/netdevice.h>
#include <net/netmem.h>

#include <wto/desc.h>

#include "offload/ofl_usual.h"
#include "wto_rx_desc.h"
#include "wto_tx_desc.h"
#include "wto_vc.h"

struct page_pool;
struct wto_queue_set;
struct wto_rx_buf;
struct wto_tx_buf;
struct wto_tx_stats;
struct wto_rx_stats;
struct wto_vector;
struct wto_vport;

/* Rings are powers of 2, so that a counter that is never wrapped names both
 * the place in the ring and, by the bit above it, the pass over the ring.
 */
#define WTO_RING_MIN		64
#define WTO_RING_MAX		4096
#define WTO_RING_DEFAULT	512

/* What the device may add to the MTU: Ethernet header, two tags, FCS */
#define WTO_FRAME_OVERHEAD	26

/**
 * struct wto_queue_cfg - what a queue set is made for
 * @num_channels: channels
 * @tx_len: descriptors of a transmit queue
 * @rx_len: descriptors of a receive queue and of its buffer queue
 * @mtu: MTU in bytes
 * @hsplit: headers into buffers of their own
 * @rx_hash: give the stack the device's RSS hash
 */
struct wto_queue_cfg {
	u16 num_channels;
	u16 tx_len;
	u16 rx_len;
	u32 mtu;
	bool hsplit;
	bool rx_hash;
};

/* How a buffer is cut that is longer than a descriptor can say: the first piece
 * ends on a 4 KiB border, those after it are 12 KiB.
 */
#define WTO_TX_PIECE		12288
#define WTO_TX_PIECE_BORDER	4096
/* for a division that is a shift */
#define WTO_TX_PIECE_LEAST	8192

/* Free descriptors that xmit leaves at least, else it stops the queue: enough
 * for 64 KiB in segments of a buffer each, or for the longest packet in long
 * buffers, each of which may have to be cut.
 */
#define WTO_TX_ROOM		(2 * MAX_SKB_FRAGS + 30)

/**
 * enum wto_tx_model - how descriptors look and how packets are completed
 * @WTO_TX_FLOW: split queues, flow scheduling: by tag, in any order
 * @WTO_TX_QUEUED: split queues, queue scheduling: up to a ring index
 * @WTO_TX_SINGLE: single queues: by write-back into the ring
 */
enum wto_tx_model {
	WTO_TX_FLOW,
	WTO_TX_QUEUED,
	WTO_TX_SINGLE,
};

/**
 * struct wto_tx_queue - transmit queue with its completion queue
 * @desc: transmit ring
 * @buf: what was sent, one element for each descriptor; wto_tx.c
 * @nq: the stack's queue
 * @dev: for DMA
 * @tail: doorbell
 * @stats: counters, they outlive the queue
 * @len: transmit descriptors, a power of 2
 * @room: free descriptors that xmit leaves at least, else it stops the queue:
 *	those of the largest packet
 * @max_bufs: most buffers of a packet that the device does not segment
 * @idx: index in the vport
 * @max_frame: bytes of the longest frame
 * @min_len: shortest frame
 * @model: how to talk to the device
 * @next: next descriptor to write, counted without end
 * @limit: @next may go up to here; what xmit last knew of @head
 * @plan: of the packet that is being sent
 * @compl: completion ring, of 2 words an entry with flow scheduling, of 1 with
 *	queue scheduling, NULL in the single model
 * @compl_len: completion descriptors, a power of 2 and not less than @len: a
 *	packet has one completion, so the ring cannot overflow; 0 in the
 *	single model
 * @compl_next: next completion to look at, counted without end
 * @head: descriptors up to here (exclusive) are free again, counted without
 *	end; written by NAPI, read by xmit
 * @closing: do not wake the stack's queue any more
 * @vec: vector that serves the queue
 * @marker: completed when the marker arrives that ends a disabled queue
 * @watched: the worker has seen packets wait; these three are its own
 * @watch_head: @head at that time
 * @watch_since: when that was, jiffies
 * @id: absolute id of the transmit queue
 * @compl_id: absolute id of the completion queue
 * @dma: address of @desc
 * @compl_dma: address of @compl
 */
struct wto_tx_queue {
	/* read mostly */
	struct idpf_tx_desc_raw *desc;
	struct wto_tx_buf *buf;
	struct netdev_queue *nq;
	struct device *dev;
	void __iomem *tail;
	struct wto_tx_stats *stats;
	u32 len;
	u16 room;
	u16 max_bufs;
	u16 idx;
	u16 max_frame;
	u8 min_len;
	u8 model;

	/* written by xmit */
	u32 next ____cacheline_aligned_in_smp;
	u32 limit;
	struct ofl_plan plan;

	/* written by NAPI */
	__le32 *compl ____cacheline_aligned_in_smp;
	u32 compl_len;
	u32 compl_next;
	u32 head;
	bool closing;

	/* cold */
	struct wto_vector *vec ____cacheline_aligned_in_smp;
	struct completion marker;
	unsigned long watch_since;
	u32 watch_head;
	bool watched;
	u32 id;
	u32 compl_id;
	dma_addr_t dma;
	dma_addr_t compl_dma;
};

/**
 * struct wto_rx_frags - page that buffers are being cut from
 * @pool: where pages come from
 * @netmem: the page
 * @va: the next piece, as in struct wto_rx_buf
 * @end: @va after the last piece; equal to it if there is no page
 * @to_dma: what is to be added to @va to get the address for the device
 * @size: bytes of a piece
 * @num: pieces of a page
 */
struct wto_rx_frags {
	struct page_pool *pool;
	netmem_ref netmem;
	unsigned long va;
	unsigned long end;
	dma_addr_t to_dma;
	u32 size;
	u32 num;
};

/**
 * enum wto_rx_hole - a descriptor that is missing among those written
 * @WTO_RX_HOLE_NONE: not seen
 * @WTO_RX_HOLE_SUSPECTED: the worker has seen one, the poll is to judge
 * @WTO_RX_HOLE_TOLD: there is one, and a reset was asked for
 */
enum wto_rx_hole {
	WTO_RX_HOLE_NONE,
	WTO_RX_HOLE_SUSPECTED,
	WTO_RX_HOLE_TOLD,
};

/**
 * struct wto_rx_queue - receive queue with its buffer queue
 * @desc: receive ring; in the single model buffers are posted in it and the
 *	device overwrites them, else only the device writes it
 * @buf: packet buffers by their id, which is the place in the ring in the
 *	single model; wto_rx.h
 * @hdr_buf: header buffers by buffer id, NULL without header split.  While the
 *	queue runs, the device has an id exactly if its header buffer is there,
 *	or without header split its packet buffer
 * @netdev: the receiver
 * @dev: for DMA
 * @ptypes: the device's packet types, by what descriptors name them
 * @vec: vector that serves the queue
 * @len: descriptors of either ring, a power of 2
 * @buf_size: bytes of a packet buffer that the device may write
 * @headroom: bytes in front of them
 * @hdr_size: bytes of a header buffer, 0 without header split
 * @idx: index in the vport
 * @model: enum wto_rx_model
 * @hash: give the stack the device's RSS hash
 * @next: next descriptor to look at, counted without end
 * @bufq_next: next element of the buffer ring to fill, counted without end
 * @num_free: buffers that the device does not have
 * @free_id: their ids; unused in the single model
 * @num_lost: reports that did not name a buffer of the device's
 * @skb: packet of which not all buffers have come
 * @skip: drop what comes until the end of this packet
 * @hole: enum wto_rx_hole
 * @bufq: buffer ring, NULL in the single model
 * @tail: tail register of the buffer queue, or of the ring
 * @frags: packet buffers
 * @hdr_frags: header buffers
 * @stats: counters, they outlive the queue
 * @id: absolute id of the receive queue
 * @bufq_id: absolute id of the buffer queue
 * @dma: address of @desc
 * @bufq_dma: address of @bufq
 */
struct wto_rx_queue {
	/* read mostly */
	struct idpf_rx_flex_desc *desc;
	struct wto_rx_buf *buf;
	struct wto_rx_buf *hdr_buf;
	struct net_device *netdev;
	struct device *dev;
	const struct wto_ptype *ptypes;
	struct wto_vector *vec;
	u32 len;
	u16 buf_size;
	u16 headroom;
	u16 hdr_size;
	u16 idx;
	u8 model;
	bool hash;

	/* written by NAPI */
	u32 next ____cacheline_aligned_in_smp;
	u32 bufq_next;
	u32 num_free;
	u32 num_lost;
	bool skip;
	u8 hole;
	u16 *free_id;
	struct sk_buff *skb;
	struct idpf_rx_buf_desc *bufq;
	void __iomem *tail;
	struct wto_rx_frags frags;
	struct wto_rx_frags hdr_frags;
	struct wto_rx_stats *stats;

	/* cold */
	u32 id ____cacheline_aligned_in_smp;
	u32 bufq_id;
	dma_addr_t dma;
	dma_addr_t bufq_dma;
};

/**
 * struct wto_itr - interrupt throttling of one direction; wto_itr.c
 * @reg: register
 * @profile: intervals that net_dim chooses from, us
 * @us: interval while @adaptive is off
 * @adaptive: net_dim finds the interval
 * @dim: how it does
 */
struct wto_itr {
	void __iomem *reg;
	const u16 *profile;
	u16 us;
	bool adaptive;
	struct dim dim;
};

/**
 * struct wto_napi_look - what waits for a poll
 * @rx_next: place of the next received descriptor
 * @tx_next: place of the next completion
 * @rx: it is there
 * @tx: it is there
 * @hole: it is not there, but some after it are
 */
struct wto_napi_look {
	u32 rx_next;
	u32 tx_next;
	u32 rx;
	u32 tx;
	u32 hole;
};

/**
 * struct wto_vector - interrupt vector of a channel, and its NAPI
 * @napi: NAPI
 * @tx: transmit queue, NULL while the vport is down
 * @rx: receive queue, NULL while the vport is down
 * @dyn_ctl: control register
 * @on_value: written to @dyn_ctl at the end of polling
 * @wb_value: written to @dyn_ctl while polling goes on; 0: not granted
 * @wb_mode: @wb_value is in force
 * @adaptive: one of @itr is
 * @num_irqs: interrupts, modulo 65536
 * @vport: owner
 * @itr: throttling, by VC2_ITR_IDX_*
 * @idx: index in the vport and of the channel
 * @id: the device's number of the vector
 * @irq: interrupt number
 * @look: what the worker saw last; its own
 * @name: in /proc/interrupts
 */
struct wto_vector {
	struct napi_struct napi;
	struct wto_tx_queue *tx;
	struct wto_rx_queue *rx;
	void __iomem *dyn_ctl;
	u32 on_value;
	u32 wb_value;
	bool wb_mode;
	bool adaptive;
	u16 num_irqs;

	/* cold */
	struct wto_vport *vport;
	struct wto_itr itr[2];
	u16 idx;
	u16 id;
	int irq;
	struct wto_napi_look look;
	char name[IFNAMSIZ + 16];
} ____cacheline_aligned_in_smp;

/**
 * struct wto_queue_set - the channels in use
 * @cfg: what they were made for
 * @vport: owner
 * @tx: transmit queues
 * @rx: receive queues
 * @list: room for what is told to the device, in use while it is told
 * @list.txq: transmit and completion queues
 * @list.rxq: receive and buffer queues
 * @list.map: queues and vectors
 * @list.ref: queues of all types
 */
struct wto_queue_set {
	struct wto_queue_cfg cfg;
	struct wto_vport *vport;
	struct wto_tx_queue *tx[WTO_MAX_QUEUES];
	struct wto_rx_queue *rx[WTO_MAX_QUEUES];
	union {
		struct wto_vc_txq txq[2 * WTO_MAX_QUEUES];
		struct wto_vc_rxq rxq[2 * WTO_MAX_QUEUES];
		struct wto_vc_qmap map[2 * WTO_MAX_QUEUES];
		struct wto_vc_qref ref[4 * WTO_MAX_QUEUES];
	} list;
};

/* wto_queue.c */
int wto_queue_check_tails(struct wto_vport *vport);
struct wto_queue_set *wto_queue_set_alloc(struct wto_vport *vport,
					  const struct wto_queue_cfg *cfg);
void wto_queue_set_free(struct wto_queue_set *set);
int wto_queue_start(struct wto_vport *vport, struct wto_queue_set *set);
void wto_queue_stop(struct wto_vport *vport, struct wto_queue_set *set);
struct wto_rx_queue *wto_queue_alloc_rx(struct wto_vport *vport,
					const struct wto_queue_cfg *cfg,
					unsigned int idx);
void wto_queue_free_rx(struct wto_rx_queue *rxq, struct device *dev);
int wto_queue_start_rx(struct wto_vport *vport, struct wto_rx_queue *rxq);
void wto_queue_stop_rx(struct wto_vport *vport, struct wto_rx_queue *rxq);

/* wto_vector.c */
int wto_vector_bind(struct wto_vport *vport, const struct wto_vc_vector *from,
		    unsigned int num);
int wto_vector_attach(struct wto_vport *vport, struct wto_queue_set *set);
void wto_vector_detach(struct wto_vport *vport, struct wto_queue_set *set);
void wto_vector_enable(struct wto_vport *vport, unsigned int num);
void wto_vector_disable(struct wto_vport *vport, unsigned int num);

/* wto_itr.c */
void wto_itr_init(struct wto_vector *vec);
void wto_itr_start(struct wto_vector *vec);
void wto_itr_stop(struct wto_vector *vec);
void wto_itr_set(struct wto_vector *vec, unsigned int idx, u16 us,
		 bool adaptive);
bool wto_itr_verify(const struct wto_vector *vec);
void wto_itr_sample(struct wto_vector *vec);

/* wto_tx.c: netdev entry points, and a queue's buffers.
 *
 * wto_tx_alloc() and wto_tx_free() make and release the queue's bookkeeping;
 * len and max_bufs are set before.  wto_tx_reset() puts queue and rings into
 * the state that matches a freshly configured device queue and clears closing.
 * Whoever stops the stack's queues to take them down sets closing before.
 * wto_tx_clean() unmaps and frees every packet still in the queue; the device
 * no longer uses it and neither xmit nor NAPI run.  wto_tx_dump() tells in the
 * log how the queue stands.
 */
netdev_tx_t wto_tx_start_xmit(struct sk_buff *skb, struct net_device *netdev);
int wto_tx_alloc(struct wto_tx_queue *txq);
void wto_tx_free(struct wto_tx_queue *txq);
void wto_tx_reset(struct wto_tx_queue *txq);
void wto_tx_clean(struct wto_tx_queue *txq);
void wto_tx_dump(const struct wto_tx_queue *txq);
bool wto_tx_poll(struct wto_tx_queue *txq, int budget);
bool wto_tx_pending(const struct wto_tx_queue *txq);
bool wto_tx_stalled(struct wto_tx_queue *txq, unsigned long timeout);

/* Bytes of the completion ring */
static inline size_t wto_tx_compl_size(const struct wto_tx_queue *txq)
{
	return txq->compl_len * sizeof(__le32) *
	       (txq->model == WTO_TX_FLOW ? 2 : 1);
}

u32 wto_tx_count_descs(const struct sk_buff *skb);

/* Room in a ring of @len descriptors: twice that must fit into the ring, since
 * that is when the queue is woken.
 */
static inline u16 wto_tx_room(u16 len)
{
	return min_t(u16, WTO_TX_ROOM, len / 2 - 1);
}

/**
 * struct wto_offloads - a configuration of offloads in force
 * @cfg: the configuration
 * @usual: what it means for usual packets
 */
struct wto_offloads {
	struct ofl_config cfg;
	struct ofl_usual usual;
};

/* wto_tx_plan.c: what the NIC is to do with a packet */
void wto_tx_plan_init(struct wto_offloads *ofl);
enum ofl_refusal wto_tx_check(const struct wto_offloads *ofl, u32 room,
			      struct sk_buff *skb);
int wto_tx_plan(const struct wto_offloads *ofl, struct sk_buff *skb,
		struct ofl_plan *plan);

/* wto_rx.c: a queue's buffers.
 *
 * wto_rx_config() sets the buffers' sizes for an MTU, before the queue is
 * configured.  wto_rx_alloc() makes the pools and the bookkeeping and takes
 * buffers for the whole ring, wto_rx_post() starts the rings anew and hands
 * them to the device (writes the tail) before NAPI is enabled,
 * wto_rx_clean() takes every buffer back once NAPI is disabled.
 */
void wto_rx_config(struct wto_rx_queue *rxq, const struct wto_queue_cfg *cfg);
int wto_rx_alloc(struct wto_rx_queue *rxq, const struct wto_queue_cfg *cfg);
void wto_rx_free(struct wto_rx_queue *rxq);
int wto_rx_post(struct wto_rx_queue *rxq);
void wto_rx_clean(struct wto_rx_queue *rxq);
int wto_rx_poll(struct wto_rx_queue *rxq, int budget);
bool wto_rx_pending(const struct wto_rx_queue *rxq, u32 *next);
bool wto_rx_hole(const struct wto_rx_queue *rxq);

/* wto_napi.c */
int wto_napi_poll(struct napi_struct *napi, int budget);
void wto_napi_start(struct wto_vector *vec);
int wto_napi_check(struct wto_vector *vec);
irqreturn_t wto_napi_irq(int irq, void *data);
int wto_napi_provoke(struct wto_vector *vec, unsigned int timeout_ms);

#endif /* WTO_QUEUE_H */
