/* SPDX-License-Identifier: MIT */
/* Checks of written lines, for the two targets that write them. */
#ifndef ECHO_LOGD_FUZZ_RECORD_CHECKS_H
#define ECHO_LOGD_FUZZ_RECORD_CHECKS_H

#include "../unit/random.h"
#include "format/parse.h"
#include "format/record.h"
#include "format/record_form.h"
#include "format/record_message.h"
#include "format/utf8.h"
#include "fuzz.h"

static inline void check_same_head(const struct record_head *a, const struct record_head *b)
{
	CHECK(a->time_usec == b->time_usec && a->id == b->id && a->n == b->n);
	CHECK(!a->peer == !b->peer && (!a->peer || strcmp(a->peer, b->peer) == 0));
}

/*
 * Checks that LINE, LEN bytes that format/record.h wrote, is one line without
 * control characters.  Parses it to *RET_RECORD, which points into LINE.
 */
static inline void check_written(enum log_format format, const char *line, size_t len,
				 struct record *ret_record)
{
	struct parse_counts counts = {0};

	CHECK(len > 1 && len <= RECORD_MAX && line[len - 1] == '\n');
	CHECK(is_harmless(line, len - 1));
	CHECK(parse_record(format, line, len - 1, ret_record) == 0);
	CHECK(parse_looks_like(format, line, len - 1));
	CHECK(parse_count(format, line, len, UINT64_MAX, &counts) == len);
	CHECK(counts.messages == (ret_record->event == EVENT_MESSAGE));
	CHECK(counts.empty_connections ==
	      (ret_record->event == EVENT_CLOSE && ret_record->reason != CLOSE_KILLED &&
	       ret_record->messages == 0));
}

/*
 * RECORD, from LINE, has the TAKEN bytes of COPY, a piece of a message.
 * IS_UTF8 is about the whole message.
 */
static inline void check_piece(enum log_format format, const struct record *record,
			       const char *line, size_t len, const char *copy, size_t taken,
			       bool is_utf8)
{
	bool piece_is_utf8 = utf8_is_valid((const unsigned char *)copy, taken);
	char payload[RECORD_MAX];

	CHECK(record->length == taken);
	CHECK(parse_payload(format, record, payload) == (ssize_t)taken);
	CHECK(memcmp(payload, copy, taken) == 0);
	CHECK(record_form_is_right(format, record, line, len, payload));
	/* No character is cut in two, and JSON has base64 only if the piece is not UTF-8. */
	CHECK(piece_is_utf8 || !is_utf8);
	CHECK(format != FORMAT_JSON || record->data_is_base64 == !piece_is_utf8);
}

/* Writes the LEN > 0 bytes of DATA in records of at most ROOM bytes, and parses these. */
static inline void check_message(struct record_style *style, const struct record_head *head,
				 const void *data, size_t len, size_t room)
{
	char *copy = exact_copy(data, len);
	bool is_utf8 = utf8_is_valid((const unsigned char *)copy, len);
	size_t at = 0, taken, n;

	while (at < len) {
		char *buf = malloc(room);
		struct record record;

		CHECK(buf);
		n = record_message(style, buf, room, head, copy + at, len - at, &taken);
		CHECK(n <= room && (n > 0 || room < RECORD_MAX));
		if (n == 0) {
			room = RECORD_MAX;
			free(buf);
			continue;
		}
		CHECK(taken > 0 && taken <= len - at);
		if (style->format == FORMAT_RAW) {
			CHECK(n == taken && memcmp(buf, copy + at, n) == 0);
		} else {
			check_written(style->format, buf, n, &record);
			CHECK(record.event == (at + taken < len ? EVENT_PART : EVENT_MESSAGE));
			CHECK(record.event == EVENT_MESSAGE || n == RECORD_MAX);
			check_piece(style->format, &record, buf, n - 1, copy + at, taken, is_utf8);
			CHECK(record.head.time_usec == head->time_usec &&
			      record.head.id == head->id);
		}
		at += taken;
		free(buf);
	}
	free(copy);
}

#endif
