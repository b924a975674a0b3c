/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ipc/spare_workers.h"

#define MAX_WORKERS 9
#define MAX_SPARE 10

static struct spare_workers_limits limits_of(unsigned max_clients, unsigned min_spare,
					     unsigned max_spare)
{
	const struct config config = {.max_clients = max_clients, .min_spare = min_spare,
				      .max_spare = max_spare};

	return spare_workers_limits(&config);
}

static void check_one(const struct spare_workers_limits *limits, unsigned idle, unsigned busy)
{
	unsigned n = spare_workers_to_fork(limits, idle, busy);
	unsigned retired = spare_workers_to_retire(limits, idle);

	/* Never above the limit; none is forked if there are too many. */
	if (idle + busy >= limits->max_workers)
		assert_int_equal(n, 0);
	assert_true(n == 0 || idle + busy + n <= limits->max_workers);
	assert_true(n == 0 || retired == 0);
	/* One is idle, if the limit allows it. */
	if (idle + busy < limits->max_workers)
		assert_true(idle + n >= 1);
	assert_true(idle - retired >= (idle > 0));
	/* Forking and retiring do not undo each other, and once is enough. */
	if (n > 0) {
		assert_int_equal(spare_workers_to_retire(limits, idle + n), 0);
		assert_int_equal(spare_workers_to_fork(limits, idle + n, busy), 0);
	}
	assert_int_equal(spare_workers_to_fork(limits, idle - retired, busy), retired > 0 ? 0 : n);
	assert_int_equal(spare_workers_to_retire(limits, idle - retired), 0);
	/* There are enough spares, if the limit allows it. */
	if (n > 0 && idle + busy + n < limits->max_workers)
		assert_true(idle + n >= limits->low);
	/* The more workers exist, the fewer are forked. */
	assert_true(spare_workers_to_fork(limits, idle + 1, busy) <= n);
	if (busy > 0)
		assert_true(spare_workers_to_fork(limits, idle, busy + 1) <= n);
	assert_true(spare_workers_to_retire(limits, idle + 1) >= retired);
}

static void test_every_small_pool(void **state)
{
	(void)state;
	for (unsigned max = 1; max <= MAX_WORKERS; max++)
		for (unsigned min_spare = 0; min_spare <= MAX_SPARE; min_spare++)
			for (unsigned max_spare = 0; max_spare <= MAX_SPARE; max_spare++) {
				struct spare_workers_limits limits =
					limits_of(max, min_spare, max_spare);

				for (unsigned idle = 0; idle <= MAX_WORKERS + 3; idle++)
					for (unsigned busy = 0; busy <= MAX_WORKERS + 3; busy++)
						check_one(&limits, idle, busy);
			}
}

static void test_limits(void **state)
{
	struct spare_workers_limits limits = limits_of(1000, 4, 32);

	(void)state;
	assert_int_equal(limits.max_workers, 1000);
	assert_int_equal(limits.low, 4);
	assert_int_equal(limits.high, 32);
	limits = limits_of(5, 0, 0);
	assert_int_equal(limits.low, 1);
	assert_int_equal(limits.high, 1);
	limits = limits_of(5, 8, 3);
	assert_int_equal(limits.low, 8);
	assert_int_equal(limits.high, 8);
}

static void test_a_burst_is_met_midway(void **state)
{
	struct spare_workers_limits limits = limits_of(1000, 4, 32);

	(void)state;
	assert_int_equal(spare_workers_to_fork(&limits, 0, 0), 4);
	assert_int_equal(spare_workers_to_fork(&limits, 3, 0), 1);
	assert_int_equal(spare_workers_to_fork(&limits, 4, 0), 0);
	assert_int_equal(spare_workers_to_fork(&limits, 3, 1), 15);
	assert_int_equal(spare_workers_to_fork(&limits, 4, 1), 0);
	assert_int_equal(spare_workers_to_fork(&limits, 0, 995), 5);
	assert_int_equal(spare_workers_to_fork(&limits, 0, 1000), 0);
	assert_int_equal(spare_workers_to_retire(&limits, 32), 0);
	assert_int_equal(spare_workers_to_retire(&limits, 40), 8);
}

/* A reload has lowered the limit: no difference may wrap around. */
static void test_more_workers_than_allowed(void **state)
{
	struct spare_workers_limits limits = limits_of(10, 4, 32);

	(void)state;
	assert_int_equal(spare_workers_to_fork(&limits, 0, 11), 0);
	assert_int_equal(spare_workers_to_fork(&limits, 2, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_small_pool),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_a_burst_is_met_midway),
		cmocka_unit_test(test_more_workers_than_allowed),
	};

	return cmocka_run_group_tests_name("spare_workers", tests, NULL, NULL);
}
