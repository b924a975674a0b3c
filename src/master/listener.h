/* SPDX-License-Identifier: MIT */
/*
 * The sockets that clients connect to: opens, adopts, configures and closes
 * them.  Called by the master only, logs nothing.
 *
 * The master opens the sockets, or adopts those that systemd opened before.
 * Workers inherit them and accept from them.  The options that a client's
 * socket needs (TCP_NODELAY, timeouts) are set here once: on Linux an accepted
 * socket inherits them from its listener, which saves three system calls for
 * each client.
 */
#ifndef ECHO_LOGD_LISTENER_H
#define ECHO_LOGD_LISTENER_H

#include <stddef.h>

#include "base/peer_name.h"
#include "config/config.h"
#include "ipc/descriptors.h"

/*
 * Opens a socket for every address of CONFIG.  A socket of RUNNING (may be
 * NULL) that already listens on an address is reused; *RUNNING is unchanged.
 * If systemd passed the sockets of RUNNING, *RET_LISTENERS is a copy of
 * RUNNING, whatever CONFIG says.
 *
 * Addresses of the default list that this host lacks are skipped and named in
 * RET_SKIPPED (NUL-terminated, "" if there are none).
 *
 * Returns 0; or -errno, with the address that failed in RET_FAILED and all
 * new sockets closed (-EADDRNOTAVAIL: all addresses were skipped).  If a new
 * socket cannot be bound because of the running ones, the running ones that
 * CONFIG does not name refuse clients for some microseconds.
 */
int listeners_open(const struct config *config, const struct listeners *running,
		   struct listeners *ret_listeners, char ret_failed[PEER_NAME_SIZE],
		   char *ret_skipped, size_t skipped_size);

/*
 * Adds FD, which systemd passed, to LISTENERS and sets `are_passed`.  A reload
 * does not change these sockets, and listeners_close() does not shut them
 * down, because the clients in their queues belong to the next instance.
 *
 * Returns 0; or, with FD closed, -ENOTSOCK; -EPROTOTYPE if it is not a stream
 * socket; -EAFNOSUPPORT if it is neither IP nor AF_UNIX; -EINVAL if it does
 * not listen; -E2BIG if there are already LISTENERS_MAX; or another -errno of
 * fcntl(2).
 */
int listeners_adopt(struct listeners *listeners, int fd);

/* Sets, from CONFIG, the options that accepted sockets inherit. */
void listeners_configure(const struct listeners *listeners, const struct config *config);

/*
 * Closes each socket of OLD that NEW does not hold (NULL: all of them), and
 * empties OLD.  The sockets are shut down first, which takes effect in all
 * processes at once: later clients are refused and need not wait.  Sockets
 * that systemd passed are only closed; systemd still listens on them.
 */
void listeners_close(struct listeners *old, const struct listeners *new);

#endif
