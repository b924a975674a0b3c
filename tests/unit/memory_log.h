/* SPDX-License-Identifier: MIT */
/* A message log in memory, and what ctl/logcheck.h finds there.  Include cmocka.h first. */
#ifndef ECHO_LOGD_TEST_MEMORY_LOG_H
#define ECHO_LOGD_TEST_MEMORY_LOG_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/logcheck.h"
#include "format/crc32c.h"
#include "format/record.h"
#include "format/record_message.h"
#include "random.h"

#define TIME UINT64_C(1795381445000000)
#define MAX_LINES 4000
#define MAX_FINDINGS 200

struct line {
	char text[RECORD_MAX + 1];	/* with its newline */
	size_t len;
};

static struct {
	struct line line[MAX_LINES];
	unsigned n;
} memory_log;

static struct {
	struct finding finding[MAX_FINDINGS];
	unsigned n;
	struct connections_summary sum;
	uint64_t records;
} found;

/* A connection that adds its records to the end of memory_log. */
struct talker {
	struct record_style style;
	struct record_head head;
	char peer[PEER_NAME_SIZE];
	struct payload_totals totals;
};

static inline char *new_line(void)
{
	assert_true(memory_log.n < MAX_LINES);
	return memory_log.line[memory_log.n].text;
}

static inline void add_line(size_t len)
{
	memory_log.line[memory_log.n++].len = len;
}

static inline void add_text(const char *text)
{
	strcpy(new_line(), text);
	add_line(strlen(text));
}

static inline void begin(struct talker *t, enum log_format format, uint64_t id)
{
	memset(t, 0, sizeof(*t));
	record_style_init(&t->style, format);
	snprintf(t->peer, sizeof(t->peer), "192.0.2.7:%u", (unsigned)(id % 50000 + 1000));
	t->head = (struct record_head){ .time_usec = TIME, .id = id, .peer = t->peer };
}

static inline void open_it(struct talker *t)
{
	add_line(record_open(&t->style, new_line(), &t->head));
	t->head.n++;
}

/* Adds a message of LEN bytes, in as many records as necessary. */
static inline void say(struct talker *t, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t taken;

	for (; len > 0; len -= taken, p += taken) {
		add_line(record_message(&t->style, new_line(), RECORD_MAX, &t->head, p, len,
					&taken));
		t->head.n++;
		t->totals.bytes += taken;
		t->totals.crc = crc32c(t->totals.crc, p, taken);
	}
	t->totals.messages++;
}

/* Adds only the first record of a message. */
static inline void say_part(struct talker *t)
{
	unsigned before = memory_log.n;
	struct talker now = *t;
	unsigned char data[9000];
	size_t taken;

	random_fill(RANDOM_CLEAN, data, sizeof(data));
	add_line(record_message(&t->style, new_line(), RECORD_MAX, &now.head, data, sizeof(data),
				&taken));
	assert_int_equal(memory_log.n, before + 1);
	t->head.n++;
	t->totals.bytes += taken;
	t->totals.crc = crc32c(t->totals.crc, data, taken);
}

static inline void drop(struct talker *t, uint64_t messages, uint64_t bytes)
{
	add_line(record_dropped(&t->style, new_line(), &t->head, messages, bytes));
	t->head.n++;
}

static inline void close_it(struct talker *t, enum close_reason reason)
{
	add_line(record_close(&t->style, new_line(), &t->head, reason, t->totals.messages,
			      t->totals.bytes, t->totals.crc));
	t->head.n += reason != CLOSE_KILLED;
}

static inline void shuffle(struct line *line, unsigned n)
{
	static struct line kept;

	for (; n > 1; n--) {
		unsigned other = (unsigned)random_below(n);

		kept = line[n - 1];
		line[n - 1] = line[other];
		line[other] = kept;
	}
}

static inline void note_finding(void *context, const struct finding *finding)
{
	(void)context;
	assert_true(found.n < MAX_FINDINGS);
	found.finding[found.n++] = *finding;
}

/* Gives DATA to CHECK in pieces of random length, each in newly allocated memory. */
static inline void feed(struct logcheck *check, const char *data, size_t len)
{
	size_t given = 0, taken;

	while (given < len || len == 0) {
		size_t left = len - given, most = left, piece;
		char *copy;

		if (random_below(4))
			most = RECORD_MAX + 1 + random_below(3 * RECORD_MAX);
		piece = most < left ? most : left;
		copy = malloc(piece + 1);
		assert_non_null(copy);
		copy = realloc(memcpy(copy, data + given, piece), piece ? piece : 1);
		assert_int_equal(logcheck_lines(check, copy, piece, piece == left, &taken), 0);
		assert_true(taken <= piece && piece - taken <= RECORD_MAX);
		free(copy);
		if (piece == left) {
			assert_int_equal(taken, piece);
			return;
		}
		given += taken;
	}
}

static inline struct logcheck *start_check(void)
{
	struct finding_sink sink = { note_finding, NULL };
	struct logcheck *check;

	memset(&found, 0, sizeof(found));
	assert_int_equal(logcheck_new(&sink, &check), 0);
	return check;
}

static inline void end_check(struct logcheck *check)
{
	found.records = logcheck_finish(check, &found.sum);
	logcheck_free(check);
}

/* Gives the lines from FIRST on, up to END, to CHECK as one file. */
static inline void feed_lines(struct logcheck *check, enum log_format format, unsigned first,
			      unsigned end)
{
	static char bytes[MAX_LINES * RECORD_MAX];
	size_t len = 0;

	for (unsigned i = first; i < end; i++) {
		assert_true(len + memory_log.line[i].len <= sizeof(bytes));
		memcpy(bytes + len, memory_log.line[i].text, memory_log.line[i].len);
		len += memory_log.line[i].len;
	}
	logcheck_begin(check, "log", format);
	feed(check, bytes, len);
}

static inline void judge(enum log_format format)
{
	struct logcheck *check = start_check();

	feed_lines(check, format, 0, memory_log.n);
	end_check(check);
}

#endif
