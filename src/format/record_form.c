/* SPDX-License-Identifier: MIT */
#include "format/record_form.h"

#include "format/base64.h"
#include "format/escape.h"
#include "format/record.h"
#include "format/record_put.h"
#include "format/utf8.h"

/* What base64 has around its payload more than escaped text: ` base64:` for ` "` and `"`. */
#define TEXT_MORE_AROUND_BASE64 5
/* In JSON: `_base64` in the name of the key. */
#define JSON_MORE_AROUND_BASE64 7

/*
 * A part is full if what one more character needs does not fit.  That is at
 * most 12 bytes, three bytes as \xNN.  If the part could have held the end
 * of the message, but a `message` could not, its last character is left for
 * that: the longer name and a shorter length make up for 4 bytes.
 */
#define FULL_PART_BLANKS (12 + 4)

/*
 * Of the bytes that base64 can hold, a part may lack the rest of a cut
 * character (3), of a group (3), and the last byte of the message.
 */
#define FULL_BASE64_LACKS 7

/* Whether PAYLOAD is longer than LIMIT bytes when it is escaped for text. */
static bool escaped_exceeds(const void *payload, size_t len, size_t limit)
{
	char text[RECORD_MAX + TEXT_MORE_AROUND_BASE64];
	size_t taken;

	if (escape_exceeds(payload, len, limit))
		return true;
	if (limit > sizeof(text))
		limit = sizeof(text);
	(void)escape(ESCAPE_C, text, limit, payload, len, &taken, NULL);
	return taken < len;
}

/* In text, base64 is used where it is shorter. */
static bool is_right_message(enum log_format format, const struct record *record,
			     const void *payload)
{
	size_t limit = base64_size((size_t)record->length) + TEXT_MORE_AROUND_BASE64;

	if (format == FORMAT_JSON)
		return true;
	if (!record->data_is_base64)
		return record->data_len <= limit;
	return escaped_exceeds(payload, (size_t)record->length, limit);
}

/* The bytes for a payload in a part, in the other form than that of RECORD if OTHER is set. */
static size_t room_in_part(enum log_format format, const struct record *record, size_t around,
			   bool other)
{
	size_t more = format == FORMAT_JSON ? JSON_MORE_AROUND_BASE64 : TEXT_MORE_AROUND_BASE64;
	/* The writer reserves as many digits for the length as RECORD_MAX has. */
	size_t used = around + decimal_digits(RECORD_MAX) - decimal_digits(record->length);

	if (other)
		used = record->data_is_base64 ? used - more : used + more;
	return used < RECORD_MAX ? RECORD_MAX - used : 0;
}

static bool is_right_part(enum log_format format, const struct record *record, const char *line,
			  size_t len, const void *payload)
{
	size_t blanks = 0, around, room64;
	bool holds_as_base64;

	if (len != RECORD_MAX - 1)
		return false;
	while (line[len - blanks - 1] == ' ')
		blanks++;
	/* With the newline. */
	around = len - blanks - record->data_len + 1;
	if (record->data_is_base64)
		return blanks <= FULL_PART_BLANKS &&
		       (format == FORMAT_JSON ||
			escaped_exceeds(payload, (size_t)record->length,
					room_in_part(format, record, around, true)));
	room64 = room_in_part(format, record, around, true);
	holds_as_base64 = record->length + FULL_BASE64_LACKS >= room64 / 4 * 3;
	/* In JSON, a byte that is not UTF-8 ends an escaped part before it is full. */
	return format == FORMAT_JSON ? holds_as_base64 || blanks <= FULL_PART_BLANKS
				     : holds_as_base64 && blanks <= FULL_PART_BLANKS;
}

bool record_form_is_right(enum log_format format, const struct record *record, const char *line,
			  size_t len, const void *payload)
{
	/* JSON has base64 for what is not UTF-8, and parse_payload() has found escapes right. */
	if (format == FORMAT_JSON && record->data_is_base64 &&
	    utf8_is_valid(payload, (size_t)record->length))
		return false;
	if (record->event == EVENT_PART)
		return is_right_part(format, record, line, len, payload);
	return is_right_message(format, record, payload);
}
