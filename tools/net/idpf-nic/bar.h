/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BAR0: the registers.  The table of them is in regs.c.
 *
 * All of it runs in the io thread and touches atomics only, but for resets and
 * the set-up of the mailbox, for which it waits until a round is over.
 */

#ifndef IDPF_NIC_BAR_H
#define IDPF_NIC_BAR_H

#include <stdatomic.h>

#include "../../../include/wto/regs.h"

#define BAR_MAX_TAILS		64

struct nic_port;

/**
 * enum bar_mbx_reg - mailbox registers, the same ones in both maps
 * @BAR_ARQBAL: receive ring address, low half
 * @BAR_ARQBAH: receive ring address, high half
 * @BAR_ARQLEN: receive ring length, errors, enable
 * @BAR_ARQH: receive head
 * @BAR_ARQT: receive tail
 * @BAR_ATQBAL: send ring address, low half
 * @BAR_ATQBAH: send ring address, high half
 * @BAR_ATQLEN: send ring length, errors, enable
 * @BAR_ATQH: send head
 * @BAR_ATQT: send tail, the doorbell
 * @BAR_NUM_MBX_REGS: number of them
 */
enum bar_mbx_reg {
	BAR_ARQBAL,
	BAR_ARQBAH,
	BAR_ARQLEN,
	BAR_ARQH,
	BAR_ARQT,
	BAR_ATQBAL,
	BAR_ATQBAH,
	BAR_ATQLEN,
	BAR_ATQH,
	BAR_ATQT,
	BAR_NUM_MBX_REGS,
};

/**
 * struct bar - register contents
 * @mbx: mailbox registers; heads and error bits are written by the device
 * @rstat: reset state, IDPF_RSTAT_*
 * @oicr_ena: other-cause enable
 * @tx_tail: by absolute transmit queue id
 * @rx_tail: by absolute receive queue id (single queue model)
 * @bufq_tail: by absolute buffer queue id
 * @num_tx_doorbells: writes to tx_tail, by queue
 * @num_rx_doorbells: writes to rx_tail, by queue
 * @num_bufq_doorbells: writes to bufq_tail, by queue
 */
struct bar {
	_Atomic u32 mbx[BAR_NUM_MBX_REGS];
	_Atomic u32 rstat;
	_Atomic u32 oicr_ena;
	_Atomic u32 tx_tail[BAR_MAX_TAILS];
	_Atomic u32 rx_tail[BAR_MAX_TAILS];
	_Atomic u32 bufq_tail[BAR_MAX_TAILS];
	_Atomic u64 num_tx_doorbells[BAR_MAX_TAILS];
	_Atomic u64 num_rx_doorbells[BAR_MAX_TAILS];
	_Atomic u64 num_bufq_doorbells[BAR_MAX_TAILS];
};

/**
 * struct bar_layout - where the movable registers are, for the control plane
 * @size: of BAR0 in bytes
 * @mbx_dyn_ctl: DYN_CTL of the mailbox vector
 * @dyn_ctl: DYN_CTL of vector 1
 * @dyn_ctl_spacing: to the next vector
 * @itr: ITR 0 of vector 1
 * @itr_spacing: to the next vector
 * @itr_index_spacing: to the next ITR of the same vector
 * @tx_tail: of transmit queue 0
 * @rx_tail: of receive queue 0
 * @bufq_tail: of buffer queue 0
 * @tail_spacing: to the next queue
 */
struct bar_layout {
	u32 size;
	u32 mbx_dyn_ctl;
	u32 dyn_ctl;
	u32 dyn_ctl_spacing;
	u32 itr;
	u32 itr_spacing;
	u32 itr_index_spacing;
	u32 tx_tail;
	u32 rx_tail;
	u32 bufq_tail;
	u32 tail_spacing;
};

const struct bar_layout *bar_layout(const struct nic_port *port);

/**
 * bar_read() - the guest reads from BAR0
 * @port: the port
 * @off: offset, in range
 * @buf: result, @len bytes, little endian
 * @len: 1 to any number of bytes; registers are 4 bytes wide
 *
 * Context: io thread.
 */
void bar_read(struct nic_port *port, u64 off, u8 *buf, u32 len);

/* the guest writes to BAR0; see bar_read() */
void bar_write(struct nic_port *port, u64 off, const u8 *buf, u32 len);

/* all registers to their reset values but RSTAT.  Context: nic->lock held. */
void bar_reset(struct nic_port *port);

#endif /* IDPF_NIC_BAR_H */
