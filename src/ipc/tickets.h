/* SPDX-License-Identifier: MIT */
/*
 * Tickets: with `at_message_limit = stop`, they ensure that workers together
 * save exactly message_limit messages in a file.
 *
 * The counter in the scoreboard says whether there is a limit, and how many
 * tickets are left.  The master decides for each logger, before it is forked,
 * whether there is a limit; workers look at the counter alone, and not at their
 * configuration.  So a reload binds connected clients too.
 *
 * Under a limit a worker takes a ticket for each message before it writes the
 * records to the pipe.  If there is none, the message is echoed and counted as
 * dropped.  While the logger changes files, and after a limit was introduced,
 * the counter is closed: workers that have a message wait, workers that hold
 * tickets finish, and only when their records are in the old file the logger
 * issues new tickets.
 *
 * The ticket of a killed worker is lost, so a file may have fewer messages
 * than the limit, but never more.
 *
 * Model: doc/model/tickets.pml.
 */
#ifndef ECHO_LOGD_TICKETS_H
#define ECHO_LOGD_TICKETS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipc/scoreboard.h"
#include "ipc/stall.h"

/*
 * Worker: marks SLOT as holding tickets.  Call it before the first message of a write, also
 * when there is no limit: the logger must know of every write that began before a limit came.
 * Waits while the counter is closed.  Returns 0; -ETIMEDOUT if the log is stalled by WATCH,
 * which may be NULL; or -ECANCELED if *STOP, set by a signal handler, has been true for half a
 * second.  After an error the worker holds no tickets.
 */
int tickets_hold(struct scoreboard *board, struct slot *slot, struct stall_watch *watch,
		 const volatile sig_atomic_t *stop);

/*
 * Worker, after tickets_hold(): takes one ticket.  Returns 0, also if there is no limit;
 * -ENOSPC if none is left, so that the message must not be saved; -EAGAIN if the counter was
 * closed.  After -EAGAIN, write the messages that have a ticket, then call
 * tickets_release() and tickets_hold() again.
 */
int tickets_take(struct scoreboard *board);

/* Worker: ends the holding, after the records of all taken tickets are in the pipe. */
void tickets_release(struct slot *slot);

/* Worker: whether SLOT holds tickets. */
bool tickets_are_held(const struct slot *slot);

/*
 * Master: the next logger has a limit, and issues the tickets.  If there was none before, the
 * counter is closed until then; a logger that runs leaves when no worker holds tickets.
 */
void tickets_begin_limit(struct scoreboard *board);

/*
 * Master, while no logger runs: the next logger has no limit.  Every message may be saved from
 * now on, and nobody waits any more.
 */
void tickets_end_limit(struct scoreboard *board);

/* Logger, or master before the first fork: workers wait until the master or logger acts again. */
void tickets_close(struct scoreboard *board);

/* Logger: whether the counter is closed. */
bool tickets_are_closed(struct scoreboard *board);

/* Logger: whether the counter is open, there is a limit, and the last ticket is taken. */
bool tickets_are_spent(struct scoreboard *board);

/*
 * Logger: whether no worker holds tickets, so that every record with a ticket
 * is in the pipe or the file.  The answer stays true only while the counter
 * is closed or spent.
 */
bool tickets_none_held(struct scoreboard *board);

/*
 * Logger: the number of messages in this file, as far as they were saved under a limit.  The
 * counter must be closed and no worker may hold tickets.
 */
uint64_t tickets_used(struct scoreboard *board);

/* Logger: opens the counter for a file that has USED messages; LIMIT is its maximum. */
void tickets_issue(struct scoreboard *board, uint64_t used, uint64_t limit);

/*
 * Master, while no logger runs: the next logger has another file, with no message in it yet.
 * Closes the counter if there is a limit.
 */
void tickets_reset(struct scoreboard *board);

#endif
