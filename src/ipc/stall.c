/* SPDX-License-Identifier: MIT */
#include "ipc/stall.h"

#include "base/clock.h"

/*
 * The most that counts of the time between two calls.  If all processes were
 * suspended for longer, the logger could not write during that time either.
 */
#define MAX_INTERVAL_USEC 1000000

const char *stall_consequence(enum stall_action when_stalled)
{
	static const char *const words[] = {
		[STALL_BLOCK] = "clients wait, nothing is lost",
		[STALL_DROP] = "after log.stall_timeout messages are echoed but not saved",
		[STALL_CLOSE] =
			"after log.stall_timeout clients are disconnected without their echo",
	};

	return words[when_stalled];
}

void stall_watch_init(struct stall_watch *watch, const struct scoreboard *board,
		      uint64_t timeout_usec)
{
	*watch = (struct stall_watch){.board = board, .timeout_usec = timeout_usec};
}

bool stall_watch_is_stalled(struct stall_watch *watch)
{
	uint64_t moved = atomic_load_explicit(&watch->board->moved_bytes, memory_order_relaxed);
	uint64_t now = clock_monotonic_usec();

	if (watch->since_usec == 0 || moved != watch->moved_bytes) {
		watch->moved_bytes = moved;
		watch->since_usec = now;
	} else if (now - watch->looked_usec > MAX_INTERVAL_USEC) {
		watch->since_usec += now - watch->looked_usec - MAX_INTERVAL_USEC;
	}
	watch->looked_usec = now;
	return now - watch->since_usec >= watch->timeout_usec;
}

void stall_watch_reset(struct stall_watch *watch)
{
	watch->since_usec = 0;
}
