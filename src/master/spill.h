/* SPDX-License-Identifier: MIT */
/*
 * Where records go when the log cannot take them and the service must
 * leave: a file of its own in the state directory.  It is a log file like
 * any other, and never merged back, so nothing can be doubled.
 *
 * A spill in the making is in the fd store, so that a master that is killed
 * in the middle of it is followed by one that goes on at the same byte: the
 * beginning of a record may be in the file and its rest in the stage pipe.
 *
 * Master only, while no logger lives.
 */
#ifndef ECHO_LOGD_SPILL_H
#define ECHO_LOGD_SPILL_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/descriptors.h"

struct spill {
	int fd;			/* -1: not open */
	char path[PATH_MAX];
	uint64_t bytes;		/* in the file */
};

/*
 * Makes messages.log.<time>.spill in $STATE_DIRECTORY or the configured
 * one.  If the log file ends with the beginning of a record whose rest is
 * in the stage pipe, that beginning moves over.  FORMAT is that of the
 * records in the pipes.  Returns 0 or -errno.
 */
int spill_open(struct spill *spill, const struct descriptors *fds, enum log_format format);

/* Goes on with the spill that was in the fd store as SPILL->fd.  Returns 0 or -errno. */
int spill_resume(struct spill *spill, const struct descriptors *fds, enum log_format format);

/* Moves what is in the pipes.  Returns 0 or -errno; then it can be tried again. */
int spill_move(struct spill *spill, const struct descriptors *fds);

/* Puts the file and its name on disk; an empty file is deleted.  Returns 0 or -errno. */
int spill_close(struct spill *spill);

/* Bytes in both pipes. */
size_t spill_left(const struct descriptors *fds);

/* How many spill files there are; the newest is named in RET_PATH. */
unsigned spill_count(char ret_path[PATH_MAX]);

#endif
