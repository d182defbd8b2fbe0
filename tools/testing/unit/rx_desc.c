// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's decoders of receive descriptors, all three formats: descriptors
 * made by hand, byte for byte, say what was put into them, and each of their
 * 256 bits changes exactly the field that the interface gives it to.
 *
 * Bits are counted from the lowest one of the first byte.  Where fields are is
 * written here from the standard, not taken from include/wto.
 *
 * Output is TAP.
 */

#include <string.h>

#include "../../../drivers/net/ethernet/wto/wto_rx_desc.h"

#include "tap.h"

#define DESC_BITS	256

enum part {
	NOTHING, LEN, HDR_LEN, HASH, PTYPE, BUF_ID, EOP, ERROR, HAS_HASH,
	MALFORMED, NUM_PARTS,
};

/* Bits @first to @last of a descriptor decide about @part */
struct owner {
	unsigned int first;
	unsigned int last;
	enum part part;
};

typedef void decode_fn(const u8 *desc, struct wto_rx_meta *meta);

/* Quad word @num of a descriptor, by the definition of little endian */
static u64 quad(const u8 *desc, unsigned int num)
{
	u64 value = 0;

	for (unsigned int i = 0; i < 8; i++)
		value |= (u64)desc[8 * num + i] << (8 * i);
	return value;
}

static void decode_split(const u8 *desc, struct wto_rx_meta *meta)
{
	wto_rxd_split(quad(desc, 0), quad(desc, 1), quad(desc, 2), meta);
}

static void decode_base(const u8 *desc, struct wto_rx_meta *meta)
{
	meta->buf_id = 0;
	wto_rxd_base(quad(desc, 0), quad(desc, 1), meta);
}

static void decode_flex(const u8 *desc, struct wto_rx_meta *meta)
{
	meta->buf_id = 0;
	wto_rxd_flex(quad(desc, 0), quad(desc, 1), meta);
}

static void flip(u8 *desc, unsigned int bit)
{
	desc[bit / 8] ^= (u8)(1 << bit % 8);
}

static void values(const struct wto_rx_meta *meta, u64 *value)
{
	value[NOTHING] = 0;
	value[LEN] = meta->len;
	value[HDR_LEN] = meta->hdr_len;
	value[HASH] = meta->hash;
	value[PTYPE] = meta->ptype;
	value[BUF_ID] = meta->buf_id;
	value[EOP] = meta->eop;
	value[ERROR] = meta->error;
	value[HAS_HASH] = meta->has_hash;
	value[MALFORMED] = meta->malformed;
}

static const struct owner *owner_of(const struct owner *owners,
				    unsigned int bit)
{
	static const struct owner none = { 0, 0, NOTHING };

	for (; owners->part != NOTHING; owners++)
		if (bit >= owners->first && bit <= owners->last)
			return owners;
	return &none;
}

/* Each bit of @desc, flipped, changes its part and no other.  A number changes
 * by the bit's weight, what is true or false is reversed.
 */
static void each_bit(const char *name, decode_fn *decode, const u8 *desc,
		     const struct owner *owners)
{
	u64 before[NUM_PARTS], after[NUM_PARTS];
	struct wto_rx_meta meta;
	unsigned int bad = 0;

	decode(desc, &meta);
	values(&meta, before);
	for (unsigned int bit = 0; bit < DESC_BITS; bit++) {
		const struct owner *owner = owner_of(owners, bit);
		u8 other[DESC_BITS / 8];

		memcpy(other, desc, sizeof(other));
		flip(other, bit);
		decode(other, &meta);
		values(&meta, after);
		for (unsigned int part = 0; part < NUM_PARTS; part++) {
			u64 want = before[part];

			if (part && part == owner->part && part < EOP)
				want ^= 1ULL << (bit - owner->first);
			else if (part && part == owner->part)
				want = !want;
			if (after[part] == want)
				continue;
			printf("# %s, bit %u: part %u is %#llx, not %#llx\n",
			       name, bit, part, (unsigned long long)after[part],
			       (unsigned long long)want);
			bad++;
		}
	}
	CHECK(!bad, "%s: each bit decides about its field only", name);
}

/* TCP over IPv4: header of 66 bytes split off 1448 bytes, hash, last buffer */
static const u8 split_desc[32] = {
	0x02,			/* descriptor id 2 */
	0x10,			/* hash valid */
	0x1a, 0x01,		/* packet type 0x11a */
	0xa8, 0x45,		/* 1448 bytes, generation 1, buffer queue 0 */
	0x42, 0x08,		/* 66 bytes of header, split */
	0x03,			/* done, end of packet */
	0, 0, 0,
	0xcd, 0xab,		/* buffer 0xabcd */
	0, 0,
	0x78, 0x56, 0x34, 0x12,	/* hash 0x12345678 */
};

static const struct owner split_owners[] = {
	{ 0, 3, MALFORMED }, { 10, 10, ERROR }, { 12, 12, HAS_HASH },
	{ 16, 25, PTYPE }, { 32, 45, LEN }, { 47, 47, MALFORMED },
	{ 48, 57, HDR_LEN }, { 65, 65, EOP }, { 96, 111, BUF_ID },
	{ 128, 159, HASH }, { 0, 0, NOTHING },
};

static void test_split(void)
{
	struct wto_rx_meta meta;
	u8 desc[32];

	decode_split(split_desc, &meta);
	CHECK(meta.len == 1448 && meta.hdr_len == 66 && meta.buf_id == 0xabcd &&
	      meta.ptype == 0x11a && meta.hash == 0x12345678,
	      "split: numbers of a descriptor made by hand");
	CHECK(meta.eop && meta.has_hash && !meta.error && !meta.malformed,
	      "split: flags of a descriptor made by hand");

	/* these two are about the header as a whole, looked at below */
	memcpy(desc, split_desc, sizeof(desc));
	flip(desc, 59);
	decode_split(desc, &meta);
	CHECK(!meta.hdr_len && meta.len == 1448, "split: header not split off");
	memcpy(desc, split_desc, sizeof(desc));
	flip(desc, 66);
	decode_split(desc, &meta);
	CHECK(!meta.hdr_len && meta.len == 1448,
	      "split: header too long for its buffer");

	memcpy(desc, split_desc, sizeof(desc));
	desc[0] = 0xc1;
	decode_split(desc, &meta);
	CHECK(meta.malformed, "split: another descriptor id");
	desc[0] = 0xc2;
	decode_split(desc, &meta);
	CHECK(!meta.malformed, "split: broadcast is no matter");
}

/* Bits that decide about the header, if it is looked at one by one */
static void test_split_bits(void)
{
	struct owner owners[ARRAY_SIZE(split_owners)];
	u8 desc[32];

	/* without a header to be split off, so that bits 59 and 66 say nothing */
	memcpy(desc, split_desc, sizeof(desc));
	desc[6] = 0;
	desc[7] = 0;
	memcpy(owners, split_owners, sizeof(owners));
	for (unsigned int i = 0; i < ARRAY_SIZE(owners); i++)
		if (owners[i].part == HDR_LEN)
			owners[i] = (struct owner){ DESC_BITS, DESC_BITS, HDR_LEN };
	each_bit("split, whole", decode_split, desc, owners);

	/* with one of no bytes, the header length counts, these two still not */
	flip(desc, 59);
	each_bit("split, header", decode_split, desc, split_owners);
}

/* The same packet, unsplit, of 1514 bytes, packet type 0x9a */
static const u8 base_desc[32] = {
	0, 0, 0, 0,
	0x78, 0x56, 0x34, 0x12,	/* hash 0x12345678 */
	/* done, end of packet, 3 in bits 12 and 13: hash; type from bit 30 on,
	 * length from bit 38 on: 0x00017aa680003003
	 */
	0x03, 0x30, 0x00, 0x80, 0xa6, 0x7a, 0x01, 0x00,
};

static const struct owner base_owners[] = {
	{ 32, 63, HASH }, { 65, 65, EOP }, { 76, 77, HAS_HASH },
	{ 83, 83, ERROR }, { 89, 89, ERROR }, { 94, 101, PTYPE },
	{ 102, 115, LEN }, { 0, 0, NOTHING },
};

static void test_base(void)
{
	struct wto_rx_meta meta;

	decode_base(base_desc, &meta);
	CHECK(meta.len == 1514 && !meta.hdr_len && meta.ptype == 0x9a &&
	      meta.hash == 0x12345678,
	      "base: numbers of a descriptor made by hand");
	CHECK(meta.eop && meta.has_hash && !meta.error && !meta.malformed,
	      "base: flags of a descriptor made by hand");
	each_bit("base", decode_base, base_desc, base_owners);
}

static const u8 flex_desc[32] = {
	0x02, 0,		/* descriptor id 2 */
	0x1a, 0x01,		/* packet type 0x11a */
	0xea, 0x05,		/* 1514 bytes */
	0, 0,
	0x03, 0x10,		/* done, end of packet, hash valid */
	0, 0,
	0x78, 0x56, 0x34, 0x12,	/* hash 0x12345678 */
};

static const struct owner flex_owners[] = {
	{ 0, 3, MALFORMED }, { 16, 25, PTYPE }, { 32, 45, LEN },
	{ 65, 65, EOP }, { 74, 74, ERROR }, { 76, 76, HAS_HASH },
	{ 96, 127, HASH }, { 0, 0, NOTHING },
};

static void test_flex(void)
{
	struct wto_rx_meta meta;

	decode_flex(flex_desc, &meta);
	CHECK(meta.len == 1514 && !meta.hdr_len && meta.ptype == 0x11a &&
	      meta.hash == 0x12345678,
	      "flex: numbers of a descriptor made by hand");
	CHECK(meta.eop && meta.has_hash && !meta.error && !meta.malformed,
	      "flex: flags of a descriptor made by hand");
	each_bit("flex", decode_flex, flex_desc, flex_owners);
}

/* The short cut of the poll: usual are those that differ in nothing but length,
 * type, hash, id and what nobody looks at
 */
static bool makes_unusual(unsigned int bit, bool hsplit)
{
	return bit < 4 || bit == 10 || bit == 47 || bit == 65 ||
	       (hsplit && (bit == 59 || bit == 66));
}

static void test_usual(bool gen, bool hsplit)
{
	const char *kind = hsplit ? "with header split" : "whole";
	u64 norm = wto_rxd_split_norm(gen, hsplit);
	unsigned int bad = 0, owned = 0;
	u8 desc[32];
	u64 diff;

	memcpy(desc, split_desc, sizeof(desc));
	if (!gen)
		flip(desc, 46);
	if (!hsplit) {
		desc[6] = 0;
		desc[7] = 0;
	}
	diff = quad(desc, 0) ^ norm;
	CHECK(!(diff & IDPF_RXF_QW0_GEN) &&
	      wto_rxd_split_usual(diff, quad(desc, 1), hsplit),
	      "usual, %s, generation %u", kind, gen);

	for (unsigned int bit = 0; bit < 128; bit++) {
		bool usual;

		flip(desc, bit);
		diff = quad(desc, 0) ^ norm;
		usual = wto_rxd_split_usual(diff, quad(desc, 1), hsplit);
		bad += usual == makes_unusual(bit, hsplit);
		owned += !!(diff & IDPF_RXF_QW0_GEN) != (bit == 46);
		flip(desc, bit);
	}
	CHECK(!bad, "unusual by one bit, %s, generation %u", kind, gen);
	CHECK(!owned, "the device's by one bit, %s, generation %u", kind, gen);
}

int main(void)
{
	test_split();
	test_split_bits();
	test_base();
	test_flex();
	for (unsigned int i = 0; i < 4; i++)
		test_usual(i & 1, i & 2);
	CHECK(wto_rxd_split_hash(quad(split_desc, 2)) == 0x12345678,
	      "the hash alone");

	return test_end();
}
