/* SPDX-License-Identifier: MIT */
/*
 * The problems that `echo-logctl verify` finds in a log, and how they are
 * reported.  logcheck.h and connections.h find them.
 */
#ifndef ECHO_LOGD_FINDING_H
#define ECHO_LOGD_FINDING_H

#include <stdint.h>
#include <stdio.h>

/* In brackets: the members of struct finding that are used, beside `kind`. */
enum finding_kind {
	FINDING_NOT_A_RECORD,	/* [place, bytes] the service would not have written this line */
	FINDING_ZEROS,		/* [place, bytes] a line, or the end of a file, begins with zeros */
	FINDING_EVENT,		/* [place, first] unknown events: the first of so many */
	FINDING_NO_NEWLINE,	/* [place, bytes] the last line of a file has no newline */
	FINDING_TORN,		/* [place, bytes] a crash left this line; the service ended it */
	FINDING_TRUNCATED,	/* [place] a `torn` record of 0 bytes */
	FINDING_PAYLOAD,	/* [place, id, first] malformed, or not of the stated length */
	FINDING_FORM,		/* [place, id, first] its payload has not the form of the writer */
	FINDING_PEER_NAME,	/* [place, id] its peer is spelled as the writer would not */
	FINDING_DOUBLED,	/* [place, id, first] this number was there before */
	FINDING_MISSING,	/* [id, first, last] */
	FINDING_NOT_OPENED,	/* [place, id, first] 0 is not `open`, or `open` is not 0 */
	FINDING_PEER,		/* [place, id] another peer than in the first record read */
	FINDING_PART,		/* [place, id, first] a part that no record continues */
	FINDING_AFTER_CLOSE,	/* [id, first, last] */
	FINDING_TOTALS,		/* [place (of `close`), id, claimed, found] they differ */
};

/* A line of a file.  Line 0: the finding has no place. */
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

/* Where findings go: `report` is called once for each, in no particular order. */
struct finding_sink {
	void (*report)(void *context, const struct finding *finding);
	void *context;
};

/* Writes the finding to OUT, as one line. */
void finding_print(const struct finding *finding, FILE *out);

#endif
