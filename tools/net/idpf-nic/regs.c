// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register map: what is at which offset of BAR0, for both kinds of function.
 */

#include <inttypes.h>
#include <string.h>

#include "nic.h"

/**
 * struct reg_desc - a register, or an array of registers
 * @name: for reports
 * @offset: of the first one
 * @count: registers
 * @stride: bytes from one to the next
 * @read: value for the guest; NULL: 0
 * @write: takes the guest's value; NULL: ignored
 * @arg: for the handlers: which one of similar registers
 */
struct reg_desc {
	const char *name;
	u32 offset;
	u32 count;
	u32 stride;
	u32 (*read)(struct nic_port *port, u32 idx, u32 arg);
	void (*write)(struct nic_port *port, u32 idx, u32 arg, u32 val);
	u32 arg;
};

/* ------------------------------------------------------------------ */
/* Handlers                                                             */

static u32 mbx_reg_read(struct nic_port *port, u32 idx, u32 arg)
{
	return atomic_load(&port->bar.mbx[arg]);
}

static bool reg_is_mbx_tail(u32 arg)
{
	return arg == BAR_ARQT || arg == BAR_ATQT;
}

/*
 * Everything but the tails changes between two rounds only, so that a ring that
 * is being worked on stays what it is.  RESET_VF takes effect before the
 * driver's next register access: who asks RSTAT right behind the doorbell must
 * not find a function that has not yet begun to reset itself.
 *
 * Return: true if there may be work for the data thread.
 */
static bool mbx_reg_store(struct nic_port *port, u32 arg, u32 val)
{
	bool vf_doorbell = arg == BAR_ATQT && port->cfg.identity == NIC_ID_VF;
	bool reset = false;

	if (reg_is_mbx_tail(arg) && !vf_doorbell) {
		atomic_store(&port->bar.mbx[arg], val);
		return true;
	}
	nic_lock(port->nic);
	atomic_store(&port->bar.mbx[arg], val);
	if (vf_doorbell)
		reset = mbx_take_reset(port);
	nic_unlock(port->nic);
	return !reset && (vf_doorbell || arg == BAR_ARQLEN || arg == BAR_ATQLEN);
}

static void mbx_reg_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	static const u32 mask[BAR_NUM_MBX_REGS] = {
		[BAR_ARQBAL] = ~0U,
		[BAR_ARQBAH] = ~0U,
		[BAR_ARQLEN] = IDPF_ARQLEN_LEN | IDPF_CTLQ_LEN_ENABLE,
		[BAR_ARQH] = IDPF_ARQ_HEAD,
		[BAR_ARQT] = IDPF_ARQ_HEAD,
		[BAR_ATQBAL] = ~0U,
		[BAR_ATQBAH] = ~0U,
		[BAR_ATQLEN] = IDPF_ATQLEN_LEN | IDPF_CTLQ_LEN_ENABLE,
		[BAR_ATQH] = IDPF_ATQ_HEAD,
		[BAR_ATQT] = IDPF_ATQ_HEAD,
	};

	if (val & ~mask[arg])
		report_error(port, REPORT_REG_VALUE,
			     "mailbox register %" PRIu32 " written with 0x%" PRIx32,
			     arg, val);
	if (!mbx_reg_store(port, arg, val & mask[arg]))
		return;
	atomic_store(&port->kick.mbx, true);
	nic_wake(port->nic);
}

static u32 rstat_read(struct nic_port *port, u32 idx, u32 arg)
{
	return atomic_load(&port->bar.rstat);
}

static void pfgen_ctrl_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	if (!(val & IDPF_PF_CTRL_PFSWR))
		return;
	report_trace(port, "function reset by register");
	nic_lock(port->nic);
	nic_port_reset(port);
	nic_unlock(port->nic);
}

static u32 oicr_ena_read(struct nic_port *port, u32 idx, u32 arg)
{
	return atomic_load(&port->bar.oicr_ena);
}

static void oicr_ena_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	atomic_store(&port->bar.oicr_ena, val);
}

static u32 tx_tail_read(struct nic_port *port, u32 idx, u32 arg)
{
	return atomic_load(&port->bar.tx_tail[idx]);
}

static void tx_tail_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	struct bar *bar = &port->bar;

	atomic_store(&bar->tx_tail[idx], val);
	atomic_fetch_add_explicit(&bar->num_tx_doorbells[idx], 1,
				  memory_order_relaxed);
	if (!nic_port_may_dma(port))
		report_error(port, REPORT_DMA_NO_MASTER,
			     "transmit queue %" PRIu32, idx);
	atomic_fetch_or(&port->kick.txq, BIT_ULL(idx));
	nic_wake(port->nic);
}

/*
 * New buffers wake the data thread only if it waits for them: everybody else
 * looks at the tail when the next frame comes.
 */
static void rx_tail_kick(struct nic_port *port, u32 idx)
{
	struct nic_kick *kick = &port->kick;

	if (!(atomic_load(&kick->rx_starved) & BIT_ULL(idx)))
		return;
	atomic_fetch_or(&kick->rxq, BIT_ULL(idx));
	nic_wake(port->nic);
}

static u32 rx_tail_read(struct nic_port *port, u32 idx, u32 arg)
{
	return atomic_load(&port->bar.rx_tail[idx]);
}

static void rx_tail_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	struct bar *bar = &port->bar;

	atomic_store(&bar->rx_tail[idx], val);
	atomic_fetch_add_explicit(&bar->num_rx_doorbells[idx], 1,
				  memory_order_relaxed);
	rx_tail_kick(port, idx);
}

static u32 bufq_tail_read(struct nic_port *port, u32 idx, u32 arg)
{
	return atomic_load(&port->bar.bufq_tail[idx]);
}

static void bufq_tail_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	struct bar *bar = &port->bar;

	atomic_store(&bar->bufq_tail[idx], val);
	atomic_fetch_add_explicit(&bar->num_bufq_doorbells[idx], 1,
				  memory_order_relaxed);
	rx_tail_kick(port, idx);
}

/* @arg of the vector registers is the first vector of the array */
static bool reg_vector_exists(struct nic_port *port, u32 vec, const char *what)
{
	if (vec < port->irq.num_vectors)
		return true;
	report_error(port, REPORT_REG_UNKNOWN, "%s of vector %" PRIu32, what,
		     vec);
	return false;
}

static u32 dyn_ctl_read(struct nic_port *port, u32 idx, u32 arg)
{
	if (!reg_vector_exists(port, idx + arg, "DYN_CTL"))
		return 0;
	return irq_read_dyn_ctl(port, idx + arg);
}

static void dyn_ctl_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	if (reg_vector_exists(port, idx + arg, "DYN_CTL"))
		irq_write_dyn_ctl(port, idx + arg, val);
}

/* ITR registers: the index in the low bits of @arg, the first vector above */
#define ITR_ARG(vec, itr)	((vec) << 4 | (itr))
#define ITR_ARG_VEC(arg)	((arg) >> 4)
#define ITR_ARG_ITR(arg)	((arg) & 0xf)

static u32 itr_read(struct nic_port *port, u32 idx, u32 arg)
{
	u32 vec = idx + ITR_ARG_VEC(arg);

	if (!reg_vector_exists(port, vec, "ITR"))
		return 0;
	return atomic_load(&port->irq.vec[vec].itr[ITR_ARG_ITR(arg)]);
}

static void itr_write(struct nic_port *port, u32 idx, u32 arg, u32 val)
{
	u32 vec = idx + ITR_ARG_VEC(arg);

	if (!reg_vector_exists(port, vec, "ITR"))
		return;
	if (!FIELD_FIT(IDPF_ITR_INTERVAL, val))
		report_error(port, REPORT_REG_VALUE,
			     "interval 0x%" PRIx32 " of vector %" PRIu32, val, vec);
	atomic_store(&port->irq.vec[vec].itr[ITR_ARG_ITR(arg)],
		     FIELD_GET(IDPF_ITR_INTERVAL, val));
}

/* ------------------------------------------------------------------ */
/* The maps                                                             */

#define REG_MBX(map, name) \
	{ #name, IDPF_##map##_##name, 1, 4, mbx_reg_read, mbx_reg_write, \
	  BAR_##name }
#define REG_ZERO(name, offset)	{ name, offset, 1, 4, NULL, NULL, 0 }

/* The first rows are those that the data path of a driver writes */
static const struct reg_desc pf_map[] = {
	{ "QTX_DBELL", IDPF_PF_QTX_DBELL(0), QUEUE_MAX_PAIRS,
	  IDPF_PF_QUEUE_SPACING, tx_tail_read, tx_tail_write, 0 },
	{ "QRX_BUFFQ_TAIL", IDPF_PF_QRX_BUFFQ_TAIL(0), QUEUE_MAX_BUFQ,
	  IDPF_PF_QUEUE_SPACING, bufq_tail_read, bufq_tail_write, 0 },
	{ "DYN_CTL", IDPF_PF_DYN_CTL(0), IRQ_MAX_VECTORS,
	  IDPF_PF_VECTOR_SPACING, dyn_ctl_read, dyn_ctl_write, 0 },
	{ "QRX_TAIL", IDPF_PF_QRX_TAIL(0), QUEUE_MAX_PAIRS,
	  IDPF_PF_QUEUE_SPACING, rx_tail_read, rx_tail_write, 0 },
	{ "ITR0", IDPF_PF_ITR(0, 0), IRQ_MAX_VECTORS,
	  IDPF_PF_VECTOR_SPACING, itr_read, itr_write, ITR_ARG(0, 0) },
	{ "ITR1", IDPF_PF_ITR(0, 1), IRQ_MAX_VECTORS,
	  IDPF_PF_VECTOR_SPACING, itr_read, itr_write, ITR_ARG(0, 1) },
	{ "ITR2", IDPF_PF_ITR(0, 2), IRQ_MAX_VECTORS,
	  IDPF_PF_VECTOR_SPACING, itr_read, itr_write, ITR_ARG(0, 2) },
	REG_MBX(PF, ARQBAL), REG_MBX(PF, ARQBAH), REG_MBX(PF, ARQLEN),
	REG_MBX(PF, ARQH), REG_MBX(PF, ARQT),
	REG_MBX(PF, ATQBAL), REG_MBX(PF, ATQBAH), REG_MBX(PF, ATQLEN),
	REG_MBX(PF, ATQH), REG_MBX(PF, ATQT),
	{ "OICR_ENA", IDPF_PF_OICR_ENA, 1, 4, oicr_ena_read, oicr_ena_write, 0 },
	REG_ZERO("OICR", IDPF_PF_OICR),
	REG_ZERO("OICR_CAUSE", IDPF_PF_OICR_CAUSE),
	REG_ZERO("PBA_CLEAR", IDPF_PF_PBA_CLEAR),
	REG_ZERO("RTRIG", IDPF_PF_RTRIG),
	{ "RSTAT", IDPF_PF_RSTAT, 1, 4, rstat_read, NULL, 0 },
	{ "CTRL", IDPF_PF_CTRL, 1, 4, NULL, pfgen_ctrl_write, 0 },
	/* a driver that was bound by class code looks whether this can be written */
	REG_ZERO("VF_ARQBAL", IDPF_VF_ARQBAL),
	{ }
};

/* Vectors: 0 is the mailbox and has registers of its own, n + 1 stands at
 * place n of the arrays.
 */
static const struct reg_desc vf_map[] = {
	{ "QTX_TAIL_EXT", IDPF_VF_QTX_TAIL_EXT(0), QUEUE_MAX_PAIRS,
	  IDPF_VF_QUEUE_SPACING, tx_tail_read, tx_tail_write, 0 },
	{ "QRXB_TAIL", IDPF_VF_QRXB_TAIL(0), QUEUE_MAX_BUFQ,
	  IDPF_VF_QUEUE_SPACING, bufq_tail_read, bufq_tail_write, 0 },
	{ "DYN_CTLN_EXT", IDPF_VF_DYN_CTLN_EXT(0), IRQ_MAX_VECTORS - 1, 4,
	  dyn_ctl_read, dyn_ctl_write, 1 },
	{ "QRX_TAIL_EXT", IDPF_VF_QRX_TAIL_EXT(0), QUEUE_MAX_PAIRS,
	  IDPF_VF_QUEUE_SPACING, rx_tail_read, rx_tail_write, 0 },
	{ "ITRN_2K(0)", IDPF_VF_ITRN_2K(0, 0), IRQ_MAX_VECTORS - 1, 4,
	  itr_read, itr_write, ITR_ARG(1, 0) },
	{ "ITRN_2K(1)", IDPF_VF_ITRN_2K(0, 1), IRQ_MAX_VECTORS - 1, 4,
	  itr_read, itr_write, ITR_ARG(1, 1) },
	{ "ITRN_2K(2)", IDPF_VF_ITRN_2K(0, 2), IRQ_MAX_VECTORS - 1, 4,
	  itr_read, itr_write, ITR_ARG(1, 2) },
	{ "DYN_CTL0", IDPF_VF_DYN_CTL0, 1, 4, dyn_ctl_read, dyn_ctl_write, 0 },
	{ "ITR0(0)", IDPF_VF_ITR0(0), 1, 4, itr_read, itr_write, ITR_ARG(0, 0) },
	{ "ITR0(1)", IDPF_VF_ITR0(1), 1, 4, itr_read, itr_write, ITR_ARG(0, 1) },
	{ "ITR0(2)", IDPF_VF_ITR0(2), 1, 4, itr_read, itr_write, ITR_ARG(0, 2) },
	REG_MBX(VF, ARQBAL), REG_MBX(VF, ARQBAH), REG_MBX(VF, ARQLEN),
	REG_MBX(VF, ARQH), REG_MBX(VF, ARQT),
	REG_MBX(VF, ATQBAL), REG_MBX(VF, ATQBAH), REG_MBX(VF, ATQLEN),
	REG_MBX(VF, ATQH), REG_MBX(VF, ATQT),
	{ "ICR0_ENA1", IDPF_VF_ICR0_ENA1, 1, 4, oicr_ena_read, oicr_ena_write,
	  0 },
	REG_ZERO("ICR01", IDPF_VF_ICR01),
	REG_ZERO("PBA_CLEAR", IDPF_VF_PBA_CLEAR),
	{ "RSTAT", IDPF_VF_RSTAT, 1, 4, rstat_read, NULL, 0 },
	/* places of the first 16 queues and vectors in the older map */
	{ "QTX_TAIL", IDPF_VF_QTX_TAIL(0), QUEUE_MAX_PAIRS,
	  IDPF_VF_QUEUE_SPACING, tx_tail_read, tx_tail_write, 0 },
	{ "QRX_TAIL", IDPF_VF_QRX_TAIL(0), QUEUE_MAX_PAIRS,
	  IDPF_VF_QUEUE_SPACING, rx_tail_read, rx_tail_write, 0 },
	{ "DYN_CTLN", IDPF_VF_DYN_CTLN(0), 16, 4, dyn_ctl_read, dyn_ctl_write,
	  1 },
	{ "ITRN(0)", IDPF_VF_ITRN(0, 0), 16, 4, itr_read, itr_write,
	  ITR_ARG(1, 0) },
	{ "ITRN(1)", IDPF_VF_ITRN(0, 1), 16, 4, itr_read, itr_write,
	  ITR_ARG(1, 1) },
	{ "ITRN(2)", IDPF_VF_ITRN(0, 2), 16, 4, itr_read, itr_write,
	  ITR_ARG(1, 2) },
	{ }
};

static const struct bar_layout pf_layout = {
	.size = IDPF_PF_BAR_SIZE,
	.mbx_dyn_ctl = IDPF_PF_DYN_CTL(0),
	.dyn_ctl = IDPF_PF_DYN_CTL(1),
	.dyn_ctl_spacing = IDPF_PF_VECTOR_SPACING,
	.itr = IDPF_PF_ITR(1, 0),
	.itr_spacing = IDPF_PF_VECTOR_SPACING,
	.itr_index_spacing = IDPF_PF_ITR_INDEX_SPACING,
	.tx_tail = IDPF_PF_QTX_DBELL(0),
	.rx_tail = IDPF_PF_QRX_TAIL(0),
	.bufq_tail = IDPF_PF_QRX_BUFFQ_TAIL(0),
	.tail_spacing = IDPF_PF_QUEUE_SPACING,
};

static const struct bar_layout vf_layout = {
	.size = IDPF_VF_BAR_SIZE,
	.mbx_dyn_ctl = IDPF_VF_DYN_CTL0,
	.dyn_ctl = IDPF_VF_DYN_CTLN_EXT(0),
	.dyn_ctl_spacing = 4,
	.itr = IDPF_VF_ITRN_2K(0, 0),
	.itr_spacing = 4,
	.itr_index_spacing = IDPF_VF_ITR_INDEX_SPACING_2K,
	.tx_tail = IDPF_VF_QTX_TAIL_EXT(0),
	.rx_tail = IDPF_VF_QRX_TAIL_EXT(0),
	.bufq_tail = IDPF_VF_QRXB_TAIL(0),
	.tail_spacing = IDPF_VF_QUEUE_SPACING,
};

static_assert(QUEUE_MAX_BUFQ <= BAR_MAX_TAILS, "a tail for each queue");

const struct bar_layout *bar_layout(const struct nic_port *port)
{
	return port->cfg.identity == NIC_ID_VF ? &vf_layout : &pf_layout;
}

/* ------------------------------------------------------------------ */
/* Access                                                               */

static const struct reg_desc *reg_find(const struct nic_port *port, u32 off,
				       u32 *idx)
{
	const struct reg_desc *reg;

	reg = port->cfg.identity == NIC_ID_VF ? vf_map : pf_map;
	for (; reg->name; reg++) {
		u32 rel = off - reg->offset;

		if (off < reg->offset || rel % reg->stride ||
		    rel / reg->stride >= reg->count)
			continue;
		*idx = rel / reg->stride;
		return reg;
	}
	return NULL;
}

static u32 reg_read(struct nic_port *port, u32 off)
{
	const struct reg_desc *reg;
	u32 idx;

	reg = reg_find(port, off, &idx);
	if (!reg) {
		report_error(port, REPORT_REG_UNKNOWN, "read at 0x%" PRIx32, off);
		return 0;
	}
	return reg->read ? reg->read(port, idx, reg->arg) : 0;
}

static void reg_write(struct nic_port *port, u32 off, u32 val)
{
	const struct reg_desc *reg;
	u32 idx;

	reg = reg_find(port, off, &idx);
	if (!reg) {
		report_error(port, REPORT_REG_UNKNOWN,
			     "0x%" PRIx32 " written at 0x%" PRIx32, val, off);
		return;
	}
	if (reg->write)
		reg->write(port, idx, reg->arg, val);
}

void bar_read(struct nic_port *port, u64 off, u8 *buf, u32 len)
{
	if ((off | len) & 3)
		report_error(port, REPORT_REG_ACCESS,
			     "read of %" PRIu32 " bytes at 0x%" PRIx64, len, off);
	while (len) {
		u32 skip = off & 3;
		u32 chunk = 4 - skip < len ? 4 - skip : len;
		__le32 val = cpu_to_le32(reg_read(port, off & ~3ULL));

		memcpy(buf, (u8 *)&val + skip, chunk);
		buf += chunk;
		off += chunk;
		len -= chunk;
	}
}

void bar_write(struct nic_port *port, u64 off, const u8 *buf, u32 len)
{
	/* a part of a register cannot be written: tails would go astray */
	if ((off | len) & 3) {
		report_error(port, REPORT_REG_ACCESS,
			     "write of %" PRIu32 " bytes at 0x%" PRIx64, len, off);
		return;
	}
	for (; len; buf += 4, off += 4, len -= 4) {
		__le32 val;

		memcpy(&val, buf, sizeof(val));
		reg_write(port, off, le32_to_cpu(val));
	}
}

void bar_reset(struct nic_port *port)
{
	struct bar *bar = &port->bar;

	for (unsigned int i = 0; i < BAR_NUM_MBX_REGS; i++)
		atomic_store(&bar->mbx[i], 0);
	for (unsigned int i = 0; i < BAR_MAX_TAILS; i++) {
		atomic_store(&bar->tx_tail[i], 0);
		atomic_store(&bar->rx_tail[i], 0);
		atomic_store(&bar->bufq_tail[i], 0);
	}
	atomic_store(&bar->oicr_ena, 0);
}
