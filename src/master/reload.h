/* SPDX-License-Identifier: MIT */
/*
 * Changes the configuration of the running service.  Called by the master
 * only.
 *
 * A reload reads the file and opens the listeners and the log file of the new
 * configuration before it changes anything.  If one of these fails, the
 * running configuration stays.  Connected clients keep the settings that they
 * were accepted with.
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
