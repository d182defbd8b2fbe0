// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The OS-neutral offload model against the rules: the table is whole and
 * without contradictions, Linux features follow from jobs, and the send plan
 * accepts what a NIC may be asked for and refuses everything else.
 *
 * Output is TAP.  Rules of the semantics base are named by id.
 */

#include <string.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl.h"
#include "../../../include/wto/virtchnl.h"

#include "tap.h"

/* Jobs that belong together */
#define OFL_JOBS_TX_CSUM_L4 \
	(OFL_JOB(TX_CSUM_TCP4) | OFL_JOB(TX_CSUM_UDP4) | \
	 OFL_JOB(TX_CSUM_TCP6) | OFL_JOB(TX_CSUM_UDP6))
#define OFL_JOBS_RX_CSUM \
	(OFL_JOB(RX_CSUM_IP4) | OFL_JOB(RX_CSUM_TCP4) | \
	 OFL_JOB(RX_CSUM_UDP4) | OFL_JOB(RX_CSUM_SCTP4) | \
	 OFL_JOB(RX_CSUM_TCP6) | OFL_JOB(RX_CSUM_UDP6) | \
	 OFL_JOB(RX_CSUM_SCTP6))

/* Capability bits that no row stands behind, and why */
static const struct {
	enum ofl_cap_word word;
	u32 bits;
	const char *why;
} unused_bits[] = {
	{ OFL_CAP_CSUM, VC2_CSUM_RX_GENERIC,
	  "raw sums need no verdict by protocol; not asked for" },
	{ OFL_CAP_CSUM, GENMASK(23, 16),
	  "tunnels are a matter of the encapsulation offloads" },
	{ OFL_CAP_SEG, VC2_SEG_IPV4_SCTP | VC2_SEG_IPV6_SCTP,
	  "NDIS knows no SCTP segmentation" },
	{ OFL_CAP_SEG, VC2_SEG_GENERIC,
	  "says nothing about which protocols; not asked for" },
	{ OFL_CAP_SEG, VC2_SEG_TX_SINGLE_TUNNEL | VC2_SEG_TX_DOUBLE_TUNNEL,
	  "tunnels are a matter of the encapsulation offloads" },
};

static void test_table_rows(void)
{
	unsigned int i, j;

	for (i = 0; i < OFL_NUM_JOBS; i++) {
		const struct ofl_row *row = &ofl_table[i];
		bool unique = true;

		CHECK(row->name && row->job == i, "row %u is job %u", i, i);
		for (j = 0; j < i; j++)
			unique &= strcmp(row->name, ofl_table[j].name) != 0;
		CHECK(unique, "row %u has a name of its own", i);
		CHECK(row->cap_bits, "%s needs a capability", row->name);
		CHECK(!row->ndis[0] == !row->ndis_revision &&
		      !row->ndis[0] == !row->keyword[0],
		      "%s: NDIS field, revision and keyword go together",
		      row->name);
		CHECK(!row->ethtool[0] ==
		      (row->linux_feature == OFL_LINUX_NONE),
		      "%s: ethtool name goes with a feature", row->name);
	}
}

static void test_table_bits(void)
{
	static const u32 known[OFL_NUM_CAP_WORDS] = {
		[OFL_CAP_CSUM] = GENMASK(23, 0),
		[OFL_CAP_SEG] = GENMASK(8, 0),
	};
	u32 words[OFL_NUM_CAP_WORDS], unused[OFL_NUM_CAP_WORDS] = {};
	unsigned int i;

	ofl_caps_wanted(words);
	for (i = 0; i < ARRAY_SIZE(unused_bits); i++)
		unused[unused_bits[i].word] |= unused_bits[i].bits;
	for (i = 0; i < OFL_NUM_CAP_WORDS; i++) {
		CHECK((words[i] | unused[i]) == known[i],
		      "word %u: each known bit is used or explained", i);
		CHECK(!(words[i] & unused[i]),
		      "word %u: no bit is both used and explained away", i);
	}
}

static const struct ofl_device_caps full_caps = {
	.words = { [OFL_CAP_CSUM] = 0x7f7f | VC2_CSUM_TX_GENERIC,
		   [OFL_CAP_SEG] = 0x3f },
	.max_hdr_len = 192,
	.max_bufs = 10,
	.max_frame = 9728,
};

static struct ofl_config config_without(u64 jobs)
{
	struct ofl_config hw;

	ofl_caps_from_device(&full_caps, &hw);
	hw.jobs &= ~jobs;
	return hw;
}

static void test_caps(void)
{
	struct ofl_device_caps dev = full_caps;
	struct ofl_config hw;

	ofl_caps_from_device(&dev, &hw);
	CHECK(hw.jobs == BIT_ULL(OFL_NUM_JOBS) - 1, "a full grant is all jobs");

	dev.max_hdr_len = 0;
	ofl_caps_from_device(&dev, &hw);
	CHECK(hw.jobs == OFL_JOBS_RX_CSUM, "no header length: nothing to send");

	dev = full_caps;
	dev.words[OFL_CAP_CSUM] &= ~VC2_CSUM_TX_L4_IPV4_TCP;
	ofl_caps_from_device(&dev, &hw);
	CHECK(!(hw.jobs & OFL_JOBS_LSO4) && hw.jobs & OFL_JOB(LSOV2_IP6),
	      "LSO-42: no IPv4 LSO without the IPv4 TCP checksum");

	dev = full_caps;
	dev.words[OFL_CAP_SEG] &= ~VC2_SEG_IPV6_UDP;
	ofl_caps_from_device(&dev, &hw);
	CHECK(!(hw.jobs & OFL_JOBS_USO), "USO-17: USO is both versions or none");

	dev = full_caps;
	dev.words[OFL_CAP_CSUM] &= ~VC2_CSUM_TX_L4_IPV6_UDP;
	ofl_caps_from_device(&dev, &hw);
	CHECK(!(hw.jobs & OFL_JOBS_USO), "USO-31: no USO without UDP checksum");
}

static void test_linux_features(void)
{
	struct ofl_config hw = config_without(0), cur;
	u32 all = ofl_linux_features(hw.jobs), i;

	CHECK(all & BIT(OFL_LINUX_HW_CSUM),
	      "CON-12: all protocols are one feature, extensions included");
	CHECK(!(all & (BIT(OFL_LINUX_IP_CSUM) | BIT(OFL_LINUX_IPV6_CSUM))),
	      "and exclude the per-version ones");
	all = ofl_linux_features(hw.jobs & ~OFL_JOB(TX_CSUM_UDP6));
	CHECK(all & BIT(OFL_LINUX_IP_CSUM) && !(all & BIT(OFL_LINUX_IPV6_CSUM)) &&
	      !(all & BIT(OFL_LINUX_HW_CSUM)),
	      "one IP version where the other is not whole");
	all = ofl_linux_features(hw.jobs & ~OFL_JOB(TX_CSUM_UDP4));
	CHECK(!(all & BIT(OFL_LINUX_HW_CSUM)) &&
	      !(all & BIT(OFL_LINUX_IP_CSUM)),
	      "a Linux bit that promises UDP needs UDP");
	CHECK(ofl_linux_features(OFL_JOB(LSOV1_IP4)) & BIT(OFL_LINUX_TSO),
	      "LSOv1 alone is TSO");
	CHECK(!(ofl_linux_features(OFL_JOB(RX_CSUM_IP4)) &
		BIT(OFL_LINUX_RXCSUM)),
	      "CON-17: the IP verdict alone is no receive checksum");

	all = ofl_linux_features(hw.jobs);
	for (i = OFL_LINUX_NONE + 1; i < OFL_NUM_LINUX; i++) {
		if (!(all & BIT(i)))
			continue;
		ofl_config_set_linux(&hw, all & ~BIT(i), &cur);
		CHECK(!(ofl_linux_features(cur.jobs) & BIT(i)),
		      "switching feature %u off takes its jobs", i);
		CHECK((cur.jobs & hw.jobs) == cur.jobs,
		      "CFG-05: current is within hardware (%u)", i);
	}
	ofl_config_set_linux(&hw, all, &cur);
	CHECK(cur.jobs == hw.jobs, "CFG-06: everything on is the hardware");
}

/* What is reported and switched is what the rows say */
static void test_table_features(void)
{
	u64 all = config_without(0).jobs;
	unsigned int i, j;

	for (i = 0; i < OFL_NUM_JOBS; i++) {
		const struct ofl_row *row = &ofl_table[i];
		u32 shown = ofl_linux_features(all & ~BIT_ULL(i));
		bool same_name = true;

		if (row->linux_feature == OFL_LINUX_NONE)
			continue;
		CHECK(ofl_jobs_of_linux(all, row->linux_feature) & BIT_ULL(i),
		      "%s is switched by the feature of its row", row->name);
		for (j = 0; j < OFL_NUM_JOBS; j++)
			same_name &= ofl_table[j].linux_feature !=
					     row->linux_feature ||
				     !strcmp(ofl_table[j].ethtool,
					     row->ethtool);
		CHECK(same_name, "%s: a feature has one name", row->name);
		/* these are there with any of their jobs; nothing stands on
		 * the generic job alone
		 */
		if (row->linux_feature == OFL_LINUX_TSO ||
		    row->linux_feature == OFL_LINUX_RXCSUM ||
		    row->linux_feature == OFL_LINUX_HW_CSUM)
			continue;
		CHECK(!(shown & BIT(row->linux_feature)),
		      "%s lacks: its feature is not reported", row->name);
	}
}

static struct ofl_pkt tcp4_pkt(u32 payload, u16 mss)
{
	return (struct ofl_pkt){
		.len = 14 + 20 + 20 + payload, .num_bufs = 2,
		.l3_off = 14, .l4_off = 34, .l4_hlen = 20,
		.csum_off = 34 + 16, .mss = mss,
		.ip_version = 4, .l4_proto = OFL_PROTO_TCP,
	};
}

static struct ofl_pkt udp6_pkt(u32 payload, u16 mss)
{
	return (struct ofl_pkt){
		.len = 14 + 40 + 8 + payload, .num_bufs = 2,
		.l3_off = 14, .l4_off = 54, .l4_hlen = 8,
		.csum_off = 54 + 6, .mss = mss,
		.ip_version = 6, .l4_proto = OFL_PROTO_UDP,
	};
}

static void test_plan_accepts(void)
{
	struct ofl_config cur = config_without(0);
	struct ofl_pkt pkt = { .len = 42, .num_bufs = 1 };
	struct ofl_plan plan;

	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK && !plan.csum &&
	      !plan.seg && plan.segs == 1 && plan.wire_bytes == 60,
	      "CSUM-04: nothing asked, nothing done");

	pkt = tcp4_pkt(1000, 0);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      plan.csum == OFL_CSUM_L4 && !plan.seg,
	      "CON-03: a plain checksum leaves the IP header alone");
	CHECK(plan.mac_len == 14 && plan.ip_len == 20 && plan.l4_len == 20 &&
	      plan.hdr_len == 54, "header lengths");

	pkt = tcp4_pkt(14480, 1448);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      plan.seg == OFL_SEG_LSOV2 && plan.segs == 10 &&
	      plan.csum == (OFL_CSUM_L4 | OFL_CSUM_IP),
	      "LSO-15: each segment gets both checksums");
	CHECK(plan.wire_bytes == 14480 + 10 * 54,
	      "USO-19: bytes on the wire count each header");
	pkt = tcp4_pkt(1000 + 1, 1000);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK && plan.segs == 2 &&
	      plan.wire_bytes == 1054 + 60, "and the padding of the last");
	pkt = tcp4_pkt(200000, 1448);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      plan.tlen == 200000, "CON-07: LSOv2 beyond 64 KiB");

	pkt = udp6_pkt(3 * 1000 + 1, 1000);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      plan.seg == OFL_SEG_USO && plan.segs == 4 &&
	      plan.csum == OFL_CSUM_L4, "USO with a short last segment");

	pkt = tcp4_pkt(3000, 1000);
	cur = config_without(OFL_JOBS_TX_CSUM_L4 | OFL_JOB(TX_CSUM_GENERIC));
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      plan.csum & OFL_CSUM_L4,
	      "CSUM-10: segments get checksums with the checksum job off");
}

static void test_plan_lsov1(void)
{
	struct ofl_config cur = config_without(OFL_JOB(LSOV2_IP4));
	struct ofl_pkt pkt = tcp4_pkt(3000, 1000);
	struct ofl_plan plan;

	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      plan.seg == OFL_SEG_LSOV1, "LSO-02: v1 where v2 is off");
	pkt = tcp4_pkt(65495, 1000);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK,
	      "LSO-40: v1 up to a total length of 65535");
	pkt = tcp4_pkt(65496, 1000);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_REFUSE_SIZE,
	      "LSO-40: and not beyond");
	cur = config_without(OFL_JOBS_LSO4);
	pkt = tcp4_pkt(3000, 1000);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_REFUSE_OFF,
	      "LSO-21: what is off is not asked of the NIC");
}

#define NOTHING		((void)0)

/* One change to a good packet or configuration, and the refusal it earns */
static void test_plan_refuses(void)
{
	struct ofl_config cur = config_without(0);
	struct ofl_pkt pkt;
	struct ofl_plan plan;

#define REFUSES(make, change, refusal) do {				\
	enum ofl_refusal want_ = (refusal);				\
									\
	pkt = make;							\
	change;								\
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == want_,		\
	      "%s earns %s", #make ", " #change,			\
	      ofl_refusal_name(want_));					\
} while (0)

	REFUSES(tcp4_pkt(10, 0), pkt.ip_version = 0, OFL_REFUSE_PROTO);
	REFUSES(tcp4_pkt(10, 0), pkt.ip_version = 5, OFL_REFUSE_PROTO);
	REFUSES(tcp4_pkt(10, 0), pkt.l4_proto = 1, OFL_REFUSE_PROTO);
	REFUSES(tcp4_pkt(10, 0), pkt.l4_off = 14, OFL_REFUSE_OFFSETS);
	REFUSES(tcp4_pkt(10, 0), pkt.l4_off = 36, OFL_REFUSE_OFFSETS);
	REFUSES(tcp4_pkt(10, 0), pkt.l4_hlen = 64, OFL_REFUSE_OFFSETS);
	REFUSES(tcp4_pkt(10, 0), pkt.l4_hlen = 18, OFL_REFUSE_OFFSETS);
	REFUSES(tcp4_pkt(10, 0), pkt.len = 53, OFL_REFUSE_OFFSETS);
	REFUSES(udp6_pkt(10, 0), pkt.l4_hlen = 12, OFL_REFUSE_OFFSETS);
	REFUSES(udp6_pkt(10, 0), pkt.l4_off = 50, OFL_REFUSE_OFFSETS);
	REFUSES(tcp4_pkt(10, 0), pkt.csum_off += 2, OFL_REFUSE_CSUM_PLACE);
	REFUSES(tcp4_pkt(3000, 1000), pkt.csum_off = 0, OFL_REFUSE_CSUM_PLACE);
	REFUSES(tcp4_pkt(3000, 1000), cur.max_hdr_len = 53,
		OFL_REFUSE_HDR_LEN);
	cur = config_without(0);
	REFUSES(tcp4_pkt(3000, 87), NOTHING, OFL_REFUSE_MSS);
	REFUSES(tcp4_pkt(30000, 9707), NOTHING, OFL_REFUSE_MSS);
	REFUSES(tcp4_pkt(0, 1000), NOTHING, OFL_REFUSE_SIZE);
	REFUSES(tcp4_pkt(0x40000, 1000), NOTHING, OFL_REFUSE_SIZE);
	REFUSES(udp6_pkt(0x10000, 1000), NOTHING, OFL_REFUSE_SIZE);
	REFUSES(tcp4_pkt(2000, 1000),
		cur.seg[OFL_SEG_LSOV2].min_segment_count = 3,
		OFL_REFUSE_MIN_SEGS);
	cur = config_without(0);
	REFUSES(udp6_pkt(2000, 1000),
		cur.seg[OFL_SEG_USO].min_segment_count = 3,
		OFL_REFUSE_MIN_SEGS);
	cur = config_without(0);
	REFUSES(udp6_pkt(3001, 1000), cur.seg[OFL_SEG_USO].sub_mss_final = 0,
		OFL_REFUSE_TAIL);
	cur = config_without(0);
	REFUSES(tcp4_pkt(10, 0), pkt.num_bufs = 11, OFL_REFUSE_BUFS);
	REFUSES(tcp4_pkt(3000, 1000), pkt.num_bufs = 11, OFL_REFUSE_BUFS);
	REFUSES(tcp4_pkt(9728 - 53, 0), NOTHING, OFL_REFUSE_FRAME);
	REFUSES(tcp4_pkt(30000, 9675), NOTHING, OFL_REFUSE_FRAME);
	cur = config_without(OFL_JOB(TX_CSUM_TCP4));
	REFUSES(tcp4_pkt(10, 0), NOTHING, OFL_REFUSE_OFF);
	cur = config_without(OFL_JOBS_USO);
	REFUSES(udp6_pkt(3000, 1000), NOTHING, OFL_REFUSE_OFF);
	cur = config_without(0);
	REFUSES(udp6_pkt(3000, 1000), pkt.l4_proto = OFL_PROTO_SCTP,
		OFL_REFUSE_OFFSETS);

	/* what concerns checksums, too, comes before what does not */
	cur.max_hdr_len = 53;
	REFUSES(tcp4_pkt(10, 0), pkt.num_bufs = 11, OFL_REFUSE_HDR_LEN);
	REFUSES(tcp4_pkt(9728 - 53, 0), NOTHING, OFL_REFUSE_HDR_LEN);
	REFUSES(tcp4_pkt(3000, 1000), pkt.num_bufs = 11, OFL_REFUSE_HDR_LEN);
	REFUSES(tcp4_pkt(3000, 87), NOTHING, OFL_REFUSE_HDR_LEN);
	cur = config_without(OFL_JOB(TX_CSUM_TCP4));
	REFUSES(tcp4_pkt(10, 0), pkt.num_bufs = 11, OFL_REFUSE_OFF);
#undef REFUSES
#undef NOTHING
}

/* A frame that a test builds: tags, IP header, extension headers, layer 4 */
struct frame {
	u8 b[256];
	struct ofl_pkt pkt;
};

static void put16(u8 *at, u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* Ethernet header with @num tags of type @tpid, then @type */
static u16 put_eth(struct frame *f, u16 num, u16 tpid, u16 type)
{
	u16 at = 12;

	memset(f, 0, sizeof(*f));
	while (num--) {
		put16(f->b + at, tpid);
		at += 4;
	}
	put16(f->b + at, type);
	f->pkt.l3_off = at + 2;
	return at + 2;
}

static struct frame ip4_frame(u16 tags, u16 options, u8 proto, u16 payload)
{
	struct frame f;
	u16 l3 = put_eth(&f, tags, 0x8100, 0x0800);
	u16 hlen = 20 + options;

	f.b[l3] = 0x40 | hlen / 4;
	put16(f.b + l3 + 2, hlen + payload);
	f.b[l3 + 9] = proto;
	f.b[l3 + hlen + 12] = 0x50;
	f.pkt.l4_off = l3 + hlen;
	f.pkt.len = l3 + hlen + payload;
	return f;
}

/* @ext: bytes of each extension header, 0 ends; @first and @next: types */
static struct frame ip6_frame(const u8 *type, const u16 *ext, u8 proto,
			      u16 payload)
{
	struct frame f;
	u16 l3 = put_eth(&f, 1, 0x88a8, 0x86dd);
	u16 at = l3 + 40;
	u8 *next = &f.b[l3 + 6];

	f.b[l3] = 0x60;
	for (; *ext; type++, at += *ext++) {
		*next = *type;
		next = &f.b[at];
		f.b[at + 1] = *type == 44 ? 0 : *ext / 8 - 1;
	}
	*next = proto;
	put16(f.b + l3 + 4, at - l3 - 40 + payload);
	f.b[at + 12] = 0x60;
	f.pkt.l4_off = at;
	f.pkt.len = at + payload;
	return f;
}

static enum ofl_refusal read_headers(struct frame *f)
{
	return ofl_read_headers(&f->pkt, f->b, sizeof(f->b));
}

static void test_headers_good(void)
{
	static const u8 types[] = { 0, 43, 60, 44 };
	static const u16 sizes[] = { 8, 64, 48, 8, 0 };
	struct frame f;
	u16 i;

	for (i = 0; i <= 40; i += 4) {
		f = ip4_frame(i % 3, i, OFL_PROTO_TCP, 100);
		CHECK(read_headers(&f) == OFL_OK && f.pkt.ip_version == 4 &&
		      f.pkt.l4_proto == OFL_PROTO_TCP && f.pkt.l4_hlen == 20,
		      "CSUM-43: IPv4 with %u bytes of options, %u tags", i,
		      i % 3);
	}
	f = ip4_frame(0, 0, OFL_PROTO_UDP, 8);
	CHECK(read_headers(&f) == OFL_OK && f.pkt.l4_hlen == 8, "empty UDP");
	f = ip4_frame(0, 0, OFL_PROTO_SCTP, 12);
	CHECK(read_headers(&f) == OFL_OK && f.pkt.l4_hlen == 12, "SCTP");
	f = ip6_frame(types, sizes, OFL_PROTO_TCP, 100);
	CHECK(read_headers(&f) == OFL_OK && f.pkt.ip_version == 6 &&
	      f.pkt.l4_proto == OFL_PROTO_TCP && f.pkt.l4_hlen == 24,
	      "LSO-43: 128 bytes of IPv6 extension headers");
	f = ip6_frame(types, sizes + 4, OFL_PROTO_UDP, 9);
	CHECK(read_headers(&f) == OFL_OK && f.pkt.l4_proto == OFL_PROTO_UDP,
	      "plain IPv6");
	f = ip4_frame(0, 0, OFL_PROTO_TCP, 3000);
	f.pkt.mss = 1000;
	put16(f.b + 14 + 2, 0);
	CHECK(read_headers(&f) == OFL_OK,
	      "LSO-08: a template's length does not count");
}

static void test_headers_bad(void)
{
	static const u8 types[] = { 60, 44 };
	static const u16 sizes[] = { 16, 8, 0 };
	struct frame f;

#define STUMBLES(make, change, refusal) do {				\
	enum ofl_refusal want_ = (refusal);				\
									\
	f = make;							\
	change;								\
	CHECK(read_headers(&f) == want_, "%s earns %s",			\
	      #make ", " #change, ofl_refusal_name(want_));		\
} while (0)
#define TCP4	ip4_frame(0, 0, OFL_PROTO_TCP, 100)
#define TCP6	ip6_frame(types, sizes, OFL_PROTO_TCP, 100)

	STUMBLES(TCP4, f.pkt.l3_off = 13, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP4, f.pkt.l4_off = 33, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP4, f.pkt.l4_off = 38, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP4, f.pkt.l4_off = 249, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP4, f.b[14] = 0x55, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP4, f.b[12] = 0x88, OFL_REFUSE_PROTO);
	STUMBLES(TCP4, f.b[14 + 6] = 0x20, OFL_REFUSE_FRAGMENT);
	STUMBLES(TCP4, f.b[14 + 7] = 1, OFL_REFUSE_FRAGMENT);
	STUMBLES(TCP4, f.pkt.len++, OFL_REFUSE_LENGTH);
	STUMBLES(TCP4, f.b[14 + 9] = 4, OFL_REFUSE_PROTO);
	STUMBLES(ip4_frame(1, 0, OFL_PROTO_TCP, 100), f.b[12] = 0x91,
		 OFL_REFUSE_PROTO);
	STUMBLES(ip4_frame(3, 0, OFL_PROTO_TCP, 100), (void)0,
		 OFL_REFUSE_PROTO);
	STUMBLES(TCP6, f.pkt.l4_off -= 4, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP6, f.pkt.l4_off -= 8, OFL_REFUSE_PROTO);
	STUMBLES(TCP6, f.b[18 + 6] = 51, OFL_REFUSE_PROTO);
	STUMBLES(TCP6, f.b[18 + 40 + 1] = 31, OFL_REFUSE_OFFSETS);
	STUMBLES(TCP6, f.b[18 + 56 + 3] = 1, OFL_REFUSE_FRAGMENT);
	STUMBLES(TCP6, f.pkt.len--, OFL_REFUSE_LENGTH);
	STUMBLES(TCP6, f.b[18] = 0x40, OFL_REFUSE_OFFSETS);
#undef TCP6
#undef TCP4
#undef STUMBLES
}

/* The same by definition: which buffers have a byte of each segment */
static unsigned int slow_seg_bufs(const u32 *len, unsigned int num,
				  u32 hdr_len, u32 mss)
{
	unsigned int most = 0, cur = 0, i, last = num;
	u32 at = 0, byte;

	for (i = 0; i < num; i++) {
		for (byte = i ? 0 : hdr_len; byte < len[i]; byte++, at++) {
			if (at % mss == 0) {
				cur = 0;
				last = num;
			}
			cur += last != i;
			last = i;
			most = cur > most ? cur : most;
		}
	}
	return most + 1;
}

static unsigned int fast_seg_bufs(const u32 *len, unsigned int num,
				  u32 hdr_len, u32 mss)
{
	struct ofl_seg_bufs bufs = { .mss = mss, .left = mss };
	unsigned int i;

	for (i = 0; i < num; i++)
		ofl_seg_bufs_add(&bufs, i ? len[i] : len[0] - hdr_len);
	return ofl_seg_bufs_most(&bufs);
}

static u32 seg_bufs_rnd(u32 *seed, u32 below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % below;
}

static void test_seg_bufs(void)
{
	unsigned int round, bad = 0;
	u32 seed = 1;

	for (round = 0; round < 3000; round++) {
		u32 len[18], hdr_len = 54, mss, i, num;

		num = 1 + seg_bufs_rnd(&seed, 18);
		mss = 1 + seg_bufs_rnd(&seed, 700);
		for (i = 0; i < num; i++)
			len[i] = (i ? 1 : hdr_len) + seg_bufs_rnd(&seed, 900);
		bad += fast_seg_bufs(len, num, hdr_len, mss) !=
		       slow_seg_bufs(len, num, hdr_len, mss);
	}
	CHECK(!bad, "buffers of the worst segment, %u random packets", round);
}

/* A tag more than the packet has now */
static void test_fits_tag(void)
{
	struct ofl_config cur = config_without(0);
	struct ofl_pkt pkt = tcp4_pkt(30000, 1000);
	struct ofl_plan plan;

	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      ofl_fits_tag(&cur, &plan) == OFL_OK, "room for a tag");
	cur.max_hdr_len = 57;
	CHECK(ofl_fits_tag(&cur, &plan) == OFL_REFUSE_HDR_LEN,
	      "a tag makes the headers too long");
	pkt.num_bufs = 11;
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_REFUSE_BUFS &&
	      ofl_fits_tag(&cur, &plan) == OFL_REFUSE_HDR_LEN,
	      "those of a packet of too many buffers as well");
	cur = config_without(0);
	plan.mac_len = 22;
	CHECK(ofl_fits_tag(&cur, &plan) == OFL_REFUSE_PROTO, "a third tag");
	pkt = tcp4_pkt(30000, 9671);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      ofl_fits_tag(&cur, &plan) == OFL_REFUSE_FRAME,
	      "a tag makes the segments too long");
	pkt = tcp4_pkt(9671, 0);
	CHECK(ofl_send_plan(&cur, &pkt, &plan) == OFL_OK &&
	      ofl_fits_tag(&cur, &plan) == OFL_OK,
	      "the length of whole packets is the stack's business");
}

/* Refusals that say nothing against the headers */
static void test_shape(void)
{
	const u32 shape = BIT(OFL_REFUSE_MSS) | BIT(OFL_REFUSE_SIZE) |
			  BIT(OFL_REFUSE_MIN_SEGS) | BIT(OFL_REFUSE_TAIL) |
			  BIT(OFL_REFUSE_BUFS) | BIT(OFL_REFUSE_FRAME);
	unsigned int i;

	for (i = 0; i < OFL_NUM_REFUSALS; i++)
		CHECK(ofl_refuses_shape(i) == !!(shape & BIT(i)),
		      "%s: checksums are %s to the NIC", ofl_refusal_name(i),
		      shape & BIT(i) ? "left" : "not left");
}

/* What the driver takes for granted (WTO_TX_SEG_BUFS): if no buffer but the
 * first and the last is shorter than a segment, then a segment is gathered
 * from 4 buffers at most, even where long ones are cut.
 */
static void test_long_bufs(void)
{
	const u32 max_desc = 16383, piece = 12288, border = 4096, max_mss = 9706;
	unsigned int round, bad = 0, most = 0;
	u32 seed = 1;

	for (round = 0; round < 300000; round++) {
		u32 mss = 1 + seg_bufs_rnd(&seed, max_mss);
		u32 num = 1 + seg_bufs_rnd(&seed, 6), i;
		struct ofl_seg_bufs bufs = { .mss = mss, .left = mss };

		for (i = 0; i < num; i++) {
			u32 len = seg_bufs_rnd(&seed, seed & 1 << 30 ? 40 : 40000);
			u32 cut = piece + seg_bufs_rnd(&seed, border);

			if (i && i != num - 1)
				len += mss;
			for (; len > max_desc; len -= cut, cut = piece)
				ofl_seg_bufs_add(&bufs, cut);
			ofl_seg_bufs_add(&bufs, len);
		}
		bad += ofl_seg_bufs_most(&bufs) > 4;
		most += ofl_seg_bufs_most(&bufs) == 4;
	}
	CHECK(!bad && most, "4 buffers at most without short ones, %u packets",
	      round);
}

int main(void)
{
	printf("TAP version 13\n");
	test_headers_good();
	test_headers_bad();
	test_seg_bufs();
	test_long_bufs();
	test_table_rows();
	test_table_bits();
	test_caps();
	test_linux_features();
	test_table_features();
	test_plan_accepts();
	test_plan_lsov1();
	test_plan_refuses();
	test_fits_tag();
	test_shape();
	return test_end();
}
