/* SPDX-License-Identifier: GPL-2.0-only */
/* CRC32c, the checksum of SCTP. */

#ifndef IDPF_NIC_CRC32C_H
#define IDPF_NIC_CRC32C_H

#include "../../../../drivers/net/ethernet/wto/offload/ofl_types.h"

#define CRC32C_INIT	0xffffffffu

u32 crc32c(u32 crc, const void *p, size_t len);
u32 crc32c_table(u32 crc, const void *p, size_t len);

#endif /* IDPF_NIC_CRC32C_H */
