/* SPDX-License-Identifier: MIT */
#include "payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_RING ((size_t)1024 * 1024)
#define LEAST_MESSAGES 16
#define SHORT_LINE 40		/* with many lengths, a line has 40 to 119 bytes */
#define LINE_SPREAD 80

static uint64_t state;

/* xorshift64* of Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
static uint64_t next_random(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

bool payload_kind_from_name(const char *name, enum payload_kind *ret_kind)
{
	static const char *const names[] = {"text", "random", "syslog", "syslog-ietf"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_kind = (enum payload_kind)i;
			return true;
		}
	return false;
}

static const char *next_word(void)
{
	static const char *const words[] = {
		"the", "session", "opened", "for", "user", "root", "by", "request", "from",
		"192.0.2.17", "port", "52144", "accepted", "in", "0.021", "seconds", "status=200",
		"GET", "/index.html", "\"Mozilla/5.0\"", "level=info", "temperature", "21.5",
		"device", "eth0", "is", "up", "and", "running", "with", "id", "of", "value,",
		"no", "error:", "connection", "closed", "(timeout)", "sensor-7", "of", "not",
		"found;", "a", "retry", "will", "be", "made", "at", "2026-11-22", "again.",
	};

	return words[next_random() % (sizeof(words) / sizeof(words[0]))];
}

/* Fills LINE with LEN bytes, which end with a newline and begin with as much of HEAD as fits. */
static void make_line(uint8_t *line, size_t len, const char *head)
{
	/* Lines are different: each that has room contains a number that is almost unique. */
	char text[64];
	size_t at = strlen(head) < len ? strlen(head) : len;

	memcpy(line, head, at);
	snprintf(text, sizeof(text), "%06llx ", (unsigned long long)(next_random() & 0xffffff));
	while (at < len) {
		size_t n = strlen(text) < len - at ? strlen(text) : len - at;

		memcpy(line + at, text, n);
		at += n;
		snprintf(text, sizeof(text), "%s ", next_word());
	}
	line[len - 1] = '\n';
}

static void make_lines(uint8_t *message, size_t size, size_t line_bytes, const char *head)
{
	while (size > 0) {
		size_t len = line_bytes ? line_bytes : SHORT_LINE + next_random() % LINE_SPREAD;

		/* A rest that is too short for a line is added to this one. */
		if (len > size || (!line_bytes && size - len < SHORT_LINE))
			len = size;
		make_line(message, len, head);
		message += len;
		size -= len;
	}
}

static void make_random(uint8_t *message, size_t size)
{
	for (size_t i = 0; i < size; i++)
		message[i] = (uint8_t)(next_random() >> 56);
}

void payload_make(struct payload *payload, enum payload_kind kind, size_t size,
		  size_t line_bytes, size_t window, uint64_t seed)
{
	size_t least = window > LEAST_RING ? window : LEAST_RING;
	size_t n = (least + size - 1) / size;

	if (n < LEAST_MESSAGES)
		n = LEAST_MESSAGES;
	state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	*payload = (struct payload){.bytes = malloc(n * size), .n_bytes = n * size, .size = size};
	if (!payload->bytes) {
		perror("loadgen");
		exit(2);
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t *message = payload->bytes + i * size;

		if (kind == PAYLOAD_RANDOM)
			make_random(message, size);
		else
			make_lines(message, size, line_bytes,
				   kind == PAYLOAD_SYSLOG ? "<134>Nov 22 21:04:05 host app: " :
				   kind == PAYLOAD_SYSLOG_IETF ?
				   "<134>1 2026-11-22T21:04:05Z host app - - - " : "");
	}
}

bool payload_matches(const struct payload *payload, uint64_t offset, const uint8_t *data,
		     size_t len)
{
	while (len > 0) {
		size_t at = offset % payload->n_bytes;
		size_t n = payload->n_bytes - at < len ? payload->n_bytes - at : len;

		if (memcmp(payload->bytes + at, data, n) != 0)
			return false;
		offset += n;
		data += n;
		len -= n;
	}
	return true;
}
