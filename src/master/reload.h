/* SPDX-License-Identifier: MIT */
/*
 * Changes the configuration of the running service.  Called by the master
 * only.
 *
 * A reload is a transaction.  It makes the complete new configuration, in
 * which the keys that need a restart have their running values, checks it by
 * the rules of a file, and opens listeners and log file.  If a step fails, the
 * running configuration stays, and nothing has changed, on disk neither.  The
 * rest cannot fail.  Connected clients keep the settings that they were
 * accepted with, but for message_limit, which the logger applies (tickets.h).
 */
#ifndef ECHO_LOGD_RELOAD_H
#define ECHO_LOGD_RELOAD_H

#include "master/service.h"

/* Logs each mistake in S->reload.diagnostics. */
void reload_log_mistakes(const struct service *s);

/*
 * Starts a reload.  While the service starts, or another reload is not done,
 * the new one waits for that; while the service stops, it is refused.  The
 * result goes to the journal, systemd and the scoreboard.
 */
void reload_request(struct service *s);

/* A new logger is up: completes the reload that waits for it, and begins the next. */
void reload_continue(struct service *s);

#endif
