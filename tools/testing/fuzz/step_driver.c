// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stepper's driver: what it does is right, unless mutated on its way.
 */

#include <linux/pci_regs.h>
#include <string.h>

#include <glib.h>

#include "step.h"

#define STEP_PAGE	4096u
#define STEP_FULL	8	/* rounds after each action, at most */

static const char *const step_models[] = {
	"split", "split-qsched", "single-base", "single-flex",
};

/* The NIC's part of a step */
void step_rounds(void)
{
	u64 deadline_ns;

	for (unsigned int i = 0; i < STEP_FULL; i++)
		if (!data_round(&run.nic, &deadline_ns))
			break;
}

void step_write(struct step_guest *g, u64 reg, u32 val)
{
	struct vfu_access acc = { 0, reg, sizeof(val) };

	pci_vfu_ops.write(g->port, &acc, (u8 *)&val);
}

u32 step_read(struct step_guest *g, u64 reg)
{
	struct vfu_access acc = { 0, reg, sizeof(u32) };
	u32 val;

	pci_vfu_ops.read(g->port, &acc, (u8 *)&val);
	return val;
}

/* host address of guest memory that exists */
void *step_at(struct step_guest *g, u64 addr)
{
	return g->mem + (addr - STEP_MEM_BASE);
}

/* anywhere among the packet buffers */
u64 step_buf(struct step_guest *g, u32 len)
{
	return STEP_MEM_BASE + STEP_BUFS + step_below(STEP_MEM - STEP_BUFS - len);
}

static u64 step_alloc(struct step_guest *g, u32 len)
{
	u64 addr = STEP_MEM_BASE + g->bump;

	/* rings of old lie where new ones will: that is a driver's own fault */
	if (g->bump + len > STEP_BUFS) {
		g->bump = STEP_PAGE;
		addr = STEP_MEM_BASE + g->bump;
	}
	memset(step_at(g, addr), 0, len);
	g->bump += (len + STEP_PAGE - 1) & ~(STEP_PAGE - 1);
	return addr;
}

/* ------------------------------------------------------------------ */
/* Mailbox                                                              */

static u32 step_mbx_reg(struct step_guest *g, u32 pf, u32 vf)
{
	return g->port->cfg.identity == NIC_ID_VF ? vf : pf;
}

#define MBX(g, name)	step_mbx_reg(g, IDPF_PF_##name, IDPF_VF_##name)

static void step_post_arq(struct step_guest *g, u32 idx)
{
	struct idpf_ctlq_desc *desc = step_at(g, g->arq + idx * sizeof(*desc));
	u64 buf = g->arq + STEP_PAGE * (1 + idx);

	*desc = (struct idpf_ctlq_desc){
		.flags = IDPF_CTLQ_FLAG_BUF | IDPF_CTLQ_FLAG_RD,
		.datalen = IDPF_CTLQ_BUF_SIZE,
		.addr_high = buf >> 32, .addr_low = (u32)buf,
	};
}

static void step_start_mbx(struct step_guest *g)
{
	g->atq = step_alloc(g, STEP_PAGE * (1 + STEP_MBX_LEN));
	g->arq = step_alloc(g, STEP_PAGE * (1 + STEP_MBX_LEN));
	g->atq_next = 0;
	g->arq_next = 0;
	for (u32 i = 0; i < STEP_MBX_LEN; i++)
		step_post_arq(g, i);
	step_write(g, MBX(g, ATQT), 0);
	step_write(g, MBX(g, ATQH), 0);
	step_write(g, MBX(g, ATQBAL), (u32)g->atq);
	step_write(g, MBX(g, ATQBAH), g->atq >> 32);
	step_write(g, MBX(g, ATQLEN), STEP_MBX_LEN | IDPF_CTLQ_LEN_ENABLE);
	step_write(g, MBX(g, ARQT), STEP_MBX_LEN - 1);
	step_write(g, MBX(g, ARQH), 0);
	step_write(g, MBX(g, ARQBAL), (u32)g->arq);
	step_write(g, MBX(g, ARQBAH), g->arq >> 32);
	step_write(g, MBX(g, ARQLEN), STEP_MBX_LEN | IDPF_CTLQ_LEN_ENABLE);
}

/*
 * Takes what is in the receive ring.  With honest drivers and no faults each
 * message has exactly one answer, and nothing but events comes besides.
 *
 * Return: the reply was there, and good
 */
static bool step_take(struct step_guest *g, u32 opcode, void *reply)
{
	u32 answers = 0, others = 0;
	bool good = false;

	for (u32 i = 0; i < STEP_MBX_LEN; i++) {
		struct idpf_ctlq_desc *desc =
			step_at(g, g->arq + g->arq_next * sizeof(*desc));

		if (!(desc->flags & IDPF_CTLQ_FLAG_DD))
			break;
		if (FIELD_GET(IDPF_CTLQ_VC_OPCODE, desc->vc_opcode) == opcode &&
		    desc->sw_cookie == g->cookie) {
			answers++;
			good = !desc->vc_retval;
			if (good && reply && desc->datalen <= IDPF_CTLQ_BUF_SIZE)
				memcpy(reply, step_at(g, g->arq + STEP_PAGE *
						      (1 + g->arq_next)),
				       IDPF_CTLQ_BUF_SIZE);
		} else if (FIELD_GET(IDPF_CTLQ_VC_OPCODE, desc->vc_opcode) !=
			   VC2_OP_EVENT) {
			others++;
		}
		step_post_arq(g, g->arq_next);
		step_write(g, MBX(g, ARQT), g->arq_next);
		g->arq_next = (g->arq_next + 1) % STEP_MBX_LEN;
	}
	run.answers += answers;
	if (g->honest && (answers != 1 || others))
		run.wrong_answers++;
	return good;
}

/**
 * step_call() - send a message, wait for the reply
 * @g: the guest
 * @opcode: VC2_OP_*
 * @data: message
 * @len: its length
 * @reply: IDPF_CTLQ_BUF_SIZE bytes for the reply's data, NULL: not wanted
 *
 * Return: true if it was done.
 */
bool step_call(struct step_guest *g, u32 opcode, const void *data, u32 len,
	       void *reply)
{
	u64 buf = g->atq + STEP_PAGE * (1 + g->atq_next);
	struct idpf_ctlq_desc desc = {
		.flags = IDPF_CTLQ_FLAG_BUF | IDPF_CTLQ_FLAG_RD,
		.opcode = IDPF_CTLQ_OP_SEND_TO_CP, .datalen = len,
		.vc_opcode = FIELD_PREP(IDPF_CTLQ_VC_OPCODE, opcode),
		.sw_cookie = ++g->cookie,
		.addr_high = buf >> 32, .addr_low = (u32)buf,
	};

	if (len > IDPF_CTLQ_BUF_SIZE)
		len = IDPF_CTLQ_BUF_SIZE;
	memcpy(step_at(g, buf), data, len);
	if (!g->honest && step_one_in(64))
		step_mutate((u8 *)&desc, sizeof(desc));
	memcpy(step_at(g, g->atq + g->atq_next * sizeof(desc)), &desc,
	       sizeof(desc));
	g->atq_next = (g->atq_next + 1) % STEP_MBX_LEN;
	run.messages++;
	step_write(g, MBX(g, ATQT), g->atq_next);
	step_rounds();
	return step_take(g, opcode, reply);
}

/* ------------------------------------------------------------------ */
/* Bringing a function up                                               */

static void step_note_chunks(struct step_vport *vp,
			     const struct vc2_create_vport *out)
{
	for (u32 i = 0; i < out->num_chunks && i < 64; i++) {
		const struct vc2_queue_reg_chunk *chunk = &out->chunks[i];

		if (chunk->type >= QUEUE_NUM_TYPES)
			continue;
		for (u32 j = 0; j < chunk->num_queues &&
		     vp->num[chunk->type] < STEP_MAX_Q; j++) {
			struct step_queue *q =
				&vp->q[chunk->type][vp->num[chunk->type]++];

			q->id = chunk->start_queue_id + j;
			q->tail = chunk->qtail_reg_start +
				  (u64)j * chunk->qtail_reg_spacing;
		}
	}
}

static bool step_create(struct step_guest *g, struct step_vport *vp, u16 index)
{
	static _Alignas(8) u8 reply[IDPF_CTLQ_BUF_SIZE];
	const struct vc2_create_vport *out = (void *)reply;
	const struct nic_model *model = g->port->cfg.model;
	u16 pairs = 1 + step_below(g->port->cfg.num_qpairs);
	struct vc2_create_vport in = {
		.vport_index = index, .num_tx_q = pairs, .num_rx_q = pairs,
	};

	memset(vp, 0, sizeof(*vp));
	in.txq_model = model->queues;
	in.rxq_model = in.txq_model;
	if (in.txq_model == VC2_QUEUE_MODEL_SPLIT)
		in.num_tx_complq = pairs;
	if (in.rxq_model == VC2_QUEUE_MODEL_SPLIT)
		in.num_rx_bufq = pairs * (1 + step_below(2));
	if (!g->honest && step_one_in(16))
		step_mutate((u8 *)&in, sizeof(in));
	if (!step_call(g, VC2_OP_CREATE_VPORT, &in, sizeof(in), reply))
		return false;
	vp->id = out->vport_id;
	vp->tx_model = out->txq_model;
	vp->rx_model = out->rxq_model;
	vp->sched = out->tx_desc_ids & BIT_ULL(IDPF_TX_DTYPE_FLEX_FLOW_SCHED) ?
		    VC2_TXQ_SCHED_FLOW : VC2_TXQ_SCHED_QUEUE;
	vp->rxd = out->rx_desc_ids;
	vp->hsplit = vp->rx_model == VC2_QUEUE_MODEL_SPLIT && step_one_in(2);
	step_note_chunks(vp, out);
	return true;
}

static void step_ring(struct step_guest *g, struct step_queue *q, u32 size)
{
	q->len = g->honest ? 128 : 32u << step_below(5);
	q->next = 0;
	q->ring = step_alloc(g, q->len * size);
}

static void step_config_tx(struct step_guest *g, struct step_vport *vp)
{
	struct {
		struct vc2_config_tx_queues head;
		struct vc2_txq_info info[2];
	} msg;
	u16 num = vp->num[VC2_QUEUE_TYPE_TX_COMPL];

	for (u16 i = 0; i < vp->num[VC2_QUEUE_TYPE_TX]; i++) {
		struct step_queue *q = &vp->q[VC2_QUEUE_TYPE_TX][i];
		struct step_queue *cq = num ? &vp->q[VC2_QUEUE_TYPE_TX_COMPL]
						    [i % num] : NULL;

		memset(&msg, 0, sizeof(msg));
		step_ring(g, q, sizeof(struct idpf_tx_desc_raw));
		msg.head.vport_id = vp->id;
		msg.head.num_qinfo = cq ? 2 : 1;
		msg.info[0] = (struct vc2_txq_info){
			.dma_ring_addr = q->ring, .type = VC2_QUEUE_TYPE_TX,
			.queue_id = q->id, .relative_queue_id = i,
			.model = vp->tx_model, .sched_mode = vp->sched,
			.ring_len = q->len, .tx_compl_queue_id = cq ? cq->id : 0,
		};
		if (cq) {
			step_ring(g, cq, sizeof(struct idpf_tx_compl));
			msg.info[1] = msg.info[0];
			msg.info[1].dma_ring_addr = cq->ring;
			msg.info[1].type = VC2_QUEUE_TYPE_TX_COMPL;
			msg.info[1].queue_id = cq->id;
			msg.info[1].ring_len = cq->len;
		}
		if (!g->honest && step_one_in(32))
			step_mutate((u8 *)&msg, sizeof(msg));
		step_call(g, VC2_OP_CONFIG_TX_QUEUES, &msg, sizeof(msg), NULL);
	}
}

/* An honest driver posts enough for any frame that honest ones send */
static u32 step_buf_size(const struct step_guest *g)
{
	return g->honest ? 2048 : QUEUE_BUF_UNIT << step_below(6);
}

static void step_config_rx(struct step_guest *g, struct step_vport *vp)
{
	u16 num_rx = vp->num[VC2_QUEUE_TYPE_RX];
	u16 num_bufq = vp->num[VC2_QUEUE_TYPE_RX_BUF];
	unsigned int per = num_bufq ? (num_bufq >= 2 * num_rx ? 2 : 1) : 0;
	struct {
		struct vc2_config_rx_queues head;
		struct vc2_rxq_info info[3];
	} msg;

	for (u16 i = 0; i < num_rx; i++) {
		struct step_queue *q = &vp->q[VC2_QUEUE_TYPE_RX][i];
		struct vc2_rxq_info common = {
			.desc_ids = vp->rxd, .model = vp->rx_model,
			.hdr_buffer_size = vp->hsplit ? 128 : 0,
			.data_buffer_size = step_buf_size(g),
			.max_pkt_size = g->honest || step_below(8) ?
					NIC_MAX_FRAME : 1522,
			.qflags = VC2_RXQ_DESC_32B |
				  (vp->hsplit ? VC2_RXQ_HDR_SPLIT : 0),
		};

		memset(&msg, 0, sizeof(msg));
		msg.head.vport_id = vp->id;
		msg.head.num_qinfo = 1 + per;
		step_ring(g, q, sizeof(struct idpf_rx_flex_desc));
		msg.info[per] = common;
		msg.info[per].type = VC2_QUEUE_TYPE_RX;
		for (unsigned int j = 0; j < per; j++) {
			struct step_queue *bq = &vp->q[VC2_QUEUE_TYPE_RX_BUF]
						      [(i * per + j) % num_bufq];

			step_ring(g, bq, sizeof(struct idpf_rx_buf_desc));
			msg.info[j] = common;
			msg.info[j].type = VC2_QUEUE_TYPE_RX_BUF;
			msg.info[j].queue_id = bq->id;
			msg.info[j].ring_len = bq->len;
			msg.info[j].dma_ring_addr = bq->ring;
			msg.info[j].data_buffer_size = step_buf_size(g);
			if (j)
				msg.info[per].rx_bufq2_id = bq->id;
			else
				msg.info[per].rx_bufq1_id = bq->id;
			msg.info[per].bufq2_ena = j;
		}
		msg.info[per].queue_id = q->id;
		msg.info[per].ring_len = q->len;
		msg.info[per].dma_ring_addr = q->ring;
		if (!g->honest && step_one_in(32))
			step_mutate((u8 *)&msg, sizeof(msg));
		step_call(g, VC2_OP_CONFIG_RX_QUEUES, &msg, sizeof(msg), NULL);
	}
}

static void step_map_vectors(struct step_guest *g, struct step_vport *vp)
{
	struct {
		struct vc2_queue_vector_maps head;
		struct vc2_queue_vector maps[1];
	} msg = { .head.vport_id = vp->id, .head.num_qv_maps = 1 };

	for (u32 type = 0; type < 2; type++)
		for (u16 i = 0; i < vp->num[type]; i++) {
			msg.maps[0].queue_id = vp->q[type][i].id;
			msg.maps[0].queue_type = type;
			msg.maps[0].vector_id = 1 + i;
			msg.maps[0].itr_idx = step_below(3);
			step_call(g, VC2_OP_MAP_QUEUE_VECTOR, &msg, sizeof(msg),
				  NULL);
		}
}

static void step_enable(struct step_guest *g, struct step_vport *vp)
{
	struct {
		struct vc2_queue_chunk_msg head;
		struct vc2_queue_chunk chunk;
	} msg = { .head.vport_id = vp->id, .head.num_chunks = 1 };

	/* completion and buffer queues are there before those who need them */
	for (u32 type = QUEUE_NUM_TYPES; type-- > 0;)
		for (u16 i = 0; i < vp->num[type]; i++) {
			msg.chunk.type = type;
			msg.chunk.start_queue_id = vp->q[type][i].id;
			msg.chunk.num_queues = 1;
			step_call(g, VC2_OP_ENABLE_QUEUES, &msg, sizeof(msg),
				  NULL);
		}
}

/**
 * step_post() - post receive buffers
 * @g: the guest
 * @vp: the vport
 * @idx: relative id of the buffer queue, or of the receive queue without such
 * @num: buffers
 */
void step_post(struct step_guest *g, struct step_vport *vp, unsigned int idx,
	       unsigned int num)
{
	bool single = vp->rx_model == VC2_QUEUE_MODEL_SINGLE;
	struct step_queue *q = &vp->q[single ? VC2_QUEUE_TYPE_RX :
					       VC2_QUEUE_TYPE_RX_BUF][idx];

	if (!q->ring)
		return;
	for (; num; num--) {
		u64 *desc = step_at(g, q->ring + q->next *
				    sizeof(struct idpf_rx_buf_desc));
		u64 pkt = step_buf(g, 16384), hdr = step_buf(g, 16384);

		if (!g->honest && step_one_in(2000))
			pkt = step_one_in(2) ? step_number(64) :
			      STEP_EXTRA + step_below(0x20000);
		memset(desc, 0, sizeof(struct idpf_rx_buf_desc));
		if (single) {
			desc[0] = pkt;
			desc[1] = hdr;
		} else {
			desc[0] = q->next;
			desc[1] = pkt;
			desc[2] = hdr;
		}
		q->next = (q->next + 1) % q->len;
	}
	step_write(g, q->tail, q->next);
}

static void step_post_all(struct step_guest *g, struct step_vport *vp)
{
	u32 type = vp->rx_model == VC2_QUEUE_MODEL_SINGLE ?
		   VC2_QUEUE_TYPE_RX : VC2_QUEUE_TYPE_RX_BUF;

	for (u16 i = 0; i < vp->num[type]; i++)
		if (vp->q[type][i].len)
			step_post(g, vp, i, vp->q[type][i].len - 1);
}

static void step_rss(struct step_guest *g, struct step_vport *vp)
{
	struct {
		struct vc2_rss_lut head;
		__le32 lut[64];
	} lut = { .head = { .vport_id = vp->id, .lut_entries = 64 } };
	struct vc2_rss_hash hash = { .vport_id = vp->id, .ptype_groups = ~0ull };

	for (unsigned int i = 0; i < 64; i++)
		lut.lut[i] = i % (vp->num[VC2_QUEUE_TYPE_RX] ?: 1);
	step_call(g, VC2_OP_SET_RSS_LUT, &lut, sizeof(lut), NULL);
	step_call(g, VC2_OP_SET_RSS_HASH, &hash, sizeof(hash), NULL);
}

static void step_vport_up(struct step_guest *g, struct step_vport *vp)
{
	struct vc2_vport msg = { .vport_id = vp->id };
	struct vc2_promisc promisc = { .vport_id = vp->id, .flags = 3 };

	step_config_tx(g, vp);
	step_config_rx(g, vp);
	step_map_vectors(g, vp);
	step_post_all(g, vp);
	step_enable(g, vp);
	step_rss(g, vp);
	step_call(g, VC2_OP_CONFIG_PROMISC, &promisc, sizeof(promisc), NULL);
	step_call(g, VC2_OP_ENABLE_VPORT, &msg, sizeof(msg), NULL);
}

static void step_reset(struct step_guest *g)
{
	u16 cmd = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, pm = 0;
	struct vfu_access acc = { VFU_REGION_CONFIG, PCI_COMMAND, sizeof(cmd) };

	if (g->honest || step_one_in(4))
		pci_vfu_ops.reset(g->port);
	else if (g->port->cfg.identity != NIC_ID_VF)
		step_write(g, IDPF_PF_CTRL, IDPF_PF_CTRL_PFSWR);
	pci_vfu_ops.write(g->port, &acc, (u8 *)&cmd);
	/* out of D3, where a random write may have put it */
	acc.offset = 0x40 + PCI_PM_CTRL;
	pci_vfu_ops.write(g->port, &acc, (u8 *)&pm);
}

/**
 * step_bring_up() - all that a driver does until frames flow
 * @g: the guest; connected, unless the NIC refuses that
 */
void step_bring_up(struct step_guest *g)
{
	static u8 reply[IDPF_CTLQ_BUF_SIZE] __aligned(8);
	struct vc2_version version = { .major = 2 };
	const struct vc2_caps *granted = (void *)reply;
	struct vc2_alloc_vectors vectors = { };
	struct vc2_caps caps;

	g->num_vports = 0;
	g->alive_step = run.step;
	if (!step_connect(g))
		return;
	/* a NIC whose models change is none, but the reset comes right behind */
	g->port->cfg.model = nic_model_get(step_models[step_below(4)]);
	step_reset(g);
	step_start_mbx(g);
	memset(&caps, 0xff, sizeof(caps));
	if (!g->honest && step_one_in(4))
		step_mutate((u8 *)&caps, sizeof(caps));
	step_call(g, VC2_OP_VERSION, &version, sizeof(version), NULL);
	if (!step_call(g, VC2_OP_GET_CAPS, &caps, sizeof(caps), reply))
		return;
	vectors.num_vectors = granted->num_allocated_vectors - 1;
	step_call(g, VC2_OP_ALLOC_VECTORS, &vectors, sizeof(vectors), NULL);
	while (g->num_vports < g->port->cfg.num_vports &&
	       step_create(g, &g->vports[g->num_vports], g->num_vports))
		step_vport_up(g, &g->vports[g->num_vports++]);
}

/* one of its vports, NULL if it has none */
struct step_vport *step_vport(struct step_guest *g)
{
	return g->num_vports ? &g->vports[step_below(g->num_vports)] : NULL;
}
