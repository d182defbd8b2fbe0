// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that nobody should send, but that anybody with a packet socket or a
 * TAP interface may: right ones, of which a few things are wrong.  Whatever
 * becomes of them, a NIC has no say in it.
 */

#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>

#include "offload_raw.h"

#define ODD_TAGS	8
#define ODD_ROOM	(ODD_TAGS * 4)
/* So that a segment for each byte of it is not too many */
#define ODD_PAYLOAD	3000

/**
 * struct odd_packet - a packet that gets changed
 * @vnet: what is asked of the stack
 * @frame: the frame
 * @len: its length
 * @want: where its headers were at first
 */
struct odd_packet {
	struct virtio_net_hdr vnet;
	uint8_t frame[RAW_FRAME_MAX + ODD_ROOM];
	uint32_t len;
	struct raw_case want;
};

static uint32_t choose(struct rng *rng, const uint32_t *values, unsigned int num)
{
	return values[rng_below(rng, num)];
}

#define CHOOSE(rng, ...)						\
	choose(rng, (const uint32_t[]){ __VA_ARGS__ },			\
	       ARRAY_SIZE(((const uint32_t[]){ __VA_ARGS__ })))

/* A byte of the frame, as far as there is one */
static void put8(struct odd_packet *odd, uint32_t at, uint8_t value)
{
	if (at < odd->len)
		odd->frame[at] = value;
}

static void odd_flags(struct rng *rng, struct odd_packet *odd)
{
	odd->vnet.flags = CHOOSE(rng, 0, 0, VIRTIO_NET_HDR_F_DATA_VALID, 3, rng_below(rng, 8));
}

static void odd_gso_type(struct rng *rng, struct odd_packet *odd)
{
	odd->vnet.gso_type = CHOOSE(rng, 0, 1, 3, 4, 5, 0x81, 0x84, 0x85, rng_below(rng, 256));
}

static void odd_gso_size(struct rng *rng, struct odd_packet *odd)
{
	odd->vnet.gso_size = CHOOSE(rng, 0, 1, 2, 7, 8, 87, 88, 9706, 32768, 65535,
				    rng_below(rng, 65536));
}

static void odd_hdr_len(struct rng *rng, struct odd_packet *odd)
{
	odd->vnet.hdr_len = CHOOSE(rng, 0, 1, 13, 14, 15, 34, 54, odd->want.l3_off,
				   odd->want.l4_off, odd->want.headers - 1, odd->len,
				   odd->len + 1, 65535, rng_below(rng, 300));
}

static void odd_csum_start(struct rng *rng, struct odd_packet *odd)
{
	odd->vnet.csum_start = CHOOSE(rng, 0, 2, 14, odd->want.l3_off, odd->want.l4_off - 1,
				      odd->want.l4_off + 1, odd->want.l4_off + 4,
				      odd->want.headers, odd->len - 1, odd->len, 65535,
				      rng_below(rng, 300));
}

static void odd_csum_offset(struct rng *rng, struct odd_packet *odd)
{
	odd->vnet.csum_offset = CHOOSE(rng, 0, 1, 4, 6, 8, 10, 16, 17, 18, 20, 65534, 65535,
				       rng_below(rng, 300));
}

/* More tags than anybody has, perhaps with the headers said to be where they were */
static void odd_tags(struct rng *rng, struct odd_packet *odd)
{
	uint32_t bytes = rng_range(rng, 1, ODD_TAGS) * 4, i;
	uint8_t *type = odd->frame + 2 * ETH_ALEN;

	if (odd->len < ETH_HLEN || odd->len + bytes > RAW_FRAME_MAX + ODD_ROOM ||
	    odd->want.l3_off > ETH_HLEN + MAX_TAGS * 4)
		return;
	memmove(type + bytes, type, odd->len - 2 * ETH_ALEN);
	for (i = 0; i < bytes; i += 4) {
		uint32_t tag = CHOOSE(rng, TAG_1Q, TAG_1Q, TAG_1AD, 0x9100);

		type[i] = tag >> 8;
		type[i + 1] = tag & 0xff;
		type[i + 2] = rng_below(rng, 16);
		type[i + 3] = rng_below(rng, 256);
	}
	odd->len += bytes;
	odd->want.l3_off += bytes;
	odd->want.l4_off += bytes;
	odd->want.headers += bytes;
	if (rng_percent(rng, 80))
		odd->vnet.csum_start += bytes;
	odd->vnet.hdr_len += bytes;
}

/* Ends within the headers or right behind them */
static void odd_length(struct rng *rng, struct odd_packet *odd)
{
	uint32_t len = CHOOSE(rng, ETH_HLEN, ETH_HLEN + 1, 18, odd->want.l3_off,
			      odd->want.l3_off + 19, odd->want.l4_off - 1, odd->want.l4_off,
			      odd->want.l4_off + 8, odd->want.headers - 1, odd->want.headers,
			      odd->want.headers + 1, rng_range(rng, ETH_HLEN, 100));

	if (len < odd->len && len >= ETH_HLEN)
		odd->len = len;
}

/*
 * No type at all is left out: the stack takes the one that the virtio_net_hdr
 * stands for, as long as it does not look behind a tag.
 */
static void odd_ethertype(struct rng *rng, struct odd_packet *odd)
{
	uint32_t type = CHOOSE(rng, ETH_P_IP, ETH_P_IPV6, ETH_P_ARP, ETH_P_PPP_SES,
			       ETH_P_MPLS_UC, ETH_P_8021Q, 0x05dc, 0xffff);

	put8(odd, odd->want.l3_off - 2, type >> 8);
	put8(odd, odd->want.l3_off - 1, type & 0xff);
}

/* Version and length of the IP header, lengths, fragments, protocol */
static void odd_ip(struct rng *rng, struct odd_packet *odd)
{
	static const uint8_t protocols[] = {
		0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 59, 60, 132, 135, 255,
	};
	uint32_t ip = odd->want.l3_off;

	switch (rng_below(rng, 5)) {
	case 0:
		put8(odd, ip, rng_below(rng, 256));
		break;
	case 1:
		put8(odd, ip, (odd->want.ip_version << 4) | rng_below(rng, 16));
		break;
	case 2:
		put8(odd, ip + (odd->want.ip_version == 4 ? 2 : 4), rng_below(rng, 256));
		break;
	case 3:
		put8(odd, ip + 6, rng_below(rng, 256));
		break;
	default:
		put8(odd, ip + (odd->want.ip_version == 4 ? 9 : 6),
		     protocols[rng_below(rng, ARRAY_SIZE(protocols))]);
	}
}

/* Type and length of the first extension header, or bytes of options */
static void odd_extension(struct rng *rng, struct odd_packet *odd)
{
	uint32_t at = odd->want.l3_off + (odd->want.ip_version == 4 ? IP4_LEN : IP6_LEN);

	put8(odd, at, CHOOSE(rng, 0, 6, 17, 43, 44, 51, 59, 60, rng_below(rng, 256)));
	put8(odd, at + 1, CHOOSE(rng, 0, 1, 2, 15, 255, rng_below(rng, 256)));
	put8(odd, at + 3, rng_below(rng, 256));
}

/* TCP: data offset and flags; UDP: length */
static void odd_l4(struct rng *rng, struct odd_packet *odd)
{
	if (odd->want.proto == IPPROTO_TCP) {
		put8(odd, odd->want.l4_off + 12, rng_below(rng, 256));
		put8(odd, odd->want.l4_off + 13, rng_below(rng, 256));
	} else {
		put8(odd, odd->want.l4_off + 4, CHOOSE(rng, 0, 255, rng_below(rng, 256)));
		put8(odd, odd->want.l4_off + 5, CHOOSE(rng, 0, 7, 255, rng_below(rng, 256)));
	}
}

static const struct {
	const char *name;
	void (*change)(struct rng *rng, struct odd_packet *odd);
} oddities[] = {
	{ "flags", odd_flags },
	{ "gso_type", odd_gso_type },
	{ "gso_size", odd_gso_size },
	{ "hdr_len", odd_hdr_len },
	{ "csum_start", odd_csum_start },
	{ "csum_offset", odd_csum_offset },
	{ "tags", odd_tags },
	{ "length", odd_length },
	{ "ethertype", odd_ethertype },
	{ "ip", odd_ip },
	{ "extension", odd_extension },
	{ "l4", odd_l4 },
};

/*
 * Descriptors of split queues have one bit for both checksums, so the NIC mends
 * that of the IPv4 header too, which software does not touch.
 */
static void mend_ip4_sum(struct odd_packet *odd)
{
	uint32_t at = odd->want.l3_off, len = (odd->frame[at] & 0xf) * 4, sum = 0, i;
	uint8_t *ip = odd->frame + at;

	if (ip[0] >> 4 != 4 || len < IP4_LEN || at + len > odd->len)
		return;
	ip[10] = 0;
	ip[11] = 0;
	for (i = 0; i < len; i += 2)
		sum += ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	ip[10] = sum >> 8;
	ip[11] = sum;
}

/*
 * What has no reproducible result: ids of IPv6 fragments are random, and a
 * length of 0 in a datagram to segment counts for its sum as 0 or as nothing.
 */
static void avoid_chance(struct odd_packet *odd)
{
	const uint8_t *type = odd->frame + odd->want.l3_off - 2;
	const uint8_t *len = odd->frame + odd->want.l4_off + 4;
	bool v6 = odd->want.ip_version == 6 || (type[0] << 8 | type[1]) == ETH_P_IPV6;

	if (v6 && (odd->vnet.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_UDP)
		odd->vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	if (odd->want.proto == IPPROTO_UDP && !len[0] && !len[1])
		put8(odd, odd->want.l4_off + 5, 1);
}

static void describe(struct bench *bench, const struct odd_packet *odd, uint32_t changed)
{
	size_t at = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(oddities); i++)
		if (changed & 1u << i)
			at += snprintf(bench->text + at, sizeof(bench->text) - at, "%s,",
				       oddities[i].name);
	snprintf(bench->text + at, sizeof(bench->text) - at,
		 " %s%u l3=%u l4=%u headers=%u len=%u vnet=%02x,%02x,%u,%u,%u,%u",
		 odd->want.proto == IPPROTO_TCP ? "tcp" : "udp", odd->want.ip_version,
		 odd->want.l3_off, odd->want.l4_off, odd->want.headers, odd->len,
		 odd->vnet.flags, odd->vnet.gso_type, odd->vnet.hdr_len, odd->vnet.gso_size,
		 odd->vnet.csum_start, odd->vnet.csum_offset);
}

/**
 * odd_case() - send a packet of which a few things are wrong
 * @bench: the bench, with the generator of this case
 *
 * Return: 0, or errno if the stack refuses it.
 */
int odd_case(struct bench *bench)
{
	struct rng *rng = &bench->seeded;
	static struct odd_packet odd;
	uint32_t changed = 0, i;

	raw_make(bench, rng, &odd.want, &odd.vnet, odd.frame);
	if (odd.want.payload > ODD_PAYLOAD)
		odd.want.payload = rng_range(rng, 0, ODD_PAYLOAD);
	odd.len = odd.want.headers + odd.want.payload;
	for (i = rng_percent(rng, 60) ? 1 : rng_range(rng, 2, 4); i; i--) {
		uint32_t which = rng_below(rng, ARRAY_SIZE(oddities));

		oddities[which].change(rng, &odd);
		changed |= 1u << which;
	}
	mend_ip4_sum(&odd);
	avoid_chance(&odd);
	describe(bench, &odd, changed);
	return raw_send(bench, odd.want.iface, &odd.vnet, odd.frame, odd.len);
}
