// SPDX-License-Identifier: GPL-2.0-only
/*
 * A wire to a TAP interface of the host.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <glib.h>

#include "../nic.h"

#define TAP_BUDGET	64
/* when to look again at an interface that is down, or at a receiver */
#define TAP_RETRY_NS	10000000ULL

/**
 * struct tap - the wire
 * @wire: common part
 * @ports: the port
 * @fd: the interface
 * @len: bytes in @buf of a frame that waits for a receive buffer, 0: none does
 * @buf: a frame
 */
struct tap {
	struct wire wire;
	struct nic_port *ports[1];
	int fd;
	u32 len;
	u8 buf[1 << 16];
};

static struct tap *to_tap(const struct wire *wire)
{
	return (struct tap *)wire;
}

/* PORT,INTERFACE.  Returns what is wrong, or NULL. */
static const char *tap_parse(struct tap *tap, char *const *args)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (g_strv_length((char **)args) != 2 || !*args[1] ||
	    strlen(args[1]) >= sizeof(ifr.ifr_name))
		return "takes PORT,INTERFACE";
	tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap->fd < 0)
		return g_strerror(errno);
	g_strlcpy(ifr.ifr_name, args[1], sizeof(ifr.ifr_name));
	if (ioctl(tap->fd, TUNSETIFF, &ifr))
		return g_strerror(errno);
	return wire_attach(&tap->wire, 0, args[0]) ? "" : NULL;
}

static void tap_close(struct wire *wire)
{
	struct tap *tap = to_tap(wire);

	if (tap->fd >= 0)
		close(tap->fd);
	g_free(tap);
}

static struct wire *tap_open(struct nic *nic, const char *args)
{
	struct tap *tap = g_new0(struct tap, 1);
	char **parts = g_strsplit(args, ",", 2);
	const char *error;

	tap->wire.nic = nic;
	tap->wire.ports = tap->ports;
	tap->wire.num_ports = 1;
	tap->fd = -1;
	error = tap_parse(tap, parts);
	g_strfreev(parts);
	if (error) {
		if (*error)
			g_printerr("idpf-nic: --wire tap:%s: %s\n", args, error);
		tap_close(&tap->wire);
		return NULL;
	}
	tap->wire.fd = tap->fd;
	tap->wire.events = POLLIN;
	return &tap->wire;
}

static bool tap_xmit(struct wire *wire, unsigned int end,
		     const struct frame *frame)
{
	struct tap *tap = to_tap(wire);

	/* the interface is down, or its queue is full: as on any host */
	if (writev(tap->fd, frame->iov, (int)frame->num_iov) < 0)
		tap->ports[0]->wire.stats.tx_dropped++;
	return true;
}

static bool tap_link_up(const struct wire *wire, unsigned int end)
{
	return true;
}

static bool tap_wait(struct tap *tap, u64 *due_ns)
{
	u64 when = nic_now_ns() + TAP_RETRY_NS;

	if (when < *due_ns)
		*due_ns = when;
	tap->wire.fd = -1;
	return false;
}

static bool tap_run(struct wire *wire, u64 *due_ns)
{
	struct tap *tap = to_tap(wire);

	tap->wire.fd = tap->fd;
	for (unsigned int i = 0; i < TAP_BUDGET; i++) {
		ssize_t n;

		if (!tap->len) {
			n = read(tap->fd, tap->buf, sizeof(tap->buf));
			if (n <= 0)
				return n < 0 && errno != EAGAIN && errno != EINTR ?
				       tap_wait(tap, due_ns) : false;
			tap->len = n;
		}
		if (!wire_inject(wire, tap->buf, tap->len))
			return tap_wait(tap, due_ns);
		tap->len = 0;
	}
	return true;
}

const struct wire_ops wire_tap_ops = {
	.kind = "tap",
	.open = tap_open,
	.close = tap_close,
	.xmit = tap_xmit,
	.link_up = tap_link_up,
	.run = tap_run,
};
