/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "memory_log.h"

#define ID UINT64_C(0x6443f5a1b2c3d)
#define TIME_TEXT "2026-11-22T21:04:05.123987Z"
#define ANYWHERE 0

static const enum log_format formats[] = { FORMAT_TEXT, FORMAT_JSON };
#define FOR_EACH_FORMAT(f) for (const enum log_format *f = formats; f < formats + 2; f++)

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

/* Each file in its own order, the files in any. */
static void judge_files(enum log_format format, unsigned n_files)
{
	unsigned cut[6] = { 0 };
	struct logcheck *check = start_check();

	for (unsigned i = 1; i < n_files; i++)
		cut[i] = cut[i - 1] + (unsigned)random_below(memory_log.n - cut[i - 1] + 1);
	cut[n_files] = memory_log.n;
	for (unsigned i = n_files; i-- > 0;)
		feed_lines(check, format, cut[i], cut[i + 1]);
	end_check(check);
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

/* --- each kind of damage is found, and nothing else */

/*
 * Lines of three connections in turns: 0 open, 1 message, 2 part, 3 message,
 * 4 dropped, 5 message, 6 close.  Line 3 * n + c is record n of connection c.
 */
static void make_log(enum log_format format)
{
	static unsigned char text[6000];
	struct talker t[3];

	memory_log.n = 0;
	memset(text, 'a', sizeof(text));
	for (unsigned c = 0; c < 3; c++) {
		begin(&t[c], format, ID + c);
		open_it(&t[c]);
	}
	for (unsigned c = 0; c < 3; c++)
		say(&t[c], "hello \"world\"", 13);
	/* say() puts both pieces next to each other; who reads does not mind. */
	for (unsigned c = 0; c < 3; c++)
		say(&t[c], text, sizeof(text) - 1000);
	for (unsigned c = 0; c < 3; c++)
		drop(&t[c], 1, 5);
	for (unsigned c = 0; c < 3; c++)
		say(&t[c], "bye", 3);
	for (unsigned c = 0; c < 3; c++)
		close_it(&t[c], CLOSE_EOF);
	assert_int_equal(memory_log.n, 21);
}

/* Where record N of connection C is. */
static unsigned at(unsigned c, unsigned n)
{
	if (n == 2 || n == 3)
		return 6 + 2 * c + n - 2;
	return 3 * n + c;
}

static void erase(unsigned line)
{
	memory_log.n--;
	memmove(&memory_log.line[line], &memory_log.line[line + 1],
		(memory_log.n - line) * sizeof(struct line));
}

static void insert(unsigned line, const char *text, size_t len)
{
	memmove(&memory_log.line[line + 1], &memory_log.line[line],
		(memory_log.n - line) * sizeof(struct line));
	memory_log.n++;
	memcpy(memory_log.line[line].text, text, len);
	memory_log.line[line].len = len;
}

/* In LINE, the first OLD becomes NEW. */
static void replace(unsigned line, const char *old, const char *new)
{
	struct line *l = &memory_log.line[line];
	char *place = memmem(l->text, l->len, old, strlen(old));
	size_t behind;

	assert_non_null(place);
	behind = (size_t)(l->text + l->len - place) - strlen(old);
	memmove(place + strlen(new), place + strlen(old), behind);
	memcpy(place, new, strlen(new));
	l->len += strlen(new) - strlen(old);
}

static void expect(unsigned i, enum finding_kind kind, uint64_t line, uint64_t id, uint64_t first,
		   uint64_t last)
{
	const struct finding *f = &found.finding[i];

	assert_true(i < found.n);
	assert_int_equal(f->kind, kind);
	if (line != ANYWHERE)
		assert_int_equal(f->place.line, line);
	assert_int_equal(f->id, id);
	assert_int_equal(f->first, first);
	assert_int_equal(f->last, last);
}

/* The only finding, in order and in disorder; LINE counts from 0, as memory_log does. */
static void expect_only(enum log_format format, enum finding_kind kind, unsigned line, uint64_t id,
			uint64_t first, uint64_t last)
{
	bool has_place = kind != FINDING_MISSING && kind != FINDING_AFTER_CLOSE;

	judge(format);
	assert_int_equal(found.n, 1);
	expect(0, kind, has_place ? line + 1 : 0, id, first, last);
	assert_int_equal(found.sum.wrong, id != 0);
	for (unsigned round = 0; round < 10; round++) {
		shuffle(memory_log.line, memory_log.n);
		judge_files(format, 1 + round % 5);
		assert_int_equal(found.n, 1);
		expect(0, kind, ANYWHERE, id, first, last);
	}
}

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
		replace(at(1, 1), *f == FORMAT_JSON ? ":13" : " 13 ", *f == FORMAT_JSON ? ":12" : " 12 ");
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

/* --- lines that are no records */

static void expect_line(unsigned i, enum finding_kind kind, unsigned line, uint64_t bytes)
{
	expect(i, kind, line + 1, 0, 0, 0);
	assert_int_equal(found.finding[i].bytes, bytes);
}

static void test_foreign_lines(void **state)
{
	static const char *const lines[] = {
		"", "hello", "\r", TIME_TEXT, TIME_TEXT " - - ", "{}", "{\"time\":\"" TIME_TEXT "\"}",
		TIME_TEXT " - - open", TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 open",
		TIME_TEXT " - - message 1 \"x\"", TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 message 1 \"x\"",
		TIME_TEXT " - - close killed", TIME_TEXT " 6443f5a1b2c3f.8 192.0.2.7:1 close killed",
		TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 close eof messages=0 bytes=0 crc32c=00000000",
		TIME_TEXT " - - close eof messages=0 bytes=0 crc32c=00000000",
		TIME_TEXT " 6443f5a1b2c3f.- 192.0.2.7:1 dropped messages=1 bytes=1",
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
	expect_line(1, FINDING_NOT_A_RECORD, 4, 3);
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

/* Looks like an event of a later version; its payload is missed all the same. */
static void test_cut_in_the_event(void **state)
{
	(void)state;
	make_log(FORMAT_TEXT);
	replace(at(1, 5), "age 3 \"bye\"", "");
	judge(FORMAT_TEXT);
	assert_int_equal(found.n, 1);
	expect(0, FINDING_TOTALS, at(1, 6) + 1, ID + 1, 0, 0);
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

/* --- what is passed over */

static void test_of_a_later_version(void **state)
{
	(void)state;
	memory_log.n = 0;
	add_text(TIME_TEXT " - - start version=1 host=web3 boot=5d3c daemon=0.1.0 mood=good\n");
	add_text(TIME_TEXT " - - reborn why\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.0 192.0.2.7:5 open via=[::1]:4\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.1 192.0.2.7:5 tls 1.3\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.- 192.0.2.7:5 note x\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.2 192.0.2.7:5 part 1 \"1\"\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.3 192.0.2.7:5 note x\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.4 192.0.2.7:5 message 8 \"23456789\" colour=red\n");
	add_text(TIME_TEXT " 6443f5a1b2c3d.5 192.0.2.7:5 close eof messages=1 bytes=9 "
			   "crc32c=e3069283 x=\"y z\"\n");
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
	enum log_format format;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		format = FORMAT_RAW;
		assert_int_equal(logcheck_find_format(cases[i].data, strlen(cases[i].data), &format),
				 cases[i].result);
		if (cases[i].result == 0)
			assert_int_equal(format, cases[i].format);
	}
}

/* Any bytes: for the sanitizers.  What is cut out or put in is bound to be found. */
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
				random_fill(RANDOM_BINARY, (unsigned char *)bytes + from, 1 + some % 50);
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
		cmocka_unit_test(test_foreign_lines),
		cmocka_unit_test(test_a_zero_byte),
		cmocka_unit_test(test_cut_and_merged_lines),
		cmocka_unit_test(test_cut_in_the_event),
		cmocka_unit_test(test_overlong_lines),
		cmocka_unit_test(test_end_of_an_overlong_line),
		cmocka_unit_test(test_no_newline_at_the_end),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_of_a_later_version),
		cmocka_unit_test(test_finds_the_format),
		cmocka_unit_test(test_random_damage),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
