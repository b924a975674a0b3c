/* SPDX-License-Identifier: MIT */
/*
 * Tells systemd the state of the service, sd_notify(3).  Called by the master
 * only; without systemd each call does nothing.
 */
#ifndef ECHO_LOGD_NOTIFY_H
#define ECHO_LOGD_NOTIFY_H

#include "master/service.h"

/* The service is ready, at a start or after a reload.  Updates STATUS=. */
void notify_ready(struct service *s);

/* A reload begins.  Sends the time stamp that Type=notify-reload needs. */
void notify_reloading(void);

/*
 * The service stops.  Asks systemd for as much time as the configured timeouts
 * allow: if systemd killed it, the records in the pipes would be lost, because
 * systemd drops its copies of the pipes too.
 */
void notify_stopping(const struct service *s);

/*
 * The service is about to exit with STATUS, which is not STATUS_CLEAN.  Sends
 * the cause as text, and S->exit_errno if it is not 0.
 */
void notify_failed(const struct service *s, int status);

/* Updates STATUS= from the scoreboard. */
void notify_status(struct service *s);

/* The event loop runs: resets systemd's watchdog. */
void notify_watchdog(void);

#endif
