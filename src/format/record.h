/* SPDX-License-Identifier: MIT */
/*
 * Events to lines of the message log, as echo-logd-log(5) describes them.
 * This module owns the head that all records share and every record but
 * those of messages, which are in record_message.h.  parse.h reads the
 * lines back.
 *
 * A new event needs: a function here, a name in enum event (parsed_record.h),
 * its fields in parse_event.c, and a paragraph in echo-logd-log(5).
 *
 * Pure but for the calendar second that is cached in struct record_style.
 * Workers render the records of their clients, the logger renders its own.
 *
 * A record has at most RECORD_MAX bytes with its newline: only writes of up
 * to PIPE_BUF bytes are never interleaved with others (pipe(7)), and no
 * record may be cut.  FORMAT_RAW has only the bytes of messages; every
 * function that renders a record returns 0 there.
 */
#ifndef ECHO_LOGD_RECORD_H
#define ECHO_LOGD_RECORD_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/peer_name.h"
#include "format/log_format.h"

/* 4096 on Linux. */
#define RECORD_MAX PIPE_BUF

/* The version of the format, in every `start` record. */
#define RECORD_VERSION 1

/* How this process renders.  Made by record_style_init(); it holds no pointers. */
struct record_style {
	enum log_format format;
	char host[HOST_NAME_MAX + 1];	/* only bytes that need no escape in any format */
	uint64_t cached_second;
	char cached_time[20];		/* "2026-11-22T21:04:05" of cached_second, and NUL */
};

/* Digits of a connection's id, in hexadecimal. */
#define RECORD_ID_DIGITS 13
#define RECORD_ID_MAX ((UINT64_C(1) << (4 * RECORD_ID_DIGITS)) - 1)

/* What every record begins with.  What is missing is "-" in text and null in JSON. */
struct record_head {
	uint64_t time_usec;	/* CLOCK_REALTIME */
	uint64_t id;		/* of the connection, below 2^52; 0: a record of the service */
	uint64_t n;		/* number in the connection, or RECORD_NO_NUMBER */
	const char *peer;	/* or NULL; bytes that could break a record become '_' */
};

/* The number of the record is not known. */
#define RECORD_NO_NUMBER UINT64_MAX

/* Why a connection ended. */
enum close_reason {
	CLOSE_EOF, CLOSE_RESET, CLOSE_IDLE, CLOSE_STALLED, CLOSE_SHUTDOWN, CLOSE_ERROR,
	CLOSE_KILLED,
};

/* The word for REASON in a record: "eof", "reset", ... */
const char *close_reason_name(enum close_reason reason);

/* Prepares STYLE for FORMAT, with this host's name. */
void record_style_init(struct record_style *style, enum log_format format);

/*
 * Writes the beginning of a record, up to where the event's name follows;
 * for record_message.c, which writes the rest itself.  P needs
 * RECORD_HEAD_MAX bytes.  Returns the end of what was written.  Not for
 * FORMAT_RAW.
 *
 * The longest head is that of JSON: 27 bytes of time, 64 of host, 13, 20
 * and 69 of id, n and peer, and 53 of keys and punctuation.
 */
#define RECORD_HEAD_MAX 256
char *record_put_head(struct record_style *style, char *p, const struct record_head *head);

/*
 * Each of these renders one record to BUF, which needs RECORD_EVENT_MAX
 * bytes, and returns the number of bytes written; under FORMAT_RAW, 0.
 */
#define RECORD_EVENT_MAX 512
size_t record_open(struct record_style *style, char *buf, const struct record_head *head);
/* MESSAGES, BYTES: what was echoed and not logged. */
size_t record_dropped(struct record_style *style, char *buf, const struct record_head *head,
		      uint64_t messages, uint64_t bytes);
/*
 * MESSAGES, BYTES, CRC: totals of the connection's logged messages.
 * CLOSE_KILLED has no number and no totals: head->n and the last three
 * arguments are ignored.
 */
size_t record_close(struct record_style *style, char *buf, const struct record_head *head,
		    enum close_reason reason, uint64_t messages, uint64_t bytes, uint32_t crc);
/* BOOT: the boot id, 32 hexadecimal digits.  DAEMON: the version of echo-logd. */
size_t record_start(struct record_style *style, char *buf, uint64_t time_usec, const char *boot,
		    const char *daemon);
/* BYTES: length of the torn line that this record follows; 0: the file was truncated. */
size_t record_torn(struct record_style *style, char *buf, uint64_t time_usec, uint64_t bytes);
/* MESSAGES: the message_limit that was reached. */
size_t record_limit(struct record_style *style, char *buf, uint64_t time_usec, uint64_t messages);

#endif
