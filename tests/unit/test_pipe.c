/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/pipe.h"

#define LARGE_BYTES ((size_t)256 * 1024)

static void assert_is_pipe(int read_fd, int write_fd)
{
	char c = 0;

	assert_int_equal(fcntl(read_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(write_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(write_fd, "x", 1), 1);
	assert_int_equal(pipe_bytes(read_fd), 1);
	assert_int_equal(read(read_fd, &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(pipe_bytes(read_fd), 0);
	close(read_fd);
	close(write_fd);
}

static void test_size(void **state)
{
	int fds[2], read_fd, write_fd;
	size_t usual;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	usual = pipe_capacity(fds[0]);
	assert_true(usual >= PIPE_BUF);
	close(fds[0]);
	close(fds[1]);

	assert_int_equal(pipe_open(0, &read_fd, &write_fd), 0);
	assert_int_equal(pipe_capacity(read_fd), usual);
	assert_is_pipe(read_fd, write_fd);

	assert_int_equal(pipe_open(LARGE_BYTES, &read_fd, &write_fd), 0);
	assert_int_equal(pipe_capacity(read_fd), LARGE_BYTES);
	assert_int_equal(pipe_capacity(write_fd), LARGE_BYTES);
	assert_is_pipe(read_fd, write_fd);

	/* A size that the kernel cannot represent: the pipe has the usual size. */
	assert_int_equal(pipe_open((size_t)3 << 30, &read_fd, &write_fd), 0);
	assert_int_equal(pipe_capacity(read_fd), usual);
	assert_is_pipe(read_fd, write_fd);
}

static void test_bytes(void **state)
{
	int read_fd, write_fd;

	(void)state;
	assert_int_equal(pipe_open(0, &read_fd, &write_fd), 0);
	assert_int_equal(pipe_bytes(read_fd), 0);
	assert_int_equal(write(write_fd, "hello", 5), 5);
	assert_int_equal(write(write_fd, "you", 3), 3);
	/* Both ends give the same number. */
	assert_int_equal(pipe_bytes(read_fd), 8);
	assert_int_equal(pipe_bytes(write_fd), 8);
	close(read_fd);
	close(write_fd);
	assert_int_equal(pipe_bytes(read_fd), 0);
	assert_int_equal(pipe_capacity(read_fd), 0);
}

static void test_no_descriptor_left(void **state)
{
	struct rlimit old, none;
	int read_fd = -7, write_fd = -8, r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = pipe_open(LARGE_BYTES, &read_fd, &write_fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, -EMFILE);
	assert_int_equal(read_fd, -7);
	assert_int_equal(write_fd, -8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_no_descriptor_left),
	};

	return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
