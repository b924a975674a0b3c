/* SPDX-License-Identifier: MIT */
/*
 * Lines of the message log back to records: echo-logd-log(5), read.
 * Pure, and strict: what record.h would not have written is refused.
 * FORMAT_RAW has no records; no function here takes it.
 */
#ifndef ECHO_LOGD_PARSE_H
#define ECHO_LOGD_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/log_format.h"
#include "format/log_record.h"

/* LINE is LEN bytes without the newline.  Returns 0, or -EBADMSG. */
int parse_record(enum log_format format, const char *line, size_t len, struct record *ret_record);

/*
 * Decodes RECORD's payload to BUF, which needs RECORD_MAX bytes.  Returns
 * the payload's length, or -EBADMSG when the data is malformed or is not as
 * long as the record says.
 */
ssize_t parse_payload(enum log_format format, const struct record *record, void *buf);

/*
 * Counts whole `message` records in the LEN bytes of DATA, which begin at a
 * record, and stops after the MAX-th.  Looks no closer than needed to know
 * a `message`: fast enough for every byte of a loaded log.
 * Returns how many were seen; *RET_END is the offset behind the last whole
 * record that was passed (so the MAX-th message's, if it was reached).
 */
uint64_t parse_count_messages(enum log_format format, const char *data, size_t len, uint64_t max,
			      size_t *ret_end);

/* Whether LINE (no newline) looks like a record of FORMAT; for telling what a found file holds. */
bool parse_looks_like(enum log_format format, const char *line, size_t len);

#endif
