/* SPDX-License-Identifier: MIT */
/*
 * The steps from an empty process to a service that is ready to run; main.c
 * calls them in this order, with recover.h between.  Master only.  Each
 * returns STATUS_CLEAN to go on, or the exit status (exit_status.h), logged.
 */
#ifndef ECHO_LOGD_STARTUP_H
#define ECHO_LOGD_STARTUP_H

#include "master/service.h"

/* Signals blocked, descriptors 0 to 2 open, the sockets of systemd and of the journal. */
int startup_open_process(void);

/* Reads the configuration; every mistake is logged. */
int startup_load_config(struct service *s);

/* The scoreboard, the pipes, the log file, the sockets; logs that the service listens. */
int startup_prepare(struct service *s);

#endif
