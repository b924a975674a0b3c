/* SPDX-License-Identifier: MIT */
#include "logger/logger_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "base/pipe.h"
#include "format/parse.h"
#include "ipc/tickets.h"
#include "logger/logfile.h"
#include "logger/logger_wait.h"

/* How much of a batch is searched at once for the messages in it. */
#define PEEK_BYTES ((size_t)64 * 1024)

void logger_limit_publish(struct logger *l)
{
	uint32_t next = !atomic_load(&l->board->count_index);

	/* Two places: a logger that is killed between the two stores leaves the old pair whole. */
	l->board->count[next] = l->count;
	crash_point("logger-count-written");
	atomic_store(&l->board->count_index, next);
}

/*
 * Between the pieces of a large file the master sees that the logger lives,
 * and a logger that is killed has not counted in vain.
 */
static int count_file(struct logger *l)
{
	for (;;) {
		int r = logfile_count_messages(l->fds->log_file, l->config->format,
					       l->offset_bytes, &l->count);

		if (r < 0)
			return r;
		logger_limit_publish(l);
		if (l->count.offset_bytes >= l->offset_bytes)
			return 0;
		cell_add(&l->board->logger_beat, 1);
	}
}

/* As large as the log pipe, or the copy of a batch would be cut short. */
static int open_peek_pipe(struct logger *l)
{
	return pipe_open(pipe_capacity(l->fds->log_read), &l->peek_read, &l->peek_write);
}

int logger_limit_prepare(struct logger *l)
{
	int r;

	if (!logger_rotates_at_limit(l))
		return 0;
	r = count_file(l);
	if (r < 0)
		return r;
	if (l->peek_read < 0)
		r = open_peek_pipe(l);
	if (r < 0)
		return r;
	/* Room for what is read at once, after the beginning of a record that was not complete. */
	l->peek_buffer = malloc(PEEK_BYTES + RECORD_MAX);
	return l->peek_buffer ? 0 : -ENOMEM;
}

/* tee(2) makes a copy of the batch and leaves the log pipe as it is. */
ssize_t logger_limit_cut(struct logger *l, size_t n)
{
	uint64_t limit = l->config->message_limit;
	size_t kept = 0, passed, cut = 0;
	ssize_t copied = tee(l->fds->log_read, l->peek_write, n, SPLICE_F_NONBLOCK), left, got;

	if (copied < 0)
		return -errno;
	for (left = copied; left > 0; left -= got) {
		got = read(l->peek_read, l->peek_buffer + kept, PEEK_BYTES);
		if (got < 0)
			return -errno;
		/* The rest of the copy only has to leave the pipe. */
		if (logger_counted(l) >= limit)
			continue;
		passed = parse_count(l->config->format, l->peek_buffer, kept + (size_t)got, limit,
				     &l->count.has);
		cut += passed;
		kept = logger_counted(l) >= limit ? 0 : kept + (size_t)got - passed;
		memmove(l->peek_buffer, l->peek_buffer + passed, kept);
	}
	return (ssize_t)cut;
}

/* How many messages the file holds: those in a raw file can only be known by their tickets. */
static int count_saved(struct logger *l, uint64_t *ret)
{
	int r;

	if (l->config->format == FORMAT_RAW) {
		*ret = tickets_used(l->board);
		return 0;
	}
	r = count_file(l);
	if (r < 0)
		return r;
	*ret = l->count.has.messages;
	return 0;
}

bool logger_limit_must_settle(const struct logger *l)
{
	if (tickets_are_closed(l->board))
		return true;
	return logger_stops_at_limit(l) && tickets_are_spent(l->board) &&
	       !atomic_load(&l->board->limit_reached);
}

int logger_limit_settle(struct logger *l)
{
	uint64_t used;
	int r;

	if (!tickets_are_closed(l->board)) {
		atomic_fetch_or(&l->board->pending_records, PENDING_LIMIT);
		atomic_store(&l->board->limit_reached, 1);
		(void)eventfd_write(l->fds->doorbell, 1);
		return STAY;
	}
	if (atomic_load(&l->board->logger_order) == ORDER_REOPEN)
		return LOGGER_REOPEN;
	/* The order comes in a moment: the next logger has a limit, and issues tickets. */
	if (!logger_stops_at_limit(l))
		return STAY;
	r = count_saved(l, &used);
	if (r < 0)
		return logger_wait_stalled(l, -r);
	logger_end_stall(l);
	crash_point("logger-tickets-counted");
	tickets_issue(l->board, used, l->config->message_limit);
	if (!tickets_are_spent(l->board))
		atomic_store(&l->board->limit_reached, 0);
	return STAY;
}
