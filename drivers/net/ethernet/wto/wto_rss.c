// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side scaling: the table from hash to queue, the key, and which fields
 * of a packet are hashed.
 *
 * The table that the user sees has some entries for each channel and grows and
 * shrinks with them.  The device's table has one size.  It is filled with
 * repetitions of the user's, whose size divides its own: where a hash leads is
 * the same by either.
 */

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#include "wto.h"

/* Entries for each channel, so that 3, 5 ... channels are loaded evenly */
#define WTO_RSS_SPREAD		16

#define WTO_RSS_ADDRS		(RXH_IP_SRC | RXH_IP_DST)
#define WTO_RSS_PORTS		(RXH_L4_B_0_1 | RXH_L4_B_2_3)

#define WTO_RSS_OTHER_V4	(BIT_ULL(VC2_HASH_IPV4_OTHER) | \
				 BIT_ULL(VC2_HASH_IPV4_FRAG))
#define WTO_RSS_OTHER_V6	(BIT_ULL(VC2_HASH_IPV6_OTHER) | \
				 BIT_ULL(VC2_HASH_IPV6_FRAG))

/**
 * struct wto_rss_flow - a kind of packets
 * @type: ethtool's name
 * @cap: VC2_FLOW_*
 * @own: hash types for packets of this kind; with them ports are hashed
 * @other: hash types of its IP version, in force without @own: addresses are
 *	hashed
 */
struct wto_rss_flow {
	u32 type;
	u64 cap;
	u64 own;
	u64 other;
};

static const struct wto_rss_flow wto_rss_flows[] = {
	{ TCP_V4_FLOW, VC2_FLOW_IPV4_TCP, BIT_ULL(VC2_HASH_IPV4_TCP),
	  WTO_RSS_OTHER_V4 },
	{ UDP_V4_FLOW, VC2_FLOW_IPV4_UDP, BIT_ULL(VC2_HASH_IPV4_UDP),
	  WTO_RSS_OTHER_V4 },
	{ SCTP_V4_FLOW, VC2_FLOW_IPV4_SCTP, BIT_ULL(VC2_HASH_IPV4_SCTP),
	  WTO_RSS_OTHER_V4 },
	{ IPV4_FLOW, VC2_FLOW_IPV4_OTHER, 0, WTO_RSS_OTHER_V4 },
	{ TCP_V6_FLOW, VC2_FLOW_IPV6_TCP, BIT_ULL(VC2_HASH_IPV6_TCP),
	  WTO_RSS_OTHER_V6 },
	{ UDP_V6_FLOW, VC2_FLOW_IPV6_UDP, BIT_ULL(VC2_HASH_IPV6_UDP),
	  WTO_RSS_OTHER_V6 },
	{ SCTP_V6_FLOW, VC2_FLOW_IPV6_SCTP, BIT_ULL(VC2_HASH_IPV6_SCTP),
	  WTO_RSS_OTHER_V6 },
	{ IPV6_FLOW, VC2_FLOW_IPV6_OTHER, 0, WTO_RSS_OTHER_V6 },
};

static const struct wto_rss_flow *wto_rss_find_flow(u32 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wto_rss_flows); i++)
		if (wto_rss_flows[i].type == type)
			return &wto_rss_flows[i];

	return NULL;
}

/* All hash types that the granted capabilities permit */
static u64 wto_rss_granted(u64 caps)
{
	u64 types = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wto_rss_flows); i++)
		if (caps & wto_rss_flows[i].cap)
			types |= wto_rss_flows[i].own ?:
				 wto_rss_flows[i].other;

	return types;
}

/* Size of the table for a number of channels */
static u16 wto_rss_size(const struct wto_rss *rss, unsigned int num_channels)
{
	unsigned int size = WTO_RSS_SPREAD * roundup_pow_of_two(num_channels);

	return size > rss->dev_size || rss->dev_size % size ? rss->dev_size :
							      size;
}

static void wto_rss_fill(struct wto_rss *rss, u32 num_channels)
{
	unsigned int i;

	for (i = 0; i < rss->lut_size; i++)
		rss->lut[i] = ethtool_rxfh_indir_default(i, num_channels);
}

/**
 * wto_rss_fit - make the table suit the number of channels
 * @vport: vport, with the number in cfg
 *
 * A table that the user has set keeps its pattern; one that would lose it by
 * shrinking stays as large as it is.  To undo it, call it again with the former
 * number.
 *
 * Context: RTNL.
 */
void wto_rss_fit(struct wto_vport *vport)
{
	struct net_device *netdev = vport->netdev;
	struct wto_rss *rss = &vport->rss;
	u16 size;

	if (!rss->dev_size)
		return;

	size = wto_rss_size(rss, vport->cfg.num_channels);
	if (!netif_is_rxfh_configured(netdev)) {
		rss->lut_size = size;
		wto_rss_fill(rss, vport->cfg.num_channels);
	} else if (ethtool_rxfh_indir_can_resize(netdev, rss->lut,
						 rss->lut_size, size)) {
		ethtool_rxfh_indir_resize(netdev, rss->lut, rss->lut_size,
					  size);
		rss->lut_size = size;
	}
}

/**
 * wto_rss_apply - bring everything to the device
 * @vport: vport
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0 or a negative errno.
 */
int wto_rss_apply(struct wto_vport *vport)
{
	struct wto_mbx *mbx = &vport->adapter->mbx;
	struct wto_rss *rss = &vport->rss;
	u32 id = vport->vc.id;
	int err = 0;

	if (rss->has_types)
		err = wto_vc_set_rss_hash(mbx, id, rss->types);
	if (!err && rss->key_size)
		err = wto_vc_set_rss_key(mbx, id, rss->key, rss->key_size);
	if (!err && rss->dev_size)
		err = wto_vc_set_rss_lut(mbx, id, rss->lut, rss->lut_size,
					 rss->dev_size);

	return err;
}

static int wto_rss_alloc(struct wto_rss *rss)
{
	if (!rss->lut)
		rss->lut = kcalloc(WTO_MAX_RSS_LUT, sizeof(*rss->lut),
				   GFP_KERNEL);

	return rss->lut ? 0 : -ENOMEM;
}

/* Take over the size that the device gave.  A user's table is kept if the
 * device's can still be filled with it.
 */
static void wto_rss_init_size(struct wto_vport *vport, u16 dev_size)
{
	struct wto_rss *rss = &vport->rss;

	if (dev_size == rss->dev_size)
		return;

	rss->dev_size = dev_size;
	if (netif_is_rxfh_configured(vport->netdev) &&
	    (!dev_size || rss->lut_size > dev_size ||
	     dev_size % rss->lut_size))
		ethtool_rxfh_indir_lost(vport->netdev);
	if (!dev_size)
		rss->lut_size = 0;
	wto_rss_fit(vport);
}

/* The key may be the user's, so what there was of it comes back after a reset
 * that granted less
 */
static void wto_rss_init_key(struct wto_rss *rss, u16 size)
{
	u8 key[WTO_MAX_RSS_KEY];

	if (size > rss->key_known) {
		netdev_rss_key_fill(key, size);
		memcpy(rss->key + rss->key_known, key + rss->key_known,
		       size - rss->key_known);
		rss->key_known = size;
	}
	rss->key_size = size;
}

/* Hash types: all that are granted, but for those that the user has chosen
 * against.  A device that does not tell them hashes as it likes.
 */
static void wto_rss_init_types(struct wto_vport *vport)
{
	u64 granted = wto_rss_granted(vport->adapter->caps.rss);
	struct wto_rss *rss = &vport->rss;
	u64 types;

	rss->has_types = granted &&
			 !wto_vc_get_rss_hash(&vport->adapter->mbx,
					      vport->vc.id, &types);
	rss->types = granted & ~rss->types_off;
}

/**
 * wto_rss_init - take over what a new or renewed vport has
 * @vport: vport, just created
 *
 * Context: Process, may sleep; RTNL if the netdev is registered.
 * Return: 0 or -ENOMEM.
 */
int wto_rss_init(struct wto_vport *vport)
{
	struct wto_rss *rss = &vport->rss;
	u16 dev_size = 0;
	u16 key_size = 0;
	int err;

	err = wto_rss_alloc(rss);
	if (err)
		return err;

	if (vport->adapter->caps.rss) {
		dev_size = vport->vc.rss_lut_size;
		key_size = min_t(u16, vport->vc.rss_key_size,
				 NETDEV_RSS_KEY_LEN);
	}
	wto_rss_init_key(rss, key_size);
	wto_rss_init_size(vport, dev_size);
	wto_rss_init_types(vport);

	return 0;
}

/**
 * wto_rss_exit - free what wto_rss_init() made
 * @vport: vport
 */
void wto_rss_exit(struct wto_vport *vport)
{
	kfree(vport->rss.lut);
}

/**
 * wto_rss_get_key_size - ethtool: bytes of the key
 * @netdev: netdev
 *
 * Return: 0 if the device has no RSS.
 */
u32 wto_rss_get_key_size(struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return vport->rss.key_size;
}

/**
 * wto_rss_get_indir_size - ethtool: entries of the table
 * @netdev: netdev
 *
 * Return: 0 if the device has no RSS.
 */
u32 wto_rss_get_indir_size(struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return vport->rss.lut_size;
}

/* Without RSS there is nothing to show, nor to set back to its default */
static bool wto_rss_exists(const struct wto_rss *rss)
{
	return rss->key_size || rss->lut_size;
}

/**
 * wto_rss_get - ethtool: key and table
 * @netdev: netdev
 * @rxfh: out
 *
 * Context: RTNL.
 * Return: 0, or -EOPNOTSUPP if the device has no RSS.
 */
int wto_rss_get(struct net_device *netdev, struct ethtool_rxfh_param *rxfh)
{
	struct wto_vport *vport = netdev_priv(netdev);
	const struct wto_rss *rss = &vport->rss;

	if (!wto_rss_exists(rss))
		return -EOPNOTSUPP;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->key)
		memcpy(rxfh->key, rss->key, rss->key_size);
	if (rxfh->indir)
		memcpy(rxfh->indir, rss->lut,
		       rss->lut_size * sizeof(*rss->lut));

	return 0;
}

/* Bring what a request names to the device.  Traffic goes on meanwhile. */
static int wto_rss_send(struct wto_vport *vport,
			const struct ethtool_rxfh_param *rxfh)
{
	struct wto_mbx *mbx = &vport->adapter->mbx;
	struct wto_rss *rss = &vport->rss;
	u32 id = vport->vc.id;
	int err = 0;

	if (rxfh->key)
		err = wto_vc_set_rss_key(mbx, id, rxfh->key, rss->key_size);
	if (!err && rxfh->indir)
		err = wto_vc_set_rss_lut(mbx, id, rxfh->indir, rss->lut_size,
					 rss->dev_size);

	return err;
}

/**
 * wto_rss_set - ethtool: set key and table
 * @netdev: netdev
 * @rxfh: request; indices and sizes are checked
 * @extack: says what is wrong
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0, or a negative errno and nothing has changed.
 */
int wto_rss_set(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		struct netlink_ext_ack *extack)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_rss *rss = &vport->rss;
	int err;

	if (!wto_rss_exists(rss)) {
		NL_SET_ERR_MSG_MOD(extack, "the NIC does not spread flows");
		return -EOPNOTSUPP;
	}
	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "the hash function is Toeplitz");
		return -EOPNOTSUPP;
	}
	if (rxfh->input_xfrm && rxfh->input_xfrm != RXH_XFRM_NO_CHANGE) {
		NL_SET_ERR_MSG_MOD(extack, "the NIC hashes fields as they are");
		return -EOPNOTSUPP;
	}

	err = wto_rss_send(vport, rxfh);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the NIC refused");
		wto_rss_apply(vport);
		return err;
	}

	if (rxfh->key)
		memcpy(rss->key, rxfh->key, rss->key_size);
	if (rxfh->indir)
		memcpy(rss->lut, rxfh->indir,
		       rss->lut_size * sizeof(*rss->lut));

	return 0;
}

/* Fields that are hashed of a flow with these hash types */
static u32 wto_rss_fields(const struct wto_rss_flow *flow, u64 types)
{
	if (flow->own && (types & flow->own) == flow->own)
		return WTO_RSS_ADDRS | WTO_RSS_PORTS;

	return types & flow->other ? WTO_RSS_ADDRS : 0;
}

/**
 * wto_rss_get_fields - ethtool: which fields of a flow are hashed
 * @netdev: netdev
 * @fields: flow in, fields out
 *
 * Context: RTNL.
 * Return: 0, -EOPNOTSUPP if the device does not tell or does not hash it.
 */
int wto_rss_get_fields(struct net_device *netdev,
		       struct ethtool_rxfh_fields *fields)
{
	struct wto_vport *vport = netdev_priv(netdev);
	const struct wto_rss *rss = &vport->rss;
	const struct wto_rss_flow *flow = wto_rss_find_flow(fields->flow_type);

	if (!flow || !rss->has_types ||
	    !(vport->adapter->caps.rss & flow->cap))
		return -EOPNOTSUPP;
	fields->data = wto_rss_fields(flow, rss->types);

	return 0;
}

/* The hash types with which a flow is hashed as asked for, if there are any */
static int wto_rss_choose_types(const struct wto_rss_flow *flow, u32 data,
				u64 *types)
{
	if (flow->own)
		*types &= ~flow->own;
	else
		*types &= ~flow->other;

	if (data == (WTO_RSS_ADDRS | WTO_RSS_PORTS))
		*types |= flow->own;
	else if (data == WTO_RSS_ADDRS && !flow->own)
		*types |= flow->other;

	return wto_rss_fields(flow, *types) == data ? 0 : -EINVAL;
}

/* A change for one flow must not change others.  Return: true if it does. */
static bool wto_rss_affects_others(const struct wto_rss_flow *flow, u64 old,
				   u64 types, u64 caps)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wto_rss_flows); i++) {
		const struct wto_rss_flow *other = &wto_rss_flows[i];

		if (other != flow && (caps & other->cap) &&
		    wto_rss_fields(other, old) != wto_rss_fields(other, types))
			return true;
	}

	return false;
}

/**
 * wto_rss_set_fields - ethtool: choose which fields of a flow are hashed
 * @netdev: netdev
 * @fields: flow and fields
 * @extack: says what is wrong; may be NULL
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0, or a negative errno and nothing has changed.
 */
int wto_rss_set_fields(struct net_device *netdev,
		       const struct ethtool_rxfh_fields *fields,
		       struct netlink_ext_ack *extack)
{
	struct wto_vport *vport = netdev_priv(netdev);
	const struct wto_rss_flow *flow = wto_rss_find_flow(fields->flow_type);
	struct wto_mbx *mbx = &vport->adapter->mbx;
	struct wto_rss *rss = &vport->rss;
	u64 caps = vport->adapter->caps.rss;
	u64 granted = wto_rss_granted(caps);
	u64 types = rss->types;
	int err;

	if (!flow || !rss->has_types || !(caps & flow->cap)) {
		NL_SET_ERR_MSG_MOD(extack, "the NIC does not let choose for this flow");
		return -EOPNOTSUPP;
	}
	err = wto_rss_choose_types(flow, fields->data, &types);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack,
				   "hash sdfn, or like other IP packets: sd or nothing");
		return err;
	}
	if (wto_rss_affects_others(flow, rss->types, types, caps)) {
		NL_SET_ERR_MSG_MOD(extack, "flows hashed by addresses alone would change as well");
		return -EINVAL;
	}

	err = wto_vc_set_rss_hash(mbx, vport->vc.id, types);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "the NIC refused");
		wto_vc_set_rss_hash(mbx, vport->vc.id, rss->types);
		return err;
	}
	rss->types = types;
	rss->types_off = (rss->types_off & ~granted) | (granted & ~types);

	return 0;
}
