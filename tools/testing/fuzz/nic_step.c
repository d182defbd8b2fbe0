// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random steps against the whole NIC, in one process and one thread: drivers
 * that mostly do what is right, so that queues run and frames flow, and all
 * the rest of the time do not.
 *
 *   nic_step [SEED [STEPS]]
 *
 * From time to time all drivers become honest, and frames must get through.
 * The NIC's clock is the stepper's, so a seed makes the same steps each time.
 */

#include <inttypes.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "../../net/idpf-nic/io.h"
#include "step.h"

#define STEP_NS		100000	/* that a step takes */
#define STEP_WITNESS	20000	/* steps between two proofs of life */
#define STEP_PATIENCE	200	/* steps without a frame until a driver starts anew */
#define STEP_HANG_S	120	/* for STEP_WITNESS steps */

struct step_run run = { .nic = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER,
	.round = PTHREAD_COND_INITIALIZER,
} };

u64 __wrap_nic_now_ns(void)
{
	return run.now_ns;
}

static void step_last_words(void)
{
	fprintf(stderr, "# seed %" PRIu64 ", step %" PRIu64 "\n", run.seed,
		run.step);
}

static void step_hangs(int sig)
{
	step_last_words();
	fprintf(stderr, "# hangs\n");
	abort();
}

/* ------------------------------------------------------------------ */
/* Set-up                                                               */

static void step_add_guest(unsigned int i, const char *dir)
{
	static const enum nic_identity ids[STEP_PORTS] = {
		NIC_ID_PF, NIC_ID_VF, NIC_ID_CLASS, NIC_ID_PF,
	};
	struct nic_port_config cfg = {
		.socket_path = g_strdup_printf("%s/%u", dir, i),
		.identity = ids[i],
		.mac = { 2, 0, 0, 0, 0, i }, .num_qpairs = i ? 4 * i : 16,
		.mtu = NIC_MAX_MTU, .num_vports = i == 2 ? 3 : 1,
		.rss_lut_size = i == 3 ? RSS_LUT_MAX : NIC_RSS_LUT_SIZE,
		.lso_id_bits = 15 + i % 2,
		.tx_hdr = i == 2 ? 90 : NIC_MAX_TX_HDR,
		.tx_bufs = i == 2 ? 6 : NIC_MAX_TX_BUFS,
		.model = nic_model_default,
	};
	struct step_guest *g = &run.guests[i];

	g_snprintf(cfg.name, sizeof(cfg.name), "port%u", i);
	g->port = nic_port_new(&run.nic, &cfg);
	g->sock = -1;
	g->bump = 4096;
	g->memfd = memfd_create("guest", MFD_CLOEXEC);
	if (g->memfd < 0 || ftruncate(g->memfd, STEP_MEM))
		abort();
	g->mem = mmap(NULL, STEP_MEM, PROT_READ | PROT_WRITE, MAP_SHARED,
		      g->memfd, 0);
	if (g->mem == MAP_FAILED)
		abort();
}

static void step_set_up(const char *dir)
{
	if (io_init())
		abort();
	for (unsigned int i = 0; i < STEP_PORTS; i++)
		step_add_guest(i, dir);
	if (!wire_open(&run.nic, "pair:port0,port1") ||
	    !wire_open(&run.nic, "switch:port2,port3"))
		abort();
	for (unsigned int i = 0; i < STEP_PORTS; i++) {
		struct nic_port *port = run.nic.ports[i];

		port->vfu = vfu_open(port, port->cfg.socket_path, &pci_vfu_ops);
		if (!port->vfu)
			abort();
	}
}

static void step_tear_down(void)
{
	for (unsigned int i = 0; i < STEP_PORTS; i++) {
		struct step_guest *g = &run.guests[i];

		if (g->sock >= 0)
			close(g->sock);
		io_poll(0);
		munmap(g->mem, STEP_MEM);
		close(g->memfd);
	}
	wire_close_all(&run.nic);
	while (run.nic.num_ports)
		nic_port_free(run.nic.ports[--run.nic.num_ports]);
	io_exit();
}

/* ------------------------------------------------------------------ */
/* Steps                                                                */

static u64 step_received(const struct step_guest *g)
{
	u64 sum = 0;

	for (u16 i = 0; i < QUEUE_MAX_PAIRS; i++)
		sum += g->port->queues.rxq[i].stats.packets;
	return sum;
}

static void step_repost(struct step_guest *g)
{
	struct step_vport *vp = step_vport(g);
	u32 type, num;

	if (!vp)
		return;
	type = vp->rx_model == VC2_QUEUE_MODEL_SINGLE ? VC2_QUEUE_TYPE_RX :
						       VC2_QUEUE_TYPE_RX_BUF;
	num = vp->num[type];
	for (u32 i = 0; i < num; i++)
		step_post(g, vp, i, 1 + step_below(12));
}

static void step_one(struct step_guest *g)
{
	u32 kind = step_below(100);

	if (kind < 45)
		step_send(g);
	else if (kind < 68)
		step_repost(g);
	else if (kind < 70)
		step_descriptor(g);
	else if (kind < 78)
		step_message(g);
	else if (kind < 90)
		step_register(g);
	else if (kind < 92)
		step_config(g);
	else if (kind < 99)
		step_vfu(g);
	else if (step_one_in(10))
		step_outside(g);
}

/* A driver that gets nothing any more starts anew */
static void step_heal(struct step_guest *g)
{
	u64 received = step_received(g);

	if (received != g->last_rx) {
		g->last_rx = received;
		g->alive_step = run.step;
	} else if (run.step - g->alive_step > STEP_PATIENCE || g->sock < 0) {
		step_bring_up(g);
	}
}

/* ------------------------------------------------------------------ */
/* Proof of life                                                        */

static void step_all_well(void)
{
	char *error;

	for (unsigned int i = 0; i < FAULT_NUM; i++) {
		char *spec = g_strdup_printf("%s=off", fault_name(i));

		if (!fault_apply(&run.nic, spec, &error))
			g_free(error);
		g_free(spec);
	}
	/* what was delayed is through, and resets are over */
	for (unsigned int i = 0; i < 4; i++) {
		run.now_ns += 1000000000ull;
		step_rounds();
	}
	for (unsigned int i = 0; i < STEP_PORTS; i++) {
		struct step_guest *g = &run.guests[i];

		nic_port_set_link(g->port, true);
		if (g->sock >= 0)
			close(g->sock);
		g->sock = -1;
		io_poll(0);
		g->honest = true;
		step_bring_up(g);
	}
}

/* Return: false if a port does not receive what honest drivers send, or does not
 * answer each of their messages once
 */
static bool step_witness(void)
{
	u64 before[STEP_PORTS];
	bool ok = true;

	step_all_well();
	if (run.wrong_answers) {
		printf("# step %" PRIu64 ": %" PRIu64 " messages have not one answer\n",
		       run.step, run.wrong_answers);
		ok = false;
	}
	for (unsigned int i = 0; i < STEP_PORTS; i++)
		before[i] = step_received(&run.guests[i]);
	for (unsigned int n = 0; n < 400; n++) {
		struct step_guest *g = &run.guests[n % STEP_PORTS];

		step_send(g);
		step_rounds();
		step_repost(g);
		run.now_ns += STEP_NS;
	}
	for (unsigned int i = 0; i < STEP_PORTS; i++) {
		struct step_guest *g = &run.guests[i];

		if (step_received(g) - before[i] < 20) {
			printf("# step %" PRIu64 ": port %u with %u vports has received %" PRIu64
			       " frames of honest drivers\n", run.step, i,
			       g->num_vports, step_received(g) - before[i]);
			ok = false;
		}
		g->honest = false;
	}
	return ok;
}

static bool step_steps(u64 steps)
{
	for (run.step = 0; run.step < steps; run.step++) {
		struct step_guest *g;

		if (run.step % STEP_WITNESS == 0) {
			alarm(STEP_HANG_S);
			if (!step_witness())
				return false;
		}
		g = &run.guests[step_below(STEP_PORTS)];
		step_heal(g);
		step_one(g);
		step_rounds();
		run.now_ns += STEP_NS;
	}
	alarm(0);
	return step_witness();
}

static void step_report(bool ok)
{
	u64 sent = 0, received = 0, errors = 0;
	unsigned int causes = 0;

	for (unsigned int i = 0; i < STEP_PORTS; i++) {
		struct nic_port *port = run.nic.ports[i];

		sent += port->wire.stats.tx_packets;
		received += step_received(&run.guests[i]);
		for (unsigned int c = 0; c < REPORT_NUM_CAUSES; c++)
			errors += atomic_load(&port->report.count[c]);
	}
	for (unsigned int c = 0; c < REPORT_NUM_CAUSES; c++) {
		u64 sum = 0;

		for (unsigned int i = 0; i < STEP_PORTS; i++)
			sum += atomic_load(&run.nic.ports[i]->report.count[c]);
		causes += !!sum;
		if (!sum)
			printf("# never: %s\n", report_cause_name(c));
	}
	printf("%sok - nic_step: seed %" PRIu64 ", %" PRIu64 " steps, %" PRIu64
	       " frames sent, %" PRIu64 " received, %" PRIu64 " messages, %" PRIu64
	       " answered, %" PRIu64 " errors of %u causes\n", ok ? "" : "not ",
	       run.seed, run.step, sent, received, run.messages, run.answers,
	       errors, causes);
}

int main(int argc, char **argv)
{
	u64 steps = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;
	char dir[] = "/tmp/nic_step.XXXXXX";
	bool ok;

	run.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	run.rng = run.seed * 0x9e3779b97f4a7c15ull ?: 1;
	run.now_ns = 1000000000ull;
	__sanitizer_set_death_callback(step_last_words);
	signal(SIGALRM, step_hangs);
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	step_set_up(dir);
	ok = step_steps(steps);
	step_report(ok);
	step_tear_down();
	rmdir(dir);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
