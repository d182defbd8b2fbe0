/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong: counters by cause, and rate-limited lines on stderr.
 */

#ifndef IDPF_NIC_REPORT_H
#define IDPF_NIC_REPORT_H

#include <stdatomic.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

struct nic_port;

/* Why something was refused or dropped.  Names and explanations are in the table
 * in report.c, and in the manual page.
 */
enum report_cause {
	/* vfio-user */
	REPORT_VFU_MALFORMED,
	REPORT_VFU_UNKNOWN,
	REPORT_VFU_RANGE,
	/* bus */
	REPORT_REG_UNKNOWN,
	REPORT_REG_ACCESS,
	REPORT_REG_VALUE,
	REPORT_DMA_NO_MAP,
	REPORT_DMA_PERM,
	REPORT_DMA_NO_MASTER,
	/* mailbox and control plane */
	REPORT_MBX_RING,
	REPORT_MBX_DESC,
	REPORT_MBX_OVERFLOW,
	REPORT_CP_OPCODE,
	REPORT_CP_LENGTH,
	REPORT_CP_VALUE,
	REPORT_CP_STATE,
	/* transmit */
	REPORT_TX_TAIL,
	REPORT_TX_DESC,
	REPORT_TX_NO_ENGINE,
	REPORT_TX_SHORT,
	REPORT_TX_LONG,
	REPORT_TX_SG,
	REPORT_TX_ADDR,
	REPORT_TX_NOT_IP,
	REPORT_TX_IP_HEADER,
	REPORT_TX_FRAGMENT,
	REPORT_TX_PROTOCOL,
	REPORT_TX_L4_HEADER,
	REPORT_TX_IP_LENGTH,
	REPORT_TX_HDR_LEN,
	REPORT_TX_MSS,
	REPORT_TX_TLEN,
	REPORT_TX_TLEN_DATA,
	/* receive */
	REPORT_RX_TAIL,
	REPORT_RX_ADDR,
	REPORT_RX_NO_BUFFER,
	REPORT_RX_RING_FULL,
	REPORT_RX_LONG,
	REPORT_NUM_CAUSES,
};

/**
 * struct report_limit - token bucket of one cause
 * @window_start_ns: start of the second that is counted
 * @num_lines: lines written in it
 * @num_suppressed: lines left out since the last one written
 */
struct report_limit {
	u64 window_start_ns;
	unsigned int num_lines;
	unsigned int num_suppressed;
};

/**
 * struct report - error counters of a port
 * @count: by cause, since the process started
 * @limit: rate limits of the lines
 */
struct report {
	_Atomic u64 count[REPORT_NUM_CAUSES];
	struct report_limit limit[REPORT_NUM_CAUSES];
};

/**
 * report_start() - from now on lines are written by a thread of their own
 *
 * Who reports does not wait for stderr then; with too many lines waiting, the
 * next ones are lost, and their number is told.
 *
 * Context: at start, once.
 * Return: 0 or a negative errno.
 */
int report_start(void);

/* write what is left, unless that takes too long.  Context: at the end. */
void report_stop(void);

/**
 * report_error() - count something wrong and say it
 * @port: where it happened
 * @cause: why
 * @fmt: what exactly: names the queue, register or field and the value
 *
 * Lines appear with --verbose and are limited to a few a second and cause.
 *
 * Context: any thread.
 */
void report_error(struct nic_port *port, enum report_cause cause,
		  const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/**
 * report_info() - tell a rare and important event (--verbose)
 * @port: where it happened, NULL: the process
 * @fmt: what
 */
void report_info(struct nic_port *port, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * report_line() - tell what the user has to know or asked for, --verbose or not
 * @port: where it happened, NULL: the process
 * @fmt: what
 *
 * Context: any thread; does not wait for stderr.
 */
void report_line(struct nic_port *port, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* --trace: one line an event of the control path, never of the data path */
#define report_trace(port, ...) \
	do { \
		if (report_tracing) \
			report_line(port, __VA_ARGS__); \
	} while (0)

extern bool report_verbose;
extern bool report_tracing;

/* name in the statistics, which is part of the interface of the control socket */
const char *report_cause_name(enum report_cause cause);

/* what it means, in a few words */
const char *report_cause_text(enum report_cause cause);

#endif /* IDPF_NIC_REPORT_H */
