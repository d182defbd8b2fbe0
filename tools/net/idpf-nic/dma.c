// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: a sorted array of mapped ranges.
 */

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <glib.h>

#include "nic.h"

/* first region that ends behind @addr: the one with it, or the next one */
static unsigned int dma_lower_bound(const struct dma *dma, u64 addr)
{
	unsigned int lo = 0, hi = dma->num_regions;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;
		const struct dma_region *reg = &dma->regions[mid];

		if (reg->addr + (reg->len - 1) < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * A descriptor that is shorter than the range would raise SIGBUS at the first
 * access behind its end.
 */
static int dma_check_file(const struct dma_map_req *req)
{
	struct stat st;

	if (fstat(req->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (req->offset > (u64)st.st_size ||
	    (u64)st.st_size - req->offset < req->len)
		return -EINVAL;
	return 0;
}

/* left for malloc() and threads */
#define DMA_SPARE_MAPS		4096
#define DMA_DEFAULT_MAPS	65530	/* Linux's vm.max_map_count */

/* under nic->lock; of all ports */
static unsigned int dma_num_maps;
static unsigned int dma_max_maps = DMA_DEFAULT_MAPS - DMA_SPARE_MAPS;

unsigned int dma_limit(void)
{
	unsigned int max = DMA_DEFAULT_MAPS, used = 0, spare;
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	int c;

	if (file) {
		if (fscanf(file, "%u", &max) != 1)
			max = DMA_DEFAULT_MAPS;
		fclose(file);
	}
	file = fopen("/proc/self/maps", "re");
	if (file) {
		while ((c = getc(file)) != EOF)
			used += c == '\n';
		fclose(file);
	}
	max -= used < max ? used : max;
	max += dma_num_maps;
	spare = max / 2 < DMA_SPARE_MAPS ? max / 2 : DMA_SPARE_MAPS;
	dma_max_maps = max - spare;
	return dma_max_maps;
}

/* pages of the file behind @fd: those of hugetlbfs are mapped whole */
static u64 dma_page_size(int fd)
{
	u64 size = sysconf(_SC_PAGESIZE);
	struct statfs st;

	if (!fstatfs(fd, &st) && st.f_type == HUGETLBFS_MAGIC &&
	    (u64)st.f_bsize > size)
		size = st.f_bsize;
	return size;
}

static int dma_mmap(const struct dma_map_req *req, struct dma_region *reg)
{
	u64 page, skip, len;
	int err, prot = 0;
	void *p;

	if (dma_num_maps >= dma_max_maps)
		return -ENOSPC;
	err = dma_check_file(req);
	if (err)
		return err;
	if (req->prot & DMA_PROT_READ)
		prot |= PROT_READ;
	if (req->prot & DMA_PROT_WRITE)
		prot |= PROT_READ | PROT_WRITE;
	/* the file has all of it, so nothing wraps */
	page = dma_page_size(req->fd);
	skip = req->offset & (page - 1);
	len = (skip + req->len + page - 1) & ~(page - 1);
	p = mmap(NULL, len, prot, MAP_SHARED | MAP_NORESERVE, req->fd,
		 req->offset - skip);
	if (p == MAP_FAILED)
		return -errno;
	/* a core file is about us, not about the guest */
	madvise(p, len, MADV_DONTDUMP);
	dma_num_maps++;
	reg->map = p;
	reg->map_len = len;
	reg->host = reg->map + skip;
	return 0;
}

int dma_map(struct dma *dma, const struct dma_map_req *req)
{
	struct dma_region reg = {
		.addr = req->addr, .len = req->len, .prot = req->prot,
	};
	unsigned int idx;
	int err;

	if (!req->len || req->addr + (req->len - 1) < req->addr || !req->prot ||
	    (req->prot & ~(DMA_PROT_READ | DMA_PROT_WRITE)) ||
	    ((req->addr | req->len | req->offset) & (DMA_PAGE_SIZE - 1)))
		return -EINVAL;
	idx = dma_lower_bound(dma, req->addr);
	if (idx < dma->num_regions &&
	    dma->regions[idx].addr <= req->addr + (req->len - 1))
		return -EEXIST;
	if (dma->num_regions >= DMA_MAX_REGIONS)
		return -ENOSPC;
	if (req->fd >= 0) {
		err = dma_mmap(req, &reg);
		if (err)
			return err;
	}

	if (dma->num_regions == dma->max_regions) {
		dma->max_regions = dma->max_regions ? 2 * dma->max_regions : 16;
		dma->regions = g_renew(struct dma_region, dma->regions,
				       dma->max_regions);
	}
	memmove(&dma->regions[idx + 1], &dma->regions[idx],
		(dma->num_regions - idx) * sizeof(dma->regions[0]));
	dma->num_regions++;
	dma->regions[idx] = reg;
	return 0;
}

static void dma_remove(struct dma *dma, unsigned int first, unsigned int count)
{
	if (!count)
		return;
	for (unsigned int i = first; i < first + count; i++) {
		if (!dma->regions[i].map)
			continue;
		munmap(dma->regions[i].map, dma->regions[i].map_len);
		dma_num_maps--;
	}
	dma->num_regions -= count;
	memmove(&dma->regions[first], &dma->regions[first + count],
		(dma->num_regions - first) * sizeof(dma->regions[0]));
}

int dma_unmap(struct dma *dma, u64 addr, u64 len)
{
	unsigned int end, first;
	u64 last;

	if (!len || addr + (len - 1) < addr)
		return -EINVAL;
	last = addr + (len - 1);
	first = dma_lower_bound(dma, addr);
	for (end = first; end < dma->num_regions; end++) {
		const struct dma_region *reg = &dma->regions[end];

		if (reg->addr > last)
			break;
		if (reg->addr < addr || reg->addr + (reg->len - 1) > last)
			return -EINVAL;
	}
	if (end == first)
		return -ENOENT;
	dma_remove(dma, first, end - first);
	return 0;
}

void dma_unmap_all(struct dma *dma)
{
	dma_remove(dma, 0, dma->num_regions);
	g_free(dma->regions);
	memset(dma, 0, sizeof(*dma));
}

/* whose memory a fault is looked for in */
static struct nic *dma_guarded;

/* Put zeros in the place of the range that @at lies in, if there is one */
static bool dma_replace(struct nic_port *port, const u8 *at)
{
	for (unsigned int i = 0; i < port->dma.num_regions; i++) {
		const struct dma_region *reg = &port->dma.regions[i];

		if (!reg->map || at < reg->map ||
		    (u64)(at - reg->map) >= reg->map_len)
			continue;
		atomic_fetch_add(&port->report.count[REPORT_DMA_NO_MAP], 1);
		return mmap(reg->map, reg->map_len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			    MAP_FIXED, -1, 0) != MAP_FAILED;
	}
	return false;
}

/*
 * Runs in the thread that made the access.  It holds nic->lock, as everybody
 * who looks at guest memory, so the maps do not change.
 */
static void dma_fault(int sig, siginfo_t *info, void *context)
{
	struct nic *nic = dma_guarded;
	int saved_errno = errno;
	bool done = false;

	(void)sig;
	(void)context;
	for (unsigned int i = 0; i < nic->num_ports && !done; i++)
		done = dma_replace(nic->ports[i], info->si_addr);
	/* not guest memory: the access is repeated, and ends the process */
	if (!done)
		signal(SIGBUS, SIG_DFL);
	errno = saved_errno;
}

int dma_guard(struct nic *nic)
{
	struct sigaction action = {
		.sa_sigaction = dma_fault, .sa_flags = SA_SIGINFO,
	};

	dma_guarded = nic;
	return sigaction(SIGBUS, &action, NULL) ? -errno : 0;
}

static void dma_report(struct nic_port *port, u64 addr, u32 len,
		       unsigned int prot, bool mapped)
{
	report_error(port, mapped ? REPORT_DMA_PERM : REPORT_DMA_NO_MAP,
		     "%s of %" PRIu32 " bytes at 0x%" PRIx64,
		     prot & DMA_PROT_WRITE ? "write" : "read", len, addr);
}

void *dma_ptr_slow(struct nic_port *port, struct dma_hint *hint, u64 addr,
		   u32 len, unsigned int prot)
{
	const struct dma *dma = &port->dma;
	bool mapped = false;
	void *p;

	hint->idx = dma_lower_bound(dma, addr);
	p = dma_hint_ptr(dma, hint, addr, len, prot);
	if (p)
		return p;
	if (hint->idx < dma->num_regions) {
		const struct dma_region *reg = &dma->regions[hint->idx];

		/* in the range, but not to be used like that */
		mapped = addr >= reg->addr && reg->host &&
			 (reg->prot & prot) != prot;
	}
	dma_report(port, addr, len, prot, mapped);
	return NULL;
}

unsigned int dma_iov(struct nic_port *port, struct dma_hint *hint,
		     const struct dma_span *span, struct iovec *iov,
		     unsigned int max_iov)
{
	const struct dma *dma = &port->dma;
	unsigned int num = 0;
	u64 addr = span->addr;
	u32 len = span->len;

	while (len && num < max_iov) {
		u32 chunk = len;
		void *p;

		p = dma_hint_ptr(dma, hint, addr, len, span->prot);
		if (!p) {
			const struct dma_region *reg;

			hint->idx = dma_lower_bound(dma, addr);
			if (hint->idx == dma->num_regions)
				break;
			reg = &dma->regions[hint->idx];
			if (addr >= reg->addr &&
			    reg->len - (addr - reg->addr) < chunk)
				chunk = reg->len - (addr - reg->addr);
			p = dma_ptr(port, hint, addr, chunk, span->prot);
			if (!p)
				return 0;
		}
		iov[num].iov_base = p;
		iov[num++].iov_len = chunk;
		addr += chunk;
		len -= chunk;
	}
	if (len) {
		dma_report(port, addr, len, span->prot, false);
		return 0;
	}
	return num;
}
