/* SPDX-License-Identifier: MIT */
/*
 * How many workers there should be.  Pure: the master counts, asks, forks.
 *
 * A worker serves one client at a time, so the number of workers is the
 * number of clients that can be served: never more than max_clients.
 */
#ifndef ECHO_LOGD_SPARE_H
#define ECHO_LOGD_SPARE_H

#include "config/config.h"

struct spare_limits {
	unsigned max_workers;
	unsigned low;	/* fewer idle workers are too few; at least 1: one must accept */
	unsigned high;	/* more idle workers are too many; at least `low` */
};

struct spare_limits spare_limits(const struct config *config);

/*
 * How many workers to fork now, given IDLE and BUSY ones.  Too few spares
 * while clients are served are brought up to midway between low and high:
 * a burst is met by a burst, and a trickle does not fork for every client.
 */
unsigned spare_to_fork(const struct spare_limits *limits, unsigned idle, unsigned busy);

/* How many of the IDLE workers are too many. */
unsigned spare_to_retire(const struct spare_limits *limits, unsigned idle);

#endif
