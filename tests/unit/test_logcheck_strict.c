/* SPDX-License-Identifier: MIT */
/* logcheck.h: only what echo-logd writes is accepted, in the form in which it writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "damaged_log.h"

#define START(version) TIME_TEXT " - - start version=" version " host=a boot=b daemon=c\n"
#define CLIENT TIME_TEXT " 6443f5a1b2c3d.0 192.0.2.7:5 "

/* --- events of a later version */

/* Reads each of FILES as a file, the last one is NULL.  The number of findings: all are EVENT. */
static unsigned judge_texts(const char *const files[])
{
	struct logcheck *check = start_check();

	for (; *files; files++) {
		logcheck_begin(check, "log", FORMAT_TEXT);
		feed(check, *files, strlen(*files));
	}
	end_check(check);
	for (unsigned i = 0; i < found.n; i++)
		assert_int_equal(found.finding[i].kind, FINDING_EVENT);
	return found.n;
}

static void expect_events(unsigned i, unsigned line, unsigned n)
{
	assert_int_equal(found.finding[i].place.line, line);
	assert_int_equal(found.finding[i].first, n);
}

static void test_unknown_events(void **state)
{
	static const char event[] = TIME_TEXT " - - reborn why\n";
	static const char old[] = START("1"), new[] = START("2");
	static const char old_event[] = START("1") TIME_TEXT " - - reborn why\n";
	static const char new_event[] = START("2") TIME_TEXT " - - reborn why\n";
	static const char both[] = START("1") START("2") TIME_TEXT " - - reborn why\n"
				   START("1") TIME_TEXT " - - clost eof\n";

	(void)state;
	assert_int_equal(judge_texts((const char *[]){ new_event, NULL }), 0);
	assert_int_equal(judge_texts((const char *[]){ old_event, NULL }), 1);
	expect_events(0, 2, 1);
	/* Other files change nothing where the file itself says what it is. */
	assert_int_equal(judge_texts((const char *[]){ new, old_event, new, NULL }), 1);
	assert_int_equal(judge_texts((const char *[]){ old, new_event, old, NULL }), 0);
	/* A file without `start` may be of any version that is there, in any order. */
	assert_int_equal(judge_texts((const char *[]){ event, NULL }), 1);
	expect_events(0, 1, 1);
	assert_int_equal(judge_texts((const char *[]){ old, event, NULL }), 1);
	assert_int_equal(judge_texts((const char *[]){ event, old, new, NULL }), 0);
	assert_int_equal(judge_texts((const char *[]){ new, old, event, NULL }), 0);
	assert_int_equal(judge_texts((const char *[]){ event, old, event, NULL }), 2);
	/* Files in one stream: the last `start` counts. */
	assert_int_equal(judge_texts((const char *[]){ both, NULL }), 1);
	expect_events(0, 5, 1);
}

/* Nobody knows how many there are, so they are counted and not kept. */
static void test_unknown_events_are_counted(void **state)
{
	static const char file[] = CLIENT "open\n" TIME_TEXT " - - reborn why\n"
				   TIME_TEXT " 6443f5a1b2c3d.1 192.0.2.7:5 tls 1.3\n"
				   TIME_TEXT " - - reborn why\n" START("1");

	(void)state;
	assert_int_equal(judge_texts((const char *[]){ file, NULL }), 1);
	expect_events(0, 2, 3);
	assert_int_equal(found.records, 5);
}

static void test_a_misspelled_close(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		make_log(*f);
		replace(at(1, 6), "close", "clost");
		judge(*f);
		assert_int_equal(found.n, 1);
		expect(0, FINDING_EVENT, at(1, 6) + 1, 0, 1, 0);
		assert_int_equal(found.sum.whole, 2);
		assert_int_equal(found.sum.without_end, 1);
	}
}

/* --- forms */

/* Three connections, and one whose only message is DATA. */
static unsigned make_log_with(enum log_format format, const void *data, size_t len)
{
	struct talker t;

	make_log(format);
	begin(&t, format, ID + 3);
	open_it(&t);
	say(&t, data, len);
	close_it(&t, CLOSE_EOF);
	judge(format);
	assert_int_equal(found.n, 0);
	return 22;
}

static void expect_form(enum log_format format, unsigned line)
{
	judge(format);
	assert_int_equal(found.n, 1);
	expect(0, FINDING_FORM, line + 1, ID + 3, 1, 0);
	/* Nothing is missing. */
	assert_int_equal(found.sum.wrong, 1);
	assert_int_equal(found.sum.messages, 10);
}

/* Characters of three bytes seldom fill a page. */
static void test_stripped_blanks(void **state)
{
	(void)state;
	FOR_EACH_FORMAT(f) {
		char data[9000 + 3 + 1] = "";
		unsigned stripped = 0;

		for (unsigned i = 0; i < 3000; i++)
			strcat(data, "\xe2\x82\xac");
		for (unsigned i = 0; i < 3; i++) {
			unsigned line = make_log_with(*f, data, strlen(data));
			struct line *l = &memory_log.line[line];

			assert_int_equal(l->len, RECORD_MAX);
			if (l->text[l->len - 2] == ' ') {
				while (l->text[l->len - 2] == ' ')
					l->len--;
				l->text[l->len - 1] = '\n';
				expect_form(*f, line);
				stripped++;
			}
			memmove(data + 1, data, strlen(data));
			data[0] = 'a';
		}
		assert_true(stripped > 0);
	}
}

static void test_the_longer_form(void **state)
{
	unsigned line = make_log_with(FORMAT_TEXT, "hello\n", 6);

	(void)state;
	replace(line, "\"hello\\n\"", "base64:aGVsbG8K");
	expect_form(FORMAT_TEXT, line);
	line = make_log_with(FORMAT_TEXT, "\1\2\3", 3);
	replace(line, "base64:AQID", "\"\\x01\\x02\\x03\"");
	expect_form(FORMAT_TEXT, line);
	line = make_log_with(FORMAT_JSON, "hello\n", 6);
	replace(line, "data\":\"hello\\n", "data_base64\":\"aGVsbG8K");
	expect_form(FORMAT_JSON, line);
}

/* These spellings were found before; now they stay found. */
static void test_spellings(void **state)
{
	static const struct {
		const char *old, *new;
		enum finding_kind kind;
	} cases[] = {
		{ "\"Az\\x1b\"", "\"Az\\x1B\"", FINDING_PAYLOAD },
		{ "\"Az\\x1b\"", "\"\\x41z\\x1b\"", FINDING_PAYLOAD },
		{ "message 3", "message 03", FINDING_NOT_A_RECORD },
		{ "message 3", "message +3", FINDING_NOT_A_RECORD },
		{ ".1 ", ".01 ", FINDING_NOT_A_RECORD },
		{ "message 3", "message  3", FINDING_NOT_A_RECORD },
		{ "1b\"", "1b\" ", FINDING_NOT_A_RECORD },
		{ "T21:", "T24:", FINDING_NOT_A_RECORD },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned line = make_log_with(FORMAT_TEXT, "Az\x1b", 3);

		replace(line, cases[i].old, cases[i].new);
		judge(FORMAT_TEXT);
		assert_true(found.n > 0);
		assert_int_equal(found.finding[0].kind, cases[i].kind);
		assert_int_equal(found.finding[0].place.line, line + 1);
	}
}

/* In each of its records, so that it does not change. */
static void test_a_peer_that_is_spelled_otherwise(void **state)
{
	static const char *const peers[] = {
		"192.0.2.07:", "192.0.2.7.1:", "localhost:", "[::192.0.2.7]:0", "192.0.2.7:0",
	};

	(void)state;
	FOR_EACH_FORMAT(f)
		for (unsigned i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
			unsigned line = make_log_with(*f, "x", 1);

			for (unsigned k = 0; k < 3; k++)
				replace(line - 1 + k, "192.0.2.7:", peers[i]);
			judge(*f);
			assert_int_equal(found.n, 1);
			expect(0, FINDING_PEER_NAME, line, ID + 3, 0, 0);
		}
	make_log_with(FORMAT_TEXT, "x", 1);
	for (unsigned k = 21; k < 24; k++) {
		struct line *l = &memory_log.line[k];
		char *peer = memmem(l->text, l->len, " 192", 4);

		/* A connection has a peer. */
		replace(k, strndupa(peer, strcspn(peer + 1, " ") + 1), " -");
	}
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 1);
	expect(0, FINDING_PEER_NAME, 22, ID + 3, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_events),
		cmocka_unit_test(test_unknown_events_are_counted),
		cmocka_unit_test(test_a_misspelled_close),
		cmocka_unit_test(test_stripped_blanks),
		cmocka_unit_test(test_the_longer_form),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_a_peer_that_is_spelled_otherwise),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
