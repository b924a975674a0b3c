/* SPDX-License-Identifier: MIT */
#include "ctl/logcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/parse.h"
#include "format/record.h"

/* How far to look for a line that looks like a record. */
#define LOOK_BYTES ((size_t)64 * 1024)

struct logcheck {
	struct finding_sink sink;
	struct connections *connections;
	uint64_t service_records;

	/* Of the file that is being read. */
	enum log_format format;
	struct place place;		/* of the current line */
	uint64_t passed_bytes;		/* of this line so far, if it is too long for a record */
	uint64_t previous_bytes;	/* of the line above */
	bool previous_is_bad;		/* no record, not reported yet: `torn` may explain it */
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

static void report(struct logcheck *check, enum finding_kind kind, uint64_t line, uint64_t bytes)
{
	struct finding finding = {
		.kind = kind,
		.place = { check->place.file, line },
		.bytes = bytes,
	};

	check->sink.report(check->sink.context, &finding);
}

/* Reports the line above, if it is no record and nothing has explained that. */
static void report_bad_line(struct logcheck *check)
{
	if (check->previous_is_bad)
		report(check, FINDING_NOT_A_RECORD, check->place.line - 1, check->previous_bytes);
	check->previous_is_bad = false;
}

static void check_torn(struct logcheck *check, uint64_t bytes)
{
	if (bytes == 0) {
		report_bad_line(check);
		report(check, FINDING_TRUNCATED, check->place.line, 0);
		return;
	}
	if (check->previous_bytes == bytes)
		check->previous_is_bad = false;
	report_bad_line(check);
	report(check, FINDING_TORN, check->place.line - (check->place.line > 1), bytes);
}

/* Whether the service would write RECORD.  parse_record() accepts all that can be rendered. */
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

static int check_record(struct logcheck *check, const struct record *record)
{
	char payload[RECORD_MAX];
	bool is_decoded;

	if (record->event == EVENT_TORN)
		check_torn(check, record->bytes);
	else
		report_bad_line(check);
	if (record->head.id == 0) {
		check->service_records++;
		return 0;
	}
	is_decoded = record->data && parse_payload(check->format, record, payload) >= 0;
	return connections_add(check->connections, &check->place, record,
			       is_decoded ? payload : NULL);
}

static int check_line(struct logcheck *check, const char *line, size_t len)
{
	uint64_t bytes = check->passed_bytes + len;
	struct record record;
	int r = 0;

	check->place.line++;
	if (check->passed_bytes == 0 && parse_record(check->format, line, len, &record) == 0 &&
	    is_sensible(&record)) {
		r = check_record(check, &record);
	} else {
		report_bad_line(check);
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
	report_bad_line(check);
	if (bytes > 0)
		report(check, FINDING_NO_NEWLINE, check->place.line, bytes);
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
		int r = check_line(check, line, (size_t)(newline - line));

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
