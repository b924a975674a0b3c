/* SPDX-License-Identifier: MIT */
/*
 * How the master logs that the message log cannot be used: what is wrong, what
 * follows from it (CONSEQUENCE), and what to do.  Master only.  R is a -errno.
 */
#ifndef ECHO_LOGD_LOG_FAILURE_H
#define ECHO_LOGD_LOG_FAILURE_H

/* The file at PATH cannot be opened. */
void log_failure_report_open(const char *path, int r, const char *consequence);

/* "cannot ACTION PATH: ..." */
void log_failure_report_action(const char *action, const char *path, int r,
			       const char *consequence);

/* Anything else, in the words of TEXT. */
void log_failure_report(const char *path, int r, const char *text, const char *consequence);

#endif
