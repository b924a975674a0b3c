/* SPDX-License-Identifier: MIT */
/* Repeatable random data.  The environment variable TEST_SEED can set the seed; it is printed. */
#ifndef ECHO_LOGD_TEST_RANDOM_H
#define ECHO_LOGD_TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state;

static inline void random_seed(void)
{
	const char *seed = getenv("TEST_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : 20261122;
	printf("# TEST_SEED=%llu\n", (unsigned long long)random_state);
}

/* splitmix64 */
static inline uint64_t random_u64(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline size_t random_below(size_t n)
{
	return (size_t)(random_u64() % n);
}

/* Writes a character as UTF-8; often one that controls terminals. */
static inline size_t random_character(unsigned char *out)
{
	static const uint32_t hostile[] = {
		0x1b, 0x7f, 0x80, 0x85, 0x9b, 0x9f, 0xa0, 0x61c, 0x200d, 0x200e, 0x200f, 0x2010,
		0x2027, 0x2028, 0x2029, 0x202a, 0x202e, 0x202f, 0x2065, 0x2066, 0x2069, 0x206a,
	};
	static const uint32_t limits[] = { 0x80, 0x800, 0xd800, 0x10000, 0x110000 };
	uint32_t code;

	if (random_below(4) == 0)
		code = hostile[random_below(sizeof(hostile) / sizeof(hostile[0]))];
	else
		do
			code = (uint32_t)random_below(limits[random_below(5)]);
		while (code >= 0xd800 && code < 0xe000);
	if (code < 0x80) {
		out[0] = (unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (unsigned char)(0xc0 | code >> 6);
		out[1] = (unsigned char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (unsigned char)(0xe0 | code >> 12);
		out[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (unsigned char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | code >> 18);
	out[1] = (unsigned char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (unsigned char)(0x80 | (code & 0x3f));
	return 4;
}

enum random_kind {
	RANDOM_CLEAN, RANDOM_BINARY, RANDOM_UTF8, RANDOM_MIXED, RANDOM_CONTROL, RANDOM_KINDS,
};

/* Fills LEN bytes.  At the end, 'z' replaces a character that does not fit. */
static inline void random_fill(enum random_kind kind, unsigned char *out, size_t len)
{
	for (size_t i = 0; i < len;) {
		unsigned char c[4];
		size_t n = 1;

		switch (kind) {
		case RANDOM_CLEAN:
			c[0] = (unsigned char)('a' + random_below(26));
			break;
		case RANDOM_BINARY:
			c[0] = (unsigned char)random_u64();
			break;
		case RANDOM_UTF8:
			n = random_character(c);
			break;
		case RANDOM_CONTROL:
			c[0] = (unsigned char)(random_below(40) ? random_below(9)
								: 0x80 + random_below(64));
			break;
		default:
			c[0] = (unsigned char)(random_below(30) ? 'a' + random_below(26)
								: random_u64());
			break;
		}
		if (n > len - i) {
			n = 1;
			c[0] = 'z';
		}
		memcpy(out + i, c, n);
		i += n;
	}
}

/* Whether TEXT is valid UTF-8 without C0, C1 and bidirectional control characters. */
static inline int is_harmless(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < len;) {
		size_t n = p[i] < 0x80 ? 1
			 : p[i] < 0xc2 ? 0
			 : p[i] < 0xe0 ? 2
			 : p[i] < 0xf0 ? 3 : 4;
		uint32_t code = n == 1 ? p[i] : p[i] & (0x7fu >> n);

		if (n == 0 || n > len - i)
			return 0;
		for (size_t k = 1; k < n; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (p[i + k] & 0x3f);
		}
		if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c ||
		    code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
		    (code >= 0x2066 && code <= 0x2069) || (code >= 0xd800 && code < 0xe000))
			return 0;
		i += n;
	}
	return 1;
}

#endif
