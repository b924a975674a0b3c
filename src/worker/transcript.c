/* SPDX-License-Identifier: MIT */
#include "worker/transcript.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "format/crc32c.h"
#include "format/record_message.h"
#include "ipc/receipt.h"
#include "ipc/tickets.h"

/*
 * A return value inside this file: the batch was discarded, and its messages are counted as
 * dropped.
 */
#define BATCH_DROPPED 1

int transcript_init(struct transcript *t, const struct config *config, struct scoreboard *board,
		    struct slot *slot, int log_write_fd, int logger_bell,
		    const volatile sig_atomic_t *stop)
{
	t->config = config;
	t->board = board;
	t->slot = slot;
	t->logger_bell = logger_bell;
	t->stop = stop;
	t->batch_size = config->when_stalled == STALL_BLOCK ? sizeof(t->batch) : RECORD_MAX;
	t->batch_len = 0;
	t->wants_receipt = false;
	record_style_init(&t->style, config->format);
	return logpipe_init(&t->pipe, config, board, log_write_fd);
}

/* What limits a wait for the log; NULL: nothing does. */
static struct stall_watch *watch_of(struct transcript *t)
{
	return t->config->when_stalled == STALL_BLOCK ? NULL : &t->pipe.watch;
}

static void count_dropped(struct transcript *t, uint64_t messages, uint64_t bytes)
{
	t->now.dropped_messages += messages;
	t->now.dropped_bytes += bytes;
	cell_add(&t->slot->dropped_messages, messages);
	cell_add(&t->slot->dropped_bytes, bytes);
}

/*
 * Discards the batch and counts its complete messages as dropped.  The caller counts the
 * message that is being added.
 */
static void drop_batch(struct transcript *t)
{
	uint64_t messages = t->now.messages - t->before.messages;
	uint64_t bytes = t->now.bytes - t->before.bytes - t->current_bytes;

	t->now = t->before;
	t->batch_len = 0;
	count_dropped(t, messages, bytes);
}

/* Returns 0, BATCH_DROPPED, -ETIMEDOUT or -errno. */
static int write_batch(struct transcript *t, bool may_wait)
{
	uint64_t bytes = t->now.bytes - t->before.bytes;
	int r;

	if (t->batch_len == 0)
		return 0;
	/* If we are killed before these bytes are counted as logged, only they become unknown. */
	atomic_store_explicit(&t->slot->intended_bytes, t->slot->logged_bytes + bytes,
			      memory_order_relaxed);
	if (!t->wants_receipt)
		t->first_round = receipt_first_round(t->board);
	crash_point("worker-before-write");
	r = logpipe_write(&t->pipe, t->batch, t->batch_len, may_wait);
	crash_point("worker-written");
	/* Not written: no byte can become unknown any more. */
	if (r < 0)
		atomic_store_explicit(&t->slot->intended_bytes, t->slot->logged_bytes,
				      memory_order_relaxed);
	if (r == -ETIMEDOUT && !t->continues_message && t->config->when_stalled == STALL_DROP) {
		drop_batch(t);
		return BATCH_DROPPED;
	}
	if (r < 0)
		return r;
	cell_add(&t->slot->logged_bytes, bytes);
	t->batch_len = 0;
	t->wants_receipt = t->config->echo_after != ECHO_AFTER_QUEUED;
	return 0;
}

/* Returns where to add the next record; at the start of a batch, saves the state before it. */
static char *batch_end(struct transcript *t, bool continues_message)
{
	if (t->batch_len == 0) {
		t->before = t->now;
		t->continues_message = continues_message;
	}
	t->head.n = t->now.n;
	return t->batch + t->batch_len;
}

/* Counts an event record of LEN bytes at the end of the batch; LEN is 0 for FORMAT_RAW. */
static void add_event(struct transcript *t, size_t len)
{
	t->batch_len += len;
	if (len > 0)
		t->now.n++;
}

/* The maximum size of the next record: a record must not cross a page boundary. */
static size_t room_in_page(const struct transcript *t)
{
	return t->batch_len < t->batch_size ? RECORD_MAX - t->batch_len % RECORD_MAX : 0;
}

static int make_room_for_event(struct transcript *t, bool may_wait)
{
	return room_in_page(t) < RECORD_EVENT_MAX ? write_batch(t, may_wait) : 0;
}

/* Adds the records `open` and `dropped` if they could not be written earlier. */
static int add_delayed_events(struct transcript *t, bool may_wait)
{
	int r;

	if (t->now.owes_open) {
		uint64_t time_usec = t->head.time_usec;

		t->head.time_usec = t->opened_usec;
		add_event(t, record_open(&t->style, batch_end(t, false), &t->head));
		t->head.time_usec = time_usec;
		t->now.owes_open = false;
	}
	if (t->now.dropped_messages == 0)
		return 0;
	r = make_room_for_event(t, may_wait);
	if (r != 0)
		return r;
	add_event(t, record_dropped(&t->style, batch_end(t, false), &t->head,
				    t->now.dropped_messages, t->now.dropped_bytes));
	t->now.dropped_messages = t->now.dropped_bytes = 0;
	return 0;
}

int transcript_open(struct transcript *t, uint64_t time_usec, const char *peer)
{
	uint64_t id = scoreboard_next_id(t->board, time_usec);
	int r;

	snprintf(t->slot->peer, sizeof(t->slot->peer), "%s", peer);
	atomic_store_explicit(&t->slot->bytes_at_open, t->slot->received_bytes,
			      memory_order_relaxed);
	atomic_store_explicit(&t->slot->messages_at_open, t->slot->received_messages,
			      memory_order_relaxed);
	atomic_store_explicit(&t->slot->connection_id, id, memory_order_release);
	crash_point("worker-before-open");
	t->head = (struct record_head){.time_usec = time_usec, .id = id, .peer = t->slot->peer};
	t->opened_usec = time_usec;
	t->now = (struct transcript_state){.owes_open = true};
	t->current_bytes = 0;
	r = add_delayed_events(t, false);
	if (r == 0)
		r = write_batch(t, false);
	/* No echo depends on `open`, so it needs no receipt. */
	t->wants_receipt = false;
	return r == BATCH_DROPPED ? 0 : r;
}

static int hold_tickets(struct transcript *t)
{
	int r = tickets_hold(t->board, t->slot, watch_of(t), t->stop);

	crash_point("worker-holds-tickets");
	return r;
}

/*
 * Returns 0 with a ticket; -ENOSPC if none is left; -ETIMEDOUT or -ECANCELED of tickets_hold();
 * or an error of write_batch().
 */
static int take_ticket(struct transcript *t)
{
	int r = 0;

	/* The worker holds tickets from the first message of a batch until the batch is written. */
	if (!tickets_are_held(t->slot))
		r = hold_tickets(t);
	while (r == 0 && (r = tickets_take(t->board)) == -EAGAIN) {
		r = write_batch(t, false);
		if (r < 0)
			return r;
		tickets_release(t->slot);
		r = hold_tickets(t);
	}
	return r;
}

/* Returns 0, BATCH_DROPPED if no piece was queued, or an error. */
static int add_pieces(struct transcript *t, const uint8_t *data, size_t len)
{
	bool is_first = true;

	while (len > 0) {
		char *place = batch_end(t, !is_first);
		size_t room = room_in_page(t), taken, n = 0;

		if (room > 0)
			n = record_message(&t->style, place, room, &t->head, data, len, &taken);
		if (n == 0) {
			int r = write_batch(t, false);

			if (r != 0)
				return r;
			continue;
		}
		t->batch_len += n;
		t->now.n++;
		/* FORMAT_RAW has no `close` record that needs the checksum. */
		if (t->config->format != FORMAT_RAW)
			t->now.crc = crc32c(t->now.crc, data, taken);
		t->now.bytes += taken;
		t->current_bytes += taken;
		data += taken;
		len -= taken;
		is_first = false;
	}
	t->now.messages++;
	return 0;
}

int transcript_message(struct transcript *t, uint64_t time_usec, const void *data, size_t len)
{
	int r;

	t->head.time_usec = time_usec;
	r = take_ticket(t);
	if (r == -ENOSPC ||
	    (r == -ETIMEDOUT && t->batch_len == 0 && t->config->when_stalled == STALL_DROP)) {
		count_dropped(t, 1, len);
		return 0;
	}
	if (r < 0)
		return r;
	r = add_delayed_events(t, false);
	if (r == 0)
		r = add_pieces(t, data, len);
	t->current_bytes = 0;
	if (r == BATCH_DROPPED) {
		count_dropped(t, 1, len);
		r = 0;
	}
	return r;
}

int transcript_commit(struct transcript *t)
{
	int r = write_batch(t, false);

	tickets_release(t->slot);
	if (r < 0 || !t->wants_receipt)
		return r < 0 ? r : 0;
	t->wants_receipt = false;
	return receipt_wait(t->board, t->logger_bell, t->first_round, watch_of(t));
}

int transcript_close(struct transcript *t, uint64_t time_usec, enum close_reason reason)
{
	int r;

	t->head.time_usec = time_usec;
	r = add_delayed_events(t, true);
	if (r == 0)
		r = make_room_for_event(t, true);
	if (r < 0)
		return r;
	add_event(t, record_close(&t->style, batch_end(t, false), &t->head, reason,
				  t->now.messages, t->now.bytes, t->now.crc));
	r = write_batch(t, true);
	tickets_release(t->slot);
	crash_point("worker-closed");
	if (r == 0)
		atomic_store_explicit(&t->slot->connection_id, 0, memory_order_release);
	return r;
}

int transcript_close_killed(struct transcript *t, uint64_t time_usec)
{
	struct record_head head = {.time_usec = time_usec, .n = RECORD_NO_NUMBER,
				   .peer = t->slot->peer};
	int r = 0;

	head.id = atomic_load_explicit(&t->slot->connection_id, memory_order_acquire);
	if (head.id == 0)
		return 0;
	t->batch_len = record_close(&t->style, t->batch, &head, CLOSE_KILLED, 0, 0, 0);
	if (t->batch_len > 0)
		r = logpipe_write(&t->pipe, t->batch, t->batch_len, true);
	crash_point("worker-close-killed-written");
	t->batch_len = 0;
	if (r == 0)
		atomic_store_explicit(&t->slot->connection_id, 0, memory_order_release);
	return r;
}
