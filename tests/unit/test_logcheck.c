/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>

#include "damaged_log.h"

/* --- what the service writes is whole, in whatever order it is read */

static struct connections_summary expected;

static void random_message(struct talker *t)
{
	static unsigned char data[20000];
	size_t len = 1 + random_below(random_below(8) ? 100 : sizeof(data));

	random_fill((enum random_kind)random_below(RANDOM_KINDS), data, len);
	say(t, data, len);
}

static void random_connection(enum log_format format, uint64_t id)
{
	struct talker t;
	unsigned first = memory_log.n, steps = (unsigned)random_below(12);

	begin(&t, format, id);
	open_it(&t);
	for (unsigned i = 0; i < steps; i++) {
		if (random_below(8) == 0) {
			drop(&t, 2, 30);
			expected.dropped_messages += 2;
			expected.dropped_bytes += 30;
		}
		random_message(&t);
	}
	switch (random_below(5)) {
	case 0:
		close_it(&t, CLOSE_KILLED);
		expected.killed++;
		break;
	case 1:
		expected.without_end++;
		break;
	case 2:
		say_part(&t);
		close_it(&t, CLOSE_STALLED);
		expected.whole++;
		break;
	default:
		close_it(&t, (enum close_reason)random_below(CLOSE_KILLED));
		if (random_below(5) == 0)
			close_it(&t, CLOSE_KILLED);
		expected.whole++;
	}
	expected.records += memory_log.n - first;
	expected.messages += t.totals.messages;
	expected.bytes += t.totals.bytes;
}

static void test_whole_logs(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		enum log_format format = formats[round % 2];
		unsigned n = (unsigned)random_below(20);

		memory_log.n = 0;
		expected = (struct connections_summary){ 0 };
		for (unsigned i = 0; i < n; i++)
			random_connection(format, ID + random_below(1000) * 1000 + i);
		if (round % 3 == 0)
			shuffle(memory_log.line, memory_log.n);
		judge_files(format, 1 + (unsigned)random_below(5));
		assert_int_equal(found.n, 0);
		assert_int_equal(found.records, memory_log.n);
		assert_memory_equal(&found.sum, &expected, sizeof(expected));
	}
}

/* More of them than the table of connections begins with, and told in the order of their ids. */
static void test_many_connections(void **state)
{
	struct talker t;

	(void)state;
	memory_log.n = 0;
	for (unsigned i = 0; i < 3000; i++) {
		begin(&t, FORMAT_TEXT, ID + (i * 7919u) % 3001);
		t.head.n = i < 100;
		if (i < 100)
			say(&t, "x", 1);
		else
			open_it(&t);
	}
	/* The first ones are still known. */
	for (unsigned i = 0; i < 500; i++) {
		begin(&t, FORMAT_TEXT, ID + ((100 + i) * 7919u) % 3001);
		t.head.n = 1;
		close_it(&t, CLOSE_EOF);
	}
	judge(FORMAT_TEXT);
	assert_int_equal(found.sum.whole, 500);
	assert_int_equal(found.sum.without_end, 2400);
	assert_int_equal(found.sum.wrong, 100);
	assert_int_equal(found.n, 100);
	for (unsigned i = 0; i < found.n; i++) {
		assert_int_equal(found.finding[i].kind, FINDING_MISSING);
		assert_true(i == 0 || found.finding[i].id > found.finding[i - 1].id);
	}
}

static void test_one_set_in_two_formats(void **state)
{
	struct logcheck *check = start_check();
	struct talker t, json;

	(void)state;
	memory_log.n = 0;
	begin(&t, FORMAT_TEXT, ID);
	open_it(&t);
	say(&t, "one", 3);
	feed_lines(check, FORMAT_TEXT, 0, 2);
	begin(&json, FORMAT_JSON, ID);
	json.head.n = t.head.n;
	json.totals = t.totals;
	say(&json, "two", 3);
	close_it(&json, CLOSE_EOF);
	feed_lines(check, FORMAT_JSON, 2, 4);
	end_check(check);
	assert_int_equal(found.n, 0);
	assert_int_equal(found.sum.whole, 1);
}

/* --- what a later version may write, and what tells the format */

/* An event that this version does not have; N is the number of the record. */
static void add_note(const struct talker *t, const char *n)
{
	char text[200];

	snprintf(text, sizeof(text), TIME_TEXT " %013" PRIx64 ".%s %s note x\n", t->head.id, n,
		 t->peer);
	add_text(text);
}

static void test_of_a_later_version(void **state)
{
	static char data[5000];
	struct talker t;

	(void)state;
	memory_log.n = 0;
	memset(data, 'x', sizeof(data));
	add_text(TIME_TEXT " - - start version=2 host=web3 boot=5d3c daemon=0.9.0 mood=good\n");
	add_text(TIME_TEXT " - - reborn why\n");
	begin(&t, FORMAT_TEXT, ID);
	open_it(&t);
	replace(2, "open", "open via=[::1]:4");
	add_note(&t, "1");
	add_note(&t, "-");
	t.head.n = 2;
	say(&t, data, sizeof(data));
	/* Between the part and its message. */
	replace(6, ".3 ", ".4 ");
	add_note(&t, "3");
	replace(6, "\n", " colour=red\n");
	t.head.n = 5;
	close_it(&t, CLOSE_EOF);
	replace(8, "\n", " x=\"y z\"\n");
	add_text(TIME_TEXT " - - limit messages=1\n");
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 0);
	assert_int_equal(found.sum.whole, 1);
	assert_int_equal(found.records, 10);
	/* It does not mean that a worker was killed. */
	erase(8);
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 0);
	assert_int_equal(found.sum.without_end, 1);
	/* Its number is a number. */
	erase(3);
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 1);
	expect(0, FINDING_MISSING, 0, ID, 1, 1);
}

static void test_finds_the_format(void **state)
{
	static const struct {
		const char *data;
		int result;
		enum log_format format;
	} cases[] = {
		{ TIME_TEXT " - - start version=1 host=a boot=b daemon=c\n", 0, FORMAT_TEXT },
		{ TIME_TEXT " 6443f5a1b2c3d.7 192.0.2.7:5 op", 0, FORMAT_TEXT },
		{ "{\"time\":\"" TIME_TEXT "\",\"host\":\"a\",\"id\":null", 0, FORMAT_JSON },
		{ "torn\n" TIME_TEXT " - - torn bytes=4\n", 0, FORMAT_TEXT },
		{ "\n\n{\"time\":\"" TIME_TEXT "\",\"host\":\"a\"", 0, FORMAT_JSON },
		{ "", -ENOMSG, 0 },
		{ "\n", -ENOMSG, 0 },
		{ "what a client said\nand another\n", -ENOMSG, 0 },
		{ "x" TIME_TEXT " - - start version=1 host=a boot=b daemon=c\n", -ENOMSG, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum log_format format = FORMAT_RAW;
		int r = logcheck_find_format(cases[i].data, strlen(cases[i].data), &format);

		assert_int_equal(r, cases[i].result);
		if (r == 0)
			assert_int_equal(format, cases[i].format);
	}
}

/* Cut or overwritten anywhere, and read in either format: for the sanitizers. */
static void test_random_damage(void **state)
{
	static char bytes[22 * RECORD_MAX];

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		struct logcheck *check = start_check();
		size_t len = 0;

		make_log(formats[round % 2]);
		for (unsigned k = 0; k < 21; len += memory_log.line[k++].len)
			memcpy(bytes + len, memory_log.line[k].text, memory_log.line[k].len);
		for (unsigned i = 0; i <= round % 3; i++) {
			size_t from = random_below(len), some = random_below(len - from);

			if (random_below(2)) {
				memmove(bytes + from, bytes + from + some, len - from - some);
				len -= some;
			} else {
				random_fill(RANDOM_BINARY, (unsigned char *)bytes + from,
					    1 + some % 50);
			}
		}
		logcheck_begin(check, "log", formats[random_below(2)]);
		feed(check, bytes, len);
		end_check(check);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_logs),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_one_set_in_two_formats),
		cmocka_unit_test(test_of_a_later_version),
		cmocka_unit_test(test_finds_the_format),
		cmocka_unit_test(test_random_damage),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
