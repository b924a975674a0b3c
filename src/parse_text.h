/* SPDX-License-Identifier: MIT */
/* Lines of FORMAT_TEXT to records.  Pure, and strict; parse.h uses it. */
#ifndef ECHO_LOGD_PARSE_TEXT_H
#define ECHO_LOGD_PARSE_TEXT_H

#include "log_record.h"
#include "parse_scan.h"

/*
 * Reads the line IN to RET, which the caller has prepared: no number, all
 * else zero.  Returns 0, or -EBADMSG for a line that record.h would not have
 * written; RET means nothing then.
 */
int parse_text(struct cursor in, struct record *ret);

#endif
