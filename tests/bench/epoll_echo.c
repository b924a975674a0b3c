/* SPDX-License-Identifier: MIT */
/*
 * epoll_echo PORT: one process for all clients, no log.  It shows what is possible
 * without a process for each client.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "server.h"

static char buffer[64 * 1024];
static int epoll_fd;

static void accept_clients(int listen_fd)
{
	int fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

/*
 * A client that does not read makes all others wait.  That is acceptable here, because
 * the clients of the benchmark always read.
 */
static bool echo(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd room = {.fd = fd, .events = POLLOUT};

			poll(&room, 1, -1);
			continue;
		}
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void serve(int fd)
{
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !echo(fd, buffer, (size_t)n))
		close(fd);
}

int main(int argc, char *argv[])
{
	struct epoll_event events[256], event = {.events = EPOLLIN};
	struct rlimit limit;

	if (argc != 2)
		return 2;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	event.data.fd = server_listen(argv[1], true, SOCK_NONBLOCK);
	int listen_fd = event.data.fd;

	epoll_fd = epoll_create1(0);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, 256, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listen_fd)
				accept_clients(listen_fd);
			else
				serve(events[i].data.fd);
	}
}
