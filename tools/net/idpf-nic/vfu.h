/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-user, server side: the transport and nothing of the device.
 *
 * Context of everything here: io thread.
 */

#ifndef IDPF_NIC_VFU_H
#define IDPF_NIC_VFU_H

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"
#include "dma.h"

/* region indices, as vfio-pci numbers them */
#define VFU_REGION_BAR0		0
#define VFU_REGION_ROM		6
#define VFU_REGION_CONFIG	7
#define VFU_NUM_REGIONS		9

/* interrupt indices */
#define VFU_IRQ_MSIX		2
#define VFU_IRQ_ERR		3
#define VFU_NUM_IRQS		5

#define VFU_REGION_READ		BIT(0)
#define VFU_REGION_WRITE	BIT(1)

struct nic_port;

/**
 * struct vfu_irq_set - SET_IRQS after its checks
 * @index: interrupt index, has @start + @count vectors at least
 * @start: first vector
 * @count: number of vectors; 0: all of the index
 * @trigger: signal the vectors now; otherwise set their eventfds
 * @fds: @count descriptors, taken over; NULL: detach
 */
struct vfu_irq_set {
	u32 index;
	u32 start;
	u32 count;
	bool trigger;
	const int *fds;
};

/**
 * struct vfu_access - one region access, range checked
 * @region: region index
 * @offset: in the region
 * @len: bytes; offset + len is within the region
 */
struct vfu_access {
	u32 region;
	u64 offset;
	u32 len;
};

/**
 * struct vfu_ops - the device behind the transport
 * @region_size: size of a region, 0 if there is none
 * @irq_count: number of vectors of an interrupt index
 * @read: fill @buf
 * @write: take @buf
 * @set_irqs: change or signal vectors
 * @dma_map: new guest memory; the descriptor stays the caller's
 * @dma_unmap: remove guest memory; @len ~0 with @addr 0: all
 * @reset: device reset, done when it returns
 * @connected: a client has come
 * @gone: the client has left: forget everything of it
 *
 * Functions that return int return 0 or a negative errno, which the client
 * gets.
 */
struct vfu_ops {
	u64 (*region_size)(struct nic_port *port, u32 region);
	u32 (*irq_count)(struct nic_port *port, u32 index);
	void (*read)(struct nic_port *port, const struct vfu_access *acc, u8 *buf);
	void (*write)(struct nic_port *port, const struct vfu_access *acc,
		      const u8 *buf);
	int (*set_irqs)(struct nic_port *port, const struct vfu_irq_set *set);
	int (*dma_map)(struct nic_port *port, const struct dma_map_req *req);
	int (*dma_unmap)(struct nic_port *port, u64 addr, u64 len);
	void (*reset)(struct nic_port *port);
	void (*connected)(struct nic_port *port);
	void (*gone)(struct nic_port *port);
};

/**
 * vfu_open() - listen
 * @port: context of the callbacks
 * @path: socket; an old one that nobody serves is replaced
 * @ops: the device
 *
 * Return: the server, or NULL with errno set.
 */
struct vfu *vfu_open(struct nic_port *port, const char *path,
		     const struct vfu_ops *ops);

/* drop the client, remove the socket; @vfu may be NULL */
void vfu_close(struct vfu *vfu);

#endif /* IDPF_NIC_VFU_H */
