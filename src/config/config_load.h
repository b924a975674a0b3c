/* SPDX-License-Identifier: MIT */
/*
 * Reads a configuration file, echo-logd.conf(5), to a struct config, and
 * reports every mistake with its line.  config_value.h checks the values,
 * config_rules.h the rules between keys.
 *
 * Called by the master and by echo-logctl.  It only reads: putting a value
 * into effect is up to the caller.
 */
#ifndef ECHO_LOGD_CONFIG_LOAD_H
#define ECHO_LOGD_CONFIG_LOAD_H

#include <stddef.h>

#include "config/config.h"
#include "config/config_mistakes.h"

/*
 * Reads PATH, then applies the OVERRIDES ("section.key=value"), then checks
 * the rules between keys.  Returns 0; -EINVAL if there are mistakes; -EISDIR
 * or -ENOTSUP if PATH is not a regular file, -EFBIG if it is too large; or
 * the -errno of open(2) or read(2).  DIAGNOSTICS describes every error, and on
 * success says where each key was set.  *RET_CONFIG is written only on success.
 */
int config_load(const char *path, const char *const *overrides, size_t n_overrides,
		struct config *ret_config, struct diagnostics *diagnostics);

#endif
