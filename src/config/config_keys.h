/* SPDX-License-Identifier: MIT */
/*
 * The keys of echo-logd.conf(5): one table, and nothing else knows their
 * names.  A new key of a known type is one line in
 * config_keys.c, one field in struct config, and its words in the shipped
 * file and the man page, which a test holds against the table.
 */
#ifndef ECHO_LOGD_CONFIG_KEYS_H
#define ECHO_LOGD_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum key_type {
	KEY_ADDRESSES,	/* numeric addresses by comma, or "*" */
	KEY_COUNT,	/* no unit */
	KEY_TIME,	/* microseconds in the struct, milliseconds at the finest in the file */
	KEY_SIZE,	/* bytes */
	KEY_WORD,	/* its place in `words`, which is the value of the enum */
	KEY_PATH,
	KEY_MODE,
	KEY_FREE,	/* bytes, or CONFIG_PERCENT + hundredths */
};

/* What a changed value does on reload. */
enum key_reload { RELOAD_AT_ONCE, RELOAD_NEW_CLIENTS, RELOAD_RESTART };

struct config_key {
	const char *section, *name;
	enum key_type type;
	enum key_reload reload;
	const char *by_default;		/* as it would be written in the file */
	uint64_t min, max;		/* of counts, times and sizes, in the unit of the field */
	const char *zero;		/* 0 is allowed beside min..max, and means this; or NULL */
	const char *const *words;	/* ends with NULL */
	size_t offset, size;		/* of the field in struct config */
	const char *help;
};

#define CONFIG_MAX_KEYS 64

extern const struct config_key config_keys[];
extern const size_t config_n_keys;

/* Returns NULL when there is no such key. */
const struct config_key *config_key_find(const char *section, const char *name);
bool config_section_exists(const char *name);

/* What was likely meant by a name that does not exist; NULL when nothing comes near. */
const struct config_key *config_key_guess(const char *section, const char *name);
const char *config_section_guess(const char *name);

void config_set_defaults(struct config *ret_config);

#endif
