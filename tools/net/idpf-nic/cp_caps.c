// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: version, capabilities, interrupt vectors.
 */

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "cp_priv.h"
#include "engines/engine.h"

/**
 * struct cp_feature - capability that is no offload engine's, or parts of some
 * @name: for --grant and --deny
 * @cap: VC2_CAP_*
 * @csum: VC2_CSUM_* of the engines that go with it
 * @seg: VC2_SEG_* likewise
 */
struct cp_feature {
	const char *name;
	u64 cap;
	u32 csum;
	u32 seg;
};

static const struct cp_feature cp_features[] = {
	{ .name = "macfilter", .cap = VC2_CAP_MACFILTER },
	{ .name = "promisc", .cap = VC2_CAP_PROMISC },
	{ .name = "loopback", .cap = VC2_CAP_LOOPBACK },
	{ .name = "link-speed", .cap = VC2_CAP_LINK_SPEED },
	{ .name = "wb-on-itr", .cap = VC2_CAP_WB_ON_ITR },
	{ .name = "rx-flex", .cap = VC2_CAP_RX_FLEX_DESC },
	{ .name = "ptype", .cap = VC2_CAP_PTYPE },
	{ .name = "lan-regions", .cap = VC2_CAP_LAN_MEMORY_REGIONS },
	{
		.name = "tx-ipv4",
		.csum = VC2_CSUM_TX_L3_IPV4 | VC2_CSUM_TX_L4_IPV4_TCP |
			VC2_CSUM_TX_L4_IPV4_UDP | VC2_CSUM_TX_L4_IPV4_SCTP,
		.seg = VC2_SEG_IPV4_TCP | VC2_SEG_IPV4_UDP |
		       VC2_SEG_IPV4_SCTP,
	},
	{
		.name = "tx-ipv6",
		.csum = VC2_CSUM_TX_L4_IPV6_TCP | VC2_CSUM_TX_L4_IPV6_UDP |
			VC2_CSUM_TX_L4_IPV6_SCTP,
		.seg = VC2_SEG_IPV6_TCP | VC2_SEG_IPV6_UDP |
		       VC2_SEG_IPV6_SCTP,
	},
};

static bool cp_policy_one(struct cp_policy *policy, const char *name, bool grant)
{
	int idx = engine_index(name);
	u32 *off = &policy->engines_off;

	if (idx < 0) {
		off = &policy->features_off;
		for (idx = G_N_ELEMENTS(cp_features) - 1; idx >= 0; idx--)
			if (!strcmp(cp_features[idx].name, name))
				break;
	}
	if (idx < 0)
		return false;
	if (grant)
		*off &= ~BIT(idx);
	else
		*off |= BIT(idx);
	return true;
}

const char *cp_policy_set(struct cp_policy *policy, const char *names,
			  const char *separator, bool grant)
{
	static char bad[64];
	char **list = g_strsplit(names, separator, -1);
	const char *res = *list ? NULL : "";

	for (char **name = list; *name && !res; name++) {
		if (cp_policy_one(policy, *name, grant))
			continue;
		g_strlcpy(bad, *name, sizeof(bad));
		res = bad;
	}
	g_strfreev(list);
	return res;
}

bool cp_policy_denies(const struct cp_policy *policy, u64 cap)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cp_features); i++)
		if (cp_features[i].cap == cap)
			return policy->features_off & BIT(i);
	return false;
}

const char *cp_policy_name(unsigned int idx, const struct cp_policy *policy,
			   bool *denied)
{
	if (idx < engine_count()) {
		*denied = policy->engines_off & BIT(idx);
		return engine_at(idx)->name;
	}
	idx -= engine_count();
	if (idx >= G_N_ELEMENTS(cp_features))
		return NULL;
	*denied = policy->features_off & BIT(idx);
	return cp_features[idx].name;
}

char *cp_policy_names(void)
{
	const struct cp_policy none = { };
	GString *names = g_string_new(NULL);
	const char *name;
	bool denied;

	for (unsigned int i = 0; (name = cp_policy_name(i, &none, &denied)); i++)
		g_string_append_printf(names, "%s ", name);
	g_string_truncate(names, names->len - 1);
	return g_string_free(names, FALSE);
}

enum cp_status cp_version(struct nic_port *port, const struct mbx_msg *req,
			  struct mbx_msg *rsp)
{
	struct vc2_version *out = (struct vc2_version *)rsp->data;

	/* ours, whatever the driver's is; it decides what to do with that */
	out->major = cpu_to_le32(VC2_VERSION_MAJOR);
	out->minor = cpu_to_le32(VC2_VERSION_MINOR);
	rsp->len = sizeof(*out);
	return CP_OK;
}

static void cp_fill_limits(const struct nic_port *port, struct vc2_caps *caps)
{
	const struct nic_port_config *cfg = &port->cfg;

	caps->mailbox_dyn_ctl = cpu_to_le32(bar_layout(port)->mbx_dyn_ctl);
	caps->mailbox_vector_id = cpu_to_le16(IRQ_MBX_VECTOR);
	caps->num_allocated_vectors = cpu_to_le16(port->irq.num_vectors);
	caps->max_rx_q = cpu_to_le16(cfg->num_qpairs);
	caps->max_tx_q = cpu_to_le16(cfg->num_qpairs);
	caps->max_rx_bufq = cpu_to_le16(2 * cfg->num_qpairs);
	caps->max_tx_complq = cpu_to_le16(cfg->num_qpairs);
	caps->max_vports = cpu_to_le16(cfg->num_vports);
	caps->default_num_vports = cpu_to_le16(cfg->num_vports);
	caps->max_tx_hdr_size = cpu_to_le16(cfg->tx_hdr);
	caps->max_sg_bufs_per_tx_pkt = (u8)cfg->tx_bufs;
	caps->min_sso_packet_len = VC2_MIN_SSO_PACKET_LEN_DEFAULT;
	caps->max_hdr_buf_per_lso = NIC_MAX_HDR_BUFS;
}

enum cp_status cp_get_caps(struct nic_port *port, const struct mbx_msg *req,
			   struct mbx_msg *rsp)
{
	const struct vc2_caps *want = (const struct vc2_caps *)req->data;
	const struct cp_policy *policy = &port->cfg.policy;
	struct vc2_caps *out = (struct vc2_caps *)rsp->data;
	struct engine_caps have;

	engine_sum_caps(~policy->engines_off, &have);
	for (size_t i = 0; i < G_N_ELEMENTS(cp_features); i++) {
		if (!(policy->features_off & BIT(i))) {
			have.other |= cp_features[i].cap;
			continue;
		}
		have.csum &= ~cp_features[i].csum;
		have.seg &= ~cp_features[i].seg;
	}

	have.other |= port->cfg.model->other_caps;
	out->csum_caps = want->csum_caps & cpu_to_le32(have.csum);
	out->seg_caps = want->seg_caps & cpu_to_le32(have.seg);
	out->hsplit_caps = want->hsplit_caps & cpu_to_le32(have.hsplit);
	out->rsc_caps = want->rsc_caps & cpu_to_le32(have.rsc);
	out->rss_caps = want->rss_caps & cpu_to_le64(have.rss);
	out->other_caps = want->other_caps & cpu_to_le64(have.other);
	cp_fill_limits(port, out);
	port->cp.granted = *out;
	rsp->len = sizeof(*out);
	return CP_OK;
}

/* ------------------------------------------------------------------ */
/* Vectors                                                              */

/* lowest run of @num free vectors, 0 if there is none */
static u32 cp_find_vectors(const struct nic_port *port, u32 num)
{
	u64 mask = GENMASK_ULL(num - 1, 0);

	for (u32 first = 1; first + num <= port->irq.num_vectors; first++)
		if (!(port->cp.vec_alloc & mask << first))
			return first;
	return 0;
}

enum cp_status cp_alloc_vectors(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp)
{
	const struct vc2_alloc_vectors *in =
		(const struct vc2_alloc_vectors *)req->data;
	struct vc2_alloc_vectors *out = (struct vc2_alloc_vectors *)rsp->data;
	const struct bar_layout *layout = bar_layout(port);
	struct vc2_vector_chunk *chunk = &out->vchunks[0];
	u32 num = le16_to_cpu(in->num_vectors);
	u32 first;

	if (!num)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "ALLOC_VECTORS: no vectors");
	first = num < port->irq.num_vectors ? cp_find_vectors(port, num) : 0;
	if (!first)
		return cp_refuse(port, CP_ENOSPC, CP_VALUE,
				 "ALLOC_VECTORS: %" PRIu32 " of %u", num,
				 port->irq.num_vectors - 1);
	port->cp.vec_alloc |= GENMASK_ULL(num - 1, 0) << first;

	out->num_vectors = cpu_to_le16(num);
	out->num_vchunks = cpu_to_le16(1);
	chunk->start_vector_id = cpu_to_le16(first);
	chunk->start_evv_id = cpu_to_le16(first);
	chunk->num_vectors = cpu_to_le16(num);
	chunk->dynctl_reg_start = cpu_to_le32(layout->dyn_ctl + (first - 1) *
					      layout->dyn_ctl_spacing);
	chunk->dynctl_reg_spacing = cpu_to_le32(layout->dyn_ctl_spacing);
	chunk->itrn_reg_start = cpu_to_le32(layout->itr + (first - 1) *
					    layout->itr_spacing);
	chunk->itrn_reg_spacing = cpu_to_le32(layout->itr_spacing);
	chunk->itrn_index_spacing = cpu_to_le32(layout->itr_index_spacing);
	rsp->len = VC2_LEN(struct vc2_alloc_vectors, vchunks, 1);
	return CP_OK;
}

/* queues that still use a vector lose it, and what they had to tell */
static void cp_detach_vectors(struct nic_port *port, u64 vectors)
{
	for (u32 type = 0; type < QUEUE_NUM_TYPES; type++) {
		struct queue *q;

		for (u32 id = 0; (q = queue_get(port, type, id)); id++)
			if (q->vector < IRQ_MAX_VECTORS &&
			    (vectors & BIT_ULL(q->vector)))
				q->vector = IRQ_NO_VECTOR;
	}
	for (; vectors; vectors &= vectors - 1)
		irq_cancel(port, __builtin_ctzll(vectors));
}

enum cp_status cp_dealloc_vectors(struct nic_port *port,
				  const struct mbx_msg *req,
				  struct mbx_msg *rsp)
{
	const struct vc2_vector_chunks *in =
		(const struct vc2_vector_chunks *)req->data;
	u32 num_chunks = le16_to_cpu(in->num_vchunks);
	u64 vectors = 0;

	if (!num_chunks || !cp_fits(port, req, sizeof(*in), num_chunks,
				    sizeof(in->vchunks[0])))
		return CP_EINVAL;
	for (u32 i = 0; i < num_chunks; i++) {
		u32 first = le16_to_cpu(in->vchunks[i].start_vector_id);
		u32 num = le16_to_cpu(in->vchunks[i].num_vectors);

		if (!num || first + num > port->irq.num_vectors)
			return cp_refuse(port, num ? CP_ENXIO : CP_EINVAL,
					 CP_VALUE,
					 "DEALLOC_VECTORS: %" PRIu32
					 " from %" PRIu32, num, first);
		vectors |= GENMASK_ULL(num - 1, 0) << first;
	}
	if (vectors & ~port->cp.vec_alloc)
		return cp_refuse(port, CP_ENXIO, CP_STATE,
				 "DEALLOC_VECTORS: vectors that are free");
	cp_detach_vectors(port, vectors);
	port->cp.vec_alloc &= ~vectors;
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}
