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

#include <stdbool.h>

/* Exit statuses of echo-logctl: a stable interface, listed in echo-logctl(1). */
enum ctl_exit {
	CTL_WELL = 0,
	CTL_FAILED = 1,		/* the request or the check failed */
	CTL_USAGE = 2,		/* wrong usage, or a file cannot be read */
	CTL_UNWELL = 3,		/* status: the daemon runs, but has a problem */
};

/* What the command line says; arguments.h reads it. */
struct ctl_arguments {
	const char *directory;	/* --runtime, or the default */
	bool json;
	unsigned n_files;
	char **files;		/* ends with NULL */
};

/*
 * Each command prints its result to stdout and errors to stderr, and returns
 * an enum ctl_exit.  Options that it does not have are not set.
 */
int ctl_reload(const struct ctl_arguments *arguments);
int ctl_reopen(const struct ctl_arguments *arguments);
int ctl_status(const struct ctl_arguments *arguments);
int ctl_verify(const struct ctl_arguments *arguments);

#endif
