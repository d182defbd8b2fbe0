// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The short way to a send plan against the long one: whatever the short way
 * accepts, the long way accepts with the same plan; and the packets that are
 * called usual do go the short way.
 *
 * Packets and configurations are random, by a fixed seed.  Output is TAP.
 */

#include <string.h>

#include "../../../drivers/net/ethernet/wto/offload/ofl_usual.h"

#include "tap.h"

#define ROUNDS	2000000

static u32 random_state = 1;

/* xorshift; a number below @below */
static u32 rnd(u32 below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

static bool one_in(u32 n)
{
	return !rnd(n);
}

/**
 * struct sample - a packet and what it is judged by
 * @cfg: configuration
 * @pkt: the packet
 * @b: its first bytes
 * @linear: how many of them there are
 * @usual: it is usual, and the NIC can do it
 */
struct sample {
	struct ofl_config cfg;
	struct ofl_pkt pkt;
	u8 b[192];
	u32 linear;
	bool usual;
};

static struct ofl_config whole_config(void)
{
	const struct ofl_device_caps dev = {
		.words = { 0xffffffff, 0xffffffff },
		.max_hdr_len = 255, .max_bufs = 10, .max_frame = 9724,
	};
	struct ofl_config cfg;

	ofl_caps_from_device(&dev, &cfg);
	return cfg;
}

static void put16(u8 *at, u32 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* A packet that every NIC with these offloads takes */
static void make_usual(struct sample *s)
{
	bool v6 = rnd(2), udp = rnd(2), seg = rnd(2);
	u32 l4_hlen = udp ? 8 : 20 + 4 * rnd(11);
	u32 ip_len = v6 ? 40 : 20;
	u32 payload = seg ? 1 + rnd(60000) : rnd(1400);
	u8 *ip = s->b + 14;

	memset(s, 0, sizeof(*s));
	s->cfg = whole_config();
	s->usual = true;
	s->pkt.l3_off = 14;
	s->pkt.l4_off = 14 + ip_len;
	s->pkt.csum_off = s->pkt.l4_off + (udp ? 6 : 16);
	s->pkt.len = s->pkt.l4_off + l4_hlen + payload;
	s->pkt.num_bufs = 1 + rnd(10);
	s->pkt.mss = seg ? 88 + rnd(8000) : 0;
	s->linear = sizeof(s->b) < s->pkt.len ? sizeof(s->b) : s->pkt.len;
	put16(s->b + 12, v6 ? 0x86dd : 0x0800);
	ip[0] = v6 ? 0x60 : 0x45;
	ip[v6 ? 6 : 9] = udp ? OFL_PROTO_UDP : OFL_PROTO_TCP;
	put16(ip + (v6 ? 4 : 2), s->pkt.len - 14 - (v6 ? 40 : 0));
	if (!udp)
		s->b[s->pkt.l4_off + 12] = l4_hlen / 4 << 4;
}

/* Make something else of it, mostly something that cannot be done */
static void spoil(struct sample *s)
{
	s->usual = false;
	switch (rnd(14)) {
	case 0:
		s->b[rnd(14)] ^= 1 << rnd(8);
		break;
	case 1:
		s->b[14 + rnd(20)] ^= 1 << rnd(8);
		break;
	case 2:
		s->b[s->pkt.l4_off + rnd(20)] = rnd(256);
		break;
	case 3:
		s->pkt.l4_off += rnd(9) - 4;
		break;
	case 4:
		s->pkt.l3_off = rnd(30);
		break;
	case 5:
		s->pkt.csum_off += rnd(9) - 4;
		break;
	case 6:
		s->linear = rnd(s->linear + 1);
		break;
	case 7:
		s->pkt.mss = rnd(12000);
		break;
	case 8:
		s->pkt.len = s->linear + rnd(300000);
		break;
	case 9:
		s->pkt.num_bufs = rnd(20);
		break;
	case 10:
		s->cfg.jobs &= ~(1ULL << rnd(OFL_NUM_JOBS));
		break;
	case 11:
		s->cfg.max_hdr_len = rnd(130);
		break;
	case 12:
		s->cfg.max_frame = rnd(3000);
		break;
	default:
		s->cfg.seg[1 + rnd(OFL_NUM_SEG - 1)] = (struct ofl_seg_limits){
			.max_offload_size = rnd(100000),
			.min_segment_count = rnd(20),
			.sub_mss_final = rnd(2),
		};
	}
}

static bool same(const struct sample *s, const struct ofl_plan *plan)
{
	struct ofl_pkt long_pkt = s->pkt;
	struct ofl_plan long_plan;

	memset(&long_plan, 0, sizeof(long_plan));
	return !ofl_read_headers(&long_pkt, s->b, s->linear) &&
	       !ofl_send_plan(&s->cfg, &long_pkt, &long_plan) &&
	       !memcmp(&long_plan, plan, sizeof(*plan));
}

int main(void)
{
	u32 accepted = 0, usual = 0, missed = 0, wrong = 0, spoilt = 0;
	const struct ofl_usual_kind *kind;
	struct ofl_usual limits;
	struct ofl_plan plan;
	struct sample s;
	u32 hdr_len, i;

	printf("TAP version 13\n");
	for (i = 0; i < ROUNDS; i++) {
		make_usual(&s);
		while (one_in(2))
			spoil(&s);
		usual += s.usual;
		ofl_usual_init(&s.cfg, &limits);
		kind = ofl_usual_find(&limits, &s.pkt, s.b, s.linear, &hdr_len);
		missed += s.usual && !kind;
		if (!kind)
			continue;
		accepted++;
		spoilt += !s.usual;
		memset(&plan, 0xff, sizeof(plan));
		ofl_usual_plan(kind, &s.pkt, hdr_len, &plan);
		if (!same(&s, &plan) && !wrong++)
			printf("# round %u differs\n", i);
	}
	CHECK(!wrong, "%u plans made the short way are those of the long way",
	      accepted);
	CHECK(!missed && usual > ROUNDS / 4, "all of %u usual packets are taken",
	      usual);
	CHECK(spoilt > ROUNDS / 100 && accepted < ROUNDS - ROUNDS / 10,
	      "%u others are taken too, and %u are not", spoilt,
	      ROUNDS - accepted);
	return test_end();
}
