// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's transmit and receive queues on two ports joined back to back, with
 * the driver played by the test: rings, tails, generation bits, completions,
 * header split, buffers of two sizes, and what a hostile driver may write.
 *
 * Each port has one block of "guest memory" that is mapped at GUEST_BASE.
 */

#include <stdlib.h>
#include <string.h>

#include "../../net/idpf-nic/nic.h"
#include "tap.h"

#define GUEST_BASE	0x100000ull
#define GUEST_SIZE	(4u << 20)

/* Places in guest memory */
#define TX_RING		0x00000u
#define COMPL_RING	0x10000u
#define RX_RING		0x20000u
#define BUFQ0_RING	0x30000u
#define BUFQ1_RING	0x40000u
#define TX_BUFS		0x80000u
#define HDR_BUFS	0x100000u
#define RX_BUFS0	0x140000u
#define RX_BUFS1	0x280000u

#define RING_LEN	64
#define BUFQ_LEN	32
#define BUF0_SIZE	2048
#define BUF1_SIZE	1024
#define HDR_SIZE	128

/* The driver's side of a port */
struct guest {
	struct nic_port *port;
	u8 *mem;
	u16 tx_next;
	u16 compl_next;
	bool compl_gen;
	u16 rx_next;
	bool rx_gen;
	u16 buf_next[2];
};

/* How the next start_queues() configures them */
static struct {
	const char *name;
	u16 sched;
} mode = { "split", VC2_TXQ_SCHED_FLOW };

static struct nic nic;
static struct guest guests[2];

/* What other parts of the NIC provide */

static u64 now_ns = 1;

u64 nic_now_ns(void)
{
	return now_ns;
}

struct nic_port *nic_port_by_name(struct nic *n, const char *name)
{
	for (unsigned int i = 0; i < n->num_ports; i++)
		if (!strcmp(n->ports[i]->cfg.name, name))
			return n->ports[i];
	return NULL;
}

void cp_link_changed(struct nic_port *port)
{
}

bool nic_port_link_up(const struct nic_port *port)
{
	return port->link_admin && wire_far_end_up(port);
}

static u64 errors(const struct guest *g, enum report_cause cause)
{
	return atomic_load(&g->port->report.count[cause]);
}

static struct queue *q_of(struct guest *g, u32 type, u32 id)
{
	return queue_get(g->port, type, id);
}

static void set_tx_tail(struct guest *g, u32 tail)
{
	atomic_store(&g->port->bar.tx_tail[0], tail);
	atomic_fetch_or(&g->port->kick.txq, 1);
}

/* Until there is nothing to do but to wait */
static void run_without_waiting(void)
{
	while (queues_run(guests[0].port) | queues_run(guests[1].port))
		;
}

/* As the NIC does, but a wait takes no time */
static void run(struct guest *g)
{
	run_without_waiting();
	while (queues_due_ns(g->port) != ~0ull) {
		now_ns = queues_due_ns(g->port);
		run_without_waiting();
	}
}

/* Posts every buffer of a buffer queue but one, as drivers do */
static void post_bufs(struct guest *g, unsigned int which, unsigned int num)
{
	struct idpf_rx_buf_desc *ring =
		(void *)(g->mem + (which ? BUFQ1_RING : BUFQ0_RING));

	while (num--) {
		u16 i = g->buf_next[which];
		u64 bufs = which ? RX_BUFS1 : RX_BUFS0;
		u64 size = which ? BUF1_SIZE : BUF0_SIZE;

		ring[i].buf_id = cpu_to_le16(i + 100 * (which + 1));
		ring[i].pkt_addr = cpu_to_le64(GUEST_BASE + bufs + i * size);
		ring[i].hdr_addr = cpu_to_le64(GUEST_BASE + HDR_BUFS +
					       (which * BUFQ_LEN + i) * HDR_SIZE);
		g->buf_next[which] = (i + 1) % BUFQ_LEN;
	}
	atomic_store(&g->port->bar.bufq_tail[which], g->buf_next[which]);
}

static int configure(struct guest *g, u32 type, u16 id, u64 ring, u16 len,
		     u16 qflags)
{
	struct queue_cfg cfg = {
		.ring_addr = GUEST_BASE + ring,
		.ring_len = len,
		.model = nic_model_get(mode.name)->queues,
		.sched = mode.sched,
		.bufq_id = { 0, 1 },
		.desc_ids = nic_model_get(mode.name)->rx_desc_ids,
		.qflags = qflags,
		.hdr_buf_size = type == VC2_QUEUE_TYPE_RX ? HDR_SIZE : 0,
		.data_buf_size = id ? BUF1_SIZE : BUF0_SIZE,
		.max_pkt_size = NIC_MAX_FRAME,
	};
	struct queue *q = q_of(g, type, id);

	if (!q->vport)
		queue_assign(q, &g->port->cp.vports[0]);
	q->vector = 1;
	return queue_configure(q, &cfg);
}

static void start_queues(struct guest *g, u16 qflags)
{
	int err = 0;

	g->port->cp.vports[0].model = nic_model_get(mode.name);
	memset(g->mem, 0, GUEST_SIZE);
	g->tx_next = 0;
	g->compl_next = 0;
	g->compl_gen = true;
	g->rx_next = 0;
	g->rx_gen = true;
	g->buf_next[0] = 0;
	g->buf_next[1] = 0;

	err |= configure(g, VC2_QUEUE_TYPE_TX, 0, TX_RING, RING_LEN, 0);
	err |= configure(g, VC2_QUEUE_TYPE_TX_COMPL, 0, COMPL_RING, RING_LEN, 0);
	err |= configure(g, VC2_QUEUE_TYPE_RX_BUF, 0, BUFQ0_RING, BUFQ_LEN, 0);
	err |= configure(g, VC2_QUEUE_TYPE_RX_BUF, 1, BUFQ1_RING, BUFQ_LEN, 0);
	err |= configure(g, VC2_QUEUE_TYPE_RX, 0, RX_RING, RING_LEN, qflags);
	err |= queue_enable(q_of(g, VC2_QUEUE_TYPE_TX, 0));
	err |= queue_enable(q_of(g, VC2_QUEUE_TYPE_TX_COMPL, 0));
	err |= queue_enable(q_of(g, VC2_QUEUE_TYPE_RX, 0));
	err |= queue_enable(q_of(g, VC2_QUEUE_TYPE_RX_BUF, 0));
	err |= queue_enable(q_of(g, VC2_QUEUE_TYPE_RX_BUF, 1));
	post_bufs(g, 0, BUFQ_LEN - 1);
	post_bufs(g, 1, BUFQ_LEN - 1);
	if (err)
		CHECK(false, "queues start");
}

static void stop_queues(struct guest *g)
{
	queue_disable(q_of(g, VC2_QUEUE_TYPE_TX, 0));
	queue_disable(q_of(g, VC2_QUEUE_TYPE_RX, 0));
	queue_disable(q_of(g, VC2_QUEUE_TYPE_TX_COMPL, 0));
	queue_disable(q_of(g, VC2_QUEUE_TYPE_RX_BUF, 0));
	queue_disable(q_of(g, VC2_QUEUE_TYPE_RX_BUF, 1));
}

static void restart(u16 qflags)
{
	for (int i = 0; i < 2; i++) {
		stop_queues(&guests[i]);
		start_queues(&guests[i], qflags);
	}
}

static void make_port(struct guest *g, unsigned int idx)
{
	struct nic_port *port = calloc(1, sizeof(*port));
	struct cp_vport *vport = &port->cp.vports[0];

	g->port = port;
	g->mem = aligned_alloc(4096, GUEST_SIZE);
	port->nic = &nic;
	port->idx = idx;
	snprintf(port->cfg.name, sizeof(port->cfg.name), "port%u", idx);
	port->cfg.tx_hdr = NIC_MAX_TX_HDR;
	port->cfg.tx_bufs = NIC_MAX_TX_BUFS;
	atomic_store(&port->pci.may_dma, true);
	port->dma.regions = calloc(1, sizeof(struct dma_region));
	port->dma.num_regions = 1;
	port->dma.regions[0] = (struct dma_region){
		.addr = GUEST_BASE,
		.len = GUEST_SIZE,
		.host = g->mem,
		.prot = DMA_PROT_READ | DMA_PROT_WRITE,
	};
	port->link_admin = true;
	vport->port = port;
	vport->created = true;
	vport->enabled = true;
	vport->mac[0] = 2;
	vport->mac[5] = (u8)(idx + 1);
	vport->num_rxq = 1;
	vport->num_txq = 1;
	rss_reset(&vport->rss);
	queues_init(port);
	nic.ports[nic.num_ports++] = port;
	start_queues(g, 0);
}

/* Puts one data descriptor into the ring; the doorbell is the caller's */
static void tx_desc(struct guest *g, u64 addr, size_t len, unsigned int cmd,
		    u16 tag)
{
	struct idpf_tx_flow_desc *d = (void *)(g->mem + TX_RING);

	d += g->tx_next;
	d->buf_addr = cpu_to_le64(addr);
	d->cmd_dtype = (u8)(IDPF_TX_DTYPE_FLEX_FLOW_SCHED | cmd);
	d->compl_tag = cpu_to_le16(tag);
	d->rxr_bufsize = cpu_to_le16((u16)len);
	g->tx_next = (g->tx_next + 1) % RING_LEN;
}

/* A frame for the other port: UDP, content by @seed */
static void fill_frame(u8 *f, size_t len, u8 dst, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		f[i] = (u8)(seed + i * 7);
	memcpy(f, "\x02\0\0\0\0\0\x02\0\0\0\0\x09\x08\0", 14);
	f[5] = dst;
	if (len < 42)
		return;
	memset(f + 14, 0, 28);
	f[14] = 0x45;
	f[16] = (u8)((len - 14) >> 8);
	f[17] = (u8)(len - 14);
	f[23] = 17;
}

/* Sends a frame in pieces of @piece bytes.  Return: its bytes */
static u8 *transmit(struct guest *g, size_t len, size_t piece, u16 tag)
{
	u8 *f = g->mem + TX_BUFS;

	fill_frame(f, len, g == &guests[0] ? 2 : 1, tag);
	for (size_t off = 0; off < len; off += piece) {
		size_t n = len - off < piece ? len - off : piece;

		tx_desc(g, GUEST_BASE + TX_BUFS + off, n,
			off + n == len ? IDPF_TXF_CMD_EOP : 0, tag);
	}
	set_tx_tail(g, g->tx_next);
	run(g);
	return f;
}

/* Next completion.  Return: its type, -1 if there is none */
static int completion(struct guest *g, u16 *value)
{
	struct idpf_tx_compl *c = (void *)(g->mem + COMPL_RING);
	u16 word = le16_to_cpu(c[g->compl_next].common.qid_type_gen);

	if (FIELD_GET(IDPF_TXCQ_GEN, word) != g->compl_gen)
		return -1;
	*value = le16_to_cpu(c[g->compl_next].common.head_or_tag);
	g->compl_next = (g->compl_next + 1) % RING_LEN;
	if (!g->compl_next)
		g->compl_gen = !g->compl_gen;
	return (int)FIELD_GET(IDPF_TXCQ_TYPE, word);
}

static bool completed(struct guest *g, int type, u16 value)
{
	u16 val = 0;

	return completion(g, &val) == type && val == value;
}

static bool no_completion(struct guest *g)
{
	u16 val;

	return completion(g, &val) == -1;
}

/* Takes a frame from the receive ring.  Return: its length, 0 if there is none;
 * @hdr_len and @num_bufs may be NULL
 */
static size_t receive(struct guest *g, u8 *to, u16 *hdr_len,
		      unsigned int *num_bufs)
{
	struct idpf_rx_flex_desc *ring = (void *)(g->mem + RX_RING);
	unsigned int bufs = 0;
	size_t len = 0;

	for (;;) {
		struct idpf_rx_flex_desc *d = &ring[g->rx_next];
		u16 word = le16_to_cpu(d->len_gen_bufq);
		unsigned int which = FIELD_GET(IDPF_RXF_BUFQ_ID, word);
		u16 idx = le16_to_cpu(d->buf_id) - 100 * (which + 1);
		u16 hlen = FIELD_GET(IDPF_RXF_HDR_LEN,
				     le16_to_cpu(d->hdrlen_flags));

		if (FIELD_GET(IDPF_RXF_GEN, word) != g->rx_gen)
			return 0;
		if (hdr_len && !bufs)
			*hdr_len = hlen;
		memcpy(to + len, g->mem + HDR_BUFS +
		       (which * BUFQ_LEN + idx) * HDR_SIZE, hlen);
		len += hlen;
		memcpy(to + len, g->mem + (which ? RX_BUFS1 + idx * BUF1_SIZE :
					   RX_BUFS0 + idx * BUF0_SIZE),
		       FIELD_GET(IDPF_RXF_LEN, word));
		len += FIELD_GET(IDPF_RXF_LEN, word);
		bufs++;
		post_bufs(g, which, 1);
		g->rx_next = (g->rx_next + 1) % RING_LEN;
		if (!g->rx_next)
			g->rx_gen = !g->rx_gen;
		if (d->status0_qw1 & IDPF_RXF_ST0Q1_EOF)
			break;
	}
	if (num_bufs)
		*num_bufs = bufs;
	return len;
}

static void test_sizes(void)
{
	static u8 got[NIC_MAX_FRAME + 64];
	unsigned int bad = 0;

	restart(0);
	for (size_t len = 17; len <= NIC_MAX_FRAME; len += len < 300 ? 1 : 61) {
		size_t want = len < NIC_MIN_FRAME ? NIC_MIN_FRAME : len;
		u8 *f = transmit(&guests[0], len, len % 5 ? 4000 : 1009, (u16)len);
		size_t n = receive(&guests[1], got, NULL, NULL);

		bad += n != want || memcmp(f, got, len) ||
		       !completed(&guests[0], IDPF_TXCQ_TYPE_RS, (u16)len);
		for (size_t i = len; i < want; i++)
			bad += got[i] != 0;
	}
	CHECK(!bad, "frames of all sizes arrive whole, short ones padded");
	CHECK(no_completion(&guests[0]), "one completion a frame");

	transmit(&guests[0], NIC_MAX_FRAME + 1, 4000, 7);
	CHECK(!receive(&guests[1], got, NULL, NULL) &&
	      completed(&guests[0], IDPF_TXCQ_TYPE_RS, 7) &&
	      errors(&guests[0], REPORT_TX_LONG) == 1,
	      "a longer one is dropped, completed and counted");
	transmit(&guests[0], 16, 4000, 8);
	CHECK(!receive(&guests[1], got, NULL, NULL) &&
	      completed(&guests[0], IDPF_TXCQ_TYPE_RS, 8) &&
	      errors(&guests[0], REPORT_TX_SHORT) == 1, "so is a shorter one");
}

static void test_buffer_choice(void)
{
	u8 got[NIC_MAX_FRAME];
	unsigned int bufs;
	u16 hdr_len;

	restart(VC2_RXQ_HDR_SPLIT);
	transmit(&guests[0], 42 + 1024, 4000, 1);
	CHECK(receive(&guests[1], got, &hdr_len, &bufs) == 42 + 1024 &&
	      hdr_len == 42 && bufs == 1 &&
	      q_of(&guests[1], VC2_QUEUE_TYPE_RX_BUF, 1)->next == 1,
	      "payload that fits goes to the small buffer, headers apart");
	transmit(&guests[0], 42 + 1025, 4000, 1);
	CHECK(receive(&guests[1], got, &hdr_len, &bufs) == 42 + 1025 &&
	      bufs == 1 && q_of(&guests[1], VC2_QUEUE_TYPE_RX_BUF, 0)->next == 1,
	      "a byte more to the large one");
	transmit(&guests[0], 42 + 5000, 4000, 1);
	CHECK(receive(&guests[1], got, &hdr_len, &bufs) == 42 + 5000 &&
	      bufs == 3 && q_of(&guests[1], VC2_QUEUE_TYPE_RX_BUF, 1)->next == 2,
	      "a long frame to large ones, its end to a small one");
	transmit(&guests[0], 42, 4000, 1);
	CHECK(receive(&guests[1], got, &hdr_len, &bufs) == NIC_MIN_FRAME &&
	      hdr_len == 42, "headers and padding");
}

static void test_wrap(void)
{
	u8 got[NIC_MAX_FRAME];
	unsigned int bad = 0;

	restart(VC2_RXQ_HDR_SPLIT);
	for (unsigned int i = 0; i < 10 * RING_LEN; i++) {
		size_t len = 60 + i * 13 % 3000;
		u8 *f = transmit(&guests[0], len, 1500, (u16)i);

		bad += receive(&guests[1], got, NULL, NULL) != len ||
		       memcmp(f, got, len) ||
		       !completed(&guests[0], IDPF_TXCQ_TYPE_RS, (u16)i);
	}
	CHECK(!bad, "rings wrap, generation bits with them");
}

static void test_report_head(void)
{
	struct guest *g = &guests[0];
	u8 got[NIC_MAX_FRAME];

	restart(0);
	fill_frame(g->mem + TX_BUFS, 100, 2, 1);
	tx_desc(g, GUEST_BASE + TX_BUFS, 50, 0, 5);
	tx_desc(g, GUEST_BASE + TX_BUFS + 50, 50,
		IDPF_TXF_CMD_EOP | IDPF_TXF_CMD_RE, 5);
	set_tx_tail(g, 1);
	run(g);
	CHECK(no_completion(g) && !receive(&guests[1], got, NULL, NULL),
	      "a packet without its end waits");
	set_tx_tail(g, 2);
	run(g);
	CHECK(completed(g, IDPF_TXCQ_TYPE_RS, 5) &&
	      completed(g, IDPF_TXCQ_TYPE_RE, 2) && no_completion(g),
	      "packet and head are reported");
	CHECK(receive(&guests[1], got, NULL, NULL) == 100, "it arrives");

	set_tx_tail(g, g->tx_next);
	queue_disable(q_of(g, VC2_QUEUE_TYPE_TX, 0));
	CHECK(completed(g, IDPF_TXCQ_TYPE_SW_MARKER, 0) && no_completion(g),
	      "a disabled queue says that it is done");
	CHECK(!atomic_load(&g->port->bar.tx_tail[0]), "its tail is 0");
}

static void test_no_buffers(void)
{
	u8 got[NIC_MAX_FRAME];
	unsigned int n = 0;

	restart(0);
	for (unsigned int i = 0; i < 2 * BUFQ_LEN; i++)
		transmit(&guests[0], 100, 100, (u16)i);
	CHECK(errors(&guests[1], REPORT_RX_NO_BUFFER) == 2 &&
	      guests[1].port->wire.stats.rx_dropped_no_buffer == 2,
	      "frames without a buffer are dropped and counted");
	while (receive(&guests[1], got, NULL, NULL))
		n++;
	CHECK(n == 2 * BUFQ_LEN - 2, "the others are all there");
	transmit(&guests[0], 100, 100, 1);
	CHECK(receive(&guests[1], got, NULL, NULL) == 100, "and it goes on");
}

/* What the register code does for the tail of a buffer queue */
static void ring_bufq(struct guest *g, unsigned int which)
{
	struct nic_kick *kick = &g->port->kick;

	if (atomic_load(&kick->rx_starved) & BIT_ULL(which))
		atomic_fetch_or(&kick->rxq, BIT_ULL(which));
}

static void test_waiting(void)
{
	struct guest *g = &guests[0], *r = &guests[1];
	u64 drops = errors(r, REPORT_RX_NO_BUFFER);
	u8 *f = g->mem + TX_BUFS;
	u8 got[NIC_MAX_FRAME];
	unsigned int n = 0;

	restart(0);
	for (unsigned int i = 0; i < 2 * BUFQ_LEN - 2; i++)
		transmit(g, 100, 100, (u16)i);
	while (completion(g, &(u16){ 0 }) >= 0)
		n++;
	CHECK(n == 2 * BUFQ_LEN - 2, "all buffers are used");

	fill_frame(f, 100, 2, 7);
	tx_desc(g, GUEST_BASE + TX_BUFS, 100, IDPF_TXF_CMD_EOP, 7);
	set_tx_tail(g, g->tx_next);
	run_without_waiting();
	CHECK(no_completion(g) && queues_due_ns(g->port) != ~0ull &&
	      !queues_run(g->port), "a frame without a buffer waits");
	set_tx_tail(g, g->tx_next);
	run_without_waiting();
	CHECK(no_completion(g), "also when the doorbell rings again");

	CHECK(receive(r, got, NULL, NULL) == 100, "the receiver takes a frame");
	ring_bufq(r, 0);
	ring_bufq(r, 1);
	run_without_waiting();
	CHECK(completed(g, IDPF_TXCQ_TYPE_RS, 7) &&
	      queues_due_ns(g->port) == ~0ull &&
	      errors(r, REPORT_RX_NO_BUFFER) == drops,
	      "with its buffer the frame leaves, nothing is lost");

	tx_desc(g, GUEST_BASE + TX_BUFS, 100, IDPF_TXF_CMD_EOP, 8);
	set_tx_tail(g, g->tx_next);
	run_without_waiting();
	queue_disable(q_of(g, VC2_QUEUE_TYPE_TX, 0));
	CHECK(completed(g, IDPF_TXCQ_TYPE_RS, 8) &&
	      completed(g, IDPF_TXCQ_TYPE_SW_MARKER, 0) &&
	      queues_due_ns(g->port) == ~0ull,
	      "a queue that is disabled waits no more");
}

static void test_filter(void)
{
	struct cp_vport *vport = &guests[1].port->cp.vports[0];
	static const u8 multi[ETH_ALEN] = { 1, 0, 0x5e, 1, 2, 3 };
	u8 got[NIC_MAX_FRAME];
	u8 *f = guests[0].mem + TX_BUFS;

	restart(0);
	fill_frame(f, 60, 9, 1);
	tx_desc(&guests[0], GUEST_BASE + TX_BUFS, 60, IDPF_TXF_CMD_EOP, 1);
	set_tx_tail(&guests[0], guests[0].tx_next);
	run(&guests[0]);
	CHECK(!receive(&guests[1], got, NULL, NULL) &&
	      guests[1].port->wire.stats.rx_dropped_filter == 1,
	      "somebody else's frame is filtered");

	vport->promisc = VC2_PROMISC_UNICAST;
	tx_desc(&guests[0], GUEST_BASE + TX_BUFS, 60, IDPF_TXF_CMD_EOP, 1);
	set_tx_tail(&guests[0], guests[0].tx_next);
	run(&guests[0]);
	CHECK(receive(&guests[1], got, NULL, NULL) == 60, "unless promiscuous");
	vport->promisc = 0;

	memcpy(f, multi, ETH_ALEN);
	for (unsigned int pass = 0; pass < 3; pass++) {
		vport->promisc = pass == 1 ? VC2_PROMISC_MULTICAST : 0;
		vport->num_macs = pass == 2;
		memcpy(vport->macs[0], multi, ETH_ALEN);
		tx_desc(&guests[0], GUEST_BASE + TX_BUFS, 60,
			IDPF_TXF_CMD_EOP, 1);
		set_tx_tail(&guests[0], guests[0].tx_next);
		run(&guests[0]);
		CHECK(!receive(&guests[1], got, NULL, NULL) == !pass,
		      "multicast: %s", pass == 0 ? "not asked for" :
		      pass == 1 ? "all" : "listed");
	}
	vport->num_macs = 0;
	vport->promisc = 0;
}

static void test_bad_descriptors(void)
{
	struct guest *g = &guests[0];
	u8 got[NIC_MAX_FRAME];
	u64 no_map;

	restart(0);
	no_map = errors(g, REPORT_TX_ADDR);
	tx_desc(g, GUEST_BASE + GUEST_SIZE - 10, 60, IDPF_TXF_CMD_EOP, 1);
	tx_desc(g, 0, 60, IDPF_TXF_CMD_EOP, 2);
	tx_desc(g, ~0ull - 10, 60, IDPF_TXF_CMD_EOP, 3);
	set_tx_tail(g, g->tx_next);
	run(g);
	CHECK(completed(g, IDPF_TXCQ_TYPE_RS, 1) &&
	      completed(g, IDPF_TXCQ_TYPE_RS, 2) &&
	      completed(g, IDPF_TXCQ_TYPE_RS, 3) &&
	      errors(g, REPORT_TX_ADDR) == no_map + 3,
	      "buffers outside of the map are dropped and completed");

	tx_desc(g, GUEST_BASE + TX_BUFS, 0, IDPF_TXF_CMD_EOP, 4);
	tx_desc(g, GUEST_BASE + TX_BUFS, 60,
		IDPF_TXF_CMD_EOP | IDPF_TXF_CMD_CS_EN, 5);
	set_tx_tail(g, g->tx_next);
	run(g);
	CHECK(completed(g, IDPF_TXCQ_TYPE_RS, 4) &&
	      completed(g, IDPF_TXCQ_TYPE_RS, 5) &&
	      errors(g, REPORT_TX_DESC) == 1 &&
	      errors(g, REPORT_TX_NO_ENGINE) == 1,
	      "empty buffer, checksum that was not granted");

	set_tx_tail(g, RING_LEN);
	run(g);
	set_tx_tail(g, 0xffffffff);
	run(g);
	CHECK(errors(g, REPORT_TX_TAIL) == 2 && no_completion(g),
	      "tails beyond the ring are ignored");
	transmit(g, 100, 100, 6);
	CHECK(completed(g, IDPF_TXCQ_TYPE_RS, 6) &&
	      receive(&guests[1], got, NULL, NULL) == 100, "the queue lives");

	tx_desc(g, GUEST_BASE, 60, IDPF_TXF_CMD_EOP, 7);
	((struct idpf_tx_flow_desc *)(g->mem + TX_RING))
		[(g->tx_next + RING_LEN - 1) % RING_LEN].cmd_dtype = 0x1f;
	transmit(g, 100, 100, 8);
	CHECK(no_completion(g) && q_of(g, VC2_QUEUE_TYPE_TX, 0)->broken,
	      "an unknown type stops the queue");
	restart(0);
	transmit(g, 100, 100, 9);
	CHECK(receive(&guests[1], got, NULL, NULL) == 100,
	      "it works after a restart");
}

static void test_endless_packet(void)
{
	struct guest *g = &guests[0];
	u8 got[NIC_MAX_FRAME];

	restart(0);
	for (unsigned int i = 0; i < 20; i++) {
		for (unsigned int n = 0; n < 40; n++)
			tx_desc(g, GUEST_BASE + TX_BUFS, 1, 0, 1);
		set_tx_tail(g, g->tx_next);
		run(g);
	}
	CHECK(no_completion(g), "a packet without end is not completed");
	tx_desc(g, GUEST_BASE + TX_BUFS, 1, IDPF_TXF_CMD_EOP, 2);
	set_tx_tail(g, g->tx_next);
	run(g);
	CHECK(!receive(&guests[1], got, NULL, NULL), "nor sent");
}

static void test_bad_buffers(void)
{
	struct guest *g = &guests[1];
	struct idpf_rx_buf_desc *ring = (void *)(g->mem + BUFQ1_RING);
	u8 got[NIC_MAX_FRAME];
	u64 addr = errors(g, REPORT_RX_ADDR);

	restart(0);
	ring[0].pkt_addr = cpu_to_le64(GUEST_BASE + GUEST_SIZE - 1);
	transmit(&guests[0], 100, 100, 1);
	CHECK(!receive(g, got, NULL, NULL) &&
	      errors(g, REPORT_RX_ADDR) == addr + 1,
	      "a buffer outside of the map costs a frame");
	transmit(&guests[0], 100, 100, 2);
	CHECK(receive(g, got, NULL, NULL) == 100, "the next one is used");

	atomic_store(&g->port->bar.bufq_tail[0], BUFQ_LEN);
	atomic_store(&g->port->bar.bufq_tail[1], 0xffffffff);
	transmit(&guests[0], 100, 100, 3);
	CHECK(receive(g, got, NULL, NULL) == 100 &&
	      errors(g, REPORT_RX_TAIL) == 2, "bad tails are ignored");

	restart(0);
	q_of(g, VC2_QUEUE_TYPE_RX, 0)->cfg.ring_addr = GUEST_BASE + GUEST_SIZE;
	transmit(&guests[0], 100, 100, 4);
	CHECK(q_of(g, VC2_QUEUE_TYPE_RX, 0)->broken,
	      "a ring outside of the map stops the queue");
}

/* More buffers than the ring has descriptors, none of them read */
static void test_overrun(void)
{
	struct guest *g = &guests[1];
	unsigned int n = 0;
	u8 got[NIC_MAX_FRAME];

	restart(0);
	queue_disable(q_of(g, VC2_QUEUE_TYPE_RX, 0));
	configure(g, VC2_QUEUE_TYPE_RX, 0, RX_RING, 32, 0);
	queue_enable(q_of(g, VC2_QUEUE_TYPE_RX, 0));
	for (unsigned int i = 0; i < 60; i++)
		transmit(&guests[0], 100, 100, (u16)i);
	CHECK(errors(g, REPORT_RX_RING_FULL) == 60 - 31,
	      "the ring is not overrun");
	while (n < 31 && receive(g, got, NULL, NULL))
		n++;
	CHECK(n == 31, "what was delivered can be read");
}

static void test_link(void)
{
	u8 got[NIC_MAX_FRAME];
	u64 dropped = guests[0].port->wire.stats.tx_dropped;

	restart(0);
	guests[1].port->link_admin = false;
	transmit(&guests[0], 100, 100, 1);
	CHECK(!receive(&guests[1], got, NULL, NULL) &&
	      completed(&guests[0], IDPF_TXCQ_TYPE_RS, 1) &&
	      guests[0].port->wire.stats.tx_dropped == dropped + 1,
	      "no link: dropped and completed");
	guests[1].port->link_admin = true;
}

static void test_wires(void)
{
	static const char *const bad[] = {
		"pair", "pair:", "pair:port0", "pair:port0,port0",
		"pair:port0,port9", "pair:port0,port1,port0", "tube:port0,port1",
	};
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok &= !wire_open(&nic, bad[i]);
	CHECK(ok, "wrong wires are refused");
	CHECK(wire_open(&nic, "pair:port0,port1"), "and leave nothing behind");
	CHECK(!wire_open(&nic, "pair:port1,port0"), "one wire a port");
}

static void test_configuration(void)
{
	struct guest *g = &guests[0];

	stop_queues(g);
	CHECK(configure(g, VC2_QUEUE_TYPE_TX, 0, TX_RING + 64, RING_LEN, 0) &&
	      queue_enable(q_of(g, VC2_QUEUE_TYPE_TX, 0)),
	      "a ring that is not aligned is refused");
	queue_assign(q_of(g, VC2_QUEUE_TYPE_TX_COMPL, 0), NULL);
	configure(g, VC2_QUEUE_TYPE_TX, 0, TX_RING, RING_LEN, 0);
	CHECK(queue_enable(q_of(g, VC2_QUEUE_TYPE_TX, 0)),
	      "so is a queue without its completion queue");
	CHECK(!queue_get(g->port, 4, 0) &&
	      !queue_get(g->port, VC2_QUEUE_TYPE_TX, QUEUE_MAX_PAIRS) &&
	      !queue_get(g->port, VC2_QUEUE_TYPE_RX_BUF, QUEUE_MAX_BUFQ),
	      "ids that do not exist");
	queues_reset(g->port);
	CHECK(!q_of(g, VC2_QUEUE_TYPE_RX, 0)->vport, "a reset frees the queues");
}

/* Queue scheduling: descriptors of type 7, entries of 4 bytes */
static void test_queue_sched(void)
{
	struct guest *g = &guests[0];
	struct idpf_tx_flex_desc *d = (void *)(g->mem + TX_RING);
	struct idpf_tx_compl_4b *c = (void *)(g->mem + COMPL_RING);
	u8 got[NIC_MAX_FRAME];

	mode.sched = VC2_TXQ_SCHED_QUEUE;
	CHECK(configure(g, VC2_QUEUE_TYPE_TX, 0, TX_RING, RING_LEN, 0) < 0,
	      "queue scheduling that was not granted is refused");
	mode.name = "split-qsched";
	restart(0);

	fill_frame(g->mem + TX_BUFS, 200, 2, 1);
	d[0].buf_addr = cpu_to_le64(GUEST_BASE + TX_BUFS);
	d[0].cmd_dtype = cpu_to_le16(IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2);
	d[0].buf_size = cpu_to_le16(150);
	d[1].buf_addr = cpu_to_le64(GUEST_BASE + TX_BUFS + 150);
	d[1].cmd_dtype = cpu_to_le16(IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2 |
				     IDPF_TXX_CMD_EOP | IDPF_TXX_CMD_RS);
	d[1].buf_size = cpu_to_le16(50);
	set_tx_tail(g, 2);
	run(g);
	CHECK(receive(&guests[1], got, NULL, NULL) == 200 &&
	      !memcmp(got, g->mem + TX_BUFS, 200), "type 7: a frame arrives");
	CHECK(FIELD_GET(IDPF_TXCQ_TYPE, le16_to_cpu(c[0].qid_type_gen)) ==
	      IDPF_TXCQ_TYPE_RS && le16_to_cpu(c[0].head_or_tag) == 2 &&
	      le16_to_cpu(c[0].qid_type_gen) & IDPF_TXCQ_GEN &&
	      !c[1].qid_type_gen, "one entry of 4 bytes carries the head");
	queue_disable(q_of(g, VC2_QUEUE_TYPE_TX, 0));
	CHECK(FIELD_GET(IDPF_TXCQ_TYPE, le16_to_cpu(c[1].qid_type_gen)) ==
	      IDPF_TXCQ_TYPE_SW_MARKER, "marker");
	mode.sched = VC2_TXQ_SCHED_FLOW;
	CHECK(configure(g, VC2_QUEUE_TYPE_TX, 0, TX_RING, RING_LEN, 0) < 0,
	      "flow scheduling is no part of that model");
	mode.name = "split";
}

static void post_single(struct guest *g, unsigned int num)
{
	struct idpf_rx_single_buf_desc *ring = (void *)(g->mem + RX_RING);

	for (unsigned int i = 0; i < num; i++)
		ring[i] = (struct idpf_rx_single_buf_desc){
			.pkt_addr = cpu_to_le64(GUEST_BASE + RX_BUFS0 +
						i * BUF0_SIZE),
		};
	atomic_store(&g->port->bar.rx_tail[0], num);
}

static void base_desc(struct guest *g, u16 idx, size_t off, size_t len, u64 cmd)
{
	struct idpf_tx_base_desc *d = (void *)(g->mem + TX_RING);

	d[idx].buf_addr = cpu_to_le64(GUEST_BASE + TX_BUFS + off);
	d[idx].qw1 = cpu_to_le64(FIELD_PREP(IDPF_TXB_BUF_SIZE, len) | cmd |
				 FIELD_PREP(IDPF_TXB_L2TAG1, 0x1234));
}

static bool is_done(struct guest *g, u16 idx)
{
	struct idpf_tx_base_desc *d = (void *)(g->mem + TX_RING);

	return FIELD_GET(IDPF_TXB_DTYPE, le64_to_cpu(d[idx].qw1)) ==
	       IDPF_TX_DTYPE_DESC_DONE;
}

/* Return: true if descriptor @idx holds @len bytes; status in either format */
static bool single_is(struct guest *g, u16 idx, size_t len, bool eof)
{
	u8 *at = g->mem + RX_RING + idx * 32;

	if (!strcmp(mode.name, "single-flex")) {
		struct idpf_rx_flex_nic_desc *d = (void *)at;
		u16 status = le16_to_cpu(d->status0);

		return d->rxdid == IDPF_RXDID_FLEX_SQ_NIC &&
		       status & IDPF_RXN_ST0_DD &&
		       !!(status & IDPF_RXN_ST0_EOF) == eof &&
		       le16_to_cpu(d->pkt_len) == len &&
		       le16_to_cpu(d->ptype) == PARSE_PTYPE_IPV4_UDP;
	} else {
		u64 qw1 = le64_to_cpu(((struct idpf_rx_base_desc *)at)->qw1);

		return qw1 & IDPF_RXB_ST_DD &&
		       !!(qw1 & IDPF_RXB_ST_EOF) == eof &&
		       FIELD_GET(IDPF_RXB_LEN, qw1) == len &&
		       FIELD_GET(IDPF_RXB_PTYPE, qw1) == PARSE_PTYPE_IPV4_UDP;
	}
}

static void test_single(const char *name)
{
	struct guest *g = &guests[0], *r = &guests[1];
	const u64 end = IDPF_TXB_CMD_EOP | IDPF_TXB_CMD_RS;
	const u64 l4 = FIELD_PREP(IDPF_TXB_CMD_L4T, IDPF_TXB_L4T_UDP);
	u64 engine = errors(g, REPORT_TX_NO_ENGINE);

	mode.name = name;
	restart(VC2_RXQ_HDR_SPLIT);
	post_single(r, 4);
	fill_frame(g->mem + TX_BUFS, 3000, 2, 1);
	base_desc(g, 0, 0, 100, 0);
	base_desc(g, 1, 100, 2900, end);
	set_tx_tail(g, 2);
	run(g);
	CHECK(!is_done(g, 0) && is_done(g, 1), "%s: sent, written back", name);
	CHECK(single_is(r, 0, BUF0_SIZE, false) &&
	      single_is(r, 1, 3000 - BUF0_SIZE, true) &&
	      !memcmp(r->mem + RX_BUFS0, g->mem + TX_BUFS, 3000),
	      "%s: received in two buffers", name);

	base_desc(g, 2, 0, 3000, IDPF_TXB_CMD_EOP);
	base_desc(g, 3, 0, 3000, end);
	set_tx_tail(g, 4);
	run(g);
	CHECK(!is_done(g, 2) && is_done(g, 3) &&
	      single_is(r, 3, 3000 - BUF0_SIZE, true),
	      "%s: no write back that was not asked for; third frame dropped",
	      name);

	post_single(r, 8);
	base_desc(g, 4, 0, 3000, end | l4 |
		  FIELD_PREP(IDPF_TXB_CMD_IIPT, IDPF_TXB_IIPT_IPV4));
	set_tx_tail(g, 5);
	run(g);
	CHECK(is_done(g, 4) && errors(g, REPORT_TX_NO_ENGINE) == engine + 1,
	      "%s: checksum without an engine", name);

	base_desc(g, 5, 0, 3000, end | l4);
	set_tx_tail(g, 6);
	run(g);
	CHECK(is_done(g, 5) && errors(g, REPORT_TX_NO_ENGINE) == engine + 1 &&
	      single_is(r, 5, 3000 - BUF0_SIZE, true),
	      "%s: no IP version, no engine needed (CSUM-04)", name);
	queue_disable(q_of(g, VC2_QUEUE_TYPE_TX, 0));
	mode.name = "split";
}

static void grant_offloads(bool on)
{
	for (int i = 0; i < 2; i++) {
		struct vc2_caps *caps = &guests[i].port->cp.granted;

		caps->csum_caps = cpu_to_le32(on ? GENMASK(6, 0) : 0);
		caps->seg_caps = cpu_to_le32(on ? VC2_SEG_IPV4_TCP |
						  VC2_SEG_IPV4_UDP : 0);
	}
}

/* Is the sum over @len bytes what a right checksum makes of it? */
static bool sums_up(const u8 *p, size_t len, u32 sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* @f was sent as UDP over IPv4 between addresses 0: are both sums right? */
static bool udp_is_right(const u8 *f, size_t len)
{
	return (f[40] || f[41]) && sums_up(f + 14, 20, 0) &&
	       sums_up(f + 34, len - 34, 17 + (u32)len - 34);
}

#define BASE_END	(IDPF_TXB_CMD_EOP | IDPF_TXB_CMD_RS)
#define BASE_UDP	(FIELD_PREP(IDPF_TXB_CMD_L4T, IDPF_TXB_L4T_UDP) |	\
			 FIELD_PREP(IDPF_TXB_MACLEN, 7) |			\
			 FIELD_PREP(IDPF_TXB_IPLEN, 5) |			\
			 FIELD_PREP(IDPF_TXB_L4LEN, 2))
#define BASE_IPV4	FIELD_PREP(IDPF_TXB_CMD_IIPT, IDPF_TXB_IIPT_IPV4)
#define BASE_IPV4_CSUM	FIELD_PREP(IDPF_TXB_CMD_IIPT, IDPF_TXB_IIPT_IPV4_CSUM)

/* A packet whose UDP checksum field holds the seed for @l4_len bytes */
static void fill_udp(struct guest *g, size_t len, u32 l4_len)
{
	u8 *f = g->mem + TX_BUFS;

	fill_frame(f, len, 2, 1);
	f[38] = (u8)((len - 34) >> 8);
	f[39] = (u8)(len - 34);
	f[40] = (u8)((17 + l4_len) >> 8);
	f[41] = (u8)(17 + l4_len);
}

/* Sends @len bytes with @cmd behind what stands before descriptor @idx */
static void send_base(struct guest *g, u16 idx, size_t len, u64 cmd)
{
	post_single(&guests[1], 8);
	base_desc(g, idx, 0, len, BASE_END | cmd);
	set_tx_tail(g, idx + 1);
	run(g);
}

/* The single model's explicit fields: each asks for its job, no field for none */
static void test_base_checksum(void)
{
	struct guest *g = &guests[0], *r = &guests[1];
	const u8 *got = r->mem + RX_BUFS0;
	u8 *sent = g->mem + TX_BUFS;
	u64 bad;

	fill_udp(g, 301, 301 - 34);
	send_base(g, 0, 301, BASE_UDP | BASE_IPV4_CSUM);
	CHECK(is_done(g, 0) && udp_is_right(got, 301), "base: both checksums");

	send_base(g, 1, 301, BASE_UDP | BASE_IPV4);
	got += BUF0_SIZE;
	CHECK(!memcmp(got, sent, 40) && memcmp(got + 40, sent + 40, 2) &&
	      !memcmp(got + 42, sent + 42, 259), "base: UDP checksum alone");

	send_base(g, 2, 301, BASE_IPV4_CSUM | (BASE_UDP & ~IDPF_TXB_CMD_L4T));
	got += BUF0_SIZE;
	CHECK(sums_up(got + 14, 20, 0) && !memcmp(got + 26, sent + 26, 275),
	      "base: IPv4 header checksum alone");

	send_base(g, 3, 301, BASE_UDP);
	got += BUF0_SIZE;
	CHECK(!memcmp(got, sent, 301), "base: no IP version, nothing to do");

	bad = errors(g, REPORT_TX_IP_HEADER);
	send_base(g, 4, 301, BASE_UDP | BASE_IPV4 |
		  FIELD_PREP(IDPF_TXB_IPLEN, 6));
	CHECK(is_done(g, 4) && errors(g, REPORT_TX_IP_HEADER) == bad + 1,
	      "base: a layout that contradicts the packet is refused");
	bad = errors(g, REPORT_TX_PROTOCOL);
	send_base(g, 5, 301, (BASE_UDP & ~IDPF_TXB_CMD_L4T) | BASE_IPV4 |
		  FIELD_PREP(IDPF_TXB_CMD_L4T, IDPF_TXB_L4T_TCP));
	CHECK(is_done(g, 5) && errors(g, REPORT_TX_PROTOCOL) == bad + 1,
	      "base: a protocol that contradicts the packet is refused");
}

static void base_tso(struct guest *g, u16 idx, u32 tlen, u16 mss)
{
	struct idpf_tx_base_ctx_desc *d = (void *)(g->mem + TX_RING);

	d[idx] = (struct idpf_tx_base_ctx_desc){
		.qw1 = cpu_to_le64(FIELD_PREP(IDPF_TXBC_QW1_DTYPE,
					      IDPF_TX_DTYPE_CTX) |
				   IDPF_TXBC_QW1_CMD_TSO |
				   FIELD_PREP(IDPF_TXBC_QW1_TSO_LEN, tlen) |
				   FIELD_PREP(IDPF_TXBC_QW1_MSS, mss)),
	};
}

static void test_base_segments(void)
{
	struct guest *g = &guests[0], *r = &guests[1];
	bool ok = true;
	u64 bad;

	fill_udp(g, 42 + 2500, 0);
	base_tso(g, 0, 2500, 1000);
	send_base(g, 1, 42 + 2500, BASE_UDP | BASE_IPV4);
	for (int i = 0; i < 3; i++) {
		const u8 *got = r->mem + RX_BUFS0 + i * BUF0_SIZE;
		size_t len = i < 2 ? 1000 : 500;

		ok &= udp_is_right(got, 42 + len) && got[19] == i &&
		      !memcmp(got + 42, g->mem + TX_BUFS + 42 + i * 1000, len);
	}
	CHECK(ok && is_done(g, 1) && !is_done(g, 0),
	      "base: context and explicit header lengths make segments");

	bad = errors(g, REPORT_TX_HDR_LEN);
	base_tso(g, 2, 2500 - 4, 1000);
	send_base(g, 3, 42 + 2500, BASE_UDP | BASE_IPV4 |
		  FIELD_PREP(IDPF_TXB_L4LEN, 3));
	CHECK(is_done(g, 3) && errors(g, REPORT_TX_HDR_LEN) == bad + 1,
	      "base: a wrong header length is refused");
}

static void test_base_offloads(void)
{
	mode.name = "single-base";
	restart(0);
	grant_offloads(true);
	test_base_checksum();
	restart(0);
	test_base_segments();
	grant_offloads(false);
	mode.name = "split";
}

/* Anything in the descriptors: the sanitizers watch */
static void test_random(void)
{
	struct guest *g = &guests[0];
	u8 got[NIC_MAX_FRAME];

	srand(3);
	grant_offloads(true);
	for (unsigned int round = 0; round < 300; round++) {
		restart(round & 1 ? VC2_RXQ_HDR_SPLIT : 0);
		for (size_t i = 0; i < RING_LEN * 16; i++)
			g->mem[TX_RING + i] = (u8)rand();
		fill_udp(g, 42 + 2500, 0);
		for (size_t i = 0; i < RING_LEN; i++) {
			u8 *d = g->mem + TX_RING + i * 16;

			if (rand() % 4)
				d[8] = (u8)(12 | (d[8] & 0x60));
			if (!(rand() % 8) && i < RING_LEN - 1) {
				/* a segmentation context, right but for chance */
				memcpy(d, "\xc4\x09\0\0\x64\0\x2a\0\x25\0", 10);
				d[rand() % 7] ^= (u8)(rand() & rand() & rand());
				memcpy(d + 16, "\0\0\x18\0\0\0\0\0\x2c\0\0\0\1\0\xee\x09", 16);
				i++;
				continue;
			}
			if (rand() % 4)
				memcpy(d, "\0\0\x18\0\0\0\0\0", 8);
		}
		for (size_t i = 0; i < BUFQ_LEN * 32; i += 9)
			guests[1].mem[BUFQ0_RING + i] ^= (u8)(rand() & rand());
		for (unsigned int i = 0; i < 8; i++) {
			set_tx_tail(g, (u32)rand() % (RING_LEN + 4));
			atomic_store(&guests[1].port->bar.bufq_tail[i & 1],
				     (u32)rand() % (BUFQ_LEN + 2));
			run(g);
		}
	}
	CHECK(g->port->queues.txq[0].stats.uso, "some of them were segmented");
	restart(0);
	transmit(g, 100, 100, 1);
	CHECK(receive(&guests[1], got, NULL, NULL) == 100,
	      "random descriptors do no harm that outlives a restart");
}

int main(void)
{
	make_port(&guests[0], 0);
	make_port(&guests[1], 1);
	test_wires();
	test_sizes();
	test_buffer_choice();
	test_wrap();
	test_report_head();
	test_no_buffers();
	test_waiting();
	test_filter();
	test_bad_descriptors();
	test_endless_packet();
	test_bad_buffers();
	test_overrun();
	test_link();
	test_queue_sched();
	test_single("single-base");
	test_single("single-flex");
	test_base_offloads();
	test_random();
	test_configuration();
	wire_close_all(&nic);
	for (int i = 0; i < 2; i++) {
		free(guests[i].port->dma.regions);
		free(guests[i].port);
		free(guests[i].mem);
	}
	return test_end();
}
