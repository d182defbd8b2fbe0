// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vport as a netdev: its life, its entry points, and the change of
 * configuration while it runs.
 */

#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "wto.h"

static void wto_netdev_carrier(struct wto_vport *vport, bool up)
{
	mutex_lock(&vport->link_lock);
	if (up && vport->link_up && test_bit(WTO_VF_UP, vport->flags))
		netif_carrier_on(vport->netdev);
	else
		netif_carrier_off(vport->netdev);
	mutex_unlock(&vport->link_lock);
}

static void wto_netdev_set_link(struct wto_vport *vport,
				const struct wto_vc_link *link)
{
	mutex_lock(&vport->link_lock);
	if (vport->link_up != link->up && netif_msg_link(vport) &&
	    __ratelimit(&vport->link_limit))
		netdev_info(vport->netdev, "link is %s (%u Mb/s)\n",
			    link->up ? "up" : "down", link->speed_mbps);
	vport->link_up = link->up;
	WRITE_ONCE(vport->link_speed_mbps, link->speed_mbps);
	mutex_unlock(&vport->link_lock);
	wto_netdev_carrier(vport, true);
}

/**
 * wto_netdev_link_event - the device tells the state of a link
 * @adapter: function
 * @link: what it tells
 *
 * Context: Process, may sleep.
 */
void wto_netdev_link_event(struct wto_adapter *adapter,
			   const struct wto_vc_link *link)
{
	bool found = false;
	unsigned int i;

	mutex_lock(&adapter->vports_lock);
	for (i = 0; i < adapter->num_vports && !found; i++) {
		struct wto_vport *vport = adapter->vports[i];

		found = vport && vport->vc.id == link->vport_id;
		if (found)
			wto_netdev_set_link(vport, link);
	}
	mutex_unlock(&adapter->vports_lock);

	if (!found)
		dev_warn_ratelimited(adapter->dev, "link event for vport %u, which does not exist\n",
				     link->vport_id);
}

/* The watchdog must not take a long idle queue for a stuck one as soon as it is
 * stopped.  It looks at queues that are not in use as well.
 */
static void wto_netdev_touch_queues(struct net_device *netdev)
{
	unsigned int i;

	for (i = 0; i < netdev->num_tx_queues; i++)
		txq_trans_cond_update(netdev_get_tx_queue(netdev, i));
	/* pairs with the barrier of dev_watchdog() */
	smp_mb();
}

/**
 * wto_netdev_calm_watchdog - the stack's queues rest on purpose
 * @vport: vport, paused or not
 *
 * A device that takes its time while queues are exchanged must not make the
 * stack believe that they are stuck.
 *
 * Context: Any; called more often than the watchdog looks.
 */
void wto_netdev_calm_watchdog(struct wto_vport *vport)
{
	if (test_bit(WTO_VF_TX_PAUSED, vport->flags))
		wto_netdev_touch_queues(vport->netdev);
}

static void wto_netdev_wake_tx(struct wto_vport *vport)
{
	clear_bit(WTO_VF_TX_PAUSED, vport->flags);
	netif_tx_wake_all_queues(vport->netdev);
}

/**
 * wto_netdev_pause_tx - let the stack send no more
 * @vport: running vport
 *
 * The queues themselves go on.
 *
 * Context: Process, may sleep; netdev's lock or RTNL.
 */
void wto_netdev_pause_tx(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	struct wto_queue_set *set = vport->set;
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++)
		WRITE_ONCE(set->tx[i]->closing, true);
	set_bit(WTO_VF_TX_PAUSED, vport->flags);
	wto_netdev_touch_queues(netdev);
	/* Who polls now and did not see it yet may wake a queue: wait for that
	 * one poll, not for the end of polling, which may never come.
	 */
	synchronize_net();
	netif_tx_disable(netdev);
}

/**
 * wto_netdev_resume_tx - undo wto_netdev_pause_tx()
 * @vport: running vport
 *
 * Context: Process; netdev's lock or RTNL.
 */
void wto_netdev_resume_tx(struct wto_vport *vport)
{
	struct wto_queue_set *set = vport->set;
	unsigned int i;

	for (i = 0; i < set->cfg.num_channels; i++)
		WRITE_ONCE(set->tx[i]->closing, false);
	wto_netdev_wake_tx(vport);
}

/* Take the running set out.  Return: the set, which is stopped */
static struct wto_queue_set *wto_netdev_halt(struct wto_vport *vport)
{
	struct wto_queue_set *set = vport->set;

	clear_bit(WTO_VF_UP, vport->flags);
	wto_netdev_pause_tx(vport);
	wto_queue_stop(vport, set);
	wto_vector_detach(vport, set);
	vport->set = NULL;

	return set;
}

/* Let a stopped set run.  Return: 0, or a negative errno and it is stopped */
static int wto_netdev_run(struct wto_vport *vport, struct wto_queue_set *set)
{
	unsigned int num = set->cfg.num_channels;
	int err;

	err = netif_set_real_num_queues(vport->netdev, num, num);
	if (err)
		return err;
	err = wto_vector_attach(vport, set);
	if (err)
		return err;

	vport->set = set;
	set_bit(WTO_VF_UP, vport->flags);
	err = wto_queue_start(vport, set);
	if (err) {
		clear_bit(WTO_VF_UP, vport->flags);
		vport->set = NULL;
		wto_vector_detach(vport, set);
		return err;
	}

	return 0;
}

static int wto_netdev_up(struct wto_vport *vport)
{
	struct wto_queue_set *set;
	int err;

	set = wto_queue_set_alloc(vport, &vport->cfg);
	if (IS_ERR(set))
		return PTR_ERR(set);

	/* the event that follows ENABLE_VPORT brings the truth */
	mutex_lock(&vport->link_lock);
	vport->link_up = false;
	mutex_unlock(&vport->link_lock);

	err = wto_netdev_run(vport, set);
	if (err) {
		/* the device may have told a link before it failed */
		wto_netdev_carrier(vport, false);
		wto_queue_set_free(set);
		return err;
	}
	set_bit(WTO_VF_RX_MODE, vport->flags);
	wto_netdev_sync_rx_mode(vport);
	clear_bit(WTO_VF_TX_PAUSED, vport->flags);
	netif_tx_start_all_queues(vport->netdev);

	return 0;
}

static void wto_netdev_down(struct wto_vport *vport)
{
	struct wto_queue_set *set;

	if (!vport->set)
		return;

	set = wto_netdev_halt(vport);
	wto_netdev_carrier(vport, false);
	wto_queue_set_free(set);
}

static int wto_netdev_open(struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);
	int err;

	err = wto_netdev_up(vport);
	if (err)
		netdev_err(netdev, "cannot be brought up: %pe\n",
			   ERR_PTR(err));

	return err;
}

static int wto_netdev_stop(struct net_device *netdev)
{
	wto_netdev_down(netdev_priv(netdev));

	return 0;
}

/* The running set was replaced by none that runs, nor does the old one */
static void wto_netdev_lost(struct wto_vport *vport, struct wto_queue_set *old)
{
	wto_netdev_carrier(vport, false);
	wto_queue_set_free(old);
	wto_reset_request(vport->adapter, "queues could not be restarted");
}

/**
 * wto_netdev_reconfig - change the configuration of queues
 * @vport: vport
 * @cfg: new configuration, valid
 *
 * All of it takes effect or nothing.  If the vport runs, the new queues are
 * allocated before the old ones are stopped; the carrier stays on.
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0, or a negative errno and the old configuration is in force.
 */
int wto_netdev_reconfig(struct wto_vport *vport,
			const struct wto_queue_cfg *cfg)
{
	struct wto_queue_cfg old_cfg = vport->cfg;
	struct net_device *netdev = vport->netdev;
	struct wto_queue_set *old, *set;
	int err;

	if (!vport->set) {
		err = netif_set_real_num_queues(netdev, cfg->num_channels,
						cfg->num_channels);
		if (err)
			return err;
		vport->cfg = *cfg;
		wto_rss_fit(vport);
		return 0;
	}

	set = wto_queue_set_alloc(vport, cfg);
	if (IS_ERR(set))
		return PTR_ERR(set);

	old = wto_netdev_halt(vport);
	vport->cfg = *cfg;
	wto_rss_fit(vport);
	err = wto_netdev_run(vport, set);
	if (!err) {
		wto_queue_set_free(old);
		vport->num_restarts++;
		wto_netdev_wake_tx(vport);
		return 0;
	}

	netdev_err(netdev, "new queues do not start: %pe, going back\n",
		   ERR_PTR(err));
	wto_queue_set_free(set);
	vport->cfg = old_cfg;
	wto_rss_fit(vport);
	if (wto_netdev_run(vport, old))
		wto_netdev_lost(vport, old);
	else
		wto_netdev_wake_tx(vport);

	return err;
}

static int wto_netdev_want_addr(struct net_device *netdev, const u8 *addr)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return wto_filter_want(&vport->filters, addr, false);
}

static int wto_netdev_unwant_addr(struct net_device *netdev, const u8 *addr)
{
	struct wto_vport *vport = netdev_priv(netdev);

	wto_filter_unwant(&vport->filters, addr, false);

	return 0;
}

static int wto_netdev_set_rx_mode(struct net_device *netdev,
				  struct netdev_hw_addr_list *uc,
				  struct netdev_hw_addr_list *mc)
{
	struct wto_vport *vport = netdev_priv(netdev);
	int mc_err;
	int err;

	err = __hw_addr_sync_dev(uc, netdev, wto_netdev_want_addr,
				 wto_netdev_unwant_addr);
	mc_err = __hw_addr_sync_dev(mc, netdev, wto_netdev_want_addr,
				    wto_netdev_unwant_addr);
	WRITE_ONCE(vport->filters.want_uc, netdev->flags & IFF_PROMISC);
	WRITE_ONCE(vport->filters.want_mc,
		   netdev->flags & (IFF_PROMISC | IFF_ALLMULTI));
	set_bit(WTO_VF_RX_MODE, vport->flags);
	wto_reset_kick(vport->adapter);

	return err ?: mc_err;
}

WTO_SET_RX_MODE(wto_netdev_set_rx_mode)

/**
 * wto_netdev_sync_rx_mode - bring filters to the device if they changed
 * @vport: vport
 *
 * Context: Process, may sleep.
 */
void wto_netdev_sync_rx_mode(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;
	int err;

	if (!test_bit(WTO_VF_UP, vport->flags) ||
	    !test_and_clear_bit(WTO_VF_RX_MODE, vport->flags))
		return;

	err = wto_filter_sync(&vport->filters, &adapter->mbx, vport->vc.id,
			      adapter->caps.other);
	/* the worker tries again what may pass; a refusal stays one */
	if (err == -ENOMEM || err == -EBUSY || err == -ETIMEDOUT)
		set_bit(WTO_VF_RX_MODE, vport->flags);
}

/* Bring a new address to the device.  Return: 0 once the device has it */
static int wto_netdev_add_mac(struct wto_vport *vport, const u8 *addr)
{
	struct wto_adapter *adapter = vport->adapter;
	struct wto_filters *filters = &vport->filters;
	int err;

	err = wto_filter_want(filters, addr, true);
	if (err)
		return err;
	err = wto_filter_sync(filters, &adapter->mbx, vport->vc.id,
			      adapter->caps.other);
	if (wto_filter_has(filters, addr))
		return 0;

	wto_filter_unwant(filters, addr, true);
	/* promiscuous mode need not stand in for it */
	set_bit(WTO_VF_RX_MODE, vport->flags);
	wto_reset_kick(adapter);

	return err ?: -EADDRNOTAVAIL;
}

static int wto_netdev_set_mac(struct net_device *netdev, void *p)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct sockaddr *sa = p;
	u8 old[ETH_ALEN];
	int err;

	err = eth_prepare_mac_addr_change(netdev, p);
	if (err)
		return err;
	if (!(vport->adapter->caps.other & VC2_CAP_MACFILTER))
		return -EOPNOTSUPP;
	if (ether_addr_equal(netdev->dev_addr, sa->sa_data))
		return 0;

	err = wto_netdev_add_mac(vport, sa->sa_data);
	if (err) {
		netdev_err(netdev, "the device does not take address %pM: %pe\n",
			   sa->sa_data, ERR_PTR(err));
		return err;
	}
	ether_addr_copy(old, netdev->dev_addr);
	eth_commit_mac_addr_change(netdev, p);
	wto_filter_unwant(&vport->filters, old, true);
	set_bit(WTO_VF_RX_MODE, vport->flags);
	wto_netdev_sync_rx_mode(vport);

	return 0;
}

static int wto_netdev_change_mtu(struct net_device *netdev, int new_mtu)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_queue_cfg cfg = vport->cfg;
	int err;

	cfg.mtu = new_mtu;
	err = wto_netdev_reconfig(vport, &cfg);
	if (!err)
		WRITE_ONCE(netdev->mtu, new_mtu);

	return err;
}

/* A transmit queue does not get on; NULL for one that is on its way out */
static void wto_netdev_tx_stuck(struct wto_vport *vport,
				const struct wto_tx_queue *txq)
{
	/* the device works, and only nobody looked: the interrupt is lost */
	if (txq && wto_tx_pending(txq)) {
		vport->num_lost_irqs++;
		napi_schedule(&txq->vec->napi);
		return;
	}

	vport->num_tx_timeouts++;
	if (txq)
		wto_tx_dump(txq);
	wto_health_report(vport->adapter, WTO_HEALTH_TX,
			  "transmit queue is stuck");
}

static void wto_netdev_tx_timeout(struct net_device *netdev,
				  unsigned int tx_idx)
{
	struct wto_vport *vport = netdev_priv(netdev);

	wto_netdev_tx_stuck(vport, tx_idx < WTO_MAX_QUEUES ?
			    READ_ONCE(vport->tx[tx_idx]) : NULL);
}

/**
 * wto_netdev_check_tx - look for transmit queues that do not get on
 * @vport: vport, up or down
 *
 * The stack's watchdog looks only at queues that it may not use.  One that is
 * stuck with room left is found here, as soon.
 *
 * Context: The worker.
 */
void wto_netdev_check_tx(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	struct wto_tx_queue *txq;

	/* the lock keeps the watchdog from reporting at the same time */
	rcu_read_lock();
	spin_lock_bh(&netdev->tx_global_lock);
	for (unsigned int i = 0; i < WTO_MAX_QUEUES; i++) {
		txq = READ_ONCE(vport->tx[i]);
		if (txq && wto_tx_stalled(txq, netdev->watchdog_timeo))
			wto_netdev_tx_stuck(vport, txq);
	}
	spin_unlock_bh(&netdev->tx_global_lock);
	rcu_read_unlock();
}

static void wto_netdev_get_stats64(struct net_device *netdev,
				   struct rtnl_link_stats64 *stats)
{
	wto_stats_get64(netdev_priv(netdev), stats);
}

static const struct net_device_ops wto_netdev_ops = {
	.ndo_open		= wto_netdev_open,
	.ndo_stop		= wto_netdev_stop,
	.ndo_start_xmit		= wto_tx_start_xmit,
	WTO_SET_RX_MODE_OP(wto_netdev_set_rx_mode),
	.ndo_set_mac_address	= wto_netdev_set_mac,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= wto_netdev_change_mtu,
	.ndo_get_stats64	= wto_netdev_get_stats64,
	.ndo_tx_timeout		= wto_netdev_tx_timeout,
	.ndo_fix_features	= wto_features_fix,
	.ndo_set_features	= wto_features_set,
	.ndo_features_check	= wto_features_check,
};

/* Most channels that each of the function's vports can have */
static unsigned int wto_netdev_max_channels(const struct wto_adapter *adapter)
{
	const struct wto_vc_caps *caps = &adapter->caps;
	unsigned int num = min(caps->max_txq, caps->max_rxq);

	/* a device with single queues may have none of these */
	if (caps->max_complq)
		num = min(num, caps->max_complq);
	if (caps->max_bufq)
		num = min(num, caps->max_bufq);
	num = min_t(unsigned int, num, adapter->irqs.num_vec);

	return min(num / caps->default_vports, WTO_MAX_QUEUES);
}

static bool wto_netdev_share_queue(const struct wto_vc_queue_id *a,
				   unsigned int num_a,
				   const struct wto_vc_queue_id *b,
				   unsigned int num_b)
{
	for (unsigned int i = 0; i < num_a; i++)
		for (unsigned int j = 0; j < num_b; j++)
			if (a[i].id == b[j].id)
				return true;

	return false;
}

/* Has the device given something twice? */
static bool wto_netdev_share(const struct wto_vc_vport *a,
			     const struct wto_vc_vport *b)
{
	return a->id == b->id ||
	       wto_netdev_share_queue(a->txq, a->num_txq, b->txq, b->num_txq) ||
	       wto_netdev_share_queue(a->rxq, a->num_rxq, b->rxq, b->num_rxq) ||
	       wto_netdev_share_queue(a->complq, a->num_complq, b->complq,
				      b->num_complq) ||
	       wto_netdev_share_queue(a->bufq, a->num_bufq, b->bufq,
				      b->num_bufq);
}

static int wto_netdev_check_vport(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;
	const struct wto_vc_vport *vc = &vport->vc;
	struct device *dev = adapter->dev;

	/* those before this one have been created, or created again */
	for (unsigned int i = 0; i < vport->index; i++) {
		if (wto_netdev_share(vc, &adapter->vports[i]->vc)) {
			dev_err(dev, "vport %u: the device gave it the id (%u) or a queue of vport %u\n",
				vport->index, vc->id, i);
			return -EIO;
		}
	}

	if (vc->max_frame < ETH_MIN_MTU + WTO_FRAME_OVERHEAD) {
		dev_err(dev, "vport %u: longest frame of %u bytes is impossible\n",
			vport->index, vc->max_frame);
		return -EIO;
	}

	return 0;
}

/* Make the vport in the device.  After a failure the function must be reset
 * before it is tried again.
 */
static int wto_netdev_create_vport(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;
	unsigned int share = wto_netdev_max_channels(adapter);
	int err;

	/* the device may give other numbers after a reset */
	if (!share || (vport->index + 1) * share > adapter->irqs.num_vec) {
		dev_err(adapter->dev, "too few queues or vectors for %u vports\n",
			adapter->caps.default_vports);
		return -EIO;
	}
	err = wto_vc_create_vport(&adapter->mbx, vport->index, share,
				  &vport->vc);
	if (err)
		return err;
	vport->mac.refused = false;
	ether_addr_copy(vport->filters.own, vport->vc.mac);
	/* a new vport counts from 0 */
	spin_lock_bh(&vport->nic_stats_lock);
	memset(&vport->nic_last, 0, sizeof(vport->nic_last));
	spin_unlock_bh(&vport->nic_stats_lock);
	err = wto_netdev_check_vport(vport);
	if (!err)
		err = wto_model_choose(vport);
	if (!err)
		err = wto_queue_check_tails(vport);
	if (err)
		return err;

	return wto_vector_bind(vport, &adapter->irqs.vec[vport->index * share],
			       vport->max_channels);
}

/**
 * wto_netdev_can_hsplit - can the device split headers of all packets off?
 * @vport: vport
 *
 * Context: Any.
 * Return: true if so.
 */
bool wto_netdev_can_hsplit(const struct wto_vport *vport)
{
	const u32 both = VC2_HSPLIT_AT_L4V4 | VC2_HSPLIT_AT_L4V6;

	return vport->rx_model == WTO_RX_SPLIT &&
	       (vport->adapter->caps.hsplit & both) == both;
}

static void wto_netdev_init_config(struct wto_vport *vport)
{
	struct wto_queue_cfg *cfg = &vport->cfg;
	struct wto_adapter *adapter = vport->adapter;

	vport->num_shown = vport->max_channels;
	cfg->num_channels = min(num_online_cpus(), vport->max_channels);
	cfg->tx_len = WTO_RING_DEFAULT;
	cfg->rx_len = WTO_RING_DEFAULT;
	cfg->hsplit = wto_netdev_can_hsplit(vport);
	cfg->rx_hash = adapter->caps.rss;
}

static void wto_netdev_init_netdev(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;
	struct net_device *netdev = vport->netdev;

	netdev->netdev_ops = &wto_netdev_ops;
	wto_ethtool_set_ops(netdev);
	wto_stats_set_ops(netdev);
	wto_qmgmt_set_ops(netdev);

	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	if (adapter->caps.other & VC2_CAP_MACFILTER)
		netdev->priv_flags |= IFF_UNICAST_FLT;

	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = vport->vc.max_frame - WTO_FRAME_OVERHEAD;
	netdev->mtu = min_t(unsigned int, ETH_DATA_LEN, netdev->max_mtu);
	vport->cfg.mtu = netdev->mtu;
	netdev->dev_port = vport->index;

	if (is_valid_ether_addr(vport->vc.mac)) {
		eth_hw_addr_set(netdev, vport->vc.mac);
	} else {
		eth_hw_addr_random(netdev);
		dev_info(adapter->dev, "vport %u: no address from the device, using %pM\n",
			 vport->index, netdev->dev_addr);
	}
}

static int wto_netdev_alloc_tables(struct wto_vport *vport)
{
	unsigned int i;

	vport->vec = kvcalloc(WTO_MAX_QUEUES, sizeof(*vport->vec), GFP_KERNEL);
	vport->tx_stats = kvcalloc(WTO_MAX_QUEUES, sizeof(*vport->tx_stats),
				   GFP_KERNEL);
	vport->rx_stats = kvcalloc(WTO_MAX_QUEUES, sizeof(*vport->rx_stats),
				   GFP_KERNEL);
	if (!vport->vec || !vport->tx_stats || !vport->rx_stats)
		return -ENOMEM;
	wto_stats_init(vport);
	for (i = 0; i < WTO_MAX_QUEUES; i++)
		wto_itr_init(&vport->vec[i]);

	return 0;
}

static void wto_netdev_free(struct wto_vport *vport)
{
	wto_filter_exit(&vport->filters);
	wto_features_exit(vport);
	wto_rss_exit(vport);
	kvfree(vport->rx_stats);
	kvfree(vport->tx_stats);
	kvfree(vport->vec);
	free_netdev(vport->netdev);
}

/**
 * wto_netdev_create - make a vport and its netdev
 * @adapter: function, control plane up
 * @index: number of the vport
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno.
 */
int wto_netdev_create(struct wto_adapter *adapter, unsigned int index)
{
	struct net_device *netdev;
	struct wto_vport *vport;
	int err;

	netdev = alloc_etherdev_mqs(sizeof(*vport), WTO_MAX_QUEUES,
				    WTO_MAX_QUEUES);
	if (!netdev)
		return -ENOMEM;
	SET_NETDEV_DEV(netdev, adapter->dev);
	vport = netdev_priv(netdev);
	vport->netdev = netdev;
	vport->adapter = adapter;
	vport->index = index;
	vport->msg_enable = NETIF_MSG_DRV | NETIF_MSG_LINK;
	mutex_init(&vport->link_lock);
	ratelimit_state_init(&vport->link_limit, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	wto_filter_init(&vport->filters);

	err = wto_netdev_alloc_tables(vport);
	if (!err)
		err = wto_netdev_create_vport(vport);
	if (err)
		goto free_vport;
	wto_netdev_init_config(vport);
	wto_netdev_init_netdev(vport);
	err = wto_features_init(vport);
	if (!err)
		err = wto_rss_init(vport);
	if (!err)
		err = wto_filter_want(&vport->filters, netdev->dev_addr, true);
	if (err)
		goto free_vport;

	mutex_lock(&adapter->vports_lock);
	adapter->vports[index] = vport;
	adapter->num_vports = index + 1;
	mutex_unlock(&adapter->vports_lock);

	return 0;

free_vport:
	wto_netdev_free(vport);
	return err;
}

/**
 * wto_netdev_register - show the netdev to the world
 * @vport: vport
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno.
 */
int wto_netdev_register(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	int err;

	err = netif_set_real_num_queues(netdev, vport->cfg.num_channels,
					vport->cfg.num_channels);
	if (err)
		return err;
	netif_carrier_off(netdev);
	err = wto_devlink_add_port(vport);
	if (err)
		return err;

	return register_netdev(netdev);
}

/**
 * wto_netdev_destroy - remove a vport and its netdev
 * @vport: vport, registered or not; the service worker is stopped
 *
 * Context: Process, may sleep.
 */
void wto_netdev_destroy(struct wto_vport *vport)
{
	struct wto_adapter *adapter = vport->adapter;

	if (vport->netdev->reg_state == NETREG_REGISTERED)
		unregister_netdev(vport->netdev);
	wto_devlink_remove_port(vport);
	if (READ_ONCE(adapter->mbx.up))
		wto_vc_destroy_vport(&adapter->mbx, vport->vc.id);

	mutex_lock(&adapter->vports_lock);
	adapter->vports[vport->index] = NULL;
	mutex_unlock(&adapter->vports_lock);
	wto_netdev_free(vport);
}

/**
 * wto_netdev_detach - the function is about to be reset, or is gone
 * @vport: vport; a mailbox that is down makes it quick
 *
 * Context: Process, may sleep; RTNL, takes the netdev's lock.
 */
void wto_netdev_detach(struct wto_vport *vport)
{
	netdev_lock_ops(vport->netdev);
	if (!test_and_set_bit(WTO_VF_DETACHED, vport->flags)) {
		wto_netdev_touch_queues(vport->netdev);
		netif_device_detach(vport->netdev);
	}
	wto_netdev_down(vport);
	netdev_unlock_ops(vport->netdev);
	wto_filter_forget(&vport->filters);
}

/* Entries of a user's RSS table may name queues that are no more */
static void wto_netdev_clamp_rss(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	struct wto_rss *rss = &vport->rss;
	unsigned int i;

	for (i = 0; i < rss->lut_size; i++) {
		if (rss->lut[i] < vport->cfg.num_channels)
			continue;
		if (netif_is_rxfh_configured(netdev))
			ethtool_rxfh_indir_lost(netdev);
		wto_rss_fit(vport);
		return;
	}
}

/* The device may have less to give than before the reset.  What can do with
 * less does; the user is told.
 */
static int wto_netdev_check_again(struct wto_vport *vport)
{
	const struct wto_vc_caps *caps = &vport->adapter->caps;
	u32 max_mtu = vport->vc.max_frame - WTO_FRAME_OVERHEAD;
	struct net_device *netdev = vport->netdev;
	struct wto_queue_cfg *cfg = &vport->cfg;
	unsigned int i;

	if (max_mtu < netdev->mtu) {
		netdev_err(netdev, "device takes an MTU of %u at most now, %u is in use\n",
			   max_mtu, netdev->mtu);
		return -EIO;
	}
	if (max_mtu < netdev->max_mtu) {
		netdev_warn(netdev, "device takes an MTU of %u at most now\n",
			    max_mtu);
		WRITE_ONCE(netdev->max_mtu, max_mtu);
	}
	/* the core finds such a queue by its number when it is to be let go */
	for (i = vport->max_channels; i < cfg->num_channels; i++) {
		if (!netif_rxq_has_unreadable_mp(netdev, i))
			continue;
		netdev_err(netdev, "device has only %u channels left, and receive queue %u holds memory of a user\n",
			   vport->max_channels, i);
		return -EIO;
	}
	if (vport->max_channels < cfg->num_channels) {
		netdev_warn(netdev, "device has only %u channels left of %u\n",
			    vport->max_channels, cfg->num_channels);
		cfg->num_channels = vport->max_channels;
	}
	if (cfg->hsplit && !wto_netdev_can_hsplit(vport)) {
		netdev_warn(netdev, "device does not split headers any more\n");
		cfg->hsplit = false;
	}
	if (vport->rss.lut_size && !caps->rss && net_ratelimit())
		netdev_warn(netdev, "device has no receive side scaling any more\n");

	return 0;
}

static int wto_netdev_reattach_locked(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	int err;

	err = wto_netdev_create_vport(vport);
	if (!err)
		err = wto_netdev_check_again(vport);
	if (!err)
		err = wto_rss_init(vport);
	if (!err)
		err = wto_features_refresh(vport);
	if (!err && netdev->features & NETIF_F_LOOPBACK)
		err = wto_vc_set_loopback(&vport->adapter->mbx, vport->vc.id,
					  true);
	if (err)
		return err;
	wto_netdev_clamp_rss(vport);
	err = netif_set_real_num_queues(netdev, vport->cfg.num_channels,
					vport->cfg.num_channels);
	if (err)
		return err;

	if (netif_running(netdev)) {
		err = wto_netdev_up(vport);
		if (err)
			return err;
	}
	clear_bit(WTO_VF_DETACHED, vport->flags);
	netif_device_attach(netdev);
	if (!netif_running(netdev))
		return 0;

	/* the stack told a detached netdev nothing of changes */
	netif_addr_lock_bh(netdev);
	wto_netdev_set_rx_mode(netdev, &netdev->uc, &netdev->mc);
	netif_addr_unlock_bh(netdev);

	return 0;
}

/**
 * wto_netdev_reattach - bring a vport back after a reset
 * @vport: detached vport; the control plane is up
 *
 * Context: Process, may sleep; RTNL, takes the netdev's lock.
 * Return: 0 or a negative errno; then the vport stays detached.
 */
int wto_netdev_reattach(struct wto_vport *vport)
{
	int err;

	netdev_lock_ops(vport->netdev);
	err = wto_netdev_reattach_locked(vport);
	netdev_unlock_ops(vport->netdev);

	return err;
}
