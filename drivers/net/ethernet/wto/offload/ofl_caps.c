// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * From the device's capability words to the model's hardware capabilities, and
 * between jobs and Linux features.
 */

#include "ofl.h"
#include "../../../../../include/wto/desc.h"

/* LSOv1 keeps the total length in the IPv4 header (LSO-08): 16 bits */
#define OFL_LSOV1_MAX_OFFLOAD	0xffff
/* Windows and Linux both want USO payload within one UDP datagram's limit */
#define OFL_USO_MAX_OFFLOAD	0xffff
/* An IDPF device segments whatever yields at least this many segments */
#define OFL_MIN_SEGMENT_COUNT	1
/* Smallest MSS that the public IDPF interface lets a driver ask for */
#define OFL_MIN_MSS		88
#define OFL_MAX_MSS		9706
#define OFL_MAX_HDR_LEN		255

/**
 * ofl_caps_wanted() - capability bits to ask the device for
 * @words: filled with the union of all rows' bits
 */
void ofl_caps_wanted(u32 words[OFL_NUM_CAP_WORDS])
{
	unsigned int i;

	for (i = 0; i < OFL_NUM_CAP_WORDS; i++)
		words[i] = 0;
	for (i = 0; i < OFL_NUM_JOBS; i++)
		words[ofl_table[i].cap_word] |= ofl_table[i].cap_bits;
}

/* A segmenting job without the checksums that its segments need would put
 * frames with wrong checksums on the wire (LSO-42, USO-31).
 */
static u64 ofl_drop_inconsistent(u64 jobs)
{
	if (!(jobs & OFL_JOB(TX_CSUM_TCP4)))
		jobs &= ~OFL_JOBS_LSO4;
	if (!(jobs & OFL_JOB(TX_CSUM_TCP6)))
		jobs &= ~OFL_JOB(LSOV2_IP6);
	/* USO is both IP versions or none (USO-17) */
	if ((jobs & OFL_JOBS_USO) != OFL_JOBS_USO ||
	    !(jobs & OFL_JOB(TX_CSUM_UDP4)) || !(jobs & OFL_JOB(TX_CSUM_UDP6)))
		jobs &= ~OFL_JOBS_USO;
	return jobs;
}

static void ofl_seg_defaults(struct ofl_config *hw)
{
	unsigned int i;

	for (i = OFL_SEG_LSOV1; i < OFL_NUM_SEG; i++) {
		hw->seg[i].min_segment_count = OFL_MIN_SEGMENT_COUNT;
		hw->seg[i].sub_mss_final = true;
	}
	hw->seg[OFL_SEG_LSOV1].max_offload_size = OFL_LSOV1_MAX_OFFLOAD;
	hw->seg[OFL_SEG_LSOV2].max_offload_size = FIELD_MAX(IDPF_TXC_TLEN);
	hw->seg[OFL_SEG_USO].max_offload_size = OFL_USO_MAX_OFFLOAD;
	hw->min_mss = OFL_MIN_MSS;
	hw->max_mss = OFL_MAX_MSS;
}

/**
 * ofl_caps_from_device() - hardware capabilities from what the device granted
 * @dev: the device's grant
 * @hw: filled; bits that no row knows are ignored
 */
void ofl_caps_from_device(const struct ofl_device_caps *dev,
			  struct ofl_config *hw)
{
	unsigned int i;

	*hw = (struct ofl_config){};
	for (i = 0; i < OFL_NUM_JOBS; i++) {
		const struct ofl_row *row = &ofl_table[i];

		if (row->dir == OFL_DIR_TX && !dev->max_hdr_len)
			continue;
		if ((dev->words[row->cap_word] & row->cap_bits) == row->cap_bits)
			hw->jobs |= BIT_ULL(i);
	}
	hw->jobs = ofl_drop_inconsistent(hw->jobs);
	ofl_seg_defaults(hw);
	/* the context descriptor has 8 bits for it */
	hw->max_hdr_len = dev->max_hdr_len < OFL_MAX_HDR_LEN ?
			  dev->max_hdr_len : OFL_MAX_HDR_LEN;
	hw->max_frame = dev->max_frame;
	hw->max_bufs = dev->max_bufs;
}

/* Jobs whose rows stand behind a Linux feature */
static u64 ofl_linux_rows(enum ofl_linux feature)
{
	u64 jobs = 0;
	unsigned int i;

	for (i = 0; i < OFL_NUM_JOBS; i++)
		if (ofl_table[i].linux_feature == feature)
			jobs |= BIT_ULL(i);
	return jobs;
}

/* Jobs that a Linux feature promises.  The generic checksum stands for those of
 * both IP versions, and what its bit promises beyond these is a matter of
 * single packets: the send plan leaves them to the stack.  Without the bit IPv6
 * extension headers would never come (CON-12).
 */
static u64 ofl_linux_promises(enum ofl_linux feature)
{
	if (feature == OFL_LINUX_HW_CSUM)
		return ofl_linux_rows(OFL_LINUX_IP_CSUM) |
		       ofl_linux_rows(OFL_LINUX_IPV6_CSUM);
	return ofl_linux_rows(feature);
}

/* Two features are there with any of their jobs: what a packet, or a verdict,
 * does not have the stack does itself.  All others need all of them.
 */
static bool ofl_linux_has(u64 jobs, enum ofl_linux feature)
{
	u64 promised = ofl_linux_promises(feature);

	switch (feature) {
	case OFL_LINUX_TSO:
		return jobs & promised;
	case OFL_LINUX_RXCSUM:
		/* the stack verifies IPv4 headers in any case */
		return jobs & promised & ~OFL_JOB(RX_CSUM_IP4);
	default:
		return (jobs & promised) == promised;
	}
}

/**
 * ofl_linux_features() - Linux features that stand on these jobs
 * @jobs: jobs that are there, or on
 *
 * The generic checksum and the per-version ones exclude each other under
 * Linux; the generic one wins.
 *
 * Return: bit n set: enum ofl_linux n.
 */
u32 ofl_linux_features(u64 jobs)
{
	u32 features = 0;
	unsigned int i;

	for (i = OFL_LINUX_NONE + 1; i < OFL_NUM_LINUX; i++)
		if (ofl_linux_has(jobs, i))
			features |= BIT(i);
	if (features & BIT(OFL_LINUX_HW_CSUM))
		features &= ~(BIT(OFL_LINUX_IP_CSUM) |
			      BIT(OFL_LINUX_IPV6_CSUM));
	return features;
}

/**
 * ofl_jobs_of_linux() - jobs that a Linux feature switches
 * @hw_jobs: jobs that the hardware has
 * @feature: the feature
 *
 * Return: the jobs, within @hw_jobs.
 */
u64 ofl_jobs_of_linux(u64 hw_jobs, enum ofl_linux feature)
{
	return (ofl_linux_promises(feature) | ofl_linux_rows(feature)) &
	       hw_jobs;
}

/**
 * ofl_config_set_linux() - current configuration from a set of Linux features
 * @hw: hardware capabilities
 * @features: bit n set: enum ofl_linux n is on
 * @cur: filled
 *
 * Jobs that no Linux feature switches stay as the hardware has them.
 */
void ofl_config_set_linux(const struct ofl_config *hw, u32 features,
			  struct ofl_config *cur)
{
	u64 switched = 0, on = 0;
	unsigned int i;

	for (i = OFL_LINUX_NONE + 1; i < OFL_NUM_LINUX; i++) {
		u64 jobs = ofl_jobs_of_linux(hw->jobs, i);

		switched |= jobs;
		if (features & BIT(i))
			on |= jobs;
	}
	*cur = *hw;
	cur->jobs = (hw->jobs & ~switched) | on;
}
