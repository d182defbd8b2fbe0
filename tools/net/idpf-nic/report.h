/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong: counters by cause, and rate-limited lines on stderr.
 */

#ifndef IDPF_NIC_REPORT_H
#define IDPF_NIC_REPORT_H

#include <stdatomic.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

struct nic_port;

/*
 * Every cause once: name in the statistics, explanation for the man page.
 * The names are part of the interface of the control socket.
 */
#define REPORT_CAUSES(X) \
	/* vfio-user */ \
	X(VFU_MALFORMED, "vfu_malformed", "vfio-user message with a bad header, size or field") \
	X(VFU_UNKNOWN, "vfu_unknown", "vfio-user command that is not supported") \
	X(VFU_RANGE, "vfu_range", "region or interrupt access out of range") \
	/* bus */ \
	X(REG_UNKNOWN, "reg_unknown", "access to a BAR0 offset without a register") \
	X(REG_ACCESS, "reg_access", "register access of a wrong size or alignment") \
	X(REG_VALUE, "reg_value", "register written with a value out of range") \
	X(DMA_NO_MAP, "dma_no_map", "address outside of the guest's maps") \
	X(DMA_PERM, "dma_perm", "map does not allow this direction") \
	X(DMA_NO_MASTER, "dma_no_master", "doorbell while bus mastering is off") \
	/* mailbox and control plane */ \
	X(MBX_RING, "mbx_ring", "mailbox ring registers make no usable ring") \
	X(MBX_DESC, "mbx_desc", "mailbox descriptor with bad fields") \
	X(MBX_OVERFLOW, "mbx_overflow", "no room for a message to the driver") \
	X(CP_OPCODE, "cp_opcode", "message with an unknown operation") \
	X(CP_LENGTH, "cp_length", "message shorter than its operation or its counts need") \
	X(CP_VALUE, "cp_value", "message with a value out of range") \
	X(CP_STATE, "cp_state", "message that the present state does not allow") \
	/* transmit */ \
	X(TX_TAIL, "tx_tail", "transmit tail outside of the ring") \
	X(TX_DESC, "tx_desc", "transmit descriptor of an unknown or unsuitable type") \
	X(TX_NO_ENGINE, "tx_no_engine", "offload asked for that was not granted") \
	X(TX_SHORT, "tx_short", "frame shorter than an Ethernet header needs") \
	X(TX_LONG, "tx_long", "frame longer than the NIC can send") \
	X(TX_SG, "tx_sg", "too many buffers in one packet") \
	X(TX_ADDR, "tx_addr", "buffer or ring outside of the guest's maps") \
	/* receive */ \
	X(RX_TAIL, "rx_tail", "receive or buffer queue tail outside of the ring") \
	X(RX_ADDR, "rx_addr", "buffer or ring outside of the guest's maps") \
	X(RX_NO_BUFFER, "rx_no_buffer", "frame dropped, no buffer posted") \
	X(RX_RING_FULL, "rx_ring_full", "frame dropped, receive ring would be overrun") \
	X(RX_LONG, "rx_long", "frame longer than the queue's largest packet")

enum report_cause {
#define REPORT_ENUM(id, name, text)	REPORT_##id,
	REPORT_CAUSES(REPORT_ENUM)
#undef REPORT_ENUM
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

/* --trace: one line an event of the control path, never of the data path */
void report_trace_line(struct nic_port *port, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define report_trace(port, ...) \
	do { \
		if (report_tracing) \
			report_trace_line(port, __VA_ARGS__); \
	} while (0)

extern bool report_verbose;
extern bool report_tracing;

const char *report_cause_name(enum report_cause cause);

#endif /* IDPF_NIC_REPORT_H */
