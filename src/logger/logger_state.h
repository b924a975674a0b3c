/* SPDX-License-Identifier: MIT */
/*
 * What the files of the logger share: one struct, and what each step
 * returns.  Only the logger has a struct logger, and only the files whose
 * names begin with logger_ include this.
 */
#ifndef ECHO_LOGD_LOGGER_STATE_H
#define ECHO_LOGD_LOGGER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "format/record.h"
#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"
#include "logger/logger_exit.h"

/* A step of the logger returns STAY, or the enum logger_exit with which it is time to leave. */
#define STAY (-1)

struct logger {
	const struct config *config;
	const struct descriptors *fds;
	struct scoreboard *board;
	pid_t master_pid;
	bool is_orphan;			/* the master is dead: nobody would fork another logger */
	bool saw_reopen;		/* ORDER_REOPEN: leaves once the pipe is moved */

	/* The log. */
	bool is_stream;			/* it is stdout: has no name, its contents are not ours */
	uint64_t offset_bytes;		/* of the file; all before it is written */
	uint64_t synced_bytes;		/* all before it is on disk */

	struct record_style style;	/* logger_pending */
	struct message_count count;	/* logger_limit: of what is before offset_bytes */
	int peek_read, peek_write;	/* logger_limit: a pipe for copies of batches, or -1 */
	char *peek_buffer;		/* logger_limit */
	bool must_copy;			/* logger_copy: the log does not support splice(2) */
	int copy_read, copy_write;	/* logger_copy: a pipe, -1 until it is needed */
	bool was_truncated;		/* logger_truncation: follows the file to its new end */
	size_t large_batch_bytes;	/* logger_idle: after so many bytes it does not wait */
	long nap_nsec;			/* logger_idle: the next nap */
	unsigned empty_naps;		/* logger_idle: in a row, in which nothing came */
};

/*
 * What counts for the limit under rotate.  A connection without a message counts as one, or
 * clients that send nothing could fill the disk.
 */
static inline uint64_t logger_counted(const struct logger *l)
{
	return l->count.has.messages + l->count.has.empty_connections;
}

/* A file that has its messages is set aside, and a new one begins. */
static inline bool logger_rotates_at_limit(const struct logger *l)
{
	return config_rotates_at_limit(l->config);
}

/* Messages beyond the limit are not logged: workers take tickets for those that are. */
static inline bool logger_stops_at_limit(const struct logger *l)
{
	return config_stops_at_limit(l->config);
}

#endif
