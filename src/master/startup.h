/* SPDX-License-Identifier: MIT */
/*
 * The steps of a start.  main.c calls them in this order, and
 * recover_previous_run() after the first.  Called by the master only.  Each
 * returns STATUS_CLEAN; or, having logged the cause, the exit status
 * (exit_status.h).
 */
#ifndef ECHO_LOGD_STARTUP_H
#define ECHO_LOGD_STARTUP_H

#include "master/service.h"

/*
 * Blocks signals, opens missing descriptors 0 to 2, and opens the sockets to
 * systemd and to the journal.
 */
int startup_open_process(void);

/* Reads the configuration to S->config.  Logs each mistake. */
int startup_load_config(struct service *s);

/*
 * Makes the scoreboard and the pipes, unless those of a killed run are there;
 * opens the log file and the listening sockets; and logs the start.
 */
int startup_prepare(struct service *s);

#endif
