/* SPDX-License-Identifier: MIT */
/*
 * The spill: a file in the state directory for records that the log could not
 * take before the service ends.  It is a log file like any other.  It is never
 * merged back into the log, so no record is duplicated.
 *
 * systemd stores the unfinished spill (fdstore.h).  If the master is killed,
 * the next one continues at the same byte, because the beginning of a record
 * may be in the file and its rest in the stage pipe.
 *
 * Called by the master only, while no logger lives; logs nothing.
 * spill_left() and spill_count() may be called at any time.
 */
#ifndef ECHO_LOGD_SPILL_H
#define ECHO_LOGD_SPILL_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"

struct spill {
	int fd;			/* -1: not open */
	char path[PATH_MAX];
	uint64_t bytes;		/* in the file */
};

/*
 * Makes messages.log.<time>.spill in $STATE_DIRECTORY, or without it in the
 * directory that ./configure was given.  If the log file ends with the
 * beginning of a record whose rest is in the stage pipe, or BOARD holds one
 * (half_record.h), moves that beginning to the spill.  BOARD is NULL if there
 * is none of this version.  FORMAT is that of the records in the pipes.  Returns 0 or
 * -errno (-ENAMETOOLONG: the path is too long).  After an error SPILL->fd may
 * be open; then spill_resume() can retry.
 */
int spill_open(struct spill *spill, const struct descriptors *fds, struct scoreboard *board,
	       enum log_format format);

/* Continues the unfinished spill SPILL->fd and sets its path.  Returns 0 or -errno. */
int spill_resume(struct spill *spill, const struct descriptors *fds, struct scoreboard *board,
		 enum log_format format);

/* Moves all bytes in the pipes to the spill.  Returns 0, or -errno; then a retry continues. */
int spill_move(struct spill *spill, const struct descriptors *fds);

/*
 * Syncs the file and its directory, removes the spill from systemd's store,
 * and closes it.  An empty file is deleted.  Returns 0, or -errno with the
 * spill still open.
 */
int spill_close(struct spill *spill);

/* Bytes in both pipes. */
size_t spill_left(const struct descriptors *fds);

/* Returns the number of spill files.  RET_PATH is set to the newest, if there is one. */
unsigned spill_count(char ret_path[PATH_MAX]);

#endif
