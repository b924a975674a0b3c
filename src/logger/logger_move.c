/* SPDX-License-Identifier: MIT */
#include "logger/logger_move.h"

#include <errno.h>
#include <fcntl.h>

#include "base/crash_point.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "ipc/stall.h"
#include "logger/logger_copy.h"
#include "logger/logger_truncation.h"
#include "logger/logger_wait.h"

/* Returns how many of the LEFT bytes of the stage the log took, 0, or -1 with errno. */
static ssize_t splice_or_copy(struct logger *l, size_t left)
{
	ssize_t n;

	if (l->must_copy)
		return logger_copy(l, left);
	n = splice(l->fds->stage_read, NULL, l->fds->log_file, NULL,
		   crash_point_split("logger-mid-splice", left),
		   l->is_stream ? SPLICE_F_NONBLOCK : 0);
	if (n < 0 && errno == EINVAL) {
		logger_copy_begin(l);
		return logger_copy(l, left);
	}
	return n;
}

void logger_move_stage(struct logger *l)
{
	size_t left;

	while ((left = pipe_bytes(l->fds->stage_read)) > 0) {
		int r = logger_truncation_follow(l);
		ssize_t n;

		if (r < 0) {
			logger_wait_stalled(l, -r);
			continue;
		}
		n = splice_or_copy(l, left);
		if (n > 0) {
			crash_point_if_split("logger-mid-splice");
			l->offset_bytes += (uint64_t)n;
			cell_add(&l->board->moved_bytes, (uint64_t)n);
			logger_end_stall(l);
		} else if (n < 0 && errno == EAGAIN) {
			logger_wait_for_reader(l);
		} else if (n == 0 || errno != EINTR) {
			logger_wait_stalled(l, n == 0 ? EIO : errno);
		}
	}
}

int logger_move_batch(struct logger *l, size_t n)
{
	while (n > 0) {
		ssize_t moved = splice(l->fds->log_read, NULL, l->fds->stage_write, NULL, n, 0);

		if (moved < 0 && errno == EINTR)
			continue;
		if (moved <= 0) {
			journal_error("cannot move records from the log pipe: %m; the logger "
				      "exits");
			return LOGGER_CANNOT_GO_ON;
		}
		crash_point("logger-batch-staged");
		n -= (size_t)moved;
		logger_move_stage(l);
	}
	return STAY;
}
