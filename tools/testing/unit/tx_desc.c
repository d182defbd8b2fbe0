// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's transmit descriptors: encoders and decoders are inverses, for
 * every legal value of every field, and known descriptors are byte for byte
 * what the interface says.
 *
 * Output is TAP.
 */

#include <string.h>

#include "../../../drivers/net/ethernet/wto/wto_tx_desc.h"

#include "tap.h"

static const u64 addrs[] = { 0, 1, 0xfffffffffffff001ULL, 0x123456789abcdef0ULL };

/* The only difference between two words are these bits */
static bool differs_by(u64 a, u64 b, u64 bits)
{
	return (a ^ b) == bits;
}

static bool flow_data_ok(u64 addr, u32 len, bool csum, u16 tag)
{
	struct wto_txd txd = wto_txd_flex_data(addr, len,
					       wto_txd_flow_common(csum, tag));
	struct wto_txd_view v = wto_txd_flex_view(&txd);
	struct wto_txd end = { txd.qw0, txd.qw1 | WTO_TXD_FLOW_LAST };

	return v.dtype == IDPF_TX_DTYPE_FLEX_FLOW_SCHED && v.addr == addr &&
	       v.len == len && v.csum == csum && v.tag == tag && !v.last &&
	       !v.report && !v.tso &&
	       differs_by(txd.qw1, end.qw1, IDPF_TXF_CMD_EOP) &&
	       wto_txd_flex_view(&end).last && wto_txd_flex_view(&end).report;
}

static bool queued_data_ok(u64 addr, u32 len, bool csum)
{
	struct wto_txd txd = wto_txd_flex_data(addr, len,
					       wto_txd_queued_common(csum));
	struct wto_txd_view v = wto_txd_flex_view(&txd);
	struct wto_txd end = { txd.qw0, txd.qw1 | WTO_TXD_QUEUED_LAST };

	return v.dtype == IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2 && v.addr == addr &&
	       v.len == len && v.csum == csum && !v.last && !v.report &&
	       wto_txd_flex_view(&end).last && wto_txd_flex_view(&end).report;
}

static void test_flex_data(void)
{
	unsigned int bad = 0, len, tag, i;

	for (len = 1; len <= WTO_TXD_MAX_SIZE; len++)
		for (i = 0; i < ARRAY_SIZE(addrs); i++)
			bad += !flow_data_ok(addrs[i], len, i & 1, 0xa5a5) +
			       !queued_data_ok(addrs[i], len, i & 1);
	CHECK(!bad, "each buffer size, split model");
	for (bad = 0, tag = 0; tag <= 0xffff; tag++)
		bad += !flow_data_ok(addrs[3], 1 + tag % WTO_TXD_MAX_SIZE,
				     tag & 1, tag);
	CHECK(!bad, "each completion tag");
}

static bool ctx_ok(u32 tlen, u16 mss, u16 hdr_len)
{
	struct ofl_plan plan = {
		.tlen = tlen, .mss = mss, .hdr_len = hdr_len,
		.seg = OFL_SEG_LSOV2,
	};
	struct wto_txd flex = wto_txd_flex_ctx(&plan);
	struct wto_txd base = wto_txd_base_ctx(&plan);
	struct wto_txd_view f = wto_txd_flex_view(&flex);
	struct wto_txd_view b = wto_txd_base_view(&base);

	return f.dtype == IDPF_TX_DTYPE_FLEX_TSO_CTX && f.tso &&
	       f.tlen == tlen && f.mss == mss && f.hdr_len == hdr_len &&
	       b.dtype == IDPF_TX_DTYPE_CTX && b.tso && b.tlen == tlen &&
	       b.mss == mss && !base.qw0;
}

static void test_ctx(void)
{
	unsigned int bad = 0, i;

	for (i = 1; i <= FIELD_MAX(IDPF_TXC_TLEN); i++)
		bad += !ctx_ok(i, 1 + i % 9706, i % 256);
	CHECK(!bad, "each payload length, both contexts");
	for (bad = 0, i = 1; i <= FIELD_MAX(IDPF_TXC_MSS); i++)
		bad += !ctx_ok(FIELD_MAX(IDPF_TXC_TLEN), i, 255 - i % 256);
	CHECK(!bad, "each MSS, both contexts");
	for (bad = 0, i = 0; i <= 255; i++)
		bad += !ctx_ok(1, 1, i);
	CHECK(!bad, "each header length");
}

static bool base_data_ok(const struct ofl_plan *plan, u64 addr, u32 len)
{
	struct wto_txd txd = wto_txd_base_data(addr, len,
					       wto_txd_base_common(plan));
	struct wto_txd_view v = wto_txd_base_view(&txd);
	struct wto_txd end = { txd.qw0, txd.qw1 | WTO_TXD_BASE_LAST };

	return v.dtype == IDPF_TX_DTYPE_DATA && v.addr == addr &&
	       v.len == len && v.mac_len == plan->mac_len &&
	       v.ip_len == plan->ip_len && v.l4_len == plan->l4_len &&
	       v.ip_version == plan->ip_version &&
	       v.l4_proto == plan->l4_proto && v.csum == !!plan->csum &&
	       v.ip_csum == !!(plan->csum & OFL_CSUM_IP) && !v.last &&
	       !v.report && wto_txd_base_view(&end).last &&
	       wto_txd_base_view(&end).report;
}

/* All lengths that the fields can hold, with all protocols */
static void test_base_data(void)
{
	static const u8 protos[] = {
		OFL_PROTO_TCP, OFL_PROTO_UDP, OFL_PROTO_SCTP
	};
	struct ofl_plan plan = { .csum = OFL_CSUM_L4, .ip_version = 4 };
	unsigned int bad = 0, mac, ip, l4;

	for (mac = 0; mac <= FIELD_MAX(IDPF_TXB_MACLEN); mac++)
		for (ip = 0; ip <= FIELD_MAX(IDPF_TXB_IPLEN); ip++)
			for (l4 = 0; l4 <= FIELD_MAX(IDPF_TXB_L4LEN); l4++) {
				plan.mac_len = mac * 2;
				plan.ip_len = ip * 4;
				plan.l4_len = l4 * 4;
				plan.l4_proto = protos[(mac + ip + l4) % 3];
				plan.ip_version = l4 & 1 ? 4 : 6;
				plan.csum = OFL_CSUM_L4 |
					    (l4 % 4 == 3 ? OFL_CSUM_IP : 0);
				bad += !base_data_ok(&plan, addrs[l4 % 4],
						     1 + mac * 127);
			}
	CHECK(!bad, "each MACLEN, IPLEN, L4LEN");
	for (bad = 0, l4 = 1; l4 <= WTO_TXD_MAX_SIZE; l4++)
		bad += !base_data_ok(&plan, addrs[l4 % 4], l4);
	CHECK(!bad, "each buffer size, single model");

	plan = (struct ofl_plan){};
	CHECK(base_data_ok(&plan, 1, 60) && !wto_txd_base_common(&plan),
	      "nothing asked, nothing said");
}

/* Descriptors as the interface prints them */
static void test_known(void)
{
	struct ofl_plan plan = {
		.tlen = 0x2ffff, .mss = 0x5a8, .hdr_len = 54, .mac_len = 14,
		.ip_len = 20, .l4_len = 20, .ip_version = 4,
		.l4_proto = OFL_PROTO_TCP, .csum = OFL_CSUM_L4 | OFL_CSUM_IP,
	};
	struct wto_txd txd;

	txd = wto_txd_flex_data(0x1000, 60, wto_txd_flow_common(true, 0x1234));
	CHECK(txd.qw0 == 0x1000 && txd.qw1 == 0x003c12340000004cULL,
	      "type 12: size 60, tag 0x1234, checksums");
	txd = wto_txd_flex_data(0x1000, 60, wto_txd_queued_common(true));
	txd.qw1 |= WTO_TXD_QUEUED_LAST;
	CHECK(txd.qw1 == 0x003c000000000467ULL,
	      "type 7: size 60, end, report, checksums");
	txd = wto_txd_flex_ctx(&plan);
	CHECK(txd.qw0 == 0x003605a80002ffffULL && txd.qw1 == 0x25,
	      "type 5: payload, MSS, headers");
	txd = wto_txd_base_ctx(&plan);
	CHECK(txd.qw0 == 0 && txd.qw1 == (0x5a8ULL << 50 | 0x2ffffULL << 30 |
					  0x11),
	      "type 1: payload, MSS");
	txd = wto_txd_base_data(0x1000, 60, wto_txd_base_common(&plan));
	txd.qw1 |= WTO_TXD_BASE_LAST;
	CHECK(txd.qw1 == (60ULL << 34 | 5ULL << 30 | 5ULL << 23 | 7ULL << 16 |
			  1ULL << 12 | 3ULL << 9 | 0x30),
	      "type 0: lengths, IPv4 with checksum, TCP");
}

int main(void)
{
	printf("TAP version 13\n");
	test_flex_data();
	test_ctx();
	test_base_data();
	test_known();
	return test_end();
}
