// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit offloads: what the descriptors ask for becomes a request to an
 * engine, and what the engine makes of it goes to the wire.
 *
 * Split model: the descriptor has one bit for checksums, or a segmentation
 * context; the parser finds the headers.  Single model: the descriptor says
 * where they are and what is to be done.  An engine believes neither.
 *
 * A packet that an engine refuses is counted by its reason and dropped; like
 * any other packet it is completed.
 */

#include <string.h>

#include "engines/lso.h"
#include "engines/uso.h"
#include "nic.h"
#include "tx.h"
#include "util.h"

static_assert(PARSE_MAX_BYTES > SEG_HDR_MAX, "headers fit the head");

/* Segments of one packet that are sent in a turn, whatever its budget: two full
 * packets of the longest kind with a common MSS
 */
#define TX_SEG_BATCH		384

/* Zeros behind a segment that is shorter than a frame may be */
static const u8 tx_padding[NIC_MIN_FRAME];

static const enum report_cause tx_causes[ENG_STATUS_NUM] = {
	[ENG_NOT_IP] = REPORT_TX_NOT_IP,
	[ENG_IP_HEADER] = REPORT_TX_IP_HEADER,
	[ENG_FRAGMENT] = REPORT_TX_FRAGMENT,
	[ENG_PROTOCOL] = REPORT_TX_PROTOCOL,
	[ENG_L4_HEADER] = REPORT_TX_L4_HEADER,
	[ENG_LENGTH] = REPORT_TX_IP_LENGTH,
	[ENG_HDR_LEN] = REPORT_TX_HDR_LEN,
	[ENG_MSS] = REPORT_TX_MSS,
	[ENG_TLEN] = REPORT_TX_TLEN,
	[ENG_TLEN_DATA] = REPORT_TX_TLEN_DATA,
	[ENG_BUFFERS] = REPORT_TX_SG,
	[ENG_FRAME] = REPORT_TX_LONG,
};

/* Which capability has to be granted for an offload of a protocol */
static const struct {
	u8 ip_version;
	u8 proto;
	u32 csum;
	u32 seg;
} tx_caps[] = {
	{ 4, PKT_PROTO_TCP, VC2_CSUM_TX_L4_IPV4_TCP, VC2_SEG_IPV4_TCP },
	{ 4, PKT_PROTO_UDP, VC2_CSUM_TX_L4_IPV4_UDP, VC2_SEG_IPV4_UDP },
	{ 4, PKT_PROTO_SCTP, VC2_CSUM_TX_L4_IPV4_SCTP, 0 },
	{ 6, PKT_PROTO_TCP, VC2_CSUM_TX_L4_IPV6_TCP, VC2_SEG_IPV6_TCP },
	{ 6, PKT_PROTO_UDP, VC2_CSUM_TX_L4_IPV6_UDP, VC2_SEG_IPV6_UDP },
	{ 6, PKT_PROTO_SCTP, VC2_CSUM_TX_L4_IPV6_SCTP, 0 },
};

static bool tx_seg_granted(const struct nic_port *port,
			   const struct pkt_layout *layout)
{
	u32 granted = le32_to_cpu(port->cp.granted.seg_caps);

	for (size_t i = 0; i < ARRAY_SIZE(tx_caps); i++)
		if (tx_caps[i].ip_version == layout->ip_version &&
		    tx_caps[i].proto == layout->proto)
			return granted & tx_caps[i].seg;
	return true;	/* the engine will refuse it for what it is */
}

static bool tx_csum_granted(const struct nic_port *port,
			    const struct pkt_layout *layout, u32 jobs)
{
	u32 granted = le32_to_cpu(port->cp.granted.csum_caps);

	if (jobs & CSUM_TX_IPV4 && layout->ip_version == 4 &&
	    !(granted & VC2_CSUM_TX_L3_IPV4))
		return false;
	if (!(jobs & CSUM_TX_L4))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(tx_caps); i++)
		if (tx_caps[i].ip_version == layout->ip_version &&
		    tx_caps[i].proto == layout->proto)
			return granted & tx_caps[i].csum;
	return true;
}

static void tx_layout(const struct parse_info *info, struct pkt_layout *layout)
{
	layout->l3_off = info->l3_off;
	layout->l4_off = info->l4_off;
	layout->ip_version = info->l3 == PARSE_L3_IPV4 ? 4 :
			     info->l3 == PARSE_L3_IPV6 ? 6 : 0;
	layout->proto = info->ip_proto;
}

static bool tx_proto_known(u8 proto)
{
	return proto == PKT_PROTO_TCP || proto == PKT_PROTO_UDP ||
	       proto == PKT_PROTO_SCTP;
}

/* The one bit of the split model asks for every checksum that there is */
static enum eng_status tx_csum_jobs(const struct txq *txq,
				    const struct frame *frame,
				    struct csum_tx *tx)
{
	u32 granted = le32_to_cpu(txq->q.port->cp.granted.csum_caps);
	const struct parse_info *info = &frame->info;

	if (info->l3 == PARSE_L3_NONE)
		return ENG_NOT_IP;
	tx_layout(info, &tx->layout);
	if (info->l3 == PARSE_L3_IPV4 && granted & VC2_CSUM_TX_L3_IPV4)
		tx->jobs = CSUM_TX_IPV4;

	if (tx_proto_known(info->ip_proto) && !(info->flags & PARSE_F_FRAG)) {
		tx->jobs |= CSUM_TX_L4;
		return info->l4 == PARSE_L4_NONE ? ENG_L4_HEADER : ENG_OK;
	}

	/* a fragment or another protocol: at most its header's checksum */
	if (!tx->jobs)
		return info->flags & PARSE_F_FRAG ? ENG_FRAGMENT : ENG_PROTOCOL;
	tx->layout.l4_off = info->l3_off + (tx->hdr[info->l3_off] & 0xf) * 4;
	return ENG_OK;
}

/* Where the headers of a packet end whose checksum is asked for */
static u32 tx_hdr_end(const struct csum_tx *tx)
{
	u32 l4_off = tx->layout.l4_off;

	if (!(tx->jobs & CSUM_TX_L4))
		return l4_off;
	switch (tx->layout.proto) {
	case PKT_PROTO_TCP:
		return l4_off + (l4_off + 12 < tx->hdr_len ?
				 (tx->hdr[l4_off + 12] >> 4) * 4 : 20);
	case PKT_PROTO_SCTP:
		return l4_off + 12;
	default:
		return l4_off + 8;
	}
}

/**
 * tx_checksum() - fill in the checksums of a packet
 * @txq: the queue
 * @pkt: the packet, marked as bad if that is not possible (reported)
 * @frame: the packet as a frame, beginning with @pkt's head
 *
 * Return: true if the frame can be sent.
 */
bool tx_checksum(struct txq *txq, struct tx_packet *pkt,
		 const struct frame *frame)
{
	struct csum_tx tx = {
		.hdr = pkt->head,
		.hdr_len = frame->iov[0].iov_len,
	};
	enum eng_status status = ENG_OK;

	if (!txq->q.port->cp.granted.csum_caps) {
		tx_bad(txq, pkt, REPORT_TX_NO_ENGINE,
		       "checksum asked for, which was not granted");
		return false;
	}
	if (pkt->off.explicit) {
		tx.layout = pkt->off.layout;
		tx.jobs = pkt->off.jobs;
	} else {
		status = tx_csum_jobs(txq, frame, &tx);
	}
	if (!status && !tx_csum_granted(txq->q.port, &tx.layout, tx.jobs)) {
		tx_bad(txq, pkt, REPORT_TX_NO_ENGINE,
		       "checksum of IPv%u protocol %u asked for, which was not granted",
		       tx.layout.ip_version, tx.layout.proto);
		return false;
	}
	gather_init(&tx.payload, frame->iov + 1, frame->num_iov - 1);
	if (!status && tx_hdr_end(&tx) > txq->q.port->cfg.tx_hdr)
		status = ENG_HDR_LEN;
	if (!status)
		status = csum_tx(&tx);
	if (status) {
		tx_bad(txq, pkt, tx_causes[status],
		       "checksum of IPv%u protocol %u refused: %s",
		       tx.layout.ip_version, tx.layout.proto,
		       eng_status_name(status));
		return false;
	}
	return true;
}

/* Make the engine's request from what the descriptors say */
static enum eng_status tx_seg_request(const struct txq *txq,
				      struct tx_packet *pkt,
				      struct seg_request *req,
				      struct parse_info *info)
{
	const struct tx_offload *off = &pkt->off;

	*req = (struct seg_request){
		.hdr = pkt->head,
		.hdr_len = off->hdr_len,
		.tlen = off->tlen,
		.mss = off->mss,
		.frame_max = NIC_MAX_FRAME,
		.flags = txq->q.port->cfg.lso_id_bits == 15 ? SEG_F_ID15 : 0,
	};
	if (!off->hdr_len || off->hdr_len > SEG_HDR_MAX ||
	    off->hdr_len > txq->q.port->cfg.tx_hdr)
		return ENG_HDR_LEN;
	gather_init(&req->payload, pkt->iov + 1, pkt->num_iov);
	if (!gather_pull(&req->payload, pkt->head, off->hdr_len))
		return ENG_TLEN_DATA;

	parse_template(pkt->head, off->hdr_len, info);
	if (off->explicit) {
		req->layout = off->layout;
		return ENG_OK;
	}
	if (info->l3 == PARSE_L3_NONE)
		return ENG_NOT_IP;
	tx_layout(info, &req->layout);
	if (info->flags & PARSE_F_FRAG)
		return ENG_FRAGMENT;
	if (info->l4 == PARSE_L4_NONE)
		return tx_proto_known(info->ip_proto) ? ENG_L4_HEADER :
							ENG_PROTOCOL;
	return ENG_OK;
}

/* Return: false if the segment is to be kept and sent later */
static bool tx_emit_segment(struct txq *txq, struct tx_turn *turn,
			    struct seg_frame *seg,
			    const struct parse_info *info)
{
	u32 pad = seg->len < NIC_MIN_FRAME ? NIC_MIN_FRAME - seg->len : 0;
	struct frame frame = {
		.iov = seg->iov,
		.num_iov = seg->num_iov,
		.len = seg->len + pad,
		.src = txq->q.vport,
		.info = *info,
	};

	frame.info.l3_end = seg->len;
	if (pad) {
		struct iovec *last = &seg->iov[frame.num_iov++];

		last->iov_base = (u8 *)tx_padding;
		last->iov_len = pad;
	}
	return tx_emit(txq, turn, &frame);
}

/*
 * Sends the segments that have not been sent in an earlier turn.  A turn does
 * not end inside of a packet, unless the receiver has no buffers or the
 * packet has far more segments than any sensible one.
 *
 * Return: false if segments are left.
 */
static bool tx_emit_segments(struct txq *txq, struct tx_turn *turn,
			     struct segmenter *seg,
			     const struct parse_info *info)
{
	unsigned int end = turn->frames + TX_SEG_BATCH;
	struct seg_frame out;

	if (end < turn->budget)
		end = turn->budget;
	seg_skip(seg, txq->num_sent);
	while (turn->frames < end && seg_next(seg, &out)) {
		if (!tx_emit_segment(txq, turn, &out, info))
			return false;
		txq->num_sent++;
		txq->stats.segments++;
	}
	return !seg->left;
}

/**
 * tx_segment() - make the segments of a packet and send them
 * @txq: the queue; num_sent are left out
 * @turn: the queue's turn
 * @pkt: the packet, marked as bad if that is not possible (reported)
 *
 * Return: false if the packet is to be kept: not all of its segments were sent.
 */
bool tx_segment(struct txq *txq, struct tx_turn *turn, struct tx_packet *pkt)
{
	struct seg_request req;
	struct parse_info info;
	struct segmenter seg;
	enum eng_status status;
	bool udp;

	if (!txq->q.port->cp.granted.seg_caps) {
		tx_bad(txq, pkt, REPORT_TX_NO_ENGINE,
		       "segmentation asked for, which was not granted");
		return true;
	}
	status = tx_seg_request(txq, pkt, &req, &info);
	if (!status && !tx_seg_granted(txq->q.port, &req.layout)) {
		tx_bad(txq, pkt, REPORT_TX_NO_ENGINE,
		       "segmentation of IPv%u protocol %u asked for, which was not granted",
		       req.layout.ip_version, req.layout.proto);
		return true;
	}
	udp = req.layout.proto == PKT_PROTO_UDP;
	if (!status)
		status = udp ? uso_init(&seg, &req) : lso_init(&seg, &req);
	if (status) {
		tx_bad(txq, pkt, tx_causes[status],
		       "segmentation refused: %s; headers %u, payload %u, MSS %u, data %u",
		       eng_status_name(status), req.hdr_len, req.tlen, req.mss,
		       pkt->len);
		return true;
	}

	if (!tx_emit_segments(txq, turn, &seg, &info))
		return false;
	txq->stats.uso += udp;
	txq->stats.lso += !udp;
	return true;
}
