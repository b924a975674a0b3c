/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "parse.h"
#include "random.h"
#include "record.h"
#include "record_message.h"

#define TIME "2026-11-22T21:04:05.123987Z"
#define TEXT TIME " 6443f5a1b2c3d.1 192.0.2.7:53412 "
#define OWN TIME " - - "
#define JSON_START "{\"time\":\"" TIME "\",\"host\":\"web3\""
#define JSON JSON_START ",\"id\":\"6443f5a1b2c3d\",\"n\":1,\"peer\":\"192.0.2.7:53412\",\"event\":"
#define JSON_OWN JSON_START ",\"id\":null,\"n\":null,\"peer\":null,\"event\":"

static enum log_format format_of(const char *line)
{
	return line[0] == '{' ? FORMAT_JSON : FORMAT_TEXT;
}

/* Exactly as long as the line, so that a sanitizer sees a step beyond it. */
static int parse_copy(enum log_format format, const char *line, size_t len, struct record *ret,
		      ssize_t *ret_payload)
{
	char *copy = malloc(len ? len : 1), payload[RECORD_MAX];
	int r;

	memcpy(copy, line, len);
	r = parse_record(format, copy, len, ret);
	*ret_payload = r == 0 && ret->data ? parse_payload(format, ret, payload) : 0;
	free(copy);
	return *ret_payload < 0 ? (int)*ret_payload : r;
}

static void check_refused(const char *line)
{
	struct record record;
	ssize_t payload;

	if (parse_copy(format_of(line), line, strlen(line), &record, &payload) != -EBADMSG)
		fail_msg("taken: %s", line);
}

static struct record check_taken(const char *line, enum event event)
{
	struct record record;
	ssize_t payload;

	if (parse_copy(format_of(line), line, strlen(line), &record, &payload) != 0)
		fail_msg("refused: %s", line);
	assert_int_equal(record.event, event);
	record.head.peer = NULL;
	return record;
}

static void test_fields(void **state)
{
	static const char *const lines[] = {
		TEXT "close eof messages=3 bytes=60 crc32c=1c3f9a02",
		JSON "\"close\",\"reason\":\"eof\",\"messages\":3,\"bytes\":60,\"crc32c\":\"1c3f9a02\"}",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct record record;

		assert_int_equal(parse_record(format_of(lines[i]), lines[i], strlen(lines[i]), &record), 0);
		assert_int_equal(record.head.time_usec, UINT64_C(1795381445123987));
		assert_int_equal(record.head.id, UINT64_C(0x6443f5a1b2c3d));
		assert_int_equal(record.head.n, 1);
		assert_ptr_equal(record.head.peer, record.peer);
		assert_string_equal(record.peer, "192.0.2.7:53412");
		assert_int_equal(record.event, EVENT_CLOSE);
		assert_int_equal(record.reason, CLOSE_EOF);
		assert_int_equal(record.messages, 3);
		assert_int_equal(record.bytes, 60);
		assert_int_equal(record.crc, 0x1c3f9a02);
		assert_null(record.data);
	}
}

static void test_every_event(void **state)
{
	(void)state;
	check_taken(OWN "start version=1 host=web3 boot=5d3c daemon=0.1.0", EVENT_START);
	check_taken(TEXT "open", EVENT_OPEN);
	check_taken(TEXT "message 6 \"hello\\n\"", EVENT_MESSAGE);
	check_taken(TEXT "part 3 base64:Zm9v", EVENT_PART);
	assert_int_equal(check_taken(TEXT "dropped messages=4 bytes=5", EVENT_DROPPED).bytes, 5);
	check_taken(TIME " 6443f5a1b2c3d.- - close killed", EVENT_CLOSE);
	assert_int_equal(check_taken(OWN "torn bytes=17", EVENT_TORN).bytes, 17);
	assert_int_equal(check_taken(OWN "limit messages=10", EVENT_LIMIT).messages, 10);

	check_taken(JSON_OWN "\"start\",\"version\":1,\"boot\":\"5d3c\",\"daemon\":\"0.1.0\"}", EVENT_START);
	check_taken(JSON "\"open\"}", EVENT_OPEN);
	check_taken(JSON "\"message\",\"length\":6,\"data\":\"hello\\n\"}", EVENT_MESSAGE);
	check_taken(JSON "\"part\",\"length\":1,\"data_base64\":\"/w==\"}", EVENT_PART);
	check_taken(JSON "\"dropped\",\"messages\":4,\"bytes\":5}", EVENT_DROPPED);
	check_taken(JSON_OWN "\"close\",\"reason\":\"killed\"}", EVENT_CLOSE);
	check_taken(JSON_OWN "\"torn\",\"bytes\":17}", EVENT_TORN);
	check_taken(JSON_OWN "\"limit\",\"messages\":10}", EVENT_LIMIT);
}

/* LINE with blanks up to LEN bytes. */
static const char *filled(const char *line, size_t len)
{
	static char buf[RECORD_MAX + 2];

	snprintf(buf, sizeof(buf), "%-*s", (int)len, line);
	return buf;
}

static void test_a_part_fills_its_page(void **state)
{
	static const char *const text = TEXT "part 5 \"a b  \"", *const json = JSON
		"\"part\",\"length\":1,\"data_base64\":\"/w==\"}";

	(void)state;
	assert_int_equal(check_taken(filled(text, RECORD_MAX - 1), EVENT_PART).length, 5);
	check_taken(filled(TEXT "part 3 base64:Zm9v", RECORD_MAX - 1), EVENT_PART);
	check_taken(filled(json, RECORD_MAX - 1), EVENT_PART);
	check_refused(filled(text, RECORD_MAX - 2));
	check_refused(filled(text, RECORD_MAX));
	check_refused(filled(json, RECORD_MAX - 2));
	check_refused(filled(TEXT "message 6 \"hello\\n\"", RECORD_MAX - 1));
	check_refused(filled(TEXT "open", RECORD_MAX - 1));
	check_refused(filled("", RECORD_MAX - 1));
}

static void test_later_versions_are_passed_over(void **state)
{
	(void)state;
	check_taken(TEXT "open via=10.0.0.1:5 tls=\"a \\\" b\"", EVENT_OPEN);
	check_taken(TEXT "message 6 \"hello\\n\" trace=1", EVENT_MESSAGE);
	check_taken(TEXT "part 3 base64:Zm9v trace=1", EVENT_PART);
	check_taken(TEXT "close eof messages=1 bytes=2 crc32c=00000000 took=5", EVENT_CLOSE);
	check_taken(TEXT "handshake TLS1.3 \"anything at all", EVENT_OTHER);
	check_taken(TEXT "ping", EVENT_OTHER);
	check_taken(JSON "\"open\",\"via\":\"10.0.0.1:5\",\"tls\":{\"a\":[1,-2.5e3,\"}\\\"\"]},\"x\":null}",
		    EVENT_OPEN);
	check_taken(JSON "\"message\",\"length\":6,\"data\":\"hello\\n\",\"trace\":true}", EVENT_MESSAGE);
	check_taken(JSON "\"handshake\",\"length\":\"?\"}", EVENT_OTHER);
}

static void test_text_refused(void **state)
{
	static const char *const lines[] = {
		"", " ", "-", TIME, OWN, TEXT, TEXT " open", TEXT "open ", TEXT "open x", TEXT "open =1",
		TEXT "open\t", TEXT "Open", TEXT "open a=", TEXT "open a=\"b", TEXT "open bytes=1",
		"2026-11-22T21:04:05Z - - torn bytes=1", "2026-02-29T00:00:00.000000Z - - torn bytes=1",
		"2026-13-01T00:00:00.000000Z - - torn bytes=1", "2026-11-22 21:04:05.123987Z - - torn bytes=1",
		"2026-11-22T24:04:05.123987Z - - torn bytes=1", "2026-11-22T21:04:60.123987Z - - torn bytes=1",
		"1969-12-31T23:59:59.000000Z - - torn bytes=1", "2026-11-22T21:04:05.12398xZ - - torn bytes=1",
		TIME " 6443F5a1b2c3d.1 - open", TIME " 443f5a1b2c3d.1 - open", TIME " 06443f5a1b2c3d.1 - open",
		TIME " 0000000000000.1 - open", TIME " 6443f5a1b2c3d - open", TIME " -.1 - open",
		TIME " 6443f5a1b2c3d.01 - open", TIME " 6443f5a1b2c3d.+1 - open", TIME " 6443f5a1b2c3d. - open",
		TIME " 6443f5a1b2c3d.18446744073709551616 - open",
		TIME " 6443f5a1b2c3d.18446744073709551615 - open", TIME " - a\"b open", TIME " -  open",
		TIME " - ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp open",
		TEXT "message", TEXT "message 0 \"\"", TEXT "message 1 \"\"", TEXT "message 1 \"ab\"",
		TEXT "message 2 \"a\"", TEXT "message 01 \"a\"", TEXT "message 1 \"a", TEXT "message 1 \"a\"b",
		TEXT "message 1 a", TEXT "message 1 \"\\x41\"", TEXT "message 1 \"\n\"", TEXT "message 1 \"\x1b\"",
		TEXT "message 3 base64:Zm9", TEXT "message 1 base64:Zh==", TEXT "message 3 base64:",
		TEXT "message 1 \"\\\"", TEXT "message  1 \"a\"", TEXT "message -1 \"a\"",
		TEXT "message 4 base64:Zm9v", TEXT "message 6 \"hello\\n\" length=6",
		TEXT "torn bytes=1", TEXT "limit messages=1", TIME " - 192.0.2.7:1 torn bytes=1", OWN "torn",
		OWN "torn bytes=", OWN "torn bytes=0x1", OWN "torn bytes=1 bytes=2", OWN "limit bytes=1",
		OWN "start version=0 host=a boot=b daemon=c", OWN "start version=1 host= boot=b daemon=c",
		OWN "start version=1 boot=b host=a daemon=c", OWN "start version=1 host=a boot=b",
		TEXT "start version=1 host=a boot=b daemon=c",
		TEXT "close", TEXT "close killed", TEXT "close eof", TEXT "close bored messages=1 bytes=2 crc32c=00000000",
		TEXT "close eof messages=1 bytes=2", TEXT "close eof bytes=2 messages=1 crc32c=00000000",
		TEXT "close eof messages=1 bytes=2 crc32c=0000000", TEXT "close eof messages=1 bytes=2 crc32c=000000000",
		TEXT "close eof messages=1 bytes=2 crc32c=0000000A", TEXT "dropped bytes=1 messages=1",
		TIME " 6443f5a1b2c3d.- - close killed messages=1", TEXT "ping \x1b[0m", TEXT "ping\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_refused(lines[i]);
}

static void test_json_refused(void **state)
{
	static const char *const lines[] = {
		"{", "{}", JSON_START "}", JSON "\"open\"", JSON "\"open\"}}", JSON "\"open\"} ", JSON " \"open\"}",
		JSON "\"open\",}", JSON "\"open\",\"a\"}", JSON "\"open\",\"a\":}", JSON "\"open\",\"a\":[}", JSON "\"open\",\"a\":1]}",
		JSON "\"open\",\"a\":\"}", JSON "\"open\",\"a\": 1}", JSON "\"open\",\"bytes\":1}", JSON "null}",
		JSON_START ",\"id\":null,\"n\":1,\"peer\":null,\"event\":\"open\"}",
		JSON_START ",\"id\":\"0000000000000\",\"n\":1,\"peer\":null,\"event\":\"open\"}",
		JSON_START ",\"id\":\"6443f5a1b2c3d\",\"n\":01,\"peer\":null,\"event\":\"open\"}",
		JSON_START ",\"n\":1,\"id\":\"6443f5a1b2c3d\",\"peer\":null,\"event\":\"open\"}",
		JSON_START ",\"id\":null,\"n\":null,\"peer\":\"\",\"event\":\"open\"}",
		JSON_START ",\"id\":null,\"n\":null,\"peer\":\"-\",\"event\":\"open\"}",
		"{\"time\":\"" TIME "\",\"host\":\"\",\"id\":null,\"n\":null,\"peer\":null,\"event\":\"open\"}",
		JSON "\"message\"}", JSON "\"message\",\"length\":1}", JSON "\"message\",\"length\":1,\"data\":\"\"}",
		JSON "\"message\",\"length\":0,\"data\":\"\"}", JSON "\"message\",\"length\":2,\"data\":\"a\"}",
		JSON "\"message\",\"length\":1,\"data\":\"\\u0041\"}", JSON "\"message\",\"length\":1,\"data\":\"\\/\"}",
		JSON "\"message\",\"length\":1,\"data\":\"\xff\"}", JSON "\"message\",\"length\":1,\"data\":\"\\xff\"}",
		JSON "\"message\",\"data\":\"a\",\"length\":1}", JSON "\"message\",\"length\":\"1\",\"data\":\"a\"}",
		JSON "\"message\",\"length\":1,\"data_base64\":\"/x==\"}",
		JSON "\"message\",\"length\":1,\"data\":\"a\",\"data\":\"b\"}",
		JSON "\"close\",\"reason\":\"killed\"}", JSON "\"close\",\"reason\":\"eof\"}",
		JSON "\"close\",\"reason\":\"eof\",\"messages\":1,\"bytes\":2,\"crc32c\":0}",
		JSON "\"torn\",\"bytes\":1}", JSON_OWN "\"torn\",\"bytes\":-1}", JSON_OWN "\"torn\",\"bytes\":1.0}",
		JSON_OWN "\"start\",\"version\":1,\"daemon\":\"c\",\"boot\":\"b\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		check_refused(lines[i]);
}

static void test_too_long_is_refused(void **state)
{
	char line[RECORD_MAX + 1] = TEXT "message 3900 \"";
	size_t start = strlen(line);
	struct record record;

	(void)state;
	memset(line + start, 'x', sizeof(line) - start);
	line[start + 3900] = '"';
	assert_int_equal(parse_record(FORMAT_TEXT, line, start + 3901, &record), 0);
	memcpy(line, TEXT "ping ", strlen(TEXT "ping "));
	assert_int_equal(parse_record(FORMAT_TEXT, line, RECORD_MAX - 1, &record), 0);
	assert_int_equal(parse_record(FORMAT_TEXT, line, RECORD_MAX, &record), -EBADMSG);
}

/* A record of any kind; returns its bytes. */
static size_t random_record(struct record_style *style, char *buf)
{
	static unsigned char data[1000];
	struct record_head head = {
		.time_usec = random_u64() >> 14, .id = random_below(4) ? random_u64() >> 13 | 1 : 0,
		.n = random_below(4) ? random_below(1000) : RECORD_NO_NUMBER,
		.peer = random_below(4) ? "[fe80::1%eth0]:7" : NULL,
	};
	size_t len = 1 + random_below(random_below(2) ? 20 : sizeof(data)), taken;

	switch (random_below(9)) {
	case 0: return record_open(style, buf, &head);
	case 1: return record_dropped(style, buf, &head, random_u64(), random_u64());
	case 2: return record_close(style, buf, &head, (enum close_reason)random_below(7),
				    random_below(9), random_u64(), (uint32_t)random_u64());
	case 3: return record_start(style, buf, head.time_usec, "5d3c", "0.1.0");
	case 4: return record_torn(style, buf, head.time_usec, random_u64());
	case 5: return record_limit(style, buf, head.time_usec, random_u64());
	default:
		random_fill((enum random_kind)random_below(RANDOM_KINDS), data, len);
		return record_message(style, buf, RECORD_MAX, &head, data, len, &taken);
	}
}

/* Writes RECORD as record.h would; returns 0 where only parts or other events could say it. */
static size_t write_again(struct record_style *style, char *buf, const struct record *r)
{
	const struct record_head *head = &r->head;
	char payload[RECORD_MAX];
	size_t taken;

	switch (r->event) {
	case EVENT_OPEN: return record_open(style, buf, head);
	case EVENT_DROPPED: return record_dropped(style, buf, head, r->messages, r->bytes);
	case EVENT_CLOSE: return record_close(style, buf, head, r->reason, r->messages, r->bytes, r->crc);
	case EVENT_TORN: return record_torn(style, buf, head->time_usec, r->bytes);
	case EVENT_LIMIT: return record_limit(style, buf, head->time_usec, r->messages);
	case EVENT_MESSAGE:
		if (parse_payload(style->format, r, payload) < 0 || r->data_is_base64)
			return 0;
		return record_message(style, buf, RECORD_MAX, head, payload, (size_t)r->length, &taken);
	default: return 0;
	}
}

/* Any one change: no crash, and what is still read is what the writer would write for it. */
static void test_mutations(void **state)
{
	static const char spice[] = "0019afAZ .:-=\"\\{},+x\n\t\x1b\x7f\x80\xc3\xff";
	unsigned taken = 0;

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		enum log_format format = round % 2 ? FORMAT_JSON : FORMAT_TEXT;
		char line[RECORD_MAX], again[RECORD_MAX], *copy;
		struct record_style style;
		struct record record;
		size_t n, written, at, end, skip;
		ssize_t payload;

		record_style_init(&style, format);
		strcpy(style.host, "web3");
		n = random_record(&style, line) - 1;
		at = random_below(random_below(2) && n > 110 ? 110 : n);
		switch (random_below(4)) {
		case 0: n = at; break;
		case 1: memmove(line + at, line + at + 1, --n - at); break;
		case 2: memmove(line + at + 1, line + at, n++ - at); break;
		default: line[at] = spice[random_below(sizeof(spice))]; break;
		}
		if (parse_copy(format, line, n, &record, &payload) == 0) {
			assert_int_equal(parse_record(format, line, n, &record), 0);
			written = write_again(&style, again, &record);
			/* struct record does not hold the host, which stands in front in JSON. */
			skip = format == FORMAT_JSON ? 60 : 0;
			if (written > 0 && written == n + 1)
				assert_memory_equal(again + skip, line + skip, n - skip);
			taken++;
			line[n] = '\n';
			copy = malloc(n + 1);
			memcpy(copy, line, n + 1);
			assert_int_equal(parse_count_messages(format, copy, n + 1, 9, &end),
					 record.event == EVENT_MESSAGE);
			assert_int_equal(end, n + 1);
			assert_int_equal(parse_count_messages(format, copy, n, 9, &end), 0);
			assert_int_equal(end, 0);
			free(copy);
		} else {
			copy = malloc(n + 1);
			memcpy(copy, line, n);
			copy[n] = '\n';
			parse_count_messages(format, copy, n + 1, 9, &end);
			parse_looks_like(format, copy, n);
			free(copy);
		}
	}
	assert_true(taken > 1000 && taken < 40000);
}

static void test_count_agrees(void **state)
{
	static char data[200 * RECORD_MAX];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		enum log_format format = round % 2 ? FORMAT_JSON : FORMAT_TEXT;
		size_t ends[200], len = 0, records = random_below(200), end, last = 0, messages = 0;
		struct record_style style;

		record_style_init(&style, format);
		for (size_t i = 0; i < records; i++) {
			size_t n = random_record(&style, data + len);
			struct record record;

			assert_int_equal(parse_record(format, data + len, n - 1, &record), 0);
			assert_true(parse_looks_like(format, data + len, n - 1));
			assert_false(parse_looks_like(format == FORMAT_JSON ? FORMAT_TEXT : FORMAT_JSON,
						      data + len, n - 1));
			len += n;
			last = len;
			if (record.event == EVENT_MESSAGE)
				ends[messages++] = len;
		}
		assert_int_equal(parse_count_messages(format, data, len, UINT64_MAX, &end), messages);
		assert_int_equal(end, last);
		/* A torn tail is not passed. */
		len += random_record(&style, data + len) - 1;
		assert_int_equal(parse_count_messages(format, data, len, UINT64_MAX, &end), messages);
		assert_int_equal(end, last);
		for (size_t max = 1; max <= messages; max++) {
			assert_int_equal(parse_count_messages(format, data, len, max, &end), max);
			assert_int_equal(end, ends[max - 1]);
		}
		assert_int_equal(parse_count_messages(format, data, len, 0, &end), 0);
		assert_int_equal(end, 0);
	}
}

static void test_looks_like(void **state)
{
	(void)state;
	assert_true(parse_looks_like(FORMAT_TEXT, TEXT "open", strlen(TEXT "open")));
	assert_true(parse_looks_like(FORMAT_JSON, JSON "\"open\"}", strlen(JSON "\"open\"}")));
	assert_false(parse_looks_like(FORMAT_RAW, TEXT "open", strlen(TEXT "open")));
	assert_false(parse_looks_like(FORMAT_TEXT, "", 0));
	assert_false(parse_looks_like(FORMAT_TEXT, TIME " hello", strlen(TIME " hello")));
	assert_false(parse_looks_like(FORMAT_JSON, "{\"time\":1}", 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_every_event),
		cmocka_unit_test(test_a_part_fills_its_page),
		cmocka_unit_test(test_later_versions_are_passed_over),
		cmocka_unit_test(test_text_refused),
		cmocka_unit_test(test_json_refused),
		cmocka_unit_test(test_too_long_is_refused),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_count_agrees),
		cmocka_unit_test(test_looks_like),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
