/* SPDX-License-Identifier: MIT */
/*
 * The master's hand on the log file, between two loggers: what to open, to
 * set aside, to examine, and which records the next logger writes first.
 *
 * The functions are called while no logger lives, but message_log_open_next().
 * Each returns 0, or -errno having said what is wrong; a trouble that
 * stays the same is said once however often it is tried.
 */
#ifndef ECHO_LOGD_MESSAGE_LOG_H
#define ECHO_LOGD_MESSAGE_LOG_H

#include "master/service.h"

/* At start: opens the log file.  One of another format is set aside before. */
int message_log_open_first(struct service *s);

/*
 * At start, with a log file that a killed run left with systemd: applies the configuration
 * to it.
 */
int message_log_adopt(struct service *s);

/*
 * At reload, before anything is changed: opens the log file of FRESH, if it
 * is another one than now, to be used by the next message_log_reopen().
 */
int message_log_open_next(struct service *s, const struct config *fresh);

/* The reload came to nothing: forgets the file of message_log_open_next(). */
void message_log_forget_next(struct service *s);

/* The file at log.path, whatever it is by now, becomes the log; it may be the same. */
int message_log_reopen(struct service *s);

/*
 * The file has its messages, or cannot be trusted: it is renamed, and a new
 * one becomes the log.  Old ones are deleted where it was full, no sooner.
 */
int message_log_rotate(struct service *s);

/* Somebody truncated the file: goes on at its new end, on a fresh line. */
int message_log_resume_truncated(struct service *s);

#endif
