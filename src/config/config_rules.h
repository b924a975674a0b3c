/* SPDX-License-Identifier: MIT */
/* The rules of echo-logd.conf(5) that span keys; config.c holds a configuration against them. */
#ifndef ECHO_LOGD_CONFIG_RULES_H
#define ECHO_LOGD_CONFIG_RULES_H

#include "config/config.h"

struct config_rule {
	const char *section;
	const char *const *names;	/* of the keys; ends with NULL */
	/* Returns whether it is, and then says what is wrong and what is allowed. */
	bool (*is_broken)(const struct config *config, char *wrong, size_t size);
};

extern const struct config_rule config_rules[];
extern const size_t config_n_rules;

#endif
