/* SPDX-License-Identifier: MIT */
#include "ctl/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"
#include "ctl/runs.h"
#include "format/crc32c.h"

/* Buckets of a new table, as a power of 2. */
#define FIRST_BITS 10

struct connection {
	uint64_t id;
	struct runs runs;
	uint64_t close_n;		/* of the first `close`; RECORD_NO_NUMBER: none was read */
	struct payload_totals claimed;	/* by the first `close` */
	struct place close_place;
	uint32_t peer;			/* checksum of its name, enough to see that it changes */
	bool was_killed;
	bool is_wrong;
};

/* The id is here too, so that a search touches no other connections in memory. */
struct bucket {
	uint64_t id;
	struct connection *connection;	/* NULL: free */
};

struct connections {
	struct finding_sink sink;
	/* A hash table by id with linear probing; connections_finish() makes it a sorted array. */
	struct bucket *table;
	unsigned bits;			/* the table has 2^bits buckets */
	size_t n;
	struct connections_summary summary;
};

static size_t n_buckets(const struct connections *connections)
{
	return (size_t)1 << connections->bits;
}

int connections_new(const struct finding_sink *sink, struct connections **ret_connections)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (!connections)
		return -ENOMEM;
	connections->sink = *sink;
	connections->bits = FIRST_BITS;
	connections->table = calloc(n_buckets(connections), sizeof(*connections->table));
	if (!connections->table) {
		free(connections);
		return -ENOMEM;
	}
	*ret_connections = connections;
	return 0;
}

void connections_free(struct connections *connections)
{
	for (size_t i = 0; i < n_buckets(connections); i++) {
		struct connection *connection = connections->table[i].connection;

		if (connection)
			runs_free(&connection->runs);
		free(connection);
	}
	free(connections->table);
	free(connections);
}

/* The bucket of ID, or the free one where it would be put. */
static struct bucket *find_bucket(const struct connections *connections, uint64_t id)
{
	/* Fibonacci hashing: multiplied by 2^64 / 1.618..., the high bits are well mixed. */
	uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15) >> (64 - connections->bits);

	while (connections->table[hash].connection && connections->table[hash].id != id)
		hash = (hash + 1) & (n_buckets(connections) - 1);
	return &connections->table[hash];
}

static int double_table(struct connections *connections)
{
	struct bucket *old = connections->table;
	size_t n_old = n_buckets(connections);
	struct bucket *new = calloc(n_old * 2, sizeof(*new));

	if (!new)
		return -ENOMEM;
	connections->table = new;
	connections->bits++;
	for (size_t i = 0; i < n_old; i++)
		if (old[i].connection)
			*find_bucket(connections, old[i].id) = old[i];
	free(old);
	return 0;
}

static uint32_t peer_checksum(const struct record_head *head)
{
	return head->peer ? crc32c(0, head->peer, strlen(head->peer)) : 0;
}

static struct connection *make_connection(const struct record_head *head)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->id = head->id;
	connection->close_n = RECORD_NO_NUMBER;
	connection->peer = peer_checksum(head);
	return connection;
}

/* The connection of HEAD, which is made if it is new.  NULL: no memory. */
static struct connection *find_connection(struct connections *connections,
					  const struct record_head *head)
{
	struct bucket *bucket = find_bucket(connections, head->id);

	if (bucket->connection)
		return bucket->connection;
	/* At most half full, so that searches stay short. */
	if (connections->n >= n_buckets(connections) / 2) {
		if (double_table(connections) < 0)
			return NULL;
		bucket = find_bucket(connections, head->id);
	}
	bucket->connection = make_connection(head);
	bucket->id = head->id;
	connections->n += bucket->connection != NULL;
	return bucket->connection;
}

static void report(struct connections *connections, struct connection *connection,
		 enum finding_kind kind, struct finding finding)
{
	finding.kind = kind;
	finding.id = connection->id;
	connection->is_wrong = true;
	connections->sink.report(connections->sink.context, &finding);
}

static struct run run_of(const struct record *record, const void *payload)
{
	bool is_piece = record->event == EVENT_MESSAGE || record->event == EVENT_PART;

	return (struct run){
		.first = record->head.n,
		.last = record->head.n,
		.totals.messages = record->event == EVENT_MESSAGE,
		.totals.bytes = is_piece && payload ? record->length : 0,
		/* An event of a later version between two pieces may be in order. */
		.may_follow_part = is_piece || record->event == EVENT_OTHER ||
			   (record->event == EVENT_CLOSE && record->reason == CLOSE_STALLED),
		.ends_with_part = record->event == EVENT_PART,
		.is_closed = record->event == EVENT_CLOSE,
		.is_damaged = is_piece && !payload,
	};
}

static void add_to_summary(struct connections_summary *summary, const struct record *record,
			   const struct run *run)
{
	summary->messages += run->totals.messages;
	summary->bytes += run->totals.bytes;
	if (record->event == EVENT_DROPPED) {
		summary->dropped_messages += record->messages;
		summary->dropped_bytes += record->bytes;
	}
}

static void note_close(struct connection *connection, const struct place *place,
		       const struct record *record)
{
	/* The one with the lowest number counts; check_runs() reports records after it. */
	if (record->head.n >= connection->close_n)
		return;
	connection->close_n = record->head.n;
	connection->close_place = *place;
	connection->claimed = (struct payload_totals){
		.messages = record->messages,
		.bytes = record->bytes,
		.crc = record->crc,
	};
}

static int add_numbered(struct connections *connections, struct connection *connection,
			const struct place *place, const struct record *record, const void *payload)
{
	struct finding finding = { .place = *place, .first = record->head.n };
	struct run run = run_of(record, payload);
	uint64_t broken_part;
	int r = runs_add(&connection->runs, &run, payload, &broken_part);

	if (r < 0)
		return r;
	if (r == RUNS_DOUBLED) {
		report(connections, connection, FINDING_DOUBLED, finding);
		return 0;
	}
	add_to_summary(&connections->summary, record, &run);
	if (record->event == EVENT_CLOSE)
		note_close(connection, place, record);
	if (run.is_damaged)
		report(connections, connection, FINDING_PAYLOAD, finding);
	if ((record->head.n == 0) != (record->event == EVENT_OPEN))
		report(connections, connection, FINDING_NOT_OPENED, finding);
	finding.first = broken_part;
	if (broken_part != RUNS_NO_PART)
		report(connections, connection, FINDING_PART, finding);
	return 0;
}

int connections_add(struct connections *connections, const struct place *place,
		    const struct record *record, const void *payload, bool has_odd_form)
{
	size_t known = connections->n;
	struct connection *connection = find_connection(connections, &record->head);
	bool is_new = connections->n > known;

	if (!connection)
		return -ENOMEM;
	connections->summary.records++;
	if (connection->peer != peer_checksum(&record->head))
		report(connections, connection, FINDING_PEER, (struct finding){ .place = *place });
	else if (is_new && !(record->head.peer && net_is_peer_name(record->head.peer)))
		report(connections, connection, FINDING_PEER_NAME,
		       (struct finding){ .place = *place });
	if (has_odd_form)
		report(connections, connection, FINDING_FORM, (struct finding){
			.place = *place, .first = record->head.n,
		});
	if (record->head.n != RECORD_NO_NUMBER)
		return add_numbered(connections, connection, place, record, payload);
	connection->was_killed |= record->event == EVENT_CLOSE;
	return 0;
}

static bool are_equal(const struct payload_totals *a, const struct payload_totals *b)
{
	return a->messages == b->messages && a->bytes == b->bytes && a->crc == b->crc;
}

static void check_totals(struct connections *connections, struct connection *connection)
{
	const struct run *run = connection->runs.run;

	if (run->first == 0 && run->is_closed && !run->is_damaged &&
	    !are_equal(&run->totals, &connection->claimed))
		report(connections, connection, FINDING_TOTALS, (struct finding){
			.place = connection->close_place,
			.claimed = connection->claimed,
			.found = run->totals,
		});
}

static void check_runs(struct connections *connections, struct connection *connection)
{
	const struct runs *runs = &connection->runs;
	uint64_t next = 0;
	bool is_closed = false;

	for (size_t i = 0; i < runs->n; i++) {
		struct finding finding = { .first = next, .last = runs->run[i].first - 1 };

		if (is_closed) {
			finding.first = runs->run[i].first;
			finding.last = runs->run[i].last;
			report(connections, connection, FINDING_AFTER_CLOSE, finding);
		} else if (runs->run[i].first > next) {
			report(connections, connection, FINDING_MISSING, finding);
		}
		is_closed |= runs->run[i].is_closed;
		next = runs->run[i].last + 1;
	}
	if (runs->n > 0)
		check_totals(connections, connection);
}

static void finish_connection(struct connections *connections, struct connection *connection)
{
	struct connections_summary *summary = &connections->summary;

	check_runs(connections, connection);
	if (connection->is_wrong)
		summary->wrong++;
	else if (connection->close_n != RECORD_NO_NUMBER)
		summary->whole++;
	else if (connection->was_killed)
		summary->killed++;
	else
		summary->without_end++;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = ((const struct bucket *)a)->id, y = ((const struct bucket *)b)->id;

	return (x > y) - (x < y);
}

void connections_finish(struct connections *connections)
{
	struct bucket *table = connections->table;
	size_t n = 0;

	for (size_t i = 0; i < n_buckets(connections); i++)
		if (table[i].connection) {
			struct bucket taken = table[i];

			table[i].connection = NULL;
			table[n++] = taken;
		}
	qsort(table, n, sizeof(*table), compare_ids);
	for (size_t i = 0; i < n; i++)
		finish_connection(connections, table[i].connection);
}

const struct connections_summary *connections_summary(const struct connections *connections)
{
	return &connections->summary;
}
