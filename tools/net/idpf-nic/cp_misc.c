// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: packet types, statistics, loopback, register regions.
 */

#include <glib.h>
#include <string.h>

#include "cp_priv.h"
#include "parse.h"

/* ------------------------------------------------------------------ */
/* Packet types                                                         */

/* Append an entry; its length is what follows @rsp->len */
static void cp_put_ptype(struct mbx_msg *rsp,
			 const struct parse_ptype_info *info)
{
	struct vc2_ptype *out = (struct vc2_ptype *)&rsp->data[rsp->len];

	out->ptype_id_10 = cpu_to_le16(info->id);
	out->ptype_id_8 = info->id;
	out->proto_id_count = info->num_proto;
	for (unsigned int i = 0; i < info->num_proto; i++)
		out->proto_id[i] = cpu_to_le16(info->proto[i]);
	rsp->len += sizeof(*out) + info->num_proto * sizeof(out->proto_id[0]);
}

/*
 * The request names a range of ids.  An entry that ends the table follows the
 * last id there is; a driver that heeds it need not ask for the rest.
 */
enum cp_status cp_get_ptypes(struct nic_port *port, const struct mbx_msg *req,
			     struct mbx_msg *rsp)
{
	static const struct parse_ptype_info end = { .id = VC2_PTYPE_END };
	const struct vc2_get_ptype_info *in =
		(const struct vc2_get_ptype_info *)req->data;
	struct vc2_get_ptype_info *out = (struct vc2_get_ptype_info *)rsp->data;
	u32 start = le16_to_cpu(in->start_ptype_id);
	u32 num = le16_to_cpu(in->num_ptypes);
	const struct parse_ptype_info *table;
	bool more = false;
	u16 count = 0;
	size_t len;

	if (!num || start + num > VC2_PTYPE_MAX)
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "GET_PTYPE_INFO: %u from %u", num, start);
	table = parse_ptype_table(&len);
	rsp->len = sizeof(*out);
	for (size_t i = 0; i < len; i++) {
		if (table[i].id >= start + num) {
			more = true;
		} else if (table[i].id >= start) {
			cp_put_ptype(rsp, &table[i]);
			count++;
		}
	}
	if (!more) {
		cp_put_ptype(rsp, &end);
		count++;
	}
	out->start_ptype_id = in->start_ptype_id;
	out->num_ptypes = cpu_to_le16(count);
	return CP_OK;
}

/* ------------------------------------------------------------------ */
/* Statistics                                                           */

static void cp_put_stats(const struct cp_vport *vport,
			 struct vc2_vport_stats *out)
{
	const struct cp_stats *stats = &vport->stats;

	out->vport_id = cpu_to_le32(vport->id);
	out->rx_bytes = cpu_to_le64(stats->rx_bytes);
	out->rx_unicast = cpu_to_le64(stats->rx_unicast);
	out->rx_multicast = cpu_to_le64(stats->rx_multicast);
	out->rx_broadcast = cpu_to_le64(stats->rx_broadcast);
	out->rx_discards = cpu_to_le64(stats->rx_discards);
	out->rx_errors = cpu_to_le64(stats->rx_errors);
	out->rx_unknown_protocol = cpu_to_le64(stats->rx_unknown_protocol);
	out->tx_bytes = cpu_to_le64(stats->tx_bytes);
	out->tx_unicast = cpu_to_le64(stats->tx_unicast);
	out->tx_multicast = cpu_to_le64(stats->tx_multicast);
	out->tx_broadcast = cpu_to_le64(stats->tx_broadcast);
	out->tx_discards = cpu_to_le64(stats->tx_discards);
	out->tx_errors = cpu_to_le64(stats->tx_errors);
	out->rx_invalid_frame_length =
		cpu_to_le64(stats->rx_invalid_frame_length);
	out->rx_overflow_drop = cpu_to_le64(stats->rx_overflow_drop);
}

enum cp_status cp_get_stats(struct nic_port *port, const struct mbx_msg *req,
			    struct mbx_msg *rsp)
{
	const struct vc2_vport *in = (const struct vc2_vport *)req->data;
	struct vc2_vport_stats *out = (struct vc2_vport_stats *)rsp->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);

	if (!vport)
		return CP_ENXIO;
	cp_put_stats(vport, out);
	rsp->len = sizeof(*out);
	return CP_OK;
}

/* A wire has no bad frames, and what is no frame does not get onto it */
static void cp_put_phy_stats(const struct wire_stats *wire,
			     struct vc2_phy_stats *out)
{
	const struct wire_kinds *rx = &wire->rx, *tx = &wire->tx;

	out->rx_bytes = cpu_to_le64(rx->octets);
	out->rx_unicast = cpu_to_le64(rx->unicast);
	out->rx_multicast = cpu_to_le64(rx->multicast);
	out->rx_broadcast = cpu_to_le64(rx->broadcast);
	out->tx_bytes = cpu_to_le64(tx->octets);
	out->tx_unicast = cpu_to_le64(tx->unicast);
	out->tx_multicast = cpu_to_le64(tx->multicast);
	out->tx_broadcast = cpu_to_le64(tx->broadcast);
	for (unsigned int i = 0; i < VC2_PHY_NUM_SIZES; i++) {
		out->rx_size[i] = cpu_to_le64(rx->size[i]);
		out->tx_size[i] = cpu_to_le64(tx->size[i]);
	}
	out->rx_dropped = cpu_to_le64(wire->rx_dropped_no_buffer);
	out->rx_total = cpu_to_le64(wire->rx_packets);
	out->tx_dropped_link_down = cpu_to_le64(wire->tx_dropped);
	out->tx_total = cpu_to_le64(wire->tx_packets);
}

enum cp_status cp_get_port_stats(struct nic_port *port,
				 const struct mbx_msg *req, struct mbx_msg *rsp)
{
	const struct vc2_vport *in = (const struct vc2_vport *)req->data;
	struct vc2_port_stats *out = (struct vc2_port_stats *)rsp->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);

	if (!vport)
		return CP_ENXIO;
	out->vport_id = in->vport_id;
	cp_put_phy_stats(&port->wire.stats, &out->phy);
	cp_put_stats(vport, &out->vport);
	rsp->len = sizeof(*out);
	return CP_OK;
}

/* ------------------------------------------------------------------ */
/* The rest                                                             */

enum cp_status cp_set_loopback(struct nic_port *port, const struct mbx_msg *req,
			       struct mbx_msg *rsp)
{
	const struct vc2_loopback *in = (const struct vc2_loopback *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);

	if (!vport)
		return CP_ENXIO;
	if (in->enable > 1)
		return cp_refuse(port, CP_EINVAL, CP_VALUE, "LOOPBACK: %u",
				 in->enable);
	vport->loopback = in->enable;
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}

/* Parts of BAR0 that a driver has to map beside mailbox and reset registers.
 * They are whole pages: drivers map pages anyway.
 */
static const struct vc2_mem_region pf_regions[] = {
	{ IDPF_PF_QRX_TAIL(0), QUEUE_MAX_PAIRS * IDPF_PF_QUEUE_SPACING },
	{ IDPF_PF_QRX_BUFFQ_TAIL(0), QUEUE_MAX_BUFQ * IDPF_PF_QUEUE_SPACING },
	{ IDPF_PF_QTX_DBELL(0), QUEUE_MAX_PAIRS * IDPF_PF_QUEUE_SPACING },
	{ IDPF_PF_OICR_ENA, 0x1000 },
	{ IDPF_PF_DYN_CTL(0), IRQ_MAX_VECTORS * IDPF_PF_VECTOR_SPACING },
};

static const struct vc2_mem_region vf_regions[] = {
	{ 0, IDPF_VF_MBX_START },
	{ IDPF_VF_QTX_TAIL_EXT(0), 0x1000 },
	{ IDPF_VF_QRX_TAIL_EXT(0), 0x1000 },
	{ IDPF_VF_QRXB_TAIL(0), 0x1000 },
	{ IDPF_VF_DYN_CTLN_EXT(0), 0x8000 },
};

enum cp_status cp_get_lan_regions(struct nic_port *port,
				  const struct mbx_msg *req,
				  struct mbx_msg *rsp)
{
	struct vc2_lan_memory_regions *out =
		(struct vc2_lan_memory_regions *)rsp->data;
	const struct vc2_mem_region *regions = pf_regions;
	u32 num = G_N_ELEMENTS(pf_regions);

	if (port->cfg.identity == NIC_ID_VF) {
		regions = vf_regions;
		num = G_N_ELEMENTS(vf_regions);
	}
	out->num_memory_regions = cpu_to_le16(num);
	for (u32 i = 0; i < num; i++) {
		out->mem_reg[i].start_offset = cpu_to_le64(regions[i].start_offset);
		out->mem_reg[i].size = cpu_to_le64(regions[i].size);
	}
	rsp->len = VC2_LEN(struct vc2_lan_memory_regions, mem_reg, num);
	return CP_OK;
}

/* The function has no virtual functions: to have none is all one can ask for */
enum cp_status cp_set_sriov_vfs(struct nic_port *port,
				const struct mbx_msg *req, struct mbx_msg *rsp)
{
	const struct vc2_sriov_vfs *in = (const struct vc2_sriov_vfs *)req->data;

	if (in->num_vfs)
		return cp_refuse(port, CP_EPERM, CP_VALUE, "SET_SRIOV_VFS: %u",
				 le16_to_cpu(in->num_vfs));
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}
