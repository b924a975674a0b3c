/* SPDX-License-Identifier: MIT */
#include "format/parse_scan.h"

#include "format/calendar.h"

bool scan_decimal(struct cursor *in, uint64_t *ret_value)
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

bool scan_hex(struct cursor *in, unsigned digits, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (scan_left(in) < digits)
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

bool scan_time(struct cursor *in, uint64_t *ret_usec)
{
	uint64_t second, usec = 0;
	const char *p = in->p;

	if (scan_left(in) < SCAN_TIME_LEN || calendar_read(p, &second) < 0 ||
	    p[CALENDAR_LEN] != '.')
		return false;
	p += CALENDAR_LEN + 1;
	for (unsigned i = 0; i < 6; i++, p++) {
		if (*p < '0' || *p > '9')
			return false;
		usec = usec * 10 + (uint64_t)(*p - '0');
	}
	if (*p != 'Z')
		return false;
	in->p += SCAN_TIME_LEN;
	*ret_usec = second * 1000000 + usec;
	return true;
}

bool scan_word(struct cursor *in, char end, size_t max, struct cursor *ret_word)
{
	const char *start = in->p;

	for (; in->p < in->end && *in->p != end; in->p++) {
		unsigned char c = (unsigned char)*in->p;

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	*ret_word = (struct cursor){ start, in->p };
	return scan_left(ret_word) > 0 && scan_left(ret_word) <= max;
}

bool scan_quoted(struct cursor *in, struct cursor *ret_content)
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

bool scan_name(struct cursor *in, struct cursor *ret_name)
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

bool scan_equals(const struct cursor *word, const char *expected)
{
	size_t len = strlen(expected);

	return len == scan_left(word) && memcmp(word->p, expected, len) == 0;
}
