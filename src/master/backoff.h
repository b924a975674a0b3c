/* SPDX-License-Identifier: MIT */
/*
 * The pause before the master replaces a child that failed.  Pure.  Called by
 * the master only.
 */
#ifndef ECHO_LOGD_BACKOFF_H
#define ECHO_LOGD_BACKOFF_H

#include <stdint.h>

/*
 * Returns the pause in microseconds after the FAILURES-th failure in a row,
 * counted from 1.  The first FREE failures have no pause.  The next one has
 * 20 ms, and each further one doubles it, up to LONGEST_USEC.
 */
uint64_t backoff_usec(unsigned failures, unsigned free, uint64_t longest_usec);

#endif
