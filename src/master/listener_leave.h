/* SPDX-License-Identifier: MIT */
/*
 * Takes listening sockets out of service at a reload without resetting the
 * clients in their queue.  Called by the master only, logs nothing.
 *
 * A socket that the new configuration does not name is leaving: no client can
 * connect to it any more, but workers still accept those who wait in its
 * queue.  It is closed when the queue is empty.
 *
 * A client whose connection was not complete yet, or who connects to an
 * address without a listener now, is not answered until the socket is closed.
 * It repeats its request, and then reaches another socket or is refused.
 */
#ifndef ECHO_LOGD_LISTENER_LEAVE_H
#define ECHO_LOGD_LISTENER_LEAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/descriptors.h"

/*
 * Adds each socket of RUNNING that FRESH does not hold to FRESH as a leaving
 * one, and empties RUNNING.  Those of FRESH that were leaving stay again.
 *
 * A leaving socket is closed TIMEOUT_USEC after NOW_USEC (monotonic) even if
 * clients wait.  But if its place overlaps with one of FRESH, its clients may
 * want an address that is still served: then it stays until its queue is
 * empty.  The caller must then call listeners_close_left().
 */
void listeners_leave(struct listeners *running, struct listeners *fresh, uint64_t now_usec,
		     uint64_t timeout_usec);

/*
 * Closes the leaving sockets whose time has come, as listeners_close() does.
 * Returns whether others are still leaving.
 */
bool listeners_close_left(struct listeners *listeners, uint64_t now_usec);

#endif
