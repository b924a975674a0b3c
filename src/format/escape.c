/* SPDX-License-Identifier: MIT */
#include "format/escape.h"
#include "format/utf8.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/*
 * Vectors of the compiler, not of one processor: each becomes SSE2, NEON or
 * plain code.  A comparison gives -1 or 0 in each lane.
 */
typedef signed char lanes __attribute__((vector_size(16)));
#ifdef __SSE2__
typedef char sse_lanes __attribute__((vector_size(16)));
#endif

static const char hex_digits[] = "0123456789abcdef";
static const char short_escapes[256] = {
	['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\\'] = '\\', ['"'] = '"',
};

static inline bool is_clean_ascii(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* C1 controls, the bidirectional controls, line and paragraph separator. */
static inline bool steers_terminal(uint32_t code)
{
	if (code < 0x2000)
		return (code >= 0x80 && code < 0xa0) || code == 0x61c;
	return code <= 0x2069 && (code >= 0x2066 || (code >= 0x2028 && code <= 0x202e) ||
				  code == 0x200e || code == 0x200f);
}

static inline lanes load(const void *p)
{
	lanes v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Bit N: the sign of lane N. */
static inline uint64_t sign_bits(lanes v)
{
#ifdef __SSE2__
	return (uint64_t)(unsigned)__builtin_ia32_pmovmskb128((sse_lanes)v);
#else
	uint64_t half[2], bits = 0;

	memcpy(half, &v, sizeof(half));
	/* The signs of eight bytes, each multiplied to its place in the highest one. */
	for (unsigned i = 0; i < 2; i++)
		bits |= ((le64toh(half[i]) & UINT64_C(0x8080808080808080)) >> 7) *
			UINT64_C(0x0102040810204080) >> 56 << i * 8;
	return bits;
#endif
}

/* Bit N: byte N of the 16 at P is not clean ASCII. */
static inline uint64_t dirty_bits(const unsigned char *p)
{
	lanes v = load(p);

	/* As signed bytes, 0x80 to 0xff are negative, and so is DEL + 1: less than ' ' + 1. */
	return sign_bits((lanes)((v + 1 < ' ' + 1) | (v == '"') | (v == '\\')));
}

/*
 * Most text is clean up to the end of a line.  A block is examined once and
 * copied.  After each byte that is escaped, the rest of the block is copied
 * again to its new place, so no branch depends on where lines end.
 */
#define BLOCK_BYTES 64
#define BLOCK_READS (BLOCK_BYTES * 2)	/* what is read behind the block is not used */
#define BLOCK_WRITES (BLOCK_BYTES * 3)

/* Returns how many bytes of IN are done: BLOCK_BYTES, or up to one without a short escape. */
static inline size_t put_block(char **out, const unsigned char *in)
{
	uint64_t dirty = dirty_bits(in) | dirty_bits(in + 16) << 16 | dirty_bits(in + 32) << 32 |
			 dirty_bits(in + 48) << 48;
	size_t done = 0;

	for (;; dirty &= dirty - 1) {
		size_t clean = dirty ? (size_t)__builtin_ctzll(dirty) : BLOCK_BYTES;
		char escaped;

		memcpy(*out, in + done, BLOCK_BYTES);
		*out += clean - done;
		done = clean;
		escaped = dirty ? short_escapes[in[done]] : 0;
		if (!escaped)
			return done;
		(*out)[0] = '\\';
		(*out)[1] = escaped;
		*out += 2;
		done++;
	}
}

/* Copies clean ASCII up to another byte, at most MAX; may write garbage behind it, up to MAX. */
static inline size_t copy_clean(char *out, const unsigned char *in, size_t max)
{
	size_t i = 0;

	for (; max - i >= 16; i += 16) {
		uint64_t dirty = dirty_bits(in + i);

		memcpy(out + i, in + i, 16);
		if (dirty)
			return i + (size_t)__builtin_ctzll(dirty);
	}
	for (; i < max && is_clean_ascii(in[i]); i++)
		out[i] = (char)in[i];
	return i;
}

static inline size_t put_c_bytes(char *out, const unsigned char *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char seq[4] = { '\\', 'x', hex_digits[in[i] >> 4], hex_digits[in[i] & 15] };

		memcpy(out + i * 4, seq, 4);
	}
	return n * 4;
}

/* All characters that must be escaped are below U+10000: one \u is enough. */
static inline size_t put_json_code(char *out, uint32_t code)
{
	const char seq[6] = { '\\', 'u', hex_digits[code >> 12], hex_digits[code >> 8 & 15],
			      hex_digits[code >> 4 & 15], hex_digits[code & 15] };

	memcpy(out, seq, 6);
	return 6;
}

/*
 * Writes one character, or one byte that belongs to none.  Returns the
 * number of bytes written, or 0 if they do not fit in ROOM or if JSON cannot
 * express the byte (*RET_INVALID becomes true).
 */
static inline size_t put_char(enum escape_style style, char *out, size_t room,
			      const unsigned char *in, size_t left, size_t *ret_used,
			      bool *ret_invalid)
{
	uint32_t code = 0;
	size_t used = utf8_get(in, left, &code), need;

	if (used == 0 && style == ESCAPE_JSON) {
		*ret_invalid = true;
		return 0;
	}
	*ret_used = used > 0 ? used : 1;
	if (used > 1 && !steers_terminal(code)) {
		if (room < used)
			return 0;
		memcpy(out, in, used);
		return used;
	}
	if (short_escapes[*in]) {
		const char seq[2] = { '\\', short_escapes[*in] };

		if (room < 2)
			return 0;
		memcpy(out, seq, 2);
		return 2;
	}
	need = style == ESCAPE_JSON ? 6 : *ret_used * 4;
	if (room < need)
		return 0;
	return style == ESCAPE_JSON ? put_json_code(out, code) : put_c_bytes(out, in, *ret_used);
}

size_t escape(enum escape_style style, char *out, size_t out_size, const void *in, size_t in_len,
	      size_t *ret_taken, bool *ret_invalid)
{
	const unsigned char *p = in;
	size_t i = 0, o = 0;
	bool invalid = false;

	while (i < in_len) {
		size_t left = in_len - i, room = out_size - o, n;

		if (left >= BLOCK_READS && room >= BLOCK_WRITES) {
			char *end = out + o;

			n = put_block(&end, p + i);
			o = (size_t)(end - out);
			i += n;
			if (n == BLOCK_BYTES)
				continue;
		} else {
			n = copy_clean(out + o, p + i, left < room ? left : room);
			i += n;
			o += n;
		}
		if (i == in_len)
			break;
		/* Characters that are not ASCII come in runs. */
		do {
			size_t used = 0;

			n = put_char(style, out + o, out_size - o, p + i, in_len - i, &used,
				     &invalid);
			if (n == 0)
				goto out;
			o += n;
			i += used;
		} while (i < in_len && !is_clean_ascii(p[i]));
	}
out:
	*ret_taken = i;
	if (ret_invalid)
		*ret_invalid = invalid;
	return o;
}

/* For each of the 16 bytes at P, how many bytes ESCAPE_C adds at least; reads 17 bytes. */
static inline lanes least_growth(const unsigned char *p)
{
	lanes v = load(p), next = load(p + 1);
	lanes control = (lanes)(((v >= 0) & (v < ' ')) | (v == 0x7f));
	lanes is_short = (lanes)((v == '\n') | (v == '\t') | (v == '\r'));
	lanes quoted = (lanes)((v == '"') | (v == '\\'));
	/* Continuation bytes are the lowest as signed numbers, lead bytes follow. */
	lanes next_continues = (lanes)(next < -64);
	lanes broken = (lanes)(((v >= -64) & (v < 0) & ~next_continues) |
			       ((v >= 0) & next_continues));

	return (control & 3) + (broken & 3) - (is_short & 2) + (quoted & 1);
}

bool escape_exceeds(const void *in, size_t in_len, size_t limit)
{
	const unsigned char *p = in;
	size_t least = in_len, i = 0;

	while (in_len - i > 16 && least <= limit) {
		/* A step adds at most six to a lane, which holds up to 127. */
		lanes sum = { 0 };
		unsigned char each[16];

		for (unsigned step = 0; step < 21 && in_len - i > 16; step++, i += 16)
			sum += least_growth(p + i);
		memcpy(each, &sum, sizeof(each));
		for (unsigned lane = 0; lane < 16; lane++)
			least += each[lane];
		/* Nearly clean so far: escaping is likely to be worth it. */
		if (least - in_len < i / 8)
			return false;
	}
	return least > limit;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads N hexadecimal digits.  Returns -1 if something else is there. */
static int32_t get_hex(const char *in, size_t left, size_t n)
{
	int32_t value = 0;

	if (left < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int digit = hex_value(in[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Surrogates become bytes that are not UTF-8, which unescape() refuses in the end. */
static size_t put_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | code >> 12);
	out[1] = (char)(0x80 | (code >> 6 & 0x3f));
	out[2] = (char)(0x80 | (code & 0x3f));
	return 3;
}

/* Decodes what follows a backslash.  Returns its length in IN, or 0 if it is no escape. */
static size_t get_escape(enum escape_style style, char **out, const char *in, size_t left)
{
	static const char meaning[256] = {
		['n'] = '\n', ['t'] = '\t', ['r'] = '\r', ['\\'] = '\\', ['"'] = '"',
	};
	size_t digits = style == ESCAPE_JSON ? 4 : 2;
	int32_t code;

	if (left == 0)
		return 0;
	if (meaning[(unsigned char)*in]) {
		*(*out)++ = meaning[(unsigned char)*in];
		return 1;
	}
	code = *in == (style == ESCAPE_JSON ? 'u' : 'x') ? get_hex(in + 1, left - 1, digits) : -1;
	if (code < 0)
		return 0;
	if (style == ESCAPE_JSON)
		*out += put_utf8(*out, (uint32_t)code);
	else
		*(*out)++ = (char)code;
	return 1 + digits;
}

/* Whether the LEN bytes of DATA are escaped as TEXT. */
static bool escapes_to(enum escape_style style, const char *data, size_t len, const char *text,
		       size_t text_len)
{
	char chunk[1024];

	while (len > 0) {
		size_t taken;
		size_t n = escape(style, chunk, sizeof(chunk), data, len, &taken, NULL);

		if (n == 0 || n > text_len || memcmp(chunk, text, n) != 0)
			return false;
		data += taken;
		len -= taken;
		text += n;
		text_len -= n;
	}
	return text_len == 0;
}

ssize_t unescape(enum escape_style style, void *out, const char *in, size_t in_len)
{
	const char *p = in, *end = in + in_len;
	char *o = out;

	while (p < end) {
		const char *backslash = memchr(p, '\\', (size_t)(end - p));
		size_t clean = (size_t)((backslash ? backslash : end) - p), n;

		memcpy(o, p, clean);
		o += clean;
		p += clean;
		if (!backslash)
			break;
		p++;
		n = get_escape(style, &o, p, (size_t)(end - p));
		if (n == 0)
			return -EBADMSG;
		p += n;
	}
	/* Each text has one spelling: missing escapes and needless ones are refused. */
	if (!escapes_to(style, out, (size_t)(o - (char *)out), in, in_len))
		return -EBADMSG;
	return o - (char *)out;
}
