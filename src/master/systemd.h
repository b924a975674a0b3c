/* SPDX-License-Identifier: MIT */
/*
 * Sends messages to systemd's notification socket, sd_notify(3).  Called by
 * the master only; without systemd each call does nothing.
 *
 * The socket is opened once, at the start.  sd_notify() opens one for each
 * message, and would fail when descriptors have run out.  The watchdog must
 * still be notified then, and a new log file must still be stored.
 */
#ifndef ECHO_LOGD_SYSTEMD_H
#define ECHO_LOGD_SYSTEMD_H

/* The most descriptors in one message: both ends of a pipe. */
#define SYSTEMD_MAX_FDS 2

/* Called once, before the other functions. */
void systemd_open(void);

/* Sends STATE, lines of KEY=VALUE.  A failure is ignored. */
void systemd_tell(const char *state);

/* As systemd_tell(), with copies of the N descriptors in FDS: at most SYSTEMD_MAX_FDS. */
void systemd_tell_with_fds(const char *state, const int *fds, unsigned n);

/* Waits up to 5 s until systemd has handled all earlier messages. */
void systemd_wait(void);

#endif
