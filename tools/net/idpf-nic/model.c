// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of queue models.
 */

#include <string.h>

#include "../../../include/wto/desc.h"
#include "../../../include/wto/virtchnl.h"
#include "model.h"
#include "util.h"

#define BASE_TX_DESC_IDS	(BIT_ULL(IDPF_TX_DTYPE_DATA) | \
				 BIT_ULL(IDPF_TX_DTYPE_CTX))

static const struct nic_model nic_models[] = {
	{
		.name = "split",
		.queues = VC2_QUEUE_MODEL_SPLIT,
		.tx_desc_ids = BIT_ULL(IDPF_TX_DTYPE_FLEX_TSO_CTX) |
			       BIT_ULL(IDPF_TX_DTYPE_FLEX_FLOW_SCHED),
		.rx_desc_ids = BIT_ULL(IDPF_RXDID_FLEX_SPLITQ),
	},
	{
		.name = "split-qsched",
		.queues = VC2_QUEUE_MODEL_SPLIT,
		.other_caps = VC2_CAP_SPLITQ_QSCHED,
		.tx_desc_ids = BIT_ULL(IDPF_TX_DTYPE_FLEX_TSO_CTX) |
			       BIT_ULL(IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2),
		.rx_desc_ids = BIT_ULL(IDPF_RXDID_FLEX_SPLITQ),
	},
	{
		.name = "single-base",
		.queues = VC2_QUEUE_MODEL_SINGLE,
		.tx_desc_ids = BASE_TX_DESC_IDS,
		.rx_desc_ids = BIT_ULL(IDPF_RXDID_BASE_32B),
	},
	{
		.name = "single-flex",
		.queues = VC2_QUEUE_MODEL_SINGLE,
		.tx_desc_ids = BASE_TX_DESC_IDS,
		.rx_desc_ids = BIT_ULL(IDPF_RXDID_FLEX_SQ_NIC),
	},
};

const struct nic_model *const nic_model_default = &nic_models[0];

const struct nic_model *nic_model_get(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(nic_models); i++)
		if (!strcmp(nic_models[i].name, name))
			return &nic_models[i];
	return NULL;
}
