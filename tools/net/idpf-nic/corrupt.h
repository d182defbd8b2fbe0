/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile NIC: fields of what it writes to the guest, with other contents.
 */

#ifndef IDPF_NIC_CORRUPT_H
#define IDPF_NIC_CORRUPT_H

#include <stddef.h>

#include "fault.h"

/* What is written; the fields of each are in the table in corrupt.c */
enum corrupt_kind {
	CORRUPT_REPLY,		/* struct corrupt_reply */
	CORRUPT_COMPL,		/* struct idpf_tx_compl, or its first 4 bytes */
	CORRUPT_RX_SPLIT,	/* struct idpf_rx_flex_desc */
	CORRUPT_RX_NIC,		/* struct idpf_rx_flex_nic_desc */
	CORRUPT_RX_BASE,	/* struct idpf_rx_base_desc */
};

/**
 * corrupt_fields() - field names to a set
 * @id: FAULT_REPLY_CORRUPT, FAULT_COMPL_CORRUPT or FAULT_RX_CORRUPT; or
 *	FAULT_REPLY_TWIST, whose fields are those of twist_names()
 * @names: names, separated by commas; "all"
 * @set: result: value of the fault
 *
 * Return: true if all names are known.
 */
bool corrupt_fields(enum fault_id id, const char *names, u64 *set);

/* names of the fields of a fault, separated by blanks; to be freed */
char *corrupt_field_names(enum fault_id id);

/**
 * corrupt_desc() - give a field of a descriptor other contents
 * @fault: of the port
 * @kind: what it is
 * @desc: the descriptor, in the NIC's own memory
 * @len: its bytes
 *
 * Does nothing unless the fault for this kind strikes.
 */
void corrupt_desc(struct fault *fault, enum corrupt_kind kind, void *desc,
		  size_t len);

/* same for a reply; its length stays within its buffer */
void corrupt_reply(struct fault *fault, struct mbx_msg *msg);

#endif /* IDPF_NIC_CORRUPT_H */
