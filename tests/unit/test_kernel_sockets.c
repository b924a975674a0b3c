/* SPDX-License-Identifier: MIT */
/* What listeners, workers and the lock of the log assume, tested with the running kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Forks a child that the kernel kills when this process ends, so also if the test fails. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static int exit_status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int listen_somewhere(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

/* Returns a connected socket, or -errno. */
static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static void test_accepted_sockets_inherit_options(void **state)
{
	struct timeval timeout = {.tv_sec = 7, .tv_usec = 500000}, got;
	int one = 1, nodelay = 0, listen_fd, client_fd, fd;
	socklen_t len = sizeof(nodelay);
	struct sockaddr_in address;

	(void)state;
	listen_fd = listen_somewhere(&address);
	assert_int_equal(setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(listen_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)),
			 0);
	timeout.tv_sec = 9;
	assert_int_equal(setsockopt(listen_fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)),
			 0);
	client_fd = connect_to(&address);
	assert_true(client_fd >= 0);
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len), 0);
	assert_int_equal(nodelay, 1);
	len = sizeof(got);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len), 0);
	assert_int_equal(got.tv_sec * 1000000 + got.tv_usec, 7500000);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &got, &len), 0);
	assert_int_equal(got.tv_sec * 1000000 + got.tv_usec, 9500000);
	close(fd);
	close(client_fd);
	close(listen_fd);
}

/* The state of PID, from proc(5): 'S' when it waits for something. */
static char process_state(pid_t pid)
{
	char path[64], text[512], *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

static void wait_until_asleep(pid_t pid)
{
	const struct timespec look_again = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < 5000 && process_state(pid) != 'S'; i++)
		nanosleep(&look_again, NULL);
	assert_int_equal(process_state(pid), 'S');
}

/* Shuts the socket down while another process is in accept(2), which must fail with EINVAL. */
static void shut_listener(bool child_polls)
{
	struct sockaddr_in address;
	int listen_fd = listen_somewhere(&address);
	pid_t pid = fork_child();

	if (pid == 0) {
		struct pollfd p = {.fd = listen_fd, .events = POLLIN};
		int fd;

		if (child_polls && poll(&p, 1, 10000) <= 0)
			_exit(255);
		fd = accept(listen_fd, NULL, NULL);
		_exit(fd < 0 ? errno : 0);
	}
	wait_until_asleep(pid);
	assert_int_equal(shutdown(listen_fd, SHUT_RD), 0);
	assert_int_equal(exit_status_of(pid), EINVAL);
	assert_int_equal(accept(listen_fd, NULL, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(connect_to(&address), -ECONNREFUSED);
	close(listen_fd);
}

static void test_shutdown_of_a_listener_is_for_all(void **state)
{
	(void)state;
	shut_listener(false);
	shut_listener(true);
}

static void test_shutdown_ends_recv(void **state)
{
	struct sockaddr_in address;
	int listen_fd = listen_somewhere(&address), client_fd = connect_to(&address);
	int fd = accept(listen_fd, NULL, NULL);
	char buf[8];
	pid_t pid;

	(void)state;
	assert_true(client_fd >= 0 && fd >= 0);
	pid = fork_child();
	if (pid == 0) {
		/* A recv(2) that waits, and one that has not begun yet. */
		alarm(10);
		if (recv(fd, buf, sizeof(buf), 0) != 0)
			_exit(1);
		_exit(recv(fd, buf, sizeof(buf), 0) == 0 ? 0 : 2);
	}
	wait_until_asleep(pid);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	assert_int_equal(exit_status_of(pid), 0);
	/* The other direction stays open, for the echo of what came before. */
	assert_int_equal(send(fd, "echo", 4, MSG_NOSIGNAL), 4);
	assert_int_equal(recv(client_fd, buf, sizeof(buf), 0), 4);
	close(fd);
	close(client_fd);
	close(listen_fd);
}

/* What arrived before can still be read. */
static void test_shutdown_keeps_what_has_arrived(void **state)
{
	struct sockaddr_in address;
	int listen_fd = listen_somewhere(&address), client_fd = connect_to(&address);
	int fd = accept(listen_fd, NULL, NULL);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[8];

	(void)state;
	assert_int_equal(send(client_fd, "hello", 5, 0), 5);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 5);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 0);
	close(fd);
	close(client_fd);
	close(listen_fd);
}

/* --- lock */

static int lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

static void test_lock_lives_with_the_description(void **state)
{
	const char *directory = getenv("TMPDIR");
	char path[PATH_MAX], byte;
	int fd, other_fd, fds[2];
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/test_kernel.XXXXXX",
		 directory && directory[0] ? directory : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	other_fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && other_fd >= 0);
	unlink(path);
	assert_int_equal(lock(fd), 0);
	assert_true(lock(other_fd) == -EAGAIN || lock(other_fd) == -EACCES);

	/* A child closes its copy, and another description of the file: the lock stays. */
	pid = fork_child();
	if (pid == 0) {
		close(other_fd);
		_exit(0);
	}
	assert_int_equal(exit_status_of(pid), 0);
	assert_true(lock(other_fd) < 0);

	/* It stays while only a child holds the description. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork_child();
	if (pid == 0) {
		close(fds[1]);
		_exit((int)read(fds[0], &byte, 1));
	}
	close(fd);
	assert_true(lock(other_fd) < 0);
	close(fds[1]);
	assert_int_equal(exit_status_of(pid), 0);
	assert_int_equal(lock(other_fd), 0);
	close(fds[0]);
	close(other_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted_sockets_inherit_options),
		cmocka_unit_test(test_shutdown_of_a_listener_is_for_all),
		cmocka_unit_test(test_shutdown_ends_recv),
		cmocka_unit_test(test_shutdown_keeps_what_has_arrived),
		cmocka_unit_test(test_lock_lives_with_the_description),
	};

	return cmocka_run_group_tests_name("kernel_sockets", tests, NULL, NULL);
}
