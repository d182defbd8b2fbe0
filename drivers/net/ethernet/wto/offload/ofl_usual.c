// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a configuration means for usual packets.
 */

#include "ofl_usual.h"

#define OFL_TCP_CSUM_OFF	16
#define OFL_UDP_CSUM_OFF	6

struct ofl_usual_row {
	u64 csum_job;
	u64 seg_job;
	u8 seg;
	u8 csum_off;
	u8 ip_version;
	u8 l4_proto;
};

/* In the order of struct ofl_usual */
static const struct ofl_usual_row ofl_usual_rows[4] = {
	{ OFL_JOB(TX_CSUM_TCP4), OFL_JOB(LSOV2_IP4), OFL_SEG_LSOV2,
	  OFL_TCP_CSUM_OFF, 4, OFL_PROTO_TCP },
	{ OFL_JOB(TX_CSUM_UDP4), OFL_JOB(USO_IP4), OFL_SEG_USO,
	  OFL_UDP_CSUM_OFF, 4, OFL_PROTO_UDP },
	{ OFL_JOB(TX_CSUM_TCP6), OFL_JOB(LSOV2_IP6), OFL_SEG_LSOV2,
	  OFL_TCP_CSUM_OFF, 6, OFL_PROTO_TCP },
	{ OFL_JOB(TX_CSUM_UDP6), OFL_JOB(USO_IP6), OFL_SEG_USO,
	  OFL_UDP_CSUM_OFF, 6, OFL_PROTO_UDP },
};

static void ofl_usual_init_kind(const struct ofl_config *cur,
				const struct ofl_usual_row *row,
				struct ofl_usual_kind *kind)
{
	const struct ofl_seg_limits *limits = &cur->seg[row->seg];
	u32 max_frame = cur->max_frame ? cur->max_frame : ~0U;

	*kind = (struct ofl_usual_kind){
		.max_hdr_len = cur->max_hdr_len,
		.max_seg = max_frame,
		.min_mss = cur->min_mss,
		.max_mss = cur->max_mss,
		.csum_off = row->csum_off,
		.whole = {
			.segs = 1,
			.mac_len = OFL_USUAL_ETH_HLEN,
			.ip_len = row->ip_version == 4 ? OFL_USUAL_IP4_HLEN :
							 OFL_USUAL_IP6_HLEN,
			.ip_version = row->ip_version,
			.l4_proto = row->l4_proto,
			.csum = OFL_CSUM_L4,
			.seg = OFL_SEG_NONE,
		},
	};
	kind->seg = kind->whole;
	kind->seg.seg = row->seg;
	if (row->ip_version == 4)
		kind->seg.csum |= OFL_CSUM_IP;

	if (cur->jobs & row->csum_job)
		kind->max_whole = max_frame;
	/* to know of a short last segment takes a division */
	if (cur->jobs & row->seg_job && limits->sub_mss_final)
		kind->max_payload = limits->max_offload_size;
	if (limits->min_segment_count)
		kind->too_few = limits->min_segment_count - 1;
}

/**
 * ofl_usual_init() - work out what a configuration means for usual packets
 * @cur: the configuration
 * @usual: filled
 */
void ofl_usual_init(const struct ofl_config *cur, struct ofl_usual *usual)
{
	unsigned int i;

	usual->max_bufs = cur->max_bufs ? cur->max_bufs : ~0U;
	for (i = 0; i < 4; i++)
		ofl_usual_init_kind(cur, &ofl_usual_rows[i], &usual->kinds[i]);
}
