// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtchnl2: what concerns queues, receive side scaling and filters.
 *
 * Most of these messages are lists.  A list that does not fit into one
 * mailbox buffer goes out as several messages of the same operation.
 */

#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/slab.h>

#include "wto_mbx.h"
#include "wto_vc.h"

/* Buffers are taken over by the device in multiples of this */
#define WTO_VC_NOTIFY_STRIDE	32
/* The device may tell when fewer buffers than this are left */
#define WTO_VC_LOW_WATERMARK	64

/**
 * struct wto_vc_list - a message that is a header and a list
 * @op: VC2_OP_*
 * @again: see struct wto_vc_call
 * @hdr_len: bytes of the header
 * @elem_len: bytes of an element
 * @num: elements of the list
 * @host: the host's elements
 * @put_hdr: writes a header for @num elements; both are zeroed before
 * @put_elem: writes element @i of the host's list
 */
struct wto_vc_list {
	u32 op;
	bool again;
	size_t hdr_len;
	size_t elem_len;
	unsigned int num;
	const void *host;
	void (*put_hdr)(void *hdr, u32 vport_id, u16 num);
	void (*put_elem)(void *elem, const void *host, unsigned int i);
};

static int wto_vc_send_list(struct wto_mbx *mbx, u32 vport_id,
			    const struct wto_vc_list *list)
{
	unsigned int max = (WTO_MBX_BUF_SIZE - list->hdr_len) / list->elem_len;
	struct wto_vc_call call = { .op = list->op, .again = list->again };
	unsigned int done = 0;
	int ret = 0;
	void *buf;

	buf = kmalloc(WTO_MBX_BUF_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;

	while (done < list->num && ret >= 0) {
		unsigned int num = min(max, list->num - done);
		unsigned int i;

		call.req = buf;
		call.req_len = list->hdr_len + num * list->elem_len;
		memset(buf, 0, call.req_len);
		list->put_hdr(buf, vport_id, num);
		for (i = 0; i < num; i++)
			list->put_elem(buf + list->hdr_len + i * list->elem_len,
				       list->host, done + i);
		ret = wto_vc_call(mbx, &call);
		done += num;
	}

	kfree(buf);
	return ret < 0 ? ret : 0;
}

static void wto_vc_put_txq_hdr(void *hdr, u32 vport_id, u16 num)
{
	struct vc2_config_tx_queues *wire = hdr;

	wire->vport_id = cpu_to_le32(vport_id);
	wire->num_qinfo = cpu_to_le16(num);
}

static void wto_vc_put_txq(void *elem, const void *host, unsigned int i)
{
	const struct wto_vc_txq *q = (const struct wto_vc_txq *)host + i;
	struct vc2_txq_info *wire = elem;

	wire->dma_ring_addr = cpu_to_le64(q->dma);
	wire->type = cpu_to_le32(q->compl ? VC2_QUEUE_TYPE_TX_COMPL :
					    VC2_QUEUE_TYPE_TX);
	wire->queue_id = cpu_to_le32(q->id);
	wire->model = cpu_to_le16(q->model);
	wire->sched_mode = cpu_to_le16(q->sched);
	wire->ring_len = cpu_to_le16(q->len);
	if (!q->compl) {
		wire->relative_queue_id = cpu_to_le16(q->rel_id);
		wire->tx_compl_queue_id = cpu_to_le16(q->compl_id);
	}
}

/**
 * wto_vc_config_txqs - tell the device of transmit and completion queues
 * @mbx: mailbox
 * @vport_id: vport
 * @queues: queues, a completion queue before those that use it
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_config_txqs(struct wto_mbx *mbx, u32 vport_id,
		       const struct wto_vc_txq *queues, unsigned int num)
{
	const struct wto_vc_list list = {
		.op = VC2_OP_CONFIG_TX_QUEUES,
		.again = true,
		.hdr_len = sizeof(struct vc2_config_tx_queues),
		.elem_len = sizeof(struct vc2_txq_info),
		.num = num,
		.host = queues,
		.put_hdr = wto_vc_put_txq_hdr,
		.put_elem = wto_vc_put_txq,
	};

	return wto_vc_send_list(mbx, vport_id, &list);
}

static void wto_vc_put_rxq_hdr(void *hdr, u32 vport_id, u16 num)
{
	struct vc2_config_rx_queues *wire = hdr;

	wire->vport_id = cpu_to_le32(vport_id);
	wire->num_qinfo = cpu_to_le16(num);
}

static void wto_vc_put_rxq(void *elem, const void *host, unsigned int i)
{
	const struct wto_vc_rxq *q = (const struct wto_vc_rxq *)host + i;
	struct vc2_rxq_info *wire = elem;
	u16 flags = 0;

	wire->dma_ring_addr = cpu_to_le64(q->dma);
	wire->queue_id = cpu_to_le32(q->id);
	wire->model = cpu_to_le16(q->model);
	wire->ring_len = cpu_to_le16(q->len);
	wire->data_buffer_size = cpu_to_le32(q->buf_size);
	if (q->hsplit) {
		flags |= VC2_RXQ_HDR_SPLIT;
		wire->hdr_buffer_size = cpu_to_le16(q->hdr_size);
	}
	if (q->buf) {
		wire->type = cpu_to_le32(VC2_QUEUE_TYPE_RX_BUF);
		wire->buffer_notif_stride = WTO_VC_NOTIFY_STRIDE;
	} else {
		wire->type = cpu_to_le32(VC2_QUEUE_TYPE_RX);
		wire->desc_ids = cpu_to_le64(BIT_ULL(q->rxdid));
		wire->max_pkt_size = cpu_to_le32(q->max_pkt);
		wire->rx_bufq1_id = cpu_to_le16(q->bufq_id);
		flags |= VC2_RXQ_DESC_32B;
	}
	wire->rx_buffer_low_watermark = cpu_to_le16(WTO_VC_LOW_WATERMARK);
	wire->qflags = cpu_to_le16(flags);
}

/**
 * wto_vc_config_rxqs - tell the device of receive and buffer queues
 * @mbx: mailbox
 * @vport_id: vport
 * @queues: queues, a buffer queue before those that use it
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_config_rxqs(struct wto_mbx *mbx, u32 vport_id,
		       const struct wto_vc_rxq *queues, unsigned int num)
{
	const struct wto_vc_list list = {
		.op = VC2_OP_CONFIG_RX_QUEUES,
		.again = true,
		.hdr_len = sizeof(struct vc2_config_rx_queues),
		.elem_len = sizeof(struct vc2_rxq_info),
		.num = num,
		.host = queues,
		.put_hdr = wto_vc_put_rxq_hdr,
		.put_elem = wto_vc_put_rxq,
	};

	return wto_vc_send_list(mbx, vport_id, &list);
}

static void wto_vc_put_chunk_hdr(void *hdr, u32 vport_id, u16 num)
{
	struct vc2_queue_chunk_msg *wire = hdr;

	wire->vport_id = cpu_to_le32(vport_id);
	wire->num_chunks = cpu_to_le16(num);
}

static void wto_vc_put_chunk(void *elem, const void *host, unsigned int i)
{
	const struct wto_vc_qref *q = (const struct wto_vc_qref *)host + i;
	struct vc2_queue_chunk *wire = elem;

	wire->type = cpu_to_le32(q->type);
	wire->start_queue_id = cpu_to_le32(q->id);
	wire->num_queues = cpu_to_le32(1);
}

static int wto_vc_send_chunks(struct wto_mbx *mbx, u32 op, u32 vport_id,
			      const struct wto_vc_qref *queues,
			      unsigned int num)
{
	const struct wto_vc_list list = {
		.op = op,
		/* who knows what enabling does to a queue that runs */
		.again = op == VC2_OP_DISABLE_QUEUES,
		.hdr_len = sizeof(struct vc2_queue_chunk_msg),
		.elem_len = sizeof(struct vc2_queue_chunk),
		.num = num,
		.host = queues,
		.put_hdr = wto_vc_put_chunk_hdr,
		.put_elem = wto_vc_put_chunk,
	};

	return wto_vc_send_list(mbx, vport_id, &list);
}

/**
 * wto_vc_enable_queues - let configured queues run
 * @mbx: mailbox
 * @vport_id: vport
 * @queues: queues
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_enable_queues(struct wto_mbx *mbx, u32 vport_id,
			 const struct wto_vc_qref *queues, unsigned int num)
{
	return wto_vc_send_chunks(mbx, VC2_OP_ENABLE_QUEUES, vport_id, queues,
				  num);
}

/**
 * wto_vc_disable_queues - stop queues
 * @mbx: mailbox
 * @vport_id: vport
 * @queues: queues
 * @num: their number
 *
 * A transmit queue has stopped when its marker completion arrives, which can
 * be before or after the reply.
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_disable_queues(struct wto_mbx *mbx, u32 vport_id,
			  const struct wto_vc_qref *queues, unsigned int num)
{
	return wto_vc_send_chunks(mbx, VC2_OP_DISABLE_QUEUES, vport_id, queues,
				  num);
}

static void wto_vc_put_map_hdr(void *hdr, u32 vport_id, u16 num)
{
	struct vc2_queue_vector_maps *wire = hdr;

	wire->vport_id = cpu_to_le32(vport_id);
	wire->num_qv_maps = cpu_to_le16(num);
}

static void wto_vc_put_map(void *elem, const void *host, unsigned int i)
{
	const struct wto_vc_qmap *map = (const struct wto_vc_qmap *)host + i;
	struct vc2_queue_vector *wire = elem;

	wire->queue_id = cpu_to_le32(map->queue_id);
	wire->queue_type = cpu_to_le32(map->type);
	wire->vector_id = cpu_to_le16(map->vector_id);
	wire->itr_idx = cpu_to_le32(map->itr_idx);
}

static int wto_vc_send_maps(struct wto_mbx *mbx, u32 op, u32 vport_id,
			    const struct wto_vc_qmap *maps, unsigned int num)
{
	const struct wto_vc_list list = {
		.op = op,
		.again = true,
		.hdr_len = sizeof(struct vc2_queue_vector_maps),
		.elem_len = sizeof(struct vc2_queue_vector),
		.num = num,
		.host = maps,
		.put_hdr = wto_vc_put_map_hdr,
		.put_elem = wto_vc_put_map,
	};

	return wto_vc_send_list(mbx, vport_id, &list);
}

/**
 * wto_vc_map_vectors - tell which queue interrupts by which vector
 * @mbx: mailbox
 * @vport_id: vport
 * @maps: transmit and receive queues; the others follow theirs
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_map_vectors(struct wto_mbx *mbx, u32 vport_id,
		       const struct wto_vc_qmap *maps, unsigned int num)
{
	return wto_vc_send_maps(mbx, VC2_OP_MAP_QUEUE_VECTOR, vport_id, maps,
				num);
}

/**
 * wto_vc_unmap_vectors - undo wto_vc_map_vectors()
 * @mbx: mailbox
 * @vport_id: vport
 * @maps: as they were mapped
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_unmap_vectors(struct wto_mbx *mbx, u32 vport_id,
			 const struct wto_vc_qmap *maps, unsigned int num)
{
	return wto_vc_send_maps(mbx, VC2_OP_UNMAP_QUEUE_VECTOR, vport_id, maps,
				num);
}

/**
 * wto_vc_set_rss_key - set the key of the receive hash
 * @mbx: mailbox
 * @vport_id: vport
 * @key: key
 * @len: its bytes
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_set_rss_key(struct wto_mbx *mbx, u32 vport_id, const u8 *key,
		       u16 len)
{
	struct wto_vc_call call = { .op = VC2_OP_SET_RSS_KEY, .again = true };
	struct vc2_rss_key *wire;
	int ret;

	call.req_len = VC2_LEN(struct vc2_rss_key, key, len);
	wire = kzalloc(call.req_len, GFP_KERNEL);
	if (!wire)
		return -ENOMEM;
	wire->vport_id = cpu_to_le32(vport_id);
	wire->key_len = cpu_to_le16(len);
	memcpy(wire->key, key, len);
	call.req = wire;

	ret = wto_vc_call(mbx, &call);
	kfree(wire);

	return ret < 0 ? ret : 0;
}

/**
 * wto_vc_set_rss_lut - set the table from hash to queue
 * @mbx: mailbox
 * @vport_id: vport
 * @lut: relative queue numbers
 * @num: their number
 * @size: entries of the device's table, which is filled with repetitions
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_set_rss_lut(struct wto_mbx *mbx, u32 vport_id, const u32 *lut,
		       u16 num, u16 size)
{
	unsigned int max = (WTO_MBX_BUF_SIZE - sizeof(struct vc2_rss_lut)) /
			   sizeof(__le32);
	struct wto_vc_call call = { .op = VC2_OP_SET_RSS_LUT, .again = true };
	struct vc2_rss_lut *wire;
	unsigned int done = 0;
	int ret = 0;

	wire = kmalloc(WTO_MBX_BUF_SIZE, GFP_KERNEL);
	if (!wire)
		return -ENOMEM;
	call.req = wire;

	while (done < size && ret >= 0) {
		unsigned int part = min(max, size - done);
		unsigned int i;

		call.req_len = VC2_LEN(struct vc2_rss_lut, lut, part);
		memset(wire, 0, sizeof(*wire));
		wire->vport_id = cpu_to_le32(vport_id);
		wire->lut_entries_start = cpu_to_le16(done);
		wire->lut_entries = cpu_to_le16(part);
		for (i = 0; i < part; i++)
			wire->lut[i] = cpu_to_le32(lut[(done + i) % num]);
		ret = wto_vc_call(mbx, &call);
		done += part;
	}

	kfree(wire);
	return ret < 0 ? ret : 0;
}

/**
 * wto_vc_get_rss_hash - which kinds of packets are hashed
 * @mbx: mailbox
 * @vport_id: vport
 * @types: out: bits VC2_HASH_*
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h; -EOPNOTSUPP if the device does not tell.
 */
int wto_vc_get_rss_hash(struct wto_mbx *mbx, u32 vport_id, u64 *types)
{
	struct vc2_rss_hash wire = { .vport_id = cpu_to_le32(vport_id) };
	struct wto_vc_call call = {
		.op = VC2_OP_GET_RSS_HASH,
		.req = &wire,
		.req_len = sizeof(wire),
		.reply = &wire,
		.reply_max = sizeof(wire),
		.reply_min = sizeof(wire),
		.optional = true,
	};
	int ret = wto_vc_call(mbx, &call);

	if (ret < 0)
		return ret;
	*types = le64_to_cpu(wire.ptype_groups);

	return 0;
}

/**
 * wto_vc_set_rss_hash - choose which kinds of packets are hashed
 * @mbx: mailbox
 * @vport_id: vport
 * @types: bits VC2_HASH_*
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h; -EIO also if the device took over something else.
 */
int wto_vc_set_rss_hash(struct wto_mbx *mbx, u32 vport_id, u64 types)
{
	struct vc2_rss_hash wire = {
		.ptype_groups = cpu_to_le64(types),
		.vport_id = cpu_to_le32(vport_id),
	};
	struct wto_vc_call call = {
		.op = VC2_OP_SET_RSS_HASH,
		.req = &wire,
		.req_len = sizeof(wire),
		.reply = &wire,
		.reply_max = sizeof(wire),
		.again = true,
	};
	int ret = wto_vc_call(mbx, &call);

	if (ret < 0)
		return ret;
	/* a reply without contents leaves the request's */
	if (le64_to_cpu(wire.ptype_groups) != types) {
		dev_err_ratelimited(mbx->dev, "%s: asked for %#llx, got %#llx\n",
				    wto_vc_op_name(call.op), types,
				    le64_to_cpu(wire.ptype_groups));
		return -EIO;
	}

	return 0;
}

static void wto_vc_put_mac_hdr(void *hdr, u32 vport_id, u16 num)
{
	struct vc2_mac_addr_list *wire = hdr;

	wire->vport_id = cpu_to_le32(vport_id);
	wire->num_mac_addr = cpu_to_le16(num);
}

static void wto_vc_put_mac(void *elem, const void *host, unsigned int i)
{
	const struct wto_vc_mac *mac = (const struct wto_vc_mac *)host + i;
	struct vc2_mac_addr *wire = elem;

	ether_addr_copy(wire->addr, mac->addr);
	wire->type = mac->primary ? VC2_MAC_PRIMARY : VC2_MAC_EXTRA;
}

static int wto_vc_send_macs(struct wto_mbx *mbx, u32 op, u32 vport_id,
			    const struct wto_vc_mac *macs, unsigned int num)
{
	const struct wto_vc_list list = {
		.op = op,
		.hdr_len = sizeof(struct vc2_mac_addr_list),
		.elem_len = sizeof(struct vc2_mac_addr),
		.num = num,
		.host = macs,
		.put_hdr = wto_vc_put_mac_hdr,
		.put_elem = wto_vc_put_mac,
	};

	return wto_vc_send_list(mbx, vport_id, &list);
}

/**
 * wto_vc_add_macs - add address filters
 * @mbx: mailbox
 * @vport_id: vport
 * @macs: addresses
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_add_macs(struct wto_mbx *mbx, u32 vport_id,
		    const struct wto_vc_mac *macs, unsigned int num)
{
	return wto_vc_send_macs(mbx, VC2_OP_ADD_MAC_ADDR, vport_id, macs, num);
}

/**
 * wto_vc_del_macs - remove address filters
 * @mbx: mailbox
 * @vport_id: vport
 * @macs: addresses
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_del_macs(struct wto_mbx *mbx, u32 vport_id,
		    const struct wto_vc_mac *macs, unsigned int num)
{
	return wto_vc_send_macs(mbx, VC2_OP_DEL_MAC_ADDR, vport_id, macs, num);
}

/**
 * wto_vc_set_promisc - set promiscuous modes
 * @mbx: mailbox
 * @vport_id: vport
 * @unicast: all unicast frames
 * @multicast: all multicast frames
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_set_promisc(struct wto_mbx *mbx, u32 vport_id, bool unicast,
		       bool multicast)
{
	u16 flags = (unicast ? VC2_PROMISC_UNICAST : 0) |
		    (multicast ? VC2_PROMISC_MULTICAST : 0);
	struct vc2_promisc req = {
		.vport_id = cpu_to_le32(vport_id),
		.flags = cpu_to_le16(flags),
	};
	struct wto_vc_call call = {
		.op = VC2_OP_CONFIG_PROMISC,
		.req = &req,
		.req_len = sizeof(req),
	};
	int ret = wto_vc_call(mbx, &call);

	return ret < 0 ? ret : 0;
}
