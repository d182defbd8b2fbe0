// SPDX-License-Identifier: GPL-2.0-only
/*
 * icount - count executed guest instructions by address, a QEMU TCG plugin
 *
 *   -plugin icount.so,socket=PATH
 *
 * Every instruction of the guest's kernel adds one to the counter of the
 * translation block that it is in, inline and per virtual CPU, so the guest
 * runs at nearly normal speed and the count is exact.  PATH is a UNIX socket
 * that the plugin connects to (a listening QEMU chardev, whose other end is a
 * port inside the guest); it answers there, one command a line:
 *
 *   sum START END [START END]...   the instructions executed so far in each of
 *                                  the ranges, one line of numbers
 *   dump START END                 "ADDRESS COUNT" for each block in the range,
 *                                  then a line with a single dot
 *
 * Addresses are hexadecimal, END is exclusive.  A line that begins with
 * "error" says what was wrong.
 */

#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qemu_plugin.h"

#define EXPORT	__attribute__((visibility("default")))

EXPORT int qemu_plugin_version = QEMU_PLUGIN_API_VERSION;

/* The kernel's text and its modules on x86-64 */
#define KERNEL_START	0xffffffff80000000ULL

/* A booted kernel with its modules translates to some 100,000 blocks */
#define MAX_BLOCKS	(512 * 1024)

#define MAX_RANGES	32

static GMutex lock;		/* guards all below */
static GHashTable *index_of;	/* block address -> counter index + 1 */
static uint64_t *addr_of;	/* counter index -> block address */
static unsigned int num_blocks;
static bool overflow;

static struct qemu_plugin_scoreboard *board;
static char *socket_path;

static struct qemu_plugin_u64 counter(unsigned int idx)
{
	return (struct qemu_plugin_u64){ board, idx * sizeof(uint64_t) };
}

/* Counter of the block at @addr; false when the table is full */
static bool block_counter(uint64_t addr, struct qemu_plugin_u64 *entry)
{
	unsigned int idx;

	g_mutex_lock(&lock);
	idx = GPOINTER_TO_UINT(g_hash_table_lookup(index_of, &addr));
	if (!idx) {
		if (num_blocks == MAX_BLOCKS) {
			overflow = true;
			g_mutex_unlock(&lock);
			return false;
		}
		addr_of[num_blocks] = addr;
		idx = ++num_blocks;
		g_hash_table_insert(index_of, &addr_of[idx - 1],
				    GUINT_TO_POINTER(idx));
	}
	g_mutex_unlock(&lock);
	*entry = counter(idx - 1);
	return true;
}

static void on_translate(struct qemu_plugin_tb *tb, void *userdata)
{
	uint64_t addr = qemu_plugin_tb_vaddr(tb);
	struct qemu_plugin_u64 entry;
	size_t i;

	(void)userdata;
	if (addr < KERNEL_START || !block_counter(addr, &entry))
		return;
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(qemu_plugin_tb_get_insn(tb, i),
								    QEMU_PLUGIN_INLINE_ADD_U64,
								    entry, 1);
}

static unsigned int parse_ranges(const char *text, uint64_t (*ranges)[2])
{
	unsigned int n = 0;
	int used;

	while (n < MAX_RANGES &&
	       sscanf(text, " %" SCNx64 " %" SCNx64 "%n", &ranges[n][0],
		      &ranges[n][1], &used) == 2) {
		text += used;
		n++;
	}
	return n;
}

static void answer_sum(FILE *f, const char *args)
{
	uint64_t ranges[MAX_RANGES][2], sums[MAX_RANGES] = {};
	unsigned int n = parse_ranges(args, ranges), i, r;

	if (!n) {
		fprintf(f, "error: sum wants START END pairs\n");
		return;
	}
	g_mutex_lock(&lock);
	for (i = 0; i < num_blocks; i++) {
		for (r = 0; r < n; r++) {
			if (addr_of[i] >= ranges[r][0] &&
			    addr_of[i] < ranges[r][1])
				sums[r] += qemu_plugin_u64_sum(counter(i));
		}
	}
	if (overflow)
		fprintf(f, "error: more than %u blocks\n", MAX_BLOCKS);
	g_mutex_unlock(&lock);
	for (r = 0; r < n; r++)
		fprintf(f, "%" PRIu64 "%c", sums[r], r + 1 < n ? ' ' : '\n');
}

static void answer_dump(FILE *f, const char *args)
{
	uint64_t ranges[MAX_RANGES][2], sum;
	unsigned int i;

	if (parse_ranges(args, ranges) != 1) {
		fprintf(f, "error: dump wants one START END pair\n");
		return;
	}
	g_mutex_lock(&lock);
	for (i = 0; i < num_blocks; i++) {
		if (addr_of[i] < ranges[0][0] || addr_of[i] >= ranges[0][1])
			continue;
		sum = qemu_plugin_u64_sum(counter(i));
		if (sum)
			fprintf(f, "%" PRIx64 " %" PRIu64 "\n", addr_of[i], sum);
	}
	g_mutex_unlock(&lock);
	fprintf(f, ".\n");
}

static void serve(FILE *in, FILE *out)
{
	char line[4096];

	while (fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "sum ", 4))
			answer_sum(out, line + 4);
		else if (!strncmp(line, "dump ", 5))
			answer_dump(out, line + 5);
		else
			fprintf(out, "error: unknown command\n");
		fflush(out);
	}
}

/* QEMU opens its end of the socket after it has loaded the plugin: try until
 * it is there.
 */
static gpointer server_thread(gpointer arg)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	FILE *in, *out;
	int fd;

	(void)arg;
	g_strlcpy(sa.sun_path, socket_path, sizeof(sa.sun_path));
	for (;;) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
			break;
		if (fd >= 0)
			close(fd);
		g_usleep(100 * 1000);
	}
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	if (in && out)
		serve(in, out);
	else
		fprintf(stderr, "icount: cannot use %s\n", socket_path);
	return NULL;
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc,
			       char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "socket=", 7)) {
		fprintf(stderr, "icount: usage: -plugin icount.so,socket=PATH\n");
		return -1;
	}
	socket_path = g_strdup(argv[0] + 7);
	index_of = g_hash_table_new(g_int64_hash, g_int64_equal);
	addr_of = g_new(uint64_t, MAX_BLOCKS);
	board = qemu_plugin_scoreboard_new(MAX_BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate, NULL);
	g_thread_unref(g_thread_new("icount", server_thread, NULL));
	return 0;
}
