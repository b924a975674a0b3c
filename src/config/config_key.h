/* SPDX-License-Identifier: MIT */
/* The type of one row in the table of keys, config_keys.c. */
#ifndef ECHO_LOGD_CONFIG_KEY_H
#define ECHO_LOGD_CONFIG_KEY_H

#include <stddef.h>
#include <stdint.h>

enum key_type {
	KEY_ADDRESSES,	/* numeric addresses separated by commas, or "*" */
	KEY_COUNT,	/* a whole number without unit */
	KEY_TIME,	/* microseconds in the struct; the smallest unit in the file is ms */
	KEY_SIZE,	/* bytes */
	KEY_WORD,	/* index in `words`, which is the value of the enum */
	KEY_PATH,	/* an absolute path, or CONFIG_STDOUT */
	KEY_MODE,	/* octal permission bits */
	KEY_FREE,	/* bytes, or CONFIG_PERCENT + percent */
};

/* When a change takes effect: on reload, on reload but for new clients only, or on restart. */
enum key_reload { RELOAD_AT_ONCE, RELOAD_NEW_CLIENTS, RELOAD_RESTART };

struct config_key {
	const char *section, *name;
	enum key_type type;
	enum key_reload reload;
	const char *by_default;		/* default, as text like in the file */
	uint64_t min, max;		/* for counts, times and sizes, in the unit of the field */
	const char *zero;		/* meaning of 0; NULL: 0 must be within min..max */
	const char *const *words;	/* for KEY_WORD; ends with NULL */
	size_t offset, size;		/* of the field in struct config */
	const char *help;
};

#endif
