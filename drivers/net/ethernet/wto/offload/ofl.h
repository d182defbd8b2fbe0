/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The OS-neutral task-offload model: capabilities, configuration and the
 * verdict on each packet that is to be sent, in the terms of the Windows
 * (NDIS) task-offload model.
 *
 * Everything here is pure: structures in, structures out, no allocation, no
 * lock, no logging.  The same files are compiled into the kernel module, into
 * the unit tests and for Windows.
 */

#ifndef OFL_H
#define OFL_H

#include "ofl_types.h"

/**
 * enum ofl_job - one thing that an offload engine can do
 *
 * @OFL_TX_CSUM_IP4: write the IPv4 header checksum
 * @OFL_TX_CSUM_TCP4: write the TCP checksum over IPv4
 * @OFL_TX_CSUM_UDP4: write the UDP checksum over IPv4
 * @OFL_TX_CSUM_SCTP4: write the SCTP CRC over IPv4
 * @OFL_TX_CSUM_TCP6: write the TCP checksum over IPv6
 * @OFL_TX_CSUM_UDP6: write the UDP checksum over IPv6
 * @OFL_TX_CSUM_SCTP6: write the SCTP CRC over IPv6
 * @OFL_TX_CSUM_GENERIC: write any Internet checksum that the device can find
 * @OFL_RX_CSUM_IP4: verify the IPv4 header checksum
 * @OFL_RX_CSUM_TCP4: verify the TCP checksum over IPv4
 * @OFL_RX_CSUM_UDP4: verify the UDP checksum over IPv4
 * @OFL_RX_CSUM_SCTP4: verify the SCTP CRC over IPv4
 * @OFL_RX_CSUM_TCP6: verify the TCP checksum over IPv6
 * @OFL_RX_CSUM_UDP6: verify the UDP checksum over IPv6
 * @OFL_RX_CSUM_SCTP6: verify the SCTP CRC over IPv6
 * @OFL_LSOV1_IP4: segment TCP over IPv4, up to 64 KiB
 * @OFL_LSOV2_IP4: segment TCP over IPv4, beyond 64 KiB too
 * @OFL_LSOV2_IP6: segment TCP over IPv6
 * @OFL_USO_IP4: segment UDP over IPv4
 * @OFL_USO_IP6: segment UDP over IPv6
 * @OFL_NUM_JOBS: count
 *
 * A job is the finest switch that the model knows: one task, one protocol, one
 * IP version, one direction.  ofl_table gives each its NDIS field, keyword,
 * device capability bits and Linux feature.
 */
enum ofl_job {
	OFL_TX_CSUM_IP4,
	OFL_TX_CSUM_TCP4,
	OFL_TX_CSUM_UDP4,
	OFL_TX_CSUM_SCTP4,
	OFL_TX_CSUM_TCP6,
	OFL_TX_CSUM_UDP6,
	OFL_TX_CSUM_SCTP6,
	OFL_TX_CSUM_GENERIC,
	OFL_RX_CSUM_IP4,
	OFL_RX_CSUM_TCP4,
	OFL_RX_CSUM_UDP4,
	OFL_RX_CSUM_SCTP4,
	OFL_RX_CSUM_TCP6,
	OFL_RX_CSUM_UDP6,
	OFL_RX_CSUM_SCTP6,
	OFL_LSOV1_IP4,
	OFL_LSOV2_IP4,
	OFL_LSOV2_IP6,
	OFL_USO_IP4,
	OFL_USO_IP6,
	OFL_NUM_JOBS
};

#define OFL_JOB(job)		BIT_ULL(OFL_##job)

/* Jobs that belong together */
#define OFL_JOBS_LSO4		(OFL_JOB(LSOV1_IP4) | OFL_JOB(LSOV2_IP4))
#define OFL_JOBS_USO		(OFL_JOB(USO_IP4) | OFL_JOB(USO_IP6))

/**
 * enum ofl_dir - direction of a job
 * @OFL_DIR_TX: on packets that are sent
 * @OFL_DIR_RX: on packets that were received
 */
enum ofl_dir {
	OFL_DIR_TX,
	OFL_DIR_RX,
};

/**
 * enum ofl_cap_word - capability word of GET_CAPS that a job's bits are in
 * @OFL_CAP_CSUM: csum_caps
 * @OFL_CAP_SEG: seg_caps
 * @OFL_NUM_CAP_WORDS: count
 */
enum ofl_cap_word {
	OFL_CAP_CSUM,
	OFL_CAP_SEG,
	OFL_NUM_CAP_WORDS
};

/**
 * enum ofl_linux - Linux feature that a job stands behind
 * @OFL_LINUX_NONE: Linux has no switch for it
 * @OFL_LINUX_IP_CSUM: NETIF_F_IP_CSUM
 * @OFL_LINUX_IPV6_CSUM: NETIF_F_IPV6_CSUM
 * @OFL_LINUX_HW_CSUM: NETIF_F_HW_CSUM
 * @OFL_LINUX_SCTP_CRC: NETIF_F_SCTP_CRC
 * @OFL_LINUX_RXCSUM: NETIF_F_RXCSUM
 * @OFL_LINUX_TSO: NETIF_F_TSO; with either of the TSO features NETIF_F_TSO_ECN
 * @OFL_LINUX_TSO6: NETIF_F_TSO6
 * @OFL_LINUX_GSO_UDP_L4: NETIF_F_GSO_UDP_L4
 * @OFL_NUM_LINUX: count
 *
 * The glue maps these to feature bits; the model itself knows no Linux header.
 */
enum ofl_linux {
	OFL_LINUX_NONE,
	OFL_LINUX_IP_CSUM,
	OFL_LINUX_IPV6_CSUM,
	OFL_LINUX_HW_CSUM,
	OFL_LINUX_SCTP_CRC,
	OFL_LINUX_RXCSUM,
	OFL_LINUX_TSO,
	OFL_LINUX_TSO6,
	OFL_LINUX_GSO_UDP_L4,
	OFL_NUM_LINUX
};

/**
 * struct ofl_row - one row of the table that everything is derived from
 * @name: the model's name of the job, unique, lower case
 * @ndis: NDIS_OFFLOAD member that reports it, empty if NDIS has none
 * @ndis_revision: first NDIS_OFFLOAD revision with that member, 0 if none
 * @keyword: standardized keyword that switches it, empty if none
 * @ethtool: name that `ethtool -k` shows, empty if Linux has no switch
 * @job: the job
 * @dir: its direction
 * @cap_word: where @cap_bits stand
 * @linux_feature: what it is under Linux
 * @cap_bits: capability bits that the device must grant, all of them
 */
struct ofl_row {
	const char *name;
	const char *ndis;
	u8 ndis_revision;
	const char *keyword;
	const char *ethtool;
	enum ofl_job job;
	enum ofl_dir dir;
	enum ofl_cap_word cap_word;
	enum ofl_linux linux_feature;
	u32 cap_bits;
};

extern const struct ofl_row ofl_table[OFL_NUM_JOBS];

/**
 * struct ofl_seg_limits - what one kind of segmentation can do
 * @max_offload_size: payload bytes of one send
 * @min_segment_count: segments that a send must yield at least
 * @sub_mss_final: the last segment may be shorter than the MSS
 */
struct ofl_seg_limits {
	u32 max_offload_size;
	u16 min_segment_count;
	bool sub_mss_final;
};

/* Index into struct ofl_config.seg */
enum ofl_seg {
	OFL_SEG_NONE,
	OFL_SEG_LSOV1,
	OFL_SEG_LSOV2,
	OFL_SEG_USO,
	OFL_NUM_SEG
};

/**
 * struct ofl_config - capabilities of the hardware, or what is switched on
 * @jobs: bit n set: enum ofl_job n is there, or on
 * @seg: limits by kind of segmentation
 * @max_hdr_len: bytes of all headers that send offloads cope with
 * @max_bufs: buffers that one frame on the wire may be gathered from
 * @min_mss: smallest MSS of a segmentation
 * @max_mss: largest MSS of a segmentation
 * @max_frame: bytes of the longest frame that may leave, 0: not limited
 *
 * Hardware capabilities and the current configuration are two values of this
 * structure; of two such values, current is always within hardware.
 */
struct ofl_config {
	u64 jobs;
	struct ofl_seg_limits seg[OFL_NUM_SEG];
	u16 max_hdr_len;
	u16 max_bufs;
	u16 min_mss;
	u16 max_mss;
	u16 max_frame;
};

/**
 * struct ofl_device_caps - what the device granted, in host byte order
 * @words: capability words by enum ofl_cap_word
 * @max_hdr_len: bytes of headers; 0: no send offload is possible
 * @max_bufs: buffers of one frame; 0: not limited by the device
 * @max_frame: bytes of the longest frame without FCS; 0: not limited
 */
struct ofl_device_caps {
	u32 words[OFL_NUM_CAP_WORDS];
	u16 max_hdr_len;
	u16 max_bufs;
	u16 max_frame;
};

void ofl_caps_wanted(u32 words[OFL_NUM_CAP_WORDS]);
void ofl_caps_from_device(const struct ofl_device_caps *dev,
			  struct ofl_config *hw);
u32 ofl_linux_features(u64 jobs);
u64 ofl_jobs_of_linux(u64 hw_jobs, enum ofl_linux feature);
void ofl_config_set_linux(const struct ofl_config *hw, u32 features,
			  struct ofl_config *cur);

/* ------------------------------------------------------------------ */
/* Sending                                                              */

#define OFL_PROTO_TCP		6
#define OFL_PROTO_UDP		17
#define OFL_PROTO_SCTP		132

/* Shorter frames are padded by the NIC */
#define OFL_MIN_FRAME		60

/**
 * struct ofl_pkt - a packet that is to be sent, as the model sees it
 * @len: bytes of the frame, without a tag that the NIC shall insert
 * @num_bufs: buffers that the frame is gathered from; with @mss the most of
 *	them that one segment is gathered from, that of the headers included
 * @l3_off: offset of the IP header, tags in the frame included
 * @l4_off: offset of the TCP, UDP or SCTP header
 * @l4_hlen: bytes of that header with its options
 * @csum_off: offset of the checksum field to fill, 0: none is asked for
 * @mss: payload bytes of a segment, 0: no segmentation
 * @ip_version: 4 or 6, 0: not IP
 * @l4_proto: protocol number
 */
struct ofl_pkt {
	u32 len;
	u16 num_bufs;
	u16 l3_off;
	u16 l4_off;
	u16 l4_hlen;
	u16 csum_off;
	u16 mss;
	u8 ip_version;
	u8 l4_proto;
};

/**
 * enum ofl_refusal - why the NIC cannot do what is asked
 * @OFL_OK: it can
 * @OFL_REFUSE_OFF: the job is not in the current configuration
 * @OFL_REFUSE_PROTO: neither TCP nor UDP nor SCTP over IP
 * @OFL_REFUSE_OFFSETS: header offsets contradict each other
 * @OFL_REFUSE_CSUM_PLACE: the checksum is not where the protocol has it
 * @OFL_REFUSE_HDR_LEN: headers longer than the NIC copes with
 * @OFL_REFUSE_MSS: MSS outside the NIC's limits
 * @OFL_REFUSE_SIZE: payload larger than the NIC's limit
 * @OFL_REFUSE_MIN_SEGS: fewer segments than the NIC wants
 * @OFL_REFUSE_TAIL: last segment shorter than the MSS
 * @OFL_REFUSE_BUFS: more buffers than the NIC gathers
 * @OFL_REFUSE_FRAGMENT: part of an IP packet that was fragmented
 * @OFL_REFUSE_LENGTH: the IP header's length is not that of the frame
 * @OFL_REFUSE_FRAME: frame longer than may leave
 * @OFL_NUM_REFUSALS: count
 */
enum ofl_refusal {
	OFL_OK,
	OFL_REFUSE_OFF,
	OFL_REFUSE_PROTO,
	OFL_REFUSE_OFFSETS,
	OFL_REFUSE_CSUM_PLACE,
	OFL_REFUSE_HDR_LEN,
	OFL_REFUSE_MSS,
	OFL_REFUSE_SIZE,
	OFL_REFUSE_MIN_SEGS,
	OFL_REFUSE_TAIL,
	OFL_REFUSE_BUFS,
	OFL_REFUSE_FRAGMENT,
	OFL_REFUSE_LENGTH,
	OFL_REFUSE_FRAME,
	OFL_NUM_REFUSALS
};

/* struct ofl_plan.csum */
#define OFL_CSUM_L4		BIT(0)	/* fill the L4 checksum */
#define OFL_CSUM_IP		BIT(1)	/* fill the IPv4 header checksum */

/**
 * struct ofl_plan - what the NIC shall do with one packet
 * @wire_bytes: bytes of all frames that leave, headers of each and padding
 *	included
 * @tlen: payload bytes to segment, 0 without segmentation
 * @segs: frames that leave
 * @mss: payload bytes of a segment, 0 without segmentation
 * @mac_len: bytes before the IP header
 * @ip_len: bytes of the IP header with options or extension headers
 * @l4_len: bytes of the L4 header with options
 * @hdr_len: sum of the three
 * @ip_version: 4, 6 or 0
 * @l4_proto: protocol number
 * @csum: OFL_CSUM_*
 * @seg: kind of segmentation
 */
struct ofl_plan {
	u32 wire_bytes;
	u32 tlen;
	u32 segs;
	u16 mss;
	u16 mac_len;
	u16 ip_len;
	u16 l4_len;
	u16 hdr_len;
	u8 ip_version;
	u8 l4_proto;
	u8 csum;
	u8 seg;
};

/**
 * struct ofl_seg_bufs - buffers that segments are gathered from
 * @mss: payload bytes of a segment, not 0
 * @left: bytes that the segment being gathered has room for; at first @mss
 * @cur: buffers that it is gathered from; at first 0
 * @most: buffers of the worst segment before it; at first 0
 */
struct ofl_seg_bufs {
	u32 mss;
	u32 left;
	u32 cur;
	u32 most;
};

enum ofl_refusal ofl_read_headers(struct ofl_pkt *pkt, const u8 *hdr,
				  u32 hdr_len);
bool ofl_refuses_shape(enum ofl_refusal refusal);
enum ofl_refusal ofl_fits_tag(const struct ofl_config *cur,
			      const struct ofl_plan *plan);
void ofl_seg_bufs_add(struct ofl_seg_bufs *bufs, u32 len);
unsigned int ofl_seg_bufs_most(const struct ofl_seg_bufs *bufs);
enum ofl_refusal ofl_send_plan(const struct ofl_config *cur,
			       const struct ofl_pkt *pkt,
			       struct ofl_plan *plan);
const char *ofl_refusal_name(enum ofl_refusal refusal);

#endif /* OFL_H */
