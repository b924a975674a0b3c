/* SPDX-License-Identifier: MIT */
/*
 * Forks the workers and the logger, and closes the descriptors that their
 * role does not hold.  No other file of the daemon forks.  Called by the
 * master only.
 *
 * Who holds which descriptor.  A child holds none of the master's other
 * descriptors (event loop, systemd's socket, lock of the runtime directory).
 *
 *                      master                               worker   logger
 *   listeners          yes                                  yes      -
 *   log pipe, read     kept for the next logger, never read -        yes
 *   log pipe, write    for the next fork, never written     yes      -
 *   stage pipe         both ends kept, never touched        -        yes
 *   log file           opens it, never writes               -        yes
 *   doorbell           reads                                writes   writes
 *   logger's bell      kept                                 writes   reads
 *   journal            writes                               -        writes
 */
#ifndef ECHO_LOGD_CHILD_H
#define ECHO_LOGD_CHILD_H

#include <sys/types.h>

#include "ipc/descriptors.h"

enum child_kind { CHILD_WORKER, CHILD_LOGGER };

/*
 * Forks a child of KIND.  Returns its pid in the master, 0 in the child, or
 * -errno (-EAGAIN: the limit of processes is reached).
 *
 * In the child every descriptor that KIND does not hold is closed, and is -1
 * in *HELD.  The signals of master_block_signals() are still blocked; SIGPIPE
 * and SIGXFSZ are ignored, all others have their default action.  The child
 * must call no library but libc (dontfork.h), and must leave by _exit(2).
 */
pid_t child_fork(enum child_kind kind, struct descriptors *held);

#endif
