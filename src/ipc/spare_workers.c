/* SPDX-License-Identifier: MIT */
#include "ipc/spare_workers.h"

struct spare_workers_limits spare_workers_limits(const struct config *config)
{
	struct spare_workers_limits limits = {.max_workers = config->max_clients};

	limits.low = config->min_spare > 1 ? config->min_spare : 1;
	limits.high = config->max_spare > limits.low ? config->max_spare : limits.low;
	return limits;
}

unsigned spare_workers_to_fork(const struct spare_workers_limits *limits, unsigned idle,
			    unsigned busy)
{
	unsigned room, want;

	if (idle >= limits->low || idle + busy >= limits->max_workers)
		return 0;
	room = limits->max_workers - idle - busy;
	want = (busy > 0 ? (limits->low + limits->high + 1) / 2 : limits->low) - idle;
	return want < room ? want : room;
}

unsigned spare_workers_to_retire(const struct spare_workers_limits *limits, unsigned idle)
{
	return idle > limits->high ? idle - limits->high : 0;
}
