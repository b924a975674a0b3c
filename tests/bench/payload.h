/* SPDX-License-Identifier: MIT */
/*
 * What loadgen sends: a ring of messages that differ from one another, made before
 * anything is measured.  A client goes round in it, so any echo can be compared
 * by memcmp(3).
 */
#ifndef ECHO_LOGD_TESTS_BENCH_PAYLOAD_H
#define ECHO_LOGD_TESTS_BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_kind {
	PAYLOAD_TEXT,	/* lines as programs write them; each message ends with one */
	PAYLOAD_RANDOM,	/* every byte value, equally often */
	PAYLOAD_SYSLOG,	/* lines with the head of RFC 3164 */
	PAYLOAD_SYSLOG_IETF,	/* of RFC 5424 */
};

struct payload {
	uint8_t *bytes;
	size_t n_bytes;		/* whole messages; no less than a MiB, 16 messages and a window */
	size_t size;		/* of a message */
};

/* Sets *ret_kind; false when there is no such kind. */
bool payload_kind_from_name(const char *name, enum payload_kind *ret_kind);

/*
 * LINE_BYTES: the length of every line, its newline included; 0 for lines of many
 * lengths.  WINDOW: see n_bytes.  Ends the program when there is no memory.
 */
void payload_make(struct payload *payload, enum payload_kind kind, size_t size,
		  size_t line_bytes, size_t window, uint64_t seed);

/* Where client NUMBER begins: no two clients send the same bytes at the same time. */
static inline size_t payload_start(const struct payload *payload, unsigned number)
{
	return number * UINT64_C(7919) % (payload->n_bytes / payload->size) * payload->size;
}

/* Whether DATA is what is in the ring at OFFSET, and on from there. */
bool payload_matches(const struct payload *payload, uint64_t offset, const uint8_t *data,
		     size_t len);

#endif
