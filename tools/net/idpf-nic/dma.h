/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: what the VMM has mapped for the device, and nothing else.
 */

#ifndef IDPF_NIC_DMA_H
#define IDPF_NIC_DMA_H

#include <sys/uio.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_types.h"

#define DMA_MAX_REGIONS		65535	/* of a port; see dma_limit() too */
#define DMA_PAGE_SIZE		4096ULL	/* "pgsizes" of VERSION */

#define DMA_PROT_READ		BIT(0)
#define DMA_PROT_WRITE		BIT(1)

struct nic;
struct nic_port;

/**
 * struct dma_region - one range of guest addresses
 * @addr: guest address of the first byte
 * @len: bytes; addr + len does not wrap
 * @host: where it is mapped here, NULL if it came without a descriptor
 * @map: start of the mapping, whose pages may be larger than ours
 * @map_len: bytes of the mapping
 * @prot: DMA_PROT_*
 */
struct dma_region {
	u64 addr;
	u64 len;
	u8 *host;
	u8 *map;
	u64 map_len;
	unsigned int prot;
};

/**
 * struct dma - the map of a port
 * @regions: sorted by address, without overlap
 * @num_regions: entries in use
 * @max_regions: entries allocated
 */
struct dma {
	struct dma_region *regions;
	unsigned int num_regions;
	unsigned int max_regions;
};

/**
 * struct dma_hint - where the last access of a user was found
 * @idx: index in dma->regions; may be out of date, is checked on use
 */
struct dma_hint {
	unsigned int idx;
};

/**
 * struct dma_map_req - a range that the VMM offers
 * @addr: guest address
 * @len: bytes
 * @offset: in the file behind @fd
 * @prot: DMA_PROT_*
 * @fd: descriptor, stays the caller's; -1 for none
 */
struct dma_map_req {
	u64 addr;
	u64 len;
	u64 offset;
	unsigned int prot;
	int fd;
};

/**
 * dma_limit() - find out how many mappings this process may have
 *
 * All ports share vm.max_map_count with each other and with malloc(), and the
 * process ends if that gets none.  dma_map() refuses what is beyond.
 *
 * Context: at start, or nic->lock held.
 * Return: mappings that all ports together may have.
 */
unsigned int dma_limit(void);

/**
 * dma_map() - add a range
 * @dma: the map
 * @req: the range
 *
 * Context: nic->lock held.
 * Return: 0, -EINVAL (empty, wraps, no pages, file too short), -EEXIST (overlaps),
 * -ENOSPC (too many of this port, or of all) or what mmap() says.
 */
int dma_map(struct dma *dma, const struct dma_map_req *req);

/**
 * dma_unmap() - remove every range that lies inside of the given one
 * @dma: the map
 * @addr: guest address
 * @len: bytes
 *
 * After this no access to the range happens any more.
 *
 * Context: nic->lock held.
 * Return: 0, -ENOENT (nothing there), -EINVAL (would cut a range in two).
 */
int dma_unmap(struct dma *dma, u64 addr, u64 len);

/* remove all ranges.  Context: nic->lock held. */
void dma_unmap_all(struct dma *dma);

/**
 * dma_guard() - outlive a client that cuts the file behind its memory
 * @nic: the process
 *
 * An access behind the new end does not end the process any more: the range is
 * replaced by zeros (counted), and the file is no longer used.
 *
 * Context: at start, once.
 * Return: 0 or a negative errno.
 */
int dma_guard(struct nic *nic);

/* dma_ptr() when the hint did not help; counts and reports a failure */
void *dma_ptr_slow(struct nic_port *port, struct dma_hint *hint, u64 addr,
		   u32 len, unsigned int prot);

/* The common case inline: the same region as last time */
static inline void *dma_hint_ptr(const struct dma *dma,
				 const struct dma_hint *hint, u64 addr,
				 u32 len, unsigned int prot)
{
	const struct dma_region *reg;
	u64 off;

	if (hint->idx >= dma->num_regions)
		return NULL;
	reg = &dma->regions[hint->idx];
	off = addr - reg->addr;
	if (addr < reg->addr || off >= reg->len || reg->len - off < len)
		return NULL;
	if (!reg->host || (reg->prot & prot) != prot)
		return NULL;
	return reg->host + off;
}

/**
 * struct dma_span - a range of guest memory and what is to be done to it
 * @addr: guest address
 * @len: bytes, not 0
 * @prot: DMA_PROT_READ or DMA_PROT_WRITE
 */
struct dma_span {
	u64 addr;
	u32 len;
	unsigned int prot;
};

/**
 * dma_iov() - translate a buffer that may lie in several regions
 * @port: whose memory
 * @hint: the caller's hint
 * @span: the buffer
 * @iov: where the pieces are stored
 * @max_iov: room in @iov
 *
 * Context: nic->lock held; the pieces are good until it is released.
 * Return: number of pieces, or 0 if a part is not mapped or @max_iov is too
 * small; counted and reported then.
 */
unsigned int dma_iov(struct nic_port *port, struct dma_hint *hint,
		     const struct dma_span *span, struct iovec *iov,
		     unsigned int max_iov);

/*
 * dma_ptr(), the usual entrance, needs struct nic_port: it is a macro over the
 * two functions above so that this header does not need nic.h.
 *
 * dma_ptr(port, hint, addr, len, prot): host address of a range that must lie
 * in one region, or NULL, counted and reported.
 * Context: nic->lock held; good until it is released.
 */
#define dma_ptr(port, hint, addr, len, prot) ({ \
	struct nic_port *dma_port_ = (port); \
	struct dma_hint *dma_hint_ = (hint); \
	u64 dma_addr_ = (addr); \
	u32 dma_len_ = (len); \
	unsigned int dma_prot_ = (prot); \
	void *dma_p_ = dma_hint_ptr(&dma_port_->dma, dma_hint_, dma_addr_, \
				    dma_len_, dma_prot_); \
	if (__builtin_expect(!dma_p_, 0)) \
		dma_p_ = dma_ptr_slow(dma_port_, dma_hint_, dma_addr_, \
				      dma_len_, dma_prot_); \
	dma_p_; \
})

#endif /* IDPF_NIC_DMA_H */
