/* SPDX-License-Identifier: MIT */
/*
 * `at_message_limit = stop`: exactly message_limit messages are saved in a
 * file, however many workers race for the last one.
 *
 * One number in the scoreboard says how many messages may still be saved.
 * A worker takes a ticket for each message before it gives the records to
 * the pipe; without a ticket the message is echoed and counted as dropped.
 * While the logger changes files it closes the counter: workers that need
 * a ticket wait, those that have one finish, and what they wrote goes to
 * the old file before a new allotment begins.
 *
 * A worker killed with a ticket takes it along: never more than the limit,
 * at worst fewer.
 */
#ifndef ECHO_LOGD_TICKETS_H
#define ECHO_LOGD_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/scoreboard.h"

/* Worker: before the first message of a write.  Waits while the counter is closed. */
void tickets_hold(struct scoreboard *board, struct slot *slot);

/*
 * Worker, holding: takes one ticket.  Returns 0; -ENOSPC when there is none
 * and the message is not to be saved; -EAGAIN when the counter was closed
 * meanwhile: write what has a ticket, release, hold again.
 */
int tickets_take(struct scoreboard *board);

/* Worker: after the write that carries the records of all tickets taken. */
void tickets_release(struct slot *slot);

/* Logger, or master before the first fork: nobody takes a ticket until tickets_issue(). */
void tickets_close(struct scoreboard *board);

/* Logger: whether the counter is closed. */
bool tickets_are_closed(struct scoreboard *board);

/* Logger: whether the counter is open and the last ticket is taken. */
bool tickets_are_spent(struct scoreboard *board);

/*
 * Logger: whether no worker holds, so that every record that has a ticket
 * is in the pipe or the file.  Stays true only while the counter is closed
 * or spent.
 */
bool tickets_none_held(struct scoreboard *board);

/* Logger, closed and none held: how many messages were saved in this file by tickets. */
uint64_t tickets_used(struct scoreboard *board);

/* Logger: opens the counter for a file that holds USED messages and may hold LIMIT. */
void tickets_issue(struct scoreboard *board, uint64_t used, uint64_t limit);

/* Master, no logger alive: the counter stands for a new and empty file, and is closed. */
void tickets_reset(struct scoreboard *board);

#endif
