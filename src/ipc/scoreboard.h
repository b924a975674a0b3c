/* SPDX-License-Identifier: MIT */
/*
 * The one piece of memory that all processes share: who serves whom, what
 * has been counted, and what master and logger ask of each other.
 *
 * Made by the master before its first fork, inherited by every child, and,
 * where there is a runtime directory, readable by tools as the file
 * "scoreboard" in it.  It is the only source of STATUS= and of every figure
 * shown to an operator.
 *
 * Each cell has one writer, named beside it; nobody ever waits for a lock.
 * Only the cells marked "atomic" are changed by several processes.  A
 * process may be killed between any two stores: whoever reads must live
 * with that, and says how.
 */
#ifndef ECHO_LOGD_SCOREBOARD_H
#define ECHO_LOGD_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/peer_name.h"

#define SCOREBOARD_MAGIC UINT64_C(0x64676f6c6f686365)	/* "echologd" in memory order */
#define SCOREBOARD_VERSION 5

enum slot_state { SLOT_FREE, SLOT_IDLE, SLOT_BUSY };

/*
 * The place of one worker at a time.  The counters continue from worker to
 * worker and are never reset.  So their sums over all slots are the totals of
 * the service, whichever process was killed.  Written by the worker in the
 * slot; by the master while there is none.
 *
 * A worker counts first what it received, then what became of it.  So at any
 * instant received >= logged + dropped + unknown, and the rest is in flight.
 */
struct slot {
	_Alignas(64) _Atomic pid_t pid;
	_Atomic uint32_t generation;		/* of the configuration that the worker has */
	_Atomic uint32_t holds_tickets;		/* see tickets.h */
	_Atomic uint64_t connection_id;		/* set before `open`, cleared after `close` */
	_Atomic uint64_t bytes_at_open;		/* received_bytes when the connection began */
	_Atomic uint64_t messages_at_open;
	char peer[PEER_NAME_SIZE];		/* valid while connection_id is not 0 */
	_Atomic uint64_t clients;
	_Atomic uint64_t received_messages;
	_Atomic uint64_t received_bytes;
	_Atomic uint64_t intended_bytes;	/* logged_bytes after the write under way */
	_Atomic uint64_t logged_bytes;		/* payload bytes in records given to the pipe */
	_Atomic uint64_t unknown_bytes;		/* master: of writes in which workers were killed */
	_Atomic uint64_t dropped_messages;
	_Atomic uint64_t dropped_bytes;
};

/*
 * Records of its own that the logger still has to write, before anything
 * else.  The master sets them while no logger lives, and only when the stage
 * pipe is empty.  So a logger that finds records pending and bytes in the
 * stage knows that its predecessor wrote these records to the stage, and
 * died before it could note that.
 */
enum pending_record {
	PENDING_TORN = 1,	/* a newline after a torn tail, and a `torn` record */
	PENDING_START = 2,	/* a `start` record */
	PENDING_LIMIT = 4,	/* a `limit` record; set by the logger itself */
};

/* What the master wants of the logger.  It stays here for the next logger if one dies. */
enum logger_order {
	ORDER_NONE,
	ORDER_REOPEN,		/* leave between two records; the master opens the file again */
	ORDER_FINISH,		/* no worker is left: leave when both pipes are empty */
};

/* See shortage.h. */
enum shortage_kind { SHORTAGE_ACCEPT, SHORTAGE_FORK, SHORTAGE_WORK, N_SHORTAGES };

/* Written by the process that met it last. */
struct shortage {
	_Atomic int32_t error;
	_Atomic uint64_t met_usec;	/* monotonic; 0: never */
};

/* How many messages the file holds up to an offset between two records. */
struct message_count {
	uint64_t offset_bytes;
	uint64_t messages;
};

/* The word before the colon says who writes the cell; "atomic": several processes do. */
struct scoreboard {
	uint64_t magic;
	uint32_t version;
	uint32_t n_slots;
	uint64_t size_bytes;
	uint32_t format;			/* master: log_format of the records in the pipes */
	_Atomic pid_t master_pid;		/* master: this and the next two are for tools */
	_Atomic pid_t logger_pid;		/* master: 0 while there is none */
	_Atomic uint64_t started_usec;		/* master: realtime of its start */
	char boot_id[33];			/* master: see boot_id.h */

	_Alignas(64)
	_Atomic uint32_t generation;		/* master: of the configuration in force, from 1 */
	_Atomic uint32_t logger_order;		/* atomic: enum logger_order */
	_Atomic uint32_t pending_records;	/* atomic: enum pending_record */
	_Atomic uint32_t wants_start;		/* master: a `start` when the stage is empty */
	_Atomic uint64_t torn_bytes;		/* master: set before PENDING_TORN */
	_Atomic uint32_t must_sync;		/* master: echo_after is, or was, synced */
	_Atomic uint32_t reopens;		/* master: how many files have become the log */

	/* How often it was asked for, and which of these requests the last answer covers. */
	_Atomic uint32_t reopens_asked;		/* master: SIGUSR1 seen */
	_Atomic uint32_t reopens_done;		/* master: log.path was opened and is in use */
	_Atomic uint32_t reloads_asked;		/* master: SIGHUP seen */
	_Atomic uint32_t reloads_done;		/* master: that reload is over */
	_Atomic uint32_t reload_refused;	/* master: set before reloads_done */
	char reload_words[256];			/* master: before that; why, or what needs more */

	_Atomic uint32_t command_line_bytes;	/* master: set last; 0: not known */
	char command_line[8192];		/* master: words with their NUL, command_line.h */
	_Atomic uint32_t log_is_copied;		/* logger: logged that; the master clears it */
	_Atomic int32_t no_logger_errno;	/* master: why no logger can be started; or 0 */

	_Alignas(64)
	_Atomic uint64_t logger_beat;		/* logger: 0 until it is up; grows each round */
	_Atomic uint64_t moved_bytes;		/* logger: all that loggers wrote to files */
	_Atomic int32_t stalled_errno;		/* logger: why the log cannot be written; or 0 */
	_Atomic uint32_t limit_reached;		/* logger: at_message_limit = stop has stopped */
	_Atomic uint32_t count_index;		/* logger: which of the two counts is newer */
	struct message_count count[2];		/* logger */
	_Atomic uint64_t round_offset_bytes;	/* logger: of the file, at the start of the round;
						   0: logger_truncation has checked it */

	_Alignas(64)
	_Atomic uint32_t round_started;		/* logger: see receipt.h */
	_Atomic uint32_t round_done;		/* logger: futex of the waiting workers */
	_Atomic uint32_t round_failed;		/* logger: the last round that failed */
	_Atomic uint32_t round_syncing;		/* logger: 1 from before a sync to its success */
	_Atomic uint32_t round_wanted;		/* atomic: highest that a worker waits for */
	_Atomic uint32_t logger_is_idle;	/* logger: 1 while its bell must be rung */

	_Alignas(64)
	_Atomic uint64_t last_id;		/* atomic: connection ids only rise */
	_Atomic uint64_t tickets;		/* atomic: see tickets.h */
	uint64_t tickets_end;			/* logger: messages in the file after the last */

	_Alignas(64)
	_Atomic int32_t idle_workers;		/* atomic: a hint; the master corrects it */
	_Atomic uint32_t master_dozes;		/* atomic: 1 while activity must ring it awake */
	struct shortage shortages[N_SHORTAGES];

	/*
	 * Then n_slots states, a byte each and apart from the slots: one look at
	 * ten thousand of them is a look at 10 KiB.  Then the slots.
	 */
	_Alignas(64) _Atomic uint8_t states[];
};

/*
 * Makes a scoreboard of N_SLOTS free slots: the file DIRECTORY/scoreboard,
 * replaced if there is one, or anonymous memory when DIRECTORY is NULL.
 * Returns its descriptor, which is not needed any more but for the fd store,
 * or the -errno of what failed.
 */
int scoreboard_create(const char *directory, unsigned n_slots, struct scoreboard **ret);

/*
 * Maps the scoreboard that FD, from the fd store, is.  All of its processes
 * are dead: nobody serves, holds tickets or waits, and each slot with a
 * connection is that of a killed worker.
 * Returns 0, or -EBADMSG when it is not one of this version.
 */
int scoreboard_adopt(int fd, struct scoreboard **ret);

/*
 * Whether the SIZE_BYTES at BOARD, of which nothing is known, are a
 * scoreboard, so that everything in it can be read.  Returns 0,
 * -EPROTONOSUPPORT when it is another version's, or -EBADMSG.
 */
int scoreboard_check(const struct scoreboard *board, uint64_t size_bytes);

/* When the number of slots changes: copies to NEW what must outlive OLD. */
void scoreboard_carry_over(struct scoreboard *new, struct scoreboard *old);

/*
 * No worker lives in SLOT any more: whether the write that it was killed in
 * came about is unknown, and what it had received beyond that is dropped.
 * May be called again if the caller was killed in the middle of it.
 */
void slot_settle_dead(struct slot *slot);

/* Slot I < n_slots. */
struct slot *scoreboard_slot(struct scoreboard *board, unsigned i);

/* The id of a connection accepted at TIME_USEC: that, or just above the last one.  Any process. */
uint64_t scoreboard_next_id(struct scoreboard *board, uint64_t time_usec);

/*
 * Sums over all slots: a moment's view, exact when nothing moves.  Always
 * received = logged + dropped + in flight + unknown, in bytes.
 */
struct totals {
	unsigned idle, busy;
	uint64_t clients;
	uint64_t received_messages, received_bytes;
	uint64_t logged_bytes;
	uint64_t in_flight_bytes;	/* in the hands of living workers */
	uint64_t unknown_bytes;
	uint64_t dropped_messages, dropped_bytes;
};
void scoreboard_totals(struct scoreboard *board, struct totals *ret_totals);

/* Adds to a cell that only the caller writes; whoever sees the sum sees what was stored before. */
static inline void cell_add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
			      memory_order_release);
}

#endif
