/* SPDX-License-Identifier: MIT */
#include "worker/logpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "format/record.h"

/* How often a waiting write checks whether the log is stalled. */
#define CHECK_USEC 50000

static void on_alarm(int signo)
{
	(void)signo;
}

int logpipe_init(struct logpipe *pipe, const struct config *config,
		 const struct scoreboard *board, int write_fd)
{
	struct sigaction alarm = {.sa_handler = on_alarm};
	char path[32];

	pipe->shared_fd = write_fd;
	pipe->own_fd = -1;
	stall_watch_init(&pipe->watch, board, config->stall_timeout_usec);
	if (config->when_stalled == STALL_BLOCK)
		return 0;
	/* Without SA_RESTART, so that SIGALRM interrupts a waiting write(2). */
	sigaction(SIGALRM, &alarm, NULL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", write_fd);
	pipe->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return pipe->own_fd < 0 ? -errno : 0;
}

/*
 * Repeats, since a single alarm could expire just before write(2) begins to wait.  Returns
 * whether there is a timer: a filter of system calls may refuse it.
 */
static bool set_alarm(long usec)
{
	struct itimerval timer = {.it_interval.tv_usec = usec, .it_value.tv_usec = usec};

	return setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

static int write_waiting(struct logpipe *pipe, const char *data, size_t len, bool limited)
{
	/* A signal must not end the write; only a stall may. */
	while (len > 0) {
		ssize_t n = write(pipe->shared_fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno != EINTR) {
			return -errno;
		} else if (limited && stall_watch_is_stalled(&pipe->watch)) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/*
 * Writes the full pages first: if the length is not a multiple of the page size, the kernel
 * puts the beginning into the page that another write has left partly empty.
 */
static int write_pages(struct logpipe *pipe, const char *data, size_t len)
{
	size_t full = len - len % RECORD_MAX;
	int r = write_waiting(pipe, data, full, false);

	return r < 0 ? r : write_waiting(pipe, data + full, len - full, false);
}

/* The wait without an alarm.  A write of a single page succeeds whole or not at all. */
static int write_polling(struct logpipe *pipe, const char *data, size_t len)
{
	struct pollfd room = {.fd = pipe->own_fd, .events = POLLOUT};

	while (!stall_watch_is_stalled(&pipe->watch)) {
		(void)poll(&room, 1, CHECK_USEC / 1000);
		if (write(pipe->own_fd, data, len) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -ETIMEDOUT;
}

int logpipe_write(struct logpipe *pipe, const char *data, size_t len, bool may_wait)
{
	int r;

	if (pipe->own_fd < 0 || may_wait)
		return write_pages(pipe, data, len);
	if (write(pipe->own_fd, data, len) >= 0) {
		stall_watch_reset(&pipe->watch);
		return 0;
	}
	if (errno != EAGAIN)
		return -errno;
	if (stall_watch_is_stalled(&pipe->watch))
		return -ETIMEDOUT;
	if (!set_alarm(CHECK_USEC))
		return write_polling(pipe, data, len);
	r = write_waiting(pipe, data, len, true);
	(void)set_alarm(0);
	return r;
}
