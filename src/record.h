/* SPDX-License-Identifier: MIT */
/*
 * Events to lines of the message log: echo-logd-log(5), written.
 *
 * Pure but for the cached calendar second in struct record_style.  Workers
 * render the records of their clients, the logger its own few.  The way
 * back is parse.h.
 *
 * A record is at most RECORD_MAX bytes with its newline, because only
 * writes up to PIPE_BUF are never interleaved (pipe(7)), and no record may
 * be cut.  Under FORMAT_RAW only message pieces exist: every other
 * function returns 0 there.
 */
#ifndef ECHO_LOGD_RECORD_H
#define ECHO_LOGD_RECORD_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "log_format.h"
#include "peer_name.h"

#define RECORD_MAX PIPE_BUF

/* The version of the format, in every `start` record. */
#define RECORD_VERSION 1

/* How this process renders.  Set up by record_style_init(); no pointers. */
struct record_style {
	enum log_format format;
	char host[HOST_NAME_MAX + 1];	/* only bytes that need no escape anywhere */
	uint64_t cached_second;
	char cached_time[20];		/* "2026-11-22T21:04:05" of cached_second, NUL */
};

/* What every record of a connection begins with. */
struct record_head {
	uint64_t time_usec;		/* CLOCK_REALTIME */
	uint64_t id;			/* below 2^52; 0: a record of the service itself, shown as "-" */
	uint64_t n;			/* RECORD_NO_NUMBER: the number is not known, shown as "-" */
	const char *peer;		/* NULL: shown as "-"; what could break a record becomes '_' */
};

#define RECORD_NO_NUMBER UINT64_MAX

enum close_reason {
	CLOSE_EOF, CLOSE_RESET, CLOSE_IDLE, CLOSE_STALLED, CLOSE_SHUTDOWN, CLOSE_ERROR, CLOSE_KILLED,
};

/* The word in the record: "eof", "reset", ... */
const char *close_reason_name(enum close_reason reason);

/* Prepares STYLE for FORMAT with this host's name. */
void record_style_init(struct record_style *style, enum log_format format);

/*
 * Renders the next piece of a message: as many of the LEN > 0 bytes of DATA
 * as one record holds, as `message` if that is all of them, else as `part`,
 * which is RECORD_MAX bytes long: the log pipe takes such records many at a
 * time (logpipe.h).
 * Writes at most ROOM <= RECORD_MAX bytes to BUF.  Returns the bytes
 * written and sets *RET_TAKEN to the payload bytes in them; or returns 0
 * when ROOM < RECORD_MAX and the piece would be cut only for want of room:
 * the caller flushes and calls again with RECORD_MAX.
 */
size_t record_message(struct record_style *style, char *buf, size_t room,
		      const struct record_head *head, const void *data, size_t len,
		      size_t *ret_taken);

/*
 * The other records.  Each needs RECORD_EVENT_MAX bytes of room in BUF and
 * returns the bytes written.
 */
#define RECORD_EVENT_MAX 512
size_t record_open(struct record_style *style, char *buf, const struct record_head *head);
size_t record_dropped(struct record_style *style, char *buf, const struct record_head *head,
		      uint64_t messages, uint64_t bytes);
/* CLOSE_KILLED has no number and no totals: head->n and the last three arguments are ignored. */
size_t record_close(struct record_style *style, char *buf, const struct record_head *head,
		    enum close_reason reason, uint64_t messages, uint64_t bytes, uint32_t crc);
/* BOOT: the boot id, 32 hex digits.  DAEMON: our version. */
size_t record_start(struct record_style *style, char *buf, uint64_t time_usec, const char *boot,
		    const char *daemon);
/* BYTES: length of the torn tail that this record follows. */
size_t record_torn(struct record_style *style, char *buf, uint64_t time_usec, uint64_t bytes);
/* MESSAGES: the limit that was reached. */
size_t record_limit(struct record_style *style, char *buf, uint64_t time_usec, uint64_t messages);

#endif
