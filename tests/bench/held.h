/* SPDX-License-Identifier: MIT */
/*
 * Clients that stay connected and send little.  They connect one after the other before
 * anything is measured, and at the end each must get one more echo.
 */
#ifndef ECHO_LOGD_TESTS_BENCH_HELD_H
#define ECHO_LOGD_TESTS_BENCH_HELD_H

#include "load.h"

/* Opens plan->held clients; each gets one echo.  Stops at the first one that fails. */
void held_open(const struct plan *plan, struct report *report);

/* Lets the clients talk whose turn it is, without blocking; see plan->ping_nsec. */
void held_talk(const struct plan *plan, struct report *report, uint64_t now);

/* Checks that each client still gets an echo, and closes it. */
void held_finish(const struct plan *plan, struct report *report);

#endif
