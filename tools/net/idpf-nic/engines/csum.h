/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checksum engine: one's complement sums over gather lists, and the
 * checksums of a packet that is sent as it is.
 *
 * Sums are of 16-bit words as they lie in memory, whatever the byte order of
 * the machine: a one's complement sum does not care, and what comes out is
 * stored as it is.  A sum that is 0 stands for "every byte was 0"; any other
 * multiple of 0xffff folds to 0xffff, so nothing is lost by adding up.
 */

#ifndef IDPF_NIC_CSUM_H
#define IDPF_NIC_CSUM_H

#include "gather.h"
#include "layout.h"

/**
 * struct csum_kernel - one way of summing bytes
 * @name: for reports and tests
 * @usable: tells if this CPU can run it
 * @sum: folded sum of @len bytes at @p; an odd last byte counts as the
 *	first half of a word
 * @copy: the same, and copies the bytes to @to, which must not overlap
 */
struct csum_kernel {
	const char *name;
	bool (*usable)(void);
	u16 (*sum)(const void *p, size_t len);
	u16 (*copy)(void *to, const void *p, size_t len);
};

extern const struct csum_kernel csum_kernel_scalar;
extern const struct csum_kernel csum_kernel_word;
#ifdef __x86_64__
extern const struct csum_kernel csum_kernel_avx2;
#endif
extern const struct csum_kernel *const csum_kernels[];
extern const struct csum_kernel *csum_best;

/**
 * csum_fold() - fold a sum of 16-bit words to 16 bits
 * @sum: any number of words added up
 *
 * Return: the one's complement sum, 0 only for @sum 0.
 */
static __always_inline u16 csum_fold(u64 sum)
{
	u32 half;

	/* adding the halves to each other carries into the upper one */
	sum += sum << 32 | sum >> 32;
	half = sum >> 32;
	half += half << 16 | half >> 16;

	return half >> 16;
}

/**
 * csum_swap() - sum of the same bytes one place further on
 * @sum: folded sum
 *
 * Return: what the bytes add to a sum in which they start at an odd place.
 */
static inline u16 csum_swap(u16 sum)
{
	return __builtin_bswap16(sum);
}

u16 csum_block(const void *p, size_t len);
u16 csum_iov(const struct iovec *iov, u32 num);
u16 csum_iov_copy(void *to, const struct iovec *iov, u32 num);

/* what csum_tx() is asked to fill in */
#define CSUM_TX_IPV4	BIT(0)	/* IPv4 header checksum */
#define CSUM_TX_L4	BIT(1)	/* TCP, UDP or SCTP checksum */

/**
 * struct csum_tx - a packet whose checksums are to be filled in
 * @hdr: copy of the first bytes of the packet, to be patched; reaches at
 *	least to the end of the fixed part of the layer 4 header
 * @hdr_len: bytes in @hdr
 * @payload: what follows @hdr in the packet
 * @layout: where the headers are
 * @jobs: CSUM_TX_*
 */
struct csum_tx {
	u8 *hdr;
	u32 hdr_len;
	struct gather payload;
	struct pkt_layout layout;
	u32 jobs;
};

enum eng_status csum_tx(const struct csum_tx *tx);

#endif /* IDPF_NIC_CSUM_H */
