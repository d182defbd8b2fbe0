// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control plane: dispatch of messages, events.
 */

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "cp_priv.h"

/**
 * struct cp_op - an operation
 * @opcode: VC2_OP_*
 * @name: for reports
 * @min_len: bytes a request must have
 * @cap: VC2_CAP_* that has to be granted, 0: none
 * @handler: acts on it; NULL: known, but never granted
 */
struct cp_op {
	u32 opcode;
	const char *name;
	u16 min_len;
	u64 cap;
	cp_handler handler;
};

#define OP(name, type, cap, handler) \
	{ VC2_OP_##name, #name, sizeof(struct type), cap, handler }
/* no request of this kind is granted, whatever it holds */
#define OP_NONE(name)	{ VC2_OP_##name, #name, 0, 0, NULL }

static const struct cp_op cp_ops[] = {
	OP(VERSION, vc2_version, 0, cp_version),
	OP(GET_CAPS, vc2_caps, 0, cp_get_caps),
	OP(CREATE_VPORT, vc2_create_vport, 0, cp_create_vport),
	OP(DESTROY_VPORT, vc2_vport, 0, cp_destroy_vport),
	OP(ENABLE_VPORT, vc2_vport, 0, cp_enable_vport),
	OP(DISABLE_VPORT, vc2_vport, 0, cp_disable_vport),
	OP(CONFIG_TX_QUEUES, vc2_config_tx_queues, 0, cp_config_tx),
	OP(CONFIG_RX_QUEUES, vc2_config_rx_queues, 0, cp_config_rx),
	OP(ENABLE_QUEUES, vc2_queue_chunk_msg, 0, cp_enable_queues),
	OP(DISABLE_QUEUES, vc2_queue_chunk_msg, 0, cp_disable_queues),
	OP(ADD_QUEUES, vc2_add_queues, 0, cp_add_queues),
	OP(DEL_QUEUES, vc2_queue_chunk_msg, 0, cp_del_queues),
	OP(MAP_QUEUE_VECTOR, vc2_queue_vector_maps, 0, cp_map_vectors),
	OP(UNMAP_QUEUE_VECTOR, vc2_queue_vector_maps, 0, cp_unmap_vectors),
	OP(GET_RSS_KEY, vc2_rss_key, 0, cp_get_rss_key),
	OP(SET_RSS_KEY, vc2_rss_key, 0, cp_set_rss_key),
	OP(GET_RSS_LUT, vc2_rss_lut, 0, cp_get_rss_lut),
	OP(SET_RSS_LUT, vc2_rss_lut, 0, cp_set_rss_lut),
	OP(GET_RSS_HASH, vc2_rss_hash, 0, cp_get_rss_hash),
	OP(SET_RSS_HASH, vc2_rss_hash, 0, cp_set_rss_hash),
	OP(SET_SRIOV_VFS, vc2_sriov_vfs, 0, cp_set_sriov_vfs),
	OP(ALLOC_VECTORS, vc2_alloc_vectors, 0, cp_alloc_vectors),
	OP(DEALLOC_VECTORS, vc2_vector_chunks, 0, cp_dealloc_vectors),
	OP(GET_STATS, vc2_vport, 0, cp_get_stats),
	/* Linux 6.12 sends this without asking for VC2_CAP_PTYPE */
	OP(GET_PTYPE_INFO, vc2_get_ptype_info, 0, cp_get_ptypes),
	OP(GET_PORT_STATS, vc2_vport, 0, cp_get_port_stats),
	OP(LOOPBACK, vc2_loopback, VC2_CAP_LOOPBACK, cp_set_loopback),
	OP(ADD_MAC_ADDR, vc2_mac_addr_list, VC2_CAP_MACFILTER, cp_add_macs),
	OP(DEL_MAC_ADDR, vc2_mac_addr_list, VC2_CAP_MACFILTER, cp_del_macs),
	OP(CONFIG_PROMISC, vc2_promisc, VC2_CAP_PROMISC, cp_set_promisc),
	OP(GET_LAN_MEMORY_REGIONS, vc2_lan_memory_regions,
	   VC2_CAP_LAN_MEMORY_REGIONS, cp_get_lan_regions),
	OP_NONE(EVENT),
	OP_NONE(RESET_VF),	/* handled before the table is looked at */
	OP_NONE(GET_EDT_CAPS),
	OP_NONE(RDMA),
	OP_NONE(PTP_GET_CAPS),
	OP_NONE(ADD_FLOW_RULE),
	OP_NONE(GET_FLOW_RULE),
	OP_NONE(DEL_FLOW_RULE),
};

static const struct cp_op *cp_find(u32 opcode)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cp_ops); i++)
		if (cp_ops[i].opcode == opcode)
			return &cp_ops[i];
	return NULL;
}

const char *cp_opcode_name(u32 opcode)
{
	const struct cp_op *op = cp_find(opcode);

	return op ? op->name : "unknown";
}

u32 cp_opcode_by_name(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cp_ops); i++)
		if (!strcmp(cp_ops[i].name, name))
			return cp_ops[i].opcode;
	return 0;
}

void cp_init(struct nic_port *port)
{
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++) {
		struct cp_vport *vport = &port->cp.vports[i];

		vport->port = port;
		vport->id = i;
		rss_reset(&vport->rss);
	}
}

void cp_reset(struct nic_port *port)
{
	struct cp *cp = &port->cp;

	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++) {
		struct cp_stats stats = cp->vports[i].stats;

		memset(&cp->vports[i], 0, sizeof(cp->vports[i]));
		cp->vports[i].stats = stats;
	}
	memset(&cp->granted, 0, sizeof(cp->granted));
	cp->vec_alloc = 0;
	cp_init(port);
}

struct cp_vport *cp_vport_get(struct nic_port *port, __le32 id)
{
	u32 i = le32_to_cpu(id);

	if (i < CP_MAX_VPORTS && port->cp.vports[i].created)
		return &port->cp.vports[i];
	report_error(port, REPORT_CP_VALUE, "%s: there is no vport %" PRIu32,
		     cp_opcode_name(port->mbx.req.opcode), i);
	return NULL;
}

bool cp_fits(struct nic_port *port, const struct mbx_msg *req, size_t fixed,
	     size_t count, size_t size)
{
	if (req->len >= fixed && (req->len - fixed) / size >= count)
		return true;
	report_error(port, REPORT_CP_LENGTH,
		     "%s: %u bytes are too few for %zu elements",
		     cp_opcode_name(req->opcode), req->len, count);
	return false;
}

void cp_echo(const struct mbx_msg *req, struct mbx_msg *rsp, u16 len)
{
	memcpy(rsp->data, req->data, len);
	rsp->len = len;
}

static enum cp_status cp_dispatch(struct nic_port *port,
				  const struct mbx_msg *req,
				  struct mbx_msg *rsp)
{
	const struct cp_op *op = cp_find(req->opcode);

	if (!op)
		return cp_refuse(port, CP_ESRCH, CP_OPCODE,
				 "operation %" PRIu32 ", %u bytes", req->opcode,
				 req->len);
	if (!op->handler)
		return cp_refuse(port, CP_EPERM, CP_STATE,
				 "%s is not supported", op->name);
	if (req->len < op->min_len)
		return cp_refuse(port, CP_EINVAL, CP_LENGTH,
				 "%s: %u bytes, %u are needed", op->name,
				 req->len, op->min_len);
	if (op->cap & ~le64_to_cpu(port->cp.granted.other_caps))
		return cp_refuse(port, CP_EPERM, CP_STATE,
				 "%s was not granted", op->name);
	return op->handler(port, req, rsp);
}

bool cp_handle(struct nic_port *port, const struct mbx_msg *req,
	       struct mbx_msg *rsp)
{
	enum cp_status status;

	if (req->opcode == VC2_OP_RESET_VF) {
		report_trace(port, "RESET_VF");
		nic_port_reset(port);
		return false;
	}
	status = cp_dispatch(port, req, rsp);
	report_trace(port, "%s, %u bytes: status %d, %u bytes",
		     cp_opcode_name(req->opcode), req->len, status, rsp->len);
	rsp->retval = status;
	if (status) {
		rsp->len = 0;
		memset(rsp->data, 0, sizeof(rsp->data));
	}
	return true;
}

/* ------------------------------------------------------------------ */
/* Events                                                               */

static bool cp_send_link_event(struct cp_vport *vport)
{
	struct nic_port *port = vport->port;
	bool up = nic_port_link_up(port);
	/* the kernel's idpf wants to know the speed without asking for it */
	bool tell = up && !cp_policy_denies(&port->cfg.policy,
					    VC2_CAP_LINK_SPEED);
	struct vc2_event event = {
		.event = cpu_to_le32(VC2_EVENT_LINK_CHANGE),
		.link_speed = cpu_to_le32(tell ? NIC_LINK_SPEED_MBPS : 0),
		.vport_id = cpu_to_le32(vport->id),
		.link_status = up,
	};
	struct mbx_msg msg = { .opcode = VC2_OP_EVENT, .len = sizeof(event) };

	memcpy(msg.data, &event, sizeof(event));
	report_trace(port, "vport %" PRIu32 ": link %s", vport->id,
		     up ? "up" : "down");
	return !mbx_send(port, &msg);
}

/*
 * Events wait here, not in the mailbox, while the mailbox has no room: only the
 * latest state matters.
 */
void cp_send_events(struct nic_port *port)
{
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++) {
		struct cp_vport *vport = &port->cp.vports[i];

		if (vport->link_event && !port->mbx.num_waiting &&
		    cp_send_link_event(vport))
			vport->link_event = false;
	}
}

void cp_link_changed(struct nic_port *port)
{
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++)
		if (port->cp.vports[i].enabled)
			port->cp.vports[i].link_event = true;
	/* the data thread sends them */
	atomic_store(&port->kick.mbx, true);
	nic_wake(port->nic);
}
