/* SPDX-License-Identifier: MIT */
#include "config/config_keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/unit_directory.h"
#include "build.h"
#include "config/config_value.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define MS UINT64_C(1000)
#define DAY (24 * 60 * 60 * 1000 * MS)
#define KIB UINT64_C(1024)
#define MANY UINT64_C(1000000000)

/* In the order of their enums in config.h. */
static const char *const format_words[] = {"text", "json", "raw", NULL};
static const char *const framing_words[] = {"stream", "line", NULL};
static const char *const limit_words[] = {"rotate", "stop", NULL};
static const char *const echo_words[] = {"queued", "written", "synced", NULL};
static const char *const stall_words[] = {"block", "drop", "close", NULL};

#define FIELD(name) offsetof(struct config, name), sizeof(((struct config *)NULL)->name)

const struct config_key config_keys[] = {
	/* section, name, type, reload, default, min, max, zero, words, field, help */
	{"server", "address", KEY_ADDRESSES, RELOAD_AT_ONCE, "127.0.0.1, ::1", 0, 0, NULL, NULL,
	 FIELD(addresses), "Addresses to listen on: numeric, separated by commas, or * for all."},
	{"server", "port", KEY_COUNT, RELOAD_AT_ONCE, "7", 1, UINT16_MAX, NULL, NULL,
	 FIELD(port), "TCP port to listen on."},
	{"server", "max_clients", KEY_COUNT, RELOAD_RESTART, "1000", 1, 100000, NULL, NULL,
	 FIELD(max_clients),
	 "Maximum number of clients served at the same time; further clients wait."},
	{"server", "idle_timeout", KEY_TIME, RELOAD_NEW_CLIENTS, "1h", 100 * MS, 365 * DAY,
	 "never", NULL, FIELD(idle_timeout_usec),
	 "Disconnect a client that sends nothing for this long; 0 = never."},
	{"server", "drain_timeout", KEY_TIME, RELOAD_AT_ONCE, "2s", 0, DAY, NULL, NULL,
	 FIELD(drain_timeout_usec),
	 "How long connected clients are still served after a stop request."},
	{"server", "clients_per_worker", KEY_COUNT, RELOAD_NEW_CLIENTS, "0", 1, MANY, "no limit",
	 NULL, FIELD(clients_per_worker),
	 "Number of clients that a worker process serves before it exits; 0 = no limit."},
	{"server", "min_spare", KEY_COUNT, RELOAD_AT_ONCE, "4", 1, 100000, NULL, NULL,
	 FIELD(min_spare), "Minimum number of idle workers that wait for clients."},
	{"server", "max_spare", KEY_COUNT, RELOAD_AT_ONCE, "32", 1, 100000, NULL, NULL,
	 FIELD(max_spare), "Maximum number of idle workers that wait for clients."},

	{"log", "path", KEY_PATH, RELOAD_AT_ONCE, ECHO_LOGD_LOG_DIR "/messages.log", 0, 0, NULL,
	 NULL, FIELD(path), "Message log: an absolute path, or - for stdout."},
	{"log", "format", KEY_WORD, RELOAD_RESTART, "text", 0, 0, NULL, format_words,
	 FIELD(format), "Format of the log: text, json (JSON Lines) or raw (payload only)."},
	{"log", "framing", KEY_WORD, RELOAD_NEW_CLIENTS, "stream", 0, 0, NULL, framing_words,
	 FIELD(framing),
	 "What counts as one message: the bytes of one read (stream) or a line (line)."},
	{"log", "mode", KEY_MODE, RELOAD_AT_ONCE, "0640", 0, 0, NULL, NULL,
	 FIELD(mode), "Permissions of a new log file, in octal."},
	{"log", "message_limit", KEY_COUNT, RELOAD_AT_ONCE, "0", 1, MANY * 1000000, "no limit",
	 NULL, FIELD(message_limit), "Maximum number of messages in one log file; 0 = no limit."},
	{"log", "at_message_limit", KEY_WORD, RELOAD_AT_ONCE, "rotate", 0, 0, NULL, limit_words,
	 FIELD(at_message_limit),
	 "At message_limit: begin a new file (rotate), or save no more messages (stop)."},
	{"log", "keep_files", KEY_COUNT, RELOAD_AT_ONCE, "0", 1, 1000000, "all", NULL,
	 FIELD(keep_files), "Number of rotated files to keep; 0 = all."},
	{"log", "message_size", KEY_SIZE, RELOAD_NEW_CLIENTS, "64K", 1, KIB * KIB, NULL, NULL,
	 FIELD(message_size),
	 "Maximum size of a message; the rest of a longer one is the next message."},
	{"log", "echo_after", KEY_WORD, RELOAD_NEW_CLIENTS, "queued", 0, 0, NULL, echo_words,
	 FIELD(echo_after),
	 "Echo when the record is queued, written to the file, or synced to disk."},
	{"log", "when_stalled", KEY_WORD, RELOAD_NEW_CLIENTS, "block", 0, 0, NULL, stall_words,
	 FIELD(when_stalled),
	 "What to do while the log cannot be written: make clients wait (block), discard "
	 "messages (drop), or disconnect clients (close)."},
	{"log", "stall_timeout", KEY_TIME, RELOAD_NEW_CLIENTS, "5s", 10 * MS, DAY, NULL, NULL,
	 FIELD(stall_timeout_usec),
	 "The log counts as stalled when it has accepted no byte for this long."},
	{"log", "keep_free", KEY_FREE, RELOAD_AT_ONCE, "0", 1, KIB * KIB * KIB * KIB * KIB,
	 "none", NULL, FIELD(keep_free),
	 "Disk space to leave free for other programs: a size, or a share in %; 0 = none."},
	{"log", "logger_timeout", KEY_TIME, RELOAD_AT_ONCE, "30s", 1000 * MS, DAY, "never", NULL,
	 FIELD(logger_timeout_usec),
	 "Replace a logger process that shows no sign of life for this long; 0 = never."},
};
const size_t config_n_keys = N_ELEMENTS(config_keys);
static_assert(N_ELEMENTS(config_keys) <= CONFIG_MAX_KEYS, "CONFIG_MAX_KEYS");

const struct config_key *config_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].section, section) == 0 &&
		    strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

bool config_section_exists(const char *name)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].section, name) == 0)
			return true;
	return false;
}

/* Each instance of the unit has its own LogsDirectory=, see systemd.exec(5). */
static void set_default_path(struct config *config)
{
	char directory[sizeof(config->path) / 2];

	if (unit_directory("LOGS_DIRECTORY", directory, sizeof(directory)))
		snprintf(config->path, sizeof(config->path), "%s/messages.log", directory);
}

void config_set_defaults(struct config *ret_config)
{
	const char *hint;

	memset(ret_config, 0, sizeof(*ret_config));
	for (size_t i = 0; i < config_n_keys; i++)
		config_value_set(&config_keys[i], ret_config, config_keys[i].by_default, &hint);
	set_default_path(ret_config);
	ret_config->addresses_are_default = true;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * The number of typing errors between two names: letters missing, added,
 * wrong or swapped (optimal string alignment distance).  Only the first MAX
 * letters are compared, which is more than any key has.
 */
static size_t distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	size_t d[MAX + 1][MAX + 1];
	size_t n = strnlen(a, MAX), m = strnlen(b, MAX);

	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
					least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

/* Allows one error for each three letters of NAME, and at least one. */
static bool near_enough(size_t errors, const char *name)
{
	size_t allowed = strlen(name) / 3;

	return errors <= (allowed > 1 ? allowed : 1);
}

const struct config_key *config_key_guess(const char *section, const char *name)
{
	const struct config_key *best = NULL;
	size_t best_score = SIZE_MAX;

	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		size_t errors = distance(name, key->name);
		/* The exact name in another section beats a similar name in this one. */
		size_t score = 2 * errors + (strcmp(section, key->section) != 0);

		if (near_enough(errors, key->name) && score < best_score) {
			best = key;
			best_score = score;
		}
	}
	return best;
}

const char *config_section_guess(const char *name)
{
	const char *best = NULL;
	size_t best_errors = SIZE_MAX;

	for (size_t i = 0; i < config_n_keys; i++) {
		size_t errors = distance(name, config_keys[i].section);

		if (near_enough(errors, config_keys[i].section) && errors < best_errors) {
			best = config_keys[i].section;
			best_errors = errors;
		}
	}
	return best;
}

void config_dump(const struct config *config, FILE *out)
{
	const char *section = "";
	char value[PATH_MAX];

	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		/* As a set key it would no longer count as the default when it is read. */
		bool commented_out = key->type == KEY_ADDRESSES && config->addresses_are_default;

		if (strcmp(section, key->section) != 0)
			fprintf(out, "%s[%s]\n", *section ? "\n" : "", key->section);
		section = key->section;
		config_value_format(key, config, value, sizeof(value));
		fprintf(out, "%s%s = %s\n", commented_out ? "#" : "", key->name, value);
	}
}

unsigned config_keep_until_restart(struct config *fresh, const struct config *running,
				   char *names, size_t size)
{
	unsigned n = 0;
	size_t at = 0;

	if (size > 0)
		names[0] = '\0';
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		char *field = (char *)fresh + key->offset;
		const char *kept = (const char *)running + key->offset;

		if (key->reload != RELOAD_RESTART || memcmp(field, kept, key->size) == 0)
			continue;
		memcpy(field, kept, key->size);
		if (at < size)
			at += (size_t)snprintf(names + at, size - at, "%s%s.%s", n > 0 ? ", " : "",
					       key->section, key->name);
		n++;
	}
	return n;
}
