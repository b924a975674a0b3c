/* SPDX-License-Identifier: MIT */
#include "logger/logger_move.h"

#include <errno.h>
#include <fcntl.h>

#include "base/crash_point.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "ipc/half_record.h"
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

/* Of the half record or, after that, of the stage.  Returns as splice(2) does. */
static ssize_t move_some(struct logger *l)
{
	size_t left = l->is_stream ? 0 : half_record_left(l->board, l->offset_bytes);

	if (left > 0)
		return half_record_write(l->board, l->fds->log_file, l->offset_bytes);
	half_record_drop(l->board);
	return splice_or_copy(l, pipe_bytes(l->fds->stage_read));
}

static void count_moved(struct logger *l, size_t n)
{
	crash_point_if_split("logger-mid-splice");
	l->offset_bytes += n;
	cell_add(&l->board->moved_bytes, n);
	logger_end_stall(l);
}

int logger_move_stage(struct logger *l)
{
	int r = STAY;

	while (r == STAY && pipe_bytes(l->fds->stage_read) > 0) {
		int error = -logger_truncation_follow(l);
		ssize_t n = error == 0 ? move_some(l) : -1;

		if (n > 0) {
			count_moved(l, (size_t)n);
			continue;
		}
		if (error == 0)
			error = n == 0 ? EIO : errno;
		if (error == EAGAIN)
			logger_wait_for_reader(l);
		else if (error != EINTR)
			r = logger_wait_stalled(l, error);
	}
	return r;
}

int logger_move_batch(struct logger *l, size_t n)
{
	int r = STAY;

	while (r == STAY && n > 0) {
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
		r = logger_move_stage(l);
	}
	return r;
}
