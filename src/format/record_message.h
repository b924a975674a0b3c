/* SPDX-License-Identifier: MIT */
/*
 * Messages to lines of the message log: the `message` and `part` records of
 * echo-logd-log(5), and the bare bytes of FORMAT_RAW.
 *
 * Pure but for the cached second in struct record_style.  Workers call it;
 * all other records are made by record.h.
 */
#ifndef ECHO_LOGD_RECORD_MESSAGE_H
#define ECHO_LOGD_RECORD_MESSAGE_H

#include <stddef.h>

#include "format/record.h"

/*
 * Renders the next piece of a message.  If one record can hold all LEN > 0
 * bytes of DATA, it is a `message`.  Otherwise it is a `part` with as many
 * of them as fit, and the caller continues with the rest.  The last piece is
 * a `message`; readers join them (ctl/runs.h: their totals).  A part is always
 * RECORD_MAX bytes long, because the log pipe takes records of that length
 * many at a time (logpipe.h).
 *
 * Writes at most ROOM <= RECORD_MAX bytes to BUF.  Returns the number of
 * bytes written and sets *RET_TAKEN to the number of payload bytes in them.
 * Returns 0 if a larger room would hold more: ROOM is less than RECORD_MAX
 * and the piece would be cut for that reason alone.  The caller then makes
 * room and calls again with RECORD_MAX.
 */
size_t record_message(struct record_style *style, char *buf, size_t room,
		      const struct record_head *head, const void *data, size_t len,
		      size_t *ret_taken);

#endif
