/* SPDX-License-Identifier: MIT */
/*
 * What this host says to a valid configuration: whether the service's user
 * can read the file and write the log, and whether the addresses exist.
 * It changes nothing on the host.
 */
#ifndef ECHO_LOGD_CONFIG_HOST_H
#define ECHO_LOGD_CONFIG_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/config.h"

/*
 * Checks CONFIG, which was read from FILE, and writes each problem to OUT, a
 * line like those of config_print_mistakes(); unless STRICT, with "warning: ".
 * Returns the number of problems.
 *
 * If root calls it and there is a user echo-logd, the process takes that
 * effective user and its groups, and keeps them: for a process that exits
 * next.  It cannot see what the sandbox of a unit forbids.  No problem: the
 * directories that the unit makes may be missing.
 */
unsigned config_host_check(const char *file, const struct config *config, bool strict, FILE *out);

/*
 * Writes to TEXT why the configuration file cannot be read, with the -errno R of config_load():
 * for a lack of permission, whose, and what to do.
 */
void config_host_explain_unreadable(int r, char *text, size_t size);

#endif
