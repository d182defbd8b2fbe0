// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: receive side scaling.
 */

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "cp_priv.h"

/* Fragments are hashed like what has no ports */
u64 cp_hash_types(const struct nic_port *port)
{
	static const struct {
		u64 flow;
		u64 types;
	} map[] = {
		{ VC2_FLOW_IPV4_TCP, BIT_ULL(VC2_HASH_IPV4_TCP) },
		{ VC2_FLOW_IPV4_UDP, BIT_ULL(VC2_HASH_IPV4_UDP) },
		{ VC2_FLOW_IPV4_SCTP, BIT_ULL(VC2_HASH_IPV4_SCTP) },
		{ VC2_FLOW_IPV4_OTHER, BIT_ULL(VC2_HASH_IPV4_OTHER) |
				       BIT_ULL(VC2_HASH_IPV4_FRAG) },
		{ VC2_FLOW_IPV6_TCP, BIT_ULL(VC2_HASH_IPV6_TCP) },
		{ VC2_FLOW_IPV6_UDP, BIT_ULL(VC2_HASH_IPV6_UDP) },
		{ VC2_FLOW_IPV6_SCTP, BIT_ULL(VC2_HASH_IPV6_SCTP) },
		{ VC2_FLOW_IPV6_OTHER, BIT_ULL(VC2_HASH_IPV6_OTHER) |
				       BIT_ULL(VC2_HASH_IPV6_FRAG) },
	};
	u64 granted = le64_to_cpu(port->cp.granted.rss_caps);
	u64 types = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(map); i++)
		if (granted & map[i].flow)
			types |= map[i].types;
	return types & RSS_HASH_TYPES;
}

enum cp_status cp_get_rss_key(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp)
{
	const struct vc2_rss_key *in = (const struct vc2_rss_key *)req->data;
	struct vc2_rss_key *out = (struct vc2_rss_key *)rsp->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);

	if (!vport)
		return CP_ENXIO;
	out->vport_id = in->vport_id;
	out->key_len = cpu_to_le16(vport->rss.key_len);
	memcpy(out->key, vport->rss.key, vport->rss.key_len);
	rsp->len = sizeof(*out) + vport->rss.key_len;
	return CP_OK;
}

enum cp_status cp_set_rss_key(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp)
{
	const struct vc2_rss_key *in = (const struct vc2_rss_key *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	u16 len = le16_to_cpu(in->key_len);

	if (!vport)
		return CP_ENXIO;
	if (!cp_fits(port, req, sizeof(*in), len, 1))
		return CP_EINVAL;
	if (rss_set_key(&vport->rss, in->key, len))
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "SET_RSS_KEY: %u bytes", len);
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}

enum cp_status cp_get_rss_lut(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp)
{
	const u32 max = (IDPF_CTLQ_BUF_SIZE - sizeof(struct vc2_rss_lut)) /
			sizeof(__le32);
	const struct vc2_rss_lut *in = (const struct vc2_rss_lut *)req->data;
	struct vc2_rss_lut *out = (struct vc2_rss_lut *)rsp->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	u32 start = le16_to_cpu(in->lut_entries_start);
	u32 num = le16_to_cpu(in->lut_entries);

	if (!vport)
		return CP_ENXIO;
	if (start > vport->rss.lut_size)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "GET_RSS_LUT: from %" PRIu32 " of %u", start,
				 vport->rss.lut_size);
	/* 0: as many as there are; the rest has to be asked for, if it is long */
	if (!num || num > vport->rss.lut_size - start)
		num = vport->rss.lut_size - start;
	if (num > max)
		num = max;
	out->vport_id = in->vport_id;
	out->lut_entries_start = cpu_to_le16(start);
	out->lut_entries = cpu_to_le16(num);
	for (u32 i = 0; i < num; i++)
		out->lut[i] = cpu_to_le32(vport->rss.lut[start + i]);
	rsp->len = VC2_LEN(struct vc2_rss_lut, lut, num);
	return CP_OK;
}

/*
 * A table longer than a message comes in pieces, in ascending order: the piece
 * at 0 begins a new table.
 */
enum cp_status cp_set_rss_lut(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp)
{
	const struct vc2_rss_lut *in = (const struct vc2_rss_lut *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	u32 start = le16_to_cpu(in->lut_entries_start);
	u32 num = le16_to_cpu(in->lut_entries);
	struct rss *rss;

	if (!vport)
		return CP_ENXIO;
	rss = &vport->rss;
	if (!cp_fits(port, req, sizeof(*in), num, sizeof(in->lut[0])))
		return CP_EINVAL;
	if (start + num > port->cfg.rss_lut_size || start > rss->lut_size)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "SET_RSS_LUT: %" PRIu32 " entries from %" PRIu32,
				 num, start);
	for (u32 i = 0; i < num; i++)
		if (le32_to_cpu(in->lut[i]) >= vport->num_rxq)
			return cp_refuse(port, CP_EINVAL, CP_VALUE,
					 "SET_RSS_LUT: entry %" PRIu32
					 " is queue %" PRIu32 " of %u", start + i,
					 le32_to_cpu(in->lut[i]), vport->num_rxq);
	for (u32 i = 0; i < num; i++)
		rss->lut[start + i] = le32_to_cpu(in->lut[i]);
	/* no entries: Linux says so when it does not want RSS to change */
	if (num && (!start || start + num > rss->lut_size))
		rss->lut_size = start + num;
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}

enum cp_status cp_get_rss_hash(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp)
{
	const struct vc2_rss_hash *in = (const struct vc2_rss_hash *)req->data;
	struct vc2_rss_hash *out = (struct vc2_rss_hash *)rsp->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);

	if (!vport)
		return CP_ENXIO;
	out->vport_id = in->vport_id;
	out->ptype_groups = cpu_to_le64(vport->rss.hash_types);
	rsp->len = sizeof(*out);
	return CP_OK;
}

/*
 * Drivers ask for everything that they know; what is on afterwards stands in the
 * reply and in GET_RSS_HASH.
 */
enum cp_status cp_set_rss_hash(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp)
{
	const struct vc2_rss_hash *in = (const struct vc2_rss_hash *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);

	if (!vport)
		return CP_ENXIO;
	vport->rss.hash_types = le64_to_cpu(in->ptype_groups) &
				cp_hash_types(port);
	return cp_get_rss_hash(port, req, rsp);
}
