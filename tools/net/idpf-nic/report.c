// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error counters and reports.
 */

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "nic.h"

#define REPORT_WINDOW_NS	1000000000ULL
#define REPORT_LINES_PER_WINDOW	5

bool report_verbose;
bool report_tracing;

/* both threads report; lines are rare, so one lock for the rate limits is
 * cheap enough
 */
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const report_names[] = {
#define REPORT_NAME(id, name, text)	[REPORT_##id] = name,
	REPORT_CAUSES(REPORT_NAME)
#undef REPORT_NAME
};

const char *report_cause_name(enum report_cause cause)
{
	return report_names[cause];
}

static void report_vline(const struct nic_port *port, const char *what,
			 const char *fmt, va_list ap)
{
	char line[256];

	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "idpf-nic: %s%s%s%s%s\n", port ? port->cfg.name : "",
		port ? ": " : "", what, *what ? ": " : "", line);
}

/* May a line be written now?  @num_left_out: how many were not, before it. */
static bool report_may_write(struct report_limit *limit,
			     unsigned int *num_left_out)
{
	u64 now = nic_now_ns();
	bool may;

	pthread_mutex_lock(&report_lock);
	if (now - limit->window_start_ns >= REPORT_WINDOW_NS) {
		limit->window_start_ns = now;
		limit->num_lines = 0;
	}
	may = limit->num_lines < REPORT_LINES_PER_WINDOW;
	*num_left_out = limit->num_suppressed;
	if (may) {
		limit->num_lines++;
		limit->num_suppressed = 0;
	} else {
		limit->num_suppressed++;
	}
	pthread_mutex_unlock(&report_lock);
	return may;
}

void report_error(struct nic_port *port, enum report_cause cause,
		  const char *fmt, ...)
{
	struct report *report = &port->report;
	unsigned int num_left_out;
	va_list ap;

	atomic_fetch_add_explicit(&report->count[cause], 1,
				  memory_order_relaxed);
	if (!report_verbose ||
	    !report_may_write(&report->limit[cause], &num_left_out))
		return;
	if (num_left_out)
		fprintf(stderr, "idpf-nic: %s: %s: %u lines left out\n",
			port->cfg.name, report_names[cause], num_left_out);
	va_start(ap, fmt);
	report_vline(port, report_names[cause], fmt, ap);
	va_end(ap);
}

void report_info(struct nic_port *port, const char *fmt, ...)
{
	va_list ap;

	if (!report_verbose)
		return;
	va_start(ap, fmt);
	report_vline(port, "", fmt, ap);
	va_end(ap);
}

void report_trace_line(struct nic_port *port, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vline(port, "", fmt, ap);
	va_end(ap);
}
