/* SPDX-License-Identifier: MIT */
/*
 * The table of the keys of echo-logd.conf(5).  A new key of a known type
 * needs a row in config_keys.c, a field in struct config, a paragraph in the
 * manual page and a comment in the shipped file;
 * tests/unit/test_config_keys.c compares them.
 *
 * Called by any process; reads no file.
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

/* Returns the row of the key, or NULL if it does not exist. */
const struct config_key *config_key_find(const char *section, const char *name);
bool config_section_exists(const char *name);

/* The key or section whose name is most similar to a mistyped NAME; NULL if none is similar. */
const struct config_key *config_key_guess(const char *section, const char *name);
const char *config_section_guess(const char *name);

/* Sets every key to its default.  log.path depends on $LOGS_DIRECTORY, systemd.exec(5). */
void config_set_defaults(struct config *ret_config);

/* Writes CONFIG to OUT as a file from which config_load() reads the same values. */
void config_dump(const struct config *config, FILE *out);

/*
 * For a reload: if a key that only a restart can change differs, sets it in
 * *FRESH to the value in *RUNNING.  Returns the number of these keys, and
 * writes their names ("log.format, server.max_clients") to NAMES, which has
 * SIZE bytes; a longer list is truncated and NUL-terminated.
 */
unsigned config_keep_until_restart(struct config *fresh, const struct config *running,
				   char *names, size_t size);

#endif
