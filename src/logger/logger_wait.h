/* SPDX-License-Identifier: MIT */
/*
 * Every wait of the logger, and the report of a stall: the log, or what the
 * logger needs for it, fails for now and is tried again.  Called by the
 * logger only.
 *
 * Whatever the logger waits for, an order of the master (SIGUSR1) and its
 * own bell end the wait; only a reader of stdout is waited for without
 * them, and not for long.  The master ends a logger whose beat stands
 * still, so each wait that may be repeated for long lets it go on.
 *
 * A stall does not keep the logger at its file: if log.path leads elsewhere,
 * or the master wants the log opened again, the logger leaves, also in the
 * middle of a record (ipc/half_record.h).  What it has not written belongs to
 * the next file.
 */
#ifndef ECHO_LOGD_LOGGER_WAIT_H
#define ECHO_LOGD_LOGGER_WAIT_H

#include "logger/logger_state.h"

/*
 * Waits until FD is readable (-1: none), the bell is rung or SIGUSR1 comes,
 * or NSEC are over: less than a second, or -1 for no limit.
 */
void logger_wait(const struct logger *l, int fd, long nsec);

/*
 * A stall: ERROR says why the log cannot be written now.  Puts it in the
 * scoreboard, reports it once to the journal, and waits until it is time to
 * try again.  logger_end_stall() ends the stall.  Returns STAY; or
 * LOGGER_MOVED or LOGGER_REOPEN: then the logger must not try again, but
 * leave, and sync before that what it has written.
 */
int logger_wait_stalled(struct logger *l, int error);

/* The log can be written.  If it could not, reports that this is over. */
void logger_end_stall(struct logger *l);

/*
 * The pipe behind stdout is full: waits for its reader.  That is no stall.
 * A reader that is gone ends the wait, and the next write fails.
 */
void logger_wait_for_reader(struct logger *l);

/* Whether log.keep_free will be left on the file system after N bytes more. */
bool logger_has_room(const struct logger *l, size_t n);

#endif
