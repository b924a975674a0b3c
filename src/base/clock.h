/* SPDX-License-Identifier: MIT */
/*
 * The time in microseconds, for any process.  Deadlines use the monotonic
 * clock; the real time is for timestamps only, since an administrator or NTP
 * may set it.
 */
#ifndef ECHO_LOGD_CLOCK_H
#define ECHO_LOGD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* For deadlines; the zero point is arbitrary. */
static inline uint64_t clock_monotonic_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

/* Since 1970-01-01 00:00:00 UTC. */
static inline uint64_t clock_realtime_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}

#endif
