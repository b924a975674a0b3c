/* SPDX-License-Identifier: MIT */
/* Finds the end of a message in the bytes of a client.  Called by workers only.  Pure. */
#ifndef ECHO_LOGD_FRAMING_H
#define ECHO_LOGD_FRAMING_H

#include <stddef.h>

#include "config/config.h"

/*
 * Returns the length of the first message in the LEN bytes of DATA, or 0 if
 * it is not complete yet.  A message is all of DATA (FRAMING_STREAM) or a
 * line with its newline (FRAMING_LINE).  A message longer than MAX_BYTES ends
 * there, and the rest is the next message.  (A message that does not fit into
 * one record is cut later, by record_message().)
 * SEARCHED: the number of leading bytes that are known, from a call with a
 * shorter DATA, to have no newline; they are not searched again.
 */
size_t framing_next(enum framing framing, const void *data, size_t len, size_t searched,
		    size_t max_bytes);

#endif
