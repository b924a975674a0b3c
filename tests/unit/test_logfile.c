/* SPDX-License-Identifier: MIT */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "format/record.h"
#include "format/record_message.h"
#include "logger/logfile.h"
#include "random.h"

#define TIME UINT64_C(1795381445000000)

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

static void assert_mode(const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void test_open_creates_with_the_mode(void **state)
{
	static const mode_t umasks[] = {0, 022, 027, 077, 0777}, modes[] = {0640, 0600, 0664, 0620};

	(void)state;
	for (size_t i = 0; i < sizeof(umasks) / sizeof(umasks[0]); i++)
		for (size_t k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
			mode_t old = umask(umasks[i]);
			int fd = logfile_open(path, modes[k]);

			umask(old);
			assert_true(fd >= 0);
			assert_mode(path, modes[k]);
			assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
			close(fd);
			/* An existing file keeps its mode. */
			assert_int_equal(chmod(path, 0606), 0);
			fd = logfile_open(path, modes[k]);
			assert_true(fd >= 0);
			assert_mode(path, 0606);
			close(fd);
			unlink(path);
		}
}

/* A dangling link: the file is made where it leads, with the mode. */
static void test_open_through_a_link(void **state)
{
	mode_t old = umask(077);
	int fd;

	(void)state;
	assert_int_equal(symlink("real", path), 0);
	fd = logfile_open(path, 0644);
	umask(old);
	assert_true(fd >= 0);
	assert_true(logfile_has_mode(fd, 0644));
	assert_false(logfile_has_mode(fd, 0640));
	assert_mode(beside("real"), 0644);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_SAME);
	put_file(beside("other"), "x", 1);
	/* The link is switched: that is a move. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_MOVED);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(logfile_open(path, 0644), -ELOOP);
}

static void test_open_at_the_end(void **state)
{
	int fd;

	(void)state;
	put_file(path, "hello\n", 6);
	fd = logfile_open(path, 0640);
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 6);
	close(fd);
}

static void test_open_locks(void **state)
{
	int fd = logfile_open(path, 0640), copy_fd;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(logfile_open(path, 0640), -EBUSY);
	/* Any copy of the descriptor keeps the lock, and other readers do not release it. */
	copy_fd = dup(fd);
	close(fd);
	close(open(path, O_RDWR | O_CLOEXEC));
	assert_int_equal(logfile_open(path, 0640), -EBUSY);
	close(copy_fd);
	fd = logfile_open(path, 0640);
	assert_true(fd >= 0);
	close(fd);
}

static void test_open_wants_a_regular_file(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(logfile_open(path, 0640), -ENOTSUP);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(logfile_open(path, 0640), -ENOTSUP);
	close(fd);
	assert_mode(path, 0600);
	unlink(path);
	assert_int_equal(logfile_open("/dev/null", 0640), -ENOTSUP);

	/* These two cannot even be opened. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(logfile_open(path, 0640), -EISDIR);
	assert_mode(path, 0700);
	rmdir(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(logfile_open(path, 0640), -ENXIO);
	close(fd);
	unlink(path);

	assert_int_equal(logfile_open(beside("no/such.log"), 0640), -ENOENT);
	assert_int_equal(logfile_open("/dev/null/m.log", 0640), -ENOTDIR);
}

/* --- what is in it */

static struct record_style style;

static size_t make_message(char *buf, uint64_t id, const char *data, size_t len)
{
	const struct record_head head = {.time_usec = TIME, .id = id, .n = 1,
					 .peer = "192.0.2.1:7"};
	size_t taken;

	return record_message(&style, buf, RECORD_MAX, &head, data, len, &taken);
}

static struct logfile_contents examine(const void *data, size_t len, enum log_format format)
{
	struct logfile_contents contents;
	int fd;

	memset(&contents, 0xa5, sizeof(contents));
	put_file(path, data, len);
	fd = logfile_open(path, 0640);
	assert_true(fd >= 0);
	assert_int_equal(logfile_examine(fd, format, &contents), 0);
	/* The offset stays, because the next logger continues there. */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
	close(fd);
	return contents;
}

static void test_examine_text_and_json(void **state)
{
	static const enum log_format formats[] = {FORMAT_TEXT, FORMAT_JSON};
	struct logfile_contents c;
	char buf[3 * RECORD_MAX];
	size_t one, len;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		record_style_init(&style, formats[i]);
		c = examine("", 0, formats[i]);
		assert_true(c.is_empty && !c.is_other_format);
		assert_int_equal(c.torn_bytes, 0);
		assert_int_equal(c.last_id, 0);

		one = make_message(buf, 0x70, "hello", 5);
		len = one + make_message(buf + one, 0x50, "hello", 5);
		c = examine(buf, len, formats[i]);
		assert_false(c.is_empty || c.is_other_format);
		assert_int_equal(c.torn_bytes, 0);
		assert_int_equal(c.last_id, 0x70);
		assert_true(examine(buf, len, formats[!i]).is_other_format);
		assert_true(examine(buf, len, FORMAT_RAW).is_other_format);

		/* Torn at every byte of the first record and of the second. */
		for (size_t cut = 1; cut < len; cut++) {
			c = examine(buf, cut, formats[i]);
			assert_false(c.is_empty || c.is_other_format);
			assert_int_equal(c.torn_bytes, cut < one ? cut : cut - one);
			assert_int_equal(c.last_id, cut < one ? 0 : 0x70);
		}
	}
}

static void test_examine_foreign_files(void **state)
{
	char noise[RECORD_MAX];
	struct logfile_contents c;

	(void)state;
	memset(noise, 'x', sizeof(noise));
	assert_true(examine("hello\n", 6, FORMAT_TEXT).is_other_format);
	assert_true(examine("\n", 1, FORMAT_TEXT).is_other_format);
	assert_true(examine("{}\n", 3, FORMAT_JSON).is_other_format);
	/* A record has a newline earlier. */
	assert_true(examine(noise, sizeof(noise), FORMAT_TEXT).is_other_format);
	c = examine("hello\nthe\x00re", 11, FORMAT_RAW);
	assert_false(c.is_empty || c.is_other_format);
	assert_int_equal(c.torn_bytes, 0);
	assert_int_equal(c.last_id, 0);
}

/* Only the end of the file is read, from the middle of a record on. */
static void test_examine_a_large_file(void **state)
{
	static char buf[1024 * 1024];
	size_t len = 0;

	(void)state;
	record_style_init(&style, FORMAT_TEXT);
	for (uint64_t id = 1; len < 600000; id++)
		len += make_message(buf + len, id == 1 ? 0xffff : id, "0123456789", 10);
	assert_true(examine(buf, len, FORMAT_TEXT).last_id > 5000);
	assert_true(examine(buf, len, FORMAT_TEXT).last_id < 0xffff);
	assert_int_equal(examine(buf, len - 1, FORMAT_TEXT).torn_bytes,
			 (char *)buf + len - 1 - (char *)memrchr(buf, '\n', len - 1) - 1);
	/* The torn line is longer than any record. */
	memset(buf + len, 'x', sizeof(buf) - len);
	assert_true(examine(buf, sizeof(buf), FORMAT_TEXT).torn_bytes > 0);
}

static void test_check(void **state)
{
	int fd = logfile_open(path, 0640);

	(void)state;
	assert_int_equal(write(fd, "hello\n", 6), 6);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_SAME);
	assert_int_equal(logfile_check(fd, path, 6), LOGFILE_SAME);
	assert_int_equal(logfile_check(fd, path, 7), LOGFILE_TRUNCATED);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(logfile_check(fd, path, 6), LOGFILE_TRUNCATED);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_SAME);

	assert_int_equal(rename(path, beside("m.log.1")), 0);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_MOVED);
	put_file(path, "hello\n", 6);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_MOVED);
	/* A file that was truncated and renamed counts as renamed. */
	assert_int_equal(logfile_check(fd, path, 6), LOGFILE_MOVED);
	assert_int_equal(logfile_check(fd, "/dev/null/m.log", 0), LOGFILE_MOVED);
	assert_int_equal(unlink(beside("m.log.1")), 0);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_DELETED);
	unlink(path);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_DELETED);
	close(fd);
	fd = logfile_open(path, 0640);
	/* A link to the file counts as the file. */
	assert_int_equal(rename(path, beside("real")), 0);
	assert_int_equal(symlink("real", path), 0);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_SAME);
	/* A path that cannot be looked up proves nothing. */
	unlink(path);
	assert_int_equal(symlink("m.log", path), 0);
	assert_int_equal(logfile_check(fd, path, 0), LOGFILE_SAME);
	close(fd);
}

/* --- counting */

/* Counts words.  No payload below contains them. */
static uint64_t count_naively(enum log_format format, const char *data, const char *end)
{
	const char *word = format == FORMAT_JSON ? "\"event\":\"message\"" : " message ";
	size_t len = strlen(word);
	uint64_t n = 0;

	for (; (data = memmem(data, (size_t)(end - data), word, len)); data += len)
		n++;
	return n;
}

static void count_in(enum log_format format)
{
	static char buf[1100 * 1024], payload[9000];
	const struct record_head head = {.time_usec = TIME, .id = 1, .peer = "192.0.2.1:7"};
	struct message_count count = {0};
	size_t len = 0, middle = 0, taken;
	int fd;

	record_style_init(&style, format);
	while (len < 1000 * 1024) {
		size_t size = 1 + random_below(random_below(8) ? 300 : sizeof(payload)), done = 0;

		random_fill(RANDOM_BINARY, (unsigned char *)payload, size);
		for (; done < size; done += taken)
			len += record_message(&style, buf + len, RECORD_MAX, &head, payload + done,
					      size - done, &taken);
		if (random_below(5) == 0)
			len += record_open(&style, buf + len, &head);
		if (middle == 0 && len > 300 * 1024)
			middle = len;
	}
	put_file(path, buf, len);
	fd = logfile_open(path, 0640);
	assert_int_equal(logfile_count_messages(fd, format, middle, &count), 0);
	assert_int_equal(count.offset_bytes, middle);
	assert_int_equal(count.has.messages, count_naively(format, buf, buf + middle));
	assert_int_equal(logfile_count_messages(fd, format, len, &count), 0);
	assert_int_equal(count.offset_bytes, len);
	assert_int_equal(count.has.messages, count_naively(format, buf, buf + len));
	assert_true(count.has.messages > 500);
	/* A second count adds nothing. */
	assert_int_equal(logfile_count_messages(fd, format, len, &count), 0);
	assert_int_equal(count.has.messages, count_naively(format, buf, buf + len));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
	close(fd);
}

static void test_count(void **state)
{
	struct message_count count = {0};
	int fd;

	(void)state;
	count_in(FORMAT_TEXT);
	count_in(FORMAT_JSON);
	fd = logfile_open(path, 0640);
	assert_int_equal(logfile_count_messages(fd, FORMAT_RAW, 1000, &count), 0);
	assert_int_equal(count.offset_bytes, 1000);
	assert_int_equal(count.has.messages, 0);
	close(fd);
}

/* A line that is longer than any record, and than the buffer, does not end the count. */
static void test_count_passes_noise(void **state)
{
	static char buf[700 * 1024];
	struct message_count count = {0};
	size_t len = 600 * 1024;
	int fd;

	(void)state;
	record_style_init(&style, FORMAT_TEXT);
	memset(buf, 'x', len);
	buf[len - 1] = '\n';
	len += make_message(buf + len, 1, "hello", 5);
	put_file(path, buf, len);
	fd = logfile_open(path, 0640);
	assert_int_equal(logfile_count_messages(fd, FORMAT_TEXT, len, &count), 0);
	assert_int_equal(count.has.messages, 1);
	assert_int_equal(count.offset_bytes, len);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_creates_with_the_mode),
		TEST(test_open_through_a_link),
		TEST(test_open_at_the_end),
		TEST(test_open_locks),
		TEST(test_open_wants_a_regular_file),
		TEST(test_examine_text_and_json),
		TEST(test_examine_foreign_files),
		TEST(test_examine_a_large_file),
		TEST(test_check),
		TEST(test_count),
		TEST(test_count_passes_noise),
	};

	random_seed();
	return cmocka_run_group_tests_name("logfile", tests, NULL, NULL);
}
