/* SPDX-License-Identifier: MIT */
#include "ipc/tickets.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

/*
 * The counter: bit 0 is 1 while it is closed, bit 1 is 1 if there is a limit, the other bits
 * are the number of tickets left.  So the counter of a new scoreboard, 0, is open without a limit.
 */
#define CLOSED UINT64_C(1)
#define LIMITED UINT64_C(2)
#define ONE_TICKET UINT64_C(4)

/* How often a waiting worker checks: 1 ms.  A change of files takes some milliseconds. */
static const struct timespec look_again = {.tv_nsec = 1000000};

/* How long a worker that must stop still waits: a change of files should not cost an echo. */
#define STOP_GRACE_USEC 500000

static bool must_stop(const volatile sig_atomic_t *stop, uint64_t *until_usec)
{
	uint64_t now;

	if (!*stop)
		return false;
	now = clock_monotonic_usec();
	if (*until_usec == 0)
		*until_usec = now + STOP_GRACE_USEC;
	return now >= *until_usec;
}

/*
 * The worker stores holds_tickets before it reads the counter; the logger
 * closes the counter before it reads holds_tickets.  All accesses are
 * sequentially consistent.  So either the worker sees that the counter is
 * closed, or the logger sees that the worker holds tickets.
 */
int tickets_hold(struct scoreboard *board, struct slot *slot, struct stall_watch *watch,
		 const volatile sig_atomic_t *stop)
{
	uint64_t until_usec = 0;
	bool has_waited = false;

	for (;; has_waited = true) {
		atomic_store(&slot->holds_tickets, 1);
		if (!tickets_are_closed(board)) {
			if (watch && has_waited)
				stall_watch_reset(watch);
			return 0;
		}
		atomic_store(&slot->holds_tickets, 0);
		if (must_stop(stop, &until_usec))
			return -ECANCELED;
		if (watch && stall_watch_is_stalled(watch))
			return -ETIMEDOUT;
		nanosleep(&look_again, NULL);
	}
}

int tickets_take(struct scoreboard *board)
{
	uint64_t counter = atomic_load(&board->tickets);

	do {
		if (counter & CLOSED)
			return -EAGAIN;
		if (!(counter & LIMITED))
			return 0;
		if (counter < ONE_TICKET)
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak(&board->tickets, &counter, counter - ONE_TICKET));
	return 0;
}

/* Release order is enough: whoever sees 0 also sees the records in the pipe. */
void tickets_release(struct slot *slot)
{
	atomic_store_explicit(&slot->holds_tickets, 0, memory_order_release);
}

bool tickets_are_held(const struct slot *slot)
{
	return atomic_load_explicit(&slot->holds_tickets, memory_order_relaxed);
}

void tickets_begin_limit(struct scoreboard *board)
{
	if (!(atomic_load(&board->tickets) & LIMITED))
		atomic_fetch_or(&board->tickets, CLOSED | LIMITED);
}

void tickets_end_limit(struct scoreboard *board)
{
	board->tickets_end -= atomic_exchange(&board->tickets, 0) / ONE_TICKET;
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
	return atomic_load(&board->tickets) == LIMITED;
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
	atomic_store(&board->tickets, left * ONE_TICKET | LIMITED);
}

void tickets_reset(struct scoreboard *board)
{
	board->tickets_end = 0;
	if (atomic_load(&board->tickets) & LIMITED)
		atomic_store(&board->tickets, CLOSED | LIMITED);
}
