/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of our own making: what they are to be, and their headers.
 */

#ifndef OFFLOAD_RAW_H
#define OFFLOAD_RAW_H

#include <linux/virtio_net.h>

#include "offload_send.h"

#define TAG_1Q		0x8100
#define TAG_1AD		0x88a8

#define MAX_TAGS	3

#define RAW_FRAME_MAX	(MAX_HEADERS + MAX_PAYLOAD)

#define IP4_LEN		20
#define IP6_LEN		40
#define TCP_LEN		20
#define UDP_LEN		8

#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_ACK		0x10
#define TCP_ECE		0x40
#define TCP_CWR		0x80

/**
 * struct raw_case - what a packet is to be
 * @ip_version: 4 or 6
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @segment: ask for segmentation, not only for a checksum
 * @iface: index of the interface that sends it
 * @num_tags: tags in the frame
 * @tag: their types
 * @ip_options: bytes of IPv4 options or IPv6 extension headers
 * @l4_options: bytes of TCP options
 * @flags: TCP's flags
 * @mss: payload of a segment
 * @payload: bytes behind all headers
 * @headers: bytes of all headers
 * @l3_off: of the IP header
 * @l4_off: of the TCP or UDP header
 */
struct raw_case {
	uint8_t ip_version;
	uint8_t proto;
	bool segment;
	unsigned int iface;
	unsigned int num_tags;
	uint16_t tag[MAX_TAGS];
	uint32_t ip_options;
	uint32_t l4_options;
	uint8_t flags;
	uint32_t mss;
	uint32_t payload;
	uint32_t headers;
	uint32_t l3_off;
	uint32_t l4_off;
};

void raw_offsets(struct raw_case *want);
void raw_headers(const struct bench *bench, struct rng *rng,
		 const struct raw_case *want, uint8_t *frame);
void raw_make(const struct bench *bench, struct rng *rng, struct raw_case *want,
	      struct virtio_net_hdr *vnet, uint8_t *frame);
int raw_send(const struct bench *bench, unsigned int iface,
	     struct virtio_net_hdr *vnet, uint8_t *frame, size_t len);
const char *raw_tag_name(const struct raw_case *want, unsigned int index);

#endif /* OFFLOAD_RAW_H */
