// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control plane of a function: from a function out of reset to one whose
 * capabilities, registers, vectors and packet types are known, and back.
 * Probe and recovery go the same way.
 */

#include <linux/interrupt.h>
#include <linux/pci.h>

#include <wto/regs.h>

#include "wto.h"

/* After a reset the device may need a moment before it answers */
#define WTO_CTRL_VERSION_TRIES	5

/* What the driver can make use of */
#define WTO_CTRL_WANT_HSPLIT	(VC2_HSPLIT_AT_L4V4 | VC2_HSPLIT_AT_L4V6)
#define WTO_CTRL_WANT_RSS	(VC2_FLOW_IPV4_TCP | VC2_FLOW_IPV4_UDP | \
				 VC2_FLOW_IPV4_SCTP | VC2_FLOW_IPV4_OTHER | \
				 VC2_FLOW_IPV6_TCP | VC2_FLOW_IPV6_UDP | \
				 VC2_FLOW_IPV6_SCTP | VC2_FLOW_IPV6_OTHER)
#define WTO_CTRL_WANT_OTHER	(VC2_CAP_MACFILTER | VC2_CAP_WB_ON_ITR | \
				 VC2_CAP_PROMISC | VC2_CAP_LINK_SPEED | \
				 VC2_CAP_SPLITQ_QSCHED | \
				 VC2_CAP_RX_FLEX_DESC | VC2_CAP_PTYPE | \
				 VC2_CAP_LOOPBACK | \
				 VC2_CAP_LAN_MEMORY_REGIONS)

static void wto_ctrl_mbx_irq_on(struct wto_irqs *irqs,
				const struct wto_hw_layout *layout)
{
	writel(layout->icr_ena_bits, irqs->mbx_icr_ena);
	writel(IDPF_DYN_CTL_INTENA |
	       FIELD_PREP(IDPF_DYN_CTL_ITR_INDX, IDPF_DYN_CTL_ITR_INDX_NONE),
	       irqs->mbx_dyn_ctl);
}

static irqreturn_t wto_ctrl_mbx_thread(int irq, void *data)
{
	struct wto_adapter *adapter = data;
	int err;

	wto_mbx_drain(&adapter->mbx);
	if (wto_hw_gone(&adapter->hw))
		return IRQ_HANDLED;

	wto_ctrl_mbx_irq_on(&adapter->irqs, adapter->hw.layout);
	/* a device that resets itself raises this interrupt, too */
	err = wto_mbx_health(&adapter->mbx);
	if (err) {
		wto_mbx_abort(&adapter->mbx, err);
		wto_reset_kick(adapter);
	}

	return IRQ_HANDLED;
}

static int wto_ctrl_version(struct wto_adapter *adapter)
{
	int tries = WTO_CTRL_VERSION_TRIES;
	int err;

	do {
		err = wto_vc_version(&adapter->mbx, &adapter->version);
	} while (err == -EIO && READ_ONCE(adapter->mbx.up) && --tries);

	return err;
}

static int wto_ctrl_caps(struct wto_adapter *adapter)
{
	struct wto_vc_caps *caps = &adapter->caps;
	u32 offloads[OFL_NUM_CAP_WORDS];
	int err;

	ofl_caps_wanted(offloads);
	memset(caps, 0, sizeof(*caps));
	caps->csum = offloads[OFL_CAP_CSUM];
	caps->seg = offloads[OFL_CAP_SEG];
	caps->hsplit = WTO_CTRL_WANT_HSPLIT;
	caps->rss = WTO_CTRL_WANT_RSS;
	caps->other = WTO_CTRL_WANT_OTHER;
	err = wto_vc_get_caps(&adapter->mbx, caps);
	if (err)
		return err;

	if (!caps->max_txq || !caps->max_rxq || !caps->max_vports) {
		dev_err(adapter->dev, "device has %u tx queues, %u rx queues and %u vports, at least one of each is needed\n",
			caps->max_txq, caps->max_rxq, caps->max_vports);
		return -EIO;
	}
	if (caps->num_vectors < 2 || caps->mbx_vector >= caps->num_vectors) {
		dev_err(adapter->dev, "device has %u vectors and uses number %u for the mailbox\n",
			caps->num_vectors, caps->mbx_vector);
		return -EIO;
	}
	/* vports that are there come back, no more and no less */
	if (adapter->num_vports > caps->max_vports) {
		dev_err(adapter->dev, "device has only %u vports left of %u\n",
			caps->max_vports, adapter->num_vports);
		return -EIO;
	}
	if (adapter->num_vports)
		caps->default_vports = adapter->num_vports;
	caps->default_vports = clamp(caps->default_vports, 1,
				     min(caps->max_vports, WTO_MAX_VPORTS));

	return 0;
}

static int wto_ctrl_map(struct wto_adapter *adapter)
{
	struct wto_hw_range ranges[WTO_HW_MAX_REGIONS];
	struct wto_irqs *irqs = &adapter->irqs;
	int num = 0;
	int err;

	if (adapter->caps.other & VC2_CAP_LAN_MEMORY_REGIONS) {
		num = wto_vc_get_regions(&adapter->mbx, ranges,
					 ARRAY_SIZE(ranges));
		if (num < 0)
			return num;
	}
	err = wto_hw_map_ranges(&adapter->hw, ranges, num);
	if (err)
		return err;

	irqs->mbx_dyn_ctl = wto_hw_reg(&adapter->hw,
				       adapter->caps.mbx_dyn_ctl);
	irqs->mbx_icr_ena = wto_hw_reg(&adapter->hw,
				       adapter->hw.layout->icr_ena);
	if (!irqs->mbx_dyn_ctl || !irqs->mbx_icr_ena) {
		dev_err(adapter->dev, "interrupt registers %#x, %#x of the mailbox are not among the registers\n",
			adapter->caps.mbx_dyn_ctl,
			adapter->hw.layout->icr_ena);
		wto_hw_unmap_ranges(&adapter->hw);
		return -EIO;
	}

	return 0;
}

/* MSI-X entries are taken once, at probe, and kept over resets: interrupts and
 * their affinity stay what they are.
 */
static int wto_ctrl_alloc_msix(struct wto_adapter *adapter)
{
	unsigned int want = 1 + adapter->caps.default_vports * WTO_MAX_QUEUES;
	struct wto_irqs *irqs = &adapter->irqs;
	int num;

	if (irqs->num) {
		if (irqs->num > adapter->caps.num_vectors)
			dev_warn_ratelimited(adapter->dev, "device had %u vectors and now has %u\n",
					     irqs->num,
					     adapter->caps.num_vectors);
		return 0;
	}

	want = min3(want, adapter->caps.num_vectors, WTO_MAX_VECTORS);
	num = pci_alloc_irq_vectors(adapter->pdev,
				    adapter->caps.default_vports + 1, want,
				    PCI_IRQ_MSIX);
	if (num < 0) {
		dev_err(adapter->dev, "no MSI-X vectors: %pe\n", ERR_PTR(num));
		return num;
	}
	irqs->num = num;

	return 0;
}

static int wto_ctrl_request_mbx_irq(struct wto_adapter *adapter)
{
	struct wto_irqs *irqs = &adapter->irqs;
	int irq;
	int err;

	irq = pci_irq_vector(adapter->pdev, adapter->caps.mbx_vector);
	if (irq < 0) {
		dev_err(adapter->dev, "mailbox vector %u is not one of the %u\n",
			adapter->caps.mbx_vector, irqs->num);
		return irq;
	}
	if (irqs->mbx_irq == irq) {
		enable_irq(irq);
		return 0;
	}
	/* the device chose another vector this time */
	if (irqs->mbx_irq)
		free_irq(irqs->mbx_irq, adapter);
	irqs->mbx_irq = 0;
	snprintf(irqs->mbx_name, sizeof(irqs->mbx_name), "%s-%s-mbx",
		 WTO_DRV_NAME, pci_name(adapter->pdev));
	err = request_threaded_irq(irq, NULL, wto_ctrl_mbx_thread,
				   IRQF_ONESHOT, irqs->mbx_name, adapter);
	if (err) {
		dev_err(adapter->dev, "mailbox interrupt: %pe\n", ERR_PTR(err));
		return err;
	}
	irqs->mbx_irq = irq;

	return 0;
}

/* A vector that two queues believed to be theirs would be requested twice */
static int wto_ctrl_check_vectors(struct wto_adapter *adapter, u16 num)
{
	struct wto_irqs *irqs = &adapter->irqs;
	DECLARE_BITMAP(seen, WTO_MAX_VECTORS) = {};
	u16 i;

	for (i = 0; i < num; i++) {
		u16 id = irqs->vec[i].id;

		if (id >= irqs->num || id == adapter->caps.mbx_vector ||
		    __test_and_set_bit(id, seen)) {
			dev_err(adapter->dev, "the device gave vector %u, which is not one of the %u or not free\n",
				id, irqs->num);
			return -EIO;
		}
	}

	return 0;
}

static int wto_ctrl_irqs(struct wto_adapter *adapter)
{
	struct wto_irqs *irqs = &adapter->irqs;
	u16 num;
	int err;

	err = wto_ctrl_alloc_msix(adapter);
	if (err)
		return err;
	err = wto_ctrl_request_mbx_irq(adapter);
	if (err)
		return err;
	wto_ctrl_mbx_irq_on(irqs, adapter->hw.layout);
	WRITE_ONCE(adapter->mbx.irq, true);

	num = min(irqs->num, adapter->caps.num_vectors) - 1;
	err = wto_vc_alloc_vectors(&adapter->mbx, irqs->vec, num);
	if (!err)
		err = wto_ctrl_check_vectors(adapter, num);
	if (err)
		return err;
	irqs->num_vec = num;

	return 0;
}

/* The interrupt stays installed, but cannot run, since registers go away */
static void wto_ctrl_irqs_off(struct wto_adapter *adapter)
{
	if (!READ_ONCE(adapter->mbx.irq))
		return;

	WRITE_ONCE(adapter->mbx.irq, false);
	if (!wto_hw_gone(&adapter->hw))
		writel(0, adapter->irqs.mbx_dyn_ctl);
	disable_irq(adapter->irqs.mbx_irq);
}

/**
 * wto_ctrl_up - bring the control plane up
 * @adapter: function out of reset, control plane down
 *
 * Context: Process, may sleep.
 * Return: 0, or a negative errno and the control plane is down.
 */
int wto_ctrl_up(struct wto_adapter *adapter)
{
	int err;

	pci_set_master(adapter->pdev);
	err = wto_mbx_start(&adapter->mbx);
	if (err) {
		dev_err(adapter->dev, "the device does not take the mailbox\n");
		return err;
	}
	err = wto_ctrl_version(adapter);
	if (err)
		goto stop_mbx;
	err = wto_ctrl_caps(adapter);
	if (err)
		goto stop_mbx;
	err = wto_ctrl_map(adapter);
	if (err)
		goto stop_mbx;
	err = wto_ctrl_irqs(adapter);
	if (err)
		goto irqs_off;
	err = wto_vc_get_ptypes(&adapter->mbx, adapter->ptypes);
	if (err)
		goto irqs_off;
	set_bit(WTO_F_UP, adapter->flags);

	return 0;

irqs_off:
	wto_mbx_stop(&adapter->mbx);
	wto_ctrl_irqs_off(adapter);
	wto_hw_unmap_ranges(&adapter->hw);
	return err;
stop_mbx:
	wto_mbx_stop(&adapter->mbx);
	return err;
}

/**
 * wto_ctrl_down - take the control plane down, as after a reset
 * @adapter: function; no vport uses it
 *
 * Context: Process, may sleep.
 */
void wto_ctrl_down(struct wto_adapter *adapter)
{
	if (!test_and_clear_bit(WTO_F_UP, adapter->flags))
		return;

	wto_mbx_stop(&adapter->mbx);
	wto_ctrl_irqs_off(adapter);
	wto_hw_unmap_ranges(&adapter->hw);
}

/**
 * wto_ctrl_exit - give back what survives wto_ctrl_down()
 * @adapter: function, control plane down
 *
 * Context: Process, may sleep.
 */
void wto_ctrl_exit(struct wto_adapter *adapter)
{
	struct wto_irqs *irqs = &adapter->irqs;

	if (irqs->mbx_irq)
		free_irq(irqs->mbx_irq, adapter);
	irqs->mbx_irq = 0;
	if (irqs->num)
		pci_free_irq_vectors(adapter->pdev);
	irqs->num = 0;
}
