/* SPDX-License-Identifier: MIT */
/* How FORMAT_TEXT spells a record, for parse_event.h.  Pure. */
#ifndef ECHO_LOGD_PARSE_TEXT_H
#define ECHO_LOGD_PARSE_TEXT_H

#include "format/parse_event.h"

extern const struct parse_syntax parse_text_syntax;

#endif
