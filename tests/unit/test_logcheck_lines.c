/* SPDX-License-Identifier: MIT */
/* logcheck.h: lines that are no records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "damaged_log.h"

static void expect_line(unsigned i, enum finding_kind kind, unsigned line, uint64_t bytes)
{
	expect(i, kind, line + 1, 0, 0, 0);
	assert_int_equal(found.finding[i].bytes, bytes);
}

static void test_foreign_lines(void **state)
{
	static const char *const lines[] = {
		"", "hello", "\r", TIME_TEXT, TIME_TEXT " - - ", "{}",
		"{\"time\":\"" TIME_TEXT "\"}", TIME_TEXT " - - open",
		TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 open",
		TIME_TEXT " - - message 1 \"x\"",
		TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 message 1 \"x\"",
		TIME_TEXT " - - close killed",
		TIME_TEXT " 6443f5a1b2c3f.8 192.0.2.7:1 close killed",
		TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 close eof messages=0 bytes=0 "
			  "crc32c=00000000",
		TIME_TEXT " - - close eof messages=0 bytes=0 crc32c=00000000",
		TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 dropped messages=1 bytes=1",
		TIME_TEXT " 6443f5a1b2c3f.1 192.0.2.7:1 dropped messages=0 bytes=0",
		TIME_TEXT " 6443f5a1b2c3f.1 192.0.2.7:1 dropped messages=2 bytes=1",
		TIME_TEXT " - - limit messages=0",
		TIME_TEXT " 6443f5a1b2c3f.1 192.0.2.7:1 start version=1 host=a boot=b daemon=c",
	};

	(void)state;
	FOR_EACH_FORMAT(f)
		for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			for (unsigned line = 0; line <= 21; line += 7) {
				char text[200];

				make_log(*f);
				snprintf(text, sizeof(text), "%s\n", lines[i]);
				insert(line, text, strlen(text));
				judge(*f);
				assert_int_equal(found.n, 1);
				expect_line(0, FINDING_NOT_A_RECORD, line, strlen(lines[i]));
				assert_int_equal(found.sum.whole, 3);
			}
}

static void test_a_zero_byte(void **state)
{
	(void)state;
	make_log(FORMAT_TEXT);
	insert(3, "ab\0cd\n", 6);
	insert(4, "\0\0\0\n", 4);
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 2);
	expect_line(0, FINDING_NOT_A_RECORD, 3, 5);
	expect_line(1, FINDING_ZEROS, 4, 3);
}

/* Zeros hide no record, wherever they are and however many. */
static void test_holes(void **state)
{
	static char zeros[RECORD_MAX + 1];
	struct logcheck *check;

	(void)state;
	FOR_EACH_FORMAT(f)
		for (unsigned line = 0; line < 21; line += 5) {
			/* On a line of their own, and before a record. */
			make_log(*f);
			insert(line, zeros, 3000);
			memory_log.line[line].text[2999] = '\n';
			judge(*f);
			assert_int_equal(found.n, 1);
			expect_line(0, FINDING_ZEROS, line, 2999);
			assert_int_equal(found.sum.whole, 3);
			memory_log.line[line].text[2999] = '\0';
			judge(*f);
			assert_int_equal(found.n, 1);
			expect_line(0, FINDING_ZEROS, line, 3000);
			assert_int_equal(found.sum.whole, 3);
		}
	/* Longer than what is read at once, and given as a number. */
	make_log(FORMAT_TEXT);
	for (unsigned i = 0; i < 50; i++)
		insert(0, zeros, RECORD_MAX);
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 1);
	expect_line(0, FINDING_ZEROS, 0, 50 * RECORD_MAX);
	assert_int_equal(found.sum.whole, 3);
	check = start_check();
	make_log(FORMAT_TEXT);
	logcheck_begin(check, "log", FORMAT_TEXT);
	logcheck_zeros(check, UINT64_C(1) << 40);
	feed(check, memory_log.line[0].text, memory_log.line[0].len);
	end_check(check);
	assert_int_equal(found.n, 1);
	expect_line(0, FINDING_ZEROS, 0, UINT64_C(1) << 40);
	assert_int_equal(found.records, 1);
}

static void test_zeros_at_the_end(void **state)
{
	static const char zeros[100], half[] = "\0\0\0half";

	(void)state;
	make_log(FORMAT_TEXT);
	insert(21, zeros, sizeof(zeros));
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 1);
	expect_line(0, FINDING_ZEROS, 21, 100);
	make_log(FORMAT_TEXT);
	insert(21, half, 7);
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 2);
	expect_line(0, FINDING_ZEROS, 21, 3);
	expect_line(1, FINDING_NO_NEWLINE, 21, 4);
	insert(22, "\n", 1);
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 2);
	expect_line(0, FINDING_ZEROS, 21, 3);
	expect_line(1, FINDING_NOT_A_RECORD, 21, 4);
}

static void test_cut_and_merged_lines(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		struct line *line = &memory_log.line[at(1, 5)];

		for (unsigned i = 0; i < 4; i++) {
			size_t keep;

			make_log(*f);
			keep = i == 3 ? line->len - 2 : i * 13;
			line->text[keep] = '\n';
			line->len = keep + 1;
			judge(*f);
			assert_int_equal(found.n, 2);
			expect_line(0, FINDING_NOT_A_RECORD, at(1, 5), keep);
			expect(1, FINDING_MISSING, 0, ID + 1, 5, 5);
		}
		make_log(*f);
		line->len--;
		judge(*f);
		assert_int_equal(found.n, 3);
		expect_line(0, FINDING_NOT_A_RECORD, at(1, 5), line->len + line[1].len - 1);
		expect(1, FINDING_MISSING, 0, ID + 1, 5, 5);
		expect(2, FINDING_MISSING, 0, ID + 2, 5, 5);
	}
}

/* Looks like an event of a later version, but no `start` names one; its payload is missed too. */
static void test_cut_in_the_event(void **state)
{
	(void)state;
	make_log(FORMAT_TEXT);
	replace(at(1, 5), "age 3 \"bye\"", "");
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 2);
	expect(0, FINDING_EVENT, at(1, 5) + 1, 0, 1, 0);
	expect(1, FINDING_TOTALS, at(1, 6) + 1, ID + 1, 0, 0);
}

static void test_overlong_lines(void **state)
{
	static const size_t lengths[] = {
		RECORD_MAX - 1, RECORD_MAX, RECORD_MAX + 1, 3 * RECORD_MAX, 100000,
	};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct logcheck *check = start_check();
		size_t before = 0, len;
		char *bytes = malloc(200000);

		make_log(FORMAT_TEXT);
		assert_non_null(bytes);
		for (unsigned k = 0; k < 10; before += memory_log.line[k++].len)
			memcpy(bytes + before, memory_log.line[k].text, memory_log.line[k].len);
		len = before + lengths[i];
		memset(bytes + before, 'x', lengths[i]);
		bytes[len++] = '\n';
		for (unsigned k = 10; k < 21; len += memory_log.line[k++].len)
			memcpy(bytes + len, memory_log.line[k].text, memory_log.line[k].len);
		logcheck_begin(check, "log", FORMAT_TEXT);
		feed(check, bytes, len);
		end_check(check);
		free(bytes);
		assert_int_equal(found.n, 1);
		expect_line(0, FINDING_NOT_A_RECORD, 10, lengths[i]);
		assert_int_equal(found.sum.whole, 3);
	}
}

/* What ends an overlong line is no record, whatever it looks like. */
static void test_end_of_an_overlong_line(void **state)
{
	static char text[RECORD_MAX];
	struct logcheck *check = start_check();
	struct line *line = &memory_log.line[0];
	size_t taken;

	(void)state;
	make_log(FORMAT_TEXT);
	memset(text, 'x', sizeof(text));
	logcheck_begin(check, "log", FORMAT_TEXT);
	assert_int_equal(logcheck_lines(check, text, sizeof(text), false, &taken), 0);
	assert_int_equal(taken, sizeof(text));
	assert_int_equal(logcheck_lines(check, line->text, line->len, true, &taken), 0);
	end_check(check);
	assert_int_equal(found.n, 1);
	expect_line(0, FINDING_NOT_A_RECORD, 0, sizeof(text) + line->len - 1);
	assert_int_equal(found.records, 0);
}

static void test_no_newline_at_the_end(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		memory_log.line[20].len--;
		judge(*f);
		assert_int_equal(found.n, 1);
		expect_line(0, FINDING_NO_NEWLINE, 20, memory_log.line[20].len);
		assert_int_equal(found.sum.without_end, 1);
	}
}

static void insert_torn(enum log_format format, unsigned line, uint64_t bytes)
{
	struct record_style style;
	char text[RECORD_EVENT_MAX];

	record_style_init(&style, format);
	insert(line, text, record_torn(&style, text, TIME, bytes));
}

static void test_torn(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		insert(5, "half a re\n", 10);
		insert_torn(*f, 6, 9);
		judge(*f);
		assert_int_equal(found.n, 1);
		expect_line(0, FINDING_TORN, 5, 9);
		/* What a power cut may leave. */
		make_log(*f);
		insert(5, "\0\0\0\0half\n", 9);
		insert_torn(*f, 6, 8);
		judge(*f);
		assert_int_equal(found.n, 1);
		expect_line(0, FINDING_TORN, 5, 8);
		/* Somebody changed the line since, or it was another. */
		make_log(*f);
		insert(5, "half a re\n", 10);
		insert_torn(*f, 6, 8);
		judge(*f);
		assert_int_equal(found.n, 2);
		expect_line(0, FINDING_NOT_A_RECORD, 5, 9);
		expect_line(1, FINDING_TORN, 5, 8);
		/* Nothing above. */
		make_log(*f);
		insert_torn(*f, 0, 8);
		judge(*f);
		assert_int_equal(found.n, 1);
		expect_line(0, FINDING_TORN, 0, 8);
	}
}

static void test_truncated(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		insert_torn(*f, 0, 0);
		judge(*f);
		assert_int_equal(found.n, 1);
		expect_line(0, FINDING_TRUNCATED, 0, 0);
		make_log(*f);
		insert(5, "\n", 1);
		insert_torn(*f, 6, 0);
		judge(*f);
		assert_int_equal(found.n, 2);
		expect_line(0, FINDING_NOT_A_RECORD, 5, 0);
		expect_line(1, FINDING_TRUNCATED, 6, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_lines),
		cmocka_unit_test(test_a_zero_byte),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_zeros_at_the_end),
		cmocka_unit_test(test_cut_and_merged_lines),
		cmocka_unit_test(test_cut_in_the_event),
		cmocka_unit_test(test_overlong_lines),
		cmocka_unit_test(test_end_of_an_overlong_line),
		cmocka_unit_test(test_no_newline_at_the_end),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_truncated),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
