/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies that are well formed and make no sense, or another sense than before.
 */

#ifndef IDPF_NIC_TWIST_H
#define IDPF_NIC_TWIST_H

#include <stdbool.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

struct fault;
struct mbx_msg;

/* names of all twists; @num: their number.  Bit n of a set is name n. */
const char *const *twist_names(unsigned int *num);

/**
 * twist_fits() - is a twist for such a reply
 * @set: twists
 * @msg: the reply
 *
 * Return: true if one of them is.
 */
bool twist_fits(u64 set, const struct mbx_msg *msg);

/**
 * twist_reply() - twist a reply
 * @fault: of the port
 * @set: twists, one of which fits
 * @msg: the reply, in the NIC's own memory
 */
void twist_reply(struct fault *fault, u64 set, struct mbx_msg *msg);

#endif /* IDPF_NIC_TWIST_H */
