/* SPDX-License-Identifier: MIT */
/* The command line of echo-logd(8).  No policy: it only says what was asked for. */
#ifndef ECHO_LOGD_OPTIONS_H
#define ECHO_LOGD_OPTIONS_H

#include <stddef.h>

enum action { ACTION_RUN, ACTION_CHECK_CONFIG, ACTION_DUMP_CONFIG };

#define OPTIONS_MAX_OVERRIDES 64

/* The strings are those of argv, which must outlive the struct. */
struct options {
	enum action action;
	const char *config_path;
	const char *overrides[OPTIONS_MAX_OVERRIDES];	/* "section.key=value", in order */
	size_t n_overrides;
};

/*
 * Reads the command line.  --help and --version are answered on stdout, a
 * mistake on stderr.  Returns true when the caller should go on with
 * *RET_OPTIONS; false when it should exit with *RET_STATUS.
 */
_Bool options_parse(int argc, char *argv[], struct options *ret_options, int *ret_status);

#endif
