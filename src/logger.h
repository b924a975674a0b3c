/* SPDX-License-Identifier: MIT */
/*
 * ROLE: the logger.  Moves records from the log pipe to the message log.
 *
 * Bytes never pass through its memory: splice(2) takes them from the log
 * pipe to the stage pipe and from there to the file, so at every instant a
 * byte is in exactly one of the three, whoever is killed.  Two pipes,
 * because splice to a file holds its source pipe's lock for as long as the
 * disk takes, and every worker would wait for it.
 *
 * What this relies on beyond manual pages, kernel behaviour of fs/pipe.c
 * and fs/splice.c:
 * - FIONREAD of a pipe counts whole writes, or whole pages of a long one, so moving that many bytes ends
 *   at a record boundary (each write is whole records);
 * - a write(2) of at most PIPE_BUF bytes is there wholly or not at all,
 *   also when its process is killed, and a longer one of whole pages is cut
 *   only between pages;
 * - splice(2) takes out of the pipe exactly what it put into the target.
 * tests/unit/test_kernel.c holds the running kernel to each.
 *
 * It ignores every signal that ends processes: it leaves when the master
 * says that all workers are gone, or when the log pipe has no writer left,
 * and both pipes are empty; or between two records, with a status that says
 * what the master has to do before the next logger.  An orphan stays: its
 * file is the last.  SIGUSR1 wakes it to look at the scoreboard.
 */
#ifndef ECHO_LOGD_LOGGER_H
#define ECHO_LOGD_LOGGER_H

#include "descriptors.h"
#include "config.h"
#include "logger_exit.h"
#include "scoreboard.h"

/*
 * Runs in the child that child_fork() made until it is time to leave.
 * Returns an enum logger_exit.  On every status but LOGGER_CANNOT_GO_ON and
 * LOGGER_NO_MEMORY the stage pipe is empty and the file ends with a whole record.
 */
int logger_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board, pid_t master_pid);

#endif
