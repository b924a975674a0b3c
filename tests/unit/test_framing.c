/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "random.h"
#include "worker/framing.h"

#define STREAM_MAX 400

/* The lengths of the messages; the last one may be unfinished. */
struct lengths {
	size_t at[STREAM_MAX + 1];
	size_t n;
};

/* What worker/framing.h promises, in the simplest code. */
static void expect_lines(const char *data, size_t len, size_t max_bytes, struct lengths *ret)
{
	size_t run = 0;

	ret->n = 0;
	for (size_t i = 0; i < len; i++) {
		run++;
		if (data[i] == '\n' || run == max_bytes) {
			ret->at[ret->n++] = run;
			run = 0;
		}
	}
	ret->at[ret->n++] = run;
}

/* Gives DATA in chunks that end at CUTS.  As in a worker, an incomplete message waits for more. */
static void feed(const char *data, const size_t *cuts, size_t n_cuts, size_t max_bytes,
		 struct lengths *ret)
{
	size_t done = 0, searched = 0;

	ret->n = 0;
	for (size_t i = 0; i < n_cuts; i++) {
		size_t size;

		while ((size = framing_next(FRAMING_LINE, data + done, cuts[i] - done, searched,
					    max_bytes)) > 0) {
			ret->at[ret->n++] = size;
			done += size;
			searched = 0;
		}
		searched = cuts[i] - done;
	}
	ret->at[ret->n++] = searched;
}

static void check_same(const struct lengths *a, const struct lengths *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->at, b->at, a->n * sizeof(a->at[0]));
}

static size_t random_stream(char *data)
{
	size_t len = random_below(STREAM_MAX);

	for (size_t i = 0; i < len; i++)
		data[i] = random_below(12) ? 'x' : random_below(5) ? '\n' : 0;
	return len;
}

static void test_line_at_every_split(void **state)
{
	static const size_t max[] = { 1, 2, 7, 16, 64, STREAM_MAX };
	struct lengths expected, got;
	char data[STREAM_MAX];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		size_t len = random_stream(data), max_bytes = max[random_below(6)];

		expect_lines(data, len, max_bytes, &expected);
		for (size_t cut = 0; cut <= len; cut++) {
			size_t cuts[] = { cut, len };

			feed(data, cuts, 2, max_bytes, &got);
			check_same(&got, &expected);
		}
	}
}

static void test_line_byte_by_byte(void **state)
{
	struct lengths expected, got;
	char data[STREAM_MAX];
	size_t cuts[STREAM_MAX];

	(void)state;
	for (size_t i = 0; i < STREAM_MAX; i++)
		cuts[i] = i + 1;
	for (unsigned round = 0; round < 300; round++) {
		size_t len = random_stream(data), max_bytes = 1 + random_below(50);

		expect_lines(data, len, max_bytes, &expected);
		feed(data, cuts, len, max_bytes, &got);
		check_same(&got, &expected);
	}
}

static void test_searched_is_not_searched_again(void **state)
{
	(void)state;
	assert_int_equal(framing_next(FRAMING_LINE, "a\nb\n", 4, 2, 10), 4);
	assert_int_equal(framing_next(FRAMING_LINE, "abcd", 4, 4, 10), 0);
	assert_int_equal(framing_next(FRAMING_LINE, "abcd", 4, 4, 4), 4);
}

static void test_stream_is_cut_at_the_limit_only(void **state)
{
	(void)state;
	assert_int_equal(framing_next(FRAMING_STREAM, "", 0, 0, 10), 0);
	assert_int_equal(framing_next(FRAMING_STREAM, "a\nb", 3, 0, 10), 3);
	assert_int_equal(framing_next(FRAMING_STREAM, "a\nb", 3, 0, 3), 3);
	assert_int_equal(framing_next(FRAMING_STREAM, "a\nb", 3, 0, 2), 2);
}

static void test_line_at_the_limit(void **state)
{
	(void)state;
	assert_int_equal(framing_next(FRAMING_LINE, "", 0, 0, 10), 0);
	assert_int_equal(framing_next(FRAMING_LINE, "abc\n", 4, 0, 4), 4);
	assert_int_equal(framing_next(FRAMING_LINE, "abcd\n", 5, 0, 4), 4);
	assert_int_equal(framing_next(FRAMING_LINE, "\n\n", 2, 0, 4), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_at_every_split),
		cmocka_unit_test(test_line_byte_by_byte),
		cmocka_unit_test(test_searched_is_not_searched_again),
		cmocka_unit_test(test_stream_is_cut_at_the_limit_only),
		cmocka_unit_test(test_line_at_the_limit),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
