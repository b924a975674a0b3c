/* SPDX-License-Identifier: MIT */
#include "format/parse.h"

#include <errno.h>
#include <string.h>

#include "format/base64.h"
#include "format/escape.h"
#include "format/parse_event.h"
#include "format/parse_json.h"
#include "format/parse_scan.h"
#include "format/parse_text.h"

/* In JSON the key of the event begins within this many bytes: before it come `time` to `peer`. */
#define EVENT_WINDOW 320

/* Whether the fields agree with each other, in any format. */
static bool is_consistent(const struct record *record)
{
	const struct record_head *head = &record->head;

	switch (record->event) {
	case EVENT_START:
	case EVENT_TORN:
	case EVENT_LIMIT:
		return head->id == 0 && !head->peer;
	case EVENT_MESSAGE:
	case EVENT_PART:
		return record->length > 0 && record->data_len > 0;
	case EVENT_CLOSE:
		return record->reason != CLOSE_KILLED || head->n == RECORD_NO_NUMBER;
	default:
		return true;
	}
}

int parse_record(enum log_format format, const char *line, size_t len, struct record *ret_record)
{
	const struct parse_syntax *syntax =
		format == FORMAT_JSON ? &parse_json_syntax : &parse_text_syntax;
	struct cursor in = { line, line + len };
	struct record record = { .head.n = RECORD_NO_NUMBER };
	bool is_filled = false;
	int r;

	if (len >= RECORD_MAX || memchr(line, '\n', len))
		return -EBADMSG;
	/* A part is filled with blanks up to the longest record; nothing else is. */
	for (; len == RECORD_MAX - 1 && in.end > in.p && in.end[-1] == ' '; in.end--)
		is_filled = true;
	r = parse_event_line(syntax, in, &record);
	if (r < 0)
		return r;
	if (record.peer[0])
		record.head.peer = record.peer;
	if (!is_consistent(&record) || (is_filled && record.event != EVENT_PART))
		return -EBADMSG;
	*ret_record = record;
	if (record.head.peer)
		ret_record->head.peer = ret_record->peer;
	return 0;
}

ssize_t parse_payload(enum log_format format, const struct record *record, void *buf)
{
	enum escape_style style = format == FORMAT_JSON ? ESCAPE_JSON : ESCAPE_C;
	ssize_t n;

	if (!record->data || record->data_len > RECORD_MAX)
		return -EBADMSG;
	n = record->data_is_base64 ? base64_decode(buf, record->data, record->data_len)
				   : unescape(style, buf, record->data, record->data_len);
	if (n < 0)
		return n;
	return (uint64_t)n == record->length ? n : -EBADMSG;
}

/* What parse_count() counts; every other line is nothing. */
enum kind { KIND_NOTHING, KIND_MESSAGE, KIND_EMPTY_CONNECTION };

/* Whether the rest of a `close` record, in which only the reason comes earlier, has KEY. */
static bool has_key(struct cursor rest, const char *key, size_t len)
{
	return memmem(rest.p, scan_left(&rest), key, len) != NULL;
}

#define HAS_KEY(rest, literal) has_key((rest), (literal), sizeof(literal) - 1)

static enum kind text_kind(const char *line, const char *end)
{
	const char *p = line + SCAN_TIME_LEN + 1;
	struct cursor in;

	if (end - line <= SCAN_TIME_LEN)
		return KIND_NOTHING;
	for (unsigned field = 0; field < 2; field++) {
		p = p < end ? memchr(p, ' ', (size_t)(end - p)) : NULL;
		if (!p)
			return KIND_NOTHING;
		p++;
	}
	in = (struct cursor){ p, end };
	if (SCAN(&in, "message "))
		return in.p < end ? KIND_MESSAGE : KIND_NOTHING;
	return SCAN(&in, "close ") && HAS_KEY(in, " messages=0 ") ? KIND_EMPTY_CONNECTION
								  : KIND_NOTHING;
}

/* A quote within a string has a backslash before it, so nothing but the key itself matches. */
static enum kind json_kind(const char *line, const char *end)
{
	static const char key[] = ",\"event\":\"";
	const char *p = line, *stop = end - line > EVENT_WINDOW ? line + EVENT_WINDOW : end;
	struct cursor in;

	while ((p = memchr(p, ',', (size_t)(stop - p)))) {
		in = (struct cursor){ p, end };
		if (SCAN(&in, key))
			break;
		p++;
	}
	if (!p)
		return KIND_NOTHING;
	in = (struct cursor){ p + sizeof(key) - 1, end };
	if (SCAN(&in, "message\""))
		return KIND_MESSAGE;
	return SCAN(&in, "close\"") && HAS_KEY(in, ",\"messages\":0,") ? KIND_EMPTY_CONNECTION
									: KIND_NOTHING;
}

size_t parse_count(enum log_format format, const char *data, size_t len, uint64_t max,
		   struct parse_counts *counts)
{
	const char *line = data, *end = data + len, *newline;

	while (counts->messages + counts->empty_connections < max && line < end &&
	       (newline = memchr(line, '\n', (size_t)(end - line)))) {
		enum kind kind = format == FORMAT_JSON ? json_kind(line, newline)
						       : text_kind(line, newline);

		counts->messages += kind == KIND_MESSAGE;
		counts->empty_connections += kind == KIND_EMPTY_CONNECTION;
		line = newline + 1;
	}
	return (size_t)(line - data);
}

bool parse_looks_like(enum log_format format, const char *line, size_t len)
{
	struct cursor in = { line, line + len };
	uint64_t number;

	if (format == FORMAT_JSON)
		return SCAN(&in, "{\"time\":\"") && scan_time(&in, &number) &&
		       SCAN(&in, "\",\"host\":\"");
	return format == FORMAT_TEXT && scan_time(&in, &number) && SCAN(&in, " ") &&
	       (SCAN(&in, "- ") ||
		(scan_hex(&in, RECORD_ID_DIGITS, &number) && SCAN(&in, ".")));
}
