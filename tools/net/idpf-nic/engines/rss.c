// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side scaling.
 *
 * The Toeplitz hash is linear: the hash of an input is the exclusive or of the
 * hashes of its parts.  So each value of each half byte of the input is hashed
 * once, when the key is set, and a packet costs two table lookups a byte.
 *
 * Which fields count: addresses and ports for TCP, UDP and SCTP, addresses
 * alone for everything else and for fragments (the first one too, so that all
 * fragments of a packet meet in one queue).  If the type of a packet is not
 * enabled but "other" of its IP version is, then the addresses are hashed, as
 * Windows asks for; without that there is no hash.
 */

#include <errno.h>
#include <string.h>

#include "engine.h"
#include "rss.h"

#define IPV4_SRC_OFF		12	/* source address, then destination */
#define IPV4_ADDRS_LEN		8
#define IPV6_SRC_OFF		8
#define IPV6_ADDRS_LEN		32
#define PORTS_LEN		4

const struct engine engine_rss = {
	.name = "rss",
	.caps = {
		.rss = VC2_FLOW_IPV4_TCP | VC2_FLOW_IPV4_UDP |
		       VC2_FLOW_IPV4_SCTP | VC2_FLOW_IPV4_OTHER |
		       VC2_FLOW_IPV6_TCP | VC2_FLOW_IPV6_UDP |
		       VC2_FLOW_IPV6_SCTP | VC2_FLOW_IPV6_OTHER,
	},
};

/* Return: 32 bits of the key from bit @bit on, zeros behind its end */
static u32 key_window(const struct rss *rss, unsigned int bit)
{
	unsigned int byte = bit / 8, shift = bit % 8;
	u64 window = 0;

	for (unsigned int i = 0; i < 5; i++) {
		u8 b = byte + i < rss->key_len ? rss->key[byte + i] : 0;

		window = window << 8 | b;
	}
	return (u32)(window >> (8 - shift));
}

static void fill_table(struct rss *rss)
{
	for (unsigned int n = 0; n < RSS_NIBBLES; n++) {
		for (unsigned int v = 0; v < 16; v++) {
			u32 hash = 0;

			for (unsigned int bit = 0; bit < 4; bit++)
				if (v & (8u >> bit))
					hash ^= key_window(rss, 4 * n + bit);
			rss->table[n][v] = hash;
		}
	}
}

/**
 * rss_reset - state of a new vport: all hash types, no key, RSS off
 * @rss: state to set
 *
 * Context: data thread.
 */
void rss_reset(struct rss *rss)
{
	memset(rss, 0, sizeof(*rss));
	rss->hash_types = RSS_HASH_TYPES;
}

/**
 * rss_set_key - take over a new hash key
 * @rss: state of the vport
 * @key: key
 * @len: bytes at @key; a key that is too short for an input counts as
 *       continued with zeros
 *
 * Context: data thread.
 *
 * Return: 0, or -EINVAL if @len is 0 or above RSS_KEY_SIZE.
 */
int rss_set_key(struct rss *rss, const u8 *key, size_t len)
{
	if (!len || len > sizeof(rss->key))
		return -EINVAL;

	memset(rss->key, 0, sizeof(rss->key));
	memcpy(rss->key, key, len);
	rss->key_len = (u16)len;
	fill_table(rss);
	return 0;
}

/* Hash of @len bytes that stand at byte @pos of the input */
static u32 hash_part(const struct rss *rss, size_t pos, const u8 *data,
		     size_t len)
{
	const u32 (*row)[16] = &rss->table[2 * pos];
	u32 hash = 0;

	for (size_t i = 0; i < len; i++, row += 2)
		hash ^= row[0][data[i] >> 4] ^ row[1][data[i] & 0xf];
	return hash;
}

/**
 * rss_toeplitz - hash bytes with the vport's key
 * @rss: state of the vport
 * @input: bytes in network order
 * @len: at most RSS_INPUT_MAX bytes are used
 *
 * Return: the hash.
 */
u32 rss_toeplitz(const struct rss *rss, const u8 *input, size_t len)
{
	return hash_part(rss, 0, input,
			 len < RSS_INPUT_MAX ? len : RSS_INPUT_MAX);
}

/* Return: the VC2_HASH_* bit for the packet's own type */
static unsigned int own_type(const struct parse_info *info)
{
	bool v4 = info->l3 == PARSE_L3_IPV4;

	if (info->flags & PARSE_F_FRAG)
		return v4 ? VC2_HASH_IPV4_FRAG : VC2_HASH_IPV6_FRAG;

	switch (info->l4) {
	case PARSE_L4_TCP:
		return v4 ? VC2_HASH_IPV4_TCP : VC2_HASH_IPV6_TCP;
	case PARSE_L4_UDP:
		return v4 ? VC2_HASH_IPV4_UDP : VC2_HASH_IPV6_UDP;
	case PARSE_L4_SCTP:
		return v4 ? VC2_HASH_IPV4_SCTP : VC2_HASH_IPV6_SCTP;
	default:
		return v4 ? VC2_HASH_IPV4_OTHER : VC2_HASH_IPV6_OTHER;
	}
}

static bool has_ports(const struct parse_info *info)
{
	return info->l4 == PARSE_L4_TCP || info->l4 == PARSE_L4_UDP ||
	       info->l4 == PARSE_L4_SCTP;
}

/**
 * rss_hash - hash a received frame
 * @rss: state of the vport
 * @head: first bytes of the frame, those that were parsed
 * @info: what parse_frame() found
 * @hash: the hash, if there is one
 *
 * Context: data thread.
 *
 * Return: true if the frame is of a kind that is to be hashed.
 */
bool rss_hash(const struct rss *rss, const u8 *head,
	      const struct parse_info *info, u32 *hash)
{
	bool v4 = info->l3 == PARSE_L3_IPV4;
	bool own, other;
	size_t len;

	if (info->l3 == PARSE_L3_NONE || !rss->key_len)
		return false;

	own = rss->hash_types & BIT_ULL(own_type(info));
	other = rss->hash_types & BIT_ULL(v4 ? VC2_HASH_IPV4_OTHER :
					  VC2_HASH_IPV6_OTHER);
	if (!own && !other)
		return false;

	len = v4 ? IPV4_ADDRS_LEN : IPV6_ADDRS_LEN;
	head += info->l3_off;
	*hash = hash_part(rss, 0, head + (v4 ? IPV4_SRC_OFF : IPV6_SRC_OFF),
			  len);
	if (own && has_ports(info))
		*hash ^= hash_part(rss, len,
				   head - info->l3_off + info->l4_off,
				   PORTS_LEN);
	return true;
}
