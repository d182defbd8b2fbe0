// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of offload engines.  A capability whose engine is not in it cannot
 * be granted.
 */

#include <string.h>

#include "../util.h"
#include "engine.h"

static const struct engine *const engines[] = {
	&engine_rss,
	&engine_hsplit,
	&engine_csum,
	&engine_lso,
	&engine_uso,
};

/**
 * engine_count - number of engines
 *
 * Return: number of valid indexes of engine_at(), at most 32.
 */
size_t engine_count(void)
{
	static_assert(ARRAY_SIZE(engines) <= 32,
		      "engine_sum_caps() takes a 32 bit set");
	return ARRAY_SIZE(engines);
}

/**
 * engine_at - engine by index
 * @idx: below engine_count()
 *
 * Return: the engine.
 */
const struct engine *engine_at(size_t idx)
{
	return engines[idx];
}

/**
 * engine_index - engine by name
 * @name: name as in struct engine
 *
 * Return: its index, or -1 if there is none of that name.
 */
int engine_index(const char *name)
{
	for (size_t i = 0; i < engine_count(); i++)
		if (!strcmp(engines[i]->name, name))
			return (int)i;
	return -1;
}

/**
 * engine_sum_caps - capabilities that a set of engines provides
 * @enabled: bit n: engine n takes part
 * @caps: result
 */
void engine_sum_caps(u32 enabled, struct engine_caps *caps)
{
	memset(caps, 0, sizeof(*caps));
	for (size_t i = 0; i < engine_count(); i++) {
		const struct engine_caps *c = &engines[i]->caps;

		if (!(enabled & BIT(i)))
			continue;
		caps->csum |= c->csum;
		caps->seg |= c->seg;
		caps->hsplit |= c->hsplit;
		caps->rsc |= c->rsc;
		caps->rss |= c->rss;
		caps->other |= c->other;
	}
}
