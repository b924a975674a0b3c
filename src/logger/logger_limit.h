/* SPDX-License-Identifier: MIT */
/*
 * The message limit of a file, log.message_limit: decides when a file is full.
 * Called by the logger only.
 *
 * at_message_limit = rotate: the logger counts the messages in the file, with
 * the connections that ended without one (logger_counted()), and those in each
 * batch (logger_limit_cut()), and moves no more to this file than it may hold.
 * Once the count is the limit, should_leave() in logger.c returns LOGGER_FULL.
 * at_message_limit = stop: workers take tickets (tickets.h), so the logger
 * counts only when a file is taken into use, and issues the tickets.
 *
 * Model: doc/model/tickets.pml.
 */
#ifndef ECHO_LOGD_LOGGER_LIMIT_H
#define ECHO_LOGD_LOGGER_LIMIT_H

#include "logger/logger_state.h"

/*
 * rotate, before the first batch: counts the messages that the file holds,
 * and makes what is needed to look into batches.  Does nothing under stop.
 * Returns 0, or -errno: then it may be called again.
 */
int logger_limit_prepare(struct logger *l);

/*
 * rotate: how many of the next N bytes of the log pipe this file may have,
 * which is up to the message, or end of an empty connection, that fills it.
 * They are counted as if they were in the file.  Returns -errno on failure.
 */
ssize_t logger_limit_cut(struct logger *l, size_t n);

/* Puts the count into the scoreboard, for the next logger. */
void logger_limit_publish(struct logger *l);

/*
 * Whether the tickets need the logger.  The counter is closed, because of a
 * change of files or because a reload introduces a limit, or under stop the
 * last ticket was taken and the `limit` record is not pending yet.  Until
 * logger_limit_settle() has seen to it, the logger only naps.
 */
bool logger_limit_must_settle(const struct logger *l);

/*
 * Between two records, when all records with tickets are in the file: makes
 * the `limit` record pending, or, with the counter closed, issues tickets for
 * what the file may still hold.  Returns STAY, LOGGER_REOPEN when the counter
 * was closed for that, or as logger_wait_stalled() does.
 */
int logger_limit_settle(struct logger *l);

#endif
