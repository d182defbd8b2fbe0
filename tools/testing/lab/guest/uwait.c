// SPDX-License-Identifier: GPL-2.0-only
/*
 * uwait - wait for devices by the kernel's own events
 *
 * The guest has no udev.  Subscribes to kernel uevents and to rtnetlink link
 * messages, tests a condition, and tests it again after each event.
 *
 *   uwait [-t SECONDS] [-n NETNS] exists N GLOB     at least N paths match GLOB
 *   uwait [-t SECONDS] [-n NETNS] carrier IF...     all interfaces have carrier
 *
 * Exit status: 0 the condition holds, 1 time is up, 2 usage or system error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UEVENT_GROUP_KERNEL	1

struct condition {
	bool (*holds)(const struct condition *cond);
	char **args;
	size_t num_args;
	size_t count;
};

static bool paths_exist(const struct condition *cond)
{
	glob_t found = {};
	size_t n = 0;

	if (!glob(cond->args[0], GLOB_NOSORT, NULL, &found))
		n = found.gl_pathc;
	globfree(&found);
	return n >= cond->count;
}

static bool has_carrier(int fd, const char *name)
{
	struct ifreq req = {};

	strncpy(req.ifr_name, name, sizeof(req.ifr_name) - 1);
	return !ioctl(fd, SIOCGIFFLAGS, &req) && (req.ifr_flags & IFF_RUNNING);
}

static bool carriers_up(const struct condition *cond)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0;

	for (size_t i = 0; up && i < cond->num_args; i++)
		up = has_carrier(fd, cond->args[i]);
	if (fd >= 0)
		close(fd);
	return up;
}

static int open_events(int protocol, unsigned int groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		perror("uwait: netlink");
		exit(2);
	}
	return fd;
}

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

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The content of an event does not matter, nor that one was lost (ENOBUFS). */
static void drain(int fd)
{
	char buf[8192];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		errno = 0;
}

static int wait_for(const struct condition *cond, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = open_events(NETLINK_KOBJECT_UEVENT, UEVENT_GROUP_KERNEL),
		  .events = POLLIN },
		{ .fd = open_events(NETLINK_ROUTE, RTMGRP_LINK), .events = POLLIN },
	};
	long long end = now_ms() + timeout_ms;

	while (!cond->holds(cond)) {
		long long left = end - now_ms();

		if (left <= 0 || !poll(fds, 2, (int)left))
			return 1;
		drain(fds[0].fd);
		drain(fds[1].fd);
	}
	return 0;
}

static int usage(void)
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
			return usage();
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
		return usage();
	}
	return wait_for(&cond, timeout_ms);
}
