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
	EVENT_NONE,			/* words only */
	EVENT_STARTED,			/* serves; LISTEN=, LOG_PATH= */
	EVENT_STOPPING,			/* stops; CLIENTS= */
	EVENT_CANNOT_START,		/* something that it needs is missing; ERRNO= */
	EVENT_CANNOT_LISTEN,		/* ADDRESS=, ERRNO= */
	EVENT_CONFIG_WRONG,		/* a mistake in it; CONFIG_FILE= */
	EVENT_RELOADED,			/* GENERATION= */
	EVENT_RELOAD_FAILED,		/* after what says why; CONFIG_FILE= */
	EVENT_NEEDS_MORE,		/* a part of a new configuration has no effect */
	EVENT_LOG_UNUSABLE,		/* cannot be opened, read or renamed; LOG_PATH=, ERRNO= */
	EVENT_LOG_STALLED,		/* takes nothing; LOG_PATH=, ERRNO= */
	EVENT_LOG_RESUMED,		/* LOG_PATH= */
	EVENT_LOG_TRUNCATED,		/* LOG_PATH= */
	EVENT_LOG_TORN,			/* LOG_PATH=, BYTES= */
	EVENT_LOG_COPIED,		/* it takes no splice(2); LOG_PATH= */
	EVENT_LOG_SET_ASIDE,		/* of another format; LOG_PATH= */
	EVENT_SYNC_FAILED,		/* LOG_PATH=, ERRNO= */
	EVENT_MESSAGE_LIMIT,		/* reached, with at_message_limit = stop; LOG_PATH=, MESSAGES= */
	EVENT_LOGGER_DIED,		/* LOGGER_PID=, and SIGNAL= or EXIT_STATUS= */
	EVENT_LOGGER_HANGS,		/* LOGGER_PID= */
	EVENT_WORKER_KILLED,		/* WORKER_PID=, SIGNAL=; with a client CLIENT_ADDRESS=, CONNECTION=, BYTES=, MESSAGES= */
	EVENT_SHORTAGE,			/* something ran out; ERRNO= */
	EVENT_SHORTAGE_OVER,
	EVENT_RECORDS_SPILLED,		/* BYTES=, SPILL= */
	EVENT_RECORDS_LOST,		/* or kept by systemd for another try; BYTES=, SPILL=, ERRNO= */
	EVENT_SPILLS_WAIT,		/* of earlier runs; SPILL= is the last */
	EVENT_SWALLOWED,		/* messages were not said; COUNT= */
	N_JOURNAL_EVENTS
};

/* 32 hex digits; NULL for EVENT_NONE. */
const char *journal_event_id(enum journal_event event);

#endif
