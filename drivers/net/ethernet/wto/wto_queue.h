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
#include <linux/netdevice.h>

#include <wto/desc.h>

#include "wto_vc.h"

struct page_pool;
struct wto_queue_set;
struct wto_rx_buf;
struct wto_tx_buf;
struct wto_tx_stats;
struct wto_rx_stats;
struct wto_vector;
struct wto_vport;

/* Rings are any multiple of WTO_RING_STEP descriptors, not only powers of 2 */
#define WTO_RING_MIN		64
#define WTO_RING_MAX		4096
#define WTO_RING_STEP		32
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
 */
struct wto_queue_cfg {
	u16 num_channels;
	u16 tx_len;
	u16 rx_len;
	u32 mtu;
	bool hsplit;
};

/**
 * struct wto_tx_queue - transmit queue with its completion queue
 * @desc: transmit ring
 * @tail: doorbell
 * @nq: the stack's queue
 * @dev: for DMA
 * @buf: what was sent, indexed by completion tag; wto_tx.c
 * @stats: counters, they outlive the queue
 * @len: transmit descriptors
 * @next: next descriptor to write
 * @since_re: descriptors since a report (RE) was last asked for
 * @max_bufs: most buffers of a packet
 * @min_len: shortest frame
 * @idx: index in the vport
 * @head: descriptors up to here (exclusive) are free again
 * @compl: completion ring
 * @compl_len: completion descriptors
 * @compl_next: next completion to look at
 * @compl_gen: what the generation bit of a new completion is
 * @num_tags: elements of @buf
 * @free_tags: tags not in use, wto_tx.c
 * @vec: vector that serves the queue
 * @marker: completed when the marker arrives that ends a disabled queue
 * @id: absolute id of the transmit queue
 * @compl_id: absolute id of the completion queue
 * @dma: address of @desc
 * @compl_dma: address of @compl
 */
struct wto_tx_queue {
	/* read mostly */
	struct idpf_tx_desc_raw *desc;
	void __iomem *tail;
	struct netdev_queue *nq;
	struct device *dev;
	struct wto_tx_buf *buf;
	struct wto_tx_stats *stats;
	u16 *free_tags;
	u16 len;
	u16 num_tags;
	u16 max_bufs;
	u16 idx;
	u8 min_len;

	/* written by xmit */
	u16 next ____cacheline_aligned_in_smp;
	u16 since_re;

	/* written by NAPI */
	struct idpf_tx_compl *compl ____cacheline_aligned_in_smp;
	u16 compl_len;
	u16 compl_next;
	bool compl_gen;
	u16 head;

	/* cold */
	struct wto_vector *vec ____cacheline_aligned_in_smp;
	struct completion marker;
	u32 id;
	u32 compl_id;
	dma_addr_t dma;
	dma_addr_t compl_dma;
};

/**
 * struct wto_rx_queue - receive queue with its buffer queue
 * @desc: receive ring, written by the device only
 * @bufq: buffer ring
 * @buf: buffers by their id; wto_rx.c
 * @pool: pages of packet buffers
 * @hdr_pool: pages of header buffers, NULL without header split
 * @hdr_buf: header buffers by buffer id; wto_rx.c
 * @tail: tail register of the buffer queue
 * @vec: vector that serves the queue
 * @netdev: the receiver
 * @ptypes: the device's packet types, 1024 elements
 * @stats: counters, they outlive the queue
 * @skb: packet of which not all buffers have come
 * @len: descriptors of either ring
 * @next: next descriptor to look at
 * @gen: what the generation bit of a new descriptor is
 * @bufq_next: next element of the buffer ring to fill
 * @buf_size: bytes of a packet buffer that the device may write
 * @hdr_size: bytes of a header buffer, 0 without header split
 * @idx: index in the vport
 * @id: absolute id of the receive queue
 * @bufq_id: absolute id of the buffer queue
 * @dma: address of @desc
 * @bufq_dma: address of @bufq
 */
struct wto_rx_queue {
	/* read mostly */
	struct idpf_rx_flex_desc *desc;
	struct idpf_rx_buf_desc *bufq;
	struct wto_rx_buf *buf;
	struct page_pool *pool;
	struct page_pool *hdr_pool;
	struct wto_rx_buf *hdr_buf;
	void __iomem *tail;
	struct wto_vector *vec;
	struct net_device *netdev;
	const struct wto_ptype *ptypes;
	struct wto_rx_stats *stats;
	u32 buf_size;
	u16 hdr_size;
	u16 len;
	u16 idx;

	/* written by NAPI */
	struct sk_buff *skb ____cacheline_aligned_in_smp;
	u16 next;
	u16 bufq_next;
	bool gen;

	/* cold */
	u32 id ____cacheline_aligned_in_smp;
	u32 bufq_id;
	dma_addr_t dma;
	dma_addr_t bufq_dma;
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
 * @vport: owner
 * @itr: throttling registers, receive and transmit
 * @itr_us: their values in us
 * @idx: index in the vport and of the channel
 * @id: the device's number of the vector
 * @irq: interrupt number
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

	/* cold */
	struct wto_vport *vport;
	void __iomem *itr[2];
	u16 itr_us[2];
	u16 idx;
	u16 id;
	int irq;
	char name[IFNAMSIZ + 16];
} ____cacheline_aligned_in_smp;

/**
 * struct wto_queue_set - the channels in use
 * @cfg: what they were made for
 * @vport: owner
 * @tx: transmit queues
 * @rx: receive queues
 */
struct wto_queue_set {
	struct wto_queue_cfg cfg;
	struct wto_vport *vport;
	struct wto_tx_queue *tx[WTO_MAX_QUEUES];
	struct wto_rx_queue *rx[WTO_MAX_QUEUES];
};

/* wto_queue.c */
struct wto_queue_set *wto_queue_set_alloc(struct wto_vport *vport,
					  const struct wto_queue_cfg *cfg);
void wto_queue_set_free(struct wto_queue_set *set);
int wto_queue_start(struct wto_vport *vport, struct wto_queue_set *set);
void wto_queue_stop(struct wto_vport *vport, struct wto_queue_set *set);
void wto_queue_dump(struct wto_vport *vport, unsigned int tx_idx);

/* wto_vector.c */
int wto_vector_attach(struct wto_vport *vport, struct wto_queue_set *set);
void wto_vector_detach(struct wto_vport *vport, struct wto_queue_set *set);
void wto_vector_enable(struct wto_vport *vport, unsigned int num);
void wto_vector_disable(struct wto_vport *vport, unsigned int num);
void wto_vector_write_itr(struct wto_vector *vec);

/* wto_tx.c: netdev entry points, and a queue's buffers.
 *
 * wto_tx_alloc() and wto_tx_free() make and release the queue's bookkeeping;
 * len, max_bufs and min_len are set before.  wto_tx_reset() puts it into the
 * state that matches a freshly configured device queue.  wto_tx_clean() unmaps
 * and frees every packet still in the queue; the device no longer uses it and
 * neither xmit nor NAPI run.
 */
netdev_tx_t wto_tx_start_xmit(struct sk_buff *skb, struct net_device *netdev);
int wto_tx_alloc(struct wto_tx_queue *txq);
void wto_tx_free(struct wto_tx_queue *txq);
void wto_tx_reset(struct wto_tx_queue *txq);
void wto_tx_clean(struct wto_tx_queue *txq);
int wto_tx_poll(struct wto_tx_queue *txq, int budget);

/* wto_rx.c: a queue's buffers.
 *
 * wto_rx_config() sets buf_size and hdr_size for an MTU, before the queue is
 * configured.  wto_rx_alloc() makes the pools and the bookkeeping,
 * wto_rx_post() fills the buffer ring and writes its tail once the device has
 * been told of the queue, wto_rx_clean() takes every buffer back.
 */
void wto_rx_config(struct wto_rx_queue *rxq, const struct wto_queue_cfg *cfg);
int wto_rx_alloc(struct wto_rx_queue *rxq, const struct wto_queue_cfg *cfg);
void wto_rx_free(struct wto_rx_queue *rxq);
int wto_rx_post(struct wto_rx_queue *rxq);
void wto_rx_clean(struct wto_rx_queue *rxq);
int wto_rx_poll(struct wto_rx_queue *rxq, int budget);

/* wto_napi.c */
int wto_napi_poll(struct napi_struct *napi, int budget);
irqreturn_t wto_napi_irq(int irq, void *data);

#endif /* WTO_QUEUE_H */
