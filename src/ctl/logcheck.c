/* SPDX-License-Identifier: MIT */
#include "ctl/logcheck.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/parse.h"
#include "format/record.h"
#include "format/record_form.h"

/* How far to look for a line that looks like a record. */
#define LOOK_BYTES ((size_t)64 * 1024)

struct logcheck {
	struct finding_sink sink;
	struct connections *connections;
	uint64_t service_records;

	/* Of the file that is being read. */
	enum log_format format;
	struct place place;		/* of the current line */
	uint64_t version;		/* of the last `start`; 0: there was none yet */
	uint64_t zero_bytes;		/* that this line begins with */
	uint64_t passed_bytes;		/* of this line so far, if it is too long for a record */
	uint64_t previous_bytes;	/* of the line above */
	/* Of the line above, if not reported yet: `torn` may explain it. */
	uint64_t previous_zeros;
	bool previous_is_bad;		/* no record */

	/* Unknown events of files that had no `start` yet: other files tell if they may be. */
	struct undecided *undecided;
	size_t n_undecided;
	bool file_has_undecided;	/* the last of them is of this file */
	uint64_t latest_version;	/* in all files */
};

/* Unknown events of one file. */
struct undecided {
	struct place first;
	uint64_t n;
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
	free(check->undecided);
	free(check);
}

static const char *skip_zeros(const char *p, const char *end)
{
	while (p < end && *p == '\0')
		p++;
	return p;
}

int logcheck_find_format(const char *data, size_t len, enum log_format *ret_format)
{
	const char *line = data, *end = data + len;
	size_t looked = 0;

	while (looked < LOOK_BYTES && (line = skip_zeros(line, end)) < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((newline ? newline : end) - line);

		for (enum log_format format = FORMAT_TEXT; format <= FORMAT_JSON; format++)
			if (parse_looks_like(format, line, line_len)) {
				*ret_format = format;
				return 0;
			}
		line = newline ? newline + 1 : end;
		looked += line_len + 1;
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

/* Reports what is no record in the line above, if nothing has explained it. */
static void report_bad_line(struct logcheck *check)
{
	if (check->previous_zeros > 0)
		report(check, FINDING_ZEROS, check->place.line - 1, check->previous_zeros);
	if (check->previous_is_bad)
		report(check, FINDING_NOT_A_RECORD, check->place.line - 1,
		       check->previous_bytes - check->previous_zeros);
	check->previous_zeros = 0;
	check->previous_is_bad = false;
}

static void check_torn(struct logcheck *check, uint64_t bytes)
{
	if (bytes == 0) {
		report_bad_line(check);
		report(check, FINDING_TRUNCATED, check->place.line, 0);
		return;
	}
	if (check->previous_bytes == bytes) {
		check->previous_zeros = 0;
		check->previous_is_bad = false;
	}
	report_bad_line(check);
	report(check, FINDING_TORN, check->place.line - (check->place.line > 1), bytes);
}

static void report_events(struct logcheck *check, const struct undecided *events)
{
	struct finding finding = {
		.kind = FINDING_EVENT,
		.place = events->first,
		.first = events->n,
	};

	check->sink.report(check->sink.context, &finding);
}

/*
 * An event that this version does not have.  A later one may have it, and
 * the `start` above says which version it is.  A spill has no `start`, nor
 * has the rest of a file that lost its beginning: they may be of any version
 * that is in the other files.
 */
static int add_unknown_event(struct logcheck *check)
{
	struct undecided one = { check->place, 1 }, *new;
	size_t n = check->n_undecided;

	if (check->version > RECORD_VERSION)
		return 0;
	if (check->version > 0) {
		report_events(check, &one);
		return 0;
	}
	if (check->file_has_undecided) {
		check->undecided[n - 1].n++;
		return 0;
	}
	new = reallocarray(check->undecided, n + 1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new[n] = one;
	check->undecided = new;
	check->n_undecided++;
	check->file_has_undecided = true;
	return 0;
}

static void decide_unknown_events(struct logcheck *check)
{
	if (check->latest_version <= RECORD_VERSION)
		for (size_t i = 0; i < check->n_undecided; i++)
			report_events(check, &check->undecided[i]);
}

static void note_start(struct logcheck *check, const struct record *record)
{
	check->version = record->version;
	if (check->latest_version < record->version)
		check->latest_version = record->version;
}

/* Whether the service would write RECORD.  parse_record() accepts all that can be rendered. */
static bool is_sensible(const struct record *record)
{
	switch (record->event) {
	case EVENT_CLOSE:
		return record->head.id != 0 &&
		       (record->head.n == RECORD_NO_NUMBER) == (record->reason == CLOSE_KILLED);
	case EVENT_DROPPED:
		/* No message is empty. */
		if (record->messages == 0 || record->bytes < record->messages)
			return false;
		/* fall through */
	case EVENT_OPEN:
	case EVENT_MESSAGE:
	case EVENT_PART:
		return record->head.id != 0 && record->head.n != RECORD_NO_NUMBER;
	case EVENT_LIMIT:
		return record->messages > 0;
	default:
		return true;
	}
}

/* Checks RECORD, which LINE was parsed to. */
static int check_record(struct logcheck *check, const struct record *record, const char *line,
			size_t len)
{
	char payload[RECORD_MAX];
	bool is_decoded;
	int r = 0;

	if (record->event == EVENT_TORN)
		check_torn(check, record->bytes);
	else
		report_bad_line(check);
	if (record->event == EVENT_START)
		note_start(check, record);
	else if (record->event == EVENT_OTHER)
		r = add_unknown_event(check);
	if (r < 0)
		return r;
	if (record->head.id == 0) {
		check->service_records++;
		return 0;
	}
	is_decoded = record->data && parse_payload(check->format, record, payload) >= 0;
	return connections_add(check->connections, &check->place, record,
			       is_decoded ? payload : NULL,
			       is_decoded && !record_form_is_right(check->format, record, line, len,
								   payload));
}

static int check_line(struct logcheck *check, const char *line, size_t len)
{
	uint64_t bytes = check->zero_bytes + check->passed_bytes + len;
	struct record record;
	int r = 0;

	check->place.line++;
	if (check->passed_bytes == 0 && parse_record(check->format, line, len, &record) == 0 &&
	    is_sensible(&record)) {
		r = check_record(check, &record, line, len);
	} else {
		report_bad_line(check);
		/* A line of zeros alone is reported as such. */
		check->previous_is_bad = bytes == 0 || bytes > check->zero_bytes;
	}
	check->previous_zeros = check->zero_bytes;
	check->previous_bytes = bytes;
	check->zero_bytes = check->passed_bytes = 0;
	return r;
}

static void end_file(struct logcheck *check, size_t left)
{
	uint64_t bytes = check->passed_bytes + left;

	check->place.line++;
	report_bad_line(check);
	if (check->zero_bytes > 0)
		report(check, FINDING_ZEROS, check->place.line, check->zero_bytes);
	if (bytes > 0)
		report(check, FINDING_NO_NEWLINE, check->place.line, bytes);
}

void logcheck_begin(struct logcheck *check, const char *name, enum log_format format)
{
	check->format = format;
	check->place = (struct place){ name, 0 };
	check->version = check->zero_bytes = check->passed_bytes = check->previous_bytes = 0;
	check->file_has_undecided = false;
}

void logcheck_zeros(struct logcheck *check, uint64_t bytes)
{
	check->zero_bytes += bytes;
}

/* Where the next line goes on, behind the zeros that it begins with. */
static const char *pass_zeros(struct logcheck *check, const char *line, const char *end)
{
	const char *rest = check->passed_bytes == 0 ? skip_zeros(line, end) : line;

	check->zero_bytes += (uint64_t)(rest - line);
	return rest;
}

int logcheck_lines(struct logcheck *check, const char *data, size_t len, bool is_last,
		   size_t *ret_taken)
{
	const char *line = data, *end = data + len, *newline;

	while ((line = pass_zeros(check, line, end)) < end &&
	       (newline = memchr(line, '\n', (size_t)(end - line)))) {
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
	decide_unknown_events(check);
	connections_finish(check->connections);
	*ret_summary = *connections_summary(check->connections);
	return check->service_records + ret_summary->records;
}
