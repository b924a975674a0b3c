/* SPDX-License-Identifier: MIT */
/*
 * From a file as echo-logd.conf(5) describes it to a struct config.
 *
 * Owns: reading the file, naming the line of every mistake, the checks of
 * values (config_value.h) and of the rules between keys (config_rules.h).
 * Refuses: acting on a value.  Called by the master and by echo-logctl.
 */
#ifndef ECHO_LOGD_CONFIG_LOAD_H
#define ECHO_LOGD_CONFIG_LOAD_H

#include <stddef.h>
#include <stdio.h>

#include "config/config.h"

/*
 * Where mistakes are written, one line each, ready to be shown:
 * "FILE:LINE: section.key: what is wrong, what is allowed".
 * Bounded: what does not fit is counted in `omitted`.
 */
struct diagnostics {
	char text[16384];
	size_t len;
	unsigned omitted;
};

/*
 * Reads PATH, then applies the OVERRIDES ("section.key=value"), then checks
 * the rules that span keys.  *RET_CONFIG is written only on success.
 * Returns 0; -EINVAL when there are mistakes (all of them are in
 * DIAGNOSTICS); or the -errno of opening or reading PATH (also described in
 * DIAGNOSTICS).
 */
int config_load(const char *path, const char *const *overrides, size_t n_overrides,
		struct config *ret_config, struct diagnostics *diagnostics);

/* Writes each mistake to OUT, and how many more there are. */
void config_print_mistakes(const struct diagnostics *diagnostics, FILE *out);

#endif
