// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for devices by the kernel's own events
 *
 * The guest has no udev.  A waiter subscribes to kernel uevents and to rtnetlink
 * link messages, tests its condition, and tests it again after each event.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <glob.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "events.h"

#define UEVENT_GROUP_KERNEL	1

/**
 * paths_exist() - condition: at least @cond->count paths match a pattern
 * @cond: the condition, the pattern is its first argument
 *
 * Return: whether it holds.
 */
bool paths_exist(const struct condition *cond)
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

/**
 * carriers_up() - condition: every interface named has carrier
 * @cond: the condition, its arguments are names of interfaces
 *
 * Return: whether it holds.
 */
bool carriers_up(const struct condition *cond)
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
		perror("lab: netlink");
		exit(2);
	}
	return fd;
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

/**
 * wait_for() - wait until a condition holds
 * @cond: the condition
 * @timeout_ms: how long to wait at most, milliseconds
 *
 * Return: 0 when it holds, 1 when time is up.
 */
int wait_for(const struct condition *cond, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = open_events(NETLINK_KOBJECT_UEVENT, UEVENT_GROUP_KERNEL),
		  .events = POLLIN },
		{ .fd = open_events(NETLINK_ROUTE, RTMGRP_LINK), .events = POLLIN },
	};
	long long end = now_ms() + timeout_ms;
	int ret = 0;

	while (!cond->holds(cond)) {
		long long left = end - now_ms();

		if (left <= 0 || !poll(fds, 2, (int)left)) {
			ret = 1;
			break;
		}
		drain(fds[0].fd);
		drain(fds[1].fd);
	}
	close(fds[0].fd);
	close(fds[1].fd);
	return ret;
}

