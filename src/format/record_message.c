/* SPDX-License-Identifier: MIT */
#include "format/record_message.h"

#include <stdbool.h>
#include <string.h>

#include "format/base64.h"
#include "format/escape.h"
#include "format/record_put.h"
#include "format/utf8.h"

enum encoding { ESCAPED, BASE64 };

struct text {
	const char *bytes;
	size_t len;
};

#define TEXT(literal) { (literal), sizeof(literal) - 1 }

static const struct text message = TEXT("message"), part = TEXT("part");

/* What stands around a payload: text before its length, before it, and behind it. */
struct wrapping {
	struct text before_length;
	struct text before[2], behind[2];	/* by encoding */
};

static const struct wrapping text_wrapping = {
	.before_length = TEXT(" "),
	.before = { [ESCAPED] = TEXT(" \""), [BASE64] = TEXT(" base64:") },
	.behind = { [ESCAPED] = TEXT("\"\n"), [BASE64] = TEXT("\n") },
};
static const struct wrapping json_wrapping = {
	.before_length = TEXT("\",\"length\":"),
	.before = { [ESCAPED] = TEXT(",\"data\":\""), [BASE64] = TEXT(",\"data_base64\":\"") },
	.behind = { [ESCAPED] = TEXT("\"}\n"), [BASE64] = TEXT("\"}\n") },
};

/* A record of a message in the making. */
struct piece {
	char head[RECORD_HEAD_MAX];
	size_t head_len;
	const struct wrapping *wrapping;
	enum escape_style style;
	const unsigned char *data;
	size_t len;
	char *buf;
	size_t room;
};

static inline char *put_text(char *p, const struct text *text)
{
	return put_bytes(p, text->bytes, text->len);
}

/* Returns how many bytes come before the payload; *RET_FRAME: before and behind it together. */
static inline size_t piece_before(const struct piece *piece, const struct text *event, size_t len,
				  enum encoding encoding, size_t *ret_frame)
{
	const struct wrapping *w = piece->wrapping;
	size_t before = piece->head_len + event->len + w->before_length.len + decimal_digits(len) +
			w->before[encoding].len;

	*ret_frame = before + w->behind[encoding].len;
	return before;
}

/* Completes the record around a payload of ENCODED bytes that was put at AT. */
static size_t piece_finish(const struct piece *piece, const struct text *event, size_t len,
			   enum encoding encoding, size_t at, size_t encoded)
{
	const struct wrapping *w = piece->wrapping;
	size_t frame, before = piece_before(piece, event, len, encoding, &frame);
	char *p = piece->buf;

	if (before != at)
		memmove(p + before, p + at, encoded);
	p = put_bytes(p, piece->head, piece->head_len);
	p = put_text(p, event);
	p = put_text(p, &w->before_length);
	p = put_decimal(p, len);
	p = put_text(p, &w->before[encoding]);
	p = put_text(p + encoded, &w->behind[encoding]);
	return (size_t)(p - piece->buf);
}

/* Renders all that is left of the message.  Returns 0 when it does not fit. */
static size_t piece_whole(const struct piece *piece)
{
	size_t frame, before = piece_before(piece, &message, piece->len, ESCAPED, &frame);
	size_t frame64, before64 = piece_before(piece, &message, piece->len, BASE64, &frame64);
	size_t size64 = frame64 + base64_size(piece->len);
	size_t most = piece->room, taken = 0, n;
	bool invalid = false;

	/* In text the shorter encoding is used, so escapes must not become longer than base64. */
	if (piece->style == ESCAPE_C && size64 < most)
		most = size64;
	most = most > frame ? most - frame : 0;

	if (piece->len <= most &&
	    (piece->style == ESCAPE_JSON || !escape_exceeds(piece->data, piece->len, most))) {
		n = escape(piece->style, piece->buf + before, most, piece->data, piece->len, &taken,
			   &invalid);
		if (taken == piece->len)
			return piece_finish(piece, &message, piece->len, ESCAPED, before, n);
	}
	if (size64 > piece->room)
		return 0;
	/* JSON has base64 only for what is not UTF-8, not for what is too long when escaped. */
	if (piece->style == ESCAPE_JSON && !invalid &&
	    utf8_is_valid(piece->data + taken, piece->len - taken))
		return 0;
	n = base64_encode(piece->buf + before64, piece->data, piece->len);
	return piece_finish(piece, &message, piece->len, BASE64, before64, n);
}

/* Escapes what fits in ROOM, but not all: a part is followed by a `message`, never empty. */
static size_t escape_part(const struct piece *piece, char *out, size_t room, size_t *ret_taken,
			  bool *ret_invalid)
{
	size_t n = escape(piece->style, out, room, piece->data, piece->len, ret_taken, ret_invalid);

	if (*ret_taken == piece->len)
		n = escape(piece->style, out, n - 1, piece->data, piece->len, ret_taken,
			   ret_invalid);
	return n;
}

/* Fills a record of LEN bytes up to a whole page, with blanks before its newline. */
static size_t piece_fill_page(const struct piece *piece, size_t len)
{
	memset(piece->buf + len - 1, ' ', RECORD_MAX - len);
	piece->buf[RECORD_MAX - 1] = '\n';
	return RECORD_MAX;
}

/* Renders a part: as much as one record holds of a message that does not fit in one. */
static size_t piece_part(const struct piece *piece, size_t *ret_taken)
{
	/* The length of a part has at most as many digits as RECORD_MAX. */
	size_t frame, before = piece_before(piece, &part, RECORD_MAX, ESCAPED, &frame);
	size_t frame64, before64 = piece_before(piece, &part, RECORD_MAX, BASE64, &frame64);
	size_t room = piece->room - frame, taken64 = (piece->room - frame64) / 4 * 3, n;

	if (taken64 >= piece->len)
		taken64 = piece->len - 1;
	taken64 = utf8_cut(piece->data, piece->len, taken64);

	if (piece->style == ESCAPE_JSON || !escape_exceeds(piece->data, taken64, room)) {
		size_t taken;
		bool invalid;

		n = escape_part(piece, piece->buf + before, room, &taken, &invalid);
		if (taken >= taken64 || (piece->style == ESCAPE_JSON && !invalid)) {
			*ret_taken = taken;
			n = piece_finish(piece, &part, taken, ESCAPED, before, n);
			return piece_fill_page(piece, n);
		}
	}
	n = base64_encode(piece->buf + before64, piece->data, taken64);
	*ret_taken = taken64;
	n = piece_finish(piece, &part, taken64, BASE64, before64, n);
	return piece_fill_page(piece, n);
}

static size_t put_raw(char *buf, size_t room, const void *data, size_t len, size_t *ret_taken)
{
	size_t n = len < RECORD_MAX ? len : RECORD_MAX;

	if (n > room)
		return 0;
	memcpy(buf, data, n);
	*ret_taken = n;
	return n;
}

size_t record_message(struct record_style *style, char *buf, size_t room,
		      const struct record_head *head, const void *data, size_t len,
		      size_t *ret_taken)
{
	bool json = style->format == FORMAT_JSON;
	struct piece piece;
	size_t n;

	if (style->format == FORMAT_RAW)
		return put_raw(buf, room, data, len, ret_taken);

	piece.head_len = (size_t)(record_put_head(style, piece.head, head) - piece.head);
	piece.style = json ? ESCAPE_JSON : ESCAPE_C;
	piece.wrapping = json ? &json_wrapping : &text_wrapping;
	piece.data = data;
	piece.len = len;
	piece.buf = buf;
	piece.room = room;

	n = piece_whole(&piece);
	if (n > 0) {
		*ret_taken = len;
		return n;
	}
	return room < RECORD_MAX ? 0 : piece_part(&piece, ret_taken);
}
