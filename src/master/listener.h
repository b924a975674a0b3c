/* SPDX-License-Identifier: MIT */
/*
 * The sockets that clients connect to.
 *
 * Made by the master, or by systemd before it; workers inherit and accept
 * from them.  What a client socket needs (TCP_NODELAY, timeouts) is set here
 * once, since Linux hands a TCP listener's options on to what it accepts:
 * three system calls fewer for each client.
 */
#ifndef ECHO_LOGD_LISTENER_H
#define ECHO_LOGD_LISTENER_H

#include <stddef.h>

#include "base/peer_name.h"
#include "config/config.h"
#include "ipc/descriptors.h"

/*
 * Listens on every address of CONFIG.  A socket of RUNNING (may be NULL)
 * that already listens on one is taken over; RUNNING itself is unchanged.
 * Where those of RUNNING are passed ones they are the result, whatever
 * CONFIG says.
 * Addresses of the default list that this kernel lacks are skipped and
 * named in RET_SKIPPED (NUL-terminated, "" when none).
 * Returns 0; or -errno with the address that failed in RET_FAILED, and
 * nothing newly opened left open.  -EADDRNOTAVAIL when none is left.  While a
 * new socket cannot be bound beside the running ones, those that CONFIG does not
 * name refuse clients for some microseconds.
 */
int listeners_open(const struct config *config, const struct listeners *running,
		   struct listeners *ret_listeners, char ret_failed[PEER_NAME_SIZE],
		   char *ret_skipped, size_t skipped_size);

/*
 * Takes FD, which systemd has passed, into LISTENERS, and from then on they
 * are passed ones: they stay as they are on reload, and are never stopped,
 * since whoever waits in their queues is the next instance's client.
 * Returns 0; or, having closed FD, -ENOTSOCK; -EPROTOTYPE when it is no
 * stream socket; -EAFNOSUPPORT when it is neither IP nor AF_UNIX; -EINVAL
 * when it does not listen; -E2BIG when there are LISTENERS_MAX already.
 */
int listeners_adopt(struct listeners *listeners, int fd);

/* (Re)sets the options that accepted sockets inherit from CONFIG. */
void listeners_configure(const struct listeners *listeners, const struct config *config);

/*
 * Stops and closes each socket of OLD that NEW (may be NULL: all) does not
 * hold.  Stopped for every process at once, workers included: clients that
 * come later are refused rather than left waiting.  Passed sockets are closed
 * and go on listening in systemd.
 */
void listeners_close(struct listeners *old, const struct listeners *new);

#endif
