/* SPDX-License-Identifier: MIT */
/*
 * The configuration that is in effect.  config_load.h reads it from the file,
 * echo-logd.conf(5) describes the keys, and config_keys.c has their table.
 * Any process may read it; only the master replaces it, and children inherit
 * it by fork.
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
#include <sys/types.h>

#include "format/log_format.h"

enum framing { FRAMING_STREAM, FRAMING_LINE };
enum limit_action { LIMIT_ROTATE, LIMIT_STOP };
enum echo_after { ECHO_AFTER_QUEUED, ECHO_AFTER_WRITTEN, ECHO_AFTER_SYNCED };
enum stall_action { STALL_BLOCK, STALL_DROP, STALL_CLOSE };

/* A flag in keep_free: the other bits are percent of the file system, not bytes. */
#define CONFIG_PERCENT (UINT64_C(1) << 63)

#define CONFIG_MAX_ADDRESSES 16
/* In bytes: a numeric address, '%', an interface name and the NUL. */
#define CONFIG_ADDRESS_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE)

/* Has no pointers: copied by assignment, and nothing has to be freed. */
struct config {
	/* [server] */
	char addresses[CONFIG_MAX_ADDRESSES][CONFIG_ADDRESS_SIZE];	/* numeric, or "*" */
	unsigned n_addresses;
	bool addresses_are_default;	/* an address family that the kernel lacks is skipped */
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
	uint64_t keep_free;		/* bytes, or CONFIG_PERCENT + percent */
	uint64_t logger_timeout_usec;	/* 0: never */
};

/* The value of log.path that means stdout. */
#define CONFIG_STDOUT "-"

static inline bool config_logs_to_stdout(const struct config *config)
{
	return strcmp(config->path, CONFIG_STDOUT) == 0;
}

/* At the limit, the file is rotated. */
static inline bool config_rotates_at_limit(const struct config *config)
{
	return config->message_limit > 0 && config->at_message_limit == LIMIT_ROTATE;
}

/* Beyond the limit, messages are not logged: workers take tickets for those that are. */
static inline bool config_stops_at_limit(const struct config *config)
{
	return config->message_limit > 0 && config->at_message_limit == LIMIT_STOP;
}

/* The name of the log in messages. */
static inline const char *config_log_name(const struct config *config)
{
	return config_logs_to_stdout(config) ? "stdout" : config->path;
}

#endif
