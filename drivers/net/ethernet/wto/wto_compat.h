/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the driver serves.  Everything here
 * has the name and the meaning that the newest of them gives it; no other
 * file asks for the kernel's version.
 */

#ifndef WTO_COMPAT_H
#define WTO_COMPAT_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <net/page_pool/types.h>

#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void netif_napi_add_config(struct net_device *dev,
					 struct napi_struct *napi,
					 int (*poll)(struct napi_struct *, int),
					 int index)
{
	netif_napi_add(dev, napi, poll);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

/* The number of receive rings was asked for by get_rxnfc.  The first macro
 * stands after the function @fn, the second one in the ethtool_ops.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_RX_RING_COUNT(fn)						\
static int fn##_rxnfc(struct net_device *dev,				\
		      struct ethtool_rxnfc *info, u32 *rules)		\
{									\
	if (info->cmd != ETHTOOL_GRXRINGS)				\
		return -EOPNOTSUPP;					\
									\
	info->data = fn(dev);						\
	return 0;							\
}

#define WTO_RX_RING_COUNT_OP(fn)	.get_rxnfc = fn##_rxnfc
#else
#define WTO_RX_RING_COUNT(fn)
#define WTO_RX_RING_COUNT_OP(fn)	.get_rx_ring_count = fn
#endif

#endif /* WTO_COMPAT_H */
