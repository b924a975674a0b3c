/* SPDX-License-Identifier: MIT */
/*
 * Lines of message logs, judged one by one and as a whole: what `echo-logctl
 * verify` does, without the files.  Pure, and safe with any bytes.
 *
 *     logcheck_new();
 *     for each file, in any order:
 *         logcheck_begin(); logcheck_lines() until its end;
 *     logcheck_finish();
 *
 * What single lines show is found here; connections are put together by
 * connections.h.
 */
#ifndef ECHO_LOGD_LOGCHECK_H
#define ECHO_LOGD_LOGCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "ctl/connections.h"

struct logcheck;

/* Returns 0 or -ENOMEM.  SINK is copied.  The caller ends it with logcheck_free(). */
int logcheck_new(const struct finding_sink *sink, struct logcheck **ret_check);
void logcheck_free(struct logcheck *check);

/*
 * What the file that begins with DATA holds: the first line that looks like
 * a record says, since the first of all may be damaged.  Returns 0, or
 * -ENOMSG when there is none: a raw log, or no log at all.
 */
int logcheck_find_format(const char *data, size_t len, enum log_format *ret_format);

/* A file begins; NAME is for findings, and must live as long as CHECK.  FORMAT: not FORMAT_RAW. */
void logcheck_begin(struct logcheck *check, const char *name, enum log_format format);

/*
 * Takes the next LEN bytes of the file; with IS_LAST they are all that is
 * left of it, and the file ends.  Returns 0 and how many bytes are done with
 * in *RET_TAKEN: all but the beginning of a line, at most RECORD_MAX bytes, which
 * must be given again with what follows it; or -ENOMEM.
 */
int logcheck_lines(struct logcheck *check, const char *data, size_t len, bool is_last,
		   size_t *ret_taken);

/* Nothing more comes.  Returns how many records there were; *RET_SUMMARY: those of connections. */
uint64_t logcheck_finish(struct logcheck *check, struct connections_summary *ret_summary);

#endif
