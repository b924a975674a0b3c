/* SPDX-License-Identifier: MIT */
/*
 * Reads one line of the message log, in any format.  This module owns what
 * text and JSON share: the names of events and fields, and which fields an
 * event has in which order.  How a format spells them is described by a
 * struct parse_syntax; parse_text.h and parse_json.h define one each.
 *
 * Pure, and strict: a line that the writer would not have written is
 * refused.  Other modules use parse.h.
 */
#ifndef ECHO_LOGD_PARSE_EVENT_H
#define ECHO_LOGD_PARSE_EVENT_H

#include <stdbool.h>

#include "format/parse_scan.h"
#include "format/parsed_record.h"

/* Fields of the head, then fields of events. */
enum field {
	FIELD_NONE,	/* ends a list of fields */
	FIELD_TIME, FIELD_HOST, FIELD_ID, FIELD_N, FIELD_PEER, FIELD_EVENT,
	FIELD_LENGTH, FIELD_DATA, FIELD_DATA_BASE64, FIELD_REASON, FIELD_MESSAGES, FIELD_BYTES,
	FIELD_CRC32C, FIELD_VERSION, FIELD_BOOT, FIELD_DAEMON,
};

/*
 * How a format spells a record.  Each function reads one thing at the
 * cursor.  It returns true and moves the cursor behind that thing, or false
 * if something else is there.
 */
struct parse_syntax {
	/* The beginning of the line, up to and with the event's name, which is *RET_EVENT. */
	bool (*read_head)(struct cursor *in, struct record *record, struct cursor *ret_event);
	/* What introduces the value of FIELD: punctuation and, in most cases, the field's name. */
	bool (*read_key)(struct cursor *in, enum field field);
	/* A value that is a word. */
	bool (*read_word)(struct cursor *in, struct cursor *ret_word);
	/* The payload with what introduces it. */
	bool (*read_data)(struct cursor *in, struct record *record);
	/* The rest of the line: nothing, or fields that a later version may add to EVENT. */
	bool (*read_rest)(struct cursor *in, enum event event);
	bool host_is_in_head;	/* then `start` does not repeat it */
};

/*
 * Reads the line IN to *RET.  The caller has set RET->head.n to
 * RECORD_NO_NUMBER and all else to zero.  RET->peer is filled in, head.peer
 * is not.  Returns 0, or -EBADMSG for a line that SYNTAX does not allow; the
 * content of *RET is then undefined.
 */
int parse_event_line(const struct parse_syntax *syntax, struct cursor in, struct record *ret);

/* Scans the name of FIELD, as parse_scan.h does. */
bool parse_event_scan_key(struct cursor *in, enum field field);

/* Whether KEY names a field of this version, which no later version adds a second time. */
bool parse_event_knows_key(const struct cursor *key);

#endif
