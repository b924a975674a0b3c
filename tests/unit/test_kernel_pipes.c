/* SPDX-License-Identifier: MIT */
/* splice(2) to a file that cannot be written, and tee(2), tested with the running kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random.h"

#define LOG_PIPE_BYTES (1024 * 1024)

static unsigned char written[LOG_PIPE_BYTES], found[LOG_PIPE_BYTES];

static int bytes_in(int pipe_fd)
{
	int n = 0;

	assert_int_equal(ioctl(pipe_fd, FIONREAD, &n), 0);
	return n;
}

static void make_pipe(int fds[2])
{
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, LOG_PIPE_BYTES) >= LOG_PIPE_BYTES);
}

static void close_pipe(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* Writes 1 to PIPE_BUF bytes at a time, and stores them in `written`.  Returns their number. */
static int fill_pipe(int fd)
{
	size_t total = 0;

	while (total < 200000) {
		size_t len = 1 + random_below(PIPE_BUF);

		random_fill(RANDOM_BINARY, written + total, len);
		assert_int_equal(write(fd, written + total, len), len);
		total += len;
	}
	return (int)total;
}

/* Returns an unnamed file in DIRECTORY, or -1 if none can be made there. */
static int open_unnamed(const char *directory)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/test_kernel.XXXXXX", directory);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static const char *disk_directory(void)
{
	const char *directory = getenv("TMPDIR");

	return directory && directory[0] ? directory : "/tmp";
}

/* Lets the file grow to SIZE.  Exactly the bytes that are in the file are gone from the pipe. */
static void splice_up_to(int pipe_fd, int file_fd, rlim_t size, int total)
{
	struct rlimit limit;
	ssize_t n;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while ((n = splice(pipe_fd, NULL, file_fd, NULL, (size_t)total, SPLICE_F_NONBLOCK)) > 0)
		assert_int_equal(bytes_in(pipe_fd), total - lseek(file_fd, 0, SEEK_CUR));
	assert_int_equal(n, -1);
	assert_int_equal(errno, bytes_in(pipe_fd) > 0 ? EFBIG : EAGAIN);
	assert_int_equal(bytes_in(pipe_fd), total - lseek(file_fd, 0, SEEK_CUR));
}

static void fill_file(int file_fd)
{
	struct rlimit old;
	int fds[2], total;

	make_pipe(fds);
	total = fill_pipe(fds[1]);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t size = 10001; bytes_in(fds[0]) > 0; size += 9973) {
		splice_up_to(fds[0], file_fd, size, total);
		assert_int_equal(lseek(file_fd, 0, SEEK_CUR),
				 (int)size < total ? (int)size : total);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(pread(file_fd, found, sizeof(found), 0), total);
	assert_memory_equal(found, written, total);
	close_pipe(fds);
}

static void test_splice_to_a_file_that_is_full(void **state)
{
	const char *directories[] = {disk_directory(), "/dev/shm"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd = open_unnamed(directories[i]);

		assert_true(fd >= 0 || i == 1);
		if (fd < 0)
			continue;
		fill_file(fd);
		close(fd);
	}
}

static void test_splice_refuses_append(void **state)
{
	int fds[2], file_fd = open_unnamed(disk_directory());

	(void)state;
	make_pipe(fds);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(fcntl(file_fd, F_SETFL, O_APPEND), 0);
	assert_int_equal(splice(fds[0], NULL, file_fd, NULL, 1, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(bytes_in(fds[0]), 1);
	close_pipe(fds);
	close(file_fd);
}

static void test_tee_leaves_the_pipe_as_it_is(void **state)
{
	int from[2], to[2], total;

	(void)state;
	make_pipe(from);
	make_pipe(to);
	total = fill_pipe(from[1]);
	assert_int_equal(tee(from[0], to[1], (size_t)total, SPLICE_F_NONBLOCK), total);
	assert_int_equal(bytes_in(from[0]), total);
	assert_int_equal(bytes_in(to[0]), total);
	assert_int_equal(read(to[0], found, sizeof(found)), total);
	assert_memory_equal(found, written, total);
	assert_int_equal(read(from[0], found, sizeof(found)), total);
	assert_memory_equal(found, written, total);
	close_pipe(from);
	close_pipe(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splice_to_a_file_that_is_full),
		cmocka_unit_test(test_splice_refuses_append),
		cmocka_unit_test(test_tee_leaves_the_pipe_as_it_is),
	};

	random_seed();
	return cmocka_run_group_tests_name("kernel_pipes", tests, NULL, NULL);
}
