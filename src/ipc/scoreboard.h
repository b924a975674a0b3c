/* SPDX-License-Identifier: MIT */
/*
 * The memory that all processes share: the state of each worker and its
 * connection, the counters, and the requests between master and logger.
 *
 * The master creates it before its first fork, and every child inherits it.
 * If there is a runtime directory, tools can read it as the file "scoreboard"
 * in that directory.  STATUS= and all figures that an operator sees come from
 * here.
 *
 * There are no locks.  Each cell has one writer, named beside it; several
 * processes write only the cells marked "atomic".  A process may be killed
 * between any two stores, so every reader must handle such a state, and its
 * comment says how.
 */
#ifndef ECHO_LOGD_SCOREBOARD_H
#define ECHO_LOGD_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/peer_name.h"
#include "format/parse.h"
#include "format/record.h"

#define SCOREBOARD_MAGIC UINT64_C(0x64676f6c6f686365)	/* "echologd" in memory order */
#define SCOREBOARD_VERSION 6

enum slot_state {
	SLOT_FREE,
	SLOT_IDLE,		/* waits for a client, or will soon: it was just forked */
	SLOT_BUSY,		/* serves a client */
	SLOT_CLOSING,		/* writes `close killed`, and may wait for the log meanwhile */
};

/*
 * The data of one worker.  The worker in the slot writes it; the master
 * writes it while the slot has no worker.  The next worker in the slot
 * continues the counters, which are never reset, so their sums over all slots
 * are the totals of the service even if workers are killed.
 *
 * A worker counts bytes as received before it counts them as logged or
 * dropped.  So received >= logged + dropped + unknown at any time, and the
 * difference is in flight.
 */
struct slot {
	_Alignas(64) _Atomic pid_t pid;
	_Atomic uint32_t generation;		/* of the configuration that the worker uses */
	_Atomic uint32_t holds_tickets;		/* see tickets.h */
	_Atomic uint64_t connection_id;		/* set before `open` is written, 0 after `close` */
	_Atomic uint64_t bytes_at_open;		/* received_bytes when the connection began */
	_Atomic uint64_t messages_at_open;
	char peer[PEER_NAME_SIZE];		/* valid while connection_id is not 0 */
	_Atomic uint64_t clients;
	_Atomic uint64_t received_messages;
	_Atomic uint64_t received_bytes;
	_Atomic uint64_t intended_bytes;	/* logged_bytes after the write under way */
	_Atomic uint64_t logged_bytes;		/* payload bytes in records given to the pipe */
	_Atomic uint64_t unknown_bytes;		/* master: of writes during which a worker died */
	_Atomic uint64_t dropped_messages;
	_Atomic uint64_t dropped_bytes;
};

/*
 * The logger's own records that it must write before all others.  The master
 * sets these bits while no logger runs, and only if the stage pipe is empty.
 * So if a new logger finds records pending and bytes in the stage, its
 * predecessor wrote the records to the stage and died before it cleared the
 * bits.
 */
enum pending_record {
	PENDING_TORN = 1,	/* a newline after a torn tail, and a `torn` record */
	PENDING_START = 2,	/* a `start` record */
	PENDING_LIMIT = 4,	/* a `limit` record; set by the logger itself */
};

/* An order of the master to the logger.  If the logger dies, the next one finds it here. */
enum logger_order {
	ORDER_NONE,
	ORDER_REOPEN,		/* exit between two records; the master reopens the file */
	ORDER_FINISH,		/* no worker is left: exit when both pipes are empty */
};

/* See shortage.h. */
enum shortage_kind { SHORTAGE_ACCEPT, SHORTAGE_FORK, SHORTAGE_WORK, N_SHORTAGES };

/* Written by the process that ran short last. */
struct shortage {
	_Atomic int32_t error;		/* an errno */
	_Atomic uint64_t met_usec;	/* monotonic; 0: never */
};

/* What the file holds before offset_bytes, which is between two records. */
struct message_count {
	uint64_t offset_bytes;
	struct parse_counts has;
};

/* See half_record.h. */
struct half_record {
	_Atomic uint32_t bytes;		/* of the text; 0: there is none; set last */
	_Atomic uint32_t is_begun;	/* the file in use has a part of it */
	uint64_t offset_bytes;		/* where that part begins; set before is_begun */
	char text[RECORD_MAX];
};

/* The word before the colon is the writer of the cell; "atomic": several processes. */
struct scoreboard {
	uint64_t magic;
	uint32_t version;
	uint32_t n_slots;
	uint64_t size_bytes;
	uint32_t format;			/* master: enum log_format of records in pipes */
	_Atomic pid_t master_pid;		/* master: for tools, like the next two */
	_Atomic pid_t logger_pid;		/* master: 0 while there is none */
	_Atomic uint64_t started_usec;		/* master: realtime of its start */
	char boot_id[33];			/* master: see boot_id.h */

	_Alignas(64)
	_Atomic uint32_t generation;		/* master: of the current configuration, from 1 */
	_Atomic uint32_t logger_order;		/* atomic: enum logger_order */
	_Atomic uint32_t pending_records;	/* atomic: enum pending_record */
	_Atomic uint32_t wants_start;		/* master: a `start` when the stage is empty */
	_Atomic uint64_t torn_bytes;		/* master: set before PENDING_TORN */
	_Atomic uint32_t must_sync;		/* master: echo_after is, or was, synced */
	_Atomic uint32_t reopens;		/* master: number of files opened as the log */

	/* asked: the number of requests.  done: the value of asked when the last one began. */
	_Atomic uint32_t reopens_asked;		/* master: SIGUSR1 received */
	_Atomic uint32_t reopens_done;		/* master: set when the opened file is in use */
	_Atomic uint32_t reloads_asked;		/* master: SIGHUP received */
	_Atomic uint32_t reloads_done;		/* master: set when the reload is over */
	_Atomic uint32_t reload_refused;	/* master: set before reloads_done */
	char reload_words[256];			/* master: set before reload_refused: the reason, or
						   which changes have no effect yet */

	_Atomic uint32_t command_line_bytes;	/* master: set last; 0: none is stored */
	char command_line[8192];		/* master: NUL-terminated words, command_line.h */
	_Atomic uint32_t log_is_copied;		/* logger: has logged it; the master clears it */
	_Atomic int32_t no_logger_errno;	/* master: why no logger can start, or 0 */

	_Alignas(64)
	_Atomic uint64_t logger_beat;		/* logger: 0 until it runs; grows each round */
	_Atomic uint64_t moved_bytes;		/* logger: total that loggers wrote to files */
	_Atomic int32_t stalled_errno;		/* logger: why the log cannot be written, or 0 */
	_Atomic uint32_t limit_reached;		/* logger: 1 if at_message_limit = stop applies;
						   the master clears it, see tickets.h */
	_Atomic uint32_t count_index;		/* logger: index of the newer count */
	struct message_count count[2];		/* logger */
	_Atomic uint64_t round_offset_bytes;	/* logger: file offset at the start of the round;
						   0: logger_truncation has checked the round */

	_Alignas(64)
	_Atomic uint32_t round_started;		/* logger: see receipt.h */
	_Atomic uint32_t round_done;		/* logger: futex of the waiting workers */
	_Atomic uint32_t round_failed;		/* logger: the last round that failed */
	_Atomic uint32_t round_syncing;		/* logger: 1 from before a sync to its success */
	_Atomic uint32_t round_wanted;		/* atomic: latest round that a worker waits for */
	_Atomic uint32_t logger_is_idle;	/* logger: 1 while a worker must ring its bell */

	_Alignas(64)
	_Atomic uint64_t last_id;		/* atomic: connection ids always increase */

	_Alignas(64)
	_Atomic uint64_t tickets;		/* atomic: see tickets.h; read for each message */
	uint64_t tickets_end;			/* logger: messages in the file after the last */

	_Alignas(64)
	struct half_record half_record;		/* logger; master while no logger runs */

	_Alignas(64)
	_Atomic uint32_t master_dozes;		/* atomic: 1: activity must ring the doorbell */
	struct shortage shortages[N_SHORTAGES];

	/*
	 * n_slots states, followed by n_slots slots.  The states are apart from the slots so
	 * that reading all of them is fast: 10,000 states are 10 KB.
	 */
	_Alignas(64) _Atomic uint8_t states[];
};

/*
 * Master: creates a scoreboard of N_SLOTS free slots.  It is the file
 * DIRECTORY/scoreboard, which replaces an existing one, or a memfd if
 * DIRECTORY is NULL.  Returns its descriptor or -errno.  The caller owns the
 * descriptor, and needs it only for the fd store.
 */
int scoreboard_create(const char *directory, unsigned n_slots, struct scoreboard **ret);

/*
 * Master: maps the scoreboard FD from the fd store.  All its processes are
 * dead, so every slot becomes free, and a slot that has a connection belongs
 * to a killed worker.  FD stays the caller's.  Returns 0, -EBADMSG if FD is
 * not a scoreboard of this version, or the -errno of mmap(2).
 */
int scoreboard_adopt(int fd, struct scoreboard **ret);

/*
 * Checks that the SIZE_BYTES at BOARD, which may be any data, are a complete
 * scoreboard, so that every cell can be read.  Returns 0, -EPROTONOSUPPORT if
 * another version wrote it, or -EBADMSG.
 */
int scoreboard_check(const struct scoreboard *board, uint64_t size_bytes);

/* Master, if the number of slots changes: copies what must survive from OLD to NEW. */
void scoreboard_carry_over(struct scoreboard *new, struct scoreboard *old);

/*
 * Master, when the worker of SLOT is dead: counts the bytes in flight.  Those
 * of a write during which it was killed become unknown, as the write may or
 * may not have succeeded; all others become dropped.  If the master is killed
 * during the call, it can be repeated.
 */
void slot_settle_dead(struct slot *slot);

/* Returns slot I, which must be less than n_slots. */
struct slot *scoreboard_slot(struct scoreboard *board, unsigned i);

/*
 * Worker: marks slot SELF as busy.  Returns whether fewer than LOW workers are idle now.  If two
 * workers call it at the same time, the later one counts both.
 */
bool scoreboard_set_busy(struct scoreboard *board, unsigned self, unsigned low);

/*
 * Worker: returns a new id for a connection accepted at TIME_USEC, realtime: TIME_USEC, or the
 * last id plus one if that is greater.  An id has 52 bits, which are enough until the year 2112;
 * a clock that shows a time after 2103 is not used.
 */
uint64_t scoreboard_next_id(struct scoreboard *board, uint64_t time_usec);

/*
 * Master: ids continue after ID, which is in the log.  An id that no clock before the year 2103
 * can have made is ignored: ids after it would soon have more than 52 bits.  The ids that follow
 * are then smaller, but still new.
 */
void scoreboard_note_id(struct scoreboard *board, uint64_t id);

/*
 * Sums over all slots.  They are exact only while no worker is active, but
 * received = logged + dropped + in flight + unknown is always true, in bytes.
 */
struct totals {
	unsigned idle, busy;
	uint64_t clients;
	uint64_t received_messages, received_bytes;
	uint64_t logged_bytes;
	uint64_t in_flight_bytes;	/* received by living workers, not yet logged or dropped */
	uint64_t unknown_bytes;
	uint64_t dropped_messages, dropped_bytes;
};
void scoreboard_totals(struct scoreboard *board, struct totals *ret_totals);

/*
 * Adds N to a cell that only the caller writes.  A process that reads the new value with
 * acquire order also sees everything that was stored before.
 */
static inline void cell_add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
			      memory_order_release);
}

#endif
