/* SPDX-License-Identifier: MIT */
/*
 * What the two readers of lines, parse_text.c and parse_json.c, share: a
 * cursor that takes what it expects, or stays (parse_take.c).
 */
#ifndef ECHO_LOGD_PARSE_PRIVATE_H
#define ECHO_LOGD_PARSE_PRIVATE_H

#include <string.h>

#include "parse.h"

/* Of text: "2026-11-22T21:04:05.123456Z". */
#define PARSE_TIME_LEN 27
#define PARSE_ID_DIGITS 13

struct cursor {
	const char *p, *end;
};

/* Each returns 0, or -EBADMSG for what the writer would not have written. */
int parse_text(struct cursor in, struct record *ret);
int parse_json(struct cursor in, struct record *ret);

/* Each returns whether it was there. */
bool take_bytes(struct cursor *in, const char *expected, size_t len);
bool take_time(struct cursor *in, uint64_t *ret_usec);
/* No sign, no leading zero. */
bool take_decimal(struct cursor *in, uint64_t *ret_value);
/* Lower case. */
bool take_hex(struct cursor *in, unsigned digits, uint64_t *ret_value);
/* Printable ASCII but `"` and `\`, 1 to MAX bytes, up to END or the end of the line. */
bool take_word(struct cursor *in, char end, size_t max, struct cursor *ret_word);
/* Escaped content up to the next quote, which is taken too. */
bool take_quoted(struct cursor *in, struct cursor *ret_content);
/* Lower case, digits, `_` and `-`, as names of events and keys are. */
bool take_name(struct cursor *in, struct cursor *ret_name);

/* Takes a string literal. */
#define TAKE(in, literal) take_bytes((in), (literal), sizeof(literal) - 1)

bool same(const struct cursor *word, const char *expected);
enum event event_named(const struct cursor *name);
bool reason_named(const struct cursor *name, enum close_reason *ret_reason);
/* Keys of today stand at their place, never among those to pass over. */
bool is_known_key(const struct cursor *key);

static inline size_t left(const struct cursor *in)
{
	return (size_t)(in->end - in->p);
}

#endif
