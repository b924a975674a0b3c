/* SPDX-License-Identifier: MIT */
#include "master/recover.h"

#include <string.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "base/exit_status.h"
#include "base/journal.h"
#include "logger/logfile.h"
#include "master/fdstore.h"
#include "master/listener_setup.h"
#include "master/spill.h"

/* The pause before an exit after which systemd restarts the service at once. */
#define SPILL_PAUSE_SEC 2

/* The records in the pipes cannot be saved, with the -errno R.  Returns the exit status. */
static int report_unsaved(struct service *s, int r)
{
	s->exit_errno = -r;
	journal_field("BYTES=%zu", spill_left(&s->fds));
	journal_field("SPILL=%s", s->spill.path);
	journal_failure(JOURNAL_RECORDS_LOST, LOG_CRIT, -r,
			"cannot save the last run's records (%zu bytes) in %s: %s; systemd keeps "
			"them until the service is stopped, retrying",
			spill_left(&s->fds), s->spill.path, strerror(-r));
	sleep(SPILL_PAUSE_SEC);
	return STATUS_RECORDS_LOST;
}

/* Moves the records in the pipes to the open spill and closes it.  Returns 0 or -errno. */
static int finish_spill(struct service *s)
{
	int r = spill_move(&s->spill, &s->fds);

	if (r == 0)
		r = spill_close(&s->spill);
	if (r == 0 && s->spill.bytes > 0) {
		journal_field("BYTES=%llu", (unsigned long long)s->spill.bytes);
		journal_field("SPILL=%s", s->spill.path);
		journal_event(JOURNAL_RECORDS_SPILLED, LOG_NOTICE,
			      "the last run's records that were not logged (%llu bytes) are in %s",
			      (unsigned long long)s->spill.bytes, s->spill.path);
	}
	return r;
}

static enum log_format format_in_pipes(const struct service *s)
{
	return s->board ? (enum log_format)s->board->format : FORMAT_TEXT;
}

static int adopt_descriptors(struct service *s)
{
	struct kept kept;
	int r;

	s->took_pipes = fdstore_take(&s->fds, &kept);
	if (!s->took_pipes)
		s->fds = (struct descriptors)NO_DESCRIPTORS;
	listener_setup_adopt(s, &kept);
	if (!s->took_pipes)
		return 0;
	crash_point("adopted");
	if (kept.scoreboard_fd >= 0 && scoreboard_adopt(kept.scoreboard_fd, &s->board) < 0)
		s->board = NULL;
	if (kept.spill_fd < 0)
		return 0;
	s->spill.fd = kept.spill_fd;
	r = spill_resume(&s->spill, &s->fds, s->board, format_in_pipes(s));
	return r < 0 ? r : finish_spill(s);
}

/*
 * Moves the records in the pipes to a spill.  If a spill is open, because an
 * earlier call failed, continues it.  Returns 0 or -errno.
 */
static int spill_pipes(struct service *s)
{
	int r;

	if (!s->took_pipes || (s->spill.fd < 0 && spill_left(&s->fds) == 0))
		return 0;
	r = s->spill.fd < 0 ? spill_open(&s->spill, &s->fds, s->board, format_in_pipes(s))
			    : spill_resume(&s->spill, &s->fds, s->board, format_in_pipes(s));
	return r < 0 ? r : finish_spill(s);
}

int recover_previous_run(struct service *s)
{
	int r = adopt_descriptors(s);

	return r < 0 ? report_unsaved(s, r) : STATUS_CLEAN;
}

int recover_set_apart(struct service *s)
{
	bool has_file = s->fds.log_file >= 0, is_stdout = config_logs_to_stdout(&s->config);
	int r;

	if (!s->took_pipes ||
	    (s->board->format == (uint32_t)s->config.format && !is_stdout && has_file))
		return 0;
	r = spill_pipes(s);
	if (r < 0)
		return r;
	if (s->fds.log_file >= 0)
		logfile_close(s->fds.log_file);
	s->fds.log_file = -1;
	return 0;
}

int recover_spill(struct service *s, int status)
{
	int r = spill_pipes(s);

	return r < 0 ? report_unsaved(s, r) : status;
}
