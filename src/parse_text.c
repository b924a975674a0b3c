/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "parse_private.h"

static bool take_id(struct cursor *in, struct record_head *head)
{
	if (TAKE(in, "- "))
		return true;
	if (!take_hex(in, PARSE_ID_DIGITS, &head->id) || head->id == 0 || !TAKE(in, "."))
		return false;
	if (TAKE(in, "- "))
		return true;
	return take_decimal(in, &head->n) && head->n != RECORD_NO_NUMBER && TAKE(in, " ");
}

static bool take_peer(struct cursor *in, struct record *record)
{
	struct cursor peer;

	if (TAKE(in, "- "))
		return true;
	if (!take_word(in, ' ', PEER_NAME_SIZE - 1, &peer))
		return false;
	memcpy(record->peer, peer.p, left(&peer));
	return TAKE(in, " ");
}

static bool take_data(struct cursor *in, struct record *record)
{
	struct cursor data;

	if (!TAKE(in, " ") || !take_decimal(in, &record->length) || !TAKE(in, " "))
		return false;
	if (TAKE(in, "base64:")) {
		record->data_is_base64 = true;
		if (!take_word(in, ' ', SIZE_MAX, &data))
			return false;
	} else if (!TAKE(in, "\"") || !take_quoted(in, &data)) {
		return false;
	}
	record->data = data.p;
	record->data_len = left(&data);
	return true;
}

static bool take_start(struct cursor *in)
{
	struct cursor word;
	uint64_t version;

	return TAKE(in, " version=") && take_decimal(in, &version) && version > 0 &&
	       TAKE(in, " host=") && take_word(in, ' ', SIZE_MAX, &word) &&
	       TAKE(in, " boot=") && take_word(in, ' ', SIZE_MAX, &word) &&
	       TAKE(in, " daemon=") && take_word(in, ' ', SIZE_MAX, &word);
}

static bool take_messages(struct cursor *in, struct record *record)
{
	return TAKE(in, " messages=") && take_decimal(in, &record->messages);
}

static bool take_byte_count(struct cursor *in, struct record *record)
{
	return TAKE(in, " bytes=") && take_decimal(in, &record->bytes);
}

static bool take_close(struct cursor *in, struct record *record)
{
	struct cursor name;
	uint64_t crc;

	if (!TAKE(in, " ") || !take_name(in, &name) || !reason_named(&name, &record->reason))
		return false;
	if (record->reason == CLOSE_KILLED)
		return true;
	if (!take_messages(in, record) || !take_byte_count(in, record) || !TAKE(in, " crc32c=") ||
	    !take_hex(in, 8, &crc))
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

/* Passes over keys that a later version may add. */
static bool take_other_keys(struct cursor *in)
{
	struct cursor word;

	while (left(in) > 0) {
		if (!TAKE(in, " ") || !take_name(in, &word) || is_known_key(&word) || !TAKE(in, "="))
			return false;
		if (!(TAKE(in, "\"") ? take_quoted(in, &word)
				     : take_word(in, ' ', SIZE_MAX, &word)))
			return false;
	}
	return true;
}

/* What an unknown event holds is its own affair, but no line has control bytes. */
static bool take_rest(struct cursor *in)
{
	if (left(in) > 0 && *in->p != ' ')
		return false;
	for (; left(in) > 0; in->p++)
		if ((unsigned char)*in->p < ' ' || *in->p == 0x7f)
			return false;
	return true;
}

int parse_text(struct cursor in, struct record *ret)
{
	struct cursor name;

	if (!take_time(&in, &ret->head.time_usec) || !TAKE(&in, " ") ||
	    !take_id(&in, &ret->head) || !take_peer(&in, ret) || !take_name(&in, &name))
		return -EBADMSG;
	ret->event = event_named(&name);
	if (ret->event == EVENT_OTHER)
		return take_rest(&in) ? 0 : -EBADMSG;
	return take_event(&in, ret) && take_other_keys(&in) ? 0 : -EBADMSG;
}
