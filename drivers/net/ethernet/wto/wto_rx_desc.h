/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive descriptors: from quad words to what they say, whatever the format.
 *
 * All functions are pure, and take words in the host's byte order.
 */

#ifndef WTO_RX_DESC_H
#define WTO_RX_DESC_H

#include <wto/desc.h>

/**
 * enum wto_rx_model - how buffers are posted and how they come back
 * @WTO_RX_SPLIT: buffer queues, and a ring that only the device writes
 * @WTO_RX_SINGLE_BASE: base format in the place of the posted buffers
 * @WTO_RX_SINGLE_FLEX: flex format in the place of the posted buffers
 */
enum wto_rx_model {
	WTO_RX_SPLIT,
	WTO_RX_SINGLE_BASE,
	WTO_RX_SINGLE_FLEX,
};

/**
 * struct wto_rx_meta - what a descriptor says
 * @len: bytes in the packet buffer
 * @hdr_len: bytes in the header buffer, 0 if there are none
 * @hash: RSS hash, if @has_hash
 * @ptype: packet type
 * @buf_id: id of the buffers; the single model's place in the ring
 * @eop: last buffer of the packet
 * @error: the device found the packet to be bad
 * @has_hash: @hash is valid
 * @malformed: the descriptor makes no sense
 */
struct wto_rx_meta {
	u32 len;
	u32 hdr_len;
	u32 hash;
	u16 ptype;
	u16 buf_id;
	bool eop;
	bool error;
	bool has_hash;
	bool malformed;
};

/**
 * wto_rxd_split_hash() - RSS hash of a descriptor of the split model
 * @qw2: third quad word
 *
 * Return: the hash, if the first quad word says that there is one.
 */
static inline u32 wto_rxd_split_hash(u64 qw2)
{
	return FIELD_GET(IDPF_RXF_QW2_HASH, qw2);
}

/**
 * wto_rxd_split() - decode a descriptor of the split model
 * @qw0: first quad word, that with the generation
 * @qw1: second quad word
 * @qw2: third quad word
 * @meta: out
 */
static inline void wto_rxd_split(u64 qw0, u64 qw1, u64 qw2,
				 struct wto_rx_meta *meta)
{
	meta->len = FIELD_GET(IDPF_RXF_QW0_LEN, qw0);
	meta->ptype = FIELD_GET(IDPF_RXF_QW0_PTYPE, qw0);
	meta->error = qw0 & IDPF_RXF_QW0_RXE;
	meta->has_hash = qw0 & IDPF_RXF_QW0_RSS_VALID;
	meta->hash = wto_rxd_split_hash(qw2);
	meta->eop = qw1 & IDPF_RXF_QW1_EOF;
	meta->buf_id = FIELD_GET(IDPF_RXF_QW1_BUF_ID, qw1);
	meta->malformed = (qw0 & (IDPF_RXF_QW0_RXDID |
				  IDPF_RXF_QW0_BUFQ_ID)) !=
			  IDPF_RXDID_FLEX_SPLITQ;
	meta->hdr_len = 0;
	if ((qw0 & IDPF_RXF_QW0_SPH) && !(qw1 & IDPF_RXF_QW1_HBO))
		meta->hdr_len = FIELD_GET(IDPF_RXF_QW0_HDR_LEN, qw0);
}

/**
 * wto_rxd_split_norm() - what a usual descriptor of the split model says
 * @gen: generation of what the device writes in this pass over the ring
 * @hsplit: header split is on
 *
 * A first quad word is made into its difference from this by exclusive or.  It
 * is the device's if the difference has no IDPF_RXF_QW0_GEN.  Length, type and
 * whether there is a hash can be read from it as from the quad word itself.
 *
 * Return: the bits of the first quad word that are the same in all of them.
 */
static inline u64 wto_rxd_split_norm(bool gen, bool hsplit)
{
	return IDPF_RXDID_FLEX_SPLITQ | (gen ? IDPF_RXF_QW0_GEN : 0) |
	       (hsplit ? IDPF_RXF_QW0_SPH : 0);
}

/**
 * wto_rxd_split_usual() - is it a whole packet without anything strange?
 * @diff: first quad word as difference from wto_rxd_split_norm()
 * @qw1: second quad word
 * @hsplit: header split is on
 *
 * Return: true if wto_rxd_split() would say the last buffer of a well-formed
 *	packet without an error, with @hsplit that with a header of
 *	IDPF_RXF_QW0_HDR_LEN of @diff.
 */
static inline bool wto_rxd_split_usual(u64 diff, u64 qw1, bool hsplit)
{
	u64 want0 = IDPF_RXF_QW0_RXDID | IDPF_RXF_QW0_BUFQ_ID |
		    IDPF_RXF_QW0_RXE;
	u64 want1 = IDPF_RXF_QW1_EOF;

	if (hsplit) {
		want0 |= IDPF_RXF_QW0_SPH;
		want1 |= IDPF_RXF_QW1_HBO;
	}

	return !(diff & want0) && (qw1 & want1) == IDPF_RXF_QW1_EOF;
}

/**
 * wto_rxd_base() - decode a descriptor of the base format
 * @qw0: first quad word
 * @qw1: second quad word, that with the done bit
 * @meta: out: all but @buf_id
 */
static inline void wto_rxd_base(u64 qw0, u64 qw1, struct wto_rx_meta *meta)
{
	meta->len = FIELD_GET(IDPF_RXB_LEN, qw1);
	meta->hdr_len = 0;
	meta->ptype = FIELD_GET(IDPF_RXB_PTYPE, qw1);
	meta->eop = qw1 & IDPF_RXB_ST_EOF;
	meta->error = qw1 & (IDPF_RXB_ERR_RXE | IDPF_RXB_ERR_OVERSIZE);
	meta->has_hash = FIELD_GET(IDPF_RXB_ST_FLTSTAT, qw1) ==
			 IDPF_RXB_FLTSTAT_RSS_HASH;
	meta->hash = FIELD_GET(IDPF_RXB_QW0_HASH, qw0);
	meta->malformed = false;
}

/**
 * wto_rxd_flex() - decode a descriptor of the single model's flex format
 * @qw0: first quad word
 * @qw1: second quad word, that with the done bit
 * @meta: out: all but @buf_id
 */
static inline void wto_rxd_flex(u64 qw0, u64 qw1, struct wto_rx_meta *meta)
{
	meta->len = FIELD_GET(IDPF_RXN_QW0_LEN, qw0);
	meta->hdr_len = 0;
	meta->ptype = FIELD_GET(IDPF_RXN_QW0_PTYPE, qw0);
	meta->eop = qw1 & IDPF_RXN_ST0_EOF;
	meta->error = qw1 & IDPF_RXN_ST0_RXE;
	meta->has_hash = qw1 & IDPF_RXN_ST0_RSS_VALID;
	meta->hash = FIELD_GET(IDPF_RXN_QW1_HASH, qw1);
	meta->malformed = FIELD_GET(IDPF_RXN_QW0_RXDID, qw0) !=
			  IDPF_RXDID_FLEX_SQ_NIC;
}

#endif /* WTO_RX_DESC_H */
