// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write to an eventfd waits while its counter is full, unless O_NONBLOCK is
 * set; but counter and flag belong to everybody who has the descriptor, so a
 * client could make us wait for ever, and to poll before writing only makes
 * that a race.  The kernel can add to an eventfd itself when an asynchronous
 * operation is done, and that never waits: we ask it to poll a descriptor that
 * is always ready.
 */

#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"
#include "efd.h"

#define EFD_LINK	"anon_inode:[eventfd]"
#define EFD_EVENTS	16

/**
 * struct efd_ring - what the kernel maps at the address of an AIO context
 * @id: of the context
 * @nr: entries
 * @head: first event that we have not taken
 * @tail: behind the last event
 */
struct efd_ring {
	u32 id;
	u32 nr;
	u32 head;
	u32 tail;
};

/* one for each thread, so that taking the events needs no lock; ends with us */
static _Thread_local aio_context_t efd_ctx;
static _Thread_local bool efd_no_aio;

static pthread_once_t efd_once = PTHREAD_ONCE_INIT;
static int efd_ready_fd = -1;

static void efd_open_ready(void)
{
	efd_ready_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
}

bool efd_check(int fd)
{
	char path[32], link[sizeof(EFD_LINK)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link));
	if (n < 0)
		return errno == ENOENT && access("/proc/self", F_OK);
	return n == strlen(EFD_LINK) && !memcmp(link, EFD_LINK, n);
}

static bool efd_prepare(void)
{
	pthread_once(&efd_once, efd_open_ready);
	if (!efd_ctx && !efd_no_aio)
		efd_no_aio = efd_ready_fd < 0 ||
			     syscall(SYS_io_setup, EFD_EVENTS, &efd_ctx);
	return !efd_no_aio;
}

/* the events say nothing that we do not know: the operation is done */
static void efd_take_events(void)
{
	struct efd_ring *ring = (struct efd_ring *)efd_ctx;

	__atomic_store_n(&ring->head,
			 __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}

static int efd_submit(int fd)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = efd_ready_fd,
		.aio_buf = POLLIN, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = fd,
	};
	struct iocb *list = &cb;

	if (syscall(SYS_io_submit, efd_ctx, 1, &list) != 1)
		return -errno;
	efd_take_events();
	return 0;
}

/* Without AIO in the kernel: leaves the client the moment after poll() */
static int efd_write(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	u64 one = 1;

	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return 0;
	return write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN ? -errno : 0;
}

int efd_signal(int fd)
{
	return efd_prepare() ? efd_submit(fd) : efd_write(fd);
}
