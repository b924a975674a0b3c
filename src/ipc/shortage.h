/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, processes or memory run out.
 *
 * Every worker meets such a shortage, and meets it again at each retry.  So
 * the process that meets it notes it in the scoreboard and logs nothing;
 * the master speaks for all of them (shortage_report.h).  Any process.
 */
#ifndef ECHO_LOGD_SHORTAGE_H
#define ECHO_LOGD_SHORTAGE_H

#include <stdbool.h>

#include "ipc/scoreboard.h"

/* A shortage that nobody has met for this long is over. */
#define SHORTAGE_OVER_USEC 5000000

/* KIND was met, for the reason ERROR (an errno).  Rings DOORBELL if the master sleeps. */
void shortage_note(struct scoreboard *board, enum shortage_kind kind, int error, int doorbell);

/* Whether KIND was met in the last SHORTAGE_OVER_USEC. */
bool shortage_lasts(const struct scoreboard *board, enum shortage_kind kind);

#endif
