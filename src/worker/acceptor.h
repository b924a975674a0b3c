/* SPDX-License-Identifier: MIT */
/*
 * An idle worker's wait for a client, beside all other idle workers, on any
 * number of listeners.  Called by workers only.
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
	const volatile sig_atomic_t *stop;	/* leave at once */
	const volatile sig_atomic_t *retire;	/* leave when nobody is waiting */
};

/*
 * Accepts on the listeners in FDS.  STOP and RETIRE are set by signal handlers.  Returns 0
 * or -errno.
 */
int acceptor_init(struct acceptor *a, const struct descriptors *fds, struct scoreboard *board,
		  const volatile sig_atomic_t *stop, const volatile sig_atomic_t *retire);

/* Joins those who wait.  Returns 0 or -errno. */
int acceptor_watch(const struct acceptor *a);

/* A busy worker left in the listeners' wait queues would be walked over for every new client. */
void acceptor_unwatch(const struct acceptor *a);

/*
 * Waits with every signal let through.  Returns a client's socket, its
 * address in *RET_PEER; -ECANCELED when it is time to leave; -ESHUTDOWN when
 * a listener is closed; or -errno.  Where descriptors or memory have run out
 * it tries again, at its leisure, and notes the trouble.
 */
int acceptor_wait(const struct acceptor *a, struct sockaddr_storage *ret_peer);

#endif
