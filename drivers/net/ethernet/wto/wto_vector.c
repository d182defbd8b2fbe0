// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt vectors of a vport, and their NAPIs.
 */

#include <linux/interrupt.h>
#include <linux/pci.h>

#include <wto/regs.h>

#include "wto.h"

static int wto_vector_bind_one(struct wto_adapter *adapter,
			       struct wto_vector *vec,
			       const struct wto_vc_vector *from)
{
	u64 itr_tx = from->itr[1];

	if (itr_tx == from->itr[0])
		itr_tx += adapter->hw.layout->itr_index_spacing;

	vec->id = from->id;
	vec->dyn_ctl = wto_hw_reg(&adapter->hw, from->dyn_ctl);
	vec->itr[VC2_ITR_IDX_RX].reg = wto_hw_reg(&adapter->hw, from->itr[0]);
	vec->itr[VC2_ITR_IDX_TX].reg = wto_hw_reg(&adapter->hw, itr_tx);
	if (!vec->dyn_ctl || !vec->itr[0].reg || !vec->itr[1].reg) {
		dev_err(adapter->dev, "vector %u: control register %#llx or throttling registers %#llx, %#llx are not among the registers\n",
			from->id, from->dyn_ctl, from->itr[0], itr_tx);
		return -EIO;
	}

	vec->on_value = IDPF_DYN_CTL_INTENA |
			FIELD_PREP(IDPF_DYN_CTL_ITR_INDX,
				   IDPF_DYN_CTL_ITR_INDX_NONE);
	vec->wb_value = 0;
	if (adapter->caps.other & VC2_CAP_WB_ON_ITR)
		vec->wb_value = IDPF_DYN_CTL_WB_ON_ITR |
				IDPF_DYN_CTL_INTENA_MSK |
				FIELD_PREP(IDPF_DYN_CTL_ITR_INDX,
					   IDPF_DYN_CTL_ITR_INDX_NONE);
	/* last: a vector with an interrupt counts as bound */
	vec->irq = pci_irq_vector(adapter->pdev, from->id);

	return 0;
}

/**
 * wto_vector_bind - give a vport its vectors
 * @vport: vport, down
 * @from: vectors as the device gave them
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: 0, or -EIO if a vector or a register is impossible.
 */
int wto_vector_bind(struct wto_vport *vport, const struct wto_vc_vector *from,
		    unsigned int num)
{
	int node = dev_to_node(vport->adapter->dev);
	unsigned int i;
	int err;

	for (i = 0; i < num; i++) {
		struct wto_vector *vec = &vport->vec[i];
		int old_irq = vec->irq;

		err = wto_vector_bind_one(vport->adapter, vec, &from[i]);
		if (err)
			return err;
		if (vec->irq == old_irq)
			continue;
		/* once only: later it is the user's to change */
		vec->vport = vport;
		vec->idx = i;
		irq_set_affinity(vec->irq,
				 cpumask_of(cpumask_local_spread(i, node)));
	}

	return 0;
}

static void wto_vector_detach_one(struct wto_vport *vport,
				  struct wto_vector *vec)
{
	netif_queue_set_napi(vport->netdev, vec->idx, NETDEV_QUEUE_TYPE_RX,
			     NULL);
	netif_queue_set_napi(vport->netdev, vec->idx, NETDEV_QUEUE_TYPE_TX,
			     NULL);
	free_irq(vec->irq, vec);
	/* deleting the NAPI also waits for watchdogs that look at the queues */
	WRITE_ONCE(vport->tx[vec->idx], NULL);
	WRITE_ONCE(vec->tx, NULL);
	WRITE_ONCE(vec->rx, NULL);
	netif_napi_del_locked(&vec->napi);
}

/**
 * wto_vector_detach - undo wto_vector_attach()
 * @vport: vport
 * @set: queue set that is attached and does not run
 *
 * Context: Process, may sleep; RTNL.
 */
void wto_vector_detach(struct wto_vport *vport, struct wto_queue_set *set)
{
	unsigned int i = set->cfg.num_channels;

	while (i--)
		wto_vector_detach_one(vport, &vport->vec[i]);
}

/**
 * wto_vector_attach - connect vectors and NAPIs with the queues of a set
 * @vport: vport, no set is attached
 * @set: queue set
 *
 * The vectors stay disabled.
 *
 * Context: Process, may sleep; RTNL.
 * Return: 0, or a negative errno and nothing is attached.
 */
int wto_vector_attach(struct wto_vport *vport, struct wto_queue_set *set)
{
	unsigned int i;
	int err;

	for (i = 0; i < set->cfg.num_channels; i++) {
		struct wto_vector *vec = &vport->vec[i];

		snprintf(vec->name, sizeof(vec->name), "%s-TxRx-%u",
			 netdev_name(vport->netdev), i);
		netif_napi_add_config_locked(vport->netdev, &vec->napi,
					     wto_napi_poll, i);
		err = request_irq(vec->irq, wto_napi_irq, 0, vec->name, vec);
		if (err) {
			netdev_err(vport->netdev, "interrupt %d: %pe\n",
				   vec->irq, ERR_PTR(err));
			netif_napi_del_locked(&vec->napi);
			goto detach;
		}
		netif_napi_set_irq_locked(&vec->napi, vec->irq);
		vec->wb_mode = false;
		vec->tx = set->tx[i];
		vec->rx = set->rx[i];
		vport->tx[i] = set->tx[i];
		netif_queue_set_napi(vport->netdev, i, NETDEV_QUEUE_TYPE_RX,
				     &vec->napi);
		netif_queue_set_napi(vport->netdev, i, NETDEV_QUEUE_TYPE_TX,
				     &vec->napi);
	}

	return 0;

detach:
	while (i--)
		wto_vector_detach_one(vport, &vport->vec[i]);
	return err;
}

/**
 * wto_vector_enable - let NAPIs and interrupts run
 * @vport: vport
 * @num: channels
 *
 * Context: Process, may sleep; RTNL.
 */
void wto_vector_enable(struct wto_vport *vport, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		struct wto_vector *vec = &vport->vec[i];

		wto_itr_start(vec);
		napi_enable_locked(&vec->napi);
		writel(vec->on_value, vec->dyn_ctl);
	}
}

/**
 * wto_vector_disable - stop NAPIs and interrupts
 * @vport: vport
 * @num: channels
 *
 * Context: Process, may sleep; RTNL.
 */
void wto_vector_disable(struct wto_vport *vport, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		struct wto_vector *vec = &vport->vec[i];

		/* the end of a poll enables the interrupt: NAPI goes first */
		napi_disable_locked(&vec->napi);
		writel(0, vec->dyn_ctl);
		synchronize_irq(vec->irq);
		wto_itr_stop(vec);
	}
}
