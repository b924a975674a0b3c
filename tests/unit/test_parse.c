/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/parse.h"

#define TIME "2026-11-22T21:04:05.123987Z"
#define TEXT TIME " 6443f5a1b2c3d.1 192.0.2.7:53412 "
#define OWN TIME " - - "
#define JSON_START "{\"time\":\"" TIME "\",\"host\":\"web3\""
#define JSON JSON_START ",\"id\":\"6443f5a1b2c3d\",\"n\":1,\"peer\":\"192.0.2.7:53412\",\"event\":"
#define JSON_NO_ID JSON_START ",\"id\":null,\"n\":null,\"peer\":"
#define JSON_OWN JSON_NO_ID "null,\"event\":"

#define FOR_EACH(lines, line)                                                                      \
	for (const char *const *line = lines; line < lines + sizeof(lines) / sizeof(*lines); line++)

static enum log_format format_of(const char *line)
{
	return line[0] == '{' ? FORMAT_JSON : FORMAT_TEXT;
}

/*
 * Reads a copy of LINE that ends where its memory ends, so that a sanitizer
 * sees a step beyond it.  Returns what parse_record() does; *RET_PAYLOAD:
 * what parse_payload() does, 0 where there is no payload.
 */
static int parse_copy(const char *line, struct record *ret, ssize_t *ret_payload)
{
	enum log_format format = format_of(line);
	size_t len = strlen(line);
	char *copy = malloc(len ? len : 1), payload[RECORD_MAX];
	int r;

	memcpy(copy, line, len);
	r = parse_record(format, copy, len, ret);
	*ret_payload = r == 0 && ret->data ? parse_payload(format, ret, payload) : 0;
	free(copy);
	return r;
}

static void check_refused(const char *line)
{
	struct record record;
	ssize_t payload;

	if (parse_copy(line, &record, &payload) != -EBADMSG)
		fail_msg("accepted: %s", line);
}

static void check_payload_refused(const char *line)
{
	struct record record;
	ssize_t payload;

	if (parse_copy(line, &record, &payload) != 0)
		fail_msg("refused: %s", line);
	if (payload != -EBADMSG)
		fail_msg("payload accepted: %s", line);
}

static struct record check_accepted(const char *line, enum event event)
{
	struct record record;
	ssize_t payload;

	if (parse_copy(line, &record, &payload) != 0 || payload < 0)
		fail_msg("refused: %s", line);
	assert_int_equal(record.event, event);
	record.head.peer = NULL;
	record.data = NULL;
	return record;
}

static void test_fields(void **state)
{
	static const char *const lines[] = {
		TEXT "close eof messages=3 bytes=60 crc32c=1c3f9a02",
		JSON "\"close\",\"reason\":\"eof\",\"messages\":3,\"bytes\":60,"
		     "\"crc32c\":\"1c3f9a02\"}",
	};

	(void)state;
	FOR_EACH(lines, line) {
		struct record record;

		assert_int_equal(parse_record(format_of(*line), *line, strlen(*line), &record), 0);
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
	check_accepted(OWN "start version=1 host=web3 boot=5d3c daemon=0.1.0", EVENT_START);
	check_accepted(TEXT "open", EVENT_OPEN);
	check_accepted(TEXT "message 6 \"hello\\n\"", EVENT_MESSAGE);
	check_accepted(TEXT "part 3 base64:Zm9v", EVENT_PART);
	assert_int_equal(check_accepted(TEXT "dropped messages=4 bytes=5", EVENT_DROPPED).bytes, 5);
	check_accepted(TIME " 6443f5a1b2c3d.- - close killed", EVENT_CLOSE);
	assert_int_equal(check_accepted(OWN "torn bytes=17", EVENT_TORN).bytes, 17);
	assert_int_equal(check_accepted(OWN "limit messages=10", EVENT_LIMIT).messages, 10);

	check_accepted(JSON_OWN "\"start\",\"version\":1,\"boot\":\"5d3c\",\"daemon\":\"0.1.0\"}",
		       EVENT_START);
	check_accepted(JSON "\"open\"}", EVENT_OPEN);
	check_accepted(JSON "\"message\",\"length\":6,\"data\":\"hello\\n\"}", EVENT_MESSAGE);
	check_accepted(JSON "\"part\",\"length\":1,\"data_base64\":\"/w==\"}", EVENT_PART);
	check_accepted(JSON "\"dropped\",\"messages\":4,\"bytes\":5}", EVENT_DROPPED);
	check_accepted(JSON_OWN "\"close\",\"reason\":\"killed\"}", EVENT_CLOSE);
	check_accepted(JSON_OWN "\"torn\",\"bytes\":17}", EVENT_TORN);
	check_accepted(JSON_OWN "\"limit\",\"messages\":10}", EVENT_LIMIT);
}

static void test_every_reason(void **state)
{
	char line[200];

	(void)state;
	for (enum close_reason reason = CLOSE_EOF; reason < CLOSE_KILLED; reason++) {
		const char *name = close_reason_name(reason);

		snprintf(line, sizeof(line), TEXT "close %s messages=1 bytes=2 crc32c=00000000",
			 name);
		assert_int_equal(check_accepted(line, EVENT_CLOSE).reason, reason);
		snprintf(line, sizeof(line), JSON "\"close\",\"reason\":\"%s\",\"messages\":1,"
			 "\"bytes\":2,\"crc32c\":\"00000000\"}", name);
		assert_int_equal(check_accepted(line, EVENT_CLOSE).reason, reason);
	}
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
	assert_int_equal(check_accepted(filled(text, RECORD_MAX - 1), EVENT_PART).length, 5);
	check_accepted(filled(TEXT "part 3 base64:Zm9v", RECORD_MAX - 1), EVENT_PART);
	check_accepted(filled(json, RECORD_MAX - 1), EVENT_PART);
	check_refused(filled(text, RECORD_MAX - 2));
	check_refused(filled(text, RECORD_MAX));
	check_refused(filled(json, RECORD_MAX - 2));
	check_refused(filled(TEXT "message 6 \"hello\\n\"", RECORD_MAX - 1));
	check_refused(filled(TEXT "open", RECORD_MAX - 1));
	check_refused(filled("", RECORD_MAX - 1));
}

static void test_later_versions_are_accepted(void **state)
{
	(void)state;
	check_accepted(TEXT "open via=10.0.0.1:5 tls=\"a \\\" b\"", EVENT_OPEN);
	check_accepted(TEXT "open a_1-b=1", EVENT_OPEN);
	check_accepted(TEXT "message 6 \"hello\\n\" trace=1", EVENT_MESSAGE);
	check_accepted(TEXT "part 3 base64:Zm9v trace=1", EVENT_PART);
	check_accepted(TEXT "close eof messages=1 bytes=2 crc32c=00000000 took=5", EVENT_CLOSE);
	check_accepted(TIME " 6443f5a1b2c3d.- - close killed by=9", EVENT_CLOSE);
	check_accepted(TEXT "handshake TLS1.3 \"anything at all", EVENT_OTHER);
	check_accepted(TEXT "ping", EVENT_OTHER);
	check_accepted(JSON "\"open\",\"via\":\"10.0.0.1:5\","
			    "\"tls\":{\"a\":[1,-2.5e3,\"}\\\"\"]},\"x\":null}", EVENT_OPEN);
	check_accepted(JSON "\"open\",\"a_1-b\":1}", EVENT_OPEN);
	check_accepted(JSON "\"message\",\"length\":6,\"data\":\"hello\\n\",\"trace\":true}",
		       EVENT_MESSAGE);
	check_accepted(JSON_OWN "\"close\",\"reason\":\"killed\",\"by\":9}", EVENT_CLOSE);
	check_accepted(JSON "\"handshake\",\"length\":\"?\"}", EVENT_OTHER);
}

/* A field of this version has its place, and is not among those that a later one may add. */
static void test_known_fields_are_not_added(void **state)
{
	static const char *const known[] = {
		"time", "host", "id", "n", "peer", "event", "length", "data", "data_base64",
		"reason", "messages", "bytes", "crc32c", "version", "boot", "daemon",
	};
	char line[200];

	(void)state;
	FOR_EACH(known, name) {
		snprintf(line, sizeof(line), TEXT "open %s=1", *name);
		check_refused(line);
		snprintf(line, sizeof(line), TEXT "open x%s=1", *name);
		check_accepted(line, EVENT_OPEN);
		snprintf(line, sizeof(line), JSON "\"open\",\"%s\":1}", *name);
		check_refused(line);
		snprintf(line, sizeof(line), JSON "\"open\",\"x%s\":1}", *name);
		check_accepted(line, EVENT_OPEN);
		/* An unknown event may have any field. */
		snprintf(line, sizeof(line), JSON "\"ping\",\"%s\":1}", *name);
		check_accepted(line, EVENT_OTHER);
	}
}

/* The longest names of peers and hosts, and one byte more. */
static void test_longest_names(void **state)
{
	char line[400], name[HOST_NAME_MAX + PEER_NAME_SIZE];
	struct record record;
	ssize_t payload;

	(void)state;
	memset(name, 'p', sizeof(name));
	snprintf(line, sizeof(line), TIME " - %.*s open", PEER_NAME_SIZE - 1, name);
	assert_int_equal(parse_copy(line, &record, &payload), 0);
	assert_int_equal(strlen(record.peer), PEER_NAME_SIZE - 1);
	snprintf(line, sizeof(line), TIME " - %.*s open", PEER_NAME_SIZE, name);
	check_refused(line);

	snprintf(line, sizeof(line), JSON_NO_ID "\"%.*s\",\"event\":\"open\"}",
		 PEER_NAME_SIZE - 1, name);
	assert_int_equal(parse_copy(line, &record, &payload), 0);
	assert_int_equal(strlen(record.peer), PEER_NAME_SIZE - 1);
	snprintf(line, sizeof(line), JSON_NO_ID "\"%.*s\",\"event\":\"open\"}", PEER_NAME_SIZE,
		 name);
	check_refused(line);

	snprintf(line, sizeof(line), "{\"time\":\"" TIME "\",\"host\":\"%.*s\",\"id\":null,"
		 "\"n\":null,\"peer\":null,\"event\":\"open\"}", HOST_NAME_MAX, name);
	check_accepted(line, EVENT_OPEN);
	snprintf(line, sizeof(line), "{\"time\":\"" TIME "\",\"host\":\"%.*s\",\"id\":null,"
		 "\"n\":null,\"peer\":null,\"event\":\"open\"}", HOST_NAME_MAX + 1, name);
	check_refused(line);
}

static const char *const refused_heads[] = {
	"", " ", "-", TIME, OWN, TEXT, TEXT " open",
	"2026-11-22T21:04:05Z - - torn bytes=1",
	"2026-02-29T00:00:00.000000Z - - torn bytes=1",
	"2026-13-01T00:00:00.000000Z - - torn bytes=1",
	"2026-11-22 21:04:05.123987Z - - torn bytes=1",
	"2026-11-22T24:04:05.123987Z - - torn bytes=1",
	"2026-11-22T21:04:60.123987Z - - torn bytes=1",
	"1969-12-31T23:59:59.000000Z - - torn bytes=1",
	"2026-11-22T21:04:05.12398xZ - - torn bytes=1",
	"2026-11-22T21:04:05.123987z - - torn bytes=1",
	"2026-11-22T21:04:05,123987Z - - torn bytes=1",
	TIME " 6443F5a1b2c3d.1 - open", TIME " 6443g5a1b2c3d.1 - open",
	TIME " 443f5a1b2c3d.1 - open", TIME " 06443f5a1b2c3d.1 - open",
	TIME " 0000000000000.1 - open", TIME " 6443f5a1b2c3d - open", TIME " -.1 - open",
	TIME " 6443f5a1b2c3d.01 - open", TIME " 6443f5a1b2c3d.+1 - open",
	TIME " 6443f5a1b2c3d. - open", TIME " 6443f5a1b2c3d.18446744073709551616 - open",
	TIME " 6443f5a1b2c3d.18446744073709551615 - open",
	TIME " - a\"b open", TIME " - a\\b open", TIME " - a\x7f open", TIME " -  open",

	"{", "{}", JSON_START "}", JSON " \"open\"}", JSON "null}", JSON "\"\"}",
	JSON_START ",\"id\":null,\"n\":1,\"peer\":null,\"event\":\"open\"}",
	JSON_START ",\"id\":\"0000000000000\",\"n\":1,\"peer\":null,\"event\":\"open\"}",
	JSON_START ",\"id\":\"6443f5a1b2c3d\",\"n\":01,\"peer\":null,\"event\":\"open\"}",
	JSON_START ",\"id\":\"6443f5a1b2c3d\",\"n\":18446744073709551615,\"peer\":null,"
		   "\"event\":\"open\"}",
	JSON_START ",\"n\":1,\"id\":\"6443f5a1b2c3d\",\"peer\":null,\"event\":\"open\"}",
	JSON_NO_ID "\"\",\"event\":\"open\"}", JSON_NO_ID "\"-\",\"event\":\"open\"}",
	"{\"time\":\"" TIME "\",\"host\":\"\",\"id\":null,\"n\":null,\"peer\":null,"
		   "\"event\":\"open\"}",
};

static const char *const refused_text[] = {
	TEXT "open ", TEXT "open x", TEXT "open =1", TEXT "open\t", TEXT "Open", TEXT "open a=",
	TEXT "open a=\"b", TEXT "open bytes=1", TEXT "open 1a=1", TEXT "open _a=1",
	TEXT "message", TEXT "message 0 \"\"", TEXT "message 0 \"a\"", TEXT "message 1 \"\"",
	TEXT "message 01 \"a\"", TEXT "message 1 \"a", TEXT "message 1 \"a\"b",
	TEXT "message 1 a", TEXT "message 1 \"\n\"", TEXT "message 3 base64:",
	TEXT "message 1 \"\\\"", TEXT "message  1 \"a\"", TEXT "message -1 \"a\"",
	TEXT "message length=1 \"a\"", TEXT "message 6 \"hello\\n\" length=6",
	TEXT "torn bytes=1", TEXT "limit messages=1", TIME " - 192.0.2.7:1 torn bytes=1",
	TIME " 6443f5a1b2c3d.1 - torn bytes=1", OWN "torn", OWN "torn bytes=", OWN "torn bytes1",
	OWN "torn 1", OWN "torn bytes=0x1", OWN "torn bytes=1 bytes=2", OWN "limit bytes=1",
	OWN "start version=0 host=a boot=b daemon=c", OWN "start version=1 host= boot=b daemon=c",
	OWN "start version=1 boot=b host=a daemon=c", OWN "start version=1 boot=b daemon=c",
	OWN "start version=1 host=a boot=b", TEXT "start version=1 host=a boot=b daemon=c",
	TEXT "close", TEXT "close killed", TEXT "close eof",
	TEXT "close bored messages=1 bytes=2 crc32c=00000000",
	TEXT "close reason=eof messages=1 bytes=2 crc32c=00000000",
	TEXT "close eof messages=1 bytes=2",
	TEXT "close eof bytes=2 messages=1 crc32c=00000000",
	TEXT "close eof messages=1 bytes=2 crc32c=0000000",
	TEXT "close eof messages=1 bytes=2 crc32c=000000000",
	TEXT "close eof messages=1 bytes=2 crc32c=0000000A",
	TEXT "dropped bytes=1 messages=1",
	TIME " 6443f5a1b2c3d.- - close killed messages=1",
	TEXT "ping \x1b[0m", TEXT "ping \x7f", TEXT "ping\"",
};

static const char *const refused_json[] = {
	JSON "\"open\"", JSON "\"open\"}}", JSON "\"open\"} ", JSON "\"open\",}",
	JSON "\"open\",\"a\"}", JSON "\"open\",\"a\":}", JSON "\"open\",\"a\":[}",
	JSON "\"open\",\"a\":1]}", JSON "\"open\",\"a\":\"}", JSON "\"open\",\"a\": 1}",
	JSON "\"open\",\"a\":\x7f}", JSON "\"open\",\"a\":\xc3\xbc}", JSON "\"open\",\"1a\":1}",
	JSON "\"open\",\"bytes\":1}", JSON "\"open\"},\"a\":1}",
	JSON "\"message\"}", JSON "\"message\",\"length\":1}",
	JSON "\"message\",\"length\":1,\"data\":\"\"}",
	JSON "\"message\",\"length\":0,\"data\":\"\"}",
	JSON "\"message\",\"length\":0,\"data\":\"a\"}",
	JSON "\"message\",\"data\":\"a\",\"length\":1}",
	JSON "\"message\",\"length\":\"1\",\"data\":\"a\"}",
	JSON "\"message\",\"length\":1,\"data\":\"a\",\"data\":\"b\"}",
	JSON "\"message\",\"length\":1,\"data\":\"a\",\"data_base64\":\"YQ==\"}",
	JSON "\"close\",\"reason\":\"killed\"}", JSON "\"close\",\"reason\":\"eof\"}",
	JSON_OWN "\"close\",\"reason\":\"killed\",\"messages\":1}",
	JSON "\"close\",\"reason\":\"bored\",\"messages\":1,\"bytes\":2,\"crc32c\":\"00000000\"}",
	JSON "\"close\",\"reason\":\"eof\",\"messages\":1,\"bytes\":2,\"crc32c\":0}",
	JSON "\"close\",\"reason\":\"eof\",\"messages\":1,\"bytes\":2,\"crc32c\":\"0000000\"}",
	JSON "\"close\",\"reason\":\"eof\",\"messages\":1,\"bytes\":2,\"crc32c\":\"000000000\"}",
	JSON "\"close\",\"reason\":\"eof\",\"messages\":1,\"bytes\":2,\"crc32c\":\"0000000A\"}",
	JSON "\"dropped\",\"bytes\":1,\"messages\":1}",
	JSON "\"torn\",\"bytes\":1}", JSON_OWN "\"torn\",\"bytes\":-1}",
	JSON_OWN "\"torn\",\"bytes\":1.0}", JSON_OWN "\"limit\",\"bytes\":1}",
	JSON_OWN "\"start\",\"version\":0,\"boot\":\"b\",\"daemon\":\"c\"}",
	JSON_OWN "\"start\",\"version\":1,\"daemon\":\"c\",\"boot\":\"b\"}",
	JSON_OWN "\"start\",\"version\":1,\"host\":\"a\",\"boot\":\"b\",\"daemon\":\"c\"}",
};

static void test_lines_refused(void **state)
{
	(void)state;
	FOR_EACH(refused_heads, line)
		check_refused(*line);
	FOR_EACH(refused_text, line)
		check_refused(*line);
	FOR_EACH(refused_json, line)
		check_refused(*line);
}

static void test_payloads_refused(void **state)
{
	static const char *const lines[] = {
		TEXT "message 1 \"ab\"", TEXT "message 2 \"a\"", TEXT "message 1 \"\\x41\"",
		TEXT "message 1 \"\x1b\"", TEXT "message 3 base64:Zm9",
		TEXT "message 1 base64:Zh==", TEXT "message 4 base64:Zm9v",
		JSON "\"message\",\"length\":2,\"data\":\"a\"}",
		JSON "\"message\",\"length\":1,\"data\":\"\\u0041\"}",
		JSON "\"message\",\"length\":1,\"data\":\"\\/\"}",
		JSON "\"message\",\"length\":1,\"data\":\"\xff\"}",
		JSON "\"message\",\"length\":1,\"data\":\"\\xff\"}",
		JSON "\"message\",\"length\":1,\"data_base64\":\"/x==\"}",
	};

	(void)state;
	FOR_EACH(lines, line)
		check_payload_refused(*line);
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
		cmocka_unit_test(test_every_reason),
		cmocka_unit_test(test_a_part_fills_its_page),
		cmocka_unit_test(test_later_versions_are_accepted),
		cmocka_unit_test(test_known_fields_are_not_added),
		cmocka_unit_test(test_longest_names),
		cmocka_unit_test(test_lines_refused),
		cmocka_unit_test(test_payloads_refused),
		cmocka_unit_test(test_too_long_is_refused),
		cmocka_unit_test(test_looks_like),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
