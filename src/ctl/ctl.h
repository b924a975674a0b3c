/* SPDX-License-Identifier: MIT */
/*
 * echo-logctl(1): a file for each command.
 *
 * There is no control protocol.  Commands read the scoreboard, which they
 * map read-only, and the message log; what they ask of the daemon they ask
 * by a signal to its master.
 */
#ifndef ECHO_LOGD_CTL_H
#define ECHO_LOGD_CTL_H

/* Exit statuses: API, named in echo-logctl(1). */
enum ctl_exit {
	CTL_WELL = 0,
	CTL_FAILED = 1,		/* what was asked for is not so, or could not be done */
	CTL_USAGE = 2,		/* or a file that cannot be read */
};

/*
 * Each command gets its own name and arguments, as main() would, answers on
 * stdout, says on stderr what is wrong, and returns an enum ctl_exit.
 */
int ctl_reload(int argc, char *argv[]);
int ctl_reopen(int argc, char *argv[]);
int ctl_status(int argc, char *argv[]);
int ctl_verify(int argc, char *argv[]);

#endif
