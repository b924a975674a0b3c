/* SPDX-License-Identifier: MIT */
/* How long to wait before a child that failed is replaced.  Pure; the master uses it. */
#ifndef ECHO_LOGD_BACKOFF_H
#define ECHO_LOGD_BACKOFF_H

#include <stdint.h>

/*
 * Returns the wait after the FAILURES-th failure in a row, counted from 1: none
 * for the first FREE, then 20 ms, doubled by each further one up to
 * LONGEST_USEC.
 */
uint64_t backoff_usec(unsigned failures, unsigned free, uint64_t longest_usec);

#endif
