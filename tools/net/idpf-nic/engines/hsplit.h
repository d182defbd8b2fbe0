/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Header split: which part of a received frame is header.
 */

#ifndef NIC_ENGINES_HSPLIT_H
#define NIC_ENGINES_HSPLIT_H

#include "../parse.h"

u16 hsplit_pos(const struct parse_info *info);

#endif /* NIC_ENGINES_HSPLIT_H */
