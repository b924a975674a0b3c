/* SPDX-License-Identifier: MIT */
/*
 * Records of one connection as runs: numbers without a gap, and what their
 * payload adds up to.  Pure; numbers may come in any order.
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
	bool goes_on;			/* may follow a `part` */
	bool wants_more;		/* ends with a `part` */
	bool is_closed;			/* ends with `close`: nothing is joined behind it */
	bool is_damaged;		/* has a payload that could not be read: the totals say nothing */
};

/* Sorted, and apart from each other.  All zeros: none. */
struct runs {
	struct run *run;
	size_t n, room;
	struct run only;		/* where `run` points while one is enough: most connections have one */
};

enum runs_result {
	RUNS_ADDED,
	RUNS_DOUBLED,			/* not added: the number was there */
};

/*
 * Adds RECORD, a run of one number, whose payload are the totals.bytes bytes
 * of PAYLOAD; its totals.crc is ignored.  Sets *RET_BROKEN_PART to the number
 * of a `part` that is not gone on with, now that its next is known, else to
 * RUNS_NO_PART.  RUNS must not be moved afterwards.  Returns an enum runs_result, or -ENOMEM.
 */
#define RUNS_NO_PART UINT64_MAX
int runs_add(struct runs *runs, const struct run *record, const void *payload,
	     uint64_t *ret_broken_part);

void runs_free(struct runs *runs);

#endif
