/* SPDX-License-Identifier: MIT */
/*
 * logcheck.h: a log in which one byte was changed has a problem, or the byte
 * was one of those that echo-logctl(1) says cannot be known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "damaged_log.h"
#include "format/parse.h"

/* One connection with a `close`, one whose worker was killed, and one without end. */
#define WHOLE ID
#define KILLED (ID + 1)
#define ENDLESS (ID + 2)

static void make_all_kinds(enum log_format format)
{
	static const char text[] = "a \"quote\"\ta tab\33[2J \\ \303\274 x=\"1\"";
	static unsigned char data[5000];
	struct record_style style;
	struct talker t;

	memory_log.n = 0;
	record_style_init(&style, format);
	add_line(record_start(&style, new_line(), TIME, "0123456789abcdef0123456789abcdef",
			      "0.1.0"));
	begin(&t, format, WHOLE);
	open_it(&t);
	say(&t, text, sizeof(text) - 1);
	random_fill(RANDOM_BINARY, data, 50);
	say(&t, data, 50);
	random_fill(RANDOM_UTF8, data, sizeof(data));
	say(&t, data, sizeof(data));
	drop(&t, 2, 30);
	random_fill(RANDOM_BINARY, data, sizeof(data));
	say(&t, data, sizeof(data));
	close_it(&t, CLOSE_IDLE);
	begin(&t, format, KILLED);
	open_it(&t);
	say(&t, "hello\n", 6);
	close_it(&t, CLOSE_KILLED);
	begin(&t, format, ENDLESS);
	open_it(&t);
	say(&t, "hello\n", 6);
	add_line(record_limit(&style, new_line(), TIME, 6));
}

/* Whether byte AT of LINE is in the value behind KEY, up to END. */
static bool is_within(const struct line *line, size_t at, const char *key, char end)
{
	const char *value = memmem(line->text, line->len, key, strlen(key));
	const char *behind;

	assert_non_null(value);
	value += strlen(key);
	behind = memchr(value, end, (size_t)(line->text + line->len - value));
	return line->text + at >= value && line->text + at < behind;
}

/* Whether echo-logctl(1) says that byte AT of OLD cannot be known; the record IS what it WAS. */
static bool cannot_be_known(enum log_format format, const struct line *old, size_t at,
			    const struct record *was, const struct record *is)
{
	size_t time = format == FORMAT_JSON ? strlen("{\"time\":\"") : 0;

	if (at >= time && at < time + strlen(TIME_TEXT))
		return true;
	if (format == FORMAT_JSON && is_within(old, at, "\"host\":\"", '"'))
		return true;
	if (was->event != is->event)
		return false;
	switch (was->event) {
	case EVENT_START:
	case EVENT_DROPPED:
	case EVENT_LIMIT:
		/* The numbers and words of the event. */
		return was->head.id == is->head.id && was->head.n == is->head.n &&
		       strcmp(was->peer, is->peer) == 0;
	case EVENT_MESSAGE:
		return was->head.id != WHOLE && was->length == is->length &&
		       was->head.id == is->head.id;
	case EVENT_CLOSE:
		/* It may be that of any connection. */
		return was->reason == CLOSE_KILLED && strcmp(was->peer, is->peer) == 0;
	default:
		return false;
	}
}

static void judge_change(enum log_format format, unsigned k, size_t at, char byte)
{
	static struct line old;
	struct line *line = &memory_log.line[k];
	struct record was, is;

	old = *line;
	line->text[at] = byte;
	judge(format);
	if (found.n == 0 &&
	    (parse_record(format, old.text, old.len - 1, &was) < 0 ||
	     parse_record(format, line->text, line->len - 1, &is) < 0 ||
	     !cannot_be_known(format, &old, at, &was, &is)))
		fail_msg("byte %zu, %#x: not found: %.*s", at, (unsigned char)byte, (int)line->len,
			 line->text);
	*line = old;
}

static void test_each_byte(void **state)
{
	static const char others[] = "\0\t\n \"',-./019:=AFZ[\\]_abef{}~\x7f\xc3";

	(void)state;
	FOR_EACH_FORMAT(f) {
		make_all_kinds(*f);
		judge(*f);
		assert_int_equal(found.n, 0);
		for (unsigned k = 0; k < memory_log.n; k++)
			for (size_t at = 0; at < memory_log.line[k].len; at++) {
				char byte = memory_log.line[k].text[at];

				/* Of a long payload, some. */
				if (at > 400 && at < memory_log.line[k].len - 20 && at % 61 != 0)
					continue;
				judge_change(*f, k, at, (char)(byte ^ 1 << random_below(8)));
				for (size_t i = 0; i < sizeof(others) - 1; i++)
					if (others[i] != byte)
						judge_change(*f, k, at, others[i]);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_byte),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
