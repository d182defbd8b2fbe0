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

	CHECK(all & BIT(OFL_LINUX_HW_CSUM), "generic checksum is advertised");
	CHECK(!(all & (BIT(OFL_LINUX_IP_CSUM) | BIT(OFL_LINUX_IPV6_CSUM))),
	      "and excludes the per-version ones");
	all = ofl_linux_features(hw.jobs & ~OFL_JOB(TX_CSUM_GENERIC));
	CHECK(all & BIT(OFL_LINUX_IP_CSUM) && all & BIT(OFL_LINUX_IPV6_CSUM),
	      "per-version checksums without the generic one");
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
	struct ofl_pkt pkt = { .len = 60, .num_bufs = 1 };
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
	REFUSES(udp6_pkt(3001, 1000), cur.seg[OFL_SEG_USO].sub_mss_final = 0,
		OFL_REFUSE_TAIL);
	cur = config_without(0);
	REFUSES(tcp4_pkt(10, 0), pkt.num_bufs = 11, OFL_REFUSE_BUFS);
	cur = config_without(OFL_JOB(TX_CSUM_TCP4));
	REFUSES(tcp4_pkt(10, 0), NOTHING, OFL_REFUSE_OFF);
	cur = config_without(OFL_JOBS_USO);
	REFUSES(udp6_pkt(3000, 1000), NOTHING, OFL_REFUSE_OFF);
	cur = config_without(0);
	REFUSES(udp6_pkt(3000, 1000), pkt.l4_proto = OFL_PROTO_SCTP,
		OFL_REFUSE_OFFSETS);
#undef REFUSES
#undef NOTHING
}

int main(void)
{
	printf("TAP version 13\n");
	test_table_rows();
	test_table_bits();
	test_caps();
	test_linux_features();
	test_plan_accepts();
	test_plan_lsov1();
	test_plan_refuses();
	return test_end();
}
