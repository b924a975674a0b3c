/* SPDX-License-Identifier: MIT */
/*
 * The master's side of the workers: as many as spare.h says, each in a slot
 * of the scoreboard; noted when they end, with the name of the client that
 * a killed one leaves behind.
 */
#ifndef ECHO_LOGD_SUPERVISE_WORKERS_H
#define ECHO_LOGD_SUPERVISE_WORKERS_H

#include "service.h"

/* After the scoreboard and the event loop are made.  Returns 0 or -errno. */
int workers_init(struct service *s);

/*
 * Forks workers where there are too few idle ones.  While the service stops
 * only those that have to write what a killed worker could not.
 */
void workers_fill(struct service *s);

/* Asks idle workers that are too many to leave.  Returns whether there were some. */
bool workers_shrink(struct service *s);

/* Sends SIGNO to every worker. */
void workers_signal(struct service *s, int signo);

/*
 * If PID is a worker: frees its slot.  Returns whether it was.  The caller
 * fills up afterwards.
 */
bool workers_reaped(struct service *s, pid_t pid, int wait_status);

/* Whether no worker is left, and none is needed to write the end of a killed one's connection. */
bool workers_all_gone(struct service *s);

#endif
