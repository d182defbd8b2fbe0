/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-user messages as they are on the socket.
 *
 * The protocol runs between processes of one machine and is defined in the
 * order of its bytes; machines with a big-endian order are not supported.
 */

#ifndef IDPF_NIC_VFU_PROTO_H
#define IDPF_NIC_VFU_PROTO_H

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little endian");

#define VFU_MAJOR		0
#define VFU_MINOR		0	/* QEMU refuses any other */

enum vfu_command {
	VFU_CMD_VERSION		= 1,
	VFU_CMD_DMA_MAP		= 2,
	VFU_CMD_DMA_UNMAP	= 3,
	VFU_CMD_GET_INFO	= 4,
	VFU_CMD_REGION_INFO	= 5,
	VFU_CMD_REGION_IO_FDS	= 6,
	VFU_CMD_IRQ_INFO	= 7,
	VFU_CMD_SET_IRQS	= 8,
	VFU_CMD_REGION_READ	= 9,
	VFU_CMD_REGION_WRITE	= 10,
	VFU_CMD_DMA_READ	= 11,
	VFU_CMD_DMA_WRITE	= 12,
	VFU_CMD_RESET		= 13,
	VFU_CMD_WRITE_MULTI	= 15,
};

/**
 * struct vfu_header - start of every message
 * @id: chosen by the requester, echoed in the reply
 * @cmd: enum vfu_command
 * @size: of the whole message, header included
 * @flags: VFU_F_*
 * @error: positive errno with VFU_F_ERROR
 */
struct vfu_header {
	u16 id;
	u16 cmd;
	u32 size;
	u32 flags;
	u32 error;
};

static_assert(sizeof(struct vfu_header) == 16, "header");

#define VFU_F_TYPE		GENMASK(3, 0)
#define VFU_TYPE_REQUEST	0
#define VFU_TYPE_REPLY		1
#define VFU_F_NO_REPLY		BIT(4)
#define VFU_F_ERROR		BIT(5)

/* followed by a JSON text with its NUL */
struct vfu_version {
	u16 major;
	u16 minor;
};

/* flags: 1 readable, 2 writable: as DMA_PROT_READ, DMA_PROT_WRITE */
struct vfu_dma_map {
	u32 argsz;
	u32 flags;
	u64 offset;
	u64 addr;
	u64 len;
};

static_assert(sizeof(struct vfu_dma_map) == 32, "map");

#define VFU_UNMAP_ALL		BIT(1)

struct vfu_dma_unmap {
	u32 argsz;
	u32 flags;
	u64 addr;
	u64 len;
};

static_assert(sizeof(struct vfu_dma_unmap) == 24, "unmap");

#define VFU_DEVICE_RESET	BIT(0)
#define VFU_DEVICE_PCI		BIT(1)

struct vfu_device_info {
	u32 argsz;
	u32 flags;
	u32 num_regions;
	u32 num_irqs;
};

static_assert(sizeof(struct vfu_device_info) == 16, "device info");

struct vfu_region_info {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 cap_offset;
	u64 size;
	u64 offset;
};

static_assert(sizeof(struct vfu_region_info) == 32, "region info");

#define VFU_IRQ_INFO_EVENTFD	BIT(0)
#define VFU_IRQ_INFO_NORESIZE	BIT(3)

struct vfu_irq_info {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 count;
};

static_assert(sizeof(struct vfu_irq_info) == 16, "irq info");

#define VFU_IRQ_SET_DATA		GENMASK(2, 0)
#define VFU_IRQ_SET_DATA_NONE		BIT(0)
#define VFU_IRQ_SET_DATA_BOOL		BIT(1)
#define VFU_IRQ_SET_DATA_EVENTFD	BIT(2)
#define VFU_IRQ_SET_ACTION_TRIGGER	BIT(5)

struct vfu_set_irqs {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 start;
	u32 count;
};

static_assert(sizeof(struct vfu_set_irqs) == 20, "set irqs");

/* followed by the data, in read replies and write requests */
struct vfu_region_access {
	u64 offset;
	u32 region;
	u32 count;
};

static_assert(sizeof(struct vfu_region_access) == 16, "region access");

#define VFU_WRITE_MULTI_MAX	2048

/* preceded by their number, a u64 */
struct vfu_write_multi_entry {
	struct vfu_region_access acc;
	u8 data[8];
};

static_assert(sizeof(struct vfu_write_multi_entry) == 24, "write multi");

#endif /* IDPF_NIC_VFU_PROTO_H */
