// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool -d: the function's registers.  The layout has a version and stands in
 * Documentation/networking/device_drivers/ethernet/wto.rst.
 *
 * Whoever asks holds the netdev, which is detached while registers are not
 * mapped.  A device that is gone is not read.
 */

#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "wto.h"

#define WTO_REGS_VERSION	1

/**
 * struct wto_regs_fixed - first part of the dump
 * @num_channels: elements of the second part
 * @rstat: reset state
 * @ctrl: function reset request, 0 in the VF map
 * @mbx_dyn_ctl: control register of the mailbox vector
 * @icr_ena: other-cause enable
 * @atq: mailbox ring towards the device: address, length, head, tail
 * @arq: mailbox ring from the device
 */
struct wto_regs_fixed {
	u32 num_channels;
	u32 rstat;
	u32 ctrl;
	u32 mbx_dyn_ctl;
	u32 icr_ena;
	u32 atq[5];
	u32 arq[5];
};

/**
 * struct wto_regs_channel - registers of a channel
 * @dyn_ctl: control register of the vector
 * @itr_rx: throttling interval, receive
 * @itr_tx: throttling interval, transmit
 * @tx_tail: tail of the transmit queue
 * @rx_tail: tail of the queue that takes receive buffers
 */
struct wto_regs_channel {
	u32 dyn_ctl;
	u32 itr_rx;
	u32 itr_tx;
	u32 tx_tail;
	u32 rx_tail;
};

static u32 wto_regs_read(const struct wto_adapter *adapter,
			 const void __iomem *reg)
{
	if (!reg)
		return 0;

	return wto_hw_gone(&adapter->hw) ? U32_MAX : readl(reg);
}

static u32 wto_regs_at(const struct wto_adapter *adapter, u64 offset)
{
	return wto_regs_read(adapter, wto_hw_reg(&adapter->hw, offset));
}

static void wto_regs_ring(const struct wto_adapter *adapter,
			  const struct wto_hw_mbx_regs *regs, u32 *to)
{
	to[0] = wto_regs_at(adapter, regs->bal);
	to[1] = wto_regs_at(adapter, regs->bah);
	to[2] = wto_regs_at(adapter, regs->len);
	to[3] = wto_regs_at(adapter, regs->head);
	to[4] = wto_regs_at(adapter, regs->tail);
}

static void wto_regs_get_channel(const struct wto_vport *vport, unsigned int i,
				 struct wto_regs_channel *to)
{
	const struct wto_adapter *adapter = vport->adapter;
	const struct wto_vector *vec = &vport->vec[i];
	const struct wto_vc_vport *vc = &vport->vc;

	to->dyn_ctl = wto_regs_read(adapter, vec->dyn_ctl);
	to->itr_rx = wto_regs_read(adapter, vec->itr[VC2_ITR_IDX_RX].reg);
	to->itr_tx = wto_regs_read(adapter, vec->itr[VC2_ITR_IDX_TX].reg);
	to->tx_tail = wto_regs_at(adapter, vc->txq[i].tail);
	to->rx_tail = wto_regs_at(adapter, i < vc->num_bufq ? vc->bufq[i].tail :
							      vc->rxq[i].tail);
}

/**
 * wto_regs_get_len - ethtool: bytes of a dump
 * @netdev: netdev
 *
 * Return: depends on the most channels of the vport.
 */
int wto_regs_get_len(struct net_device *netdev)
{
	struct wto_vport *vport = netdev_priv(netdev);

	return sizeof(struct wto_regs_fixed) +
	       vport->max_channels * sizeof(struct wto_regs_channel);
}

/**
 * wto_regs_get - ethtool: dump registers
 * @netdev: netdev
 * @regs: out: version
 * @buf: out: wto_regs_get_len() bytes
 *
 * Context: Process; netdev's lock or RTNL.
 */
void wto_regs_get(struct net_device *netdev, struct ethtool_regs *regs,
		  void *buf)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_adapter *adapter = vport->adapter;
	struct wto_regs_fixed *fixed = buf;
	struct wto_regs_channel *channel = buf + sizeof(*fixed);
	unsigned int i;

	regs->version = WTO_REGS_VERSION;
	fixed->num_channels = vport->max_channels;
	fixed->rstat = wto_regs_read(adapter, adapter->hw.rstat);
	fixed->ctrl = wto_regs_read(adapter, adapter->hw.ctrl);
	fixed->mbx_dyn_ctl = wto_regs_read(adapter, adapter->irqs.mbx_dyn_ctl);
	fixed->icr_ena = wto_regs_read(adapter, adapter->irqs.mbx_icr_ena);
	wto_regs_ring(adapter, &adapter->hw.layout->atq, fixed->atq);
	wto_regs_ring(adapter, &adapter->hw.layout->arq, fixed->arq);
	for (i = 0; i < vport->max_channels; i++)
		wto_regs_get_channel(vport, i, &channel[i]);
}
