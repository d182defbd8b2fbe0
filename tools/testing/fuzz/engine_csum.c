// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: the checksum engine on any layout and any packet.
 *
 * A refused packet stays as it is; in an accepted one nothing changes but the
 * fields, and they verify.
 */

#include "engine_fuzz.h"

static void must(bool condition)
{
	if (!condition)
		abort();
}

static u32 check_off(u8 proto)
{
	switch (proto) {
	case PKT_PROTO_TCP:
		return 16;
	case PKT_PROTO_UDP:
		return 6;
	default:
		return 8;
	}
}

/* @hdr was accepted: forget the fields that may have changed. */
static void check_fields(const struct csum_tx *tx, const u8 *before, u32 len)
{
	const struct pkt_layout *layout = &tx->layout;
	u32 field = layout->l4_off + check_off(layout->proto);
	bool sctp = layout->proto == PKT_PROTO_SCTP;
	u32 ip = layout->l3_off + 10;

	if (tx->jobs & CSUM_TX_IPV4 && layout->ip_version == 4) {
		must(fuzz_sum(tx->hdr + layout->l3_off,
			      layout->l4_off - layout->l3_off, 0) == 0xffff);
		memcpy(tx->hdr + ip, before + ip, 2);
	}
	if (tx->jobs & CSUM_TX_L4) {
		must(field + (sctp ? 4 : 2) <= tx->hdr_len);
		memcpy(tx->hdr + field, before + field, sctp ? 4 : 2);
	}
	must(len >= tx->hdr_len);
}

int fuzz_one(const u8 *data, size_t size)
{
	struct csum_tx tx = { 0 };
	struct fuzz_packet pkt;
	struct fuzz_head head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	data += sizeof(head);
	size -= sizeof(head);

	tx.hdr_len = fuzz_get16(head.hdr_len);
	tx.jobs = head.flags & (CSUM_TX_IPV4 | CSUM_TX_L4);
	tx.layout.l3_off = head.l3_off;
	tx.layout.l4_off = head.l4_off;
	tx.layout.ip_version = head.ip_version;
	tx.layout.proto = head.proto;

	fuzz_packet_init(&pkt, head.piece, data, size);
	gather_init(&tx.payload, pkt.iov, pkt.num);
	tx.hdr = malloc(tx.hdr_len);
	if (gather_pull(&tx.payload, tx.hdr, tx.hdr_len)) {
		if (!csum_tx(&tx))
			check_fields(&tx, data, size);
		must(!memcmp(tx.hdr, data, tx.hdr_len));
	}
	free(tx.hdr);
	fuzz_packet_exit(&pkt);

	return 0;
}
