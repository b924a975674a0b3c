/* SPDX-License-Identifier: MIT */
/*
 * Durations in buckets that are 1/256 of their value wide.  So a percentile is
 * exact to 0.2 %, and counting a duration touches one cache line.
 */
#ifndef ECHO_LOGD_TESTS_BENCH_HISTOGRAM_H
#define ECHO_LOGD_TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 256
#define HISTOGRAM_OCTAVES 32	/* up to 2^40 ns, 18 minutes */

struct histogram {
	uint64_t count, max_nsec;
	uint32_t buckets[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t nsec);

/* The duration that a SHARE of all (0 to 1) did not exceed; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *h, double share);

#endif
