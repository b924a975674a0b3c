/* SPDX-License-Identifier: MIT */
/*
 * Calculates how many workers the master should fork or retire.  Called by
 * the master; a worker uses the limits to know when to ring the doorbell.
 * Pure.
 *
 * A worker serves one client at a time, so there are never more workers than
 * max_clients.
 */
#ifndef ECHO_LOGD_SPARE_WORKERS_H
#define ECHO_LOGD_SPARE_WORKERS_H

#include "config/config.h"

struct spare_workers_limits {
	unsigned max_workers;
	unsigned low;	/* minimum of idle workers; at least 1, which accepts clients */
	unsigned high;	/* maximum of idle workers; at least `low` */
};

/* The limits that CONFIG sets. */
struct spare_workers_limits spare_workers_limits(const struct config *config);

/*
 * Returns how many workers to fork if IDLE are idle and BUSY serve a client.
 * If there are fewer than `low` idle workers while clients are served, it
 * raises them to the middle between `low` and `high`, so that the master
 * forks in groups and not once for each client.
 */
unsigned spare_workers_to_fork(const struct spare_workers_limits *limits, unsigned idle,
			       unsigned busy);

/* Returns how many of the IDLE workers to retire. */
unsigned spare_workers_to_retire(const struct spare_workers_limits *limits, unsigned idle);

#endif
