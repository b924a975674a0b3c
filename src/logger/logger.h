/* SPDX-License-Identifier: MIT */
/*
 * ROLE: the logger.  Moves records from the log pipe to the message log.
 *
 * Bytes do not pass through its memory: splice(2) moves them from the log
 * pipe to the stage pipe and from there to the file (logger_copy.h has the
 * exception).  So at every instant a byte is in exactly one of the three,
 * whichever process is killed.  There are two pipes because splice to a file
 * holds the lock of its source pipe for as long as the disk takes: every
 * worker would wait for that lock.
 *
 * It relies on what the manual pages do not promise, the behaviour of
 * fs/pipe.c and fs/splice.c in the kernel:
 * - FIONREAD of a pipe counts whole writes, or whole pages of a long one.
 *   Each write is whole records, so that many bytes end at the end of a record.
 * - A write(2) of at most PIPE_BUF bytes is there wholly or not at all, also
 *   when its process is killed.  A longer one of whole pages is cut only
 *   between pages.
 * - splice(2) takes out of the pipe exactly what it put into the target.
 * tests/unit/test_kernel.c holds the running kernel to each.
 *
 * It ignores every signal that ends processes.  It leaves when both pipes
 * are empty and either the master says that all workers are gone, or the log
 * pipe has no writer left.  It also leaves between two records, with a
 * status that says what the master has to do before the next logger
 * (logger_exit.h).  An orphan stays: its file is the last.  SIGUSR1 wakes
 * the logger to look at the scoreboard.
 *
 * Its files; each uses only files further down:
 *   logger             rounds: when to move, to sync, to give receipts, to leave
 *   logger_idle        how long it waits between two rounds
 *   logger_limit       message_limit: counting, where a file ends, tickets
 *   logger_pending     the records that it writes itself
 *   logger_move        from the log pipe to the stage, from the stage to the log
 *   logger_copy        into a log that does not support splice(2)
 *   logger_truncation  a file that another program truncates
 *   logger_wait        every wait, stalls, log.keep_free
 *   logger_state.h     what these share
 * logfile is the log as a file, which the master uses too; logfile_rotated has
 * the names and the deletion of rotated files.
 */
#ifndef ECHO_LOGD_LOGGER_H
#define ECHO_LOGD_LOGGER_H

#include "config/config.h"
#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"
#include "logger/logger_exit.h"

/*
 * Runs in the child that child_fork() made until it is time to leave.
 * Returns an enum logger_exit.  On every status but LOGGER_CANNOT_GO_ON and
 * LOGGER_NO_MEMORY the stage pipe is empty and the file ends with a whole
 * record.  The exception is a logger that leaves while it is stalled, with
 * LOGGER_MOVED, LOGGER_REOPEN or, if its last sync fails, LOGGER_SYNC_FAILED:
 * the stage may hold records, and the file the beginning of the first.
 */
int logger_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board, pid_t master_pid);

#endif
