// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checksum engine: one's complement sums over gather lists, and the
 * checksums of a packet that is sent as it is.
 */

#include <string.h>

#include "crc32c.h"
#include "csum.h"
#include "engine.h"

#define IPV4_TOT_LEN		2
#define IPV4_CHECK		10
#define IPV6_HDR_LEN		40
#define IPV6_PAYLOAD_LEN	4

#define TCP_HDR_MIN		20
#define TCP_CHECK		16
#define UDP_HDR_LEN		8
#define UDP_CHECK		6
#define SCTP_HDR_LEN		12
#define SCTP_CHECK		8

/* Below this many bytes the choice of a kernel costs more than it saves. */
#define CSUM_SMALL		64

static bool csum_any_cpu(void)
{
	return true;
}

/* What is left of a block: fewer than 8 bytes. */
static u64 csum_tail(const u8 *p, size_t len)
{
	u64 word = 0;

	memcpy(&word, p, len & 7);

	return (word & 0xffffffff) + (word >> 32);
}

/* The definition, in the plainest form: what the others are tested against. */
static u16 csum_sum_scalar(const void *p, size_t len)
{
	const u8 *at = p;
	u64 sum = 0;
	u16 word;

	for (; len >= 2; len -= 2, at += 2) {
		memcpy(&word, at, 2);
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, at, 1);
		sum += word;
	}

	return csum_fold(sum);
}

static u16 csum_copy_scalar(void *to, const void *p, size_t len)
{
	memcpy(to, p, len);

	return csum_sum_scalar(to, len);
}

static u16 csum_sum_word(const void *p, size_t len)
{
	u64 sum = 0, high = 0;
	const u8 *at = p;
	u64 w[2];

	for (; len >= 16; len -= 16, at += 16) {
		memcpy(w, at, 16);
		sum += (w[0] & 0xffffffff) + (w[1] & 0xffffffff);
		high += (w[0] >> 32) + (w[1] >> 32);
	}
	if (len >= 8) {
		memcpy(w, at, 8);
		sum += (w[0] & 0xffffffff) + (w[0] >> 32);
		at += 8;
		len -= 8;
	}
	if (len)
		sum += csum_tail(at, len);

	return csum_fold(csum_fold(sum) + (u64)csum_fold(high));
}

static u16 csum_copy_word(void *to, const void *p, size_t len)
{
	u64 sum = 0, high = 0;
	const u8 *at = p;
	u8 *out = to;
	u64 w[2];

	for (; len >= 16; len -= 16, at += 16, out += 16) {
		memcpy(w, at, 16);
		memcpy(out, w, 16);
		sum += (w[0] & 0xffffffff) + (w[1] & 0xffffffff);
		high += (w[0] >> 32) + (w[1] >> 32);
	}
	if (len) {
		/* the guest may change its bytes: sum those that were copied */
		memcpy(out, at, len);
		sum += csum_sum_scalar(out, len);
	}

	return csum_fold(csum_fold(sum) + (u64)csum_fold(high));
}

const struct csum_kernel csum_kernel_scalar = {
	.name = "scalar",
	.usable = csum_any_cpu,
	.sum = csum_sum_scalar,
	.copy = csum_copy_scalar,
};

const struct csum_kernel csum_kernel_word = {
	.name = "word",
	.usable = csum_any_cpu,
	.sum = csum_sum_word,
	.copy = csum_copy_word,
};

/* Best last; ends with NULL. */
const struct csum_kernel *const csum_kernels[] = {
	&csum_kernel_scalar,
	&csum_kernel_word,
#ifdef __x86_64__
	&csum_kernel_avx2,
#endif
	NULL,
};

/* The kernel in use, chosen once at start. */
const struct csum_kernel *csum_best = &csum_kernel_word;

__attribute__((constructor))
static void csum_init(void)
{
	const struct csum_kernel *const *kernel;

	for (kernel = csum_kernels; *kernel; kernel++)
		if ((*kernel)->usable())
			csum_best = *kernel;
}

static inline u16 csum_piece(const void *p, size_t len)
{
	if (len < CSUM_SMALL)
		return csum_sum_word(p, len);

	return csum_best->sum(p, len);
}

/**
 * csum_block() - sum of one block of bytes
 * @p: the bytes
 * @len: how many
 *
 * Return: the folded sum.
 */
u16 csum_block(const void *p, size_t len)
{
	return csum_piece(p, len);
}

/**
 * csum_iov() - sum of the bytes of a gather list
 * @iov: the list; pieces may have any length and alignment
 * @num: pieces in it
 *
 * Return: the folded sum.
 */
u16 csum_iov(const struct iovec *iov, u32 num)
{
	bool odd = false;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < num; i++) {
		u16 part = csum_piece(iov[i].iov_base, iov[i].iov_len);

		sum += odd ? csum_swap(part) : part;
		odd ^= iov[i].iov_len & 1;
	}

	return csum_fold(sum);
}

/**
 * csum_iov_copy() - copy the bytes of a gather list and sum them on the way
 * @to: takes all bytes, one after the other
 * @iov: the list
 * @num: pieces in it
 *
 * The sum is that of the bytes which arrived in @to, even if the source
 * changes meanwhile.
 *
 * Return: the folded sum.
 */
u16 csum_iov_copy(void *to, const struct iovec *iov, u32 num)
{
	bool odd = false;
	u8 *out = to;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < num; i++) {
		u16 part = csum_best->copy(out, iov[i].iov_base,
					   iov[i].iov_len);

		sum += odd ? csum_swap(part) : part;
		odd ^= iov[i].iov_len & 1;
		out += iov[i].iov_len;
	}

	return csum_fold(sum);
}

/* ------------------------------------------------------------------ */
/* The checksums of a packet                                            */

static u16 csum_get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

/* Bytes of layer 4 that the IP header promises; negative if it lies. */
static int csum_tx_l4_len(const struct csum_tx *tx)
{
	const struct pkt_layout *layout = &tx->layout;
	const u8 *ip = tx->hdr + layout->l3_off;
	int ip_len = layout->l4_off - layout->l3_off;

	if (layout->ip_version == 4)
		return csum_get16(ip + IPV4_TOT_LEN) - ip_len;

	return csum_get16(ip + IPV6_PAYLOAD_LEN) + IPV6_HDR_LEN - ip_len;
}

static void csum_tx_ipv4(const struct csum_tx *tx)
{
	u8 *ip = tx->hdr + tx->layout.l3_off;
	u16 check = 0;

	memcpy(ip + IPV4_CHECK, &check, 2);
	check = ~csum_block(ip, tx->layout.l4_off - tx->layout.l3_off);
	memcpy(ip + IPV4_CHECK, &check, 2);
}

/*
 * Call @add for each piece of layer 4: what lies in the header copy, then the
 * payload up to @len, not the padding behind it.
 */
static void csum_tx_walk(const struct csum_tx *tx, u32 len,
			 void (*add)(void *ctx, const u8 *p, size_t len),
			 void *ctx)
{
	u32 in_hdr = tx->hdr_len - tx->layout.l4_off;
	struct gather rest = tx->payload;
	struct iovec piece;

	if (in_hdr > len)
		in_hdr = len;
	add(ctx, tx->hdr + tx->layout.l4_off, in_hdr);
	len -= in_hdr;

	while (len && gather_take(&rest, len, &piece, 1)) {
		add(ctx, piece.iov_base, piece.iov_len);
		len -= piece.iov_len;
	}
}

struct csum_acc {
	u64 sum;
	bool odd;
};

static void csum_acc_add(void *ctx, const u8 *p, size_t len)
{
	u16 part = csum_block(p, len);
	struct csum_acc *acc = ctx;

	acc->sum += acc->odd ? csum_swap(part) : part;
	acc->odd ^= len & 1;
}

static void csum_tx_inet(const struct csum_tx *tx, u32 len, u32 field)
{
	u8 *check = tx->hdr + tx->layout.l4_off + field;
	struct csum_acc acc = { 0 };
	u16 result;

	/* the seed in the field is the pseudo header's share of the sum */
	csum_tx_walk(tx, len, csum_acc_add, &acc);
	result = ~csum_fold(acc.sum);
	if (tx->layout.proto == PKT_PROTO_UDP && !result)
		result = 0xffff;
	memcpy(check, &result, 2);
}

static void csum_crc_add(void *ctx, const u8 *p, size_t len)
{
	u32 *crc = ctx;

	*crc = crc32c(*crc, p, len);
}

static void csum_tx_sctp(const struct csum_tx *tx, u32 len)
{
	u8 *check = tx->hdr + tx->layout.l4_off + SCTP_CHECK;
	u32 crc = CRC32C_INIT;

	memset(check, 0, 4);
	csum_tx_walk(tx, len, csum_crc_add, &crc);
	crc = cpu_to_le32(~crc);
	memcpy(check, &crc, 4);
}

static enum eng_status csum_tx_l4(const struct csum_tx *tx)
{
	u32 in_hdr = tx->hdr_len - tx->layout.l4_off;
	int len = csum_tx_l4_len(tx);
	u32 min, field;

	switch (tx->layout.proto) {
	case PKT_PROTO_TCP:
		min = TCP_HDR_MIN;
		field = TCP_CHECK;
		break;
	case PKT_PROTO_UDP:
		min = UDP_HDR_LEN;
		field = UDP_CHECK;
		break;
	case PKT_PROTO_SCTP:
		min = SCTP_HDR_LEN;
		field = SCTP_CHECK;
		break;
	default:
		return ENG_PROTOCOL;
	}
	if (in_hdr < min)
		return ENG_L4_HEADER;
	if (len < (int)min || (u32)len > in_hdr + gather_len(&tx->payload))
		return ENG_LENGTH;

	if (tx->layout.proto == PKT_PROTO_SCTP)
		csum_tx_sctp(tx, len);
	else
		csum_tx_inet(tx, len, field);

	return ENG_OK;
}

/**
 * csum_tx() - fill in the checksums of a packet
 * @tx: packet and jobs
 *
 * TCP and UDP: the field holds the uncomplemented pseudo header sum with the
 * layer 4 length, as the stack left it.  The IPv4 header checksum and SCTP's
 * are made from scratch, whatever stands there.  Bytes behind the IP
 * packet's end (padding) are not summed.  Nothing but the fields changes.
 *
 * Return: ENG_OK, or why not; then @tx->hdr is as it was.
 */
enum eng_status csum_tx(const struct csum_tx *tx)
{
	struct pkt_layout layout = tx->layout;
	enum eng_status status;

	if (!(tx->jobs & CSUM_TX_L4)) {
		/* IPv6 has no header checksum: that asks for nothing */
		if (!tx->jobs || layout.ip_version == 6)
			return ENG_OK;
		layout.proto = 0;
	}

	status = layout_check(&layout, tx->hdr, tx->hdr_len);
	if (status)
		return status;
	if (tx->jobs & CSUM_TX_L4) {
		status = csum_tx_l4(tx);
		if (status)
			return status;
	}
	if (tx->jobs & CSUM_TX_IPV4 && layout.ip_version == 4)
		csum_tx_ipv4(tx);

	return ENG_OK;
}

/*
 * Not the generic bit: the split model's descriptors cannot say where a
 * checksum starts, so only what the parser knows can be summed.
 */
const struct engine engine_csum = {
	.name = "csum",
	.caps.csum = VC2_CSUM_TX_L3_IPV4 |
		     VC2_CSUM_TX_L4_IPV4_TCP | VC2_CSUM_TX_L4_IPV4_UDP |
		     VC2_CSUM_TX_L4_IPV4_SCTP |
		     VC2_CSUM_TX_L4_IPV6_TCP | VC2_CSUM_TX_L4_IPV6_UDP |
		     VC2_CSUM_TX_L4_IPV6_SCTP,
};
