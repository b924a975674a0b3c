/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ctl/runs.h"
#include "format/crc32c.h"
#include "random.h"

#define N 200

/* Each record, in an array: what the runs must agree with. */
static struct {
	bool is_there, is_part, is_close, may_follow_part;
	unsigned char payload[8];
	size_t len;
} model[N];

static struct run record_of(unsigned n)
{
	return (struct run){
		.first = n,
		.last = n,
		.totals = { !model[n].is_part, model[n].len, 0xdeadbeef },
		.may_follow_part = model[n].may_follow_part,
		.ends_with_part = model[n].is_part,
		.is_closed = model[n].is_close,
	};
}

static void make_model(unsigned closes)
{
	for (unsigned n = 0; n < N; n++) {
		model[n].is_there = false;
		model[n].is_part = random_below(3) == 0;
		model[n].may_follow_part = model[n].is_part || random_below(3);
		model[n].is_close = closes && !model[n].is_part && random_below(closes) == 0;
		model[n].len = random_below(sizeof(model[n].payload) + 1);
		random_fill(RANDOM_BINARY, model[n].payload, model[n].len);
	}
}

static void check_run(const struct run *run, unsigned first)
{
	struct payload_totals totals = { 0 };
	unsigned n = first;

	assert_int_equal(run->first, first);
	for (;; n++) {
		totals.messages += !model[n].is_part;
		totals.bytes += model[n].len;
		totals.crc = crc32c(totals.crc, model[n].payload, model[n].len);
		if (n + 1 == N || !model[n + 1].is_there || model[n].is_close)
			break;
	}
	assert_int_equal(run->last, n);
	assert_int_equal(run->totals.messages, totals.messages);
	assert_int_equal(run->totals.bytes, totals.bytes);
	assert_int_equal(run->totals.crc, totals.crc);
	assert_int_equal(run->may_follow_part, model[first].may_follow_part);
	assert_int_equal(run->ends_with_part, model[n].is_part);
	assert_int_equal(run->is_closed, model[n].is_close);
}

static void check_runs(const struct runs *runs)
{
	size_t i = 0;

	for (unsigned n = 0; n < N; n++)
		if (model[n].is_there &&
		    (n == 0 || !model[n - 1].is_there || model[n - 1].is_close)) {
			assert_true(i < runs->n);
			check_run(&runs->run[i++], n);
		}
	assert_int_equal(i, runs->n);
}

/* The `part` whose next is not one that goes on with it, where N has made that known. */
static uint64_t broken_by(unsigned n)
{
	if (n > 0 && model[n - 1].is_there && model[n - 1].is_part && !model[n].may_follow_part)
		return n - 1;
	if (n + 1 < N && model[n + 1].is_there && model[n].is_part && !model[n + 1].may_follow_part)
		return n;
	return RUNS_NO_PART;
}

static void test_any_order(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct runs runs = { 0 };
		unsigned adds = (unsigned)random_below(N * 3);

		make_model(round % 2 ? 10 : 0);
		for (unsigned i = 0; i < adds; i++) {
			unsigned n = (unsigned)random_below(N);
			struct run record = record_of(n);
			uint64_t broken;
			int r = runs_add(&runs, &record, model[n].payload, &broken);

			assert_int_equal(r, model[n].is_there ? RUNS_DOUBLED : RUNS_ADDED);
			assert_int_equal(broken, r == RUNS_ADDED ? broken_by(n) : RUNS_NO_PART);
			model[n].is_there = true;
		}
		check_runs(&runs);
		runs_free(&runs);
	}
}

/* The records of a file come in order, but a later file may come first. */
static void test_one_run_needs_no_memory(void **state)
{
	struct runs runs = { 0 };
	uint64_t broken;

	(void)state;
	make_model(0);
	for (unsigned n = N / 2; n < N; n++) {
		struct run record = record_of(n);

		assert_int_equal(runs_add(&runs, &record, model[n].payload, &broken), RUNS_ADDED);
		model[n].is_there = true;
		assert_ptr_equal(runs.run, &runs.only);
	}
	for (unsigned n = 0; n < N / 2; n++) {
		struct run record = record_of(n);

		assert_int_equal(runs_add(&runs, &record, model[n].payload, &broken), RUNS_ADDED);
		model[n].is_there = true;
	}
	assert_ptr_equal(runs.run, &runs.only);
	check_runs(&runs);
	runs_free(&runs);
}

static void test_damage_stays(void **state)
{
	struct run record[3] = {
		{ .first = 0, .last = 0 },
		{ .first = 1, .last = 1, .is_damaged = true },
		{ .first = 2, .last = 2 },
	};
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 0, 2, 1 }, { 1, 2, 0 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct runs runs = { 0 };
		uint64_t broken;

		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(runs_add(&runs, &record[orders[i][k]], NULL, &broken),
					 RUNS_ADDED);
		assert_int_equal(runs.n, 1);
		assert_true(runs.run->is_damaged);
		runs_free(&runs);
	}
}

/* The greatest number that a record can have. */
static void test_last_number(void **state)
{
	struct run record = { .first = UINT64_MAX - 1, .last = UINT64_MAX - 1 };
	struct run first = { 0 };
	struct runs runs = { 0 };
	uint64_t broken;

	(void)state;
	assert_int_equal(runs_add(&runs, &record, NULL, &broken), RUNS_ADDED);
	assert_int_equal(runs_add(&runs, &first, NULL, &broken), RUNS_ADDED);
	assert_int_equal(runs_add(&runs, &record, NULL, &broken), RUNS_DOUBLED);
	assert_int_equal(runs.n, 2);
	runs_free(&runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_one_run_needs_no_memory),
		cmocka_unit_test(test_damage_stays),
		cmocka_unit_test(test_last_number),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
