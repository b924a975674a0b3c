/* SPDX-License-Identifier: MIT */
/* logcheck.h: each kind of damage to a connection is found, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "damaged_log.h"

static void test_missing_records(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		for (unsigned n = 0; n < 6; n++) {
			make_log(*f);
			erase(at(1, n));
			expect_only(*f, FINDING_MISSING, 0, ID + 1, n, n);
			assert_int_equal(found.sum.whole, 2);
		}
		make_log(*f);
		for (unsigned n = 5; n >= 2; n--)
			erase(at(2, n));
		expect_only(*f, FINDING_MISSING, 0, ID + 2, 2, 5);
	}
}

static void test_a_missing_end_is_no_finding(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		erase(at(1, 6));
		judge(*f);
		assert_int_equal(found.n, 0);
		assert_int_equal(found.sum.whole, 2);
		assert_int_equal(found.sum.without_end, 1);
	}
}

static void test_doubled_records(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f)
		for (unsigned n = 0; n < 7; n++) {
			struct line copy;

			make_log(*f);
			copy = memory_log.line[at(1, n)];
			insert(20, copy.text, copy.len);
			expect_only(*f, FINDING_DOUBLED, 20, ID + 1, n, 0);
			assert_int_equal(found.sum.messages, 9);
		}
}

static void test_a_file_given_twice(void **state)
{
	struct logcheck *check = start_check();

	(void)state;
	make_log(FORMAT_TEXT);
	feed_lines(check, FORMAT_TEXT, 0, memory_log.n);
	feed_lines(check, FORMAT_TEXT, 0, memory_log.n);
	end_check(check);
	assert_int_equal(found.n, 21);
	for (unsigned i = 0; i < found.n; i++)
		assert_int_equal(found.finding[i].kind, FINDING_DOUBLED);
	assert_int_equal(found.sum.wrong, 3);
}

static void test_changed_payload(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		replace(at(1, 1), "hello", "hallo");
		expect_only(*f, FINDING_TOTALS, at(1, 6), ID + 1, 0, 0);
		assert_int_equal(found.finding[0].claimed.bytes, found.finding[0].found.bytes);
		assert_int_not_equal(found.finding[0].claimed.crc, found.finding[0].found.crc);
	}
}

static void test_changed_totals(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		bool json = *f == FORMAT_JSON;

		make_log(*f);
		replace(at(1, 6), json ? "\"messages\":3,\"bytes\":5016" : "messages=3 bytes=5016",
			json ? "\"messages\":5016,\"bytes\":3" : "messages=5016 bytes=3");
		expect_only(*f, FINDING_TOTALS, at(1, 6), ID + 1, 0, 0);
		assert_int_equal(found.finding[0].claimed.messages, 5016);
		assert_int_equal(found.finding[0].found.messages, 3);
		make_log(*f);
		replace(at(1, 6), json ? "\"messages\":3" : "messages=3",
			json ? "\"messages\":4" : "messages=4");
		expect_only(*f, FINDING_TOTALS, at(1, 6), ID + 1, 0, 0);
		make_log(*f);
		replace(at(1, 6), "5016", "5017");
		expect_only(*f, FINDING_TOTALS, at(1, 6), ID + 1, 0, 0);
		make_log(*f);
		memory_log.line[at(1, 6)].text[memory_log.line[at(1, 6)].len - (json ? 5 : 3)] ^= 1;
		expect_only(*f, FINDING_TOTALS, at(1, 6), ID + 1, 0, 0);
	}
}

static void test_wrong_length_or_data(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		if (*f == FORMAT_JSON)
			replace(at(1, 1), ":13", ":12");
		else
			replace(at(1, 1), " 13 ", " 12 ");
		expect_only(*f, FINDING_PAYLOAD, at(1, 1), ID + 1, 1, 0);
		make_log(*f);
		replace(at(1, 1), "hello", "hell\\o");
		expect_only(*f, FINDING_PAYLOAD, at(1, 1), ID + 1, 1, 0);
		/* In a part too. */
		make_log(*f);
		replace(at(1, 2), "aaaa", "aaa");
		expect_only(*f, FINDING_PAYLOAD, at(1, 2), ID + 1, 2, 0);
	}
}

static void test_records_after_close(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		struct talker t;

		for (unsigned more = 1; more <= 2; more++) {
			make_log(*f);
			begin(&t, *f, ID + 1);
			t.head.n = 7;
			say(&t, "more", 4);
			if (more == 2)
				close_it(&t, CLOSE_EOF);
			expect_only(*f, FINDING_AFTER_CLOSE, 0, ID + 1, 7, 6 + more);
		}
		/* Not right behind it. */
		make_log(*f);
		begin(&t, *f, ID + 1);
		t.head.n = 9;
		say(&t, "more", 4);
		expect_only(*f, FINDING_AFTER_CLOSE, 0, ID + 1, 9, 9);
	}
}

static void test_parts_without_a_message(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f)
		for (enum close_reason reason = CLOSE_EOF; reason <= CLOSE_KILLED + 1; reason++) {
			struct talker t;

			make_log(*f);
			begin(&t, *f, ID + 3);
			open_it(&t);
			say_part(&t);
			if (reason <= CLOSE_KILLED)
				close_it(&t, reason);
			if (reason == CLOSE_STALLED || reason >= CLOSE_KILLED) {
				judge(*f);
				assert_int_equal(found.n, 0);
			} else {
				expect_only(*f, FINDING_PART, memory_log.n - 1, ID + 3, 1, 0);
			}
		}
}

static void test_dropped_within_a_message(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		struct talker t;

		make_log(*f);
		begin(&t, *f, ID + 3);
		open_it(&t);
		say_part(&t);
		drop(&t, 1, 1);
		say(&t, "x", 1);
		expect_only(*f, FINDING_PART, memory_log.n - 2, ID + 3, 1, 0);
	}
}

static void test_open_is_number_0(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		struct talker t;

		make_log(*f);
		begin(&t, *f, ID + 3);
		say(&t, "x", 1);
		close_it(&t, CLOSE_EOF);
		expect_only(*f, FINDING_NOT_OPENED, 21, ID + 3, 0, 0);
		make_log(*f);
		begin(&t, *f, ID + 3);
		open_it(&t);
		open_it(&t);
		close_it(&t, CLOSE_EOF);
		expect_only(*f, FINDING_NOT_OPENED, 22, ID + 3, 1, 0);
	}
}

static void test_another_id(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		replace(at(1, 5), "6443f5a1b2c3e", "7443f5a1b2c3e");
		judge(*f);
		/* The part of the payload is missing too, but that is all one. */
		assert_int_equal(found.n, 2);
		expect(0, FINDING_MISSING, 0, ID + 1, 5, 5);
		expect(1, FINDING_MISSING, 0, UINT64_C(0x7443f5a1b2c3e), 0, 4);
	}
}

static void test_another_peer(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		replace(at(1, 4), "192.0.2.7", "192.0.2.8");
		judge(*f);
		assert_int_equal(found.n, 1);
		expect(0, FINDING_PEER, at(1, 4) + 1, ID + 1, 0, 0);
	}
}

static void test_killed(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		struct talker t;

		make_log(*f);
		erase(at(2, 6));
		begin(&t, *f, ID + 1);	/* after its close */
		close_it(&t, CLOSE_KILLED);
		begin(&t, *f, ID + 2);	/* twice */
		close_it(&t, CLOSE_KILLED);
		close_it(&t, CLOSE_KILLED);
		begin(&t, *f, ID + 3);	/* without `open` */
		close_it(&t, CLOSE_KILLED);
		judge(*f);
		assert_int_equal(found.n, 0);
		assert_int_equal(found.sum.whole, 2);
		assert_int_equal(found.sum.killed, 2);
		/* It explains nothing that is missing. */
		erase(at(2, 3));
		expect_only(*f, FINDING_MISSING, 0, ID + 2, 3, 3);
		assert_int_equal(found.sum.killed, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_records),
		cmocka_unit_test(test_a_missing_end_is_no_finding),
		cmocka_unit_test(test_doubled_records),
		cmocka_unit_test(test_a_file_given_twice),
		cmocka_unit_test(test_changed_payload),
		cmocka_unit_test(test_changed_totals),
		cmocka_unit_test(test_wrong_length_or_data),
		cmocka_unit_test(test_records_after_close),
		cmocka_unit_test(test_parts_without_a_message),
		cmocka_unit_test(test_dropped_within_a_message),
		cmocka_unit_test(test_open_is_number_0),
		cmocka_unit_test(test_another_id),
		cmocka_unit_test(test_another_peer),
		cmocka_unit_test(test_killed),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
