/* SPDX-License-Identifier: MIT */
#include "format/parse_text.h"

#include <string.h>

#include "format/parse_scan.h"
#include "format/parsed_record.h"

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

static bool read_head(struct cursor *in, struct record *record, struct cursor *ret_event)
{
	return scan_time(in, &record->head.time_usec) && SCAN(in, " ") &&
	       read_id(in, &record->head) && read_peer(in, record) && scan_name(in, ret_event);
}

/* Length and reason have no name: they follow the event's name. */
static bool read_key(struct cursor *in, enum field field)
{
	if (!SCAN(in, " "))
		return false;
	return field == FIELD_LENGTH || field == FIELD_REASON ||
	       (parse_event_scan_key(in, field) && SCAN(in, "="));
}

static bool read_word(struct cursor *in, struct cursor *ret_word)
{
	return scan_word(in, ' ', SIZE_MAX, ret_word);
}

static bool read_data(struct cursor *in, struct record *record)
{
	struct cursor data;

	if (SCAN(in, " base64:")) {
		record->data_is_base64 = true;
		if (!read_word(in, &data))
			return false;
	} else if (!SCAN(in, " \"") || !scan_quoted(in, &data)) {
		return false;
	}
	record->data = data.p;
	record->data_len = scan_left(&data);
	return true;
}

static bool read_added_fields(struct cursor *in)
{
	struct cursor word;

	while (scan_left(in) > 0) {
		if (!SCAN(in, " ") || !scan_name(in, &word) || parse_event_knows_key(&word) ||
		    !SCAN(in, "="))
			return false;
		if (!(SCAN(in, "\"") ? scan_quoted(in, &word) : read_word(in, &word)))
			return false;
	}
	return true;
}

/* An unknown event may hold anything, but no line has control bytes. */
static bool read_unknown_event(struct cursor *in)
{
	if (scan_left(in) > 0 && *in->p != ' ')
		return false;
	for (; scan_left(in) > 0; in->p++)
		if ((unsigned char)*in->p < ' ' || *in->p == 0x7f)
			return false;
	return true;
}

static bool read_rest(struct cursor *in, enum event event)
{
	return event == EVENT_OTHER ? read_unknown_event(in) : read_added_fields(in);
}

const struct parse_syntax parse_text_syntax = {
	.read_head = read_head,
	.read_key = read_key,
	.read_word = read_word,
	.read_data = read_data,
	.read_rest = read_rest,
	.host_is_in_head = false,
};
