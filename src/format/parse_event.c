/* SPDX-License-Identifier: MIT */
#include "format/parse_event.h"

#include <errno.h>
#include <string.h>

#define FIELDS_MAX 4
#define CRC_DIGITS 8

struct name {
	const char *bytes;
	size_t len;
};

#define NAME(literal) { (literal), sizeof(literal) - 1 }

static const struct name field_names[] = {
	[FIELD_TIME] = NAME("time"),		[FIELD_HOST] = NAME("host"),
	[FIELD_ID] = NAME("id"),		[FIELD_N] = NAME("n"),
	[FIELD_PEER] = NAME("peer"),		[FIELD_EVENT] = NAME("event"),
	[FIELD_LENGTH] = NAME("length"),	[FIELD_DATA] = NAME("data"),
	[FIELD_DATA_BASE64] = NAME("data_base64"),
	[FIELD_REASON] = NAME("reason"),	[FIELD_MESSAGES] = NAME("messages"),
	[FIELD_BYTES] = NAME("bytes"),		[FIELD_CRC32C] = NAME("crc32c"),
	[FIELD_VERSION] = NAME("version"),	[FIELD_BOOT] = NAME("boot"),
	[FIELD_DAEMON] = NAME("daemon"),
};

/* The events by name, with their fields in order. */
static const struct {
	struct name name;
	enum field fields[FIELDS_MAX + 1];
} events[] = {
	[EVENT_START] = { NAME("start"),
			  { FIELD_VERSION, FIELD_HOST, FIELD_BOOT, FIELD_DAEMON } },
	[EVENT_OPEN] = { NAME("open"), { FIELD_NONE } },
	[EVENT_MESSAGE] = { NAME("message"), { FIELD_LENGTH, FIELD_DATA } },
	[EVENT_PART] = { NAME("part"), { FIELD_LENGTH, FIELD_DATA } },
	[EVENT_DROPPED] = { NAME("dropped"), { FIELD_MESSAGES, FIELD_BYTES } },
	[EVENT_CLOSE] = { NAME("close"),
			  { FIELD_REASON, FIELD_MESSAGES, FIELD_BYTES, FIELD_CRC32C } },
	[EVENT_TORN] = { NAME("torn"), { FIELD_BYTES } },
	[EVENT_LIMIT] = { NAME("limit"), { FIELD_MESSAGES } },
	[EVENT_OTHER] = { NAME(""), { FIELD_NONE } },
};

static bool is_named(const struct cursor *word, const struct name *name)
{
	return scan_left(word) == name->len && memcmp(word->p, name->bytes, name->len) == 0;
}

static enum event event_named(const struct cursor *name)
{
	enum event event = EVENT_START;

	while (event < EVENT_OTHER && !is_named(name, &events[event].name))
		event++;
	return event;
}

static bool reason_named(const struct cursor *name, enum close_reason *ret_reason)
{
	for (enum close_reason reason = CLOSE_EOF; reason <= CLOSE_KILLED; reason++)
		if (scan_equals(name, close_reason_name(reason))) {
			*ret_reason = reason;
			return true;
		}
	return false;
}

bool parse_event_scan_key(struct cursor *in, enum field field)
{
	return scan_bytes(in, field_names[field].bytes, field_names[field].len);
}

bool parse_event_knows_key(const struct cursor *key)
{
	for (enum field field = FIELD_TIME; field <= FIELD_DAEMON; field++)
		if (is_named(key, &field_names[field]))
			return true;
	return false;
}

static bool read_crc(const struct parse_syntax *syntax, struct cursor *in, uint32_t *ret_crc)
{
	struct cursor word;
	uint64_t crc;

	if (!syntax->read_word(in, &word) || scan_left(&word) != CRC_DIGITS ||
	    !scan_hex(&word, CRC_DIGITS, &crc))
		return false;
	*ret_crc = (uint32_t)crc;
	return true;
}

static bool read_field(const struct parse_syntax *syntax, struct cursor *in, enum field field,
		       struct record *record)
{
	struct cursor word;

	if (field == FIELD_DATA)
		return syntax->read_data(in, record);
	if (!syntax->read_key(in, field))
		return false;
	switch (field) {
	case FIELD_LENGTH:
		return scan_decimal(in, &record->length);
	case FIELD_MESSAGES:
		return scan_decimal(in, &record->messages);
	case FIELD_BYTES:
		return scan_decimal(in, &record->bytes);
	case FIELD_CRC32C:
		return read_crc(syntax, in, &record->crc);
	case FIELD_REASON:
		return syntax->read_word(in, &word) && reason_named(&word, &record->reason);
	case FIELD_VERSION:
		return scan_decimal(in, &record->version) && record->version > 0;
	default:
		/* host, boot and daemon: people read them, struct record does not hold them. */
		return syntax->read_word(in, &word);
	}
}

static bool read_fields(const struct parse_syntax *syntax, struct cursor *in,
			struct record *record)
{
	const enum field *field = events[record->event].fields;

	for (; *field != FIELD_NONE; field++) {
		if (*field == FIELD_HOST && syntax->host_is_in_head)
			continue;
		if (!read_field(syntax, in, *field, record))
			return false;
		/* The totals of a killed worker are not known, so none follow. */
		if (*field == FIELD_REASON && record->reason == CLOSE_KILLED)
			break;
	}
	return true;
}

int parse_event_line(const struct parse_syntax *syntax, struct cursor in, struct record *ret)
{
	struct cursor name;

	if (!syntax->read_head(&in, ret, &name))
		return -EBADMSG;
	ret->event = event_named(&name);
	return read_fields(syntax, &in, ret) && syntax->read_rest(&in, ret->event) ? 0 : -EBADMSG;
}
