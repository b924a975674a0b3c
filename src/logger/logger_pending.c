/* SPDX-License-Identifier: MIT */
#include "logger/logger_pending.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "build.h"
#include "logger/logger_move.h"

/*
 * Before the record counts as written: a logger that was killed after it made the record pending
 * may not have said that the limit is reached, and the next one would make it pending again.
 */
static void note_limit(struct logger *l)
{
	if (logger_stops_at_limit(l) &&
	    (atomic_load(&l->board->pending_records) & PENDING_LIMIT))
		atomic_store(&l->board->limit_reached, 1);
}

void logger_pending_forget_staged(struct logger *l)
{
	if (pipe_bytes(l->fds->stage_read) == 0)
		return;
	note_limit(l);
	atomic_store(&l->board->pending_records, 0);
}

void logger_pending_add_start(struct logger *l)
{
	if (atomic_load(&l->board->wants_start)) {
		atomic_fetch_or(&l->board->pending_records, PENDING_START);
		atomic_store(&l->board->wants_start, 0);
	}
}

/* Renders what is PENDING to TEXT, with room for all of it.  Returns the bytes. */
static size_t render(struct logger *l, uint32_t pending, char *text)
{
	uint64_t now = clock_realtime_usec();
	size_t len = 0;

	if (pending & PENDING_TORN) {
		uint64_t torn_bytes = atomic_load(&l->board->torn_bytes);

		if (torn_bytes > 0)
			text[len++] = '\n';
		len += record_torn(&l->style, text + len, now, torn_bytes);
	}
	if (pending & PENDING_START)
		len += record_start(&l->style, text + len, now, l->board->boot_id, PACKAGE_VERSION);
	if (pending & PENDING_LIMIT)
		len += record_limit(&l->style, text + len, now, l->config->message_limit);
	return len;
}

int logger_pending_write(struct logger *l)
{
	uint32_t pending = atomic_load(&l->board->pending_records);
	char text[4 * RECORD_EVENT_MAX];	/* three records and a newline */
	size_t len;

	if (pending == 0)
		return STAY;
	len = render(l, pending, text);
	crash_point("logger-record-pending");
	if (len > 0 && write(l->fds->stage_write, text, len) != (ssize_t)len) {
		journal_error("cannot write to the stage pipe: %m; the logger exits");
		return LOGGER_CANNOT_GO_ON;
	}
	crash_point("logger-record-staged");
	note_limit(l);
	atomic_store(&l->board->pending_records, 0);
	return logger_move_stage(l);
}
