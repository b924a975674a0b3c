/* SPDX-License-Identifier: MIT */
/*
 * Detects that the log is stalled: no byte was written for some time.  Called
 * by any process that waits for the log: a worker for its write or receipt,
 * the master at a stop.  The caller decides what to do then.  Pure except for
 * the clock.
 */
#ifndef ECHO_LOGD_STALL_H
#define ECHO_LOGD_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/scoreboard.h"

/* A text for messages: what happens to clients while the log cannot be written. */
const char *stall_consequence(enum stall_action when_stalled);

/*
 * The watch of one waiting process.  The log is stalled if moved_bytes in the
 * scoreboard has not grown for timeout_usec.
 */
struct stall_watch {
	const struct scoreboard *board;
	uint64_t timeout_usec;
	uint64_t moved_bytes;
	uint64_t since_usec;	/* when moved_bytes grew last; 0: the process does not wait */
	uint64_t looked_usec;	/* time of the last call */
};

void stall_watch_init(struct stall_watch *watch, const struct scoreboard *board,
		      uint64_t timeout_usec);

/*
 * Call it repeatedly during a wait; the first call starts the timeout.
 * Returns whether the log is stalled.  If more than a second passes between
 * two calls, only one second counts.
 */
bool stall_watch_is_stalled(struct stall_watch *watch);

/* Ends the wait: the next call of stall_watch_is_stalled() starts the timeout again. */
void stall_watch_reset(struct stall_watch *watch);

#endif
