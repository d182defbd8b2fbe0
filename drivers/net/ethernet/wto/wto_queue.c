// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue sets: memory of the rings, and the order in which the device learns
 * of queues, starts and stops them.
 */

#include <linux/dma-mapping.h>
#include <linux/if_ether.h>
#include <linux/slab.h>

#include "wto.h"

/* How long a stopped transmit queue may take to report its end */
#define WTO_QUEUE_MARKER_MS	2000
#define WTO_QUEUE_MARKER_STEP_MS	10

static void wto_queue_free_ring(struct device *dev, size_t size, void *ring,
				dma_addr_t dma)
{
	if (ring)
		dma_free_coherent(dev, size, ring, dma);
}

static bool wto_queue_has_tail(struct wto_adapter *adapter, const char *type,
			       const struct wto_vc_queue_id *queue)
{
	if (wto_hw_reg(&adapter->hw, queue->tail))
		return true;

	dev_err(adapter->dev, "%s queue %u: tail register %#llx is not among the registers\n",
		type, queue->id, queue->tail);
	return false;
}

/**
 * wto_queue_check_tails - are the doorbells of a vport's queues registers?
 * @vport: vport as the device described it, its models are chosen
 *
 * Context: Process.
 * Return: 0, or -EIO if one is not; which is reported.
 */
int wto_queue_check_tails(struct wto_vport *vport)
{
	const struct wto_vc_vport *vc = &vport->vc;
	struct wto_adapter *adapter = vport->adapter;
	bool split = vport->rx_model == WTO_RX_SPLIT;
	unsigned int i;

	for (i = 0; i < vport->max_channels; i++)
		if (!wto_queue_has_tail(adapter, "tx", &vc->txq[i]) ||
		    (split && !wto_queue_has_tail(adapter, "buffer",
						  &vc->bufq[i])) ||
		    (!split && !wto_queue_has_tail(adapter, "rx", &vc->rxq[i])))
			return -EIO;

	return 0;
}

static void wto_queue_free_tx(struct wto_tx_queue *txq)
{
	if (!txq)
		return;

	wto_tx_free(txq);
	wto_queue_free_ring(txq->dev, wto_tx_compl_size(txq), txq->compl,
			    txq->compl_dma);
	wto_queue_free_ring(txq->dev, txq->len * sizeof(*txq->desc), txq->desc,
			    txq->dma);
	kfree(txq);
}

static struct wto_tx_queue *
wto_queue_alloc_tx(struct wto_vport *vport, const struct wto_queue_cfg *cfg,
		   unsigned int idx)
{
	struct wto_adapter *adapter = vport->adapter;
	struct wto_tx_queue *txq;

	txq = kzalloc_obj(*txq, GFP_KERNEL);
	if (!txq)
		return NULL;

	txq->dev = adapter->dev;
	txq->nq = netdev_get_tx_queue(vport->netdev, idx);
	txq->stats = &vport->tx_stats[idx];
	txq->vec = &vport->vec[idx];
	txq->idx = idx;
	txq->len = cfg->tx_len;
	txq->model = vport->tx_model;
	txq->compl_len = txq->model == WTO_TX_SINGLE ? 0 : cfg->tx_len;
	txq->max_bufs = adapter->caps.max_sg_bufs;
	txq->min_len = adapter->caps.min_pkt_len;
	txq->max_frame = vport->vc.max_frame - ETH_FCS_LEN;
	txq->id = vport->vc.txq[idx].id;
	if (txq->compl_len)
		txq->compl_id = vport->vc.complq[idx].id;
	/* wto_queue_check_tails() has seen that there is one */
	txq->tail = wto_hw_reg(&adapter->hw, vport->vc.txq[idx].tail);

	txq->desc = dma_alloc_coherent(txq->dev, txq->len * sizeof(*txq->desc),
				       &txq->dma, GFP_KERNEL);
	if (txq->compl_len)
		txq->compl = dma_alloc_coherent(txq->dev,
						wto_tx_compl_size(txq),
						&txq->compl_dma, GFP_KERNEL);
	if (!txq->desc || (txq->compl_len && !txq->compl) || wto_tx_alloc(txq))
		goto free_txq;

	return txq;

free_txq:
	wto_queue_free_tx(txq);
	return NULL;
}

/**
 * wto_queue_free_rx - free a receive queue
 * @rxq: receive queue that the device does not know, or NULL
 * @dev: device that its memory was made for
 *
 * Context: Process, may sleep.
 */
void wto_queue_free_rx(struct wto_rx_queue *rxq, struct device *dev)
{
	if (!rxq)
		return;

	wto_rx_free(rxq);
	wto_queue_free_ring(dev, rxq->len * sizeof(*rxq->bufq), rxq->bufq,
			    rxq->bufq_dma);
	wto_queue_free_ring(dev, rxq->len * sizeof(*rxq->desc), rxq->desc,
			    rxq->dma);
	kfree(rxq);
}

/**
 * wto_queue_alloc_rx - allocate a receive queue with its buffers
 * @vport: vport
 * @cfg: configuration
 * @idx: its index
 *
 * Context: Process, may sleep; netdev's lock.
 * Return: the queue, or NULL.
 */
struct wto_rx_queue *wto_queue_alloc_rx(struct wto_vport *vport,
					const struct wto_queue_cfg *cfg,
					unsigned int idx)
{
	struct wto_adapter *adapter = vport->adapter;
	const struct wto_vc_queue_id *doorbell;
	struct device *dev = adapter->dev;
	struct wto_rx_queue *rxq;

	rxq = kzalloc_obj(*rxq, GFP_KERNEL);
	if (!rxq)
		return NULL;

	rxq->netdev = vport->netdev;
	rxq->dev = dev;
	rxq->ptypes = adapter->ptypes;
	rxq->stats = &vport->rx_stats[idx];
	rxq->vec = &vport->vec[idx];
	rxq->idx = idx;
	rxq->len = cfg->rx_len;
	rxq->id = vport->vc.rxq[idx].id;
	rxq->model = vport->rx_model;
	doorbell = &vport->vc.rxq[idx];
	if (rxq->model == WTO_RX_SPLIT) {
		doorbell = &vport->vc.bufq[idx];
		rxq->bufq_id = doorbell->id;
	}
	rxq->tail = wto_hw_reg(&adapter->hw, doorbell->tail);
	if (rxq->model == WTO_RX_SINGLE_BASE)
		rxq->ptypes += VC2_PTYPE_MAX;

	wto_rx_config(rxq, cfg);
	rxq->desc = dma_alloc_coherent(dev, rxq->len * sizeof(*rxq->desc),
				       &rxq->dma, GFP_KERNEL);
	if (rxq->model == WTO_RX_SPLIT)
		rxq->bufq = dma_alloc_coherent(dev, rxq->len *
					       sizeof(*rxq->bufq),
					       &rxq->bufq_dma, GFP_KERNEL);
	if (!rxq->desc || (rxq->model == WTO_RX_SPLIT && !rxq->bufq) ||
	    wto_rx_alloc(rxq, cfg))
		goto free_rxq;

	return rxq;

free_rxq:
	wto_queue_free_rx(rxq, dev);
	return NULL;
}

/**
 * wto_queue_set_free - free a queue set
 * @set: stopped queue set, or NULL
 *
 * Context: Process, may sleep.
 */
void wto_queue_set_free(struct wto_queue_set *set)
{
	unsigned int i;

	if (!set)
		return;

	for (i = 0; i < set->cfg.num_channels; i++) {
		wto_queue_free_rx(set->rx[i], set->vport->adapter->dev);
		wto_queue_free_tx(set->tx[i]);
	}
	kfree(set);
}

/**
 * wto_queue_set_alloc - allocate all that a configuration needs
 * @vport: vport
 * @cfg: configuration, num_channels at most vport->max_channels
 *
 * Nothing is told to the device, so a set can be made while another runs.
 *
 * Context: Process, may sleep; RTNL.
 * Return: the set or an ERR_PTR.
 */
struct wto_queue_set *wto_queue_set_alloc(struct wto_vport *vport,
					  const struct wto_queue_cfg *cfg)
{
	struct wto_queue_set *set;
	unsigned int i;

	set = kzalloc_obj(*set, GFP_KERNEL);
	if (!set)
		return ERR_PTR(-ENOMEM);
	set->cfg = *cfg;
	set->vport = vport;

	for (i = 0; i < cfg->num_channels; i++) {
		set->tx[i] = wto_queue_alloc_tx(vport, cfg, i);
		set->rx[i] = wto_queue_alloc_rx(vport, cfg, i);
		if (!set->tx[i] || !set->rx[i]) {
			wto_queue_set_free(set);
			return ERR_PTR(-ENOMEM);
		}
	}

	return set;
}

/* The entries of a transmit queue: first its completion queue, if it has one.
 * Return: their number, at most 2.
 */
static unsigned int wto_queue_put_tx(const struct wto_tx_queue *txq,
				     enum wto_tx_model model,
				     struct wto_vc_txq *list)
{
	struct wto_vc_txq common = {
		.model = model == WTO_TX_SINGLE ? VC2_QUEUE_MODEL_SINGLE :
						  VC2_QUEUE_MODEL_SPLIT,
		.sched = model == WTO_TX_FLOW ? VC2_TXQ_SCHED_FLOW :
						VC2_TXQ_SCHED_QUEUE,
	};
	unsigned int num = 0;

	if (txq->compl_len) {
		list[num] = common;
		list[num].compl = true;
		list[num].id = txq->compl_id;
		list[num].len = txq->compl_len;
		list[num++].dma = txq->compl_dma;
	}
	list[num] = common;
	list[num].id = txq->id;
	/* the only queue that reports to its completion queue */
	list[num].rel_id = 0;
	list[num].compl_id = txq->compl_id;
	list[num].len = txq->len;
	list[num++].dma = txq->dma;

	return num;
}

static int wto_queue_config_tx(struct wto_mbx *mbx, u32 vport_id,
			       struct wto_queue_set *set)
{
	struct wto_vc_txq *list = set->list.txq;
	unsigned int num = 0;
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++)
		num += wto_queue_put_tx(set->tx[i], set->vport->tx_model,
					&list[num]);

	return wto_vc_config_txqs(mbx, vport_id, list, num);
}

/* The entries of a receive queue: first its buffer queue, if it has one.
 * Return: their number, at most 2.
 */
static unsigned int wto_queue_put_rx(const struct wto_rx_queue *rxq, u32 mtu,
				     struct wto_vc_rxq *list)
{
	static const u8 rxdid[] = {
		[WTO_RX_SPLIT] = IDPF_RXDID_FLEX_SPLITQ,
		[WTO_RX_SINGLE_BASE] = IDPF_RXDID_BASE_32B,
		[WTO_RX_SINGLE_FLEX] = IDPF_RXDID_FLEX_SQ_NIC,
	};
	struct wto_vc_rxq common = {
		.model = rxq->bufq ? VC2_QUEUE_MODEL_SPLIT :
				     VC2_QUEUE_MODEL_SINGLE,
		.rxdid = rxdid[rxq->model],
		.hsplit = rxq->hdr_size,
		.len = rxq->len,
		.hdr_size = rxq->hdr_size,
		.buf_size = rxq->buf_size,
		.max_pkt = mtu + WTO_FRAME_OVERHEAD,
	};
	unsigned int num = 0;

	if (rxq->bufq) {
		list[num] = common;
		list[num].buf = true;
		list[num].id = rxq->bufq_id;
		list[num++].dma = rxq->bufq_dma;
	}
	list[num] = common;
	list[num].id = rxq->id;
	list[num].bufq_id = rxq->bufq_id;
	list[num++].dma = rxq->dma;

	return num;
}

static int wto_queue_config_rx(struct wto_mbx *mbx, u32 vport_id,
			       struct wto_queue_set *set)
{
	struct wto_vc_rxq *list = set->list.rxq;
	unsigned int num = 0;
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++)
		num += wto_queue_put_rx(set->rx[i], set->cfg.mtu, &list[num]);

	return wto_vc_config_rxqs(mbx, vport_id, list, num);
}

static int wto_queue_map(struct wto_mbx *mbx, u32 vport_id,
			 struct wto_queue_set *set, bool map)
{
	struct wto_vc_qmap *list = set->list.map;
	unsigned int num = 0;
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++) {
		list[num++] = (struct wto_vc_qmap) {
			.type = VC2_QUEUE_TYPE_TX,
			.queue_id = set->tx[i]->id,
			.vector_id = set->tx[i]->vec->id,
			.itr_idx = VC2_ITR_IDX_TX,
		};
		list[num++] = (struct wto_vc_qmap) {
			.type = VC2_QUEUE_TYPE_RX,
			.queue_id = set->rx[i]->id,
			.vector_id = set->rx[i]->vec->id,
			.itr_idx = VC2_ITR_IDX_RX,
		};
	}

	if (map)
		return wto_vc_map_vectors(mbx, vport_id, list, num);

	return wto_vc_unmap_vectors(mbx, vport_id, list, num);
}

/* Return: number of queues, at most 2 */
static unsigned int wto_queue_ref_rx(const struct wto_rx_queue *rxq,
				     struct wto_vc_qref *list)
{
	list[0].type = VC2_QUEUE_TYPE_RX;
	list[0].id = rxq->id;
	if (!rxq->bufq)
		return 1;

	list[1].type = VC2_QUEUE_TYPE_RX_BUF;
	list[1].id = rxq->bufq_id;

	return 2;
}

static int wto_queue_enable(struct wto_mbx *mbx, u32 vport_id,
			    struct wto_queue_set *set, bool enable)
{
	struct wto_vc_qref *list = set->list.ref;
	unsigned int num = 0;
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++) {
		list[num].type = VC2_QUEUE_TYPE_TX;
		list[num++].id = set->tx[i]->id;
		if (set->tx[i]->compl_len) {
			list[num].type = VC2_QUEUE_TYPE_TX_COMPL;
			list[num++].id = set->tx[i]->compl_id;
		}
		num += wto_queue_ref_rx(set->rx[i], &list[num]);
	}

	if (enable)
		return wto_vc_enable_queues(mbx, vport_id, list, num);

	return wto_vc_disable_queues(mbx, vport_id, list, num);
}

static int wto_queue_post(struct wto_queue_set *set)
{
	unsigned int i;
	int err;

	for (i = 0; i < set->cfg.num_channels; i++) {
		wto_tx_reset(set->tx[i]);
		err = wto_rx_post(set->rx[i]);
		if (err)
			return err;
	}

	return 0;
}

static void wto_queue_clean(struct wto_queue_set *set)
{
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++) {
		wto_rx_clean(set->rx[i]);
		wto_tx_clean(set->tx[i]);
	}
}

/* Wait for a transmit queue's last completion.  A disabled queue raises no
 * interrupt any more, so look for it.
 */
static bool wto_queue_wait_marker(struct wto_tx_queue *txq, unsigned long end)
{
	const unsigned long step = msecs_to_jiffies(WTO_QUEUE_MARKER_STEP_MS);

	do {
		wto_napi_start(txq->vec);
		if (wait_for_completion_timeout(&txq->marker, step))
			return true;
	} while (time_before(jiffies, end));

	return false;
}

/* Stop the queues of a set in the device.  Each transmit queue with a
 * completion queue that @ran tells by a last completion that it has stopped; one
 * without has stopped when the reply came.  A device that does not obey is kept
 * out of memory.
 */
static void wto_queue_disable(struct wto_vport *vport,
			      struct wto_queue_set *set, bool ran)
{
	unsigned int missing = 0;
	unsigned long end;
	unsigned int i;

	if (wto_queue_enable(&vport->adapter->mbx, vport->vc.id, set, false)) {
		wto_reset_quiesce(vport->adapter, "queues cannot be stopped");
		return;
	}
	end = jiffies + msecs_to_jiffies(WTO_QUEUE_MARKER_MS);
	for (i = 0; ran && i < set->cfg.num_channels; i++)
		if (set->tx[i]->compl_len &&
		    !wto_queue_wait_marker(set->tx[i], end))
			missing++;
	if (!missing)
		return;

	netdev_warn(vport->netdev, "%u transmit queues did not report that they have stopped\n",
		    missing);
	wto_reset_quiesce(vport->adapter, "transmit queues cannot be stopped");
}

/**
 * wto_queue_start - let a queue set run
 * @vport: vport
 * @set: queue set, its vectors are attached
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0, or a negative errno and the set is stopped.
 */
int wto_queue_start(struct wto_vport *vport, struct wto_queue_set *set)
{
	struct wto_mbx *mbx = &vport->adapter->mbx;
	u32 id = vport->vc.id;
	bool ran;
	int err;

	err = wto_queue_config_tx(mbx, id, set);
	if (err)
		return err;
	err = wto_queue_config_rx(mbx, id, set);
	if (err)
		return err;
	err = wto_queue_map(mbx, id, set, true);
	if (err)
		return err;
	err = wto_queue_post(set);
	if (err)
		goto clean;

	wto_vector_enable(vport, set->cfg.num_channels);
	err = wto_queue_enable(mbx, id, set, true);
	/* a device that did not answer may have done it */
	ran = !err || err == -ETIMEDOUT;
	if (err)
		goto disable_queues;
	err = wto_rss_apply(vport);
	if (err)
		goto disable_queues;
	err = wto_vc_enable_vport(mbx, id, true);
	if (err)
		goto disable_queues;

	return 0;

disable_queues:
	/* some may run already, or the reply was lost */
	wto_queue_disable(vport, set, ran);
	wto_vector_disable(vport, set->cfg.num_channels);
	wto_queue_map(mbx, id, set, false);
clean:
	wto_queue_clean(set);
	return err;
}

/**
 * wto_queue_stop - stop a queue set
 * @vport: vport
 * @set: running queue set; nobody transmits any more
 *
 * Afterwards the device touches neither rings nor buffers: it said so, or it
 * was reset, or it may no longer access memory.
 *
 * Context: Process, may sleep; RTNL.
 */
void wto_queue_stop(struct wto_vport *vport, struct wto_queue_set *set)
{
	struct wto_mbx *mbx = &vport->adapter->mbx;
	u32 id = vport->vc.id;

	wto_vc_enable_vport(mbx, id, false);
	wto_queue_disable(vport, set, true);
	wto_vector_disable(vport, set->cfg.num_channels);
	if (READ_ONCE(mbx->up))
		wto_queue_map(mbx, id, set, false);
	wto_queue_clean(set);
}

static int wto_queue_enable_rx(struct wto_vport *vport,
			       const struct wto_rx_queue *rxq, bool enable)
{
	struct wto_mbx *mbx = &vport->adapter->mbx;
	struct wto_vc_qref list[2];
	unsigned int num;

	num = wto_queue_ref_rx(rxq, list);
	if (enable)
		return wto_vc_enable_queues(mbx, vport->vc.id, list, num);

	return wto_vc_disable_queues(mbx, vport->vc.id, list, num);
}

/* Let the vector's poll serve @rxq from now on, or none */
static void wto_queue_switch_rx(struct wto_vector *vec,
				struct wto_rx_queue *rxq)
{
	WRITE_ONCE(vec->rx, rxq);
	napi_enable_locked(&vec->napi);
	/* the interrupt may have fired meanwhile: only a poll rearms it */
	wto_napi_start(vec);
}

/**
 * wto_queue_stop_rx - stop one receive queue of the running set
 * @vport: vport
 * @rxq: one of its receive queues
 *
 * The channel's transmit queue and all others go on.  The queue stays the
 * caller's, without buffers.
 *
 * Context: Process, may sleep; netdev's lock.
 */
void wto_queue_stop_rx(struct wto_vport *vport, struct wto_rx_queue *rxq)
{
	struct wto_vector *vec = rxq->vec;

	/* the core cannot do without the queue's memory: not even then */
	if (wto_queue_enable_rx(vport, rxq, false))
		wto_reset_quiesce(vport->adapter, "queue cannot be stopped");

	napi_disable_locked(&vec->napi);
	wto_rx_clean(rxq);
	vport->set->rx[rxq->idx] = NULL;
	wto_queue_switch_rx(vec, NULL);
	/* the worker may look at it */
	synchronize_net();
}

/**
 * wto_queue_start_rx - let one receive queue run in the place of a stopped one
 * @vport: vport that runs, without receive queue at @rxq's index
 * @rxq: receive queue
 *
 * Context: Process, may sleep; netdev's lock.
 * Return: 0, or a negative errno and the device does not use the queue.
 */
int wto_queue_start_rx(struct wto_vport *vport, struct wto_rx_queue *rxq)
{
	const struct wto_vc_qmap map = {
		.type = VC2_QUEUE_TYPE_RX,
		.queue_id = rxq->id,
		.vector_id = rxq->vec->id,
		.itr_idx = VC2_ITR_IDX_RX,
	};
	struct wto_mbx *mbx = &vport->adapter->mbx;
	struct wto_vector *vec = rxq->vec;
	struct wto_vc_rxq list[2];
	unsigned int num;
	int err;

	num = wto_queue_put_rx(rxq, vport->set->cfg.mtu, list);
	err = wto_vc_config_rxqs(mbx, vport->vc.id, list, num);
	if (!err)
		err = wto_vc_map_vectors(mbx, vport->vc.id, &map, 1);
	if (err)
		return err;

	napi_disable_locked(&vec->napi);
	err = wto_rx_post(rxq);
	if (!err)
		err = wto_queue_enable_rx(vport, rxq, true);
	if (!err)
		goto run;

	/* it may run already, or the reply was lost */
	if (wto_queue_enable_rx(vport, rxq, false))
		wto_reset_quiesce(vport->adapter, "queue cannot be stopped");
	wto_rx_clean(rxq);
	rxq = NULL;
run:
	if (rxq)
		vport->set->rx[rxq->idx] = rxq;
	wto_queue_switch_rx(vec, rxq);
	return err;
}
