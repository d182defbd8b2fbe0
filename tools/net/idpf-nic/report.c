// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error counters and reports.
 *
 * Lines are written by a thread of their own: stderr may be a pipe that nobody
 * reads, and neither of the other threads may wait for that.
 */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nic.h"

#define REPORT_LINE	320
#define REPORT_QUEUE	256
#define REPORT_END_S	1	/* for the lines that are left at the end */

#define REPORT_WINDOW_NS	1000000000ULL
#define REPORT_LINES_PER_WINDOW	5

bool report_verbose;
bool report_tracing;

/* both threads report; lines are rare, so one lock for the rate limits is
 * cheap enough
 */
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

/**
 * struct report_cause_info - a cause in words
 * @name: name in the statistics
 * @text: what it means
 */
struct report_cause_info {
	const char *name;
	const char *text;
};

static const struct report_cause_info report_causes[REPORT_NUM_CAUSES] = {
	[REPORT_VFU_MALFORMED] = {
		"vfu_malformed",
		"vfio-user message with a bad header, size or field"
	},
	[REPORT_VFU_UNKNOWN] = {
		"vfu_unknown",
		"vfio-user command that is not supported"
	},
	[REPORT_VFU_RANGE] = {
		"vfu_range",
		"region or interrupt access out of range"
	},
	[REPORT_REG_UNKNOWN] = {
		"reg_unknown",
		"access to a BAR0 offset without a register"
	},
	[REPORT_REG_ACCESS] = {
		"reg_access",
		"register access of a wrong size or alignment"
	},
	[REPORT_REG_VALUE] = {
		"reg_value",
		"register written with a value out of range"
	},
	[REPORT_DMA_NO_MAP] = {
		"dma_no_map",
		"address outside of the guest's maps"
	},
	[REPORT_DMA_PERM] = {
		"dma_perm",
		"map does not allow this direction"
	},
	[REPORT_DMA_NO_MASTER] = {
		"dma_no_master",
		"doorbell while bus mastering is off"
	},
	[REPORT_MBX_RING] = {
		"mbx_ring",
		"mailbox ring registers make no usable ring"
	},
	[REPORT_MBX_DESC] = {
		"mbx_desc",
		"mailbox descriptor with bad fields"
	},
	[REPORT_MBX_OVERFLOW] = {
		"mbx_overflow",
		"no room for a message to the driver"
	},
	[REPORT_CP_OPCODE] = {
		"cp_opcode",
		"message with an unknown operation"
	},
	[REPORT_CP_LENGTH] = {
		"cp_length",
		"message shorter than its operation or its counts need"
	},
	[REPORT_CP_VALUE] = {
		"cp_value",
		"message with a value out of range"
	},
	[REPORT_CP_STATE] = {
		"cp_state",
		"message that the present state does not allow"
	},
	[REPORT_TX_TAIL] = {
		"tx_tail",
		"transmit tail outside of the ring"
	},
	[REPORT_TX_DESC] = {
		"tx_desc",
		"transmit descriptor of an unknown or unsuitable type"
	},
	[REPORT_TX_NO_ENGINE] = {
		"tx_no_engine",
		"offload asked for that was not granted"
	},
	[REPORT_TX_SHORT] = {
		"tx_short",
		"frame shorter than an Ethernet header needs"
	},
	[REPORT_TX_LONG] = {
		"tx_long",
		"frame longer than the NIC can send"
	},
	[REPORT_TX_SG] = {
		"tx_sg",
		"too many buffers in one packet"
	},
	[REPORT_TX_ADDR] = {
		"tx_addr",
		"buffer or ring outside of the guest's maps"
	},
	[REPORT_TX_NOT_IP] = {
		"tx_not_ip",
		"offload: no IP header where one is said to be"
	},
	[REPORT_TX_IP_HEADER] = {
		"tx_ip_header",
		"offload: IP header length contradicts the headers"
	},
	[REPORT_TX_FRAGMENT] = {
		"tx_fragment",
		"offload: IP fragment"
	},
	[REPORT_TX_PROTOCOL] = {
		"tx_protocol",
		"offload: not the protocol asked for, or one without engine"
	},
	[REPORT_TX_L4_HEADER] = {
		"tx_l4_header",
		"offload: layer 4 header incomplete or malformed"
	},
	[REPORT_TX_IP_LENGTH] = {
		"tx_ip_length",
		"offload: IP length does not fit the data"
	},
	[REPORT_TX_HDR_LEN] = {
		"tx_hdr_len",
		"segmentation: header length is not that of the headers"
	},
	[REPORT_TX_MSS] = {
		"tx_mss",
		"segmentation: MSS out of range"
	},
	[REPORT_TX_TLEN] = {
		"tx_tlen",
		"segmentation: payload length out of range"
	},
	[REPORT_TX_TLEN_DATA] = {
		"tx_tlen_data",
		"segmentation: payload length differs from the data"
	},
	[REPORT_RX_TAIL] = {
		"rx_tail",
		"receive or buffer queue tail outside of the ring"
	},
	[REPORT_RX_ADDR] = {
		"rx_addr",
		"buffer or ring outside of the guest's maps"
	},
	[REPORT_RX_NO_BUFFER] = {
		"rx_no_buffer",
		"frame dropped, no buffer posted"
	},
	[REPORT_RX_RING_FULL] = {
		"rx_ring_full",
		"frame dropped, receive ring would be overrun"
	},
	[REPORT_RX_LONG] = {
		"rx_long",
		"frame longer than the queue's largest packet"
	},
};

const char *report_cause_name(enum report_cause cause)
{
	return report_causes[cause].name;
}

const char *report_cause_text(enum report_cause cause)
{
	return report_causes[cause].text;
}

/* ------------------------------------------------------------------ */
/* The writer                                                           */

/**
 * struct report_writer - lines on their way to stderr
 * @lock: protects all of it
 * @more: signalled when a line is added and at the end
 * @lines: ring of lines
 * @first: next one to write
 * @num: lines in the ring
 * @num_lost: lines for which there was no room since the last one was added
 * @running: the thread exists
 * @stop: it shall end when the ring is empty
 * @thread: the thread
 */
struct report_writer {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char lines[REPORT_QUEUE][REPORT_LINE];
	unsigned int first;
	unsigned int num;
	unsigned int num_lost;
	bool running;
	bool stop;
	pthread_t thread;
};

static struct report_writer report_writer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
};

static void report_write(const char *line)
{
	size_t len = strlen(line);

	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			line += n;
			len -= n;
		}
	}
}

static void *report_main(void *arg)
{
	struct report_writer *w = arg;
	char line[REPORT_LINE];

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->num && !w->stop)
			pthread_cond_wait(&w->more, &w->lock);
		if (!w->num)
			break;
		memcpy(line, w->lines[w->first], sizeof(line));
		w->first = (w->first + 1) % REPORT_QUEUE;
		w->num--;
		pthread_mutex_unlock(&w->lock);
		report_write(line);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* the next free line of the ring; there is one */
static char *report_next(struct report_writer *w)
{
	return w->lines[(w->first + w->num++) % REPORT_QUEUE];
}

static void report_put(const char *line)
{
	struct report_writer *w = &report_writer;

	pthread_mutex_lock(&w->lock);
	if (!w->running) {
		report_write(line);
	} else if (w->num + !!w->num_lost >= REPORT_QUEUE) {
		w->num_lost++;
	} else {
		if (w->num_lost)
			snprintf(report_next(w), REPORT_LINE,
				 "idpf-nic: %u lines lost, stderr is too slow\n",
				 w->num_lost);
		w->num_lost = 0;
		snprintf(report_next(w), REPORT_LINE, "%s", line);
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
}

int report_start(void)
{
	struct report_writer *w = &report_writer;
	int err;

	err = pthread_create(&w->thread, NULL, report_main, w);
	w->running = !err;
	return -err;
}

void report_stop(void)
{
	struct report_writer *w = &report_writer;
	struct timespec until;

	if (!w->running)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += REPORT_END_S;
	/* it may be stuck for good; then it ends with the process */
	if (!pthread_timedjoin_np(w->thread, NULL, &until))
		w->running = false;
}

/* ------------------------------------------------------------------ */
/* Reports                                                              */

static void report_vline(const struct nic_port *port, const char *what,
			 const char *fmt, va_list ap)
{
	char text[256], line[REPORT_LINE];

	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(line, sizeof(line), "idpf-nic: %s%s%s%s%s\n",
		 port ? port->cfg.name : "", port ? ": " : "", what,
		 *what ? ": " : "", text);
	report_put(line);
}

static void report_left_out(const struct nic_port *port, const char *what,
			    unsigned int num)
{
	char line[REPORT_LINE];

	snprintf(line, sizeof(line), "idpf-nic: %s: %s: %u lines left out\n",
		 port->cfg.name, what, num);
	report_put(line);
}

/* May a line be written now?  @num_left_out: how many were not, before it. */
static bool report_may_write(struct report_limit *limit,
			     unsigned int *num_left_out)
{
	u64 now = nic_now_ns();
	bool may;

	pthread_mutex_lock(&report_lock);
	if (now - limit->window_start_ns >= REPORT_WINDOW_NS) {
		limit->window_start_ns = now;
		limit->num_lines = 0;
	}
	may = limit->num_lines < REPORT_LINES_PER_WINDOW;
	*num_left_out = limit->num_suppressed;
	if (may) {
		limit->num_lines++;
		limit->num_suppressed = 0;
	} else {
		limit->num_suppressed++;
	}
	pthread_mutex_unlock(&report_lock);
	return may;
}

void report_error(struct nic_port *port, enum report_cause cause,
		  const char *fmt, ...)
{
	struct report *report = &port->report;
	unsigned int num_left_out;
	va_list ap;

	atomic_fetch_add_explicit(&report->count[cause], 1,
				  memory_order_relaxed);
	if (!report_verbose ||
	    !report_may_write(&report->limit[cause], &num_left_out))
		return;
	if (num_left_out)
		report_left_out(port, report_causes[cause].name, num_left_out);
	va_start(ap, fmt);
	report_vline(port, report_causes[cause].name, fmt, ap);
	va_end(ap);
}

void report_info(struct nic_port *port, const char *fmt, ...)
{
	va_list ap;

	if (!report_verbose)
		return;
	va_start(ap, fmt);
	report_vline(port, "", fmt, ap);
	va_end(ap);
}

void report_line(struct nic_port *port, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vline(port, "", fmt, ap);
	va_end(ap);
}
