/* SPDX-License-Identifier: MIT */
/*
 * Waits for a client on all listeners and accepts it.  All idle workers wait
 * on the same listeners.  Called by workers only.
 */
#ifndef ECHO_LOGD_ACCEPTOR_H
#define ECHO_LOGD_ACCEPTOR_H

#include <signal.h>
#include <sys/socket.h>

#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"

struct acceptor {
	int epoll_fd;
	const struct descriptors *fds;
	struct scoreboard *board;
	const volatile sig_atomic_t *stop;	/* exit at once */
	const volatile sig_atomic_t *retire;	/* exit unless a client can be accepted */
};

/*
 * Prepares A for the listeners in FDS.  Signal handlers set *STOP and *RETIRE.
 * All pointers must outlive A.  Returns 0, or the -errno of epoll_create1(2).
 */
int acceptor_init(struct acceptor *a, const struct descriptors *fds, struct scoreboard *board,
		  const volatile sig_atomic_t *stop, const volatile sig_atomic_t *retire);

/* Adds the worker to the wait queue of each listener.  Returns 0 or -errno. */
int acceptor_watch(const struct acceptor *a);

/*
 * Removes the worker from the wait queues.  Call it while the worker is busy: for every new
 * client, the kernel searches the queue for an idle worker.
 */
void acceptor_unwatch(const struct acceptor *a);

/*
 * Waits for a client, with no signal blocked.  Returns the client's socket,
 * which the caller must close, and its address in *RET_PEER; -ECANCELED if
 * the worker must exit; -ESHUTDOWN if a listener was shut down; the -errno of
 * epoll_pwait(2); or, if the worker must exit and could not look for a last
 * client, that of accept4(2).  If accept4(2) fails in another way than by a
 * client that is gone, it records a shortage (shortage.h) and retries after a
 * pause.
 */
int acceptor_wait(const struct acceptor *a, struct sockaddr_storage *ret_peer);

#endif
