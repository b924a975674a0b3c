/* SPDX-License-Identifier: MIT */
/*
 * Changing the configuration of the running service.  Master only.
 *
 * All or nothing: the file is read, the listeners and the log file of the
 * new configuration are opened, and only then is anything changed.  Clients
 * that are served keep the settings they were accepted with.
 */
#ifndef ECHO_LOGD_RELOAD_H
#define ECHO_LOGD_RELOAD_H

#include "master/service.h"

/* Logs each mistake in S->reload.diagnostics. */
void reload_log_mistakes(const struct service *s);

/* SIGHUP.  Starts a reload, or notes that one is wanted when another is not done yet. */
void reload_request(struct service *s);

/* A new logger is up: if that was the last thing a reload waited for, it is in force now. */
void reload_continue(struct service *s);

#endif
