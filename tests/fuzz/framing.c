/* SPDX-License-Identifier: MIT */
/* The input is what a client sends.  However it is split, the messages are the same. */
#include "worker/framing.h"

#include "../unit/random.h"
#include "fuzz.h"

/* Each call gets a copy of all bytes, so not too many: enough for some hundred messages. */
#define STREAM_BYTES 1024

/* The messages of the whole stream. */
struct messages {
	size_t *lengths;
	size_t n;
};

static size_t checked_next(enum framing framing, const uint8_t *data, size_t len, size_t searched,
			   size_t max_bytes)
{
	uint8_t *copy = exact_copy(data, len);
	size_t n = framing_next(framing, copy, len, searched, max_bytes);
	size_t afresh = framing_next(framing, copy, len, 0, max_bytes);

	CHECK(n == afresh);
	CHECK(n <= len && n <= max_bytes);
	if (framing == FRAMING_STREAM)
		CHECK(n == (len < max_bytes ? len : max_bytes));
	else if (n > 0)
		CHECK(copy[n - 1] == '\n' || n == max_bytes);
	if (n > 0 && framing == FRAMING_LINE)
		CHECK(!memchr(copy, '\n', n - 1));
	else if (framing == FRAMING_LINE)
		CHECK(len < max_bytes && !memchr(copy, '\n', len));
	free(copy);
	return n;
}

static void cut(enum framing framing, const uint8_t *data, size_t size, size_t max_bytes,
		struct messages *ret)
{
	size_t at = 0, n;

	ret->lengths = calloc(size + 1, sizeof(ret->lengths[0]));
	CHECK(ret->lengths);
	ret->n = 0;
	while (at < size && (n = checked_next(framing, data + at, size - at, 0, max_bytes)) > 0) {
		ret->lengths[ret->n++] = n;
		at += n;
	}
	/* Only with lines the last message may be unfinished. */
	CHECK(at == size || framing == FRAMING_LINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	enum framing framing = input_number(&in, 1) % 2 ? FRAMING_LINE : FRAMING_STREAM;
	size_t max_bytes = 1 + input_number(&in, 2) % STREAM_BYTES;
	size_t arrived = 0, done = 0, searched = 0, i = 0, n;
	struct messages messages;

	random_state = input_number(&in, 1);
	if (in.left > STREAM_BYTES)
		in.left = STREAM_BYTES;
	cut(framing, in.p, in.left, max_bytes, &messages);
	/* As in a worker: bytes without the end of a message are not searched again. */
	while (framing == FRAMING_LINE && arrived < in.left) {
		arrived += 1 + random_below(in.left - arrived);
		while ((n = checked_next(framing, in.p + done, arrived - done, searched,
					 max_bytes)) > 0) {
			CHECK(i < messages.n && messages.lengths[i] == n);
			i++;
			done += n;
			searched = 0;
		}
		searched = arrived - done;
	}
	CHECK(framing == FRAMING_STREAM || i == messages.n);
	free(messages.lengths);
	return 0;
}
