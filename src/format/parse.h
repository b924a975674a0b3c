/* SPDX-License-Identifier: MIT */
/*
 * Lines of the message log back to records; record.h and record_message.h
 * write them, echo-logd-log(5) describes them.  The master and the logger
 * use it to tell what a log file holds and to count messages, echo-logctl
 * to verify a log.
 *
 * Pure, and safe with any bytes.  parse_record() and parse_payload() are
 * strict: they refuse what this service would not have written, but accept
 * events and fields that a later version may add.
 *
 * FORMAT is FORMAT_TEXT or FORMAT_JSON, for a raw log has no records; only
 * parse_looks_like() takes FORMAT_RAW too.
 */
#ifndef ECHO_LOGD_PARSE_H
#define ECHO_LOGD_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/log_format.h"
#include "format/parsed_record.h"

/*
 * Reads LINE, LEN bytes without the newline.  Returns 0, or -EBADMSG if it
 * is no record; *RET_RECORD is untouched then.  RET_RECORD->data points
 * into LINE, and head.peer into *RET_RECORD: that of a copy still points
 * into the original.
 */
int parse_record(enum log_format format, const char *line, size_t len, struct record *ret_record);

/*
 * Decodes the payload of RECORD to BUF, which needs RECORD_MAX bytes.
 * Returns the number of bytes, or -EBADMSG if there is no payload, if it is
 * malformed, or if its length is not RECORD->length.
 */
ssize_t parse_payload(enum log_format format, const struct record *record, void *buf);

/* What a piece of a log holds. */
struct parse_counts {
	uint64_t messages;		/* `message` records */
	uint64_t empty_connections;	/* `close` records of connections without a message */
};

/*
 * Adds to *COUNTS what is in the LEN bytes of DATA, which begin with a record.
 * Stops when the sum of *COUNTS is MAX.  A line without its newline does not
 * count.  Returns the offset behind the last line that was looked at.  Lines
 * are not checked beyond what has to be known: it must be fast enough for the
 * logger under full load.
 */
size_t parse_count(enum log_format format, const char *data, size_t len, uint64_t max,
		   struct parse_counts *counts);

/*
 * Whether LINE, LEN bytes without the newline, begins like a record of
 * FORMAT.  It tells what an unknown file holds.  Always false for
 * FORMAT_RAW.
 */
bool parse_looks_like(enum log_format format, const char *line, size_t len);

#endif
