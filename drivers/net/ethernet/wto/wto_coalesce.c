// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool -c and -C, for all queues or each: a channel has one vector with a
 * throttling interval for either direction.
 */

#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include <wto/regs.h>

#include "wto.h"

#define WTO_COALESCE_MAX_US	(FIELD_MAX(IDPF_ITR_INTERVAL) * IDPF_ITR_UNIT_US)

/**
 * struct wto_coalesce - the settings of one direction
 * @name: "rx" or "tx"
 * @idx: VC2_ITR_IDX_*
 * @us: interval
 * @adaptive: it is found by net_dim
 */
struct wto_coalesce {
	const char *name;
	unsigned int idx;
	u32 us;
	u32 adaptive;
};

static void wto_coalesce_get(const struct wto_vector *vec,
			     struct ethtool_coalesce *ec)
{
	const struct wto_itr *rx = &vec->itr[VC2_ITR_IDX_RX];
	const struct wto_itr *tx = &vec->itr[VC2_ITR_IDX_TX];

	ec->rx_coalesce_usecs = rx->us;
	ec->use_adaptive_rx_coalesce = rx->adaptive;
	ec->tx_coalesce_usecs = tx->us;
	ec->use_adaptive_tx_coalesce = tx->adaptive;
}

static int wto_coalesce_check(const struct wto_vector *vec,
			      const struct wto_coalesce *want,
			      struct netlink_ext_ack *extack)
{
	if (want->adaptive && want->us != vec->itr[want->idx].us) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s-usecs can be set while adaptive-%s is off",
				       want->name, want->name);
		return -EINVAL;
	}
	if (want->us > WTO_COALESCE_MAX_US || want->us % IDPF_ITR_UNIT_US) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s-usecs must be a multiple of %u up to %lu",
				       want->name, IDPF_ITR_UNIT_US,
				       (unsigned long)WTO_COALESCE_MAX_US);
		return -EINVAL;
	}

	return 0;
}

/* Change @num vectors in what differs from the first one, which is what the
 * user was shown: what is not asked for stays, also where it is another.
 */
static void wto_coalesce_apply(struct wto_vector *vec, unsigned int num,
			       const struct wto_coalesce *want)
{
	bool adaptive = vec->itr[want->idx].adaptive;
	u16 us = vec->itr[want->idx].us;
	unsigned int i;

	for (i = 0; i < num; i++) {
		const struct wto_itr *itr = &vec[i].itr[want->idx];

		wto_itr_set(&vec[i], want->idx,
			    want->us == us ? itr->us : want->us,
			    !!want->adaptive == adaptive ? itr->adaptive :
							   want->adaptive);
	}
}

static int wto_coalesce_set(struct wto_vector *vec, unsigned int num,
			    const struct ethtool_coalesce *ec,
			    struct netlink_ext_ack *extack)
{
	const struct wto_coalesce want[] = {
		{ "rx", VC2_ITR_IDX_RX, ec->rx_coalesce_usecs,
		  ec->use_adaptive_rx_coalesce },
		{ "tx", VC2_ITR_IDX_TX, ec->tx_coalesce_usecs,
		  ec->use_adaptive_tx_coalesce },
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		err = wto_coalesce_check(vec, &want[i], extack);
		if (err)
			return err;
	}
	for (i = 0; i < ARRAY_SIZE(want); i++)
		wto_coalesce_apply(vec, num, &want[i]);

	return 0;
}

/**
 * wto_coalesce_get_all - settings of the port: those of queue 0
 * @netdev: netdev
 * @ec: out: settings
 * @kec: not used
 * @extack: not used
 *
 * Context: RTNL.
 * Return: 0.
 */
int wto_coalesce_get_all(struct net_device *netdev,
			 struct ethtool_coalesce *ec,
			 struct kernel_ethtool_coalesce *kec,
			 struct netlink_ext_ack *extack)
{
	struct wto_vport *vport = netdev_priv(netdev);

	wto_coalesce_get(&vport->vec[0], ec);

	return 0;
}

/**
 * wto_coalesce_set_all - set all queues, also those that come later
 * @netdev: netdev
 * @ec: settings
 * @kec: not used
 * @extack: says what is wrong
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0 or -EINVAL.
 */
int wto_coalesce_set_all(struct net_device *netdev,
			 struct ethtool_coalesce *ec,
			 struct kernel_ethtool_coalesce *kec,
			 struct netlink_ext_ack *extack)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return wto_coalesce_set(vport->vec, WTO_MAX_QUEUES, ec, extack);
}

/**
 * wto_coalesce_get_queue - settings of one queue
 * @netdev: netdev
 * @queue: queue
 * @ec: out: settings
 *
 * Context: RTNL.
 * Return: 0 or -EINVAL if there is no such queue.
 */
int wto_coalesce_get_queue(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec)
{
	struct wto_vport *vport = netdev_priv(netdev);

	if (queue >= vport->cfg.num_channels)
		return -EINVAL;
	wto_coalesce_get(&vport->vec[queue], ec);

	return 0;
}

/**
 * wto_coalesce_set_queue - set one queue
 * @netdev: netdev
 * @queue: queue
 * @ec: settings
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0 or -EINVAL.
 */
int wto_coalesce_set_queue(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec)
{
	struct wto_vport *vport = netdev_priv(netdev);

	if (queue >= vport->cfg.num_channels)
		return -EINVAL;

	return wto_coalesce_set(&vport->vec[queue], 1, ec, NULL);
}
