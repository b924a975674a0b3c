/* SPDX-License-Identifier: MIT */
/*
 * The configuration in force, and how it comes from echo-logd.conf(5).
 *
 * Owns: reading the file, checking every value, the rules that span keys.
 * The keys themselves (name, unit, range, default, help) are the table in
 * config_keys.c; nothing else knows their names.
 * Refuses: acting on a value.  Called by the master only; children inherit
 * the finished struct by fork.
 */
#ifndef ECHO_LOGD_CONFIG_H
#define ECHO_LOGD_CONFIG_H

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "format/log_format.h"

enum framing { FRAMING_STREAM, FRAMING_LINE };
enum limit_action { LIMIT_ROTATE, LIMIT_STOP };
enum echo_after { ECHO_AFTER_QUEUED, ECHO_AFTER_WRITTEN, ECHO_AFTER_SYNCED };
enum stall_action { STALL_BLOCK, STALL_DROP, STALL_CLOSE };

/* In keep_free: the rest is hundredths of the file system, not bytes. */
#define CONFIG_PERCENT (UINT64_C(1) << 63)

#define CONFIG_MAX_ADDRESSES 16
/* A numeric address, '%' and an interface name, and the final NUL. */
#define CONFIG_ADDRESS_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE)

/* Plain data without pointers: copied by assignment, nothing to free. */
struct config {
	/* [server] */
	char addresses[CONFIG_MAX_ADDRESSES][CONFIG_ADDRESS_SIZE];	/* numeric, or "*" */
	unsigned n_addresses;
	bool addresses_are_default;	/* then one that the kernel lacks is skipped, not an error */
	uint16_t port;
	unsigned max_clients;
	uint64_t idle_timeout_usec;	/* 0: never */
	uint64_t drain_timeout_usec;
	unsigned clients_per_worker;	/* 0: no limit */
	unsigned min_spare;
	unsigned max_spare;

	/* [log] */
	char path[PATH_MAX];
	enum log_format format;
	enum framing framing;
	mode_t mode;
	uint64_t message_limit;		/* 0: none */
	enum limit_action at_message_limit;
	unsigned keep_files;		/* 0: all */
	size_t message_size;		/* bytes */
	enum echo_after echo_after;
	enum stall_action when_stalled;
	uint64_t stall_timeout_usec;
	uint64_t keep_free;		/* bytes, or CONFIG_PERCENT + hundredths of the file system */
	uint64_t logger_timeout_usec;	/* 0: never */
};

/* As log.path: the standard output. */
#define CONFIG_STDOUT "-"

static inline bool config_logs_to_stdout(const struct config *config)
{
	return strcmp(config->path, CONFIG_STDOUT) == 0;
}

/* The log, as messages name it. */
static inline const char *config_log_name(const struct config *config)
{
	return config_logs_to_stdout(config) ? "stdout" : config->path;
}

/*
 * Where mistakes are written, one line each, ready to be shown:
 * "FILE:LINE: section.key: what is wrong, what is allowed".
 * Bounded: what does not fit is counted in `omitted`.
 */
struct diagnostics {
	char text[16384];
	size_t len;
	unsigned omitted;
};

/*
 * Reads PATH, then applies the OVERRIDES ("section.key=value"), then checks
 * the rules that span keys.  *RET_CONFIG is written only on success.
 * Returns 0; -EINVAL when there are mistakes (all of them are in
 * DIAGNOSTICS); or the -errno of opening or reading PATH (also described in
 * DIAGNOSTICS).
 */
int config_load(const char *path, const char *const *overrides, size_t n_overrides,
		struct config *ret_config, struct diagnostics *diagnostics);

/* Writes each mistake to OUT, and how many more there are. */
void config_print_mistakes(const struct diagnostics *diagnostics, FILE *out);

/* Writes CONFIG as a configuration file that config_load() reads back to the same values. */
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
