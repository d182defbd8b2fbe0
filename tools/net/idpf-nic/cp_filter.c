// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: MAC filters and promiscuous modes.
 */

#include <string.h>

#include "cp_priv.h"

static const u8 zero_mac[ETH_ALEN];

static int cp_find_mac(const struct cp_vport *vport, const u8 *mac)
{
	for (unsigned int i = 0; i < vport->num_macs; i++)
		if (!memcmp(vport->macs[i], mac, ETH_ALEN))
			return i;
	return -1;
}

/* Check the list of a request.  @vport: result */
static enum cp_status cp_check_macs(struct nic_port *port,
				    const struct mbx_msg *req,
				    struct cp_vport **vport)
{
	const struct vc2_mac_addr_list *in =
		(const struct vc2_mac_addr_list *)req->data;
	u32 num = le16_to_cpu(in->num_mac_addr);

	*vport = cp_vport_get(port, in->vport_id);
	if (!*vport)
		return CP_ENXIO;
	if (!num || !cp_fits(port, req, sizeof(*in), num,
			     sizeof(in->mac_addr_list[0])))
		return CP_EINVAL;
	for (u32 i = 0; i < num; i++) {
		const struct vc2_mac_addr *entry = &in->mac_addr_list[i];

		if (entry->type != VC2_MAC_PRIMARY &&
		    entry->type != VC2_MAC_EXTRA)
			return cp_refuse(port, CP_EINVAL, CP_VALUE,
					 "%s: type %u",
					 cp_opcode_name(req->opcode), entry->type);
		if (!memcmp(entry->addr, zero_mac, ETH_ALEN))
			return cp_refuse(port, CP_EINVAL, CP_VALUE,
					 "%s: address of zeros",
					 cp_opcode_name(req->opcode));
	}
	return CP_OK;
}

enum cp_status cp_add_macs(struct nic_port *port, const struct mbx_msg *req,
			   struct mbx_msg *rsp)
{
	const struct vc2_mac_addr_list *in =
		(const struct vc2_mac_addr_list *)req->data;
	u32 num = le16_to_cpu(in->num_mac_addr), num_before;
	struct cp_vport *vport;
	enum cp_status status;

	status = cp_check_macs(port, req, &vport);
	if (status)
		return status;
	num_before = vport->num_macs;
	for (u32 i = 0; i < num; i++) {
		const u8 *mac = in->mac_addr_list[i].addr;

		if (cp_find_mac(vport, mac) >= 0)
			continue;
		if (vport->num_macs == CP_MAX_MACS) {
			vport->num_macs = num_before;
			return cp_refuse(port, CP_ENOSPC, CP_STATE,
					 "ADD_MAC_ADDR: more than %d addresses",
					 CP_MAX_MACS);
		}
		memcpy(vport->macs[vport->num_macs++], mac, ETH_ALEN);
	}
	cp_echo(req, rsp, VC2_LEN(struct vc2_mac_addr_list, mac_addr_list, num));
	return CP_OK;
}

enum cp_status cp_del_macs(struct nic_port *port, const struct mbx_msg *req,
			   struct mbx_msg *rsp)
{
	const struct vc2_mac_addr_list *in =
		(const struct vc2_mac_addr_list *)req->data;
	u32 num = le16_to_cpu(in->num_mac_addr);
	struct cp_vport *vport;
	enum cp_status status;

	status = cp_check_macs(port, req, &vport);
	if (status)
		return status;
	for (u32 i = 0; i < num; i++)
		if (cp_find_mac(vport, in->mac_addr_list[i].addr) < 0)
			return cp_refuse(port, CP_ENXIO, CP_VALUE,
					 "DEL_MAC_ADDR: not in the filter");
	for (u32 i = 0; i < num; i++) {
		int idx = cp_find_mac(vport, in->mac_addr_list[i].addr);

		/* the same address twice in the message */
		if (idx < 0)
			continue;
		vport->num_macs--;
		memmove(vport->macs[idx], vport->macs[idx + 1],
			(vport->num_macs - idx) * ETH_ALEN);
	}
	cp_echo(req, rsp, VC2_LEN(struct vc2_mac_addr_list, mac_addr_list, num));
	return CP_OK;
}

enum cp_status cp_set_promisc(struct nic_port *port, const struct mbx_msg *req,
			      struct mbx_msg *rsp)
{
	const struct vc2_promisc *in = (const struct vc2_promisc *)req->data;
	struct cp_vport *vport = cp_vport_get(port, in->vport_id);
	u16 flags = le16_to_cpu(in->flags);

	if (!vport)
		return CP_ENXIO;
	if (flags & ~(VC2_PROMISC_UNICAST | VC2_PROMISC_MULTICAST))
		return cp_refuse(port, CP_EINVAL, CP_VALUE,
				 "CONFIG_PROMISC: flags 0x%x", flags);
	vport->promisc = flags;
	cp_echo(req, rsp, sizeof(*in));
	return CP_OK;
}
