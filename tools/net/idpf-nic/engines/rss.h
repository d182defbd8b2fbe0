/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive side scaling: Toeplitz hash and indirection table of a vport.
 */

#ifndef NIC_ENGINES_RSS_H
#define NIC_ENGINES_RSS_H

#include "../parse.h"

#define RSS_KEY_SIZE		52	/* bytes, as announced to the driver */
#define RSS_LUT_MAX		2048	/* entries */

/* Longest input: two IPv6 addresses and two ports */
#define RSS_INPUT_MAX		36
#define RSS_NIBBLES		(2 * RSS_INPUT_MAX)

/* Every hash type that the engine knows, in the bits of vc2_rss_hash */
#define RSS_HASH_TYPES \
	(BIT_ULL(VC2_HASH_IPV4_UDP) | BIT_ULL(VC2_HASH_IPV4_TCP) | \
	 BIT_ULL(VC2_HASH_IPV4_SCTP) | BIT_ULL(VC2_HASH_IPV4_OTHER) | \
	 BIT_ULL(VC2_HASH_IPV4_FRAG) | BIT_ULL(VC2_HASH_IPV6_UDP) | \
	 BIT_ULL(VC2_HASH_IPV6_TCP) | BIT_ULL(VC2_HASH_IPV6_SCTP) | \
	 BIT_ULL(VC2_HASH_IPV6_OTHER) | BIT_ULL(VC2_HASH_IPV6_FRAG))

/**
 * struct rss - RSS state of one vport
 * @hash_types: enabled hash types, bits VC2_HASH_*
 * @lut_size: valid entries of @lut; 0: RSS is off
 * @key_len: bytes set in @key
 * @key: as the driver gave it
 * @lut: relative receive queue ids
 * @table: hash of each value of each half byte of the input
 */
struct rss {
	u64 hash_types;
	u16 lut_size;
	u16 key_len;
	u8 key[RSS_KEY_SIZE];
	u16 lut[RSS_LUT_MAX];
	u32 table[RSS_NIBBLES][16];
};

void rss_reset(struct rss *rss);
int rss_set_key(struct rss *rss, const u8 *key, size_t len);
bool rss_hash(const struct rss *rss, const u8 *head,
	      const struct parse_info *info, u32 *hash);
u32 rss_toeplitz(const struct rss *rss, const u8 *input, size_t len);

/**
 * rss_queue - look up the queue of a hash value
 * @rss: state of the vport
 * @hash: hash value
 *
 * Return: relative queue id; 0 while RSS is off.
 */
static inline u16 rss_queue(const struct rss *rss, u32 hash)
{
	return rss->lut_size ? rss->lut[hash % rss->lut_size] : 0;
}

#endif /* NIC_ENGINES_RSS_H */
