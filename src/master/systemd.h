/* SPDX-License-Identifier: MIT */
/*
 * The socket that systemd hears us on, sd_notify(3).  Master only; without
 * systemd each call does nothing.
 *
 * One socket, held from the start: sd_notify() opens one for each message,
 * and where descriptors have run out the watchdog must still hear of us and
 * a new log file must still reach the store.
 */
#ifndef ECHO_LOGD_SYSTEMD_H
#define ECHO_LOGD_SYSTEMD_H

/* As many as one message may carry here: both ends of a pipe. */
#define SYSTEMD_MAX_FDS 2

/* Once, before the others. */
void systemd_open(void);

/*
 * STATE: `KEY=VALUE` lines.  Copies of the N FDS go with them; a message that cannot be
 * sent is lost.
 */
void systemd_tell_with_fds(const char *state, const int *fds, unsigned n);
void systemd_tell(const char *state);

/* Waits, 5 s at most, until systemd has dealt with all of the above. */
void systemd_wait(void);

#endif
