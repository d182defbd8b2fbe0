/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Base types and bit helpers of the OS-neutral code.
 *
 * The offload model and the wire headers are compiled into the kernel module,
 * into userspace (software NIC, unit tests) and for Windows.  This is the only
 * file that asks which of them it is.  It gives all three the kernel's names:
 * u8 ... u64, __le16 ... __be32, BIT(), GENMASK(), FIELD_PREP(), FIELD_GET(),
 * FIELD_FIT(), FIELD_MAX(), cpu_to_le16() ..., static_assert().
 */

#ifndef OFL_TYPES_H
#define OFL_TYPES_H

#ifdef __KERNEL__

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/if_ether.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#else /* !__KERNEL__ */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifdef _WIN32
typedef u16 __le16;
typedef u32 __le32;
typedef u64 __le64;
typedef u16 __be16;
typedef u32 __be32;
typedef u64 __be64;
#define __always_inline	inline
#else
#include <linux/types.h>
#endif

#ifndef ETH_ALEN
#define ETH_ALEN	6
#endif

#ifndef __packed
#define __packed	__attribute__((__packed__))
#endif
#ifndef __aligned
#define __aligned(n)	__attribute__((__aligned__(n)))
#endif

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK_ULL(h, l) \
	((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define GENMASK(h, l)		GENMASK_ULL(h, l)

#define OFL_SHIFT(mask)		__builtin_ctzll(mask)
#define FIELD_MAX(mask)		((u64)(mask) >> OFL_SHIFT(mask))
#define FIELD_FIT(mask, val)	(((u64)(val) & ~FIELD_MAX(mask)) == 0)
#define FIELD_PREP(mask, val) \
	(((u64)(val) << OFL_SHIFT(mask)) & (u64)(mask))
#define FIELD_GET(mask, reg)	(((u64)(reg) & (u64)(mask)) >> OFL_SHIFT(mask))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OFL_LE(bits, x)		((u##bits)(x))
#define OFL_BE(bits, x)		__builtin_bswap##bits((u##bits)(x))
#else
#define OFL_LE(bits, x)		__builtin_bswap##bits((u##bits)(x))
#define OFL_BE(bits, x)		((u##bits)(x))
#endif

#define cpu_to_le16(x)		((__le16)OFL_LE(16, x))
#define cpu_to_le32(x)		((__le32)OFL_LE(32, x))
#define cpu_to_le64(x)		((__le64)OFL_LE(64, x))
#define le16_to_cpu(x)		OFL_LE(16, x)
#define le32_to_cpu(x)		OFL_LE(32, x)
#define le64_to_cpu(x)		OFL_LE(64, x)
#define cpu_to_be16(x)		((__be16)OFL_BE(16, x))
#define cpu_to_be32(x)		((__be32)OFL_BE(32, x))
#define be16_to_cpu(x)		OFL_BE(16, x)
#define be32_to_cpu(x)		OFL_BE(32, x)

#endif /* __KERNEL__ */

#endif /* OFL_TYPES_H */
