/* SPDX-License-Identifier: MIT */
/*
 * ROLE: a worker.  Serves one client from accept to close, then the next.
 *
 * Log first, then echo: a byte is sent back only after the record that
 * holds it is in the log pipe.
 *
 * Signals: SIGHUP leaves when idle, which is at once or after the client it
 * serves.  SIGTERM finishes the message in hand and leaves; the master
 * repeats it until the worker is gone.
 */
#ifndef ECHO_LOGD_WORKER_H
#define ECHO_LOGD_WORKER_H

#include "config/config.h"
#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"

/* Beside 0, which is a worker that was asked to leave or has served its number of clients. */
enum worker_exit { WORKER_CANNOT_GO_ON = 4 };

/*
 * Runs in the child that child_fork() made, on slot SLOT_INDEX, until it is
 * time to leave.  Returns the exit status.
 */
int worker_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board, unsigned slot_index);

#endif
