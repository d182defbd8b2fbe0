// SPDX-License-Identifier: GPL-2.0-only
/*
 * The standard statistics of ethtool: what the port's MAC counts.
 *
 * They are asked of the device when they are read.  A counter that it does not
 * tell stays unset, and the user sees none.  A device that does not know of port
 * statistics has those of the vport.
 */

#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "wto.h"

#define WTO_MAC_MAX_LEN		(SZ_16K - 1)

static const struct ethtool_rmon_hist_range wto_mac_ranges[] = {
	{ 64, 64 },
	{ 65, 127 },
	{ 128, 255 },
	{ 256, 511 },
	{ 512, 1023 },
	{ 1024, 1518 },
	{ 1519, WTO_MAC_MAX_LEN },
	{}
};

static_assert(ARRAY_SIZE(wto_mac_ranges) == VC2_PHY_NUM_SIZES + 1);
static_assert(VC2_PHY_NUM_SIZES <= ETHTOOL_RMON_HIST_MAX);

/* Return: the port's counters, as of now if the device tells; NULL if it never did */
static const struct wto_phy_stats *wto_mac_read(struct wto_vport *vport)
{
	struct wto_phy_stats now;
	int err;

	err = vport->mac.refused ? -EOPNOTSUPP :
	      wto_vc_get_port_stats(&vport->adapter->mbx, vport->vc.id, &now);
	if (err == -EOPNOTSUPP)
		vport->mac.refused = true;
	if (!err) {
		wto_stats_grow((u64 *)&vport->mac.total,
			       (u64 *)&vport->mac.last, (const u64 *)&now,
			       sizeof(now) / sizeof(u64));
		vport->mac.known = true;
	}

	/* counters never go back to those of somebody else */
	return vport->mac.known ? &vport->mac.total : NULL;
}

/* The vport's counters in place of the port's: they have no FCS */
static void wto_mac_get_by_vport(struct wto_vport *vport,
				 struct ethtool_eth_mac_stats *stats)
{
	struct wto_nic_stats now;

	if (wto_stats_ask_nic(vport))
		return;
	wto_stats_get_nic(vport, &now);

	stats->FramesTransmittedOK = now.tx_unicast + now.tx_multicast +
				     now.tx_broadcast;
	stats->FramesReceivedOK = now.rx_unicast + now.rx_multicast +
				  now.rx_broadcast;
	stats->OctetsTransmittedOK = now.tx_bytes + ETH_FCS_LEN *
				     stats->FramesTransmittedOK;
	stats->OctetsReceivedOK = now.rx_bytes + ETH_FCS_LEN *
				  stats->FramesReceivedOK;
	stats->MulticastFramesXmittedOK = now.tx_multicast;
	stats->MulticastFramesReceivedOK = now.rx_multicast;
	stats->BroadcastFramesXmittedOK = now.tx_broadcast;
	stats->BroadcastFramesReceivedOK = now.rx_broadcast;
}

/**
 * wto_mac_get_eth_mac - ethtool: statistics of IEEE 802.3, clause 30.3.1
 * @netdev: netdev
 * @stats: out; octets with FCS, as other drivers tell them
 *
 * Context: Process, may sleep; netdev's lock or RTNL.
 */
void wto_mac_get_eth_mac(struct net_device *netdev,
			 struct ethtool_eth_mac_stats *stats)
{
	struct wto_vport *vport = netdev_priv(netdev);
	const struct wto_phy_stats *phy;

	if (stats->src != ETHTOOL_MAC_STATS_SRC_AGGREGATE)
		return;
	phy = wto_mac_read(vport);
	if (!phy) {
		wto_mac_get_by_vport(vport, stats);
		return;
	}

	stats->FramesTransmittedOK = phy->tx_unicast + phy->tx_multicast +
				     phy->tx_broadcast;
	stats->FramesReceivedOK = phy->rx_unicast + phy->rx_multicast +
				  phy->rx_broadcast;
	stats->FrameCheckSequenceErrors = phy->rx_crc_errors;
	stats->OctetsTransmittedOK = phy->tx_octets;
	stats->OctetsReceivedOK = phy->rx_octets;
	stats->FramesLostDueToIntMACXmitError = phy->tx_errors;
	stats->MulticastFramesXmittedOK = phy->tx_multicast;
	stats->MulticastFramesReceivedOK = phy->rx_multicast;
	stats->BroadcastFramesXmittedOK = phy->tx_broadcast;
	stats->BroadcastFramesReceivedOK = phy->rx_broadcast;
	stats->InRangeLengthErrors = phy->rx_length_errors;
	stats->FrameTooLongErrors = phy->rx_oversized;
}

/**
 * wto_mac_get_rmon - ethtool: statistics of RFC 2819
 * @netdev: netdev
 * @stats: out
 * @ranges: out: lengths of the histograms' classes, with FCS
 *
 * Context: Process, may sleep; netdev's lock or RTNL.
 */
void wto_mac_get_rmon(struct net_device *netdev,
		      struct ethtool_rmon_stats *stats,
		      const struct ethtool_rmon_hist_range **ranges)
{
	struct wto_vport *vport = netdev_priv(netdev);
	const struct wto_phy_stats *phy;
	unsigned int i;

	*ranges = wto_mac_ranges;
	if (stats->src != ETHTOOL_MAC_STATS_SRC_AGGREGATE)
		return;
	phy = wto_mac_read(vport);
	if (!phy)
		return;

	stats->undersize_pkts = phy->rx_undersized;
	stats->oversize_pkts = phy->rx_oversized;
	stats->fragments = phy->rx_fragmented;
	stats->jabbers = phy->rx_jabber;
	for (i = 0; i < VC2_PHY_NUM_SIZES; i++) {
		stats->hist[i] = phy->rx_size[i];
		stats->hist_tx[i] = phy->tx_size[i];
	}
}
