/* SPDX-License-Identifier: MIT */
/* The rules of echo-logd.conf(5) between keys; config_load.c checks them.  Pure. */
#ifndef ECHO_LOGD_CONFIG_RULES_H
#define ECHO_LOGD_CONFIG_RULES_H

#include "config/config.h"

struct config_rule {
	const char *section;
	const char *const *names;	/* of the keys; ends with NULL */
	/*
	 * Returns whether CONFIG breaks the rule, and writes to WRONG, SIZE bytes, what is
	 * wrong and what is allowed.  WRONG has no meaning if the rule is kept.
	 */
	bool (*is_broken)(const struct config *config, char *wrong, size_t size);
};

extern const struct config_rule config_rules[];
extern const size_t config_n_rules;

#endif
