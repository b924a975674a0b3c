/* SPDX-License-Identifier: MIT */
/* The input becomes records of every kind.  Each is one line, from which the same is parsed. */
#include "format/calendar.h"
#include "format/utf8.h"
#include "record_checks.h"

#define ID_END (UINT64_C(1) << 52)

/* How format/record.h writes the name of a peer. */
static void expected_peer(const char *peer, struct record *ret)
{
	size_t i;

	memset(ret->peer, 0, sizeof(ret->peer));
	for (i = 0; peer[i] && i < sizeof(ret->peer) - 1; i++)
		ret->peer[i] = peer[i] > ' ' && peer[i] < 0x7f && !strchr("\"\\", peer[i]) ?
				       peer[i] : '_';
	ret->head.peer = i > 0 && strcmp(peer, "-") != 0 ? ret->peer : NULL;
}

static void check_events(struct record_style *style, const struct record_head *head,
			 struct input in, const char *word)
{
	char buf[RECORD_EVENT_MAX];
	uint64_t messages = input_number(&in, 8), bytes = input_number(&in, 8);
	uint32_t crc = (uint32_t)input_number(&in, 4);
	enum close_reason reason = (enum close_reason)(input_number(&in, 1) % (CLOSE_KILLED + 1));
	struct record_head same = *head;
	struct record record, said;

	expected_peer(head->peer, &said);
	same.peer = said.head.peer;
	if (same.id == 0)
		same.n = RECORD_NO_NUMBER;
	check_written(style->format, buf, record_open(style, buf, head), &record);
	CHECK(record.event == EVENT_OPEN);
	check_same_head(&record.head, &same);

	check_written(style->format, buf, record_dropped(style, buf, head, messages, bytes),
		      &record);
	CHECK(record.event == EVENT_DROPPED);
	CHECK(record.messages == messages && record.bytes == bytes);
	check_same_head(&record.head, &same);

	check_written(style->format, buf,
		      record_close(style, buf, head, reason, messages, bytes, crc), &record);
	CHECK(record.event == EVENT_CLOSE && record.reason == reason);
	if (reason == CLOSE_KILLED)
		same.n = RECORD_NO_NUMBER;
	else
		CHECK(record.messages == messages && record.bytes == bytes && record.crc == crc);
	check_same_head(&record.head, &same);

	check_written(style->format, buf,
		      record_start(style, buf, head->time_usec, word, head->peer), &record);
	CHECK(record.event == EVENT_START);
	check_written(style->format, buf, record_torn(style, buf, head->time_usec, bytes), &record);
	CHECK(record.event == EVENT_TORN && record.bytes == bytes);
	check_written(style->format, buf, record_limit(style, buf, head->time_usec, messages),
		      &record);
	CHECK(record.event == EVENT_LIMIT && record.messages == messages);
}

/* The input as a message, and repeated as one of many records. */
static void check_messages(struct record_style *style, const struct record_head *head,
			   const struct input *in, size_t times, size_t room)
{
	size_t len = in->left * times;
	uint8_t *data = malloc(len > 0 ? len : 1);

	CHECK(data);
	for (size_t i = 0; i < times && in->left > 0; i++)
		memcpy(data + i * in->left, in->p, in->left);
	check_message(style, head, data, len, room);
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t end_usec = (CALENDAR_MAX_SECOND + 1) * 1000000;
	struct input in = {data, size};
	uint64_t kind = input_number(&in, 1);
	size_t times = 1 + input_number(&in, 1) % 32, room = 1 + input_number(&in, 2) % RECORD_MAX;
	struct record_head head = {
		.time_usec = input_number(&in, 8) % end_usec,
		.id = input_number(&in, 8) % ID_END,
		.n = input_number(&in, 8),
	};
	char *peer = input_string(&in), *host = input_string(&in);
	struct record_style style;

	head.peer = peer;
	record_style_init(&style, (enum log_format)(kind % (FORMAT_RAW + 1)));
	snprintf(style.host, sizeof(style.host), "%s", host);
	check_messages(&style, &head, &in, times, room);
	if (style.format != FORMAT_RAW)
		check_events(&style, &head, in, host);
	free(peer);
	free(host);
	return 0;
}
