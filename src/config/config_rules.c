/* SPDX-License-Identifier: MIT */
#include "config/config_rules.h"

#include <stdio.h>

static const char *const spares[] = {"min_spare", "max_spare", NULL};

static bool spares_cross(const struct config *c, char *wrong, size_t size)
{
	snprintf(wrong, size,
		 "min_spare = %u is more than max_spare = %u; allowed: at most as many",
		 c->min_spare, c->max_spare);
	return c->min_spare > c->max_spare;
}

static const char *const raw[] = {"format", "message_limit", "at_message_limit", NULL};

static bool raw_would_rotate(const struct config *c, char *wrong, size_t size)
{
	snprintf(wrong, size,
		 "a raw log has no records to count before rotating; allowed: format = text or "
		 "json, at_message_limit = stop or message_limit = 0");
	return c->format == FORMAT_RAW && c->message_limit > 0 &&
	       c->at_message_limit == LIMIT_ROTATE;
}

static const char *const limited_stdout[] = {"path", "message_limit", NULL};

static bool stdout_has_a_limit(const struct config *c, char *wrong, size_t size)
{
	snprintf(wrong, size,
		 "stdout is no file that messages can be counted in; allowed: message_limit = 0, "
		 "or a path");
	return config_logs_to_stdout(c) && c->message_limit > 0;
}

static const char *const synced_stdout[] = {"path", "echo_after", NULL};

static bool stdout_would_be_synced(const struct config *c, char *wrong, size_t size)
{
	snprintf(wrong, size,
		 "stdout cannot be put on disk; allowed: echo_after = queued or written, or a "
		 "path");
	return config_logs_to_stdout(c) && c->echo_after == ECHO_AFTER_SYNCED;
}

const struct config_rule config_rules[] = {
	{"server", spares, spares_cross},
	{"log", raw, raw_would_rotate},
	{"log", limited_stdout, stdout_has_a_limit},
	{"log", synced_stdout, stdout_would_be_synced},
};
const size_t config_n_rules = sizeof(config_rules) / sizeof(config_rules[0]);
