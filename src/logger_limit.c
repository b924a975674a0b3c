/* SPDX-License-Identifier: MIT */
#include "logger_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crash_point.h"
#include "journal.h"
#include "logfile.h"
#include "parse.h"
#include "pipe.h"
#include "tickets.h"

/* How much of a batch is looked at at once for the messages in it. */
#define LOOK_BYTES ((size_t)64 * 1024)

bool logger_rotates_at_limit(const struct logger *l)
{
	return l->config->message_limit > 0 && l->config->at_message_limit == LIMIT_ROTATE;
}

bool logger_stops_at_limit(const struct logger *l)
{
	return l->config->message_limit > 0 && l->config->at_message_limit == LIMIT_STOP;
}

void logger_publish_count(struct logger *l)
{
	uint32_t next = !atomic_load(&l->board->count_index);

	/* Two places: whoever is killed between the two stores leaves the old pair whole. */
	l->board->count[next] = l->count;
	crash_point("logger-count-written");
	atomic_store(&l->board->count_index, next);
}

/* Shows between the pieces of a large file that it lives, and whoever is killed has not counted in vain. */
static int count_file(struct logger *l)
{
	for (;;) {
		int r = logfile_count_messages(l->fds->log_file, l->config->format,
					       l->offset_bytes, &l->count);

		if (r < 0)
			return r;
		logger_publish_count(l);
		if (l->count.offset_bytes >= l->offset_bytes)
			return 0;
		cell_add(&l->board->logger_beat, 1);
	}
}

/* As large as the log pipe, or the copy of a batch would be cut short. */
static int open_look_pipe(struct logger *l)
{
	return pipe_open(pipe_capacity(l->fds->log_read), &l->look_read, &l->look_write);
}

int logger_prepare_counting(struct logger *l)
{
	int r;

	if (!logger_rotates_at_limit(l))
		return 0;
	r = count_file(l);
	if (r < 0)
		return r;
	if (l->look_read < 0)
		r = open_look_pipe(l);
	if (r < 0)
		return r;
	/* Beside what is read at once, the beginning of a record that is not complete yet. */
	l->look_buffer = malloc(LOOK_BYTES + RECORD_MAX);
	return l->look_buffer ? 0 : -ENOMEM;
}

/* tee(2) makes a copy of the batch and leaves the log pipe as it is. */
ssize_t logger_cut_at_limit(struct logger *l, size_t n)
{
	uint64_t wanted = l->config->message_limit - l->count.messages, seen = 0;
	size_t kept = 0, passed, cut = 0;
	ssize_t copied = tee(l->fds->log_read, l->look_write, n, SPLICE_F_NONBLOCK), left, got;

	if (copied < 0)
		return -errno;
	for (left = copied; left > 0; left -= got) {
		got = read(l->look_read, l->look_buffer + kept, LOOK_BYTES);
		if (got < 0)
			return -errno;
		/* The rest of the copy is only taken out of the way. */
		if (seen == wanted)
			continue;
		seen += parse_count_messages(l->config->format, l->look_buffer,
					     kept + (size_t)got, wanted - seen, &passed);
		cut += passed;
		kept = seen == wanted ? 0 : kept + (size_t)got - passed;
		memmove(l->look_buffer, l->look_buffer + passed, kept);
	}
	l->count.messages += seen;
	return (ssize_t)cut;
}

/* How many messages the file holds, by whatever can know it. */
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
	*ret = l->count.messages;
	return 0;
}

bool logger_minds_tickets(const struct logger *l)
{
	if (!logger_stops_at_limit(l))
		return false;
	return tickets_are_closed(l->board) ||
	       (tickets_are_spent(l->board) && !atomic_load(&l->board->limit_reached));
}

int logger_settle_tickets(struct logger *l)
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
	r = count_saved(l, &used);
	if (r < 0) {
		logger_wait_out(l, -r);
		return STAY;
	}
	logger_set_stalled(l, 0);
	crash_point("logger-tickets-counted");
	tickets_issue(l->board, used, l->config->message_limit);
	if (!tickets_are_spent(l->board))
		atomic_store(&l->board->limit_reached, 0);
	return STAY;
}
