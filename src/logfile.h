/* SPDX-License-Identifier: MIT */
/*
 * The message log as a file: opening and locking it, what a found file
 * holds, rotated names, retention.
 *
 * The master calls everything here but logfile_check() and
 * logfile_count_messages(), which are the logger's.  Only the logger ever
 * writes to the file; its descriptor, and with it the file offset, is
 * shared by all loggers (open(2), "open file description").
 */
#ifndef ECHO_LOGD_LOGFILE_H
#define ECHO_LOGD_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "scoreboard.h"

/* What the name of a rotated file has beyond the log's: ".20261122T210405.123456Z". */
#define LOGFILE_SUFFIX_LEN 24

/*
 * Opens PATH for reading and writing, created with exactly MODE where there
 * is none, and locks it against a second service.  The offset is at its
 * end.  O_APPEND is not used: splice(2) refuses it.
 * Returns a descriptor or -errno; -EBUSY when another open description
 * holds the lock; when PATH is not a regular file -ENOTSUP, or open(2)'s own
 * -EISDIR or -ENXIO.
 */
int logfile_open(const char *path, mode_t mode);

/* Unlocks and closes: systemd may hold a copy of the descriptor, and with it the lock. */
void logfile_close(int fd);

/* What a file held when it was opened. */
struct logfile_contents {
	bool is_empty;
	bool is_other_format;		/* its first line is not FORMAT's */
	uint64_t torn_bytes;		/* after the last newline; always 0 under FORMAT_RAW */
	uint64_t last_id;		/* highest connection id near the end, or 0 */
};

/* Looks at the beginning and the end of the file.  Returns 0 or -errno. */
int logfile_examine(int fd, enum log_format format, struct logfile_contents *ret);

enum logfile_state {
	LOGFILE_SAME,
	LOGFILE_MOVED,		/* PATH is another file now, or none */
	LOGFILE_DELETED,	/* no name leads to the file any more */
	LOGFILE_TRUNCATED,		/* it is shorter than OFFSET: truncated by somebody */
};

/* Whether FD is still the file at PATH and at least OFFSET bytes long. */
enum logfile_state logfile_check(int fd, const char *path, uint64_t offset_bytes);

/*
 * Adds to *COUNT the whole `message` records from its offset to END_BYTES
 * (a record boundary), and moves its offset there; or part of the way, so
 * that the caller, who calls again, can show that it is alive.  FORMAT_RAW
 * counts none.  Returns 0 or -errno.
 */
int logfile_count_messages(int fd, enum log_format format, uint64_t end_bytes,
			   struct message_count *count);

/* Writes "PATH.20261122T210405.123456Z" for TIME_USEC. */
void logfile_name_aside(const char *path, uint64_t time_usec, char ret_name[PATH_MAX]);

/*
 * Renames PATH to PATH.<UTC now>, never over another file.  Returns 0 with
 * the new name in RET_NAME, or -errno.
 */
int logfile_set_aside(const char *path, char ret_name[PATH_MAX]);

/*
 * Deletes the oldest files that logfile_set_aside() named after PATH, until
 * KEEP are left.  No other file is touched.  Returns how many were deleted,
 * or -errno.
 */
int logfile_prune(const char *path, unsigned keep);

#endif
