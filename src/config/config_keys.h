/* SPDX-License-Identifier: MIT */
/*
 * The keys of echo-logd.conf(5): one table, and nothing else knows their
 * names.  A new key of a known type needs four things: a row in
 * config_keys.c, a field in struct config, a paragraph in the manual page and
 * a comment in the shipped file.  tests/unit/test_config_keys.c compares them.
 */
#ifndef ECHO_LOGD_CONFIG_KEYS_H
#define ECHO_LOGD_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config/config.h"
#include "config/config_key.h"

#define CONFIG_MAX_KEYS 64

extern const struct config_key config_keys[];
extern const size_t config_n_keys;

/* Returns NULL when there is no such key. */
const struct config_key *config_key_find(const char *section, const char *name);
bool config_section_exists(const char *name);

/* What was likely meant by a name that does not exist; NULL when nothing comes near. */
const struct config_key *config_key_guess(const char *section, const char *name);
const char *config_section_guess(const char *name);

/* Every key at its default; log.path by $LOGS_DIRECTORY, systemd.exec(5). */
void config_set_defaults(struct config *ret_config);

/* Writes CONFIG to OUT as a file that config_load() reads back to the same values. */
void config_dump(const struct config *config, FILE *out);

/*
 * On reload: puts the running value back into *FRESH for each key that only
 * a restart can change.  Returns how many such keys differed, and writes
 * their names ("log.format, server.max_clients") to NAMES, NUL-terminated,
 * cut at SIZE.
 */
unsigned config_keep_until_restart(struct config *fresh, const struct config *running,
				   char *names, size_t size);

#endif
