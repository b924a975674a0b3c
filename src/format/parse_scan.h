/* SPDX-License-Identifier: MIT */
/*
 * Scans a line from left to right: each function looks for one thing at a
 * cursor.  If it is there, the function moves the cursor behind it and
 * returns true.  Otherwise it returns false: the line is refused, and where
 * the cursor is then means nothing, but scan_bytes() leaves it in place, so
 * that something else may be looked for.
 *
 * Pure; knows neither events nor formats, and reads no byte at or behind
 * the cursor's end.
 */
#ifndef ECHO_LOGD_PARSE_SCAN_H
#define ECHO_LOGD_PARSE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bytes that are not scanned yet; also a word that was found in them. */
struct cursor {
	const char *p, *end;
};

/* Length of a time, as in "2026-11-22T21:04:05.123456Z". */
#define SCAN_TIME_LEN 27

static inline size_t scan_left(const struct cursor *in)
{
	return (size_t)(in->end - in->p);
}

/* The LEN bytes of EXPECTED. */
static inline bool scan_bytes(struct cursor *in, const char *expected, size_t len)
{
	if (scan_left(in) < len || memcmp(in->p, expected, len) != 0)
		return false;
	in->p += len;
	return true;
}

/* A string literal. */
#define SCAN(in, literal) scan_bytes((in), (literal), sizeof(literal) - 1)

/* A time that exists, in UTC with microseconds; *RET_USEC counts from 1970. */
bool scan_time(struct cursor *in, uint64_t *ret_usec);

/* A decimal number without sign or leading zero that fits in 64 bits. */
bool scan_decimal(struct cursor *in, uint64_t *ret_value);

/* Exactly DIGITS hexadecimal digits in lower case, at most 16. */
bool scan_hex(struct cursor *in, unsigned digits, uint64_t *ret_value);

/*
 * A word of 1 to MAX bytes of printable ASCII without space, `"` and `\`.
 * It ends before the byte END, which is not passed, or with the line.
 */
bool scan_word(struct cursor *in, char end, size_t max, struct cursor *ret_word);

/*
 * The content of a quoted string, up to the next `"` that no backslash
 * escapes.  That quote is passed too; the opening one was before.  The
 * escapes are not checked: unescape() does that.
 */
bool scan_quoted(struct cursor *in, struct cursor *ret_content);

/* The name of an event, key or reason: a lower-case letter, then these, digits, `_` and `-`. */
bool scan_name(struct cursor *in, struct cursor *ret_name);

/* Whether WORD is the string EXPECTED. */
bool scan_equals(const struct cursor *word, const char *expected);

#endif
