/* SPDX-License-Identifier: MIT */
#include "parse_json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "parse_event.h"

/* A string of a plain word, with its quotes. */
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
	if (!read_string(in, PEER_NAME_SIZE - 1, &peer) || scan_equals(&peer, "-"))
		return false;
	memcpy(record->peer, peer.p, scan_left(&peer));
	return true;
}

static bool read_head(struct cursor *in, struct record *record)
{
	struct cursor word;

	return SCAN(in, "{\"time\":\"") && scan_time(in, &record->head.time_usec) &&
	       SCAN(in, "\",\"host\":") && read_string(in, HOST_NAME_MAX, &word) &&
	       read_id(in, &record->head) && read_peer(in, record) && SCAN(in, ",\"event\":\"");
}

static bool read_data(struct cursor *in, struct record *record)
{
	struct cursor data;

	if (!SCAN(in, ",\"length\":") || !scan_decimal(in, &record->length))
		return false;
	record->data_is_base64 = SCAN(in, ",\"data_base64\":\"");
	if (!record->data_is_base64 && !SCAN(in, ",\"data\":\""))
		return false;
	if (!scan_quoted(in, &data))
		return false;
	record->data = data.p;
	record->data_len = scan_left(&data);
	return true;
}

static bool read_start(struct cursor *in)
{
	struct cursor word;
	uint64_t version;

	return SCAN(in, ",\"version\":") && scan_decimal(in, &version) && version > 0 &&
	       SCAN(in, ",\"boot\":") && read_string(in, SIZE_MAX, &word) &&
	       SCAN(in, ",\"daemon\":") && read_string(in, SIZE_MAX, &word);
}

static bool read_messages(struct cursor *in, struct record *record)
{
	return SCAN(in, ",\"messages\":") && scan_decimal(in, &record->messages);
}

static bool read_byte_count(struct cursor *in, struct record *record)
{
	return SCAN(in, ",\"bytes\":") && scan_decimal(in, &record->bytes);
}

static bool read_close(struct cursor *in, struct record *record)
{
	struct cursor name;
	uint64_t crc;

	if (!SCAN(in, ",\"reason\":") || !read_string(in, SIZE_MAX, &name) ||
	    !parse_reason_named(&name, &record->reason))
		return false;
	if (record->reason == CLOSE_KILLED)
		return true;
	if (!read_messages(in, record) || !read_byte_count(in, record) ||
	    !SCAN(in, ",\"crc32c\":\"") || !scan_hex(in, 8, &crc) || !SCAN(in, "\""))
		return false;
	record->crc = (uint32_t)crc;
	return true;
}

static bool read_event(struct cursor *in, struct record *record)
{
	switch (record->event) {
	case EVENT_START:
		return read_start(in);
	case EVENT_MESSAGE:
	case EVENT_PART:
		return read_data(in, record);
	case EVENT_DROPPED:
		return read_messages(in, record) && read_byte_count(in, record);
	case EVENT_CLOSE:
		return read_close(in, record);
	case EVENT_TORN:
		return read_byte_count(in, record);
	case EVENT_LIMIT:
		return read_messages(in, record);
	default:
		return true;
	}
}

/* A value of any kind, by its brackets; it is not looked into. */
static bool read_value(struct cursor *in)
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

/* Passes over keys that a later version may add; any key when the EVENT is unknown. */
static bool read_other_keys(struct cursor *in, enum event event)
{
	struct cursor name;

	while (SCAN(in, ",\""))
		if (!scan_name(in, &name) || (event != EVENT_OTHER && parse_key_is_known(&name)) ||
		    !SCAN(in, "\":") || !read_value(in))
			return false;
	return SCAN(in, "}") && scan_left(in) == 0;
}

int parse_json(struct cursor in, struct record *ret)
{
	struct cursor name;

	if (!read_head(&in, ret) || !scan_name(&in, &name) || !SCAN(&in, "\""))
		return -EBADMSG;
	ret->event = parse_event_named(&name);
	return read_event(&in, ret) && read_other_keys(&in, ret->event) ? 0 : -EBADMSG;
}
