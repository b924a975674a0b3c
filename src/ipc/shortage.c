/* SPDX-License-Identifier: MIT */
#include "ipc/shortage.h"

#include <sys/eventfd.h>

#include "base/clock.h"

const char *shortage_words(enum shortage_kind kind)
{
	static const char *const words[N_SHORTAGES] = {
		[SHORTAGE_ACCEPT] = "cannot accept clients",
		[SHORTAGE_FORK] = "cannot fork workers",
		[SHORTAGE_WORK] = "workers cannot continue",
	};

	return words[kind];
}

void shortage_note(struct scoreboard *board, enum shortage_kind kind, int error, int doorbell)
{
	atomic_store(&board->shortages[kind].error, error);
	atomic_store(&board->shortages[kind].met_usec, clock_monotonic_usec());
	if (atomic_exchange(&board->master_dozes, 0))
		(void)eventfd_write(doorbell, 1);
}

bool shortage_lasts(const struct scoreboard *board, enum shortage_kind kind)
{
	uint64_t met_usec = atomic_load(&board->shortages[kind].met_usec);

	return met_usec != 0 && clock_monotonic_usec() < met_usec + SHORTAGE_OVER_USEC;
}
