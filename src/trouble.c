/* SPDX-License-Identifier: MIT */
#include "trouble.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "clock.h"
#include "journal.h"
#include "service.h"

static const struct {
	const char *begins, *consequence, *is_over;
} words[N_TROUBLES] = {
	[TROUBLE_ACCEPT] = {"cannot accept clients", "they wait", "clients are accepted again"},
	[TROUBLE_FORK] = {"cannot fork workers", "new clients may wait",
			  "workers are forked again"},
	[TROUBLE_WORK] = {"workers cannot go on", "others take their place",
			  "workers go on again"},
};

void trouble_note(struct scoreboard *board, enum trouble_kind kind, int error, int doorbell)
{
	atomic_store(&board->troubles[kind].error, error);
	atomic_store(&board->troubles[kind].met_usec, clock_monotonic_usec());
	if (atomic_exchange(&board->master_dozes, 0))
		(void)eventfd_write(doorbell, 1);
}

static bool lasts(const struct scoreboard *board, enum trouble_kind kind)
{
	uint64_t met_usec = atomic_load(&board->troubles[kind].met_usec);

	return met_usec != 0 && clock_monotonic_usec() < met_usec + TROUBLE_OVER_USEC;
}

bool trouble_tell(struct service *s)
{
	bool any = false;

	for (enum trouble_kind kind = 0; kind < N_TROUBLES; kind++) {
		bool is_there = lasts(s->board, kind);

		any |= is_there;
		if (is_there == s->told_trouble[kind])
			continue;
		s->told_trouble[kind] = is_there;
		if (is_there) {
			int error = atomic_load(&s->board->troubles[kind].error);

			journal_field("ERRNO=%d", error);
			journal_event(EVENT_TROUBLE, LOG_WARNING, "%s: %s; %s, trying again",
				      words[kind].begins, strerror(error),
				      words[kind].consequence);
		} else {
			journal_event(EVENT_TROUBLE_OVER, LOG_NOTICE, "%s: no failure for %d s",
				      words[kind].is_over, TROUBLE_OVER_USEC / 1000000);
		}
	}
	return any;
}

void trouble_describe(const struct service *s, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (enum trouble_kind kind = 0; kind < N_TROUBLES && len < size; kind++)
		if (lasts(s->board, kind))
			len += (size_t)snprintf(text + len, size - len, "Trouble: %s (%s). ",
						words[kind].begins,
						strerror(atomic_load(&s->board->troubles[kind].error)));
}
