// SPDX-License-Identifier: GPL-2.0-only
/*
 * A wire to another process: QEMU's `stream` (or `socket`) network back end,
 * passt, or another idpf-nic.
 *
 * Each frame stands behind its length, 4 bytes in network order, on a UNIX or
 * TCP stream.  One end listens, the other one connects and tries again while it
 * cannot.  The link is up while there is a connection.
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include "../io.h"
#include "../nic.h"

#define STREAM_HDR		sizeof(__be32)
/* QEMU's largest frame; longer ones mean that we lost track */
#define STREAM_MAX_FRAME	(4096 + 65536)
#define STREAM_IN_SIZE		0x40000
#define STREAM_OUT_SIZE		0x80000
#define STREAM_RETRY_NS		500000000ULL
/* a frame that waits for a receive buffer is offered again so often at least */
#define STREAM_OFFER_NS		10000000ULL

/**
 * struct stream - one end of such a wire
 * @wire: common part
 * @ports: the port
 * @addr: where to listen or to connect to
 * @addr_len: bytes of it
 * @listen_fd: listening socket, -1: this end connects
 * @fd: connection, -1: there is none
 * @up: it is established
 * @retry_ns: when to connect again
 * @in: what was received
 * @in_at: next byte of it
 * @in_len: bytes in it
 * @out: what is to be sent
 * @out_at: next byte of it
 * @out_len: bytes in it
 * @full_since_ns: when it first had no room, 0: the last frame had
 */
struct stream {
	struct wire wire;
	struct nic_port *ports[1];
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int listen_fd;
	int fd;
	bool up;
	u64 retry_ns;
	u8 *in;
	u32 in_at;
	u32 in_len;
	u8 *out;
	u32 out_at;
	u32 out_len;
	u64 full_since_ns;
};

static struct stream *to_stream(const struct wire *wire)
{
	return (struct stream *)wire;
}

/* ------------------------------------------------------------------ */
/* Creation                                                             */

static bool parse_unix(struct stream *st, const char *path)
{
	struct sockaddr_un *addr = (struct sockaddr_un *)&st->addr;

	if (!*path || strlen(path) >= sizeof(addr->sun_path))
		return false;
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, path, strlen(path));
	st->addr_len = sizeof(*addr);
	return true;
}

/* HOST:PORT; an IPv6 address may stand in brackets */
static bool parse_tcp(struct stream *st, const char *text)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	struct addrinfo *list;
	char *host;
	int err;

	if (!colon)
		return false;
	host = g_strndup(text, colon - text);
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	err = getaddrinfo(host, colon + 1, &hints, &list);
	g_free(host);
	if (err)
		return false;
	memcpy(&st->addr, list->ai_addr, list->ai_addrlen);
	st->addr_len = list->ai_addrlen;
	freeaddrinfo(list);
	return true;
}

static int stream_listen(const struct stream *st)
{
	int fd, one = 1;

	if (st->addr.ss_family == AF_UNIX)
		return io_listen(((struct sockaddr_un *)&st->addr)->sun_path);
	fd = socket(st->addr.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, (const struct sockaddr *)&st->addr, st->addr_len) &&
	    !listen(fd, 1))
		return fd;
	close(fd);
	return -1;
}

/* PORT,listen=ADDR or PORT,connect=ADDR.  Returns what is wrong, or NULL. */
static const char *stream_parse(struct stream *st, char *const *args)
{
	bool listening;
	const char *at;

	if (g_strv_length((char **)args) != 2)
		return "takes PORT,listen=ADDRESS or PORT,connect=ADDRESS";
	listening = g_str_has_prefix(args[1], "listen=");
	if (!listening && !g_str_has_prefix(args[1], "connect="))
		return "takes PORT,listen=ADDRESS or PORT,connect=ADDRESS";
	at = strchr(args[1], '=') + 1;
	if (!(g_str_has_prefix(at, "unix:") && parse_unix(st, at + 5)) &&
	    !(g_str_has_prefix(at, "tcp:") && parse_tcp(st, at + 4)))
		return "ADDRESS is unix:PATH or tcp:HOST:PORT";
	if (listening) {
		st->listen_fd = stream_listen(st);
		if (st->listen_fd < 0)
			return g_strerror(errno);
	}
	return wire_attach(&st->wire, 0, args[0]) ? "" : NULL;
}

static void stream_close(struct wire *wire)
{
	struct stream *st = to_stream(wire);

	if (st->fd >= 0)
		close(st->fd);
	if (st->listen_fd >= 0) {
		close(st->listen_fd);
		if (st->addr.ss_family == AF_UNIX)
			unlink(((struct sockaddr_un *)&st->addr)->sun_path);
	}
	g_free(st->in);
	g_free(st->out);
	g_free(st);
}

static struct wire *stream_open(struct nic *nic, const char *args)
{
	struct stream *st = g_new0(struct stream, 1);
	char **parts = g_strsplit(args, ",", 2);
	const char *error;

	st->wire.nic = nic;
	st->wire.ports = st->ports;
	st->wire.num_ports = 1;
	st->listen_fd = -1;
	st->fd = -1;
	error = stream_parse(st, parts);
	g_strfreev(parts);
	if (error) {
		if (*error)
			g_printerr("idpf-nic: --wire stream:%s: %s\n", args,
				   error);
		stream_close(&st->wire);
		return NULL;
	}
	st->wire.fd = st->listen_fd;
	st->wire.events = POLLIN;
	st->in = g_malloc(STREAM_IN_SIZE);
	st->out = g_malloc(STREAM_OUT_SIZE);
	return &st->wire;
}

/* ------------------------------------------------------------------ */
/* Connection                                                           */

static void stream_up(struct stream *st)
{
	int one = 1;

	/* has no meaning for, and no effect on, a UNIX socket */
	setsockopt(st->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	st->up = true;
	report_info(st->ports[0], "%s: connected", st->wire.name);
	cp_link_changed(st->ports[0]);
}

static void stream_down(struct stream *st)
{
	close(st->fd);
	st->fd = -1;
	st->in_at = 0;
	st->in_len = 0;
	st->out_at = 0;
	st->out_len = 0;
	st->full_since_ns = 0;
	st->retry_ns = nic_now_ns() + STREAM_RETRY_NS;
	if (!st->up)
		return;
	st->up = false;
	report_info(st->ports[0], "%s: disconnected", st->wire.name);
	cp_link_changed(st->ports[0]);
	queues_wake_waiting(st->ports[0]);
}

static void stream_connect(struct stream *st)
{
	if (st->fd < 0 && nic_now_ns() < st->retry_ns)
		return;
	if (st->fd < 0)
		st->fd = socket(st->addr.ss_family,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (st->fd < 0) {
		st->retry_ns = nic_now_ns() + STREAM_RETRY_NS;
		return;
	}
	/* asked again, it tells how the attempt went */
	if (!connect(st->fd, (struct sockaddr *)&st->addr, st->addr_len) ||
	    errno == EISCONN)
		stream_up(st);
	else if (errno != EINPROGRESS && errno != EALREADY)
		stream_down(st);
}

static void stream_accept(struct stream *st)
{
	st->fd = io_accept(st->listen_fd);
	if (st->fd >= 0)
		stream_up(st);
}

/* ------------------------------------------------------------------ */
/* Frames                                                               */

static void stream_flush(struct stream *st)
{
	while (st->up && st->out_at < st->out_len) {
		ssize_t n = send(st->fd, st->out + st->out_at,
				 st->out_len - st->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			stream_down(st);
			return;
		}
		st->out_at += n;
	}
	st->out_at = 0;
	st->out_len = 0;
}

static bool has_room(const struct stream *st, const struct frame *frame)
{
	return STREAM_OUT_SIZE - st->out_len >= STREAM_HDR + frame->len;
}

static void make_room(struct stream *st)
{
	stream_flush(st);
	memmove(st->out, st->out + st->out_at, st->out_len - st->out_at);
	st->out_len -= st->out_at;
	st->out_at = 0;
}

/* The far end does not read: keep the frame for a while, then lose it */
static bool shall_wait(struct stream *st, const struct frame *frame)
{
	u64 now = nic_now_ns();

	if (!st->full_since_ns)
		st->full_since_ns = now;
	return frame->may_wait && now - st->full_since_ns < QUEUE_MAX_WAIT_NS;
}

static bool stream_xmit(struct wire *wire, unsigned int end,
			const struct frame *frame)
{
	struct stream *st = to_stream(wire);
	__be32 len = g_htonl(frame->len);

	if (!has_room(st, frame))
		make_room(st);
	if (!has_room(st, frame) || !st->up) {
		if (st->up && shall_wait(st, frame))
			return false;
		st->ports[0]->wire.stats.tx_dropped++;
		return true;
	}
	memcpy(st->out + st->out_len, &len, sizeof(len));
	st->out_len += sizeof(len);
	for (unsigned int i = 0; i < frame->num_iov; i++) {
		memcpy(st->out + st->out_len, frame->iov[i].iov_base,
		       frame->iov[i].iov_len);
		st->out_len += frame->iov[i].iov_len;
	}
	return true;
}

/* Reads what there is.  Returns false if nothing came. */
static bool stream_fill(struct stream *st)
{
	ssize_t n;

	memmove(st->in, st->in + st->in_at, st->in_len - st->in_at);
	st->in_len -= st->in_at;
	st->in_at = 0;
	n = recv(st->fd, st->in + st->in_len, STREAM_IN_SIZE - st->in_len, 0);
	if (n > 0) {
		st->in_len += n;
		return true;
	}
	if (!n || (errno != EAGAIN && errno != EINTR))
		stream_down(st);
	return false;
}

/* Delivers the frames that are complete.  Returns false if one has to wait. */
static bool stream_deliver(struct stream *st)
{
	while (st->in_len - st->in_at >= STREAM_HDR) {
		__be32 be;
		u32 len;

		memcpy(&be, st->in + st->in_at, sizeof(be));
		len = g_ntohl(be);
		if (len > STREAM_MAX_FRAME) {
			report_info(st->ports[0], "%s: frame of %u bytes",
				    st->wire.name, len);
			st->ports[0]->wire.stats.rx_dropped_error++;
			stream_down(st);
			return true;
		}
		if (st->in_len - st->in_at < STREAM_HDR + len)
			return true;
		if (!wire_inject(&st->wire, st->in + st->in_at + STREAM_HDR, len))
			return false;
		st->in_at += STREAM_HDR + len;
	}
	return true;
}

static void want(u64 *due_ns, u64 when)
{
	if (when < *due_ns)
		*due_ns = when;
}

/* What the data thread is to wait for */
static void stream_watch(struct stream *st, bool waits, u64 *due_ns)
{
	st->wire.fd = st->fd;
	st->wire.events = 0;
	if (st->fd < 0) {
		st->wire.fd = st->listen_fd;
		st->wire.events = POLLIN;
		if (st->listen_fd < 0)
			want(due_ns, st->retry_ns);
	} else if (!st->up) {
		st->wire.events = POLLOUT;
	} else {
		/* without events a closed connection would wake us for ever */
		st->wire.events = (waits ? 0 : POLLIN) |
				  (st->out_len ? POLLOUT : 0);
		if (waits)
			want(due_ns, nic_now_ns() + STREAM_OFFER_NS);
		if (!st->wire.events)
			st->wire.fd = -1;
	}
}

static bool stream_run(struct wire *wire, u64 *due_ns)
{
	struct stream *st = to_stream(wire);
	bool waits = false, more = false;

	if (!st->up && st->listen_fd >= 0)
		stream_accept(st);
	else if (!st->up)
		stream_connect(st);

	if (st->up)
		stream_flush(st);
	if (st->full_since_ns && st->out_len - st->out_at <= STREAM_OUT_SIZE / 2) {
		st->full_since_ns = 0;
		queues_wake_waiting(st->ports[0]);
		more = true;
	}
	if (st->up)
		waits = !stream_deliver(st);
	if (st->up && !waits && stream_fill(st)) {
		waits = !stream_deliver(st);
		more |= !waits;
	}
	stream_watch(st, waits, due_ns);
	return more;
}

static bool stream_link_up(const struct wire *wire, unsigned int end)
{
	return to_stream(wire)->up;
}

const struct wire_ops wire_stream_ops = {
	.kind = "stream",
	.open = stream_open,
	.close = stream_close,
	.xmit = stream_xmit,
	.link_up = stream_link_up,
	.run = stream_run,
};
