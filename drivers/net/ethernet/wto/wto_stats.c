// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: the tables of all counters, and those who read them.
 *
 * A counter is shown in one place.  What the kernel has a standard name for
 * is in the queue statistics (netdev_stat_ops), the rest in ethtool -S, and the
 * link's statistics are sums of both.  A queue that is not in use now still
 * has its counters; they are part of the base statistics.
 */

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <net/netdev_queues.h>

#include "wto.h"

#define WTO_STAT_TX(member, q, text) \
	{ #member, text, offsetof(struct wto_tx_stats, member), q }
#define WTO_STAT_RX(member, q, text) \
	{ #member, text, offsetof(struct wto_rx_stats, member), q }
#define WTO_STAT_NIC(member, text) \
	{ #member, text, offsetof(struct wto_nic_stats, member), \
	  WTO_STAT_NO_QSTAT }
#define WTO_STAT_MBX(member, text) \
	{ #member, text, offsetof(struct wto_mbx_stats, member), \
	  WTO_STAT_NO_QSTAT }
#define WTO_STAT_ADAPTER(name, member, text) \
	{ name, text, offsetof(struct wto_adapter, member), WTO_STAT_NO_QSTAT }
#define WTO_STAT_VPORT(name, member, text) \
	{ name, text, offsetof(struct wto_vport, member), WTO_STAT_NO_QSTAT }

#define WTO_QSTAT_TX(member)	offsetof(struct netdev_queue_stats_tx, member)
#define WTO_QSTAT_RX(member)	offsetof(struct netdev_queue_stats_rx, member)

/* of each transmit queue; written by NAPI */
static const struct wto_stat wto_stat_tx_napi[] = {
	WTO_STAT_TX(packets, WTO_QSTAT_TX(packets),
		    "frames sent, each segment by itself"),
	WTO_STAT_TX(bytes, WTO_QSTAT_TX(bytes), "their bytes, without FCS"),
	WTO_STAT_TX(needs_csum, WTO_QSTAT_TX(needs_csum),
		    "frames whose checksums the NIC filled"),
	WTO_STAT_TX(csum_none, WTO_QSTAT_TX(csum_none),
		    "frames that needed no checksum of the NIC"),
	WTO_STAT_TX(gso_packets, WTO_QSTAT_TX(hw_gso_packets),
		    "packets that the NIC segmented"),
	WTO_STAT_TX(gso_bytes, WTO_QSTAT_TX(hw_gso_bytes),
		    "their bytes before"),
	WTO_STAT_TX(gso_wire_packets, WTO_QSTAT_TX(hw_gso_wire_packets),
		    "frames that they became"),
	WTO_STAT_TX(gso_wire_bytes, WTO_QSTAT_TX(hw_gso_wire_bytes),
		    "bytes of these frames"),
	WTO_STAT_TX(wake, WTO_QSTAT_TX(wake),
		    "times that the stack's queue was woken"),
	WTO_STAT_TX(bad_compl, WTO_STAT_NO_QSTAT,
		    "completions that were for no packet under way"),
};

/* of each transmit queue; written by xmit */
static const struct wto_stat wto_stat_tx_xmit[] = {
	WTO_STAT_TX(stop, WTO_QSTAT_TX(stop),
		    "times that the stack's queue was stopped for want of room"),
	WTO_STAT_TX(linearized, WTO_STAT_NO_QSTAT,
		    "packets copied because they had too many buffers"),
	WTO_STAT_TX(dropped, WTO_STAT_NO_QSTAT,
		    "packets dropped by the driver, for whatever reason"),
};

/* of each receive queue */
static const struct wto_stat wto_stat_rx[] = {
	WTO_STAT_RX(packets, WTO_QSTAT_RX(packets), "packets received"),
	WTO_STAT_RX(bytes, WTO_QSTAT_RX(bytes), "their bytes, without FCS"),
	WTO_STAT_RX(alloc_fail, WTO_QSTAT_RX(alloc_fail),
		    "buffers or skbs for which there was no memory"),
	WTO_STAT_RX(bad_desc, WTO_STAT_NO_QSTAT,
		    "descriptors that made no sense; their packets are dropped"),
	WTO_STAT_RX(errors, WTO_STAT_NO_QSTAT,
		    "packets that the NIC marked as bad, or without a header"),
	WTO_STAT_RX(hsplit, WTO_STAT_NO_QSTAT,
		    "packets whose header came in a buffer of its own"),
	WTO_STAT_RX(unreadable, WTO_STAT_NO_QSTAT,
		    "packets that the CPU would have to read but cannot"),
};

/* of the vport, as the NIC counts it, shown with prefix "nic_" */
static const struct wto_stat wto_stat_nic[] = {
	WTO_STAT_NIC(rx_bytes, "bytes received"),
	WTO_STAT_NIC(rx_unicast, "unicast frames received"),
	WTO_STAT_NIC(rx_multicast, "multicast frames received"),
	WTO_STAT_NIC(rx_broadcast, "broadcast frames received"),
	WTO_STAT_NIC(rx_discards, "frames not given to the driver"),
	WTO_STAT_NIC(rx_errors, "frames received with errors"),
	WTO_STAT_NIC(rx_unknown_protocol, "frames of unknown protocol"),
	WTO_STAT_NIC(tx_bytes, "bytes sent"),
	WTO_STAT_NIC(tx_unicast, "unicast frames sent"),
	WTO_STAT_NIC(tx_multicast, "multicast frames sent"),
	WTO_STAT_NIC(tx_broadcast, "broadcast frames sent"),
	WTO_STAT_NIC(tx_discards, "frames not sent"),
	WTO_STAT_NIC(tx_errors, "frames not sent because of an error"),
	WTO_STAT_NIC(rx_invalid_frame_length, "frames too short or too long"),
	WTO_STAT_NIC(rx_overflow_drop, "frames lost for want of buffers"),
};

static_assert(ARRAY_SIZE(wto_stat_nic) * sizeof(u64) ==
	      sizeof(struct wto_nic_stats));

/* of the vport, as the driver counts it */
static const struct wto_stat wto_stat_vport[] = {
	WTO_STAT_VPORT("tx_timeouts", num_tx_timeouts,
		       "times that a transmit queue did not get on"),
	WTO_STAT_VPORT("lost_irqs", num_lost_irqs,
		       "times that completions were found without an interrupt"),
	WTO_STAT_VPORT("restarts", num_restarts,
		       "restarts of the queues for a new configuration"),
	WTO_STAT_VPORT("missed_irqs", num_missed_irqs,
		       "interrupts of queues that did not come"),
	WTO_STAT_VPORT("rx_restarts", num_rx_restarts,
		       "restarts of a single receive queue"),
};

/* of the function */
static const struct wto_stat wto_stat_adapter[] = {
	WTO_STAT_ADAPTER("resets", num_resets,
			 "resets of the function after which it was set up again"),
	WTO_STAT_ADAPTER("reset_failures", num_reset_failures,
			 "attempts to set it up again that failed"),
};

/* of the function's mailbox, shown with prefix "mbx_" */
static const struct wto_stat wto_stat_mbx[] = {
	WTO_STAT_MBX(sent, "messages sent"),
	WTO_STAT_MBX(received, "messages received, replies and events"),
	WTO_STAT_MBX(timeouts, "requests without a reply in time"),
	WTO_STAT_MBX(stray, "replies that nobody waited for"),
	WTO_STAT_MBX(malformed, "messages with impossible contents"),
	WTO_STAT_MBX(refused, "requests that the NIC refused"),
};

/**
 * struct wto_stat_table - counters of one structure
 * @stat: the counters
 * @num: elements of @stat
 */
struct wto_stat_table {
	const struct wto_stat *stat;
	unsigned int num;
};

static const struct wto_stat_table wto_table_tx_napi = {
	wto_stat_tx_napi, ARRAY_SIZE(wto_stat_tx_napi)
};

static const struct wto_stat_table wto_table_tx_xmit = {
	wto_stat_tx_xmit, ARRAY_SIZE(wto_stat_tx_xmit)
};

static const struct wto_stat_table wto_table_rx = {
	wto_stat_rx, ARRAY_SIZE(wto_stat_rx)
};

static const struct wto_stat_table wto_table_nic = {
	wto_stat_nic, ARRAY_SIZE(wto_stat_nic)
};

static const struct wto_stat_table wto_table_vport = {
	wto_stat_vport, ARRAY_SIZE(wto_stat_vport)
};

static const struct wto_stat_table wto_table_adapter = {
	wto_stat_adapter, ARRAY_SIZE(wto_stat_adapter)
};

static const struct wto_stat_table wto_table_mbx = {
	wto_stat_mbx, ARRAY_SIZE(wto_stat_mbx)
};

/* Longest of the queue tables */
#define WTO_STAT_MAX_GROUP	16
static_assert(ARRAY_SIZE(wto_stat_rx) <= WTO_STAT_MAX_GROUP);
static_assert(ARRAY_SIZE(wto_stat_tx_napi) <= WTO_STAT_MAX_GROUP);
static_assert(ARRAY_SIZE(wto_stat_tx_xmit) <= WTO_STAT_MAX_GROUP);

/**
 * struct wto_stat_group - a queue's counters that have one writer
 * @table: the counters
 * @base: the structure
 * @sync: protects them
 */
struct wto_stat_group {
	const struct wto_stat_table *table;
	const void *base;
	const struct u64_stats_sync *sync;
};

/* Read a queue's counters of one writer, consistent with each other */
static void wto_stats_read(const struct wto_stat_group *group, u64 *values)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(group->sync);
		for (unsigned int i = 0; i < group->table->num; i++)
			values[i] = u64_stats_read(group->base +
						   group->table->stat[i].offset);
	} while (u64_stats_fetch_retry(group->sync, start));
}

/* The groups of a queue: two writers for transmit, one for receive */
static void wto_stats_tx_groups(const struct wto_vport *vport, unsigned int idx,
				struct wto_stat_group groups[2])
{
	const struct wto_tx_stats *stats = &vport->tx_stats[idx];

	groups[0] = (struct wto_stat_group) {
		&wto_table_tx_napi, stats, &stats->sync
	};
	groups[1] = (struct wto_stat_group) {
		&wto_table_tx_xmit, stats, &stats->xmit_sync
	};
}

static struct wto_stat_group wto_stats_rx_group(const struct wto_vport *vport,
						unsigned int idx)
{
	const struct wto_rx_stats *stats = &vport->rx_stats[idx];

	return (struct wto_stat_group) { &wto_table_rx, stats, &stats->sync };
}

/**
 * wto_stats_init - prepare the counters of a vport
 * @vport: vport, with tx_stats and rx_stats allocated and zero
 */
void wto_stats_init(struct wto_vport *vport)
{
	for (unsigned int i = 0; i < WTO_MAX_QUEUES; i++) {
		u64_stats_init(&vport->tx_stats[i].sync);
		u64_stats_init(&vport->tx_stats[i].xmit_sync);
		u64_stats_init(&vport->rx_stats[i].sync);
	}
	mutex_init(&vport->nic_stats_ask);
	spin_lock_init(&vport->nic_stats_lock);
}

/**
 * wto_stats_grow - add what the device counted since it was asked last
 * @total: counters over all resets
 * @last: what the device said last, becomes @now
 * @now: what it says now; may have started again at 0
 * @num: counters
 *
 * Context: Any, with whatever guards @total.
 */
void wto_stats_grow(u64 *total, u64 *last, const u64 *now, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		total[i] += now[i] - (now[i] >= last[i] ? last[i] : 0);
		last[i] = now[i];
	}
}

/* Take in what the device counted */
static void wto_stats_update_nic(struct wto_vport *vport,
				 const struct wto_nic_stats *now)
{
	spin_lock_bh(&vport->nic_stats_lock);
	wto_stats_grow((u64 *)&vport->nic_stats, (u64 *)&vport->nic_last,
		       (const u64 *)now, ARRAY_SIZE(wto_stat_nic));
	spin_unlock_bh(&vport->nic_stats_lock);
}

/**
 * wto_stats_ask_nic - ask the device for its counters, and take them in
 * @vport: vport
 *
 * Answers are taken in as they were asked for: an older one that came second
 * would look like that of a device that was reset.
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno.
 */
int wto_stats_ask_nic(struct wto_vport *vport)
{
	struct wto_nic_stats now;
	int err;

	mutex_lock(&vport->nic_stats_ask);
	err = wto_vc_get_stats(&vport->adapter->mbx, vport->vc.id, &now);
	if (!err)
		wto_stats_update_nic(vport, &now);
	mutex_unlock(&vport->nic_stats_ask);

	return err;
}

/**
 * wto_stats_get_nic - what the device counted, summed up over resets
 * @vport: vport
 * @stats: out
 *
 * Context: Any but hard interrupts.
 */
void wto_stats_get_nic(struct wto_vport *vport, struct wto_nic_stats *stats)
{
	spin_lock_bh(&vport->nic_stats_lock);
	*stats = vport->nic_stats;
	spin_unlock_bh(&vport->nic_stats_lock);
}

static void wto_stats_add_tx64(struct wto_tx_stats *tx,
			       struct rtnl_link_stats64 *stats)
{
	u64 packets, bytes, dropped;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&tx->sync);
		packets = u64_stats_read(&tx->packets);
		bytes = u64_stats_read(&tx->bytes);
	} while (u64_stats_fetch_retry(&tx->sync, start));
	do {
		start = u64_stats_fetch_begin(&tx->xmit_sync);
		dropped = u64_stats_read(&tx->dropped);
	} while (u64_stats_fetch_retry(&tx->xmit_sync, start));

	stats->tx_packets += packets;
	stats->tx_bytes += bytes;
	stats->tx_dropped += dropped;
}

static void wto_stats_add_rx64(struct wto_rx_stats *rx,
			       struct rtnl_link_stats64 *stats)
{
	u64 packets, bytes, errors;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->sync);
		packets = u64_stats_read(&rx->packets);
		bytes = u64_stats_read(&rx->bytes);
		errors = u64_stats_read(&rx->errors) +
			 u64_stats_read(&rx->bad_desc) +
			 u64_stats_read(&rx->unreadable);
	} while (u64_stats_fetch_retry(&rx->sync, start));

	stats->rx_packets += packets;
	stats->rx_bytes += bytes;
	stats->rx_errors += errors;
}

/**
 * wto_stats_get64 - statistics of the link
 * @vport: vport
 * @stats: where they are added
 *
 * Context: Any; does not sleep.
 */
void wto_stats_get64(struct wto_vport *vport, struct rtnl_link_stats64 *stats)
{
	struct wto_nic_stats nic;

	for (unsigned int i = 0; i < WTO_MAX_QUEUES; i++) {
		wto_stats_add_tx64(&vport->tx_stats[i], stats);
		wto_stats_add_rx64(&vport->rx_stats[i], stats);
	}

	wto_stats_get_nic(vport, &nic);
	stats->multicast += nic.rx_multicast;
	stats->rx_errors += nic.rx_errors + nic.rx_invalid_frame_length;
	stats->rx_length_errors += nic.rx_invalid_frame_length;
	/* discards include those for want of buffers: each is told once */
	stats->rx_dropped += nic.rx_discards -
			     min(nic.rx_discards, nic.rx_overflow_drop);
	stats->rx_missed_errors += nic.rx_overflow_drop;
	stats->tx_errors += nic.tx_errors;
	stats->tx_dropped += nic.tx_discards;
}

/* Put a group's standard counters where the core wants them */
static void wto_stats_qstats(const struct wto_stat_group *group, void *to,
			     bool add)
{
	u64 values[WTO_STAT_MAX_GROUP];

	wto_stats_read(group, values);
	for (unsigned int i = 0; i < group->table->num; i++) {
		u64 *field = to + group->table->stat[i].qstat;

		if (group->table->stat[i].qstat == WTO_STAT_NO_QSTAT)
			continue;

		*field = values[i] + (add ? *field : 0);
	}
}

static void wto_stats_tx_qstats(struct net_device *netdev, int idx,
				struct netdev_queue_stats_tx *stats, bool add)
{
	struct wto_stat_group groups[2];

	wto_stats_tx_groups(netdev_priv(netdev), idx, groups);
	wto_stats_qstats(&groups[0], stats, add);
	wto_stats_qstats(&groups[1], stats, add);
}

static void wto_stats_rx_qstats(struct net_device *netdev, int idx,
				struct netdev_queue_stats_rx *stats, bool add)
{
	struct wto_stat_group group;

	group = wto_stats_rx_group(netdev_priv(netdev), idx);
	wto_stats_qstats(&group, stats, add);
}

static void wto_get_queue_stats_tx(struct net_device *netdev, int idx,
				   struct netdev_queue_stats_tx *stats)
{
	wto_stats_tx_qstats(netdev, idx, stats, false);
}

static void wto_get_queue_stats_rx(struct net_device *netdev, int idx,
				   struct netdev_queue_stats_rx *stats)
{
	wto_stats_rx_qstats(netdev, idx, stats, false);
}

/* Say of a table's standard counters that they are counted */
static void wto_stats_zero(const struct wto_stat_table *table, void *to)
{
	for (unsigned int i = 0; i < table->num; i++)
		if (table->stat[i].qstat != WTO_STAT_NO_QSTAT)
			*(u64 *)(to + table->stat[i].qstat) = 0;
}

/* What happened in queues that are not in use now, and what the device does
 * not count by queue.
 */
static void wto_get_base_stats(struct net_device *netdev,
			       struct netdev_queue_stats_rx *rx,
			       struct netdev_queue_stats_tx *tx)
{
	struct wto_vport *vport = netdev_priv(netdev);
	struct wto_nic_stats nic;

	wto_stats_zero(&wto_table_rx, rx);
	wto_stats_zero(&wto_table_tx_napi, tx);
	wto_stats_zero(&wto_table_tx_xmit, tx);
	for (unsigned int i = netdev->real_num_rx_queues; i < WTO_MAX_QUEUES; i++)
		wto_stats_rx_qstats(netdev, i, rx, true);
	for (unsigned int i = netdev->real_num_tx_queues; i < WTO_MAX_QUEUES; i++)
		wto_stats_tx_qstats(netdev, i, tx, true);

	wto_stats_get_nic(vport, &nic);
	rx->hw_drops = nic.rx_discards;
	rx->hw_drop_overruns = nic.rx_overflow_drop;
	tx->hw_drops = nic.tx_discards;
	tx->hw_drop_errors = nic.tx_errors;
}

static const struct netdev_stat_ops wto_stat_ops = {
	.get_queue_stats_rx = wto_get_queue_stats_rx,
	.get_queue_stats_tx = wto_get_queue_stats_tx,
	.get_base_stats = wto_get_base_stats,
};

/**
 * wto_stats_set_ops - give a netdev its queue statistics
 * @netdev: netdev, not yet registered
 */
void wto_stats_set_ops(struct net_device *netdev)
{
	netdev->stat_ops = &wto_stat_ops;
}

/* Counters of a table that ethtool -S shows */
static unsigned int wto_stats_num_shown(const struct wto_stat_table *table)
{
	unsigned int shown = 0;

	for (unsigned int i = 0; i < table->num; i++)
		shown += table->stat[i].qstat == WTO_STAT_NO_QSTAT;

	return shown;
}

/* Refused packets of all queues, by reason; "no reason" is none */
static void wto_stats_refused(const struct wto_vport *vport,
			      u64 refused[OFL_NUM_REFUSALS])
{
	memset(refused, 0, sizeof(*refused) * OFL_NUM_REFUSALS);
	for (unsigned int i = 0; i < WTO_MAX_QUEUES; i++) {
		const struct wto_tx_stats *stats = &vport->tx_stats[i];
		u64 values[OFL_NUM_REFUSALS];
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&stats->xmit_sync);
			for (unsigned int j = 0; j < OFL_NUM_REFUSALS; j++)
				values[j] = u64_stats_read(&stats->refused[j]);
		} while (u64_stats_fetch_retry(&stats->xmit_sync, start));
		for (unsigned int j = 0; j < OFL_NUM_REFUSALS; j++)
			refused[j] += values[j];
	}
}

/**
 * wto_stats_count - number of counters that ethtool -S shows
 * @vport: vport
 *
 * Return: a number that does not change while the vport lives.
 */
unsigned int wto_stats_count(const struct wto_vport *vport)
{
	unsigned int queue;

	queue = wto_stats_num_shown(&wto_table_tx_napi) +
		wto_stats_num_shown(&wto_table_tx_xmit) +
		wto_stats_num_shown(&wto_table_rx);

	return wto_table_vport.num + wto_table_adapter.num +
	       OFL_NUM_REFUSALS - 1 +
	       wto_table_nic.num + wto_table_mbx.num +
	       vport->num_shown * queue;
}

static void wto_stats_table_strings(const struct wto_stat_table *table,
				    const char *prefix, u8 **data)
{
	for (unsigned int i = 0; i < table->num; i++)
		if (table->stat[i].qstat == WTO_STAT_NO_QSTAT)
			ethtool_sprintf(data, "%s%s", prefix,
					table->stat[i].name);
}

/**
 * wto_stats_strings - names of the counters that ethtool -S shows
 * @vport: vport
 * @data: room for wto_stats_count() names of ETH_GSTRING_LEN
 */
void wto_stats_strings(const struct wto_vport *vport, u8 *data)
{
	char prefix[ETH_GSTRING_LEN];

	wto_stats_table_strings(&wto_table_vport, "", &data);
	wto_stats_table_strings(&wto_table_adapter, "", &data);
	for (unsigned int i = OFL_OK + 1; i < OFL_NUM_REFUSALS; i++)
		ethtool_sprintf(&data, "tx_refused_%s", ofl_refusal_name(i));
	wto_stats_table_strings(&wto_table_nic, "nic_", &data);
	wto_stats_table_strings(&wto_table_mbx, "mbx_", &data);
	for (unsigned int i = 0; i < vport->num_shown; i++) {
		snprintf(prefix, sizeof(prefix), "tx_%u_", i);
		wto_stats_table_strings(&wto_table_tx_napi, prefix, &data);
		wto_stats_table_strings(&wto_table_tx_xmit, prefix, &data);
		snprintf(prefix, sizeof(prefix), "rx_%u_", i);
		wto_stats_table_strings(&wto_table_rx, prefix, &data);
	}
}

static u64 *wto_stats_plain_values(const struct wto_stat_table *table,
				   const void *base, u64 *data)
{
	for (unsigned int i = 0; i < table->num; i++)
		*data++ = *(const u64 *)(base + table->stat[i].offset);

	return data;
}

static u64 *wto_stats_group_values(const struct wto_stat_group *group,
				   u64 *data)
{
	u64 values[WTO_STAT_MAX_GROUP];

	wto_stats_read(group, values);
	for (unsigned int i = 0; i < group->table->num; i++)
		if (group->table->stat[i].qstat == WTO_STAT_NO_QSTAT)
			*data++ = values[i];

	return data;
}

/**
 * wto_stats_values - values of the counters that ethtool -S shows
 * @vport: vport
 * @data: room for wto_stats_count() values
 */
void wto_stats_values(struct wto_vport *vport, u64 *data)
{
	u64 refused[OFL_NUM_REFUSALS];
	struct wto_stat_group groups[3];
	struct wto_mbx_stats mbx;
	struct wto_nic_stats nic;

	wto_stats_get_nic(vport, &nic);
	spin_lock(&vport->adapter->mbx.xn_lock);
	mbx = vport->adapter->mbx.stats;
	spin_unlock(&vport->adapter->mbx.xn_lock);

	data = wto_stats_plain_values(&wto_table_vport, vport, data);
	data = wto_stats_plain_values(&wto_table_adapter, vport->adapter, data);
	wto_stats_refused(vport, refused);
	for (unsigned int i = OFL_OK + 1; i < OFL_NUM_REFUSALS; i++)
		*data++ = refused[i];
	data = wto_stats_plain_values(&wto_table_nic, &nic, data);
	data = wto_stats_plain_values(&wto_table_mbx, &mbx, data);
	for (unsigned int i = 0; i < vport->num_shown; i++) {
		wto_stats_tx_groups(vport, i, groups);
		groups[2] = wto_stats_rx_group(vport, i);
		for (unsigned int j = 0; j < ARRAY_SIZE(groups); j++)
			data = wto_stats_group_values(&groups[j], data);
	}
}
