/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One IDPF function and its vports.
 *
 * A function (struct wto_adapter) has registers, a mailbox, vectors and one
 * or more vports.  A vport (struct wto_vport) is one netdev.
 *
 * "The netdev's lock" is that of struct net_device, which the core takes before
 * it calls the driver; where a kernel has none, it is RTNL.
 */

#ifndef WTO_H
#define WTO_H

#include <linux/bitmap.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <net/devlink.h>

#include "wto_compat.h"
#include "wto_devlink.h"
#include "wto_hw.h"
#include "wto_mbx.h"
#include "wto_queue.h"
#include "wto_stats.h"
#include "wto_vc.h"

struct ethtool_coalesce;
struct ethtool_eth_mac_stats;
struct ethtool_regs;
struct ethtool_rmon_hist_range;
struct ethtool_rmon_stats;
struct ethtool_rxfh_param;
struct ethtool_test;
struct kernel_ethtool_coalesce;
struct net_device;
struct netlink_ext_ack;

#define WTO_DRV_NAME		"wto"
#define WTO_MAX_VPORTS		8

/**
 * enum wto_adapter_flag - bits of wto_adapter.flags
 * @WTO_F_REMOVING: no new work is accepted
 * @WTO_F_PAUSED: the worker rests, see wto_reset_pause()
 * @WTO_F_RESET: a reset is wanted or was noticed
 * @WTO_F_GONE: the device stopped to answer; netdevs must be detached
 * @WTO_F_FAILED: recovery was given up
 * @WTO_F_UP: control plane established
 * @WTO_F_WILD: the device may use memory that is not ours any more as soon as it
 *	is a bus master, see wto_reset_quiesce()
 * @WTO_F_NUM: number of flags
 */
enum wto_adapter_flag {
	WTO_F_REMOVING,
	WTO_F_PAUSED,
	WTO_F_RESET,
	WTO_F_GONE,
	WTO_F_FAILED,
	WTO_F_UP,
	WTO_F_WILD,
	WTO_F_NUM,
};

/**
 * struct wto_irqs - the function's vectors
 * @num: MSI-X entries of the function, that of the mailbox included
 * @vec: vectors for queues, in the order in which vports get them
 * @num_vec: elements of @vec
 * @mbx_irq: interrupt of the mailbox, 0 if its handler is not installed
 * @mbx_dyn_ctl: control register of the mailbox vector
 * @mbx_icr_ena: other-cause enable register
 * @mbx_name: in /proc/interrupts
 */
struct wto_irqs {
	unsigned int num;
	struct wto_vc_vector vec[WTO_MAX_VECTORS];
	u16 num_vec;
	int mbx_irq;
	void __iomem *mbx_dyn_ctl;
	void __iomem *mbx_icr_ena;
	char mbx_name[48];
};

/**
 * struct wto_service - the function's only worker
 * @wq: ordered queue that it runs on
 * @work: runs every WTO_SERVICE_MS, or at once when there is something to do
 * @started: runs that began
 * @ended: the last of them that is over
 * @idle: woken when one is over, and when the worker is laid to rest
 * @tries: attempts to recover since the last success
 * @next_try: time of the next attempt after one that failed, jiffies
 * @stats_age: runs since the device's counters were read
 */
struct wto_service {
	struct workqueue_struct *wq;
	struct delayed_work work;
	u32 started;
	u32 ended;
	wait_queue_head_t idle;
	unsigned int tries;
	unsigned long next_try;
	unsigned int stats_age;
};

/**
 * struct wto_adapter - one function
 * @pdev: the PCI function
 * @dev: &pdev->dev, for messages and DMA
 * @hw: registers
 * @mbx: mailbox
 * @version: version of the interface that the device speaks
 * @caps: what the device granted
 * @irqs: vectors
 * @ptypes: packet types, WTO_PTYPE_TABLE_LEN elements
 * @service: worker
 * @flags: enum wto_adapter_flag
 * @vports: vports; NULL when destroyed
 * @vports_lock: keeps a vport while an event is brought to it
 * @num_vports: used elements of @vports
 * @num_resets: recoveries that succeeded
 * @num_reset_failures: attempts to recover that failed
 * @devlink: devlink instance
 * @health: what devlink is told of the health
 */
struct wto_adapter {
	struct pci_dev *pdev;
	struct device *dev;
	struct wto_hw hw;
	struct wto_mbx mbx;
	struct wto_vc_version version;
	struct wto_vc_caps caps;
	struct wto_irqs irqs;
	struct wto_ptype *ptypes;
	struct wto_service service;
	DECLARE_BITMAP(flags, WTO_F_NUM);
	struct wto_vport *vports[WTO_MAX_VPORTS];
	struct mutex vports_lock;	/* see above */
	unsigned int num_vports;
	u64 num_resets;
	u64 num_reset_failures;
	struct devlink *devlink;
	struct wto_health_state health;
};

/**
 * enum wto_vport_flag - bits of wto_vport.flags
 * @WTO_VF_UP: queues run
 * @WTO_VF_RX_MODE: filters or promiscuous mode must be brought to the device
 * @WTO_VF_DETACHED: detached by reset or removal
 * @WTO_VF_TX_PAUSED: the stack's queues rest until the driver wakes them
 * @WTO_VF_NUM: number of flags
 */
enum wto_vport_flag {
	WTO_VF_UP,
	WTO_VF_RX_MODE,
	WTO_VF_DETACHED,
	WTO_VF_TX_PAUSED,
	WTO_VF_NUM,
};

/**
 * struct wto_rss - receive side scaling as configured; wto_rss.c
 * @key: key, @key_size bytes
 * @key_size: bytes; 0: the device has no RSS
 * @key_known: bytes of @key that were in use at any time
 * @lut: table, @lut_size relative queue indices; room for WTO_MAX_RSS_LUT
 * @lut_size: entries that the user sees
 * @dev_size: entries of the device's table, a multiple of @lut_size; 0: the
 *	device has no RSS
 * @types: enabled hash types, bits VC2_HASH_*
 * @types_off: of those that were ever granted, what the user has done without
 * @has_types: the device lets choose them
 */
struct wto_rss {
	u8 key[WTO_MAX_RSS_KEY];
	u16 key_size;
	u16 key_known;
	u32 *lut;
	u16 lut_size;
	u16 dev_size;
	u64 types;
	u64 types_off;
	bool has_types;
};

/**
 * struct wto_mac - the port's counters; wto_mac_stats.c
 * @total: summed up over resets
 * @last: what the device said last
 * @known: the device has told them
 * @refused: it does not tell them since it was reset last
 */
struct wto_mac {
	struct wto_phy_stats total;
	struct wto_phy_stats last;
	bool known;
	bool refused;
};

/**
 * struct wto_filter - one address filter
 * @list: in wto_filters.list
 * @addr: address
 * @primary: it is the vport's own address
 * @listed: it is in one of the stack's lists
 * @installed: the device has it
 */
struct wto_filter {
	struct list_head list;
	u8 addr[ETH_ALEN];
	bool primary;
	bool listed;
	bool installed;
};

/**
 * struct wto_filters - receive filters of a vport
 * @lock: guards @list, taken with bottom halves disabled
 * @list: struct wto_filter
 * @want_uc: unicast promiscuous is wanted
 * @want_mc: multicast promiscuous is wanted
 * @has_uc: unicast promiscuous is set in the device
 * @has_mc: multicast promiscuous is set in the device
 * @miss_uc: the device did not take all unicast addresses, so promiscuous mode
 *	stands in
 * @miss_mc: the same of multicast addresses
 * @own: address that the device receives without any filter
 * @sync_lock: serializes those who bring filters to the device
 */
struct wto_filters {
	spinlock_t lock;	/* guards list */
	struct list_head list;
	bool want_uc;
	bool want_mc;
	bool has_uc;
	bool has_mc;
	bool miss_uc;
	bool miss_mc;
	u8 own[ETH_ALEN];
	struct mutex sync_lock;	/* serializes wto_filter_sync() */
};

/**
 * struct wto_vport - one netdev
 * @tx: transmit queues, of @set
 * @netdev: the netdev
 * @adapter: the function
 * @ofl: offloads as configured, within @ofl_hw; written like @set
 * @set: queues in use, NULL while the vport is down; under the netdev's lock
 * @cfg: what the user configured, applied at the next start; likewise
 * @ofl_hw: offloads that the device can do; likewise
 * @offered: features that were offered at first
 * @lso_v1: TCP over IPv4 by version 1 of LSO (RTNL)
 * @max_channels: most channels
 * @num_shown: channels that ethtool -S shows: @max_channels at probe, since the
 *	number must not change
 * @tx_model: enum wto_tx_model, from @vc
 * @rx_model: enum wto_rx_model, from @vc
 * @vec: vectors, @max_channels elements
 * @vc: the vport as the device describes it
 * @rss: receive side scaling; under the netdev's lock
 * @filters: receive filters
 * @flags: enum wto_vport_flag
 * @index: number within the function
 * @link_lock: guards @link_up and the carrier against stopping
 * @link_up: what the device last said
 * @link_speed_mbps: what the device last said, Mbit/s
 * @link_limit: how often changes of the link are told in the log
 * @msg_enable: NETIF_MSG_*
 * @tx_stats: counters by queue index, WTO_MAX_QUEUES elements
 * @rx_stats: counters by queue index, WTO_MAX_QUEUES elements
 * @nic_stats: the device's counters when last asked, summed up over resets,
 *	under @nic_stats_lock
 * @nic_last: what the device said then
 * @nic_stats_ask: held from the question to the answer being taken in
 * @nic_stats_lock: guards @nic_stats and @nic_last
 * @mac: the port's counters when last asked; netdev's lock or RTNL
 * @num_tx_timeouts: times that a transmit queue did not get on, seen by the
 *	stack's watchdog or the worker, but for lost interrupts
 * @num_lost_irqs: completions that only the stack's watchdog or the worker found
 * @num_restarts: queue restarts for a new configuration
 * @num_missed_irqs: interrupts that did not come, found by the worker
 * @num_rx_restarts: restarts of single receive queues
 * @devlink_port: devlink's port, if @has_devlink_port
 * @has_devlink_port: it is registered
 * @rx_start_failed: the core was told that a receive queue did not start and
 *	is about to go back to the one before
 */
struct wto_vport {
	struct wto_tx_queue *tx[WTO_MAX_QUEUES];
	struct net_device *netdev;
	struct wto_adapter *adapter;
	struct wto_offloads __rcu *ofl;
	struct wto_queue_set *set;
	struct wto_queue_cfg cfg;
	struct ofl_config ofl_hw;
	netdev_features_t offered;
	bool lso_v1;
	u16 max_channels;
	u16 num_shown;
	u8 tx_model;
	u8 rx_model;
	struct wto_vector *vec;
	struct wto_vc_vport vc;
	struct wto_rss rss;
	struct wto_filters filters;
	DECLARE_BITMAP(flags, WTO_VF_NUM);
	u16 index;
	struct mutex link_lock;	/* guards link_up and the carrier */
	bool link_up;
	u32 link_speed_mbps;
	struct ratelimit_state link_limit;
	u32 msg_enable;
	struct wto_tx_stats *tx_stats;
	struct wto_rx_stats *rx_stats;
	struct wto_nic_stats nic_stats;
	struct wto_nic_stats nic_last;
	struct mutex nic_stats_ask;	/* one answer at a time */
	spinlock_t nic_stats_lock;	/* guards nic_stats */
	struct wto_mac mac;
	u64 num_tx_timeouts;
	u64 num_lost_irqs;
	u64 num_restarts;
	u64 num_missed_irqs;
	u64 num_rx_restarts;
	struct devlink_port devlink_port;
	bool has_devlink_port;
	bool rx_start_failed;
};

/* wto_model.c */
int wto_model_choose(struct wto_vport *vport);

/* wto_netdev.c */
int wto_netdev_create(struct wto_adapter *adapter, unsigned int index);
void wto_netdev_destroy(struct wto_vport *vport);
int wto_netdev_register(struct wto_vport *vport);
int wto_netdev_reconfig(struct wto_vport *vport,
			const struct wto_queue_cfg *cfg);
void wto_netdev_calm_watchdog(struct wto_vport *vport);
void wto_netdev_check_tx(struct wto_vport *vport);
void wto_netdev_pause_tx(struct wto_vport *vport);
void wto_netdev_resume_tx(struct wto_vport *vport);
void wto_netdev_sync_rx_mode(struct wto_vport *vport);
void wto_netdev_link_event(struct wto_adapter *adapter,
			   const struct wto_vc_link *link);
void wto_netdev_detach(struct wto_vport *vport);
bool wto_netdev_can_hsplit(const struct wto_vport *vport);
int wto_netdev_reattach(struct wto_vport *vport);

/* wto_qmgmt.c */
void wto_qmgmt_set_ops(struct net_device *netdev);

/* wto_features.c */
int wto_features_init(struct wto_vport *vport);
void wto_features_exit(struct wto_vport *vport);
int wto_features_refresh(struct wto_vport *vport);
netdev_features_t wto_features_check(struct sk_buff *skb,
				     struct net_device *netdev,
				     netdev_features_t features);
netdev_features_t wto_features_fix(struct net_device *netdev,
				   netdev_features_t features);
int wto_features_set(struct net_device *netdev, netdev_features_t features);
int wto_features_set_lso_v1(struct wto_vport *vport, bool on);

/* wto_ethtool.c */
void wto_ethtool_set_ops(struct net_device *netdev);

/* wto_coalesce.c */
int wto_coalesce_get_all(struct net_device *netdev,
			 struct ethtool_coalesce *ec,
			 struct kernel_ethtool_coalesce *kec,
			 struct netlink_ext_ack *extack);
int wto_coalesce_set_all(struct net_device *netdev,
			 struct ethtool_coalesce *ec,
			 struct kernel_ethtool_coalesce *kec,
			 struct netlink_ext_ack *extack);
int wto_coalesce_get_queue(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec);
int wto_coalesce_set_queue(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec);

/* wto_rss.c */
int wto_rss_init(struct wto_vport *vport);
void wto_rss_exit(struct wto_vport *vport);
void wto_rss_fit(struct wto_vport *vport);
int wto_rss_apply(struct wto_vport *vport);
u32 wto_rss_get_key_size(struct net_device *netdev);
u32 wto_rss_get_indir_size(struct net_device *netdev);
int wto_rss_get(struct net_device *netdev, struct ethtool_rxfh_param *rxfh);
int wto_rss_set(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		struct netlink_ext_ack *extack);
int wto_rss_get_fields(struct net_device *netdev,
		       struct ethtool_rxfh_fields *fields);
int wto_rss_set_fields(struct net_device *netdev,
		       const struct ethtool_rxfh_fields *fields,
		       struct netlink_ext_ack *extack);

/* wto_selftest.c */
unsigned int wto_selftest_count(const struct wto_vport *vport);
void wto_selftest_strings(const struct wto_vport *vport, u8 *data);
void wto_selftest_run(struct net_device *netdev, struct ethtool_test *test,
		      u64 *data);

/* wto_regs_dump.c */
int wto_regs_get_len(struct net_device *netdev);
void wto_regs_get(struct net_device *netdev, struct ethtool_regs *regs,
		  void *buf);

/* wto_mac_stats.c */
void wto_mac_get_eth_mac(struct net_device *netdev,
			 struct ethtool_eth_mac_stats *stats);
void wto_mac_get_rmon(struct net_device *netdev,
		      struct ethtool_rmon_stats *stats,
		      const struct ethtool_rmon_hist_range **ranges);

/* wto_filter.c */
void wto_filter_init(struct wto_filters *filters);
void wto_filter_exit(struct wto_filters *filters);
int wto_filter_want(struct wto_filters *filters, const u8 *addr, bool primary);
void wto_filter_unwant(struct wto_filters *filters, const u8 *addr,
		       bool primary);
bool wto_filter_has(struct wto_filters *filters, const u8 *addr);
int wto_filter_sync(struct wto_filters *filters, struct wto_mbx *mbx,
		    u32 vport_id, u64 caps);
void wto_filter_forget(struct wto_filters *filters);

/* wto_reset.c */
int wto_reset_init(struct wto_adapter *adapter);
void wto_reset_begin(struct wto_adapter *adapter);
void wto_reset_stop(struct wto_adapter *adapter);
void wto_reset_exit(struct wto_adapter *adapter);
void wto_reset_pause(struct wto_adapter *adapter);
void wto_reset_resume(struct wto_adapter *adapter);
int wto_reset_function(struct wto_adapter *adapter);
void wto_reset_request(struct wto_adapter *adapter, const char *why);
void wto_reset_quiesce(struct wto_adapter *adapter, const char *why);
void wto_reset_kick(struct wto_adapter *adapter);
void wto_reset_kick_wait(struct wto_adapter *adapter);
void wto_reset_on_gone(void *ctx);
void wto_reset_detach_all(struct wto_adapter *adapter);

/* wto_ctrl.c */
int wto_ctrl_up(struct wto_adapter *adapter);
void wto_ctrl_down(struct wto_adapter *adapter);
void wto_ctrl_exit(struct wto_adapter *adapter);

#endif /* WTO_H */
