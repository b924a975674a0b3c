/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, processes, memory run out.
 *
 * Every worker meets such a trouble, and meets it again at each new try.
 * So whoever meets it notes it in the scoreboard and says nothing; the
 * master says once that it is there, says so in STATUS= while it lasts,
 * and says once that it is over.
 */
#ifndef ECHO_LOGD_TROUBLE_H
#define ECHO_LOGD_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "scoreboard.h"

struct service;

/* A trouble that was not met again for so long is over. */
#define TROUBLE_OVER_USEC 5000000

/* Any process: KIND was met, for the reason ERROR (an errno).  Rings DOORBELL if the master sleeps. */
void trouble_note(struct scoreboard *board, enum trouble_kind kind, int error, int doorbell);

/* Master, every second while anything moves: says what is new.  Returns whether a trouble lasts. */
bool trouble_tell(struct service *s);

/* Master: writes a sentence for each trouble that lasts to TEXT; none: an empty string. */
void trouble_describe(const struct service *s, char *text, size_t size);

#endif
