// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtchnl2: the port's counters where it meets the wire, and loopback.
 */

#include <linux/slab.h>

#include "wto_compat.h"
#include "wto_mbx.h"
#include "wto_vc.h"

static void wto_vc_take_sizes(u64 *to, const __le64 *from)
{
	int i;

	for (i = 0; i < VC2_PHY_NUM_SIZES; i++)
		to[i] = le64_to_cpu(from[i]);
}

static void wto_vc_take_phy(struct wto_phy_stats *stats,
			    const struct vc2_phy_stats *wire)
{
	stats->rx_octets = le64_to_cpu(wire->rx_bytes);
	stats->rx_unicast = le64_to_cpu(wire->rx_unicast);
	stats->rx_multicast = le64_to_cpu(wire->rx_multicast);
	stats->rx_broadcast = le64_to_cpu(wire->rx_broadcast);
	wto_vc_take_sizes(stats->rx_size, wire->rx_size);
	stats->rx_undersized = le64_to_cpu(wire->rx_undersized);
	stats->rx_fragmented = le64_to_cpu(wire->rx_fragmented);
	stats->rx_oversized = le64_to_cpu(wire->rx_oversized);
	stats->rx_jabber = le64_to_cpu(wire->rx_jabber);
	stats->rx_length_errors = le64_to_cpu(wire->rx_length_errors);
	stats->rx_crc_errors = le64_to_cpu(wire->rx_crc_errors);
	stats->tx_octets = le64_to_cpu(wire->tx_bytes);
	stats->tx_unicast = le64_to_cpu(wire->tx_unicast);
	stats->tx_multicast = le64_to_cpu(wire->tx_multicast);
	stats->tx_broadcast = le64_to_cpu(wire->tx_broadcast);
	stats->tx_errors = le64_to_cpu(wire->tx_errors);
	wto_vc_take_sizes(stats->tx_size, wire->tx_size);
}

/**
 * wto_vc_get_port_stats - read the counters of the port
 * @mbx: mailbox
 * @vport_id: one of the port's vports
 * @stats: out: counters
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h; -EOPNOTSUPP if the device does not tell them.
 */
int wto_vc_get_port_stats(struct wto_mbx *mbx, u32 vport_id,
			  struct wto_phy_stats *stats)
{
	struct vc2_vport req = { .vport_id = cpu_to_le32(vport_id) };
	struct vc2_port_stats *wire;
	struct wto_vc_call call = {
		.op = VC2_OP_GET_PORT_STATS,
		.req = &req,
		.req_len = sizeof(req),
		.reply_max = sizeof(*wire),
		.reply_min = sizeof(*wire),
		.optional = true,
	};
	int ret;

	wire = kzalloc_obj(*wire, GFP_KERNEL);
	if (!wire)
		return -ENOMEM;
	call.reply = wire;

	ret = wto_vc_call(mbx, &call);
	if (ret >= 0)
		wto_vc_take_phy(stats, &wire->phy);
	kfree(wire);

	return ret < 0 ? ret : 0;
}

/**
 * wto_vc_set_loopback - let what a vport sends come back to it, or no more
 * @mbx: mailbox
 * @vport_id: vport
 * @enable: on
 *
 * Context: Process, may sleep.
 * Return: see wto_vc.h.
 */
int wto_vc_set_loopback(struct wto_mbx *mbx, u32 vport_id, bool enable)
{
	struct vc2_loopback req = {
		.vport_id = cpu_to_le32(vport_id),
		.enable = enable,
	};
	struct wto_vc_call call = {
		.op = VC2_OP_LOOPBACK,
		.req = &req,
		.req_len = sizeof(req),
	};
	int ret = wto_vc_call(mbx, &call);

	return ret < 0 ? ret : 0;
}
