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
#include <net/page_pool/helpers.h>

#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp)	kzalloc(sizeof(obj), gfp)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
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

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
static inline netmem_ref page_pool_dev_alloc_netmems(struct page_pool *pool)
{
	return page_pool_alloc_netmem(pool, GFP_ATOMIC | __GFP_NOWARN);
}

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

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

/* Operations on single queues knew no configuration.  A parameter. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WTO_QCFG_PARAM
#else
#define WTO_QCFG_PARAM			struct netdev_queue_config *qcfg,
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
			 ETHTOOL_OP_NEEDS_RTNL_TEST,
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
