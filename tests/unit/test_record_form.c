/* SPDX-License-Identifier: MIT */
/* record_form.h: what the writer writes is right, and other forms of the same are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "format/base64.h"
#include "format/parse.h"
#include "format/record_form.h"
#include "format/record_message.h"
#include "format/utf8.h"
#include "random.h"

#define TEXT "2026-11-22T21:04:05.123987Z 6443f5a1b2c3d.1 192.0.2.7:53412 "
#define JSON                                                                                       \
	"{\"time\":\"2026-11-22T21:04:05.123987Z\",\"host\":\"web3\",\"id\":\"6443f5a1b2c3d\","    \
	"\"n\":1,\"peer\":\"192.0.2.7:53412\",\"event\":"

static bool is_right(enum log_format format, const char *line, size_t len)
{
	char payload[RECORD_MAX];
	struct record record;

	assert_int_equal(parse_record(format, line, len, &record), 0);
	assert_true(parse_payload(format, &record, payload) > 0);
	return record_form_is_right(format, &record, line, len, payload);
}

/* A head of any length: the peer may be long. */
static struct record_head random_head(char peer[PEER_NAME_SIZE])
{
	size_t len = 1 + random_below(PEER_NAME_SIZE - 1);

	memset(peer, 'p', len);
	peer[len - random_below(2)] = '\0';
	return (struct record_head){
		.time_usec = UINT64_C(1795381445000000),
		.id = 1 + random_below(1000),
		.n = random_u64() >> random_below(64),
		.peer = peer,
	};
}

/* Writes DATA as one message; each record of it is right. */
static void check_message(struct record_style *style, const unsigned char *data, size_t len)
{
	size_t room = random_below(2) ? RECORD_MAX : 1 + random_below(RECORD_MAX), taken;
	char peer[PEER_NAME_SIZE + 1] = "", line[RECORD_MAX];
	struct record_head head = random_head(peer);

	for (; len > 0; data += taken, len -= taken) {
		size_t n = record_message(style, line, room, &head, data, len, &taken);

		if (n == 0) {
			room = RECORD_MAX;
			taken = 0;
			continue;
		}
		if (!is_right(style->format, line, n - 1))
			fail_msg("refused: %.*s", (int)n, line);
	}
}

/* Mostly of one kind, with some bytes of another, and lengths near those that just fit. */
static size_t random_data(unsigned char data[20000])
{
	static const size_t near[] = { 700, 1000, 1380, 2040, 2950, 3900, 4000, 8000 };
	enum random_kind kind = (enum random_kind)random_below(RANDOM_KINDS);
	size_t len = random_below(3) ? near[random_below(8)] + random_below(150)
				     : 1 + random_below(20000);

	random_fill(kind, data, len);
	for (size_t i = random_below(3); i > 0; i--) {
		size_t at = random_below(len), n = 1 + random_below(60);

		random_fill((enum random_kind)random_below(RANDOM_KINDS), data + at,
			    n < len - at ? n : len - at);
	}
	return len;
}

static void test_what_is_written_is_right(void **state)
{
	static unsigned char data[20000];
	struct record_style styles[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		record_style_init(&styles[i], i == 0 ? FORMAT_TEXT : FORMAT_JSON);
		memset(styles[i].host, 'h', HOST_NAME_MAX);
	}
	for (unsigned round = 0; round < 30000; round++) {
		size_t len = random_data(data);

		styles[1].host[1 + random_below(HOST_NAME_MAX - 1)] = '\0';
		check_message(&styles[round % 2], data, len);
		memset(styles[1].host, 'h', HOST_NAME_MAX);
	}
}

static void check(bool right, enum log_format format, const char *line)
{
	if (is_right(format, line, strlen(line)) != right)
		fail_msg("%s: %s", right ? "refused" : "accepted", line);
}

static void test_the_shorter_form(void **state)
{
	(void)state;
	check(true, FORMAT_TEXT, TEXT "message 6 \"hello\\n\"");
	check(false, FORMAT_TEXT, TEXT "message 6 base64:aGVsbG8K");
	/* Escaped it has one byte more than base64 with what is around it: 4 + 5 and 4. */
	check(true, FORMAT_TEXT, TEXT "message 2 \"\\x00\\x01\"");
	check(false, FORMAT_TEXT, TEXT "message 2 base64:AAE=");
	check(true, FORMAT_TEXT, TEXT "message 3 base64:AAEC");
	check(false, FORMAT_TEXT, TEXT "message 3 \"\\x00\\x01\\x02\"");
	/* Equal: nine bytes. */
	check(true, FORMAT_TEXT, TEXT "message 3 \"\\x00\\x01a\"");
	check(false, FORMAT_TEXT, TEXT "message 3 base64:AAFh");

	check(true, FORMAT_JSON,
	      JSON "\"message\",\"length\":3,\"data\":\"\\u0000\\u0001\\u0002\"}");
	check(false, FORMAT_JSON, JSON "\"message\",\"length\":3,\"data_base64\":\"AAEC\"}");
	check(true, FORMAT_JSON, JSON "\"message\",\"length\":1,\"data_base64\":\"/w==\"}");
	/* Keys of a later version change nothing. */
	check(true, FORMAT_TEXT, TEXT "message 6 \"hello\\n\" trace=1");
	check(false, FORMAT_TEXT, TEXT "message 6 base64:aGVsbG8K trace=1");
}

/* A `part` of which a byte was taken off the end, or two bytes, ...: DATA in another cut. */
static size_t put_part(char *line, enum log_format format, bool base64, const char *data,
		       size_t len, bool fill)
{
	char text[RECORD_MAX + 1];
	int n, data_len = (int)len;

	if (base64)
		data_len = (int)base64_encode(text, data, len);
	else
		memcpy(text, data, len);
	if (format == FORMAT_TEXT)
		n = snprintf(line, RECORD_MAX, base64 ? TEXT "part %zu base64:%.*s"
						      : TEXT "part %zu \"%.*s\"",
			     len, data_len, text);
	else
		n = snprintf(line, RECORD_MAX, JSON "\"part\",\"length\":%zu,\"data%s\":\"%.*s\"}",
			     len, base64 ? "_base64" : "", data_len, text);
	assert_true(n > 0 && n < RECORD_MAX);
	if (fill) {
		memset(line + n, ' ', RECORD_MAX - 1 - (size_t)n);
		n = RECORD_MAX - 1;
	}
	return (size_t)n;
}

static void test_parts(void **state)
{
	static char data[RECORD_MAX], line[RECORD_MAX];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		enum log_format format = i % 2 ? FORMAT_JSON : FORMAT_TEXT;
		bool base64 = i >= 2;
		size_t around, most;

		memset(data, base64 ? 0xff : 'a', sizeof(data));
		around = put_part(line, format, base64, data, 1000, false) -
			 (base64 ? base64_size(1000) : 1000);
		most = base64 ? (RECORD_MAX - 1 - around) / 4 * 3 : RECORD_MAX - 1 - around;
		assert_true(is_right(format, line, put_part(line, format, base64, data, most,
							    true)));
		/* Without the blanks, or with room for more. */
		if (put_part(line, format, base64, data, most - 3, false) < RECORD_MAX - 1)
			assert_false(is_right(format, line, put_part(line, format, base64, data,
								     most - 3, false)));
		assert_false(is_right(format, line, put_part(line, format, base64, data, 2000,
							     true)));
		assert_false(is_right(format, line, put_part(line, format, base64, data, 1, true)));
	}
	/* Text would hold as much. */
	memset(data, 'a', sizeof(data));
	for (unsigned i = 0; i < 2; i++) {
		enum log_format format = i ? FORMAT_JSON : FORMAT_TEXT;
		size_t around = put_part(line, format, true, data, 999, false) - base64_size(999);

		assert_false(is_right(format, line, put_part(line, format, true, data,
							     (RECORD_MAX - 1 - around) / 4 * 3,
							     true)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_right),
		cmocka_unit_test(test_the_shorter_form),
		cmocka_unit_test(test_parts),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
