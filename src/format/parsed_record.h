/* SPDX-License-Identifier: MIT */
/*
 * A record as it was read from the message log: what parse.h returns, and
 * what the readers of single lines fill in.  Types only; echo-logd-log(5)
 * has the meaning of each field.
 */
#ifndef ECHO_LOGD_PARSED_RECORD_H
#define ECHO_LOGD_PARSED_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/peer_name.h"
#include "format/record.h"

enum event {
	EVENT_START, EVENT_OPEN, EVENT_MESSAGE, EVENT_PART, EVENT_DROPPED, EVENT_CLOSE, EVENT_TORN,
	EVENT_LIMIT,
	EVENT_OTHER,	/* of a later version of the format: readers ignore it */
};

/* `data` points into the line that was read; the record is valid as long as the line is. */
struct record {
	struct record_head head;	/* head.peer points to `peer` below, or is NULL */
	char peer[PEER_NAME_SIZE];
	enum event event;
	uint64_t length;		/* payload bytes; `message` and `part` */
	const char *data;		/* the payload, still encoded; NULL: the event has none */
	size_t data_len;
	bool data_is_base64;
	enum close_reason reason;	/* `close` */
	uint64_t messages;		/* `close` but killed, `dropped`, `limit` */
	uint64_t bytes;			/* `close` but killed, `dropped`, `torn` */
	uint32_t crc;			/* `close` but killed */
	uint64_t version;		/* `start` */
};

#endif
