/* SPDX-License-Identifier: MIT */
#include "ipc/tickets.h"

#include <errno.h>
#include <time.h>

/* The counter: bit 0 is 1 while it is closed, the other bits are the number of tickets left. */
#define CLOSED UINT64_C(1)
#define ONE_TICKET UINT64_C(2)

/* How often a waiting worker checks: 1 ms.  A change of files takes some milliseconds. */
static const struct timespec look_again = {.tv_nsec = 1000000};

/*
 * The worker stores holds_tickets before it reads the counter; the logger
 * closes the counter before it reads holds_tickets.  All accesses are
 * sequentially consistent.  So either the worker sees that the counter is
 * closed, or the logger sees that the worker holds tickets.
 */
void tickets_hold(struct scoreboard *board, struct slot *slot)
{
	for (;;) {
		atomic_store(&slot->holds_tickets, 1);
		if (!tickets_are_closed(board))
			return;
		atomic_store(&slot->holds_tickets, 0);
		nanosleep(&look_again, NULL);
	}
}

int tickets_take(struct scoreboard *board)
{
	uint64_t counter = atomic_load(&board->tickets);

	do {
		if (counter & CLOSED)
			return -EAGAIN;
		if (counter < ONE_TICKET)
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak(&board->tickets, &counter, counter - ONE_TICKET));
	return 0;
}

void tickets_release(struct slot *slot)
{
	atomic_store(&slot->holds_tickets, 0);
}

void tickets_close(struct scoreboard *board)
{
	atomic_fetch_or(&board->tickets, CLOSED);
}

bool tickets_are_closed(struct scoreboard *board)
{
	return atomic_load(&board->tickets) & CLOSED;
}

bool tickets_are_spent(struct scoreboard *board)
{
	return atomic_load(&board->tickets) == 0;
}

bool tickets_none_held(struct scoreboard *board)
{
	for (unsigned i = 0; i < board->n_slots; i++)
		if (atomic_load(&scoreboard_slot(board, i)->holds_tickets))
			return false;
	return true;
}

uint64_t tickets_used(struct scoreboard *board)
{
	return board->tickets_end - atomic_load(&board->tickets) / ONE_TICKET;
}

void tickets_issue(struct scoreboard *board, uint64_t used, uint64_t limit)
{
	uint64_t left = limit > used ? limit - used : 0;

	board->tickets_end = used + left;
	atomic_store(&board->tickets, left * ONE_TICKET);
}

void tickets_reset(struct scoreboard *board)
{
	board->tickets_end = 0;
	atomic_store(&board->tickets, CLOSED);
}
