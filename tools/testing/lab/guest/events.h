/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LAB_EVENTS_H
#define LAB_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/**
 * struct condition - something that becomes true by the kernel's doing
 * @holds: tests it
 * @args: paths or names that @holds looks at
 * @num_args: number of @args
 * @count: how many of them there have to be
 */
struct condition {
	bool (*holds)(const struct condition *cond);
	char *const *args;
	size_t num_args;
	size_t count;
};

bool paths_exist(const struct condition *cond);
bool carriers_up(const struct condition *cond);
int wait_for(const struct condition *cond, int timeout_ms);

#endif /* LAB_EVENTS_H */
