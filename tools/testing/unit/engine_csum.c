// SPDX-License-Identifier: GPL-2.0-only
/*
 * The summing kernels against the definition: every kernel that this CPU can
 * run, lengths and alignments, copies, odd borders in gather lists, CRC32c.
 * Output is TAP.
 */

#include <stdlib.h>
#include <string.h>

#include "../../net/idpf-nic/engines/crc32c.h"
#include "../../net/idpf-nic/engines/csum.h"
#include "tap.h"

#define LEN_MAX		70000
#define ALIGNMENTS	64
#define GUARD		0xa5

static u8 src[LEN_MAX + ALIGNMENTS], dst[LEN_MAX + ALIGNMENTS + 1];

static u32 rnd_state;

static u32 rnd(u32 below)
{
	rnd_state = rnd_state * 1664525 + 1013904223;

	return (u64)(rnd_state >> 8) * below >> 24;
}

static void fill(u8 *p, size_t len)
{
	while (len--)
		*p++ = rnd(256);
}

/* RFC 1071 by the book, in network byte order, result as it lies in memory. */
static u16 definition(const u8 *p, size_t len)
{
	u8 bytes[2];
	u64 sum = 0;
	u16 result;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	bytes[0] = sum >> 8;
	bytes[1] = sum;
	memcpy(&result, bytes, 2);

	return result;
}

/* Does @kernel sum and copy @len bytes at alignment @at, and nothing else? */
static bool agrees(const struct csum_kernel *kernel, size_t at, size_t len,
		   size_t to)
{
	u16 want = definition(src + at, len);

	if (kernel->sum(src + at, len) != want)
		return false;
	memset(dst, GUARD, to + len + 1);
	if (kernel->copy(dst + to, src + at, len) != want)
		return false;
	if (memcmp(dst + to, src + at, len))
		return false;

	return (!to || dst[to - 1] == GUARD) && dst[to + len] == GUARD;
}

static void test_alignments(const struct csum_kernel *kernel)
{
	unsigned int bad = 0;
	size_t at, len;

	for (len = 0; len < 420; len++)
		for (at = 0; at < ALIGNMENTS; at++)
			bad += !agrees(kernel, at, len, (at * 7 + len) % 64);
	CHECK(!bad, "%s: lengths 0 to 419 at every alignment", kernel->name);
}

static void test_lengths(const struct csum_kernel *kernel)
{
	unsigned int bad = 0, i;

	for (i = 0; i < 600; i++)
		bad += !agrees(kernel, rnd(ALIGNMENTS), rnd(LEN_MAX + 1),
			       rnd(ALIGNMENTS));
	bad += !agrees(kernel, 0, LEN_MAX, 0);
	CHECK(!bad, "%s: random lengths to %u", kernel->name, LEN_MAX);
}

/* Largest words over a block that needs several rounds: nothing overflows. */
static void test_extremes(const struct csum_kernel *kernel)
{
	size_t len = 5 << 20;
	u8 *big = malloc(len);

	memset(big, 0xff, len);
	CHECK(kernel->sum(big, len) == 0xffff, "%s: 5 MiB of 0xff",
	      kernel->name);
	memset(big, 0, len);
	CHECK(kernel->sum(big, len) == 0, "%s: all 0 gives 0, not 0xffff",
	      kernel->name);
	fill(big, 1 << 16);
	CHECK(kernel->sum(big, len - 1) == definition(big, len - 1),
	      "%s: odd megabytes", kernel->name);
	memset(big, 0x80, len);
	CHECK(kernel->sum(big, len) == definition(big, len),
	      "%s: 5 MiB of the sign bit", kernel->name);
	free(big);
}

static void test_gather(void)
{
	unsigned int bad = 0, i;

	for (i = 0; i < 3000; i++) {
		u32 len = rnd(i % 10 ? 2000 : LEN_MAX), left = len, num = 0;
		struct iovec iov[64];
		u8 *at = src;

		while (left && num < 63) {
			u32 n = rnd(4) ? rnd(left + 1) : rnd(4) % (left + 1);

			iov[num].iov_base = at;
			iov[num++].iov_len = n;
			at += n;
			left -= n;
		}
		iov[num].iov_base = at;
		iov[num++].iov_len = left;

		bad += csum_iov(iov, num) != definition(src, len);
		bad += csum_iov_copy(dst, iov, num) != definition(src, len);
		bad += memcmp(dst, src, len) != 0;
	}
	CHECK(!bad, "gather lists with odd borders and empty pieces");
}

static void test_crc(void)
{
	static const char digits[] = "123456789";
	unsigned int bad = 0, i;

	CHECK((u32)~crc32c_table(CRC32C_INIT, digits, 9) == 0xe3069283,
	      "CRC32c by table: the catalogue's check value");
	CHECK((u32)~crc32c(CRC32C_INIT, digits, 9) == 0xe3069283,
	      "CRC32c by instruction: the catalogue's check value");
	for (i = 0; i < 2000; i++) {
		u32 at = rnd(64), len = rnd(3000), cut = rnd(len + 1);
		u32 crc = crc32c(CRC32C_INIT, src + at, cut);

		crc = crc32c(crc, src + at + cut, len - cut);
		bad += crc != crc32c_table(CRC32C_INIT, src + at, len);
	}
	CHECK(!bad, "CRC32c: table and instruction agree, in parts too");
}

static void test_pull(void)
{
	u8 a[3] = { 1, 2, 3 }, b[4] = { 4, 5, 6, 7 }, out[8];
	struct iovec iov[] = {
		{ NULL, 0 }, { a, 3 }, { NULL, 0 }, { b, 4 }, { NULL, 0 },
	};
	struct iovec take[4];
	struct gather g;

	gather_init(&g, iov, 5);
	CHECK(gather_len(&g) == 7, "gather: length");
	CHECK(!gather_pull(&g, out, 8) && gather_len(&g) == 7,
	      "gather: pulling too much fails and moves nothing");
	CHECK(gather_pull(&g, out, 5) && !memcmp(out, "\1\2\3\4\5", 5),
	      "gather: pull across pieces");
	CHECK(gather_len(&g) == 2, "gather: the rest");
	CHECK(gather_take(&g, 9, take, 4) == 1 && take[0].iov_len == 2 &&
	      take[0].iov_base == b + 2, "gather: take what is there");
	CHECK(gather_take(&g, 1, take, 4) == 0, "gather: nothing left");
	CHECK(gather_pull(&g, out, 0), "gather: pulling nothing at the end");
}

int main(void)
{
	const struct csum_kernel *const *kernel;

	rnd_state = 42;
	fill(src, sizeof(src));
	for (kernel = csum_kernels; *kernel; kernel++) {
		if (!(*kernel)->usable()) {
			printf("# %s: not on this CPU\n", (*kernel)->name);
			continue;
		}
		test_alignments(*kernel);
		test_lengths(*kernel);
		test_extremes(*kernel);
	}
	printf("# in use: %s\n", csum_best->name);
	test_gather();
	test_crc();
	test_pull();

	return test_end();
}
