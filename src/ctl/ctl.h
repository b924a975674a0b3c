/* SPDX-License-Identifier: MIT */
/*
 * The commands of echo-logctl(1), one file for each.
 *
 * There is no control protocol.  The commands read the scoreboard, which they
 * map read-only, and the message log.  To request an action, they send a
 * signal to the master.
 */
#ifndef ECHO_LOGD_CTL_H
#define ECHO_LOGD_CTL_H

/* Exit statuses of echo-logctl: a stable interface, listed in echo-logctl(1). */
enum ctl_exit {
	CTL_WELL = 0,
	CTL_FAILED = 1,		/* the request or the check failed */
	CTL_USAGE = 2,		/* wrong usage, or a file cannot be read */
};

/*
 * ARGV[0] is the name of the command.  Each command prints its result to
 * stdout and errors to stderr, and returns an enum ctl_exit.
 */
int ctl_reload(int argc, char *argv[]);
int ctl_reopen(int argc, char *argv[]);
int ctl_status(int argc, char *argv[]);
int ctl_verify(int argc, char *argv[]);

#endif
