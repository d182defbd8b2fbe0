// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: vports, and which queues they own.
 */

#include <inttypes.h>
#include <string.h>

#include "cp_priv.h"

/**
 * struct cp_queue_list - the queues of one type that a vport owns
 * @type: VC2_QUEUE_TYPE_*
 * @ids: absolute ids by relative id
 * @num: entries of @ids
 * @max: room in @ids
 * @limit: ids of this type that the port has
 */
struct cp_queue_list {
	u32 type;
	u16 *ids;
	u16 *num;
	u16 max;
	u16 limit;
};

/* the order in which chunks stand in replies */
static const u32 cp_types[QUEUE_NUM_TYPES] = {
	VC2_QUEUE_TYPE_TX, VC2_QUEUE_TYPE_RX, VC2_QUEUE_TYPE_TX_COMPL,
	VC2_QUEUE_TYPE_RX_BUF,
};

static struct cp_queue_list cp_list(struct cp_vport *vport, u32 type)
{
	u16 pairs = vport->port->cfg.num_qpairs;

	switch (type) {
	case VC2_QUEUE_TYPE_TX:
		return (struct cp_queue_list){ type, vport->txq, &vport->num_txq,
					       QUEUE_MAX_PAIRS, pairs };
	case VC2_QUEUE_TYPE_RX:
		return (struct cp_queue_list){ type, vport->rxq, &vport->num_rxq,
					       QUEUE_MAX_PAIRS, pairs };
	case VC2_QUEUE_TYPE_TX_COMPL:
		return (struct cp_queue_list){ type, vport->complq,
					       &vport->num_complq,
					       QUEUE_MAX_PAIRS, pairs };
	default:
		return (struct cp_queue_list){ VC2_QUEUE_TYPE_RX_BUF, vport->bufq,
					       &vport->num_bufq, QUEUE_MAX_BUFQ,
					       2 * pairs };
	}
}

/* queues of a type that no vport owns */
static u32 cp_num_free(struct cp_vport *vport, u32 type)
{
	struct cp_queue_list list = cp_list(vport, type);
	u32 num = 0;

	for (u32 id = 0; id < list.limit; id++)
		num += !queue_get(vport->port, type, id)->vport;
	return num;
}

/* Give the vport @num free queues, which exist.  They go to the list's end. */
static void cp_take_queues(struct cp_vport *vport, u32 type, u32 num)
{
	struct cp_queue_list list = cp_list(vport, type);

	for (u32 id = 0; num && id < list.limit; id++) {
		struct queue *q = queue_get(vport->port, type, id);

		if (q->vport)
			continue;
		queue_assign(q, vport);
		list.ids[(*list.num)++] = id;
		num--;
	}
}

static void cp_release_queue(struct cp_vport *vport, struct queue *q)
{
	struct cp_queue_list list = cp_list(vport, q->type);
	u16 kept = 0;

	for (u16 i = 0; i < *list.num; i++)
		if (list.ids[i] != q->id)
			list.ids[kept++] = list.ids[i];
	*list.num = kept;
	queue_assign(q, NULL);
}

static u64 cp_tail_offset(const struct nic_port *port, u32 type, u32 id)
{
	const struct bar_layout *layout = bar_layout(port);

	switch (type) {
	case VC2_QUEUE_TYPE_TX:
		return layout->tx_tail + (u64)id * layout->tail_spacing;
	case VC2_QUEUE_TYPE_RX:
		return layout->rx_tail + (u64)id * layout->tail_spacing;
	case VC2_QUEUE_TYPE_RX_BUF:
		return layout->bufq_tail + (u64)id * layout->tail_spacing;
	default:
		return 0;	/* completion queues have no tail */
	}
}

/*
 * Describe the queues from relative id @from on: a chunk for each run of
 * consecutive ids.  Returns the number of chunks.
 */
static u32 cp_put_chunks(struct cp_vport *vport, u32 type, u16 from,
			 struct vc2_queue_reg_chunk *chunks)
{
	struct cp_queue_list list = cp_list(vport, type);
	u32 num_chunks = 0, run = 0;

	for (u16 i = from; i < *list.num; i++) {
		struct vc2_queue_reg_chunk *chunk;

		if (run && list.ids[i] == list.ids[i - 1] + 1) {
			chunk = &chunks[num_chunks - 1];
			chunk->num_queues = cpu_to_le32(++run);
			continue;
		}
		run = 1;
		chunk = &chunks[num_chunks++];
		chunk->type = cpu_to_le32(type);
		chunk->start_queue_id = cpu_to_le32(list.ids[i]);
		chunk->num_queues = cpu_to_le32(run);
		chunk->qtail_reg_start =
			cpu_to_le64(cp_tail_offset(vport->port, type, list.ids[i]));
		chunk->qtail_reg_spacing =
			cpu_to_le32(bar_layout(vport->port)->tail_spacing);
	}
	return num_chunks;
}

/* ------------------------------------------------------------------ */
/* Creation                                                             */

/* how many queues of each type, by VC2_QUEUE_TYPE_* */
struct cp_counts {
	u32 num[QUEUE_NUM_TYPES];
};

static u32 cp_min(u32 a, u32 b)
{
	return a < b ? a : b;
}

/* Does every vport of the model have queues of this type? */
static bool cp_model_has(const struct nic_model *model, u32 type)
{
	return model->queues == VC2_QUEUE_MODEL_SPLIT ||
	       type == VC2_QUEUE_TYPE_TX || type == VC2_QUEUE_TYPE_RX;
}

/* The port's model, or the default for a driver that does not know it */
static const struct nic_model *cp_choose_model(const struct nic_port *port)
{
	const struct nic_model *model = port->cfg.model;
	u64 granted = le64_to_cpu(port->cp.granted.other_caps);

	return model->other_caps & ~granted ? nic_model_default : model;
}

/*
 * The device decides how many queues a vport gets: what is asked for, but no
 * more than its share of what the port has.
 */
static void cp_grant_queues(struct cp_vport *vport,
			    const struct nic_model *model,
			    struct cp_counts *counts)
{
	const struct nic_port_config *cfg = &vport->port->cfg;
	u32 share = cfg->num_qpairs / cfg->num_vports;

	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++) {
		u32 max = type == VC2_QUEUE_TYPE_RX_BUF ? 2 * share : share;

		max = cp_model_has(model, type) ?
		      cp_min(max, cp_num_free(vport, type)) : 0;
		counts->num[type] = cp_min(counts->num[type], max);
	}
}

static struct cp_vport *cp_free_vport(struct nic_port *port)
{
	for (unsigned int i = 0; i < port->cfg.num_vports; i++)
		if (!port->cp.vports[i].created)
			return &port->cp.vports[i];
	return NULL;
}

/*
 * The model asked for is a wish, and the reply tells what it is.  But a driver
 * that asks for single queues is one that was told to; where there are none it
 * shall hear of it.
 */
static bool cp_model_fits(const struct nic_model *model, __le16 wish)
{
	u16 queues = le16_to_cpu(wish);

	return queues == model->queues || queues == VC2_QUEUE_MODEL_SPLIT;
}

static enum cp_status cp_check_create(struct nic_port *port,
				      const struct nic_model *model,
				      const struct vc2_create_vport *in)
{
	if (le16_to_cpu(in->vport_type) != VC2_VPORT_TYPE_DEFAULT)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CREATE_VPORT: type %u",
				 le16_to_cpu(in->vport_type));
	if (!cp_model_fits(model, in->txq_model) ||
	    !cp_model_fits(model, in->rxq_model))
		return cp_refuse(port, CP_EMODE, CP_VALUE,
				 "CREATE_VPORT: queue models %u, %u",
				 le16_to_cpu(in->txq_model),
				 le16_to_cpu(in->rxq_model));
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++)
		if (port->cp.vports[i].created &&
		    port->cp.vports[i].index == le16_to_cpu(in->vport_index))
			return cp_refuse(port, CP_EEXIST, CP_STATE,
					 "CREATE_VPORT: index %u again",
					 le16_to_cpu(in->vport_index));
	return CP_OK;
}

/* the port's address, with the number of the vport added to its fifth byte:
 * default addresses of ports differ in the sixth
 */
static void cp_vport_mac(const struct cp_vport *vport, u8 *mac)
{
	memcpy(mac, vport->port->cfg.mac, ETH_ALEN);
	mac[4] += vport->id;
}

/* Who can name no groups, and not ask for all of them, gets all of them: there
 * is no IPv6 without.
 */
static u16 cp_default_promisc(const struct nic_port *port)
{
	u64 granted = le64_to_cpu(port->cp.granted.other_caps);

	return granted & (VC2_CAP_MACFILTER | VC2_CAP_PROMISC) ?
	       0 : VC2_PROMISC_MULTICAST;
}

static void cp_vport_start(struct cp_vport *vport,
			   const struct nic_model *model,
			   const struct vc2_create_vport *in,
			   const struct cp_counts *counts)
{
	vport->created = true;
	vport->index = le16_to_cpu(in->vport_index);
	vport->model = model;
	vport->enabled = false;
	vport->loopback = false;
	vport->link_event = false;
	vport->promisc = cp_default_promisc(vport->port);
	vport->num_macs = 0;
	vport->default_rxq = 0;
	memset(&vport->stats, 0, sizeof(vport->stats));
	rss_reset(&vport->rss);
	vport->rss.hash_types = cp_hash_types(vport->port);
	cp_vport_mac(vport, vport->mac);
	for (unsigned int i = 0; i < QUEUE_NUM_TYPES; i++)
		cp_take_queues(vport, cp_types[i], counts->num[cp_types[i]]);
}

static void cp_put_vport(struct cp_vport *vport, struct mbx_msg *rsp)
{
	struct vc2_create_vport *out = (struct vc2_create_vport *)rsp->data;
	u32 num_chunks = 0;

	out->vport_type = cpu_to_le16(VC2_VPORT_TYPE_DEFAULT);
	out->txq_model = cpu_to_le16(vport->model->queues);
	out->rxq_model = cpu_to_le16(vport->model->queues);
	out->num_tx_q = cpu_to_le16(vport->num_txq);
	out->num_tx_complq = cpu_to_le16(vport->num_complq);
	out->num_rx_q = cpu_to_le16(vport->num_rxq);
	out->num_rx_bufq = cpu_to_le16(vport->num_bufq);
	out->default_rx_q = cpu_to_le16(vport->default_rxq);
	out->vport_index = cpu_to_le16(vport->index);
	out->max_mtu = cpu_to_le16(vport->port->cfg.mtu + NIC_MTU_OVERHEAD);
	out->vport_id = cpu_to_le32(vport->id);
	memcpy(out->default_mac_addr, vport->mac, ETH_ALEN);
	out->rx_desc_ids = cpu_to_le64(vport->model->rx_desc_ids);
	out->tx_desc_ids = cpu_to_le64(vport->model->tx_desc_ids);
	out->rss_algorithm = cpu_to_le32(VC2_RSS_ALG_TOEPLITZ);
	out->rss_key_size = cpu_to_le16(RSS_KEY_SIZE);
	out->rss_lut_size = cpu_to_le16(vport->port->cfg.rss_lut_size);
	for (unsigned int i = 0; i < QUEUE_NUM_TYPES; i++)
		num_chunks += cp_put_chunks(vport, cp_types[i], 0,
					    &out->chunks[num_chunks]);
	out->num_chunks = cpu_to_le16(num_chunks);
	rsp->len = VC2_LEN(struct vc2_create_vport, chunks, num_chunks);
}

/* at worst every queue is a run of its own, and the reply still fits */
static_assert(VC2_LEN(struct vc2_create_vport, chunks,
		      3 * QUEUE_MAX_PAIRS + QUEUE_MAX_BUFQ) <=
	      IDPF_CTLQ_BUF_SIZE, "chunks of a vport");

enum cp_status cp_create_vport(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp)
{
	const struct vc2_create_vport *in =
		(const struct vc2_create_vport *)req->data;
	const struct nic_model *model = cp_choose_model(port);
	struct cp_counts counts = { {
		[VC2_QUEUE_TYPE_TX] = le16_to_cpu(in->num_tx_q),
		[VC2_QUEUE_TYPE_RX] = le16_to_cpu(in->num_rx_q),
		[VC2_QUEUE_TYPE_TX_COMPL] = le16_to_cpu(in->num_tx_complq),
		[VC2_QUEUE_TYPE_RX_BUF] = le16_to_cpu(in->num_rx_bufq),
	} };
	struct cp_vport *vport;
	enum cp_status status;

	status = cp_check_create(port, model, in);
	if (status)
		return status;
	vport = cp_free_vport(port);
	if (!vport)
		return cp_refuse(port, CP_ENOSPC, CP_STATE,
				 "CREATE_VPORT: all %u vports exist",
				 port->cfg.num_vports);
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++)
		if (!counts.num[type] && cp_model_has(model, type))
			return cp_refuse(port, CP_EINVAL, CP_VALUE,
					 "CREATE_VPORT: no queues of type %" PRIu32,
					 type);
	cp_grant_queues(vport, model, &counts);
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++)
		if (!counts.num[type] && cp_model_has(model, type))
			return cp_refuse(port, CP_ENOSPC, CP_STATE,
					 "CREATE_VPORT: queues of type %" PRIu32
					 " are used up", type);
	cp_vport_start(vport, model, in, &counts);
	cp_put_vport(vport, rsp);
	return CP_OK;
}

/* ------------------------------------------------------------------ */
/* The rest of its life                                                 */

static void cp_for_all(struct cp_vport *vport,
		       void (*fn)(struct cp_vport *vport, struct queue *q))
{
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++) {
		struct cp_queue_list list = cp_list(vport, type);

		for (u16 i = 0; i < *list.num; i++)
			fn(vport, queue_get(vport->port, type, list.ids[i]));
	}
}

static void cp_disable_one(struct cp_vport *vport, struct queue *q)
{
	queue_disable(q);
}

static void cp_release_one(struct cp_vport *vport, struct queue *q)
{
	queue_assign(q, NULL);
}

/* A vector is quiet only once none of the queues that share it is enabled */
static void cp_release_all(struct cp_vport *vport)
{
	cp_for_all(vport, cp_disable_one);
	cp_for_all(vport, cp_quiet_vector);
	cp_for_all(vport, cp_release_one);
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++)
		*cp_list(vport, type).num = 0;
}

static struct cp_vport *cp_vport_of(struct nic_port *port,
				    const struct mbx_msg *req)
{
	return cp_vport_get(port, ((const struct vc2_vport *)req->data)->vport_id);
}

enum cp_status cp_destroy_vport(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp)
{
	struct cp_vport *vport = cp_vport_of(port, req);

	if (!vport)
		return CP_ENXIO;
	vport->enabled = false;
	vport->link_event = false;
	cp_release_all(vport);
	vport->created = false;
	cp_echo(req, rsp, sizeof(struct vc2_vport));
	return CP_OK;
}

enum cp_status cp_enable_vport(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp)
{
	struct cp_vport *vport = cp_vport_of(port, req);

	if (!vport)
		return CP_ENXIO;
	vport->enabled = true;
	/* drivers wait for this event to switch their carrier on */
	vport->link_event = true;
	for (u16 i = 0; i < vport->num_txq; i++)
		queue_kick_tx(queue_get(port, VC2_QUEUE_TYPE_TX, vport->txq[i]));
	cp_echo(req, rsp, sizeof(struct vc2_vport));
	return CP_OK;
}

enum cp_status cp_disable_vport(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp)
{
	struct cp_vport *vport = cp_vport_of(port, req);

	if (!vport)
		return CP_ENXIO;
	vport->enabled = false;
	vport->link_event = false;
	cp_echo(req, rsp, sizeof(struct vc2_vport));
	return CP_OK;
}

enum cp_status cp_add_queues(struct nic_port *port, const struct mbx_msg *req,
			     struct mbx_msg *rsp)
{
	const struct vc2_add_queues *in = (const struct vc2_add_queues *)req->data;
	struct vc2_add_queues *out = (struct vc2_add_queues *)rsp->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	const u32 num[QUEUE_NUM_TYPES] = {
		[VC2_QUEUE_TYPE_TX] = le16_to_cpu(in->num_tx_q),
		[VC2_QUEUE_TYPE_RX] = le16_to_cpu(in->num_rx_q),
		[VC2_QUEUE_TYPE_TX_COMPL] = le16_to_cpu(in->num_tx_complq),
		[VC2_QUEUE_TYPE_RX_BUF] = le16_to_cpu(in->num_rx_bufq),
	};
	u32 num_chunks = 0;

	if (!vport)
		return CP_ENXIO;
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++)
		if (num[type] && !cp_model_has(vport->model, type))
			return cp_refuse(port, CP_EMODE, CP_VALUE,
					 "ADD_QUEUES: type %" PRIu32
					 " in the single model", type);
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++)
		if (num[type] > cp_num_free(vport, type))
			return cp_refuse(port, CP_ENOSPC, CP_VALUE,
					 "ADD_QUEUES: %" PRIu32 " of type %" PRIu32,
					 num[type], type);
	for (unsigned int i = 0; i < QUEUE_NUM_TYPES; i++) {
		u32 type = cp_types[i];
		u16 from = *cp_list(vport, type).num;

		cp_take_queues(vport, type, num[type]);
		num_chunks += cp_put_chunks(vport, type, from,
					    &out->chunks[num_chunks]);
	}
	out->vport_id = in->vport_id;
	out->num_tx_q = in->num_tx_q;
	out->num_rx_q = in->num_rx_q;
	out->num_tx_complq = in->num_tx_complq;
	out->num_rx_bufq = in->num_rx_bufq;
	out->num_chunks = cpu_to_le16(num_chunks);
	rsp->len = VC2_LEN(struct vc2_add_queues, chunks, num_chunks);
	return CP_OK;
}

static void cp_del_queue(struct cp_vport *vport, struct queue *q)
{
	/* in two chunks, perhaps */
	if (q->vport == vport)
		cp_release_queue(vport, q);
}

enum cp_status cp_del_queues(struct nic_port *port, const struct mbx_msg *req,
			     struct mbx_msg *rsp)
{
	struct cp_vport *vport;
	enum cp_status status;

	status = cp_check_chunks(port, req, &vport);
	if (status)
		return status;
	cp_disable_chunks(vport, req);
	cp_for_chunks(vport, req, cp_del_queue);
	cp_echo(req, rsp, sizeof(struct vc2_queue_chunk_msg));
	return CP_OK;
}
