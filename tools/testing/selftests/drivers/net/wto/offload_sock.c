// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that the stack makes of what programs write to sockets, in all the
 * ways in which data get into a packet: copied, page by page from a file, from a
 * pipe, from the program's own memory.
 *
 * Nothing may depend on time.  TCP connections are put together in repair mode,
 * with given sequence numbers, and may send all of a case at once; the IPv4
 * ids, which start anywhere, are written down from 0.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "offload_send.h"

#define PAGE		4096u
/* All data come from here: a file in memory, also mapped */
#define STORE_SIZE	(4u << 20)
#define PIECES_MAX	40
#define OPTIONS_MAX	40
/* Datagrams must fit into the fragments of a packet, be they shared by few */
#define UDP_PIECES_LEN	30000
/* All of it and the headers are within 64 KiB */
#define NO_JUMBO_LEN	65000

/* Kinds of TCP options */
#define OPT_WINDOW_SCALE	3
#define OPT_SACK_PERMITTED	4

#define SOCKET_BUFFER	(16 << 20)
#define WINDOW		(8 << 20)
/* What gets lost is sent again after 20 s (offload.py), which shall be seen */
#define WAIT_S		90

enum layout {
	LAYOUT_COPY,
	LAYOUT_PIECES,
	LAYOUT_SENDFILE,
	LAYOUT_SPLICE,
	LAYOUT_ZEROCOPY,
	LAYOUT_NUM
};

static const char * const layout_names[] = {
	"copy", "pieces", "sendfile", "splice", "zerocopy",
};

/**
 * struct sock_case - what goes through a socket
 * @net: index of the network
 * @v6: IPv6
 * @tcp: TCP, else UDP
 * @layout: how the data get in
 * @len: bytes
 * @mss: payload of a segment; UDP: 0 for one datagram
 * @options: bytes of IPv4 options or IPv6 destination options
 * @tos: traffic class
 * @fin: the last bytes come with the end of the stream
 * @num: pieces
 * @piece: the data, parts of the store
 */
struct sock_case {
	unsigned int net;
	bool v6;
	bool tcp;
	enum layout layout;
	uint32_t len;
	uint32_t mss;
	uint32_t options;
	uint8_t tos;
	bool fin;
	unsigned int num;
	struct iovec piece[PIECES_MAX];
};

static int store_fd;
static uint8_t *store;

static void open_store(const struct bench *bench)
{
	struct rng rng = { bench->seed };

	if (store)
		return;
	store_fd = memfd_create("store", MFD_CLOEXEC);
	if (store_fd < 0 || ftruncate(store_fd, STORE_SIZE))
		fail("store");
	store = mmap(NULL, STORE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		     store_fd, 0);
	if (store == MAP_FAILED)
		fail("store");
	rng_fill(&rng, store, STORE_SIZE);
}

/* Pieces of different pages, never two that could be joined */
static void choose_pieces(const struct bench *bench, struct rng *rng,
			  struct sock_case *want)
{
	uint32_t mask = bench->even && (want->layout == LAYOUT_SENDFILE ||
					want->layout == LAYOUT_SPLICE) ? ~1 : ~0;
	uint32_t left = want->len, at = rng_below(rng, PAGE) & mask, most, size;
	unsigned int max = want->tcp ? PIECES_MAX : 4;

	if (want->layout == LAYOUT_COPY || want->layout == LAYOUT_SENDFILE) {
		want->num = 1;
		want->piece[0] = (struct iovec){ store + at, left };
		return;
	}
	most = left / (want->tcp ? 4 : 2) + 1;
	if (want->tcp && rng_percent(rng, 50) && left < 4000)
		most = 64;	/* tiny ones */
	while (left) {
		size = rng_range(rng, 1, most);
		if (size > left || want->num == max - 1)
			size = left;
		want->piece[want->num++] = (struct iovec){ store + at, size };
		left -= size;
		at = (at + size + 2 * PAGE) / PAGE * PAGE +
		     (rng_below(rng, PAGE) & mask);
	}
}

static int socket_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* IP options or destination options that nobody acts on */
static void set_ip_options(int fd, const struct sock_case *want)
{
	uint8_t data[OPTIONS_MAX] = { 0 };
	int error;

	if (want->v6) {
		data[1] = want->options / 8 - 1;
		data[2] = 30;
		data[3] = want->options - 4;
		error = setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, data, want->options);
	} else {
		memset(data, 1, sizeof(data));
		data[0] = 158;
		data[1] = want->options - 1;
		error = setsockopt(fd, IPPROTO_IP, IP_OPTIONS, data, want->options);
	}
	if (error)
		fail("IP options");
}

static socklen_t address_of(const struct bench *bench,
			    const struct sock_case *want, int end,
			    uint16_t port, struct sockaddr_storage *addr)
{
	const struct addresses *net = &bench->addr[want->net];
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	if (want->v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, net->v6[end], &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	inet_pton(AF_INET, net->v4[end], &in->sin_addr);
	return sizeof(*in);
}

/* A socket of one of the ends, with room for everything that is under way */
static int open_socket(const struct bench *bench, const struct sock_case *want,
		       int end, uint16_t port)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_storage addr;
	socklen_t len = address_of(bench, want, end, port, &addr);
	int fd;

	if (end)
		peer_enter(bench);
	fd = socket(want->v6 ? AF_INET6 : AF_INET,
		    want->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (end)
		peer_leave(bench);
	if (fd < 0 ||
	    socket_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    socket_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) ||
	    socket_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    (want->tcp && socket_option(fd, IPPROTO_TCP, TCP_REPAIR, 1)) ||
	    bind(fd, (struct sockaddr *)&addr, len))
		fail("socket");
	return fd;
}

static void set_up_sender(int fd, const struct sock_case *want)
{
	if (want->options)
		set_ip_options(fd, want);
	if (socket_option(fd, want->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			  want->v6 ? IPV6_TCLASS : IP_TOS, want->tos) ||
	    socket_option(fd, SOL_SOCKET, SO_ZEROCOPY, 1))
		fail("sender");
}

static int send_sendfile(int fd, const struct iovec *piece)
{
	off_t at = (uint8_t *)piece->iov_base - store;

	return sendfile(fd, store_fd, &at, piece->iov_len) < 0 ? errno : 0;
}

/* From the file's pages into a pipe, and on; the last piece ends the packet */
static int send_splice(int fd, const struct sock_case *want)
{
	int pipe_fd[2], error = 0;
	unsigned int i;
	ssize_t got;

	if (pipe(pipe_fd) || fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 20) < 0)
		fail("pipe");
	for (i = 0; i < want->num && !error; i++) {
		loff_t at = (uint8_t *)want->piece[i].iov_base - store;
		size_t left = want->piece[i].iov_len;
		unsigned int more = i + 1 < want->num ? SPLICE_F_MORE : 0;

		while (left && !error) {
			got = splice(store_fd, &at, pipe_fd[1], NULL, left, 0);
			if (got <= 0)
				fail("splice");
			left -= got;
			if (splice(pipe_fd[0], NULL, fd, NULL, got,
				   left ? SPLICE_F_MORE : more) != got)
				error = errno ? errno : EIO;
		}
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return error;
}

static int send_layout(int fd, const struct sock_case *want)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)want->piece, .msg_iovlen = want->num,
	};
	unsigned int i;

	switch (want->layout) {
	case LAYOUT_SENDFILE:
		return send_sendfile(fd, want->piece);
	case LAYOUT_SPLICE:
		return send_splice(fd, want);
	case LAYOUT_PIECES:
		for (i = 0; i < want->num; i++)
			if (send(fd, want->piece[i].iov_base,
				 want->piece[i].iov_len,
				 i + 1 < want->num ? MSG_MORE : 0) < 0)
				return errno;
		return 0;
	case LAYOUT_ZEROCOPY:
		return sendmsg(fd, &msg, MSG_ZEROCOPY) < 0 ? errno : 0;
	default:
		return sendmsg(fd, &msg, 0) < 0 ? errno : 0;
	}
}

static void describe(struct bench *bench, const struct sock_case *want)
{
	snprintf(bench->text, sizeof(bench->text),
		 "%s%u net=%u %s pieces=%u opt=%u tos=%02x mss=%u len=%u%s",
		 want->tcp ? "tcp" : "udp", want->v6 ? 6 : 4, want->net,
		 layout_names[want->layout], want->num, want->options, want->tos,
		 want->mss, want->len, want->fin ? " fin" : "");
}

static void choose_common(const struct bench *bench, struct rng *rng,
			  struct sock_case *want)
{
	if (rng_percent(rng, 40))
		want->net = rng_below(rng, bench->num_v4);
	want->v6 = rng_percent(rng, 50);
	want->layout = rng_below(rng, LAYOUT_NUM);
	want->tos = rng_below(rng, 64) << 2;
	if (rng_percent(rng, 30))
		want->options = want->v6 ? rng_range(rng, 1, 5) * 8 :
					   rng_range(rng, 1, 10) * 4;
}

static uint32_t header_room(const struct sock_case *want)
{
	return (want->v6 ? 40 : 20) + want->options + (want->tcp ? 20 : 8);
}

/**
 * udp_case() - send datagrams through a socket, most by UDP_SEGMENT
 * @bench: the bench, with the generator of this case
 *
 * Return: 0, or errno if the stack refuses it.
 */
int udp_case(struct bench *bench)
{
	struct rng *rng = &bench->seeded;
	uint16_t port = rng_range(rng, 1024, 65000);
	struct sock_case want = { .tcp = false };
	struct sockaddr_storage addr;
	uint32_t room, most;
	socklen_t addr_len;
	int tx, rx, error;

	open_store(bench);
	choose_common(bench, rng, &want);
	room = bench->mtu - header_room(&want);
	most = 65535 - header_room(&want);
	if (rng_percent(rng, 90)) {
		want.mss = rng_log(rng, 88, room);
		if (most > want.mss * 128)
			most = want.mss * 128;
	} else if (want.v6) {
		most = room;	/* ids of IPv6 fragments start anywhere */
	}
	if (want.layout != LAYOUT_COPY && most > UDP_PIECES_LEN)
		most = UDP_PIECES_LEN;
	want.len = rng_percent(rng, 20) && want.mss && want.mss <= most ?
		   most / want.mss * want.mss : rng_log(rng, 1, most);
	choose_pieces(bench, rng, &want);
	describe(bench, &want);

	rx = open_socket(bench, &want, 1, port);
	tx = open_socket(bench, &want, 0, port);
	set_up_sender(tx, &want);
	if (want.mss && socket_option(tx, IPPROTO_UDP, UDP_SEGMENT, want.mss))
		fail("UDP_SEGMENT");
	addr_len = address_of(bench, &want, 1, port, &addr);
	if (connect(tx, (struct sockaddr *)&addr, addr_len))
		fail("connect");
	error = send_layout(tx, &want);
	bench->busy_fd[0] = tx;
	bench->busy_fd[1] = rx;
	return error;
}

/* Half of a connection, as if it had been made by a handshake */
static void repair(const struct bench *bench, const struct sock_case *want,
		   int fd, int end, uint16_t port, const uint32_t seq[2])
{
	const struct tcp_repair_opt options[] = {
		{ OPT_SACK_PERMITTED, 0 },
		{ OPT_WINDOW_SCALE, 14 | 14 << 16 },
	};
	const struct tcp_repair_window window = {
		/* nothing may leave before all of it is there: see open_window() */
		.snd_wl1 = seq[!end], .snd_wnd = end ? WINDOW : 0,
		.max_window = WINDOW,
		.rcv_wnd = WINDOW, .rcv_wup = seq[!end],
	};
	struct sockaddr_storage addr;
	socklen_t len = address_of(bench, want, !end, port, &addr);

	if (socket_option(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE) ||
	    socket_option(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq[end]) ||
	    socket_option(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE) ||
	    socket_option(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq[!end]) ||
	    connect(fd, (struct sockaddr *)&addr, len) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options,
		       sizeof(options)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window,
		       sizeof(window)) ||
	    socket_option(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP))
		fail("repair");
}

/*
 * The sender began with a closed window.  A byte from the receiver opens it, and
 * all that has been written leaves at once, in packets that do not depend on when
 * it was written.
 */
static void open_window(int rx)
{
	if (send(rx, "!", 1, 0) != 1)
		fail("window");
}

/* What the receiver has read has passed the wire; what is read has to be right.
 * Return: 0, or errno if it does not come.
 */
static int read_stream(int fd, const struct sock_case *want)
{
	static uint8_t data[MAX_PAYLOAD + 1];
	const uint8_t *at = data;
	uint32_t got = 0;
	unsigned int i;
	ssize_t len;

	while (got < want->len + want->fin) {
		len = recv(fd, data + got, sizeof(data) - got, 0);
		if (len < 0)
			return errno;
		if (!len)
			break;
		got += len;
	}
	errno = EBADMSG;
	if (got != want->len)
		fail("length of a stream");
	for (i = 0; i < want->num; at += want->piece[i++].iov_len)
		if (memcmp(at, want->piece[i].iov_base, want->piece[i].iov_len))
			fail("bytes of a stream");
	return 0;
}

static struct tcp_info tcp_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		fail("TCP_INFO");
	return info;
}

/*
 * A machine that was busy with other things for long leaves its traces in a
 * stream: a probe of the window, which opens it too early, and what was sent
 * twice.  Neither depends on who segments.
 */
static void describe_trouble(struct bench *bench, int tx, int rx,
			     const struct tcp_info *before, int error)
{
	struct tcp_info sent = tcp_state(tx), got = tcp_state(rx);
	size_t at = strlen(bench->text);

	if (!before->tcpi_segs_out && !sent.tcpi_total_retrans && !error)
		return;
	snprintf(bench->text + at, sizeof(bench->text) - at,
		 " early=%u again=%u lost=%u unacked=%u segments=%u/%u",
		 before->tcpi_segs_out, sent.tcpi_total_retrans,
		 sent.tcpi_lost, sent.tcpi_unacked, sent.tcpi_data_segs_out,
		 got.tcpi_data_segs_in);
}

/**
 * tcp_case() - send a stream through a socket
 * @bench: the bench, with the generator of this case
 *
 * Return: 0, or errno if the stack refuses it.
 */
int tcp_case(struct bench *bench)
{
	struct rng *rng = &bench->seeded;
	uint16_t port = rng_range(rng, 1024, 65000);
	struct sock_case want = { .tcp = true };
	uint32_t seq[2] = { rng_next(rng), rng_next(rng) };
	struct tcp_info before;
	uint32_t room;
	int tx, rx, error;

	open_store(bench);
	choose_common(bench, rng, &want);
	if (want.v6 && want.net >= bench->bare_from)
		want.options = 0;
	room = bench->mtu - header_room(&want);
	want.mss = rng_log(rng, 88, room);
	want.len = rng_log(rng, 1, MAX_PAYLOAD < want.mss * 300 ?
			   MAX_PAYLOAD : want.mss * 300);
	if (bench->no_jumbo && want.v6 && want.options && want.len > NO_JUMBO_LEN)
		want.len = NO_JUMBO_LEN;
	want.fin = rng_percent(rng, 50);
	choose_pieces(bench, rng, &want);
	describe(bench, &want);

	rx = open_socket(bench, &want, 1, port);
	tx = open_socket(bench, &want, 0, port);
	set_up_sender(tx, &want);
	if (socket_option(tx, IPPROTO_TCP, TCP_MAXSEG, want.mss))
		fail("TCP_MAXSEG");
	repair(bench, &want, rx, 1, port, seq);
	repair(bench, &want, tx, 0, port, seq);
	if (socket_option(tx, IPPROTO_TCP, TCP_CORK, 1))
		fail("TCP_CORK");
	error = send_layout(tx, &want);
	if (want.fin ? shutdown(tx, SHUT_WR) :
		       socket_option(tx, IPPROTO_TCP, TCP_CORK, 0))
		fail("end of a stream");
	if (!error) {
		before = tcp_state(tx);
		open_window(rx);
		error = read_stream(rx, &want);
		describe_trouble(bench, tx, rx, &before, error);
	}
	bench->busy_fd[0] = tx;
	bench->busy_fd[1] = rx;
	return error;
}
