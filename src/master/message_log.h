/* SPDX-License-Identifier: MIT */
/*
 * Prepares the log file for the next logger: opens, examines and renames
 * files, and sets which records that logger writes first.  Called by the
 * master only.
 *
 * No logger may live meanwhile, except for message_log_open_next() and
 * message_log_forget_next().  Each function returns 0, or -errno, logged.
 * When retries fail with the same error again, it is logged once.
 */
#ifndef ECHO_LOGD_MESSAGE_LOG_H
#define ECHO_LOGD_MESSAGE_LOG_H

#include "master/service.h"

/* At a start: opens the log file.  A file of another format is renamed first. */
int message_log_open_first(struct service *s);

/*
 * At a start, with the log file of a killed run that systemd stored: sets its
 * mode, and looks for an incomplete record at its end.
 */
int message_log_adopt(struct service *s);

/*
 * At a reload, before anything is changed: if FRESH names another log file
 * than the current one, opens it for the next message_log_reopen().
 */
int message_log_open_next(struct service *s, const struct config *fresh);

/* The reload failed: closes the file of message_log_open_next(). */
void message_log_forget_next(struct service *s);

/*
 * Opens the file that is at log.path now as the log.  If that is the current
 * file, only sets its mode.
 */
int message_log_reopen(struct service *s);

/*
 * The file has reached log.message_limit, or a sync of it failed: renames it
 * and opens a new one as the log.  Deletes files beyond log.keep_files only
 * in the first case, after the renaming.
 */
int message_log_rotate(struct service *s);

/*
 * Another program truncated the file: continues at its new end.  The next
 * logger begins a new line there.
 */
int message_log_resume_truncated(struct service *s);

#endif
