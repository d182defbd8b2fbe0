// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue models: what the device answered, and what is made of it.
 *
 * The driver asks for split queues with flow scheduling.  The device decides,
 * for transmit and for receive apart, and may offer several descriptor formats
 * of a model; the first that the driver would choose is taken.
 */

#include "wto.h"

static int wto_model_tx(const struct wto_vport *vport)
{
	bool qsched = vport->adapter->caps.other & VC2_CAP_SPLITQ_QSCHED;
	const struct wto_vc_vport *vc = &vport->vc;
	u64 ids = vc->tx_desc_ids;

	switch (vc->txq_model) {
	case VC2_QUEUE_MODEL_SINGLE:
		return WTO_TX_SINGLE;
	case VC2_QUEUE_MODEL_SPLIT:
		/* a device that does not say has what all have */
		if (!ids || ids & BIT_ULL(IDPF_TX_DTYPE_FLEX_FLOW_SCHED))
			return WTO_TX_FLOW;
		if (qsched && ids & BIT_ULL(IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2))
			return WTO_TX_QUEUED;
		break;
	}

	dev_err(vport->adapter->dev, "vport %u: transmit queues of model %u with descriptor types %#llx are not known\n",
		vport->index, vc->txq_model, ids);
	return -EOPNOTSUPP;
}

static int wto_model_rx(const struct wto_vport *vport)
{
	const struct wto_vc_vport *vc = &vport->vc;
	u64 ids = vc->rx_desc_ids;

	switch (vc->rxq_model) {
	case VC2_QUEUE_MODEL_SINGLE:
		if (ids & BIT_ULL(IDPF_RXDID_FLEX_SQ_NIC))
			return WTO_RX_SINGLE_FLEX;
		if (!ids || ids & BIT_ULL(IDPF_RXDID_BASE_32B))
			return WTO_RX_SINGLE_BASE;
		break;
	case VC2_QUEUE_MODEL_SPLIT:
		if (!ids || ids & BIT_ULL(IDPF_RXDID_FLEX_SPLITQ))
			return WTO_RX_SPLIT;
		break;
	}

	dev_err(vport->adapter->dev, "vport %u: receive queues of model %u with descriptor formats %#llx are not known\n",
		vport->index, vc->rxq_model, ids);
	return -EOPNOTSUPP;
}

/**
 * wto_model_choose - decide how to talk to the queues that the device offers
 * @vport: vport, as the device described it in @vport->vc
 *
 * Sets tx_model, rx_model and max_channels.
 *
 * Context: Process.
 * Return: 0, -EOPNOTSUPP for a model that is not known, -EIO if there is not
 * a queue of each type that the models need; why is reported.
 */
int wto_model_choose(struct wto_vport *vport)
{
	const struct wto_vc_vport *vc = &vport->vc;
	unsigned int max = min(vc->num_txq, vc->num_rxq);
	int tx, rx;

	tx = wto_model_tx(vport);
	if (tx < 0)
		return tx;
	rx = wto_model_rx(vport);
	if (rx < 0)
		return rx;

	if (tx != WTO_TX_SINGLE)
		max = min(max, vc->num_complq);
	if (rx == WTO_RX_SPLIT)
		max = min(max, vc->num_bufq);
	if (!max) {
		dev_err(vport->adapter->dev, "vport %u: the device gave %u tx, %u completion, %u rx, %u buffer queues\n",
			vport->index, vc->num_txq, vc->num_complq, vc->num_rxq,
			vc->num_bufq);
		return -EIO;
	}
	vport->tx_model = tx;
	vport->rx_model = rx;
	vport->max_channels = max;

	return 0;
}
