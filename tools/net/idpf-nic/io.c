// SPDX-License-Identifier: GPL-2.0-only
/*
 * The io thread's loop.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include "io.h"

#define IO_MAX_EVENTS	16

/**
 * struct io_watch - a watched descriptor
 * @fd: the descriptor
 * @fn: callback, NULL: removed, freed when the present events are through
 * @ctx: its context
 */
struct io_watch {
	int fd;
	io_fn fn;
	void *ctx;
};

static int io_epoll_fd = -1;
static bool io_quitting;
static GSList *io_removed;

/*
 * A connection that finds no free descriptor stays in the queue and would wake
 * us again and again.  So one descriptor is kept for it, to accept it with and
 * to hang up.
 */
static pthread_mutex_t io_spare_lock = PTHREAD_MUTEX_INITIALIZER;
static int io_spare_fd = -1;

static void io_keep_spare(void)
{
	if (io_spare_fd < 0)
		io_spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int io_init(void)
{
	io_keep_spare();
	io_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return io_epoll_fd < 0 ? -errno : 0;
}

static void io_free_removed(void)
{
	g_slist_free_full(io_removed, g_free);
	io_removed = NULL;
}

void io_exit(void)
{
	io_free_removed();
	if (io_epoll_fd >= 0)
		close(io_epoll_fd);
	io_epoll_fd = -1;
	if (io_spare_fd >= 0)
		close(io_spare_fd);
	io_spare_fd = -1;
}

struct io_watch *io_add(int fd, uint32_t events, io_fn fn, void *ctx)
{
	struct io_watch *watch = g_new0(struct io_watch, 1);
	struct epoll_event ev = { .events = events, .data.ptr = watch };

	watch->fd = fd;
	watch->fn = fn;
	watch->ctx = ctx;
	if (epoll_ctl(io_epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
		g_free(watch);
		return NULL;
	}
	return watch;
}

void io_modify(struct io_watch *watch, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = watch };

	epoll_ctl(io_epoll_fd, EPOLL_CTL_MOD, watch->fd, &ev);
}

void io_remove(struct io_watch *watch)
{
	if (!watch)
		return;
	epoll_ctl(io_epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	/* an event of it may be in the array that is being worked off */
	watch->fn = NULL;
	io_removed = g_slist_prepend(io_removed, watch);
}

void io_quit(void)
{
	io_quitting = true;
}

int io_poll(int timeout_ms)
{
	struct epoll_event events[IO_MAX_EVENTS];
	int n;

	n = epoll_wait(io_epoll_fd, events, IO_MAX_EVENTS, timeout_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++) {
		struct io_watch *watch = events[i].data.ptr;

		if (watch->fn)
			watch->fn(watch->ctx, events[i].events);
	}
	io_free_removed();
	return 0;
}

int io_run(void)
{
	int err = 0;

	while (!io_quitting && !err)
		err = io_poll(-1);
	return err;
}

/* Is @addr a socket file whose server is gone? */
static bool io_is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

int io_accept(int listen_fd)
{
	int fd, err = 0;

	pthread_mutex_lock(&io_spare_lock);
	io_keep_spare();
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		err = errno;
	if ((err == EMFILE || err == ENFILE) && io_spare_fd >= 0) {
		int victim;

		close(io_spare_fd);
		victim = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (victim >= 0)
			close(victim);
		io_spare_fd = -1;
		io_keep_spare();
	}
	pthread_mutex_unlock(&io_spare_lock);
	errno = err;
	return fd;
}

int io_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int err, fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path));

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	err = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (err && errno == EADDRINUSE && io_is_stale(&addr) && !unlink(path))
		err = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (err || listen(fd, SOMAXCONN)) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}
