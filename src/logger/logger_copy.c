/* SPDX-License-Identifier: MIT */
#include "logger/logger_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/pipe.h"

/* Of the stage at once: what a pipe of the default size holds. */
#define COPY_BYTES ((size_t)64 * 1024)

static char buffer[COPY_BYTES];

void logger_copy_begin(struct logger *l)
{
	l->must_copy = true;
	if (atomic_exchange(&l->board->log_is_copied, 1))
		return;
	journal_field("LOG_PATH=%s", config_log_name(l->config));
	journal_event(JOURNAL_LOG_COPIED, LOG_WARNING,
		      "%s does not support splice(2), so records are copied; killing the logger "
		      "may duplicate or tear some, none is lost",
		      config_log_name(l->config));
}

/* Takes LEN bytes, which are there, out of the stage. */
static bool remove_from_stage(const struct logger *l, size_t len)
{
	while (len > 0) {
		ssize_t n = read(l->fds->stage_read, buffer, len < COPY_BYTES ? len : COPY_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len -= (size_t)n;
	}
	return true;
}

ssize_t logger_copy(struct logger *l, size_t left)
{
	ssize_t n, written;
	int r = l->copy_read >= 0 ? 0 : pipe_open(0, &l->copy_read, &l->copy_write);

	if (r < 0) {
		errno = -r;
		return -1;
	}
	n = tee(l->fds->stage_read, l->copy_write, left < COPY_BYTES ? left : COPY_BYTES,
		SPLICE_F_NONBLOCK);
	if (n <= 0)
		return n;
	/* Nothing else is in the pipe for copies, so one read gets all of it. */
	n = read(l->copy_read, buffer, (size_t)n);
	if (n <= 0)
		return n;
	written = write(l->fds->log_file, buffer, (size_t)n);
	if (written > 0 && !remove_from_stage(l, (size_t)written))
		return -1;
	return written;
}
