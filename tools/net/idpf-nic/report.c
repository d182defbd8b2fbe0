// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error counters and reports.
 */

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "nic.h"

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

static void report_vline(const struct nic_port *port, const char *what,
			 const char *fmt, va_list ap)
{
	char line[256];

	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "idpf-nic: %s%s%s%s%s\n", port ? port->cfg.name : "",
		port ? ": " : "", what, *what ? ": " : "", line);
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
		fprintf(stderr, "idpf-nic: %s: %s: %u lines left out\n",
			port->cfg.name, report_causes[cause].name, num_left_out);
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

void report_trace_line(struct nic_port *port, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vline(port, "", fmt, ap);
	va_end(ap);
}
