// SPDX-License-Identifier: GPL-2.0-only
/*
 * Features: between the offload model and the stack.
 *
 * What the device can do and what is switched on are two values of struct
 * ofl_config.  The second is published by RCU: each packet is judged by one
 * configuration, and a switch disturbs neither link nor queues.
 */

#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "wto.h"

/* What the model calls a Linux feature.  Verdicts on received packets are not
 * used yet, so that feature is not offered.
 */
static const netdev_features_t wto_features_map[OFL_NUM_LINUX] = {
	[OFL_LINUX_IP_CSUM] = NETIF_F_IP_CSUM,
	[OFL_LINUX_IPV6_CSUM] = NETIF_F_IPV6_CSUM,
	[OFL_LINUX_HW_CSUM] = NETIF_F_HW_CSUM,
	[OFL_LINUX_SCTP_CRC] = NETIF_F_SCTP_CRC,
	[OFL_LINUX_TSO] = NETIF_F_TSO | NETIF_F_TSO_ECN,
	[OFL_LINUX_TSO6] = NETIF_F_TSO6 | NETIF_F_TSO_ECN,
	[OFL_LINUX_GSO_UDP_L4] = NETIF_F_GSO_UDP_L4,
};

static netdev_features_t wto_features_of(u32 model)
{
	netdev_features_t features = 0;

	for (unsigned int i = 0; i < OFL_NUM_LINUX; i++)
		if (model & BIT(i))
			features |= wto_features_map[i];

	return features;
}

/* A feature of the model is on if the first of its bits is; ECN has no switch
 * in the model.
 */
static u32 wto_features_to_model(netdev_features_t features)
{
	u32 model = 0;

	features &= ~NETIF_F_TSO_ECN;
	for (unsigned int i = 0; i < OFL_NUM_LINUX; i++)
		if (features & wto_features_map[i])
			model |= BIT(i);

	return model;
}

static void wto_features_read_hw(struct wto_vport *vport)
{
	const struct wto_vc_caps *caps = &vport->adapter->caps;
	const struct ofl_device_caps dev = {
		.words = {
			[OFL_CAP_CSUM] = caps->csum,
			[OFL_CAP_SEG] = caps->seg,
		},
		.max_hdr_len = caps->max_tx_hdr,
		.max_bufs = caps->max_sg_bufs,
		.max_frame = vport->vc.max_frame - ETH_FCS_LEN,
	};

	ofl_caps_from_device(&dev, &vport->ofl_hw);
}

/* The configuration that a set of features means, NULL without memory */
static struct wto_offloads *
wto_features_config(const struct wto_vport *vport, netdev_features_t features)
{
	struct wto_offloads *ofl;

	ofl = kzalloc_obj(*ofl, GFP_KERNEL);
	if (!ofl)
		return NULL;
	ofl_config_set_linux(&vport->ofl_hw, wto_features_to_model(features),
			     &ofl->cfg);
	if (vport->lso_v1)
		ofl->cfg.jobs &= ~OFL_JOB(LSOV2_IP4);
	wto_tx_plan_init(ofl);

	return ofl;
}

/* Put a configuration in force.  Only one caller at a time: probe, or whoever
 * holds the RTNL.
 */
static void wto_features_publish(struct wto_vport *vport,
				 struct wto_offloads *ofl)
{
	struct wto_offloads *old = rcu_dereference_protected(vport->ofl, true);

	rcu_assign_pointer(vport->ofl, ofl);
	synchronize_net();
	kfree(old);
}

/* Features of the device's send offloads */
static netdev_features_t wto_features_hw(const struct wto_vport *vport)
{
	return wto_features_of(ofl_linux_features(vport->ofl_hw.jobs));
}

/* Features that the user may switch, of those that the device has now */
static netdev_features_t wto_features_possible(const struct wto_vport *vport)
{
	const struct wto_vc_caps *caps = &vport->adapter->caps;
	netdev_features_t features = NETIF_F_SG | NETIF_F_FRAGLIST |
				     wto_features_hw(vport);

	if (caps->rss)
		features |= NETIF_F_RXHASH;
	if (caps->other & VC2_CAP_LOOPBACK)
		features |= NETIF_F_LOOPBACK;

	return features;
}

static void wto_features_set_tso_max(struct wto_vport *vport)
{
	const u64 lsov2 = OFL_JOB(LSOV2_IP4) | OFL_JOB(LSOV2_IP6);
	u32 max;

	if (!(vport->ofl_hw.jobs & lsov2))
		return;
	/* the stack's limit includes headers, so it is the tighter one */
	max = vport->ofl_hw.seg[OFL_SEG_LSOV2].max_offload_size;
	netif_set_tso_max_size(vport->netdev, min_t(u32, max, GSO_MAX_SIZE));
}

/**
 * wto_features_init - offer what the device can do
 * @vport: vport with its netdev, not yet registered
 *
 * Everything is on by default.
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int wto_features_init(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	netdev_features_t offloads;
	struct wto_offloads *ofl;

	wto_features_read_hw(vport);
	offloads = wto_features_hw(vport);
	ofl = wto_features_config(vport, offloads);
	if (!ofl)
		return -ENOMEM;

	vport->offered = wto_features_possible(vport);
	netdev->hw_features = vport->offered;
	netdev->features = (netdev->hw_features & ~NETIF_F_LOOPBACK) |
			   NETIF_F_HIGHDMA;
	/* tags stand in the frame, and the device finds its way past them */
	netdev->vlan_features = NETIF_F_SG | NETIF_F_FRAGLIST |
				NETIF_F_HIGHDMA | offloads;
	wto_features_set_tso_max(vport);
	wto_features_publish(vport, ofl);

	return 0;
}

/**
 * wto_features_exit - undo wto_features_init()
 * @vport: vport; nobody sends any more
 */
void wto_features_exit(struct wto_vport *vport)
{
	kfree(rcu_dereference_protected(vport->ofl, true));
}

/**
 * wto_features_refresh - offer what the device can do after a reset
 * @vport: detached vport, the control plane is up
 *
 * What the user has switched off stays off, what the device can do no more is
 * taken away, until it can again.  New abilities are not taken up.
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0 or -ENOMEM.
 */
int wto_features_refresh(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	netdev_features_t now, lost, again;
	struct wto_offloads *ofl;

	wto_features_read_hw(vport);
	now = vport->offered & wto_features_possible(vport);
	lost = netdev->hw_features & vport->offered & ~now;
	again = now & ~netdev->hw_features;
	if (lost) {
		if (net_ratelimit())
			netdev_warn(netdev, "device can no longer do %pNF\n",
				    &lost);
		netdev->vlan_features &= ~lost;
		netdev->features &= ~lost;
		netdev->hw_features &= ~lost;
	}
	netdev->hw_features |= again;
	netdev->vlan_features |= again & wto_features_hw(vport);

	ofl = wto_features_config(vport, netdev->features);
	if (!ofl)
		return -ENOMEM;
	wto_features_publish(vport, ofl);

	/* switches on what the user wants and has not got */
	if (again)
		netdev_update_features(netdev);
	if (lost || again)
		netdev_features_change(netdev);

	return 0;
}

/**
 * wto_features_fix - ndo_fix_features
 * @netdev: a vport's netdev
 * @features: what the user wants, and what cannot be changed
 *
 * The user may want what a reset has taken away: it stays wanted, for the day
 * when the device can do it again.
 *
 * Context: RTNL.
 * Return: what can be had.
 */
netdev_features_t wto_features_fix(struct net_device *netdev,
				   netdev_features_t features)
{
	const struct wto_vport *vport = netdev_priv(netdev);

	return features & ~(vport->offered & ~netdev->hw_features);
}

/* What is left of the features for a packet that the device cannot take as it
 * is.  Segments that the stack makes are not asked about again, so whatever
 * they would have in common with the packet counts for checksums too.
 */
static netdev_features_t wto_features_left(netdev_features_t features,
					   enum ofl_refusal refusal, bool gso)
{
	if (!ofl_refuses_shape(refusal))
		return features & ~(NETIF_F_GSO_MASK | NETIF_F_CSUM_MASK |
				    NETIF_F_SCTP_CRC);
	if (refusal == OFL_REFUSE_BUFS && !gso)
		return features & ~(NETIF_F_SG | NETIF_F_FRAGLIST);

	return features & ~NETIF_F_GSO_MASK;
}

/**
 * wto_features_check - ndo_features_check
 * @skb: packet
 * @netdev: a vport's netdev
 * @features: what the stack would leave to the device
 *
 * Context: Any.
 * Return: what it may leave to the device.
 */
netdev_features_t wto_features_check(struct sk_buff *skb,
				     struct net_device *netdev,
				     netdev_features_t features)
{
	struct wto_vport *vport = netdev_priv(netdev);
	enum ofl_refusal refusal;

	if (skb->ip_summed != CHECKSUM_PARTIAL && !skb_is_gso(skb))
		return features;

	rcu_read_lock();
	refusal = wto_tx_check(rcu_dereference(vport->ofl),
			       wto_tx_room(vport->cfg.tx_len), skb);
	rcu_read_unlock();
	if (likely(!refusal))
		return features;

	return wto_features_left(features, refusal, skb_is_gso(skb));
}

/* The hash is always in the descriptors: only what becomes of it changes */
static void wto_features_set_rx_hash(struct wto_vport *vport, bool on)
{
	struct wto_queue_set *set = vport->set;
	unsigned int i;

	vport->cfg.rx_hash = on;
	if (!set)
		return;

	set->cfg.rx_hash = on;
	for (i = 0; i < set->cfg.num_channels; i++)
		WRITE_ONCE(set->rx[i]->hash, on);
}

/**
 * wto_features_set - ndo_set_features
 * @netdev: a vport's netdev
 * @features: what shall be on
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0, or a negative errno and nothing has changed.
 */
int wto_features_set(struct net_device *netdev, netdev_features_t features)
{
	struct wto_vport *vport = netdev_priv(netdev);
	netdev_features_t changed = netdev->features ^ features;
	netdev_features_t sends = wto_features_hw(vport);
	struct wto_offloads *ofl = NULL;
	int err;

	/* first what can fail, then what cannot */
	if (changed & sends) {
		ofl = wto_features_config(vport, features);
		if (!ofl)
			return -ENOMEM;
	}
	if (changed & NETIF_F_LOOPBACK) {
		err = wto_vc_set_loopback(&vport->adapter->mbx, vport->vc.id,
					  features & NETIF_F_LOOPBACK);
		if (err) {
			kfree(ofl);
			return err;
		}
	}
	if (ofl) {
		/* Packets that are on their way have been judged by the old
		 * features.  First the stack stops to send what will be
		 * refused, then it is refused (CON-09): a switch loses nothing.
		 */
		if (netdev->features & sends & ~features) {
			netdev->features &= features | ~sends;
			synchronize_net();
		}
		wto_features_publish(vport, ofl);
	}
	if (changed & NETIF_F_RXHASH)
		wto_features_set_rx_hash(vport, features & NETIF_F_RXHASH);

	return 0;
}

/**
 * wto_features_set_lso_v1 - choose the version of LSO for IPv4
 * @vport: vport
 * @on: version 1, which segments no more than 64 KiB; else version 2
 *
 * Longer packets are left to the stack with version 1; netdev features do not
 * change, since Linux has one name for both.
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0 or -ENOMEM.
 */
int wto_features_set_lso_v1(struct wto_vport *vport, bool on)
{
	struct wto_offloads *ofl;

	if (vport->lso_v1 == on)
		return 0;

	vport->lso_v1 = on;
	ofl = wto_features_config(vport, vport->netdev->features);
	if (!ofl) {
		vport->lso_v1 = !on;
		return -ENOMEM;
	}
	wto_features_publish(vport, ofl);

	return 0;
}
