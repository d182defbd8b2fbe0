/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Offload engines: the one table from which capabilities are granted.
 */

#ifndef NIC_ENGINES_ENGINE_H
#define NIC_ENGINES_ENGINE_H

#include "../../../../include/wto/virtchnl.h"

/**
 * struct engine_caps - capability words of GET_CAPS that engines provide
 * @csum: VC2_CSUM_*
 * @seg: VC2_SEG_*
 * @hsplit: VC2_HSPLIT_*
 * @rsc: VC2_RSC_*
 * @rss: VC2_FLOW_*
 * @other: VC2_CAP_*
 */
struct engine_caps {
	u32 csum;
	u32 seg;
	u32 hsplit;
	u32 rsc;
	u64 rss;
	u64 other;
};

/**
 * struct engine - one engine of the data path
 * @name: for --grant and --deny
 * @caps: what the NIC can grant because this engine is there
 */
struct engine {
	const char *name;
	struct engine_caps caps;
};

extern const struct engine engine_rss;
extern const struct engine engine_hsplit;
extern const struct engine engine_csum;
extern const struct engine engine_lso;
extern const struct engine engine_uso;

size_t engine_count(void);
const struct engine *engine_at(size_t idx);
int engine_index(const char *name);
void engine_sum_caps(u32 enabled, struct engine_caps *caps);

#endif /* NIC_ENGINES_ENGINE_H */
