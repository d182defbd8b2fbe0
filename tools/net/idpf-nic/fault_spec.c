// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults: their names, and what --fault and the control socket say about them.
 *
 *	NAME[=VALUE][:KEY=VALUE...][@PORT]
 */

#include <string.h>

#include <glib.h>

#include "corrupt.h"
#include "nic.h"
#include "util.h"

#define DEFAULT_SEED		1
#define DEFAULT_HOSTILE_RATE	(FAULT_RATE_ALWAYS / 10)
#define PERCENT			(FAULT_RATE_ALWAYS / 100)
#define MAX_MS			600000
#define MAX_COUNT		1000000000
#define MAX_STRAY		32

/* keys that a fault may have */
#define KEY_COUNT	BIT(0)
#define KEY_RATE	BIT(1)
#define KEY_SEED	BIT(2)
#define KEY_OP		BIT(3)
#define KEY_AFTER	BIT(4)

/* what its value is */
enum value_kind {
	VALUE_NUMBER,
	VALUE_PERCENT,		/* sets the rate */
	VALUE_FIELDS,		/* see corrupt_fields() */
	VALUE_OPCODE,
};

/**
 * struct fault_info - a fault in words
 * @name: its name
 * @help: for the list of faults
 * @kind: what its value is
 * @keys: KEY_*
 * @max: numbers: largest value
 * @value: value unless one is given
 * @count: how often it strikes unless told otherwise
 */
struct fault_info {
	const char *name;
	const char *help;
	enum value_kind kind;
	unsigned int keys;
	u64 max;
	u64 value;
	u64 count;
};

#define KEYS_REPLY	(KEY_COUNT | KEY_RATE | KEY_SEED | KEY_OP)
#define KEYS_DICE	(KEY_COUNT | KEY_RATE | KEY_SEED)
#define KEYS_WIRE	(KEY_COUNT | KEY_SEED)

/* Rows that differ in little */
#define FAULT_OF_FIELDS(_id, _name, _what, _keys)			\
	[_id] = {							\
		_name, "one of the fields VALUE of " _what " is random", \
		VALUE_FIELDS, _keys, 0, 0, 1				\
	}
#define FAULT_OF_QUEUE(_id, _name, _kind)				\
	[_id] = {							\
		_name, _kind " queue VALUE (all) does nothing until a reset", \
		VALUE_NUMBER, 0, QUEUE_MAX_PAIRS - 1, FAULT_ANY, FAULT_NO_END \
	}
#define FAULT_OF_FRAMES(_id, _name, _what)				\
	[_id] = {							\
		_name, "VALUE percent of the frames " _what,		\
		VALUE_PERCENT, KEYS_WIRE, 0, 0, FAULT_NO_END		\
	}

static const struct fault_info fault_infos[FAULT_NUM] = {
	[FAULT_RESET] = {
		"reset", "the device resets itself and is back after VALUE ms",
		VALUE_NUMBER, KEY_COUNT | KEY_AFTER, MAX_MS, 50, 1
	},
	[FAULT_LINK_FLAP] = {
		"link-flap", "the link goes down for VALUE ms",
		VALUE_NUMBER, KEY_COUNT | KEY_AFTER, MAX_MS, 100, 1
	},
	[FAULT_REQUEST_REFUSE] = {
		"request-refuse", "a message is not acted on, and answered with status VALUE",
		VALUE_NUMBER, KEYS_REPLY, UINT32_MAX, CP_EINVAL, 1
	},
	[FAULT_REPLY_LOST] = {
		"reply-lost", "a mailbox message is acted on and not answered",
		VALUE_NUMBER, KEYS_REPLY, 0, 0, 1
	},
	[FAULT_REPLY_LATE] = {
		"reply-late", "a reply comes VALUE ms late",
		VALUE_NUMBER, KEYS_REPLY, MAX_MS, 3000, 1
	},
	[FAULT_REPLY_SHORT] = {
		"reply-short", "a reply has VALUE bytes at most",
		VALUE_NUMBER, KEYS_REPLY, IDPF_CTLQ_BUF_SIZE, 2, 1
	},
	[FAULT_REPLY_OPCODE] = {
		"reply-opcode", "a reply is for operation VALUE",
		VALUE_OPCODE, KEYS_REPLY, 0, VC2_OP_GET_STATS, 1
	},
	[FAULT_REPLY_COOKIE] = {
		"reply-cookie", "a reply has a cookie with the bits VALUE changed",
		VALUE_NUMBER, KEYS_REPLY, UINT16_MAX, 1, 1
	},
	[FAULT_REPLY_STATUS] = {
		"reply-status", "a message is acted on and answered with status VALUE",
		VALUE_NUMBER, KEYS_REPLY, UINT32_MAX, CP_EINVAL, 1
	},
	FAULT_OF_FIELDS(FAULT_REPLY_CORRUPT, "reply-corrupt", "a reply",
			KEYS_REPLY),
	[FAULT_REPLY_TWIST] = {
		"reply-twist", "a reply says something else, one of VALUE",
		VALUE_FIELDS, KEYS_DICE, 0, 0, 1
	},
	[FAULT_REPLY_TWICE] = {
		"reply-twice", "a reply comes twice",
		VALUE_NUMBER, KEYS_REPLY, 0, 0, 1
	},
	[FAULT_REPLY_STRAY] = {
		"reply-stray", "VALUE messages that nobody asked for come before a reply",
		VALUE_NUMBER, KEYS_REPLY, MAX_STRAY, 1, 1
	},
	FAULT_OF_QUEUE(FAULT_TX_STUCK, "tx-stuck", "transmit"),
	FAULT_OF_QUEUE(FAULT_RX_STUCK, "rx-stuck", "receive"),
	FAULT_OF_FIELDS(FAULT_COMPL_CORRUPT, "compl-corrupt", "a completion",
			KEYS_DICE),
	FAULT_OF_FIELDS(FAULT_RX_CORRUPT, "rx-corrupt",
			"a receive descriptor", KEYS_DICE),
	[FAULT_IRQ_LOST] = {
		"irq-lost", "an interrupt of vector VALUE (any) does not arrive",
		VALUE_NUMBER, KEY_COUNT, IRQ_MAX_VECTORS - 1, FAULT_ANY, 1
	},
	FAULT_OF_FRAMES(FAULT_WIRE_LOSS, "wire-loss", "are lost"),
	FAULT_OF_FRAMES(FAULT_WIRE_REORDER, "wire-reorder",
			"are overtaken by the next"),
	FAULT_OF_FRAMES(FAULT_WIRE_DUPLICATE, "wire-duplicate", "arrive twice"),
	FAULT_OF_FRAMES(FAULT_WIRE_CORRUPT, "wire-corrupt",
			"arrive with a bit changed"),
	[FAULT_WIRE_DELAY] = {
		"wire-delay", "frames take VALUE us",
		VALUE_NUMBER, KEY_COUNT, MAX_MS * 1000, 1000, FAULT_NO_END
	},
};

const char *fault_name(enum fault_id id)
{
	return fault_infos[id].name;
}

const char *fault_help(enum fault_id id)
{
	return fault_infos[id].help;
}

/* ------------------------------------------------------------------ */
/* Values                                                               */

static bool parse_number(const char *text, u64 max, u64 *val)
{
	bool hex = g_str_has_prefix(text, "0x");
	guint64 n;

	if (!g_ascii_string_to_unsigned(hex ? text + 2 : text, hex ? 16 : 10, 0,
					max, &n, NULL))
		return false;
	*val = n;
	return true;
}

/* above 0 up to 100, as millionths */
static bool parse_percent(const char *text, u32 *rate)
{
	char *end;
	double val = g_ascii_strtod(text, &end);

	if (end == text || *end || !(val > 0) || val > 100)
		return false;
	*rate = (u32)(val * PERCENT + 0.5);
	return *rate;
}

static bool parse_opcode(const char *text, u64 *val)
{
	u32 opcode = cp_opcode_by_name(text);

	*val = opcode;
	return opcode || parse_number(text, FIELD_GET(IDPF_CTLQ_VC_OPCODE, ~0U), val);
}

/* Returns what would have been right, to be freed; NULL: it was */
static char *parse_value(const char *text, struct fault_spec *spec)
{
	const struct fault_info *info = &fault_infos[spec->id];
	char *names, *want;

	if (!strcmp(text, "off")) {
		spec->off = true;
		return NULL;
	}
	switch (info->kind) {
	case VALUE_PERCENT:
		return parse_percent(text, &spec->rate) ? NULL :
		       g_strdup("a percentage");
	case VALUE_FIELDS:
		if (corrupt_fields(spec->id, text, &spec->value))
			return NULL;
		names = corrupt_field_names(spec->id);
		want = g_strdup_printf("all or some of: %s", names);
		g_free(names);
		return want;
	case VALUE_OPCODE:
		return parse_opcode(text, &spec->value) ? NULL :
		       g_strdup("an operation");
	default:
		if (!info->max)
			return g_strdup("needed");
		return parse_number(text, info->max, &spec->value) ? NULL :
		       g_strdup_printf("0 to %" G_GUINT64_FORMAT,
				       (guint64)info->max);
	}
}

/* Returns what would have been right; NULL: it was */
static const char *parse_key(const char *key, const char *text,
			     unsigned int keys, struct fault_spec *spec)
{
	u64 val;

	if (keys & KEY_COUNT && !strcmp(key, "count")) {
		if (!parse_number(text, MAX_COUNT, &val))
			return "a number of times; 0: no end";
		spec->count = val ?: FAULT_NO_END;
		return NULL;
	}
	if (keys & KEY_RATE && !strcmp(key, "rate"))
		return parse_percent(text, &spec->rate) ? NULL : "a percentage";
	if (keys & KEY_SEED && !strcmp(key, "seed"))
		return parse_number(text, ~0ULL, &spec->seed) ? NULL : "a number";
	if (keys & KEY_AFTER && !strcmp(key, "after"))
		return parse_number(text, MAX_MS, &spec->after_ms) ? NULL :
		       "a number of ms";
	if (keys & KEY_OP && !strcmp(key, "op")) {
		if (!parse_opcode(text, &val))
			return "an operation";
		spec->opcode = (u32)val;
		return NULL;
	}
	return "a key that this fault has";
}

bool fault_by_name(const char *name, enum fault_id *id)
{
	for (unsigned int i = 0; i < FAULT_NUM; i++) {
		if (strcmp(fault_infos[i].name, name))
			continue;
		*id = i;
		return true;
	}
	return false;
}

static bool find_fault(const char *name, struct fault_spec *spec)
{
	enum fault_id id;

	if (!fault_by_name(name, &id))
		return false;
	*spec = (struct fault_spec){
		.id = id,
		.value = fault_infos[id].value,
		.count = fault_infos[id].count,
		.rate = FAULT_RATE_ALWAYS,
		.seed = DEFAULT_SEED,
	};
	return true;
}

/* NAME[=VALUE] */
static bool parse_first(char *item, struct fault_spec *spec, char **error)
{
	char *val = strchr(item, '=');
	char *want;

	if (val)
		*val++ = '\0';
	if (!find_fault(item, spec)) {
		*error = g_strdup_printf("there is no fault %s", item);
		return false;
	}
	if (!val) {
		if (fault_infos[spec->id].kind == VALUE_PERCENT) {
			*error = g_strdup_printf("%s: a percentage is needed", item);
			return false;
		}
		if (fault_infos[spec->id].kind == VALUE_FIELDS)
			corrupt_fields(spec->id, "all", &spec->value);
		return true;
	}
	want = parse_value(val, spec);
	if (want)
		*error = g_strdup_printf("%s: %s is not %s", item, val, want);
	g_free(want);
	return !*error;
}

static bool parse_spec(const char *text, struct fault_spec *spec, char **error)
{
	char **items = g_strsplit(text, ":", -1);
	bool ok = items[0] && parse_first(items[0], spec, error);

	if (!items[0])
		*error = g_strdup("a fault is needed");
	for (char **item = items; ok && *++item;) {
		const char *want = "KEY=VALUE";
		char *val = strchr(*item, '=');

		if (val) {
			*val++ = '\0';
			want = parse_key(*item, val, fault_infos[spec->id].keys,
					 spec);
		}
		if (!want)
			continue;
		*error = g_strdup_printf("%s: %s%s%s is not %s",
					 fault_infos[spec->id].name, *item,
					 val ? "=" : "", val ? val : "", want);
		ok = false;
	}
	g_strfreev(items);
	return ok;
}

/* ------------------------------------------------------------------ */
/* Use                                                                  */

static void arm(struct nic_port *port, const struct fault_spec *spec)
{
	fault_arm(&port->fault, spec, nic_now_ns());
	/* the data thread learns of new times, and of queues that work again */
	if (spec->id == FAULT_TX_STUCK)
		atomic_fetch_or(&port->kick.txq,
				GENMASK_ULL(QUEUE_MAX_PAIRS - 1, 0));
	atomic_store(&port->kick.mbx, true);
	nic_wake(port->nic);
}

static void arm_all(struct nic *nic, const struct fault_spec *spec)
{
	for (unsigned int i = 0; i < nic->num_ports; i++)
		arm(nic->ports[i], spec);
}

bool fault_apply(struct nic *nic, const char *text, char **error)
{
	char *copy = g_strdup(text), *at = strrchr(copy, '@');
	struct nic_port *port = NULL;
	struct fault_spec spec;
	bool ok;

	*error = NULL;
	if (at)
		*at++ = '\0';
	ok = parse_spec(copy, &spec, error);
	if (ok && at) {
		port = nic_port_by_name(nic, at);
		if (!port) {
			*error = g_strdup_printf("there is no port %s", at);
			ok = false;
		}
	}
	if (ok && port)
		arm(port, &spec);
	else if (ok)
		arm_all(nic, &spec);
	g_free(copy);
	return ok;
}

/* the faults of a hostile NIC, by the first part of a field's name */
static const struct {
	const char *prefix;
	enum fault_id id;
} hostile[] = {
	{ "reply", FAULT_REPLY_CORRUPT },
	{ "compl", FAULT_COMPL_CORRUPT },
	{ "rx", FAULT_RX_CORRUPT },
};

/* KIND[.FIELD] or all; adds to @set, by index in hostile[] */
static bool add_hostile(const char *name, u64 *set)
{
	bool all = !strcmp(name, "all"), found = false;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		size_t len = strlen(hostile[i].prefix);
		const char *field = "all";
		u64 more;

		if (!all && strncmp(name, hostile[i].prefix, len))
			continue;
		if (!all && name[len] == '.')
			field = name + len + 1;
		else if (!all && name[len])
			continue;
		/* a list would do here as well, but it was split already */
		if (!corrupt_fields(hostile[i].id, field, &more))
			continue;
		set[i] |= more;
		found = true;
	}
	return found;
}

bool fault_apply_hostile(struct nic *nic, const char *text, char **error)
{
	char **parts = g_strsplit(text, ":", -1);
	char **names = g_strsplit(parts[0] ? parts[0] : "", ",", -1);
	u64 set[ARRAY_SIZE(hostile)] = { 0 };
	unsigned int num = g_strv_length(parts);
	u32 rate = DEFAULT_HOSTILE_RATE;
	u64 seed = DEFAULT_SEED;

	*error = NULL;
	for (char **name = names; *name && !*error; name++)
		if (!add_hostile(*name, set))
			*error = g_strdup_printf("there is no field %s", *name);
	if (!*error && (!num || num > 3 || !*names ||
			(num > 1 && !parse_number(parts[1], ~0ULL, &seed)) ||
			(num > 2 && !parse_percent(parts[2], &rate))))
		*error = g_strdup("FIELD[,FIELD...][:SEED[:PERCENT]] is needed");
	for (size_t i = 0; i < ARRAY_SIZE(hostile) && !*error; i++) {
		struct fault_spec spec = {
			.id = hostile[i].id,
			.value = set[i],
			.count = FAULT_NO_END,
			.rate = rate,
			.seed = seed,
		};

		if (set[i])
			arm_all(nic, &spec);
	}
	g_strfreev(names);
	g_strfreev(parts);
	return !*error;
}
