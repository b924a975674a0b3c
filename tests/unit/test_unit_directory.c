/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/unit_directory.h"

#define VARIABLE "STATE_DIRECTORY"

static void test_first_of_the_list(void **state)
{
	static const struct {
		const char *list, *first;
	} cases[] = {
		{"/srv/a", "/srv/a"}, {"/srv/a:/srv/b", "/srv/a"}, {"/srv/a:", "/srv/a"},
		{"/", "/"}, {"", ""}, {":/srv/b", ""}, {"a", ""}, {"a:/srv/b", ""},
		{"/1234567", ""},
	};
	char buf[8];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv(VARIABLE, cases[i].list, 1);
		assert_int_equal(unit_directory(VARIABLE, buf, sizeof(buf)),
				 cases[i].first[0] != '\0');
		assert_string_equal(buf, cases[i].first);
	}
}

static void test_unset(void **state)
{
	char buf[8] = "x";

	(void)state;
	unsetenv(VARIABLE);
	assert_false(unit_directory(VARIABLE, buf, sizeof(buf)));
	assert_string_equal(buf, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_of_the_list),
		cmocka_unit_test(test_unset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
