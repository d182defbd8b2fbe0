// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC's packet parser: offsets and packet types of well-formed frames of
 * each kind, and no offset beyond the data for frames cut or damaged anywhere.
 */

#include <stdlib.h>
#include <string.h>

#include "../../net/idpf-nic/engines/hsplit.h"
#include "../../net/idpf-nic/parse.h"
#include "tap.h"

#define FRAME_MAX	512

/* A frame in the making */
struct frame {
	u8 data[FRAME_MAX];
	size_t len;
};

static void add(struct frame *f, const void *data, size_t len)
{
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static void add_zeros(struct frame *f, size_t len)
{
	memset(f->data + f->len, 0, len);
	f->len += len;
}

static void add16(struct frame *f, u16 val)
{
	u8 be[2] = { (u8)(val >> 8), (u8)val };

	add(f, be, sizeof(be));
}

static void set16(struct frame *f, size_t off, size_t val)
{
	f->data[off] = (u8)(val >> 8);
	f->data[off + 1] = (u8)val;
}

static void start(struct frame *f, unsigned int tags, u16 type)
{
	f->len = 0;
	add(f, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	for (unsigned int i = 0; i < tags; i++) {
		add16(f, tags > 1 && !i ? 0x88a8 : 0x8100);
		add16(f, (u16)(i + 1));
	}
	add16(f, type);
}

/* @options: bytes of IP options */
static void add_ipv4(struct frame *f, size_t options, u8 proto, size_t payload)
{
	size_t off = f->len;

	add_zeros(f, 20 + options);
	f->data[off] = (u8)(0x40 | (20 + options) / 4);
	set16(f, off + 2, 20 + options + payload);
	f->data[off + 9] = proto;
}

static void add_ipv6(struct frame *f, u8 next, size_t payload)
{
	size_t off = f->len;

	add_zeros(f, 40);
	f->data[off] = 0x60;
	set16(f, off + 4, payload);
	f->data[off + 6] = next;
}

static void add_ext(struct frame *f, u8 next, size_t units)
{
	size_t off = f->len;

	add_zeros(f, units * 8);
	f->data[off] = next;
	f->data[off + 1] = (u8)(units - 1);
}

static void add_tcp(struct frame *f, size_t options)
{
	size_t off = f->len;

	add_zeros(f, 20 + options);
	f->data[off + 12] = (u8)((20 + options) / 4 << 4);
}

static struct parse_info parse(const struct frame *f)
{
	struct parse_info info;
	size_t head = f->len < PARSE_MAX_BYTES ? f->len : PARSE_MAX_BYTES;
	/* an exact copy, so that ASan sees each byte too far */
	u8 *copy = malloc(head ? head : 1);

	memcpy(copy, f->data, head);
	parse_frame(copy, head, f->len, &info);
	free(copy);
	return info;
}

static void test_ipv4(void)
{
	static const struct {
		const char *name;
		u8 proto;
		size_t hlen;
		u16 ptype;
		u8 l4;
	} cases[] = {
		{ "TCP", 6, 20, PARSE_PTYPE_IPV4_TCP, PARSE_L4_TCP },
		{ "UDP", 17, 8, PARSE_PTYPE_IPV4_UDP, PARSE_L4_UDP },
		{ "SCTP", 132, 12, PARSE_PTYPE_IPV4_SCTP, PARSE_L4_SCTP },
		{ "ICMP", 1, 4, PARSE_PTYPE_IPV4_ICMP, PARSE_L4_ICMP },
		{ "GRE", 47, 0, PARSE_PTYPE_IPV4, PARSE_L4_NONE },
		{ "ICMPv6 over IPv4", 58, 0, PARSE_PTYPE_IPV4, PARSE_L4_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned int tags = 0; tags <= 2; tags++) {
			size_t ip = 14 + 4 * tags, opt = 4 * tags;
			size_t l4 = ip + 20 + opt;
			struct parse_info info;
			struct frame f;

			start(&f, tags, 0x0800);
			add_ipv4(&f, opt, cases[i].proto, 40);
			add_tcp(&f, 0);
			add_zeros(&f, 20);
			info = parse(&f);
			CHECK(info.ptype == cases[i].ptype &&
			      info.l4 == cases[i].l4 &&
			      info.l3 == PARSE_L3_IPV4 &&
			      info.l3_off == ip &&
			      info.l3_end == f.len &&
			      info.num_vlan == tags &&
			      info.payload_off == l4 + cases[i].hlen &&
			      (!cases[i].l4 || info.l4_off == l4),
			      "%s over IPv4, %u tags", cases[i].name, tags);
			CHECK(!!(info.flags & PARSE_F_IP_OPTIONS) == !!opt,
			      "%zu bytes of options are noticed", opt);
		}
	}
}

static void test_ipv6(void)
{
	struct parse_info info;
	struct frame f;

	start(&f, 0, 0x86dd);
	add_ipv6(&f, 6, 32);
	add_tcp(&f, 12);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV6_TCP && info.l4_off == 54 &&
	      info.payload_off == 86 && !info.flags, "TCP over IPv6");
	CHECK(hsplit_pos(&info) == 86, "it is split behind the TCP options");

	start(&f, 1, 0x86dd);
	add_ipv6(&f, 0, 8 + 16 + 24 + 8);
	add_ext(&f, 60, 1);
	add_ext(&f, 43, 2);
	add_ext(&f, 17, 3);
	add_zeros(&f, 8);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV6_UDP && info.ip_proto == 17 &&
	      info.l4_off == 18 + 40 + 48 && info.flags == PARSE_F_IPV6_EXT,
	      "UDP behind three extension headers");

	start(&f, 0, 0x86dd);
	add_ipv6(&f, 58, 8);
	add_zeros(&f, 8);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV6_ICMP && !hsplit_pos(&info),
	      "ICMPv6, not split");

	start(&f, 0, 0x86dd);
	add_ipv6(&f, 59, 8);
	add_zeros(&f, 8);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV6 && info.l4 == PARSE_L4_NONE,
	      "no next header");
}

static void test_fragments(void)
{
	static const struct {
		u16 v4, v6;
		bool frag;
		const char *name;
	} cases[] = {
		{ 0x2000, 0x0001, true, "first fragment" },
		{ 0x2010, 0x0081, true, "middle fragment" },
		{ 0x0010, 0x0080, true, "last fragment" },
		{ 0x4000, 0x0000, false, "don't fragment, atomic fragment" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parse_info info;
		struct frame f;

		start(&f, 0, 0x0800);
		add_ipv4(&f, 0, 6, 20);
		set16(&f, 14 + 6, cases[i].v4);
		add_tcp(&f, 0);
		info = parse(&f);
		CHECK((info.ptype == PARSE_PTYPE_IPV4_FRAG) == cases[i].frag &&
		      !(info.flags & PARSE_F_FRAG) == !cases[i].frag &&
		      (info.l4 == PARSE_L4_TCP) == !cases[i].frag,
		      "IPv4: %s", cases[i].name);

		start(&f, 0, 0x86dd);
		add_ipv6(&f, 44, 28);
		add_ext(&f, 6, 1);
		f.data[14 + 40 + 1] = 0;
		set16(&f, 14 + 40 + 2, cases[i].v6);
		add_tcp(&f, 0);
		info = parse(&f);
		CHECK((info.ptype == PARSE_PTYPE_IPV6_FRAG) == cases[i].frag &&
		      (info.l4 == PARSE_L4_TCP) == !cases[i].frag,
		      "IPv6: %s", cases[i].name);
	}
}

static void test_bad_ipv4(void)
{
	static const struct {
		size_t off;
		u8 val;
		const char *name;
	} cases[] = {
		{ 14, 0x65, "version 6" },
		{ 14, 0x44, "header of 16 bytes" },
		{ 14, 0x4f, "header longer than the packet" },
		{ 17, 0x10, "total length below the header" },
		{ 16, 0x10, "total length beyond the frame" },
	};
	struct parse_info info;
	struct frame f;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		start(&f, 0, 0x0800);
		add_ipv4(&f, 0, 6, 20);
		add_tcp(&f, 0);
		f.data[cases[i].off] = cases[i].val;
		info = parse(&f);
		CHECK(info.ptype == PARSE_PTYPE_MAC &&
		      info.l3 == PARSE_L3_NONE &&
		      info.flags == PARSE_F_MALFORMED,
		      "IPv4 with %s is no IPv4", cases[i].name);
	}

	start(&f, 0, 0x0800);
	add_ipv4(&f, 0, 6, 20);
	add_tcp(&f, 0);
	f.data[14 + 20 + 12] = 0x40;
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV4 && info.flags == PARSE_F_MALFORMED,
	      "TCP header of 16 bytes is no TCP");
	f.data[14 + 20 + 12] = 0x60;
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV4 && info.flags == PARSE_F_MALFORMED,
	      "TCP header beyond the packet is no TCP");

	/* padding behind the IP packet must not count as TCP header */
	add_zeros(&f, 20);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV4 && info.l3_end == 54,
	      "nor is one that reaches into the padding");
}

static void test_l2(void)
{
	struct parse_info info;
	struct frame f;

	start(&f, 0, 0x0806);
	add_zeros(&f, 28);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_ARP && info.cast == PARSE_UNICAST &&
	      info.payload_off == 14, "ARP, unicast");

	memset(f.data, 0xff, 6);
	CHECK(parse(&f).cast == PARSE_BROADCAST, "broadcast");
	f.data[5] = 0xfe;
	CHECK(parse(&f).cast == PARSE_MULTICAST, "multicast");

	start(&f, 3, 0x0800);
	add_ipv4(&f, 0, 6, 0);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_MAC && info.num_vlan == 2 &&
	      info.ethertype == 0x8100, "a third tag ends the parsing");

	f.len = 0;
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_MAC && info.flags == PARSE_F_MALFORMED,
	      "empty frame");
}

/* Extension headers up to the end of the copy: the rest stays unparsed */
static void test_truncated(void)
{
	struct parse_info info;
	struct frame f;

	start(&f, 0, 0x86dd);
	add_ipv6(&f, 60, 8 * 30 + 20);
	add_ext(&f, 6, 30);
	add_tcp(&f, 0);
	info = parse(&f);
	CHECK(info.ptype == PARSE_PTYPE_IPV6 && info.l4 == PARSE_L4_NONE &&
	      info.flags & PARSE_F_TRUNCATED,
	      "headers beyond %u bytes are left out", PARSE_MAX_BYTES);
}

static bool in_bounds(const struct parse_info *info, const struct frame *f)
{
	size_t head = f->len < PARSE_MAX_BYTES ? f->len : PARSE_MAX_BYTES;

	return info->l3_off <= head && info->l4_off <= head &&
	       info->payload_off <= head && info->l3_end <= f->len &&
	       info->l4_off <= info->payload_off &&
	       (!info->l4 || info->l3_off < info->l4_off);
}

static void test_damaged(void)
{
	unsigned int bad = 0;
	struct frame f, g;

	srand(1);
	for (unsigned int i = 0; i < 200000; i++) {
		struct parse_info info;

		start(&f, i % 3, i & 1 ? 0x0800 : 0x86dd);
		if (i & 1) {
			add_ipv4(&f, 4 * (i % 11), 6, 60);
		} else {
			add_ipv6(&f, 0, 100);
			add_ext(&f, 60, 2);
			add_ext(&f, i & 2 ? 44 : 6, 3);
		}
		add_tcp(&f, 4 * (i % 10));
		add_zeros(&f, 60);

		g = f;
		for (unsigned int n = rand() % 4; n; n--)
			g.data[12 + (size_t)rand() % (f.len - 12)] =
				(u8)rand();
		g.len = (size_t)rand() % (f.len + 1);
		info = parse(&g);
		bad += !in_bounds(&info, &g);
	}
	CHECK(!bad, "damaged frames give no offset beyond the data");
}

static void test_table(void)
{
	const struct parse_ptype_info *t;
	bool ok = true;
	size_t num;

	t = parse_ptype_table(&num);
	for (size_t i = 0; i < num; i++) {
		ok &= t[i].id < 256 && t[i].num_proto <= PARSE_PTYPE_MAX_PROTO;
		ok &= !i || t[i - 1].id < t[i].id;
		ok &= t[i].proto[0] == VC2_PROTO_MAC;
		for (unsigned int p = 0; p < t[i].num_proto; p++)
			ok &= t[i].proto[p] != 0;
	}
	CHECK(ok && num, "the table of %zu packet types is in order", num);
}

int main(void)
{
	test_ipv4();
	test_ipv6();
	test_fragments();
	test_bad_ipv4();
	test_l2();
	test_truncated();
	test_damaged();
	test_table();
	return test_end();
}
