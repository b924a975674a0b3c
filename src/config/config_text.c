/* SPDX-License-Identifier: MIT */
#include "config/config_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format/escape.h"
#include "format/utf8.h"

/* Blanks other than U+0020, and characters without a width, by Unicode's general categories. */
static const struct {
	uint32_t first, last;
} invisible[] = {
	{0x00a0, 0x00a0},	/* no-break space */
	{0x00ad, 0x00ad},	/* soft hyphen */
	{0x1680, 0x1680},	/* ogham space mark */
	{0x180e, 0x180e},	/* vowel separator */
	{0x2000, 0x200f},	/* spaces of typography, zero width, marks of direction */
	{0x2028, 0x202f},	/* separators, marks of direction, narrow no-break space */
	{0x205f, 0x206f},	/* mathematical space, word joiner, invisible operators */
	{0x3000, 0x3000},	/* ideographic space */
	{0xfeff, 0xfeff},	/* byte-order mark */
};

static bool is_invisible(uint32_t code)
{
	for (size_t i = 0; i < sizeof(invisible) / sizeof(invisible[0]); i++)
		if (code >= invisible[i].first && code <= invisible[i].last)
			return true;
	return false;
}

/* Returns how many bytes come before the first invisible one, and its bytes in *RET_LEN. */
static size_t visible_part(const char *text, size_t len, size_t *ret_len)
{
	uint32_t code;
	size_t at = 0, n;

	for (*ret_len = 0; at < len; at += n ? n : 1) {
		n = utf8_get((const unsigned char *)text + at, len - at, &code);
		if (n > 0 && is_invisible(code)) {
			*ret_len = n;
			break;
		}
	}
	return at;
}

bool config_text_has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return true;
	return false;
}

bool config_text_has_invisible(const char *text, size_t len)
{
	size_t n;

	(void)visible_part(text, len, &n);
	return n > 0;
}

void config_text_show(char *buf, size_t size, const char *text, size_t len)
{
	size_t room = size - sizeof("..."), visible, hidden, taken;
	bool invalid;

	while (len > 0) {
		size_t n;

		visible = visible_part(text, len, &hidden);
		n = escape(ESCAPE_C, buf, room, text, visible, &taken, &invalid);
		buf += n;
		room -= n;
		if (taken < visible || room < hidden * strlen("\\xNN"))
			break;
		for (size_t i = 0; i < hidden; i++, buf += strlen("\\xNN"))
			snprintf(buf, sizeof("\\xNN"), "\\x%02x", (unsigned char)text[visible + i]);
		room -= hidden * strlen("\\xNN");
		text += visible + hidden;
		len -= visible + hidden;
	}
	strcpy(buf, len > 0 ? "..." : "");
}
