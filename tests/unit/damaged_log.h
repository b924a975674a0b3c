/* SPDX-License-Identifier: MIT */
/* A small log in memory, ways to damage it, and what is expected then.  Included after cmocka.h. */
#ifndef ECHO_LOGD_TEST_DAMAGED_LOG_H
#define ECHO_LOGD_TEST_DAMAGED_LOG_H

#include "memory_log.h"

#define ID UINT64_C(0x6443f5a1b2c3d)
#define TIME_TEXT "2026-11-22T21:04:05.123987Z"
#define ANYWHERE 0

static const enum log_format formats[] = { FORMAT_TEXT, FORMAT_JSON };
#define FOR_EACH_FORMAT(f) for (const enum log_format *f = formats; f < formats + 2; f++)

/* Judges the log as N_FILES files, each in its own order, the last one first. */
static inline void judge_files(enum log_format format, unsigned n_files)
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

/*
 * Lines of three connections in turns: 0 open, 1 message, 2 part, 3 message,
 * 4 dropped, 5 message, 6 close.  Line 3 * n + c is record n of connection c.
 */
static inline void make_log(enum log_format format)
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
	/* say() puts both pieces next to each other, which makes no difference to readers. */
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
static inline unsigned at(unsigned c, unsigned n)
{
	if (n == 2 || n == 3)
		return 6 + 2 * c + n - 2;
	return 3 * n + c;
}

static inline void erase(unsigned line)
{
	memory_log.n--;
	memmove(&memory_log.line[line], &memory_log.line[line + 1],
		(memory_log.n - line) * sizeof(struct line));
}

static inline void insert(unsigned line, const char *text, size_t len)
{
	memmove(&memory_log.line[line + 1], &memory_log.line[line],
		(memory_log.n - line) * sizeof(struct line));
	memory_log.n++;
	memcpy(memory_log.line[line].text, text, len);
	memory_log.line[line].len = len;
}

/* In LINE, the first OLD becomes NEW. */
static inline void replace(unsigned line, const char *old, const char *new)
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

/* Checks finding I; LINE counts from 1, ANYWHERE is any. */
static inline void expect(unsigned i, enum finding_kind kind, uint64_t line, uint64_t id,
			  uint64_t first, uint64_t last)
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

/*
 * Checks that this is the only finding, also when lines are shuffled and in
 * several files.  LINE counts from 0, as memory_log does.
 */
static inline void expect_only(enum log_format format, enum finding_kind kind, unsigned line,
			       uint64_t id, uint64_t first, uint64_t last)
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

#endif
