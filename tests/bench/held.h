/* SPDX-License-Identifier: MIT */
/*
 * Clients that are there and say little: opened one after the other before anything
 * is measured, held, and each heard once more at the end.
 */
#ifndef ECHO_LOGD_TESTS_BENCH_HELD_H
#define ECHO_LOGD_TESTS_BENCH_HELD_H

#include "load.h"

/* Opens plan->held clients; each has one message echoed.  Stops at the first that cannot. */
void held_open(const struct plan *plan, struct report *report);

/* Lets those talk whose turn it is, without waiting for anything; see plan->ping_nsec. */
void held_talk(const struct plan *plan, struct report *report, uint64_t now);

/* Each must still be served; then they are closed. */
void held_finish(const struct plan *plan, struct report *report);

#endif
