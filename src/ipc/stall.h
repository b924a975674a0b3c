/* SPDX-License-Identifier: MIT */
/*
 * A log that cannot be written: for how long, and what that means for clients.
 * Any process; pure but for the clock.  What is done about it is decided by
 * whoever waits: a worker for its write or its receipt, the master at a stop.
 */
#ifndef ECHO_LOGD_STALL_H
#define ECHO_LOGD_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "ipc/scoreboard.h"

/* In words, for a message: what happens to clients while the log cannot be written. */
const char *stall_consequence(enum stall_action when_stalled);

/*
 * One waiting process's view of the log.  It is stalled if moved_bytes has not grown for
 * the timeout.
 */
struct stall_watch {
	const struct scoreboard *board;
	uint64_t timeout_usec;
	uint64_t moved_bytes;
	uint64_t since_usec;	/* moved_bytes has not grown since then; 0: nobody waits */
	uint64_t looked_usec;	/* last */
};

void stall_watch_init(struct stall_watch *watch, const struct scoreboard *board,
		      uint64_t timeout_usec);

/*
 * The caller waits for the log.  Returns whether no byte has moved for the
 * whole timeout; between two calls no more than a second counts.
 */
bool stall_watch_is_stalled(struct stall_watch *watch);

/* The caller waits no longer. */
void stall_watch_reset(struct stall_watch *watch);

#endif
