/* SPDX-License-Identifier: MIT */
/*
 * What the log says of one connection: numbers its records, keeps its
 * totals, and gives them to the log pipe.  Called by workers only.
 *
 * Records gather in a batch of at most RECORD_MAX bytes, which is one
 * write(2): never interleaved with another worker's (pipe(7)), and never
 * half there when a process is killed.  Nothing is in the pipe before
 * transcript_flush() has returned 0: only then may the client see an echo.
 *
 * Each function returns 0, or the -errno of writing to the pipe, after
 * which the worker cannot go on.  Writing blocks while the pipe is full.
 */
#ifndef ECHO_LOGD_TRANSCRIPT_H
#define ECHO_LOGD_TRANSCRIPT_H

#include "config.h"
#include "record.h"
#include "scoreboard.h"

struct transcript {
	const struct config *config;
	struct scoreboard *board;
	struct slot *slot;
	int log_write_fd;
	struct record_style style;

	/* the connection */
	struct record_head head;	/* head.n: of the next record; head.peer: slot->peer */
	uint64_t messages;
	uint64_t bytes;			/* payload bytes in records */
	uint32_t crc;
	uint64_t dropped_messages;	/* not yet told by a record */
	uint64_t dropped_bytes;

	/* the write in the making */
	char batch[RECORD_MAX];
	size_t batch_len;
	uint64_t batch_payload_bytes;
};

void transcript_init(struct transcript *t, const struct config *config, struct scoreboard *board,
		     struct slot *slot, int log_write_fd);

/* A connection begins: takes an id, fills the slot, writes `open`. */
int transcript_open(struct transcript *t, uint64_t time_usec, const char *peer);

/* Adds one message of LEN > 0 bytes, received at TIME_USEC. */
int transcript_message(struct transcript *t, uint64_t time_usec, const void *data, size_t len);

/* Writes what has gathered. */
int transcript_flush(struct transcript *t);

/* The connection ends: writes what has gathered and `close`, and empties the slot. */
int transcript_close(struct transcript *t, uint64_t time_usec, enum close_reason reason);

/* Writes `close killed` for the connection that an earlier worker in this slot left behind, if any. */
int transcript_obituary(struct transcript *t, uint64_t time_usec);

#endif
