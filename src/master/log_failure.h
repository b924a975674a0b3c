/* SPDX-License-Identifier: MIT */
/*
 * Logs that the message log cannot be used: the cause, what to do, and the
 * CONSEQUENCE.  PATH names the log; R is a -errno.  Called by the master only.
 */
#ifndef ECHO_LOGD_LOG_FAILURE_H
#define ECHO_LOGD_LOG_FAILURE_H

#include <stdbool.h>

/*
 * The master retries five times a second, but logs an error once.  Returns
 * whether R is not the error in *REPORTED_ERRNO, and stores it there.
 */
bool log_failure_is_new(int *reported_errno, int r);

/* The file at PATH cannot be opened.  Advises by R; PATH is absolute. */
void log_failure_report_open(const char *path, int r, const char *consequence);

/* Any other failed action.  The message is "cannot ACTION PATH: ERROR". */
void log_failure_report_action(const char *action, const char *path, int r,
			       const char *consequence);

/* Any other failure.  TEXT is the message. */
void log_failure_report(const char *path, int r, const char *text, const char *consequence);

#endif
