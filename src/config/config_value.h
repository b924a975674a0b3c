/* SPDX-License-Identifier: MIT */
/*
 * Converts one value of echo-logd.conf(5) to its field in struct config and back.  Called by
 * any process.  Pure.
 */
#ifndef ECHO_LOGD_CONFIG_VALUE_H
#define ECHO_LOGD_CONFIG_VALUE_H

#include <stddef.h>

#include "config/config.h"
#include "config/config_key.h"

/*
 * Sets the field of KEY to VALUE.  Returns 0, or -EINVAL if VALUE is not
 * allowed; CONFIG is unchanged then, and *RET_HINT is a static text that says
 * what is wrong, or NULL if config_value_describe() says enough.
 */
int config_value_set(const struct config_key *key, struct config *config, const char *value,
		     const char **ret_hint);

/*
 * Writes the field to BUF, in the form that config_value_set() reads.  Truncates it if it is
 * longer than SIZE - 1 bytes.  Returns the full length.
 */
size_t config_value_format(const struct config_key *key, const struct config *config, char *buf,
			   size_t size);

/* Writes the allowed values to BUF, SIZE bytes: "a whole number from 1 to 65535". */
void config_value_describe(const struct config_key *key, char *buf, size_t size);

#endif
