/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/config_text.h"

static const char *show(const char *text, size_t size)
{
	static char buf[200];

	memset(buf, '#', sizeof(buf));
	config_text_show(buf, size, text, strlen(text));
	assert_true(strlen(buf) < size);
	for (size_t i = size; i < sizeof(buf); i++)
		assert_int_equal(buf[i], '#');
	return buf;
}

static void test_show(void **state)
{
	(void)state;
	assert_string_equal(show("", 100), "");
	assert_string_equal(show("7", 100), "7");
	assert_string_equal(show("7\xc2\xa0", 100), "7\\xc2\\xa0");
	assert_string_equal(show("\xe2\x81\xa0" "a\xef\xbb\xbf" "b\xc3\xa4", 100),
			    "\\xe2\\x81\\xa0a\\xef\\xbb\\xbf" "b\xc3\xa4");
	assert_string_equal(show("a\tb\x1b\x80", 100), "a\\tb\\x1b\\x80");
	/* A character is cut as a whole, whatever the room. */
	for (size_t size = sizeof("..."); size < 40; size++) {
		const char *shown = show("12345\xc2\xa0" "6789\xe3\x80\x80" "0", size);

		if (strcmp(shown + strlen(shown) - 3, "...") == 0)
			assert_int_equal(strncmp("12345\\xc2\\xa06789\\xe3\\x80\\x800", shown,
						 strlen(shown) - 3), 0);
		else
			assert_string_equal(shown, "12345\\xc2\\xa06789\\xe3\\x80\\x800");
	}
}

static void test_has(void **state)
{
	(void)state;
	assert_true(config_text_has_control("a\n", 2) && config_text_has_control("\x7f", 1));
	assert_false(config_text_has_control("a\tb \xc2\xa0", 6));
	assert_true(config_text_has_invisible("a\xc2\xa0", 3));
	assert_true(config_text_has_invisible("\xe2\x80\x8b", 3));
	/* Cut in the middle, or no UTF-8 at all. */
	assert_false(config_text_has_invisible("a\xc2\xa0", 2));
	assert_false(config_text_has_invisible("\xa0\xff \t", 4));
	assert_false(config_text_has_invisible("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_has),
	};

	return cmocka_run_group_tests_name("config_text", tests, NULL, NULL);
}
