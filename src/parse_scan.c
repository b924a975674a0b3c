/* SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "parse_private.h"

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
