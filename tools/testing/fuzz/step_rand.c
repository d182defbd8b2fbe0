// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random numbers of the stepper.
 */

#include <string.h>

#include <glib.h>

#include "step.h"

/* where things break */
static const u64 step_edges[] = {
	0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 59, 60, 63, 64, 65, 127, 128,
	129, 255, 256, 257, 511, 512, 1023, 1024, 1514, 2047, 2048, 4095, 4096,
	8160, 9728, 16383, 16384, 0x7fff, 0x8000, 0xffff, 0x10000, 0x3ffff,
	0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, STEP_MEM_BASE,
	STEP_MEM_BASE + STEP_MEM - 1, STEP_MEM_BASE + STEP_MEM, 1ull << 63,
	~0ull - 4095, ~0ull,
};

u64 step_rand(void)
{
	run.rng ^= run.rng >> 12;
	run.rng ^= run.rng << 25;
	run.rng ^= run.rng >> 27;
	return run.rng * 0x2545f4914f6cdd1dull;
}

u32 step_below(u32 n)
{
	return (u32)((step_rand() >> 32) * n >> 32);
}

bool step_one_in(u32 n)
{
	return !step_below(n);
}

u64 step_number(unsigned int bits)
{
	u64 n = step_rand();

	switch (step_below(4)) {
	case 0:
		n = step_below(20);
		break;
	case 1:
	case 2:
		n = step_edges[step_below(G_N_ELEMENTS(step_edges))];
		break;
	default:
		break;
	}
	return n & (~0ull >> (64 - bits));
}

void step_mutate(u8 *data, u32 len)
{
	for (unsigned int n = step_below(3); n && len; n--) {
		u32 size = 1u << step_below(4), at = step_below(len);
		u64 val = step_number(size * 8);

		/* fields are aligned */
		at &= ~(size - 1);
		if (at + size <= len)
			memcpy(data + at, &val, size);
	}
}
