// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: configuration, start and stop of queues, their vectors.
 *
 * A message is first checked as a whole and then carried out, so that a refused
 * one has changed nothing.
 */

#include <inttypes.h>

#include "cp_priv.h"

/* what the length fields of receive descriptors can say */
#define MAX_DATA_BUF	FIELD_MAX(IDPF_RXF_LEN)
#define MAX_HDR_BUF	FIELD_MAX(IDPF_RXF_HDR_LEN)

/* the fixed part of the messages bounds the number of entries */
#define MAX_QINFO	(IDPF_CTLQ_BUF_SIZE / sizeof(struct vc2_txq_info))

/**
 * struct cp_qconf - a checked entry of a configuration message
 * @q: the queue
 * @cfg: its new configuration
 * @old: the one that it had
 * @configured: whether it had one
 */
struct cp_qconf {
	struct queue *q;
	struct queue_cfg cfg;
	struct queue_cfg old;
	bool configured;
};

/* Is @id a queue of the vport? */
static bool cp_owns(struct cp_vport *vport, u32 type, u32 id)
{
	struct queue *q = queue_get(vport->port, type, id);

	return q && q->vport == vport;
}

/* the checks that transmit and receive entries have in common */
static enum cp_status cp_check_entry(struct cp_vport *vport, u32 type, u32 id,
				     const struct queue_cfg *cfg)
{
	struct nic_port *port = vport->port;
	const char *op = cp_opcode_name(port->mbx.req.opcode);

	if (!cp_owns(vport, type, id))
		return cp_refuse(port, CP_ENXIO, CP_VALUE,
				 "%s: no queue %" PRIu32 " of type %" PRIu32
				 " in vport %" PRIu32, op, id, type, vport->id);
	if (queue_get(port, type, id)->enabled)
		return cp_refuse(port, CP_ESM, CP_STATE,
				 "%s: queue %" PRIu32 " of type %" PRIu32
				 " is enabled", op, id, type);
	if (cfg->ring_len < QUEUE_MIN_RING_LEN ||
	    cfg->ring_len > QUEUE_MAX_RING_LEN)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "%s: ring of %u descriptors", op, cfg->ring_len);
	return CP_OK;
}

/* Give a queue what it had before: a configuration that was good, or none */
static void cp_restore(const struct cp_qconf *conf)
{
	if (conf->configured)
		queue_configure(conf->q, &conf->old);
	else
		conf->q->configured = false;
}

static enum cp_status cp_apply(struct cp_qconf *confs, u32 num)
{
	for (u32 i = 0; i < num; i++) {
		struct cp_qconf *conf = &confs[i];
		int err;

		conf->configured = conf->q->configured;
		conf->old = conf->q->cfg;
		err = queue_configure(conf->q, &conf->cfg);
		if (!err)
			continue;
		/* backwards: a queue may stand in the message twice */
		for (u32 j = i + 1; j-- > 0;)
			cp_restore(&confs[j]);
		return CP_EINVAL;
	}
	return CP_OK;
}

/**
 * struct cp_config_kind - a configuration message
 * @hdr_len: bytes before the entries
 * @entry_len: bytes of an entry
 * @check: checks an entry and notes in the last argument what it says
 */
struct cp_config_kind {
	size_t hdr_len;
	size_t entry_len;
	enum cp_status (*check)(struct cp_vport *vport, const void *entry,
				struct cp_qconf *conf);
};

static_assert(sizeof(struct vc2_rxq_info) >= sizeof(struct vc2_txq_info),
	      "MAX_QINFO is enough for both");
/* both kinds begin alike */
static_assert(!offsetof(struct vc2_config_rx_queues, vport_id) &&
	      !offsetof(struct vc2_config_tx_queues, vport_id) &&
	      offsetof(struct vc2_config_rx_queues, num_qinfo) ==
	      offsetof(struct vc2_config_tx_queues, num_qinfo),
	      "headers of configuration messages");

static enum cp_status cp_config(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp,
				const struct cp_config_kind *kind)
{
	const struct vc2_config_tx_queues *in =
		(const struct vc2_config_tx_queues *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	u32 num = le16_to_cpu(in->num_qinfo);
	struct cp_qconf confs[MAX_QINFO];
	enum cp_status status;

	if (!vport)
		return CP_ENXIO;
	if (!num || !cp_fits(port, req, kind->hdr_len, num, kind->entry_len))
		return CP_EINVAL;
	for (u32 i = 0; i < num; i++) {
		const u8 *entry = req->data + kind->hdr_len +
				  i * kind->entry_len;

		status = kind->check(vport, entry, &confs[i]);
		if (status)
			return status;
	}
	status = cp_apply(confs, num);
	if (!status)
		cp_echo(req, rsp, (u16)kind->hdr_len);
	return status;
}

static enum cp_status cp_check_tx(struct cp_vport *vport, const void *entry,
				  struct cp_qconf *conf)
{
	const struct vc2_txq_info *info = entry;
	u32 type = le32_to_cpu(info->type);
	u32 id = le32_to_cpu(info->queue_id);
	struct nic_port *port = vport->port;
	enum cp_status status;

	conf->cfg = (struct queue_cfg){
		.ring_addr = le64_to_cpu(info->dma_ring_addr),
		.ring_len = le16_to_cpu(info->ring_len),
		.rel_id = le16_to_cpu(info->relative_queue_id),
		.model = le16_to_cpu(info->model),
		.sched = le16_to_cpu(info->sched_mode),
		.compl_id = le16_to_cpu(info->tx_compl_queue_id),
	};
	if (type != VC2_QUEUE_TYPE_TX && type != VC2_QUEUE_TYPE_TX_COMPL)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CONFIG_TX_QUEUES: queue type %" PRIu32, type);
	status = cp_check_entry(vport, type, id, &conf->cfg);
	if (status)
		return status;
	if (!FIELD_FIT(IDPF_TXCQ_QID, conf->cfg.rel_id))
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CONFIG_TX_QUEUES: relative id %u",
				 conf->cfg.rel_id);
	if (type == VC2_QUEUE_TYPE_TX &&
	    conf->cfg.model == VC2_QUEUE_MODEL_SPLIT &&
	    !cp_owns(vport, VC2_QUEUE_TYPE_TX_COMPL, conf->cfg.compl_id))
		return cp_refuse(port, CP_ENXIO, CP_VALUE,
				 "CONFIG_TX_QUEUES: queue %" PRIu32
				 ": no completion queue %u", id,
				 conf->cfg.compl_id);
	conf->q = queue_get(port, type, id);
	return CP_OK;
}

enum cp_status cp_config_tx(struct nic_port *port, const struct mbx_msg *req,
			    struct mbx_msg *rsp)
{
	static const struct cp_config_kind tx = {
		.hdr_len = sizeof(struct vc2_config_tx_queues),
		.entry_len = sizeof(struct vc2_txq_info),
		.check = cp_check_tx,
	};

	return cp_config(port, req, rsp, &tx);
}

/* flags of a receive queue that need a capability */
static enum cp_status cp_check_rx_flags(struct nic_port *port, u16 qflags)
{
	const struct vc2_caps *granted = &port->cp.granted;

	if ((qflags & VC2_RXQ_RSC) && !granted->rsc_caps)
		return cp_refuse(port, CP_EPERM, CP_VALUE,
				 "CONFIG_RX_QUEUES: RSC was not granted");
	if ((qflags & VC2_RXQ_HDR_SPLIT) && !granted->hsplit_caps)
		return cp_refuse(port, CP_EPERM, CP_VALUE,
				 "CONFIG_RX_QUEUES: header split was not granted");
	if (qflags & VC2_RXQ_DESC_16B)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CONFIG_RX_QUEUES: 16-byte descriptors");
	return CP_OK;
}

static enum cp_status cp_check_rx_bufqs(struct cp_vport *vport, u32 id,
					const struct queue_cfg *cfg)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (i && cfg->bufq_id[i] == QUEUE_NO_ID)
			continue;
		if (!cp_owns(vport, VC2_QUEUE_TYPE_RX_BUF, cfg->bufq_id[i]))
			return cp_refuse(vport->port, CP_ENXIO, CP_VALUE,
					 "CONFIG_RX_QUEUES: queue %" PRIu32
					 ": no buffer queue %u", id,
					 cfg->bufq_id[i]);
	}
	if (cfg->bufq_id[0] == cfg->bufq_id[1])
		return cp_refuse(vport->port, CP_EINVAL, CP_VALUE,
				 "CONFIG_RX_QUEUES: queue %" PRIu32
				 ": twice buffer queue %u", id, cfg->bufq_id[0]);
	return CP_OK;
}

static enum cp_status cp_check_rx(struct cp_vport *vport, const void *entry,
				  struct cp_qconf *conf)
{
	const struct vc2_rxq_info *info = entry;
	u32 type = le32_to_cpu(info->type);
	u32 id = le32_to_cpu(info->queue_id);
	struct nic_port *port = vport->port;
	enum cp_status status;

	conf->cfg = (struct queue_cfg){
		.ring_addr = le64_to_cpu(info->dma_ring_addr),
		.ring_len = le16_to_cpu(info->ring_len),
		.model = le16_to_cpu(info->model),
		.bufq_id = { le16_to_cpu(info->rx_bufq1_id),
			     info->bufq2_ena ? le16_to_cpu(info->rx_bufq2_id) :
					       QUEUE_NO_ID },
		.desc_ids = le64_to_cpu(info->desc_ids),
		.qflags = le16_to_cpu(info->qflags),
		.hdr_buf_size = le16_to_cpu(info->hdr_buffer_size),
		.data_buf_size = le32_to_cpu(info->data_buffer_size),
		.max_pkt_size = le32_to_cpu(info->max_pkt_size),
		.notif_stride = info->buffer_notif_stride,
	};
	if (type != VC2_QUEUE_TYPE_RX && type != VC2_QUEUE_TYPE_RX_BUF)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CONFIG_RX_QUEUES: queue type %" PRIu32, type);
	/* QUEUE_NO_ID stands for the lack of a second queue, not for its id */
	if (type == VC2_QUEUE_TYPE_RX &&
	    (!conf->cfg.max_pkt_size ||
	     (info->bufq2_ena && conf->cfg.bufq_id[1] == QUEUE_NO_ID)))
		return cp_refuse(port, conf->cfg.max_pkt_size ? CP_ENXIO :
								CP_EINVAL,
				 CP_VALUE,
				 "CONFIG_RX_QUEUES: queue %" PRIu32
				 ": packets of %" PRIu32 " bytes, second buffer queue %u",
				 id, conf->cfg.max_pkt_size, conf->cfg.bufq_id[1]);
	status = cp_check_entry(vport, type, id, &conf->cfg);
	if (!status)
		status = cp_check_rx_flags(port, conf->cfg.qflags);
	if (!status && conf->cfg.model == VC2_QUEUE_MODEL_SINGLE &&
	    conf->cfg.qflags & VC2_RXQ_HDR_SPLIT)
		status = cp_refuse(port, CP_EINVAL, CP_VALUE,
				   "CONFIG_RX_QUEUES: queue %" PRIu32
				   ": header split in the single model", id);
	if (!status && type == VC2_QUEUE_TYPE_RX &&
	    conf->cfg.model == VC2_QUEUE_MODEL_SPLIT)
		status = cp_check_rx_bufqs(vport, id, &conf->cfg);
	if (status)
		return status;
	if (conf->cfg.data_buf_size > MAX_DATA_BUF ||
	    conf->cfg.hdr_buf_size > MAX_HDR_BUF)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CONFIG_RX_QUEUES: buffers of %" PRIu32
				 ", headers of %u bytes", conf->cfg.data_buf_size,
				 conf->cfg.hdr_buf_size);
	conf->q = queue_get(port, type, id);
	return CP_OK;
}

enum cp_status cp_config_rx(struct nic_port *port, const struct mbx_msg *req,
			    struct mbx_msg *rsp)
{
	static const struct cp_config_kind rx = {
		.hdr_len = sizeof(struct vc2_config_rx_queues),
		.entry_len = sizeof(struct vc2_rxq_info),
		.check = cp_check_rx,
	};

	return cp_config(port, req, rsp, &rx);
}

/* ------------------------------------------------------------------ */
/* Chunks                                                               */

enum cp_status cp_check_chunks(struct nic_port *port, const struct mbx_msg *req,
			       struct cp_vport **vport)
{
	const struct vc2_queue_chunk_msg *in =
		(const struct vc2_queue_chunk_msg *)req->data;
	u32 num_chunks = le16_to_cpu(in->num_chunks);

	*vport = cp_vport_get(port, in->vport_id);
	if (!*vport)
		return CP_ENXIO;
	if (!num_chunks || !cp_fits(port, req, sizeof(*in), num_chunks,
				    sizeof(in->chunks[0])))
		return CP_EINVAL;
	for (u32 i = 0; i < num_chunks; i++) {
		u32 type = le32_to_cpu(in->chunks[i].type);
		u32 first = le32_to_cpu(in->chunks[i].start_queue_id);
		u32 num = le32_to_cpu(in->chunks[i].num_queues);

		if (!num || num > QUEUE_MAX_BUFQ || first >= QUEUE_MAX_BUFQ)
			return cp_refuse(port, num ? CP_ENXIO : CP_EINVAL,
					 CP_VALUE,
					 "%s: %" PRIu32 " queues from %" PRIu32,
					 cp_opcode_name(req->opcode), num, first);
		for (u32 id = first; id < first + num; id++)
			if (!cp_owns(*vport, type, id))
				return cp_refuse(port, CP_ENXIO, CP_VALUE,
						 "%s: no queue %" PRIu32
						 " of type %" PRIu32,
						 cp_opcode_name(req->opcode), id,
						 type);
	}
	return CP_OK;
}

void cp_for_chunks(struct cp_vport *vport, const struct mbx_msg *req,
		   void (*fn)(struct cp_vport *vport, struct queue *q))
{
	const struct vc2_queue_chunk_msg *in =
		(const struct vc2_queue_chunk_msg *)req->data;

	for (u32 i = 0; i < le16_to_cpu(in->num_chunks); i++) {
		u32 type = le32_to_cpu(in->chunks[i].type);
		u32 first = le32_to_cpu(in->chunks[i].start_queue_id);
		u32 num = le32_to_cpu(in->chunks[i].num_queues);

		for (u32 id = first; id < first + num; id++)
			fn(vport, queue_get(vport->port, type, id));
	}
}

/*
 * Queues that others lean on come first when they are enabled and last when
 * they are disabled, in whatever order the message names them: a transmit queue
 * that is disabled still writes to its completion queue.
 */
static bool cp_is_base(const struct queue *q)
{
	return q->type == VC2_QUEUE_TYPE_TX_COMPL ||
	       q->type == VC2_QUEUE_TYPE_RX_BUF;
}

static void cp_enable_base(struct cp_vport *vport, struct queue *q)
{
	if (cp_is_base(q))
		queue_enable(q);
}

static void cp_enable_user(struct cp_vport *vport, struct queue *q)
{
	if (!cp_is_base(q))
		queue_enable(q);
}

static void cp_disable_base(struct cp_vport *vport, struct queue *q)
{
	if (cp_is_base(q))
		queue_disable(q);
}

static void cp_disable_user(struct cp_vport *vport, struct queue *q)
{
	if (!cp_is_base(q))
		queue_disable(q);
}

/* Can every queue of the message be enabled? */
static bool cp_can_enable(struct nic_port *port, const struct mbx_msg *req)
{
	const struct vc2_queue_chunk_msg *in =
		(const struct vc2_queue_chunk_msg *)req->data;

	for (u32 i = 0; i < le16_to_cpu(in->num_chunks); i++) {
		u32 type = le32_to_cpu(in->chunks[i].type);
		u32 first = le32_to_cpu(in->chunks[i].start_queue_id);
		u32 num = le32_to_cpu(in->chunks[i].num_queues);

		for (u32 id = first; id < first + num; id++) {
			if (!queue_prepare(queue_get(port, type, id)))
				continue;
			report_error(port, REPORT_CP_STATE,
				     "ENABLE_QUEUES: queue %" PRIu32
				     " of type %" PRIu32 " is not configured",
				     id, type);
			return false;
		}
	}
	return true;
}

enum cp_status cp_enable_queues(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp)
{
	struct cp_vport *vport;
	enum cp_status status;

	status = cp_check_chunks(port, req, &vport);
	if (status)
		return status;
	if (!cp_can_enable(port, req))
		return CP_ESM;
	cp_for_chunks(vport, req, cp_enable_base);
	cp_for_chunks(vport, req, cp_enable_user);
	cp_echo(req, rsp, sizeof(struct vc2_queue_chunk_msg));
	return CP_OK;
}

/* Does an enabled queue use the vector? */
static bool cp_vector_in_use(struct nic_port *port, u32 vec)
{
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++) {
		struct queue *q;

		for (u32 id = 0; (q = queue_get(port, type, id)); id++)
			if (q->enabled && q->vector == vec)
				return true;
	}
	return false;
}

void cp_quiet_vector(struct cp_vport *vport, struct queue *q)
{
	if (q->vector < IRQ_MAX_VECTORS &&
	    !cp_vector_in_use(vport->port, q->vector))
		irq_cancel(vport->port, q->vector);
}

/*
 * A disabled queue raises no interrupt, not even for its marker: drivers look
 * for markers themselves after the reply, and the kernel's driver cannot
 * cope with its interrupt handler finding one first.
 */
void cp_disable_chunks(struct cp_vport *vport, const struct mbx_msg *req)
{
	cp_for_chunks(vport, req, cp_disable_user);
	cp_for_chunks(vport, req, cp_disable_base);
	cp_for_chunks(vport, req, cp_quiet_vector);
}

enum cp_status cp_disable_queues(struct nic_port *port,
				 const struct mbx_msg *req,
				 struct mbx_msg *rsp)
{
	struct cp_vport *vport;
	enum cp_status status;

	status = cp_check_chunks(port, req, &vport);
	if (status)
		return status;
	cp_disable_chunks(vport, req);
	cp_echo(req, rsp, sizeof(struct vc2_queue_chunk_msg));
	return CP_OK;
}

/* ------------------------------------------------------------------ */
/* Vectors of queues                                                    */

static enum cp_status cp_check_map(struct cp_vport *vport,
				   const struct vc2_queue_vector *map)
{
	struct nic_port *port = vport->port;
	u32 type = le32_to_cpu(map->queue_type);
	u32 id = le32_to_cpu(map->queue_id);
	u32 vec = le16_to_cpu(map->vector_id);
	u32 itr = le32_to_cpu(map->itr_idx);

	if (!cp_owns(vport, type, id))
		return cp_refuse(port, CP_ENXIO, CP_VALUE,
				 "%s: no queue %" PRIu32 " of type %" PRIu32,
				 cp_opcode_name(port->mbx.req.opcode), id, type);
	if (vec >= port->irq.num_vectors ||
	    !(port->cp.vec_alloc & BIT_ULL(vec)))
		return cp_refuse(port, CP_ENXIO, CP_VALUE,
				 "%s: vector %" PRIu32 " is not allocated",
				 cp_opcode_name(port->mbx.req.opcode), vec);
	if (itr >= IDPF_ITR_NUM_INDEXES)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "%s: throttling index %" PRIu32,
				 cp_opcode_name(port->mbx.req.opcode), itr);
	return CP_OK;
}

static enum cp_status cp_change_maps(struct nic_port *port,
				     const struct mbx_msg *req,
				     struct mbx_msg *rsp, bool map)
{
	const struct vc2_queue_vector_maps *in =
		(const struct vc2_queue_vector_maps *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	u32 num = le16_to_cpu(in->num_qv_maps);

	if (!vport)
		return CP_ENXIO;
	if (!num || !cp_fits(port, req, sizeof(*in), num, sizeof(in->qv_maps[0])))
		return CP_EINVAL;
	for (u32 i = 0; i < num; i++) {
		enum cp_status status = cp_check_map(vport, &in->qv_maps[i]);

		if (status)
			return status;
	}
	for (u32 i = 0; i < num; i++) {
		const struct vc2_queue_vector *qv = &in->qv_maps[i];
		struct queue *q = queue_get(port, le32_to_cpu(qv->queue_type),
					    le32_to_cpu(qv->queue_id));

		q->vector = map ? le16_to_cpu(qv->vector_id) : IRQ_NO_VECTOR;
		q->itr = map ? le32_to_cpu(qv->itr_idx) : 0;
	}
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}

enum cp_status cp_map_vectors(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp)
{
	return cp_change_maps(port, req, rsp, true);
}

enum cp_status cp_unmap_vectors(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp)
{
	return cp_change_maps(port, req, rsp, false);
}
