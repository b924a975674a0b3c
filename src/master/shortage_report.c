/* SPDX-License-Identifier: MIT */
#include "master/shortage_report.h"

#include <stdio.h>
#include <string.h>

#include "base/journal.h"
#include "ipc/shortage.h"

static const struct {
	const char *consequence, *is_over;
} texts[N_SHORTAGES] = {
	[SHORTAGE_ACCEPT] = {"they wait", "clients are accepted again"},
	[SHORTAGE_FORK] = {"new clients may wait", "workers are forked again"},
	[SHORTAGE_WORK] = {"others replace them", "workers continue again"},
};

bool shortage_report_changes(struct service *s)
{
	bool any = false;

	for (enum shortage_kind kind = 0; kind < N_SHORTAGES; kind++) {
		bool is_there = shortage_lasts(s->board, kind);

		any |= is_there;
		if (is_there == s->shortages.reported[kind])
			continue;
		s->shortages.reported[kind] = is_there;
		if (is_there) {
			int error = atomic_load(&s->board->shortages[kind].error);

			journal_failure(JOURNAL_SHORTAGE, LOG_WARNING, error,
					"%s: %s; %s, retrying",
					shortage_words(kind), strerror(error),
					texts[kind].consequence);
		} else {
			journal_event(JOURNAL_SHORTAGE_OVER, LOG_NOTICE, "%s: no failure for %d s",
				      texts[kind].is_over, SHORTAGE_OVER_USEC / 1000000);
		}
	}
	return any;
}

void shortage_report_describe(const struct service *s, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (enum shortage_kind kind = 0; kind < N_SHORTAGES && len < size; kind++) {
		int error = atomic_load(&s->board->shortages[kind].error);

		if (shortage_lasts(s->board, kind))
			len += (size_t)snprintf(text + len, size - len, "Trouble: %s (%s). ",
						shortage_words(kind), strerror(error));
	}
}
