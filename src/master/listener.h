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

#include <stdbool.h>

#include "base/peer_name.h"
#include "config/config.h"
#include "ipc/descriptors.h"

/* What listeners_open() found.  Texts are "" if there is nothing to report. */
struct listen_report {
	char failed[PEER_NAME_SIZE];	/* the address that failed */
	char skipped[256];		/* of the default list, but this host lacks them */
	char absent[256];		/* open, but this host does not have the addresses yet */
};

/*
 * Opens a socket for every address of CONFIG.  A socket of RUNNING (may be
 * NULL) that already listens on an address is reused.  One whose address is
 * part of a new, wider one (127.0.0.1 of "*") stays too, because clients may
 * wait in its queue.  RUNNING goes on listening whatever happens, and *RUNNING
 * is unchanged.  If systemd passed the sockets of RUNNING, *RET_LISTENERS is a
 * copy of RUNNING, whatever CONFIG says.
 *
 * An address of the default list that this host lacks is skipped.  Another
 * address is opened although the host lacks it: clients can connect as soon as
 * it is added (IP_FREEBIND, ip(7)).
 *
 * Returns 0; or -errno with all new sockets closed (-EADDRNOTAVAIL: all
 * addresses were skipped).
 *
 * To open a socket beside a running one whose place overlaps, both have
 * SO_REUSEPORT for a moment.  Later no other program can be bound to that
 * place either, unless it has the same user and sets SO_REUSEPORT: the kernel
 * remembers the option for the port while it is in use (inet_csk_get_port()).
 */
int listeners_open(const struct config *config, const struct listeners *running,
		   struct listeners *ret_listeners, struct listen_report *ret_report);

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

/* Whether FD is one of LISTENERS (may be NULL). */
bool listeners_hold(const struct listeners *listeners, int fd);

/*
 * Closes the first socket of LISTENERS that does not listen any more, because
 * another program shut it down, and removes it.  Returns whether there was
 * one, and its name in RET_NAME.
 */
bool listeners_remove_dead(struct listeners *listeners, char ret_name[LISTENER_NAME_SIZE]);

/*
 * Closes each socket of OLD that NEW does not hold (NULL: all of them), and
 * empties OLD.  The sockets are shut down first, which takes effect in all
 * processes at once: later clients are refused and need not wait.  Sockets
 * that systemd passed are only closed; systemd still listens on them.
 */
void listeners_close(struct listeners *old, const struct listeners *new);

#endif
