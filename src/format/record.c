/* SPDX-License-Identifier: MIT */
#include "format/record.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "format/calendar.h"
#include "format/record_put.h"

#define BOOT_MAX 32
#define DAEMON_MAX 64

static const char *const reason_names[] = {
	[CLOSE_EOF] = "eof",		[CLOSE_RESET] = "reset",	[CLOSE_IDLE] = "idle",
	[CLOSE_STALLED] = "stalled",	[CLOSE_SHUTDOWN] = "shutdown",	[CLOSE_ERROR] = "error",
	[CLOSE_KILLED] = "killed",
};

const char *close_reason_name(enum close_reason reason)
{
	return reason_names[reason];
}

/*
 * Appends up to MAX bytes of WORD so that they need no escape in any format,
 * or "-" if it is empty.  A link-local peer has the name of an interface,
 * which may hold nearly any byte.
 */
static char *put_word(char *p, const char *word, size_t max)
{
	size_t i;

	for (i = 0; i < max && word[i]; i++) {
		unsigned char c = (unsigned char)word[i];

		p[i] = c > ' ' && c < 0x7f && c != '"' && c != '\\' ? word[i] : '_';
	}
	return i > 0 ? p + i : PUT(p, "-");
}

static inline bool has_peer(const struct record_head *head)
{
	return head->peer && head->peer[0] && strcmp(head->peer, "-") != 0;
}

static void style_set_second(struct record_style *style, uint64_t second)
{
	calendar_write(style->cached_time, second);
	style->cached_time[CALENDAR_LEN] = 0;
	style->cached_second = second;
}

static inline char *put_time(struct record_style *style, char *p, uint64_t time_usec)
{
	uint64_t second = time_usec / 1000000;
	unsigned usec = (unsigned)(time_usec % 1000000);

	if (second > CALENDAR_MAX_SECOND)
		second = CALENDAR_MAX_SECOND;
	if (second != style->cached_second)
		style_set_second(style, second);
	p = put_bytes(p, style->cached_time, CALENDAR_LEN);
	*p++ = '.';
	p = put_decimal_width(p, usec, 6);
	*p++ = 'Z';
	return p;
}

static char *put_head_text(struct record_style *style, char *p, const struct record_head *head)
{
	p = put_time(style, p, head->time_usec);
	*p++ = ' ';
	if (head->id == 0) {
		*p++ = '-';
	} else {
		p = put_hex(p, head->id, RECORD_ID_DIGITS);
		*p++ = '.';
		p = head->n == RECORD_NO_NUMBER ? PUT(p, "-") : put_decimal(p, head->n);
	}
	*p++ = ' ';
	p = has_peer(head) ? put_word(p, head->peer, PEER_NAME_SIZE - 1) : PUT(p, "-");
	*p++ = ' ';
	return p;
}

static char *put_head_json(struct record_style *style, char *p, const struct record_head *head)
{
	p = PUT(p, "{\"time\":\"");
	p = put_time(style, p, head->time_usec);
	p = PUT(p, "\",\"host\":\"");
	p = put_word(p, style->host, HOST_NAME_MAX);
	p = PUT(p, "\",\"id\":");
	if (head->id == 0) {
		p = PUT(p, "null");
	} else {
		*p++ = '"';
		p = put_hex(p, head->id, RECORD_ID_DIGITS);
		*p++ = '"';
	}
	p = PUT(p, ",\"n\":");
	p = head->id == 0 || head->n == RECORD_NO_NUMBER ? PUT(p, "null") : put_decimal(p, head->n);
	p = PUT(p, ",\"peer\":");
	if (has_peer(head)) {
		*p++ = '"';
		p = put_word(p, head->peer, PEER_NAME_SIZE - 1);
		*p++ = '"';
	} else {
		p = PUT(p, "null");
	}
	return PUT(p, ",\"event\":\"");
}

char *record_put_head(struct record_style *style, char *p, const struct record_head *head)
{
	return style->format == FORMAT_JSON ? put_head_json(style, p, head)
					    : put_head_text(style, p, head);
}

void record_style_init(struct record_style *style, enum log_format format)
{
	char name[HOST_NAME_MAX + 1] = "";

	*style = (struct record_style){ .format = format };
	style_set_second(style, 0);

	if (gethostname(name, sizeof(name)) < 0 || name[0] == 0)
		strcpy(name, "localhost");
	name[HOST_NAME_MAX] = 0;
	for (size_t i = 0; name[i]; i++) {
		char c = name[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';

		style->host[i] = plain ? c : '_';
	}
}

/* Ends a record that is not a message.  Returns its length. */
static size_t finish_event(const struct record_style *style, const char *buf, char *p)
{
	p = style->format == FORMAT_JSON ? PUT(p, "}\n") : PUT(p, "\n");
	return (size_t)(p - buf);
}

/* Begins a record: its head and the name of the event. */
static char *put_event(struct record_style *style, char *buf, const struct record_head *head,
		       const char *event)
{
	char *p = record_put_head(style, buf, head);

	p = put_bytes(p, event, strlen(event));
	return style->format == FORMAT_JSON ? PUT(p, "\"") : p;
}

static char *put_key(const struct record_style *style, char *p, const char *key)
{
	bool json = style->format == FORMAT_JSON;

	p = json ? PUT(p, ",\"") : PUT(p, " ");
	p = put_bytes(p, key, strlen(key));
	return json ? PUT(p, "\":") : PUT(p, "=");
}

static char *put_number(const struct record_style *style, char *p, const char *key, uint64_t value)
{
	return put_decimal(put_key(style, p, key), value);
}

static char *put_string(const struct record_style *style, char *p, const char *key,
			const char *value, size_t max)
{
	bool json = style->format == FORMAT_JSON;

	p = put_key(style, p, key);
	p = json ? PUT(p, "\"") : p;
	p = put_word(p, value, max);
	return json ? PUT(p, "\"") : p;
}

size_t record_open(struct record_style *style, char *buf, const struct record_head *head)
{
	if (style->format == FORMAT_RAW)
		return 0;
	return finish_event(style, buf, put_event(style, buf, head, "open"));
}

size_t record_dropped(struct record_style *style, char *buf, const struct record_head *head,
		      uint64_t messages, uint64_t bytes)
{
	char *p;

	if (style->format == FORMAT_RAW)
		return 0;
	p = put_event(style, buf, head, "dropped");
	p = put_number(style, p, "messages", messages);
	p = put_number(style, p, "bytes", bytes);
	return finish_event(style, buf, p);
}

size_t record_close(struct record_style *style, char *buf, const struct record_head *head,
		    enum close_reason reason, uint64_t messages, uint64_t bytes, uint32_t crc)
{
	struct record_head own = *head;
	const char *name = close_reason_name(reason);
	char hex[8 + 1] = "";
	char *p;

	if (style->format == FORMAT_RAW)
		return 0;
	if (reason == CLOSE_KILLED)
		own.n = RECORD_NO_NUMBER;
	p = put_event(style, buf, &own, "close");
	if (style->format == FORMAT_JSON) {
		p = put_string(style, p, "reason", name, SIZE_MAX);
	} else {
		*p++ = ' ';
		p = put_bytes(p, name, strlen(name));
	}
	if (reason != CLOSE_KILLED) {
		put_hex(hex, crc, 8);
		p = put_number(style, p, "messages", messages);
		p = put_number(style, p, "bytes", bytes);
		p = put_string(style, p, "crc32c", hex, 8);
	}
	return finish_event(style, buf, p);
}

/* A record of the service itself belongs to no connection. */
static struct record_head service_head(uint64_t time_usec)
{
	return (struct record_head){ .time_usec = time_usec, .n = RECORD_NO_NUMBER };
}

size_t record_start(struct record_style *style, char *buf, uint64_t time_usec, const char *boot,
		    const char *daemon)
{
	struct record_head head = service_head(time_usec);
	char *p;

	if (style->format == FORMAT_RAW)
		return 0;
	p = put_event(style, buf, &head, "start");
	p = put_number(style, p, "version", RECORD_VERSION);
	/* In JSON the host is in the head of every record. */
	if (style->format == FORMAT_TEXT)
		p = put_string(style, p, "host", style->host, HOST_NAME_MAX);
	p = put_string(style, p, "boot", boot, BOOT_MAX);
	p = put_string(style, p, "daemon", daemon, DAEMON_MAX);
	return finish_event(style, buf, p);
}

/* A record of the service itself that has one number. */
static size_t put_service(struct record_style *style, char *buf, uint64_t time_usec,
			  const char *event, const char *key, uint64_t value)
{
	struct record_head head = service_head(time_usec);

	if (style->format == FORMAT_RAW)
		return 0;
	return finish_event(style, buf, put_number(style, put_event(style, buf, &head, event), key,
						   value));
}

size_t record_torn(struct record_style *style, char *buf, uint64_t time_usec, uint64_t bytes)
{
	return put_service(style, buf, time_usec, "torn", "bytes", bytes);
}

size_t record_limit(struct record_style *style, char *buf, uint64_t time_usec, uint64_t messages)
{
	return put_service(style, buf, time_usec, "limit", "messages", messages);
}
