// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reset, recovery, and the worker that looks after the function.
 *
 * All recovery happens in one worker.  Others only set a flag and wake it: the
 * transmit watchdog, a queue that cannot be stopped, the health check that
 * finds the mailbox registers cleared, a read that says that the device is
 * gone.
 */

#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>

#include "wto.h"

#define WTO_SERVICE_MS		1000
#define WTO_SERVICE_SOON_MS	50	/* longer than any throttling */
#define WTO_SERVICE_STATS_EVERY	2	/* runs between two GET_STATS */
#define WTO_RESET_MAX_TRIES	6
#define WTO_RESET_BACKOFF_MS	1000	/* after the first, then twice as long */
#define WTO_RESET_VF_MS		1000	/* a VF's request is taken up by then */
#define WTO_RESET_POLL_MS	10

/* Is the worker to do nothing, and not to be woken? */
static bool wto_reset_resting(const struct wto_adapter *adapter)
{
	return test_bit(WTO_F_REMOVING, adapter->flags) ||
	       test_bit(WTO_F_PAUSED, adapter->flags);
}

/* Wait for the worker, which shall not wait for the device for long */
static void wto_reset_cancel(struct wto_adapter *adapter)
{
	WRITE_ONCE(adapter->hw.hurry, true);
	cancel_delayed_work_sync(&adapter->service.work);
	wake_up_all(&adapter->service.idle);
}

/**
 * wto_reset_kick - let the worker run now
 * @adapter: function
 *
 * Context: Any.
 */
void wto_reset_kick(struct wto_adapter *adapter)
{
	if (!wto_reset_resting(adapter))
		mod_delayed_work(adapter->service.wq, &adapter->service.work,
				 0);
}

/**
 * wto_reset_kick_wait - let the worker run now, and wait until it has
 * @adapter: function
 *
 * What was asked for before is done then, or the worker rests.  Flushing the
 * work would not do: who kicks it meanwhile takes it off its queue, and the
 * flush with it.
 *
 * Context: Process, may sleep; not under RTNL, which the worker takes.
 */
void wto_reset_kick_wait(struct wto_adapter *adapter)
{
	struct wto_service *service = &adapter->service;
	u32 run = READ_ONCE(service->started) + 1;

	wto_reset_kick(adapter);
	wait_event(service->idle,
		   (s32)(READ_ONCE(service->ended) - run) >= 0 ||
		   wto_reset_resting(adapter));
}

/**
 * wto_reset_request - ask for a reset of the function
 * @adapter: function
 * @why: for the log
 *
 * Context: Any.
 */
void wto_reset_request(struct wto_adapter *adapter, const char *why)
{
	if (!test_and_set_bit(WTO_F_RESET, adapter->flags))
		dev_err_ratelimited(adapter->dev, "%s: resetting the function\n",
				    why);
	wto_reset_kick(adapter);
}

/**
 * wto_reset_quiesce - keep the device out of memory until it is reset
 * @adapter: function
 * @why: for the log
 *
 * For those who must free memory that a device which does not obey could still
 * use.  Every exchange fails from now on, and the device is no bus master before
 * a reset that it need not be told of by a message.
 *
 * Context: Process.
 */
void wto_reset_quiesce(struct wto_adapter *adapter, const char *why)
{
	/* one whose registers do not answer may still access memory */
	pci_clear_master(adapter->pdev);
	set_bit(WTO_F_WILD, adapter->flags);
	if (wto_hw_gone(&adapter->hw))
		return;

	wto_mbx_abort(&adapter->mbx, -EIO);
	wto_reset_request(adapter, why);
}

/**
 * wto_reset_on_gone - the device does not answer any more
 * @ctx: struct wto_adapter
 *
 * Context: Process.
 */
void wto_reset_on_gone(void *ctx)
{
	struct wto_adapter *adapter = ctx;

	wto_mbx_abort(&adapter->mbx, -ENODEV);
	set_bit(WTO_F_GONE, adapter->flags);
	wto_reset_kick(adapter);
}

/* Function level reset, by configuration space */
static int wto_reset_flr(struct wto_adapter *adapter)
{
	struct pci_dev *pdev = adapter->pdev;
	bool locked, saved;
	int err;

	/* there is no configuration to save of one that does not answer */
	if (!wto_hw_check(&adapter->hw))
		return -ENODEV;

	/* the PCI core has it while it resets the function itself, and may
	 * wait for the worker just then
	 */
	locked = pci_cfg_access_trylock(pdev);
	saved = pdev->state_saved;
	pci_save_state(pdev);
	err = pcie_reset_flr(pdev, PCI_RESET_DO_RESET);
	pci_restore_state(pdev);
	/* as it was found: what was saved is restored once only by older
	 * kernels, and a driver that saves it chooses the state to sleep in
	 */
	if (saved)
		pci_save_state(pdev);
	if (locked)
		pci_cfg_access_unlock(pdev);
	if (err) {
		dev_err(adapter->dev, "function level reset failed, without which the device cannot be used again: %pe\n",
			ERR_PTR(err));
		return err;
	}

	return wto_hw_wait_ready(&adapter->hw);
}

/* A VF has no reset register and asks by a message.  That the request was
 * taken up shows in the mailbox registers, which the reset clears.  For a
 * message it must be a bus master: one that may then use more than the mailbox is
 * reset without.
 */
static int wto_reset_vf(struct wto_adapter *adapter)
{
	struct wto_mbx *mbx = &adapter->mbx;
	unsigned long start;
	int err;

	if (reset_devices || test_bit(WTO_F_WILD, adapter->flags))
		return wto_reset_flr(adapter);

	err = wto_hw_wait_ready(&adapter->hw);
	if (err)
		return err;

	pci_set_master(adapter->pdev);
	wto_mbx_stop(mbx);
	err = wto_mbx_start(mbx);
	if (!err)
		err = wto_vc_reset_vf(mbx);
	start = jiffies;
	while (!err && wto_mbx_health(mbx) != -ENETRESET) {
		if (wto_hw_overdue(&adapter->hw, start, WTO_RESET_VF_MS))
			err = -ETIMEDOUT;
		msleep(WTO_RESET_POLL_MS);
	}
	wto_mbx_stop(mbx);
	if (err) {
		dev_err(adapter->dev, "the device does not take the request for a reset: %pe\n",
			ERR_PTR(err));
		return err;
	}

	return wto_hw_wait_ready(&adapter->hw);
}

/**
 * wto_reset_function - reset the function and wait until it is ready
 * @adapter: function, control plane down
 *
 * Afterwards the device has forgotten everything and touches no memory.
 *
 * Context: Process, may sleep.
 * Return: 0, -ENODEV, -ETIMEDOUT, -EIO.
 */
int wto_reset_function(struct wto_adapter *adapter)
{
	int err;

	if (adapter->hw.ctrl)
		err = wto_hw_reset_pf(&adapter->hw);
	else
		err = wto_reset_vf(adapter);
	if (!err)
		clear_bit(WTO_F_WILD, adapter->flags);

	return err;
}

/**
 * wto_reset_detach_all - stop all netdevs of a function, and let nobody at them
 * @adapter: function
 *
 * Context: Process, may sleep; takes RTNL.
 */
void wto_reset_detach_all(struct wto_adapter *adapter)
{
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < adapter->num_vports; i++)
		wto_netdev_detach(adapter->vports[i]);
	rtnl_unlock();
}

static int wto_reset_reattach_all(struct wto_adapter *adapter)
{
	unsigned int i;
	int err;

	for (i = 0; i < adapter->num_vports; i++) {
		err = wto_netdev_reattach(adapter->vports[i]);
		if (err)
			return err;
	}

	return 0;
}

static void wto_reset_take_down(struct wto_adapter *adapter)
{
	/* queues stop without a word to a device that would not listen */
	wto_mbx_abort(&adapter->mbx, -EIO);
	pci_clear_master(adapter->pdev);
	wto_reset_detach_all(adapter);
	wto_ctrl_down(adapter);
}

/* Whoever holds RTNL is not kept waiting for the device: the netdevs are
 * detached, so that nobody gets at them.
 */
static int wto_reset_try(struct wto_adapter *adapter)
{
	int err;

	wto_reset_take_down(adapter);

	/* requests that come from here on are about the new state */
	clear_bit(WTO_F_RESET, adapter->flags);
	err = wto_reset_function(adapter);
	if (!err)
		err = wto_ctrl_up(adapter);
	if (err)
		return err;

	rtnl_lock();
	err = wto_reset_reattach_all(adapter);
	rtnl_unlock();

	return err;
}

/* A try failed: the next one comes later, the last one is the end */
static void wto_reset_failed(struct wto_adapter *adapter, int err)
{
	struct wto_service *service = &adapter->service;
	unsigned int wait_ms;

	adapter->num_reset_failures++;
	/* what stops now shall not ask for another reset */
	set_bit(WTO_F_RESET, adapter->flags);
	wto_reset_take_down(adapter);

	if (service->tries < WTO_RESET_MAX_TRIES - 1) {
		wait_ms = WTO_RESET_BACKOFF_MS << service->tries++;
		service->next_try = jiffies + msecs_to_jiffies(wait_ms);
		dev_err(adapter->dev, "recovery failed: %pe, trying again in %u s\n",
			ERR_PTR(err), wait_ms / (unsigned int)MSEC_PER_SEC);
		return;
	}

	clear_bit(WTO_F_RESET, adapter->flags);
	dev_err(adapter->dev, "recovery failed %u times: %pe, giving up until the function is reset by the bus\n",
		WTO_RESET_MAX_TRIES, ERR_PTR(err));
	set_bit(WTO_F_FAILED, adapter->flags);
}

static void wto_reset_recover(struct wto_adapter *adapter)
{
	struct wto_service *service = &adapter->service;
	unsigned long start = jiffies;
	int err;

	err = wto_reset_try(adapter);
	if (!err) {
		service->tries = 0;
		clear_bit(WTO_F_FAILED, adapter->flags);
		WRITE_ONCE(adapter->num_resets, adapter->num_resets + 1);
		wto_health_recovered(adapter);
		dev_info_ratelimited(adapter->dev, "recovered from reset in %u ms\n",
				     jiffies_to_msecs(jiffies - start));
		return;
	}
	if (!wto_hw_gone(&adapter->hw) && !wto_reset_resting(adapter))
		wto_reset_failed(adapter, err);
}

/* Return: ms until the next try is due */
static unsigned int wto_reset_backoff(const struct wto_adapter *adapter)
{
	const struct wto_service *service = &adapter->service;

	if (!service->tries || time_after_eq(jiffies, service->next_try))
		return 0;

	return jiffies_to_msecs(service->next_try - jiffies);
}

static void wto_reset_update_stats(struct wto_adapter *adapter)
{
	struct wto_vport *vport;
	unsigned int i;

	if (++adapter->service.stats_age < WTO_SERVICE_STATS_EVERY)
		return;

	adapter->service.stats_age = 0;
	for (i = 0; i < adapter->num_vports; i++) {
		vport = adapter->vports[i];
		if (test_bit(WTO_VF_UP, vport->flags))
			wto_stats_ask_nic(vport);
	}
}

static void wto_reset_check_health(struct wto_adapter *adapter)
{
	if (!wto_hw_check(&adapter->hw) || !test_bit(WTO_F_UP, adapter->flags))
		return;

	switch (wto_mbx_health(&adapter->mbx)) {
	case 0:
		/* an error that was seen once and does not show any more */
		if (!READ_ONCE(adapter->mbx.up) &&
		    !test_bit(WTO_F_RESET, adapter->flags))
			wto_health_report(adapter, WTO_HEALTH_MBX,
					  "mailbox error");
		break;
	case -ENETRESET:
		wto_health_report(adapter, WTO_HEALTH_MBX,
				  "the device was reset");
		break;
	default:
		wto_health_report(adapter, WTO_HEALTH_MBX, "mailbox error");
		break;
	}
}

/* Return: true if queues should be looked at again soon */
static bool wto_reset_check_queues(struct wto_vport *vport)
{
	bool again = false;
	unsigned int i;
	int ret;

	for (i = 0; i < WTO_MAX_QUEUES; i++) {
		ret = wto_napi_check(&vport->vec[i]);
		if (ret > 0) {
			vport->num_missed_irqs++;
			netdev_warn_once(vport->netdev, "an interrupt of channel %u did not come\n",
					 i);
		}
		again |= ret < 0;
	}

	return again;
}

/* Return: ms until there is something to look after again, 0: never */
static unsigned int wto_reset_serve(struct wto_adapter *adapter)
{
	unsigned int next = WTO_SERVICE_MS;
	unsigned int wait_ms;
	unsigned int i;

	wto_reset_check_health(adapter);

	if (test_bit(WTO_F_GONE, adapter->flags)) {
		wto_reset_detach_all(adapter);
		return 0;
	}
	if (test_bit(WTO_F_RESET, adapter->flags)) {
		wait_ms = wto_reset_backoff(adapter);
		if (wait_ms)
			return wait_ms;
		wto_reset_recover(adapter);
	}
	if (test_bit(WTO_F_FAILED, adapter->flags))
		return 0;
	if (test_bit(WTO_F_RESET, adapter->flags))
		return wto_reset_backoff(adapter) ?: 1;

	for (i = 0; i < adapter->num_vports; i++) {
		wto_netdev_calm_watchdog(adapter->vports[i]);
		wto_netdev_sync_rx_mode(adapter->vports[i]);
		wto_netdev_check_tx(adapter->vports[i]);
		if (wto_reset_check_queues(adapter->vports[i]))
			next = WTO_SERVICE_SOON_MS;
	}
	if (next == WTO_SERVICE_MS)
		wto_reset_update_stats(adapter);

	return next;
}

static void wto_reset_service(struct work_struct *work)
{
	struct wto_service *service = container_of(to_delayed_work(work),
						   struct wto_service, work);
	struct wto_adapter *adapter = container_of(service, struct wto_adapter,
						   service);
	unsigned int wait_ms = 0;

	WRITE_ONCE(service->started, service->started + 1);
	/* this run sees what was asked for before anybody read @started */
	smp_mb();
	if (!wto_reset_resting(adapter))
		wait_ms = wto_reset_serve(adapter);
	if (wait_ms && !wto_reset_resting(adapter))
		queue_delayed_work(service->wq, &service->work,
				   msecs_to_jiffies(wait_ms));
	WRITE_ONCE(service->ended, service->started);
	wake_up_all(&service->idle);
}

/**
 * wto_reset_init - make the worker, which rests until wto_reset_begin()
 * @adapter: function
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int wto_reset_init(struct wto_adapter *adapter)
{
	struct wto_service *service = &adapter->service;

	set_bit(WTO_F_PAUSED, adapter->flags);
	INIT_DELAYED_WORK(&service->work, wto_reset_service);
	init_waitqueue_head(&service->idle);
	service->wq = alloc_ordered_workqueue("%s-%s", 0, WTO_DRV_NAME,
					      pci_name(adapter->pdev));

	return service->wq ? 0 : -ENOMEM;
}

/**
 * wto_reset_begin - let the worker look after a function that is complete
 * @adapter: function
 *
 * Context: Any.
 */
void wto_reset_begin(struct wto_adapter *adapter)
{
	clear_bit(WTO_F_PAUSED, adapter->flags);
	wto_reset_kick(adapter);
}

/**
 * wto_reset_stop - let the worker run no more
 * @adapter: function
 *
 * Context: Process, may sleep; not under RTNL, which the worker takes.
 */
void wto_reset_stop(struct wto_adapter *adapter)
{
	set_bit(WTO_F_REMOVING, adapter->flags);
	wto_reset_cancel(adapter);
}

/**
 * wto_reset_exit - undo wto_reset_init()
 * @adapter: function
 *
 * Context: Process, may sleep; not under RTNL.
 */
void wto_reset_exit(struct wto_adapter *adapter)
{
	wto_reset_stop(adapter);
	destroy_workqueue(adapter->service.wq);
}

/**
 * wto_reset_pause - put the function to rest
 * @adapter: function
 *
 * For those who take the function away for a while: suspend, a reset or an
 * error that the PCI core handles.  Nothing touches the device afterwards.
 *
 * Context: Process, may sleep; not under RTNL.
 */
void wto_reset_pause(struct wto_adapter *adapter)
{
	set_bit(WTO_F_PAUSED, adapter->flags);
	wto_reset_cancel(adapter);
	wto_reset_detach_all(adapter);
	wto_ctrl_down(adapter);
}

/**
 * wto_reset_resume - undo wto_reset_pause(), by a reset and recovery
 * @adapter: function, its PCI configuration is as it was
 *
 * Context: Process, may sleep; not under RTNL.
 */
void wto_reset_resume(struct wto_adapter *adapter)
{
	/* The worker rests: a new chance for a function that was given up, and for
	 * one that did not answer, which a reset by the bus may have brought back.
	 */
	WRITE_ONCE(adapter->hw.hurry, false);
	WRITE_ONCE(adapter->hw.gone, false);
	clear_bit(WTO_F_GONE, adapter->flags);
	adapter->service.tries = 0;
	clear_bit(WTO_F_FAILED, adapter->flags);
	set_bit(WTO_F_RESET, adapter->flags);
	clear_bit(WTO_F_PAUSED, adapter->flags);
	wto_reset_kick_wait(adapter);
}
