// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt throttling: how long a vector waits after an interrupt before it
 * raises the next one, for each direction.
 *
 * The interval is what the user set, or what the kernel's net_dim finds for the
 * traffic.  net_dim decides in NAPI and has the register written by a work item;
 * whoever writes reads the present state, so the last one to write is right.
 */

#include <linux/dim.h>
#include <linux/netdevice.h>

#include <wto/regs.h>

#include "wto.h"

#define WTO_ITR_DEFAULT_US	8

/* us, representable ones, by net_dim's profile; the second is where it begins */
static const u16 wto_itr_rx_us[NET_DIM_PARAMS_NUM_PROFILES] = {
	2, 8, 64, 128, 256
};

static const u16 wto_itr_tx_us[NET_DIM_PARAMS_NUM_PROFILES] = {
	2, 8, 32, 64, 128
};

static void wto_itr_write(const struct wto_itr *itr)
{
	u16 us = READ_ONCE(itr->us);

	if (READ_ONCE(itr->adaptive))
		us = itr->profile[itr->dim.profile_ix];

	writel(FIELD_PREP(IDPF_ITR_INTERVAL, us / IDPF_ITR_UNIT_US), itr->reg);
}

static void wto_itr_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);

	wto_itr_write(container_of(dim, struct wto_itr, dim));
	dim->state = DIM_START_MEASURE;
}

/* NAPI does not use it */
static void wto_itr_reset_dim(struct wto_itr *itr)
{
	struct dim *dim = &itr->dim;

	dim->state = DIM_START_MEASURE;
	dim->tune_state = DIM_PARKING_ON_TOP;
	dim->mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
	dim->profile_ix = NET_DIM_DEF_PROFILE_EQE;
	dim->steps_right = 0;
	dim->steps_left = 0;
	dim->tired = 0;
	memset(&dim->prev_stats, 0, sizeof(dim->prev_stats));
}

/**
 * wto_itr_init - default throttling of a new vector
 * @vec: vector, zero
 */
void wto_itr_init(struct wto_vector *vec)
{
	int i;

	vec->itr[VC2_ITR_IDX_RX].profile = wto_itr_rx_us;
	vec->itr[VC2_ITR_IDX_TX].profile = wto_itr_tx_us;
	for (i = 0; i < ARRAY_SIZE(vec->itr); i++) {
		vec->itr[i].us = WTO_ITR_DEFAULT_US;
		INIT_WORK(&vec->itr[i].dim.work, wto_itr_work);
	}
}

/**
 * wto_itr_start - bring a vector's intervals to the device
 * @vec: vector, its NAPI is disabled
 *
 * Context: Process.
 */
void wto_itr_start(struct wto_vector *vec)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vec->itr); i++) {
		wto_itr_reset_dim(&vec->itr[i]);
		wto_itr_write(&vec->itr[i]);
	}
}

/**
 * wto_itr_stop - let nobody write to the registers any more
 * @vec: vector, its NAPI is disabled
 *
 * Context: Process, may sleep.
 */
void wto_itr_stop(struct wto_vector *vec)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vec->itr); i++)
		cancel_work_sync(&vec->itr[i].dim.work);
}

/**
 * wto_itr_set - change the throttling of one direction
 * @vec: vector
 * @idx: VC2_ITR_IDX_*
 * @us: interval while it is not adaptive, a multiple of IDPF_ITR_UNIT_US
 * @adaptive: let net_dim find the interval
 *
 * Context: Process, may sleep; RTNL.
 */
void wto_itr_set(struct wto_vector *vec, unsigned int idx, u16 us,
		 bool adaptive)
{
	struct wto_itr *itr = &vec->itr[idx];
	bool running = vec->rx;

	WRITE_ONCE(itr->us, us);
	if (adaptive && !itr->adaptive) {
		/* a poll that still uses it, from before it was switched off */
		synchronize_net();
		cancel_work_sync(&itr->dim.work);
		wto_itr_reset_dim(itr);
		WRITE_ONCE(itr->adaptive, true);
	} else if (!adaptive && itr->adaptive) {
		WRITE_ONCE(itr->adaptive, false);
		/* what is queued after this finds that it is off */
		cancel_work_sync(&itr->dim.work);
	}
	vec->adaptive = vec->itr[VC2_ITR_IDX_RX].adaptive ||
			vec->itr[VC2_ITR_IDX_TX].adaptive;
	if (running)
		wto_itr_write(itr);
}

/**
 * wto_itr_verify - does the device have the intervals?
 * @vec: vector of a running vport
 *
 * Those that are adaptive may just be about to change.
 *
 * Context: Process; RTNL.
 * Return: true if it does.
 */
bool wto_itr_verify(const struct wto_vector *vec)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vec->itr); i++) {
		const struct wto_itr *itr = &vec->itr[i];
		u32 us = FIELD_GET(IDPF_ITR_INTERVAL, readl(itr->reg)) *
			 IDPF_ITR_UNIT_US;

		if (!itr->adaptive && us != itr->us)
			return false;
	}

	return true;
}

static void wto_itr_sample_one(struct wto_itr *itr, u16 irqs,
			       const u64_stats_t *packets,
			       const u64_stats_t *bytes)
{
	struct dim_sample sample = {};

	if (!READ_ONCE(itr->adaptive))
		return;

	dim_update_sample(irqs, u64_stats_read(packets), u64_stats_read(bytes),
			  &sample);
	net_dim(&itr->dim, &sample);
}

/**
 * wto_itr_sample - tell net_dim what a vector has done
 * @vec: vector of which a direction is adaptive
 *
 * Context: NAPI.
 */
void wto_itr_sample(struct wto_vector *vec)
{
	const struct wto_tx_stats *tx = vec->tx->stats;
	const struct wto_rx_stats *rx = vec->rx->stats;
	u16 irqs = READ_ONCE(vec->num_irqs);

	wto_itr_sample_one(&vec->itr[VC2_ITR_IDX_RX], irqs, &rx->packets,
			   &rx->bytes);
	wto_itr_sample_one(&vec->itr[VC2_ITR_IDX_TX], irqs, &tx->packets,
			   &tx->bytes);
}
