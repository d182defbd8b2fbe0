/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters.  Those of a queue live in the vport, one set for each index that a
 * queue can have, so that they survive down, reset and a smaller number of
 * channels; the queue's own poll or xmit is the only writer.
 */

#ifndef WTO_STATS_H
#define WTO_STATS_H

#include <linux/cache.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>

#include "offload/ofl.h"

struct net_device;
struct rtnl_link_stats64;
struct wto_nic_stats;
struct wto_vport;

/**
 * struct wto_tx_stats - counters of a transmit queue
 * @sync: protects 64-bit readers on 32-bit machines
 * @packets: frames on the wire, completed
 * @bytes: their bytes
 * @needs_csum: frames whose checksums the device filled
 * @csum_none: frames that needed no checksum
 * @gso_packets: packets that the device segmented
 * @gso_bytes: their bytes before
 * @gso_wire_packets: frames that they became
 * @gso_wire_bytes: bytes of these
 * @xmit_sync: the same for what xmit writes
 * @stop: times that the queue was stopped for lack of room
 * @wake: times that it was woken
 * @linearized: packets with too many buffers, copied into one
 * @dropped: packets dropped by the driver
 * @refused: those of them that asked for what the device cannot do, by reason
 * @bad_compl: completions that made no sense
 */
struct wto_tx_stats {
	struct u64_stats_sync sync;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t needs_csum;
	u64_stats_t csum_none;
	u64_stats_t gso_packets;
	u64_stats_t gso_bytes;
	u64_stats_t gso_wire_packets;
	u64_stats_t gso_wire_bytes;
	u64_stats_t wake;
	u64_stats_t bad_compl;
	/* written by xmit */
	struct u64_stats_sync xmit_sync ____cacheline_aligned_in_smp;
	u64_stats_t stop;
	u64_stats_t linearized;
	u64_stats_t dropped;
	u64_stats_t refused[OFL_NUM_REFUSALS];
} ____cacheline_aligned_in_smp;

/**
 * struct wto_rx_stats - counters of a receive queue
 * @sync: protects 64-bit readers on 32-bit machines
 * @packets: packets given to the stack
 * @bytes: their bytes
 * @alloc_fail: buffers or skbs that could not be allocated
 * @bad_desc: descriptors that made no sense
 * @errors: packets that the device marked as bad
 * @hsplit: packets with the header in a buffer of its own
 * @unreadable: packets with a header, or a checksum to verify, where the CPU
 *	cannot read
 */
struct wto_rx_stats {
	struct u64_stats_sync sync;
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t alloc_fail;
	u64_stats_t bad_desc;
	u64_stats_t errors;
	u64_stats_t hsplit;
	u64_stats_t unreadable;
} ____cacheline_aligned_in_smp;

/**
 * struct wto_stat - a counter as it is shown
 * @name: its name
 * @help: what it counts
 * @offset: where it is in struct wto_tx_stats, wto_rx_stats, ...
 * @qstat: where it is in struct netdev_queue_stats_tx or _rx;
 *	WTO_STAT_NO_QSTAT: nowhere, so it is shown by ethtool -S
 */
struct wto_stat {
	const char *name;
	const char *help;
	u16 offset;
	u16 qstat;
};

#define WTO_STAT_NO_QSTAT	U16_MAX

void wto_stats_init(struct wto_vport *vport);
void wto_stats_get64(struct wto_vport *vport, struct rtnl_link_stats64 *stats);
void wto_stats_set_ops(struct net_device *netdev);
void wto_stats_grow(u64 *total, u64 *last, const u64 *now, unsigned int num);
int wto_stats_ask_nic(struct wto_vport *vport);
void wto_stats_get_nic(struct wto_vport *vport, struct wto_nic_stats *stats);
unsigned int wto_stats_count(const struct wto_vport *vport);
void wto_stats_strings(const struct wto_vport *vport, u8 *data);
void wto_stats_values(struct wto_vport *vport, u64 *data);

#endif /* WTO_STATS_H */
