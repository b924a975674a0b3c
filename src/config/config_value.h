/* SPDX-License-Identifier: MIT */
/* One value of echo-logd.conf(5) to its field in struct config and back.  Pure. */
#ifndef ECHO_LOGD_CONFIG_VALUE_H
#define ECHO_LOGD_CONFIG_VALUE_H

#include <stddef.h>

#include "config/config.h"
#include "config/config_key.h"

/*
 * Sets one field.  Returns 0, or -EINVAL for a value that is not allowed;
 * then CONFIG is as before, and *RET_HINT may say what is wrong with it
 * (NULL: nothing beyond config_value_describe()).
 */
int config_value_set(const struct config_key *key, struct config *config, const char *value,
		     const char **ret_hint);

/* Writes the field as config_value_set() reads it, cut at SIZE; returns its full length. */
size_t config_value_format(const struct config_key *key, const struct config *config, char *buf,
			   size_t size);

/* Says which values are allowed: "a whole number from 1 to 65535". */
void config_value_describe(const struct config_key *key, char *buf, size_t size);

#endif
