/* SPDX-License-Identifier: MIT */
/*
 * The master's side of the workers: as many as spare.h says, each in a slot
 * of the scoreboard; noted when they end, with the name of the client that
 * a killed one leaves behind.
 */
#ifndef ECHO_LOGD_WORKER_POOL_H
#define ECHO_LOGD_WORKER_POOL_H

#include "master/service.h"

/* After the scoreboard and the event loop are made.  Returns 0 or -errno. */
int worker_pool_init(struct service *s);

/*
 * Forks workers where there are too few idle ones.  While the service stops
 * only those that have to write what a killed worker could not.
 */
void worker_pool_fill(struct service *s);

/* Asks idle workers that are too many to leave.  Returns whether there were some. */
bool worker_pool_shrink(struct service *s);

/* Sends SIGNO to every worker. */
void worker_pool_signal(struct service *s, int signo);

/*
 * If PID is a worker: frees its slot.  Returns whether it was.  The caller
 * fills up afterwards.
 */
bool worker_pool_reaped(struct service *s, pid_t pid, int wait_status);

/* Whether no worker is left, and none is needed to write the end of a killed one's connection. */
bool worker_pool_is_gone(struct service *s);

#endif
