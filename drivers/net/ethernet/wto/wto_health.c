// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health of a function's parts: what went wrong is reported to devlink, which
 * keeps a dump of that moment and has us recover, at once or when the user
 * says so.
 *
 * Those who notice a fault may hold locks that devlink must not be waited for
 * with, so a worker brings reports to devlink.  To recover is to reset the
 * function, for any part.
 */

#include <linux/pci.h>
#include <linux/workqueue.h>
#include <net/devlink.h>

#include "wto.h"

/* Descriptors in a dump of one ring, from the next one on */
#define WTO_HEALTH_NUM_DESC	4

/**
 * struct wto_health_snap - state of a queue, as of one moment
 * @id: absolute id
 * @len: descriptors
 * @next: next descriptor to use or to look at
 * @head: oldest one in use (transmit), buffers that the driver has (receive)
 * @other_next: next completion (transmit), next buffer to post (receive)
 * @pending: the device has written something that was not looked at
 * @stopped: the stack's queue is stopped (transmit)
 * @scheduled: a poll is under way or about to be
 * @num: elements of @desc
 * @desc: first words of completions or received descriptors
 */
struct wto_health_snap {
	u32 id;
	u32 len;
	u32 next;
	u32 head;
	u32 other_next;
	bool pending;
	bool stopped;
	bool scheduled;
	unsigned int num;
	u64 desc[WTO_HEALTH_NUM_DESC];
};

/* What the device wrote, or is to write, to entry @snap->num from the next on:
 * completions, or where there are none, descriptors in use
 */
static u64 wto_health_tx_word(const struct wto_tx_queue *txq,
			      const struct wto_health_snap *snap)
{
	u32 at;

	if (!txq->compl_len) {
		at = (snap->head + snap->num) & (txq->len - 1);
		return le64_to_cpu(READ_ONCE(txq->desc[at].qw1));
	}

	at = (snap->other_next + snap->num) & (txq->compl_len - 1);
	if (txq->model == WTO_TX_FLOW)
		at *= 2;

	return le32_to_cpu(READ_ONCE(txq->compl[at]));
}

static bool wto_health_snap_tx(struct wto_vector *vec,
			       struct wto_health_snap *snap)
{
	const struct wto_tx_queue *txq;

	rcu_read_lock();
	txq = READ_ONCE(vec->tx);
	if (!txq) {
		rcu_read_unlock();
		return false;
	}
	*snap = (struct wto_health_snap) {
		.id = txq->id,
		.len = txq->len,
		.next = READ_ONCE(txq->next) & (txq->len - 1),
		.head = READ_ONCE(txq->head) & (txq->len - 1),
		.stopped = netif_tx_queue_stopped(txq->nq),
		.scheduled = napi_is_scheduled(&vec->napi),
	};
	snap->pending = wto_tx_pending(txq);
	if (txq->compl_len)
		snap->other_next = READ_ONCE(txq->compl_next) &
				   (txq->compl_len - 1);
	for (; snap->num < WTO_HEALTH_NUM_DESC; snap->num++)
		snap->desc[snap->num] = wto_health_tx_word(txq, snap);
	rcu_read_unlock();

	return true;
}

static bool wto_health_snap_rx(struct wto_vector *vec,
			       struct wto_health_snap *snap)
{
	const struct wto_rx_queue *rxq;
	u32 next;

	rcu_read_lock();
	rxq = READ_ONCE(vec->rx);
	if (!rxq) {
		rcu_read_unlock();
		return false;
	}
	*snap = (struct wto_health_snap) {
		.id = rxq->id,
		.len = rxq->len,
		.head = READ_ONCE(rxq->num_free),
		.other_next = READ_ONCE(rxq->bufq_next) & (rxq->len - 1),
		.scheduled = napi_is_scheduled(&vec->napi),
	};
	snap->pending = wto_rx_pending(rxq, &next);
	snap->next = next & (rxq->len - 1);
	for (; snap->num < WTO_HEALTH_NUM_DESC; snap->num++, next++)
		snap->desc[snap->num] = le64_to_cpu(READ_ONCE(*(const __le64 *)
			&rxq->desc[next & (rxq->len - 1)]));
	rcu_read_unlock();

	return true;
}

static void wto_health_put_snap(struct devlink_fmsg *fmsg, unsigned int idx,
				bool tx, const struct wto_health_snap *snap,
				bool with_desc)
{
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "queue", idx);
	devlink_fmsg_u32_pair_put(fmsg, "id", snap->id);
	devlink_fmsg_u32_pair_put(fmsg, "descriptors", snap->len);
	devlink_fmsg_u32_pair_put(fmsg, "next", snap->next);
	devlink_fmsg_u32_pair_put(fmsg, tx ? "oldest" : "free buffers",
				  snap->head);
	devlink_fmsg_u32_pair_put(fmsg, tx ? "next completion" : "next buffer",
				  snap->other_next);
	devlink_fmsg_bool_pair_put(fmsg, "pending", snap->pending);
	devlink_fmsg_bool_pair_put(fmsg, "polled", snap->scheduled);
	if (tx)
		devlink_fmsg_bool_pair_put(fmsg, "stopped", snap->stopped);
	if (with_desc)
		devlink_fmsg_binary_pair_put(fmsg, "ring", snap->desc,
					     snap->num * sizeof(snap->desc[0]));
	devlink_fmsg_obj_nest_end(fmsg);
}

static void wto_health_put_vport(struct wto_vport *vport,
				 struct devlink_fmsg *fmsg, bool tx,
				 bool with_desc)
{
	struct wto_health_snap snap;
	bool has;

	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "vport", vport->index);
	devlink_fmsg_bool_pair_put(fmsg, "up",
				   test_bit(WTO_VF_UP, vport->flags));
	devlink_fmsg_bool_pair_put(fmsg, "detached",
				   test_bit(WTO_VF_DETACHED, vport->flags));
	devlink_fmsg_u64_pair_put(fmsg, "missed interrupts",
				  READ_ONCE(vport->num_missed_irqs));
	if (tx)
		devlink_fmsg_u64_pair_put(fmsg, "timeouts",
					  READ_ONCE(vport->num_tx_timeouts));
	devlink_fmsg_arr_pair_nest_start(fmsg, "queues");
	for (unsigned int i = 0; i < WTO_MAX_QUEUES; i++) {
		has = tx ? wto_health_snap_tx(&vport->vec[i], &snap) :
			   wto_health_snap_rx(&vport->vec[i], &snap);
		if (has)
			wto_health_put_snap(fmsg, i, tx, &snap, with_desc);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
	devlink_fmsg_obj_nest_end(fmsg);
}

static int wto_health_put_queues(struct devlink_health_reporter *reporter,
				 struct devlink_fmsg *fmsg, bool tx,
				 bool with_desc)
{
	struct wto_adapter *adapter = devlink_health_reporter_priv(reporter);

	devlink_fmsg_arr_pair_nest_start(fmsg, "vports");
	for (unsigned int i = 0; i < adapter->num_vports; i++)
		wto_health_put_vport(adapter->vports[i], fmsg, tx, with_desc);
	devlink_fmsg_arr_pair_nest_end(fmsg);

	return 0;
}

static int wto_health_dump_tx(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg, void *ctx,
			      struct netlink_ext_ack *extack)
{
	return wto_health_put_queues(reporter, fmsg, true, true);
}

static int wto_health_diagnose_tx(struct devlink_health_reporter *reporter,
				  struct devlink_fmsg *fmsg,
				  struct netlink_ext_ack *extack)
{
	return wto_health_put_queues(reporter, fmsg, true, false);
}

static int wto_health_dump_rx(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg, void *ctx,
			      struct netlink_ext_ack *extack)
{
	return wto_health_put_queues(reporter, fmsg, false, true);
}

static int wto_health_diagnose_rx(struct devlink_health_reporter *reporter,
				  struct devlink_fmsg *fmsg,
				  struct netlink_ext_ack *extack)
{
	return wto_health_put_queues(reporter, fmsg, false, false);
}

static int wto_health_diagnose_mbx(struct devlink_health_reporter *reporter,
				   struct devlink_fmsg *fmsg,
				   struct netlink_ext_ack *extack)
{
	struct wto_adapter *adapter = devlink_health_reporter_priv(reporter);
	struct wto_mbx *mbx = &adapter->mbx;
	struct wto_mbx_stats stats;

	spin_lock(&mbx->xn_lock);
	stats = mbx->stats;
	spin_unlock(&mbx->xn_lock);

	devlink_fmsg_bool_pair_put(fmsg, "up", READ_ONCE(mbx->up));
	devlink_fmsg_bool_pair_put(fmsg, "gone", wto_hw_gone(&adapter->hw));
	devlink_fmsg_u64_pair_put(fmsg, "recoveries",
				  READ_ONCE(adapter->num_resets));
	devlink_fmsg_u64_pair_put(fmsg, "sent", stats.sent);
	devlink_fmsg_u64_pair_put(fmsg, "received", stats.received);
	devlink_fmsg_u64_pair_put(fmsg, "timeouts", stats.timeouts);
	devlink_fmsg_u64_pair_put(fmsg, "stray", stats.stray);
	devlink_fmsg_u64_pair_put(fmsg, "malformed", stats.malformed);
	devlink_fmsg_u64_pair_put(fmsg, "refused", stats.refused);

	return 0;
}

static void wto_health_put_ring(struct devlink_fmsg *fmsg, const char *name,
				const struct wto_mbx_ring *ring)
{
	u16 next = READ_ONCE(ring->next) % WTO_MBX_RING_LEN;

	devlink_fmsg_pair_nest_start(fmsg, name);
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "next", next);
	devlink_fmsg_u32_pair_put(fmsg, "clean", READ_ONCE(ring->clean));
	devlink_fmsg_binary_pair_put(fmsg, "descriptor", &ring->desc[next],
				     sizeof(ring->desc[next]));
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static int wto_health_dump_mbx(struct devlink_health_reporter *reporter,
			       struct devlink_fmsg *fmsg, void *ctx,
			       struct netlink_ext_ack *extack)
{
	struct wto_adapter *adapter = devlink_health_reporter_priv(reporter);

	wto_health_diagnose_mbx(reporter, fmsg, extack);
	wto_health_put_ring(fmsg, "to device", &adapter->mbx.atq);
	wto_health_put_ring(fmsg, "from device", &adapter->mbx.arq);

	return 0;
}

static int wto_health_recover(struct devlink_health_reporter *reporter,
			      void *ctx, struct netlink_ext_ack *extack)
{
	struct wto_adapter *adapter = devlink_health_reporter_priv(reporter);
	u64 resets = READ_ONCE(adapter->num_resets);
	const char *why = ctx;

	wto_reset_request(adapter, why ?: "asked to recover");
	wto_reset_kick_wait(adapter);
	if (READ_ONCE(adapter->num_resets) != resets)
		return 0;

	NL_SET_ERR_MSG(extack, "the device did not come back");
	return -EIO;
}

static const struct devlink_health_reporter_ops wto_health_ops[] = {
	[WTO_HEALTH_TX] = {
		.name = "tx",
		.recover = wto_health_recover,
		.dump = wto_health_dump_tx,
		.diagnose = wto_health_diagnose_tx,
	},
	[WTO_HEALTH_RX] = {
		.name = "rx",
		.recover = wto_health_recover,
		.dump = wto_health_dump_rx,
		.diagnose = wto_health_diagnose_rx,
	},
	[WTO_HEALTH_MBX] = {
		.name = "mailbox",
		.recover = wto_health_recover,
		.dump = wto_health_dump_mbx,
		.diagnose = wto_health_diagnose_mbx,
	},
};

/* A fault that was told of and not recovered from is not told again */
static void wto_health_work(struct work_struct *work)
{
	struct wto_health_state *health =
		container_of(work, struct wto_health_state, work);
	const enum devlink_health_reporter_state well =
		DEVLINK_HEALTH_REPORTER_STATE_HEALTHY;
	unsigned int i;

	if (test_and_clear_bit(WTO_HEALTH_RECOVERED, health->todo))
		for (i = 0; i < WTO_HEALTH_NUM; i++)
			devlink_health_reporter_state_update(health->reporter[i],
							     well);

	for (i = 0; i < WTO_HEALTH_NUM; i++)
		if (test_and_clear_bit(i, health->todo))
			devlink_health_report(health->reporter[i],
					      READ_ONCE(health->why[i]),
					      (void *)READ_ONCE(health->why[i]));
}

/**
 * wto_health_report - a part of the function is ill
 * @adapter: function
 * @part: which part
 * @why: what is the matter, a constant string
 *
 * Unless the user wants to see to it himself, a reset follows soon.
 *
 * Context: Any.
 */
void wto_health_report(struct wto_adapter *adapter, enum wto_health part,
		       const char *why)
{
	struct wto_health_state *health = &adapter->health;

	if (test_and_set_bit(part, health->told))
		return;

	WRITE_ONCE(health->why[part], why);
	set_bit(part, health->todo);
	queue_work(health->wq, &health->work);
}

/**
 * wto_health_recovered - the function was reset, all parts are well
 * @adapter: function
 *
 * Context: Any.
 */
void wto_health_recovered(struct wto_adapter *adapter)
{
	struct wto_health_state *health = &adapter->health;

	bitmap_zero(health->told, WTO_HEALTH_NUM);
	set_bit(WTO_HEALTH_RECOVERED, health->todo);
	queue_work(health->wq, &health->work);
}

static void wto_health_destroy_reporters(struct wto_adapter *adapter)
{
	struct wto_health_state *health = &adapter->health;
	unsigned int i;

	devl_lock(adapter->devlink);
	for (i = 0; i < WTO_HEALTH_NUM; i++)
		if (health->reporter[i])
			devl_health_reporter_destroy(health->reporter[i]);
	devl_unlock(adapter->devlink);
}

/**
 * wto_health_create - make the reporters, which rest until wto_health_start()
 * @adapter: function with a devlink instance
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno.
 */
int wto_health_create(struct wto_adapter *adapter)
{
	struct wto_health_state *health = &adapter->health;
	struct devlink_health_reporter *reporter;
	unsigned int i;
	int err = 0;

	INIT_WORK(&health->work, wto_health_work);
	disable_work(&health->work);
	health->wq = alloc_ordered_workqueue("%s-health-%s", 0, WTO_DRV_NAME,
					     pci_name(adapter->pdev));
	if (!health->wq)
		return -ENOMEM;

	devl_lock(adapter->devlink);
	for (i = 0; i < WTO_HEALTH_NUM && !err; i++) {
		reporter = devl_health_reporter_create(adapter->devlink,
						       &wto_health_ops[i],
						       WTO_NO_GRACE adapter);
		if (IS_ERR(reporter))
			err = PTR_ERR(reporter);
		else
			health->reporter[i] = reporter;
	}
	devl_unlock(adapter->devlink);
	if (err) {
		wto_health_destroy_reporters(adapter);
		destroy_workqueue(health->wq);
	}

	return err;
}

/**
 * wto_health_start - bring reports to devlink, those that waited too
 * @adapter: function whose devlink instance is registered
 *
 * Context: Any.
 */
void wto_health_start(struct wto_adapter *adapter)
{
	enable_work(&adapter->health.work);
	queue_work(adapter->health.wq, &adapter->health.work);
}

/**
 * wto_health_stop - bring no more reports to devlink, which is about to go
 * @adapter: function whose worker is stopped
 *
 * Context: Process, may sleep; not under RTNL, nor the devlink lock.
 */
void wto_health_stop(struct wto_adapter *adapter)
{
	disable_work_sync(&adapter->health.work);
}

/**
 * wto_health_destroy - undo wto_health_create()
 * @adapter: function; nobody reports any more
 *
 * Context: Process, may sleep.
 */
void wto_health_destroy(struct wto_adapter *adapter)
{
	struct wto_health_state *health = &adapter->health;

	disable_work_sync(&health->work);
	wto_health_destroy_reporters(adapter);
	destroy_workqueue(health->wq);
}
