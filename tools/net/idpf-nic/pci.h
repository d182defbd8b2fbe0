/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI function: configuration space, BARs, function-level reset.
 */

#ifndef IDPF_NIC_PCI_H
#define IDPF_NIC_PCI_H

#include <stdatomic.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"
#include "irq.h"

#define PCI_CFG_SIZE		4096
#define PCI_NUM_BARS		6
#define PCI_MSIX_BAR_SIZE	0x10000
#define PCI_BAR_PBA_OFFSET	0x8000

/* An id of no driver's table, found by its class code only */
#define PCI_DEVICE_ID_CLASS	0x14fe

struct nic_port;

/**
 * struct pci - configuration space and what follows from it
 * @may_dma: bus master enabled and in power state D0
 * @cfg: contents
 * @wmask: bits that the guest may change
 * @msix_table: storage of the MSI-X table; QEMU keeps its own
 * @err_fd: eventfd for errors, never signalled; -1
 */
struct pci {
	_Atomic bool may_dma;
	u8 cfg[PCI_CFG_SIZE];
	u8 wmask[PCI_CFG_SIZE];
	u8 msix_table[IRQ_MAX_VECTORS * 16];
	int err_fd;
};

/* fill in the configuration space by the port's configuration */
void pci_init(struct nic_port *port);

/* function reset: registers to their initial values.  Context: io thread. */
void pci_reset(struct nic_port *port);

/* the callbacks that vfu.c makes for a port; its context is the port */
struct vfu_ops;
extern const struct vfu_ops pci_vfu_ops;

#endif /* IDPF_NIC_PCI_H */
