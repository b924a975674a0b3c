/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own messages: the journal, with an event and fields, when
 * stderr is the journal; else stderr, words only.
 *
 * Called by the role files only (master, worker, logger); modules return
 * -errno instead.  A message names its subject, the reason and the
 * consequence.  No byte of a client goes through here.
 *
 * Each process may say at most JOURNAL_BURST messages at once and
 * JOURNAL_PER_SECOND in the long run, and as many errors again, which no
 * flood of lesser ones can drown; what is suppressed is counted and the count
 * is said with the next message that passes.
 */
#ifndef ECHO_LOGD_JOURNAL_H
#define ECHO_LOGD_JOURNAL_H

#include <stdbool.h>
#include <syslog.h>

#include "base/journal_event.h"

#define JOURNAL_BURST 50
#define JOURNAL_PER_SECOND 5

/*
 * Once, before the first message: opens the socket of the journal, if stderr
 * leads there.  Without it, or when a message does not go through, words
 * go to stderr with the level prefix of sd-daemon(3).
 */
void journal_open(void);

/* That socket, for a child to keep; -1 when there is none. */
int journal_fd(void);

/* In a child that has closed it. */
void journal_forget_fd(void);

/* Whether FD is what $JOURNAL_STREAM names, systemd.exec(5): it may have been redirected since. */
bool journal_is(int fd);

/* Whether stderr is, as it was when first asked. */
bool journal_is_stderr(void);

/*
 * Before an exit.  The journal looks up in /proc which service a message is
 * of, so one that it has not read yet may be nobody's.  Waits until all that
 * this process has said is read, a second at most.
 */
void journal_flush(void);

/* A field of the next message: NAME=value.  Only the journal sees it. */
__attribute__((format(printf, 1, 2))) void journal_field(const char *format, ...);

/* PRIORITY: LOG_CRIT to LOG_DEBUG of syslog(3). */
__attribute__((format(printf, 3, 4))) void journal_event(enum journal_event event, int priority,
							  const char *format, ...);

/* The same of a failure: its field ERRNO= is ERROR, an errno. */
__attribute__((format(printf, 4, 5))) void journal_failure(enum journal_event event, int priority,
							    int error, const char *format, ...);

/*
 * What journal_event() was last given with LOG_ERR or worse, said or suppressed; "" if
 * nothing yet.
 */
const char *journal_last_error(void);

/* For a message that counts something: "1 client", "2 clients". */
#define PLURAL(n) ((n) == 1 ? "" : "s")

#define journal_error(...) journal_event(JOURNAL_NONE, LOG_ERR, __VA_ARGS__)
#define journal_warning(...) journal_event(JOURNAL_NONE, LOG_WARNING, __VA_ARGS__)
#define journal_notice(...) journal_event(JOURNAL_NONE, LOG_NOTICE, __VA_ARGS__)
#define journal_info(...) journal_event(JOURNAL_NONE, LOG_INFO, __VA_ARGS__)

#endif
