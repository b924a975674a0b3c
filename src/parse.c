/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "calendar.h"
#include "escape.h"
#include "parse_private.h"

/* Bytes in which an event's name is found: before it come `time` to `peer`. */
#define EVENT_WINDOW 320

bool take_bytes(struct cursor *in, const char *expected, size_t len)
{
	if (left(in) < len || memcmp(in->p, expected, len) != 0)
		return false;
	in->p += len;
	return true;
}

bool take_decimal(struct cursor *in, uint64_t *ret_value)
{
	const char *start = in->p;
	uint64_t value = 0;

	for (; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*in->p - '0'), &value))
			return false;
	*ret_value = value;
	return in->p > start && (*start != '0' || in->p == start + 1);
}

bool take_hex(struct cursor *in, unsigned digits, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (left(in) < digits)
		return false;
	for (; digits > 0; digits--, in->p++) {
		char c = *in->p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_value = value;
	return true;
}

bool take_time(struct cursor *in, uint64_t *ret_usec)
{
	uint64_t second, usec = 0;
	const char *p = in->p + CALENDAR_LEN + 1;

	if (left(in) < PARSE_TIME_LEN || calendar_read(in->p, &second) < 0 || p[-1] != '.')
		return false;
	for (unsigned i = 0; i < 6; i++, p++) {
		if (*p < '0' || *p > '9')
			return false;
		usec = usec * 10 + (uint64_t)(*p - '0');
	}
	if (*p != 'Z')
		return false;
	in->p += PARSE_TIME_LEN;
	*ret_usec = second * 1000000 + usec;
	return true;
}

bool take_word(struct cursor *in, char end, size_t max, struct cursor *ret_word)
{
	const char *start = in->p;

	for (; in->p < in->end && *in->p != end; in->p++) {
		unsigned char c = (unsigned char)*in->p;

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	*ret_word = (struct cursor){ start, in->p };
	return left(ret_word) > 0 && left(ret_word) <= max;
}

bool take_quoted(struct cursor *in, struct cursor *ret_content)
{
	const char *start = in->p, *p = start, *quote;

	while ((quote = memchr(p, '"', (size_t)(in->end - p)))) {
		const char *back = quote;

		/* A quote is content behind an odd number of backslashes. */
		while (back > start && back[-1] == '\\')
			back--;
		p = quote + 1;
		if ((quote - back) % 2 == 0) {
			*ret_content = (struct cursor){ start, quote };
			in->p = p;
			return true;
		}
	}
	return false;
}

bool take_name(struct cursor *in, struct cursor *ret_name)
{
	const char *start = in->p;

	for (; in->p < in->end; in->p++) {
		char c = *in->p;

		if (!(c >= 'a' && c <= 'z') &&
		    (in->p == start || !((c >= '0' && c <= '9') || c == '_' || c == '-')))
			break;
	}
	*ret_name = (struct cursor){ start, in->p };
	return in->p > start;
}

bool same(const struct cursor *word, const char *expected)
{
	return strlen(expected) == left(word) && memcmp(word->p, expected, left(word)) == 0;
}

enum event event_named(const struct cursor *name)
{
	static const char *const names[] = {
		[EVENT_START] = "start",     [EVENT_OPEN] = "open", [EVENT_MESSAGE] = "message",
		[EVENT_PART] = "part",	     [EVENT_DROPPED] = "dropped",
		[EVENT_CLOSE] = "close",     [EVENT_TORN] = "torn", [EVENT_LIMIT] = "limit",
	};

	for (enum event event = EVENT_START; event < EVENT_OTHER; event++)
		if (same(name, names[event]))
			return event;
	return EVENT_OTHER;
}

bool reason_named(const struct cursor *name, enum close_reason *ret_reason)
{
	for (enum close_reason reason = CLOSE_EOF; reason <= CLOSE_KILLED; reason++)
		if (same(name, close_reason_name(reason))) {
			*ret_reason = reason;
			return true;
		}
	return false;
}

bool is_known_key(const struct cursor *key)
{
	static const char *const known[] = {
		"time", "host", "id", "n", "peer", "event", "length", "data", "data_base64",
		"reason", "messages", "bytes", "crc32c", "version", "boot", "daemon",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (same(key, known[i]))
			return true;
	return false;
}

/* What holds in both formats. */
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
	struct cursor in = { line, line + len };
	struct record record = { .head.n = RECORD_NO_NUMBER };
	int r;

	if (len >= RECORD_MAX || memchr(line, '\n', len))
		return -EBADMSG;
	r = format == FORMAT_JSON ? parse_json(in, &record) : parse_text(in, &record);
	if (r < 0)
		return r;
	if (record.peer[0])
		record.head.peer = record.peer;
	if (!is_consistent(&record))
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

static bool is_text_message(const char *line, const char *end)
{
	const char *p = line + PARSE_TIME_LEN + 1;

	if (end - line <= PARSE_TIME_LEN)
		return false;
	for (unsigned field = 0; field < 2; field++) {
		p = p < end ? memchr(p, ' ', (size_t)(end - p)) : NULL;
		if (!p)
			return false;
		p++;
	}
	return end - p > 8 && memcmp(p, "message ", 8) == 0;
}

/* Inside a string a quote has a backslash before it, so this key is found nowhere else. */
static bool is_json_message(const char *line, const char *end)
{
	static const char key[] = ",\"event\":\"";
	const char *p = line, *stop = end - line > EVENT_WINDOW ? line + EVENT_WINDOW : end;

	while ((p = memchr(p, ',', (size_t)(stop - p)))) {
		struct cursor in = { p, end };

		if (TAKE(&in, key))
			return TAKE(&in, "message\"");
		p++;
	}
	return false;
}

uint64_t parse_count_messages(enum log_format format, const char *data, size_t len, uint64_t max,
			      size_t *ret_end)
{
	const char *line = data, *end = data + len, *newline;
	uint64_t messages = 0;

	while (messages < max && line < end && (newline = memchr(line, '\n', (size_t)(end - line)))) {
		messages += format == FORMAT_JSON ? is_json_message(line, newline)
						  : is_text_message(line, newline);
		line = newline + 1;
	}
	*ret_end = (size_t)(line - data);
	return messages;
}

bool parse_looks_like(enum log_format format, const char *line, size_t len)
{
	struct cursor in = { line, line + len };
	uint64_t number;

	if (format == FORMAT_JSON)
		return TAKE(&in, "{\"time\":\"") && take_time(&in, &number) &&
		       TAKE(&in, "\",\"host\":\"");
	return format == FORMAT_TEXT && take_time(&in, &number) && TAKE(&in, " ") &&
	       (TAKE(&in, "- ") ||
		(take_hex(&in, PARSE_ID_DIGITS, &number) && TAKE(&in, ".")));
}
