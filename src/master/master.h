/* SPDX-License-Identifier: MIT */
/*
 * ROLE: the master.  Forks, reaps, reloads, stops; touches no client byte.
 *
 * One sd-event(3) loop.  Signals are its user interface: SIGHUP reloads,
 * SIGUSR1 opens the log again, SIGTERM and SIGINT stop, a second one stops
 * without waiting for clients.
 */
#ifndef ECHO_LOGD_MASTER_H
#define ECHO_LOGD_MASTER_H

#include "master/service.h"

/* The signals that the loop takes; blocked before master_run() and in every child at first. */
void master_block_signals(void);

/*
 * Runs the prepared service: scoreboard, descriptors and log file are
 * there.  Returns the exit status of the daemon.
 */
int master_run(struct service *s);

#endif
