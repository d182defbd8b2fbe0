// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive filters of a vport: what the stack wants, what the device has, and
 * the way from one to the other.
 */

#include <linux/etherdevice.h>
#include <linux/slab.h>

#include "wto.h"

/* Most addresses in one message; refusals after which the rest is left out */
#define WTO_FILTER_MAX_STEP	256
#define WTO_FILTER_MAX_REFUSED	8

static bool wto_filter_wanted(const struct wto_filter *f)
{
	return f->primary || f->listed;
}

static void wto_filter_drop(struct wto_filter *f)
{
	list_del(&f->list);
	kfree(f);
}

/**
 * wto_filter_init - start with no filters
 * @filters: zeroed
 *
 * Context: Any.
 */
void wto_filter_init(struct wto_filters *filters)
{
	spin_lock_init(&filters->lock);
	mutex_init(&filters->sync_lock);
	INIT_LIST_HEAD(&filters->list);
}

/**
 * wto_filter_exit - free all filters
 * @filters: filters that nobody else uses any more
 *
 * Context: Any.
 */
void wto_filter_exit(struct wto_filters *filters)
{
	struct wto_filter *f, *tmp;

	list_for_each_entry_safe(f, tmp, &filters->list, list)
		wto_filter_drop(f);
}

static struct wto_filter *wto_filter_find(struct wto_filters *filters,
					  const u8 *addr)
{
	struct wto_filter *f;

	list_for_each_entry(f, &filters->list, list)
		if (ether_addr_equal(f->addr, addr))
			return f;

	return NULL;
}

/**
 * wto_filter_want - note that frames to an address are wanted
 * @filters: filters
 * @addr: address
 * @primary: as the vport's own address, else as one of the stack's lists
 *
 * Context: Any.
 * Return: 0 or -ENOMEM.
 */
int wto_filter_want(struct wto_filters *filters, const u8 *addr, bool primary)
{
	struct wto_filter *f;
	int err = 0;

	spin_lock_bh(&filters->lock);
	f = wto_filter_find(filters, addr);
	if (!f) {
		f = kzalloc_obj(*f, GFP_ATOMIC);
		if (!f) {
			err = -ENOMEM;
			goto unlock;
		}
		ether_addr_copy(f->addr, addr);
		list_add_tail(&f->list, &filters->list);
	}
	if (primary)
		f->primary = true;
	else
		f->listed = true;

unlock:
	spin_unlock_bh(&filters->lock);
	return err;
}

/**
 * wto_filter_unwant - note that frames to an address are no longer wanted
 * @filters: filters
 * @addr: address
 * @primary: which of the two reasons to want it no longer holds
 *
 * Context: Any.
 */
void wto_filter_unwant(struct wto_filters *filters, const u8 *addr,
		       bool primary)
{
	struct wto_filter *f;

	spin_lock_bh(&filters->lock);
	f = wto_filter_find(filters, addr);
	if (f) {
		if (primary)
			f->primary = false;
		else
			f->listed = false;
		if (!f->installed && !wto_filter_wanted(f))
			wto_filter_drop(f);
	}
	spin_unlock_bh(&filters->lock);
}

/**
 * wto_filter_forget - the device has lost all filters
 * @filters: filters
 *
 * Context: Process.
 */
void wto_filter_forget(struct wto_filters *filters)
{
	struct wto_filter *f, *tmp;

	mutex_lock(&filters->sync_lock);
	spin_lock_bh(&filters->lock);
	list_for_each_entry_safe(f, tmp, &filters->list, list) {
		f->installed = false;
		if (!wto_filter_wanted(f))
			wto_filter_drop(f);
	}
	spin_unlock_bh(&filters->lock);
	filters->has_uc = false;
	filters->has_mc = false;
	mutex_unlock(&filters->sync_lock);
}

/* Collect the addresses that must be added (@add) or removed.
 * Return: their number or -ENOMEM; *out is to be freed.
 */
static int wto_filter_collect(struct wto_filters *filters, bool add,
			      struct wto_vc_mac **out)
{
	struct wto_vc_mac *macs = NULL;
	struct wto_filter *f;
	int num = 0;
	int err = 0;

	*out = NULL;
	spin_lock_bh(&filters->lock);
	list_for_each_entry(f, &filters->list, list)
		num += wto_filter_wanted(f) == add && f->installed != add;
	if (!num)
		goto unlock;
	macs = kcalloc(num, sizeof(*macs), GFP_ATOMIC);
	if (!macs) {
		err = -ENOMEM;
		goto unlock;
	}
	num = 0;
	list_for_each_entry(f, &filters->list, list) {
		if (wto_filter_wanted(f) != add || f->installed == add)
			continue;
		ether_addr_copy(macs[num].addr, f->addr);
		macs[num++].primary = f->primary;
	}
	*out = macs;

unlock:
	spin_unlock_bh(&filters->lock);
	return err ?: num;
}

/* The device did what was asked: note it.  The stack may have changed its mind
 * in the meantime, which the next run will bring to the device.
 */
static void wto_filter_done(struct wto_filters *filters, bool add,
			    const struct wto_vc_mac *macs, int num)
{
	struct wto_filter *f;
	int i;

	spin_lock_bh(&filters->lock);
	for (i = 0; i < num; i++) {
		f = wto_filter_find(filters, macs[i].addr);
		if (f) {
			f->installed = add;
			if (!add && !wto_filter_wanted(f))
				wto_filter_drop(f);
		} else if (add) {
			/* unwanted since: keep it until it is removed */
			f = kzalloc_obj(*f, GFP_ATOMIC);
			if (!f)
				continue;
			ether_addr_copy(f->addr, macs[i].addr);
			f->installed = true;
			list_add_tail(&f->list, &filters->list);
		}
	}
	spin_unlock_bh(&filters->lock);
}

static int wto_filter_send(struct wto_mbx *mbx, u32 vport_id, bool add,
			   const struct wto_vc_mac *macs, int num)
{
	if (add)
		return wto_vc_add_macs(mbx, vport_id, macs, num);

	return wto_vc_del_macs(mbx, vport_id, macs, num);
}

/* The device takes or refuses a message as a whole.  One that it refuses is
 * divided, so that what has room gets in.  An address that it will not remove
 * is one that it does not have.
 */
static int wto_filter_sync_macs(struct wto_filters *filters,
				struct wto_mbx *mbx, u32 vport_id, bool add)
{
	struct wto_vc_mac *macs;
	int refused = 0;
	int done = 0;
	int err = 0;
	int step;
	int num;

	num = wto_filter_collect(filters, add, &macs);
	if (num <= 0)
		return num;

	step = min(num, WTO_FILTER_MAX_STEP);
	while (done < num && refused < WTO_FILTER_MAX_REFUSED) {
		step = min(step, num - done);
		err = wto_filter_send(mbx, vport_id, add, &macs[done], step);
		/* anything but a refusal concerns all */
		if (err && (err != -EIO || !READ_ONCE(mbx->up)))
			break;
		if (err && step > 1) {
			step /= 2;
			continue;
		}
		if (!err || !add)
			wto_filter_done(filters, add, &macs[done], step);
		refused += !!err;
		done += step;
		err = 0;
	}
	kfree(macs);

	return err;
}

/* Which of the addresses that are wanted has the device not taken?  Without
 * filters it knows the address that it gave the vport all the same.
 */
static void wto_filter_find_missing(struct wto_filters *filters, u64 caps)
{
	struct wto_filter *f;

	filters->miss_uc = false;
	filters->miss_mc = false;
	spin_lock_bh(&filters->lock);
	list_for_each_entry(f, &filters->list, list) {
		if (f->installed || !wto_filter_wanted(f))
			continue;
		if (is_multicast_ether_addr(f->addr))
			filters->miss_mc = true;
		else if (f->listed || (caps & VC2_CAP_MACFILTER) ||
			 !ether_addr_equal(f->addr, filters->own))
			filters->miss_uc = true;
	}
	spin_unlock_bh(&filters->lock);
}

static int wto_filter_sync_promisc(struct wto_filters *filters,
				   struct wto_mbx *mbx, u32 vport_id)
{
	bool uc = READ_ONCE(filters->want_uc) || filters->miss_uc;
	bool mc = READ_ONCE(filters->want_mc) || filters->miss_mc;
	int err;

	if (uc == filters->has_uc && mc == filters->has_mc)
		return 0;

	err = wto_vc_set_promisc(mbx, vport_id, uc, mc);
	if (!err) {
		filters->has_uc = uc;
		filters->has_mc = mc;
	}

	return err;
}

/**
 * wto_filter_has - does the device have a filter for an address?
 * @filters: filters
 * @addr: address
 *
 * Context: Any.
 * Return: true if it took it.
 */
bool wto_filter_has(struct wto_filters *filters, const u8 *addr)
{
	struct wto_filter *f;
	bool has;

	spin_lock_bh(&filters->lock);
	f = wto_filter_find(filters, addr);
	has = f && f->installed;
	spin_unlock_bh(&filters->lock);

	return has;
}

/**
 * wto_filter_sync - bring the filters to the device
 * @filters: filters
 * @mbx: mailbox
 * @vport_id: vport
 * @caps: VC2_CAP_*, as granted
 *
 * If the device has no room for an address, promiscuous mode stands in.
 *
 * Context: Process, may sleep.
 * Return: 0, also if the device refused addresses; -ENOMEM or see wto_vc.h.
 * What failed is tried again next time.
 */
int wto_filter_sync(struct wto_filters *filters, struct wto_mbx *mbx,
		    u32 vport_id, u64 caps)
{
	int err = 0;
	int ret = 0;

	mutex_lock(&filters->sync_lock);
	if (caps & VC2_CAP_MACFILTER) {
		/* removing first makes room, but adding must not wait for it */
		err = wto_filter_sync_macs(filters, mbx, vport_id, false);
		ret = wto_filter_sync_macs(filters, mbx, vport_id, true);
		err = err ?: ret;
	}
	wto_filter_find_missing(filters, caps);
	if (caps & VC2_CAP_PROMISC) {
		ret = wto_filter_sync_promisc(filters, mbx, vport_id);
		err = err ?: ret;
	}
	mutex_unlock(&filters->sync_lock);

	return err;
}
