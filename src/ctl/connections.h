/* SPDX-License-Identifier: MIT */
/*
 * Whether each connection of a message log is whole: echo-logd-log(5), proven.
 *
 * Pure; fed with records in any order, so a log may come in any number of
 * files, and these in any order.  Keeps for each connection only the runs of
 * records without a gap: a log that is whole takes memory by connections,
 * not by records, however it is cut into files.
 *
 * A connection is whole when one run begins with `open` as number 0 and
 * ends with a `close` whose totals are those of the records between.  One
 * without `close`, or with `close killed` only, has no gap, and no more can
 * be known of it.  `close killed` is never wrong: it may come at any time,
 * more than once, and without `open`.
 */
#ifndef ECHO_LOGD_CONNECTIONS_H
#define ECHO_LOGD_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/finding.h"
#include "format/parse.h"

struct connections;

/* Sums over what was added.  A doubled record counts once, but in `records`. */
struct connections_summary {
	uint64_t records;			/* those of connections */
	uint64_t messages, bytes;		/* whole messages, and payload, also that of parts */
	uint64_t dropped_messages, dropped_bytes;
	/* connections_finish() fills these in: of each kind, so many connections */
	uint64_t whole, killed, without_end;
	uint64_t wrong;				/* with a finding */
};

/* Returns 0 or -ENOMEM.  SINK is copied.  The caller ends it with connections_free(). */
int connections_new(const struct finding_sink *sink, struct connections **ret_connections);
void connections_free(struct connections *connections);

/*
 * Adds a RECORD of a client (head.id is not 0), which was read at PLACE;
 * place->file must live as long as CONNECTIONS.  PAYLOAD is what a `message`
 * or `part` carries, NULL if it is malformed (a finding).  Returns 0 or -ENOMEM.
 */
int connections_add(struct connections *connections, const struct place *place,
		    const struct record *record, const void *payload);

/* Nothing more comes: finds what is missing and what does not add up, by the order of ids. */
void connections_finish(struct connections *connections);

const struct connections_summary *connections_summary(const struct connections *connections);

#endif
