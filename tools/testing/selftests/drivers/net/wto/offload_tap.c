// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that come in by a TAP interface and are sent on by the port, as those
 * of another machine are: what its virtio_net_hdr asks for, with tags that the
 * stack takes out of the frame and puts back; and frames that the stack merges
 * on their way (GRO), into packets of fragments and of lists of packets.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "offload_raw.h"

/* The stack merges no more than 64 KiB */
#define GRO_MAX		60000
#define GRO_FRAMES	60

/**
 * tap_open() - take our end of the TAP interface
 * @bench: the bench
 * @merge: what arrives there may be merged, and waits for more a while
 */
void tap_open(struct bench *bench, bool merge)
{
	struct ifreq req = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
			     (merge ? IFF_NAPI : 0),
	};

	strncpy(req.ifr_name, bench->tap, IFNAMSIZ - 1);
	bench->tap_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (bench->tap_fd < 0 || ioctl(bench->tap_fd, TUNSETIFF, &req))
		fail(bench->tap);
}

/**
 * struct gro_case - a run of frames that can be merged
 * @packet: the packet that they are parts of
 * @id_step: by how much IPv4 ids grow
 * @linear: frames that are not in pages, so that only a list can hold them
 */
struct gro_case {
	struct raw_case packet;
	unsigned int id_step;
	bool linear;
};

static uint32_t sum_words(const uint8_t *at, uint32_t len, uint32_t sum)
{
	for (; len > 1; len -= 2, at += 2)
		sum += at[0] << 8 | at[1];
	if (len)
		sum += at[0] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static void put16(uint8_t *to, uint16_t value)
{
	value = htons(value);
	memcpy(to, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *from)
{
	return from[0] << 8 | from[1];
}

/* All the lengths and checksums of a frame whose headers are a template's */
static void finish_frame(const struct raw_case *want, uint8_t *frame,
			 uint32_t payload)
{
	uint32_t l4_len = want->headers - want->l4_off + payload;
	uint32_t ip_len = want->l4_off - want->l3_off;
	uint8_t *ip = frame + want->l3_off, *l4 = frame + want->l4_off;
	uint8_t *check = l4 + (want->proto == IPPROTO_TCP ? 16 : 6);
	uint32_t sum = want->proto + l4_len;

	if (want->ip_version == 4) {
		put16(ip + 2, ip_len + l4_len);
		put16(ip + 10, 0);
		put16(ip + 10, ~sum_words(ip, ip_len, 0));
		sum = sum_words(ip + 12, 8, sum);
	} else {
		put16(ip + 4, ip_len - IP6_LEN + l4_len);
		sum = sum_words(ip + 8, 32, sum);
	}
	if (want->proto == IPPROTO_UDP)
		put16(l4 + 4, l4_len);
	put16(check, 0);
	sum = (uint16_t)~sum_words(l4, l4_len, sum);
	put16(check, sum ? sum : 0xffff);
}

/* Make the next frame of the run out of the one before */
static void next_frame(const struct gro_case *want, uint8_t *frame)
{
	uint8_t *id = frame + want->packet.l3_off + 4;
	uint8_t *seq = frame + want->packet.l4_off + 4;
	uint32_t value;

	if (want->packet.ip_version == 4)
		put16(id, get16(id) + want->id_step);
	if (want->packet.proto == IPPROTO_TCP) {
		memcpy(&value, seq, sizeof(value));
		value = htonl(ntohl(value) + want->packet.mss);
		memcpy(seq, &value, sizeof(value));
	}
}

static void choose_run(const struct bench *bench, struct rng *rng,
		       struct gro_case *want)
{
	static const uint8_t flags[] = {
		0, 0, 0, TCP_ECE, TCP_CWR, TCP_CWR, TCP_ECE | TCP_CWR,
	};
	struct raw_case *packet = &want->packet;
	uint32_t most;
	unsigned int i;

	packet->ip_version = rng_percent(rng, 50) ? 4 : 6;
	packet->proto = rng_percent(rng, 75) ? IPPROTO_TCP : IPPROTO_UDP;
	packet->segment = true;
	packet->num_tags = rng_percent(rng, 40) ? rng_range(rng, 1, 2) : 0;
	for (i = 0; i < packet->num_tags; i++)
		packet->tag[i] = rng_percent(rng, 50) ? TAG_1Q : TAG_1AD;
	if (packet->ip_version == 6 && rng_percent(rng, 20))
		packet->ip_options = rng_range(rng, 1, 8) * 8;
	if (packet->proto == IPPROTO_TCP) {
		if (rng_percent(rng, 60))
			packet->l4_options = rng_range(rng, 1, 10) * 4;
		packet->flags = TCP_ACK | flags[rng_below(rng, ARRAY_SIZE(flags))];
	}
	raw_offsets(packet);

	packet->mss = rng_log(rng, 88, bench->mtu - (packet->headers - packet->l3_off));
	most = packet->mss * GRO_FRAMES < GRO_MAX ? packet->mss * GRO_FRAMES : GRO_MAX;
	/* a shorter frame ends the run, and with it what is merged */
	packet->payload = rng_range(rng, packet->mss + 1, most);
	packet->payload -= packet->payload % packet->mss == 0;
	want->linear = rng_percent(rng, 60);
}

/* Ids as they can be merged, and far from where the NIC's may run over */
static void choose_ids(struct rng *rng, struct gro_case *want, uint8_t *frame)
{
	uint8_t *ip = frame + want->packet.l3_off;

	if (want->packet.ip_version != 4)
		return;
	put16(ip + 4, rng_below(rng, 0x7000) | rng_below(rng, 2) << 15);
	/* the same id in all is TCP's only: the stack would count those of UDP */
	want->id_step = rng_percent(rng, 60) || want->packet.proto == IPPROTO_UDP;
	put16(ip + 6, want->id_step && rng_percent(rng, 50) ? 0 : 0x4000);
}

static unsigned int num_frames(const struct raw_case *packet)
{
	return (packet->payload + packet->mss - 1) / packet->mss;
}

static void describe(struct bench *bench, const struct gro_case *want)
{
	const struct raw_case *packet = &want->packet;

	snprintf(bench->text, sizeof(bench->text),
		 "gro %s%u tags=%s%s ipopt=%u l4opt=%u flags=%02x id+%u mss=%u len=%u %s frames=%u",
		 packet->proto == IPPROTO_TCP ? "tcp" : "udp", packet->ip_version,
		 raw_tag_name(packet, 0), raw_tag_name(packet, 1),
		 packet->ip_options, packet->l4_options, packet->flags,
		 want->id_step, packet->mss, packet->payload,
		 want->linear ? "linear" : "pages", num_frames(packet));
}

/* Without waiting for memory the frame does not lie in a page of its own */
static void choose_memory(int fd, bool linear)
{
	if (fcntl(fd, F_SETFL, linear ? O_NONBLOCK : 0))
		fail("TAP interface");
}

/**
 * gro_case() - send a run of frames into the TAP interface
 * @bench: the bench, with the generator of this case
 *
 * What the stack merges has to leave as it came, whoever takes it apart.  It may
 * keep the last frame, hoping for more.
 *
 * Return: 0, or errno if the stack refuses it.
 */
int gro_case(struct bench *bench)
{
	static uint8_t frame[MAX_HEADERS + 16384];
	struct virtio_net_hdr vnet = { 0 };
	struct rng *rng = &bench->seeded;
	struct gro_case want = { 0 };
	struct raw_case *packet = &want.packet;
	uint32_t left, part;
	struct iovec iov[] = {
		{ &vnet, sizeof(vnet) }, { frame, 0 },
	};

	choose_run(bench, rng, &want);
	raw_headers(bench, rng, packet, frame);
	choose_ids(rng, &want, frame);
	describe(bench, &want);
	bench->awaited = num_frames(packet);
	choose_memory(bench->tap_fd, want.linear);
	for (left = packet->payload; left; left -= part) {
		part = left < packet->mss ? left : packet->mss;
		rng_fill(rng, frame + packet->headers, part);
		if (part == left && packet->proto == IPPROTO_TCP)
			frame[packet->l4_off + 13] |= TCP_PSH;
		finish_frame(packet, frame, part);
		iov[1].iov_len = packet->headers + part;
		if (writev(bench->tap_fd, iov, ARRAY_SIZE(iov)) < 0)
			return errno;
		next_frame(&want, frame);
	}
	return 0;
}
