// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit descriptor formats, and how each tells the driver what is done.
 *
 * Split model, flow scheduling: type 12 and contexts of type 5; a completion
 * entry of 8 bytes carries the tag of each packet.
 * Split model, queue scheduling: type 7 and contexts of type 5; an entry of 4
 * bytes carries the new head.
 * Single model: base data and context descriptors; the type of a packet's last
 * descriptor becomes "done" in the ring.
 */

#include <string.h>

#include "corrupt.h"
#include "nic.h"
#include "tx.h"

static void decode_flow_data(const struct idpf_tx_desc_raw *raw,
			     struct tx_desc *desc)
{
	struct idpf_tx_flow_desc d;

	memcpy(&d, raw, sizeof(d));
	desc->kind = TX_KIND_DATA;
	desc->eop = d.cmd_dtype & IDPF_TXF_CMD_EOP;
	desc->csum = d.cmd_dtype & IDPF_TXF_CMD_CS_EN;
	desc->report_done = desc->eop;
	desc->report_head = d.cmd_dtype & IDPF_TXF_CMD_RE;
	desc->tag = le16_to_cpu(d.compl_tag);
	desc->len = FIELD_GET(IDPF_TXF_BUF_SIZE, le16_to_cpu(d.rxr_bufsize));
	desc->addr = le64_to_cpu(d.buf_addr);
}

static void decode_flex_data(const struct idpf_tx_desc_raw *raw,
			     struct tx_desc *desc)
{
	struct idpf_tx_flex_desc d;
	u16 cmd;

	memcpy(&d, raw, sizeof(d));
	cmd = le16_to_cpu(d.cmd_dtype);
	desc->kind = TX_KIND_DATA;
	desc->eop = cmd & IDPF_TXX_CMD_EOP;
	desc->csum = cmd & IDPF_TXX_CMD_CS_EN;
	desc->offload = cmd & (IDPF_TXX_CMD_IL2TAG1 | IDPF_TXX_CMD_DUMMY);
	desc->report_done = cmd & IDPF_TXX_CMD_RS;
	desc->report_head = cmd & IDPF_TXX_CMD_RE;
	desc->len = FIELD_GET(IDPF_TXF_BUF_SIZE, le16_to_cpu(d.buf_size));
	desc->addr = le64_to_cpu(d.buf_addr);
}

static void decode_flex_ctx(const struct idpf_tx_desc_raw *raw,
			    struct tx_desc *desc)
{
	struct idpf_tx_flex_tso_ctx c;

	memcpy(&c, raw, sizeof(c));
	desc->kind = TX_KIND_CTX;
	desc->tso = le16_to_cpu(c.cmd_dtype) & IDPF_TXC_CMD_TSO;
	desc->offload = le16_to_cpu(c.cmd_dtype) &
			(IDPF_TXC_CMD_TSYN | IDPF_TXC_CMD_L2TAG2);
}

static void flex_get_tso(const struct idpf_tx_desc_raw *raw,
			 struct tx_offload *off)
{
	struct idpf_tx_flex_tso_ctx c;

	memcpy(&c, raw, sizeof(c));
	off->tlen = FIELD_GET(IDPF_TXC_TLEN, le32_to_cpu(c.tlen));
	off->mss = FIELD_GET(IDPF_TXC_MSS, le16_to_cpu(c.mss));
	off->hdr_len = c.hdr_len;
}

static void decode_base_data(const struct idpf_tx_desc_raw *raw,
			     struct tx_desc *desc)
{
	u64 qw1 = le64_to_cpu(raw->qw1);

	desc->kind = TX_KIND_DATA;
	desc->eop = qw1 & IDPF_TXB_CMD_EOP;
	/* without a kind of IP nothing is asked for, whatever else is said */
	desc->csum = FIELD_GET(IDPF_TXB_CMD_IIPT, qw1) &&
		     (FIELD_GET(IDPF_TXB_CMD_L4T, qw1) ||
		      FIELD_GET(IDPF_TXB_CMD_IIPT, qw1) ==
		      IDPF_TXB_IIPT_IPV4_CSUM);
	desc->offload = qw1 & IDPF_TXB_CMD_IL2TAG1;
	desc->report_done = qw1 & IDPF_TXB_CMD_RS;
	desc->len = FIELD_GET(IDPF_TXB_BUF_SIZE, qw1);
	desc->addr = le64_to_cpu(raw->qw0);
}

static void decode_base_ctx(const struct idpf_tx_desc_raw *raw,
			    struct tx_desc *desc)
{
	struct idpf_tx_base_ctx_desc c;

	memcpy(&c, raw, sizeof(c));
	desc->kind = TX_KIND_CTX;
	desc->tso = le64_to_cpu(c.qw1) & IDPF_TXBC_QW1_CMD_TSO;
	desc->offload = c.tunneling ||
			le64_to_cpu(c.qw1) & (IDPF_TXBC_QW1_CMD_TSYN |
					      IDPF_TXBC_QW1_CMD_IL2TAG2);
}

/* The header length follows from the data descriptor */
static void base_get_tso(const struct idpf_tx_desc_raw *raw,
			 struct tx_offload *off)
{
	u64 qw1 = le64_to_cpu(raw->qw1);

	off->tlen = FIELD_GET(IDPF_TXBC_QW1_TSO_LEN, qw1);
	off->mss = FIELD_GET(IDPF_TXBC_QW1_MSS, qw1);
}

static void base_get_layout(const struct idpf_tx_desc_raw *raw,
			    struct tx_offload *off)
{
	static const u8 versions[] = {
		[IDPF_TXB_IIPT_NONE] = 0,
		[IDPF_TXB_IIPT_IPV6] = 6,
		[IDPF_TXB_IIPT_IPV4] = 4,
		[IDPF_TXB_IIPT_IPV4_CSUM] = 4,
	};
	static const u8 protos[] = {
		[IDPF_TXB_L4T_NONE] = 0,
		[IDPF_TXB_L4T_TCP] = PKT_PROTO_TCP,
		[IDPF_TXB_L4T_SCTP] = PKT_PROTO_SCTP,
		[IDPF_TXB_L4T_UDP] = PKT_PROTO_UDP,
	};
	u64 qw1 = le64_to_cpu(raw->qw1);
	u64 iipt = FIELD_GET(IDPF_TXB_CMD_IIPT, qw1);
	struct pkt_layout *layout = &off->layout;

	off->explicit = true;
	layout->ip_version = versions[iipt];
	layout->proto = protos[FIELD_GET(IDPF_TXB_CMD_L4T, qw1)];
	layout->l3_off = FIELD_GET(IDPF_TXB_MACLEN, qw1) * 2;
	layout->l4_off = layout->l3_off + FIELD_GET(IDPF_TXB_IPLEN, qw1) * 4;
	off->hdr_len = layout->l4_off + FIELD_GET(IDPF_TXB_L4LEN, qw1) * 4;

	/* without an IP version nothing is to be done (CSUM-04) */
	off->jobs = iipt == IDPF_TXB_IIPT_IPV4_CSUM ? CSUM_TX_IPV4 : 0;
	if (iipt != IDPF_TXB_IIPT_NONE && layout->proto)
		off->jobs |= CSUM_TX_L4;
}

/* The type stands at the same place in data and context descriptors */
static bool flow_decode(const struct idpf_tx_desc_raw *raw,
			struct tx_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
	switch (FIELD_GET(IDPF_TXR_DTYPE, le64_to_cpu(raw->qw1))) {
	case IDPF_TX_DTYPE_FLEX_FLOW_SCHED:
		decode_flow_data(raw, desc);
		return true;
	case IDPF_TX_DTYPE_FLEX_TSO_CTX:
		decode_flex_ctx(raw, desc);
		return true;
	default:
		return false;
	}
}

static bool flex_decode(const struct idpf_tx_desc_raw *raw,
			struct tx_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
	switch (FIELD_GET(IDPF_TXR_DTYPE, le64_to_cpu(raw->qw1))) {
	case IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2:
		decode_flex_data(raw, desc);
		return true;
	case IDPF_TX_DTYPE_FLEX_TSO_CTX:
		decode_flex_ctx(raw, desc);
		return true;
	default:
		return false;
	}
}

static bool base_decode(const struct idpf_tx_desc_raw *raw,
			struct tx_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
	switch (FIELD_GET(IDPF_TXB_DTYPE, le64_to_cpu(raw->qw1))) {
	case IDPF_TX_DTYPE_DATA:
		decode_base_data(raw, desc);
		return true;
	case IDPF_TX_DTYPE_CTX:
		decode_base_ctx(raw, desc);
		return true;
	default:
		return false;
	}
}

static void complq_advance(struct queue *cq)
{
	cq->next = queue_next(cq, cq->next);
	if (!cq->next)
		cq->gen = !cq->gen;
}

/* What both kinds of entry have.  An entry is written with one store, so that
 * its generation bit never comes before the rest.
 */
static u32 compl_entry(const struct txq *txq, unsigned int type, u16 value)
{
	u32 entry = (u32)(FIELD_PREP(IDPF_TXCQ_QID, txq->q.cfg.rel_id) |
			  FIELD_PREP(IDPF_TXCQ_TYPE, type) |
			  FIELD_PREP(IDPF_TXCQ_GEN, txq->complq->q.gen)) |
		    (u32)value << 16;
	struct fault *fault = &txq->q.port->fault;
	__le32 raw;

	if (!fault_armed(fault, BIT(FAULT_COMPL_CORRUPT)))
		return entry;
	raw = cpu_to_le32(entry);
	corrupt_desc(fault, CORRUPT_COMPL, &raw, sizeof(raw));
	return le32_to_cpu(raw);
}

static bool compl_write_8b(struct txq *txq, unsigned int type, u16 value)
{
	struct queue *cq = &txq->complq->q;
	__le64 *ring;

	ring = queue_ring(cq, sizeof(struct idpf_tx_compl), DMA_PROT_WRITE);
	if (!ring)
		return false;

	__atomic_store_n(&ring[cq->next],
			 cpu_to_le64(compl_entry(txq, type, value)),
			 __ATOMIC_RELEASE);
	complq_advance(cq);
	return true;
}

static bool compl_write_4b(struct txq *txq, unsigned int type, u16 value)
{
	struct queue *cq = &txq->complq->q;
	__le32 *ring;

	ring = queue_ring(cq, sizeof(struct idpf_tx_compl_4b), DMA_PROT_WRITE);
	if (!ring)
		return false;

	__atomic_store_n(&ring[cq->next],
			 cpu_to_le32(compl_entry(txq, type, value)),
			 __ATOMIC_RELEASE);
	complq_advance(cq);
	return true;
}

static bool flow_complete(struct txq *txq, const struct tx_packet *pkt)
{
	if (pkt->done && !compl_write_8b(txq, IDPF_TXCQ_TYPE_RS, pkt->tag))
		return false;
	return pkt->re_idx < 0 ||
	       compl_write_8b(txq, IDPF_TXCQ_TYPE_RE, (u16)pkt->re_idx);
}

static bool flex_complete(struct txq *txq, const struct tx_packet *pkt)
{
	if (pkt->done && !compl_write_4b(txq, IDPF_TXCQ_TYPE_RS, pkt->next))
		return false;
	return pkt->re_idx < 0 ||
	       compl_write_4b(txq, IDPF_TXCQ_TYPE_RE, (u16)pkt->re_idx);
}

static bool base_complete(struct txq *txq, const struct tx_packet *pkt)
{
	struct queue *q = &txq->q;
	struct idpf_tx_desc_raw *ring;
	u64 qw1 = pkt->last_qw1 | FIELD_PREP(IDPF_TXB_DTYPE,
					     IDPF_TX_DTYPE_DESC_DONE);

	if (!pkt->done)
		return true;

	ring = queue_ring(q, sizeof(*ring), DMA_PROT_WRITE);
	if (!ring)
		return false;
	__atomic_store_n(&ring[pkt->last].qw1, cpu_to_le64(qw1),
			 __ATOMIC_RELEASE);
	return true;
}

static const struct tx_format flow_format = {
	.ring_prot = DMA_PROT_READ,
	.decode = flow_decode,
	.get_tso = flex_get_tso,
	.complete = flow_complete,
};

static const struct tx_format flex_format = {
	.ring_prot = DMA_PROT_READ,
	.decode = flex_decode,
	.get_tso = flex_get_tso,
	.complete = flex_complete,
};

static const struct tx_format base_format = {
	.ring_prot = DMA_PROT_READ | DMA_PROT_WRITE,
	.decode = base_decode,
	.get_tso = base_get_tso,
	.get_layout = base_get_layout,
	.complete = base_complete,
};

/**
 * tx_complete_marker() - say that a queue has completed all it had
 * @txq: a queue of the split model
 *
 * Return: false if the completion ring is not mapped (reported).
 */
bool tx_complete_marker(struct txq *txq)
{
	if (txq->q.cfg.sched == VC2_TXQ_SCHED_FLOW)
		return compl_write_8b(txq, IDPF_TXCQ_TYPE_SW_MARKER, 0);
	return compl_write_4b(txq, IDPF_TXCQ_TYPE_SW_MARKER, txq->q.next);
}

/**
 * tx_format_get() - format of a configuration
 * @model: the vport's model
 * @cfg: of a transmit queue
 *
 * Return: the format, NULL if it is not of this model.
 */
const struct tx_format *tx_format_get(const struct nic_model *model,
				      const struct queue_cfg *cfg)
{
	u64 ids = model->tx_desc_ids;

	if (cfg->model != model->queues)
		return NULL;
	if (cfg->model == VC2_QUEUE_MODEL_SINGLE)
		return &base_format;
	if (cfg->sched == VC2_TXQ_SCHED_FLOW)
		return ids & BIT_ULL(IDPF_TX_DTYPE_FLEX_FLOW_SCHED) ?
		       &flow_format : NULL;
	if (cfg->sched == VC2_TXQ_SCHED_QUEUE)
		return ids & BIT_ULL(IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2) ?
		       &flex_format : NULL;
	return NULL;
}
