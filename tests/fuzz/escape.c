/* SPDX-License-Identifier: MIT */
/* The input is payload to be encoded, and encoded text to be decoded. */
#include "format/escape.h"

#include "../unit/random.h"
#include "format/base64.h"
#include "fuzz.h"

/* A byte becomes at most 6: \u0000. */
#define GROWTH 6

static void check_unescape(enum escape_style style, const uint8_t *data, size_t len)
{
	char *text = exact_copy(data, len), *out = exact_copy(data, len);
	char *again = malloc(len + 1);
	ssize_t n = unescape(style, out, text, len);
	size_t taken;

	CHECK(again);
	/* There is one way to write each text. */
	if (n >= 0) {
		CHECK(escape(style, again, len, out, (size_t)n, &taken, NULL) == len);
		CHECK(taken == (size_t)n && memcmp(again, data, len) == 0);
	}
	free(text);
	free(out);
	free(again);
}

static void check_escape(enum escape_style style, const uint8_t *data, size_t len, size_t room)
{
	uint8_t *in = exact_copy(data, len);
	char *out = malloc(room > 0 ? room : 1), *back;
	size_t taken, n;
	bool invalid;
	ssize_t got;

	CHECK(out);
	n = escape(style, out, room, in, len, &taken, &invalid);
	CHECK(n <= room && taken <= len);
	CHECK(style == ESCAPE_JSON || !invalid);
	if (taken < len && !invalid)	/* a character has up to four bytes, each \xNN */
		CHECK(room - n < 16);
	CHECK(is_harmless(out, n));
	back = exact_copy(out, n);
	got = unescape(style, back, out, n);
	CHECK(got == (ssize_t)taken && memcmp(back, in, taken) == 0);
	free(back);
	free(out);
	free(in);
}

/* For ASCII this computes what to expect. */
static void check_ascii(enum escape_style style, const uint8_t *data, size_t len)
{
	static const char names[] = "\nn\tt\rr\\\\\"\"", *name;
	char *expected = malloc(len * GROWTH + 1), *out = malloc(len * GROWTH + 1);
	size_t n = 0, taken;

	CHECK(expected && out);
	for (size_t i = 0; i < len && data[i] < 0x80; i++) {
		for (name = names; *name && *name != (char)data[i]; name += 2)
			;
		if (*name)
			n += (size_t)sprintf(expected + n, "\\%c", name[1]);
		else if (data[i] >= ' ' && data[i] < 0x7f)
			expected[n++] = (char)data[i];
		else
			n += (size_t)sprintf(expected + n,
					     style == ESCAPE_C ? "\\x%02x" : "\\u%04x", data[i]);
	}
	CHECK(escape(style, out, len * GROWTH, data, len, &taken, NULL) >= n);
	CHECK(memcmp(out, expected, n) == 0);
	free(expected);
	free(out);
}

static void check_exceeds(const uint8_t *data, size_t len, size_t limit)
{
	uint8_t *in = exact_copy(data, len);
	char *out = malloc(len * GROWTH + 1);
	size_t taken;

	CHECK(out);
	if (escape_exceeds(in, len, limit))
		CHECK(escape(ESCAPE_C, out, len * GROWTH, in, len, &taken, NULL) > limit);
	free(out);
	free(in);
}

static void check_base64(const uint8_t *data, size_t len)
{
	size_t size = base64_size(len);
	uint8_t *in = exact_copy(data, len), *bytes = malloc(size / 4 * 3 + 1);
	char *text = malloc(size > 0 ? size : 1);
	ssize_t n;

	CHECK(bytes && text);
	CHECK(base64_encode(text, in, len) == size);
	bytes = realloc(bytes, size > 0 ? size / 4 * 3 : 1);
	CHECK(bytes);
	CHECK(base64_decode(bytes, text, size) == (ssize_t)len && memcmp(bytes, in, len) == 0);

	/* As text the input is refused, or it is the only way to write the decoded bytes. */
	bytes = realloc(bytes, len >= 4 ? len / 4 * 3 : 1);
	CHECK(bytes);
	n = base64_decode(bytes, (const char *)in, len);
	if (n >= 0) {
		CHECK(base64_size((size_t)n) == len);
		CHECK(base64_encode(text, bytes, (size_t)n) == len && memcmp(text, in, len) == 0);
	}
	free(in);
	free(bytes);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	size_t room = input_number(&in, 2) % 8192;

	for (enum escape_style style = ESCAPE_C; style <= ESCAPE_JSON; style++) {
		check_escape(style, in.p, in.left, room);
		check_escape(style, in.p, in.left, in.left * GROWTH);
		check_ascii(style, in.p, in.left);
		check_unescape(style, in.p, in.left);
	}
	check_exceeds(in.p, in.left, room);
	check_base64(in.p, in.left);
	return 0;
}
