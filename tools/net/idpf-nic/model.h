/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queue models: what a port's vports are made of.
 *
 * Split: completion queues and buffer queues apart from the rings, transmit
 * scheduled by flow or by queue.  Single: descriptors are written back in
 * their own ring, receive in the base or in the flex format.
 */

#ifndef IDPF_NIC_MODEL_H
#define IDPF_NIC_MODEL_H

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

/**
 * struct nic_model - a queue model
 * @name: for the command line
 * @queues: VC2_QUEUE_MODEL_*
 * @other_caps: VC2_CAP_* that drivers must know to use it; those that do not
 *	ask for them in GET_CAPS get the default model
 * @tx_desc_ids: bit n: transmit descriptors of type n
 * @rx_desc_ids: bit n: receive descriptors of format n
 */
struct nic_model {
	const char *name;
	u16 queues;
	u64 other_caps;
	u64 tx_desc_ids;
	u64 rx_desc_ids;
};

/* split queues with flow scheduling, all that every driver knows */
extern const struct nic_model *const nic_model_default;

/**
 * nic_model_get() - model of a name
 * @name: name
 *
 * Return: the model, NULL if there is none.
 */
const struct nic_model *nic_model_get(const char *name);

#endif /* IDPF_NIC_MODEL_H */
