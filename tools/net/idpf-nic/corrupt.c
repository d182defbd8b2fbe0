// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile NIC.
 *
 * A fault names fields; when it strikes, one of them, by chance, gets random
 * contents in the descriptor or reply at hand; in a descriptor they always
 * differ from the right ones.  What else the NIC does stays right: it never
 * writes where it would not have written.
 */

#include <string.h>

#include <glib.h>

#include "corrupt.h"
#include "nic.h"
#include "twist.h"
#include "util.h"

#define MAX_FIELDS	20	/* of a fault */

static const char *const reply_fields[] = {
	"opcode", "status", "cookie", "len", "data",
};

static const char *const compl_fields[] = {
	"queue", "type", "gen", "tag",
};

static const char *const rx_fields[] = {
	"rxdid", "cast", "ptype", "len", "gen", "bufq", "hdr-len", "sph", "rsc",
	"status", "errors", "id", "hash", "tag",
};

/**
 * struct corrupt_field - where a field of a descriptor is
 * @kind: descriptor
 * @name: name in the list of its fault
 * @qw: quad word
 * @mask: bits of it; a name may have several rows, one of them is taken
 */
struct corrupt_field {
	enum corrupt_kind kind;
	const char *name;
	unsigned int qw;
	u64 mask;
};

/* 16 bits of a quad word from a bit on */
#define WORD(pos)	((u64)UINT16_MAX << (pos))

static const struct corrupt_field fields[] = {
	{ CORRUPT_COMPL, "queue", 0, IDPF_TXCQ_QID },
	{ CORRUPT_COMPL, "type", 0, IDPF_TXCQ_TYPE },
	{ CORRUPT_COMPL, "gen", 0, IDPF_TXCQ_GEN },
	{ CORRUPT_COMPL, "tag", 0, WORD(16) },

	{ CORRUPT_RX_SPLIT, "rxdid", 0, IDPF_RXF_RXDID },
	{ CORRUPT_RX_SPLIT, "cast", 0, IDPF_RXF_UMBCAST },
	{ CORRUPT_RX_SPLIT, "ptype", 0, IDPF_RXF_QW0_PTYPE },
	{ CORRUPT_RX_SPLIT, "len", 0, IDPF_RXF_QW0_LEN },
	{ CORRUPT_RX_SPLIT, "gen", 0, IDPF_RXF_QW0_GEN },
	{ CORRUPT_RX_SPLIT, "bufq", 0, IDPF_RXF_QW0_BUFQ_ID },
	{ CORRUPT_RX_SPLIT, "hdr-len", 0, IDPF_RXF_QW0_HDR_LEN },
	{ CORRUPT_RX_SPLIT, "sph", 0, IDPF_RXF_QW0_SPH },
	{ CORRUPT_RX_SPLIT, "rsc", 0, IDPF_RXF_QW0_RSC },
	{ CORRUPT_RX_SPLIT, "rsc", 3, WORD(16) },
	{ CORRUPT_RX_SPLIT, "status", 0, GENMASK_ULL(15, 8) },
	{ CORRUPT_RX_SPLIT, "status", 1, GENMASK_ULL(15, 0) },
	{ CORRUPT_RX_SPLIT, "errors", 1, GENMASK_ULL(7, 4) },
	{ CORRUPT_RX_SPLIT, "id", 1, IDPF_RXF_QW1_BUF_ID },
	{ CORRUPT_RX_SPLIT, "hash", 2, IDPF_RXF_QW2_HASH },
	{ CORRUPT_RX_SPLIT, "tag", 2, WORD(32) },
	{ CORRUPT_RX_SPLIT, "tag", 3, WORD(0) },

	{ CORRUPT_RX_NIC, "rxdid", 0, GENMASK_ULL(7, 0) },
	{ CORRUPT_RX_NIC, "cast", 0, GENMASK_ULL(15, 14) },
	{ CORRUPT_RX_NIC, "ptype", 0, WORD(16) },
	{ CORRUPT_RX_NIC, "len", 0, GENMASK_ULL(45, 32) },
	{ CORRUPT_RX_NIC, "hdr-len", 0, WORD(48) },
	/* without DD the driver would wait for ever: that is "gen" */
	{ CORRUPT_RX_NIC, "status", 1, IDPF_RXN_ST0_EOF },
	{ CORRUPT_RX_NIC, "status", 1, GENMASK_ULL(15, 8) },
	{ CORRUPT_RX_NIC, "status", 2, WORD(0) },
	{ CORRUPT_RX_NIC, "gen", 1, IDPF_RXN_ST0_DD },
	{ CORRUPT_RX_NIC, "errors", 1, GENMASK_ULL(7, 4) },
	{ CORRUPT_RX_NIC, "tag", 1, WORD(16) },
	{ CORRUPT_RX_NIC, "hash", 1, GENMASK_ULL(63, 32) },

	{ CORRUPT_RX_BASE, "ptype", 1, IDPF_RXB_PTYPE },
	{ CORRUPT_RX_BASE, "len", 1, IDPF_RXB_LEN },
	{ CORRUPT_RX_BASE, "hdr-len", 1, GENMASK_ULL(62, 52) },
	{ CORRUPT_RX_BASE, "sph", 1, BIT_ULL(63) },
	{ CORRUPT_RX_BASE, "gen", 1, IDPF_RXB_ST_DD },
	{ CORRUPT_RX_BASE, "cast", 1, IDPF_RXB_ST_UMBCAST },
	{ CORRUPT_RX_BASE, "status", 1, GENMASK_ULL(18, 1) },
	{ CORRUPT_RX_BASE, "errors", 1, GENMASK_ULL(26, 19) },
	{ CORRUPT_RX_BASE, "hash", 0, GENMASK_ULL(63, 32) },
	{ CORRUPT_RX_BASE, "tag", 0, WORD(16) },
	{ CORRUPT_RX_BASE, "tag", 2, GENMASK_ULL(63, 32) },
};

static const char *const *field_list(enum fault_id id, unsigned int *num)
{
	switch (id) {
	case FAULT_REPLY_CORRUPT:
		*num = ARRAY_SIZE(reply_fields);
		return reply_fields;
	case FAULT_REPLY_TWIST:
		return twist_names(num);
	case FAULT_COMPL_CORRUPT:
		*num = ARRAY_SIZE(compl_fields);
		return compl_fields;
	default:
		*num = ARRAY_SIZE(rx_fields);
		return rx_fields;
	}
}

static int field_index(enum fault_id id, const char *name)
{
	const char *const *list;
	unsigned int num;

	list = field_list(id, &num);
	for (unsigned int i = 0; i < num; i++)
		if (!strcmp(list[i], name))
			return (int)i;
	return -1;
}

bool corrupt_fields(enum fault_id id, const char *names, u64 *set)
{
	char **list = g_strsplit(names, ",", -1);
	unsigned int num;
	bool ok = true;

	field_list(id, &num);
	*set = 0;
	for (char **name = list; *name && ok; name++) {
		int idx = field_index(id, *name);

		if (!strcmp(*name, "all"))
			*set |= GENMASK_ULL(num - 1, 0);
		else if (idx >= 0)
			*set |= BIT_ULL(idx);
		else
			ok = false;
	}
	g_strfreev(list);
	return ok && *set;
}

char *corrupt_field_names(enum fault_id id)
{
	GString *names = g_string_new(NULL);
	const char *const *list;
	unsigned int num;

	list = field_list(id, &num);
	for (unsigned int i = 0; i < num; i++)
		g_string_append_printf(names, "%s%s", i ? " " : "", list[i]);
	return g_string_free(names, FALSE);
}

static enum fault_id fault_of(enum corrupt_kind kind)
{
	switch (kind) {
	case CORRUPT_REPLY:
		return FAULT_REPLY_CORRUPT;
	case CORRUPT_COMPL:
		return FAULT_COMPL_CORRUPT;
	default:
		return FAULT_RX_CORRUPT;
	}
}

/* One of the rows of a kind whose names are in @set; there is one */
static const struct corrupt_field *choose(struct fault *fault, u64 set,
					  enum corrupt_kind kind)
{
	const struct corrupt_field *found[MAX_FIELDS];
	unsigned int num = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields) && num < MAX_FIELDS; i++) {
		int idx = field_index(fault_of(kind), fields[i].name);

		if (fields[i].kind == kind && set & BIT_ULL(idx))
			found[num++] = &fields[i];
	}
	return found[fault_random(fault, fault_of(kind)) % num];
}

/* The names that a kind has, found out when it is first asked for */
static u64 names_of(enum corrupt_kind kind)
{
	static u64 names[CORRUPT_RX_BASE + 1];

	if (names[kind])
		return names[kind];
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].kind == kind)
			names[kind] |= BIT_ULL(field_index(fault_of(kind),
							   fields[i].name));
	return names[kind];
}

void corrupt_desc(struct fault *fault, enum corrupt_kind kind, void *desc,
		  size_t len)
{
	enum fault_id id = fault_of(kind);
	const struct corrupt_field *field;
	__le64 le = 0;
	u64 change;
	size_t off;
	u64 set;
	u64 qw;

	if (!fault_armed(fault, BIT(id)))
		return;
	/* what the descriptor does not have cannot be struck */
	set = atomic_load(&fault->state[id].value) & names_of(kind);
	if (!set || !fault_strike(fault, id))
		return;
	field = choose(fault, set, kind);
	off = field->qw * sizeof(le);
	len = len - off < sizeof(le) ? len - off : sizeof(le);
	memcpy(&le, (u8 *)desc + off, len);
	qw = le64_to_cpu(le);
	change = fault_random(fault, id) & field->mask;
	/* half of all strikes at a field of one bit would be none */
	qw ^= change ? change : field->mask;
	le = cpu_to_le64(qw);
	memcpy((u8 *)desc + off, &le, len);
}

/* A few bytes of the payload, or all of them */
static void corrupt_data(struct fault *fault, struct mbx_msg *msg)
{
	u64 num = fault_random(fault, FAULT_REPLY_CORRUPT) % 8;

	if (!msg->len)
		return;
	for (u64 i = 0; num ? i < num : i < msg->len; i++) {
		u64 r = fault_random(fault, FAULT_REPLY_CORRUPT);
		u64 at = num ? (r >> 8) % msg->len : i;

		msg->data[at] = (u8)r;
	}
}

void corrupt_reply(struct fault *fault, struct mbx_msg *msg)
{
	u64 set = atomic_load(&fault->state[FAULT_REPLY_CORRUPT].value);
	u64 r = fault_random(fault, FAULT_REPLY_CORRUPT);
	unsigned int skip = r % (unsigned int)__builtin_popcountll(set);

	while (skip--)
		set &= set - 1;
	r = fault_random(fault, FAULT_REPLY_CORRUPT);
	switch (__builtin_ctzll(set)) {
	case 0:
		msg->opcode = (u32)FIELD_GET(IDPF_CTLQ_VC_OPCODE, r);
		break;
	case 1:
		msg->retval = (u32)r;
		break;
	case 2:
		msg->cookie = (u16)r;
		break;
	case 3:
		msg->len = r % (sizeof(msg->data) + 1);
		break;
	default:
		corrupt_data(fault, msg);
	}
}
