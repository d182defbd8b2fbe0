// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a doorbell costs the NIC: as a posted vfio-user message, which the NIC is
 * woken by, and as a word in shared memory, which it has to look at.
 *
 *   doorbell SOCKET PID    of a running idpf-nic with a PF port
 *
 * CPU time is that of all threads of the NIC, read from its clock.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../../include/wto/regs.h"
#include "../../net/idpf-nic/vfu_proto.h"

#define DOORBELLS	16000u
#define MAX_BURST	64u
#define SCANS		200000u
#define PAGE		4096u
#define NS_PER_S	1000000000ull

/**
 * struct doorbell - a register write as QEMU posts it
 * @hdr: header
 * @acc: where
 * @val: value
 */
struct doorbell {
	struct vfu_header hdr;
	struct vfu_region_access acc;
	u32 val;
};

#define DOORBELL_LEN	(offsetof(struct doorbell, val) + sizeof(u32))

static u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "doorbell: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void exchange(int sock, void *msg, size_t len)
{
	char reply[8192];

	if (send(sock, msg, len, 0) != (ssize_t)len ||
	    recv(sock, reply, sizeof(reply), 0) < (ssize_t)sizeof(struct vfu_header))
		die("the NIC does not answer");
}

static int open_nic(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	struct {
		struct vfu_header hdr;
		struct vfu_version version;
	} hello = {
		{ .cmd = VFU_CMD_VERSION, .size = sizeof(hello) },
		{ VFU_MAJOR, VFU_MINOR },
	};
	struct doorbell command = {
		{ .cmd = VFU_CMD_REGION_WRITE, .size = DOORBELL_LEN },
		{ .offset = 4, .region = 7, .count = 4 }, 6,
	};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		die(path);
	exchange(sock, &hello, sizeof(hello));
	exchange(sock, &command, DOORBELL_LEN);
	return sock;
}

static void read_status(int sock)
{
	struct {
		struct vfu_header hdr;
		struct vfu_region_access acc;
	} msg = {
		{ .cmd = VFU_CMD_REGION_READ, .size = sizeof(msg) },
		{ .offset = IDPF_PF_RSTAT, .count = 4 },
	};

	exchange(sock, &msg, sizeof(msg));
}

/* CPU time of the NIC for bursts of doorbells, each burst followed by a read,
 * so that the NIC has gone to sleep before the next one; 0: only the reads
 */
static double message_cost(int sock, clockid_t nic, unsigned int burst)
{
	unsigned int rounds = burst ? DOORBELLS / burst / 4 : DOORBELLS / 4;
	static struct doorbell msgs[MAX_BURST];
	u64 start;

	for (unsigned int i = 0; i < burst; i++)
		msgs[i] = (struct doorbell){
			{ .cmd = VFU_CMD_REGION_WRITE, .flags = VFU_F_NO_REPLY,
			  .size = DOORBELL_LEN },
			{ .offset = IDPF_PF_QTX_DBELL(0), .count = 4 }, 0,
		};
	start = now_ns(nic);
	for (unsigned int i = 0; i < rounds; i++) {
		/* one by one, as a guest writes them */
		for (unsigned int j = 0; j < burst; j++)
			if (send(sock, &msgs[j], msgs[j].hdr.size, 0) < 0)
				die("send");
		read_status(sock);
	}
	return (double)(now_ns(nic) - start) / rounds;
}

static double scan_cost(_Atomic u32 *tails, unsigned int num)
{
	u64 start = now_ns(CLOCK_THREAD_CPUTIME_ID);
	u32 sum = 0;

	for (unsigned int i = 0; i < SCANS; i++)
		for (unsigned int j = 0; j < num; j++)
			sum += atomic_load(&tails[j * PAGE / sizeof(u32)]);
	/* the loads are atomic, so none is left out */
	return (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - start + (sum & 0)) / SCANS;
}

/* share of a CPU for looking every @period_ns, with sleep in between */
static double poll_share(_Atomic u32 *tails, unsigned int num, long period_ns)
{
	struct timespec period = { .tv_nsec = period_ns };
	u64 wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	u32 sum = 0;

	while (now_ns(CLOCK_MONOTONIC) - wall < NS_PER_S) {
		for (unsigned int j = 0; j < num; j++)
			sum += atomic_load(&tails[j * PAGE / sizeof(u32)]);
		nanosleep(&period, NULL);
	}
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	return (double)(cpu + (sum & 0)) / (now_ns(CLOCK_MONOTONIC) - wall);
}

int main(int argc, char **argv)
{
	_Atomic u32 *tails;
	static const unsigned int bursts[] = { 1, 8, 64 };
	static const long periods[] = { 20000, 50000, 200000, 1000000 };
	clockid_t nic;
	double idle;
	int sock;

	if (argc != 3) {
		fprintf(stderr, "usage: doorbell SOCKET PID\n");
		return 2;
	}
	if (clock_getcpuclockid(atoi(argv[2]), &nic))
		die("clock of the NIC");
	sock = open_nic(argv[1]);
	message_cost(sock, nic, 0);
	idle = message_cost(sock, nic, 0);
	printf("message, NIC's CPU time: register read %.2f us\n", idle / 1e3);
	for (unsigned int i = 0; i < 3; i++)
		printf("message, NIC's CPU time: %2u doorbells at a time %.2f us each\n",
		       bursts[i], (message_cost(sock, nic, bursts[i]) - idle) /
		       bursts[i] / 1e3);
	close(sock);

	tails = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tails == MAP_FAILED)
		die("mmap");
	for (unsigned int num = 1; num <= 64; num *= 4)
		printf("memory, a look at %2u tails: %.1f ns\n", num,
		       scan_cost(tails, num));
	for (unsigned int i = 0; i < 4; i++)
		printf("memory, idle, a look at 16 tails every %4ld us: %.1f %% of a CPU\n",
		       periods[i] / 1000, 100 * poll_share(tails, 16, periods[i]));
	printf("memory, idle, looking all the time: 100 %% of a CPU\n");
	return 0;
}
