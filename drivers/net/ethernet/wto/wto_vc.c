// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtchnl2: what concerns the function and its vports.
 *
 * Each function fills a request, exchanges it, checks the reply and puts it
 * into a structure of the host.  Nothing in a reply is believed that could
 * lead outside of an array.
 */

#include <linux/bitfield.h>
#include <linux/device.h>
#include <linux/etherdevice.h>
#include <linux/slab.h>

#include "wto_hw.h"
#include "wto_mbx.h"
#include "wto_vc.h"

/* Packet types asked for in one message: each may have 32 protocol ids */
#define WTO_VC_PTYPES_PER_MSG	58

/* Wait for the reply to a message that is sent for the second time */
#define WTO_VC_AGAIN_MS		5000

/**
 * wto_vc_op_name - name of an operation
 * @opcode: VC2_OP_*
 *
 * Context: Any.
 * Return: the name, for messages.
 */
const char *wto_vc_op_name(u32 opcode)
{
	static const struct {
		u32 opcode;
		const char *name;
	} names[] = {
		{ VC2_OP_VERSION, "VERSION" },
		{ VC2_OP_GET_CAPS, "GET_CAPS" },
		{ VC2_OP_CREATE_VPORT, "CREATE_VPORT" },
		{ VC2_OP_DESTROY_VPORT, "DESTROY_VPORT" },
		{ VC2_OP_ENABLE_VPORT, "ENABLE_VPORT" },
		{ VC2_OP_DISABLE_VPORT, "DISABLE_VPORT" },
		{ VC2_OP_CONFIG_TX_QUEUES, "CONFIG_TX_QUEUES" },
		{ VC2_OP_CONFIG_RX_QUEUES, "CONFIG_RX_QUEUES" },
		{ VC2_OP_ENABLE_QUEUES, "ENABLE_QUEUES" },
		{ VC2_OP_DISABLE_QUEUES, "DISABLE_QUEUES" },
		{ VC2_OP_MAP_QUEUE_VECTOR, "MAP_QUEUE_VECTOR" },
		{ VC2_OP_UNMAP_QUEUE_VECTOR, "UNMAP_QUEUE_VECTOR" },
		{ VC2_OP_SET_RSS_KEY, "SET_RSS_KEY" },
		{ VC2_OP_SET_RSS_LUT, "SET_RSS_LUT" },
		{ VC2_OP_GET_RSS_HASH, "GET_RSS_HASH" },
		{ VC2_OP_SET_RSS_HASH, "SET_RSS_HASH" },
		{ VC2_OP_ALLOC_VECTORS, "ALLOC_VECTORS" },
		{ VC2_OP_DEALLOC_VECTORS, "DEALLOC_VECTORS" },
		{ VC2_OP_EVENT, "EVENT" },
		{ VC2_OP_GET_STATS, "GET_STATS" },
		{ VC2_OP_GET_PORT_STATS, "GET_PORT_STATS" },
		{ VC2_OP_LOOPBACK, "LOOPBACK" },
		{ VC2_OP_RESET_VF, "RESET_VF" },
		{ VC2_OP_GET_PTYPE_INFO, "GET_PTYPE_INFO" },
		{ VC2_OP_ADD_MAC_ADDR, "ADD_MAC_ADDR" },
		{ VC2_OP_DEL_MAC_ADDR, "DEL_MAC_ADDR" },
		{ VC2_OP_CONFIG_PROMISC, "CONFIG_PROMISC" },
		{ VC2_OP_GET_LAN_MEMORY_REGIONS, "GET_LAN_MEMORY_REGIONS" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].opcode == opcode)
			return names[i].name;

	return "unknown operation";
}

static int wto_vc_malformed(struct wto_mbx *mbx, u32 op, const char *what,
			    u64 val)
{
	wto_mbx_count_malformed(mbx);
	dev_err_ratelimited(mbx->dev, "%s: malformed reply: %s is %llu\n",
			    wto_vc_op_name(op), what, val);
	return -EBADMSG;
}

static void wto_vc_log_no_reply(struct wto_mbx *mbx,
				const struct wto_vc_call *call, int err)
{
	if (err && READ_ONCE(mbx->up))
		dev_err_ratelimited(mbx->dev, "%s: no reply: %pe\n",
				    wto_vc_op_name(call->op), ERR_PTR(err));
}

/**
 * wto_vc_call - exchange a message and judge its reply as far as all are alike
 * @mbx: mailbox
 * @call: request, and what the reply must be like
 *
 * Context: Process, may sleep.
 * Return: bytes at the reply, or a negative errno as said in wto_vc.h.  Why it
 * failed is reported, unless the mailbox is down or the device is gone.
 */
int wto_vc_call(struct wto_mbx *mbx, const struct wto_vc_call *call)
{
	struct wto_mbx_msg msg = {
		.opcode = call->op,
		.req = call->req,
		.req_len = call->req_len,
		.reply = call->reply,
		.reply_max = call->reply_max,
	};
	int err;

	err = wto_mbx_exchange(mbx, &msg);
	wto_vc_log_no_reply(mbx, call, err);
	if (err == -ETIMEDOUT && call->again && !READ_ONCE(mbx->hw->hurry)) {
		msg.timeout_ms = WTO_VC_AGAIN_MS;
		err = wto_mbx_exchange(mbx, &msg);
		wto_vc_log_no_reply(mbx, call, err);
	}
	if (err)
		return err;
	if (msg.retval && call->optional)
		return -EOPNOTSUPP;
	if (msg.retval) {
		dev_err_ratelimited(mbx->dev, "%s: refused by the device with status %d\n",
				    wto_vc_op_name(call->op), (s32)msg.retval);
		return -EIO;
	}
	if (msg.reply_len < call->reply_min)
		return wto_vc_malformed(mbx, call->op, "length",
					msg.reply_len);

	return min(msg.reply_len, call->reply_max);
}

/* Exchange a message whose reply has the form of the request, and overwrites it.
 * Return: as wto_vc_call().
 */
static int wto_vc_ask(struct wto_mbx *mbx, u32 op, void *wire, size_t len)
{
	const struct wto_vc_call call = {
		.op = op,
		.req = wire,
		.req_len = len,
		.reply = wire,
		.reply_max = len,
		.reply_min = len,
	};

	return wto_vc_call(mbx, &call);
}

/**
 * wto_vc_version - agree on the version of the interface
 * @mbx: mailbox
 * @version: out: the device's version
 *
 * Context: Process, may sleep.
 * Return: 0; -EPROTONOSUPPORT if the device's major version is not ours; see
 * wto_vc.h.
 */
int wto_vc_version(struct wto_mbx *mbx, struct wto_vc_version *version)
{
	struct vc2_version ver = {
		.major = cpu_to_le32(VC2_VERSION_MAJOR),
		.minor = cpu_to_le32(VC2_VERSION_MINOR),
	};
	int ret;

	ret = wto_vc_ask(mbx, VC2_OP_VERSION, &ver, sizeof(ver));
	if (ret < 0)
		return ret;
	if (le32_to_cpu(ver.major) != VC2_VERSION_MAJOR) {
		dev_err(mbx->dev, "device speaks virtchnl %u.%u, driver %u.%u\n",
			le32_to_cpu(ver.major), le32_to_cpu(ver.minor),
			VC2_VERSION_MAJOR, VC2_VERSION_MINOR);
		return -EPROTONOSUPPORT;
	}
	version->major = le32_to_cpu(ver.major);
	version->minor = le32_to_cpu(ver.minor);

	return 0;
}

/**
 * wto_vc_get_caps - negotiate capabilities
 * @mbx: mailbox
 * @caps: in: csum, seg, hsplit, rsc, rss and other hold what is wanted; out:
 *	what is granted of it, and the device's limits
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_get_caps(struct wto_mbx *mbx, struct wto_vc_caps *caps)
{
	struct vc2_caps wire = {
		.csum_caps = cpu_to_le32(caps->csum),
		.seg_caps = cpu_to_le32(caps->seg),
		.hsplit_caps = cpu_to_le32(caps->hsplit),
		.rsc_caps = cpu_to_le32(caps->rsc),
		.rss_caps = cpu_to_le64(caps->rss),
		.other_caps = cpu_to_le64(caps->other),
	};
	int ret;

	ret = wto_vc_ask(mbx, VC2_OP_GET_CAPS, &wire, sizeof(wire));
	if (ret < 0)
		return ret;

	/* more than was asked for cannot be granted */
	caps->csum &= le32_to_cpu(wire.csum_caps);
	caps->seg &= le32_to_cpu(wire.seg_caps);
	caps->hsplit &= le32_to_cpu(wire.hsplit_caps);
	caps->rsc &= le32_to_cpu(wire.rsc_caps);
	caps->rss &= le64_to_cpu(wire.rss_caps);
	caps->other &= le64_to_cpu(wire.other_caps);
	caps->mbx_dyn_ctl = le32_to_cpu(wire.mailbox_dyn_ctl);
	caps->mbx_vector = le16_to_cpu(wire.mailbox_vector_id);
	caps->num_vectors = le16_to_cpu(wire.num_allocated_vectors);
	caps->max_txq = le16_to_cpu(wire.max_tx_q);
	caps->max_complq = le16_to_cpu(wire.max_tx_complq);
	caps->max_rxq = le16_to_cpu(wire.max_rx_q);
	caps->max_bufq = le16_to_cpu(wire.max_rx_bufq);
	caps->max_vports = le16_to_cpu(wire.max_vports);
	caps->default_vports = le16_to_cpu(wire.default_num_vports);
	caps->max_tx_hdr = le16_to_cpu(wire.max_tx_hdr_size);
	caps->max_sg_bufs = max(wire.max_sg_bufs_per_tx_pkt, 1);
	caps->min_pkt_len = wire.min_sso_packet_len ?:
			    VC2_MIN_SSO_PACKET_LEN_DEFAULT;
	/* on the wire no frame is shorter, nor is it counted as shorter */
	caps->min_pkt_len = min_t(u8, caps->min_pkt_len, ETH_ZLEN);

	return 0;
}

/**
 * wto_vc_get_regions - ask which parts of BAR0 hold registers
 * @mbx: mailbox
 * @ranges: out: the parts; whether they lie in BAR0 is for the caller to see
 * @max: room at @ranges
 *
 * Context: Process, may sleep.
 * Return: number of parts, at least 1, or see wto_vc.h.
 */
int wto_vc_get_regions(struct wto_mbx *mbx, struct wto_hw_range *ranges,
		       unsigned int max)
{
	size_t room = VC2_LEN(struct vc2_lan_memory_regions, mem_reg, max);
	struct wto_vc_call call = {
		.op = VC2_OP_GET_LAN_MEMORY_REGIONS,
		.reply_max = room,
		.reply_min = VC2_LEN(struct vc2_lan_memory_regions, mem_reg, 1),
	};
	struct vc2_lan_memory_regions *wire;
	unsigned int num;
	unsigned int i;
	int ret;

	wire = kzalloc(room, GFP_KERNEL);
	if (!wire)
		return -ENOMEM;
	wire->num_memory_regions = cpu_to_le16(1);
	call.req = wire;
	call.req_len = call.reply_min;
	call.reply = wire;

	ret = wto_vc_call(mbx, &call);
	if (ret < 0)
		goto free_wire;

	num = le16_to_cpu(wire->num_memory_regions);
	if (!num || num > max ||
	    VC2_LEN(struct vc2_lan_memory_regions, mem_reg, num) > ret) {
		ret = wto_vc_malformed(mbx, call.op, "number of regions", num);
		goto free_wire;
	}
	for (i = 0; i < num; i++) {
		ranges[i].start = le64_to_cpu(wire->mem_reg[i].start_offset);
		ranges[i].len = le64_to_cpu(wire->mem_reg[i].size);
	}
	ret = num;

free_wire:
	kfree(wire);
	return ret;
}

/* Spread a chunk over single vectors.  Return: how many were written. */
static u16 wto_vc_spread_vectors(const struct vc2_vector_chunk *chunk,
				 struct wto_vc_vector *vectors, u16 room)
{
	u64 index_spacing = le32_to_cpu(chunk->itrn_index_spacing);
	u16 num = min(le16_to_cpu(chunk->num_vectors), room);
	u16 start = le16_to_cpu(chunk->start_vector_id);
	u16 i;

	for (i = 0; i < num && start + i <= U16_MAX; i++) {
		vectors[i].id = start + i;
		vectors[i].dyn_ctl = le32_to_cpu(chunk->dynctl_reg_start) +
			(u64)i * le32_to_cpu(chunk->dynctl_reg_spacing);
		vectors[i].itr[0] = le32_to_cpu(chunk->itrn_reg_start) +
			(u64)i * le32_to_cpu(chunk->itrn_reg_spacing);
		vectors[i].itr[1] = vectors[i].itr[0] + index_spacing;
	}

	return i;
}

/**
 * wto_vc_alloc_vectors - get interrupt vectors for queues
 * @mbx: mailbox
 * @vectors: out: the vectors; itr[1] equals itr[0] if the device left the
 *	distance of the throttling registers to the register map
 * @num: vectors wanted
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h; -EBADMSG also if there are fewer than @num.
 */
int wto_vc_alloc_vectors(struct wto_mbx *mbx, struct wto_vc_vector *vectors,
			 u16 num)
{
	struct vc2_alloc_vectors req = { .num_vectors = cpu_to_le16(num) };
	struct wto_vc_call call = {
		.op = VC2_OP_ALLOC_VECTORS,
		.req = &req,
		.req_len = sizeof(req),
		.reply_max = WTO_MBX_BUF_SIZE,
		.reply_min = sizeof(req),
	};
	struct vc2_alloc_vectors *wire;
	u16 num_chunks;
	u16 got = 0;
	int ret;
	u16 i;

	wire = kzalloc(WTO_MBX_BUF_SIZE, GFP_KERNEL);
	if (!wire)
		return -ENOMEM;
	call.reply = wire;

	ret = wto_vc_call(mbx, &call);
	if (ret < 0)
		goto free_wire;

	num_chunks = le16_to_cpu(wire->num_vchunks);
	if (VC2_LEN(struct vc2_alloc_vectors, vchunks, num_chunks) > ret) {
		ret = wto_vc_malformed(mbx, call.op, "number of chunks",
				       num_chunks);
		goto free_wire;
	}
	for (i = 0; i < num_chunks; i++)
		got += wto_vc_spread_vectors(&wire->vchunks[i], vectors + got,
					     num - got);
	ret = got == num ? 0 : wto_vc_malformed(mbx, call.op,
						"number of vectors", got);

free_wire:
	kfree(wire);
	return ret;
}

/**
 * wto_vc_dealloc_vectors - give interrupt vectors back
 * @mbx: mailbox
 * @vectors: vectors as wto_vc_alloc_vectors() gave them
 * @num: their number
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_dealloc_vectors(struct wto_mbx *mbx,
			   const struct wto_vc_vector *vectors, u16 num)
{
	struct wto_vc_call call = { .op = VC2_OP_DEALLOC_VECTORS };
	struct vc2_vector_chunks *wire;
	int ret;
	u16 i;

	wire = kzalloc(VC2_LEN(struct vc2_vector_chunks, vchunks, num),
		       GFP_KERNEL);
	if (!wire)
		return -ENOMEM;
	wire->num_vchunks = cpu_to_le16(num);
	for (i = 0; i < num; i++) {
		wire->vchunks[i].start_vector_id = cpu_to_le16(vectors[i].id);
		wire->vchunks[i].num_vectors = cpu_to_le16(1);
	}
	call.req = wire;
	call.req_len = VC2_LEN(struct vc2_vector_chunks, vchunks, num);

	ret = wto_vc_call(mbx, &call);
	kfree(wire);

	return ret < 0 ? ret : 0;
}

/* What a list of protocols, outermost first, says about a packet */
static void wto_vc_decode_ptype(struct wto_ptype *type, const __le16 *protos,
				unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		u8 version = 0;

		switch (le16_to_cpu(protos[i])) {
		case VC2_PROTO_IPV4_FRAG:
			type->frag = true;
			fallthrough;
		case VC2_PROTO_IPV4:
			version = 4;
			break;
		case VC2_PROTO_IPV6_FRAG:
			type->frag = true;
			fallthrough;
		case VC2_PROTO_IPV6:
			version = 6;
			break;
		case VC2_PROTO_TCP:
			type->l4 = WTO_PTYPE_L4_TCP;
			break;
		case VC2_PROTO_UDP:
			type->l4 = WTO_PTYPE_L4_UDP;
			break;
		case VC2_PROTO_SCTP:
			type->l4 = WTO_PTYPE_L4_SCTP;
			break;
		case VC2_PROTO_ICMP:
		case VC2_PROTO_ICMPV6:
			type->l4 = WTO_PTYPE_L4_ICMP;
			break;
		}
		if (!version)
			continue;
		/* a second IP header begins a tunnelled packet */
		if (type->l3) {
			type->inner_l3 = version;
			type->l4 = WTO_PTYPE_L4_NONE;
		} else {
			type->l3 = version;
		}
	}
}

/* Take the entries of one reply.  Return: 1 at the end of the table, 0 when
 * there is more, or -EBADMSG.
 */
static int wto_vc_take_ptypes(struct wto_mbx *mbx, const void *buf, size_t len,
			      struct wto_ptype *table)
{
	const struct vc2_get_ptype_info *hdr = buf;
	u16 num = le16_to_cpu(hdr->num_ptypes);
	size_t pos = sizeof(*hdr);
	u16 i;

	for (i = 0; i < num; i++) {
		const struct vc2_ptype *entry = buf + pos;
		u16 id;

		if (pos + sizeof(*entry) > len)
			break;
		id = le16_to_cpu(entry->ptype_id_10);
		if (id == VC2_PTYPE_END)
			return 1;
		pos += VC2_LEN(struct vc2_ptype, proto_id,
			       entry->proto_id_count);
		if (pos > len || id >= VC2_PTYPE_MAX)
			return wto_vc_malformed(mbx, VC2_OP_GET_PTYPE_INFO,
						"packet type", id);
		memset(&table[id], 0, sizeof(table[id]));
		wto_vc_decode_ptype(&table[id], entry->proto_id,
				    entry->proto_id_count);
		table[VC2_PTYPE_MAX + entry->ptype_id_8] = table[id];
	}

	return i == num ? 0 : wto_vc_malformed(mbx, VC2_OP_GET_PTYPE_INFO,
					       "number of packet types", num);
}

/**
 * wto_vc_get_ptypes - read the table of packet types
 * @mbx: mailbox
 * @table: out: WTO_PTYPE_TABLE_LEN elements
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_get_ptypes(struct wto_mbx *mbx, struct wto_ptype *table)
{
	struct vc2_get_ptype_info req = {};
	struct wto_vc_call call = {
		.op = VC2_OP_GET_PTYPE_INFO,
		.req = &req,
		.req_len = sizeof(req),
		.reply_max = WTO_MBX_BUF_SIZE,
		.reply_min = sizeof(req),
	};
	unsigned int start;
	void *buf;
	int ret = 0;

	buf = kzalloc(WTO_MBX_BUF_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	call.reply = buf;
	memset(table, 0, WTO_PTYPE_TABLE_LEN * sizeof(*table));

	for (start = 0; start < VC2_PTYPE_MAX; start += WTO_VC_PTYPES_PER_MSG) {
		req.start_ptype_id = cpu_to_le16(start);
		req.num_ptypes = cpu_to_le16(min(WTO_VC_PTYPES_PER_MSG,
						 VC2_PTYPE_MAX - start));
		ret = wto_vc_call(mbx, &call);
		if (ret >= 0)
			ret = wto_vc_take_ptypes(mbx, buf, ret, table);
		if (ret)
			break;
	}

	kfree(buf);
	return ret < 0 ? ret : 0;
}

/**
 * wto_vc_reset_vf - ask for a reset of this virtual function
 * @mbx: mailbox
 *
 * There is no reply: the reset clears the mailbox registers.
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno if the message could not be sent.
 */
int wto_vc_reset_vf(struct wto_mbx *mbx)
{
	return wto_mbx_send(mbx, VC2_OP_RESET_VF);
}

static bool wto_vc_has_queue(const struct wto_vc_queue_id *queues, u16 num,
			     u32 id)
{
	while (num--)
		if (queues[num].id == id)
			return true;

	return false;
}

/* Sort the queues of a reply by type.  More than @max of a type, which were not
 * asked for, are left out.
 */
static int wto_vc_take_chunks(struct wto_mbx *mbx,
			      const struct vc2_create_vport *wire, size_t len,
			      u16 max, struct wto_vc_vport *vport)
{
	struct {
		struct wto_vc_queue_id *queues;
		u16 *num;
		u16 want;
	} lists[] = {
		[VC2_QUEUE_TYPE_TX] = { vport->txq, &vport->num_txq,
					le16_to_cpu(wire->num_tx_q) },
		[VC2_QUEUE_TYPE_RX] = { vport->rxq, &vport->num_rxq,
					le16_to_cpu(wire->num_rx_q) },
		[VC2_QUEUE_TYPE_TX_COMPL] = { vport->complq, &vport->num_complq,
					le16_to_cpu(wire->num_tx_complq) },
		[VC2_QUEUE_TYPE_RX_BUF] = { vport->bufq, &vport->num_bufq,
					le16_to_cpu(wire->num_rx_bufq) },
	};
	u16 num_chunks = le16_to_cpu(wire->num_chunks);
	u16 i;

	if (VC2_LEN(struct vc2_create_vport, chunks, num_chunks) > len)
		return wto_vc_malformed(mbx, VC2_OP_CREATE_VPORT,
					"number of chunks", num_chunks);

	for (i = 0; i < num_chunks; i++) {
		const struct vc2_queue_reg_chunk *chunk = &wire->chunks[i];
		u32 spacing = le32_to_cpu(chunk->qtail_reg_spacing);
		u64 tail = le64_to_cpu(chunk->qtail_reg_start);
		u32 type = le32_to_cpu(chunk->type);
		u32 id = le32_to_cpu(chunk->start_queue_id);
		u32 num = le32_to_cpu(chunk->num_queues);

		if (type >= ARRAY_SIZE(lists))
			continue;
		for (; num && *lists[type].num < min(lists[type].want, max);
		     num--) {
			struct wto_vc_queue_id *q;

			/* completion and buffer queues are named by 16 bits */
			if (id > U16_MAX ||
			    wto_vc_has_queue(lists[type].queues,
					     *lists[type].num, id))
				return wto_vc_malformed(mbx,
							VC2_OP_CREATE_VPORT,
							"queue id", id);
			q = &lists[type].queues[(*lists[type].num)++];
			q->id = id++;
			q->tail = tail;
			tail += spacing;
		}
	}

	return 0;
}

static int wto_vc_take_vport(struct wto_mbx *mbx,
			     const struct vc2_create_vport *wire, size_t len,
			     u16 max, struct wto_vc_vport *vport)
{
	memset(vport, 0, sizeof(*vport));
	vport->id = le32_to_cpu(wire->vport_id);
	vport->index = le16_to_cpu(wire->vport_index);
	vport->max_frame = le16_to_cpu(wire->max_mtu);
	vport->default_rxq = le16_to_cpu(wire->default_rx_q);
	vport->txq_model = le16_to_cpu(wire->txq_model);
	vport->rxq_model = le16_to_cpu(wire->rxq_model);
	ether_addr_copy(vport->mac, wire->default_mac_addr);
	vport->rx_desc_ids = le64_to_cpu(wire->rx_desc_ids);
	vport->tx_desc_ids = le64_to_cpu(wire->tx_desc_ids);
	vport->rss_alg = le32_to_cpu(wire->rss_algorithm);
	vport->rss_key_size = min(le16_to_cpu(wire->rss_key_size),
				  WTO_MAX_RSS_KEY);
	vport->rss_lut_size = le16_to_cpu(wire->rss_lut_size);
	if (vport->rss_lut_size > WTO_MAX_RSS_LUT)
		return wto_vc_malformed(mbx, VC2_OP_CREATE_VPORT,
					"size of the RSS table",
					vport->rss_lut_size);

	return wto_vc_take_chunks(mbx, wire, len, max, vport);
}

/**
 * wto_vc_create_vport - make a vport, in the split queue model if it can be had
 * @mbx: mailbox
 * @index: the driver's number of it
 * @num_queues: queues wanted of each type, at most WTO_MAX_QUEUES
 * @vport: out: the vport; there may be fewer queues than wanted, even none
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h; after -EBADMSG the device has the vport nevertheless.
 */
int wto_vc_create_vport(struct wto_mbx *mbx, u16 index, u16 num_queues,
			struct wto_vc_vport *vport)
{
	struct vc2_create_vport req = {
		.vport_type = cpu_to_le16(VC2_VPORT_TYPE_DEFAULT),
		.txq_model = cpu_to_le16(VC2_QUEUE_MODEL_SPLIT),
		.rxq_model = cpu_to_le16(VC2_QUEUE_MODEL_SPLIT),
		.num_tx_q = cpu_to_le16(num_queues),
		.num_tx_complq = cpu_to_le16(num_queues),
		.num_rx_q = cpu_to_le16(num_queues),
		.num_rx_bufq = cpu_to_le16(num_queues),
		.vport_index = cpu_to_le16(index),
	};
	struct wto_vc_call call = {
		.op = VC2_OP_CREATE_VPORT,
		.req = &req,
		.req_len = sizeof(req),
		.reply_max = WTO_MBX_BUF_SIZE,
		.reply_min = sizeof(req),
	};
	void *buf;
	int ret;

	buf = kzalloc(WTO_MBX_BUF_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	call.reply = buf;

	ret = wto_vc_call(mbx, &call);
	if (ret >= 0)
		ret = wto_vc_take_vport(mbx, buf, ret, num_queues, vport);
	kfree(buf);

	return ret;
}

static int wto_vc_vport_op(struct wto_mbx *mbx, u32 op, u32 vport_id)
{
	struct vc2_vport req = { .vport_id = cpu_to_le32(vport_id) };
	struct wto_vc_call call = {
		.op = op,
		.req = &req,
		.req_len = sizeof(req),
		.again = op != VC2_OP_DESTROY_VPORT,
	};
	int ret = wto_vc_call(mbx, &call);

	return ret < 0 ? ret : 0;
}

/**
 * wto_vc_destroy_vport - remove a vport
 * @mbx: mailbox
 * @vport_id: its name
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_destroy_vport(struct wto_mbx *mbx, u32 vport_id)
{
	return wto_vc_vport_op(mbx, VC2_OP_DESTROY_VPORT, vport_id);
}

/**
 * wto_vc_enable_vport - switch a vport on or off
 * @mbx: mailbox
 * @vport_id: its name
 * @enable: on
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_enable_vport(struct wto_mbx *mbx, u32 vport_id, bool enable)
{
	return wto_vc_vport_op(mbx, enable ? VC2_OP_ENABLE_VPORT :
					     VC2_OP_DISABLE_VPORT, vport_id);
}

/**
 * wto_vc_get_stats - read the device's counters of a vport
 * @mbx: mailbox
 * @vport_id: its name
 * @stats: out: counters
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_get_stats(struct wto_mbx *mbx, u32 vport_id,
		     struct wto_nic_stats *stats)
{
	struct vc2_vport_stats wire = { .vport_id = cpu_to_le32(vport_id) };
	int ret;

	ret = wto_vc_ask(mbx, VC2_OP_GET_STATS, &wire, sizeof(wire));
	if (ret < 0)
		return ret;

	stats->rx_bytes = le64_to_cpu(wire.rx_bytes);
	stats->rx_unicast = le64_to_cpu(wire.rx_unicast);
	stats->rx_multicast = le64_to_cpu(wire.rx_multicast);
	stats->rx_broadcast = le64_to_cpu(wire.rx_broadcast);
	stats->rx_discards = le64_to_cpu(wire.rx_discards);
	stats->rx_errors = le64_to_cpu(wire.rx_errors);
	stats->rx_unknown_protocol = le64_to_cpu(wire.rx_unknown_protocol);
	stats->tx_bytes = le64_to_cpu(wire.tx_bytes);
	stats->tx_unicast = le64_to_cpu(wire.tx_unicast);
	stats->tx_multicast = le64_to_cpu(wire.tx_multicast);
	stats->tx_broadcast = le64_to_cpu(wire.tx_broadcast);
	stats->tx_discards = le64_to_cpu(wire.tx_discards);
	stats->tx_errors = le64_to_cpu(wire.tx_errors);
	stats->rx_invalid_frame_length =
		le64_to_cpu(wire.rx_invalid_frame_length);
	stats->rx_overflow_drop = le64_to_cpu(wire.rx_overflow_drop);

	return 0;
}

/**
 * wto_vc_parse_link - is a message a link event, and what does it say?
 * @mbx: mailbox, for messages
 * @opcode: operation of the message
 * @buf: its bytes, which the device could still change
 * @len: their number
 * @link: out: the event
 *
 * Context: Any.
 * Return: true if it is a link event.
 */
bool wto_vc_parse_link(struct wto_mbx *mbx, u32 opcode, const void *buf,
		       size_t len, struct wto_vc_link *link)
{
	struct vc2_event event;

	if (opcode != VC2_OP_EVENT)
		return false;
	if (len < sizeof(event)) {
		wto_vc_malformed(mbx, opcode, "length", len);
		return false;
	}
	memcpy(&event, buf, sizeof(event));
	if (le32_to_cpu(event.event) != VC2_EVENT_LINK_CHANGE) {
		wto_vc_malformed(mbx, opcode, "event",
				 le32_to_cpu(event.event));
		return false;
	}

	link->vport_id = le32_to_cpu(event.vport_id);
	link->speed_mbps = le32_to_cpu(event.link_speed);
	link->up = event.link_status;

	return true;
}
