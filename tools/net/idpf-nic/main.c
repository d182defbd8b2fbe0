// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command line, start and end of the process.
 */

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib.h>

#include "capture.h"
#include "control.h"
#include "io.h"
#include "nic.h"
#include "vfu.h"
#include "vfu_proto.h"

#define NIC_VERSION	"1.0"

#define EXIT_USAGE	2

/**
 * struct options - the command line
 * @ports: --port, NULL-terminated
 * @wires: --wire
 * @pcap: --pcap
 * @control: --control
 * @grant: --grant
 * @deny: --deny
 * @model: --model
 * @faults: --fault
 * @hostile: --hostile
 * @pcap_rx: --pcap-rx
 * @version: --version
 */
struct options {
	char **ports;
	char **wires;
	char *pcap;
	char *control;
	char **grant;
	char **deny;
	char *model;
	char **faults;
	char **hostile;
	gboolean pcap_rx;
	gboolean version;
};

static void usage_error(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

static void usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("idpf-nic: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
}

/* ------------------------------------------------------------------ */
/* --port                                                               */

static bool parse_number(const char *text, u64 min, u64 max, u16 *val)
{
	guint64 n;

	if (!g_ascii_string_to_unsigned(text, 10, min, max, &n, NULL))
		return false;
	*val = n;
	return true;
}

static bool parse_mac(const char *text, u8 *mac)
{
	unsigned int b[ETH_ALEN];
	int end = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
		   &b[4], &b[5], &end) != ETH_ALEN || text[end])
		return false;
	for (unsigned int i = 0; i < ETH_ALEN; i++)
		mac[i] = b[i];
	/* of one station, and not all zero */
	return !(mac[0] & 1) &&
	       (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static bool parse_identity(const char *text, enum nic_identity *id)
{
	if (!strcmp(text, "pf"))
		*id = NIC_ID_PF;
	else if (!strcmp(text, "vf"))
		*id = NIC_ID_VF;
	else if (!strcmp(text, "class"))
		*id = NIC_ID_CLASS;
	else
		return false;
	return true;
}

static bool parse_name(const char *text, char *name)
{
	if (!*text || strlen(text) >= IFNAMSIZ)
		return false;
	for (const char *c = text; *c; c++)
		if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_' && *c != '.')
			return false;
	g_strlcpy(name, text, IFNAMSIZ);
	return true;
}

/* one KEY=VALUE of --port.  Returns what would have been right, NULL: it was */
static const char *parse_port_key(struct nic_port_config *cfg, const char *key,
				  const char *val)
{
	if (!strcmp(key, "socket")) {
		g_free(cfg->socket_path);
		cfg->socket_path = g_strdup(val);
		return *val ? NULL : "a path";
	}
	if (!strcmp(key, "name"))
		return parse_name(val, cfg->name) ? NULL :
		       "1 to 15 letters, digits, '-', '_', '.'";
	if (!strcmp(key, "id"))
		return parse_identity(val, &cfg->identity) ? NULL :
		       "pf, vf or class";
	if (!strcmp(key, "mac"))
		return parse_mac(val, cfg->mac) ? NULL :
		       "a unicast address XX:XX:XX:XX:XX:XX";
	if (!strcmp(key, "queues"))
		return parse_number(val, 1, QUEUE_MAX_PAIRS, &cfg->num_qpairs) ?
		       NULL : "1 to " G_STRINGIFY(QUEUE_MAX_PAIRS);
	if (!strcmp(key, "mtu"))
		return parse_number(val, NIC_MIN_MTU, NIC_MAX_MTU, &cfg->mtu) ?
		       NULL : G_STRINGIFY(NIC_MIN_MTU) " to "
			      G_STRINGIFY(NIC_MAX_MTU);
	if (!strcmp(key, "vports"))
		return parse_number(val, 1, CP_MAX_VPORTS, &cfg->num_vports) ?
		       NULL : "1 to " G_STRINGIFY(CP_MAX_VPORTS);
	if (!strcmp(key, "lut"))
		return parse_number(val, 1, RSS_LUT_MAX, &cfg->rss_lut_size) ?
		       NULL : "1 to " G_STRINGIFY(RSS_LUT_MAX);
	if (!strcmp(key, "lso-id"))
		return parse_number(val, 15, 16, &cfg->lso_id_bits) ? NULL :
		       "15 or 16";
	if (!strcmp(key, "tx-hdr"))
		return parse_number(val, 1, NIC_MAX_TX_HDR, &cfg->tx_hdr) ?
		       NULL : "1 to " G_STRINGIFY(NIC_MAX_TX_HDR);
	if (!strcmp(key, "tx-bufs"))
		return parse_number(val, 1, NIC_MAX_TX_BUFS, &cfg->tx_bufs) ?
		       NULL : "1 to " G_STRINGIFY(NIC_MAX_TX_BUFS);
	if (!strcmp(key, "model")) {
		cfg->model = nic_model_get(val);
		return cfg->model ? NULL :
		       "split, split-qsched, single-base or single-flex";
	}
	if (!strcmp(key, "deny"))
		return cp_policy_set(&cfg->policy, val, "+", false) ?
		       "NAME[+NAME...] of capabilities, see --help" : NULL;
	return "a key that --help has";
}

static bool parse_port(const char *spec, struct nic_port_config *cfg)
{
	char **items = g_strsplit(spec, ",", -1);
	bool ok = true;

	for (char **item = items; *item && ok; item++) {
		char *val = strchr(*item, '=');
		const char *want = "KEY=VALUE";

		if (val) {
			*val++ = '\0';
			want = parse_port_key(cfg, *item, val);
		}
		if (want) {
			usage_error("--port %s: %s%s%s is not %s", spec, *item,
				    val ? "=" : "", val ? val : "", want);
			ok = false;
		}
	}
	g_strfreev(items);
	return ok;
}

static bool check_port(struct nic *nic, const struct nic_port_config *cfg,
		       const char *spec)
{
	if (!cfg->socket_path) {
		usage_error("--port %s: socket=PATH is missing", spec);
		return false;
	}
	if (cfg->num_vports > cfg->num_qpairs) {
		usage_error("--port %s: %u vports need as many queues", spec,
			    cfg->num_vports);
		return false;
	}
	if (nic_port_by_name(nic, cfg->name)) {
		usage_error("--port %s: there is a port %s already", spec,
			    cfg->name);
		return false;
	}
	for (unsigned int i = 0; i < nic->num_ports; i++) {
		const struct nic_port *other = nic->ports[i];

		if (strcmp(other->cfg.socket_path, cfg->socket_path))
			continue;
		usage_error("--port %s: the socket of %s", spec, other->cfg.name);
		return false;
	}
	return true;
}

static bool add_port(struct nic *nic, const char *spec,
		     const struct nic_model *model,
		     const struct cp_policy *policy)
{
	struct nic_port_config cfg = {
		.mac = { 0x02, 0x1d, 0xbf, 0x00, 0x00, nic->num_ports + 1 },
		.num_qpairs = QUEUE_MAX_PAIRS,
		.mtu = NIC_MAX_MTU,
		.num_vports = 1,
		.rss_lut_size = NIC_RSS_LUT_SIZE,
		.lso_id_bits = 15,
		.tx_hdr = NIC_MAX_TX_HDR,
		.tx_bufs = NIC_MAX_TX_BUFS,
		.model = model,
		.policy = *policy,
	};

	if (nic->num_ports == NIC_MAX_PORTS) {
		usage_error("more than %d ports", NIC_MAX_PORTS);
		return false;
	}
	g_snprintf(cfg.name, sizeof(cfg.name), "port%u", nic->num_ports);
	if (!parse_port(spec, &cfg) || !check_port(nic, &cfg, spec)) {
		g_free(cfg.socket_path);
		return false;
	}
	nic_port_new(nic, &cfg);
	return true;
}

/* ------------------------------------------------------------------ */
/* The other options                                                    */

static bool add_wires(struct nic *nic, char **specs)
{
	for (; specs && *specs; specs++)
		if (!wire_open(nic, *specs))
			return false;
	return true;
}

/* without --wire: neighbours are joined, back to back */
static bool add_default_wires(struct nic *nic)
{
	for (unsigned int i = 0; i + 1 < nic->num_ports; i += 2) {
		char spec[16 + 2 * IFNAMSIZ];

		g_snprintf(spec, sizeof(spec), "pair:%s,%s",
			   nic->ports[i]->cfg.name, nic->ports[i + 1]->cfg.name);
		if (!wire_open(nic, spec))
			return false;
	}
	return true;
}

static bool open_capture(struct nic *nic, const struct options *opt)
{
	char *error = NULL;

	if (!opt->pcap)
		return true;
	nic->capture = capture_open(opt->pcap, &error);
	if (!nic->capture) {
		usage_error("%s", error);
		g_free(error);
		return false;
	}
	nic->capture_rx = opt->pcap_rx;
	/* the order makes interface n port n */
	for (unsigned int i = 0; i < nic->num_ports; i++)
		capture_add_if(nic->capture, nic->ports[i]->cfg.name,
			       nic->ports[i]->wire.wire ?
			       nic->ports[i]->wire.wire->name : "no wire");
	return true;
}

static bool apply_policy(struct cp_policy *policy, char **lists, bool grant)
{
	for (; lists && *lists; lists++) {
		const char *bad = cp_policy_set(policy, *lists, ",", grant);
		char *names;

		if (!bad)
			continue;
		names = cp_policy_names();
		usage_error("--%s: %s is not one of: %s",
			    grant ? "grant" : "deny", bad, names);
		g_free(names);
		return false;
	}
	return true;
}

static bool apply_faults(struct nic *nic, char **specs,
			 bool (*apply)(struct nic *nic, const char *text,
				       char **error))
{
	for (; specs && *specs; specs++) {
		char *error;

		if (apply(nic, *specs, &error))
			continue;
		usage_error("%s: %s", *specs, error);
		g_free(error);
		return false;
	}
	return true;
}

static const char *identity_text(enum nic_identity id)
{
	switch (id) {
	case NIC_ID_VF:
		return "vf";
	case NIC_ID_CLASS:
		return "class";
	default:
		return "pf";
	}
}

static bool listen_port(struct nic_port *port)
{
	port->vfu = vfu_open(port, port->cfg.socket_path, &pci_vfu_ops);
	if (!port->vfu) {
		usage_error("%s: cannot listen on %s: %s", port->cfg.name,
			    port->cfg.socket_path, g_strerror(errno));
		return false;
	}
	return true;
}

static void announce_port(const struct nic_port *port)
{
	const u8 *mac = port->cfg.mac;
	const u8 *id = port->pci.cfg;

	printf("idpf-nic: %s: listening on %s (%s %02x%02x:%02x%02x, ",
	       port->cfg.name, port->cfg.socket_path,
	       identity_text(port->cfg.identity), id[1], id[0], id[3], id[2]);
	printf("mac %02x:%02x:%02x:%02x:%02x:%02x, %u queue pairs)\n", mac[0],
	       mac[1], mac[2], mac[3], mac[4], mac[5], port->cfg.num_qpairs);
}

static bool listen_all(struct nic *nic, const struct options *opt)
{
	if (opt->control) {
		nic->control = control_open(nic, opt->control);
		if (!nic->control) {
			usage_error("cannot listen on %s: %s", opt->control,
				    g_strerror(errno));
			return false;
		}
	}
	for (unsigned int i = 0; i < nic->num_ports; i++)
		if (!listen_port(nic->ports[i]))
			return false;
	for (unsigned int i = 0; i < nic->num_ports; i++)
		announce_port(nic->ports[i]);
	return true;
}

/* ------------------------------------------------------------------ */
/* Life of the process                                                  */

/**
 * struct signals - where signals arrive
 * @fd: signalfd or -1
 * @watch: its watch
 */
struct signals {
	int fd;
	struct io_watch *watch;
};

static void on_signal(void *ctx, uint32_t events)
{
	io_quit();
}

/*
 * The two signals that end us come as events.  They are blocked before the data
 * thread exists, so it inherits that.
 */
static int watch_signals(struct signals *sig)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sig->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sig->fd < 0)
		return -errno;
	sig->watch = io_add(sig->fd, EPOLLIN, on_signal, NULL);
	return sig->watch ? 0 : -errno;
}

static void unwatch_signals(struct signals *sig)
{
	io_remove(sig->watch);
	if (sig->fd >= 0)
		close(sig->fd);
}

/*
 * Each vector of each port may come with a descriptor.  What is beyond the
 * limits then is refused, see dma_limit() and vfu_dispatch().
 */
static void raise_limits(void)
{
	struct rlimit lim;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	dma_limit();
}

static bool set_up(struct nic *nic, const struct options *opt)
{
	const struct nic_model *model = nic_model_default;
	struct cp_policy policy = { };

	if (opt->model)
		model = nic_model_get(opt->model);
	if (!model) {
		usage_error("--model: %s is not split, split-qsched, single-base or single-flex",
			    opt->model);
		return false;
	}
	if (!apply_policy(&policy, opt->deny, false) ||
	    !apply_policy(&policy, opt->grant, true))
		return false;
	for (char **spec = opt->ports; spec && *spec; spec++)
		if (!add_port(nic, *spec, model, &policy))
			return false;
	if (!nic->num_ports) {
		usage_error("at least one --port is needed, see --help");
		return false;
	}
	if (opt->wires ? !add_wires(nic, opt->wires) : !add_default_wires(nic))
		return false;
	return apply_faults(nic, opt->faults, fault_apply) &&
	       apply_faults(nic, opt->hostile, fault_apply_hostile);
}

static int run(struct nic *nic, const struct options *opt)
{
	int err;

	if (!open_capture(nic, opt))
		return EXIT_FAILURE;
	err = data_start(nic);
	if (err) {
		usage_error("cannot start the data thread: %s", g_strerror(-err));
		return EXIT_FAILURE;
	}
	if (listen_all(nic, opt))
		err = io_run();
	else
		err = -EADDRINUSE;
	data_stop(nic);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int tear_down(struct nic *nic)
{
	int status = EXIT_SUCCESS;

	control_close(nic->control);
	wire_close_all(nic);
	while (nic->num_ports)
		nic_port_free(nic->ports[--nic->num_ports]);
	if (nic->capture) {
		capture_flush(nic->capture);
		if (capture_lost(nic->capture)) {
			report_line(NULL, "the capture file is not complete");
			status = EXIT_FAILURE;
		}
		capture_close(nic->capture);
	}
	return status;
}

/* the faults with what they do, a line each; to be freed */
static char *fault_list(void)
{
	GString *list = g_string_new(NULL);

	for (unsigned int i = 0; i < FAULT_NUM; i++)
		g_string_append_printf(list, "  %-15s %s\n", fault_name(i),
				       fault_help(i));
	return g_string_free(list, FALSE);
}

static bool parse_options(struct options *opt, int argc, char **argv)
{
	static const char summary[] =
		"Shows IDPF network functions to QEMU over vfio-user.";
	static const char port_help[] =
		"Keys of --port: socket, name, id=pf|vf|class, mac, queues, mtu, vports, lut,\n"
		"lso-id=15|16, tx-hdr, tx-bufs, model, deny=NAME[+NAME...]\n\n"
		"Models: split, split-qsched, single-base, single-flex\n\n"
		"Wires: pair:PORT,PORT\n"
		"       switch:PORT,PORT[,PORT...]\n"
		"       stream:PORT,listen|connect=unix:PATH|tcp:HOST:PORT\n"
		"       tap:PORT,INTERFACE";
	gboolean verbose = FALSE, trace = FALSE;
	const GOptionEntry entries[] = {
		{ "port", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &opt->ports,
		  "A PCI function: socket=PATH[,KEY=VALUE...], see below", "SPEC" },
		{ "wire", 'w', 0, G_OPTION_ARG_STRING_ARRAY, &opt->wires,
		  "Join ports, see below (default: 0 with 1, 2 with 3 ...)",
		  "SPEC" },
		{ "pcap", 0, 0, G_OPTION_ARG_FILENAME, &opt->pcap,
		  "Write what ports send to a pcapng file", "FILE" },
		{ "pcap-rx", 0, 0, G_OPTION_ARG_NONE, &opt->pcap_rx,
		  "Write what ports receive as well", NULL },
		{ "control", 'c', 0, G_OPTION_ARG_FILENAME, &opt->control,
		  "Socket for statistics and commands", "PATH" },
		{ "grant", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt->grant,
		  "Capabilities to grant although --deny names them",
		  "NAME[,NAME]" },
		{ "deny", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt->deny,
		  "Capabilities not to grant", "NAME[,NAME]" },
		{ "model", 'm', 0, G_OPTION_ARG_STRING, &opt->model,
		  "Queue model of ports that name none (default: split)",
		  "MODEL" },
		{ "fault", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt->faults,
		  "Do something wrong: NAME[=VALUE][:KEY=VALUE...][@PORT]",
		  "SPEC" },
		{ "hostile", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt->hostile,
		  "Random contents: FIELD[,FIELD...][:SEED[:PERCENT]]", "SPEC" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &opt->version,
		  "Tell the versions of program and protocols", NULL },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose,
		  "Report what is wrong", NULL },
		{ "trace", 0, 0, G_OPTION_ARG_NONE, &trace,
		  "Report every control message and reset", NULL },
		{ }
	};
	GOptionContext *context = g_option_context_new("- software IDPF NIC");
	char *names = cp_policy_names();
	char *faults = fault_list();
	char *text = g_strdup_printf("%s\n\nCapabilities: %s\n\nFaults:\n%s",
				     port_help, names, faults);
	GError *error = NULL;
	bool ok;

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, text);
	ok = g_option_context_parse(context, &argc, &argv, &error);
	if (!ok) {
		usage_error("%s", error->message);
		g_error_free(error);
	} else if (argc > 1) {
		usage_error("unknown argument %s, see --help", argv[1]);
		ok = false;
	}
	report_verbose = verbose || trace;
	report_tracing = trace;
	g_option_context_free(context);
	g_free(text);
	g_free(faults);
	g_free(names);
	return ok;
}

static void free_options(struct options *opt)
{
	g_strfreev(opt->ports);
	g_strfreev(opt->wires);
	g_strfreev(opt->grant);
	g_strfreev(opt->deny);
	g_strfreev(opt->faults);
	g_strfreev(opt->hostile);
	g_free(opt->model);
	g_free(opt->pcap);
	g_free(opt->control);
}

int main(int argc, char **argv)
{
	static struct nic nic = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_COND_INITIALIZER,
		.round = PTHREAD_COND_INITIALIZER,
	};
	struct signals sig = { .fd = -1 };
	struct options opt = { };
	int status = EXIT_USAGE;
	int err;

	setlocale(LC_ALL, "");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse_options(&opt, argc, argv))
		goto free_opt;
	if (opt.version) {
		printf("idpf-nic " NIC_VERSION " (virtchnl %d.%d, vfio-user %d.%d)\n",
		       VC2_VERSION_MAJOR, VC2_VERSION_MINOR, VFU_MAJOR, VFU_MINOR);
		status = EXIT_SUCCESS;
		goto free_opt;
	}
	raise_limits();
	err = io_init();
	if (!err)
		err = watch_signals(&sig);
	if (!err)
		err = dma_guard(&nic);
	if (!err)
		err = report_start();
	if (err) {
		usage_error("cannot watch for events: %s", g_strerror(-err));
		status = EXIT_FAILURE;
		goto exit_io;
	}
	if (set_up(&nic, &opt))
		status = run(&nic, &opt);
	err = tear_down(&nic);
	if (status == EXIT_SUCCESS)
		status = err;
exit_io:
	report_stop();
	unwatch_signals(&sig);
	io_exit();
free_opt:
	free_options(&opt);
	return status;
}
