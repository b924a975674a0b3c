/* SPDX-License-Identifier: MIT */
/* Rotated files: their names, and how many are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "logger/logfile_rotated.h"

static char directory[64], path[80];

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test_logfile.XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/m.log", directory);
	return 0;
}

static int tear_down(void **state)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	(void)state;
	while (dir && (entry = readdir(dir)))
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	closedir(dir);
	return rmdir(directory);
}

/* The path of NAME in the directory of the log. */
static const char *beside(const char *name)
{
	static char full[2][PATH_MAX];
	static unsigned turn;

	turn = !turn;
	snprintf(full[turn], sizeof(full[turn]), "%s/%s", directory, name);
	return full[turn];
}

static void put_file(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static bool exists(const char *name)
{
	return access(name, F_OK) == 0;
}

/* The time that logger/logfile.c reads; 0 means the real time. */
static uint64_t frozen_usec;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (clock != CLOCK_REALTIME || frozen_usec == 0)
		return (int)syscall(SYS_clock_gettime, clock, ret);
	*ret = (struct timespec){.tv_sec = (time_t)(frozen_usec / 1000000),
				 .tv_nsec = (long)(frozen_usec % 1000000 * 1000)};
	return 0;
}

static char first_byte_of(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	char c = 0;

	assert_true(fd >= 0);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	return c;
}

static void assert_set_aside(uint64_t time_usec, const char *expected)
{
	char name[PATH_MAX];
	struct stat st;

	frozen_usec = time_usec;
	put_file(path, expected, 1);
	assert_int_equal(logfile_set_aside(path, name), 0);
	assert_string_equal(name, beside(expected));
	assert_int_equal(strlen(name), strlen(path) + LOGFILE_SUFFIX_LEN);
	assert_false(exists(path));
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_size, 1);
}

static void test_set_aside(void **state)
{
	char name[PATH_MAX];

	(void)state;
	assert_int_equal(logfile_set_aside(path, name), -ENOENT);
	assert_set_aside(UINT64_C(1), "m.log.19700101T000000.000001Z");
	assert_set_aside(UINT64_C(951827696000000), "m.log.20000229T123456.000000Z");
	assert_set_aside(UINT64_C(1795381445123456), "m.log.20261122T210405.123456Z");
}

/* The clock was ahead when the newest file was rotated: the next name still follows it. */
static void test_names_rise(void **state)
{
	(void)state;
	assert_set_aside(UINT64_C(1795381445999999), "m.log.20261122T210405.999999Z");
	assert_set_aside(UINT64_C(951827696000000), "m.log.20261122T210406.000000Z");
	assert_set_aside(UINT64_C(1), "m.log.20261122T210406.000001Z");
	assert_set_aside(UINT64_C(1795381447000000), "m.log.20261122T210407.000000Z");
	/* Nothing may follow the last year, so a name of that year is not one of ours. */
	put_file(beside("m.log.99991231T235959.999999Z"), "x", 1);
	put_file(beside("m.log.20271322T210405.123456Z"), "x", 1);
	assert_set_aside(UINT64_C(1), "m.log.20261122T210407.000001Z");
	assert_int_equal(logfile_prune(path, 1), 4);
	assert_true(exists(beside("m.log.20261122T210407.000001Z")));
}

static void test_foreign_files_are_not_pruned(void **state)
{
	char name[PATH_MAX];

	(void)state;
	frozen_usec = UINT64_C(1795381445123456);
	put_file(path, "x", 1);
	assert_int_equal(logfile_set_foreign_aside(path, name), 0);
	assert_string_equal(name, beside("m.log.20261122T210405.123456Z.foreign"));
	assert_set_aside(frozen_usec + 1, "m.log.20261122T210405.123457Z");
	assert_set_aside(frozen_usec + 2, "m.log.20261122T210405.123459Z");
	assert_int_equal(logfile_prune(path, 1), 1);
	assert_true(exists(name));
}

/* A link and a directory with such names are not files that were rotated. */
static void test_prune_deletes_only_files(void **state)
{
	(void)state;
	assert_int_equal(symlink("nowhere", beside("m.log.20261122T210405.123456Z")), 0);
	assert_int_equal(mkdir(beside("m.log.20261122T210405.123457Z"), 0700), 0);
	put_file(beside("m.log.20261122T210405.123458Z"), "x", 1);
	put_file(beside("m.log.20261122T210405.123459Z"), "x", 1);
	assert_int_equal(logfile_prune(path, 1), 1);
	assert_false(exists(beside("m.log.20261122T210405.123458Z")));
	assert_true(exists(beside("m.log.20261122T210405.123459Z")));
}

/* The path of the log is a link: everything happens where it leads. */
static void test_behind_a_link(void **state)
{
	char name[PATH_MAX];

	(void)state;
	assert_int_equal(mkdir(beside("real"), 0700), 0);
	assert_int_equal(symlink("real/here", beside("second")), 0);
	assert_int_equal(symlink(beside("second"), path), 0);
	for (frozen_usec = 1; frozen_usec < 4; frozen_usec++) {
		put_file(path, "x", 1);
		assert_int_equal(logfile_set_aside(path, name), 0);
	}
	assert_string_equal(name, beside("real/here.19700101T000000.000003Z"));
	assert_int_equal(logfile_prune(path, 2), 1);
	assert_true(exists(beside("real/here.19700101T000000.000002Z")) && exists(name));
	assert_int_equal(logfile_prune(path, 1), 1);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(beside("real")), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(logfile_set_aside(path, name), -ELOOP);
	assert_int_equal(logfile_prune(path, 1), -ELOOP);
}

/* If a file has the name, the name of the next free microsecond is used, here after midnight. */
static void test_set_aside_overwrites_nothing(void **state)
{
	char name[PATH_MAX];

	(void)state;
	frozen_usec = UINT64_C(1795391999999997);
	put_file(path, "a", 1);
	put_file(beside("m.log.20261122T235959.999997Z"), "b", 1);
	assert_int_equal(symlink("nowhere", beside("m.log.20261122T235959.999998Z")), 0);
	assert_int_equal(mkdir(beside("m.log.20261122T235959.999999Z"), 0700), 0);
	assert_int_equal(logfile_set_aside(path, name), 0);
	assert_string_equal(name, beside("m.log.20261123T000000.000000Z"));
	assert_int_equal(first_byte_of(name), 'a');
	assert_int_equal(first_byte_of(beside("m.log.20261122T235959.999997Z")), 'b');
	put_file(path, "c", 1);
	assert_int_equal(logfile_set_aside(path, name), 0);
	assert_string_equal(name, beside("m.log.20261123T000000.000001Z"));
	assert_int_equal(first_byte_of(beside("m.log.20261123T000000.000000Z")), 'a');
}

static const char *const foreign[] = {
	"m.log", "m.log.1", "m.log.gz", "m.log.", "m.log.20261122T210405.123456Z.gz",
	"m.log.20261122T210405.123456", "m.log.20261122T210405.123456z", "m.log.20261122T210405Z",
	"m.log.20261122t210405.123456Z", "m.log.2026112aT210405.123456Z",
	"m.log-20261122T210405.123456Z", "xm.log.20261122T210405.123456Z",
	"m.log2.20261122T210405.123456Z", "m.logs20261122T210405.123456Z", "other",
	"M.LOG.20261122T210405.123456Z", "m.log.20261122T210405.1234567Z",
	".m.log.20261122T210405.123456Z", "m.log.20261122T210405.123456Z.spill",
	"m.log.20261122T210405.123456Z.foreign", "m.log.20261131T210405.123456Z",
	"m.log.99990101T000000.000000Z",
};

static void put_rotated(unsigned n)
{
	/* Made in another order than that of their names. */
	for (unsigned i = 0; i < n; i++) {
		char name[64];
		unsigned k = i * 7 % n;

		snprintf(name, sizeof(name), "m.log.202611%02uT2104%02u.12345%uZ", 10 + k / 5,
			 k % 5, k % 10);
		put_file(beside(name), "x", 1);
	}
}

static unsigned count_rotated(unsigned first, unsigned n)
{
	unsigned there = 0;

	for (unsigned k = first; k < n; k++) {
		char name[64];

		snprintf(name, sizeof(name), "m.log.202611%02uT2104%02u.12345%uZ", 10 + k / 5,
			 k % 5, k % 10);
		there += exists(beside(name));
	}
	return there;
}

static void test_prune(void **state)
{
	static const unsigned keeps[] = {20, 19, 19, 5, 2, 1, 1};
	unsigned left = 20;

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		put_file(beside(foreign[i]), "x", 1);
	put_rotated(20);
	assert_int_equal(logfile_prune(path, 1000000), 0);
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		assert_int_equal(logfile_prune(path, keeps[i]), left - keeps[i]);
		left = keeps[i];
		/* The newest files are kept. */
		assert_int_equal(count_rotated(0, 20), left);
		assert_int_equal(count_rotated(20 - left, 20), left);
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_true(exists(beside(foreign[i])));
	assert_int_equal(logfile_prune(beside("no/m.log"), 1), -ENOENT);
}

static void test_prune_deletes_what_set_aside_made(void **state)
{
	char name[3][PATH_MAX];

	(void)state;
	frozen_usec = 0;
	for (unsigned i = 0; i < 3; i++) {
		put_file(path, "x", 1);
		assert_int_equal(logfile_set_aside(path, name[i]), 0);
	}
	assert_int_equal(logfile_prune(path, 1), 2);
	assert_false(exists(name[0]) || exists(name[1]));
	assert_true(exists(name[2]));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_set_aside),
		TEST(test_set_aside_overwrites_nothing),
		TEST(test_names_rise),
		TEST(test_foreign_files_are_not_pruned),
		TEST(test_prune_deletes_only_files),
		TEST(test_behind_a_link),
		TEST(test_prune),
		TEST(test_prune_deletes_what_set_aside_made),
	};

	/* Names are in UTC in every time zone. */
	setenv("TZ", "XYZ-9", 1);
	tzset();
	return cmocka_run_group_tests_name("logfile_rotated", tests, NULL, NULL);
}
