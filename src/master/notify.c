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

/* Of a stop, for the disk: to take what is in the pipes, or for a spill. */
#define STOP_MARGIN_USEC 60000000

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
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

/* What stands before the figures when something is not as it should be. */
static void describe_trouble(const struct service *s, char *text, size_t size)
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

static void describe(struct service *s, char *text, size_t size)
{
	struct totals t;
	size_t len;

	scoreboard_totals(s->board, &t);
	describe_trouble(s, text, size);
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

	describe(s, status, sizeof(status));
	/* A program between us and systemd may have been its main process so far. */
	say("READY=1\nMAINPID=%d\nSTATUS=%s", (int)getpid(), status);
}

void notify_reloading(void)
{
	say("RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading",
	    clock_monotonic_usec());
}

void notify_stopping(const struct service *s)
{
	say("STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=%" PRIu64,
	    s->config.drain_timeout_usec + s->config.stall_timeout_usec + STOP_MARGIN_USEC);
}

void notify_failed(const struct service *s, int status)
{
	const char *why = journal_last_error();
	char error[32] = "";

	/* Each mistake in the configuration is a line there. */
	if (!why[0])
		why = s->reload.diagnostics.text;
	if (s->exit_errno != 0)
		snprintf(error, sizeof(error), "ERRNO=%d\n", s->exit_errno);
	say("%sEXIT_STATUS=%d\nSTATUS=Failed: %.*s", error, status, (int)strcspn(why, "\n"), why);
}

void notify_status(struct service *s)
{
	char status[STATUS_SIZE];

	describe(s, status, sizeof(status));
	say("STATUS=%s", status);
}

void notify_watchdog(void)
{
	systemd_tell("WATCHDOG=1");
}
