/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the driver serves.  Everything here
 * has the name and the meaning that the newest of them gives it; no other
 * file asks for the kernel's version.
 */

#ifndef WTO_COMPAT_H
#define WTO_COMPAT_H

#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <net/ipv6.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/page_pool/helpers.h>

#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static inline bool netif_rxq_has_unreadable_mp(struct net_device *dev,
					       unsigned int idx)
{
	return __netif_get_rx_queue(dev, idx)->mp_params.mp_priv;
}

/* A netdev has no lock of its own: RTNL is what these would take */
static inline void netdev_lock_ops(struct net_device *dev) {}
static inline void netdev_unlock_ops(struct net_device *dev) {}

static inline void
netif_napi_add_config_locked(struct net_device *dev, struct napi_struct *napi,
			     int (*poll)(struct napi_struct *, int), int index)
{
	netif_napi_add(dev, napi, poll);
}

static inline void netif_napi_del_locked(struct napi_struct *napi)
{
	netif_napi_del(napi);
}

static inline void netif_napi_set_irq_locked(struct napi_struct *napi, int irq)
{
	netif_napi_set_irq(napi, irq);
}

static inline void napi_enable_locked(struct napi_struct *napi)
{
	napi_enable(napi);
}

static inline void napi_disable_locked(struct napi_struct *napi)
{
	napi_disable(napi);
}
#else
#include <net/netdev_lock.h>
#endif

/* A stable update brought these */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 112)
#define page_pool_alloc_netmems	page_pool_alloc_netmem

static inline struct page *__netmem_to_page(netmem_ref netmem)
{
	return (__force struct page *)netmem;
}

static inline void
page_pool_dma_sync_netmem_for_cpu(const struct page_pool *pool,
				  netmem_ref netmem, u32 offset, u32 size)
{
	/* memory that the CPU cannot read needs no care of its caches */
	if (!netmem_is_net_iov(netmem))
		page_pool_dma_sync_for_cpu(pool, __netmem_to_page(netmem),
					   offset, size);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
static inline netmem_ref page_pool_dev_alloc_netmems(struct page_pool *pool)
{
	return page_pool_alloc_netmems(pool, GFP_ATOMIC | __GFP_NOWARN);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

/* The time between recoveries was an argument.  Stands before the last one. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_NO_GRACE			0,
#else
#define WTO_NO_GRACE
#endif

/* Operations on single queues knew no configuration.  A parameter. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_QCFG_PARAM
#else
#define WTO_QCFG_PARAM			struct netdev_queue_config *qcfg,
#endif

/* BIG TCP over IPv6 came with a hop-by-hop header that holds the length.  No
 * segment may have it, and no other kernel has it.
 * Return: 0 or -ENOMEM.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
static inline int wto_compat_remove_jumbo(struct sk_buff *skb)
{
	const u32 hop_len = sizeof(struct hop_jumbo_hdr);
	const struct hop_jumbo_hdr *hop;
	struct ipv6hdr *ip6;
	u32 end;

	if (likely(skb->len <= GRO_LEGACY_MAX_SIZE))
		return 0;
	end = skb_network_offset(skb) + sizeof(*ip6) + hop_len;
	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6) ||
	    end > skb_headlen(skb) || ipv6_hdr(skb)->nexthdr != NEXTHDR_HOP)
		return 0;
	hop = (const struct hop_jumbo_hdr *)(ipv6_hdr(skb) + 1);
	if (hop->tlv_type != IPV6_TLV_JUMBO || hop->hdrlen)
		return 0;

	if (skb_cow_head(skb, 0))
		return -ENOMEM;
	ip6 = ipv6_hdr(skb);
	ip6->nexthdr = ((struct hop_jumbo_hdr *)(ip6 + 1))->nexthdr;
	memmove(skb->data + hop_len, skb->data, end - hop_len);
	__skb_pull(skb, hop_len);
	skb->mac_header += hop_len;
	skb->network_header += hop_len;

	return 0;
}
#else
static inline int wto_compat_remove_jumbo(struct sk_buff *skb)
{
	return 0;
}
#endif

/* Address lists were brought while their lock was held, not as snapshots.  The
 * first macro stands after the function @fn, the second one in the
 * net_device_ops.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_SET_RX_MODE(fn)						\
static void fn##_now(struct net_device *dev)				\
{									\
	fn(dev, &dev->uc, &dev->mc);					\
}

#define WTO_SET_RX_MODE_OP(fn)		.ndo_set_rx_mode = fn##_now
#else
#define WTO_SET_RX_MODE(fn)
#define WTO_SET_RX_MODE_OP(fn)		.ndo_set_rx_mode_async = fn
#endif

/* RTNL was held over every ethtool operation.  Stands in the ethtool_ops. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_ETHTOOL_RTNL
#else
#define WTO_ETHTOOL_RTNL						\
	.op_needs_rtnl = ETHTOOL_OP_NEEDS_RTNL_SRINGPARAM |		\
			 ETHTOOL_OP_NEEDS_RTNL_SCHANNELS |		\
			 ETHTOOL_OP_NEEDS_RTNL_RSS |			\
			 ETHTOOL_OP_NEEDS_RTNL_GLINK |			\
			 ETHTOOL_OP_NEEDS_RTNL_TEST,
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define net_dim(dim, sample)	net_dim(dim, *(sample))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
static inline void ethtool_rxfh_indir_lost(struct net_device *dev)
{
	netdev_err(dev, "device error, RSS indirection table lost\n");
	dev->priv_flags &= ~IFF_RXFH_CONFIGURED;
}

static inline bool ethtool_rxfh_indir_can_resize(struct net_device *dev,
						 const u32 *tbl, u32 old_size,
						 u32 new_size)
{
	u32 i;

	if (new_size >= old_size)
		return new_size % old_size == 0;
	if (old_size % new_size)
		return false;
	for (i = new_size; i < old_size; i++)
		if (tbl[i] != tbl[i % new_size])
			return false;

	return true;
}

static inline void ethtool_rxfh_indir_resize(struct net_device *dev, u32 *tbl,
					     u32 old_size, u32 new_size)
{
	u32 i;

	for (i = old_size; i < new_size; i++)
		tbl[i] = tbl[i % old_size];
}
#endif

/* The hashed fields were rxnfc's business, until a stable update, and the number
 * of receive rings still longer.  The first macro stands after the functions, the
 * second one in the ethtool_ops.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 111)
struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
};

#define WTO_RXNFC(rings, get_fields, set_fields)			\
static int rings##_get_rxnfc(struct net_device *dev,			\
			     struct ethtool_rxnfc *info, u32 *rules)	\
{									\
	struct ethtool_rxfh_fields fields = {				\
		.flow_type = info->flow_type,				\
	};								\
	int err;							\
									\
	switch (info->cmd) {						\
	case ETHTOOL_GRXRINGS:						\
		info->data = rings(dev);				\
		return 0;						\
	case ETHTOOL_GRXFH:						\
		err = get_fields(dev, &fields);				\
		info->data = fields.data;				\
		return err;						\
	default:							\
		return -EOPNOTSUPP;					\
	}								\
}									\
									\
static int rings##_set_rxnfc(struct net_device *dev,			\
			     struct ethtool_rxnfc *info)		\
{									\
	const struct ethtool_rxfh_fields fields = {			\
		.data = info->data,					\
		.flow_type = info->flow_type,				\
	};								\
									\
	if (info->cmd != ETHTOOL_SRXFH)					\
		return -EOPNOTSUPP;					\
									\
	return set_fields(dev, &fields, NULL);				\
}

#define WTO_RXNFC_OPS(rings, get_fields, set_fields)			\
	.get_rxnfc = rings##_get_rxnfc,					\
	.set_rxnfc = rings##_set_rxnfc
#elif LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_RXNFC(rings, get_fields, set_fields)			\
static int rings##_get_rxnfc(struct net_device *dev,			\
			     struct ethtool_rxnfc *info, u32 *rules)	\
{									\
	if (info->cmd != ETHTOOL_GRXRINGS)				\
		return -EOPNOTSUPP;					\
									\
	info->data = rings(dev);					\
									\
	return 0;							\
}

#define WTO_RXNFC_OPS(rings, get_fields, set_fields)			\
	.get_rxnfc = rings##_get_rxnfc,					\
	.get_rxfh_fields = get_fields,					\
	.set_rxfh_fields = set_fields
#else
#define WTO_RXNFC(rings, get_fields, set_fields)
#define WTO_RXNFC_OPS(rings, get_fields, set_fields)			\
	.get_rx_ring_count = rings,					\
	.get_rxfh_fields = get_fields,					\
	.set_rxfh_fields = set_fields
#endif

#endif /* WTO_COMPAT_H */
