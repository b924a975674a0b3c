/* SPDX-License-Identifier: MIT */
/*
 * The configuration after a reload: that of the file, with the running values
 * of the keys that only a restart can change.  Called by the master only.
 */
#ifndef ECHO_LOGD_CONFIG_RELOAD_H
#define ECHO_LOGD_CONFIG_RELOAD_H

#include <stddef.h>

#include "config/config.h"
#include "config/config_mistakes.h"

/*
 * As config_load(), for a service that runs with RUNNING.  The rules between
 * keys must hold for the file by itself and for *RET_CONFIG, the result of the
 * reload; else it returns -EINVAL.  Writes the names of the keys that keep
 * their running value ("log.format, server.max_clients", "" if there are none)
 * to RET_KEPT, which has SIZE bytes; a longer list is truncated.
 */
int config_load_for_reload(const char *path, const char *const *overrides, size_t n_overrides,
			   const struct config *running, struct config *ret_config,
			   char *ret_kept, size_t size, struct diagnostics *diagnostics);

#endif
