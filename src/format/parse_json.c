/* SPDX-License-Identifier: MIT */
#include "format/parse_json.h"

#include <limits.h>
#include <string.h>

#include "format/parse_scan.h"
#include "format/parsed_record.h"

static bool read_string(struct cursor *in, size_t max, struct cursor *ret_word)
{
	return SCAN(in, "\"") && scan_word(in, '"', max, ret_word) && SCAN(in, "\"");
}

static bool read_id(struct cursor *in, struct record_head *head)
{
	if (SCAN(in, ",\"id\":null,\"n\":null"))
		return true;
	if (!SCAN(in, ",\"id\":\"") || !scan_hex(in, RECORD_ID_DIGITS, &head->id) ||
	    head->id == 0 || !SCAN(in, "\",\"n\":"))
		return false;
	if (SCAN(in, "null"))
		return true;
	return scan_decimal(in, &head->n) && head->n != RECORD_NO_NUMBER;
}

static bool read_peer(struct cursor *in, struct record *record)
{
	struct cursor peer;

	if (!SCAN(in, ",\"peer\":"))
		return false;
	if (SCAN(in, "null"))
		return true;
	/* "-" is how text says null; the writer never quotes it. */
	if (!read_string(in, PEER_NAME_SIZE - 1, &peer) || scan_equals(&peer, "-"))
		return false;
	memcpy(record->peer, peer.p, scan_left(&peer));
	return true;
}

static bool read_head(struct cursor *in, struct record *record, struct cursor *ret_event)
{
	struct cursor host;

	return SCAN(in, "{\"time\":\"") && scan_time(in, &record->head.time_usec) &&
	       SCAN(in, "\",\"host\":") && read_string(in, HOST_NAME_MAX, &host) &&
	       read_id(in, &record->head) && read_peer(in, record) &&
	       SCAN(in, ",\"event\":\"") && scan_name(in, ret_event) && SCAN(in, "\"");
}

/* Stays in place if another key is there. */
static bool read_key(struct cursor *in, enum field field)
{
	struct cursor at = *in;

	if (!SCAN(&at, ",\"") || !parse_event_scan_key(&at, field) || !SCAN(&at, "\":"))
		return false;
	*in = at;
	return true;
}

static bool read_word(struct cursor *in, struct cursor *ret_word)
{
	return read_string(in, SIZE_MAX, ret_word);
}

static bool read_data(struct cursor *in, struct record *record)
{
	struct cursor data;

	record->data_is_base64 = read_key(in, FIELD_DATA_BASE64);
	if (!record->data_is_base64 && !read_key(in, FIELD_DATA))
		return false;
	if (!SCAN(in, "\"") || !scan_quoted(in, &data))
		return false;
	record->data = data.p;
	record->data_len = scan_left(&data);
	return true;
}

/* A value of any kind, by its brackets and strings; what is in them is not checked. */
static bool read_any_value(struct cursor *in)
{
	const char *start = in->p;
	unsigned depth = 0;
	struct cursor word;

	for (; scan_left(in) > 0; in->p++) {
		char c = *in->p;

		if (depth == 0 && (c == ',' || c == '}'))
			break;
		if ((c == '}' || c == ']') && depth-- == 0)
			return false;
		depth += c == '{' || c == '[';
		if (c == '"') {
			in->p++;
			if (!scan_quoted(in, &word))
				return false;
			in->p--;
		} else if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7f) {
			return false;
		}
	}
	return in->p > start && depth == 0;
}

/* All fields of an unknown event are added ones, whatever their names. */
static bool read_rest(struct cursor *in, enum event event)
{
	struct cursor name;

	while (SCAN(in, ",\""))
		if (!scan_name(in, &name) ||
		    (event != EVENT_OTHER && parse_event_knows_key(&name)) ||
		    !SCAN(in, "\":") || !read_any_value(in))
			return false;
	return SCAN(in, "}") && scan_left(in) == 0;
}

const struct parse_syntax parse_json_syntax = {
	.read_head = read_head,
	.read_key = read_key,
	.read_word = read_word,
	.read_data = read_data,
	.read_rest = read_rest,
	.host_is_in_head = true,
};
