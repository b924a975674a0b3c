/* SPDX-License-Identifier: MIT */
#include "format/crc32c.h"

#include <endian.h>
#include <string.h>

/*
 * TABLES[k][i] is the checksum of byte i followed by k zero bytes.  It is
 * linear: the entry of i is the exclusive or of the entries of its bits, so
 * eight numbers define a table.  The last number of the first table is the
 * polynomial.
 */
#define BIT(i, b, value) ((i) >> (b) & 1 ? (value) : 0)
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                       \
	(uint32_t)(BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^     \
		   BIT(i, 4, b4) ^ BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7))
#define ENTRIES_4(i, ...)                                                              \
	ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__),                          \
	ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES_16(i, ...)                                                             \
	ENTRIES_4((i), __VA_ARGS__), ENTRIES_4((i) + 4, __VA_ARGS__),                  \
	ENTRIES_4((i) + 8, __VA_ARGS__), ENTRIES_4((i) + 12, __VA_ARGS__)
#define ENTRIES_64(i, ...)                                                             \
	ENTRIES_16((i), __VA_ARGS__), ENTRIES_16((i) + 16, __VA_ARGS__),               \
	ENTRIES_16((i) + 32, __VA_ARGS__), ENTRIES_16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                     \
	{ ENTRIES_64(0u, __VA_ARGS__), ENTRIES_64(64u, __VA_ARGS__),                   \
	  ENTRIES_64(128u, __VA_ARGS__), ENTRIES_64(192u, __VA_ARGS__) }

static const uint32_t tables[8][256] = {
	TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
	      0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
	TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
	      0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
	TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
	      0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
	TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
	      0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
	TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
	      0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
	TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
	      0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
	TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
	      0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
	TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
	      0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
};

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;

	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t x;

		memcpy(&x, p, 8);
		x = le64toh(x) ^ crc;
		crc = tables[7][x & 0xff] ^ tables[6][x >> 8 & 0xff] ^
		      tables[5][x >> 16 & 0xff] ^ tables[4][x >> 24 & 0xff] ^
		      tables[3][x >> 32 & 0xff] ^ tables[2][x >> 40 & 0xff] ^
		      tables[1][x >> 48 & 0xff] ^ tables[0][x >> 56];
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xff];
	return ~crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>
#include <wmmintrin.h>

/*
 * Adding a multiple of the polynomial changes no checksum.  So 16 bytes may
 * be added to other bytes further on, once their two halves are multiplied
 * by the remainder of x^distance.  This takes two instructions, and four
 * sums can be computed independently of each other.  The processor's
 * checksum instruction takes 8 bytes at a time and waits for its own result.
 *
 * The product of two reflected numbers, one of 64 bits and one of 32, has a
 * factor of x^33 too many.
 */
#define BLOCK_BYTES 64
#define X_543 0x740eef02	/* x^(512 + 64 - 33), for the half that is further away */
#define X_479 0x9e4addf8	/* x^(512 - 33) */
#define X_159 0xf20c0dfe	/* the same over 128 bits */
#define X_95 0x493c7d27

__attribute__((target("sse4.2,pclmul")))
static inline __m128i move_on(__m128i sum, __m128i multipliers, __m128i onto)
{
	return _mm_xor_si128(onto, _mm_xor_si128(_mm_clmulepi64_si128(sum, multipliers, 0x00),
						 _mm_clmulepi64_si128(sum, multipliers, 0x11)));
}

static inline __m128i load_lane(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Returns STATE after the N > 0 blocks at P. */
__attribute__((target("sse4.2,pclmul")))
static uint64_t pass_blocks(uint64_t state, const unsigned char *p, size_t n)
{
	const __m128i over_block = _mm_set_epi64x(X_479, X_543);
	const __m128i over_lane = _mm_set_epi64x(X_95, X_159);
	__m128i sum[4];

	for (unsigned i = 0; i < 4; i++)
		sum[i] = load_lane(p + i * 16);
	sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi64_si128((int64_t)state));
	while (--n > 0) {
		p += BLOCK_BYTES;
		for (unsigned i = 0; i < 4; i++)
			sum[i] = move_on(sum[i], over_block, load_lane(p + i * 16));
	}
	for (unsigned i = 0; i < 3; i++)
		sum[i + 1] = move_on(sum[i], over_lane, sum[i + 1]);
	state = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(sum[3]));
	sum[3] = _mm_unpackhi_epi64(sum[3], sum[3]);
	return _mm_crc32_u64(state, (uint64_t)_mm_cvtsi128_si64(sum[3]));
}

__attribute__((target("sse4.2,pclmul")))
static uint32_t crc32c_x86(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t state = (uint32_t)~crc;
	size_t n = len / BLOCK_BYTES;

	if (n > 0) {
		state = pass_blocks(state, p, n);
		p += n * BLOCK_BYTES;
		len -= n * BLOCK_BYTES;
	}
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t x;

		memcpy(&x, p, sizeof(x));
		state = _mm_crc32_u64(state, x);
	}
	for (; len > 0; len--)
		state = _mm_crc32_u8((uint32_t)state, *p++);
	return (uint32_t)~state;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
		return crc32c_x86(crc, data, len);
#endif
	return crc32c_portable(crc, data, len);
}

/*
 * A checksum is a polynomial over GF(2), its highest bit the coefficient of
 * x^0.  To append LEN zero bytes is to multiply it by x^(8 LEN).
 */
#define POLYNOMIAL 0x82f63b78
#define X_0 0x80000000
#define X_8 (X_0 >> 8)

static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		if (a & X_0)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? POLYNOMIAL : 0);
	}
	return product;
}

uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
	uint32_t factor = X_0, power = X_8;

	for (; len_b > 0; len_b >>= 1) {
		if (len_b & 1)
			factor = multiply(factor, power);
		power = multiply(power, power);
	}
	return multiply(factor, crc_a) ^ crc_b;
}
