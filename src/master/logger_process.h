/* SPDX-License-Identifier: MIT */
/*
 * Keeps one logger alive, and never two.  Called by the master only.
 *
 * Rotation, reopening, reload and sudden death are one path: the logger
 * ends, its exit status (logger_exit.h) says what has to be done, the master
 * does it and forks the next logger.  Meanwhile records wait in the pipes.
 */
#ifndef ECHO_LOGD_LOGGER_PROCESS_H
#define ECHO_LOGD_LOGGER_PROCESS_H

#include "master/service.h"

/*
 * At a start, after the log file is open: forks the first logger.  If that
 * fails, it is logged and a timer retries.  Returns 0, or -errno if the timer
 * cannot be made.
 */
int logger_process_start(struct service *s);

/* Gives the logger ORDER.  If no logger lives, or it dies first, the next one obeys. */
void logger_process_order(struct service *s, enum logger_order order);

/*
 * Called every second while anything changes.  Kills a logger that has not
 * responded for logger_timeout while records or workers wait for it.  Never
 * kills one that writes to stdout, whose reader may be slow.  Returns whether
 * records or workers wait.
 */
bool logger_process_watch(struct service *s);

/*
 * If PID is the logger, which ended with WAIT_STATUS of waitpid(2): starts
 * the next one, now or after a pause; or ends the event loop with the exit
 * status if the service is finished or cannot continue.  Returns whether PID
 * was the logger.
 */
bool logger_process_reaped(struct service *s, pid_t pid, int wait_status);

#endif
