// SPDX-License-Identifier: GPL-2.0-only
/*
 * What arrives at the peer's port, written to a pcap file.
 *
 * Behind the packets of a case goes a marker, through the same queue; what
 * arrives before it belongs to the case, and nothing of the case can come after
 * it.  Records have the number of the case for seconds and a count for
 * microseconds, so that two runs of the same cases make equal files.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "offload_send.h"

/* IEEE 802 local experimental EtherType */
#define MARKER_TYPE		0x88b5
#define MARKER_LEN		60
#define MARKER_WAIT_MS		20000
#define FRAME_WAIT_MS		5000

#define FRAME_MAX		16384
/* Frames of a whole case wait here, each with a page or two */
#define RECEIVE_BUFFER		(192 << 20)

struct pcap_header {
	uint32_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t zone;
	uint32_t accuracy;
	uint32_t max_len;
	uint32_t link_type;
};

struct pcap_record {
	uint32_t seconds;
	uint32_t microseconds;
	uint32_t captured;
	uint32_t len;
};

static uint16_t get16(const uint8_t *from)
{
	return from[0] << 8 | from[1];
}

static void put16(uint8_t *to, uint16_t value)
{
	to[0] = value >> 8;
	to[1] = value & 0xff;
}

static void packet_option(int fd, int option, int value)
{
	if (setsockopt(fd, SOL_PACKET, option, &value, sizeof(value)))
		fail("packet socket option");
}

static void packet_bind(int fd, const char *ifname, uint16_t protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = if_nametoindex(ifname),
	};

	if (!addr.sll_ifindex || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		fail(ifname);
}

/**
 * wire_open() - open both packet sockets and the capture file
 * @bench: names; gets the sockets
 * @path: of the capture file
 */
void wire_open(struct bench *bench, const char *path)
{
	const struct pcap_header header = {
		.magic = 0xa1b2c3d4, .major = 2, .minor = 4,
		.max_len = FRAME_MAX, .link_type = 1,
	};
	int size = RECEIVE_BUFFER;

	bench->tx = socket(AF_PACKET, SOCK_RAW, 0);
	if (bench->tx < 0)
		fail("packet socket");
	packet_option(bench->tx, PACKET_VNET_HDR, 1);
	if (setsockopt(bench->tx, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		fail("send buffer");

	peer_enter(bench);
	bench->rx = socket(AF_PACKET, SOCK_RAW, 0);
	if (bench->rx < 0)
		fail("packet socket of the peer");
	packet_bind(bench->rx, bench->peer, ETH_P_ALL);
	peer_leave(bench);
	if (setsockopt(bench->rx, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		fail("receive buffer");
	packet_option(bench->rx, PACKET_AUXDATA, 1);
	packet_option(bench->rx, PACKET_IGNORE_OUTGOING, 1);

	bench->pcap = fopen(path, "w");
	if (!bench->pcap || !fwrite(&header, sizeof(header), 1, bench->pcap))
		fail(path);
}

/**
 * wire_send() - send a frame out of one of our interfaces
 * @bench: the bench
 * @iface: index of the interface
 * @iov: a virtio_net_hdr, then the frame
 * @num: entries of @iov
 *
 * Return: 0, or errno if the stack refuses it.
 */
int wire_send(const struct bench *bench, unsigned int iface,
	      const struct iovec *iov, int num)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = bench->ifindex[iface],
		.sll_halen = ETH_ALEN,
	};
	const struct msghdr msg = {
		.msg_name = &addr, .msg_namelen = sizeof(addr),
		.msg_iov = (struct iovec *)iov, .msg_iovlen = num,
	};

	return sendmsg(bench->tx, &msg, 0) < 0 ? errno : 0;
}

static void send_marker(const struct bench *bench, uint32_t number)
{
	struct virtio_net_hdr none = { 0 };
	uint8_t frame[MARKER_LEN] = { 0 };
	const struct iovec iov[] = {
		{ &none, sizeof(none) }, { frame, sizeof(frame) },
	};

	memcpy(frame, bench->mac[1], ETH_ALEN);
	memcpy(frame + ETH_ALEN, bench->mac[0], ETH_ALEN);
	frame[12] = MARKER_TYPE >> 8;
	frame[13] = MARKER_TYPE & 0xff;
	memcpy(frame + ETH_HLEN, &number, sizeof(number));
	if (wire_send(bench, 0, iov, ARRAY_SIZE(iov)))
		fail("marker");
}

/* The stack takes the outermost tag out of the frame */
static size_t put_tag_back(uint8_t *frame, size_t len, struct msghdr *msg)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *cmsg;
	uint16_t tag[2];

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_PACKET ||
		    cmsg->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		tag[0] = htons(aux.tp_vlan_tpid);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(frame + 16, frame + 12, len - 12);
		memcpy(frame + 12, tag, sizeof(tag));
		return len + sizeof(tag);
	}
	return len;
}

/* Return: bytes of the frame, 0 if none arrives in so many milliseconds. */
static size_t receive_frame(const struct bench *bench, uint8_t *frame,
			    int wait_ms)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec iov = { frame, FRAME_MAX };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct pollfd poller = { .fd = bench->rx, .events = POLLIN };
	ssize_t len;

	len = recvmsg(bench->rx, &msg, MSG_DONTWAIT);
	while (len < 0 && errno == EAGAIN) {
		if (poll(&poller, 1, wait_ms) == 0)
			return 0;
		len = recvmsg(bench->rx, &msg, MSG_DONTWAIT);
	}
	if (len < ETH_HLEN)
		fail("receive");
	return put_tag_back(frame, len, &msg);
}

/* Neighbour discovery and the like are nobody's case */
static bool from_us(const struct bench *bench, const uint8_t *frame)
{
	return !memcmp(frame, bench->mac[1], ETH_ALEN) &&
	       !memcmp(frame + ETH_ALEN, bench->mac[0], ETH_ALEN);
}

/*
 * What our port has to say besides: answers to the peer's neighbour discovery,
 * what is left of an earlier connection.  Raw packets have addresses of their own.
 */
static bool is_noise(const struct bench *bench, const uint8_t *frame)
{
	static const uint8_t raw_v4[] = { 0xc6, 0x33, 0x64 };
	static const uint8_t raw_v6[] = { 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x77 };
	const uint8_t *ip = frame + ETH_HLEN;
	uint8_t proto;

	if (bench->odd)
		return false;
	while (get16(ip - 2) == ETH_P_8021Q || get16(ip - 2) == ETH_P_8021AD)
		ip += 4;
	if (get16(ip - 2) == ETH_P_IP) {
		proto = ip[9];
		if (!bench->free_ids)
			return memcmp(ip + 12, raw_v4, sizeof(raw_v4));
	} else if (get16(ip - 2) == ETH_P_IPV6) {
		proto = ip[6];
		if (!bench->free_ids)
			return memcmp(ip + 8, raw_v6, sizeof(raw_v6));
	} else {
		return true;
	}
	if (proto == IPPROTO_TCP && bench->proto == IPPROTO_TCP)
		return ip[(get16(ip - 2) == ETH_P_IP ? (ip[0] & 15) * 4 : 40) + 13] & 4;
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ||
	       proto == IPPROTO_TCP;
}

static bool is_marker(const uint8_t *frame, uint32_t number)
{
	return frame[12] == MARKER_TYPE >> 8 && frame[13] == (MARKER_TYPE & 0xff) &&
	       !memcmp(frame + ETH_HLEN, &number, sizeof(number));
}

/* A frame that was lost for want of room here is no fault of the NIC */
static void check_drops(const struct bench *bench)
{
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	if (getsockopt(bench->rx, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		fail("statistics");
	if (stats.tp_drops) {
		fprintf(stderr, "%u frames dropped by the capture\n", stats.tp_drops);
		errno = ENOBUFS;
		fail("capture");
	}
}

/*
 * Write down an IPv4 id from 0, with the checksum changed as much: one that was
 * wrong stays wrong.
 */
static void count_id(struct bench *bench, uint8_t *frame, bool first)
{
	uint8_t *ip = frame + ETH_HLEN;
	uint16_t id, old;
	uint32_t sum;

	while (get16(ip - 2) == ETH_P_8021Q || get16(ip - 2) == ETH_P_8021AD)
		ip += 4;
	if (get16(ip - 2) != ETH_P_IP)
		return;
	old = get16(ip + 4);
	if (first)
		bench->first_id = old;
	id = old - bench->first_id;
	put16(ip + 4, id);
	sum = (uint16_t)~get16(ip + 10) + (uint16_t)~old + id;
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)));
}

/**
 * wire_collect() - write down what arrived of a case
 * @bench: the bench
 * @number: of the case
 *
 * Return: the number of frames.
 */
unsigned int wire_collect(struct bench *bench, uint32_t number)
{
	static uint8_t frame[FRAME_MAX + 4];
	struct pcap_record record = { .seconds = number };
	bool sent = false;

	for (;;) {
		bool marked = record.microseconds >= bench->awaited;

		if (marked && !sent)
			send_marker(bench, number);
		sent |= marked;
		record.len = receive_frame(bench, frame, sent ? MARKER_WAIT_MS :
								FRAME_WAIT_MS);
		if (!record.len && sent) {
			fprintf(stderr, "the marker does not arrive\n");
			errno = ETIMEDOUT;
			fail("receive");
		}
		if (!record.len) {
			/* lost: the case is over without it */
			bench->awaited = 0;
			continue;
		}
		if (!from_us(bench, frame))
			continue;
		if (is_marker(frame, number))
			break;
		if (is_noise(bench, frame))
			continue;
		if (bench->free_ids)
			count_id(bench, frame, !record.microseconds);
		record.captured = record.len;
		if (!fwrite(&record, sizeof(record), 1, bench->pcap) ||
		    !fwrite(frame, record.len, 1, bench->pcap))
			fail("capture file");
		record.microseconds++;
	}
	check_drops(bench);
	return record.microseconds;
}
