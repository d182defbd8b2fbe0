// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's guest memory: how many mappings all ports together get before the
 * process would have none left for itself.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../net/idpf-nic/nic.h"
#include "tap.h"

#define PORTS	2
/* mappings that come and go with malloc() */
#define SLACK	512

u64 nic_now_ns(void)
{
	return 0;
}

/* Maps every second page of a file, so that the kernel joins no mappings */
static int map_one(struct dma *dma, int fd, unsigned int num)
{
	struct dma_map_req req = {
		.addr = num * 2 * DMA_PAGE_SIZE, .len = DMA_PAGE_SIZE,
		.offset = num % 2 * 2 * DMA_PAGE_SIZE, .fd = fd,
		.prot = num % 3 ? DMA_PROT_READ | DMA_PROT_WRITE : DMA_PROT_READ,
	};

	return dma_map(dma, &req);
}

int main(void)
{
	unsigned int limit = dma_limit(), num = 0;
	int fd = memfd_create("dma", 0), err = 0;
	static struct dma dma[PORTS];
	void *p;

	if (fd < 0 || ftruncate(fd, 4 * DMA_PAGE_SIZE))
		return EXIT_FAILURE;
	while (num < limit + 16 && !err) {
		err = map_one(&dma[num % PORTS], fd, num);
		num += !err;
	}
	CHECK(err == -ENOSPC, "the port that wants too much is refused");
	CHECK(num == limit, "%u mappings, all ports together", num);
	CHECK(map_one(&dma[1], -1, num) == 0, "memory without a file needs none");
	p = mmap(NULL, DMA_PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED, "the process can still map for itself");
	CHECK(dma_limit() + SLACK > limit && dma_limit() < limit + SLACK,
	      "the limit found again: %u", dma_limit());

	dma_unmap_all(&dma[0]);
	for (num = 0; num < limit / PORTS - SLACK; num++)
		if (map_one(&dma[0], fd, num))
			break;
	CHECK(num == limit / PORTS - SLACK, "what one gives back another one gets");
	dma_unmap_all(&dma[0]);
	dma_unmap_all(&dma[1]);
	return test_end();
}
