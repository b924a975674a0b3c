/* SPDX-License-Identifier: MIT */
/*
 * What a test client sends.  The bytes are computed from the number of the
 * connection, so load and oracle need not store them.
 *
 * A stream begins with its number, 15 hex digits, and a newline.  The oracle
 * recognises a connection by this number, not by the peer in the log.
 */
#ifndef ECHO_LOGD_TESTS_STREAM_H
#define ECHO_LOGD_TESTS_STREAM_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define STREAM_HEADER 16

enum stream_kind { STREAM_RANDOM, STREAM_TEXT };

/* Bit 59 of a connection's number is its kind.  The caller chooses the other bits. */
#define STREAM_TEXT_BIT (UINT64_C(1) << 59)

static inline uint64_t stream_word(uint64_t number, uint64_t index)
{
	uint64_t x = (number * UINT64_C(0x9e3779b97f4a7c15)) ^
		     (index * UINT64_C(0xbf58476d1ce4e5b9));

	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint8_t stream_text_byte(uint64_t word, uint64_t offset)
{
	static const char letters[] =
		"etaoinshrdlucmfw ypvbgkjqxzETAOIN SHRDLU,.-0123456789abcdefghijk";

	return offset % 64 == 63 ? '\n' : (uint8_t)letters[word & 63];
}

/* Writes bytes OFFSET to OFFSET + LEN of stream NUMBER to OUT. */
static inline void stream_fill(uint64_t number, uint64_t offset, uint8_t *out, size_t len)
{
	char header[STREAM_HEADER + 1];
	uint64_t word = 0;
	size_t i = 0;

	if (offset < STREAM_HEADER) {
		snprintf(header, sizeof(header), "%015llx\n", (unsigned long long)number);
		for (; i < len && offset + i < STREAM_HEADER; i++)
			out[i] = (uint8_t)header[offset + i];
	}
	for (; i < len; i++) {
		uint64_t at = offset + i;

		if (i == 0 || at % 8 == 0 || at == STREAM_HEADER)
			word = stream_word(number, at / 8);
		out[i] = (uint8_t)(word >> (at % 8 * 8));
		if (number & STREAM_TEXT_BIT)
			out[i] = stream_text_byte(out[i], at);
	}
}

#endif
