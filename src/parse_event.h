/* SPDX-License-Identifier: MIT */
/* The names that both formats of the message log share.  Pure. */
#ifndef ECHO_LOGD_PARSE_EVENT_H
#define ECHO_LOGD_PARSE_EVENT_H

#include <stdbool.h>

#include "log_record.h"
#include "parse_scan.h"

/* EVENT_OTHER: this version has no event of that name. */
enum event parse_event_named(const struct cursor *name);

/* Returns whether there is a reason of that name. */
bool parse_reason_named(const struct cursor *name, enum close_reason *ret_reason);

/* Whether this version has a key of that name.  It stands at its place, never among other keys. */
bool parse_key_is_known(const struct cursor *key);

#endif
