/* SPDX-License-Identifier: MIT */
#include "ctl/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/crc32c.h"

/* How many runs begin at NUMBER or before it. */
static size_t count_up_to(const struct runs *runs, uint64_t number)
{
	size_t low = 0, high = runs->n;

	/* The usual case: the log is read in order. */
	if (high > 0 && runs->run[high - 1].first <= number)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runs->run[middle].first <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(struct runs *runs)
{
	size_t room = runs->room < 4 ? 4 : runs->room * 2;
	struct run *new;

	if (runs->n == 0) {
		runs->run = &runs->only;
		runs->room = 1;
	}
	if (runs->n < runs->room)
		return 0;
	new = reallocarray(runs->run == &runs->only ? NULL : runs->run, room, sizeof(*new));
	if (!new)
		return -ENOMEM;
	if (runs->run == &runs->only)
		new[0] = runs->only;
	runs->run = new;
	runs->room = room;
	return 0;
}

static int insert(struct runs *runs, size_t at, const struct run *record)
{
	int r = make_room(runs);

	if (r < 0)
		return r;
	memmove(runs->run + at + 1, runs->run + at, (runs->n - at) * sizeof(*runs->run));
	runs->run[at] = *record;
	runs->n++;
	return 0;
}

static void remove_run(struct runs *runs, size_t at)
{
	runs->n--;
	memmove(runs->run + at, runs->run + at + 1, (runs->n - at) * sizeof(*runs->run));
	if (runs->n == 1) {
		struct run *heap = runs->run;

		runs->only = heap[0];
		runs->run = &runs->only;
		runs->room = 1;
		free(heap);
	}
}

/* Whether RIGHT continues LEFT without a gap. */
static bool meets(const struct run *left, const struct run *right)
{
	return left->last + 1 == right->first && !left->is_closed;
}

/* Joins RIGHT to the end of LEFT.  CRC: of the payload of both. */
static void join(struct run *left, const struct run *right, uint32_t crc,
		 uint64_t *ret_broken_part)
{
	if (left->ends_with_part && !right->may_follow_part)
		*ret_broken_part = left->last;
	left->last = right->last;
	left->totals.messages += right->totals.messages;
	left->totals.bytes += right->totals.bytes;
	left->totals.crc = crc;
	left->ends_with_part = right->ends_with_part;
	left->is_closed = right->is_closed;
	left->is_damaged |= right->is_damaged;
}

int runs_add(struct runs *runs, const struct run *record, const void *payload,
	     uint64_t *ret_broken_part)
{
	size_t at = count_up_to(runs, record->first);
	struct run *run = at > 0 ? &runs->run[at - 1] : NULL;
	size_t bytes = (size_t)record->totals.bytes;

	*ret_broken_part = RUNS_NO_PART;
	if (run && run->last >= record->first)
		return RUNS_DOUBLED;
	if (run && meets(run, record)) {
		at--;
		join(run, record, crc32c(run->totals.crc, payload, bytes), ret_broken_part);
	} else {
		int r = insert(runs, at, record);

		if (r < 0)
			return r;
		run = &runs->run[at];
		run->totals.crc = crc32c(0, payload, bytes);
	}
	if (at + 1 < runs->n && meets(run, run + 1)) {
		join(run, run + 1,
		     crc32c_combine(run->totals.crc, run[1].totals.crc, run[1].totals.bytes),
		     ret_broken_part);
		remove_run(runs, at + 1);
	}
	return RUNS_ADDED;
}

void runs_free(struct runs *runs)
{
	if (runs->run != &runs->only)
		free(runs->run);
	*runs = (struct runs){ 0 };
}
