/* SPDX-License-Identifier: MIT */
/*
 * Opens the log that a configuration names, a file or stdout, and renames a
 * file that cannot be continued.  Called by the master only, by message_log.c.
 *
 * Each function returns -errno on failure.  If that is another error than
 * *REPORTED_ERRNO, which is the last one of a series of tries, it is logged
 * with CONSEQUENCE.
 */
#ifndef ECHO_LOGD_LOG_OPEN_H
#define ECHO_LOGD_LOG_OPEN_H

#include <stdbool.h>

#include "config/config.h"
#include "logger/logfile.h"
#include "master/service.h"

/*
 * Opens the log of CONFIG, and says whether the file there is of another
 * format.  Changes nothing but that a missing file is made.  Returns the
 * descriptor, which is the caller's; for stdout it is a copy.
 */
int log_open(const struct service *s, const struct config *config, bool *ret_is_foreign,
	     int *reported_errno, const char *consequence);

/*
 * Renames the file at the log's path, which is of another format, and makes a
 * new one.  If that fails, the file gets its name back.  Returns a descriptor.
 */
int log_open_replace(const struct config *config, int *reported_errno, const char *consequence);

/* As log_open(), but a file of another format is replaced. */
int log_open_or_replace(const struct service *s, const struct config *config, int *reported_errno,
			const char *consequence);

/* As logfile_examine(), for the log of CONFIG.  Returns 0. */
int log_open_examine(int fd, const struct config *config, struct logfile_contents *ret,
		     int *reported_errno, const char *consequence);

/* Before the first write to FD, a copy of stdout.  Returns 0. */
int log_open_seek_stdout(int fd, int *reported_errno, const char *consequence);

/* As logfile_set_aside().  Returns 0. */
int log_open_set_aside(const char *path, int *reported_errno, const char *consequence);

#endif
