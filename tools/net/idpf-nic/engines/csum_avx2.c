// SPDX-License-Identifier: GPL-2.0-only
/*
 * One's complement sums with AVX2.
 *
 * The multiply-add instruction sums neighbouring words, but takes them as
 * signed.  So every word is lowered by 0x8000 first (one exclusive or), which
 * makes signed of unsigned, and what was taken away is given back at the end:
 * 0x8000 for each word that went through.  That is three instructions for 32
 * bytes, and the sum stays exact, so a sum of 0 still means that all bytes
 * were 0.
 */

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#include "csum.h"

#define VEC		32			/* bytes of a vector */
#define WORDS		(VEC / 2)		/* words of a vector */
#define LANES		4			/* vectors of a round */
/* rounds until a 32-bit sum might overflow: 4 sums of 2^16 each round, halved */
#define ROUNDS		4096

/* gcc's default tuning would load and store vectors in halves */
#ifdef __clang__
#define __avx2		__attribute__((target("avx2")))
#else
#define __avx2		__attribute__((target("avx2,tune=haswell")))
#endif

static bool csum_avx2_usable(void)
{
	__builtin_cpu_init();

	return __builtin_cpu_supports("avx2");
}

/* Sum of the eight signed 32-bit numbers of a vector. */
static inline __avx2 s64 csum_avx2_across(__m256i v)
{
	__m256i wide = _mm256_add_epi64
		(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(v)),
		 _mm256_cvtepi32_epi64(_mm256_extracti128_si256(v, 1)));
	__m128i half = _mm_add_epi64(_mm256_castsi256_si128(wide),
				     _mm256_extracti128_si256(wide, 1));

	return _mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1);
}

/* Add vector @i at @at to @acc, and copy it to @to unless that is NULL. */
static __always_inline __avx2 __m256i csum_avx2_add(__m256i acc, u8 *to,
						    const u8 *at, u32 i)
{
	__m256i v = _mm256_loadu_si256((const void *)(at + i * VEC));

	if (to)
		_mm256_storeu_si256((void *)(to + i * VEC), v);
	v = _mm256_xor_si256(v, _mm256_set1_epi16(-0x8000));

	return _mm256_add_epi32(acc,
				_mm256_madd_epi16(v, _mm256_set1_epi16(1)));
}

/*
 * Sum at most ROUNDS rounds, or the last vectors that make no full round, of
 * @vecs vectors.  Returns how many vectors that were.
 */
static __always_inline __avx2 size_t csum_avx2_some(u8 *to, const u8 *at,
						    size_t vecs, s64 *sum)
{
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
	size_t rounds = vecs / LANES, n;

	if (rounds > ROUNDS)
		rounds = ROUNDS;
	for (n = rounds; n; n--) {
		a = csum_avx2_add(a, to, at, 0);
		b = csum_avx2_add(b, to, at, 1);
		c = csum_avx2_add(c, to, at, 2);
		d = csum_avx2_add(d, to, at, 3);
		at += LANES * VEC;
		if (to)
			to += LANES * VEC;
	}
	n = rounds * LANES;
	vecs -= n;
	if (vecs < LANES) {
		n += vecs;
		if (vecs & 2) {
			a = csum_avx2_add(a, to, at, 0);
			b = csum_avx2_add(b, to, at, 1);
		}
		if (vecs & 1)
			c = csum_avx2_add(c, to, at, vecs - 1);
	}
	*sum += csum_avx2_across(_mm256_add_epi32(_mm256_add_epi32(a, b),
						  _mm256_add_epi32(c, d)));

	return n;
}

/* The body of both kernels; a constant NULL for @to leaves no trace in code. */
static __always_inline __avx2 u64 csum_avx2_body(u8 *to, const u8 *at,
						 size_t vecs)
{
	size_t left = vecs;
	s64 sum = 0;

	while (left) {
		size_t n = csum_avx2_some(to, at, left, &sum);

		left -= n;
		at += n * VEC;
		if (to)
			to += n * VEC;
	}

	return sum + (s64)(vecs * WORDS) * 0x8000;
}

/* Fewer than 32 bytes. */
static __always_inline u64 csum_avx2_tail(const u8 *p, size_t len)
{
	u64 sum = 0, word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
	if (len & 4) {
		u32 half;

		memcpy(&half, p, 4);
		sum += half;
		p += 4;
	}
	if (len & 2) {
		u16 quarter;

		memcpy(&quarter, p, 2);
		sum += quarter;
		p += 2;
	}
	if (len & 1) {
		u8 byte[2] = { *p, 0 };
		u16 quarter;

		memcpy(&quarter, byte, 2);
		sum += quarter;
	}

	return sum;
}

static __avx2 u16 csum_avx2_sum(const void *p, size_t len)
{
	size_t vecs = len / VEC;
	const u8 *at = p;
	u64 sum;

	sum = csum_avx2_body(NULL, at, vecs);

	return csum_fold(sum + csum_avx2_tail(at + vecs * VEC, len % VEC));
}

static __avx2 u16 csum_avx2_copy(void *to, const void *p, size_t len)
{
	size_t vecs = len / VEC;
	const u8 *at = p;
	u8 *out = to;
	u64 sum;

	sum = csum_avx2_body(out, at, vecs);
	/* the guest may change its bytes: sum those that were copied */
	out += vecs * VEC;
	memcpy(out, at + vecs * VEC, len % VEC);

	return csum_fold(sum + csum_avx2_tail(out, len % VEC));
}

const struct csum_kernel csum_kernel_avx2 = {
	.name = "avx2",
	.usable = csum_avx2_usable,
	.sum = csum_avx2_sum,
	.copy = csum_avx2_copy,
};

#endif /* __x86_64__ */
