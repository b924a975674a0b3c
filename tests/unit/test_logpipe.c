/* SPDX-License-Identifier: MIT */
/* The worker's end of the log pipe: long writes to a pipe that is nearly always full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/logpipe.h"

#define PAGES 16
#define REST 100
#define PIPE_PAGES 2

static char pages[PAGES * PIPE_BUF + REST];

static void on_signal(int signo)
{
	(void)signo;
}

/* Forks a child that writes BEFORE bytes and then all pages.  Signals interrupt its write(2). */
static pid_t fork_writer(int fd, size_t before)
{
	struct sigaction action = {.sa_handler = on_signal};
	const struct config config = {.when_stalled = STALL_BLOCK};
	struct logpipe pipe;
	pid_t pid;

	sigaction(SIGUSR1, &action, NULL);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		if (logpipe_init(&pipe, &config, NULL, fd) < 0 ||
		    logpipe_write(&pipe, pages, before, false) < 0 ||
		    logpipe_write(&pipe, pages, sizeof(pages), false) < 0)
			_exit(1);
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void wait_until_full(int fd, pid_t writer)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int status;

	while (poll(&pollfd, 1, 0) > 0)
		assert_int_equal(waitpid(writer, &status, WNOHANG), 0);
}

static void test_signals_lose_nothing(void **state)
{
	size_t before = 10, done = 0;
	char buf[PIPE_BUF];
	int fds[2], status;
	pid_t writer;

	(void)state;
	for (size_t i = 0; i < sizeof(pages); i++)
		pages[i] = (char)(i / PIPE_BUF + i % 251);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, PIPE_PAGES * PIPE_BUF) > 0);
	writer = fork_writer(fds[1], before);
	wait_until_full(fds[1], writer);
	assert_int_equal(read(fds[0], buf, before), before);
	assert_memory_equal(buf, pages, before);
	while (done < sizeof(pages)) {
		size_t left = sizeof(pages) - done;
		ssize_t n;

		if (left > (PIPE_PAGES + 1) * PIPE_BUF + REST)
			wait_until_full(fds[1], writer);
		kill(writer, SIGUSR1);
		n = read(fds[0], buf, sizeof(buf));
		assert_true(n > 0 && (size_t)n <= left);
		assert_memory_equal(buf, pages + done, (size_t)n);
		done += (size_t)n;
	}
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	assert_int_equal(ioctl(fds[0], FIONREAD, &status), 0);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
}

/* A later write does not fill up a page.  Otherwise it could be cut in the middle of a record. */
static void test_pages_stay_apart(void **state)
{
	const struct config config = {.when_stalled = STALL_BLOCK};
	struct logpipe pipe;
	struct pollfd pollfd = {.events = POLLOUT};
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4 * PIPE_BUF) > 0);
	assert_int_equal(logpipe_init(&pipe, &config, NULL, fds[1]), 0);
	assert_int_equal(logpipe_write(&pipe, pages, 10, false), 0);
	/* The pipe is full now only if each of these has its own page. */
	assert_int_equal(logpipe_write(&pipe, pages, 2 * PIPE_BUF + REST, false), 0);
	pollfd.fd = fds[1];
	assert_int_equal(poll(&pollfd, 1, 0), 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_lose_nothing),
		cmocka_unit_test(test_pages_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
