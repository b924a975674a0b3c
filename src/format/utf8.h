/* SPDX-License-Identifier: MIT */
/* Well-formed UTF-8 (RFC 3629), one character at a time.  Pure. */
#ifndef ECHO_LOGD_UTF8_H
#define ECHO_LOGD_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Returns the bytes of the character that begins at P (LEFT > 0 bytes) and
 * its code point, or 0 when none does: overlong forms, surrogates and what
 * lies above U+10FFFF are no characters.
 */
static inline size_t utf8_get(const unsigned char *p, size_t left, uint32_t *ret_code)
{
	uint32_t code;

	if (p[0] < 0x80) {
		*ret_code = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || left < 2 || !utf8_is_continuation(p[1]))
		return 0;
	if (p[0] < 0xe0) {
		*ret_code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if (left < 3 || !utf8_is_continuation(p[2]))
		return 0;
	code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	if (p[0] < 0xf0) {
		*ret_code = code;
		return code >= 0x800 && (code & 0xf800) != 0xd800 ? 3 : 0;
	}
	if (p[0] > 0xf4 || left < 4 || !utf8_is_continuation(p[3]))
		return 0;
	code = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	*ret_code = code;
	return code >= 0x10000 && code <= 0x10ffff ? 4 : 0;
}

static inline bool utf8_is_valid(const unsigned char *data, size_t len)
{
	uint32_t code;

	for (size_t n; len > 0; data += n, len -= n) {
		n = utf8_get(data, len, &code);
		if (n == 0)
			return false;
	}
	return true;
}

/*
 * The last place at or before AT where DATA may be cut without parting a
 * character.  0 < AT <= LEN; moves back by 3 bytes at most, never to 0.
 */
static inline size_t utf8_cut(const unsigned char *data, size_t len, size_t at)
{
	if (at == len || !utf8_is_continuation(data[at]))
		return at;
	for (size_t back = 1; back <= 3 && back < at; back++) {
		uint32_t code;

		if (utf8_is_continuation(data[at - back]))
			continue;
		return utf8_get(data + at - back, len - at + back, &code) > back ? at - back : at;
	}
	return at;
}

#endif
