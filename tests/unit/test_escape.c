/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "format/escape.h"
#include "format/utf8.h"
#include "random.h"

#define SIZE 2000

static void check_escapes(enum escape_style style, const char *in, size_t in_len,
			  const char *expected)
{
	char out[SIZE], back[SIZE];
	size_t taken = 0, n;
	bool invalid = true;

	n = escape(style, out, sizeof(out), in, in_len, &taken, &invalid);
	assert_false(invalid);
	assert_int_equal(taken, in_len);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(out, expected, n);
	assert_int_equal(unescape(style, back, out, n), in_len);
	assert_memory_equal(back, in, in_len);
}

static void test_examples(void **state)
{
	(void)state;
	check_escapes(ESCAPE_C, "hello\n", 6, "hello\\n");
	check_escapes(ESCAPE_C, "\t\r\\\"\0\x1b[0m\x7f", 10, "\\t\\r\\\\\\\"\\x00\\x1b[0m\\x7f");
	check_escapes(ESCAPE_C, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", 11,
		      "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
	check_escapes(ESCAPE_C, "\xc2\x9b\xe2\x80\xae", 5, "\\xc2\\x9b\\xe2\\x80\\xae");
	check_escapes(ESCAPE_C, "\xff\xc3(\xed\xa0\x80", 6, "\\xff\\xc3(\\xed\\xa0\\x80");
	check_escapes(ESCAPE_C, "\xe0\x80\x80\xf0\x80\x80\x80\xf4\x90\x80\x80", 11,
		      "\\xe0\\x80\\x80\\xf0\\x80\\x80\\x80\\xf4\\x90\\x80\\x80");
	check_escapes(ESCAPE_JSON, "\t\r\n\\\"\0\x1b\x7f/", 9,
		      "\\t\\r\\n\\\\\\\"\\u0000\\u001b\\u007f/");
	check_escapes(ESCAPE_JSON, "\xc2\x9b\xe2\x80\xae\xd8\x9c\xc3\xbc", 9,
		      "\\u009b\\u202e\\u061c\xc3\xbc");
}

static void test_every_byte(void **state)
{
	static const char short_names[256] = {
		['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\\'] = '\\', ['"'] = '"',
	};

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char in = (char)c, expected[8];
		size_t taken, n;
		bool invalid;
		char out[8];

		if (short_names[c])
			snprintf(expected, sizeof(expected), "\\%c", short_names[c]);
		else if (c < 0x20 || c >= 0x7f)
			snprintf(expected, sizeof(expected), "\\x%02x", c);
		else
			snprintf(expected, sizeof(expected), "%c", c);
		check_escapes(ESCAPE_C, &in, 1, expected);

		n = escape(ESCAPE_JSON, out, sizeof(out), &in, 1, &taken, &invalid);
		assert_int_equal(invalid, c >= 0x80);
		assert_int_equal(taken, c < 0x80);
		if (c < 0x80 && expected[0] == '\\' && expected[1] == 'x') {
			snprintf(expected, sizeof(expected), "\\u%04x", c);
			assert_int_equal(n, 6);
			assert_memory_equal(out, expected, 6);
		}
	}
}

/* Escapes the text in small pieces.  Together they are the text that is escaped at once. */
static void check_pieces(enum escape_style style, const unsigned char *in, size_t in_len)
{
	static char whole[SIZE * 6];
	char piece[64], back[64];
	size_t taken, n = escape(style, whole, sizeof(whole), in, in_len, &taken, NULL), at = 0;

	assert_true(is_harmless(whole, n));
	in_len = taken;
	for (size_t done = 0; done < in_len; done += taken) {
		size_t room = 16 + random_below(sizeof(piece) - 16), got;
		bool invalid;

		memset(piece, '~', sizeof(piece));
		got = escape(style, piece, room, in + done, in_len - done, &taken, &invalid);
		assert_false(invalid);
		assert_true(taken > 0 && got <= room);
		for (size_t i = room; i < sizeof(piece); i++)
			assert_int_equal(piece[i], '~');
		assert_memory_equal(piece, whole + at, got);
		/* A piece ends only when the next character does not fit. */
		if (done + taken < in_len)
			assert_true(got + 12 > room);
		at += got;
		/* Each piece can be read without the others. */
		assert_int_equal(unescape(style, back, piece, got), taken);
		assert_memory_equal(back, in + done, taken);
	}
	assert_int_equal(at, n);
}

static void test_round_trips(void **state)
{
	static char out[SIZE * 6], back[SIZE * 6];
	unsigned char in[SIZE];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		enum random_kind kind = (enum random_kind)random_below(RANDOM_KINDS);
		enum escape_style style = random_below(2) ? ESCAPE_C : ESCAPE_JSON;
		size_t len = random_below(round < 1500 ? 80 : SIZE), taken, n;
		bool invalid;

		random_fill(kind, in, len);
		n = escape(style, out, sizeof(out), in, len, &taken, &invalid);
		assert_true(invalid ? taken < len : taken == len);
		if (style == ESCAPE_C || kind == RANDOM_UTF8)
			assert_int_equal(taken, len);
		assert_true(n <= len * (style == ESCAPE_C ? 4 : 6));
		assert_int_equal(unescape(style, back, out, n), taken);
		assert_memory_equal(back, in, taken);
		check_pieces(style, in, len);
	}
}

static void test_unescape_refuses(void **state)
{
	static const char *const both[] = {
		"\\", "a\\", "\\q", "\"", "\n", "\x1b", "\x7f", "\xc3", "\xc2\x9b", "\xe2\x80\xae",
		"\\/", "\\b", "\\'", "\\0", "\\xg0", "\\u12", "\\x4", "\\N",
	};
	static const char *const c[] = {
		"\\x41", "\\x0a", "\\x0A", "\\x1B", "\\x5c", "\\xc3\\xbc", "\\xc3\xbc", "\\u001b",
		"\xc2\\x9b", "\\u0041",
	};
	static const char *const json[] = {
		"\\u0041", "\\u000a", "\\u001B", "\\u00fc", "\\ud800", "\\ud83d\\ude00", "\\x1b",
		"\\xff", "\\u", "\\u000",
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		assert_int_equal(unescape(ESCAPE_C, out, both[i], strlen(both[i])), -EBADMSG);
		assert_int_equal(unescape(ESCAPE_JSON, out, both[i], strlen(both[i])), -EBADMSG);
	}
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		assert_int_equal(unescape(ESCAPE_C, out, c[i], strlen(c[i])), -EBADMSG);
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		assert_int_equal(unescape(ESCAPE_JSON, out, json[i], strlen(json[i])), -EBADMSG);
}

/* There is one way to write each text: changed text is refused, or is what would be written. */
static void test_unescape_is_canonical(void **state)
{
	unsigned char in[60];
	char text[360], back[360], again[1440];

	(void)state;
	for (unsigned round = 0; round < 50000; round++) {
		enum escape_style style = random_below(2) ? ESCAPE_C : ESCAPE_JSON;
		size_t len = 1 + random_below(sizeof(in)), taken, n;
		ssize_t r;

		random_fill((enum random_kind)random_below(RANDOM_KINDS), in, len);
		n = escape(style, text, sizeof(text), in, len, &taken, NULL);
		if (n == 0)
			continue;
		text[random_below(n)] = "\\\"nx u0123456789abcdef\xc3\xbc\x80"[random_below(25)];
		r = unescape(style, back, text, n);
		if (r < 0)
			continue;
		assert_int_equal(escape(style, again, sizeof(again), back, (size_t)r, &taken, NULL),
				 n);
		assert_memory_equal(again, text, n);
	}
}

static void test_exceeds_never_exaggerates(void **state)
{
	static char out[SIZE * 4];
	unsigned char in[SIZE];
	unsigned seen = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t len = random_below(SIZE), taken, n, limit;

		random_fill((enum random_kind)random_below(RANDOM_KINDS), in, len);
		for (size_t i = random_below(SIZE); i < len; i++)
			in[i] = (unsigned char)"\n\t\r\"\\"[random_below(5)];
		n = escape(ESCAPE_C, out, sizeof(out), in, len, &taken, NULL);
		limit = random_below(n + 100);
		if (escape_exceeds(in, len, limit)) {
			assert_true(n > limit);
			seen++;
		}
		assert_false(escape_exceeds(in, len, n));
	}
	assert_true(seen > 100);
}

static void test_utf8_cut(void **state)
{
	static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };
	static const unsigned char broken[] = "\x80\x80\x80\x80\x80\x80";

	(void)state;
	for (size_t at = 1; at <= 11; at++)
		assert_int_equal(utf8_cut((const unsigned char *)text, 11, at), expected[at]);
	for (size_t at = 1; at <= 6; at++)
		assert_int_equal(utf8_cut(broken, 6, at), at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_unescape_refuses),
		cmocka_unit_test(test_unescape_is_canonical),
		cmocka_unit_test(test_exceeds_never_exaggerates),
		cmocka_unit_test(test_utf8_cut),
	};

	random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
