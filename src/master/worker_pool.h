/* SPDX-License-Identifier: MIT */
/*
 * Keeps the number of workers that spare_workers.h computes, each in a slot of
 * the scoreboard.  Logs when one was killed; the next worker in that slot then
 * writes `close killed` to the message log.  Called by the master only.
 */
#ifndef ECHO_LOGD_WORKER_POOL_H
#define ECHO_LOGD_WORKER_POOL_H

#include "master/service.h"

/* Called once, after the scoreboard and the event loop are made.  Returns 0 or -errno. */
int worker_pool_init(struct service *s);

/*
 * Forks workers if too few are idle, and one in each slot of a killed worker,
 * to write the last record of its connection.  While the service stops, forks
 * only the latter.  If a fork fails, notes a shortage (shortage.h) and
 * retries by a timer.
 */
void worker_pool_fill(struct service *s);

/* Tells surplus idle workers to leave.  Returns whether there were any. */
bool worker_pool_shrink(struct service *s);

/* Sends the signal SIGNO to every worker. */
void worker_pool_signal(struct service *s, int signo);

/*
 * If PID is a worker, which ended with WAIT_STATUS of waitpid(2): frees its
 * slot.  The caller must then call worker_pool_fill().  Returns whether PID
 * was a worker.
 */
bool worker_pool_reaped(struct service *s, pid_t pid, int wait_status);

/* Whether a worker lives that was forked under echo_after = synced. */
bool worker_pool_promises_synced(const struct service *s);

/* Whether no worker is left, and none is needed to write a killed worker's last record. */
bool worker_pool_is_gone(struct service *s);

#endif
