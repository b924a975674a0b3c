/* SPDX-License-Identifier: MIT */
/*
 * Prepares the log file for the next logger: opens, examines and renames
 * files, and sets which records that logger writes first.  Called by the
 * master only.
 *
 * No logger may live meanwhile, except for the functions of a reload:
 * message_log_open_next(), message_log_take_next(), message_log_forget_next(),
 * message_log_sync_name() and message_log_prune().  Each function that returns
 * an int returns 0, or -errno, logged.
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
 * than the current one, opens it for the next message_log_reopen().  A missing
 * file is made, which message_log_forget_next() undoes.
 */
int message_log_open_next(struct service *s, const struct config *fresh);

/*
 * The last step of a reload that can fail: if the file of message_log_open_next() is of another
 * format, renames it and makes a new one.  After a failure, the file has its name again.
 */
int message_log_take_next(struct service *s, const struct config *fresh);

/* The reload to FRESH failed: closes the next file, and deletes it if the reload made it. */
void message_log_forget_next(struct service *s, const struct config *fresh);

/* Puts the name of the current file on disk, before an echo promises that. */
void message_log_sync_name(struct service *s);

/* Deletes the oldest rotated files beyond log.keep_files. */
void message_log_prune(struct service *s);

/*
 * Opens the file that is at log.path now as the log.  If that is the current
 * file, only sets its mode.  A file that a reload opened gets the mode too.
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
