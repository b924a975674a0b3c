/* SPDX-License-Identifier: MIT */
/*
 * The events that the daemon logs to the journal, and the MESSAGE_ID= of each,
 * systemd.journal-fields(7).  Ids never change.  systemd/echo-logd.catalog
 * explains each event, and a test compares it with this table.
 *
 * A new event needs: a name here, an id in journal_event.c, an entry there.
 */
#ifndef ECHO_LOGD_JOURNAL_EVENT_H
#define ECHO_LOGD_JOURNAL_EVENT_H

/* The comments list the fields.  CONNECTION= is the connection id of the message log. */
enum journal_event {
	JOURNAL_NONE,		/* a message without an event */
	JOURNAL_STARTED,	/* LISTEN=, LOG_PATH= */
	JOURNAL_STOPPING,	/* CLIENTS= */
	JOURNAL_CANNOT_START,	/* a resource is not available; ERRNO= */
	JOURNAL_CANNOT_LISTEN,	/* ADDRESS=, ERRNO= */
	JOURNAL_CONFIG_WRONG,	/* one mistake; CONFIG_FILE= */
	JOURNAL_RELOADED,	/* GENERATION= */
	JOURNAL_RELOAD_FAILED,	/* logged after the reason; CONFIG_FILE= */
	JOURNAL_NEEDS_MORE,	/* a part of a new configuration has no effect */
	JOURNAL_LOG_UNUSABLE,	/* cannot be opened, read or renamed; LOG_PATH=, ERRNO= */
	JOURNAL_LOG_STALLED,	/* cannot be written; LOG_PATH=, ERRNO= */
	JOURNAL_LOG_RESUMED,	/* LOG_PATH= */
	JOURNAL_LOG_TRUNCATED,	/* LOG_PATH= */
	JOURNAL_LOG_TORN,	/* LOG_PATH=, BYTES= */
	JOURNAL_LOG_COPIED,	/* the log does not support splice(2); LOG_PATH= */
	JOURNAL_LOG_SET_ASIDE,	/* the file has another format; LOG_PATH= */
	JOURNAL_SYNC_FAILED,	/* LOG_PATH=, ERRNO= */
	JOURNAL_MESSAGE_LIMIT,	/* at_message_limit = stop; LOG_PATH=, MESSAGES= */
	JOURNAL_LOGGER_DIED,	/* LOGGER_PID=, and SIGNAL= or EXIT_STATUS= */
	JOURNAL_LOGGER_HANGS,	/* LOGGER_PID= */
	JOURNAL_WORKER_KILLED,	/* WORKER_PID=, SIGNAL=; with a client also CLIENT_ADDRESS=,
				   CONNECTION=, BYTES=, MESSAGES= */
	JOURNAL_SHORTAGE,	/* descriptors, processes or memory; ERRNO= */
	JOURNAL_SHORTAGE_OVER,
	JOURNAL_RECORDS_SPILLED,	/* BYTES=, SPILL= */
	JOURNAL_RECORDS_LOST,	/* lost, or kept by systemd for a retry; BYTES=, SPILL=,
					   ERRNO= */
	JOURNAL_SPILLS_WAIT,	/* spill files of earlier runs exist; SPILL= is the newest */
	JOURNAL_SUPPRESSED,	/* the rate limit; COUNT= */
	N_JOURNAL_EVENTS
};

/* 32 hex digits; NULL for JOURNAL_NONE. */
const char *journal_event_id(enum journal_event event);

#endif
