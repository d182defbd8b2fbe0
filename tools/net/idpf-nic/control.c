// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control socket.
 *
 * Answers are built with nic->lock held, so that their numbers belong together:
 * no frame is counted at one end of a wire and not yet at the other.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "control.h"
#include "hits.h"
#include "io.h"
#include "nic.h"

#define CONTROL_MAX_LINE	1024
#define CONTROL_MAX_CLIENTS	16
/* a client that lets as many bytes of answers pile up is dropped */
#define CONTROL_MAX_OUT		(4 << 20)
/* longest wait of a client */
#define CONTROL_MAX_WAIT_MS	600000

/**
 * struct control - the socket
 * @nic: the process
 * @path: name
 * @fd: listening socket
 * @watch: its watch
 * @hits: those of them that wait
 * @clients: struct control_client, all connected ones
 */
struct control {
	struct nic *nic;
	char *path;
	int fd;
	struct io_watch *watch;
	struct hits *hits;
	GSList *clients;
};

/**
 * struct control_client - a connection
 * @ctl: the socket it came from
 * @fd: connection
 * @watch: its watch
 * @eof: it says no more, and is dropped when the answers are sent
 * @in: begun line
 * @out: answers not sent yet
 * @wait: it waits, and what it said meanwhile is in @in; else NULL
 * @until: what it waits for
 */
struct control_client {
	struct control *ctl;
	int fd;
	struct io_watch *watch;
	bool eof;
	GString *in;
	GString *out;
	struct hits_wait *wait;
	struct hits_until until;
};

/* ------------------------------------------------------------------ */
/* JSON                                                                 */

static void json_string(GString *out, const char *s)
{
	g_string_append_c(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			g_string_append_printf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			g_string_append_printf(out, "\\u%04x", *s);
		else
			g_string_append_c(out, *s);
	}
	g_string_append_c(out, '"');
}

/* begin a member: a comma unless it is the first of its object or array */
static void json_comma(GString *out)
{
	char last = out->len ? out->str[out->len - 1] : '{';

	if (last != '{' && last != '[')
		g_string_append_c(out, ',');
}

static void json_key(GString *out, const char *key)
{
	json_comma(out);
	json_string(out, key);
	g_string_append_c(out, ':');
}

static void json_u64(GString *out, const char *key, u64 val)
{
	json_key(out, key);
	g_string_append_printf(out, "%" PRIu64, val);
}

static void json_bool(GString *out, const char *key, bool val)
{
	json_key(out, key);
	g_string_append(out, val ? "true" : "false");
}

static void json_text(GString *out, const char *key, const char *val)
{
	json_key(out, key);
	json_string(out, val);
}

static void json_mac(GString *out, const char *key, const u8 *mac)
{
	char text[18];

	g_snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		   mac[1], mac[2], mac[3], mac[4], mac[5]);
	json_text(out, key, text);
}

/* ------------------------------------------------------------------ */
/* stats                                                                */

/**
 * struct counter - a counter in a structure of u64
 * @name: in the answer
 * @offset: in the structure
 */
struct counter {
	const char *name;
	size_t offset;
};

#define COUNTER(type, field)	{ #field, offsetof(struct type, field) }

static void put_counters(GString *out, const void *base,
			 const struct counter *table, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		u64 val;

		memcpy(&val, (const u8 *)base + table[i].offset, sizeof(val));
		json_u64(out, table[i].name, val);
	}
}

static const struct counter wire_end_counters[] = {
	COUNTER(wire_stats, tx_packets),
	COUNTER(wire_stats, tx_bytes),
	COUNTER(wire_stats, tx_dropped),
	COUNTER(wire_stats, rx_packets),
	COUNTER(wire_stats, rx_bytes),
	COUNTER(wire_stats, rx_dropped_no_buffer),
	COUNTER(wire_stats, rx_waited),
	COUNTER(wire_stats, rx_dropped_filter),
	COUNTER(wire_stats, rx_dropped_disabled),
	COUNTER(wire_stats, rx_dropped_error),
};

static const struct counter vport_counters[] = {
	COUNTER(cp_stats, rx_bytes),
	COUNTER(cp_stats, rx_unicast),
	COUNTER(cp_stats, rx_multicast),
	COUNTER(cp_stats, rx_broadcast),
	COUNTER(cp_stats, rx_discards),
	COUNTER(cp_stats, rx_errors),
	COUNTER(cp_stats, rx_unknown_protocol),
	COUNTER(cp_stats, rx_invalid_frame_length),
	COUNTER(cp_stats, rx_overflow_drop),
	COUNTER(cp_stats, tx_bytes),
	COUNTER(cp_stats, tx_unicast),
	COUNTER(cp_stats, tx_multicast),
	COUNTER(cp_stats, tx_broadcast),
	COUNTER(cp_stats, tx_discards),
	COUNTER(cp_stats, tx_errors),
};

static const struct counter queue_counters[] = {
	COUNTER(queue_stats, packets),
	COUNTER(queue_stats, bytes),
	COUNTER(queue_stats, drops),
};

static const struct counter tx_offload_counters[] = {
	COUNTER(queue_stats, csum),
	COUNTER(queue_stats, lso),
	COUNTER(queue_stats, uso),
	COUNTER(queue_stats, segments),
};

static const struct counter wire_counters[] = {
	COUNTER(wire, packets),
	COUNTER(wire, bytes),
};

static void put_wire_stats(GString *out, const struct wire_stats *s)
{
	json_key(out, "wire");
	g_string_append_c(out, '{');
	put_counters(out, s, wire_end_counters, G_N_ELEMENTS(wire_end_counters));
	g_string_append_c(out, '}');
}

static void put_vport(GString *out, const struct cp_vport *vport)
{
	const struct cp_stats *s = &vport->stats;

	json_comma(out);
	g_string_append_c(out, '{');
	json_u64(out, "id", vport->id);
	json_bool(out, "enabled", vport->enabled);
	json_mac(out, "mac", vport->mac);
	json_u64(out, "num_macs", vport->num_macs);
	json_bool(out, "promisc_unicast", vport->promisc & VC2_PROMISC_UNICAST);
	json_bool(out, "promisc_multicast",
		  vport->promisc & VC2_PROMISC_MULTICAST);
	json_bool(out, "loopback", vport->loopback);
	json_u64(out, "num_tx_queues", vport->num_txq);
	json_u64(out, "num_rx_queues", vport->num_rxq);
	json_u64(out, "rx_packets",
		 s->rx_unicast + s->rx_multicast + s->rx_broadcast);
	json_u64(out, "tx_packets",
		 s->tx_unicast + s->tx_multicast + s->tx_broadcast);
	put_counters(out, s, vport_counters, G_N_ELEMENTS(vport_counters));
	g_string_append_c(out, '}');
}

static void put_queue(GString *out, const struct queue *q,
		      const struct queue_stats *s, u64 num_doorbells)
{
	json_comma(out);
	g_string_append_c(out, '{');
	json_u64(out, "id", q->id);
	json_bool(out, "enabled", q->enabled);
	put_counters(out, s, queue_counters, G_N_ELEMENTS(queue_counters));
	if (q->type == VC2_QUEUE_TYPE_TX)
		put_counters(out, s, tx_offload_counters,
			     G_N_ELEMENTS(tx_offload_counters));
	json_u64(out, "doorbells", num_doorbells);
	g_string_append_c(out, '}');
}

/* doorbells of a receive queue: those of its own tail and of its buffer queues */
static u64 rx_doorbells(struct nic_port *port, const struct rxq *rxq)
{
	u64 num = atomic_load(&port->bar.num_rx_doorbells[rxq->q.id]);

	for (unsigned int i = 0; i < 2; i++) {
		u16 id = rxq->q.cfg.bufq_id[i];

		if (rxq->q.configured && id < QUEUE_MAX_BUFQ)
			num += atomic_load(&port->bar.num_bufq_doorbells[id]);
	}
	return num;
}

static void put_queues(GString *out, struct nic_port *port)
{
	struct queues *qs = &port->queues;

	json_key(out, "queues");
	g_string_append(out, "{\"tx\":[");
	for (u16 i = 0; i < port->cfg.num_qpairs; i++)
		put_queue(out, &qs->txq[i].q, &qs->txq[i].stats,
			  atomic_load(&port->bar.num_tx_doorbells[i]));
	g_string_append(out, "],\"rx\":[");
	for (u16 i = 0; i < port->cfg.num_qpairs; i++)
		put_queue(out, &qs->rxq[i].q, &qs->rxq[i].stats,
			  rx_doorbells(port, &qs->rxq[i]));
	g_string_append(out, "]}");
}

static void put_vectors(GString *out, struct nic_port *port)
{
	json_key(out, "vectors");
	g_string_append_c(out, '[');
	for (unsigned int i = 0; i < port->irq.num_vectors; i++) {
		struct irq_vector *vec = &port->irq.vec[i];

		json_comma(out);
		g_string_append_c(out, '{');
		json_u64(out, "id", i);
		json_u64(out, "events", atomic_load(&vec->num_events));
		json_u64(out, "interrupts", atomic_load(&vec->num_fired));
		g_string_append_c(out, '}');
	}
	g_string_append_c(out, ']');
}

static void put_errors(GString *out, struct nic_port *port)
{
	json_key(out, "errors");
	g_string_append_c(out, '{');
	for (unsigned int i = 0; i < REPORT_NUM_CAUSES; i++)
		json_u64(out, report_cause_name(i),
			 atomic_load(&port->report.count[i]));
	g_string_append_c(out, '}');
}

static void put_port_stats(GString *out, struct nic_port *port)
{
	json_comma(out);
	g_string_append_c(out, '{');
	json_text(out, "name", port->cfg.name);
	json_bool(out, "link", nic_port_link_up(port));
	put_wire_stats(out, &port->wire.stats);
	json_key(out, "vports");
	g_string_append_c(out, '[');
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++)
		if (port->cp.vports[i].created)
			put_vport(out, &port->cp.vports[i]);
	g_string_append_c(out, ']');
	put_queues(out, port);
	put_vectors(out, port);
	json_key(out, "mailbox");
	g_string_append_c(out, '{');
	json_u64(out, "requests", port->mbx.num_requests);
	json_u64(out, "messages", port->mbx.num_replies);
	json_u64(out, "waiting", port->mbx.num_waiting);
	g_string_append_c(out, '}');
	put_errors(out, port);
	g_string_append_c(out, '}');
}

static void put_wire(GString *out, const struct wire *wire)
{
	json_comma(out);
	g_string_append_c(out, '{');
	json_text(out, "name", wire->name);
	json_key(out, "ports");
	g_string_append_c(out, '[');
	for (unsigned int i = 0; i < wire->num_ports; i++) {
		if (!wire->ports[i])
			continue;
		json_comma(out);
		json_string(out, wire->ports[i]->cfg.name);
	}
	g_string_append_c(out, ']');
	put_counters(out, wire, wire_counters, G_N_ELEMENTS(wire_counters));
	g_string_append_c(out, '}');
}

static void cmd_stats(struct nic *nic, GString *out, char **args)
{
	g_string_append(out, "{\"ports\":[");
	for (unsigned int i = 0; i < nic->num_ports; i++)
		put_port_stats(out, nic->ports[i]);
	g_string_append(out, "],\"wires\":[");
	for (unsigned int i = 0; i < nic->num_wires; i++)
		put_wire(out, nic->wires[i]);
	g_string_append(out, "]}");
}

/* ------------------------------------------------------------------ */
/* Other commands                                                       */

static const char *const identity_names[] = {
	[NIC_ID_PF] = "pf",
	[NIC_ID_VF] = "vf",
	[NIC_ID_CLASS] = "class",
};

static void put_denied(GString *out, const struct cp_policy *policy)
{
	const char *name;
	bool denied;

	json_key(out, "denied");
	g_string_append_c(out, '[');
	for (unsigned int i = 0; (name = cp_policy_name(i, policy, &denied)); i++) {
		if (!denied)
			continue;
		json_comma(out);
		json_string(out, name);
	}
	g_string_append_c(out, ']');
}

static void cmd_ports(struct nic *nic, GString *out, char **args)
{
	g_string_append(out, "{\"ports\":[");
	for (unsigned int i = 0; i < nic->num_ports; i++) {
		struct nic_port *port = nic->ports[i];

		json_comma(out);
		g_string_append_c(out, '{');
		json_text(out, "name", port->cfg.name);
		json_text(out, "socket", port->cfg.socket_path);
		json_text(out, "id", identity_names[port->cfg.identity]);
		json_mac(out, "mac", port->cfg.mac);
		json_u64(out, "queues", port->cfg.num_qpairs);
		json_u64(out, "mtu", port->cfg.mtu);
		json_u64(out, "vports", port->cfg.num_vports);
		json_u64(out, "vectors", port->irq.num_vectors);
		json_u64(out, "lso_id_bits", port->cfg.lso_id_bits);
		json_u64(out, "tx_hdr", port->cfg.tx_hdr);
		json_u64(out, "tx_bufs", port->cfg.tx_bufs);
		json_text(out, "model", port->cfg.model->name);
		put_denied(out, &port->cfg.policy);
		json_text(out, "wire",
			  port->wire.wire ? port->wire.wire->name : "");
		json_bool(out, "link_admin", port->link_admin);
		json_bool(out, "link", nic_port_link_up(port));
		g_string_append_c(out, '}');
	}
	g_string_append(out, "]}");
}

static void put_rss(GString *out, const struct cp_vport *vport)
{
	const struct rss *rss = &vport->rss;

	json_comma(out);
	g_string_append_c(out, '{');
	json_u64(out, "id", vport->id);
	json_u64(out, "hash_types", rss->hash_types);
	json_key(out, "key");
	g_string_append_c(out, '"');
	for (unsigned int i = 0; i < rss->key_len; i++)
		g_string_append_printf(out, "%02x", rss->key[i]);
	g_string_append_c(out, '"');
	json_key(out, "lut");
	g_string_append_c(out, '[');
	for (unsigned int i = 0; i < rss->lut_size; i++) {
		json_comma(out);
		g_string_append_printf(out, "%u", rss->lut[i]);
	}
	g_string_append(out, "]}");
}

static void put_error(GString *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put_error(GString *out, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	g_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	g_string_append_c(out, '{');
	json_text(out, "error", text);
	g_string_append_c(out, '}');
}

static void cmd_rss(struct nic *nic, GString *out, char **args)
{
	struct nic_port *port = nic_port_by_name(nic, args[0]);

	if (!port) {
		put_error(out, "there is no port %s", args[0]);
		return;
	}
	g_string_append(out, "{\"vports\":[");
	for (unsigned int i = 0; i < CP_MAX_VPORTS; i++)
		if (port->cp.vports[i].created)
			put_rss(out, &port->cp.vports[i]);
	g_string_append(out, "]}");
}

static void cmd_link(struct nic *nic, GString *out, char **args)
{
	struct nic_port *port = nic_port_by_name(nic, args[0]);
	bool up = !strcmp(args[1], "up");

	if (!port) {
		put_error(out, "there is no port %s", args[0]);
		return;
	}
	if (!up && strcmp(args[1], "down")) {
		put_error(out, "link is up or down, not %s", args[1]);
		return;
	}
	nic_port_set_link(port, up);
	g_string_append_c(out, '{');
	json_text(out, "name", port->cfg.name);
	json_bool(out, "link_admin", port->link_admin);
	json_bool(out, "link", nic_port_link_up(port));
	g_string_append_c(out, '}');
}

static void cmd_fault(struct nic *nic, GString *out, char **args)
{
	char *error;

	if (!fault_apply(nic, args[0], &error)) {
		put_error(out, "%s", error);
		g_free(error);
		return;
	}
	g_string_append_c(out, '{');
	json_text(out, "fault", args[0]);
	g_string_append_c(out, '}');
}

static void put_fault(GString *out, const struct fault *fault, enum fault_id id)
{
	const struct fault_state *state = &fault->state[id];
	u64 left = atomic_load(&state->left);

	json_key(out, fault_name(id));
	g_string_append_c(out, '{');
	json_bool(out, "armed", fault_armed(fault, BIT(id)));
	json_bool(out, "active", state->active);
	if (left != FAULT_NO_END)
		json_u64(out, "left", left);
	json_u64(out, "hits", atomic_load(&state->hits));
	g_string_append_c(out, '}');
}

static void cmd_faults(struct nic *nic, GString *out, char **args)
{
	g_string_append(out, "{\"ports\":[");
	for (unsigned int i = 0; i < nic->num_ports; i++) {
		struct nic_port *port = nic->ports[i];

		json_comma(out);
		g_string_append_c(out, '{');
		json_text(out, "name", port->cfg.name);
		json_key(out, "faults");
		g_string_append_c(out, '{');
		for (unsigned int id = 0; id < FAULT_NUM; id++)
			put_fault(out, &port->fault, id);
		g_string_append(out, "}}");
	}
	g_string_append(out, "]}");
}

/* ------------------------------------------------------------------ */
/* wait                                                                 */

static bool parse_u64(const char *text, u64 max, u64 *val)
{
	guint64 n;

	if (!g_ascii_string_to_unsigned(text, 10, 0, max, &n, NULL))
		return false;
	*val = n;
	return true;
}

static bool parse_wait(struct nic *nic, GString *out, char **args,
		       struct hits_until *until)
{
	until->port = nic_port_by_name(nic, args[0]);
	if (!until->port)
		put_error(out, "there is no port %s", args[0]);
	else if (!fault_by_name(args[1], &until->id))
		put_error(out, "there is no fault %s", args[1]);
	else if (!parse_u64(args[2], ~0ULL, &until->hits))
		put_error(out, "%s is not a number of strikes", args[2]);
	else if (!parse_u64(args[3], CONTROL_MAX_WAIT_MS, &until->ms))
		put_error(out, "ms are 0 to %u, not %s", CONTROL_MAX_WAIT_MS,
			  args[3]);
	else
		return true;
	return false;
}

static void put_waited(GString *out, const struct hits_until *until)
{
	const struct fault *fault = &until->port->fault;
	u64 hits = atomic_load(&fault->state[until->id].hits);

	g_string_append_c(out, '{');
	json_text(out, "name", until->port->cfg.name);
	json_text(out, "fault", fault_name(until->id));
	json_u64(out, "hits", hits);
	json_bool(out, "reached", hits >= until->hits);
	g_string_append_c(out, '}');
}

static void control_go_on(struct control_client *client);

static void on_waited(void *ctx)
{
	struct control_client *client = ctx;

	client->wait = NULL;
	put_waited(client->out, &client->until);
	g_string_append_c(client->out, '\n');
	control_go_on(client);
}

/* The answer comes later, unless something is wrong with the question */
static void control_wait(struct control_client *client, GString *out,
			 char **args)
{
	struct control *ctl = client->ctl;

	if (parse_wait(ctl->nic, out, args, &client->until))
		client->wait = hits_wait(ctl->hits, &client->until, on_waited,
					 client);
}

/* ------------------------------------------------------------------ */

static void cmd_causes(struct nic *nic, GString *out, char **args)
{
	g_string_append_c(out, '{');
	for (unsigned int i = 0; i < REPORT_NUM_CAUSES; i++)
		json_text(out, report_cause_name(i), report_cause_text(i));
	g_string_append_c(out, '}');
}

static void cmd_quit(struct nic *nic, GString *out, char **args)
{
	io_quit();
	g_string_append(out, "{\"quit\":true}");
}

static void cmd_help(struct nic *nic, GString *out, char **args);

/**
 * struct control_cmd - a command
 * @name: first word
 * @num_args: words that follow
 * @help: their names and what it does
 * @fn: appends the answer; nic->lock is held; NULL: control_wait() does
 */
struct control_cmd {
	const char *name;
	unsigned int num_args;
	const char *help;
	void (*fn)(struct nic *nic, GString *out, char **args);
};

static const struct control_cmd control_cmds[] = {
	{ "stats", 0, "stats: all counters", cmd_stats },
	{ "ports", 0, "ports: configuration and link state", cmd_ports },
	{ "rss", 1, "rss PORT: key and table of each vport", cmd_rss },
	{ "link", 2, "link PORT up|down: plug or unplug the cable", cmd_link },
	{ "fault", 1,
	  "fault NAME[=VALUE|=off][:KEY=VALUE...][@PORT]: do something wrong",
	  cmd_fault },
	{ "faults", 0, "faults: which are armed, and how often they struck",
	  cmd_faults },
	{ "wait", 4,
	  "wait PORT FAULT HITS MS: until it has struck so often, or MS are over",
	  NULL },
	{ "causes", 0, "causes: what the error counters mean", cmd_causes },
	{ "help", 0, "help: this list", cmd_help },
	{ "quit", 0, "quit: end the process", cmd_quit },
};

static void cmd_help(struct nic *nic, GString *out, char **args)
{
	g_string_append(out, "{\"commands\":[");
	for (size_t i = 0; i < G_N_ELEMENTS(control_cmds); i++) {
		json_comma(out);
		json_string(out, control_cmds[i].help);
	}
	g_string_append(out, "]}");
}

static void control_run(struct control_client *client, GString *out,
			char **words)
{
	struct nic *nic = client->ctl->nic;
	unsigned int num_args = g_strv_length(words) - 1;

	for (size_t i = 0; i < G_N_ELEMENTS(control_cmds); i++) {
		const struct control_cmd *cmd = &control_cmds[i];

		if (strcmp(cmd->name, words[0]))
			continue;
		if (cmd->num_args != num_args) {
			put_error(out, "usage: %s", cmd->help);
			return;
		}
		if (!cmd->fn) {
			control_wait(client, out, words + 1);
			return;
		}
		nic_lock(nic);
		cmd->fn(nic, out, words + 1);
		nic_unlock(nic);
		return;
	}
	put_error(out, "unknown command, try help");
}

static void control_line(struct control_client *client, char *line)
{
	GString *answer = g_string_new(NULL);
	char **words, **from, **to;

	words = g_strsplit_set(line, " \t\r", -1);
	/* several blanks in a row make empty words */
	for (from = to = words; *from; from++) {
		if (**from)
			*to++ = *from;
		else
			g_free(*from);
	}
	*to = NULL;
	if (words[0]) {
		/* answers repeat words, and JSON is UTF-8 */
		if (g_str_is_ascii(line))
			control_run(client, answer, words);
		else
			put_error(answer, "commands are ASCII text");
		if (!client->wait)
			g_string_append_c(answer, '\n');
		g_string_append_len(client->out, answer->str, answer->len);
	}
	g_strfreev(words);
	g_string_free(answer, TRUE);
}

/* ------------------------------------------------------------------ */
/* Connections                                                          */

static void control_drop(struct control_client *client)
{
	client->ctl->clients = g_slist_remove(client->ctl->clients, client);
	hits_cancel(client->wait);
	io_remove(client->watch);
	close(client->fd);
	g_string_free(client->in, TRUE);
	g_string_free(client->out, TRUE);
	g_free(client);
}

/* Whole lines, up to one that has the client wait */
static void control_lines(struct control_client *client)
{
	char *end;

	while (!client->wait &&
	       (end = memchr(client->in->str, '\n', client->in->len))) {
		*end = '\0';
		control_line(client, client->in->str);
		g_string_erase(client->in, 0, end - client->in->str + 1);
	}
}

static bool control_read(struct control_client *client)
{
	char buf[CONTROL_MAX_LINE];
	ssize_t n;

	n = recv(client->fd, buf, sizeof(buf), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n) {
		client->eof = true;
		return client->out->len || client->wait;
	}
	g_string_append_len(client->in, buf, n);
	control_lines(client);
	return client->in->len <= CONTROL_MAX_LINE &&
	       client->out->len <= CONTROL_MAX_OUT;
}

static bool control_write(struct control_client *client)
{
	while (client->out->len) {
		ssize_t n = send(client->fd, client->out->str, client->out->len,
				 MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		g_string_erase(client->out, 0, n);
	}
	return true;
}

/* who sends "stats" and shuts down his side still gets the answer */
static void control_serve(struct control_client *client, bool alive)
{
	if (!control_write(client) || !alive ||
	    (client->eof && !client->out->len && !client->wait)) {
		control_drop(client);
		return;
	}
	io_modify(client->watch, (client->eof ? 0 : EPOLLIN) |
				 (client->out->len ? EPOLLOUT : 0));
}

static void control_event(void *ctx, uint32_t events)
{
	struct control_client *client = ctx;
	bool alive = true;

	if (!client->eof && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		alive = control_read(client);
	else if (events & (EPOLLHUP | EPOLLERR))
		alive = false;
	control_serve(client, alive);
}

static void control_go_on(struct control_client *client)
{
	control_lines(client);
	control_serve(client, client->in->len <= CONTROL_MAX_LINE);
}

static void control_accept(void *ctx, uint32_t events)
{
	struct control *ctl = ctx;
	struct control_client *client;
	int fd;

	fd = io_accept(ctl->fd);
	if (fd < 0)
		return;
	if (g_slist_length(ctl->clients) >= CONTROL_MAX_CLIENTS) {
		close(fd);
		return;
	}
	client = g_new0(struct control_client, 1);
	client->ctl = ctl;
	client->fd = fd;
	client->in = g_string_new(NULL);
	client->out = g_string_new(NULL);
	ctl->clients = g_slist_prepend(ctl->clients, client);
	client->watch = io_add(fd, EPOLLIN, control_event, client);
	if (!client->watch)
		control_drop(client);
}

struct control *control_open(struct nic *nic, const char *path)
{
	struct control *ctl;
	int fd;

	fd = io_listen(path);
	if (fd < 0)
		return NULL;
	ctl = g_new0(struct control, 1);
	ctl->nic = nic;
	ctl->path = g_strdup(path);
	ctl->fd = fd;
	ctl->hits = hits_open(nic);
	if (ctl->hits)
		ctl->watch = io_add(fd, EPOLLIN, control_accept, ctl);
	if (!ctl->watch) {
		control_close(ctl);
		return NULL;
	}
	return ctl;
}

void control_close(struct control *ctl)
{
	if (!ctl)
		return;
	while (ctl->clients)
		control_drop(ctl->clients->data);
	hits_close(ctl->hits);
	io_remove(ctl->watch);
	close(ctl->fd);
	unlink(ctl->path);
	g_free(ctl->path);
	g_free(ctl);
}
