/* SPDX-License-Identifier: MIT */
#include "format/base64.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Vectors of the compiler, not of one processor: each becomes SSE2, NEON or
 * plain code.  A comparison gives -1 or 0 in each lane.
 */
typedef unsigned char lanes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

#define WHERE(comparison, value) ((lanes)(comparison) & (value))

/* Six-bit values to the characters A-Z a-z 0-9 + /, by their distance from it. */
static inline lanes alphabet(lanes v)
{
	return v + 'A' + WHERE(v > 25, 6) - WHERE(v > 51, 75) - WHERE(v > 61, 15) +
	       WHERE(v > 62, 3);
}

/* The reverse of alphabet(); meaningless for characters that are not in it. */
static inline lanes values(lanes c)
{
	return c + 16 + WHERE(c == '+', 3) - WHERE(c >= '0', 12) - WHERE(c >= 'A', 69) -
		WHERE(c >= 'a', 6);
}

/* Spreads 6 bytes, big-endian in the low 48 bits, to 8 bytes of six bits each. */
static inline uint64_t spread(uint64_t x)
{
	x = (x & UINT64_C(0xffffff000000)) << 8 | (x & UINT64_C(0xffffff));
	x = (x & UINT64_C(0x00fff00000fff000)) << 4 | (x & UINT64_C(0x00000fff00000fff));
	return (x & UINT64_C(0x0fc00fc00fc00fc0)) << 2 | (x & UINT64_C(0x003f003f003f003f));
}

/* The reverse of spread(). */
static inline uint64_t gather(uint64_t x)
{
	x = (x & UINT64_C(0x3f003f003f003f00)) >> 2 | (x & UINT64_C(0x003f003f003f003f));
	x = (x & UINT64_C(0x0fff00000fff0000)) >> 4 | (x & UINT64_C(0x00000fff00000fff));
	return (x & UINT64_C(0x00ffffff00000000)) >> 8 | (x & UINT64_C(0x0000000000ffffff));
}

static inline uint64_t load_big_endian(const void *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return be64toh(x);
}

/* 12 bytes to 16 characters; reads 14 bytes. */
static inline void encode_block(char *out, const unsigned char *in)
{
	halves pair = {
		htobe64(spread(load_big_endian(in) >> 16)),
		htobe64(spread(load_big_endian(in + 6) >> 16)),
	};
	lanes v = alphabet((lanes)pair);

	memcpy(out, &v, sizeof(v));
}

size_t base64_encode(char *out, const void *in, size_t in_len)
{
	const unsigned char *p = in;
	char *o = out;

	for (; in_len >= 14; in_len -= 12, p += 12, o += 16)
		encode_block(o, p);
	while (in_len > 0) {
		size_t n = in_len < 3 ? in_len : 3;
		unsigned char tail[14] = { 0 };
		char chars[16];

		memcpy(tail, p, n);
		encode_block(chars, tail);
		memcpy(o, chars, 4);
		if (n < 3)
			memcpy(o + n + 1, "==", 3 - n);
		in_len -= n;
		p += n;
		o += 4;
	}
	return (size_t)(o - out);
}

/* 16 characters to 12 bytes.  Returns whether all were of the alphabet. */
static inline bool decode_block(unsigned char *out, const char *in)
{
	halves pair, wrong;
	lanes c, v;

	memcpy(&c, in, sizeof(c));
	v = values(c) & 63;
	wrong = (halves)(alphabet(v) != c);
	pair = (halves)v;
	for (size_t i = 0; i < 2; i++) {
		uint64_t bytes = htobe64(gather(be64toh(pair[i])) << 16);

		memcpy(out + i * 6, &bytes, 6);
	}
	return (wrong[0] | wrong[1]) == 0;
}

ssize_t base64_decode(void *out, const char *in, size_t in_len)
{
	unsigned char *o = out;

	if (in_len % 4 != 0)
		return -EBADMSG;
	for (; in_len > 16; in_len -= 16, in += 16, o += 12)
		if (!decode_block(o, in))
			return -EBADMSG;
	for (; in_len > 0; in_len -= 4, in += 4) {
		size_t n = in_len > 4 || in[3] != '=' ? 3 : in[2] != '=' ? 2 : 1;
		char chars[16], again[4];
		unsigned char bytes[12];

		memset(chars, 'A', sizeof(chars));
		memcpy(chars, in, n + 1);
		if (!decode_block(bytes, chars))
			return -EBADMSG;
		/* The unused bits of a cut group must be what the encoder leaves: zero. */
		base64_encode(again, bytes, n);
		if (memcmp(again, in, 4) != 0)
			return -EBADMSG;
		memcpy(o, bytes, n);
		o += n;
	}
	return o - (unsigned char *)out;
}
