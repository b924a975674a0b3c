/* SPDX-License-Identifier: MIT */
#include "master/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/journal.h"
#include "ipc/stall.h"
#include "master/shortage_report.h"
#include "master/systemd.h"

#define STATUS_SIZE 1024

/* Extra time at a stop to write the records in the pipes to the log or a spill. */
#define STOP_MARGIN_USEC 60000000

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	char text[STATUS_SIZE + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	systemd_tell(text);
}

static const char *phase_word(const struct service *s)
{
	switch (s->phase) {
	case PHASE_STARTING:
		return "Starting";
	case PHASE_RUNNING:
		return "Serving";
	default:
		return "Stopping";
	}
}

/* Writes a sentence for each problem, or an empty string. */
static void describe_problems(const struct service *s, char *text, size_t size)
{
	int stalled = atomic_load(&s->board->no_logger_errno);

	if (stalled == 0)
		stalled = atomic_load(&s->board->stalled_errno);
	text[0] = '\0';
	if (stalled != 0)
		snprintf(text, size, "Log stalled (%s): %s. ", strerror(stalled),
			 stall_consequence(s->config.when_stalled));
	else if (atomic_load(&s->board->limit_reached))
		snprintf(text, size, "Message limit reached, new messages are not saved. ");
	shortage_report_describe(s, text + strlen(text), size - strlen(text));
	if (s->reload.has_failed)
		snprintf(text + strlen(text), size - strlen(text),
			 "Last reload failed, the old configuration stays. ");
}

static void describe_status(struct service *s, char *text, size_t size)
{
	struct totals t;
	size_t len;

	scoreboard_totals(s->board, &t);
	describe_problems(s, text, size);
	len = strlen(text);
	snprintf(text + len, size - len,
		 "%s %u of %u clients; %" PRIu64 " clients, %" PRIu64 " messages, %" PRIu64
		 " bytes so far = %" PRIu64 " logged + %" PRIu64 " dropped + %" PRIu64
		 " in flight + %" PRIu64 " unknown; %" PRIu64 " messages dropped; configuration %u",
		 phase_word(s), t.busy, s->board->n_slots, t.clients, t.received_messages,
		 t.received_bytes, t.logged_bytes, t.dropped_bytes, t.in_flight_bytes,
		 t.unknown_bytes, t.dropped_messages, atomic_load(&s->board->generation));
}

void notify_ready(struct service *s)
{
	char status[STATUS_SIZE];

	describe_status(s, status, sizeof(status));
	/* If a wrapper started the daemon, systemd takes the wrapper for the main process. */
	tell("READY=1\nMAINPID=%d\nSTATUS=%s", (int)getpid(), status);
}

void notify_reloading(void)
{
	tell("RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading",
	    clock_monotonic_usec());
}

void notify_stopping(const struct service *s)
{
	tell("STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=%" PRIu64,
	    s->config.drain_timeout_usec + s->config.stall_timeout_usec + STOP_MARGIN_USEC);
}

void notify_failed(const struct service *s, int status)
{
	const char *why = journal_last_error();
	char error[32] = "";

	/* It has a line for each mistake in the configuration; the first is sent. */
	if (!why[0])
		why = s->reload.diagnostics.text;
	if (s->exit_errno != 0)
		snprintf(error, sizeof(error), "ERRNO=%d\n", s->exit_errno);
	tell("%sEXIT_STATUS=%d\nSTATUS=Failed: %.*s", error, status, (int)strcspn(why, "\n"), why);
}

void notify_status(struct service *s)
{
	char status[STATUS_SIZE];

	describe_status(s, status, sizeof(status));
	tell("STATUS=%s", status);
}

void notify_watchdog(void)
{
	systemd_tell("WATCHDOG=1");
}
