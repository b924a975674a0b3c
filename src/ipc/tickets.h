/* SPDX-License-Identifier: MIT */
/*
 * Tickets: with `at_message_limit = stop`, they ensure that workers together
 * save exactly message_limit messages in a file.
 *
 * The counter in the scoreboard is the number of tickets left.  A worker takes
 * a ticket for each message before it writes the records to the pipe.
 * If there is none, the message is echoed and counted as dropped.  While the
 * logger changes files, it closes the counter: workers that need a ticket
 * wait, workers that have one finish, and their records go to the old file
 * before the logger issues new tickets.
 *
 * The ticket of a killed worker is lost, so a file may have fewer messages
 * than the limit, but never more.
 */
#ifndef ECHO_LOGD_TICKETS_H
#define ECHO_LOGD_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/scoreboard.h"

/*
 * Worker: marks SLOT as holding tickets.  Call it before the first message of a write.  Waits
 * while the counter is closed.
 */
void tickets_hold(struct scoreboard *board, struct slot *slot);

/*
 * Worker, after tickets_hold(): takes one ticket.  Returns 0; -ENOSPC if none
 * is left, so that the message must not be saved; -EAGAIN if the counter was
 * closed.  After -EAGAIN, write the messages that have a ticket, then call
 * tickets_release() and tickets_hold() again.
 */
int tickets_take(struct scoreboard *board);

/* Worker: ends the holding, after the records of all taken tickets are in the pipe. */
void tickets_release(struct slot *slot);

/* Logger, or master before the first fork: workers get no ticket until tickets_issue(). */
void tickets_close(struct scoreboard *board);

/* Logger: whether the counter is closed. */
bool tickets_are_closed(struct scoreboard *board);

/* Logger: whether the counter is open and the last ticket is taken. */
bool tickets_are_spent(struct scoreboard *board);

/*
 * Logger: whether no worker holds tickets, so that every record with a ticket
 * is in the pipe or the file.  The answer stays true only while the counter
 * is closed or spent.
 */
bool tickets_none_held(struct scoreboard *board);

/*
 * Logger: the number of messages in this file, with the tickets taken.  The counter must be
 * closed and no worker may hold tickets.
 */
uint64_t tickets_used(struct scoreboard *board);

/* Logger: opens the counter for a file that has USED messages; LIMIT is its maximum. */
void tickets_issue(struct scoreboard *board, uint64_t used, uint64_t limit);

/* Master, while no logger runs: closes the counter, with no message in the file yet. */
void tickets_reset(struct scoreboard *board);

#endif
