/* SPDX-License-Identifier: MIT */
#include "transcript.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "tickets.h"

void transcript_init(struct transcript *t, const struct config *config, struct scoreboard *board,
		     struct slot *slot, int log_write_fd)
{
	t->config = config;
	t->board = board;
	t->slot = slot;
	t->log_write_fd = log_write_fd;
	t->batch_len = 0;
	t->batch_payload_bytes = 0;
	record_style_init(&t->style, config->format);
}

static bool needs_tickets(const struct transcript *t)
{
	return t->config->message_limit > 0 && t->config->at_message_limit == LIMIT_STOP;
}

static int write_batch(struct transcript *t)
{
	ssize_t n;

	if (t->batch_len == 0)
		return 0;
	/* A signal must never make a record wait for an echo that has gone out already. */
	do {
		n = write(t->log_write_fd, t->batch, t->batch_len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	cell_add(&t->slot->logged_bytes, t->batch_payload_bytes);
	t->batch_len = 0;
	t->batch_payload_bytes = 0;
	return 0;
}

int transcript_flush(struct transcript *t)
{
	int r = write_batch(t);

	if (r == 0 && needs_tickets(t))
		tickets_release(t->slot);
	return r;
}

static int make_room_for_event(struct transcript *t)
{
	return t->batch_len + RECORD_EVENT_MAX > sizeof(t->batch) ? write_batch(t) : 0;
}

/* An event of LEN bytes was rendered at the end of the batch; none under FORMAT_RAW. */
static void add_event(struct transcript *t, size_t len)
{
	t->batch_len += len;
	if (len > 0)
		t->head.n++;
}

int transcript_open(struct transcript *t, uint64_t time_usec, const char *peer)
{
	uint64_t id = scoreboard_next_id(t->board, time_usec);

	snprintf(t->slot->peer, sizeof(t->slot->peer), "%s", peer);
	atomic_store_explicit(&t->slot->connection_id, id, memory_order_release);
	t->head = (struct record_head){.time_usec = time_usec, .id = id, .peer = t->slot->peer};
	t->messages = t->bytes = t->dropped_messages = t->dropped_bytes = 0;
	t->crc = 0;
	add_event(t, record_open(&t->style, t->batch, &t->head));
	return transcript_flush(t);
}

/* Returns 0 with a ticket, -ENOSPC without. */
static int take_ticket(struct transcript *t)
{
	int r;

	/* Holding lasts from the first ticket of a batch to the write of that batch. */
	if (!atomic_load_explicit(&t->slot->holds_tickets, memory_order_relaxed))
		tickets_hold(t->board, t->slot);
	while ((r = tickets_take(t->board)) == -EAGAIN) {
		r = transcript_flush(t);
		if (r < 0)
			return r;
		tickets_hold(t->board, t->slot);
	}
	return r;
}

static int tell_dropped(struct transcript *t)
{
	int r;

	if (t->dropped_messages == 0)
		return 0;
	r = make_room_for_event(t);
	if (r < 0)
		return r;
	add_event(t, record_dropped(&t->style, t->batch + t->batch_len, &t->head,
				    t->dropped_messages, t->dropped_bytes));
	t->dropped_messages = t->dropped_bytes = 0;
	return 0;
}

static void drop(struct transcript *t, size_t len)
{
	t->dropped_messages++;
	t->dropped_bytes += len;
	cell_add(&t->slot->dropped_messages, 1);
	cell_add(&t->slot->dropped_bytes, len);
}

static int add_pieces(struct transcript *t, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t taken, n;

		n = record_message(&t->style, t->batch + t->batch_len,
				   sizeof(t->batch) - t->batch_len, &t->head, data, len, &taken);
		if (n == 0) {
			int r = write_batch(t);

			if (r < 0)
				return r;
			continue;
		}
		t->batch_len += n;
		t->batch_payload_bytes += taken;
		t->head.n++;
		data += taken;
		len -= taken;
	}
	return 0;
}

int transcript_message(struct transcript *t, uint64_t time_usec, const void *data, size_t len)
{
	int r;

	t->head.time_usec = time_usec;
	if (needs_tickets(t)) {
		r = take_ticket(t);
		if (r == -ENOSPC) {
			drop(t, len);
			return 0;
		}
		if (r < 0)
			return r;
	}
	r = tell_dropped(t);
	if (r < 0)
		return r;
	t->messages++;
	t->bytes += len;
	t->crc = crc32c(t->crc, data, len);
	return add_pieces(t, data, len);
}

int transcript_close(struct transcript *t, uint64_t time_usec, enum close_reason reason)
{
	int r;

	t->head.time_usec = time_usec;
	r = tell_dropped(t);
	if (r == 0)
		r = make_room_for_event(t);
	if (r < 0)
		return r;
	add_event(t, record_close(&t->style, t->batch + t->batch_len, &t->head, reason,
				  t->messages, t->bytes, t->crc));
	r = transcript_flush(t);
	if (r == 0)
		atomic_store_explicit(&t->slot->connection_id, 0, memory_order_release);
	return r;
}

int transcript_obituary(struct transcript *t, uint64_t time_usec)
{
	struct record_head head = {.time_usec = time_usec, .n = RECORD_NO_NUMBER,
				   .peer = t->slot->peer};
	int r;

	head.id = atomic_load_explicit(&t->slot->connection_id, memory_order_acquire);
	if (head.id == 0)
		return 0;
	t->batch_len = record_close(&t->style, t->batch, &head, CLOSE_KILLED, 0, 0, 0);
	r = transcript_flush(t);
	if (r == 0)
		atomic_store_explicit(&t->slot->connection_id, 0, memory_order_release);
	return r;
}
