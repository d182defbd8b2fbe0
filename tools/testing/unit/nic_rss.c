// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's RSS engine: the published verification vectors of the Toeplitz
 * hash, the bit by bit definition for random inputs, which fields count for
 * which packets, and the indirection table.
 */

#include <stdlib.h>
#include <string.h>

#include "../../net/idpf-nic/engines/engine.h"
#include "../../net/idpf-nic/engines/rss.h"
#include "tap.h"

/* The key of the published verification suite */
static const u8 suite_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct {
	u8 src[4], dst[4];
	u16 sport, dport;
	u32 addr_hash, tcp_hash;
} v4_suite[] = {
	{ { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766,
	  0x323e8fc2, 0x51ccc178 },
	{ { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739,
	  0xd718262a, 0xc626b0ea },
	{ { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024,
	  0xd2d0a5de, 0x5c2b394a },
	{ { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217,
	  0x82989176, 0xafc7327f },
	{ { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303,
	  0x5d1809c5, 0x10e828a2 },
};

static const struct {
	u16 src[8], dst[8];
	u16 sport, dport;
	u32 addr_hash, tcp_hash;
} v6_suite[] = {
	{ { 0x3ffe, 0x2501, 0x200, 0x1fff, 0, 0, 0, 7 },
	  { 0x3ffe, 0x2501, 0x200, 3, 0, 0, 0, 1 },
	  2794, 1766, 0x2cc18cd5, 0x40207d3d },
	{ { 0x3ffe, 0x501, 8, 0, 0x260, 0x97ff, 0xfe40, 0xefab },
	  { 0xff02, 0, 0, 0, 0, 0, 0, 1 },
	  14230, 4739, 0x0f0c461c, 0xdde51bbf },
	{ { 0x3ffe, 0x1900, 0x4545, 3, 0x200, 0xf8ff, 0xfe21, 0x67cf },
	  { 0xfe80, 0, 0, 0, 0x200, 0xf8ff, 0xfe21, 0x67cf },
	  44251, 38024, 0x4b61e985, 0x02d1feef },
};

static struct rss rss;

static void put16(u8 *at, u16 val)
{
	at[0] = (u8)(val >> 8);
	at[1] = (u8)val;
}

/* The definition: for each input bit that is 1, add the 32 bits of the key
 * from its position on.
 */
static u32 toeplitz_by_definition(const u8 *key, size_t key_len,
				  const u8 *in, size_t len)
{
	u32 hash = 0;

	for (size_t bit = 0; bit < len * 8; bit++) {
		if (!(in[bit / 8] & 0x80 >> bit % 8))
			continue;
		for (size_t i = 0; i < 32; i++) {
			size_t k = bit + i;

			if (k / 8 < key_len && key[k / 8] & 0x80 >> k % 8)
				hash ^= 0x80000000u >> i;
		}
	}
	return hash;
}

struct test_frame {
	u8 data[128];
	size_t len;
};

static struct test_frame v4_frame(size_t i, u8 proto)
{
	struct test_frame f = { .len = 14 + 20 + 20 };
	u8 *ip = f.data + 14;

	put16(f.data + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 40);
	ip[9] = proto;
	memcpy(ip + 12, v4_suite[i].src, 4);
	memcpy(ip + 16, v4_suite[i].dst, 4);
	put16(ip + 20, v4_suite[i].sport);
	put16(ip + 22, v4_suite[i].dport);
	ip[20 + 12] = 0x50;
	return f;
}

static struct test_frame v6_frame(size_t i, u8 proto)
{
	struct test_frame f = { .len = 14 + 40 + 20 };
	u8 *ip = f.data + 14;

	put16(f.data + 12, 0x86dd);
	ip[0] = 0x60;
	put16(ip + 4, 20);
	ip[6] = proto;
	for (size_t n = 0; n < 8; n++) {
		put16(ip + 8 + 2 * n, v6_suite[i].src[n]);
		put16(ip + 24 + 2 * n, v6_suite[i].dst[n]);
	}
	put16(ip + 40, v6_suite[i].sport);
	put16(ip + 42, v6_suite[i].dport);
	ip[40 + 12] = 0x50;
	return f;
}

/* Return: true and the hash, or false if the frame is not hashed */
static bool hash_of(const struct test_frame *f, u32 *hash)
{
	struct parse_info info;

	parse_frame(f->data, f->len, f->len, &info);
	return rss_hash(&rss, f->data, &info, hash);
}

static bool hashes_to(const struct test_frame *f, u32 want)
{
	u32 hash;

	return hash_of(f, &hash) && hash == want;
}

static void test_suite(void)
{
	static const u8 ported[] = { 6, 17, 132 };

	for (size_t i = 0; i < ARRAY_SIZE(v4_suite); i++) {
		struct test_frame f = v4_frame(i, 47);

		CHECK(hashes_to(&f, v4_suite[i].addr_hash),
		      "IPv4 vector %zu, addresses", i);
		for (size_t p = 0; p < sizeof(ported); p++) {
			f = v4_frame(i, ported[p]);
			CHECK(hashes_to(&f, v4_suite[i].tcp_hash),
			      "IPv4 vector %zu, ports, protocol %u", i,
			      ported[p]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(v6_suite); i++) {
		struct test_frame f = v6_frame(i, 59);

		CHECK(hashes_to(&f, v6_suite[i].addr_hash),
		      "IPv6 vector %zu, addresses", i);
		for (size_t p = 0; p < sizeof(ported); p++) {
			f = v6_frame(i, ported[p]);
			CHECK(hashes_to(&f, v6_suite[i].tcp_hash),
			      "IPv6 vector %zu, ports, protocol %u", i,
			      ported[p]);
		}
	}
}

static void test_definition(void)
{
	unsigned int bad = 0;

	srand(2);
	for (unsigned int i = 0; i < 2000; i++) {
		size_t key_len = 1 + (size_t)rand() % RSS_KEY_SIZE;
		size_t len = (size_t)rand() % (RSS_INPUT_MAX + 1);
		u8 key[RSS_KEY_SIZE], in[RSS_INPUT_MAX];

		for (size_t b = 0; b < sizeof(key); b++)
			key[b] = (u8)rand();
		for (size_t b = 0; b < sizeof(in); b++)
			in[b] = (u8)rand();
		rss_set_key(&rss, key, key_len);
		bad += rss_toeplitz(&rss, in, len) !=
		       toeplitz_by_definition(key, key_len, in, len);
	}
	CHECK(!bad, "random keys and inputs agree with the definition");

	CHECK(rss_set_key(&rss, suite_key, 0) < 0, "empty key is refused");
	CHECK(rss_set_key(&rss, suite_key, RSS_KEY_SIZE + 1) < 0,
	      "key that is too long is refused");
	rss_set_key(&rss, suite_key, sizeof(suite_key));
}

static void test_types(void)
{
	struct test_frame tcp = v4_frame(0, 6), udp = v4_frame(0, 17);
	struct test_frame tcp6 = v6_frame(0, 6);
	u32 hash;

	rss.hash_types = BIT_ULL(VC2_HASH_IPV4_TCP);
	CHECK(hashes_to(&tcp, v4_suite[0].tcp_hash) && !hash_of(&udp, &hash) &&
	      !hash_of(&tcp6, &hash), "TCP over IPv4 alone");

	rss.hash_types |= BIT_ULL(VC2_HASH_IPV4_OTHER);
	CHECK(hashes_to(&tcp, v4_suite[0].tcp_hash) &&
	      hashes_to(&udp, v4_suite[0].addr_hash),
	      "with other IPv4, UDP is hashed by its addresses");

	rss.hash_types = BIT_ULL(VC2_HASH_IPV6_OTHER);
	CHECK(hashes_to(&tcp6, v6_suite[0].addr_hash) &&
	      !hash_of(&tcp, &hash), "other IPv6 alone");

	rss.hash_types = RSS_HASH_TYPES;
	put16(tcp.data + 14 + 6, 0x2000);
	CHECK(hashes_to(&tcp, v4_suite[0].addr_hash),
	      "first fragment with a TCP header: addresses");
	rss.hash_types = BIT_ULL(VC2_HASH_IPV4_TCP);
	CHECK(!hash_of(&tcp, &hash), "fragment is not TCP");
	rss.hash_types = RSS_HASH_TYPES;

	put16(tcp.data + 12, 0x0806);
	CHECK(!hash_of(&tcp, &hash), "ARP has no hash");
}

static void test_lut(void)
{
	bool ok = true;

	CHECK(rss_queue(&rss, 12345) == 0, "RSS off: queue 0");
	rss.lut_size = 48;
	for (u16 i = 0; i < rss.lut_size; i++)
		rss.lut[i] = i ^ 5;
	for (u32 h = 0; h < 10000; h++)
		ok &= rss_queue(&rss, h * 2654435761u) ==
		      ((h * 2654435761u) % 48 ^ 5);
	CHECK(ok, "the table is indexed by the hash");
}

static void test_engines(void)
{
	struct engine_caps caps, none;
	int idx = engine_index("rss");

	CHECK(idx >= 0 && engine_index("nonsense") < 0, "engines by name");
	engine_sum_caps(~0u, &caps);
	CHECK(caps.rss == 0xff && caps.hsplit && caps.csum == GENMASK(6, 0) &&
	      caps.seg == (VC2_SEG_IPV4_TCP | VC2_SEG_IPV6_TCP |
			   VC2_SEG_IPV4_UDP | VC2_SEG_IPV6_UDP) &&
	      !caps.rsc, "no capability without an engine");
	engine_sum_caps((u32)~BIT(idx), &caps);
	engine_sum_caps(0, &none);
	CHECK(!caps.rss && caps.hsplit && !none.hsplit,
	      "an engine that is switched off grants nothing");
}

int main(void)
{
	rss_reset(&rss);
	CHECK(!rss.lut_size && rss.hash_types == RSS_HASH_TYPES,
	      "state of a new vport");
	rss_set_key(&rss, suite_key, sizeof(suite_key));
	test_suite();
	test_definition();
	test_types();
	test_lut();
	test_engines();
	return test_end();
}
