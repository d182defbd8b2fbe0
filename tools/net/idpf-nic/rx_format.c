// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive descriptor formats.
 *
 * Split model: buffers are posted to buffer queues, descriptors of the flex
 * format go to a ring of their own and have a generation bit.
 * Single model: descriptors take the place of the posted buffers, in the base
 * or in the flex format, and have a "done" bit.
 *
 * The quad word with the bit that the driver looks at is always written last.
 * No checksum engine has looked at the packet: no format says it was checked.
 */

#include <string.h>

#include "corrupt.h"
#include "nic.h"
#include "rx.h"

#define RX_QWORDS	(sizeof(struct idpf_rx_flex_desc) / sizeof(u64))

/* The guest can change what it posted at any time: read it once */
static u64 read_qword(const void *at, unsigned int idx)
{
	return le64_to_cpu(__atomic_load_n((const __le64 *)at + idx,
					   __ATOMIC_RELAXED));
}

/* Writes a descriptor, quad word @last as the last one */
static void write_desc(const struct rx_plan *plan, enum corrupt_kind kind,
		       void *at, const void *desc, unsigned int last)
{
	struct fault *fault = &plan->rxq->q.port->fault;
	u64 qw[RX_QWORDS], *to = at;

	memcpy(qw, desc, sizeof(qw));
	if (fault_armed(fault, BIT(FAULT_RX_CORRUPT)))
		corrupt_desc(fault, kind, qw, sizeof(qw));
	for (unsigned int i = 0; i < RX_QWORDS; i++)
		if (i != last)
			to[i] = qw[i];
	__atomic_store_n(&to[last], qw[last], __ATOMIC_RELEASE);
}

static bool is_last(const struct rx_plan *plan, unsigned int idx)
{
	return idx + 1 == plan->num_bufs;
}

static void split_read(const void *at, struct rx_posted *posted)
{
	posted->id = (u16)read_qword(at, 0);
	posted->pkt_addr = read_qword(at, 1);
	posted->hdr_addr = read_qword(at, 2);
}

static void single_read(const void *at, struct rx_posted *posted)
{
	posted->id = 0;
	posted->pkt_addr = read_qword(at, 0);
	posted->hdr_addr = read_qword(at, 1);
}

/* Did the vport send the frame itself? */
static bool is_looped(const struct rx_plan *plan)
{
	return plan->frame->src == plan->rxq->q.vport;
}

static u8 split_status0(const struct rx_plan *plan)
{
	u8 status = is_looped(plan) ? IDPF_RXF_ST0Q0_LPBK : 0;

	if (plan->frame->info.flags & PARSE_F_IPV6_EXT)
		status |= IDPF_RXF_ST0Q0_IPV6EXADD;
	if (plan->hashed)
		status |= IDPF_RXF_ST0Q0_RSS_VALID;
	return status;
}

static u8 split_status1(const struct rx_plan *plan, unsigned int idx)
{
	u8 status = IDPF_RXF_ST0Q1_DD;

	if (is_last(plan, idx))
		status |= IDPF_RXF_ST0Q1_EOF;
	if (!idx && plan->hdr_overflow)
		status |= IDPF_RXF_ST0Q1_HBO;
	return status;
}

static void split_write(const struct rx_plan *plan, unsigned int idx, void *at)
{
	const struct parse_info *info = &plan->frame->info;
	const struct rx_buf *buf = &plan->bufs[idx];
	struct idpf_rx_flex_desc d = { .buf_id = cpu_to_le16(buf->id) };
	u16 ptype, len;

	ptype = FIELD_PREP(IDPF_RXF_PTYPE, info->ptype) | IDPF_RXF_RAW_CSUM_INV;
	len = FIELD_PREP(IDPF_RXF_LEN, buf->len) |
	      FIELD_PREP(IDPF_RXF_GEN, plan->rxq->q.gen) |
	      FIELD_PREP(IDPF_RXF_BUFQ_ID, buf->which);
	d.rxdid_ucast = FIELD_PREP(IDPF_RXF_RXDID, IDPF_RXDID_FLEX_SPLITQ) |
			FIELD_PREP(IDPF_RXF_UMBCAST, info->cast);
	d.status0_qw0 = split_status0(plan);
	d.ptype_err = cpu_to_le16(ptype);
	d.len_gen_bufq = cpu_to_le16(len);
	d.status0_qw1 = split_status1(plan, idx);
	if (!idx && plan->hdr_len)
		d.hdrlen_flags = cpu_to_le16(FIELD_PREP(IDPF_RXF_HDR_LEN,
							plan->hdr_len) |
					     IDPF_RXF_SPH);
	if (plan->hashed) {
		d.hash1 = cpu_to_le16((u16)plan->hash);
		d.hash2 = (u8)(plan->hash >> 16);
		d.hash3 = (u8)(plan->hash >> 24);
	}
	write_desc(plan, CORRUPT_RX_SPLIT, at, &d, 0);
}

static void base_write(const struct rx_plan *plan, unsigned int idx, void *at)
{
	const struct parse_info *info = &plan->frame->info;
	struct idpf_rx_base_desc d = { 0 };
	u64 qw1;

	qw1 = IDPF_RXB_ST_DD | FIELD_PREP(IDPF_RXB_ST_UMBCAST, info->cast) |
	      FIELD_PREP(IDPF_RXB_PTYPE, info->ptype) |
	      FIELD_PREP(IDPF_RXB_LEN, plan->bufs[idx].len);
	if (is_last(plan, idx))
		qw1 |= IDPF_RXB_ST_EOF;
	if (is_looped(plan))
		qw1 |= IDPF_RXB_ST_LPBK;
	if (info->flags & PARSE_F_IPV6_EXT)
		qw1 |= IDPF_RXB_ST_IPV6EXADD;
	if (plan->hashed) {
		qw1 |= FIELD_PREP(IDPF_RXB_ST_FLTSTAT,
				  IDPF_RXB_FLTSTAT_RSS_HASH);
		d.rss_hash = cpu_to_le32(plan->hash);
	}
	d.qw1 = cpu_to_le64(qw1);
	write_desc(plan, CORRUPT_RX_BASE, at, &d, 1);
}

/* A packet of its own, without a byte and with an error */
static void base_write_bad(const struct rx_plan *plan, void *at)
{
	struct idpf_rx_base_desc d = {
		.qw1 = cpu_to_le64(IDPF_RXB_ST_DD | IDPF_RXB_ST_EOF |
				   IDPF_RXB_ERR_RXE),
	};

	write_desc(plan, CORRUPT_RX_BASE, at, &d, 1);
}

static void nic_write(const struct rx_plan *plan, unsigned int idx, void *at)
{
	const struct parse_info *info = &plan->frame->info;
	struct idpf_rx_flex_nic_desc d = { .rxdid = IDPF_RXDID_FLEX_SQ_NIC };
	u16 status = IDPF_RXN_ST0_DD;

	if (is_last(plan, idx))
		status |= IDPF_RXN_ST0_EOF;
	if (is_looped(plan))
		status |= IDPF_RXN_ST0_LPBK;
	if (info->flags & PARSE_F_IPV6_EXT)
		status |= IDPF_RXN_ST0_IPV6EXADD;
	if (plan->hashed) {
		status |= IDPF_RXN_ST0_RSS_VALID;
		d.rss_hash = cpu_to_le32(plan->hash);
	}
	d.mir_umb = FIELD_PREP(IDPF_RXF_UMBCAST, info->cast);
	d.ptype = cpu_to_le16(FIELD_PREP(IDPF_RXN_PTYPE, info->ptype));
	d.pkt_len = cpu_to_le16(FIELD_PREP(IDPF_RXN_LEN, plan->bufs[idx].len));
	d.status0 = cpu_to_le16(status);
	write_desc(plan, CORRUPT_RX_NIC, at, &d, 1);
}

static void nic_write_bad(const struct rx_plan *plan, void *at)
{
	struct idpf_rx_flex_nic_desc d = {
		.rxdid = IDPF_RXDID_FLEX_SQ_NIC,
		.status0 = cpu_to_le16(IDPF_RXN_ST0_DD | IDPF_RXN_ST0_EOF |
				       IDPF_RXN_ST0_RXE),
	};

	write_desc(plan, CORRUPT_RX_NIC, at, &d, 1);
}

static const struct rx_format split_format = {
	.split = true,
	.read = split_read,
	.write = split_write,
};

static const struct rx_format base_format = {
	.read = single_read,
	.write = base_write,
	.write_bad = base_write_bad,
};

static const struct rx_format nic_format = {
	.read = single_read,
	.write = nic_write,
	.write_bad = nic_write_bad,
};

/**
 * rx_format_get() - format of a configuration
 * @model: the vport's model
 * @cfg: of a receive queue
 *
 * Return: the format, NULL if it is not of this model.
 */
const struct rx_format *rx_format_get(const struct nic_model *model,
				      const struct queue_cfg *cfg)
{
	u64 ids = cfg->desc_ids & model->rx_desc_ids;

	if (cfg->model != model->queues)
		return NULL;
	if (cfg->model == VC2_QUEUE_MODEL_SPLIT)
		return ids & BIT_ULL(IDPF_RXDID_FLEX_SPLITQ) ? &split_format :
							       NULL;
	if (ids & BIT_ULL(IDPF_RXDID_FLEX_SQ_NIC))
		return &nic_format;
	return ids & BIT_ULL(IDPF_RXDID_BASE_32B) ? &base_format : NULL;
}
