/* SPDX-License-Identifier: MIT */
/*
 * Records of one connection as runs: numbers without a gap, with the totals
 * of their payload.  Pure; records may be added in any order.
 */
#ifndef ECHO_LOGD_RUNS_H
#define ECHO_LOGD_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/finding.h"

struct run {
	uint64_t first, last;		/* numbers */
	struct payload_totals totals;
	bool may_follow_part;		/* its first record may follow a `part` */
	bool ends_with_part;		/* its last record is a `part` */
	bool is_closed;			/* ends with `close`: nothing is joined behind it */
	bool is_damaged;		/* a payload could not be read: the totals mean nothing */
};

/* Runs by their numbers, with a gap between any two.  All zeros: none. */
struct runs {
	struct run *run;
	size_t n, room;
	struct run only;	/* `run` points here while there is one, as in most connections */
};

enum runs_result {
	RUNS_ADDED,
	RUNS_DOUBLED,		/* not added: the number was there already */
};

/*
 * Adds RECORD, a run of one number.  Its payload is the totals.bytes bytes
 * of PAYLOAD; its totals.crc is ignored.  If it becomes known that a record
 * does not continue the `part` before it, *RET_BROKEN_PART is the number of
 * that part, else RUNS_NO_PART.  RUNS must not be moved in memory from now
 * on.  Returns an enum runs_result, or -ENOMEM: then nothing is added.
 */
#define RUNS_NO_PART UINT64_MAX
int runs_add(struct runs *runs, const struct run *record, const void *payload,
	     uint64_t *ret_broken_part);

/* Frees what RUNS holds and makes it empty. */
void runs_free(struct runs *runs);

#endif
