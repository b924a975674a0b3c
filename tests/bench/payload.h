/* SPDX-License-Identifier: MIT */
/*
 * What loadgen sends: a ring of different messages, which is made before anything is
 * measured.  A client sends them in turn, so any echo can be compared by memcmp(3).
 */
#ifndef ECHO_LOGD_TESTS_BENCH_PAYLOAD_H
#define ECHO_LOGD_TESTS_BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_kind {
	PAYLOAD_TEXT,	/* lines as programs write them; each message is whole lines */
	PAYLOAD_RANDOM,	/* random bytes */
	PAYLOAD_SYSLOG,	/* lines with the header of RFC 3164 */
	PAYLOAD_SYSLOG_IETF,	/* lines with the header of RFC 5424 */
};

struct payload {
	uint8_t *bytes;
	size_t n_bytes;		/* whole messages; at least a MiB, 16 messages and a window */
	size_t size;		/* of a message */
};

/* Sets *RET_KIND.  Returns false if NAME is no kind. */
bool payload_kind_from_name(const char *name, enum payload_kind *ret_kind);

/*
 * LINE_BYTES: the length of each line with its newline; 0 for lines of many lengths.
 * WINDOW: see n_bytes.  Ends the program if there is no memory.
 */
void payload_make(struct payload *payload, enum payload_kind kind, size_t size,
		  size_t line_bytes, size_t window, uint64_t seed);

/* Where client NUMBER begins, so that clients do not send the same bytes at the same time. */
static inline size_t payload_start(const struct payload *payload, unsigned number)
{
	return number * UINT64_C(7919) % (payload->n_bytes / payload->size) * payload->size;
}

/* Whether DATA is the same as the ring from OFFSET on. */
bool payload_matches(const struct payload *payload, uint64_t offset, const uint8_t *data,
		     size_t len);

#endif
