/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own messages.  If stderr is the journal, they go to the
 * journal with an event and fields; otherwise only their text goes to
 * stderr.
 *
 * Called by the role files only (master, worker, logger); modules return
 * -errno instead.  A message names its subject, the reason and the
 * consequence.  It must not contain data that a client sent.
 *
 * Rate limit: each process may log a burst of JOURNAL_BURST messages and
 * JOURNAL_PER_SECOND on average.  Errors have a second limit of the same
 * size, so a flood of other messages cannot suppress them.  The next message
 * within the limit is preceded by the count of the suppressed ones.
 *
 * Logging never waits.  A message for which stderr has no room is lost; the
 * next one that has room is preceded by the count of the lost ones.
 */
#ifndef ECHO_LOGD_JOURNAL_H
#define ECHO_LOGD_JOURNAL_H

#include <stdbool.h>
#include <syslog.h>

#include "base/journal_event.h"

#define JOURNAL_BURST 50
#define JOURNAL_PER_SECOND 5

/*
 * Opens the socket of the journal if stderr is the journal, and prepares
 * stderr (stderr_line.h).  Call it once, before the first message.  If there
 * is no socket, or sending fails, the text goes to stderr, with the level
 * prefix of sd-daemon(3) if stderr is the journal.
 */
void journal_open(void);

/* The socket, for a child that closes other descriptors; -1 if there is none. */
int journal_fd(void);

/* For a child that closes the socket: its messages go to stderr from now on. */
void journal_forget_fd(void);

/*
 * Whether FD is the stream to the journal that $JOURNAL_STREAM names, systemd.exec(5).  It is
 * not if FD was redirected after systemd set the variable.
 */
bool journal_is(int fd);

/*
 * Whether messages go where stdout goes, to a file, a pipe or a socket.  A
 * terminal does not count: there it is what everybody expects.
 */
bool journal_shares_stdout(void);

/* Whether stderr is the journal.  The first call decides; later ones return the same. */
bool journal_is_stderr(void);

/*
 * Call it before exit.  Waits, for about a second at most, until the journal
 * has read all messages of this process.  The journal looks up the sender's
 * service in /proc, and cannot attribute a message to the service if the
 * process has exited.
 */
void journal_flush(void);

/* Adds a field, NAME=value, to the next message.  It is not written to stderr. */
__attribute__((format(printf, 1, 2))) void journal_field(const char *format, ...);

/* Logs a message.  PRIORITY: LOG_CRIT to LOG_DEBUG of syslog(3).  Keeps errno. */
__attribute__((format(printf, 3, 4))) void journal_event(enum journal_event event, int priority,
							  const char *format, ...);

/* Like journal_event(), with the field ERRNO=; ERROR is an errno. */
__attribute__((format(printf, 4, 5))) void journal_failure(enum journal_event event, int priority,
							    int error, const char *format, ...);

/*
 * The text of the last message with priority LOG_ERR or worse, also if it was
 * suppressed; "" if there was none.  The next one overwrites it.
 */
const char *journal_last_error(void);

#define journal_error(...) journal_event(JOURNAL_NONE, LOG_ERR, __VA_ARGS__)
#define journal_warning(...) journal_event(JOURNAL_NONE, LOG_WARNING, __VA_ARGS__)
#define journal_notice(...) journal_event(JOURNAL_NONE, LOG_NOTICE, __VA_ARGS__)
#define journal_info(...) journal_event(JOURNAL_NONE, LOG_INFO, __VA_ARGS__)

#endif
