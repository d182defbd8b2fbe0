// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differential test of send offloads, one half of it: sends seeded packets
 * and writes down what arrives.  Run once with an offload and once without, the
 * two files have to be the same (see offload_diff.py).
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "offload_send.h"

struct workload {
	const char *name;
	int (*run)(struct bench *bench);
	bool free_ids;
	int proto;
	bool odd;
	bool tap;
	bool merge;
};

static const struct workload workloads[] = {
	{ .name = "raw", .run = raw_case },
	{ .name = "tap", .run = raw_case, .tap = true },
	{ .name = "odd", .run = odd_case, .odd = true },
	{ .name = "oddtap", .run = odd_case, .odd = true, .tap = true },
	{ .name = "gro", .run = gro_case, .tap = true, .merge = true },
	{ .name = "udp", .run = udp_case, .free_ids = true, .proto = IPPROTO_UDP },
	{ .name = "tcp", .run = tcp_case, .free_ids = true, .proto = IPPROTO_TCP },
};

struct options {
	struct bench bench;
	const struct workload *workload;
	const char *pcap;
	const char *list;
	uint32_t first;
	uint32_t count;
};

/**
 * fail() - end the program because of a system call that cannot fail
 * @what: what was tried
 */
void fail(const char *what)
{
	fprintf(stderr, "offload_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* splitmix64: any state is as good as any other */
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Return: a number from 0 to @end - 1. */
uint32_t rng_below(struct rng *rng, uint32_t end)
{
	return end ? rng_next(rng) % end : 0;
}

/* Return: a number from @first to @last; @first if @last is less. */
uint32_t rng_range(struct rng *rng, uint32_t first, uint32_t last)
{
	return last <= first ? first : first + rng_below(rng, last - first + 1);
}

/* Return: a number from @first to @last, each magnitude as often. */
uint32_t rng_log(struct rng *rng, uint32_t first, uint32_t last)
{
	uint32_t end = first;
	unsigned int doublings = 1;

	while (end < last) {
		end *= 2;
		doublings++;
	}
	end = first << (1 + rng_below(rng, doublings));
	return rng_range(rng, first, end < last ? end : last);
}

/* Return: true in so many of a hundred cases. */
bool rng_percent(struct rng *rng, uint32_t percent)
{
	return rng_below(rng, 100) < percent;
}

/* Fill @len bytes with noise */
void rng_fill(struct rng *rng, void *to, size_t len)
{
	uint8_t *at = to;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		word = rng_next(rng);
		memcpy(at, &word, sizeof(word));
	}
	word = rng_next(rng);
	memcpy(at, &word, len);
}

/* Sockets that are made now belong to the peer */
void peer_enter(const struct bench *bench)
{
	if (setns(bench->peer_fd, CLONE_NEWNET))
		fail(bench->netns);
}

/* Back home */
void peer_leave(const struct bench *bench)
{
	if (setns(bench->home_fd, CLONE_NEWNET))
		fail("own namespace");
}

static void open_namespaces(struct bench *bench)
{
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", bench->netns);
	bench->home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	bench->peer_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (bench->home_fd < 0 || bench->peer_fd < 0)
		fail(path);
}

static void read_mac(const char *ifname, uint8_t *mac)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq req = { 0 };

	strncpy(req.ifr_name, ifname, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req))
		fail(ifname);
	memcpy(mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
}

static void open_bench(struct options *opts)
{
	struct bench *bench = &opts->bench;
	unsigned int i;

	open_namespaces(bench);
	read_mac(bench->ifname[0], bench->mac[0]);
	for (i = 0; i < bench->num_if; i++) {
		bench->ifindex[i] = if_nametoindex(bench->ifname[i]);
		if (!bench->ifindex[i])
			fail(bench->ifname[i]);
	}
	peer_enter(bench);
	read_mac(bench->peer, bench->mac[1]);
	peer_leave(bench);

	/* so that what is no packet any more is told from what others send */
	bench->odd = opts->workload->odd;
	if (bench->odd)
		bench->mac[0][ETH_ALEN - 1] ^= 0x80;
	if (opts->workload->tap)
		tap_open(bench, opts->workload->merge);
	wire_open(bench, opts->pcap);
	bench->list = opts->list ? fopen(opts->list, "w") : stdout;
	if (!bench->list)
		fail(opts->list);
}

static void close_busy(struct bench *bench)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bench->busy_fd); i++) {
		if (bench->busy_fd[i] < 0)
			continue;
		/* TCP: without another word to the peer; UDP does not know it */
		setsockopt(bench->busy_fd[i], IPPROTO_TCP, TCP_REPAIR,
			   &(int){ 1 }, sizeof(int));
		close(bench->busy_fd[i]);
		bench->busy_fd[i] = -1;
	}
}

static void run_case(struct bench *bench, const struct workload *workload,
		     uint32_t number)
{
	unsigned int frames;
	int error;

	bench->seeded.state = bench->seed + ((uint64_t)number << 32);
	bench->text[0] = '\0';
	bench->awaited = 0;
	bench->first_id = 0;
	bench->free_ids = workload->free_ids;
	bench->proto = workload->proto;
	error = workload->run(bench);
	frames = wire_collect(bench, number);
	close_busy(bench);
	fprintf(bench->list, "%u %u %s %s", number, frames,
		error ? strerrorname_np(error) : "ok", bench->text);
	fprintf(bench->list, bench->free_ids ? " id=%u\n" : "\n", bench->first_id);
}

static bool split_names(struct bench *bench, char *names)
{
	char *name, *rest = NULL;

	for (name = strtok_r(names, ",", &rest); name;
	     name = strtok_r(NULL, ",", &rest)) {
		if (bench->num_if == MAX_IFACES)
			return false;
		bench->ifname[bench->num_if++] = name;
	}
	return bench->num_if;
}

static bool find_workload(struct options *opts, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		if (!strcmp(workloads[i].name, name))
			opts->workload = &workloads[i];
	return opts->workload;
}

/* "OURS,THEIRS", of one network more */
static bool add_network(struct bench *bench, char *text, bool v6)
{
	unsigned int *num = v6 ? &bench->num_v6 : &bench->num_v4;
	char *comma = strchr(text, ',');
	const char **pair;

	if (!comma || *num == MAX_IFACES)
		return false;
	*comma = '\0';
	pair = v6 ? bench->addr[*num].v6 : bench->addr[*num].v4;
	pair[0] = text;
	pair[1] = comma + 1;
	++*num;
	return true;
}

static const struct argp_option option_list[] = {
	{ "workload", 'k', "KIND", 0, "raw, tap, gro, udp, tcp, odd or oddtap", 0 },
	{ "interface", 'i', "NAME[,NAME...]", 0, "our interfaces, the port first", 0 },
	{ "peer", 'p', "NAME", 0, "the peer's interface", 0 },
	{ "netns", 'N', "NAME", 0, "the peer's network namespace", 0 },
	{ "tap", 'T', "NAME", 0, "a TAP interface whose packets leave by the port", 0 },
	{ "v4", '4', "OURS,THEIRS", 0, "IPv4 addresses (repeatable: more networks)", 0 },
	{ "v6", '6', "OURS,THEIRS", 0, "IPv6 addresses", 0 },
	{ "mtu", 'm', "BYTES", 0, "MTU of both ports (1500)", 0 },
	{ "tags", 't', "NUMBER", 0, "tags of a frame at most (2)", 0 },
	{ "even", 'e', NULL, 0, "data of files have even offsets", 0 },
	{ "no-jumbo", 'j', NULL, 0,
	  "streams with extension headers stay below 64 KiB", 0 },
	{ "bare", 'b', "NUMBER", 0,
	  "no extension headers of streams from this network on", 0 },
	{ "seed", 's', "NUMBER", 0, "which cases", 0 },
	{ "first", 'f', "NUMBER", 0, "number of the first case (0)", 0 },
	{ "count", 'n', "NUMBER", 0, "how many cases (1)", 0 },
	{ "write", 'w', "FILE", 0, "capture file", 0 },
	{ "list", 'l', "FILE", 0,
	  "a line for each case: number, frames, result, what it is (stdout)", 0 },
	{ 0 }
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opts = state->input;
	struct bench *bench = &opts->bench;
	bool good = true;

	switch (key) {
	case 'k':
		good = find_workload(opts, arg);
		break;
	case 'i':
		good = split_names(bench, arg);
		break;
	case 'p':
		bench->peer = arg;
		break;
	case 'N':
		bench->netns = arg;
		break;
	case 'T':
		bench->tap = arg;
		break;
	case '4':
		good = add_network(bench, arg, false);
		break;
	case '6':
		good = add_network(bench, arg, true);
		break;
	case 'm':
		bench->mtu = strtoul(arg, NULL, 0);
		break;
	case 't':
		bench->max_tags = strtoul(arg, NULL, 0);
		break;
	case 'e':
		bench->even = true;
		break;
	case 'j':
		bench->no_jumbo = true;
		break;
	case 'b':
		bench->bare_from = strtoul(arg, NULL, 0);
		break;
	case 's':
		bench->seed = strtoull(arg, NULL, 0);
		break;
	case 'f':
		opts->first = strtoul(arg, NULL, 0);
		break;
	case 'n':
		opts->count = strtoul(arg, NULL, 0);
		break;
	case 'w':
		opts->pcap = arg;
		break;
	case 'l':
		opts->list = arg;
		break;
	case ARGP_KEY_END:
		good = opts->workload && bench->num_if && bench->peer &&
		       bench->netns && opts->pcap && bench->mtu >= 576 &&
		       bench->max_tags && bench->num_v4 &&
		       bench->num_v4 == bench->num_v6 &&
		       (bench->tap || !opts->workload->tap);
		arg = "something is missing";
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!good)
		argp_error(state, "%s", arg);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_list, parse_option, NULL,
		"Sends seeded packets out of one port and captures them at the other.",
		NULL, NULL, NULL
	};
	struct options opts = {
		.bench.mtu = 1500, .bench.max_tags = 2,
		.bench.busy_fd = { -1, -1 }, .bench.tap_fd = -1,
		.bench.bare_from = MAX_IFACES, .count = 1,
	};
	uint32_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &opts);
	open_bench(&opts);
	for (i = 0; i < opts.count; i++)
		run_case(&opts.bench, opts.workload, opts.first + i);
	if (fclose(opts.bench.pcap) || fflush(opts.bench.list))
		fail("output");
	return 0;
}
