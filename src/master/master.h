/* SPDX-License-Identifier: MIT */
/*
 * ROLE: the master.  One sd-event(3) loop that forks and reaps children,
 * reloads and stops.  It reads no byte of a client.
 *
 * Operators control it by signals: SIGHUP reloads the configuration, SIGUSR1
 * reopens the log, SIGTERM and SIGINT stop the service, and a second stop
 * signal stops it without waiting for clients.
 *
 * Model: doc/model/doorbell.pml.
 */
#ifndef ECHO_LOGD_MASTER_H
#define ECHO_LOGD_MASTER_H

#include "master/service.h"

/*
 * Called once at the start, before any child is forked: blocks the signals
 * that the loop handles, and ignores SIGPIPE and SIGXFSZ.
 */
void master_block_signals(void);

/*
 * Runs the service that startup_prepare() has prepared, until it ends.
 * Returns the exit status of the daemon (exit_status.h); a failure is logged.
 */
int master_run(struct service *s);

#endif
