/* SPDX-License-Identifier: MIT */
#include "histogram.h"

#define LAST (HISTOGRAM_OCTAVES * HISTOGRAM_STEPS - 1)

/* Values below 2 * STEPS have a bucket each.  Above, each octave has STEPS buckets. */
static unsigned bucket_of(uint64_t nsec)
{
	unsigned shift = 0;

	while (nsec >> shift >= 2 * HISTOGRAM_STEPS)
		shift++;
	uint64_t bucket = shift * HISTOGRAM_STEPS + (nsec >> shift);

	return bucket < LAST ? (unsigned)bucket : LAST;
}

static uint64_t middle_of(unsigned bucket)
{
	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket;
	unsigned shift = bucket / HISTOGRAM_STEPS - 1;
	uint64_t low = (uint64_t)(bucket - shift * HISTOGRAM_STEPS) << shift;

	return low + (UINT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t nsec)
{
	h->count++;
	if (nsec > h->max_nsec)
		h->max_nsec = nsec;
	h->buckets[bucket_of(nsec)]++;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count), seen = 0;

	for (unsigned i = 0; i <= LAST; i++) {
		seen += h->buckets[i];
		if (seen > wanted)
			return middle_of(i) < h->max_nsec ? middle_of(i) : h->max_nsec;
	}
	return h->max_nsec;
}
