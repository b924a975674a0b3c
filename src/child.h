/* SPDX-License-Identifier: MIT */
/*
 * Making children: the only fork(2) of the daemon, and who may hold which
 * descriptor after it.  Called by the master only.
 */
#ifndef ECHO_LOGD_CHILD_H
#define ECHO_LOGD_CHILD_H

#include <sys/types.h>

#include "listener.h"

enum child_kind { CHILD_WORKER, CHILD_LOGGER };

/* Everything that the master hands to its children, each -1 where there is none. */
struct descriptors {
	int log_read, log_write;	/* the log pipe: workers to logger */
	int stage_read, stage_write;	/* the stage pipe: logger to itself */
	int log_file;
	int doorbell;			/* eventfd: "look at the scoreboard", to the master */
	int logger_bell;		/* eventfd: "somebody waits for a receipt", to the logger */
	struct listeners listeners;
};

/* A struct descriptors that holds nothing. */
#define NO_DESCRIPTORS                                                                            \
	{.log_read = -1, .log_write = -1, .stage_read = -1, .stage_write = -1, .log_file = -1,    \
	 .doorbell = -1, .logger_bell = -1}

/*
 * Forks a child of KIND.  Returns its pid in the master; 0 in the child; or
 * -errno (-EAGAIN: limit of processes).  In the child every descriptor that
 * the kind does not hold is closed, -1 in *HELD, and all signals are still
 * blocked, each with its default action but those ignored everywhere.  The
 * child calls no library but libc (withhold.h) and leaves by _exit(2).
 */
pid_t child_fork(enum child_kind kind, struct descriptors *held);

#endif
