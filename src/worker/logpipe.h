/* SPDX-License-Identifier: MIT */
/*
 * Writes records to the log pipe.  Every record arrives complete, even if
 * other workers write at the same time or a process is killed.  Called by
 * workers only.
 *
 * A write of at most PIPE_BUF bytes is atomic (pipe(7)).  A longer write can
 * be interrupted by other writers, but Linux interrupts it only where a page
 * of the pipe is full (fs/pipe.c, pipe_write()).  A write of a multiple of
 * RECORD_MAX bytes begins in a new page, so it can be cut only at a multiple
 * of RECORD_MAX.  tests/unit/test_kernel.c checks this on the running kernel.
 *
 * A worker waits in a plain blocking write(2): with 500 waiting writers this
 * moves three times as many bytes as poll(2), and no writer starves.  If
 * when_stalled is drop or close, the worker must not wait without limit: it
 * first tries a nonblocking write, and then waits with an alarm; if the alarm
 * is refused, it waits in poll(2).  For the nonblocking write it opens its own
 * file description, since O_NONBLOCK on the inherited one would affect all
 * processes.
 */
#ifndef ECHO_LOGD_LOGPIPE_H
#define ECHO_LOGD_LOGPIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "ipc/scoreboard.h"
#include "ipc/stall.h"

struct logpipe {
	int shared_fd;		/* inherited from the master; blocking */
	int own_fd;		/* O_NONBLOCK; -1 if the wait is not limited */
	struct stall_watch watch;
};

/*
 * Prepares PIPE for WRITE_FD, the write end of the log pipe, which stays the
 * caller's.  Returns 0, or the -errno of opening the nonblocking description,
 * which is not needed if when_stalled = block.  Otherwise it also sets the
 * handler of SIGALRM.
 */
int logpipe_init(struct logpipe *pipe, const struct config *config,
		 const struct scoreboard *board, int write_fd);

/*
 * Writes the LEN bytes of DATA: pages of whole records, each RECORD_MAX bytes;
 * the last page may be shorter.  Unless when_stalled = block, DATA must be a
 * single page.  Returns 0; -ETIMEDOUT if the log is stalled, MAY_WAIT is false
 * and when_stalled is not block, and then nothing was written; or the -errno
 * of write(2).
 */
int logpipe_write(struct logpipe *pipe, const char *data, size_t len, bool may_wait);

#endif
