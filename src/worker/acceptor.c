/* SPDX-License-Identifier: MIT */
#include "worker/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include "ipc/shortage.h"

/* How long to wait before the next accept4(2) after a shortage of descriptors or memory. */
#define ACCEPT_PAUSE_MSEC 100

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

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* On Linux an accepted TCP socket inherits the listener's timeouts, an AF_UNIX socket does not. */
static void copy_timeouts(int listen_fd, int client_fd)
{
	struct timeval idle;
	socklen_t len = sizeof(idle);

	if (getsockopt(listen_fd, SOL_SOCKET, SO_RCVTIMEO, &idle, &len) < 0)
		return;
	(void)setsockopt(client_fd, SOL_SOCKET, SO_RCVTIMEO, &idle, len);
	(void)setsockopt(client_fd, SOL_SOCKET, SO_SNDTIMEO, &idle, len);
}

/*
 * Returns the client's socket; -EAGAIN if another worker accepted the client or accept4(2)
 * failed; -ESHUTDOWN if the listener was shut down.
 */
static int accept_from(const struct acceptor *a, int listen_fd, struct sockaddr_storage *ret_peer)
{
	socklen_t len = sizeof(*ret_peer);
	int fd = accept4(listen_fd, (struct sockaddr *)ret_peer, &len, SOCK_CLOEXEC);

	if (fd >= 0) {
		if (ret_peer->ss_family == AF_UNIX)
			copy_timeouts(listen_fd, fd);
		return fd;
	}
	if (errno == EINVAL)
		return -ESHUTDOWN;
	if (is_shortage(errno)) {
		shortage_note(a->board, SHORTAGE_ACCEPT, errno, a->fds->doorbell);
		poll(NULL, 0, ACCEPT_PAUSE_MSEC);
	}
	return -EAGAIN;
}

/*
 * Before the worker exits: a client that arrived together with SIGHUP may
 * have woken only this worker (EPOLLEXCLUSIVE), and would then wait until
 * another client wakes another worker.
 */
static int accept_before_exit(const struct acceptor *a, struct sockaddr_storage *ret_peer)
{
	for (unsigned i = 0; i < a->fds->listeners.n; i++) {
		int fd = accept_from(a, a->fds->listeners.item[i].fd, ret_peer);

		if (fd >= 0)
			return fd;
	}
	return -ECANCELED;
}

int acceptor_wait(const struct acceptor *a, struct sockaddr_storage *ret_peer)
{
	struct epoll_event event;
	sigset_t none;
	int fd = -EAGAIN;

	sigemptyset(&none);
	while (fd == -EAGAIN) {
		if (*a->stop)
			return -ECANCELED;
		if (*a->retire)
			return accept_before_exit(a, ret_peer);
		if (epoll_pwait(a->epoll_fd, &event, 1, -1, &none) > 0)
			fd = accept_from(a, event.data.fd, ret_peer);
		else if (errno != EINTR)
			return -errno;
	}
	return fd;
}
