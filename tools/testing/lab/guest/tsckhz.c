// SPDX-License-Identifier: GPL-2.0-only
/*
 * tsckhz - print the frequency of this machine's time stamp counter in kHz
 *
 * Under TCG the guest reads the host's counter, but measures its frequency at
 * boot against an emulated timer, which goes wrong by a factor when the host
 * is busy; its clock then runs as wrong all the time.  So the host measures,
 * and tells the guest (tsc_early_khz=).
 */

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define INTERVAL_NS	(50 * 1000 * 1000)
#define NS_PER_MS	(1000 * 1000)

/* One moment on both clocks: of several readings the one that took least, as
 * that was not interrupted in between.
 */
static void moment(uint64_t *ns, uint64_t *ticks)
{
	uint64_t best = UINT64_MAX, before, after;
	struct timespec ts;

	for (int i = 0; i < 20; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC, &ts);
		after = __rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		*ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
		*ticks = before + best / 2;
	}
}

int main(void)
{
	struct timespec interval = { .tv_nsec = INTERVAL_NS };
	uint64_t ns0, ns1, ticks0, ticks1;

	moment(&ns0, &ticks0);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, NULL);
	moment(&ns1, &ticks1);
	printf("%llu\n", (unsigned long long)((double)(ticks1 - ticks0) *
					      NS_PER_MS / (ns1 - ns0)));
	return 0;
}
