/* SPDX-License-Identifier: MIT */
/* The input is a message log.  A line that is parsed is written the same again. */
#include "format/parse.h"
#include "format/record_form.h"

#include "record_checks.h"

/* In JSON each line has the host, which struct record does not have. */
static void style_of(enum log_format format, const char *line, size_t len,
		     struct record_style *ret_style)
{
	static const char key[] = "\"host\":\"";
	const char *host = memmem(line, len, key, strlen(key));

	record_style_init(ret_style, format);
	if (format != FORMAT_JSON || !host)
		return;
	host += strlen(key);
	len = (size_t)((const char *)memchr(host, '"', len - (size_t)(host - line)) - host);
	memcpy(ret_style->host, host, len);
	ret_style->host[len] = '\0';
}

/* LINE is the same as the N bytes of BUF, except for keys of a later version. */
static void check_spelling(enum log_format format, const char *line, size_t len, const char *buf,
			   size_t n)
{
	n -= format == FORMAT_JSON ? strlen("}\n") : strlen("\n");
	CHECK(n <= len && memcmp(line, buf, n) == 0);
}

static void check_event(enum log_format format, const struct record *record, const char *line,
			size_t len)
{
	char buf[RECORD_EVENT_MAX];
	struct record_style style;
	struct record again;
	size_t n;

	style_of(format, line, len, &style);
	switch (record->event) {
	case EVENT_OPEN:
		n = record_open(&style, buf, &record->head);
		break;
	case EVENT_DROPPED:
		n = record_dropped(&style, buf, &record->head, record->messages, record->bytes);
		break;
	case EVENT_CLOSE:
		n = record_close(&style, buf, &record->head, record->reason, record->messages,
				 record->bytes, record->crc);
		break;
	case EVENT_TORN:
		n = record_torn(&style, buf, record->head.time_usec, record->bytes);
		break;
	case EVENT_LIMIT:
		n = record_limit(&style, buf, record->head.time_usec, record->messages);
		break;
	default:
		return;
	}
	check_spelling(format, line, len, buf, n);
	check_written(format, buf, n, &again);
	CHECK(again.event == record->event && again.reason == record->reason);
	CHECK(again.messages == record->messages && again.bytes == record->bytes);
	CHECK(again.crc == record->crc);
	check_same_head(&again.head, &record->head);
}

static bool is_base64(enum log_format format, const char *line, size_t len)
{
	struct record record;

	CHECK(parse_record(format, line, len - 1, &record) == 0);
	return record.data_is_base64;
}

static void check_payload(enum log_format format, const struct record *record, const char *line,
			  size_t len)
{
	char *payload = malloc(RECORD_MAX), buf[RECORD_MAX];
	struct record_style style;
	size_t taken, size;
	ssize_t n;

	CHECK(payload);
	CHECK(record->data > line && record->data + record->data_len <= line + len);
	CHECK(record->length > 0);
	n = parse_payload(format, record, payload);
	CHECK(n < 0 || (uint64_t)n == record->length);
	style_of(format, line, len, &style);
	if (n > 0) {
		check_message(&style, &record->head, payload, (size_t)n, RECORD_MAX);
		size = record_message(&style, buf, sizeof(buf), &record->head, payload, (size_t)n,
				      &taken);
		/* The parser accepts both encodings; only one is written. */
		if (record->event == EVENT_MESSAGE && taken == (size_t)n) {
			bool is_right = record->data_is_base64 == is_base64(format, buf, size);

			if (is_right)
				check_spelling(format, line, len, buf, size);
			CHECK(record_form_is_right(format, record, line, len, payload) == is_right);
		}
	}
	free(payload);
}

/* Returns whether it is a record. */
static bool check_line(enum log_format format, const char *text, size_t len, bool *ret_message)
{
	char *line = exact_copy(text, len);
	struct record record, before;
	bool ok;

	memset(&record, 0xa5, sizeof(record));
	before = record;
	ok = parse_record(format, line, len, &record) == 0;
	if (!ok) {
		CHECK(memcmp(&record, &before, sizeof(record)) == 0);
	} else {
		CHECK(len < RECORD_MAX && !memchr(line, '\n', len));
		CHECK(!record.head.peer || record.head.peer == record.peer);
		CHECK(parse_looks_like(format, line, len));
		*ret_message = record.event == EVENT_MESSAGE;
		if (*ret_message || record.event == EVENT_PART)
			check_payload(format, &record, line, len);
		else
			check_event(format, &record, line, len);
	}
	free(line);
	return ok;
}

static uint64_t count(enum log_format format, const char *data, size_t len, uint64_t max,
		      size_t *ret_end)
{
	struct parse_counts counts = {0};

	*ret_end = parse_count(format, data, len, max, &counts);
	return counts.messages + counts.empty_connections;
}

/* With a limit the count ends behind what it counted last; the count up to there is the same. */
static void check_count(enum log_format format, const char *data, size_t len)
{
	size_t end, part;
	uint64_t all = count(format, data, len, UINT64_MAX, &end);

	CHECK(end == 0 || data[end - 1] == '\n');
	CHECK(end <= len && !memchr(data + end, '\n', len - end));
	for (uint64_t max = 0; max <= all && max < 4; max++) {
		CHECK(count(format, data, len, max, &part) == max);
		CHECK(part <= end && (part == 0 || data[part - 1] == '\n'));
		CHECK((part == 0) == (max == 0));
		CHECK(count(format, data, part, UINT64_MAX, &part) == max);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	enum log_format format = input_number(&in, 1) % 2 ? FORMAT_JSON : FORMAT_TEXT;
	char *log = exact_copy(in.p, in.left), *end = log + in.left, *newline;

	for (char *line = log; line < end; line = newline + 1) {
		bool is_message = false;
		struct parse_counts counts = {0};

		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline) {
			(void)check_line(format, line, (size_t)(end - line), &is_message);
			break;
		}
		if (check_line(format, line, (size_t)(newline - line), &is_message)) {
			(void)parse_count(format, line, (size_t)(newline - line) + 1, UINT64_MAX,
					  &counts);
			CHECK(counts.messages == is_message);
		}
	}
	check_count(format, log, in.left);
	free(log);
	return 0;
}
