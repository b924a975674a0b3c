/* SPDX-License-Identifier: MIT */
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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/board.h"

static char directory[PATH_MAX], path[PATH_MAX + 16];
static struct scoreboard *made;

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test_ctl_board.XXXXXX",
		 tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/scoreboard", directory);
	fd = scoreboard_create(directory, 40, &made);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	munmap(made, made->size_bytes);
	unlink(path);
	return rmdir(directory);
}

static void check_refused(int error)
{
	struct scoreboard *board = NULL;

	assert_int_equal(board_open(directory, &board), error);
	assert_null(board);
}

static void test_sees_what_the_daemon_counts(void **state)
{
	struct scoreboard *board;
	struct totals totals;

	(void)state;
	assert_int_equal(board_open(directory, &board), 0);
	assert_int_equal(board->n_slots, 40);
	cell_add(&scoreboard_slot(made, 39)->received_bytes, 12);
	scoreboard_totals(board, &totals);
	assert_int_equal(totals.in_flight_bytes, 12);
}

/* The mapping is read-only. */
static void test_cannot_write(void **state)
{
	struct scoreboard *board;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(board_open(directory, &board), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		atomic_store(&board->torn_bytes, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* With a sanitizer the child exits instead of being killed by the signal. */
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
	assert_int_equal(atomic_load(&made->torn_bytes), 0);
}

static void test_none(void **state)
{
	struct scoreboard *board = NULL;
	char too_long[PATH_MAX];

	(void)state;
	assert_int_equal(board_open("/no/such/directory", &board), -ENOENT);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(board_open(too_long, &board), -ENAMETOOLONG);
	assert_int_equal(unlink(path), 0);
	check_refused(-ENOENT);
}

/* A scoreboard that is truncated anywhere is an error, and no signal. */
static void test_truncated(void **state)
{
	uint64_t size = made->size_bytes;
	char *copy = malloc(size);

	(void)state;
	assert_non_null(copy);
	memcpy(copy, made, size);
	for (uint64_t n = 0; n <= size; n += n < 300 || n > size - 70 ? 1 : 61) {
		struct scoreboard *board;
		int fd;

		/* A new file, because the old one is mapped. */
		assert_int_equal(unlink(path), 0);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, copy, n), n);
		close(fd);
		if (n < size)
			check_refused(-EBADMSG);
		else
			assert_int_equal(board_open(directory, &board), 0);
	}
	free(copy);
}

static void test_foreign(void **state)
{
	(void)state;
	made->n_slots = 41;
	check_refused(-EBADMSG);
	made->n_slots = 40;
	made->version++;
	check_refused(-EPROTONOSUPPORT);
	made->magic = 0;
	check_refused(-EBADMSG);
}

/* Who can write to the directory cannot make a tool of root wait or open another file. */
static void test_no_regular_file(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_refused(-EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/proc/self/exe", path), 0);
	check_refused(-ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	check_refused(-EBADMSG);
	assert_int_equal(rmdir(path), 0);
}

/* A child that calls itself NAME and waits to be killed. */
static pid_t start_process(const char *name)
{
	int fds[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		(void)!write(fds[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void end_process(pid_t pid)
{
	siginfo_t info;

	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	/* A zombie. */
	assert_false(board_master_lives(pid));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(board_master_lives(pid));
}

static void test_master_lives(void **state)
{
	static const char *const others[] = {"echo-log-worker", "echo-log-logger", "sh", "a) Z (b",
					     ""};
	pid_t pid = start_process("echo-logd");

	(void)state;
	assert_true(board_master_lives(pid));
	end_process(pid);
	pid = start_process("echo-logd-crash");
	assert_true(board_master_lives(pid));
	end_process(pid);
	/* Another process has the pid now. */
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		pid = start_process(others[i]);
		assert_false(board_master_lives(pid));
		end_process(pid);
	}
}

/* With these, kill(2) would signal all processes, another process group, or the caller's. */
static void test_no_process_at_all(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "echo-logd"), 0);
	assert_true(board_master_lives(getpid()));
	assert_false(board_master_lives(0));
	assert_false(board_master_lives(-1));
	assert_false(board_master_lives(-getpgrp()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sees_what_the_daemon_counts, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_cannot_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_truncated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_foreign, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_regular_file, set_up, tear_down),
		cmocka_unit_test(test_master_lives),
		cmocka_unit_test(test_no_process_at_all),
	};

	return cmocka_run_group_tests_name("ctl_board", tests, NULL, NULL);
}
