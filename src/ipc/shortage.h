/* SPDX-License-Identifier: MIT */
/*
 * Shortages of descriptors, processes or memory; a call that a security module
 * or a filter refuses is treated as one.  Called by any process.
 *
 * A shortage hits every worker, at each retry.  So a process that runs short
 * records it in the scoreboard and logs nothing; the master logs it once for
 * all (shortage_report.h).
 */
#ifndef ECHO_LOGD_SHORTAGE_H
#define ECHO_LOGD_SHORTAGE_H

#include <stdbool.h>

#include "ipc/scoreboard.h"

/* A shortage is over if no process has run short for this long. */
#define SHORTAGE_OVER_USEC 5000000

/* Records a shortage of KIND with the errno ERROR.  Rings DOORBELL if the master sleeps. */
void shortage_note(struct scoreboard *board, enum shortage_kind kind, int error, int doorbell);

/* What cannot be done in a shortage of KIND, for messages: "cannot accept clients", ... */
const char *shortage_words(enum shortage_kind kind);

/* Whether a process recorded KIND in the last SHORTAGE_OVER_USEC. */
bool shortage_lasts(const struct scoreboard *board, enum shortage_kind kind);

#endif
