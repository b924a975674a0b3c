/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* memmem() */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>

#include "format/parse.h"
#include "format/record.h"
#include "format/record_message.h"
#include "random.h"

#define PEER "192.0.2.7:53412"
#define ID UINT64_C(0x6443f5a1b2c3d)
#define BOOT "5d3c0123456789abcdef0123456789ab"
/* 2026-11-22T21:04:05 */
#define SECOND UINT64_C(1795381445)
/* 10000-01-01T00:00:00 */
#define CALENDAR_END UINT64_C(253402300800)
#define LONGEST 9000

static struct record_style style_of(enum log_format format)
{
	struct record_style style;

	record_style_init(&style, format);
	strcpy(style.host, "web3");
	return style;
}

static struct record_head head_at(uint64_t n, uint64_t usec)
{
	return (struct record_head){ SECOND * 1000000 + usec, ID, n, PEER };
}

static void check_line(const char *buf, size_t n, const char *expected)
{
	char text[RECORD_MAX + 1];

	assert_true(n <= RECORD_MAX);
	memcpy(text, buf, n);
	text[n] = 0;
	assert_string_equal(text, expected);
}

static void test_text_examples(void **state)
{
	struct record_style style = style_of(FORMAT_TEXT);
	struct record_head head = head_at(0, 123456);
	char buf[RECORD_MAX];
	size_t taken;

	(void)state;
	check_line(buf, record_start(&style, buf, SECOND * 1000000 + 7, BOOT, "0.1.0"),
		   "2026-11-22T21:04:05.000007Z - - start version=1 host=web3 boot=" BOOT
		   " daemon=0.1.0\n");
	check_line(buf, record_open(&style, buf, &head),
		   "2026-11-22T21:04:05.123456Z 6443f5a1b2c3d.0 192.0.2.7:53412 open\n");
	head = head_at(1, 123987);
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "hello\n", 6, &taken),
		   "2026-11-22T21:04:05.123987Z 6443f5a1b2c3d.1 192.0.2.7:53412 message 6 "
		   "\"hello\\n\"\n");
	assert_int_equal(taken, 6);
	head = head_at(2, 4001122);
	check_line(buf, record_close(&style, buf, &head, CLOSE_EOF, 1, 6, 0x1c3f9a02),
		   "2026-11-22T21:04:09.001122Z 6443f5a1b2c3d.2 192.0.2.7:53412 close eof "
		   "messages=1 bytes=6 crc32c=1c3f9a02\n");
	check_line(buf, record_close(&style, buf, &head, CLOSE_KILLED, 1, 6, 1),
		   "2026-11-22T21:04:09.001122Z 6443f5a1b2c3d.- 192.0.2.7:53412 close killed\n");
	head = (struct record_head){ SECOND * 1000000, 0x1f, RECORD_NO_NUMBER, NULL };
	check_line(buf, record_dropped(&style, buf, &head, 3, 99),
		   "2026-11-22T21:04:05.000000Z 000000000001f.- - dropped messages=3 bytes=99\n");
	check_line(buf, record_torn(&style, buf, 0, 17),
		   "1970-01-01T00:00:00.000000Z - - torn bytes=17\n");
	check_line(buf, record_limit(&style, buf, 0, 10),
		   "1970-01-01T00:00:00.000000Z - - limit messages=10\n");
}

#define JSON_HEAD(n) "{\"time\":\"2026-11-22T21:04:05.123987Z\",\"host\":\"web3\"," \
	"\"id\":\"6443f5a1b2c3d\",\"n\":" n ",\"peer\":\"192.0.2.7:53412\",\"event\":"
#define JSON_OWN "{\"time\":\"2026-11-22T21:04:05.123987Z\",\"host\":\"web3\"," \
	"\"id\":null,\"n\":null,\"peer\":null,\"event\":"

static void test_json_examples(void **state)
{
	struct record_style style = style_of(FORMAT_JSON);
	struct record_head head = head_at(1, 123987);
	char buf[RECORD_MAX];
	size_t taken;

	(void)state;
	check_line(buf, record_start(&style, buf, head.time_usec, BOOT, "0.1.0"),
		   JSON_OWN "\"start\",\"version\":1,\"boot\":\"" BOOT "\","
			    "\"daemon\":\"0.1.0\"}\n");
	check_line(buf, record_torn(&style, buf, head.time_usec, 17),
		   JSON_OWN "\"torn\",\"bytes\":17}\n");
	check_line(buf, record_limit(&style, buf, head.time_usec, 10),
		   JSON_OWN "\"limit\",\"messages\":10}\n");
	check_line(buf, record_open(&style, buf, &head), JSON_HEAD("1") "\"open\"}\n");
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "hello\n", 6, &taken),
		   JSON_HEAD("1") "\"message\",\"length\":6,\"data\":\"hello\\n\"}\n");
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "a\xc3", 2, &taken),
		   JSON_HEAD("1") "\"message\",\"length\":2,\"data_base64\":\"YcM=\"}\n");
	check_line(buf, record_dropped(&style, buf, &head, 3, 99),
		   JSON_HEAD("1") "\"dropped\",\"messages\":3,\"bytes\":99}\n");
	check_line(buf, record_close(&style, buf, &head, CLOSE_RESET, 1, 6, 0x1c3f),
		   JSON_HEAD("1") "\"close\",\"reason\":\"reset\",\"messages\":1,\"bytes\":6,"
		   "\"crc32c\":\"00001c3f\"}\n");
	check_line(buf, record_close(&style, buf, &head, CLOSE_KILLED, 1, 6, 1),
		   JSON_HEAD("null") "\"close\",\"reason\":\"killed\"}\n");
}

#define MESSAGE_6 "2026-11-22T21:04:05.000000Z 6443f5a1b2c3d.1 " PEER " message 6 "

static void test_shorter_encoding_wins(void **state)
{
	struct record_style style = style_of(FORMAT_TEXT);
	struct record_head head = head_at(1, 0);
	char buf[RECORD_MAX];
	size_t taken;

	(void)state;
	/* Six bytes: "" and 6 * 4 against base64: and 8. */
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "\1\2\3\4\5\6", 6, &taken),
		   MESSAGE_6 "base64:AQIDBAUG\n");
	/* 17 against 15, 14 against 15, and a tie of 15, which stays readable. */
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "\1\2\3abc", 6, &taken),
		   MESSAGE_6 "base64:AQIDYWJj\n");
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "\1\2abcd", 6, &taken),
		   MESSAGE_6 "\"\\x01\\x02abcd\"\n");
	check_line(buf, record_message(&style, buf, sizeof(buf), &head, "\1\2abc\n", 6, &taken),
		   MESSAGE_6 "\"\\x01\\x02abc\\n\"\n");
}

/* Of what does not fit, the encoding that carries more: 3 of 4 bytes in base64. */
static void test_fuller_encoding_wins(void **state)
{
	struct record_style style = style_of(FORMAT_TEXT);
	struct record_head head = head_at(1, 0);
	char buf[RECORD_MAX], data[LONGEST];

	(void)state;
	for (size_t every = 2; every < 40; every++) {
		size_t taken, n;

		/* One control in EVERY bytes: these take EVERY + 3 when escaped. */
		for (size_t i = 0; i < LONGEST; i++)
			data[i] = i % every ? 'x' : 1;
		n = record_message(&style, buf, RECORD_MAX, &head, data, LONGEST, &taken);
		assert_true(n <= RECORD_MAX);
		if (every < 8) {
			assert_non_null(memmem(buf, n, " base64:", 8));
			assert_in_range(taken, 2990, 3072);
		} else if (every > 10) {
			assert_null(memmem(buf, n, " base64:", 8));
			assert_in_range(taken, 4010 * every / (every + 3),
					4096 * every / (every + 3));
		}
	}
}

static void test_raw(void **state)
{
	struct record_style style = style_of(FORMAT_RAW);
	struct record_head head = head_at(1, 0);
	char buf[RECORD_MAX], data[RECORD_MAX + 1];
	size_t taken;

	(void)state;
	memset(data, '\n', sizeof(data));
	assert_int_equal(record_open(&style, buf, &head), 0);
	assert_int_equal(record_close(&style, buf, &head, CLOSE_EOF, 1, 1, 1), 0);
	assert_int_equal(record_dropped(&style, buf, &head, 1, 1), 0);
	assert_int_equal(record_start(&style, buf, 1, BOOT, "1"), 0);
	assert_int_equal(record_torn(&style, buf, 1, 1), 0);
	assert_int_equal(record_limit(&style, buf, 1, 1), 0);
	assert_int_equal(record_message(&style, buf, 3, &head, "abc", 3, &taken), 3);
	assert_int_equal(taken, 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(record_message(&style, buf, 2, &head, "abc", 3, &taken), 0);
	assert_int_equal(record_message(&style, buf, RECORD_MAX, &head, data, sizeof(data), &taken),
			 RECORD_MAX);
	assert_int_equal(taken, RECORD_MAX);
}

static void check_piece(enum log_format format, const char *line, size_t n,
			const struct record_head *head, const unsigned char *data, size_t taken,
			bool last)
{
	char payload[RECORD_MAX];
	struct record record;

	assert_true(n > 0 && n <= RECORD_MAX && taken > 0);
	assert_int_equal(line[n - 1], '\n');
	assert_true(is_harmless(line, n - 1));
	assert_int_equal(parse_record(format, line, n - 1, &record), 0);
	assert_int_equal(record.head.time_usec, head->time_usec);
	assert_int_equal(record.head.id, head->id);
	assert_true(record.head.n == (head->id ? head->n : RECORD_NO_NUMBER));
	if (head->peer)
		assert_string_equal(record.head.peer, head->peer);
	else
		assert_null(record.head.peer);
	assert_int_equal(record.event, last ? EVENT_MESSAGE : EVENT_PART);
	assert_int_equal(record.length, taken);
	assert_int_equal(parse_payload(format, &record, payload), taken);
	assert_memory_equal(payload, data, taken);
}

/* Renders one message as a worker does, in random room, and reads it back. */
static void check_message(struct record_style *style, struct record_head *head,
			  enum random_kind kind, const unsigned char *data, size_t len)
{
	char buf[RECORD_MAX + 16];

	for (size_t done = 0, taken; done < len; done += taken, head->n++) {
		size_t room = random_below(3) ? random_below(RECORD_MAX) : RECORD_MAX, n, full;

		memset(buf, '~', sizeof(buf));
		n = record_message(style, buf, room, head, data + done, len - done, &taken);
		for (size_t i = room; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '~');
		full = n;
		if (n == 0) {
			assert_true(room < RECORD_MAX);
			full = record_message(style, buf, RECORD_MAX, head, data + done,
					      len - done, &taken);
			/* It was for want of room only. */
			assert_true(full > room || done + taken < len);
		}
		assert_true(n == 0 || room == RECORD_MAX || done + taken == len);
		check_piece(style->format, buf, full, head, data + done, taken,
			    done + taken == len);
		if (done + taken == len)
			continue;
		/* Cut only where full: by 7 for another escape, 3 for a character, 3 for base64. */
		assert_int_equal(full, RECORD_MAX);
		assert_int_not_equal(memcmp(buf + RECORD_MAX - 1 - 13, "             ", 13), 0);
		if (kind == RANDOM_UTF8)
			assert_true((data[done + taken] & 0xc0) != 0x80);
	}
}

static void random_head(struct record_head *head)
{
	static const char *const peers[] = {
		PEER, "[2001:db8::1]:53412", "[fe80::1%eth0]:7", "unix:4711", NULL,
	};

	*head = (struct record_head){
		.time_usec = random_u64() % (CALENDAR_END * 1000000),
		.id = random_below(5) ? random_u64() >> (12 + random_below(30)) : 0,
		.n = random_below(5) ? random_u64() >> random_below(64) : RECORD_NO_NUMBER,
		.peer = peers[random_below(5)],
	};
	if (head->n > RECORD_NO_NUMBER - 100)
		head->n -= 100;
}

static void test_round_trips(void **state)
{
	static unsigned char data[LONGEST];

	(void)state;
	for (size_t round = 0; round < 6000; round++) {
		enum log_format format = round % 2 ? FORMAT_JSON : FORMAT_TEXT;
		enum random_kind kind = (enum random_kind)random_below(RANDOM_KINDS);
		struct record_style style = style_of(format);
		struct record_head head;
		size_t len = 1 + random_below(round % 4 < 2 ? 100 : LONGEST);

		random_head(&head);
		random_fill(kind, data, len);
		check_message(&style, &head, kind, data, len);
	}
}

/* Where cut and whole, escaped and base64 meet, one byte decides. */
static void test_every_length(void **state)
{
	static unsigned char data[LONGEST];
	struct record_style text = style_of(FORMAT_TEXT), json = style_of(FORMAT_JSON);

	(void)state;
	for (enum random_kind kind = 0; kind < RANDOM_KINDS; kind++) {
		size_t step;

		for (size_t len = 1; len <= LONGEST; len += step) {
			struct record_head head = head_at(1, len);

			step = len > 4200 ? 97 : len > 100 && len < 600 ? 7 : 1;
			random_fill(kind, data, len);
			check_message(&text, &head, kind, data, len);
			check_message(&json, &head, kind, data, len);
		}
	}
}

static void test_every_byte(void **state)
{
	struct record_style text = style_of(FORMAT_TEXT), json = style_of(FORMAT_JSON);
	struct record_head head = head_at(1, 0);

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		unsigned char data[40];

		for (size_t len = 1; len <= sizeof(data); len += 13) {
			memset(data, 'x', sizeof(data));
			data[len - 1] = (unsigned char)c;
			check_message(&text, &head, RANDOM_MIXED, data, len);
			check_message(&json, &head, RANDOM_MIXED, data, len);
		}
	}
}

/* Names of interfaces may hold what would break a record. */
static void test_peer_is_tamed(void **state)
{
	char long_peer[200], buf[RECORD_EVENT_MAX];
	struct record_style style = style_of(FORMAT_TEXT);
	struct record_head head = head_at(0, 0);

	(void)state;
	head.peer = "[fe80::1%a\x1b \"\\\n\xc3]:7";
	check_line(buf, record_open(&style, buf, &head),
		   "2026-11-22T21:04:05.000000Z 6443f5a1b2c3d.0 [fe80::1%a______]:7 open\n");
	memset(long_peer, 'p', sizeof(long_peer));
	long_peer[sizeof(long_peer) - 1] = 0;
	head.peer = long_peer;
	assert_int_equal(record_open(&style, buf, &head),
			 strlen("2026-11-22T21:04:05.000000Z 6443f5a1b2c3d.0  open\n") +
			 PEER_NAME_SIZE - 1);
}

static void test_longest_events_fit(void **state)
{
	char word[128 + 1] = "";
	struct record_head head = { UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, word };
	char buf[RECORD_MAX];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	for (enum log_format format = FORMAT_TEXT; format <= FORMAT_JSON; format++) {
		struct record_style style = style_of(format);
		struct record record;
		size_t n;

		memset(style.host, 'h', HOST_NAME_MAX);
		style.host[HOST_NAME_MAX] = 0;
		n = record_close(&style, buf, &head, CLOSE_SHUTDOWN, UINT64_MAX, UINT64_MAX,
				 UINT32_MAX);
		assert_true(n <= RECORD_EVENT_MAX);
		assert_int_equal(parse_record(format, buf, n - 1, &record), 0);
		assert_true(record.messages == UINT64_MAX && record.crc == UINT32_MAX);
		n = record_start(&style, buf, UINT64_MAX, word, word);
		assert_true(n <= RECORD_EVENT_MAX);
		assert_int_equal(parse_record(format, buf, n - 1, &record), 0);
	}
}

static void test_times(void **state)
{
	static const struct {
		uint64_t second;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01T00:00:00" }, { 951782399, "2000-02-28T23:59:59" },
		{ 951782400, "2000-02-29T00:00:00" }, { 951868800, "2000-03-01T00:00:00" },
		{ SECOND, "2026-11-22T21:04:05" }, { SECOND - 1, "2026-11-22T21:04:04" },
		{ 1798761599, "2026-12-31T23:59:59" }, { 1798761600, "2027-01-01T00:00:00" },
		{ 4107542399, "2100-02-28T23:59:59" }, { 4107542400, "2100-03-01T00:00:00" },
		{ CALENDAR_END - 1, "9999-12-31T23:59:59" },
		{ CALENDAR_END, "9999-12-31T23:59:59" },
	};
	struct record_style style = style_of(FORMAT_TEXT);
	char buf[RECORD_EVENT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		record_torn(&style, buf, times[i].second * 1000000 + 42, 1);
		assert_memory_equal(buf, times[i].text, 19);
		assert_memory_equal(buf + 19, ".000042Z ", 9);
	}
}

static void test_host_is_plain(void **state)
{
	struct record_style style;

	(void)state;
	record_style_init(&style, FORMAT_TEXT);
	assert_true(strlen(style.host) > 0);
	assert_int_equal(strspn(style.host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				"0123456789._-"), strlen(style.host));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_examples),
		cmocka_unit_test(test_json_examples),
		cmocka_unit_test(test_shorter_encoding_wins),
		cmocka_unit_test(test_fuller_encoding_wins),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_peer_is_tamed),
		cmocka_unit_test(test_longest_events_fit),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_host_is_plain),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
