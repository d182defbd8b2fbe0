// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the stepper's drivers send: frames of many kinds, in the descriptors of
 * the queue's model, most of them right.
 */

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <string.h>

#include "step.h"

#define STEP_MAX_BUF	16383u
#define STEP_MAX_DATA	100000u

/**
 * struct step_packet - a packet in guest memory
 * @addr: where it begins
 * @len: bytes
 * @l2_len: of the Ethernet header with tags
 * @l3_len: of the IP header, 0: no IP
 * @l4_len: of the TCP or UDP header, 0: neither
 * @v6: IPv6
 * @proto: IP protocol
 * @mss: to be segmented if not 0
 * @csum: checksums to be filled in
 */
struct step_packet {
	u64 addr;
	u32 len;
	u32 l2_len;
	u32 l3_len;
	u32 l4_len;
	bool v6;
	u8 proto;
	u16 mss;
	bool csum;
};

static void step_address(u8 *mac)
{
	u64 any = step_rand();

	if (step_one_in(4))
		memset(mac, 0xff, ETH_ALEN);
	else if (step_one_in(4))
		memcpy(mac, &any, ETH_ALEN);
	else
		memcpy(mac, run.guests[step_below(STEP_PORTS)].port->cfg.mac,
		       ETH_ALEN);
}

static u32 step_ethernet(struct step_guest *g, u8 *data, u16 type)
{
	u32 len = 2 * ETH_ALEN;
	u16 vlan[2] = { htons(ETH_P_8021Q), (u16)step_rand() };

	step_address(data);
	memcpy(data + ETH_ALEN, g->port->cfg.mac, ETH_ALEN);
	while (step_one_in(12)) {
		memcpy(data + len, vlan, sizeof(vlan));
		len += sizeof(vlan);
	}
	type = htons(type);
	memcpy(data + len, &type, sizeof(type));
	return len + sizeof(type);
}

static u32 step_ip(u8 *data, struct step_packet *pkt)
{
	u32 options = step_one_in(6) ? 4 * step_below(11) : 0;
	struct iphdr v4 = {
		.version = 4, .ihl = 5 + options / 4, .ttl = 64,
		.protocol = pkt->proto, .saddr = (u32)step_rand(),
		.daddr = (u32)step_rand(),
		.frag_off = htons(step_one_in(30) ? step_rand() : 0x4000),
	};
	struct ipv6hdr v6 = {
		.version = 6, .nexthdr = pkt->proto, .hop_limit = 64,
	};

	if (!pkt->v6) {
		v4.tot_len = htons(pkt->len - pkt->l2_len);
		memcpy(data, &v4, sizeof(v4));
		return sizeof(v4) + options;
	}
	v6.payload_len = htons(pkt->len - pkt->l2_len - sizeof(v6));
	v6.saddr.s6_addr32[0] = (u32)step_rand();
	v6.daddr.s6_addr32[3] = (u32)step_rand();
	memcpy(data, &v6, sizeof(v6));
	return sizeof(v6);
}

static u32 step_l4(u8 *data, const struct step_packet *pkt)
{
	u32 rest = pkt->len - pkt->l2_len - pkt->l3_len;
	u16 udp_len = htons(rest);
	u32 ports = (u32)step_rand();

	memset(data, 0, 20);
	memcpy(data, &ports, sizeof(ports));
	switch (pkt->proto) {
	case IPPROTO_TCP:
		data[12] = step_one_in(6) ? step_below(16) << 4 : 5 << 4;
		data[13] = (u8)step_rand();
		return (data[12] >> 4) * 4;
	case IPPROTO_UDP:
		memcpy(data + 4, &udp_len, sizeof(udp_len));
		data[6] = 1;
		return 8;
	default:
		return 0;
	}
}

static u32 step_frame_len(const struct step_guest *g)
{
	switch (g->honest ? 3 : step_below(8)) {
	case 0:
		return 14 + step_below(60);
	case 1:
		return 60 + step_below(NIC_MAX_FRAME - 59);
	case 2:
		return step_number(14);
	default:
		return 60 + step_below(1455);
	}
}

/* Write a packet to guest memory */
static void step_make(struct step_guest *g, struct step_packet *pkt)
{
	static const u8 protos[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP,
				     IPPROTO_SCTP, IPPROTO_ICMP };
	bool ip = step_below(8);
	u8 *data;

	memset(pkt, 0, sizeof(*pkt));
	pkt->v6 = step_one_in(2);
	pkt->proto = protos[step_below(sizeof(protos))];
	pkt->len = step_frame_len(g);
	if (ip && step_one_in(6)) {
		pkt->mss = 88 + step_below(1400);
		if (!g->honest && step_one_in(8))
			pkt->mss = step_number(14);
		pkt->len = 120 + step_below(step_one_in(16) ? STEP_MAX_DATA : 8000);
	}
	pkt->csum = ip && step_one_in(3);
	pkt->addr = step_buf(g, STEP_MAX_DATA + 256) & ~3ull;
	data = step_at(g, pkt->addr);
	pkt->l2_len = step_ethernet(g, data, ip ? (pkt->v6 ? ETH_P_IPV6 :
						   ETH_P_IP) : 0x88b5);
	if (!ip)
		return;
	pkt->l3_len = step_ip(data + pkt->l2_len, pkt);
	pkt->l4_len = step_l4(data + pkt->l2_len + pkt->l3_len, pkt);
	if (!g->honest && step_one_in(16))
		step_mutate(data, 128);
}

/* ------------------------------------------------------------------ */
/* Descriptors                                                          */

static void step_put(struct step_guest *g, struct step_queue *q, void *desc)
{
	if (!g->honest && step_one_in(256))
		step_mutate(desc, sizeof(struct idpf_tx_desc_raw));
	memcpy(step_at(g, q->ring + q->next * sizeof(struct idpf_tx_desc_raw)),
	       desc, sizeof(struct idpf_tx_desc_raw));
	q->next = (q->next + 1) % q->len;
}

static u32 step_hdr_len(const struct step_packet *pkt)
{
	return pkt->l2_len + pkt->l3_len + pkt->l4_len;
}

static void step_put_ctx(struct step_guest *g, const struct step_vport *vp,
			 struct step_queue *q, const struct step_packet *pkt)
{
	struct idpf_tx_flex_tso_ctx flex = {
		.tlen = pkt->len - step_hdr_len(pkt), .mss = pkt->mss,
		.hdr_len = step_hdr_len(pkt),
		.cmd_dtype = IDPF_TX_DTYPE_FLEX_TSO_CTX | IDPF_TXC_CMD_TSO,
	};
	struct idpf_tx_base_ctx_desc base = {
		.qw1 = IDPF_TX_DTYPE_CTX | IDPF_TXBC_QW1_CMD_TSO |
		       FIELD_PREP(IDPF_TXBC_QW1_TSO_LEN,
				  (u64)pkt->len - step_hdr_len(pkt)) |
		       FIELD_PREP(IDPF_TXBC_QW1_MSS, (u64)pkt->mss),
	};

	if (!g->honest && step_one_in(16)) {
		flex.tlen ^= 1u << step_below(19);
		base.qw1 ^= BIT_ULL(step_below(64));
	}
	if (vp->tx_model == VC2_QUEUE_MODEL_SINGLE)
		step_put(g, q, &base);
	else
		step_put(g, q, &flex);
}

static u64 step_base_offsets(const struct step_packet *pkt)
{
	u64 l4t = pkt->proto == IPPROTO_TCP ? IDPF_TXB_L4T_TCP :
		  pkt->proto == IPPROTO_UDP ? IDPF_TXB_L4T_UDP :
		  pkt->proto == IPPROTO_SCTP ? IDPF_TXB_L4T_SCTP : 0;
	u64 iipt = pkt->v6 ? IDPF_TXB_IIPT_IPV6 : IDPF_TXB_IIPT_IPV4_CSUM;

	return FIELD_PREP(IDPF_TXB_CMD_IIPT, iipt) |
	       FIELD_PREP(IDPF_TXB_CMD_L4T, l4t) |
	       FIELD_PREP(IDPF_TXB_MACLEN, (u64)pkt->l2_len / 2) |
	       FIELD_PREP(IDPF_TXB_IPLEN, (u64)pkt->l3_len / 4) |
	       FIELD_PREP(IDPF_TXB_L4LEN, (u64)pkt->l4_len / 4);
}

static void step_put_data(struct step_guest *g, const struct step_vport *vp,
			  struct step_queue *q, const struct step_packet *pkt,
			  u64 addr, u32 len)
{
	bool eop = addr + len == pkt->addr + pkt->len, csum = pkt->csum || pkt->mss;
	struct idpf_tx_flow_desc flow = {
		.buf_addr = addr, .compl_tag = (u16)step_rand(),
		.rxr_bufsize = len,
		.cmd_dtype = IDPF_TX_DTYPE_FLEX_FLOW_SCHED |
			     (eop ? IDPF_TXF_CMD_EOP : 0) |
			     (csum ? IDPF_TXF_CMD_CS_EN : 0) |
			     (step_one_in(8) ? IDPF_TXF_CMD_RE : 0),
	};
	struct idpf_tx_flex_desc flex = {
		.buf_addr = addr, .buf_size = len,
		.cmd_dtype = IDPF_TX_DTYPE_FLEX_L2TAG1_L2TAG2 |
			     (eop ? IDPF_TXX_CMD_EOP | IDPF_TXX_CMD_RS : 0) |
			     (csum ? IDPF_TXX_CMD_CS_EN : 0),
	};
	struct idpf_tx_base_desc base = {
		addr, IDPF_TX_DTYPE_DATA |
		      (eop ? IDPF_TXB_CMD_EOP | IDPF_TXB_CMD_RS : 0) |
		      (csum ? step_base_offsets(pkt) : 0) |
		      FIELD_PREP(IDPF_TXB_BUF_SIZE, (u64)len),
	};

	if (vp->tx_model == VC2_QUEUE_MODEL_SINGLE)
		step_put(g, q, &base);
	else if (vp->sched == VC2_TXQ_SCHED_QUEUE)
		step_put(g, q, &flex);
	else
		step_put(g, q, &flow);
}

static void step_put_packet(struct step_guest *g, const struct step_vport *vp,
			    struct step_queue *q, const struct step_packet *pkt)
{
	u64 addr = pkt->addr, end = pkt->addr + pkt->len;
	bool crumbs = !g->honest && step_one_in(200);

	if (pkt->mss)
		step_put_ctx(g, vp, q, pkt);
	while (addr < end) {
		u32 len = end - addr < STEP_MAX_BUF ? end - addr : STEP_MAX_BUF;

		if (step_one_in(3))
			len = 1 + step_below(len);
		if (crumbs)
			len = len < 4 ? len : 4;
		step_put_data(g, vp, q, pkt, addr, len);
		addr += len;
	}
}

/* a packet or a few, on one of its queues */
void step_send(struct step_guest *g)
{
	struct step_vport *vp = step_vport(g);
	struct step_queue *q;

	if (!vp || !vp->num[VC2_QUEUE_TYPE_TX])
		return;
	q = &vp->q[VC2_QUEUE_TYPE_TX][step_below(vp->num[VC2_QUEUE_TYPE_TX])];
	if (!q->ring)
		return;
	do {
		struct step_packet pkt;

		step_make(g, &pkt);
		step_put_packet(g, vp, q, &pkt);
	} while (step_one_in(4));
	step_write(g, q->tail, q->next);
}
