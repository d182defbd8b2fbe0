// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cable between two ports.
 */

#include <glib.h>

#include "../nic.h"

#define PAIR_ENDS	2

/**
 * struct pair - a cable
 * @wire: common part
 * @ports: the two ports
 */
struct pair {
	struct wire wire;
	struct nic_port *ports[PAIR_ENDS];
};

static struct pair *to_pair(struct wire *wire)
{
	return (struct pair *)wire;
}

static void pair_close(struct wire *wire)
{
	g_free(to_pair(wire));
}

static int pair_attach(struct pair *pair, char *const *names)
{
	if (g_strv_length((char **)names) != PAIR_ENDS) {
		g_printerr("idpf-nic: --wire pair: takes two ports\n");
		return -1;
	}
	for (unsigned int end = 0; end < PAIR_ENDS; end++)
		if (wire_attach(&pair->wire, end, names[end]))
			return -1;
	return 0;
}

static struct wire *pair_open(struct nic *nic, const char *args)
{
	struct pair *pair = g_new0(struct pair, 1);
	char **names = g_strsplit(args, ",", 0);
	int err;

	pair->wire.nic = nic;
	pair->wire.fd = -1;
	pair->wire.ports = pair->ports;
	pair->wire.num_ports = PAIR_ENDS;
	err = pair_attach(pair, names);
	g_strfreev(names);
	if (!err)
		return &pair->wire;

	/* A port that was attached before the error is let go again */
	for (unsigned int end = 0; end < PAIR_ENDS; end++)
		if (pair->ports[end])
			pair->ports[end]->wire.wire = NULL;
	g_free(pair);
	return NULL;
}

static bool pair_xmit(struct wire *wire, unsigned int end,
		      const struct frame *frame)
{
	return wire_receive(wire->ports[!end], frame);
}

static bool pair_link_up(const struct wire *wire, unsigned int end)
{
	return wire->ports[!end]->link_admin;
}

const struct wire_ops wire_pair_ops = {
	.kind = "pair",
	.open = pair_open,
	.close = pair_close,
	.xmit = pair_xmit,
	.link_up = pair_link_up,
};
