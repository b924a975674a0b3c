/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "format/crc32c.h"
#include "random.h"

/* The examples of RFC 3720, appendix B.4, and the usual check value. */
static void test_known_values(void **state)
{
	unsigned char zeros[32] = { 0 }, ones[32], up[32];

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (unsigned char)i;
	}
	assert_int_equal(crc32c(0, "", 0), 0);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
	assert_int_equal(crc32c_portable(0, up, 32), 0x46dd794e);
}

static uint32_t bit_by_bit(uint32_t crc, const unsigned char *p, size_t len)
{
	for (crc = ~crc; len > 0; len--) {
		crc ^= *p++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void test_paths_agree(void **state)
{
	static unsigned char data[6000];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		size_t start = random_below(16);
		size_t len = random_below((round % 2 ? sizeof(data) : 600) - 16);
		uint32_t before = (uint32_t)random_u64(), expected;

		random_fill(RANDOM_BINARY, data, start + len);
		expected = bit_by_bit(before, data + start, len);
		assert_int_equal(crc32c(before, data + start, len), expected);
		assert_int_equal(crc32c_portable(before, data + start, len), expected);
	}
}

static void test_pieces_add_up(void **state)
{
	unsigned char data[3000];

	(void)state;
	random_fill(RANDOM_BINARY, data, sizeof(data));
	for (unsigned round = 0; round < 500; round++) {
		size_t cut = random_below(sizeof(data) + 1);

		assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut),
				 crc32c(0, data, sizeof(data)));
	}
}

static void test_parts_combine(void **state)
{
	unsigned char data[3000];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		size_t len = random_below(sizeof(data) + 1), cut = random_below(len + 1);
		uint32_t a, b;

		random_fill(RANDOM_BINARY, data, len);
		if (round % 10 == 0)
			cut = round % 20 ? 0 : len;
		a = crc32c(0, data, cut);
		b = crc32c(0, data + cut, len - cut);
		assert_int_equal(crc32c_combine(a, b, len - cut), crc32c(0, data, len));
	}
}

/* With lengths that no buffer has: both ways to combine three parts give the same result. */
static void test_combining_is_associative(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		uint32_t a = (uint32_t)random_u64(), b = (uint32_t)random_u64();
		uint32_t c = (uint32_t)random_u64();
		uint64_t len_b = random_u64() >> (1 + random_below(63));
		uint64_t len_c = random_u64() >> (1 + random_below(63));

		assert_int_equal(crc32c_combine(crc32c_combine(a, b, len_b), c, len_c),
				 crc32c_combine(a, crc32c_combine(b, c, len_c), len_b + len_c));
	}
	assert_int_equal(crc32c_combine(0x1c3f9a02, 0, 0), 0x1c3f9a02);
	assert_int_equal(crc32c_combine(0, 0xe3069283, 9), 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_paths_agree),
		cmocka_unit_test(test_pieces_add_up),
		cmocka_unit_test(test_parts_combine),
		cmocka_unit_test(test_combining_is_associative),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
