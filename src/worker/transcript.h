/* SPDX-License-Identifier: MIT */
/*
 * The log records of one connection: numbers the records, keeps the totals,
 * and writes the records to the log pipe.  Called by workers only.
 *
 * Records are collected in a batch of pages; each page has RECORD_MAX bytes
 * of whole records, and the last may be shorter.  Every record arrives in the
 * pipe complete (logpipe.h).  The worker must not echo a message before
 * transcript_commit() has returned 0.
 *
 * Each function returns 0, or
 *   -ETIMEDOUT  the log is stalled and when_stalled = close, or the rest of a
 *               message cannot be written after a part of it was: the worker
 *               must disconnect the client without an echo;
 *   -ECANCELED  transcript_message() only: *STOP was set while the message
 *               waited for a ticket (tickets.h); it is neither logged nor
 *               counted, and the worker must disconnect the client;
 *   -EIO        transcript_commit() only: the round failed, and the worker
 *               must disconnect the client without an echo;
 *   -errno      of write(2) to the pipe: the worker must exit.
 * With when_stalled = drop, messages that cannot be written are counted as
 * dropped, and a `dropped` record has their count when the log can be
 * written again.
 */
#ifndef ECHO_LOGD_TRANSCRIPT_H
#define ECHO_LOGD_TRANSCRIPT_H

#include <signal.h>
#include <stdbool.h>

#include "config/config.h"
#include "format/record.h"
#include "ipc/scoreboard.h"
#include "worker/logpipe.h"

/* One read of a worker, 64 KiB of text, fills about 17 pages. */
#define TRANSCRIPT_PAGES 16

/* The state on which the next record depends; restored if a batch is discarded. */
struct transcript_state {
	uint64_t n;			/* number of the next record */
	uint64_t messages;		/* complete messages in records */
	uint64_t bytes;			/* payload bytes in records */
	uint32_t crc;			/* of these bytes */
	bool owes_open;			/* `open` is not written yet */
	uint64_t dropped_messages;	/* not yet in a `dropped` record */
	uint64_t dropped_bytes;
};

struct transcript {
	const struct config *config;
	struct scoreboard *board;
	struct slot *slot;
	int logger_bell;
	const volatile sig_atomic_t *stop;
	struct logpipe pipe;
	struct record_style style;

	struct record_head head;	/* head.n is filled in from `now`; head.peer: slot->peer */
	uint64_t opened_usec;
	struct transcript_state now;

	/* The batch: the records of the next write. */
	size_t batch_size;		/* one page if the batch may be dropped, else all */
	size_t batch_len;
	struct transcript_state before;	/* state before the batch */
	bool continues_message;		/* the batch begins with a later piece of a message */
	bool wants_receipt;		/* records were written since the last receipt */
	uint32_t first_round;		/* that can have taken the first of these */
	uint64_t current_bytes;		/* payload added so far of the current message */
	/* Last, so that a small batch uses the same memory page as the members above. */
	char batch[TRANSCRIPT_PAGES * RECORD_MAX];
};

/*
 * Call it once in each worker, before all others.  The descriptors
 * LOG_WRITE_FD and LOGGER_BELL stay the caller's.  A signal handler sets *STOP,
 * which must outlive T, when the worker must exit.  Returns 0, or the -errno
 * of logpipe_init().
 */
int transcript_init(struct transcript *t, const struct config *config, struct scoreboard *board,
		    struct slot *slot, int log_write_fd, int logger_bell,
		    const volatile sig_atomic_t *stop);

/*
 * Begins a connection: assigns an id, fills in the slot, writes `open`.  PEER is copied.  All
 * times are realtime.
 */
int transcript_open(struct transcript *t, uint64_t time_usec, const char *peer);

/* Adds one message of LEN > 0 bytes, received at TIME_USEC. */
int transcript_message(struct transcript *t, uint64_t time_usec, const void *data, size_t len);

/* Writes the batch, and waits for the receipt if echo_after is written or synced. */
int transcript_commit(struct transcript *t);

/*
 * Ends the connection: writes the batch and `close`, and clears the
 * connection in the slot.  It waits while the log is stalled, even if
 * when_stalled is not block; disconnect the client first in that case.
 */
int transcript_close(struct transcript *t, uint64_t time_usec, enum close_reason reason);

/*
 * Called when a worker starts, before it accepts: if the last worker in this
 * slot was killed during a connection, writes `close killed` for it and clears
 * that connection.
 */
int transcript_close_killed(struct transcript *t, uint64_t time_usec);

#endif
