// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's driver on ports that are wired in pairs: frames both ways between port
 * 0 and 1, 2 and 3 and so on, each of which must arrive once, in order, with every
 * byte right.  TAP on standard output.
 *
 *   dpdk_pairs [EAL options] -- NAME...	a name for each pair
 *
 * The options are those of EAL, with "-a DEVICE,ARGUMENTS" for each port.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define NUM_FRAMES	1000
#define BURST		32
#define RING_LEN	512
#define NUM_BUFS	8191
#define CACHE_LEN	128
#define HDR_LEN		14
#define MIN_LEN		60
#define MAX_LEN		1514
/* Nothing came for so long: it is lost.  Guests are slow. */
#define QUIET_S		20

static struct rte_mempool *pool;
static unsigned int num_tests;

static bool tell(bool ok, const char *name, const char *what)
{
	printf("%sok %u %s.%s\n", ok ? "" : "not ", ++num_tests, name, what);
	fflush(stdout);
	return ok;
}

/* Lengths of all kinds, both ends among them */
static uint16_t frame_len(unsigned int seq)
{
	return MIN_LEN + seq * 97 % (MAX_LEN - MIN_LEN + 1);
}

static uint8_t frame_byte(unsigned int seq, unsigned int at)
{
	return (uint8_t)(seq * 31 + at * 7 + (at >> 8));
}

static void fill(uint8_t *frame, unsigned int seq, uint16_t len)
{
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02\xaa\0\0\0\x01", 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	for (unsigned int i = HDR_LEN; i < len; i++)
		frame[i] = frame_byte(seq, i);
}

/* Every third frame lies in two buffers, but with split queues: there DPDK 24.11
 * gives each descriptor a completion tag of its own and frees the buffer that the
 * packet's one completion names (idpf_split_tx_free()).  The others stay, until
 * its pool is empty.
 */
static struct rte_mbuf *make_frame(unsigned int seq, bool split)
{
	uint16_t len = frame_len(seq);
	uint16_t first = split || seq % 3 ? len : len / 2;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *rest;
	uint8_t frame[MAX_LEN];

	if (!m)
		return NULL;
	fill(frame, seq, len);
	memcpy(rte_pktmbuf_append(m, first), frame, first);
	if (first == len)
		return m;

	rest = rte_pktmbuf_alloc(pool);
	if (!rest) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(rte_pktmbuf_append(rest, len - first), frame + first, len - first);
	rte_pktmbuf_chain(m, rest);
	return m;
}

static bool frame_is(const struct rte_mbuf *m, unsigned int seq)
{
	uint8_t want[MAX_LEN], got[MAX_LEN];
	uint16_t len = frame_len(seq);
	const uint8_t *data;

	if (m->pkt_len != len)
		return false;
	fill(want, seq, len);
	data = rte_pktmbuf_read(m, 0, len, got);
	return data && !memcmp(data, want, len);
}

/* Put up to a burst more on the wire.  Return: frames sent so far. */
static unsigned int send_some(uint16_t port, unsigned int sent, bool split)
{
	struct rte_mbuf *burst[BURST];
	unsigned int num = 0;
	uint16_t done;

	while (num < BURST && sent + num < NUM_FRAMES) {
		burst[num] = make_frame(sent + num, split);
		if (!burst[num])
			break;
		num++;
	}
	done = rte_eth_tx_burst(port, 0, burst, num);
	for (unsigned int i = done; i < num; i++)
		rte_pktmbuf_free(burst[i]);
	return sent + done;
}

/* Return: frames received so far; *@bad counts those that are not as sent */
static unsigned int receive_some(uint16_t port, unsigned int received,
				 unsigned int *bad)
{
	struct rte_mbuf *burst[BURST];
	uint16_t num = rte_eth_rx_burst(port, 0, burst, BURST);

	for (uint16_t i = 0; i < num; i++) {
		if (!frame_is(burst[i], received + i) && !(*bad)++)
			printf("# the first wrong one: %u, %u bytes for %u\n",
			       received + i, burst[i]->pkt_len,
			       frame_len(received + i));
		rte_pktmbuf_free(burst[i]);
	}
	return received + num;
}

static bool one_way(uint16_t from, uint16_t to, const char *name, const char *what)
{
	uint64_t quiet = QUIET_S * rte_get_timer_hz();
	uint64_t last = rte_get_timer_cycles();
	bool split = !strncmp(name, "split", strlen("split"));
	unsigned int sent = 0, received = 0, bad = 0;

	while (received < NUM_FRAMES && rte_get_timer_cycles() - last < quiet) {
		unsigned int before = sent + received;

		/* no more under way than the receiver has buffers for */
		if (sent - received < RING_LEN / 4)
			sent = send_some(from, sent, split);
		received = receive_some(to, received, &bad);
		if (sent + received != before)
			last = rte_get_timer_cycles();
	}
	/* none may come twice */
	received = receive_some(to, received, &bad);
	if (received != NUM_FRAMES || bad)
		printf("# %u sent, %u received, %u of them wrong\n", sent,
		       received, bad);
	return tell(received == NUM_FRAMES && !bad, name, what);
}

static int start(uint16_t port)
{
	const struct rte_eth_conf conf = { };
	int err;

	err = rte_eth_dev_configure(port, 1, 1, &conf);
	if (!err)
		err = rte_eth_tx_queue_setup(port, 0, RING_LEN, SOCKET_ID_ANY,
					     NULL);
	if (!err)
		err = rte_eth_rx_queue_setup(port, 0, RING_LEN, SOCKET_ID_ANY,
					     NULL, pool);
	if (!err)
		err = rte_eth_dev_start(port);
	if (err)
		printf("# port %u: %s\n", port, rte_strerror(-err));
	return err;
}

static bool test_pair(uint16_t port, const char *name)
{
	bool ok;

	ok = tell(!start(port) && !start(port + 1), name, "start");
	if (ok) {
		ok = one_way(port, port + 1, name, "there");
		ok &= one_way(port + 1, port, name, "back");
	}
	rte_eth_dev_stop(port);
	rte_eth_dev_stop(port + 1);
	return ok;
}

int main(int argc, char **argv)
{
	int skip = rte_eal_init(argc, argv);
	bool ok = true;

	if (skip < 0) {
		printf("Bail out! EAL: %s\n", rte_strerror(rte_errno));
		return EXIT_FAILURE;
	}
	argv += skip + 1;
	argc -= skip + 1;
	if (rte_eth_dev_count_avail() != 2 * argc) {
		printf("Bail out! %u ports for %d pairs\n",
		       rte_eth_dev_count_avail(), argc);
		return EXIT_FAILURE;
	}
	pool = rte_pktmbuf_pool_create("frames", NUM_BUFS, CACHE_LEN, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool) {
		printf("Bail out! no memory for frames\n");
		return EXIT_FAILURE;
	}
	printf("1..%d\n", 3 * argc);
	for (int i = 0; i < argc; i++)
		ok &= test_pair(2 * i, argv[i]);
	for (int i = 0; i < 2 * argc; i++)
		rte_eth_dev_close(i);
	rte_eal_cleanup();
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
