/* SPDX-License-Identifier: GPL-2.0-only */
/* UDP segmentation offload. */

#ifndef IDPF_NIC_USO_H
#define IDPF_NIC_USO_H

#include "segment.h"

enum eng_status uso_init(struct segmenter *seg, const struct seg_request *req);

#endif /* IDPF_NIC_USO_H */
