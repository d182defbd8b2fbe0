// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of our own making, behind a virtio_net_hdr that asks the stack for
 * segmentation or a checksum: whatever sockets never combine.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "offload_raw.h"

#define OPTIONS_MAX	40

/* A stack sends at most so many datagrams at a time */
#define UDP_SEGMENTS	128
/* Most cases shall have few segments, so that there can be many cases */
#define SEGMENTS_MANY	300
#define SEGMENTS_FEW	40
/* Above this all of a packet in one block of memory is too much to ask for */
#define LINEAR_MAX	30000

static void put16(uint8_t *to, uint16_t value)
{
	value = htons(value);
	memcpy(to, &value, sizeof(value));
}

/**
 * raw_offsets() - find out where the headers of a packet are
 * @want: what is to be in it; l3_off, l4_off and headers get filled in
 */
void raw_offsets(struct raw_case *want)
{
	want->l3_off = ETH_HLEN + want->num_tags * 4;
	want->l4_off = want->l3_off + want->ip_options +
		       (want->ip_version == 4 ? IP4_LEN : IP6_LEN);
	want->headers = want->l4_off + want->l4_options +
			(want->proto == IPPROTO_TCP ? TCP_LEN : UDP_LEN);
}

static void choose_headers(const struct bench *bench, struct rng *rng,
			   struct raw_case *want)
{
	static const uint8_t flags[] = {
		0, 0, 0, TCP_PSH, TCP_PSH, TCP_FIN, TCP_FIN | TCP_PSH, TCP_ECE,
		TCP_CWR, TCP_CWR | TCP_PSH | TCP_FIN, TCP_ECE | TCP_CWR,
	};
	static const unsigned int tags[] = { 0, 0, 0, 0, 1, 1, 2, 3 };
	unsigned int i;

	want->ip_version = rng_percent(rng, 50) ? 4 : 6;
	want->proto = rng_percent(rng, 60) ? IPPROTO_TCP : IPPROTO_UDP;
	want->segment = rng_percent(rng, 90);
	if (rng_percent(rng, 30))
		want->iface = rng_below(rng, bench->num_if);
	/* the stack cannot segment what has tags of its own on a VLAN interface */
	if (!want->iface)
		want->num_tags = tags[rng_below(rng, ARRAY_SIZE(tags))];
	if (want->num_tags > bench->max_tags)
		want->num_tags = bench->max_tags;
	for (i = 0; i < want->num_tags; i++)
		want->tag[i] = rng_percent(rng, 50) ? TAG_1Q : TAG_1AD;
	if (rng_percent(rng, 30))
		want->ip_options = want->ip_version == 4 ?
				   rng_range(rng, 1, OPTIONS_MAX / 4) * 4 :
				   rng_range(rng, 1, 16) * 8;
	if (want->proto == IPPROTO_TCP) {
		if (rng_percent(rng, 60))
			want->l4_options = rng_range(rng, 1, OPTIONS_MAX / 4) * 4;
		want->flags = TCP_ACK | flags[rng_below(rng, ARRAY_SIZE(flags))];
	}

	raw_offsets(want);
}

static void choose_lengths(const struct bench *bench, struct rng *rng,
			   struct raw_case *want)
{
	uint32_t room = bench->mtu - (want->headers - want->l3_off);
	uint32_t segments = rng_percent(rng, 10) ? SEGMENTS_MANY : SEGMENTS_FEW;
	uint32_t most = MAX_PAYLOAD;

	if (want->proto == IPPROTO_UDP) {
		most = 65535 - (want->headers - want->l3_off);
		if (segments > UDP_SEGMENTS)
			segments = UDP_SEGMENTS;
	}
	want->mss = room;
	if (!want->segment) {
		want->payload = rng_below(rng, (rng_percent(rng, 50) ? 200 : room) + 1);
		return;
	}

	if (rng_percent(rng, 80))
		want->mss = rng_log(rng, rng_percent(rng, 5) ? 8 : 88, room);
	switch (rng_below(rng, 8)) {
	case 0:	/* one segment, or not even that */
		want->payload = rng_range(rng, 1, want->mss + 1);
		break;
	case 1:	/* no rest */
		want->payload = want->mss * rng_range(rng, 2, segments);
		break;
	case 2:	/* a rest of one byte, a byte too few */
		want->payload = want->mss * rng_range(rng, 1, segments - 1) +
				(rng_percent(rng, 50) ? 1 : -1);
		break;
	case 3:	/* beyond 64 KiB */
		want->payload = rng_range(rng, 65000, most);
		break;
	default:
		want->payload = rng_log(rng, want->mss, most);
	}
	if (want->payload > most)
		want->payload = most;
	if (want->payload > want->mss * segments)
		want->payload = want->mss * segments;
}

static void put_ethernet(const struct bench *bench, struct rng *rng,
			 const struct raw_case *want, uint8_t *frame)
{
	uint8_t *type = frame + 2 * ETH_ALEN;
	unsigned int i;

	memcpy(frame, bench->mac[1], ETH_ALEN);
	memcpy(frame + ETH_ALEN, bench->mac[0], ETH_ALEN);
	for (i = 0; i < want->num_tags; i++) {
		put16(type, want->tag[i]);
		put16(type + 2, rng_below(rng, 0x1000) | rng_below(rng, 8) << 13);
		type += 4;
	}
	put16(type, want->ip_version == 4 ? ETH_P_IP : ETH_P_IPV6);
}

/* No-operations, then one option of a kind that nobody acts on */
static void put_options(struct rng *rng, uint8_t *to, uint32_t len, uint8_t kind)
{
	uint32_t size = rng_range(rng, 2, len);

	memset(to, 1, len);
	rng_fill(rng, to + len - size, size);
	to[len - size] = kind;
	to[len - size + 1] = size;
}

static void put_ip4(struct rng *rng, const struct raw_case *want, uint8_t *ip)
{
	uint32_t len = want->l4_off - want->l3_off, total, i;
	uint32_t sum = 0;

	rng_fill(rng, ip, IP4_LEN);
	ip[0] = 0x40 | len / 4;
	total = want->headers - want->l3_off + want->payload;
	put16(ip + 2, total > 0xffff ? 0 : total);
	/* every third number is about to run over one of its borders */
	if (rng_percent(rng, 33))
		put16(ip + 4, (rng_percent(rng, 50) ? 0x8000 : 0) - rng_range(rng, 1, 8));
	put16(ip + 6, rng_percent(rng, 50) ? 0x4000 : 0);
	ip[8] = rng_range(rng, 1, 255);
	ip[9] = want->proto;
	memcpy(ip + 12, "\xc6\x33\x64", 3);
	memcpy(ip + 16, "\xcb\x00\x71", 3);
	if (want->ip_options)
		put_options(rng, ip + IP4_LEN, want->ip_options, 158);

	put16(ip + 10, 0);
	for (i = 0; i < len; i += 2)
		sum += ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)));
}

/* Hop-by-hop options, destination options or both, of padding */
static void put_extensions(struct rng *rng, const struct raw_case *want,
			   uint8_t *ip)
{
	uint32_t left = want->ip_options, len;
	uint8_t *type = ip + 6, *to = ip + IP6_LEN;
	uint8_t next = rng_percent(rng, 50) ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS;

	while (left) {
		len = rng_range(rng, 1, left / 8) * 8;
		if (next == IPPROTO_DSTOPTS)
			len = left;
		*type = next;
		type = to;
		to[1] = len / 8 - 1;
		to[2] = 1;
		to[3] = len - 4;
		memset(to + 4, 0, len - 4);
		to += len;
		left -= len;
		next = IPPROTO_DSTOPTS;
	}
	*type = want->proto;
}

static void put_ip6(struct rng *rng, const struct raw_case *want, uint8_t *ip)
{
	uint32_t payload = want->headers - want->l3_off - IP6_LEN + want->payload;

	rng_fill(rng, ip, IP6_LEN);
	ip[0] = 0x60 | (ip[0] & 0xf);
	put16(ip + 4, payload > 0xffff ? 0 : payload);
	ip[6] = want->proto;
	ip[7] = rng_range(rng, 1, 255);
	memcpy(ip + 8, "\x20\x01\x0d\xb8\x00\x77", 6);
	memcpy(ip + 24, "\x20\x01\x0d\xb8\x00\x99", 6);
	if (want->ip_options)
		put_extensions(rng, want, ip);
}

/* The pseudo header's sum with the length, not complemented */
static uint16_t pseudo_sum(const struct raw_case *want, const uint8_t *ip)
{
	uint32_t len = want->headers - want->l4_off + want->payload;
	const uint8_t *at = ip + (want->ip_version == 4 ? 12 : 8);
	const uint8_t *end = ip + (want->ip_version == 4 ? 20 : 40);
	uint32_t sum = want->proto + (len & 0xffff) + (len >> 16);

	for (; at < end; at += 2)
		sum += at[0] << 8 | at[1];
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

static void put_l4(struct rng *rng, const struct raw_case *want, uint8_t *frame)
{
	uint32_t header = want->headers - want->l4_off;
	uint32_t len = header + want->payload;
	uint8_t *l4 = frame + want->l4_off;
	uint16_t sum = pseudo_sum(want, frame + want->l3_off);

	rng_fill(rng, l4, header);
	if (want->proto == IPPROTO_UDP) {
		put16(l4 + 4, len);
		put16(l4 + 6, sum);
		return;
	}
	if (rng_percent(rng, 25))
		memset(l4 + 4, 0xff, 3);	/* the sequence number runs over */
	l4[12] = header / 4 << 4 | rng_percent(rng, 25);	/* AE, of AccECN */
	l4[13] = want->flags;
	put16(l4 + 16, sum);
	put16(l4 + 18, 0);
	if (want->l4_options)
		put_options(rng, l4 + TCP_LEN, want->l4_options, 253);
}

/**
 * raw_headers() - write the headers of a packet
 * @bench: the bench
 * @rng: what is not given in @want comes from here
 * @want: the packet
 * @frame: room for it
 *
 * The checksum field of layer 4 has the pseudo header's sum.
 */
void raw_headers(const struct bench *bench, struct rng *rng,
		 const struct raw_case *want, uint8_t *frame)
{
	put_ethernet(bench, rng, want, frame);
	if (want->ip_version == 4)
		put_ip4(rng, want, frame + want->l3_off);
	else
		put_ip6(rng, want, frame + want->l3_off);
	put_l4(rng, want, frame);
}

static uint8_t gso_type(const struct raw_case *want)
{
	uint8_t type = want->ip_version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
					       VIRTIO_NET_HDR_GSO_TCPV6;

	if (!want->segment)
		return VIRTIO_NET_HDR_GSO_NONE;
	if (want->proto == IPPROTO_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	return want->flags & TCP_CWR ? type | VIRTIO_NET_HDR_GSO_ECN : type;
}

/* How much of the packet is to be linear; the stack chooses pages for the rest */
static uint32_t linear_part(struct rng *rng, const struct raw_case *want)
{
	uint32_t total = want->headers + want->payload;
	uint32_t most = total < LINEAR_MAX ? total : LINEAR_MAX;

	switch (rng_below(rng, 4)) {
	case 0:
		return most < want->headers ? want->headers : most;
	case 1:
		return rng_range(rng, want->headers, most);
	default:
		return want->headers;
	}
}

/**
 * raw_tag_name() - for reports
 * @want: packet
 * @index: of the tag
 *
 * Return: the tag's kind, "" if there is none.
 */
const char *raw_tag_name(const struct raw_case *want, unsigned int index)
{
	if (index >= want->num_tags)
		return "";
	return want->tag[index] == TAG_1Q ? "q" : "ad";
}

static void describe(struct bench *bench, const struct raw_case *want,
		     uint32_t linear)
{
	snprintf(bench->text, sizeof(bench->text),
		 "%s %s%u %s tags=%s%s%s ipopt=%u l4opt=%u flags=%02x mss=%u len=%u linear=%u",
		 want->segment ? "gso" : "csum",
		 want->proto == IPPROTO_TCP ? "tcp" : "udp", want->ip_version,
		 bench->ifname[want->iface], raw_tag_name(want, 0), raw_tag_name(want, 1),
		 raw_tag_name(want, 2),
		 want->ip_options, want->l4_options, want->flags, want->mss,
		 want->payload, linear);
}

/**
 * raw_make() - make a packet that is right in every way
 * @bench: the bench
 * @rng: what is to be in it
 * @want: the packet; filled in
 * @vnet: what is asked of the stack; filled in
 * @frame: room for it, RAW_FRAME_MAX bytes
 */
void raw_make(const struct bench *bench, struct rng *rng, struct raw_case *want,
	      struct virtio_net_hdr *vnet, uint8_t *frame)
{
	do {
		memset(want, 0, sizeof(*want));
		choose_headers(bench, rng, want);
	} while (want->headers > MAX_HEADERS);
	choose_lengths(bench, rng, want);

	raw_headers(bench, rng, want, frame);
	rng_fill(rng, frame + want->headers, want->payload);

	*vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_type(want),
		.hdr_len = linear_part(rng, want),
		.gso_size = want->segment ? want->mss : 0,
		.csum_start = want->l4_off,
		.csum_offset = want->proto == IPPROTO_TCP ? 16 : 6,
	};
}

/**
 * raw_send() - send a packet out of the port, or into the TAP interface
 * @bench: the bench
 * @iface: index of the interface
 * @vnet: what is asked of the stack
 * @frame: the packet
 * @len: its length
 *
 * Return: 0, or errno if the stack refuses it.
 */
int raw_send(const struct bench *bench, unsigned int iface,
	     struct virtio_net_hdr *vnet, uint8_t *frame, size_t len)
{
	const struct iovec iov[] = {
		{ vnet, sizeof(*vnet) }, { frame, len },
	};

	if (bench->tap_fd >= 0)
		return writev(bench->tap_fd, iov, ARRAY_SIZE(iov)) < 0 ? errno : 0;
	return wire_send(bench, iface, iov, ARRAY_SIZE(iov));
}

/**
 * raw_case() - make a packet and send it
 * @bench: the bench, with the generator of this case
 *
 * Return: 0, or errno if the stack refuses it.
 */
int raw_case(struct bench *bench)
{
	static uint8_t frame[RAW_FRAME_MAX];
	struct virtio_net_hdr vnet;
	struct raw_case want;

	raw_make(bench, &bench->seeded, &want, &vnet, frame);
	describe(bench, &want, vnet.hdr_len);
	return raw_send(bench, want.iface, &vnet, frame, want.headers + want.payload);
}
