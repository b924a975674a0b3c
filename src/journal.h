/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own messages: stderr, with the level prefix of
 * sd-daemon(3) when stderr is the journal.
 *
 * Called by the role files only (master, worker, logger); modules return
 * -errno instead.  A message names its subject, the reason and the
 * consequence.  No byte of a client goes through here.
 *
 * Each process may say at most JOURNAL_BURST messages at once and
 * JOURNAL_PER_SECOND in the long run; what is swallowed is counted and the
 * count is said with the next message that passes.
 */
#ifndef ECHO_LOGD_JOURNAL_H
#define ECHO_LOGD_JOURNAL_H

#include <syslog.h>

#define JOURNAL_BURST 50
#define JOURNAL_PER_SECOND 5

/* PRIORITY: LOG_ERR to LOG_DEBUG of syslog(3). */
__attribute__((format(printf, 2, 3))) void journal(int priority, const char *format, ...);

/* What journal() was last given with LOG_ERR, said or swallowed; "" if nothing yet. */
const char *journal_last_error(void);

#define journal_error(...) journal(LOG_ERR, __VA_ARGS__)
#define journal_warning(...) journal(LOG_WARNING, __VA_ARGS__)
#define journal_notice(...) journal(LOG_NOTICE, __VA_ARGS__)
#define journal_info(...) journal(LOG_INFO, __VA_ARGS__)

#endif
