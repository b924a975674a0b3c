/* SPDX-License-Identifier: MIT */
#include "logger_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "journal.h"
#include "pipe.h"

/* Of the stage at once. */
#define COPY_BYTES ((size_t)64 * 1024)

static char buffer[COPY_BYTES];

void logger_begin_copying(struct logger *l)
{
	l->copies = true;
	if (atomic_exchange(&l->board->log_is_copied, 1))
		return;
	journal_field("LOG_PATH=%s", config_log_name(l->config));
	journal_event(JOURNAL_LOG_COPIED, LOG_WARNING,
		      "%s takes no splice(2) and is copied to: if the logger is killed, records may be there twice or torn, none is lost",
		      config_log_name(l->config));
}

/* Reads LEN bytes, which are there. */
static bool take(int fd, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, buffer, len < COPY_BYTES ? len : COPY_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len -= (size_t)n;
	}
	return true;
}

/*
 * They leave the stage only after they were written: whoever is killed in
 * between has written twice what he did not lose.
 */
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
	/* The scratch pipe holds these alone, so one read has them. */
	n = read(l->copy_read, buffer, (size_t)n);
	if (n <= 0)
		return n;
	written = write(l->fds->log_file, buffer, (size_t)n);
	if (written > 0 && !take(l->fds->stage_read, (size_t)written))
		return -1;
	return written;
}
