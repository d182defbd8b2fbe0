// SPDX-License-Identifier: GPL-2.0-only
/*
 * Management of single receive queues (netdev_queue_mgmt_ops).
 *
 * The core replaces a queue by another one, made for instance for memory that
 * the user brought: it has a new queue made, the old one stopped and the new
 * one started.  All others go on meanwhile.
 *
 * While the vport is down, or detached by a reset, there is nothing to replace:
 * what the queues are to be like is looked up when they are made next.
 */

#include <linux/netdevice.h>
#include <net/netdev_queues.h>

#include "wto.h"

/**
 * struct wto_qmgmt_mem - what the core keeps for us of a queue
 * @rxq: the queue, NULL if there is none
 */
struct wto_qmgmt_mem {
	struct wto_rx_queue *rxq;
};

static int wto_qmgmt_alloc(struct net_device *netdev, WTO_QCFG_PARAM
			   void *per_queue_mem, int idx)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_qmgmt_mem *mem = per_queue_mem;

	mem->rxq = NULL;
	/* the registers may be out of reach */
	if (test_bit(WTO_VF_DETACHED, vport->flags))
		return 0;
	if (idx >= vport->cfg.num_channels)
		return -ERANGE;

	mem->rxq = wto_queue_alloc_rx(vport, &vport->cfg, idx);

	return mem->rxq ? 0 : -ENOMEM;
}

static void wto_qmgmt_free(struct net_device *netdev, void *per_queue_mem)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_qmgmt_mem *mem = per_queue_mem;

	wto_queue_free_rx(mem->rxq, vport->adapter->dev);
	mem->rxq = NULL;
}

static int wto_qmgmt_stop(struct net_device *netdev, void *per_queue_mem,
			  int idx)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_qmgmt_mem *mem = per_queue_mem;

	mem->rxq = NULL;
	if (!vport->set)
		return 0;

	mem->rxq = vport->set->rx[idx];
	wto_queue_stop_rx(vport, mem->rxq);

	return 0;
}

/* A queue that does not start because a reset is on its way is kept: that will
 * start it.  Else the first failure makes the core go back to the old queue.  If
 * that one does not start either it is kept, too, and a reset is asked for.
 */
static int wto_qmgmt_start(struct net_device *netdev, WTO_QCFG_PARAM
			   void *per_queue_mem, int idx)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_qmgmt_mem *mem = per_queue_mem;
	bool resets;
	int err;

	if (!vport->set || !mem->rxq) {
		wto_qmgmt_free(netdev, mem);
		return 0;
	}

	err = wto_queue_start_rx(vport, mem->rxq);
	resets = !READ_ONCE(vport->adapter->mbx.up);
	/* not back to the memory of a user who lets it go */
	if (err && !resets && !vport->rx_start_failed &&
	    netif_rxq_has_unreadable_mp(netdev, idx)) {
		netdev_err(netdev, "receive queue %d cannot be started: %pe\n",
			   idx, ERR_PTR(err));
		vport->rx_start_failed = true;
		return err;
	}
	if (err) {
		vport->set->rx[idx] = mem->rxq;
		if (!resets)
			wto_health_report(vport->adapter, WTO_HEALTH_RX,
					  "receive queue cannot be restarted");
	} else {
		vport->num_rx_restarts++;
	}
	vport->rx_start_failed = false;
	mem->rxq = NULL;

	return 0;
}

static const struct netdev_queue_mgmt_ops wto_qmgmt_ops = {
	.ndo_queue_mem_size	= sizeof(struct wto_qmgmt_mem),
	.ndo_queue_mem_alloc	= wto_qmgmt_alloc,
	.ndo_queue_mem_free	= wto_qmgmt_free,
	.ndo_queue_start	= wto_qmgmt_start,
	.ndo_queue_stop		= wto_qmgmt_stop,
};

/**
 * wto_qmgmt_set_ops - let the core restart single receive queues
 * @netdev: netdev, not yet registered
 *
 * Context: Process.
 */
void wto_qmgmt_set_ops(struct net_device *netdev)
{
	netdev->queue_mgmt_ops = &wto_qmgmt_ops;
}
