/* SPDX-License-Identifier: MIT */
/* What record.c and record_message.c share: appending to a line.  Nothing here checks for room. */
#ifndef ECHO_LOGD_RECORD_PRIVATE_H
#define ECHO_LOGD_RECORD_PRIVATE_H

#include <string.h>

#include "record.h"

/* The longest is JSON's: 27 of time, 64 of host, 13, 20 and 69 of id, n and peer, 53 of keys. */
#define RECORD_HEAD_MAX 256

/* Writes all of a record up to the event's name.  Returns the end. */
char *record_put_head(struct record_style *style, char *p, const struct record_head *head);

/* Appends a string literal. */
#define PUT(p, literal) put_bytes((p), (literal), sizeof(literal) - 1)

static inline char *put_bytes(char *p, const char *bytes, size_t len)
{
	memcpy(p, bytes, len);
	return p + len;
}

static inline unsigned decimal_digits(uint64_t value)
{
	unsigned digits = 1;

	while (value >= 10) {
		value /= 10;
		digits++;
	}
	return digits;
}

static inline char *put_decimal_width(char *p, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + digits;
}

static inline char *put_decimal(char *p, uint64_t value)
{
	return put_decimal_width(p, value, decimal_digits(value));
}

static inline char *put_hex(char *p, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value >>= 4)
		p[i] = "0123456789abcdef"[value & 15];
	return p + digits;
}

#endif
