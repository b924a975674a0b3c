/* SPDX-License-Identifier: MIT */
#include "ctl/logcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/parse.h"

/* How far a line that looks like a record is looked for. */
#define LOOK_BYTES ((size_t)64 * 1024)

struct logcheck {
	struct finding_sink sink;
	struct connections *connections;
	uint64_t service_records;

	/* the file */
	enum log_format format;
	struct place place;		/* of the line in hand */
	uint64_t passed_bytes;		/* of this line, too long to be a record, so far */
	uint64_t previous_bytes;	/* of the line above */
	bool previous_is_bad;		/* it is no record, and this is not told yet: `torn` may explain it */
};

int logcheck_new(const struct finding_sink *sink, struct logcheck **ret_check)
{
	struct logcheck *check = calloc(1, sizeof(*check));
	int r;

	if (!check)
		return -ENOMEM;
	check->sink = *sink;
	r = connections_new(sink, &check->connections);
	if (r < 0) {
		free(check);
		return r;
	}
	*ret_check = check;
	return 0;
}

void logcheck_free(struct logcheck *check)
{
	connections_free(check->connections);
	free(check);
}

int logcheck_find_format(const char *data, size_t len, enum log_format *ret_format)
{
	const char *line = data, *end = data + (len < LOOK_BYTES ? len : LOOK_BYTES);

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((newline ? newline : end) - line);

		for (enum log_format format = FORMAT_TEXT; format <= FORMAT_JSON; format++)
			if (parse_looks_like(format, line, line_len)) {
				*ret_format = format;
				return 0;
			}
		line += line_len + 1;
	}
	return -ENOMSG;
}

static void tell(struct logcheck *check, enum finding_kind kind, uint64_t line, uint64_t bytes)
{
	struct finding finding = {
		.kind = kind,
		.place = { check->place.file, line },
		.bytes = bytes,
	};

	check->sink.take(check->sink.context, &finding);
}

/* The line above, if it is no record and nothing has explained that. */
static void tell_bad_line(struct logcheck *check)
{
	if (check->previous_is_bad)
		tell(check, FINDING_NOT_A_RECORD, check->place.line - 1, check->previous_bytes);
	check->previous_is_bad = false;
}

static void take_torn(struct logcheck *check, uint64_t bytes)
{
	if (bytes == 0) {
		tell_bad_line(check);
		tell(check, FINDING_TRUNCATED, check->place.line, 0);
		return;
	}
	if (check->previous_bytes == bytes)
		check->previous_is_bad = false;
	tell_bad_line(check);
	tell(check, FINDING_TORN, check->place.line - (check->place.line > 1), bytes);
}

/* What parse_record() lets pass, since it can be rendered, but nobody has reason to write. */
static bool is_sensible(const struct record *record)
{
	switch (record->event) {
	case EVENT_CLOSE:
		return record->head.id != 0 &&
		       (record->head.n == RECORD_NO_NUMBER) == (record->reason == CLOSE_KILLED);
	case EVENT_OPEN:
	case EVENT_MESSAGE:
	case EVENT_PART:
	case EVENT_DROPPED:
		return record->head.id != 0 && record->head.n != RECORD_NO_NUMBER;
	default:
		return true;
	}
}

static int take_record(struct logcheck *check, const struct record *record)
{
	char payload[RECORD_MAX];
	bool is_decoded;

	if (record->event == EVENT_TORN)
		take_torn(check, record->bytes);
	else
		tell_bad_line(check);
	if (record->head.id == 0) {
		check->service_records++;
		return 0;
	}
	is_decoded = record->data && parse_payload(check->format, record, payload) >= 0;
	return connections_add(check->connections, &check->place, record,
			       is_decoded ? payload : NULL);
}

static int take_line(struct logcheck *check, const char *line, size_t len)
{
	uint64_t bytes = check->passed_bytes + len;
	struct record record;
	int r = 0;

	check->place.line++;
	if (check->passed_bytes == 0 && parse_record(check->format, line, len, &record) == 0 &&
	    is_sensible(&record)) {
		r = take_record(check, &record);
	} else {
		tell_bad_line(check);
		check->previous_is_bad = true;
	}
	check->passed_bytes = 0;
	check->previous_bytes = bytes;
	return r;
}

static void end_file(struct logcheck *check, size_t left)
{
	uint64_t bytes = check->passed_bytes + left;

	check->place.line++;
	tell_bad_line(check);
	if (bytes > 0)
		tell(check, FINDING_NO_NEWLINE, check->place.line, bytes);
}

void logcheck_begin(struct logcheck *check, const char *name, enum log_format format)
{
	check->format = format;
	check->place = (struct place){ name, 0 };
	check->passed_bytes = check->previous_bytes = 0;
}

int logcheck_lines(struct logcheck *check, const char *data, size_t len, bool is_last,
		   size_t *ret_taken)
{
	const char *line = data, *end = data + len, *newline;

	while (line < end && (newline = memchr(line, '\n', (size_t)(end - line)))) {
		int r = take_line(check, line, (size_t)(newline - line));

		if (r < 0)
			return r;
		line = newline + 1;
	}
	if (is_last) {
		end_file(check, (size_t)(end - line));
		line = end;
	} else if (end - line >= RECORD_MAX || check->passed_bytes > 0) {
		check->passed_bytes += (size_t)(end - line);
		line = end;
	}
	*ret_taken = (size_t)(line - data);
	return 0;
}

uint64_t logcheck_finish(struct logcheck *check, struct connections_summary *ret_summary)
{
	connections_finish(check->connections);
	*ret_summary = *connections_summary(check->connections);
	return check->service_records + ret_summary->records;
}
