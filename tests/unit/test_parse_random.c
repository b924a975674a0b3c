/* SPDX-License-Identifier: MIT */
/* parse.h with records of any kind, whole or with one change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "format/parse.h"
#include "format/record.h"
#include "format/record_message.h"
#include "random.h"

/* Bytes of a JSON line up to where the host ends, which struct record does not hold. */
#define JSON_HOST_BYTES 60

/* A record of any kind; returns its bytes. */
static size_t random_record(struct record_style *style, char *buf)
{
	static unsigned char data[1000];
	struct record_head head = {
		.time_usec = random_u64() >> 14,
		.id = random_below(4) ? random_u64() >> 13 | 1 : 0,
		.n = random_below(4) ? random_below(1000) : RECORD_NO_NUMBER,
		.peer = random_below(4) ? "[fe80::1%eth0]:7" : NULL,
	};
	size_t len = 1 + random_below(random_below(2) ? 20 : sizeof(data)), taken;

	switch (random_below(9)) {
	case 0:
		return record_open(style, buf, &head);
	case 1:
		return record_dropped(style, buf, &head, random_u64(), random_u64());
	case 2:
		return record_close(style, buf, &head, (enum close_reason)random_below(7),
				    random_below(9), random_u64(), (uint32_t)random_u64());
	case 3:
		return record_start(style, buf, head.time_usec, "5d3c", "0.1.0");
	case 4:
		return record_torn(style, buf, head.time_usec, random_u64());
	case 5:
		return record_limit(style, buf, head.time_usec, random_u64());
	default:
		random_fill((enum random_kind)random_below(RANDOM_KINDS), data, len);
		return record_message(style, buf, RECORD_MAX, &head, data, len, &taken);
	}
}

/* Writes R once more.  Returns 0 for a part, base64, or an event that struct record cannot hold. */
static size_t write_again(struct record_style *style, char *buf, const struct record *r)
{
	const struct record_head *head = &r->head;
	char payload[RECORD_MAX];
	size_t taken;

	switch (r->event) {
	case EVENT_OPEN:
		return record_open(style, buf, head);
	case EVENT_DROPPED:
		return record_dropped(style, buf, head, r->messages, r->bytes);
	case EVENT_CLOSE:
		return record_close(style, buf, head, r->reason, r->messages, r->bytes, r->crc);
	case EVENT_TORN:
		return record_torn(style, buf, head->time_usec, r->bytes);
	case EVENT_LIMIT:
		return record_limit(style, buf, head->time_usec, r->messages);
	case EVENT_MESSAGE:
		if (parse_payload(style->format, r, payload) < 0 || r->data_is_base64)
			return 0;
		return record_message(style, buf, RECORD_MAX, head, payload, (size_t)r->length,
				      &taken);
	default:
		return 0;
	}
}

/* One change of the N bytes of LINE, in its head mostly.  Returns its bytes. */
static size_t mutate(char *line, size_t n)
{
	static const char spice[] = "0019afAZ .:-=\"\\{},+x\n\t\x1b\x7f\x80\xc3\xff";
	size_t at = random_below(random_below(2) && n > 110 ? 110 : n);

	switch (random_below(4)) {
	case 0:
		return at;
	case 1:
		memmove(line + at, line + at + 1, n - 1 - at);
		return n - 1;
	case 2:
		memmove(line + at + 1, line + at, n - at);
		return n + 1;
	default:
		line[at] = spice[random_below(sizeof(spice))];
		return n;
	}
}

/* Whether RECORD counts for the limit of a file. */
static bool is_counted(const struct record *record)
{
	return record->event == EVENT_MESSAGE ||
	       (record->event == EVENT_CLOSE && record->reason != CLOSE_KILLED &&
		record->messages == 0);
}

static uint64_t count(enum log_format format, const char *data, size_t len, uint64_t max,
		      size_t *ret_end)
{
	struct parse_counts counts = {0};

	*ret_end = parse_count(format, data, len, max, &counts);
	return counts.messages + counts.empty_connections;
}

/* A copy that ends where its memory ends, so that a sanitizer sees a step beyond it. */
static char *copy_of(const char *line, size_t n)
{
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	return memcpy(copy, line, n);
}

/* What is read is what the writer would write for it. */
static void check_spelling(struct record_style *style, const struct record *record,
			   const char *line, size_t n)
{
	char again[RECORD_MAX];
	size_t written = write_again(style, again, record);
	size_t skip = style->format == FORMAT_JSON ? JSON_HOST_BYTES : 0;

	if (written > 0 && written == n + 1)
		assert_memory_equal(again + skip, line + skip, n - skip);
}

/* Whether the N bytes of LINE, to which a newline is added, are accepted. */
static bool check_mutant(struct record_style *style, char *line, size_t n)
{
	char *copy = copy_of(line, n), payload[RECORD_MAX];
	struct record record;
	bool is_accepted = parse_record(style->format, copy, n, &record) == 0 &&
			   (!record.data || parse_payload(style->format, &record, payload) >= 0);
	uint64_t messages;
	size_t end;

	if (is_accepted)
		check_spelling(style, &record, line, n);
	parse_looks_like(style->format, copy, n);
	if (!memchr(copy, '\n', n)) {
		assert_int_equal(count(style->format, copy, n, 9, &end), 0);
		assert_int_equal(end, 0);
	}
	free(copy);

	line[n] = '\n';
	copy = copy_of(line, n + 1);
	messages = count(style->format, copy, n + 1, 9, &end);
	assert_int_equal(end, n + 1);
	if (is_accepted)
		assert_int_equal(messages, is_counted(&record));
	free(copy);
	return is_accepted;
}

static void test_mutations(void **state)
{
	unsigned accepted = 0;

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		char line[RECORD_MAX + 1];
		struct record_style style;

		record_style_init(&style, round % 2 ? FORMAT_JSON : FORMAT_TEXT);
		strcpy(style.host, "web3");
		accepted += check_mutant(&style, line,
					 mutate(line, random_record(&style, line) - 1));
	}
	assert_true(accepted > 1000 && accepted < 40000);
}

#define RECORDS_MAX 200

/* A log of up to RECORDS_MAX records, and where each of its messages ends. */
static struct {
	char data[(RECORDS_MAX + 1) * RECORD_MAX];
	size_t len;
	size_t message_end[RECORDS_MAX];
	size_t messages;
} made;

static void make_log(struct record_style *style)
{
	enum log_format other = style->format == FORMAT_JSON ? FORMAT_TEXT : FORMAT_JSON;

	made.len = made.messages = 0;
	for (size_t left = random_below(RECORDS_MAX); left > 0; left--) {
		char *line = made.data + made.len;
		size_t n = random_record(style, line);
		struct record record;

		assert_int_equal(parse_record(style->format, line, n - 1, &record), 0);
		assert_true(parse_looks_like(style->format, line, n - 1));
		assert_false(parse_looks_like(other, line, n - 1));
		made.len += n;
		if (is_counted(&record))
			made.message_end[made.messages++] = made.len;
	}
}

static void check_count(enum log_format format, size_t len, uint64_t max, uint64_t messages,
			size_t expected_end)
{
	size_t end;

	assert_int_equal(count(format, made.data, len, max, &end), messages);
	assert_int_equal(end, expected_end);
}

static void test_count_agrees(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		enum log_format format = round % 2 ? FORMAT_JSON : FORMAT_TEXT;
		struct record_style style;
		size_t torn;

		record_style_init(&style, format);
		make_log(&style);
		check_count(format, made.len, UINT64_MAX, made.messages, made.len);
		/* A torn line at the end does not count. */
		torn = random_record(&style, made.data + made.len) - 1;
		check_count(format, made.len + torn, UINT64_MAX, made.messages, made.len);
		check_count(format, made.len + torn, 0, 0, 0);
		for (size_t max = 1; max <= made.messages; max++)
			check_count(format, made.len + torn, max, max, made.message_end[max - 1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_count_agrees),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
