// SPDX-License-Identifier: GPL-2.0-only
/*
 * uwait - wait for devices by the kernel's own events
 *
 *   uwait [-t SECONDS] [-n NETNS] exists N GLOB     at least N paths match GLOB
 *   uwait [-t SECONDS] [-n NETNS] carrier IF...     all interfaces have carrier
 *
 * Exit status: 0 the condition holds, 1 time is up, 2 usage or system error.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"

static void enter_netns(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		perror(path);
		exit(2);
	}
	close(fd);
}

static int print_usage(void)
{
	fputs("usage: uwait [-t SECONDS] [-n NETNS] exists N GLOB | carrier IF...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct condition cond = {};
	int timeout_ms = 30000;
	int opt;

	while ((opt = getopt(argc, argv, "+t:n:")) != -1) {
		if (opt == 't')
			timeout_ms = atoi(optarg) * 1000;
		else if (opt == 'n')
			enter_netns(optarg);
		else
			return print_usage();
	}
	argv += optind;
	argc -= optind;
	if (argc == 3 && !strcmp(argv[0], "exists")) {
		cond.holds = paths_exist;
		cond.count = strtoul(argv[1], NULL, 10);
		cond.args = argv + 2;
	} else if (argc >= 2 && !strcmp(argv[0], "carrier")) {
		cond.holds = carriers_up;
		cond.args = argv + 1;
		cond.num_args = argc - 1;
	} else {
		return print_usage();
	}
	return wait_for(&cond, timeout_ms);
}
