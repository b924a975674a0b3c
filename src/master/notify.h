/* SPDX-License-Identifier: MIT */
/* What systemd is told of the service, by systemd.h.  Master only. */
#ifndef ECHO_LOGD_NOTIFY_H
#define ECHO_LOGD_NOTIFY_H

#include "master/service.h"

/* Ready, for the first time or again after a reload; with STATUS=. */
void notify_ready(struct service *s);

/* A reload begins.  With the monotonic stamp that Type=notify-reload waits for. */
void notify_reloading(void);

/*
 * Stopping.  However long the configured timeouts are, systemd must not end
 * us by SIGKILL meanwhile: what is in the pipes would be lost with its store.
 */
void notify_stopping(const struct service *s);

/*
 * About to exit with STATUS, which is not STATUS_CLEAN: why, in words and as an errno if
 * there is one.
 */
void notify_failed(const struct service *s, int status);

/* Refreshes STATUS= from the scoreboard. */
void notify_status(struct service *s);

/* The loop turns. */
void notify_watchdog(void);

#endif
