/* SPDX-License-Identifier: MIT */
/*
 * Making children: the only fork(2) of the daemon, and who may hold which
 * descriptor after it.  Called by the master only.
 */
#ifndef ECHO_LOGD_CHILD_H
#define ECHO_LOGD_CHILD_H

#include <sys/types.h>

#include "ipc/descriptors.h"

enum child_kind { CHILD_WORKER, CHILD_LOGGER };

/*
 * Forks a child of KIND.  Returns its pid in the master; 0 in the child; or
 * -errno (-EAGAIN: limit of processes).  In the child every descriptor that
 * the kind does not hold is closed, -1 in *HELD, and all signals are still
 * blocked, each with its default action but those ignored everywhere.  The
 * child calls no library but libc (dontfork.h) and leaves by _exit(2).
 */
pid_t child_fork(enum child_kind kind, struct descriptors *held);

#endif
