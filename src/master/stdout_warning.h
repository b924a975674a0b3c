/* SPDX-License-Identifier: MIT */
/* Warns if the daemon's own messages land in the log.  Called by the master only. */
#ifndef ECHO_LOGD_STDOUT_WARNING_H
#define ECHO_LOGD_STDOUT_WARNING_H

#include "config/config.h"

/*
 * Logs a warning if CONFIG logs to stdout and stderr leads to the same place,
 * unless RUNNING (NULL at a start) logs there already.
 */
void stdout_warning(const struct config *config, const struct config *running);

#endif
