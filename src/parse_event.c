/* SPDX-License-Identifier: MIT */
#include "parse_event.h"

enum event parse_event_named(const struct cursor *name)
{
	static const char *const names[] = {
		[EVENT_START] = "start",     [EVENT_OPEN] = "open", [EVENT_MESSAGE] = "message",
		[EVENT_PART] = "part",	     [EVENT_DROPPED] = "dropped",
		[EVENT_CLOSE] = "close",     [EVENT_TORN] = "torn", [EVENT_LIMIT] = "limit",
	};

	for (enum event event = EVENT_START; event < EVENT_OTHER; event++)
		if (scan_equals(name, names[event]))
			return event;
	return EVENT_OTHER;
}

bool parse_reason_named(const struct cursor *name, enum close_reason *ret_reason)
{
	for (enum close_reason reason = CLOSE_EOF; reason <= CLOSE_KILLED; reason++)
		if (scan_equals(name, close_reason_name(reason))) {
			*ret_reason = reason;
			return true;
		}
	return false;
}

bool parse_key_is_known(const struct cursor *key)
{
	static const char *const known[] = {
		"time", "host", "id", "n", "peer", "event", "length", "data", "data_base64",
		"reason", "messages", "bytes", "crc32c", "version", "boot", "daemon",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (scan_equals(key, known[i]))
			return true;
	return false;
}
