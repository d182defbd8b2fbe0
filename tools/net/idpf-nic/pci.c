// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI function: configuration space, BARs, resets, interrupts.
 *
 * Context: io thread.
 */

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "efd.h"
#include "nic.h"
#include "vfu.h"

#define CAP_PM_OFFSET		0x40
#define CAP_MSIX_OFFSET		0x50
#define CAP_EXP_OFFSET		0x70
#define EXT_CAP_AER_OFFSET	0x100
#define EXT_CAP_DSN_OFFSET	0x150

#define PMCSR_OFFSET		(CAP_PM_OFFSET + PCI_PM_CTRL)
#define EXP_DEVCTL_OFFSET	(CAP_EXP_OFFSET + PCI_EXP_DEVCTL)

/* an 8 GT/s link of 8 lanes */
#define LINK_SPEED		PCI_EXP_LNKCAP_SLS_8_0GB
#define LINK_WIDTH		8

/* errors that an endpoint can report, and what the standard says of them */
#define AER_UNC			(PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP | \
				 PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME | \
				 PCI_ERR_UNC_COMP_ABORT | \
				 PCI_ERR_UNC_UNX_COMP | \
				 PCI_ERR_UNC_RX_OVER | \
				 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP | \
				 PCI_ERR_UNC_INTN)
#define AER_UNC_MASKED		PCI_ERR_UNC_INTN
#define AER_UNC_FATAL		(PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | \
				 PCI_ERR_UNC_RX_OVER | \
				 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_INTN)
#define AER_COR			(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | \
				 PCI_ERR_COR_BAD_DLLP | \
				 PCI_ERR_COR_REP_ROLL | \
				 PCI_ERR_COR_REP_TIMER | \
				 PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL)
#define AER_COR_MASKED		(PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL)
/* masks and severities survive a function-level reset */
#define AER_STICKY_OFFSET	(EXT_CAP_AER_OFFSET + PCI_ERR_UNCOR_MASK)
#define AER_STICKY_LEN		(PCI_ERR_CAP - PCI_ERR_UNCOR_MASK)

static void cfg_set8(struct pci *pci, u32 off, u8 val)
{
	pci->cfg[off] = val;
}

static void cfg_set16(struct pci *pci, u32 off, u16 val)
{
	__le16 v = cpu_to_le16(val);

	memcpy(&pci->cfg[off], &v, sizeof(v));
}

static void cfg_set32(struct pci *pci, u32 off, u32 val)
{
	__le32 v = cpu_to_le32(val);

	memcpy(&pci->cfg[off], &v, sizeof(v));
}

static u16 cfg_get16(const struct pci *pci, u32 off)
{
	__le16 v;

	memcpy(&v, &pci->cfg[off], sizeof(v));
	return le16_to_cpu(v);
}

static void cfg_mask16(struct pci *pci, u32 off, u16 mask)
{
	__le16 v = cpu_to_le16(mask);

	memcpy(&pci->wmask[off], &v, sizeof(v));
}

static void cfg_mask32(struct pci *pci, u32 off, u32 mask)
{
	__le32 v = cpu_to_le32(mask);

	memcpy(&pci->wmask[off], &v, sizeof(v));
}

static void cfg_init_identity(struct nic_port *port)
{
	static const u16 device_ids[] = {
		[NIC_ID_PF] = IDPF_PCI_DEVICE_ID_PF,
		[NIC_ID_VF] = IDPF_PCI_DEVICE_ID_VF,
		[NIC_ID_CLASS] = PCI_DEVICE_ID_CLASS,
	};
	struct pci *pci = &port->pci;
	u16 id = device_ids[port->cfg.identity];

	cfg_set16(pci, PCI_VENDOR_ID, IDPF_PCI_VENDOR_ID);
	cfg_set16(pci, PCI_DEVICE_ID, id);
	cfg_set16(pci, PCI_SUBSYSTEM_VENDOR_ID, IDPF_PCI_VENDOR_ID);
	cfg_set16(pci, PCI_SUBSYSTEM_ID, id);
	cfg_set8(pci, PCI_CLASS_PROG,
		 port->cfg.identity == NIC_ID_CLASS ? IDPF_PCI_CLASS & 0xff : 0);
	cfg_set16(pci, PCI_CLASS_DEVICE, IDPF_PCI_CLASS >> 8);
	cfg_set16(pci, PCI_STATUS, PCI_STATUS_CAP_LIST);
	cfg_mask16(pci, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		   PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		   PCI_COMMAND_INTX_DISABLE);
	pci->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	pci->wmask[PCI_INTERRUPT_LINE] = 0xff;
}

/* QEMU keeps BARs itself; the masks make sizing work for others */
static void cfg_init_bars(struct nic_port *port)
{
	struct pci *pci = &port->pci;
	u64 mask = ~((u64)bar_layout(port)->size - 1);

	cfg_set32(pci, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_64 |
		  PCI_BASE_ADDRESS_MEM_PREFETCH);
	cfg_mask32(pci, PCI_BASE_ADDRESS_0, mask);
	cfg_mask32(pci, PCI_BASE_ADDRESS_1, mask >> 32);
	cfg_set32(pci, PCI_BASE_ADDRESS_4, 0);
	cfg_mask32(pci, PCI_BASE_ADDRESS_4, ~(PCI_MSIX_BAR_SIZE - 1U));
}

static void cfg_init_pm(struct pci *pci)
{
	cfg_set8(pci, CAP_PM_OFFSET, PCI_CAP_ID_PM);
	cfg_set8(pci, CAP_PM_OFFSET + 1, CAP_MSIX_OFFSET);
	cfg_set16(pci, CAP_PM_OFFSET + PCI_PM_PMC, 3);
	cfg_set16(pci, PMCSR_OFFSET, PCI_PM_CTRL_NO_SOFT_RESET);
	cfg_mask16(pci, PMCSR_OFFSET, PCI_PM_CTRL_STATE_MASK);
}

static void cfg_init_msix(struct nic_port *port)
{
	struct pci *pci = &port->pci;

	cfg_set8(pci, CAP_MSIX_OFFSET, PCI_CAP_ID_MSIX);
	cfg_set8(pci, CAP_MSIX_OFFSET + 1, CAP_EXP_OFFSET);
	cfg_set16(pci, CAP_MSIX_OFFSET + PCI_MSIX_FLAGS,
		  port->irq.num_vectors - 1);
	cfg_mask16(pci, CAP_MSIX_OFFSET + PCI_MSIX_FLAGS,
		   PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	cfg_set32(pci, CAP_MSIX_OFFSET + PCI_MSIX_TABLE, IDPF_BAR_MSIX);
	cfg_set32(pci, CAP_MSIX_OFFSET + PCI_MSIX_PBA,
		  PCI_BAR_PBA_OFFSET | IDPF_BAR_MSIX);
}

static void cfg_init_exp(struct pci *pci)
{
	const u32 cap = CAP_EXP_OFFSET;

	cfg_set8(pci, cap, PCI_CAP_ID_EXP);
	cfg_set8(pci, cap + 1, 0);
	cfg_set16(pci, cap + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	cfg_set32(pci, cap + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR |
		  PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_EXT_TAG | 1);
	cfg_set16(pci, cap + PCI_EXP_DEVCTL,
		  PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN);
	/* all but the reset bit, which always reads 0 */
	cfg_mask16(pci, cap + PCI_EXP_DEVCTL, (u16)~PCI_EXP_DEVCTL_BCR_FLR);
	cfg_set32(pci, cap + PCI_EXP_LNKCAP,
		  LINK_SPEED | LINK_WIDTH << 4);
	cfg_set16(pci, cap + PCI_EXP_LNKSTA, LINK_SPEED | LINK_WIDTH << 4);
	cfg_mask16(pci, cap + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_ASPMC |
		   PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC);
	cfg_set32(pci, cap + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB |
		  PCI_EXP_LNKCAP2_SLS_5_0GB | PCI_EXP_LNKCAP2_SLS_8_0GB);
	cfg_set16(pci, cap + PCI_EXP_LNKCTL2, LINK_SPEED);
}

/*
 * Errors are reported by whoever injects them, never by the NIC: all status
 * bits stay 0.
 */
static void cfg_init_aer(struct pci *pci)
{
	const u32 cap = EXT_CAP_AER_OFFSET;

	cfg_set32(pci, cap, PCI_EXT_CAP_ID_ERR | 2 << 16 |
		  EXT_CAP_DSN_OFFSET << 20);
	cfg_set32(pci, cap + PCI_ERR_UNCOR_MASK, AER_UNC_MASKED);
	cfg_mask32(pci, cap + PCI_ERR_UNCOR_MASK, AER_UNC);
	cfg_set32(pci, cap + PCI_ERR_UNCOR_SEVER, AER_UNC_FATAL);
	cfg_mask32(pci, cap + PCI_ERR_UNCOR_SEVER, AER_UNC);
	cfg_set32(pci, cap + PCI_ERR_COR_MASK, AER_COR_MASKED);
	cfg_mask32(pci, cap + PCI_ERR_COR_MASK, AER_COR);
}

/* serial number: the MAC address with ff:fe in the middle, as usual */
static void cfg_init_dsn(struct nic_port *port)
{
	const u8 *mac = port->cfg.mac;
	const u8 eui[8] = { mac[5], mac[4], mac[3], 0xfe, 0xff,
			    mac[2], mac[1], mac[0] };
	struct pci *pci = &port->pci;

	cfg_set32(pci, EXT_CAP_DSN_OFFSET, PCI_EXT_CAP_ID_DSN | 1 << 16);
	memcpy(&pci->cfg[EXT_CAP_DSN_OFFSET + 4], eui, sizeof(eui));
}

static void cfg_fill(struct nic_port *port)
{
	struct pci *pci = &port->pci;

	memset(pci->cfg, 0, sizeof(pci->cfg));
	memset(pci->wmask, 0, sizeof(pci->wmask));
	cfg_init_identity(port);
	cfg_init_bars(port);
	cfg_set8(pci, PCI_CAPABILITY_LIST, CAP_PM_OFFSET);
	cfg_init_pm(pci);
	cfg_init_msix(port);
	cfg_init_exp(pci);
	cfg_init_aer(pci);
	cfg_init_dsn(port);
}

void pci_init(struct nic_port *port)
{
	port->pci.err_fd = -1;
	cfg_fill(port);
}

void pci_reset(struct nic_port *port)
{
	atomic_store(&port->pci.may_dma, false);
	cfg_fill(port);
	memset(port->pci.msix_table, 0, sizeof(port->pci.msix_table));
}

/* ------------------------------------------------------------------ */
/* Configuration accesses                                               */

static void pci_function_reset(struct nic_port *port)
{
	nic_lock(port->nic);
	pci_reset(port);
	nic_port_reset(port);
	nic_unlock(port->nic);
}

/*
 * Bus mastering and the power state decide whether the data path may touch
 * guest memory.  When that ends, a round in progress has to end first.
 */
static void pci_update_dma(struct nic_port *port)
{
	struct pci *pci = &port->pci;
	bool may = (cfg_get16(pci, PCI_COMMAND) & PCI_COMMAND_MASTER) &&
		   !(cfg_get16(pci, PMCSR_OFFSET) & PCI_PM_CTRL_STATE_MASK);

	if (may == atomic_load(&pci->may_dma))
		return;
	report_trace(port, "bus mastering %s", may ? "on" : "off");
	if (may) {
		atomic_store(&pci->may_dma, true);
		atomic_store(&port->kick.mbx, true);
		atomic_store(&port->kick.txq, ~0ULL);
		nic_wake(port->nic);
	} else {
		nic_lock(port->nic);
		atomic_store(&pci->may_dma, false);
		nic_unlock(port->nic);
	}
}

static void pci_flr(struct nic_port *port)
{
	u8 *sticky = &port->pci.cfg[AER_STICKY_OFFSET];
	u8 kept[AER_STICKY_LEN];

	report_trace(port, "function-level reset");
	memcpy(kept, sticky, sizeof(kept));
	pci_function_reset(port);
	memcpy(sticky, kept, sizeof(kept));
}

static void cfg_write(struct nic_port *port, u32 off, const u8 *buf, u32 len)
{
	struct pci *pci = &port->pci;
	bool flr = false;

	for (u32 i = 0; i < len; i++) {
		u32 at = off + i;
		u8 mask = pci->wmask[at];

		pci->cfg[at] = (pci->cfg[at] & ~mask) | (buf[i] & mask);
		if (at == EXP_DEVCTL_OFFSET + 1 &&
		    (buf[i] & (PCI_EXP_DEVCTL_BCR_FLR >> 8)))
			flr = true;
	}
	if (flr)
		pci_flr(port);
	pci_update_dma(port);
}

/* ------------------------------------------------------------------ */
/* MSI-X BAR                                                            */

static void msix_read(struct nic_port *port, u64 off, u8 *buf, u32 len)
{
	u32 table_size = port->irq.num_vectors * PCI_MSIX_ENTRY_SIZE;

	memset(buf, 0, len);
	for (u32 i = 0; i < len; i++) {
		u64 at = off + i;

		if (at < table_size)
			buf[i] = port->pci.msix_table[at];
		else if (at >= PCI_BAR_PBA_OFFSET &&
			 at < PCI_BAR_PBA_OFFSET + IRQ_MAX_VECTORS / 8)
			buf[i] = irq_read_pba(port, (at - PCI_BAR_PBA_OFFSET) / 4)
				 >> 8 * (at & 3);
	}
}

static void msix_write(struct nic_port *port, u64 off, const u8 *buf, u32 len)
{
	u32 table_size = port->irq.num_vectors * PCI_MSIX_ENTRY_SIZE;

	if (off >= table_size)
		return;
	if (len > table_size - off)
		len = table_size - off;
	memcpy(&port->pci.msix_table[off], buf, len);
}

/* ------------------------------------------------------------------ */
/* Callbacks of the transport                                           */

static u64 pci_region_size(struct nic_port *port, u32 region)
{
	switch (region) {
	case VFU_REGION_BAR0 + IDPF_BAR_REGS:
		return bar_layout(port)->size;
	case VFU_REGION_BAR0 + IDPF_BAR_MSIX:
		return PCI_MSIX_BAR_SIZE;
	case VFU_REGION_CONFIG:
		return PCI_CFG_SIZE;
	default:
		return 0;
	}
}

/*
 * The error interrupt is there although the function never has an error to
 * tell by it: QEMU warns at every start if it is missing.
 */
static u32 pci_irq_count(struct nic_port *port, u32 index)
{
	switch (index) {
	case VFU_IRQ_MSIX:
		return port->irq.num_vectors;
	case VFU_IRQ_ERR:
		return 1;
	default:
		return 0;
	}
}

static void pci_read(struct nic_port *port, const struct vfu_access *acc,
		     u8 *buf)
{
	switch (acc->region) {
	case VFU_REGION_BAR0 + IDPF_BAR_REGS:
		bar_read(port, acc->offset, buf, acc->len);
		break;
	case VFU_REGION_BAR0 + IDPF_BAR_MSIX:
		msix_read(port, acc->offset, buf, acc->len);
		break;
	case VFU_REGION_CONFIG:
		memcpy(buf, &port->pci.cfg[acc->offset], acc->len);
		break;
	}
}

static void pci_write(struct nic_port *port, const struct vfu_access *acc,
		      const u8 *buf)
{
	switch (acc->region) {
	case VFU_REGION_BAR0 + IDPF_BAR_REGS:
		bar_write(port, acc->offset, buf, acc->len);
		break;
	case VFU_REGION_BAR0 + IDPF_BAR_MSIX:
		msix_write(port, acc->offset, buf, acc->len);
		break;
	case VFU_REGION_CONFIG:
		cfg_write(port, acc->offset, buf, acc->len);
		break;
	}
}

static void pci_set_err_fd(struct nic_port *port, const struct vfu_irq_set *set)
{
	if (set->trigger)
		return;
	if (port->pci.err_fd >= 0)
		close(port->pci.err_fd);
	port->pci.err_fd = set->fds ? set->fds[0] : -1;
}

static int pci_set_irqs(struct nic_port *port, const struct vfu_irq_set *set)
{
	report_trace(port, "interrupts %u: %u from %u %s", set->index, set->count,
		     set->start, set->trigger ? "triggered" :
		     set->fds ? "attached" : "detached");
	for (u32 i = 0; set->fds && i < set->count; i++)
		if (!efd_check(set->fds[i])) {
			report_error(port, REPORT_VFU_MALFORMED,
				     "descriptor for vector %u is no eventfd",
				     set->start + i);
			return -EINVAL;
		}
	if (set->index == VFU_IRQ_ERR) {
		pci_set_err_fd(port, set);
		return 0;
	}
	if (set->index != VFU_IRQ_MSIX)
		return set->count ? -EINVAL : 0;
	nic_lock(port->nic);
	if (set->trigger)
		irq_trigger(port, set->start, set->count);
	else
		irq_set_fds(port, set->start, set->count, set->fds);
	nic_unlock(port->nic);
	return 0;
}

static int pci_dma_map(struct nic_port *port, const struct dma_map_req *req)
{
	int err;

	nic_lock(port->nic);
	err = dma_map(&port->dma, req);
	nic_unlock(port->nic);
	report_trace(port, "map 0x%llx + 0x%llx %s: %d",
		     (unsigned long long)req->addr, (unsigned long long)req->len,
		     req->fd < 0 ? "without descriptor" : "", err);
	return err;
}

static int pci_dma_unmap(struct nic_port *port, u64 addr, u64 len)
{
	int err = 0;

	nic_lock(port->nic);
	if (len == ~0ULL && !addr)
		dma_unmap_all(&port->dma);
	else
		err = dma_unmap(&port->dma, addr, len);
	nic_unlock(port->nic);
	report_trace(port, "unmap 0x%llx + 0x%llx: %d", (unsigned long long)addr,
		     (unsigned long long)len, err);
	return err;
}

static void pci_device_reset(struct nic_port *port)
{
	report_trace(port, "device reset");
	pci_function_reset(port);
}

static void pci_connected(struct nic_port *port)
{
	report_info(port, "client connected");
}

static void pci_gone(struct nic_port *port)
{
	struct vfu_irq_set no_err = { .index = VFU_IRQ_ERR };

	report_info(port, "client gone");
	nic_lock(port->nic);
	pci_reset(port);
	nic_port_reset(port);
	dma_unmap_all(&port->dma);
	irq_set_fds(port, 0, port->irq.num_vectors, NULL);
	nic_unlock(port->nic);
	pci_set_err_fd(port, &no_err);
}

const struct vfu_ops pci_vfu_ops = {
	.region_size = pci_region_size,
	.irq_count = pci_irq_count,
	.read = pci_read,
	.write = pci_write,
	.set_irqs = pci_set_irqs,
	.dma_map = pci_dma_map,
	.dma_unmap = pci_dma_unmap,
	.reset = pci_device_reset,
	.connected = pci_connected,
	.gone = pci_gone,
};
