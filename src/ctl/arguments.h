/* SPDX-License-Identifier: MIT */
/*
 * The command line of echo-logctl: which commands there are, which options
 * and files each takes, and what --help prints.
 */
#ifndef ECHO_LOGD_CTL_ARGUMENTS_H
#define ECHO_LOGD_CTL_ARGUMENTS_H

#include "ctl/ctl.h"

typedef int ctl_command(const struct ctl_arguments *arguments);

/*
 * Reads the command line.  Options may come before the command, behind it,
 * and between files; `--` ends them.  Returns the command to run, with its
 * *RET_ARGUMENTS, which point into ARGV.  Returns NULL if there is none to
 * run: --help or --version is printed, or an error message; *RET_STATUS is
 * then the exit status.  The order of ARGV may change.
 */
ctl_command *arguments_parse(int argc, char *argv[], struct ctl_arguments *ret_arguments,
			     int *ret_status);

#endif
