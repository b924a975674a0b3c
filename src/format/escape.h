/* SPDX-License-Identifier: MIT */
/*
 * Any bytes to printable text and back: the DATA of echo-logd-log(5).
 * Pure.  What is clean passes at memory speed; nothing here allocates.
 *
 * Clean: printable ASCII but `"` and `\`, and valid UTF-8 but the characters
 * that could steer a terminal or hide text: C1 controls, U+061C, U+200E/F,
 * U+2028/9, U+202A to U+202E, U+2066 to U+2069.
 */
#ifndef ECHO_LOGD_ESCAPE_H
#define ECHO_LOGD_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum escape_style {
	ESCAPE_C,	/* \n \t \r \\ \" and \xNN for each byte that is not clean */
	ESCAPE_JSON,	/* RFC 8259 string content; stops before a byte that is not UTF-8 */
};

/*
 * Escapes from IN to OUT as much as fits in OUT_SIZE, cutting a piece only
 * between characters.  Returns the bytes written, no NUL; *RET_TAKEN is the
 * number of input bytes they stand for: less than IN_LEN when OUT is full
 * or, for ESCAPE_JSON, when the next bytes are not UTF-8
 * (*RET_INVALID says so).
 */
size_t escape(enum escape_style style, char *out, size_t out_size, const void *in, size_t in_len,
	      size_t *ret_taken, bool *ret_invalid);

/*
 * Whether ESCAPE_C is certain to make more than LIMIT bytes of IN.  A quick
 * look without escaping: false means "perhaps not".
 */
bool escape_exceeds(const void *in, size_t in_len, size_t limit);

/*
 * The way back; OUT needs IN_LEN bytes.  Returns the bytes written, or
 * -EBADMSG for anything escape() would not have written.
 */
ssize_t unescape(enum escape_style style, void *out, const char *in, size_t in_len);

#endif
