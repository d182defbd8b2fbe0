// SPDX-License-Identifier: GPL-2.0-only
/*
 * Header split.  Granted are the split positions behind the transport header
 * over IPv4 and over IPv6, so a frame without a transport header is not split.
 */

#include "engine.h"
#include "hsplit.h"

const struct engine engine_hsplit = {
	.name = "hsplit",
	.caps = {
		.hsplit = VC2_HSPLIT_AT_L4V4 | VC2_HSPLIT_AT_L4V6,
	},
};

/**
 * hsplit_pos - where a frame is to be split
 * @info: what parse_frame() found
 *
 * Return: length of the headers in bytes, 0 if the frame is not to be split.
 */
u16 hsplit_pos(const struct parse_info *info)
{
	switch (info->l4) {
	case PARSE_L4_TCP:
	case PARSE_L4_UDP:
	case PARSE_L4_SCTP:
		return info->payload_off;
	default:
		return 0;
	}
}
