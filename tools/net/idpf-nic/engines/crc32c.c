// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC32c, the checksum of SCTP: a table for every CPU, the instruction of
 * SSE4.2 where there is one.
 */

#include <string.h>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

#include "crc32c.h"

#define CRC32C_POLY	0x82f63b78u	/* Castagnoli, reflected */
#define CRC32C_SLICES	8

/* crc32c_tab[n][b]: what byte b adds when n more bytes follow it */
static u32 crc32c_tab[CRC32C_SLICES][256];

static u32 (*crc32c_best)(u32 crc, const void *p, size_t len) = crc32c_table;

#ifdef __x86_64__
__attribute__((target("sse4.2")))
static u32 crc32c_sse42(u32 crc, const void *p, size_t len)
{
	const u8 *at = p;
	u64 sum = crc;

	for (; len >= 8; len -= 8, at += 8) {
		u64 word;

		memcpy(&word, at, 8);
		sum = _mm_crc32_u64(sum, word);
	}
	crc = sum;
	while (len--)
		crc = _mm_crc32_u8(crc, *at++);

	return crc;
}
#endif

__attribute__((constructor))
static void crc32c_init(void)
{
	u32 b, n;

	for (b = 0; b < 256; b++) {
		u32 crc = b;

		for (n = 0; n < 8; n++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLY : 0);
		crc32c_tab[0][b] = crc;
	}
	for (n = 1; n < CRC32C_SLICES; n++)
		for (b = 0; b < 256; b++) {
			u32 crc = crc32c_tab[n - 1][b];

			crc32c_tab[n][b] = crc >> 8 ^ crc32c_tab[0][crc & 0xff];
		}
#ifdef __x86_64__
	__builtin_cpu_init();
	if (__builtin_cpu_supports("sse4.2"))
		crc32c_best = crc32c_sse42;
#endif
}

/**
 * crc32c_table() - the sum by table, on any CPU
 * @crc: sum of the bytes before, CRC32C_INIT if there are none
 * @p: bytes
 * @len: how many
 *
 * Return: the sum; its complement, in little endian, is what SCTP sends.
 */
u32 crc32c_table(u32 crc, const void *p, size_t len)
{
	const u8 *at = p;

	for (; len >= 8; len -= 8, at += 8) {
		u32 low = crc ^ (at[0] | at[1] << 8 | at[2] << 16 |
				 (u32)at[3] << 24);

		crc = crc32c_tab[7][low & 0xff] ^
		      crc32c_tab[6][low >> 8 & 0xff] ^
		      crc32c_tab[5][low >> 16 & 0xff] ^
		      crc32c_tab[4][low >> 24] ^
		      crc32c_tab[3][at[4]] ^ crc32c_tab[2][at[5]] ^
		      crc32c_tab[1][at[6]] ^ crc32c_tab[0][at[7]];
	}
	while (len--)
		crc = crc >> 8 ^ crc32c_tab[0][(crc ^ *at++) & 0xff];

	return crc;
}

/**
 * crc32c() - the sum in the fastest way this CPU has
 * @crc: sum of the bytes before, CRC32C_INIT if there are none
 * @p: bytes
 * @len: how many
 *
 * Return: as crc32c_table().
 */
u32 crc32c(u32 crc, const void *p, size_t len)
{
	return crc32c_best(crc, p, len);
}
