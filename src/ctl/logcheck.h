/* SPDX-License-Identifier: MIT */
/*
 * Verifies message logs, line by line and as a whole: `echo-logctl verify`
 * without the files.  Pure, and safe with any bytes.
 *
 *     logcheck_new();
 *     for each file, in any order:
 *         logcheck_begin(); logcheck_lines() until its end;
 *     logcheck_finish();
 *     logcheck_free();
 *
 * It is strict: it accepts what echo-logd writes, in the form in which it
 * writes it.  Events that RECORD_VERSION does not have are accepted behind a
 * `start` of a later version; before the first `start` of a file, if any file
 * has one of a later version.  Unknown keys at the end of a record are
 * accepted everywhere.
 *
 * This module finds what is wrong with single lines; connections.h finds
 * what is wrong with connections.
 */
#ifndef ECHO_LOGD_LOGCHECK_H
#define ECHO_LOGD_LOGCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/connections.h"
#include "ctl/finding.h"
#include "format/log_format.h"

struct logcheck;

/*
 * Makes a check that reports to SINK, which is copied.  Returns 0 or
 * -ENOMEM.  The caller frees it with logcheck_free().
 */
int logcheck_new(const struct finding_sink *sink, struct logcheck **ret_check);
void logcheck_free(struct logcheck *check);

/*
 * Finds out which format a file has that begins with DATA.  The first line
 * that looks like a record decides, because lines before it may be damaged.
 * Zeros before a line do not count.  Returns 0, or -ENOMSG if there is none in
 * the first 64 KiB: a raw log, or no log at all.
 */
int logcheck_find_format(const char *data, size_t len, enum log_format *ret_format);

/*
 * Begins a file.  NAME is for findings and must live as long as CHECK.
 * FORMAT is FORMAT_TEXT or FORMAT_JSON.
 */
void logcheck_begin(struct logcheck *check, const char *name, enum log_format format);

/* The file goes on with BYTES zeros, which are not given.  Before a line only. */
void logcheck_zeros(struct logcheck *check, uint64_t bytes);

/*
 * Takes the next LEN bytes of the file; with IS_LAST, they are all that is
 * left of it.  Returns 0 or -ENOMEM.  *RET_TAKEN is the number of bytes that
 * were used.  The rest is the beginning of a line, at most RECORD_MAX bytes;
 * the next call must begin with it.
 */
int logcheck_lines(struct logcheck *check, const char *data, size_t len, bool is_last,
		   size_t *ret_taken);

/*
 * All files are done: reports what is wrong with connections.  Returns the
 * number of records; *RET_SUMMARY sums up those of connections.
 */
uint64_t logcheck_finish(struct logcheck *check, struct connections_summary *ret_summary);

#endif
