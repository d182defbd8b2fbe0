// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the stepper does that a good driver or VMM does not: random registers,
 * configuration space, messages of both protocols, descriptors, faults.
 */

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "../../net/idpf-nic/vfu_proto.h"
#include "step.h"

/* ------------------------------------------------------------------ */
/* virtchnl                                                             */

static const struct {
	u16 opcode;
	u16 len;
	u16 weight;
} step_ops[] = {
	{ VC2_OP_VERSION, sizeof(struct vc2_version), 1 },
	{ VC2_OP_GET_CAPS, sizeof(struct vc2_caps), 1 },
	{ VC2_OP_CREATE_VPORT, sizeof(struct vc2_create_vport), 2 },
	{ VC2_OP_DESTROY_VPORT, sizeof(struct vc2_vport), 1 },
	{ VC2_OP_ENABLE_VPORT, sizeof(struct vc2_vport), 4 },
	{ VC2_OP_DISABLE_VPORT, sizeof(struct vc2_vport), 1 },
	{ VC2_OP_CONFIG_TX_QUEUES, sizeof(struct vc2_config_tx_queues) +
		2 * sizeof(struct vc2_txq_info), 4 },
	{ VC2_OP_CONFIG_RX_QUEUES, sizeof(struct vc2_config_rx_queues) +
		2 * sizeof(struct vc2_rxq_info), 4 },
	{ VC2_OP_ENABLE_QUEUES, 64, 6 },
	{ VC2_OP_DISABLE_QUEUES, 64, 3 },
	{ VC2_OP_ADD_QUEUES, sizeof(struct vc2_add_queues), 2 },
	{ VC2_OP_DEL_QUEUES, 64, 1 },
	{ VC2_OP_MAP_QUEUE_VECTOR, 64, 4 },
	{ VC2_OP_UNMAP_QUEUE_VECTOR, 64, 2 },
	{ VC2_OP_GET_RSS_KEY, 60, 2 },
	{ VC2_OP_SET_RSS_KEY, 60, 2 },
	{ VC2_OP_GET_RSS_LUT, 12, 2 },
	{ VC2_OP_SET_RSS_LUT, 140, 2 },
	{ VC2_OP_GET_RSS_HASH, 16, 2 },
	{ VC2_OP_SET_RSS_HASH, 16, 2 },
	{ VC2_OP_SET_SRIOV_VFS, 4, 1 },
	{ VC2_OP_ALLOC_VECTORS, 32, 1 },
	{ VC2_OP_DEALLOC_VECTORS, 48, 1 },
	{ VC2_OP_EVENT, sizeof(struct vc2_event), 1 },
	{ VC2_OP_GET_STATS, sizeof(struct vc2_vport_stats), 2 },
	{ VC2_OP_GET_PORT_STATS, sizeof(struct vc2_port_stats), 2 },
	{ VC2_OP_GET_EDT_CAPS, sizeof(struct vc2_edt_caps), 1 },
	{ VC2_OP_RESET_VF, 0, 1 },
	{ VC2_OP_GET_PTYPE_INFO, 8, 2 },
	{ VC2_OP_LOOPBACK, 8, 2 },
	{ VC2_OP_ADD_MAC_ADDR, 40, 4 },
	{ VC2_OP_DEL_MAC_ADDR, 40, 3 },
	{ VC2_OP_CONFIG_PROMISC, 8, 4 },
	{ VC2_OP_GET_LAN_MEMORY_REGIONS, 8, 2 },
	{ VC2_OP_RDMA, 40, 1 },
};

static unsigned int step_pick_op(void)
{
	unsigned int sum = 0, i;

	for (i = 0; i < G_N_ELEMENTS(step_ops); i++)
		sum += step_ops[i].weight;
	sum = step_below(sum);
	for (i = 0; sum >= step_ops[i].weight; i++)
		sum -= step_ops[i].weight;
	return i;
}

/* Small numbers in the places where most messages have ids and counts */
static void step_fill(struct step_guest *g, u32 opcode, __le32 *msg, u32 len)
{
	struct step_vport *vp = step_vport(g);
	u32 type = step_below(QUEUE_NUM_TYPES), id = 0;

	for (u32 i = 0; i < len / 4; i++)
		msg[i] = step_one_in(3) ? step_below(4) : 0;
	if (vp && vp->num[type])
		id = vp->q[type][step_below(vp->num[type])].id;
	switch (opcode) {
	case VC2_OP_ENABLE_QUEUES:
	case VC2_OP_DISABLE_QUEUES:
	case VC2_OP_DEL_QUEUES:
		msg[2] = 1 + step_below(3);
		msg[4] = type;
		msg[5] = id;
		msg[6] = 1 + step_below(2);
		break;
	case VC2_OP_MAP_QUEUE_VECTOR:
	case VC2_OP_UNMAP_QUEUE_VECTOR:
		msg[1] = 1 + step_below(2);
		msg[4] = id;
		msg[5] = 1 + step_below(8);
		msg[6] = step_below(4);
		msg[7] = type;
		break;
	case VC2_OP_CONFIG_TX_QUEUES:
	case VC2_OP_CONFIG_RX_QUEUES:
		msg[1] = 1 + step_below(2);
		for (u32 i = 4; i < len / 4; i++)
			msg[i] = step_one_in(2) ? step_number(32) : msg[i];
		break;
	case VC2_OP_SET_RSS_KEY:
		msg[1] = 52;
		break;
	case VC2_OP_SET_RSS_LUT:
		msg[1] = step_below(33) << 16 | step_below(3);
		break;
	case VC2_OP_ADD_MAC_ADDR:
	case VC2_OP_DEL_MAC_ADDR:
		msg[1] = 1 + step_below(4);
		for (u32 i = 3; i < len / 4; i += 2)
			msg[i] = (step_one_in(8) ? 0 : 1 + step_below(2)) << 16 |
				 step_below(64);
		break;
	case VC2_OP_GET_CAPS:
		memset(msg, 0xff, len);
		break;
	default:
		break;
	}
	if (opcode != VC2_OP_GET_CAPS && opcode != VC2_OP_CREATE_VPORT &&
	    vp && len >= 4)
		msg[0] = vp->id;
}

void step_message(struct step_guest *g)
{
	static _Alignas(8) u8 msg[IDPF_CTLQ_BUF_SIZE + 64];
	unsigned int i = step_pick_op();
	u32 opcode = step_ops[i].opcode, len = step_ops[i].len;

	if (!g->atq)
		return;
	step_fill(g, opcode, (__le32 *)(void *)msg, len);
	if (step_one_in(3))
		step_mutate(msg, len);
	if (step_one_in(40))
		len = step_number(12);
	if (step_one_in(200))
		opcode = step_number(28);
	step_call(g, opcode, msg, len, NULL);
}

/* ------------------------------------------------------------------ */
/* Registers                                                            */

static u32 step_any_register(struct step_guest *g)
{
	static const u32 pf[] = {
		IDPF_PF_ARQBAL, IDPF_PF_ARQBAH, IDPF_PF_ARQLEN, IDPF_PF_ARQH,
		IDPF_PF_ARQT, IDPF_PF_ATQBAL, IDPF_PF_ATQBAH, IDPF_PF_ATQLEN,
		IDPF_PF_ATQH, IDPF_PF_ATQT, IDPF_PF_OICR_ENA, IDPF_PF_RSTAT,
		IDPF_PF_CTRL, IDPF_PF_RTRIG,
	};
	static const u32 vf[] = {
		IDPF_VF_ARQBAL, IDPF_VF_ARQBAH, IDPF_VF_ARQLEN, IDPF_VF_ARQH,
		IDPF_VF_ARQT, IDPF_VF_ATQBAL, IDPF_VF_ATQBAH, IDPF_VF_ATQLEN,
		IDPF_VF_ATQH, IDPF_VF_ATQT, IDPF_VF_RSTAT, IDPF_VF_DYN_CTL0,
		IDPF_VF_ITR0(1), IDPF_VF_ICR0_ENA1,
	};
	const struct bar_layout *layout = bar_layout(g->port);
	u32 n = step_below(20);

	switch (step_below(24)) {
	case 0:
		return g->port->cfg.identity == NIC_ID_VF ?
		       vf[step_below(G_N_ELEMENTS(vf))] :
		       pf[step_below(G_N_ELEMENTS(pf))];
	case 1:
		return step_below(layout->size);
	case 2:
	case 3:
		return layout->tx_tail + n * layout->tail_spacing;
	case 4:
		return layout->rx_tail + n * layout->tail_spacing;
	case 5:
		return layout->bufq_tail + n * layout->tail_spacing;
	case 6:
	case 7:
		return layout->itr + n * layout->itr_spacing +
		       step_below(3) * layout->itr_index_spacing;
	default:
		return layout->dyn_ctl + n * layout->dyn_ctl_spacing;
	}
}

void step_register(struct step_guest *g)
{
	struct vfu_access acc = { 0, step_any_register(g), 4 };
	u64 val = step_number(32);
	u8 buf[16];

	if (step_one_in(16)) {
		acc.len = 1 + step_below(16);
		acc.offset += step_below(4);
	}
	if (step_one_in(16))
		acc.region = IDPF_BAR_MSIX;
	if (acc.offset + acc.len > pci_vfu_ops.region_size(g->port, acc.region))
		acc.offset %= pci_vfu_ops.region_size(g->port, acc.region) - 16;
	if (step_one_in(4)) {
		pci_vfu_ops.read(g->port, &acc, buf);
		return;
	}
	memset(buf, 0, sizeof(buf));
	memcpy(buf, &val, sizeof(val));
	pci_vfu_ops.write(g->port, &acc, buf);
}

void step_config(struct step_guest *g)
{
	struct vfu_access acc = { VFU_REGION_CONFIG, step_below(0x180),
				  1u << step_below(3) };
	u8 buf[8];
	u64 val = step_rand();

	/* enough writes that keep the function on the bus */
	if (step_below(4)) {
		pci_vfu_ops.read(g->port, &acc, buf);
		return;
	}
	memcpy(buf, &val, sizeof(buf));
	pci_vfu_ops.write(g->port, &acc, buf);
}

/* ------------------------------------------------------------------ */
/* Descriptors and memory                                               */

void step_descriptor(struct step_guest *g)
{
	struct step_vport *vp = step_vport(g);
	u32 type = step_below(QUEUE_NUM_TYPES), size = step_one_in(2) ? 16 : 32;
	struct step_queue *q;
	u8 *at;

	if (!vp || !vp->num[type])
		return;
	q = &vp->q[type][step_below(vp->num[type])];
	if (!q->ring)
		return;
	/* next to be used, so that it is looked at */
	at = step_at(g, q->ring + q->next * 16);
	for (u32 i = 0; i < size; i += 8) {
		u64 val = step_one_in(2) ? step_number(64) : step_buf(g, 4096);

		if (step_one_in(8))
			val = STEP_EXTRA + step_below(0x20000);
		memcpy(at + i, &val, sizeof(val));
	}
	q->next = (q->next + 1) % q->len;
	step_write(g, q->tail, step_one_in(30) ? step_number(32) : q->next);
}

/* ------------------------------------------------------------------ */
/* vfio-user                                                            */

static u32 step_vfu_payload(struct step_guest *g, u16 cmd, u8 *at)
{
	struct vfu_dma_map map = {
		sizeof(map), 1 + step_below(3), DMA_PAGE_SIZE * step_below(16),
		STEP_EXTRA + DMA_PAGE_SIZE * step_below(64),
		DMA_PAGE_SIZE * (1 + step_below(8)),
	};
	struct vfu_dma_unmap unmap = { sizeof(unmap), 0, map.addr, map.len };
	struct vfu_set_irqs irqs = { sizeof(irqs),
		VFU_IRQ_SET_ACTION_TRIGGER | BIT(step_below(3)),
		step_one_in(8) ? step_below(6) : VFU_IRQ_MSIX,
		step_below(18), step_below(18) };
	struct vfu_region_access acc = { step_any_register(g),
					 step_one_in(8) ? step_below(10) : 0, 4 };
	u32 words[8] = { 32, 0, step_below(10) };
	u64 count = step_below(4);

	switch (cmd) {
	case VFU_CMD_DMA_MAP:
		memcpy(at, &map, sizeof(map));
		return sizeof(map);
	case VFU_CMD_DMA_UNMAP:
		memcpy(at, &unmap, sizeof(unmap));
		return sizeof(unmap);
	case VFU_CMD_SET_IRQS:
		memcpy(at, &irqs, sizeof(irqs));
		memset(at + sizeof(irqs), 1, 20);
		return sizeof(irqs) + 20;
	case VFU_CMD_REGION_READ:
		acc.count = step_one_in(8) ? step_number(16) : 4;
		memcpy(at, &acc, sizeof(acc));
		return sizeof(acc);
	case VFU_CMD_REGION_WRITE:
		memcpy(at, &acc, sizeof(acc));
		memcpy(at + sizeof(acc), &count, 4);
		return sizeof(acc) + 4;
	case VFU_CMD_WRITE_MULTI:
		memcpy(at, &count, sizeof(count));
		memset(at + 8, 0, count * sizeof(struct vfu_write_multi_entry));
		for (u64 i = 0; i < count; i++)
			memcpy(at + 8 + i * sizeof(struct vfu_write_multi_entry),
			       &acc, sizeof(acc));
		return 8 + count * sizeof(struct vfu_write_multi_entry);
	default:
		memcpy(at, words, sizeof(words));
		return sizeof(words);
	}
}

static const u16 step_cmds[] = {
	VFU_CMD_DMA_MAP, VFU_CMD_DMA_MAP, VFU_CMD_DMA_UNMAP, VFU_CMD_DMA_UNMAP,
	VFU_CMD_GET_INFO, VFU_CMD_REGION_INFO, VFU_CMD_IRQ_INFO, VFU_CMD_SET_IRQS,
	VFU_CMD_SET_IRQS, VFU_CMD_REGION_READ, VFU_CMD_REGION_READ,
	VFU_CMD_REGION_WRITE, VFU_CMD_REGION_WRITE, VFU_CMD_WRITE_MULTI,
};

static int step_eventfd(void)
{
	return step_one_in(8) ? dup(run.guests[0].memfd) : eventfd(0, EFD_CLOEXEC);
}

void step_vfu(struct step_guest *g)
{
	u16 cmd = step_cmds[step_below(G_N_ELEMENTS(step_cmds))];
	static u8 msg[4096];
	unsigned int num_fds = 0;
	struct vfu_header hdr;
	int fds[20];
	u32 len;

	if (step_one_in(100))
		cmd = step_one_in(2) ? VFU_CMD_RESET : step_number(16);
	len = step_vfu_payload(g, cmd, msg + sizeof(hdr));
	if (step_one_in(4))
		step_mutate(msg + sizeof(hdr), len);
	if (cmd == VFU_CMD_DMA_MAP && step_below(8))
		fds[num_fds++] = dup(g->memfd);
	if (cmd == VFU_CMD_SET_IRQS && step_one_in(2))
		for (num_fds = 0; num_fds < step_below(19); num_fds++)
			fds[num_fds] = step_eventfd();
	if (cmd == VFU_CMD_SET_IRQS && num_fds)
		memcpy(msg + sizeof(hdr) + 16, &num_fds, sizeof(num_fds));
	len = step_vfu_msg(msg, cmd, len);
	if (step_one_in(300)) {
		memcpy(&hdr, msg, sizeof(hdr));
		step_mutate((u8 *)&hdr, sizeof(hdr));
		memcpy(msg, &hdr, sizeof(hdr));
	}
	if (step_one_in(4))
		msg[8] |= VFU_F_NO_REPLY;
	step_say(g, msg, step_one_in(500) ? step_below(len + 1) : len, fds, num_fds);
	while (num_fds)
		close(fds[--num_fds]);
}

/* ------------------------------------------------------------------ */
/* What happens outside of guests                                       */

void step_outside(struct step_guest *g)
{
	static const char *const faults[] = {
		"reset=1", "link-flap=1", "request-refuse", "reply-lost",
		"reply-late=1",
		"reply-short", "reply-opcode", "reply-cookie", "reply-status",
		"reply-corrupt", "tx-stuck", "rx-stuck", "compl-corrupt:count=5",
		"rx-corrupt:count=5", "irq-lost", "wire-loss=10:count=9",
		"wire-reorder=20:count=9", "wire-duplicate=20:count=9",
		"wire-corrupt=20:count=9", "wire-delay=100:count=9",
	};
	const char *fault = faults[step_below(G_N_ELEMENTS(faults))];
	char *error, *spec;

	switch (step_below(3)) {
	case 0:
		run.now_ns += step_number(31);
		break;
	case 1:
		nic_port_set_link(g->port, step_below(4));
		break;
	default:
		spec = g_strdup_printf("%s@%s", fault, g->port->cfg.name);
		if (!fault_apply(&run.nic, spec, &error))
			g_free(error);
		g_free(spec);
		break;
	}
}
