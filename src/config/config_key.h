/* SPDX-License-Identifier: MIT */
/* What one key of echo-logd.conf(5) is: a row of the table in config_keys.c. */
#ifndef ECHO_LOGD_CONFIG_KEY_H
#define ECHO_LOGD_CONFIG_KEY_H

#include <stddef.h>
#include <stdint.h>

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

#endif
