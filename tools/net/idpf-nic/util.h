/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small things that the kernel's headers would have given.
 */

#ifndef IDPF_NIC_UTIL_H
#define IDPF_NIC_UTIL_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* IDPF_NIC_UTIL_H */
