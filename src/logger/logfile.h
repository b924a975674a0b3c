/* SPDX-License-Identifier: MIT */
/*
 * The message log as a file: opening and locking it, what it holds when it
 * is opened, whether it is still the log.  logfile_rotated.h has what becomes
 * of it later.
 *
 * The logger calls logfile_check() and logfile_count_messages(), the master
 * everything else.  Nothing here writes to the file.  Only the logger does,
 * and all loggers share one open file description (open(2)), and with it the
 * file offset.
 */
#ifndef ECHO_LOGD_LOGFILE_H
#define ECHO_LOGD_LOGFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/log_format.h"
#include "ipc/scoreboard.h"

/*
 * Where PATH leads: follows symbolic links at its end, also to a file that
 * does not exist yet.  Returns 0, -ELOOP or -ENAMETOOLONG.
 */
int logfile_resolve(const char *path, char ret_real[PATH_MAX]);

/*
 * Opens PATH for reading and writing, and locks it against a second service.
 * If there is no such file, makes it where PATH leads, with MODE, whatever the
 * umask.  If the file system refuses to set that mode, the file has another,
 * see logfile_has_mode().  The offset is at the end of the file.  O_APPEND is
 * not used: splice(2) refuses it.
 * Returns a descriptor, which is the caller's to close with logfile_close();
 * or -errno: -EBUSY when another open file description holds the lock;
 * -ENOTSUP, or -EISDIR or -ENXIO of open(2), when PATH is not a regular file.
 */
int logfile_open(const char *path, mode_t mode);

/* Whether the permissions of FD are exactly MODE. */
bool logfile_has_mode(int fd, mode_t mode);

/* Unlocks, then closes: systemd may hold a copy of the descriptor, which would keep the lock. */
void logfile_close(int fd);

/* What a file holds when it is opened. */
struct logfile_contents {
	bool is_empty;
	bool is_other_format;		/* its first line is not a record of FORMAT */
	uint64_t torn_bytes;		/* after the last newline; always 0 under FORMAT_RAW */
	uint64_t last_id;		/* highest connection id near the end, or 0 */
};

/* Looks at the beginning and the end of the file.  Returns 0 or -errno. */
int logfile_examine(int fd, enum log_format format, struct logfile_contents *ret);

enum logfile_state {
	LOGFILE_SAME,
	LOGFILE_MOVED,		/* PATH leads to another file now, or to none */
	LOGFILE_DELETED,	/* the file has no name any more */
	LOGFILE_TRUNCATED,	/* it is shorter than OFFSET_BYTES */
};

/* Whether FD is still the file at PATH, and at least OFFSET_BYTES long. */
enum logfile_state logfile_check(int fd, const char *path, uint64_t offset_bytes);

/*
 * Counts what is between the offset in *COUNT and END_BYTES, where a record
 * ends: adds them to *COUNT and moves its offset to END_BYTES.  In
 * a large file it moves only part of the way; the caller calls again, and
 * can show in between that it is alive.  FORMAT_RAW counts none.
 * Returns 0 or -errno.
 */
int logfile_count_messages(int fd, enum log_format format, uint64_t end_bytes,
			   struct message_count *count);

#endif
