/* SPDX-License-Identifier: MIT */
/*
 * Well-formed UTF-8 (RFC 3629), one character at a time.  Overlong forms,
 * surrogates and code points above U+10FFFF are not characters.  Pure; any
 * process may call it.
 */
#ifndef ECHO_LOGD_UTF8_H
#define ECHO_LOGD_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether BYTE can only be the second or a later byte of a character. */
static inline bool utf8_is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Returns how many of the LEFT > 0 bytes at P make up the first character,
 * and sets *RET_CODE to its code point.  Returns 0 if no character begins
 * at P; *RET_CODE may be overwritten then.
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

/* Whether all of DATA are whole characters. */
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
 * Where to cut the LEN bytes of DATA near AT without dividing a character:
 * AT itself, or up to 3 bytes before it.  0 < AT <= LEN; never returns 0.
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
