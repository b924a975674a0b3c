/* SPDX-License-Identifier: MIT */
/* What systemd is told of the service, by systemd.h.  Master only. */
#ifndef ECHO_LOGD_NOTIFY_H
#define ECHO_LOGD_NOTIFY_H

#include "service.h"

/* Ready, for the first time or again after a reload; with STATUS=. */
void notify_ready(struct service *s);

/* A reload begins.  With the monotonic stamp that Type=notify-reload waits for. */
void notify_reloading(void);

/*
 * Stopping.  However long the configured timeouts are, systemd must not end
 * us by SIGKILL meanwhile: what is in the pipes would be lost with its store.
 */
void notify_stopping(const struct service *s);

/* Refreshes STATUS= from the scoreboard. */
void notify_status(struct service *s);

/* The loop turns. */
void notify_watchdog(void);

#endif
