/* SPDX-License-Identifier: MIT */
/* The input is a message log that `echo-logctl verify` checks. */
#include "ctl/logcheck.h"

#include "../unit/random.h"
#include "format/parse.h"
#include "fuzz.h"

/* The result of a check, without the places of the findings. */
struct judgement {
	struct connections_summary summary;
	uint64_t records;
	unsigned findings;
	unsigned kinds[FINDING_TOTALS + 1];
	uint64_t lines, bytes;		/* sums of what the findings name */
};

struct part {
	const char *data;
	size_t len;
};

static void note_finding(void *context, const struct finding *finding)
{
	struct judgement *judgement = context;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK(finding->kind <= FINDING_TOTALS);
	judgement->findings++;
	judgement->kinds[finding->kind]++;
	judgement->lines += finding->place.line;
	judgement->bytes += finding->bytes;
	CHECK(out);
	finding_print(finding, out);
	CHECK(fclose(out) == 0);
	CHECK(len > 1 && text[len - 1] == '\n' && is_harmless(text, len - 1));
	free(text);
}

/* Gives PART in pieces of STEP bytes, as verify reads a file; all at once if STEP is 0. */
static void give(struct logcheck *check, const struct part *part, size_t step)
{
	size_t at = 0, taken, shown = step > 0 ? 0 : part->len;

	for (;;) {
		bool is_last = shown == part->len;
		char *copy = exact_copy(part->data + at, shown - at);

		CHECK(logcheck_lines(check, copy, shown - at, is_last, &taken) == 0);
		free(copy);
		CHECK(taken <= shown - at);
		CHECK(shown - at - taken <= RECORD_MAX);
		at += taken;
		if (is_last)
			break;
		shown += step < part->len - shown ? step : part->len - shown;
	}
	CHECK(at == part->len);
}

static struct judgement judge(enum log_format format, const struct part *parts, size_t n_parts,
			      size_t step)
{
	struct judgement judgement;
	struct finding_sink sink = {note_finding, &judgement};
	struct logcheck *check;

	memset(&judgement, 0, sizeof(judgement));
	CHECK(logcheck_new(&sink, &check) == 0);
	for (size_t i = 0; i < n_parts; i++) {
		logcheck_begin(check, "log", format);
		give(check, &parts[i], step);
	}
	judgement.records = logcheck_finish(check, &judgement.summary);
	logcheck_free(check);
	return judgement;
}

/* Where the first N lines of LOG end, or LOG itself if it has fewer. */
static size_t line_end(const struct part *log, size_t n)
{
	const char *at = log->data, *end = log->data + log->len;

	for (; n > 0 && at < end; n--) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline ? newline + 1 : end;
	}
	return (size_t)(at - log->data);
}

/* A whole log is also whole if it is cut into two files, in any order. */
static void check_order(enum log_format format, const struct part *log, size_t cut,
			const struct judgement *whole)
{
	struct part parts[] = {
		{log->data + cut, log->len - cut},
		{log->data, cut},
	};
	struct judgement swapped = judge(format, parts, 2, 0);

	CHECK(swapped.findings == 0);
	CHECK(swapped.records == whole->records);
	CHECK(memcmp(&swapped.summary, &whole->summary, sizeof(whole->summary)) == 0);
}

static bool is_found(const struct judgement *judgement)
{
	/* Without the end of a connection, verify can only find gaps. */
	return judgement->findings > 0 || judgement->summary.without_end > 0 ||
	       judgement->summary.killed > 0;
}

/* Copies LOG to TEXT and changes the first letter of RECORD's payload. */
static bool change_payload(const struct part *log, const struct record *record, char *text)
{
	size_t at = (size_t)(record->data - log->data);

	memcpy(text, log->data, log->len);
	if (record->data_is_base64 || text[at] < 'a' || text[at] > 'z')
		return false;
	text[at] = text[at] == 'a' ? 'b' : 'a';
	return true;
}

/* A whole log in which a message is missing, doubled or changed is not whole. */
static void check_damage(enum log_format format, const struct part *log, size_t start, size_t end)
{
	struct part without[] = {
		{log->data, start},
		{log->data + end, log->len - end},
	};
	struct part twice[] = {
		{log->data, log->len},
		{log->data + start, end - start},
	};
	char *text;
	struct record record;
	struct judgement judgement;

	if (end - start < 2 || log->data[end - 1] != '\n' ||
	    parse_record(format, log->data + start, end - start - 1, &record) < 0 ||
	    record.event != EVENT_MESSAGE)
		return;
	CHECK(judge(format, twice, 2, 0).kinds[FINDING_DOUBLED] > 0);
	judgement = judge(format, without, 2, 0);
	CHECK(is_found(&judgement));
	text = malloc(log->len);
	CHECK(text);
	if (change_payload(log, &record, text)) {
		struct part changed[] = {
			{text + start, log->len - start},
			{text, start},
		};

		judgement = judge(format, changed, 2, 0);
		CHECK(is_found(&judgement));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	size_t step = input_number(&in, 2) % 5000, line = input_number(&in, 1);
	char *text = exact_copy(in.p, in.left);
	struct part log = {text, in.left};
	struct judgement judgement, again;
	enum log_format format;

	if (logcheck_find_format(log.data, log.len, &format) < 0)
		format = line % 2 ? FORMAT_JSON : FORMAT_TEXT;
	judgement = judge(format, &log, 1, 0);
	again = judge(format, &log, 1, 1 + step);
	CHECK(memcmp(&again, &judgement, sizeof(again)) == 0);
	if (judgement.findings == 0) {
		check_order(format, &log, line_end(&log, line), &judgement);
		check_damage(format, &log, line_end(&log, line), line_end(&log, line + 1));
	}
	free(text);
	return 0;
}
