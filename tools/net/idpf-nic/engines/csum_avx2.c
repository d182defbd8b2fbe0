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

#define __avx2		__attribute__((target("avx2")))

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

static inline __avx2 __m256i csum_avx2_pairs(__m256i v)
{
	return _mm256_madd_epi16(_mm256_xor_si256(v, _mm256_set1_epi16(-0x8000)),
				 _mm256_set1_epi16(1));
}

/*
 * The body of both kernels: sum whole vectors from *@p, copying them to *@to
 * unless that is NULL.  A constant NULL leaves no trace in the code.
 */
static __always_inline __avx2 u64 csum_avx2_body(u8 **to, const u8 **p, size_t *len)
{
	size_t vecs = *len / VEC, todo = vecs;
	const u8 *at = *p;
	u8 *out = to ? *to : NULL;
	s64 sum = 0;

	while (todo) {
		size_t rounds = todo / LANES;
		__m256i acc[LANES] = { 0 };
		__m256i v[LANES];
		size_t i, n;

		if (rounds > ROUNDS)
			rounds = ROUNDS;
		for (n = 0; n < rounds; n++) {
			for (i = 0; i < LANES; i++)
				v[i] = _mm256_loadu_si256((const void *)(at + i * VEC));
			if (to) {
				for (i = 0; i < LANES; i++)
					_mm256_storeu_si256((void *)(out + i * VEC), v[i]);
				out += LANES * VEC;
			}
			for (i = 0; i < LANES; i++)
				acc[i] = _mm256_add_epi32(acc[i], csum_avx2_pairs(v[i]));
			at += LANES * VEC;
		}
		todo -= rounds * LANES;
		for (i = 0; todo && todo < LANES; i++, todo--) {
			v[0] = _mm256_loadu_si256((const void *)at);
			if (to) {
				_mm256_storeu_si256((void *)out, v[0]);
				out += VEC;
			}
			acc[i] = _mm256_add_epi32(acc[i], csum_avx2_pairs(v[0]));
			at += VEC;
		}
		sum += csum_avx2_across(_mm256_add_epi32
			(_mm256_add_epi32(acc[0], acc[1]),
			 _mm256_add_epi32(acc[2], acc[3])));
	}
	*p = at;
	*len -= vecs * VEC;
	if (to)
		*to = out;

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
	const u8 *at = p;
	u64 sum;

	sum = csum_avx2_body(NULL, &at, &len);

	return csum_fold(sum + csum_avx2_tail(at, len));
}

static __avx2 u16 csum_avx2_copy(void *to, const void *p, size_t len)
{
	const u8 *at = p;
	u8 *out = to;
	u64 sum;

	sum = csum_avx2_body(&out, &at, &len);
	/* the guest may change its bytes: sum those that were copied */
	memcpy(out, at, len);

	return csum_fold(sum + csum_avx2_tail(out, len));
}

const struct csum_kernel csum_kernel_avx2 = {
	.name = "avx2",
	.usable = csum_avx2_usable,
	.sum = csum_avx2_sum,
	.copy = csum_avx2_copy,
};

#endif /* __x86_64__ */
