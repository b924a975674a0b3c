/* SPDX-License-Identifier: MIT */
/*
 * What the log says of one connection: numbers its records, keeps its
 * totals, and gives them to the log pipe.  Called by workers only.
 *
 * Records gather in a batch of pages, each RECORD_MAX bytes of whole records;
 * the last may be shorter.  What is written is never interleaved with
 * another worker's in the middle of a record, and no record is half there
 * when a process is killed (logpipe.h).  Only after transcript_commit() has
 * returned 0 may the client see an echo.
 *
 * Each function returns 0, or
 *   -ETIMEDOUT  the log is stalled and when_stalled = close, or a piece of a
 *               message is queued already and the rest cannot be: the client
 *               is to be closed without its echo;
 *   -EIO        transcript_commit() only: no receipt, the same is to be done;
 *   -errno      of writing to the pipe: the worker cannot go on.
 * Under when_stalled = drop, what cannot be written is counted instead, and
 * the count is told by a record when the log moves again.
 */
#ifndef ECHO_LOGD_TRANSCRIPT_H
#define ECHO_LOGD_TRANSCRIPT_H

#include <stdbool.h>

#include "config/config.h"
#include "format/record.h"
#include "ipc/scoreboard.h"
#include "worker/logpipe.h"

/* What a worker reads at once, 64 KiB of text, is some 17 of them. */
#define TRANSCRIPT_PAGES 16

/* What a connection's next record depends on; put back when a batch is not written. */
struct transcript_state {
	uint64_t n;			/* of the next record */
	uint64_t messages;		/* whole, in records */
	uint64_t bytes;			/* payload, in records */
	uint32_t crc;			/* of those */
	bool owes_open;			/* `open` is not written yet */
	uint64_t dropped_messages;	/* not yet told by a record */
	uint64_t dropped_bytes;
};

struct transcript {
	const struct config *config;
	struct scoreboard *board;
	struct slot *slot;
	int logger_bell;
	struct logpipe pipe;
	struct record_style style;

	struct record_head head;	/* head.n is filled in from `now`; head.peer: slot->peer */
	uint64_t opened_usec;
	struct transcript_state now;

	/* the write in the making */
	size_t batch_size;		/* of `batch`; one page if a write may be given up */
	size_t batch_len;
	struct transcript_state before;	/* the batch */
	bool continues_message;		/* it begins with a later piece of a message */
	bool wants_receipt;		/* something was written that no receipt covers yet */
	uint64_t current_bytes;		/* payload of the message that is being added, so far */
	/* Last, so that a few lines touch no page but that of what stands before. */
	char batch[TRANSCRIPT_PAGES * RECORD_MAX];
};

/*
 * Returns 0 or -errno.  LOG_WRITE_FD and LOGGER_BELL stay the caller's; there is one transcript
 * for each process.
 */
int transcript_init(struct transcript *t, const struct config *config, struct scoreboard *board,
		    struct slot *slot, int log_write_fd, int logger_bell);

/* A connection begins: takes an id, fills the slot, writes `open`. */
int transcript_open(struct transcript *t, uint64_t time_usec, const char *peer);

/* Adds one message of LEN > 0 bytes, received at TIME_USEC. */
int transcript_message(struct transcript *t, uint64_t time_usec, const void *data, size_t len);

/* Writes what has gathered, and waits for what echo_after asks for. */
int transcript_commit(struct transcript *t);

/*
 * The connection ends: writes what has gathered and `close`, and empties
 * the slot.  Waits for a stalled log, so the client should be gone by then.
 */
int transcript_close(struct transcript *t, uint64_t time_usec, enum close_reason reason);

/*
 * Writes `close killed` for the connection that an earlier worker in this slot left
 * behind, if any.
 */
int transcript_close_killed(struct transcript *t, uint64_t time_usec);

#endif
