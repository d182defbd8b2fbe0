// SPDX-License-Identifier: GPL-2.0-only
/*
 * A learning switch for any number of ports.
 *
 * A frame goes to the port behind which its destination was last seen, and to
 * all others if that is not known, or for groups.  A frame for one port waits
 * for its receiver's buffer as on a cable; one for several waits for nobody.
 */

#include <string.h>

#include <glib.h>

#include "../nic.h"

#define SWITCH_MAX_MACS		4096
#define SWITCH_AGE_NS		300000000000ULL
#define SWITCH_SWEEP_NS		1000000000ULL

/**
 * struct switch_mac - an address and where it is
 * @key: the address
 * @end: where it was seen
 * @seen_ns: when
 */
struct switch_mac {
	u64 key;
	unsigned int end;
	u64 seen_ns;
};

/**
 * struct switch_wire - a switch
 * @wire: common part
 * @ports: by end
 * @macs: struct switch_mac by its key
 * @swept_ns: when old ones were last looked for
 */
struct switch_wire {
	struct wire wire;
	struct nic_port *ports[NIC_MAX_PORTS];
	GHashTable *macs;
	u64 swept_ns;
};

static struct switch_wire *to_switch(const struct wire *wire)
{
	return (struct switch_wire *)wire;
}

static void switch_close(struct wire *wire)
{
	struct switch_wire *sw = to_switch(wire);

	g_hash_table_destroy(sw->macs);
	g_free(sw);
}

static int switch_attach(struct switch_wire *sw, char *const *names)
{
	unsigned int num = g_strv_length((char **)names);

	if (num < 2 || num > NIC_MAX_PORTS) {
		g_printerr("idpf-nic: --wire switch: takes 2 to %d ports\n",
			   NIC_MAX_PORTS);
		return -1;
	}
	for (unsigned int end = 0; end < num; end++) {
		if (wire_attach(&sw->wire, end, names[end]))
			return -1;
		sw->wire.num_ports++;
	}
	return 0;
}

static struct wire *switch_open(struct nic *nic, const char *args)
{
	struct switch_wire *sw = g_new0(struct switch_wire, 1);
	char **names = g_strsplit(args, ",", 0);
	int err;

	sw->wire.nic = nic;
	sw->wire.fd = -1;
	sw->wire.ports = sw->ports;
	sw->macs = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
					 g_free);
	err = switch_attach(sw, names);
	g_strfreev(names);
	if (!err)
		return &sw->wire;

	for (unsigned int end = 0; end < sw->wire.num_ports; end++)
		sw->ports[end]->wire.wire = NULL;
	switch_close(&sw->wire);
	return NULL;
}

static u64 mac_key(const u8 *mac)
{
	u64 key = 0;

	memcpy(&key, mac, ETH_ALEN);
	return key;
}

static gboolean is_old(gpointer key, gpointer value, gpointer now)
{
	return *(u64 *)now - ((struct switch_mac *)value)->seen_ns >
	       SWITCH_AGE_NS;
}

/* Not for each frame of one who fills the table: all others wait meanwhile */
static void forget_old(struct switch_wire *sw, u64 now)
{
	if (now - sw->swept_ns < SWITCH_SWEEP_NS)
		return;
	sw->swept_ns = now;
	g_hash_table_foreach_remove(sw->macs, is_old, &now);
}

static void learn(struct switch_wire *sw, const u8 *mac, unsigned int end)
{
	u64 key = mac_key(mac), now = nic_now_ns();
	struct switch_mac *entry;

	if (mac[0] & 1)
		return;
	entry = g_hash_table_lookup(sw->macs, &key);
	if (!entry) {
		if (g_hash_table_size(sw->macs) >= SWITCH_MAX_MACS)
			forget_old(sw, now);
		if (g_hash_table_size(sw->macs) >= SWITCH_MAX_MACS)
			return;
		entry = g_new(struct switch_mac, 1);
		entry->key = key;
		g_hash_table_insert(sw->macs, &entry->key, entry);
	}
	entry->end = end;
	entry->seen_ns = now;
}

/* Returns the end behind which an address is, -1 if that is not known */
static int find(const struct switch_wire *sw, const u8 *mac)
{
	const struct switch_mac *entry;
	u64 key = mac_key(mac);

	if (mac[0] & 1)
		return -1;
	entry = g_hash_table_lookup(sw->macs, &key);
	if (!entry || nic_now_ns() - entry->seen_ns > SWITCH_AGE_NS ||
	    !sw->ports[entry->end]->link_admin)
		return -1;
	return (int)entry->end;
}

static bool switch_xmit(struct wire *wire, unsigned int end,
			const struct frame *frame)
{
	struct switch_wire *sw = to_switch(wire);
	struct frame copy = *frame;
	int to;

	to = find(sw, frame_head(frame));
	if (to >= 0 && to != (int)end && !wire_receive(sw->ports[to], frame))
		return false;
	learn(sw, frame_head(frame) + ETH_ALEN, end);
	if (to >= 0)
		return true;

	copy.may_wait = false;
	for (unsigned int i = 0; i < wire->num_ports; i++)
		if (i != end)
			wire_receive(sw->ports[i], &copy);
	return true;
}

/* the switch is always there, whoever else is */
static bool switch_link_up(const struct wire *wire, unsigned int end)
{
	return true;
}

const struct wire_ops wire_switch_ops = {
	.kind = "switch",
	.open = switch_open,
	.close = switch_close,
	.xmit = switch_xmit,
	.link_up = switch_link_up,
};
