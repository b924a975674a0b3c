/* SPDX-License-Identifier: MIT */
/*
 * The worker's end of the log pipe: whole records, whoever else writes and
 * whenever a process is killed.  Called by workers only.
 *
 * A write of at most PIPE_BUF bytes is all or nothing (pipe(7)).  One of
 * several times RECORD_MAX bytes is not, but Linux cuts it only where a page
 * of the pipe is full (fs/pipe.c, pipe_write()): such a write never joins
 * the page that another began, so the cut is at a multiple of RECORD_MAX.
 * tests/unit/test_kernel.c holds that against the running kernel.
 *
 * Waiting is a plain blocking write: 500 writers that wait so move three
 * times as much as with poll(2), and none starves.  Whoever must not wait
 * for ever tries first on a description of its own (O_NONBLOCK belongs to
 * the description, and the pipe's is everybody's), and then waits with an
 * alarm.
 */
#ifndef ECHO_LOGD_LOGPIPE_H
#define ECHO_LOGD_LOGPIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "ipc/scoreboard.h"
#include "ipc/stall.h"

struct logpipe {
	int shared_fd;		/* borrowed */
	int own_fd;		/* O_NONBLOCK; -1 when waiting is not limited */
	struct stall_watch watch;
};

/*
 * WRITE_FD is the pipe's write end.  Returns 0, or the -errno of opening a
 * description of our own (only unless when_stalled = block).
 */
int logpipe_init(struct logpipe *pipe, const struct config *config,
		 const struct scoreboard *board, int write_fd);

/*
 * Writes LEN bytes: pages of RECORD_MAX bytes of whole records, of which the last
 * may be shorter; one page only unless when_stalled = block.  Returns 0;
 * -ETIMEDOUT when the log is stalled, MAY_WAIT is false and when_stalled is
 * not block: then nothing was written; or -errno.
 */
int logpipe_write(struct logpipe *pipe, const char *data, size_t len, bool may_wait);

#endif
