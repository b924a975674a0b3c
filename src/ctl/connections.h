/* SPDX-License-Identifier: MIT */
/*
 * Decides for each connection of a message log whether it is whole:
 * numbers, totals and checksums of echo-logd-log(5), verified.
 *
 * Pure.  It takes records in any order, so a log may come in any number of
 * files, and the files in any order.  It keeps no records but runs of them
 * (runs.h), so the memory for a whole log depends on the number of its
 * connections, not of its records.
 *
 * A connection is whole if it is one run without a gap that begins with
 * `open` as number 0 and ends with a `close` whose totals are those of the
 * records between.  Without `close`, or with only `close killed`, a
 * connection can be known to have no gap, but not to be complete.  `close
 * killed` itself is never wrong: it may come at any time, more than once,
 * and without `open`.
 */
#ifndef ECHO_LOGD_CONNECTIONS_H
#define ECHO_LOGD_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/finding.h"
#include "format/parsed_record.h"

struct connections;

/* Sums over all that was added.  Only `records` counts each copy of a doubled record. */
struct connections_summary {
	uint64_t records;			/* of connections, not of the service */
	uint64_t messages, bytes;		/* whole messages; payload, also of parts */
	uint64_t dropped_messages, dropped_bytes;
	/* Numbers of connections, filled in by connections_finish(). */
	uint64_t whole, killed, without_end;
	uint64_t wrong;				/* with at least one finding */
};

/*
 * Makes an empty set that reports to SINK, which is copied.  Returns 0 or
 * -ENOMEM.  The caller frees it with connections_free().
 */
int connections_new(const struct finding_sink *sink, struct connections **ret_connections);
void connections_free(struct connections *connections);

/*
 * Adds a RECORD of a connection (head.id is not 0) that was read at PLACE;
 * place->file must live as long as CONNECTIONS.  PAYLOAD is the decoded
 * payload of a `message` or `part`, or NULL if it is malformed, which is
 * reported.  With HAS_ODD_FORM the payload is right, but echo-logd would have
 * written it in another form, which is reported too.  Returns 0 or -ENOMEM.
 */
int connections_add(struct connections *connections, const struct place *place,
		    const struct record *record, const void *payload, bool has_odd_form);

/*
 * All records are added: reports what is missing or does not add up, sorted
 * by connection, and completes the summary.  Call it once; nothing can be
 * added afterwards.
 */
void connections_finish(struct connections *connections);

/* Owned by CONNECTIONS. */
const struct connections_summary *connections_summary(const struct connections *connections);

#endif
