/* SPDX-License-Identifier: MIT */
/* Where a message ends in the bytes of a client.  Pure. */
#ifndef ECHO_LOGD_FRAMING_H
#define ECHO_LOGD_FRAMING_H

#include <stddef.h>

#include "config/config.h"

/*
 * Length of the first message in DATA, or 0 when it is not complete yet.
 * A message is all of DATA (FRAMING_STREAM) or a line with its newline
 * (FRAMING_LINE), and never longer than MAX_BYTES: a longer one ends there
 * and the rest is the next message.
 * SEARCHED: how many leading bytes an earlier call, on a shorter DATA, found
 * to hold no newline; they are not looked at again.
 */
size_t framing_next(enum framing framing, const void *data, size_t len, size_t searched,
		    size_t max_bytes);

#endif
