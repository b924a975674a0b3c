/* SPDX-License-Identifier: MIT */
/*
 * Any bytes to printable text and back: the escapes of echo-logd-log(5).
 *
 * Bytes that are clean stay as they are: printable ASCII except `"` and `\`,
 * and valid UTF-8 except the characters that could steer a terminal or hide
 * text, which are C1 controls, U+061C, U+200E/F, U+2028 to U+202E and
 * U+2066 to U+2069.  All else is escaped.
 *
 * Pure; nothing here allocates.  Clean text is copied at memory speed.  Any
 * process may call it.
 */
#ifndef ECHO_LOGD_ESCAPE_H
#define ECHO_LOGD_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum escape_style {
	ESCAPE_C,	/* \n \t \r \\ \" and, for any other byte that is not clean, \xNN */
	ESCAPE_JSON,	/* the same five, and \uNNNN: content of a JSON string (RFC 8259) */
};

/*
 * Escapes as much of IN as fits in the OUT_SIZE bytes of OUT, and cuts only
 * between characters.  Returns the number of bytes written, without a NUL,
 * and sets *RET_TAKEN to the number of input bytes they stand for.  That is
 * less than IN_LEN if OUT is full or if, under ESCAPE_JSON, the next bytes
 * are not UTF-8, which JSON cannot express.  *RET_INVALID, unless it is
 * NULL, becomes true in the second case, else false.
 */
size_t escape(enum escape_style style, char *out, size_t out_size, const void *in, size_t in_len,
	      size_t *ret_taken, bool *ret_invalid);

/*
 * Whether IN surely becomes more than LIMIT bytes under ESCAPE_C.  A quick
 * estimate that never exaggerates: true is certain, false is not.
 */
bool escape_exceeds(const void *in, size_t in_len, size_t limit);

/*
 * Reverses escape().  OUT needs IN_LEN bytes.  Returns the number of bytes
 * written, or -EBADMSG for text that escape() would not have written; OUT
 * may be overwritten then.
 */
ssize_t unescape(enum escape_style style, void *out, const char *in, size_t in_len);

#endif
