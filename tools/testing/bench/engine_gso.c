// SPDX-License-Identifier: GPL-2.0-only
/*
 * Throughput of LSO segmentation with checksums on one core: the NIC's engine
 * beside DPDK's librte_gso and beside memcpy() of the same bytes, in one run.
 *
 * Rounds of the contestants alternate, so that a change of the machine's pace
 * meets all of them; the result is the median of the rounds.
 *
 *   engine      frames as headers and slices of the payload, checksums filled
 *   engine+copy the same, each frame copied in one piece to a receive buffer;
 *               the copy is the summing pass
 *   gso         rte_gso_segment(), which also cuts without copying
 *   gso+csum    and IPv4 and TCP checksums in software by DPDK's own functions
 *   memcpy      the packet's bytes to a receive buffer, page by page
 *
 * Both segmenters get the packet in the same pieces: headers, then pages.
 * IPv4 ids and lengths are checked on the way, checksums once before.
 */

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_gso.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "../../net/idpf-nic/engines/csum.h"
#include "../../net/idpf-nic/engines/lso.h"

#define PAGE		4096
#define HDR_LEN		(14 + 20 + 32)	/* with time stamps, as Linux sends */
#define ROUNDS_MAX	501
#define SEGS_MAX	1024
#define FRAME_MAX	9728
#define RX_AREA		0x40000	/* where the frames of a packet go */
#define RX_AREAS	4
#define EAL_ARGS	9

struct bench {
	u8 *payload;		/* what is sent, page after page */
	u8 *receive;		/* where copies go */
	u32 packet_len;		/* payload bytes of a packet */
	u32 num_packets;	/* packets of a round, each with its own bytes */
	u32 mss;
	u8 hdr[HDR_LEN];
	struct iovec iov[SEG_MAX_PIECES];
	struct seg_frame frame;
	struct rte_mempool *direct;
	struct rte_mempool *indirect;
	u64 check;		/* keeps results alive */
};

struct contestant {
	const char *name;
	void (*packet)(struct bench *b, u32 idx);
	double gbps[ROUNDS_MAX];
};

static void die(const char *what)
{
	fprintf(stderr, "engine_gso: %s\n", what);
	exit(1);
}

static u8 *packet_payload(const struct bench *b, u32 idx)
{
	return b->payload + (size_t)idx * RTE_ALIGN_CEIL(b->packet_len, PAGE);
}

static u8 *receive_area(const struct bench *b, u32 idx)
{
	return b->receive + idx % RX_AREAS * RX_AREA;
}

static u32 packet_pages(const struct bench *b)
{
	return (b->packet_len + PAGE - 1) / PAGE;
}

static u32 page_len(const struct bench *b, u32 page)
{
	return RTE_MIN((u32)PAGE, b->packet_len - page * PAGE);
}

/* ------------------------------------------------------------------ */
/* The engine                                                           */

static void engine_begin(struct bench *b, u32 idx, struct segmenter *seg)
{
	u8 *payload = packet_payload(b, idx);
	struct seg_request req = {
		.hdr = b->hdr,
		.hdr_len = HDR_LEN,
		.tlen = b->packet_len,
		.mss = b->mss,
		.frame_max = FRAME_MAX,
		.layout = {
			.l3_off = 14,
			.l4_off = 34,
			.ip_version = 4,
			.proto = PKT_PROTO_TCP,
		},
	};
	u32 i;

	for (i = 0; i < packet_pages(b); i++) {
		b->iov[i].iov_base = payload + i * PAGE;
		b->iov[i].iov_len = page_len(b, i);
	}
	gather_init(&req.payload, b->iov, packet_pages(b));
	if (lso_init(seg, &req))
		die("engine refuses the packet");
}

static void run_engine(struct bench *b, u32 idx)
{
	struct segmenter seg;

	engine_begin(b, idx, &seg);
	while (seg_next(&seg, &b->frame))
		b->check += b->frame.hdr[50] + b->frame.num_iov;
}

static void run_engine_copy(struct bench *b, u32 idx)
{
	u8 *to = receive_area(b, idx);
	struct seg_frame *frame = &b->frame;
	struct segmenter seg;

	engine_begin(b, idx, &seg);
	while (seg_cut(&seg, frame)) {
		u16 sum = csum_iov_copy(to + frame->hdr_len, frame->iov + 1,
					frame->num_iov - 1);

		seg_finish(&seg, frame, sum);
		memcpy(to, frame->hdr, frame->hdr_len);
		to += RTE_ALIGN_CEIL(frame->len, 64);
	}
	b->check += to[-64];
}

/* ------------------------------------------------------------------ */
/* librte_gso                                                           */

static void shinfo_free(void *addr, void *opaque)
{
	(void)addr;
	(void)opaque;
}

/* A packet of one header mbuf and one mbuf for each page, not copied. */
static struct rte_mbuf *gso_packet(struct bench *b, u32 idx)
{
	static struct rte_mbuf_ext_shared_info shared = {
		.free_cb = shinfo_free,
	};
	struct rte_mbuf *head = rte_pktmbuf_alloc(b->direct);
	struct rte_mbuf *last = head;
	u32 i;

	memcpy(rte_pktmbuf_append(head, HDR_LEN), b->hdr, HDR_LEN);
	for (i = 0; i < packet_pages(b); i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(b->direct);
		u8 *page = packet_payload(b, idx) + i * PAGE;

		rte_mbuf_ext_refcnt_set(&shared, 0x4000);
		rte_pktmbuf_attach_extbuf(m, page, (rte_iova_t)page, PAGE,
					  &shared);
		m->data_off = 0;
		m->data_len = page_len(b, i);
		last->next = m;
		last = m;
		head->nb_segs++;
		head->pkt_len += m->data_len;
	}
	head->l2_len = 14;
	head->l3_len = 20;
	head->l4_len = 32;
	head->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;

	return head;
}

static void gso_checksums(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip;
	struct rte_tcp_hdr *tcp;

	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, 34);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->cksum = 0;
	tcp->cksum = rte_ipv4_udptcp_cksum_mbuf(m, ip, 34);
}

static void gso_run(struct bench *b, u32 idx, bool checksums)
{
	struct rte_gso_ctx ctx = {
		.direct_pool = b->direct,
		.indirect_pool = b->indirect,
		.gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO,
		.gso_size = HDR_LEN + b->mss,
	};
	struct rte_mbuf *packet = gso_packet(b, idx);
	struct rte_mbuf *out[SEGS_MAX];
	int i, num;

	num = rte_gso_segment(packet, &ctx, out, SEGS_MAX);
	if (num <= 0)
		die("rte_gso_segment() refuses the packet");
	for (i = 0; i < num; i++) {
		if (checksums)
			gso_checksums(out[i]);
		b->check += out[i]->pkt_len;
	}
	rte_pktmbuf_free_bulk(out, num);
	rte_pktmbuf_free(packet);
}

static void run_gso(struct bench *b, u32 idx)
{
	gso_run(b, idx, false);
}

static void run_gso_csum(struct bench *b, u32 idx)
{
	gso_run(b, idx, true);
}

/* ------------------------------------------------------------------ */

static void run_memcpy(struct bench *b, u32 idx)
{
	u8 *to = receive_area(b, idx);
	u8 *payload = packet_payload(b, idx);
	u32 i;

	for (i = 0; i < packet_pages(b); i++)
		memcpy(to + i * PAGE, payload + i * PAGE, page_len(b, i));
	b->check += to[b->packet_len - 1];
}

static struct contestant contestants[] = {
	{ .name = "engine", .packet = run_engine },
	{ .name = "engine+copy", .packet = run_engine_copy },
	{ .name = "gso", .packet = run_gso },
	{ .name = "gso+csum", .packet = run_gso_csum },
	{ .name = "memcpy", .packet = run_memcpy },
};

enum { ENGINE, ENGINE_COPY, GSO, GSO_CSUM, MEMCPY };

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void run_round(struct bench *b, struct contestant *c, u32 round,
		      u32 repeat)
{
	double start = seconds(), took;
	u32 i, n;

	for (n = 0; n < repeat; n++)
		for (i = 0; i < b->num_packets; i++)
			c->packet(b, i);
	took = seconds() - start;
	c->gbps[round] = (double)b->packet_len * b->num_packets * repeat /
			 took / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct contestant *c, u32 rounds)
{
	qsort(c->gbps, rounds, sizeof(c->gbps[0]), by_value);

	return c->gbps[rounds / 2];
}

/* The seed of LSO: pseudo header sum without a length. */
static void prepare_headers(struct bench *b)
{
	struct rte_ipv4_hdr *ip = (void *)(b->hdr + 14);
	struct rte_tcp_hdr *tcp = (void *)(b->hdr + 34);
	u8 pseudo[12] = { 192, 0, 2, 1, 192, 0, 2, 2, 0, PKT_PROTO_TCP };
	u16 seed;

	memcpy(b->hdr, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
	ip->version_ihl = 0x45;
	ip->time_to_live = 64;
	ip->next_proto_id = PKT_PROTO_TCP;
	memcpy(&ip->src_addr, pseudo, 4);
	memcpy(&ip->dst_addr, pseudo + 4, 4);
	ip->total_length = rte_cpu_to_be_16(RTE_MIN(52 + b->packet_len,
						    65535u));
	tcp->sent_seq = rte_cpu_to_be_32(1000);
	tcp->data_off = 8 << 4;
	tcp->tcp_flags = 0x10;
	memcpy(b->hdr + 54, "\1\1\x08\x0a\0\0\0\1\0\0\0\2", 12);
	seed = csum_block(pseudo, 12);
	memcpy(&tcp->cksum, &seed, 2);
}

/* Both segmenters must make the same frames, or the race is void. */
static void compare_frames(struct bench *b)
{
	struct rte_gso_ctx ctx = {
		.direct_pool = b->direct,
		.indirect_pool = b->indirect,
		.gso_types = RTE_ETH_TX_OFFLOAD_TCP_TSO,
		.gso_size = HDR_LEN + b->mss,
	};
	static u8 ours[FRAME_MAX], theirs[FRAME_MAX];
	struct rte_mbuf *out[SEGS_MAX];
	struct segmenter seg;
	struct rte_mbuf *packet;
	int i = 0, num;
	u32 n, at;

	engine_begin(b, 0, &seg);
	packet = gso_packet(b, 0);
	num = rte_gso_segment(packet, &ctx, out, SEGS_MAX);
	while (seg_next(&seg, &b->frame)) {
		if (i == num)
			die("different number of segments");
		for (n = 0, at = 0; n < b->frame.num_iov; n++) {
			memcpy(ours + at, b->frame.iov[n].iov_base,
			       b->frame.iov[n].iov_len);
			at += b->frame.iov[n].iov_len;
		}
		gso_checksums(out[i]);
		if (at != out[i]->pkt_len ||
		    memcmp(ours, rte_pktmbuf_read(out[i], 0, at, theirs), at))
			die("frames differ");
		i++;
	}
	if (i != num)
		die("different number of segments");
	rte_pktmbuf_free_bulk(out, num);
	rte_pktmbuf_free(packet);
	printf("%d frames of engine and librte_gso are equal, byte by byte\n",
	       num);
}

static void prepare(struct bench *b)
{
	size_t bytes = (size_t)packet_pages(b) * PAGE * b->num_packets;
	size_t i;

	b->payload = aligned_alloc(PAGE, bytes);
	b->receive = aligned_alloc(PAGE, RX_AREAS * RX_AREA);
	if (!b->payload || !b->receive)
		die("out of memory");
	for (i = 0; i < bytes; i++)
		b->payload[i] = rand() >> 7;
	memset(b->receive, 0, RX_AREAS * RX_AREA);
	prepare_headers(b);
	b->direct = rte_pktmbuf_pool_create("direct", 8191, 256, 0, 256, 0);
	b->indirect = rte_pktmbuf_pool_create("indirect", 8191, 256, 0, 0, 0);
	if (!b->direct || !b->indirect)
		die("no mbuf pool");
}

static void report(struct bench *b, u32 rounds)
{
	double gbps[RTE_DIM(contestants)];
	u32 i;

	for (i = 0; i < RTE_DIM(contestants); i++) {
		gbps[i] = median(&contestants[i], rounds);
		printf("%-12s %7.2f GB/s  (%.2f .. %.2f)\n",
		       contestants[i].name, gbps[i], contestants[i].gbps[0],
		       contestants[i].gbps[rounds - 1]);
	}
	printf("engine / gso+csum       %.2f  (target 2)\n",
	       gbps[ENGINE] / gbps[GSO_CSUM]);
	printf("engine / memcpy         %.2f  (target 0.5)\n",
	       gbps[ENGINE] / gbps[MEMCPY]);
	printf("engine+copy / memcpy    %.2f\n",
	       gbps[ENGINE_COPY] / gbps[MEMCPY]);
	printf("JSON {\"kernel\": \"%s\", \"packet\": %u, \"mss\": %u, ",
	       csum_best->name, b->packet_len, b->mss);
	for (i = 0; i < RTE_DIM(contestants); i++)
		printf("%s\"%s\": %.3f", i ? ", " : "", contestants[i].name,
		       gbps[i]);
	printf("}\n");
}

/* DPDK without huge pages or devices, on the last CPU that we may use. */
static void start_dpdk(void)
{
	static char lcores[32];
	char *eal[EAL_ARGS] = {
		"engine_gso", "--no-huge", "--no-pci", "--no-telemetry",
		"--no-shconf", "-m", "256", "--log-level=4", lcores,
	};
	cpu_set_t cpus;
	int cpu;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		die("no CPU mask");
	for (cpu = CPU_SETSIZE - 1; cpu && !CPU_ISSET(cpu, &cpus); cpu--)
		;
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", cpu);
	if (rte_eal_init(EAL_ARGS, eal) < 0)
		die("no DPDK environment");
}

static void help(void)
{
	puts("engine_gso [-l PAYLOAD] [-m MSS] [-n PACKETS] [-r ROUNDS] [-i REPEAT] [-c NAME]\n"
	     "  -l  payload bytes of a packet, default 65160\n"
	     "  -m  MSS, default 1448\n"
	     "  -n  packets with bytes of their own, default 4; more leave the cache\n"
	     "  -r  rounds, default 31\n"
	     "  -i  passes over all packets in a round, default 200\n"
	     "  -c  this contestant only, without comparison: for a profiler");
	exit(2);
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.packet_len = 65160, .num_packets = 4, .mss = 1448,
	};
	u32 rounds = 31, repeat = 200, round, i;
	const char *only = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "l:m:n:r:i:c:")) != -1) {
		u32 value = optarg ? strtoul(optarg, NULL, 0) : 0;

		if (opt == 'l' && value && value <= 65483)
			b.packet_len = value;
		else if (opt == 'm' && value >= 64 && value <= SEG_MSS_MAX)
			b.mss = value;
		else if (opt == 'n' && value && value <= 4096)
			b.num_packets = value;
		else if (opt == 'r' && value && value <= ROUNDS_MAX)
			rounds = value;
		else if (opt == 'i' && value)
			repeat = value;
		else if (opt == 'c')
			only = optarg;
		else
			help();
	}
	if (b.packet_len / b.mss >= SEGS_MAX)
		die("too many segments");
	start_dpdk();
	prepare(&b);
	printf("payload %u, MSS %u, %u packets, %u rounds, kernel %s\n",
	       b.packet_len, b.mss, b.num_packets, rounds, csum_best->name);
	compare_frames(&b);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < RTE_DIM(contestants); i++)
			if (!only || !strcmp(only, contestants[i].name))
				run_round(&b, &contestants[i], round, repeat);
	report(&b, rounds);
	rte_eal_cleanup();

	return b.check == 1;	/* never; the results are used */
}
