/* SPDX-License-Identifier: MIT */
/*
 * What the daemon tells the journal of, by MESSAGE_ID= of
 * systemd.journal-fields(7).  An id is for ever; systemd/echo-logd.catalog
 * explains each, and a test holds the two against each other.
 */
#ifndef ECHO_LOGD_JOURNAL_EVENT_H
#define ECHO_LOGD_JOURNAL_EVENT_H

/* With the fields that come along; CONNECTION= is as in the message log. */
enum journal_event {
	JOURNAL_NONE,		/* a message without an event */
	JOURNAL_STARTED,	/* LISTEN=, LOG_PATH= */
	JOURNAL_STOPPING,	/* CLIENTS= */
	JOURNAL_CANNOT_START,	/* something is missing; ERRNO= */
	JOURNAL_CANNOT_LISTEN,	/* ADDRESS=, ERRNO= */
	JOURNAL_CONFIG_WRONG,	/* one mistake; CONFIG_FILE= */
	JOURNAL_RELOADED,	/* GENERATION= */
	JOURNAL_RELOAD_FAILED,	/* follows the reason; CONFIG_FILE= */
	JOURNAL_NEEDS_MORE,	/* a part of a new configuration has no effect */
	JOURNAL_LOG_UNUSABLE,	/* cannot be opened, read or renamed; LOG_PATH=, ERRNO= */
	JOURNAL_LOG_STALLED,	/* cannot be written; LOG_PATH=, ERRNO= */
	JOURNAL_LOG_RESUMED,	/* LOG_PATH= */
	JOURNAL_LOG_TRUNCATED,	/* LOG_PATH= */
	JOURNAL_LOG_TORN,	/* LOG_PATH=, BYTES= */
	JOURNAL_LOG_COPIED,	/* it does not support splice(2); LOG_PATH= */
	JOURNAL_LOG_SET_ASIDE,	/* it is of another format; LOG_PATH= */
	JOURNAL_SYNC_FAILED,	/* LOG_PATH=, ERRNO= */
	JOURNAL_MESSAGE_LIMIT,	/* at_message_limit = stop; LOG_PATH=, MESSAGES= */
	JOURNAL_LOGGER_DIED,	/* LOGGER_PID=, and SIGNAL= or EXIT_STATUS= */
	JOURNAL_LOGGER_HANGS,	/* LOGGER_PID= */
	JOURNAL_WORKER_KILLED,	/* WORKER_PID=, SIGNAL=; if it had a client also CLIENT_ADDRESS=,
				   CONNECTION=, BYTES=, MESSAGES= */
	JOURNAL_SHORTAGE,	/* descriptors, processes or memory; ERRNO= */
	JOURNAL_SHORTAGE_OVER,
	JOURNAL_RECORDS_SPILLED,	/* BYTES=, SPILL= */
	JOURNAL_RECORDS_LOST,	/* or kept by systemd for a retry; BYTES=, SPILL=, ERRNO= */
	JOURNAL_SPILLS_WAIT,	/* of earlier runs; SPILL= is the newest */
	JOURNAL_SUPPRESSED,	/* the rate limit; COUNT= */
	N_JOURNAL_EVENTS
};

/* 32 hex digits; NULL for JOURNAL_NONE. */
const char *journal_event_id(enum journal_event event);

#endif
