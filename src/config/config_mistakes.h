/* SPDX-License-Identifier: MIT */
/*
 * The mistakes of a configuration, as text for an operator.  Called by the
 * master and by echo-logctl.
 */
#ifndef ECHO_LOGD_CONFIG_MISTAKES_H
#define ECHO_LOGD_CONFIG_MISTAKES_H

#include <stddef.h>
#include <stdio.h>

#include "config/config_keys.h"

/*
 * The mistakes, one line each, escaped so that a terminal can show them:
 * "FILE:LINE: section.key: what is wrong, what is allowed".  `omitted` counts
 * the mistakes that did not fit.
 */
struct diagnostics {
	char text[16384];
	size_t len;
	unsigned omitted;
	/* By row of config_keys: the line that sets the key; 0: the command line, or none. */
	unsigned lines[CONFIG_MAX_KEYS];
};

/* Writes the mistakes to OUT, and the number of omitted ones. */
void config_print_mistakes(const struct diagnostics *d, FILE *out);

#endif
