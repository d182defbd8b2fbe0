/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differential test of send offloads: seeded packets out of one port, and
 * what arrives of them at the other.
 */

#ifndef OFFLOAD_SEND_H
#define OFFLOAD_SEND_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define MAX_IFACES	8

/* TLEN of the context descriptor has 18 bits */
#define MAX_PAYLOAD	((1u << 18) - 1)
/* All headers together, as the context descriptor can say */
#define MAX_HEADERS	255

/**
 * struct rng - reproducible random numbers
 * @state: advances with each number
 */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);
uint32_t rng_below(struct rng *rng, uint32_t end);
uint32_t rng_range(struct rng *rng, uint32_t first, uint32_t last);
uint32_t rng_log(struct rng *rng, uint32_t first, uint32_t last);
bool rng_percent(struct rng *rng, uint32_t percent);
void rng_fill(struct rng *rng, void *to, size_t len);

/**
 * struct addresses - of both ends of a network, for the workloads on sockets
 * @v4: IPv4, ours and the peer's, as text
 * @v6: IPv6
 */
struct addresses {
	const char *v4[2];
	const char *v6[2];
};

/**
 * struct bench - everything that a workload needs
 * @ifname: our interfaces: the port, perhaps VLANs on it
 * @ifindex: their indexes
 * @num_if: how many
 * @peer: the peer's port
 * @netns: its namespace
 * @home_fd: our own namespace
 * @peer_fd: the peer's
 * @tap: TAP interface whose packets leave by our port, or NULL
 * @tap_fd: our end of it, or -1
 * @addr: addresses of both ends: of the ports, then of VLANs on them
 * @num_v4: how many networks have IPv4
 * @num_v6: how many have IPv6
 * @mtu: of both ports
 * @max_tags: tags of a frame at most, that of a VLAN interface included
 * @even: data of files have even offsets: older kernels sum them wrongly in
 *	software where a page ends after an odd number of bytes
 * @no_jumbo: streams over IPv6 with extension headers stay below 64 KiB: older
 *	kernels leave the header that holds the length in every segment
 * @bare_from: streams over IPv6 have no extension headers from this network on
 * @seed: what all packets are made from
 * @seeded: a generator for the case at hand, made from @seed and its number
 * @mac: addresses of our port and of the peer's
 * @tx: packet socket on our port, frames behind a virtio_net_hdr
 * @rx: packet socket on the peer's port
 * @busy_fd: sockets to be closed when all of the case has arrived, or -1
 * @free_ids: IPv4 ids start anywhere and are written down from 0
 * @first_id: where they started
 * @odd: frames may be anything, and come from an address of their own
 * @proto: IPPROTO_* of the sockets' workload
 * @pcap: takes what arrives
 * @list: takes a line for each case
 * @awaited: frames that arrive before the case may be over, be they kept for a
 *	while by the stack; 0: all leave at once
 * @text: description of the case at hand
 */
struct bench {
	const char *ifname[MAX_IFACES];
	unsigned int ifindex[MAX_IFACES];
	unsigned int num_if;
	const char *peer;
	const char *netns;
	int home_fd;
	int peer_fd;
	const char *tap;
	int tap_fd;
	struct addresses addr[MAX_IFACES];
	unsigned int num_v4;
	unsigned int num_v6;
	unsigned int mtu;
	unsigned int max_tags;
	bool even;
	bool no_jumbo;
	unsigned int bare_from;
	uint64_t seed;
	struct rng seeded;
	uint8_t mac[2][6];
	int tx;
	int rx;
	int busy_fd[2];
	bool free_ids;
	uint16_t first_id;
	bool odd;
	int proto;
	FILE *pcap;
	FILE *list;
	unsigned int awaited;
	char text[256];
};

void fail(const char *what) __attribute__((noreturn));
void peer_enter(const struct bench *bench);
void peer_leave(const struct bench *bench);

void wire_open(struct bench *bench, const char *path);
int wire_send(const struct bench *bench, unsigned int iface,
	      const struct iovec *iov, int num);
unsigned int wire_collect(struct bench *bench, uint32_t number);

void tap_open(struct bench *bench, bool merge);

int raw_case(struct bench *bench);
int odd_case(struct bench *bench);
int gro_case(struct bench *bench);
int udp_case(struct bench *bench);
int tcp_case(struct bench *bench);

#endif /* OFFLOAD_SEND_H */
