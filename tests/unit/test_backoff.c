/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "master/backoff.h"

static void test_the_first_failures_are_free(void **state)
{
	(void)state;
	assert_int_equal(backoff_usec(1, 5, 2000000), 0);
	assert_int_equal(backoff_usec(5, 5, 2000000), 0);
	assert_int_equal(backoff_usec(6, 5, 2000000), 20000);
}

static void test_each_further_one_doubles_the_wait(void **state)
{
	(void)state;
	assert_int_equal(backoff_usec(2, 0, 2000000), 40000);
	assert_int_equal(backoff_usec(7, 0, 2000000), 1280000);
	assert_int_equal(backoff_usec(8, 0, 2000000), 2000000);
	assert_int_equal(backoff_usec(UINT32_MAX, 0, 2000000), 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_failures_are_free),
		cmocka_unit_test(test_each_further_one_doubles_the_wait),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
