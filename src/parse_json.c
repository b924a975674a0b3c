/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "parse_private.h"

/* A string of a plain word, with its quotes. */
static bool take_string(struct cursor *in, size_t max, struct cursor *ret_word)
{
	return TAKE(in, "\"") && take_word(in, '"', max, ret_word) && TAKE(in, "\"");
}

static bool take_id(struct cursor *in, struct record_head *head)
{
	if (TAKE(in, ",\"id\":null,\"n\":null"))
		return true;
	if (!TAKE(in, ",\"id\":\"") || !take_hex(in, PARSE_ID_DIGITS, &head->id) ||
	    head->id == 0 || !TAKE(in, "\",\"n\":"))
		return false;
	if (TAKE(in, "null"))
		return true;
	return take_decimal(in, &head->n) && head->n != RECORD_NO_NUMBER;
}

static bool take_peer(struct cursor *in, struct record *record)
{
	struct cursor peer;

	if (!TAKE(in, ",\"peer\":"))
		return false;
	if (TAKE(in, "null"))
		return true;
	if (!take_string(in, PEER_NAME_SIZE - 1, &peer) || same(&peer, "-"))
		return false;
	memcpy(record->peer, peer.p, left(&peer));
	return true;
}

static bool take_head(struct cursor *in, struct record *record)
{
	struct cursor word;

	return TAKE(in, "{\"time\":\"") && take_time(in, &record->head.time_usec) &&
	       TAKE(in, "\",\"host\":") && take_string(in, HOST_NAME_MAX, &word) &&
	       take_id(in, &record->head) && take_peer(in, record) && TAKE(in, ",\"event\":\"");
}

static bool take_data(struct cursor *in, struct record *record)
{
	struct cursor data;

	if (!TAKE(in, ",\"length\":") || !take_decimal(in, &record->length))
		return false;
	record->data_is_base64 = TAKE(in, ",\"data_base64\":\"");
	if (!record->data_is_base64 && !TAKE(in, ",\"data\":\""))
		return false;
	if (!take_quoted(in, &data))
		return false;
	record->data = data.p;
	record->data_len = left(&data);
	return true;
}

static bool take_start(struct cursor *in)
{
	struct cursor word;
	uint64_t version;

	return TAKE(in, ",\"version\":") && take_decimal(in, &version) && version > 0 &&
	       TAKE(in, ",\"boot\":") && take_string(in, SIZE_MAX, &word) &&
	       TAKE(in, ",\"daemon\":") && take_string(in, SIZE_MAX, &word);
}

static bool take_messages(struct cursor *in, struct record *record)
{
	return TAKE(in, ",\"messages\":") && take_decimal(in, &record->messages);
}

static bool take_byte_count(struct cursor *in, struct record *record)
{
	return TAKE(in, ",\"bytes\":") && take_decimal(in, &record->bytes);
}

static bool take_close(struct cursor *in, struct record *record)
{
	struct cursor name;
	uint64_t crc;

	if (!TAKE(in, ",\"reason\":") || !take_string(in, SIZE_MAX, &name) ||
	    !reason_named(&name, &record->reason))
		return false;
	if (record->reason == CLOSE_KILLED)
		return true;
	if (!take_messages(in, record) || !take_byte_count(in, record) ||
	    !TAKE(in, ",\"crc32c\":\"") || !take_hex(in, 8, &crc) || !TAKE(in, "\""))
		return false;
	record->crc = (uint32_t)crc;
	return true;
}

static bool take_event(struct cursor *in, struct record *record)
{
	switch (record->event) {
	case EVENT_START:
		return take_start(in);
	case EVENT_MESSAGE:
	case EVENT_PART:
		return take_data(in, record);
	case EVENT_DROPPED:
		return take_messages(in, record) && take_byte_count(in, record);
	case EVENT_CLOSE:
		return take_close(in, record);
	case EVENT_TORN:
		return take_byte_count(in, record);
	case EVENT_LIMIT:
		return take_messages(in, record);
	default:
		return true;
	}
}

/* A value of any kind, by its brackets; it is not looked into. */
static bool take_value(struct cursor *in)
{
	const char *start = in->p;
	unsigned depth = 0;
	struct cursor word;

	for (; left(in) > 0; in->p++) {
		char c = *in->p;

		if (depth == 0 && (c == ',' || c == '}'))
			break;
		if ((c == '}' || c == ']') && depth-- == 0)
			return false;
		depth += c == '{' || c == '[';
		if (c == '"') {
			in->p++;
			if (!take_quoted(in, &word))
				return false;
			in->p--;
		} else if ((unsigned char)c <= ' ' || (unsigned char)c >= 0x7f) {
			return false;
		}
	}
	return in->p > start && depth == 0;
}

/* Passes over keys that a later version may add; any key when the EVENT is unknown. */
static bool take_other_keys(struct cursor *in, enum event event)
{
	struct cursor name;

	while (TAKE(in, ",\""))
		if (!take_name(in, &name) || (event != EVENT_OTHER && is_known_key(&name)) ||
		    !TAKE(in, "\":") || !take_value(in))
			return false;
	return TAKE(in, "}") && left(in) == 0;
}

int parse_json(struct cursor in, struct record *ret)
{
	struct cursor name;

	if (!take_head(&in, ret) || !take_name(&in, &name) || !TAKE(&in, "\""))
		return -EBADMSG;
	ret->event = event_named(&name);
	return take_event(&in, ret) && take_other_keys(&in, ret->event) ? 0 : -EBADMSG;
}
