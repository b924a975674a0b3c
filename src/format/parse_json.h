/* SPDX-License-Identifier: MIT */
/*
 * How FORMAT_JSON spells a record, for parse_event.h.  Pure.
 *
 * This is no JSON reader: fields are accepted only in the order and
 * spelling of echo-logd-log(5).  Only the values that a later version may
 * add are read as JSON, and these by their brackets and strings alone.
 */
#ifndef ECHO_LOGD_PARSE_JSON_H
#define ECHO_LOGD_PARSE_JSON_H

#include "format/parse_event.h"

extern const struct parse_syntax parse_json_syntax;

#endif
