/* SPDX-License-Identifier: MIT */
/* Microseconds: monotonic for deadlines, real time only as data. */
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

static inline uint64_t clock_monotonic_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

static inline uint64_t clock_realtime_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}

#endif
