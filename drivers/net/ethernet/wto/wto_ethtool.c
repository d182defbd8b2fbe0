// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool: what the user reads and sets.  What is accepted is what is read
 * back; everything else is refused with a reason.
 */

#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/netdevice.h>

#include "wto.h"

static void wto_get_drvinfo(struct net_device *netdev,
			    struct ethtool_drvinfo *info)
{
	struct wto_vport *vport = netdev_priv(netdev);

	strscpy(info->driver, WTO_DRV_NAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(vport->adapter->dev),
		sizeof(info->bus_info));
	snprintf(info->fw_version, sizeof(info->fw_version), "virtchnl %u.%u",
		 VC2_VERSION_MAJOR, VC2_VERSION_MINOR);
}

static u32 wto_get_msglevel(struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return vport->msg_enable;
}

static void wto_set_msglevel(struct net_device *netdev, u32 value)
{
	struct wto_vport *vport = netdev_priv(netdev);

	vport->msg_enable = value;
}

static int wto_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *settings)
{
	struct wto_vport *vport = netdev_priv(netdev);

	ethtool_link_ksettings_zero_link_mode(settings, supported);
	ethtool_link_ksettings_zero_link_mode(settings, advertising);
	settings->base.port = PORT_OTHER;
	settings->base.autoneg = AUTONEG_DISABLE;
	settings->base.speed = SPEED_UNKNOWN;
	settings->base.duplex = DUPLEX_UNKNOWN;
	if (netif_carrier_ok(netdev)) {
		settings->base.duplex = DUPLEX_FULL;
		if (vport->link_speed_mbps)
			settings->base.speed = vport->link_speed_mbps;
	}

	return 0;
}

/* Private flags, by bit */
#define WTO_PRIV_LSO_V1		BIT(0)

static const char wto_priv_flag_names[][ETH_GSTRING_LEN] = { "lso-v1" };

static u32 wto_get_priv_flags(struct net_device *netdev)
{
	const struct wto_vport *vport = netdev_priv(netdev);

	return vport->lso_v1 ? WTO_PRIV_LSO_V1 : 0;
}

static int wto_set_priv_flags(struct net_device *netdev, u32 flags)
{
	/* the ioctl lets any bits pass */
	if (flags & ~WTO_PRIV_LSO_V1)
		return -EINVAL;

	return wto_features_set_lso_v1(netdev_priv(netdev), flags);
}

static int wto_get_sset_count(struct net_device *netdev, int sset)
{
	switch (sset) {
	case ETH_SS_STATS:
		return wto_stats_count(netdev_priv(netdev));
	case ETH_SS_TEST:
		return wto_selftest_count(netdev_priv(netdev));
	case ETH_SS_PRIV_FLAGS:
		return ARRAY_SIZE(wto_priv_flag_names);
	default:
		return -EOPNOTSUPP;
	}
}

static void wto_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		wto_stats_strings(netdev_priv(netdev), data);
	else if (sset == ETH_SS_TEST)
		wto_selftest_strings(netdev_priv(netdev), data);
	else if (sset == ETH_SS_PRIV_FLAGS)
		memcpy(data, wto_priv_flag_names, sizeof(wto_priv_flag_names));
}

static void wto_get_ethtool_stats(struct net_device *netdev,
				  struct ethtool_stats *stats, u64 *data)
{
	wto_stats_values(netdev_priv(netdev), data);
}

static void wto_get_ringparam(struct net_device *netdev,
			      struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kring,
			      struct netlink_ext_ack *extack)
{
	struct wto_vport *vport = netdev_priv(netdev);

	ring->rx_max_pending = WTO_RING_MAX;
	ring->tx_max_pending = WTO_RING_MAX;
	ring->rx_pending = vport->cfg.rx_len;
	ring->tx_pending = vport->cfg.tx_len;
	kring->tcp_data_split = vport->cfg.hsplit ?
				ETHTOOL_TCP_DATA_SPLIT_ENABLED :
				ETHTOOL_TCP_DATA_SPLIT_DISABLED;
}

static int wto_check_ring(const char *name, u32 len,
			  struct netlink_ext_ack *extack)
{
	if (len >= WTO_RING_MIN && len <= WTO_RING_MAX && is_power_of_2(len))
		return 0;

	NL_SET_ERR_MSG_FMT_MOD(extack,
			       "%s ring must be a power of 2 from %u to %u",
			       name, WTO_RING_MIN, WTO_RING_MAX);

	return -EINVAL;
}

static int wto_set_ringparam(struct net_device *netdev,
			     struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kring,
			     struct netlink_ext_ack *extack)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_queue_cfg cfg = vport->cfg;
	int err;

	err = wto_check_ring("rx", ring->rx_pending, extack);
	if (err)
		return err;
	err = wto_check_ring("tx", ring->tx_pending, extack);
	if (err)
		return err;

	cfg.rx_len = ring->rx_pending;
	cfg.tx_len = ring->tx_pending;
	switch (kring->tcp_data_split) {
	case ETHTOOL_TCP_DATA_SPLIT_ENABLED:
		if (!wto_netdev_can_hsplit(vport)) {
			NL_SET_ERR_MSG_MOD(extack,
					   "the NIC does not split headers");
			return -EOPNOTSUPP;
		}
		cfg.hsplit = true;
		break;
	case ETHTOOL_TCP_DATA_SPLIT_DISABLED:
		cfg.hsplit = false;
		break;
	default:
		cfg.hsplit = wto_netdev_can_hsplit(vport);
	}

	err = wto_netdev_reconfig(vport, &cfg);
	if (err)
		NL_SET_ERR_MSG_MOD(extack, "the queues could not be restarted");

	return err;
}

static void wto_get_channels(struct net_device *netdev,
			     struct ethtool_channels *channels)
{
	struct wto_vport *vport = netdev_priv(netdev);

	channels->max_combined = vport->max_channels;
	channels->combined_count = vport->cfg.num_channels;
}

static int wto_set_channels(struct net_device *netdev,
			    struct ethtool_channels *channels)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_queue_cfg cfg = vport->cfg;

	if (!channels->combined_count)
		return -EINVAL;

	cfg.num_channels = channels->combined_count;

	return wto_netdev_reconfig(vport, &cfg);
}

static u32 wto_get_rx_ring_count(struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return vport->cfg.num_channels;
}

WTO_RXNFC(wto_get_rx_ring_count, wto_rss_get_fields, wto_rss_set_fields)

static const struct ethtool_ops wto_ethtool_ops = {
	WTO_ETHTOOL_RTNL
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS |
				     ETHTOOL_COALESCE_USE_ADAPTIVE,
	.supported_ring_params = ETHTOOL_RING_USE_TCP_DATA_SPLIT,
	.get_drvinfo = wto_get_drvinfo,
	.get_msglevel = wto_get_msglevel,
	.set_msglevel = wto_set_msglevel,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = wto_get_link_ksettings,
	.get_ts_info = ethtool_op_get_ts_info,
	.get_regs_len = wto_regs_get_len,
	.get_regs = wto_regs_get,
	.self_test = wto_selftest_run,
	.get_eth_mac_stats = wto_mac_get_eth_mac,
	.get_rmon_stats = wto_mac_get_rmon,
	.get_sset_count = wto_get_sset_count,
	.get_strings = wto_get_strings,
	.get_priv_flags = wto_get_priv_flags,
	.set_priv_flags = wto_set_priv_flags,
	.get_ethtool_stats = wto_get_ethtool_stats,
	.get_ringparam = wto_get_ringparam,
	.set_ringparam = wto_set_ringparam,
	.get_channels = wto_get_channels,
	.set_channels = wto_set_channels,
	.get_coalesce = wto_coalesce_get_all,
	.set_coalesce = wto_coalesce_set_all,
	.get_per_queue_coalesce = wto_coalesce_get_queue,
	.set_per_queue_coalesce = wto_coalesce_set_queue,
	WTO_RXNFC_OPS(wto_get_rx_ring_count, wto_rss_get_fields,
		      wto_rss_set_fields),
	.get_rxfh_key_size = wto_rss_get_key_size,
	.get_rxfh_indir_size = wto_rss_get_indir_size,
	.get_rxfh = wto_rss_get,
	.set_rxfh = wto_rss_set,
};

/**
 * wto_ethtool_set_ops - give a netdev its ethtool operations
 * @netdev: netdev, not yet registered
 */
void wto_ethtool_set_ops(struct net_device *netdev)
{
	netdev->ethtool_ops = &wto_ethtool_ops;
}
