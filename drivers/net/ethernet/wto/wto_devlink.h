/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What devlink shows of a function: versions, a port for each vport, and the
 * health of its parts.
 */

#ifndef WTO_DEVLINK_H
#define WTO_DEVLINK_H

#include <linux/bitmap.h>
#include <linux/workqueue.h>

struct devlink_health_reporter;
struct wto_adapter;
struct wto_vport;

/**
 * enum wto_health - parts of a function whose health is reported
 * @WTO_HEALTH_TX: transmit queues
 * @WTO_HEALTH_RX: receive queues
 * @WTO_HEALTH_MBX: mailbox, and the device behind it
 * @WTO_HEALTH_NUM: number of parts
 * @WTO_HEALTH_RECOVERED: no part: that all of them are well again
 */
enum wto_health {
	WTO_HEALTH_TX,
	WTO_HEALTH_RX,
	WTO_HEALTH_MBX,
	WTO_HEALTH_NUM,
	WTO_HEALTH_RECOVERED = WTO_HEALTH_NUM,
};

/**
 * struct wto_health_state - health of a function
 * @reporter: devlink's reporters, by enum wto_health
 * @why: what is the matter, by enum wto_health
 * @told: bit set: known to be ill since the last recovery
 * @todo: what the worker has to bring to devlink
 * @wq: queue of @work, which may wait for the function's worker
 * @work: brings reports to devlink
 */
struct wto_health_state {
	struct devlink_health_reporter *reporter[WTO_HEALTH_NUM];
	const char *why[WTO_HEALTH_NUM];
	DECLARE_BITMAP(told, WTO_HEALTH_NUM);
	DECLARE_BITMAP(todo, WTO_HEALTH_RECOVERED + 1);
	struct workqueue_struct *wq;
	struct work_struct work;
};

/* wto_devlink.c */
int wto_devlink_create(struct wto_adapter *adapter);
void wto_devlink_destroy(struct wto_adapter *adapter);
void wto_devlink_register(struct wto_adapter *adapter);
void wto_devlink_unregister(struct wto_adapter *adapter);
int wto_devlink_add_port(struct wto_vport *vport);
void wto_devlink_remove_port(struct wto_vport *vport);

/* wto_health.c */
void wto_health_report(struct wto_adapter *adapter, enum wto_health part,
		       const char *why);
void wto_health_recovered(struct wto_adapter *adapter);
int wto_health_create(struct wto_adapter *adapter);
void wto_health_start(struct wto_adapter *adapter);
void wto_health_stop(struct wto_adapter *adapter);
void wto_health_destroy(struct wto_adapter *adapter);

#endif /* WTO_DEVLINK_H */
