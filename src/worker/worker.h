/* SPDX-License-Identifier: MIT */
/*
 * The worker role.  A worker serves one client at a time, from accept to
 * close.
 *
 * It echoes a byte only after the record with this byte is in the log pipe.
 *
 * Signals: after SIGHUP the worker exits when it is idle: at once, or after
 * the current client.  After SIGTERM it finishes the current message and
 * exits; the master repeats SIGTERM until the worker has exited.
 *
 * Model: doc/model/doorbell.pml.
 */
#ifndef ECHO_LOGD_WORKER_H
#define ECHO_LOGD_WORKER_H

#include "base/title.h"
#include "config/config.h"
#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"

/* The status is 0 if the worker was told to exit or has served clients_per_worker clients. */
enum worker_exit {
	WORKER_CANNOT_GO_ON = 4,	/* it failed */
	WORKER_STOPPED_IDLE = 5,	/* by SIGTERM; a client that woke it still waits */
};

/* Where the title of the process is: in the first memory page that every worker writes to. */
struct title *worker_title(void);

/*
 * Runs a worker in the slot SLOT_INDEX, in a child that child_fork() created.
 * Returns the exit status of the process; after a failure, the shortage is
 * recorded (shortage.h).
 */
int worker_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board, unsigned slot_index);

#endif
