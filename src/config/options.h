/* SPDX-License-Identifier: MIT */
/*
 * Parses the command line of echo-logd(8).  Called by the master before its first fork.  It
 * does not act on the options, except for --help and --version.
 */
#ifndef ECHO_LOGD_OPTIONS_H
#define ECHO_LOGD_OPTIONS_H

#include <stddef.h>

enum action { ACTION_RUN, ACTION_CHECK_CONFIG, ACTION_DUMP_CONFIG };

#define OPTIONS_MAX_OVERRIDES 64

/* The strings point into argv, which must outlive the struct. */
struct options {
	enum action action;
	const char *config_path;
	const char *overrides[OPTIONS_MAX_OVERRIDES];	/* "section.key=value", in order */
	size_t n_overrides;
	_Bool strict;	/* only with ACTION_CHECK_CONFIG */
};

/*
 * Parses the arguments.  Prints the answer to --help and --version to stdout,
 * and an error to stderr.  Returns true and *RET_OPTIONS if the caller should
 * continue; false if it should exit with *RET_STATUS, an enum exit_status.
 */
_Bool options_parse(int argc, char *argv[], struct options *ret_options, int *ret_status);

#endif
