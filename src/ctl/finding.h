/* SPDX-License-Identifier: MIT */
/* What `echo-logctl verify` finds wrong, and how it says so. */
#ifndef ECHO_LOGD_FINDING_H
#define ECHO_LOGD_FINDING_H

#include <stdint.h>
#include <stdio.h>

/* The members of struct finding that a kind uses, beside `kind`. */
enum finding_kind {
	FINDING_NOT_A_RECORD,	/* place, bytes: no writer would write this line */
	FINDING_NO_NEWLINE,	/* place, bytes: the last line of a file */
	FINDING_TORN,		/* place, bytes: closed off by the service */
	FINDING_TRUNCATED,	/* place: `torn` of 0 bytes */
	FINDING_PAYLOAD,	/* place, id, first: malformed, or not as long as the record says */
	FINDING_DOUBLED,	/* place, id, first */
	FINDING_MISSING,	/* id, first, last */
	FINDING_NOT_OPENED,	/* place, id, first: 0 is not `open`, or `open` is not 0 */
	FINDING_PEER,		/* place, id: is not that of the connection's first record read */
	FINDING_PART,		/* place, id, first: a part that what comes next does not go on with */
	FINDING_AFTER_CLOSE,	/* id, first, last */
	FINDING_TOTALS,		/* place (of `close`), id, claimed, found */
};

/* Line 0: nowhere. */
struct place {
	const char *file;
	uint64_t line;
};

/* What `close` says of a connection, and what its records add up to. */
struct payload_totals {
	uint64_t messages, bytes;
	uint32_t crc;
};

struct finding {
	enum finding_kind kind;
	struct place place;
	uint64_t bytes;			/* of the line */
	uint64_t id, first, last;	/* a connection, and numbers of its records */
	struct payload_totals claimed, found;
};

/* Who is told; called for each finding, in no order. */
struct finding_sink {
	void (*take)(void *context, const struct finding *finding);
	void *context;
};

/* One line. */
void finding_print(const struct finding *finding, FILE *out);

#endif
