/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/journal.h"

#define ID_LEN 32

static char said[1 << 20];

/* Runs SPEAK and reads into `said` what it writes to stderr.  Returns the number of lines. */
static unsigned listen_to(void (*speak)(void))
{
	int saved = dup(STDERR_FILENO), file = fileno(tmpfile());
	unsigned lines = 0;
	ssize_t len;

	dup2(file, STDERR_FILENO);
	speak();
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = pread(file, said, sizeof(said) - 1, 0);
	assert_true(len >= 0);
	said[len] = '\0';
	for (char *p = said; (p = strchr(p, '\n')); p++)
		lines++;
	return lines;
}

static void say_one(void)
{
	errno = ENOSPC;
	journal_field("LOG_PATH=%s", "/x");
	journal_event(JOURNAL_LOG_STALLED, LOG_ERR, "cannot write: %m");
	assert_int_equal(errno, ENOSPC);
}

static void test_words_only_where_stderr_is_no_journal(void **state)
{
	(void)state;
	journal_open();
	assert_int_equal(journal_fd(), -1);
	assert_false(journal_is_stderr());
	assert_int_equal(listen_to(say_one), 1);
	assert_string_equal(said, "echo-logd: cannot write: No space left on device\n");
	assert_string_equal(journal_last_error(), "cannot write: No space left on device");
	/* There is no journal to wait for. */
	journal_flush();
}

#define FLOOD 2000

static void flood(void)
{
	for (unsigned i = 0; i < FLOOD; i++)
		journal_warning("warning %u", i);
	for (unsigned i = 0; i < FLOOD; i++)
		journal_error("error %u", i);
}

/* The rate of messages is limited.  However many warnings there are, errors are still written. */
static void test_a_flood(void **state)
{
	uint64_t began = clock_monotonic_usec(), allowed;
	unsigned lines, errors = 0;

	(void)state;
	lines = listen_to(flood);
	allowed = JOURNAL_BURST +
		  (clock_monotonic_usec() - began) * JOURNAL_PER_SECOND / 1000000 + 1;
	assert_true(lines >= JOURNAL_BURST);
	/* Warnings and errors have a limit each.  Other lines count suppressed messages. */
	assert_true(lines <= 4 * allowed);
	assert_non_null(strstr(said, "echo-logd: warning 0\n"));
	assert_non_null(strstr(said, "echo-logd: error 0\n"));
	assert_non_null(strstr(said, "messages of this process: too many per second"));
	for (char *p = said; (p = strstr(p, "echo-logd: error ")); p++)
		errors++;
	/* The test before this one wrote one. */
	assert_true(errors >= JOURNAL_BURST - 1);
	assert_true(errors <= allowed);
	assert_string_equal(journal_last_error(), "error 1999");
}

/* --- the catalogue */

static char catalog[1 << 16];

static void read_catalog(void)
{
	const char *top = getenv("ECHO_LOGD_SRCDIR");
	char path[4096];
	ssize_t len;
	int fd;

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/systemd/echo-logd.catalog", top);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	len = read(fd, catalog, sizeof(catalog) - 1);
	assert_true(len > 0 && (size_t)len < sizeof(catalog) - 1);
	catalog[len] = '\0';
	close(fd);
}

static void test_each_event_is_explained(void **state)
{
	unsigned entries = 0;

	(void)state;
	read_catalog();
	assert_null(journal_event_id(JOURNAL_NONE));
	for (enum journal_event event = JOURNAL_NONE + 1; event < N_JOURNAL_EVENTS; event++) {
		const char *id = journal_event_id(event), *entry;
		char head[ID_LEN + 8];

		assert_non_null(id);
		assert_int_equal(strlen(id), ID_LEN);
		assert_int_equal(strspn(id, "0123456789abcdef"), ID_LEN);
		snprintf(head, sizeof(head), "\n-- %s\n", id);
		entry = strstr(catalog, head);
		assert_non_null(entry);
		assert_null(strstr(entry + 1, head));
		entry += strlen(head);
		assert_memory_equal(entry, "Subject: ", strlen("Subject: "));
		/* The header lines, an empty line, and the explanation. */
		entry = strstr(entry, "\n\n");
		assert_non_null(entry);
		assert_true(isupper((unsigned char)entry[2]) || entry[2] == '@');
	}
	for (char *p = catalog; (p = strstr(p, "\n-- ")); p++)
		entries++;
	assert_int_equal(entries, N_JOURNAL_EVENTS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_only_where_stderr_is_no_journal),
		cmocka_unit_test(test_a_flood),
		cmocka_unit_test(test_each_event_is_explained),
	};

	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
