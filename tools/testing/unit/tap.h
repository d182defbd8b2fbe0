/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP output for the unit tests in C.
 */

#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdio.h>

#include "../../net/idpf-nic/util.h"

static unsigned int test_cnt, fail_cnt;

#define CHECK(cond, ...) do {						\
	bool ok_ = (cond);						\
									\
	printf("%sok %u - ", ok_ ? "" : "not ", ++test_cnt);		\
	printf(__VA_ARGS__);						\
	printf("\n");							\
	if (!ok_) {							\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		fail_cnt++;						\
	}								\
} while (0)

/* Prints the plan; the result of main() */
static inline int test_end(void)
{
	printf("1..%u\n", test_cnt);
	return fail_cnt ? 1 : 0;
}

#endif /* TAP_H */
