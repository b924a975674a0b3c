/* SPDX-License-Identifier: MIT */
#include "master/spill_on_stop.h"

#include <signal.h>
#include <string.h>

#include "base/exit_status.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "ipc/receipt.h"
#include "master/worker_pool.h"

static bool log_may_be_stalled(const struct service *s)
{
	/*
	 * The stage may hold records, but only the logger may look into it.  So the log may be
	 * stalled if no worker is left and the logger still lives, or if a worker waits for a
	 * receipt.  A sync may take any time, and alone is no stall.
	 */
	bool logger_is_late = (s->phase == PHASE_FINISHING || receipt_is_wanted(s->board)) &&
			      !atomic_load(&s->board->round_syncing);

	return atomic_load(&s->board->stalled_errno) != 0 || s->logger.pid == 0 || logger_is_late ||
	       pipe_bytes(s->fds.log_read) > 0;
}

static bool is_stalled(struct service *s)
{
	if (s->stop.watch.board == NULL)
		stall_watch_init(&s->stop.watch, s->board, s->config.stall_timeout_usec);
	if (!log_may_be_stalled(s)) {
		stall_watch_reset(&s->stop.watch);
		return false;
	}
	return stall_watch_is_stalled(&s->stop.watch);
}

static void exit_with_loss(struct service *s, const char *action, int r)
{
	journal_field("BYTES=%zu", spill_left(&s->fds));
	journal_field("SPILL=%s", s->spill.path);
	journal_failure(JOURNAL_RECORDS_LOST, LOG_CRIT, -r,
			"cannot %s %s: %s; %zu bytes of records are lost, unless this stop is part "
			"of a restart",
			action, s->spill.path, strerror(-r), spill_left(&s->fds));
	(void)sd_event_exit(s->event, STATUS_RECORDS_LOST);
}

/* No logger gives receipts any more: workers that wait for one disconnect without the echo. */
static void refuse_receipts(struct service *s)
{
	receipt_end_round(s->board, receipt_start_round(s->board), true);
}

static void move_to_spill(struct service *s)
{
	int r = 0;

	if (s->spill.fd < 0 && worker_pool_is_gone(s) && spill_left(&s->fds) == 0) {
		(void)sd_event_exit(s->event, STATUS_CLEAN);
		return;
	}
	if (s->spill.fd < 0) {
		r = spill_open(&s->spill, &s->fds, s->board, s->config.format);
		if (r < 0) {
			exit_with_loss(s, "create", r);
			return;
		}
	}
	r = spill_move(&s->spill, &s->fds);
	if (r < 0) {
		exit_with_loss(s, "write to", r);
		return;
	}
	refuse_receipts(s);
	if (!worker_pool_is_gone(s))
		return;
	/* The last worker may have written after the first move. */
	r = spill_move(&s->spill, &s->fds);
	if (r == 0)
		r = spill_close(&s->spill);
	if (r < 0) {
		exit_with_loss(s, "sync", r);
		return;
	}
	if (s->spill.bytes > 0) {
		journal_field("BYTES=%llu", (unsigned long long)s->spill.bytes);
		journal_field("SPILL=%s", s->spill.path);
		journal_event(JOURNAL_RECORDS_SPILLED, LOG_WARNING,
			      "saved %llu bytes of records in %s, because %s could not be written",
			      (unsigned long long)s->spill.bytes, s->spill.path,
			      config_log_name(&s->config));
	}
	(void)sd_event_exit(s->event, STATUS_CLEAN);
}

void spill_on_stop_if_stalled(struct service *s)
{
	if (!s->stop.has_given_up_log) {
		if (!is_stalled(s))
			return;
		journal_warning("cannot write to %s; stopping and saving its records in the state "
				"directory",
				config_log_name(&s->config));
		s->stop.has_given_up_log = true;
		if (s->logger.pid > 0)
			kill(s->logger.pid, SIGKILL);
	}
	/* The logger must be gone: two processes must not move bytes of the stage pipe. */
	if (s->logger.pid == 0)
		move_to_spill(s);
}
