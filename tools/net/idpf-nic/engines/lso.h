/* SPDX-License-Identifier: GPL-2.0-only */
/* Large send offload: segmentation of TCP. */

#ifndef IDPF_NIC_LSO_H
#define IDPF_NIC_LSO_H

#include "segment.h"

enum eng_status lso_init(struct segmenter *seg, const struct seg_request *req);

#endif /* IDPF_NIC_LSO_H */
