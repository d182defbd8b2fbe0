// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to the function's registers.
 *
 * BAR0 of a physical function has 256 MiB, of which very little is used.  Two
 * small windows have fixed places and are mapped first; with them the driver
 * asks the device which other parts there are.
 */

#include <linux/delay.h>
#include <linux/pci.h>

#include <wto/regs.h>

#include "wto_hw.h"

#define WTO_HW_ALL_ONES		U32_MAX

/* How long a reset may take, and how long reads may give all ones before the
 * device counts as gone.  A function in reset may do that as well.
 */
#define WTO_HW_RESET_MS		10000
#define WTO_HW_BEGIN_MS		1000
#define WTO_HW_POLL_MS		10
/* In ARQLEN, which resets clear: a length without the bit that makes it count */
#define WTO_HW_RESET_MARK	1
#define WTO_HW_GONE_MS		1000
#define WTO_HW_NUM_STATIC	2

static const struct wto_hw_layout wto_hw_pf_layout = {
	.name = "PF",
	.mbx = { IDPF_PF_MBX_START, IDPF_PF_MBX_SIZE },
	.rstat = { IDPF_PF_RSTAT_START, IDPF_PF_RSTAT_SIZE },
	.atq = {
		.bal = IDPF_PF_ATQBAL,
		.bah = IDPF_PF_ATQBAH,
		.len = IDPF_PF_ATQLEN,
		.head = IDPF_PF_ATQH,
		.tail = IDPF_PF_ATQT,
	},
	.arq = {
		.bal = IDPF_PF_ARQBAL,
		.bah = IDPF_PF_ARQBAH,
		.len = IDPF_PF_ARQLEN,
		.head = IDPF_PF_ARQH,
		.tail = IDPF_PF_ARQT,
	},
	.rstat_reg = IDPF_PF_RSTAT,
	.ctrl_reg = IDPF_PF_CTRL,
	.icr_ena = IDPF_PF_OICR_ENA,
	.icr_ena_bits = U32_MAX,
	.itr_index_spacing = IDPF_PF_ITR_INDEX_SPACING,
};

static const struct wto_hw_layout wto_hw_vf_layout = {
	.name = "VF",
	.mbx = { IDPF_VF_MBX_START, IDPF_VF_MBX_SIZE },
	.rstat = { IDPF_VF_RSTAT_START, IDPF_VF_RSTAT_SIZE },
	.atq = {
		.bal = IDPF_VF_ATQBAL,
		.bah = IDPF_VF_ATQBAH,
		.len = IDPF_VF_ATQLEN,
		.head = IDPF_VF_ATQH,
		.tail = IDPF_VF_ATQT,
	},
	.arq = {
		.bal = IDPF_VF_ARQBAL,
		.bah = IDPF_VF_ARQBAH,
		.len = IDPF_VF_ARQLEN,
		.head = IDPF_VF_ARQH,
		.tail = IDPF_VF_ARQT,
	},
	.rstat_reg = IDPF_VF_RSTAT,
	.icr_ena = IDPF_VF_ICR0_ENA1,
	.icr_ena_bits = IDPF_VF_ICR0_ENA1_ADMINQ,
	.itr_index_spacing = IDPF_VF_ITR_INDEX_SPACING,
};

static u64 wto_hw_range_end(const struct wto_hw_range *range)
{
	return range->start + range->len;
}

static int wto_hw_map_one(struct wto_hw *hw, const struct wto_hw_range *range)
{
	struct wto_hw_region *region;

	if (!range->len)
		return 0;
	if (range->start >= hw->bar_len ||
	    range->len > hw->bar_len - range->start) {
		dev_err(hw->dev, "register window %#llx+%#llx is outside of BAR0 (%#llx bytes)\n",
			range->start, range->len, (u64)hw->bar_len);
		return -EIO;
	}
	if (hw->num_regions == WTO_HW_MAX_REGIONS) {
		dev_err(hw->dev, "more than %d register windows\n",
			WTO_HW_MAX_REGIONS);
		return -EIO;
	}

	region = &hw->region[hw->num_regions];
	region->addr = ioremap(hw->bar_start + range->start, range->len);
	if (!region->addr)
		return -ENOMEM;
	region->range = *range;
	hw->num_regions++;

	return 0;
}

static void wto_hw_unmap_from(struct wto_hw *hw, unsigned int first)
{
	while (hw->num_regions > first)
		iounmap(hw->region[--hw->num_regions].addr);
}

/* A function that was bound by class code tells its register map by a register
 * that reads back in the VF map only.
 */
static int wto_hw_probe_map(struct wto_hw *hw)
{
	void __iomem *arqbal;
	u32 val;

	if (hw->bar_len < wto_hw_range_end(&wto_hw_vf_layout.mbx))
		return -ENODEV;

	arqbal = ioremap(hw->bar_start + IDPF_VF_ARQBAL, sizeof(u32));
	if (!arqbal)
		return -ENOMEM;

	writel(IDPF_VF_PROBE_PATTERN, arqbal);
	val = readl(arqbal);
	writel(0, arqbal);
	iounmap(arqbal);
	hw->layout = val == IDPF_VF_PROBE_PATTERN ? &wto_hw_vf_layout :
						    &wto_hw_pf_layout;

	return 0;
}

/**
 * wto_hw_init - map the registers that have fixed places
 * @hw: zeroed but for @on_gone and @ctx
 * @pdev: enabled PCI function whose BAR0 the driver has reserved
 * @map: register map, or the order to find out
 *
 * Context: Process, may sleep.
 * Return: 0, or a negative errno and nothing is mapped.
 */
int wto_hw_init(struct wto_hw *hw, struct pci_dev *pdev, enum wto_hw_map map)
{
	int err;

	if (!(pci_resource_flags(pdev, IDPF_BAR_REGS) & IORESOURCE_MEM))
		return -ENODEV;

	hw->dev = &pdev->dev;
	hw->pdev = pdev;
	hw->bar_start = pci_resource_start(pdev, IDPF_BAR_REGS);
	hw->bar_len = pci_resource_len(pdev, IDPF_BAR_REGS);
	hw->layout = map == WTO_HW_MAP_VF ? &wto_hw_vf_layout :
					    &wto_hw_pf_layout;
	if (map == WTO_HW_MAP_PROBE) {
		err = wto_hw_probe_map(hw);
		if (err)
			return err;
	}

	err = wto_hw_map_one(hw, &hw->layout->mbx);
	if (!err)
		err = wto_hw_map_one(hw, &hw->layout->rstat);
	if (err) {
		wto_hw_unmap_from(hw, 0);
		return err;
	}
	hw->rstat = wto_hw_reg(hw, hw->layout->rstat_reg);
	if (hw->layout->ctrl_reg)
		hw->ctrl = wto_hw_reg(hw, hw->layout->ctrl_reg);

	return 0;
}

/**
 * wto_hw_exit - unmap all registers
 * @hw: the function's registers
 *
 * Context: Process, may sleep.
 */
void wto_hw_exit(struct wto_hw *hw)
{
	wto_hw_unmap_from(hw, 0);
}

/* Everything that lies before, between and behind the two static windows */
static int wto_hw_map_rest(struct wto_hw *hw)
{
	const struct wto_hw_layout *layout = hw->layout;
	struct wto_hw_range gaps[3];
	int err = 0;
	int i;

	gaps[0].start = 0;
	gaps[0].len = layout->mbx.start;
	gaps[1].start = wto_hw_range_end(&layout->mbx);
	gaps[1].len = layout->rstat.start - gaps[1].start;
	gaps[2].start = wto_hw_range_end(&layout->rstat);
	gaps[2].len = hw->bar_len - gaps[2].start;

	for (i = 0; i < ARRAY_SIZE(gaps) && !err; i++)
		err = wto_hw_map_one(hw, &gaps[i]);

	return err;
}

/**
 * wto_hw_map_ranges - map the registers beyond those with fixed places
 * @hw: the function's registers
 * @ranges: parts of BAR0 that the device listed
 * @num_ranges: elements of @ranges; 0 stands for the whole rest of BAR0
 *
 * Context: Process, may sleep.
 * Return: 0, -EIO if a range is not in BAR0, -ENOMEM; then nothing is added.
 */
int wto_hw_map_ranges(struct wto_hw *hw, const struct wto_hw_range *ranges,
		      unsigned int num_ranges)
{
	unsigned int i;
	int err = 0;

	if (!num_ranges)
		err = wto_hw_map_rest(hw);
	for (i = 0; i < num_ranges && !err; i++)
		err = wto_hw_map_one(hw, &ranges[i]);
	if (err)
		wto_hw_unmap_ranges(hw);

	return err;
}

/**
 * wto_hw_unmap_ranges - undo wto_hw_map_ranges()
 * @hw: the function's registers
 *
 * Context: Process, may sleep.
 */
void wto_hw_unmap_ranges(struct wto_hw *hw)
{
	wto_hw_unmap_from(hw, WTO_HW_NUM_STATIC);
}

/**
 * wto_hw_reg - where a register is mapped
 * @hw: the function's registers
 * @offset: offset in BAR0, in bytes, as the device gave it
 *
 * Context: Any.
 * Return: its address, NULL if it is not aligned or not mapped.
 */
void __iomem *wto_hw_reg(const struct wto_hw *hw, u64 offset)
{
	unsigned int i;

	if (!IS_ALIGNED(offset, sizeof(u32)))
		return NULL;

	for (i = 0; i < hw->num_regions; i++) {
		const struct wto_hw_range *range = &hw->region[i].range;

		if (range->len >= sizeof(u32) && offset >= range->start &&
		    offset - range->start <= range->len - sizeof(u32))
			return hw->region[i].addr + (offset - range->start);
	}

	return NULL;
}

/**
 * wto_hw_set_gone - the device does not answer any more
 * @hw: the function's registers
 *
 * Reports it and calls on_gone, unless that is known already.
 *
 * Context: Process.
 */
void wto_hw_set_gone(struct wto_hw *hw)
{
	if (xchg(&hw->gone, true))
		return;

	dev_err(hw->dev, "device does not answer any more (registers read all ones)\n");
	if (hw->on_gone)
		hw->on_gone(hw->ctx);
}

/**
 * wto_hw_check - see whether the device still answers
 * @hw: the function's registers
 *
 * A single all-ones value proves nothing, a function in reset may give it.
 *
 * Context: Process, sleeps for up to WTO_HW_GONE_MS if there is no answer.
 * Return: true if it does; false if it is gone, which is then noted.
 */
bool wto_hw_check(struct wto_hw *hw)
{
	int tries = WTO_HW_GONE_MS / WTO_HW_POLL_MS;

	while (!wto_hw_gone(hw)) {
		if (readl(hw->rstat) != WTO_HW_ALL_ONES)
			return true;
		if (!--tries ||
		    hw->pdev->error_state == pci_channel_io_perm_failure) {
			wto_hw_set_gone(hw);
			break;
		}
		msleep(WTO_HW_POLL_MS);
	}

	return false;
}

/**
 * wto_hw_ready - is the function out of reset?
 * @hw: the function's registers
 *
 * Context: Any.
 * Return: true if it answers and no reset is under way.
 */
bool wto_hw_ready(struct wto_hw *hw)
{
	u32 val = readl(hw->rstat);

	return val != WTO_HW_ALL_ONES && FIELD_GET(IDPF_RSTAT_STATE, val) !=
					 IDPF_RSTAT_IN_PROGRESS;
}

/**
 * wto_hw_overdue - has a wait for the device lasted long enough?
 * @hw: the function's registers
 * @start: when it began, jiffies
 * @ms: how long it may take if nobody is in a hurry
 *
 * Context: Any.
 * Return: true if so.
 */
bool wto_hw_overdue(const struct wto_hw *hw, unsigned long start,
		    unsigned int ms)
{
	if (READ_ONCE(hw->hurry))
		ms = min(ms, WTO_HW_HURRY_MS);

	return time_after(jiffies, start + msecs_to_jiffies(ms));
}

/**
 * wto_hw_wait_ready - wait for the end of a reset
 * @hw: the function's registers
 *
 * Context: Process, sleeps for up to WTO_HW_RESET_MS.
 * Return: 0, -ENODEV if the device is gone, -ETIMEDOUT.
 */
int wto_hw_wait_ready(struct wto_hw *hw)
{
	unsigned long start = jiffies;

	do {
		if (!wto_hw_check(hw))
			return -ENODEV;
		if (wto_hw_ready(hw))
			return 0;
		msleep(WTO_HW_POLL_MS);
	} while (!wto_hw_overdue(hw, start, WTO_HW_RESET_MS));

	dev_err(hw->dev, "reset does not end (reset state %#x)\n",
		readl(hw->rstat));
	return -ETIMEDOUT;
}

/* Wait until a reset that was asked for has begun.  @mark was written before and
 * is cleared by it.
 */
static int wto_hw_wait_reset(struct wto_hw *hw, void __iomem *mark)
{
	unsigned long start = jiffies;

	while (readl(mark) == WTO_HW_RESET_MARK && wto_hw_ready(hw)) {
		if (wto_hw_overdue(hw, start, WTO_HW_BEGIN_MS)) {
			dev_err(hw->dev, "the device does not take the request for a reset\n");
			return -ETIMEDOUT;
		}
		msleep(WTO_HW_POLL_MS);
	}

	return 0;
}

/**
 * wto_hw_reset_pf - reset a physical function and wait for it
 * @hw: the function's registers, the mailbox is stopped
 *
 * Context: Process, may sleep.
 * Return: 0, -EOPNOTSUPP if the register map has no reset register, -ENODEV,
 * -ETIMEDOUT.
 */
int wto_hw_reset_pf(struct wto_hw *hw)
{
	void __iomem *mark = wto_hw_reg(hw, hw->layout->arq.len);
	int err;

	if (!hw->ctrl)
		return -EOPNOTSUPP;
	if (!wto_hw_check(hw))
		return -ENODEV;

	writel(WTO_HW_RESET_MARK, mark);
	writel(readl(hw->ctrl) | IDPF_PF_CTRL_PFSWR, hw->ctrl);
	err = wto_hw_wait_reset(hw, mark);
	if (err)
		return err;

	return wto_hw_wait_ready(hw);
}
