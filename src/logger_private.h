/* SPDX-License-Identifier: MIT */
/*
 * What the logger's files share: logger.c decides, logger_move.c and
 * logger_copy.c move bytes, logger_limit.c counts messages.  Nobody else includes this.
 */
#ifndef ECHO_LOGD_LOGGER_PRIVATE_H
#define ECHO_LOGD_LOGGER_PRIVATE_H

#include "logger.h"
#include "record.h"

struct logger {
	const struct config *config;
	const struct descriptors *fds;
	struct scoreboard *board;
	pid_t master_pid;
	bool was_cut_off;		/* the file was found truncated, and is written on from its new end */
	bool is_orphan;			/* the master is dead, and nobody forks another logger */
	struct record_style style;
	uint64_t offset_bytes;		/* of the file; all before it is written */
	uint64_t synced_bytes;		/* all before it is on disk, under echo_after = synced */
	struct message_count count;	/* up to offset_bytes; kept only with a message_limit */
	bool is_stream;			/* the log is stdout: it has no name, and what is in it is nobody's affair */
	bool knows_the_order;		/* ORDER_REOPEN, and has taken what waited before it */
	bool copies;			/* it takes no splice(2) */
	int copy_read, copy_write;	/* pipe for that, -1 until needed */
	int look_read, look_write;	/* pipe for looking into a batch, -1 unless needed */
	char *look_buffer;
};

/* What each step returns: STAY, or the enum logger_exit that it is time to leave with. */
#define STAY (-1)

/* logger_move.c */

/* Waits for at most NSEC (-1: for ever), until FD (-1: none) or the logger's bell is readable, or SIGUSR1. */
void logger_wait(const struct logger *l, int fd, long nsec);

/* Whether the file takes records; keeps the stall in the scoreboard and the journal up to date. */
void logger_set_stalled(struct logger *l, int error);

/* The file, or what the logger needs for it, is refused for now with ERROR: a stall.  Waits a moment. */
void logger_wait_out(struct logger *l, int error);

/* Moves the whole stage to the file, however long the file refuses. */
int logger_empty_stage(struct logger *l);

/* Moves N bytes, whole records, from the log pipe to the file. */
int logger_move(struct logger *l, size_t n);

/*
 * Whether somebody truncated the file while records were being moved to it.
 * What was written since then stays, on a line of its own.
 */
bool logger_was_cut_off(struct logger *l);

/* Whether the file system has keep_free and N bytes more; if not, that is a stall. */
bool logger_has_room(struct logger *l, size_t n);

/* logger_copy.c */

/* The log takes no splice(2); that is said once for a log. */
void logger_begin_copying(struct logger *l);

/*
 * Copies up to LEFT bytes of the stage to the log.  Returns how many, 0, or
 * -1 with errno, as splice(2) would.
 */
ssize_t logger_copy(struct logger *l, size_t left);

/* logger_limit.c */

bool logger_rotates_at_limit(const struct logger *l);
bool logger_stops_at_limit(const struct logger *l);

/*
 * Counts what the file holds, and readies what counting needs.  Returns 0,
 * or -errno: then it may be called again.
 */
int logger_prepare_counting(struct logger *l);

/*
 * How many of the next N bytes of the log pipe this file may have: up to
 * the message that fills it.  They are counted.  Returns -errno on failure.
 */
ssize_t logger_cut_at_limit(struct logger *l, size_t n);

/* Tells the next logger what is counted. */
void logger_publish_count(struct logger *l);

/* at_message_limit = stop: whether the tickets need a look before the logger may sleep. */
bool logger_minds_tickets(const struct logger *l);

/* The same, between two records, when all that has a ticket is in the file. */
int logger_settle_tickets(struct logger *l);

#endif
