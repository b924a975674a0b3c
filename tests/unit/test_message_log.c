/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/message_log.h"

static char directory[PATH_MAX - 64];
static struct service s;

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test_message_log.XXXXXX",
		 tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	s = (struct service)SERVICE_INIT;
	s.phase = PHASE_RUNNING;
	s.config.format = FORMAT_TEXT;
	s.config.mode = 0640;
	snprintf(s.config.path, sizeof(s.config.path), "%s/one.log", directory);
	fd = scoreboard_create(NULL, 1, &s.board);
	if (fd < 0)
		return -1;
	close(fd);
	return message_log_open_first(&s);
}

static int tear_down(void **state)
{
	char command[PATH_MAX];

	(void)state;
	close(s.fds.log_file);
	message_log_forget_next(&s, &s.config);
	munmap(s.board, s.board->size_bytes);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	return system(command);
}

static void move(const char *from, const char *to)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];

	snprintf(from_path, sizeof(from_path), "%s/%s", directory, from);
	snprintf(to_path, sizeof(to_path), "%s/%s", directory, to);
	assert_int_equal(rename(from_path, to_path), 0);
}

/* Asserts that the log is the file with this NAME now. */
static void check_log_is(const char *name)
{
	char path[PATH_MAX];
	struct stat named, ours;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(stat(path, &named), 0);
	assert_int_equal(fstat(s.fds.log_file, &ours), 0);
	assert_int_equal(named.st_ino, ours.st_ino);
	assert_int_equal(s.log.next_file, -1);
}

static void open_next(const char *name)
{
	struct config fresh = s.config;

	snprintf(fresh.path, sizeof(fresh.path), "%s/%s", directory, name);
	assert_int_equal(message_log_open_next(&s, &fresh), 0);
	s.config = fresh;
}

static void test_reopen(void **state)
{
	(void)state;
	assert_int_equal(message_log_reopen(&s), 0);
	check_log_is("one.log");
	move("one.log", "old");
	assert_int_equal(message_log_reopen(&s), 0);
	check_log_is("one.log");
}

static void test_reopen_after_a_reload(void **state)
{
	ino_t inode;
	struct stat st;

	(void)state;
	open_next("two.log");
	assert_int_equal(fstat(s.log.next_file, &st), 0);
	inode = st.st_ino;
	assert_int_equal(message_log_reopen(&s), 0);
	check_log_is("two.log");
	assert_int_equal(fstat(s.fds.log_file, &st), 0);
	assert_int_equal(st.st_ino, inode);
}

/* After the reload, and before the logger uses the new file. */
static void test_renamed_after_a_reload(void **state)
{
	(void)state;
	open_next("two.log");
	move("two.log", "old");
	assert_int_equal(message_log_reopen(&s), 0);
	check_log_is("two.log");
}

/* Renamed, and another file already has the name. */
static void test_replaced_after_a_reload(void **state)
{
	char path[PATH_MAX];
	int fd;

	(void)state;
	open_next("two.log");
	move("two.log", "old");
	snprintf(path, sizeof(path), "%s/two.log", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && close(fd) == 0);
	assert_int_equal(message_log_reopen(&s), 0);
	check_log_is("two.log");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reopen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reopen_after_a_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renamed_after_a_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced_after_a_reload, set_up, tear_down),
	};

	unsetenv("NOTIFY_SOCKET");
	return cmocka_run_group_tests_name("message_log", tests, NULL, NULL);
}
