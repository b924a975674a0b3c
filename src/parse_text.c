/* SPDX-License-Identifier: MIT */
#include "parse_text.h"

#include <errno.h>
#include <string.h>

#include "parse_event.h"

static bool read_id(struct cursor *in, struct record_head *head)
{
	if (SCAN(in, "- "))
		return true;
	if (!scan_hex(in, RECORD_ID_DIGITS, &head->id) || head->id == 0 || !SCAN(in, "."))
		return false;
	if (SCAN(in, "- "))
		return true;
	return scan_decimal(in, &head->n) && head->n != RECORD_NO_NUMBER && SCAN(in, " ");
}

static bool read_peer(struct cursor *in, struct record *record)
{
	struct cursor peer;

	if (SCAN(in, "- "))
		return true;
	if (!scan_word(in, ' ', PEER_NAME_SIZE - 1, &peer))
		return false;
	memcpy(record->peer, peer.p, scan_left(&peer));
	return SCAN(in, " ");
}

static bool read_data(struct cursor *in, struct record *record)
{
	struct cursor data;

	if (!SCAN(in, " ") || !scan_decimal(in, &record->length) || !SCAN(in, " "))
		return false;
	if (SCAN(in, "base64:")) {
		record->data_is_base64 = true;
		if (!scan_word(in, ' ', SIZE_MAX, &data))
			return false;
	} else if (!SCAN(in, "\"") || !scan_quoted(in, &data)) {
		return false;
	}
	record->data = data.p;
	record->data_len = scan_left(&data);
	return true;
}

static bool read_start(struct cursor *in)
{
	struct cursor word;
	uint64_t version;

	return SCAN(in, " version=") && scan_decimal(in, &version) && version > 0 &&
	       SCAN(in, " host=") && scan_word(in, ' ', SIZE_MAX, &word) &&
	       SCAN(in, " boot=") && scan_word(in, ' ', SIZE_MAX, &word) &&
	       SCAN(in, " daemon=") && scan_word(in, ' ', SIZE_MAX, &word);
}

static bool read_messages(struct cursor *in, struct record *record)
{
	return SCAN(in, " messages=") && scan_decimal(in, &record->messages);
}

static bool read_byte_count(struct cursor *in, struct record *record)
{
	return SCAN(in, " bytes=") && scan_decimal(in, &record->bytes);
}

static bool read_close(struct cursor *in, struct record *record)
{
	struct cursor name;
	uint64_t crc;

	if (!SCAN(in, " ") || !scan_name(in, &name) || !parse_reason_named(&name, &record->reason))
		return false;
	if (record->reason == CLOSE_KILLED)
		return true;
	if (!read_messages(in, record) || !read_byte_count(in, record) || !SCAN(in, " crc32c=") ||
	    !scan_hex(in, 8, &crc))
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

/* Passes over keys that a later version may add. */
static bool read_other_keys(struct cursor *in)
{
	struct cursor word;

	while (scan_left(in) > 0) {
		if (!SCAN(in, " ") || !scan_name(in, &word) || parse_key_is_known(&word) ||
		    !SCAN(in, "="))
			return false;
		if (!(SCAN(in, "\"") ? scan_quoted(in, &word)
				     : scan_word(in, ' ', SIZE_MAX, &word)))
			return false;
	}
	return true;
}

/* What an unknown event holds is its own affair, but no line has control bytes. */
static bool read_rest(struct cursor *in)
{
	if (scan_left(in) > 0 && *in->p != ' ')
		return false;
	for (; scan_left(in) > 0; in->p++)
		if ((unsigned char)*in->p < ' ' || *in->p == 0x7f)
			return false;
	return true;
}

int parse_text(struct cursor in, struct record *ret)
{
	struct cursor name;

	if (!scan_time(&in, &ret->head.time_usec) || !SCAN(&in, " ") ||
	    !read_id(&in, &ret->head) || !read_peer(&in, ret) || !scan_name(&in, &name))
		return -EBADMSG;
	ret->event = parse_event_named(&name);
	if (ret->event == EVENT_OTHER)
		return read_rest(&in) ? 0 : -EBADMSG;
	return read_event(&in, ret) && read_other_keys(&in) ? 0 : -EBADMSG;
}
