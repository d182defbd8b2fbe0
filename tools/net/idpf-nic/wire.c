// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all kinds of wires have in common: names, ends, counters, capture.
 */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "capture.h"
#include "nic.h"
#include "util.h"

/* a frame from outside has addresses and a type */
#define WIRE_MIN_HDR	(2 * ETH_ALEN + 2)
#define WIRE_FCS_LEN	4

static const struct wire_ops *const wire_kinds[] = {
	&wire_pair_ops,
	&wire_switch_ops,
	&wire_stream_ops,
	&wire_tap_ops,
};

static const struct wire_ops *find_kind(const char *spec, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(wire_kinds); i++)
		if (strlen(wire_kinds[i]->kind) == len &&
		    !strncmp(wire_kinds[i]->kind, spec, len))
			return wire_kinds[i];
	return NULL;
}

struct wire *wire_open(struct nic *nic, const char *spec)
{
	const char *colon = strchr(spec, ':');
	const struct wire_ops *ops;
	struct wire *wire;

	ops = find_kind(spec, colon ? (size_t)(colon - spec) : strlen(spec));
	if (!ops || !colon) {
		g_printerr("idpf-nic: --wire %s: no such kind, see --help\n",
			   spec);
		return NULL;
	}
	if (nic->num_wires == ARRAY_SIZE(nic->wires)) {
		g_printerr("idpf-nic: --wire %s: too many wires\n", spec);
		return NULL;
	}

	wire = ops->open(nic, colon + 1);
	if (!wire)
		return NULL;

	wire->ops = ops;
	wire->nic = nic;
	if (!wire->name[0])
		g_snprintf(wire->name, sizeof(wire->name), "%s%u", ops->kind,
			   nic->num_wires);
	nic->wires[nic->num_wires++] = wire;
	return wire;
}

void wire_close_all(struct nic *nic)
{
	for (unsigned int i = 0; i < nic->num_ports; i++)
		nic->ports[i]->wire.wire = NULL;
	while (nic->num_wires) {
		struct wire *wire = nic->wires[--nic->num_wires];

		wire->ops->close(wire);
	}
}

int wire_attach(struct wire *wire, unsigned int end, const char *name)
{
	struct nic_port *port = nic_port_by_name(wire->nic, name);

	if (!port) {
		g_printerr("idpf-nic: --wire: there is no port %s\n", name);
		return -ENOENT;
	}
	if (port->wire.wire) {
		g_printerr("idpf-nic: --wire: %s is on a wire already\n", name);
		return -EBUSY;
	}

	port->wire.wire = wire;
	port->wire.end = end;
	wire->ports[end] = port;
	return 0;
}

static bool enter_wire(struct nic_port *port, const struct frame *frame)
{
	struct wire *wire = port->wire.wire;

	if (fault_armed(&port->fault, FAULT_MASK_WIRE) ||
	    impair_pending(&port->impair))
		return impair_xmit(port, frame);
	return wire->ops->xmit(wire, port->wire.end, frame);
}

static void count_kind(struct wire_kinds *kinds, const struct frame *frame)
{
	static const u16 limits[VC2_PHY_NUM_SIZES - 1] = {
		64, 127, 255, 511, 1023, 1518
	};
	u32 octets = frame->len + WIRE_FCS_LEN;
	unsigned int i = 0;

	kinds->octets += octets;
	switch (frame->info.cast) {
	case PARSE_BROADCAST:
		kinds->broadcast++;
		break;
	case PARSE_MULTICAST:
		kinds->multicast++;
		break;
	default:
		kinds->unicast++;
		break;
	}
	while (i < ARRAY_SIZE(limits) && octets > limits[i])
		i++;
	kinds->size[i]++;
}

bool wire_xmit(struct nic_port *port, const struct frame *frame)
{
	struct capture *capture = port->nic->capture;
	struct wire_end *end = &port->wire;
	struct wire *wire = end->wire;

	if (!nic_port_link_up(port)) {
		end->stats.tx_dropped++;
		return true;
	}

	/* Recorded before it is received, as it happens on a cable */
	if (capture)
		capture_frame(capture, (int)port->idx, CAPTURE_OUTBOUND,
			      frame->iov, frame->num_iov, frame->len);
	if (!enter_wire(port, frame)) {
		if (capture)
			capture_undo(capture);
		return false;
	}

	end->stats.tx_packets++;
	end->stats.tx_bytes += frame->len;
	count_kind(&end->stats.tx, frame);
	wire->packets++;
	wire->bytes += frame->len;
	return true;
}

bool wire_receive(struct nic_port *port, const struct frame *frame)
{
	struct wire_stats *stats = &port->wire.stats;

	if (!port->link_admin)
		return true;
	if (!rx_deliver(port, frame))
		return false;

	stats->rx_packets++;
	stats->rx_bytes += frame->len;
	count_kind(&stats->rx, frame);
	if (port->nic->capture && port->nic->capture_rx)
		capture_frame(port->nic->capture, (int)port->idx,
			      CAPTURE_INBOUND, frame->iov, frame->num_iov,
			      frame->len);
	return true;
}

bool wire_inject(struct wire *wire, const u8 *data, u32 len)
{
	struct nic_port *port = wire->ports[0];
	u8 padded[NIC_MIN_FRAME] = { 0 };
	struct frame frame = { .num_iov = 1, .may_wait = true };
	struct iovec iov;

	if (len < WIRE_MIN_HDR || len > NIC_MAX_FRAME) {
		port->wire.stats.rx_dropped_error++;
		return true;
	}
	if (len < NIC_MIN_FRAME) {
		memcpy(padded, data, len);
		data = padded;
		len = NIC_MIN_FRAME;
	}
	iov.iov_base = (u8 *)data;
	iov.iov_len = len;
	frame.iov = &iov;
	frame.len = len;
	parse_frame(data, len < PARSE_MAX_BYTES ? len : PARSE_MAX_BYTES, len,
		    &frame.info);
	if (!wire_receive(port, &frame))
		return false;
	wire->packets++;
	wire->bytes += len;
	return true;
}

bool wire_far_end_up(const struct nic_port *port)
{
	const struct wire *wire = port->wire.wire;

	return wire && wire->ops->link_up(wire, port->wire.end);
}
