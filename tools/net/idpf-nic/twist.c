// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies that are well formed and make no sense, or another sense than before.
 *
 * Where corrupt.c changes bits without knowing what they mean, each of these
 * is a mistake that firmware might make, or a trap that one might set.  What
 * the NIC has noted for itself stays as it was.
 */

#include <string.h>

#include "fault.h"
#include "mbx.h"
#include "twist.h"
#include "util.h"
#include "../../../include/wto/regs.h"
#include "../../../include/wto/virtchnl.h"

/* Beyond any BAR, and so that a few more bytes make it wrap */
#define FAR_AWAY		0xffffffffffffff00ULL

static void half(__le16 *num)
{
	*num = cpu_to_le16((u16)((le16_to_cpu(*num) + 1) / 2));
}

static void half32(__le32 *num)
{
	*num = cpu_to_le32((le32_to_cpu(*num) + 1) / 2);
}

static void set_all(__le16 *first, __le16 *last, u16 num)
{
	for (; first <= last; first++)
		*first = cpu_to_le16(num);
}

/* ------------------------------------------------------------------ */
/* GET_CAPS                                                             */

static void caps_less(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_caps *caps = (void *)msg->data;

	caps->csum_caps = 0;
	caps->seg_caps = 0;
	caps->hsplit_caps = 0;
	caps->rss_caps = 0;
	caps->other_caps &= cpu_to_le64(VC2_CAP_LAN_MEMORY_REGIONS |
					VC2_CAP_PTYPE | VC2_CAP_PROMISC);
	half(&caps->num_allocated_vectors);
	half(&caps->max_rx_q);
	half(&caps->max_tx_q);
	half(&caps->max_rx_bufq);
	half(&caps->max_tx_complq);
	caps->max_sg_bufs_per_tx_pkt = 1;
	caps->max_tx_hdr_size = 0;
}

static void caps_more(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_caps *caps = (void *)msg->data;

	memset(&caps->csum_caps, 0xff, sizeof(caps->csum_caps));
	memset(&caps->seg_caps, 0xff, sizeof(caps->seg_caps));
	memset(&caps->hsplit_caps, 0xff, sizeof(caps->hsplit_caps));
	memset(&caps->rsc_caps, 0xff, sizeof(caps->rsc_caps));
	memset(&caps->rss_caps, 0xff, sizeof(caps->rss_caps));
	memset(&caps->other_caps, 0xff, sizeof(caps->other_caps));
	set_all(&caps->num_allocated_vectors, &caps->max_tx_hdr_size, 0xffff);
	caps->max_sg_bufs_per_tx_pkt = 0xff;
	caps->max_hdr_buf_per_lso = 0xff;
}

static void caps_none(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_caps *caps = (void *)msg->data;

	set_all(&caps->num_allocated_vectors, &caps->max_tx_hdr_size, 0);
	caps->max_sg_bufs_per_tx_pkt = 0;
	caps->min_sso_packet_len = 0;
}

static void mbx_vector(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_caps *caps = (void *)msg->data;

	caps->mailbox_vector_id = cpu_to_le16(1);
}

static void mbx_register(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_caps *caps = (void *)msg->data;

	caps->mailbox_dyn_ctl = cpu_to_le32(~0U - 3);
}

/* ------------------------------------------------------------------ */
/* ALLOC_VECTORS                                                        */

static struct vc2_vector_chunk *vector_chunk(struct mbx_msg *msg)
{
	return ((struct vc2_alloc_vectors *)msg->data)->vchunks;
}

/* The same vectors in another order.  This is right, if unexpected. */
static void vectors_moved(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_alloc_vectors *all = (void *)msg->data;
	struct vc2_vector_chunk *chunk = vector_chunk(msg);
	u16 num = le16_to_cpu(chunk->num_vectors);
	u16 first = num / 2;

	if (le16_to_cpu(all->num_vchunks) != 1 || num < 2)
		return;
	chunk[1] = chunk[0];
	chunk[1].num_vectors = cpu_to_le16(first);
	chunk[0].num_vectors = cpu_to_le16(num - first);
	chunk[0].start_vector_id =
		cpu_to_le16(le16_to_cpu(chunk->start_vector_id) + first);
	chunk[0].dynctl_reg_start =
		cpu_to_le32(le32_to_cpu(chunk->dynctl_reg_start) +
			    first * le32_to_cpu(chunk->dynctl_reg_spacing));
	chunk[0].itrn_reg_start =
		cpu_to_le32(le32_to_cpu(chunk->itrn_reg_start) +
			    first * le32_to_cpu(chunk->itrn_reg_spacing));
	all->num_vchunks = cpu_to_le16(2);
	msg->len += sizeof(*chunk);
}

/* One vector several times: as many chunks of one as there were vectors */
static void vectors_same(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_alloc_vectors *all = (void *)msg->data;
	struct vc2_vector_chunk *chunk = vector_chunk(msg);
	u16 num = le16_to_cpu(chunk->num_vectors);

	chunk->num_vectors = cpu_to_le16(1);
	for (u16 i = 1; i < num; i++)
		chunk[i] = chunk[0];
	all->num_vchunks = cpu_to_le16(num);
	msg->len = (u16)VC2_LEN(struct vc2_alloc_vectors, vchunks, num);
}

static void vectors_far(struct fault *fault, struct mbx_msg *msg)
{
	vector_chunk(msg)->start_vector_id = cpu_to_le16(0xfff8);
}

static void vectors_many(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_alloc_vectors *all = (void *)msg->data;

	all->num_vectors = cpu_to_le16(0xffff);
	all->num_vchunks = cpu_to_le16(0xffff);
	vector_chunk(msg)->num_vectors = cpu_to_le16(0xffff);
}

static void vectors_few(struct fault *fault, struct mbx_msg *msg)
{
	half(&vector_chunk(msg)->num_vectors);
}

static void vectors_registers(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_vector_chunk *chunk = vector_chunk(msg);

	chunk->dynctl_reg_spacing = cpu_to_le32(~0U);
	chunk->itrn_reg_start = cpu_to_le32(~0U - 1);
	chunk->itrn_index_spacing = cpu_to_le32(~0U);
}

/* ------------------------------------------------------------------ */
/* CREATE_VPORT                                                         */

static u16 num_queue_chunks(const struct mbx_msg *msg)
{
	return le16_to_cpu(((const struct vc2_create_vport *)
			    msg->data)->num_chunks);
}

static struct vc2_queue_reg_chunk *queue_chunks(struct mbx_msg *msg)
{
	return ((struct vc2_create_vport *)msg->data)->chunks;
}

/* Each chunk a second time: ids that overlap */
static void queues_same(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;
	struct vc2_queue_reg_chunk *chunks = queue_chunks(msg);
	u16 num = num_queue_chunks(msg);

	if (VC2_LEN(struct vc2_create_vport, chunks, 2 * num) >
	    sizeof(msg->data))
		return;
	for (u16 i = 0; i < num; i++) {
		half32(&chunks[i].num_queues);
		chunks[num + i] = chunks[i];
	}
	vport->num_chunks = cpu_to_le16(2 * num);
	msg->len = (u16)VC2_LEN(struct vc2_create_vport, chunks, 2 * num);
}

/* Ids that wrap */
static void queues_far(struct fault *fault, struct mbx_msg *msg)
{
	for (u16 i = 0; i < num_queue_chunks(msg); i++)
		queue_chunks(msg)[i].start_queue_id = cpu_to_le32(~0U - 1);
}

static void queues_many(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	set_all(&vport->num_tx_q, &vport->num_rx_bufq, 0xffff);
	for (u16 i = 0; i < num_queue_chunks(msg); i++)
		queue_chunks(msg)[i].num_queues = cpu_to_le32(~0U);
}

static void queues_none(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	set_all(&vport->num_tx_q, &vport->num_rx_bufq, 0);
}

/* More chunks than there are bytes for */
static void queues_chunks(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	vport->num_chunks = cpu_to_le16(0xffff);
}

static void queues_types(struct fault *fault, struct mbx_msg *msg)
{
	for (u16 i = 0; i < num_queue_chunks(msg); i++)
		queue_chunks(msg)[i].type = cpu_to_le32(~0U - i);
}

static void queues_tails(struct fault *fault, struct mbx_msg *msg)
{
	for (u16 i = 0; i < num_queue_chunks(msg); i++) {
		queue_chunks(msg)[i].qtail_reg_start = cpu_to_le64(FAR_AWAY);
		queue_chunks(msg)[i].qtail_reg_spacing = cpu_to_le32(~0U);
	}
}

/* Every vport has the id and the queues of the first one */
static void vport_same(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	vport->vport_id = 0;
	for (u16 i = 0; i < num_queue_chunks(msg); i++)
		queue_chunks(msg)[i].start_queue_id = 0;
}

static void vport_model(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	vport->txq_model = cpu_to_le16(0x7fff);
	vport->rx_desc_ids = 0;
}

static void vport_frame(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	vport->max_mtu = cpu_to_le16((u16)(fault_random(fault,
							FAULT_REPLY_TWIST) %
					   94));
}

static void vport_rss(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	vport->rss_key_size = cpu_to_le16(0xffff);
	vport->rss_lut_size = cpu_to_le16(0xffff);
}

/* An odd table, shorter than there are queues.  This is right. */
static void vport_lut(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	vport->rss_lut_size = cpu_to_le16(1);
	vport->rss_key_size = cpu_to_le16(40);
}

/* No address of its own, or one that is none.  The driver has the old one. */
static void vport_mac(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_create_vport *vport = (void *)msg->data;

	memset(vport->default_mac_addr, 0xff, sizeof(vport->default_mac_addr));
}

/* ------------------------------------------------------------------ */
/* GET_PTYPE_INFO, GET_LAN_MEMORY_REGIONS                               */

static struct vc2_ptype *first_ptype(struct mbx_msg *msg)
{
	return (void *)(msg->data + sizeof(struct vc2_get_ptype_info));
}

static void ptype_id(struct fault *fault, struct mbx_msg *msg)
{
	first_ptype(msg)->ptype_id_10 = cpu_to_le16(VC2_PTYPE_MAX);
}

static void ptype_protos(struct fault *fault, struct mbx_msg *msg)
{
	first_ptype(msg)->proto_id_count = 0xff;
	msg->len = sizeof(struct vc2_get_ptype_info) + sizeof(struct vc2_ptype);
}

static void ptype_many(struct fault *fault, struct mbx_msg *msg)
{
	struct vc2_get_ptype_info *info = (void *)msg->data;

	info->num_ptypes = cpu_to_le16(0xffff);
}

static struct vc2_lan_memory_regions *regions(struct mbx_msg *msg)
{
	return (void *)msg->data;
}

static void regions_far(struct fault *fault, struct mbx_msg *msg)
{
	regions(msg)->mem_reg[0].start_offset = cpu_to_le64(FAR_AWAY);
}

static void regions_long(struct fault *fault, struct mbx_msg *msg)
{
	regions(msg)->mem_reg[0].size = cpu_to_le64(~0ULL);
}

static void regions_many(struct fault *fault, struct mbx_msg *msg)
{
	regions(msg)->num_memory_regions = cpu_to_le16(0xffff);
}

/* ------------------------------------------------------------------ */

/**
 * struct twist - a way to spoil a reply
 * @name: for the user
 * @opcode: whose reply
 * @least: bytes that the reply must have
 * @fn: does it
 */
struct twist {
	const char *name;
	u32 opcode;
	u16 least;
	void (*fn)(struct fault *fault, struct mbx_msg *msg);
};

/* Entries of the table, by what the reply has at least */
#define CAPS(name, fn) \
	{ name, VC2_OP_GET_CAPS, sizeof(struct vc2_caps), fn }
#define VECTORS(name, fn) \
	{ name, VC2_OP_ALLOC_VECTORS, \
	  VC2_LEN(struct vc2_alloc_vectors, vchunks, 1), fn }
#define VPORT(name, fn) \
	{ name, VC2_OP_CREATE_VPORT, \
	  VC2_LEN(struct vc2_create_vport, chunks, 1), fn }
#define PTYPES(name, fn) \
	{ name, VC2_OP_GET_PTYPE_INFO, \
	  sizeof(struct vc2_get_ptype_info) + sizeof(struct vc2_ptype), fn }
#define REGIONS(name, fn) \
	{ name, VC2_OP_GET_LAN_MEMORY_REGIONS, \
	  VC2_LEN(struct vc2_lan_memory_regions, mem_reg, 1), fn }

static const struct twist twists[] = {
	CAPS("caps-less", caps_less),
	CAPS("caps-more", caps_more),
	CAPS("caps-none", caps_none),
	CAPS("mbx-vector", mbx_vector),
	CAPS("mbx-register", mbx_register),
	VECTORS("vectors-moved", vectors_moved),
	VECTORS("vectors-same", vectors_same),
	VECTORS("vectors-far", vectors_far),
	VECTORS("vectors-many", vectors_many),
	VECTORS("vectors-few", vectors_few),
	VECTORS("vectors-registers", vectors_registers),
	VPORT("queues-same", queues_same),
	VPORT("queues-far", queues_far),
	VPORT("queues-many", queues_many),
	VPORT("queues-none", queues_none),
	VPORT("queues-chunks", queues_chunks),
	VPORT("queues-types", queues_types),
	VPORT("queues-tails", queues_tails),
	VPORT("vport-same", vport_same),
	VPORT("vport-model", vport_model),
	VPORT("vport-frame", vport_frame),
	VPORT("vport-rss", vport_rss),
	VPORT("vport-lut", vport_lut),
	VPORT("vport-mac", vport_mac),
	PTYPES("ptype-id", ptype_id),
	PTYPES("ptype-protos", ptype_protos),
	PTYPES("ptype-many", ptype_many),
	REGIONS("regions-far", regions_far),
	REGIONS("regions-long", regions_long),
	REGIONS("regions-many", regions_many),
};

const char *const *twist_names(unsigned int *num)
{
	static const char *names[ARRAY_SIZE(twists)];

	for (size_t i = 0; i < ARRAY_SIZE(twists); i++)
		names[i] = twists[i].name;
	*num = ARRAY_SIZE(twists);
	return names;
}

static bool fits(const struct twist *twist, const struct mbx_msg *msg)
{
	return twist->opcode == msg->opcode && !msg->retval &&
	       msg->len >= twist->least;
}

bool twist_fits(u64 set, const struct mbx_msg *msg)
{
	for (size_t i = 0; i < ARRAY_SIZE(twists); i++)
		if (set & BIT_ULL(i) && fits(&twists[i], msg))
			return true;
	return false;
}

void twist_reply(struct fault *fault, u64 set, struct mbx_msg *msg)
{
	const struct twist *found[ARRAY_SIZE(twists)];
	unsigned int num = 0;

	for (size_t i = 0; i < ARRAY_SIZE(twists); i++)
		if (set & BIT_ULL(i) && fits(&twists[i], msg))
			found[num++] = &twists[i];
	if (num)
		found[fault_random(fault, FAULT_REPLY_TWIST) % num]->fn(fault,
									msg);
}
