/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "format/base64.h"
#include "random.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 10. */
static void test_examples(void **state)
{
	static const char *const encoded[] = {
		"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
	};
	char out[16], back[16];

	(void)state;
	for (size_t len = 0; len <= 6; len++) {
		assert_int_equal(base64_encode(out, "foobar", len), strlen(encoded[len]));
		assert_memory_equal(out, encoded[len], strlen(encoded[len]));
		assert_int_equal(base64_decode(back, out, strlen(encoded[len])), len);
		assert_memory_equal(back, "foobar", len);
	}
}

static void test_round_trips(void **state)
{
	unsigned char in[300], back[450];
	char out[base64_size(300)];

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		size_t len = random_below(sizeof(in)), n, at;

		random_fill(RANDOM_BINARY, in, len);
		n = base64_encode(out, in, len);
		assert_int_equal(n, base64_size(len));
		for (size_t i = 0; i < len / 3 * 4; i++) {
			const unsigned char *group = in + i / 4 * 3;
			unsigned bits = (unsigned)(group[0] << 16 | group[1] << 8 | group[2]);

			assert_int_equal(out[i], alphabet[bits >> (18 - i % 4 * 6) & 63]);
		}
		assert_int_equal(base64_decode(back, out, n), len);
		assert_memory_equal(back, in, len);
		if (n == 0)
			continue;
		/* Any change of a character changes the bytes or is refused. */
		at = random_below(n);
		out[at] = (char)(out[at] + 1 + (int)random_below(255));
		if (base64_decode(back, out, n) == (ssize_t)len)
			assert_memory_not_equal(back, in, len);
	}
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zm9v", "Zm9v\n", "Zm-_",
		"Zm 9", "=m9v", "Z=9v", "Zm=v", "Zm9vZm9vZm9vZm=vZm9v",
	};
	char out[32];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(out, bad[i], strlen(bad[i])), -EBADMSG);
	for (unsigned c = 0; c < 256; c++) {
		char in[20] = "AAAAAAAAAAAAAAAAAAAA";
		bool good = c && strchr(alphabet, (int)c);

		in[c % 16] = (char)c;
		assert_int_equal(base64_decode(out, in, 20), good ? 15 : -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_refuses),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
