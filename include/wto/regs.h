/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Registers of an IDPF function: identities and BAR0 offsets.
 *
 * Only the mailbox, the reset registers and the other-cause enable have fixed
 * places.  Queue tails, interrupt control and throttling registers are
 * wherever the device says in its replies to CREATE_VPORT, ADD_QUEUES,
 * ALLOC_VECTORS and GET_CAPS; the offsets given here for them are those that
 * the public register maps of the physical (PF) and virtual (VF) function use.
 */

#ifndef WTO_REGS_H
#define WTO_REGS_H

#include "../../drivers/net/ethernet/wto/offload/ofl_types.h"

/* PCI identity */
#define IDPF_PCI_VENDOR_ID		0x8086
#define IDPF_PCI_DEVICE_ID_PF		0x1452
#define IDPF_PCI_DEVICE_ID_VF		0x145c
/* network controller, Ethernet, programming interface 1: any vendor's IDPF */
#define IDPF_PCI_CLASS			0x020001

#define IDPF_BAR_REGS			0
#define IDPF_BAR_MSIX			4

/* Mailbox register block, the same fields in both maps.  Length registers:
 * the highest bits are errors that the device reports and the enable bit.
 */
#define IDPF_ATQLEN_LEN			GENMASK(9, 0)
#define IDPF_ARQLEN_LEN			GENMASK(12, 0)
#define IDPF_CTLQ_LEN_VFE		BIT(28)	/* VF error */
#define IDPF_CTLQ_LEN_OVFL		BIT(29)	/* overflow */
#define IDPF_CTLQ_LEN_CRIT		BIT(30)	/* critical error */
#define IDPF_CTLQ_LEN_ENABLE		BIT(31)
#define IDPF_ATQ_HEAD			GENMASK(9, 0)
#define IDPF_ARQ_HEAD			GENMASK(12, 0)

/* PF map */
#define IDPF_PF_QRX_TAIL(q)		(0x00000000 + (q) * 0x1000)
#define IDPF_PF_QRX_BUFFQ_TAIL(q)	(0x03000000 + (q) * 0x1000)
#define IDPF_PF_QTX_DBELL(q)		(0x05000000 + (q) * 0x1000)
#define IDPF_PF_QUEUE_SPACING		0x1000

#define IDPF_PF_MBX_START		0x08400000
#define IDPF_PF_MBX_SIZE		0x1000
#define IDPF_PF_ARQBAL			0x08400000
#define IDPF_PF_ARQBAH			0x08400004
#define IDPF_PF_ARQLEN			0x08400008
#define IDPF_PF_ARQH			0x0840000c
#define IDPF_PF_ARQT			0x08400010
#define IDPF_PF_ATQBAL			0x08400014
#define IDPF_PF_ATQBAH			0x08400018
#define IDPF_PF_ATQLEN			0x0840001c
#define IDPF_PF_ATQH			0x08400020
#define IDPF_PF_ATQT			0x08400024

#define IDPF_PF_OICR_ENA		0x08406000
#define IDPF_PF_OICR			0x08406004
#define IDPF_PF_OICR_CAUSE		0x08406008
#define IDPF_PF_PBA_CLEAR		0x0840600c

#define IDPF_PF_RSTAT_START		0x08407000
#define IDPF_PF_RSTAT_SIZE		0x800
#define IDPF_PF_RTRIG			0x08407000
#define IDPF_PF_RSTAT			0x08407008
#define IDPF_PF_CTRL			0x0840700c
#define IDPF_PF_CTRL_PFSWR		BIT(0)	/* request a function reset */

#define IDPF_PF_DYN_CTL(v)		(0x08900000 + (v) * 0x1000)
#define IDPF_PF_ITR(v, i)		(0x08900004 + (v) * 0x1000 + (i) * 4)
#define IDPF_PF_VECTOR_SPACING		0x1000
#define IDPF_PF_ITR_INDEX_SPACING	4

#define IDPF_PF_BAR_SIZE		0x10000000	/* 256 MiB */

/* VF map */
#define IDPF_VF_MBX_START		0x6000
#define IDPF_VF_MBX_SIZE		0x2800
#define IDPF_VF_ARQBAH			0x6000
#define IDPF_VF_ATQH			0x6400
#define IDPF_VF_ATQLEN			0x6800
#define IDPF_VF_ARQBAL			0x6c00
#define IDPF_VF_ARQT			0x7000
#define IDPF_VF_ARQH			0x7400
#define IDPF_VF_ATQBAH			0x7800
#define IDPF_VF_ATQBAL			0x7c00
#define IDPF_VF_ARQLEN			0x8000
#define IDPF_VF_ATQT			0x8400

#define IDPF_VF_RSTAT_START		0x8800
#define IDPF_VF_RSTAT_SIZE		0x800
#define IDPF_VF_RSTAT			0x8800
#define IDPF_VF_PBA_CLEAR		0x8900

#define IDPF_VF_DYN_CTL0		0x5c00
#define IDPF_VF_ITR0(i)			(0x4c00 + (i) * 4)
#define IDPF_VF_DYN_CTLN(n)		(0x3800 + (n) * 4)
#define IDPF_VF_DYN_CTLN_EXT(n)		(0x70000 + (n) * 4)
#define IDPF_VF_ITRN(n, i)		(0x2800 + (n) * 4 + (i) * 0x40)
#define IDPF_VF_ITRN_64(n, i)		(0x2c00 + (n) * 4 + (i) * 0x100)
#define IDPF_VF_ITRN_2K(n, i)		(0x72000 + (n) * 4 + (i) * 0x2000)
#define IDPF_VF_ITR_INDEX_SPACING	0x40
#define IDPF_VF_ITR_INDEX_SPACING_2K	0x2000
#define IDPF_VF_ICR0_ENA1		0x5000
#define IDPF_VF_ICR0_ENA1_ADMINQ	BIT(30)
#define IDPF_VF_ICR01			0x4800

#define IDPF_VF_QTX_TAIL(q)		(0x00000 + (q) * 4)
#define IDPF_VF_QRX_TAIL(q)		(0x02000 + (q) * 4)
#define IDPF_VF_QTX_TAIL_EXT(q)		(0x40000 + (q) * 4)
#define IDPF_VF_QRX_TAIL_EXT(q)		(0x50000 + (q) * 4)
#define IDPF_VF_QRXB_TAIL(q)		(0x60000 + (q) * 4)
#define IDPF_VF_QUEUE_SPACING		4

#define IDPF_VF_BAR_SIZE		0x100000	/* 1 MiB */

/* A driver that was bound by class code writes this to IDPF_VF_ARQBAL: it
 * reads back on a VF register map and does not on a PF one.
 */
#define IDPF_VF_PROBE_PATTERN		0xfeed0000

/* Reset state, both maps: 0 while a reset is under way, otherwise ready.  All
 * ones means that the device does not answer any more.
 */
#define IDPF_RSTAT_STATE		GENMASK(1, 0)
#define IDPF_RSTAT_IN_PROGRESS		0
#define IDPF_RSTAT_COMPLETED		1
#define IDPF_RSTAT_ACTIVE		2

/* Interrupt control of one vector (DYN_CTL), both maps */
#define IDPF_DYN_CTL_INTENA		BIT(0)
#define IDPF_DYN_CTL_CLEARPBA		BIT(1)
#define IDPF_DYN_CTL_SWINT_TRIG		BIT(2)
#define IDPF_DYN_CTL_ITR_INDX		GENMASK(4, 3)
#define IDPF_DYN_CTL_ITR_INDX_NONE	3	/* leave the interval alone */
#define IDPF_DYN_CTL_INTERVAL		GENMASK(16, 5)
#define IDPF_DYN_CTL_SW_ITR_INDX_ENA	BIT(24)
#define IDPF_DYN_CTL_SW_ITR_INDX	GENMASK(26, 25)
#define IDPF_DYN_CTL_WB_ON_ITR		BIT(30)
#define IDPF_DYN_CTL_INTENA_MSK		BIT(31)	/* leave INTENA as it is */

/* Throttling interval register */
#define IDPF_ITR_INTERVAL		GENMASK(11, 0)
#define IDPF_ITR_UNIT_US		2
#define IDPF_ITR_NUM_INDEXES		3

#endif /* WTO_REGS_H */
