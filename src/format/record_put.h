/* SPDX-License-Identifier: MIT */
/*
 * Appends to a line in memory: bytes, decimal and hexadecimal numbers.
 *
 * Pure.  Each function writes at P and returns the end of what it wrote.
 * None checks for room: the caller knows how long its line can become
 * (RECORD_EVENT_MAX in record.h, struct piece in record_message.c).
 */
#ifndef ECHO_LOGD_RECORD_PUT_H
#define ECHO_LOGD_RECORD_PUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Appends a string literal. */
#define PUT(p, literal) put_bytes((p), (literal), sizeof(literal) - 1)

static inline char *put_bytes(char *p, const char *bytes, size_t len)
{
	memcpy(p, bytes, len);
	return p + len;
}

/* How many digits VALUE has: 1 to 20. */
static inline unsigned decimal_digits(uint64_t value)
{
	unsigned digits = 1;

	while (value >= 10) {
		value /= 10;
		digits++;
	}
	return digits;
}

/* The last DIGITS digits of VALUE, with zeros in front where it has fewer. */
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

/* The last DIGITS hexadecimal digits of VALUE, lower case, with zeros in front. */
static inline char *put_hex(char *p, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value >>= 4)
		p[i] = "0123456789abcdef"[value & 15];
	return p + digits;
}

#endif
