/* SPDX-License-Identifier: MIT */
/*
 * The master's side of the logger: keeps one alive, never two.
 *
 * Rotation, reopening, reload and death are one path: the logger ends, its
 * exit status says why, the master does to the file what that asks for and
 * forks the next.  Meanwhile records wait in the pipes.
 */
#ifndef ECHO_LOGD_LOGGER_PROCESS_H
#define ECHO_LOGD_LOGGER_PROCESS_H

#include "master/service.h"

/*
 * At start, with a log file open: forks the first logger, or does so as soon
 * as it can.  Returns 0, or -errno when not even that can be arranged.
 */
int logger_process_start(struct service *s);

/* Tells the logger what to do; it is enough to say it once, whichever logger lives. */
void logger_process_order(struct service *s, enum logger_order order);

/*
 * Called every second while anything moves: ends a logger that shows no
 * sign of life for logger_timeout while records, or clients for a receipt,
 * wait.  Returns whether they do.
 */
bool logger_process_watch(struct service *s);

/*
 * If PID is the logger: takes note of its end and starts the next one,
 * now or as soon as it can.  When the service is finished, or cannot go on,
 * ends the event loop with the exit status.  Returns whether PID was it.
 */
bool logger_process_reaped(struct service *s, pid_t pid, int wait_status);

#endif
