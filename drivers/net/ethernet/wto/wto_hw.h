/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to the function's registers: mapping of BAR0, checked reads, the
 * notice that the device is gone, function reset.
 */

#ifndef WTO_HW_H
#define WTO_HW_H

#include <linux/io.h>
#include <linux/types.h>

struct device;
struct pci_dev;

/* How long to wait for a device when somebody waits for us */
#define WTO_HW_HURRY_MS		2000

/* Two static windows, and what the device lists or what lies between them */
#define WTO_HW_MAX_REGIONS	16

/**
 * enum wto_hw_map - which register map the function has
 * @WTO_HW_MAP_PF: physical function
 * @WTO_HW_MAP_VF: virtual function
 * @WTO_HW_MAP_PROBE: not known from the id, ask the registers
 */
enum wto_hw_map {
	WTO_HW_MAP_PF,
	WTO_HW_MAP_VF,
	WTO_HW_MAP_PROBE,
};

/**
 * struct wto_hw_range - part of BAR0
 * @start: offset in bytes
 * @len: bytes
 */
struct wto_hw_range {
	u64 start;
	u64 len;
};

/**
 * struct wto_hw_region - mapped part of BAR0
 * @range: which part
 * @addr: where it is mapped
 */
struct wto_hw_region {
	struct wto_hw_range range;
	void __iomem *addr;
};

/**
 * struct wto_hw_mbx_regs - BAR0 offsets of one mailbox ring's registers
 * @bal: ring address, lower half
 * @bah: ring address, upper half
 * @len: length, errors, enable
 * @head: head, moved by the device
 * @tail: tail, moved by the driver
 */
struct wto_hw_mbx_regs {
	u32 bal;
	u32 bah;
	u32 len;
	u32 head;
	u32 tail;
};

/**
 * struct wto_hw_layout - places of the registers that have fixed places
 * @name: "PF" or "VF"
 * @mbx: window with the mailbox registers, mapped first
 * @rstat: window with the reset registers, mapped first
 * @atq: mailbox ring towards the device
 * @arq: mailbox ring from the device
 * @rstat_reg: reset state
 * @ctrl_reg: function reset request; 0: this map has none
 * @icr_ena: other-cause interrupt enable
 * @icr_ena_bits: what is written there to enable mailbox interrupts
 * @itr_index_spacing: distance between the throttling registers of one
 *	vector where the device says 0
 */
struct wto_hw_layout {
	const char *name;
	struct wto_hw_range mbx;
	struct wto_hw_range rstat;
	struct wto_hw_mbx_regs atq;
	struct wto_hw_mbx_regs arq;
	u32 rstat_reg;
	u32 ctrl_reg;
	u32 icr_ena;
	u32 icr_ena_bits;
	u32 itr_index_spacing;
};

/**
 * struct wto_hw - registers of one function
 * @dev: for messages
 * @pdev: the PCI function
 * @layout: fixed register places
 * @bar_start: bus address of BAR0
 * @bar_len: bytes of BAR0
 * @region: mapped parts, the two static windows first
 * @num_regions: used elements of @region
 * @gone: the device does not answer any more, until a reset by the bus
 * @hurry: somebody waits for the end of all work with the device: a wait for
 *	it takes WTO_HW_HURRY_MS at most
 * @on_gone: called in process context when @gone becomes set
 * @ctx: argument of @on_gone
 * @rstat: reset state register
 * @ctrl: function reset request, NULL if the map has none
 */
struct wto_hw {
	struct device *dev;
	struct pci_dev *pdev;
	const struct wto_hw_layout *layout;
	resource_size_t bar_start;
	resource_size_t bar_len;
	struct wto_hw_region region[WTO_HW_MAX_REGIONS];
	unsigned int num_regions;
	bool gone;
	bool hurry;
	void (*on_gone)(void *ctx);
	void *ctx;
	void __iomem *rstat;
	void __iomem *ctrl;
};

int wto_hw_init(struct wto_hw *hw, struct pci_dev *pdev, enum wto_hw_map map);
void wto_hw_exit(struct wto_hw *hw);
int wto_hw_map_ranges(struct wto_hw *hw, const struct wto_hw_range *ranges,
		      unsigned int num_ranges);
void wto_hw_unmap_ranges(struct wto_hw *hw);

void __iomem *wto_hw_reg(const struct wto_hw *hw, u64 offset);
void wto_hw_set_gone(struct wto_hw *hw);
bool wto_hw_check(struct wto_hw *hw);
bool wto_hw_ready(struct wto_hw *hw);
bool wto_hw_overdue(const struct wto_hw *hw, unsigned long start,
		    unsigned int ms);
int wto_hw_wait_ready(struct wto_hw *hw);
int wto_hw_reset_pf(struct wto_hw *hw);

/**
 * wto_hw_gone - has the device stopped to answer?
 * @hw: the function's registers
 *
 * Context: Any.
 * Return: true once a read gave all ones where that cannot be.
 */
static inline bool wto_hw_gone(const struct wto_hw *hw)
{
	return READ_ONCE(hw->gone);
}

#endif /* WTO_HW_H */
