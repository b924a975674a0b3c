/* SPDX-License-Identifier: MIT */
/*
 * Whether the payload of a record has the form that record_message.h gives
 * it: escaped text or base64, and as much of a message as fits.  parse.h
 * accepts either form; `echo-logctl verify` uses this too.
 *
 * Pure.
 */
#ifndef ECHO_LOGD_RECORD_FORM_H
#define ECHO_LOGD_RECORD_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "format/log_format.h"
#include "format/parsed_record.h"

/*
 * RECORD is a `message` or `part` that parse_record() has read from LINE,
 * LEN bytes without the newline.  PAYLOAD has the RECORD->length bytes that
 * parse_payload() has decoded from it.
 *
 * It never returns false for what record_message() wrote.  Where a part is
 * cut depends on the bytes behind it, which are not known here; so a part
 * that is some bytes shorter or longer passes too.
 */
bool record_form_is_right(enum log_format format, const struct record *record, const char *line,
			  size_t len, const void *payload);

#endif
