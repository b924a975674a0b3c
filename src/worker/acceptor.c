/* SPDX-License-Identifier: MIT */
#include "worker/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#include "ipc/shortage.h"

/* How long to wait before the next accept4(2): after a failure that may last, 100 ms; */
static const struct timespec pause_of_failure = {.tv_nsec = 100000000};
/* after a client that is gone already, 1 ms; */
static const struct timespec pause_of_client = {.tv_nsec = 1000000};
/* if another worker accepted the client, only until waiting signals are delivered. */
static const struct timespec no_pause;

/* Tries before a worker leaves.  So many clients in a row that are gone are a failure. */
#define MOST_TRIES 100

int acceptor_init(struct acceptor *a, const struct descriptors *fds, struct scoreboard *board,
		  const volatile sig_atomic_t *stop, const volatile sig_atomic_t *retire)
{
	a->fds = fds;
	a->board = board;
	a->stop = stop;
	a->retire = retire;
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return a->epoll_fd < 0 ? -errno : 0;
}

int acceptor_watch(const struct acceptor *a)
{
	for (unsigned i = 0; i < a->fds->listeners.n; i++) {
		int fd = a->fds->listeners.item[i].fd;
		struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = fd};

		if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			return -errno;
	}
	return 0;
}

void acceptor_unwatch(const struct acceptor *a)
{
	for (unsigned i = 0; i < a->fds->listeners.n; i++)
		(void)epoll_ctl(a->epoll_fd, EPOLL_CTL_DEL, a->fds->listeners.item[i].fd, NULL);
}

/*
 * Whether accept4(2) found a client whose connection has failed already.  That client is out of
 * the queue, and the next call finds the next one.  Every other error may last: a shortage of
 * descriptors or memory, or a security module that refuses the call.
 */
static bool is_of_one_client(int error)
{
	switch (error) {
	case ECONNABORTED:
	/* Errors of the new connection, accept(2).  EPROTO is left out: filters return it too. */
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* On Linux an accepted TCP socket inherits these of the listener, an AF_UNIX socket does not. */
static void copy_options(int listen_fd, int client_fd)
{
	const int yes = 1;
	struct timeval idle;
	socklen_t len = sizeof(idle);

	(void)setsockopt(client_fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
	if (getsockopt(listen_fd, SOL_SOCKET, SO_RCVTIMEO, &idle, &len) < 0)
		return;
	(void)setsockopt(client_fd, SOL_SOCKET, SO_RCVTIMEO, &idle, len);
	(void)setsockopt(client_fd, SOL_SOCKET, SO_SNDTIMEO, &idle, len);
}

/*
 * Returns the client's socket; -EAGAIN if there is none; -ECONNABORTED if its connection has
 * failed; -ESHUTDOWN if the listener was shut down; or the -errno of a failure that may last,
 * after it recorded the shortage.
 */
static int accept_from(const struct acceptor *a, int listen_fd, struct sockaddr_storage *ret_peer)
{
	socklen_t len = sizeof(*ret_peer);
	int fd = accept4(listen_fd, (struct sockaddr *)ret_peer, &len, SOCK_CLOEXEC), error = errno;

	if (fd >= 0) {
		if (ret_peer->ss_family == AF_UNIX)
			copy_options(listen_fd, fd);
		return fd;
	}
	if (error == EINVAL)
		return -ESHUTDOWN;
	if (error == EAGAIN || error == EINTR)
		return -EAGAIN;
	if (is_of_one_client(error))
		return -ECONNABORTED;
	shortage_note(a->board, SHORTAGE_ACCEPT, error, a->fds->doorbell);
	return -error;
}

/*
 * Before the worker exits: a client that arrived together with SIGHUP may
 * have woken only this worker (EPOLLEXCLUSIVE), and would then wait until
 * another client wakes another worker.
 */
static int accept_before_exit(const struct acceptor *a, struct sockaddr_storage *ret_peer)
{
	int failure = -ECANCELED;

	for (unsigned i = 0; i < a->fds->listeners.n; i++) {
		int fd, tries = 0;

		do
			fd = accept_from(a, a->fds->listeners.item[i].fd, ret_peer);
		while (fd == -ECONNABORTED && ++tries < MOST_TRIES);
		if (fd >= 0)
			return fd;
		if (fd != -EAGAIN && fd != -ESHUTDOWN)
			failure = fd;
	}
	return failure;
}

/*
 * Waits until a listener has a client, and tries to accept it.  Both waits let signals in.  The
 * first does not if a listener is ready at once: epoll_pwait(2) then returns before the kernel
 * delivers a signal.  So the pause makes sure that a signal arrives although every accept4(2)
 * fails.  Returns as accept_from() does, or the -errno of epoll_pwait(2) in
 * *RET_ERROR.
 */
static int accept_next(const struct acceptor *a, struct sockaddr_storage *ret_peer, int *ret_error)
{
	const struct timespec *pause;
	struct epoll_event event;
	sigset_t none;
	int fd;

	sigemptyset(&none);
	if (epoll_pwait(a->epoll_fd, &event, 1, -1, &none) < 0) {
		*ret_error = errno == EINTR ? 0 : -errno;
		return -EAGAIN;
	}
	fd = accept_from(a, event.data.fd, ret_peer);
	if (fd >= 0 || fd == -ESHUTDOWN)
		return fd;
	pause = fd == -EAGAIN ? &no_pause : fd == -ECONNABORTED ? &pause_of_client :
								   &pause_of_failure;
	(void)ppoll(NULL, 0, pause, &none);
	return -EAGAIN;
}

int acceptor_wait(const struct acceptor *a, struct sockaddr_storage *ret_peer)
{
	int fd = -EAGAIN, error = 0;

	while (fd == -EAGAIN && error == 0) {
		if (*a->stop)
			return -ECANCELED;
		if (*a->retire)
			return accept_before_exit(a, ret_peer);
		fd = accept_next(a, ret_peer, &error);
	}
	return error < 0 ? error : fd;
}
